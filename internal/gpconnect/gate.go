package gpconnect

import (
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

// maxPending bounds the distinct subject references that await their Patient. A record has one.
const maxPending = 1024

// gate decides whether what a provider sends is about the patient asked for. Every entry passes through check once, in
// order, before anything of it is released; where in the Bundle the Patient stands changes nothing.
//
// Another person is a valid NHS number that is not the one asked for: in a Patient, also a contained one, or in the
// identifier of a subject. A subject that merely leads nowhere proves nothing; it is counted
// (docs/decisions/0003-unresolved-subjects.md).
type gate struct {
	asked nhs.Number
	// patients are the references under which the patient asked for is known in this answer.
	patients map[string]bool
	// other says that another person was seen before the patient was.
	other bool
	// pending counts the subjects of each reference that led nowhere so far.
	pending map[string]int
	// loose counts the subjects that can lead nowhere.
	loose int
}

func newGate(asked nhs.Number) *gate {
	return &gate{asked: asked, patients: map[string]bool{}, pending: map[string]int{}}
}

// open reports whether the answer's Patient was seen and is the one asked for.
func (g *gate) open() bool { return len(g.patients) > 0 }

func refuse(reason pb.ErrorReason) error { return fault.New(pb.Hop_HOP_PROVIDER, reason, nil) }

// check looks at one entry. After an error nothing more may be released.
func (g *gate) check(e *fhir.Entry) error {
	other := g.subjects(e)
	if e.ResourceType == "Patient" {
		same, another := g.identify(patientIdentifiers(e))
		switch {
		case another:
			return refuse(pb.ErrorReason_ERROR_REASON_WRONG_PATIENT)
		case !same:
			return refuse(pb.ErrorReason_ERROR_REASON_PATIENT_UNIDENTIFIED)
		}
		g.patients["Patient/"+e.ID] = true
		if e.FullURL != "" {
			g.patients[e.FullURL] = true
		}
	}
	// Before the patient was seen it is not known yet whether the answer is about anybody: a Bundle without a Patient is
	// told as that.
	g.other = g.other || other
	if g.other && g.open() {
		return refuse(pb.ErrorReason_ERROR_REASON_WRONG_PATIENT)
	}
	return nil
}

// end is called when the Bundle has ended. It returns how many subjects led nowhere.
func (g *gate) end() (unresolved int, err error) {
	if !g.open() {
		return 0, refuse(pb.ErrorReason_ERROR_REASON_RECORD_WITHOUT_PATIENT)
	}
	unresolved = g.loose
	for reference, n := range g.pending {
		if !g.patients[reference] {
			unresolved += n
		}
	}
	return unresolved, nil
}

// subjects looks at whom an entry, and what it contains, is about, and reports another person.
func (g *gate) subjects(e *fhir.Entry) (other bool) {
	var contained map[string]bool
	for _, c := range e.Contained {
		if c.ResourceType != "Patient" {
			continue
		}
		same, another := g.identify(c.Identifiers)
		other = other || another
		if same {
			if contained == nil {
				contained = map[string]bool{}
			}
			contained["#"+c.ID] = true
		}
	}
	for _, s := range e.Subjects {
		same, another := g.identify([]fhir.SystemValue{s.Identifier})
		other = other || another
		if to := target(s.Reference); !same && !contained[to] && !g.patients[to] {
			g.await(to)
		}
	}
	return other
}

// await remembers a subject that leads nowhere so far.
func (g *gate) await(reference string) {
	_, known := g.pending[reference]
	if reference == "" || strings.HasPrefix(reference, "#") || !known && len(g.pending) == maxPending {
		g.loose++
		return
	}
	g.pending[reference]++
}

// identify reports whether valid NHS numbers are among identifiers: the one asked for, and any other one. A number that
// is not valid is nobody's: published examples are full of them.
func (g *gate) identify(identifiers []fhir.SystemValue) (same, another bool) {
	for _, i := range identifiers {
		if !isSystem(i.System, "nhs-number") {
			continue
		}
		number, err := nhs.ParseNumber(compact(i.Value))
		switch {
		case err != nil:
		case number == g.asked:
			same = true
		default:
			another = true
		}
	}
	return same, another
}

// compact takes out of a number what people put into it.
func compact(number string) string {
	return strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(number)
}
