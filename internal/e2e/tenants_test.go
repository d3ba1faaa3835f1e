package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

// tenant is an organisation of a gateway that serves two, and what the Spine must see of each of its calls.
type tenant struct {
	ods, name, asid, fqdn, issuer, apiKey string
}

// The one shares what is the gateway's, the other has its own certificate and its own application.
var (
	urgentCare = tenant{
		"Q8X01", "Example Urgent Care", "200000000115", "gateway.spinegate.example", "https://gateway.spinegate.example", simulator.APIKey,
	}
	community = tenant{
		"R9Y02", "Example Community Trust", "200000000222", "trust.spinegate.example", "https://trust.spinegate.example",
		simulator.APIKeyWithoutUserScope,
	}
	tenants = []tenant{urgentCare, community}
)

// startTenants starts a gateway for both, with further changes.
func startTenants(t *testing.T, changes ...func(*config.Config)) *gateway {
	t.Helper()
	key := filepath.Join(t.TempDir(), "own.apikey")
	if err := os.WriteFile(key, []byte(community.apiKey), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t,
		servertest.WithSpine(func(o *simulator.Options) { o.FQDN = map[string]string{community.ods: community.fqdn} }),
		servertest.WithConfig(func(c *config.Config) {
			for i := range c.Organisations {
				if o := &c.Organisations[i]; o.ODS == community.ods {
					o.Token = c.Spine.Token.Application() // the simulator's applications share a key
					o.Token.APIKeyFile = config.SecretFile(key)
				}
			}
			for _, change := range changes {
				change(c)
			}
		}))
}

// person is somebody of an organisation who may do everything there.
func (o tenant) person(t *testing.T, id string) identity.Persona {
	t.Helper()
	return identity.Persona{
		Name: id, Organisation: identity.Organisation{ODS: ods(t, o.ods), Name: o.name},
		User: &identity.User{LocalID: id, Family: "FAMILY-" + id, Given: "GIVEN-" + id},
		Scopes: []string{
			"patient:trace", "directory:read", "practice:read", "record:read", "appointments:read", "appointments:write",
		},
	}
}

// told is what a caller was told of the requests that were made in their name.
type told struct {
	mu       sync.Mutex
	requests map[string]string // caller by X-Request-ID at PDS
	traces   map[string]string // caller by Ssp-TraceID
}

func (k *told) note(caller string, p *pb.Provenance) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id := p.GetTraceIds().GetPdsRequestId(); id != "" {
		k.requests[id] = caller
	}
	if id := p.GetTraceIds().GetSspTraceId(); id != "" {
		k.traces[id] = caller
	}
}

// Fifty people of two organisations call everything at once: what the Spine sees of each request belongs to its caller, from
// the name in the token to the certificate of the connection (trust contract, T7).
func TestNoOrganisationActsAsAnother(t *testing.T) {
	synctest.Test(t, noOrganisationActsAsAnother) // in virtual time, in which nothing is too slow
}

func noOrganisationActsAsAnother(t *testing.T) {
	const callers = 50
	g := startTenants(t)
	day := time.Now().AddDate(0, 0, 1)
	window := &pb.SearchSlotsRequest{
		OdsCodes: []string{"A20047"}, Start: day.Format(time.DateOnly), End: day.AddDate(0, 0, 6).Format(time.DateOnly),
	}
	seen, people := told{requests: map[string]string{}, traces: map[string]string{}}, map[string]tenant{}
	var calls sync.WaitGroup
	for n := range callers {
		of := tenants[n%len(tenants)]
		id := fmt.Sprintf("%s-%02d", strings.ToLower(of.ods), n)
		people[id] = of
		ctx := g.AsPersona(t.Context(), t, of.person(t, id))
		for part := range 5 {
			calls.Go(func() { g.everything(t, ctx, part, n, id, window, &seen) })
		}
	}
	calls.Wait()

	subjects, connections := map[string]map[string]int{}, map[uint64]string{}
	for _, x := range g.spine.Transcript().Of(simulator.Proxy) {
		claims := x.JWT.Claims
		id, _ := claims["sub"].(string)
		of, someone := people[id]
		if !someone {
			t.Fatalf("a request was made for %q", id)
		}
		practitioner, organisation := member(claims, "requesting_practitioner"), member(claims, "requesting_organization")
		for what, got := range map[string][2]any{
			"the practitioner":          {practitioner["id"], id},
			"the practitioner's name":   {first(practitioner, "name")["family"], "FAMILY-" + id},
			"the organisation's name":   {organisation["name"], of.name},
			"the organisation":          {first(organisation, "identifier")["value"], of.ods},
			"the issuer":                {claims["iss"], of.issuer},
			"Ssp-From":                  {x.Header.Get("Ssp-From"), of.asid},
			"the certificate":           {strings.Join(x.PeerNames, " "), of.fqdn},
			"whoever was told the id":   {orElse(seen.traces[x.Header.Get("Ssp-TraceID")], id), id},
			"how the proxy answered it": {x.Status < 400 || x.Status == 409, true},
		} {
			if got[0] != got[1] {
				t.Errorf("%s of %s is %v, want %v", what, id, got[0], got[1])
			}
		}
		if other := connections[x.Connection]; other != "" && other != of.ods {
			t.Errorf("%s and %s share a connection", of.ods, other)
		}
		connections[x.Connection] = of.ods
		if subjects[id] == nil {
			subjects[id] = map[string]int{}
		}
		subjects[id][x.Interaction().String()]++
	}
	for id, asked := range subjects {
		for _, i := range []nhs.Interaction{nhs.GetStructuredRecord, nhs.SearchSlot, nhs.CreateAppointment} {
			if asked[i.String()] == 0 {
				t.Errorf("nobody was asked for %s with %s", id, i)
			}
		}
	}
	if len(subjects) != callers {
		t.Errorf("practices were asked for %d people", len(subjects))
	}

	caller := map[string]nhs.ODSCode{}
	for _, e := range g.Entries(t) {
		if e.Access != nil && e.Access.Hop == "PDS" {
			caller[e.Access.RequestID] = e.Caller.Organisation
		}
	}
	tokens := map[string]string{}
	for _, x := range g.spine.Transcript().Of(simulator.PDS) {
		end, id := x.Header.Get("Nhsd-End-User-Organisation-Ods"), x.Header.Get("X-Request-Id")
		if end == "" || end != caller[id].String() {
			t.Errorf("PDS was asked for %q in a call of %s", end, caller[id])
		}
		if who := seen.requests[id]; who != "" && people[who].ods != end {
			t.Errorf("PDS was asked for %q in a call of %s", end, who)
		}
		token := x.Header.Get("Authorization")
		if other := tokens[token]; other != "" && other != end {
			t.Errorf("%s and %s share an access token", end, other)
		}
		tokens[token] = end
	}
	var keys []string
	for _, x := range g.spine.Transcript().Of(simulator.Token) {
		keys = append(keys, fmt.Sprint(x.JWT.Claims["iss"]))
	}
	slices.Sort(keys)
	if want := []string{urgentCare.apiKey, community.apiKey}; !slices.Equal(keys, want) {
		t.Errorf("tokens were asked for by %v, want %v", keys, want)
	}
}

// everything makes one of the kinds of call.
func (g *gateway) everything(t *testing.T, ctx context.Context, part, n int, id string, window *pb.SearchSlotsRequest, seen *told) {
	switch part {
	case 0:
		answer, err := g.trace.TracePatient(ctx, &pb.TracePatientRequest{NhsNumber: "9990000018"})
		if err != nil {
			t.Errorf("%s: trace: %v", id, err)
		}
		seen.note(id, answer.GetProvenance())
	case 1:
		if _, err := g.trace.SearchPatients(ctx, &pb.SearchPatientsRequest{
			Family: "Testwell", BirthDateStart: "1900-01-01", BirthDateEnd: "2026-01-01",
		}); err != nil && reasonOf(err) != pb.ErrorReason_ERROR_REASON_TOO_MANY_MATCHES {
			t.Errorf("%s: search: %v", id, err)
		}
	case 2:
		if _, err := g.directory.ResolveEndpoint(ctx, &pb.ResolveEndpointRequest{
			OdsCode: "A20047", Interaction: known(pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_SLOT),
		}); err != nil {
			t.Errorf("%s: resolve: %v", id, err)
		}
	case 3:
		r, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"}, ctx)
		if err != nil {
			t.Errorf("%s: record: %v", id, err)
		}
		seen.note(id, r.closing.GetProvenance())
	default:
		d := g.search(t, window, ctx)
		if len(d.slots) == 0 {
			t.Errorf("%s: no slots", id)
			return
		}
		answer, err := g.practices.BookAppointment(ctx, booking("9990000018", d.slots[n%len(d.slots)]))
		if err != nil && reasonOf(err) != pb.ErrorReason_ERROR_REASON_SLOT_TAKEN {
			t.Errorf("%s: book: %v", id, err)
		}
		seen.note(id, answer.GetProvenance())
	}
}

func reasonOf(err error) pb.ErrorReason { return detailOf(err).GetReason() }

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func member(claims map[string]any, name string) map[string]any {
	object, _ := claims[name].(map[string]any)
	return object
}

func first(object map[string]any, name string) map[string]any {
	list, _ := object[name].([]any)
	if len(list) == 0 {
		return nil
	}
	element, _ := list[0].(map[string]any)
	return element
}
