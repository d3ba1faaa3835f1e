package e2e

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/simulator"
)

// codeOf is the code that the table of errors gives a reason.
func codeOf(r pb.ErrorReason) codes.Code { return fault.Code(r) }

// failure is one way for a call to fail: what is asked, and what the caller and the audit trail are told.
type failure struct {
	name   string
	call   func(t *testing.T, g *gateway) error
	code   codes.Code
	reason pb.ErrorReason
	hop    pb.Hop
	// reached are the upstreams that may have heard of it.
	reached []simulator.Upstream
}

var failures = []failure{
	{
		name: "a bad check digit leaves nothing and goes nowhere",
		call: func(t *testing.T, g *gateway) error {
			_, err := g.trace.TracePatient(g.as(t, clinician), &pb.TracePatientRequest{NhsNumber: "9990000019"})
			return err
		},
		code: codes.InvalidArgument, reason: pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID, hop: pb.Hop_HOP_GATEWAY,
	},
	{
		name: "no token",
		call: func(t *testing.T, g *gateway) error {
			_, err := g.trace.TracePatient(t.Context(), &pb.TracePatientRequest{NhsNumber: "9990000018"})
			return err
		},
		code: codes.Unauthenticated, reason: pb.ErrorReason_ERROR_REASON_TOKEN_MISSING, hop: pb.Hop_HOP_GATEWAY,
	},
	{
		name: "a token without the scope",
		call: func(t *testing.T, g *gateway) error {
			_, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"}, g.as(t, receptionist))
			return err
		},
		code: codes.PermissionDenied, reason: pb.ErrorReason_ERROR_REASON_SCOPE_MISSING, hop: pb.Hop_HOP_GATEWAY,
	},
	{
		name: "the sign-in of another",
		call: func(t *testing.T, g *gateway) error {
			_, err := g.trace.TracePatient(g.asWorker(t, clinician, nurseCard, nurseRole), &pb.TracePatientRequest{NhsNumber: "9990000018"})
			return err
		},
		code: codes.Unauthenticated, reason: pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID, hop: pb.Hop_HOP_GATEWAY,
	},
	{
		name: "a role that is not the clinician's",
		call: func(t *testing.T, g *gateway) error {
			_, err := g.trace.TracePatient(g.asWorker(t, clinician, clinicianCard, nurseRole), &pb.TracePatientRequest{NhsNumber: "9990000018"})
			return err
		},
		code: codes.PermissionDenied, reason: pb.ErrorReason_ERROR_REASON_SESSION_ROLE_REFUSED, hop: pb.Hop_HOP_PDS, reached: pdsOnly,
	},
	{
		name: "a method without a policy",
		call: func(t *testing.T, g *gateway) error {
			return g.conn.Invoke(g.as(t, clinician), "/spinegate.v1.PatientTrace/ReadEverything", &pb.TracePatientRequest{}, &pb.TracePatientResponse{})
		},
		code: codes.PermissionDenied, reason: pb.ErrorReason_ERROR_REASON_METHOD_WITHOUT_POLICY, hop: pb.Hop_HOP_GATEWAY,
	},
	{
		name: "a method that later work fills",
		call: func(t *testing.T, g *gateway) error {
			_, err := g.practices.FindPatient(g.as(t, clinician), &pb.FindPatientRequest{NhsNumber: "9990000018"})
			return err
		},
		code: codes.Unimplemented, reason: pb.ErrorReason_ERROR_REASON_METHOD_NOT_BUILT, hop: pb.Hop_HOP_GATEWAY,
	},
	{
		name: "a search with too little",
		call: searchFor(&pb.SearchPatientsRequest{Family: "TESTWELL", Given: []string{"Ada"}}),
		code: codes.InvalidArgument, reason: pb.ErrorReason_ERROR_REASON_SEARCH_INVALID, hop: pb.Hop_HOP_GATEWAY,
	},
	{
		name: "a search for more than may be shown",
		call: searchFor(&pb.SearchPatientsRequest{Family: "TESTWELL", BirthDateStart: "1950-01-01", MaxResults: 2}),
		code: codes.InvalidArgument, reason: pb.ErrorReason_ERROR_REASON_SEARCH_INVALID, hop: pb.Hop_HOP_GATEWAY,
	},
	{
		name: "a search that too many match",
		call: searchFor(&pb.SearchPatientsRequest{Family: "TESTTRIPLE", Given: []string{"Casey"}, BirthDateStart: "1950-01-01"}),
		code: codes.FailedPrecondition, reason: pb.ErrorReason_ERROR_REASON_TOO_MANY_MATCHES, hop: pb.Hop_HOP_PDS, reached: pdsOnly,
	},
	{
		name: "relations under a superseded number", call: listRelated("9990000034"),
		code: codes.FailedPrecondition, reason: pb.ErrorReason_ERROR_REASON_PATIENT_SUPERSEDED, hop: pb.Hop_HOP_PDS, reached: pdsOnly,
	},
	{
		name: "relations of a number that PDS does not know", call: listRelated("9990000379"),
		code: codes.NotFound, reason: pb.ErrorReason_ERROR_REASON_PATIENT_NOT_FOUND, hop: pb.Hop_HOP_PDS, reached: pdsOnly,
	},
	{
		name: "a practice with two systems",
		call: func(t *testing.T, g *gateway) error {
			_, err := g.directory.ResolveEndpoint(g.as(t, clinician), &pb.ResolveEndpointRequest{
				OdsCode: "C81002", Interaction: known(pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_SLOT),
			})
			if detail := detailOf(err); detail.GetCandidatesTotal() != 2 || len(detail.GetCandidates()) != 2 {
				t.Errorf("the two systems are not named: %v", detail.GetCandidates())
			}
			return err
		},
		code: codes.FailedPrecondition, reason: pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS, hop: pb.Hop_HOP_SDS,
		reached: []simulator.Upstream{simulator.SDSEndpoint},
	},
	{
		name: "a practice that nobody can reach",
		call: readRecord("9990000271"),
		code: codes.Unavailable, reason: pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE, hop: pb.Hop_HOP_SSP, reached: wholeRoad,
	},
	{
		name: "a body that is cut",
		call: readRecord("9990000336"),
		code: codes.Unavailable, reason: pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT, hop: pb.Hop_HOP_SSP, reached: wholeRoad,
	},
	{
		name: "an answer about somebody else",
		call: func(t *testing.T, g *gateway) error {
			r, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: "9990000174"})
			if r.patient != nil || len(r.entries) > 0 {
				t.Error("something about somebody else was released")
			}
			return err
		},
		code: codes.DataLoss, reason: pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, hop: pb.Hop_HOP_PROVIDER, reached: wholeRoad,
	},
	{
		name: "a restricted patient is asked about nowhere but at PDS", call: readRecord("9990000026"),
		code: codes.PermissionDenied, reason: pb.ErrorReason_ERROR_REASON_PATIENT_RESTRICTED, hop: pb.Hop_HOP_PDS, reached: pdsOnly,
	},
	{
		name: "a superseded number", call: readRecord("9990000034"),
		code: codes.FailedPrecondition, reason: pb.ErrorReason_ERROR_REASON_PATIENT_SUPERSEDED, hop: pb.Hop_HOP_PDS, reached: pdsOnly,
	},
	{
		name: "a formally deceased patient", call: readRecord("9990000085"),
		code: codes.FailedPrecondition, reason: pb.ErrorReason_ERROR_REASON_PATIENT_DECEASED, hop: pb.Hop_HOP_PDS, reached: pdsOnly,
	},
	{
		name: "an informally deceased patient", call: readRecord("9990000069"),
		code: codes.FailedPrecondition, reason: pb.ErrorReason_ERROR_REASON_PATIENT_DECEASED_INFORMALLY, hop: pb.Hop_HOP_PDS, reached: pdsOnly,
	},
	{
		name: "a patient without a practice", call: readRecord("9990000093"),
		code: codes.FailedPrecondition, reason: pb.ErrorReason_ERROR_REASON_PATIENT_NOT_REGISTERED, hop: pb.Hop_HOP_PDS, reached: pdsOnly,
	},
	{
		name: "a registration that ended", call: readRecord("9990000077"),
		code: codes.FailedPrecondition, reason: pb.ErrorReason_ERROR_REASON_PATIENT_REGISTRATION_NOT_CURRENT, hop: pb.Hop_HOP_PDS, reached: pdsOnly,
	},
	{
		name: "a patient who moved to Scotland", call: readRecord("9990000050"),
		code: codes.FailedPrecondition, reason: pb.ErrorReason_ERROR_REASON_PATIENT_DEREGISTERED, hop: pb.Hop_HOP_PDS, reached: pdsOnly,
	},
	{
		name: "a number that PDS does not know", call: readRecord("9990000379"),
		code: codes.NotFound, reason: pb.ErrorReason_ERROR_REASON_PATIENT_NOT_FOUND, hop: pb.Hop_HOP_PDS, reached: pdsOnly,
	},
	{
		name: "a number that PDS has withdrawn", call: readRecord("9990000212"),
		code: codes.FailedPrecondition, reason: pb.ErrorReason_ERROR_REASON_PATIENT_INVALIDATED, hop: pb.Hop_HOP_PDS, reached: pdsOnly,
	},
	{
		name: "a practice that does not know the patient yet", call: readRecord("9990000107"),
		code: codes.NotFound, reason: pb.ErrorReason_ERROR_REASON_PRACTICE_PATIENT_NOT_FOUND, hop: pb.Hop_HOP_PROVIDER, reached: wholeRoad,
	},
	{
		name: "a patient who objects", call: readRecord("9990000166"),
		code: codes.PermissionDenied, reason: pb.ErrorReason_ERROR_REASON_PATIENT_DISSENTED, hop: pb.Hop_HOP_PROVIDER, reached: wholeRoad,
	},
	{
		name: "a practice that is switched off", call: readRecord("9990000255"),
		code: codes.PermissionDenied, reason: pb.ErrorReason_ERROR_REASON_CAPABILITY_SWITCHED_OFF, hop: pb.Hop_HOP_PROVIDER, reached: wholeRoad,
	},
	{
		name: "a practice without GP Connect", call: readRecord("9990000247"),
		code: codes.NotFound, reason: pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND, hop: pb.Hop_HOP_SDS,
		reached: []simulator.Upstream{simulator.Token, simulator.PDS, simulator.SDSEndpoint},
	},
	{
		name: "no agreement with the practice", call: readRecord("9990000328"),
		code: codes.PermissionDenied, reason: pb.ErrorReason_ERROR_REASON_NO_SHARING_AGREEMENT, hop: pb.Hop_HOP_SSP, reached: wholeRoad,
	},
	{
		name: "a record that the practice cannot build", call: readRecord("9990000190"),
		code: codes.Internal, reason: pb.ErrorReason_ERROR_REASON_PRACTICE_FAILED, hop: pb.Hop_HOP_PROVIDER, reached: wholeRoad,
	},
}

var (
	pdsOnly   = []simulator.Upstream{simulator.Token, simulator.PDS}
	wholeRoad = []simulator.Upstream{
		simulator.Token, simulator.PDS, simulator.SDSEndpoint, simulator.SDSDevice, simulator.Proxy, simulator.Provider,
	}
)

func readRecord(number string) func(*testing.T, *gateway) error {
	return func(t *testing.T, g *gateway) error {
		t.Helper()
		_, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: number})
		return err
	}
}

func searchFor(req *pb.SearchPatientsRequest) func(*testing.T, *gateway) error {
	return func(t *testing.T, g *gateway) error {
		t.Helper()
		_, err := g.trace.SearchPatients(g.as(t, clinician), req)
		return err
	}
}

func listRelated(number string) func(*testing.T, *gateway) error {
	return func(t *testing.T, g *gateway) error {
		t.Helper()
		_, err := g.trace.ListRelatedPersons(g.as(t, clinician), &pb.ListRelatedPersonsRequest{NhsNumber: number})
		return err
	}
}

func known(i pb.KnownInteraction) *pb.Interaction {
	return &pb.Interaction{Name: &pb.Interaction_Known{Known: i}}
}

// Each failure has one code, one reason and one hop; the trail has it; and nobody heard of it who should not have.
func TestFailuresAreToldApartAndLeaveEvidence(t *testing.T) {
	g := start(t)
	for _, f := range failures {
		t.Run(f.name, func(t *testing.T) {
			g.Forget()
			err := f.call(t, g)
			wantFailure(t, err, f.code, f.reason, f.hop)
			g.wantOutcome(t, err, f.reason)
			for _, heard := range g.spine.Transcript().Upstreams() {
				if !slices.Contains(f.reached, heard) {
					t.Errorf("%s heard of it", heard)
				}
			}
		})
	}
}

// A call that has too little time to be finished is refused before anything is sent.
func TestADeadlineOf50MillisecondsStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		g.Forget()
		ctx, cancel := context.WithTimeout(g.as(t, clinician), 50*time.Millisecond)
		defer cancel()
		_, err := g.trace.TracePatient(ctx, &pb.TracePatientRequest{NhsNumber: "9990000018"})
		wantFailure(t, err, codes.DeadlineExceeded, pb.ErrorReason_ERROR_REASON_DEADLINE_TOO_SHORT, pb.Hop_HOP_GATEWAY)
		g.wantOutcome(t, err, pb.ErrorReason_ERROR_REASON_DEADLINE_TOO_SHORT)
		if heard := g.spine.Transcript().Upstreams(); len(heard) > 0 {
			t.Errorf("%v heard of it", heard)
		}
	})
}

// A deadline that runs out on the way says where the time went, and is over when it said it would be.
func TestADeadlineSaysWhereTheTimeWent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		if _, err := g.spine.Faults().Set(simulator.Fault{Upstream: simulator.PDS, Delay: time.Minute}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(g.as(t, clinician), 2*time.Second)
		defer cancel()
		begun := time.Now()
		_, err := g.trace.TracePatient(ctx, &pb.TracePatientRequest{NhsNumber: "9990000018"})
		wantFailure(t, err, codes.DeadlineExceeded, pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED, pb.Hop_HOP_PDS)
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("it took %s", took)
		}
		g.spine.Faults().Clear()
	})
}

// wantFailure checks code, reason and hop, in our own detail and in the one that every language decodes.
func wantFailure(t *testing.T, err error, code codes.Code, reason pb.ErrorReason, hop pb.Hop) {
	t.Helper()
	detail := detailOf(err)
	if got := status.Code(err); got != code || detail.GetReason() != reason || detail.GetHop() != hop {
		t.Errorf("got %s, %s, %s; want %s, %s, %s (%v)", got, detail.GetReason(), detail.GetHop(), code, reason, hop, err)
	}
	if detail.GetCode() != int32(code) || detail.GetClinicianMessage() == "" || detail.GetOperatorMessage() == "" ||
		detail.GetRetry() == pb.RetryClass_RETRY_CLASS_UNSPECIFIED || detail.GetTraceIds().GetCallId() == "" {
		t.Errorf("the detail is not complete: %v", detail)
	}
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			if info.GetDomain() != fault.Domain || info.GetReason() != fault.ReasonName(reason) || info.GetMetadata()["hop"] == "" {
				t.Errorf("ErrorInfo = %v", info)
			}
			return
		}
	}
	t.Error("there is no ErrorInfo")
}

func detailOf(err error) *pb.ErrorDetail {
	for _, d := range status.Convert(err).Details() {
		if detail, ok := d.(*pb.ErrorDetail); ok {
			return detail
		}
	}
	return nil
}

// wantOutcome finds the failed call in the audit trail by the id that the caller was told.
func (g *gateway) wantOutcome(t *testing.T, err error, reason pb.ErrorReason) {
	t.Helper()
	id := detailOf(err).GetTraceIds().GetCallId()
	kinds := map[audit.Kind]int{}
	for e, err := range g.audit.Entries(t.Context(), audit.Query{ID: id}) {
		if err != nil {
			t.Fatal(err)
		}
		kinds[e.Kind]++
		if e.Kind == audit.KindOutcome && e.Outcome.Reason != fault.ReasonName(reason) {
			t.Errorf("the trail says %s", e.Outcome.Reason)
		}
	}
	if kinds[audit.KindAttempt] != 1 || kinds[audit.KindOutcome] != 1 {
		t.Errorf("the trail has %v for this call", kinds)
	}
}
