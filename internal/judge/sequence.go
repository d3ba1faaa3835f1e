package judge

import (
	"time"
)

// traceLife is how long a trace is good for (SDS contract, C9: GEN-06).
const traceLife = 24 * time.Hour

// sequenceRules are about a request and what went before it.
var sequenceRules = []Rule{
	sequenceRule("JWT-TENANT-01", "An ASID sends for one organisation and never for another.", "SDS B1", SPEC, claimsRead,
		func(r *request, before *past) string {
			known := before.organisations[r.Header.Get("Ssp-From")]
			ods := r.audit.claims.object("requesting_organization").identifier(r.edition.odsSystem)
			return unless(known == "" || ods == "" || known == ods, "it sent for another before")
		}),
	sequenceRule("GPC-ROOT-01", "A patient's logical id is used at a root where the patient was found.", "GP Connect 1.2", SPEC, operationKnown|rootKnown,
		func(r *request, before *past) string {
			_, found := before.whom(r)
			return unless(r.patientID() == "" || found, "nobody of that id was found there before")
		}),
	aboutPatient("GEN-06", "No practice is asked about a patient who was not traced on PDS within 24 hours.",
		func(r *request, t *trace, _ *past) string {
			return unless(t != nil && r.At.Sub(t.at) <= traceLife, "there was no trace in that time")
		}),
	aboutPatient("GEN-08", "A record is asked of the practice that the trace named.",
		func(r *request, t *trace, before *past) string {
			at, _ := before.registration(r)
			return unless(t == nil || !t.told || at == nil || !r.operation.record() || at.practice == t.practice, "it is asked of another")
		}),
	aboutPatient("GEN-09", "No practice is asked about a patient whose record on PDS is restricted.",
		func(_ *request, t *trace, _ *past) string {
			return unless(t == nil || !t.told || !t.restricted, "it is")
		}),
	aboutPatient("GEN-10", "No practice is asked about a patient whom PDS has as deceased.",
		func(_ *request, t *trace, _ *past) string { return unless(t == nil || !t.told || !t.dead, "it has") }),
}

func sequenceRule(id, says, section string, by Enforcer, needs need, check func(*request, *past) string) Rule {
	return Rule{ID: id, Says: says, Section: section, By: by, leg: Proxy, needs: needs | pastKnown, check: check}
}

// aboutPatient is a rule of consumer assurance about what PDS said of the patient of a request; nil where nothing.
func aboutPatient(id, says string, check func(*request, *trace, *past) string) Rule {
	return sequenceRule("C9-"+id, says, "SDS C9", SCAL, operationKnown, func(r *request, before *past) string {
		number := r.number
		if number.IsZero() {
			number, _ = before.whom(r)
		}
		if number.IsZero() {
			return ""
		}
		return check(r, before.traces[number], before)
	})
}
