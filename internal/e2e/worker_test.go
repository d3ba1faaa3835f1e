package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

// Smartcards of the sandbox's personas, and the roles that their tokens name.
const (
	clinicianCard, clinicianRole = "900000000101", "900000000102"
	nurseCard, nurseRole         = "900000000201", "900000000202"
)

// asWorker is a context for calls of a persona who is signed in with CIS2 and holds these roles.
func (g *gateway) asWorker(t *testing.T, persona, card string, roles ...string) context.Context {
	t.Helper()
	ctx := g.SignIn(g.as(t, persona), t, card, roles...)
	out, _ := metadata.FromOutgoingContext(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.minted[out.Get("spinegate-cis2-id-token")[0]] = true
	return ctx
}

// bearerOf is the bearer token that a context's calls carry.
func bearerOf(ctx context.Context) string {
	out, _ := metadata.FromOutgoingContext(ctx)
	return strings.TrimPrefix(out.Get("authorization")[0], "Bearer ")
}

func access(mode config.PDSAccess) servertest.Option {
	return servertest.WithConfig(func(c *config.Config) {
		for i := range c.Organisations {
			c.Organisations[i].PDSAccess = mode
		}
	})
}

// A clinician who is signed in is asked for in their own name: more of a search may be shown, and their role goes along.
func TestAClinicianWhoIsSignedInAsksInTheirOwnName(t *testing.T) {
	g := start(t)
	ada := g.asWorker(t, clinician, clinicianCard, clinicianRole, "900000000103")
	many := &pb.SearchPatientsRequest{Family: "TES*", BirthDateStart: "1900-01-01", BirthDateEnd: "2026-01-01", MaxResults: 50}
	alone := &pb.SearchPatientsRequest{Family: "TES*", BirthDateStart: "1900-01-01", BirthDateEnd: "2026-01-01"}
	_, err := g.trace.SearchPatients(g.as(t, clinician), alone)
	wantFailure(t, err, codes.FailedPrecondition, pb.ErrorReason_ERROR_REASON_TOO_MANY_MATCHES, pb.Hop_HOP_PDS)
	answer, err := g.trace.SearchPatients(ada, many)
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.GetMatches()) < 2 || answer.AbsenceNotProven == nil || answer.GetAbsenceNotProven() {
		t.Errorf("%d matches, absence not proven %v", len(answer.GetMatches()), answer.GetAbsenceNotProven())
	}
	if _, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"}); err != nil {
		t.Fatal(err)
	}
	g.Forget()
	if _, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"}, ada); err != nil {
		t.Fatal(err)
	}
	asked := g.spine.Transcript().Of(simulator.PDS)
	if len(asked) != 1 || asked[0].Header.Get("Nhsd-Session-Urid") != clinicianRole {
		t.Errorf("PDS heard role %q in %d requests", asked[0].Header.Get("Nhsd-Session-Urid"), len(asked))
	}
	if got := g.modes(t); got["HEALTHCARE_WORKER"] != 2 || got["APPLICATION_RESTRICTED"] != 2 {
		t.Errorf("the trail has %v", got)
	}
}

// modes counts in whose name the trail says that PDS was asked.
func (g *gateway) modes(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, e := range g.Entries(t) {
		if e.Kind == audit.KindAccess && e.Access.Hop == "PDS" {
			counts[e.Access.Mode]++
		}
	}
	return counts
}

// What an organisation is set to decides, and nobody upstream hears of a call that it refuses.
func TestTheOrganisationDecidesAsWhomPDSIsAsked(t *testing.T) {
	req := &pb.TracePatientRequest{NhsNumber: "9990000018"}
	t.Run("as clinicians alone", func(t *testing.T) {
		g := start(t, servertest.WithConfig(func(c *config.Config) {
			for i := range c.Organisations {
				c.Organisations[i].PDSAccess = config.HealthcareWorker
			}
			c.Identity.OpenToSystems = []string{pb.PatientTrace_TracePatient_FullMethodName}
		}))
		_, err := g.trace.TracePatient(g.as(t, clinician), req)
		wantFailure(t, err, codes.Unauthenticated, pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_MISSING, pb.Hop_HOP_GATEWAY)
		g.wantOutcome(t, err, pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_MISSING)
		_, err = g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"})
		wantFailure(t, err, codes.Unauthenticated, pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_MISSING, pb.Hop_HOP_GATEWAY)
		if heard := g.spine.Transcript().Upstreams(); len(heard) != 0 {
			t.Errorf("%v heard of it", heard)
		}
		if _, err := g.trace.TracePatient(g.asWorker(t, clinician, clinicianCard, clinicianRole), req); err != nil {
			t.Error(err)
		}
		if _, err := g.trace.TracePatient(g.as(t, "system"), req); err != nil {
			t.Errorf("a system has nobody to sign in: %v", err)
		}
		if got := g.modes(t); got["HEALTHCARE_WORKER"] != 1 || got["APPLICATION_RESTRICTED"] != 1 {
			t.Errorf("the trail has %v", got)
		}
	})
	t.Run("as the application, whoever is signed in", func(t *testing.T) {
		g := start(t, access(config.ApplicationRestricted))
		if _, err := g.trace.TracePatient(g.asWorker(t, clinician, clinicianCard, clinicianRole), req); err != nil {
			t.Error(err)
		}
		if got := g.modes(t); got["APPLICATION_RESTRICTED"] != 1 || len(got) != 1 {
			t.Errorf("the trail has %v", got)
		}
	})
}

// Nobody asks in another's name, and a role that is not the clinician's is told as that.
func TestASignInThatIsNotTheCallersIsRefused(t *testing.T) {
	g := start(t)
	req := &pb.TracePatientRequest{NhsNumber: "9990000018"}
	for name, ctx := range map[string]context.Context{
		"another's":              g.asWorker(t, clinician, nurseCard, nurseRole),
		"of one without a card":  g.asWorker(t, receptionist, clinicianCard, clinicianRole),
		"of a system":            g.asWorker(t, "system", clinicianCard, clinicianRole),
		"twice":                  g.SignIn(g.asWorker(t, clinician, clinicianCard), t, clinicianCard),
		"that is none":           metadata.AppendToOutgoingContext(g.as(t, clinician), "spinegate-cis2-id-token", "x.y.z"),
		"that is a bearer token": metadata.AppendToOutgoingContext(g.as(t, clinician), "spinegate-cis2-id-token", bearerOf(g.as(t, clinician))),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := g.trace.TracePatient(ctx, req)
			wantFailure(t, err, codes.Unauthenticated, pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID, pb.Hop_HOP_GATEWAY)
			g.wantOutcome(t, err, pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID)
		})
	}
	if heard := g.spine.Transcript().Upstreams(); len(heard) != 0 {
		t.Errorf("%v heard of it", heard)
	}
	_, err := g.trace.TracePatient(g.asWorker(t, clinician, clinicianCard, "900000000104", "900000000105"), req)
	wantFailure(t, err, codes.PermissionDenied, pb.ErrorReason_ERROR_REASON_SESSION_ROLE_REFUSED, pb.Hop_HOP_PDS)
}

// Forty-five callers, two of them clinicians with one smartcard each: PDS refuses a role that is not that of the token's user, so
// that every call that succeeds was made with its own caller's token.
func TestCliniciansDoNotShareTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		workers := []context.Context{
			g.asWorker(t, clinician, clinicianCard, clinicianRole, "900000000103"),
			g.asWorker(t, "nurse", nurseCard, nurseRole, "900000000203"),
			g.as(t, clinician),
		}
		var group sync.WaitGroup
		for n := range 45 {
			group.Go(func() {
				for range 3 { // over two renewals
					if _, err := g.trace.TracePatient(workers[n%3], &pb.TracePatientRequest{NhsNumber: "9990000018"}); err != nil {
						t.Error(err)
					}
					time.Sleep(11 * time.Minute)
				}
			})
		}
		group.Wait()
		if got := len(g.spine.Transcript().Of(simulator.Token)); got != 9 {
			t.Errorf("%d fetches of tokens, want one for each of three at each of three times", got)
		}
		for _, x := range g.spine.Transcript().Of(simulator.PDS) {
			role, organisation := x.Header.Get("Nhsd-Session-Urid"), x.Header.Get("Nhsd-End-User-Organisation-Ods")
			switch fmt.Sprint(role, " ", organisation) {
			case clinicianRole + " Q8X01", nurseRole + " R9Y02", " Q8X01":
			default:
				t.Errorf("role %s for organisation %s", role, organisation)
			}
		}
	})
}
