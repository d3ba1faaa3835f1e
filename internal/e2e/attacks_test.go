package e2e

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/identity"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

// Every attack of the trust contract, 3.1, that this gateway stands against, and the test that tries it: here, or in the
// package that the defence is in. A test that is named here and does not exist fails this one.
func TestAttacks(t *testing.T) {
	for _, tt := range []struct {
		attack string
		here   func(*testing.T)
		where  []string // directory below internal, and name
	}{
		{"T1: an address from the directory that points inside", hostileDirectory, []string{
			"spine TestNoAddressLeadsAnywhereButToTheProxy", "spine TestAddressPolicy", "spine FuzzProxyURL", "spine TestOnlyTheUpstreamItselfIsDialled",
		}},
		{"T1: a redirect", nil, []string{
			"spine TestARedirectIsNotFollowed", "identity TestKeysThatCannotBeFetchedAreOurTroubleAndNotTheCallers",
		}},
		{"T2: a token without signature, signed with a public key, by a stranger, with keys of its own", nil, []string{
			"identity TestAttacksOnTokens", "identity TestAnIssuerSpeaksOnlyForItsOwnOrganisationsAndWithItsOwnKeysAndAlgorithms",
			"identity FuzzOnlyTheIssuersTokensPass",
		}},
		{"T3: headers and claims in a caller's name", claimsInjectNothing, []string{
			"spine TestNamesSurviveAndInjectNothing", "interceptor FuzzMetadataNeverMakesACaller",
		}},
		{"T4: a number that is a path", nil, []string{"pds TestWhatPassesIsWhatPDSTakes", "spine TestQueryIsEncoded"}},
		{"T5 and T6: secrets and patients in logs, spans and metrics", nil, []string{
			"e2e TestNothingPersonalIsInSpansMetricsLogsOrStatuses", "e2e TestTheSweepFindsWhatIsThere", "spine TestErrorsDoNotQuoteTheExchange",
		}},
		{"T7: one organisation as another", crossedMetadata, []string{
			"e2e TestNoOrganisationActsAsAnother", "identity TestCertificates", "interceptor TestClientCertificates",
			"interceptor TestAnOrganisationCallsWhatItMayAndNothingElse",
		}},
		{"T7: a handle of another organisation", anothersHandle, []string{
			"handle TestAHandleIsRefusedForAnythingElse", "handle FuzzOpen", "e2e TestHandlesBelongToTheirPracticeAndOrganisation",
		}},
		{"T7: a session of another organisation, user or patient", anothersSession, []string{
			"session TestASessionBelongsToWhoUsedItFirst", "session TestOrganisationsDoNotUnbindEachOthersSessions",
			"interceptor TestASessionIsOneEncounter",
		}},
		{"T8: a booking that is sent again", anothersRequestID, []string{
			"e2e TestABookingIsSentOnceHoweverOftenItIsAskedFor", "journal TestAKeyBelongsToOneRequest",
		}},
		{"T10: a body that inflates past its bound", nil, []string{"spine TestBody", "gpconnect TestAHostileRecordCostsLittleMoreThanItsBytes"}},
		{"T13: a restricted patient", nil, []string{"e2e TestARestrictedPersonIsFoundWithoutLocation", "spine TestASensitivePatientLooksLikeAnUnknownOne"}},
		{"T14: connections that say nothing", nil, []string{
			"server TestConnectionsThatSayNothingLoseTheirPlace", "server TestConnectionsAndMessagesAreBounded",
			"interceptor TestACallThatDoesNotSendItsRequestIsNotWaitedFor",
		}},
		{"T16: certificates that are wrong", nil, []string{
			"spine TestTheProxyLegTrustsAndIsTrustedByCertificatesThatAreRight", "spine TestTheProxyLegSpeaksTheSuitesThatItShould",
			"server TestAGatewayDoesNotStartOnCertificatesThatCannotWork", "server TestARenewedCertificateIsForTheSameHost",
			"server TestCallersAuthoritiesFollowTheirFile", "server TestCallersAreTakenWithCertificatesThatAreRight",
			"server TestCallersAreServedOverTLSAndShowACertificateThatIsTrusted", "simulator TestProxyWantsAClientCertificate",
		}},
		{"T20: a provider that answers with somebody else", nil, []string{"gpconnect TestAnotherPersonNeverPasses", "gpconnect TestRecordRefusesAnotherPerson"}},
		{"T21: made up key ids", nil, []string{"identity TestMadeUpKeyIDsAskTheIssuerOnceAMinute"}},
		{"T24: keys and certificates that change, and files that everybody reads", nil, []string{
			"spine TestTheKeyIsRotatedUnderLoad", "server TestAuthoritiesRotateUnderLoad", "e2e TestCertificatesRotateUnderLoad",
			"identity TestAnIssuersKeysRotateUnderLoad", "config TestSecretsAreReadFromFilesThatFewMayRead",
		}},
	} {
		t.Run(tt.attack, func(t *testing.T) {
			for _, place := range tt.where {
				dir, name, _ := strings.Cut(place, " ")
				if !slices.Contains(testsOf(t, dir), name) {
					t.Errorf("internal/%s has no %s", dir, name)
				}
			}
			if tt.here != nil {
				tt.here(t)
			}
		})
	}
}

var parsed = map[string][]string{}

// testsOf are the tests of a package.
func testsOf(t *testing.T, dir string) []string {
	t.Helper()
	if names, ok := parsed[dir]; ok {
		return names
	}
	files, err := filepath.Glob(filepath.Join("..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names = append(names, f.Name.Name)
			}
		}
	}
	parsed[dir] = names
	return names
}

// tapped is a network that writes down who was dialled.
type tapped struct {
	simulator.Loopback

	mu      sync.Mutex
	dialled map[string]int
}

func (n *tapped) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialled[address]++
	n.mu.Unlock()
	return n.Loopback.DialContext(ctx, network, address)
}

// hostileDirectory has the directory name addresses inside, of something that listens: nobody connects to it, and the proxy
// hears nothing.
func hostileDirectory(t *testing.T) {
	canary, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var hits atomic.Int32
	var listening sync.WaitGroup
	listening.Go(func() {
		for conn, err := canary.Accept(); err == nil; conn, err = canary.Accept() {
			hits.Add(1)
			_ = conn.Close()
		}
	})
	network := &tapped{dialled: map[string]int{}}
	g := start(t, servertest.WithSpine(func(o *simulator.Options) { o.Network = network }))
	_, port, err := net.SplitHostPort(canary.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	const bundle = `{"resourceType":"Bundle","type":"searchset","total":1,"entry":[{"resource":{"resourceType":"Endpoint","status":"active",
		"address":%q,"managingOrganization":{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"A20047"}},
		"identifier":[{"system":"https://fhir.nhs.uk/Id/nhsMhsPartyKey","value":"A20047-8000001"}],
		"extension":[{"url":"https://fhir.nhs.uk/StructureDefinition/Extension-SDS-NhsServiceInteractionId","valueReference":{"identifier":{
		"system":"https://fhir.nhs.uk/Id/nhsServiceInteractionId","value":%q}}}]}}]}`
	for _, host := range []string{
		"127.0.0.1", "localhost", "LOCALHOST.", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:0:127.0.0.1]",
		"gp.example@127.0.0.1", "gp.example%40localhost", "169.254.169.254", "１２７.０.０.１",
	} {
		address := "https://" + host + ":" + port + "/A20047/STU3/1/gpconnect"
		rule, err := g.spine.Faults().Set(simulator.Fault{
			Upstream: simulator.SDSEndpoint, Status: 200, MediaType: "application/fhir+json",
			Body: fmt.Sprintf(bundle, address, nhs.GetStructuredRecord.String()),
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"})
		if err == nil || len(r.entries) > 0 {
			t.Errorf("%s: answered", address)
		}
		if reason := reasonOf(err); reason != pb.ErrorReason_ERROR_REASON_ENDPOINT_ADDRESS_REFUSED && reason != pb.ErrorReason_ERROR_REASON_ENDPOINT_INCOMPLETE {
			t.Errorf("%s: %v", address, err)
		}
		rule.Remove()
	}
	if n := len(g.spine.Transcript().Of(simulator.Proxy, simulator.Provider)); n != 0 {
		t.Errorf("%d requests reached the proxy or a practice", n)
	}
	if n := len(g.spine.Transcript().Of(simulator.SDSEndpoint)); n == 0 {
		t.Error("the directory was not asked")
	}
	known := []string{host(g.spine.TokenURL()), host(g.spine.PDSURL()), host(g.spine.SDSURL()), host(g.spine.ProxyURL())}
	for address := range network.dialled {
		if !slices.Contains(known, address) {
			t.Errorf("%s was dialled", address)
		}
	}
	if err := canary.Close(); err != nil {
		t.Error(err)
	}
	listening.Wait()
	if n := hits.Load(); n != 0 {
		t.Errorf("the canary was connected to %d times", n)
	}
}

// host is where a URL is dialled.
func host(url string) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(url, "https://"), "/")
	return host
}

// claimsInjectNothing has callers with all kinds of names: what the proxy receives has the same headers for each of them, and
// the names as they are; or it receives nothing.
func claimsInjectNothing(t *testing.T) {
	g := start(t)
	var want []string
	passed, refused := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.OneOf(rapid.StringN(1, 40, 120), rapid.SampledFrom([]string{
			"Okafor", "x\r\nSsp-To: 1", "x\nAuthorization: Bearer y", `","admin":true,"x":"`, `\"}`, "O'Neill-Ó Súilleabháin", "e\u0301", "<b>&amp;</b>", "a\u0000b",
			"\u202egnp", "x\u2028y", "%0d%0aSsp-From: 200000000222", "R9Y02", "张伟", "\ufdd0", "{{.}}", "${jndi:ldap://x}", "' OR 1=1 --",
		}))
		p := urgentCare.person(t, "u")
		p.User.LocalID, p.User.Family, p.User.Given, p.User.Prefix = text.Draw(r, "id"), text.Draw(r, "family"), text.Draw(r, "given"), text.Draw(r, "prefix")
		g.spine.Transcript().Reset()
		_, err := g.practices.GetCapabilities(g.AsPersona(t.Context(), t, p), &pb.GetCapabilitiesRequest{OdsCode: "A20047"})
		sent := g.spine.Transcript().Of(simulator.Proxy)
		if err != nil {
			switch reasonOf(err) {
			case pb.ErrorReason_ERROR_REASON_TOKEN_INVALID, pb.ErrorReason_ERROR_REASON_HUMAN_REQUIRED:
			default:
				r.Skip("of one id, too often")
			}
			if refused++; len(sent) > 0 || len(g.spine.Transcript().All()) > 0 {
				r.Fatalf("%v, and something was sent", err)
			}
			return
		}
		passed++
		for _, x := range sent {
			headers := slices.Sorted(maps.Keys(x.Header))
			if want == nil {
				want = headers
			}
			if !slices.Equal(headers, want) {
				r.Fatalf("headers %v, want %v", headers, want)
			}
			for name, values := range x.Header {
				if len(values) != 1 || name != "Authorization" && strings.Contains(values[0], p.User.Family) && len(p.User.Family) > 8 {
					r.Fatalf("%s: %q", name, values)
				}
			}
			practitioner := member(x.JWT.Claims, "requesting_practitioner")
			name := first(practitioner, "name")
			given, _ := name["given"].([]any)
			prefix, _ := name["prefix"].([]any)
			got := []any{x.JWT.Claims["sub"], practitioner["id"], name["family"], given, prefix}
			model := []any{
				norm.NFC.String(p.User.LocalID), norm.NFC.String(p.User.LocalID), norm.NFC.String(p.User.Family),
				[]any{norm.NFC.String(p.User.Given)},
				[]any{norm.NFC.String(p.User.Prefix)},
			}
			if fmt.Sprint(got) != fmt.Sprint(model) || len(x.JWT.Claims) != 10 {
				r.Fatalf("%d claims, %q, want %q", len(x.JWT.Claims), got, model)
			}
			if x.Header.Get("Ssp-From") != urgentCare.asid || member(x.JWT.Claims, "requesting_organization")["name"] != urgentCare.name {
				r.Fatalf("the organisation became another")
			}
		}
	})
	if passed == 0 || refused == 0 {
		t.Errorf("%d callers passed and %d were refused", passed, refused)
	}
}

// crossedMetadata names the other organisation wherever metadata could: what the Spine sees is the credential's.
func crossedMetadata(t *testing.T) {
	g := startTenants(t)
	for n, of := range tenants {
		other := tenants[1-n]
		id := "crossing-" + strings.ToLower(of.ods)
		ctx := g.AsPersona(t.Context(), t, of.person(t, id))
		for _, name := range []string{
			"ods", "ods_code", "x-ods-code", "organisation", "x-organisation", "x-tenant", "tenant", "nhsd-end-user-organisation-ods", "ssp-from", "ssp-to", "ssp-traceid", "from", "host",
			"x-forwarded-for", "x-forwarded-client-cert", "x-client-cert", "x-user", "apikey", "nhsd-session-urid", "spinegate-organisation", "baggage", "tracestate",
		} {
			value := other.ods
			if strings.HasPrefix(name, "ssp") {
				value = other.asid
			}
			ctx = metadata.AppendToOutgoingContext(ctx, name, value)
		}
		g.spine.Transcript().Reset()
		if _, err := g.trace.TracePatient(ctx, &pb.TracePatientRequest{NhsNumber: "9990000018"}); err != nil {
			t.Error(err)
		}
		if _, err := g.practices.GetCapabilities(ctx, &pb.GetCapabilitiesRequest{OdsCode: "A20047"}); err != nil {
			t.Error(err)
		}
		if _, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"}, ctx); err != nil {
			t.Error(err)
		}
		for _, x := range g.spine.Transcript().All() {
			text := fmt.Sprint(x.Path, x.Query, x.Header, string(x.Body), x.JWT)
			if strings.Contains(text, other.ods) || strings.Contains(text, other.asid) || slices.Contains(x.PeerNames, other.fqdn) {
				t.Errorf("a request of %s to %s speaks of %s", of.ods, x.Upstream, other.ods)
			}
			if from := x.Header.Get("Ssp-From"); from != "" && from != of.asid {
				t.Errorf("Ssp-From is %s", from)
			}
		}
		// A second credential is no second organisation.
		both := g.AsPersona(ctx, t, other.person(t, id))
		g.spine.Transcript().Reset()
		if _, err := g.trace.TracePatient(both, &pb.TracePatientRequest{NhsNumber: "9990000018"}); err == nil {
			t.Error("two tokens were taken")
		}
		if n := len(g.spine.Transcript().All()); n > 0 {
			t.Errorf("%d requests were made for a caller with two tokens", n)
		}
	}
}

// anothersHandle is of no use to whom it was not given to.
func anothersHandle(t *testing.T) {
	g := startTenants(t)
	slot := g.slots(t, "A20047").slots[0] // of Q8X01
	ctx := g.AsPersona(t.Context(), t, community.person(t, "thief"))
	_, err := g.practices.BookAppointment(ctx, booking("9990000018", slot))
	wantFailure(t, err, codes.FailedPrecondition, pb.ErrorReason_ERROR_REASON_HANDLE_MISMATCH, pb.Hop_HOP_GATEWAY)
	if n := g.sentBookings(); n != 0 {
		t.Errorf("%d bookings were sent", n)
	}
}

// anothersSession is bound to who of the organisation used it first, and to the patient.
func anothersSession(t *testing.T) {
	g := startTenants(t)
	within := &pb.CallContext{SessionId: uuid.NewString()}
	ask := func(p identity.Persona, number string) error {
		_, err := g.trace.TracePatient(g.AsPersona(t.Context(), t, p), &pb.TracePatientRequest{NhsNumber: number, Context: within})
		return err
	}
	mine := urgentCare.person(t, "u-1")
	if err := ask(mine, "9990000018"); err != nil {
		t.Fatal(err)
	}
	g.spine.Transcript().Reset()
	for name, err := range map[string]error{
		"another user of the organisation": ask(urgentCare.person(t, "u-2"), "9990000018"),
		"another patient":                  ask(mine, "9990000034"),
	} {
		if reasonOf(err) != pb.ErrorReason_ERROR_REASON_SESSION_MISMATCH {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(g.spine.Transcript().All()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
	// Another organisation's session of that id is another session: it tells nothing of the first, and takes nothing from it.
	if err := ask(community.person(t, "u-1"), "9990000034"); err != nil {
		t.Errorf("another organisation's own session: %v", err)
	}
	if err := ask(mine, "9990000018"); err != nil {
		t.Errorf("the first session: %v", err)
	}
}

// anothersRequestID finds nothing of the booking that was made with it.
func anothersRequestID(t *testing.T) {
	g := startTenants(t)
	first := booking("9990000018", g.slots(t, "A20047").slots[0])
	made, err := g.practices.BookAppointment(g.as(t, clinician), first)
	if err != nil {
		t.Fatal(err)
	}
	ctx := g.AsPersona(t.Context(), t, community.person(t, "thief"))
	theirs := booking("9990000042", g.search(t, &pb.SearchSlotsRequest{
		OdsCodes: []string{"A20047"}, Start: made.GetAppointment().GetStart().GetLocal()[:10], End: made.GetAppointment().GetStart().GetLocal()[:10],
	}, ctx).slots[0])
	theirs.RequestId = first.GetRequestId()
	second, err := g.practices.BookAppointment(ctx, theirs)
	if err != nil || second.GetOutcome() != pb.BookingOutcome_BOOKING_OUTCOME_CONFIRMED || proto.Equal(second.GetAppointment(), made.GetAppointment()) {
		t.Errorf("%v, %v, want a booking of their own", second.GetOutcome(), err)
	}
	if n := g.sentBookings(); n != 2 {
		t.Errorf("%d bookings were sent", n)
	}
}
