package gpconnect

import (
	"slices"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Bounds of the references that the gate keeps: of those that await their Patient, of which a record has one, and of the
// bytes of each.
const (
	maxPending   = 1024
	maxReference = 256
)

// gate decides whether what a provider sends is about the patient asked for. Every entry passes through check once, in
// order, before anything of it is released; where in the Bundle the Patient stands changes nothing.
//
// Another person is a valid NHS number that is not the one asked for, in any identifier of anything that was sent. A
// subject that merely leads nowhere, or a Patient inside something that has no number, proves nothing; they are counted
// (docs/decisions/0003-unresolved-subjects.md).
type gate struct {
	asked nhs.Number
	// seen says that the answer's Patient was seen and is the one asked for.
	seen bool
	// patients are the references under which they are known in this answer.
	patients map[string]bool
	// other says that another person was seen before the patient was.
	other bool
	// pending counts the subjects of each reference that led nowhere so far.
	pending map[string]int
	// loose counts the subjects that can lead nowhere.
	loose int
	// ended says that the tail was seen.
	ended bool
}

func newGate(asked nhs.Number) *gate {
	return &gate{asked: asked, patients: map[string]bool{}, pending: map[string]int{}}
}

// open reports whether the answer's Patient was seen and is the one asked for.
func (g *gate) open() bool { return g.seen }

func refuse(reason pb.ErrorReason) error { return fault.New(pb.Hop_HOP_PROVIDER, reason, nil) }

// check looks at one entry, and at what stands between it and the one before. After an error nothing more may be released.
func (g *gate) check(e *fhir.Entry) error {
	other := g.about(&e.Notes)
	// What calls itself a Patient in some other way than FHIR's must be the one asked for as well. It opens nothing.
	if strings.EqualFold(e.ResourceType, "Patient") {
		switch {
		case other:
			return refuse(pb.ErrorReason_ERROR_REASON_WRONG_PATIENT)
		case !slices.Contains(patientNumbers(e), g.asked):
			return refuse(pb.ErrorReason_ERROR_REASON_PATIENT_UNIDENTIFIED)
		}
	}
	if e.ResourceType == "Patient" {
		for _, name := range []string{"Patient/" + e.ID, e.FullURL} {
			if name != "" && len(name) <= maxReference {
				g.patients[name] = true
			}
		}
		g.seen = true
	}
	return g.judge(other)
}

// judge refuses the record of somebody else. Before the patient was seen it is not known yet whether the answer is about
// anybody: a Bundle without a Patient is told as that.
func (g *gate) judge(other bool) error {
	g.other = g.other || other
	if g.other && g.open() {
		return refuse(pb.ErrorReason_ERROR_REASON_WRONG_PATIENT)
	}
	return nil
}

// tail looks at what stands behind the last entry. It may be called again.
func (g *gate) tail(n fhir.Notes) error {
	if g.ended {
		return g.judge(false)
	}
	g.ended = true
	return g.judge(g.about(&n))
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

// about looks at whom something is about, and reports another person.
func (g *gate) about(n *fhir.Notes) (other bool) {
	var inside map[string]bool
	for _, p := range n.Patients {
		if inside == nil {
			inside = map[string]bool{}
		}
		inside["#"+p.ID] = true
		if !slices.Contains(p.Numbers, g.asked) {
			g.loose++ // as are all that are about them, which count once
		}
	}
	for _, s := range n.Subjects {
		if to := target(s.Reference); !slices.Contains(s.Numbers, g.asked) && !inside[to] && !g.patients[to] {
			g.await(to)
		}
	}
	return slices.ContainsFunc(n.Numbers, func(number nhs.Number) bool { return number != g.asked })
}

// await remembers a subject that leads nowhere so far.
func (g *gate) await(reference string) {
	_, known := g.pending[reference]
	if reference == "" || reference[0] == '#' || len(reference) > maxReference || !known && len(g.pending) == maxPending {
		g.loose++
		return
	}
	g.pending[reference]++
}
