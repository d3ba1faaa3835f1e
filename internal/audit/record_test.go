package audit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/nhs"
)

func TestACallLeavesItsWholeStory(t *testing.T) {
	s := open(t, config(t))
	caller, patient, practice := clinician(t), number(t, "9990000018"), ods(t, "A20047")
	why := audit.Context{Purpose: "DIRECT_CARE", Relationship: "GP_OUT_OF_HOURS", Device: "ward tablet 7", Session: "visit-7f3a9b1c2d4e5f60"}

	r := s.Begin(audit.Call{Method: "/spinegate.v1.GPConnect/GetStructuredRecord", Trace: "4bf92f3577b34da6a3ce929d0e0e4736", Peer: "192.0.2.7"})
	r.SetCaller(caller)
	r.SetSubject(patient)
	r.SetContext(why)
	r.SetAsked("allergies", "medications")
	r.SetPolicy("7")
	access := audit.Access{
		Hop: "SSP", Method: "POST", Route: "/Patient/$gpc.getstructuredrecord", Interaction: nhs.GetStructuredRecord,
		Practice: practice, SSPTraceID: "629ea9ba-a077-4d99-b289-7a9b19fd4e03", SSPFrom: asid(t, "200000000115"),
		SSPTo: asid(t, "918000000001"), RequestID: "60e0b220-8136-4ca5-ae46-1d97ef59d068",
		CorrelationID: "11c46f5f-cdef-4865-94b2-0ee0edcc26da", Subject: patient, Item: "item 1",
	}
	release := audit.Release{Practice: practice, Interaction: nhs.GetStructuredRecord, Areas: []string{"allergies"}, Differences: []string{"given"}}
	outcome := audit.Outcome{
		Code: "OK", Verdict: "PARTIAL", Resources: map[string]int{"Patient": 1, "List": 2}, Bytes: 4711,
		SHA256: []byte{1, 2, 3}, Diagnostics: "the practice said more than it should",
	}
	for name, err := range map[string]error{
		"access":  r.Access(t.Context(), access),
		"attempt": r.Attempt(t.Context()),
	} {
		if err != nil {
			t.Fatal(name, err)
		}
	}
	r.SetPractice(practice)
	if err := r.Release(t.Context(), release); err != nil {
		t.Fatal(err)
	}
	if err := r.Outcome(t.Context(), outcome); err != nil {
		t.Fatal(err)
	}

	of := func(kind audit.Kind, practice nhs.ODSCode) audit.Entry {
		return audit.Entry{
			Kind: kind, Call: r.ID(), Trace: "4bf92f3577b34da6a3ce929d0e0e4736", Peer: "192.0.2.7",
			Method: "/spinegate.v1.GPConnect/GetStructuredRecord", Caller: caller, Subject: patient, Practice: practice,
			Context: why, Asked: []string{"allergies", "medications"}, Policy: "7",
		}
	}
	want := []audit.Entry{of(audit.KindAttempt, nhs.ODSCode{}), of(audit.KindAccess, nhs.ODSCode{}), of(audit.KindRelease, practice), of(audit.KindOutcome, practice)}
	want[1].Access, want[2].Release, want[3].Outcome = &access, &release, &outcome
	if diff := cmp.Diff(want, entries(t, s.Reader, audit.Query{ID: r.ID()}), untimed); diff != "" {
		t.Errorf("the call's entries (-want +got):\n%s", diff)
	}
}
