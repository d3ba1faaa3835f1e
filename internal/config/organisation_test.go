package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/policy"
)

// withOwn is the example with further lines about its organisation.
func withOwn(t *testing.T, lines string) string {
	t.Helper()
	example, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const last = "    requireDevice: true\n"
	return strings.Replace(string(example), last, last+lines, 1)
}

func TestEveryMethodOfThePolicyCanBeAllowed(t *testing.T) {
	t.Parallel()
	var names []string
	for m := range policy.All() {
		service, _, _ := strings.Cut(strings.TrimPrefix(m.Name, "/"), "/")
		names = append(names, m.Name, service)
	}
	path := write(t, withOwn(t, fmt.Sprintf("    methods: [%s]\n", strings.Join(names, ", "))))
	if _, err := config.Load(path, nothing, config.Overrides{}); err != nil {
		t.Error(err)
	}
}

// What is the gateway's comes from the environment, and what is an organisation's own does not: there is one such variable,
// and it would make all of them the same.
func TestTheEnvironmentReachesNoOrganisation(t *testing.T) {
	t.Parallel()
	path := write(t, withOwn(t, `    proxy:
      certificateFile: /own.pem
      keyFile: /own.key
    token:
      apiKeyFile: /own.apikey
      keyID: own-1
      privateKeyFile: /own.platform.key
    pdsRequestsPerSecond: 2
    methods: [spinegate.v1.PatientTrace]
    limit: 0.5
`))
	c, err := config.Load(path, func(string) (string, bool) { return "/environment", true }, config.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	o := c.Organisations[0]
	if c.Spine.Proxy.KeyFile != "/environment" || o.Proxy.KeyFile != "/own.key" || o.Token.APIKeyFile != "/own.apikey" || o.Token.PrivateKeyFile != "/own.platform.key" {
		t.Errorf("proxy %s, own %+v, %+v", c.Spine.Proxy.KeyFile, o.Proxy, o.Token)
	}
	err = c.CheckFiles()
	for _, key := range []string{"organisations[0].proxy.certificateFile", "organisations[0].token.privateKeyFile"} {
		if err == nil || !strings.Contains(err.Error(), key+": ") {
			t.Errorf("%s is not reported in:\n%v", key, err)
		}
	}
}
