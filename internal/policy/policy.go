// Package policy says, for every method of the API, who may call it, how often, for how long, and what kind of evidence it
// leaves. One table ([All]) is the whole of it: the interceptors judge by it, the documentation is printed from it, and a
// method that is missing from it may be called by nobody.
package policy

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// Version of the table, as it is recorded with every call that is judged by it. It goes up with each change of a row.
const Version = "4"

const (
	// MaxMessage is the most bytes that a message of an answer may have. Answers that are longer go on in further messages, or are
	// cut where they may be; one that is not cannot be sent.
	MaxMessage = 1 << 20
	// MaxRequest is the most bytes that a message of a caller may have: several times what the largest request of the contract
	// takes. It is decoded before anybody knows whose it is, into many times its size.
	MaxRequest = 64 << 10
)

// Scope is a permission that a caller's credential carries.
type Scope string

// The scopes. They are spinegate's own words, one for each thing that an organisation may want to give to some of its
// people and not to others: a receptionist books and sees no record; a directory tool sees no patient.
const (
	PatientTrace      Scope = "patient:trace"      // demographics from PDS
	PatientRegister   Scope = "patient:register"   // register a patient at a practice
	DirectoryRead     Scope = "directory:read"     // which system serves a practice
	PracticeRead      Scope = "practice:read"      // what a practice's system can do, its people and places
	RecordRead        Scope = "record:read"        // the clinical record, structured or HTML
	DocumentsRead     Scope = "documents:read"     // documents of the record
	AppointmentsRead  Scope = "appointments:read"  // free slots and a patient's appointments
	AppointmentsWrite Scope = "appointments:write" // book, amend, cancel
)

// Scopes are all of them.
func Scopes() []Scope {
	return []Scope{
		PatientTrace, PatientRegister, DirectoryRead, PracticeRead, RecordRead, DocumentsRead, AppointmentsRead, AppointmentsWrite,
	}
}

// Human says whether a method needs a named human.
type Human int

// The kinds of need. GP Connect forbids a generic practitioner, so nothing opens a method that is HumanAlways.
const (
	// HumanAlways: a call without a named human is refused.
	HumanAlways Human = iota
	// HumanUnlessOpened: refused too, unless the operator has opened the method to systems.
	HumanUnlessOpened
	// HumanOptional: a system may call; nothing is said about any patient.
	HumanOptional
)

func (h Human) String() string {
	return [...]string{"human", "human unless opened", "human or system"}[h]
}

// Audit is what a call of a method is evidence about.
type Audit int

// The classes of evidence.
const (
	// AuditPatient: one patient, who is named in the request.
	AuditPatient Audit = iota
	// AuditOrganisation: organisations, and no patient.
	AuditOrganisation
	// AuditBulk: many patients; each is in an entry of its own.
	AuditBulk
)

func (a Audit) String() string { return [...]string{"patient", "organisation", "bulk"}[a] }

// Limit bounds what one caller (a user of an organisation, or its systems together) does with one method. It protects the
// gateway and other callers; the Spine's own quotas are kept elsewhere.
type Limit struct {
	// PerSecond calls are allowed in the long run, and Burst at once.
	PerSecond float64
	Burst     int
	// InFlight calls may run at the same time.
	InFlight int
}

func (l Limit) String() string {
	return fmt.Sprintf("%g/s burst %d, %d in flight", l.PerSecond, l.Burst, l.InFlight)
}

// Kind is how a method's time is bounded (product.md, promise 5).
type Kind int

// The four kinds of budget.
const (
	// PerCall: the answer comes within Total.
	PerCall Kind = iota
	// PerItem: each item of a stream is answered within Item.
	PerItem
	// Progressive: the first byte comes within FirstByte, the next always within Progress, everything within Total.
	Progressive
	// SoftEnd: shortly before Total each unanswered target is TIMED_OUT, and the stream still closes.
	SoftEnd
)

func (k Kind) String() string {
	return [...]string{"per call", "per item", "progressive", "soft end"}[k]
}

// Budget is the time of a method. A field that its Kind does not name is zero, but for Total and Least.
type Budget struct {
	Kind Kind
	// Total is what a call without a deadline gets, and the most that any gets.
	Total time.Duration
	// Least is what must be left when a call arrives; with less it is refused before anything is asked.
	Least time.Duration
	// Item bounds one item; FirstByte and Progress the provider's answer.
	Item, FirstByte, Progress time.Duration
}

func (b Budget) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, total %s, at least %s", b.Kind, b.Total, b.Least)
	for _, part := range []struct {
		name string
		is   time.Duration
	}{{"item", b.Item}, {"first byte", b.FirstByte}, {"progress", b.Progress}} {
		if part.is > 0 {
			fmt.Fprintf(&text, ", %s %s", part.name, part.is)
		}
	}
	return text.String()
}

// Method is the row of one method.
type Method struct {
	// Name in full, such as /spinegate.v1.PatientTrace/TracePatient.
	Name string
	// Scopes are all needed.
	Scopes []Scope
	Human  Human
	Audit  Audit
	Limit  Limit
	Budget Budget
	// Write says that it changes something at a practice.
	Write bool
	// Encounter says that it may be part of a session; elsewhere one that is set is refused.
	Encounter bool
	// Built says that this version provides it. Others answer METHOD_NOT_BUILT to whoever may call them.
	Built bool
}

// String is the row as a line.
func (m Method) String() string {
	scopes := make([]string, len(m.Scopes))
	for i, s := range m.Scopes {
		scopes[i] = string(s)
	}
	effect, state := "read", "built"
	if m.Write {
		effect = "write"
	}
	if !m.Built {
		state = "not built"
	}
	return strings.Join([]string{
		m.Name, strings.Join(scopes, " "), m.Human.String(), m.Audit.String(), effect, m.Limit.String(), m.Budget.String(), state,
	}, " | ")
}

// For is the row of a method; false when there is none, and then nobody may call it.
func For(fullMethod string) (Method, bool) {
	for m := range All() {
		if m.Name == fullMethod {
			return m, true
		}
	}
	return Method{}, false
}

// Named are the methods that go by full names, or by the names of their services.
func Named(names []string) (map[string]bool, error) {
	methods := make(map[string]bool)
	for _, name := range names {
		found := false
		for row := range All() {
			if row.Name == name || strings.HasPrefix(row.Name, "/"+name+"/") {
				methods[row.Name], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("%q is neither a method nor a service", name)
		}
	}
	return methods, nil
}

// All are the rows, in the order of the services.
func All() iter.Seq[Method] { return slices.Values(table) }
