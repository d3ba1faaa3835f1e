// Package reach turns what an operator configured into what reaches the Spine: certificates and authorities, the keys of
// applications, and the clients of the token service and the directory. The gateway starts from it, and package doctor tries
// it without a gateway, so that both mean the same by one configuration.
//
// Errors name the setting, and never what is in a file.
package reach

import (
	"encoding/hex"
	"fmt"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/spine"
)

var environments = map[config.Environment]pb.Environment{
	config.Embedded:    pb.Environment_ENVIRONMENT_EMBEDDED,
	config.Sandbox:     pb.Environment_ENVIRONMENT_SANDBOX,
	config.Integration: pb.Environment_ENVIRONMENT_INTEGRATION,
	config.Live:        pb.Environment_ENVIRONMENT_LIVE,
}

// Environment is the API's word for a configured environment.
func Environment(e config.Environment) pb.Environment { return environments[e] }

// Addresses says which practices' addresses may be called.
func Addresses(c config.Config) spine.AddressPolicy {
	return spine.AddressPolicy{HostSuffixes: c.Spine.Proxy.AddressSuffixes}
}

// Directory makes the client of SDS, which is reached as upstream says. Nothing is dialled.
func Directory(c config.Config, upstream spine.Config) (*sds.Client, error) {
	var key string
	if c.Spine.SDS.APIKeyFile != "" {
		secret, err := c.Spine.SDS.APIKeyFile.Read()
		if err != nil {
			return nil, fmt.Errorf("spine.sds.apiKeyFile: %w", err)
		}
		key = secret.Reveal()
	}
	systems, err := sds.New(sds.Config{
		Upstream: upstream, APIKey: key, Addresses: Addresses(c), PerMinute: c.Spine.SDS.RequestsPerMinute,
	})
	if err != nil {
		return nil, fmt.Errorf("spine.sds: %w", err)
	}
	return systems, nil
}

// HandleKeys are the keys that handles are sealed with.
func HandleKeys(c config.Config) ([][]byte, error) {
	var keys [][]byte
	for i, file := range c.Handles.KeyFiles {
		text, err := file.Read()
		if err != nil {
			return nil, fmt.Errorf("handles.keyFiles[%d]: %w", i, err)
		}
		key, err := hex.DecodeString(text.Reveal())
		if err != nil {
			return nil, fmt.Errorf("handles.keyFiles[%d]: 64 hexadecimal digits are needed", i)
		}
		keys = append(keys, key)
	}
	return keys, nil
}
