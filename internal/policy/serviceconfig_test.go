package policy_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/policy"
)

// serviceConfig is the part of gRPC's service config that ours uses. A member that is not here fails the test.
type serviceConfig struct {
	MethodConfig []struct {
		Name []struct {
			Service string `json:"service"`
			Method  string `json:"method"`
		} `json:"name"`
		Timeout                 string       `json:"timeout"`
		MaxRequestMessageBytes  int          `json:"maxRequestMessageBytes"`
		MaxResponseMessageBytes int          `json:"maxResponseMessageBytes"`
		RetryPolicy             *retryPolicy `json:"retryPolicy"`
	} `json:"methodConfig"`
	RetryThrottling struct {
		MaxTokens  int     `json:"maxTokens"`
		TokenRatio float64 `json:"tokenRatio"`
	} `json:"retryThrottling"`
}

type retryPolicy struct {
	MaxAttempts          int      `json:"maxAttempts"`
	InitialBackoff       string   `json:"initialBackoff"`
	MaxBackoff           string   `json:"maxBackoff"`
	BackoffMultiplier    float64  `json:"backoffMultiplier"`
	RetryableStatusCodes []string `json:"retryableStatusCodes"`
}

// Clients wait as long as the gateway may take, and repeat by themselves what may be repeated.
func TestTheServiceConfigAgreesWithTheTable(t *testing.T) {
	file, err := os.Open("../../gen/service_config.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	var config serviceConfig
	if err := decoder.Decode(&config); err != nil {
		t.Fatal(err)
	}
	named := make(map[string]int)
	for _, group := range config.MethodConfig {
		for _, name := range group.Name {
			full := "/" + name.Service + "/" + name.Method
			named[full]++
			row, ok := policy.For(full)
			if !ok {
				t.Errorf("%s is no method", full)
				continue
			}
			if timeout, err := time.ParseDuration(group.Timeout); err != nil || timeout != row.Budget.Total {
				t.Errorf("%s: timeout %s, the table says %s", full, group.Timeout, row.Budget.Total)
			}
			if group.MaxRequestMessageBytes != policy.MaxRequest || group.MaxResponseMessageBytes != 4*policy.MaxMessage {
				t.Errorf("%s: messages of %d and %d bytes", full, group.MaxRequestMessageBytes, group.MaxResponseMessageBytes)
			}
			// What a caller has sent on a stream of theirs cannot be sent again by gRPC.
			repeated := !row.Write && !methods()[full].IsStreamingClient()
			if (group.RetryPolicy != nil) != repeated {
				t.Errorf("%s: has a retry policy: %t", full, group.RetryPolicy != nil)
			}
			if r := group.RetryPolicy; r != nil && !slices.Equal(r.RetryableStatusCodes, []string{"UNAVAILABLE"}) {
				t.Errorf("%s is repeated on %s", full, strings.Join(r.RetryableStatusCodes, ", "))
			}
		}
	}
	want := make(map[string]int)
	for row := range policy.All() {
		want[row.Name] = 1
	}
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("methods (-table +config):\n%s", diff)
	}
}
