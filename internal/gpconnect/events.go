package gpconnect

import (
	"fmt"

	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Event is what a [Record] yields: one of [*Patient], [*Entry], [*Warning], [*Tail], [*Index] and [*Summary].
type Event interface{ event() }

// Patient is whom the record is about: always the first event. Its NHS number is the one that was asked for.
type Patient struct {
	Number nhs.Number
	// ID is the logical id at this service root.
	ID string
	// Name is the official name, else the usual one, else the first.
	Name Name
	// Gender and BirthDate are as received; a birth date may be partial.
	Gender, BirthDate string
	// PostalCode is that of the home address, else of the first one with a postcode.
	PostalCode string
	// Practice is the one that the Patient names, if its Organization was among what had been read by then. A practice
	// may send it much later, and then only the Summary has it.
	Practice Practice
	// Entry is the Patient's entry. It comes again in its place among the others, with Told set.
	Entry *Entry
}

// Format masks everything.
func (p *Patient) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("patient:redacted")) }

// Practice is an organisation as an answer names it.
type Practice struct {
	ODS  string
	Name string
}

// Entry is one entry of the record, in the provider's order. The Raw of all entries and of the [Tail] are the provider's
// content byte for byte. It is valid until the next call of Next.
type Entry struct {
	*fhir.Entry

	// Told says that this is the entry that came with the Patient event.
	Told bool
}

// Tail is what the provider sent after the last entry. It comes only when the Bundle was closed and nothing is missing.
type Tail struct{ Raw []byte }

// WarningKind says what a [Warning] is about. The zero kind is a code that this package does not know.
type WarningKind int

// The kinds.
const (
	// ConfidentialItems are withheld.
	ConfidentialItems WarningKind = iota + 1
	// DataInTransit has not arrived from the previous practice.
	DataInTransit
	// DataAwaitingFiling awaits review at the practice.
	DataAwaitingFiling
	// NotProvided is switched off, or never exported.
	NotProvided
	// NotRecognised is a parameter that the practice's system does not know.
	NotRecognised
	// UnreadableEntry could not be read as what it says it is.
	UnreadableEntry
	// SubjectUnresolved is about entries whose subject is not in the answer, so that they cannot be tied to the patient.
	SubjectUnresolved
	// RepeatedEntry is an entry whose type and id were there before.
	RepeatedEntry
)

// Warning is something that makes the record less than whole. It comes right after the entry that carries it.
type Warning struct {
	Kind WarningKind
	// Area it is about; none when it is about all, or about no one area.
	Area Area
	// Code as received, such as "confidential-items".
	Code string
	// Text is the provider's own, to be shown. It may be of the patient: it belongs in no log.
	Text string
	// Diagnostics is what an issue names, such as "includeReferrals".
	Diagnostics string
	// Position is that of the entry that carries it, -1 when none does.
	Position int
	// Total is how many there are, where one Warning stands for several; else 1.
	Total int
}

// Index is what the Lists of an area hold, in pieces. References are "Type/id".
type Index struct {
	Area Area
	// Listed are the references in its primary List.
	Listed []string
	// Unlisted are entries of its kind that are in no primary List: something links to them. Observations and
	// ProcedureRequests, whose area only a List can tell, are under no area.
	Unlisted []string
	// Unresolved are references in any of its Lists whose entry is not in the answer.
	Unresolved []string
}

// AreaStatus is what became of an area. The zero status is none.
type AreaStatus int

// The statuses.
const (
	Complete AreaStatus = iota + 1
	RecordedAsEmpty
	Withheld
	InTransit
	AwaitingFiling
	NotSupported
	NotRequested
	// Failed is an area that was asked for and is missing without explanation, or not all there.
	Failed
)

// AreaResult is what became of one area.
type AreaResult struct {
	Area   Area
	Status AreaStatus
	// Warnings are the kinds of all warnings about it, each once.
	Warnings []WarningKind
	// Listed, Unlisted and Unresolved count what the Index names.
	Listed, Unlisted, Unresolved int
	// Ended counts ended allergies.
	Ended int
	// EmptyReason is the code that came with an empty List.
	EmptyReason string
}

// Verdict is what a record amounts to. The zero Verdict is none.
type Verdict int

// The verdicts.
const (
	// Whole is all of what was asked for, without a warning, every List entry resolved.
	Whole Verdict = iota + 1
	// Partial lacks something that was asked for.
	Partial
	// Warned is all there, and the provider or the answer itself warns that it may not be all.
	Warned
)

// Summary is always the last event. It comes only when the provider's content was complete.
type Summary struct {
	Verdict Verdict
	// Areas has every area once, in order.
	Areas []AreaResult
	// Entries counts those of the Bundle, Warnings the Warning events.
	Entries, Warnings int
	// Dangling counts references, in any entry, that point at nothing in the answer. That is normal for single areas.
	Dangling int
	// Length and SHA256 are of the provider's content, decompressed.
	Length int64
	SHA256 [32]byte
	// Practice is the one that the Patient names, as far as the answer describes it.
	Practice Practice
}

func (*Patient) event() {}
func (*Entry) event()   {}
func (*Warning) event() {}
func (*Tail) event()    {}
func (*Index) event()   {}
func (*Summary) event() {}
