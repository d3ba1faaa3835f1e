package sds_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/simulator"
)

func published(t *testing.T, name string) []byte {
	t.Helper()
	folder := filepath.Join("..", "..", "..", "shared", "fixtures", "sds")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the published fixtures are not beside the checkout")
	}
	text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What the service itself refused, and what its gateway puts in place of a fault, as callers are told it.
func TestPublishedRefusals(t *testing.T) {
	const (
		rejected    = pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST
		unavailable = pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE
	)
	want := map[string]pb.ErrorReason{
		"device_400_no_interaction.json": rejected, "device_400_no_organization.json": rejected,
		"endpoint_400_bad_correlation_id.json": rejected, "endpoint_400_org_only.json": rejected,
		"endpoint_400_unknown_parameter.json": rejected, "endpoint_400_wrong_identifier_system.json": rejected,
		"endpoint_404_lower_case_path.json": rejected, "endpoint_405_post.json": rejected,
		"endpoint_406_accept_with_charset.json": rejected, "endpoint_500_gp_connect_row.json": unavailable,
	}
	published(t, "PROVENANCE.md")
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "fixtures", "sds", "recorded", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, file := range files {
		var exchange struct {
			Response struct {
				Status int            `json:"status"`
				Body   jsontext.Value `json:"body"`
			} `json:"response"`
		}
		if err := json.Unmarshal(published(t, "recorded/"+filepath.Base(file)), &exchange); err != nil {
			t.Fatal(err)
		}
		if exchange.Response.Status == 200 {
			continue // TestPublishedEndpoints
		}
		looked++
		bubble(t, filepath.Base(file), func(t *testing.T) {
			s, client := start(t, nil)
			if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.SDS, Status: exchange.Response.Status, Body: string(exchange.Response.Body)}); err != nil {
				t.Fatal(err)
			}
			_, err := client.Route(t.Context(), question(t, "A20047"))
			e := fault.Of(err)
			if e == nil || e.Reason != want[filepath.Base(file)] || e.HTTPStatus != exchange.Response.Status || len(e.Issues) != 1 || e.UpstreamText == "" {
				t.Fatalf("%v", err)
			}
			if text := e.Error() + e.Operator; strings.Contains(text, e.UpstreamText) {
				t.Errorf("the service's own words are told: %s", text)
			}
		})
	}
	if looked != len(want) {
		t.Errorf("%d refusals were looked at, want %d", looked, len(want))
	}
	bubble(t, "the sandbox's one GP Connect row says nothing about the practice", func(t *testing.T) {
		s, client := start(t, func(c *sds.Config) { c.Upstream.Environment = pb.Environment_ENVIRONMENT_SANDBOX })
		if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.SDS, Status: 500, Body: string(published(t, "recorded/endpoint_500_gp_connect_row.json"))}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Route(t.Context(), question(t, "B82617")); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_DIRECTORY_SANDBOX_GAP {
			t.Errorf("%v", err)
		}
	})
	bubble(t, "the gateway's catch-all is told by its status alone", func(t *testing.T) {
		for status, reason := range map[int]pb.ErrorReason{
			401: pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED, 429: pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED, 500: unavailable,
		} {
			s, client := start(t, nil)
			if _, err := s.Faults().Set(simulator.Fault{Upstream: simulator.SDS, Status: status, Body: string(published(t, "errors/sds/gateway_catch_all.json"))}); err != nil {
				t.Fatal(err)
			}
			if _, err := client.Route(t.Context(), question(t, "A20047")); fault.ReasonOf(err) != reason {
				t.Errorf("%d: %v", status, err)
			}
		}
	})
}

// Real questions have blanks and small letters in them: they are written properly or not sent at all.
func TestPublishedQueries(t *testing.T) {
	var queries []struct {
		Organisations []string `json:"request.params.organization"`
		Identifiers   []string `json:"request.params.identifier"`
	}
	if err := json.Unmarshal(published(t, "queries/real_queries_part1.json"), &queries); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, q := range queries {
		for _, o := range q.Organisations {
			_, code, _ := strings.Cut(o, "|")
			ods, err := nhs.ParseODSCode(code)
			switch {
			case err != nil && code == strings.TrimSpace(code):
				t.Errorf("%q is refused", code)
			case err != nil:
				counts["with a blank"]++
			case ods.String() != strings.ToUpper(code):
				t.Errorf("%q was read as %s", code, ods)
			case ods.String() != code:
				counts["in small letters"]++
			}
		}
		for _, i := range q.Identifiers {
			system, value, _ := strings.Cut(i, "|")
			if strings.HasSuffix(system, "nhsMhsPartyKey") {
				if key, err := nhs.ParsePartyKey(value); err != nil && value != "" || value != "" && key.String() != strings.ToUpper(strings.TrimSpace(value)) {
					t.Errorf("party key %q: %v", value, err)
				}
				continue
			}
			if _, err := nhs.ParseInteraction(value); (err == nil) != strings.HasPrefix(value, "urn:nhs:names:services:gpconnect:") {
				t.Errorf("interaction %q: %v", value, err)
			}
			counts["interactions"]++
		}
	}
	if len(queries) < 300 || counts["with a blank"] == 0 || counts["in small letters"] == 0 || counts["interactions"] == 0 {
		t.Errorf("%d queries: %v", len(queries), counts)
	}
}
