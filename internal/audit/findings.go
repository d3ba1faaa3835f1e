package audit

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// What a call finds out on its way and only its OUTCOME says. The parts of a call that know these things tell the record;
// whoever ends the call need not.

const (
	// maxTypes bounds how many resource types are counted apart: the names are the practice's.
	maxTypes = 64
	// otherType counts the rest, and what is not the name of a type.
	otherType = "Other"
	// maxReused bounds how many reused answers an OUTCOME names.
	maxReused = 100
)

var typeGrammar = regexp.MustCompile(`^[A-Z][A-Za-z]{0,63}$`)

// Count says that n resources of a FHIR type were released.
func (r *Record) Count(resourceType string, n int) {
	r.find(func(o *Outcome) {
		if o.Resources == nil {
			o.Resources = map[string]int{}
		}
		_, known := o.Resources[resourceType]
		if !known && (len(o.Resources) >= maxTypes || !typeGrammar.MatchString(resourceType)) {
			resourceType = otherType
		}
		o.Resources[resourceType] += n
	})
}

// Diagnose adds an upstream's own explanation of something that failed without ending the call.
func (r *Record) Diagnose(text string) {
	if text == "" {
		return
	}
	r.find(func(o *Outcome) {
		if len(o.Diagnostics) < maxText { // more is cut in any case
			o.Diagnostics = join(o.Diagnostics, text)
		}
	})
}

// Reuse says that an answer was used again, and nobody asked for it.
func (r *Record) Reuse(a Reuse) {
	a.RetrievedAt = a.RetrievedAt.UTC()
	r.find(func(o *Outcome) {
		if o.ReusedTotal++; o.ReusedTotal <= maxReused {
			o.Reused = append(o.Reused, a)
		}
	})
}

func (r *Record) find(add func(*Outcome)) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	add(&r.found)
}

// complete adds to an outcome what was found.
func (r *Record) complete(o *Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o.Resources == nil {
		o.Resources = maps.Clone(r.found.Resources)
	}
	if o.ReusedTotal == 0 {
		o.Reused, o.ReusedTotal = slices.Clone(r.found.Reused), r.found.ReusedTotal
	}
	o.Diagnostics = join(r.found.Diagnostics, o.Diagnostics)
}

func join(parts ...string) string {
	kept := parts[:0]
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "\n")
}
