package simulator_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spinegate/spinegate/internal/simulator"
)

// fixture reads a published file of SDS.
func fixture(t *testing.T, name string, into any) {
	t.Helper()
	folder := filepath.Join("..", "..", "..", "shared", "fixtures", "sds")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the published fixtures are not beside the checkout")
	}
	text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// What the service refused is refused here in the same words. Its 500 is about a row that the sandbox alone has.
func TestSDSRefusesAsTheServiceDid(t *testing.T) {
	for _, name := range []string{
		"device_400_no_interaction", "device_400_no_organization", "endpoint_400_bad_correlation_id", "endpoint_400_org_only",
		"endpoint_400_unknown_parameter", "endpoint_400_wrong_identifier_system", "endpoint_404_lower_case_path",
		"endpoint_405_post", "endpoint_406_accept_with_charset",
	} {
		t.Run(name, func(t *testing.T) {
			var exchange struct {
				Request struct {
					Method, Path string
					Headers      map[string]string
				}
				Response struct {
					Status int
					Body   outcomeText
				}
			}
			fixture(t, "recorded/"+name+".json", &exchange)
			r := start(t, simulator.Options{})
			headers := []string{"apikey", r.DirectoryKey()}
			for key, value := range exchange.Request.Headers {
				if key != "Host" {
					headers = append(headers, key, value)
				}
			}
			got := r.send(exchange.Request.Method, r.SDSURL()+exchange.Request.Path, "", headers...)
			var said outcomeText
			if err := json.Unmarshal(got.body, &said); err != nil {
				t.Fatal(err)
			}
			if got.status != exchange.Response.Status || said.words() != exchange.Response.Body.words() {
				t.Errorf("%d, %s; the service said %d, %s", got.status, said.words(), exchange.Response.Status, exchange.Response.Body.words())
			}
		})
	}
}

// outcomeText is an OperationOutcome, as far as it is always the same.
type outcomeText struct {
	Issue []struct {
		Code, Diagnostics string

		Details struct {
			Coding []struct{ System, Code string }
		}
	}
}

func (o outcomeText) words() string {
	var all []string
	for _, i := range o.Issue {
		all = append(all, i.Code)
		for _, c := range i.Details.Coding {
			all = append(all, c.System, c.Code)
		}
		all = append(all, i.Diagnostics)
	}
	return strings.Join(all, " | ")
}

// Every question that was seen in production has a form that is accepted.
func TestSDSAcceptsRealQuestions(t *testing.T) {
	var queries []struct {
		Organisations []string `json:"request.params.organization"`
		Identifiers   []string `json:"request.params.identifier"`
		Manufacturers []string `json:"request.params.manufacturing-organization"`
		Path          string
	}
	fixture(t, "queries/real_queries_part1.json", &queries)
	r := start(t, simulator.Options{})
	for _, q := range queries {
		var pairs []string
		for name, values := range map[string][]string{
			"organization": q.Organisations, "identifier": q.Identifiers, "manufacturing-organization": q.Manufacturers,
		} {
			for _, v := range values {
				pairs = append(pairs, name, v)
			}
		}
		got := r.send(http.MethodGet, r.SDSURL()+q.Path+query(pairs...), "", "apikey", r.DirectoryKey())
		if got.status != http.StatusOK {
			t.Errorf("%s%s: %d", q.Path, query(pairs...), got.status)
		}
	}
}
