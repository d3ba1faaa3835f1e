package audit

import (
	"maps"
	"strings"
)

// What a call finds out on its way and only its OUTCOME says. The parts of a call that know these things tell the record;
// whoever ends the call need not.

// Count says that n resources of a FHIR type were released.
func (r *Record) Count(resourceType string, n int) {
	r.find(func(o *Outcome) {
		if o.Resources == nil {
			o.Resources = map[string]int{}
		}
		o.Resources[resourceType] += n
	})
}

// Content says how long the provider's content was that was released, and its SHA-256.
func (r *Record) Content(length int64, sha256 []byte) {
	r.find(func(o *Outcome) { o.Bytes, o.SHA256 = length, sha256 })
}

// Diagnose adds an upstream's own explanation of something that failed without ending the call.
func (r *Record) Diagnose(text string) {
	if text == "" {
		return
	}
	r.find(func(o *Outcome) { o.Diagnostics = join(o.Diagnostics, text) })
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
	if o.Bytes == 0 && o.SHA256 == nil {
		o.Bytes, o.SHA256 = r.found.Bytes, r.found.SHA256
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
