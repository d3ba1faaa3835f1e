package reach

import (
	"cmp"
	"fmt"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// Application is what a configuration says of one that the API platform knows: the gateway's, or an organisation's own.
type Application struct {
	config.Application

	// Key and RateKey are the settings that hold it, and its rate at PDS.
	Key, RateKey string
	// Rate is how many requests a second it may make to PDS.
	Rate float64
}

// ApplicationOf finds the application of an organisation, or the gateway's for the zero code.
func ApplicationOf(c config.Config, ods nhs.ODSCode) (Application, error) {
	rate := c.Spine.PDS.RequestsPerSecond
	if ods.IsZero() {
		return Application{c.Spine.Token.Application(), "spine.token", "spine.pds.requestsPerSecond", rate}, nil
	}
	for i, o := range c.Organisations {
		if code, err := nhs.ParseODSCode(o.ODS); err == nil && code == ods {
			key := fmt.Sprintf("organisations[%d].", i)
			return Application{o.Token, key + "token", key + "pdsRequestsPerSecond", cmp.Or(o.PDSRequestsPerSecond, rate)}, nil
		}
	}
	return Application{}, fmt.Errorf("organisations: %s is missing: which there are is settled at the start: restart", ods)
}

// Applications are the organisations that have an application of their own, after the zero code for the gateway's.
func Applications(c config.Config) ([]nhs.ODSCode, error) {
	all := []nhs.ODSCode{{}}
	for i, o := range c.Organisations {
		if o.Token.IsZero() {
			continue
		}
		ods, err := nhs.ParseODSCode(o.ODS)
		if err != nil {
			return nil, fmt.Errorf("organisations[%d].ods: %w", i, err)
		}
		all = append(all, ods)
	}
	return all, nil
}

// Distinct refuses a configuration in which two of these applications have one API key: it stands for one application, which
// has one quota and one key set.
func Distinct(c config.Config, all []nhs.ODSCode) error {
	known := make(map[string]string, len(all)) // where a key is, by what it is
	for _, ods := range all {
		a, err := ApplicationOf(c, ods)
		if err != nil {
			return err
		}
		if a.APIKeyFile == "" {
			continue // PDS asks for no token
		}
		text, err := a.APIKeyFile.Read()
		if err != nil {
			return fmt.Errorf("%s.apiKeyFile: %w", a.Key, err)
		}
		if other, taken := known[text.Reveal()]; taken {
			return fmt.Errorf("%s.apiKeyFile: %s has this API key: an application of its own needs its own", a.Key, other)
		}
		known[text.Reveal()] = a.Key
	}
	return nil
}

// Tokens makes the source of the application's access tokens, signed with a key of its own. The token service is reached as
// upstream says. Nothing is dialled.
func (a Application) Tokens(key spine.SigningKey, upstream spine.Config) (*spine.Tokens, error) {
	apiKey, err := a.APIKeyFile.Read()
	if err != nil {
		return nil, fmt.Errorf("%s.apiKeyFile: %w", a.Key, err)
	}
	var secret nhs.Secret
	if a.ClientSecretFile != "" {
		if secret, err = a.ClientSecretFile.Read(); err != nil {
			return nil, fmt.Errorf("%s.clientSecretFile: %w", a.Key, err)
		}
	}
	tokens, err := spine.NewTokens(spine.TokensConfig{Upstream: upstream, APIKey: apiKey.Reveal(), Key: key, ClientSecret: secret})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Key, err)
	}
	return tokens, nil
}
