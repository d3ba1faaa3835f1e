package fhir

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Notes are what a stretch of a Bundle tells of whom it is about.
//
// They are for finding out that somebody else is meant, so that they are taken wherever a reader of any kind could find
// them: at any depth, also where FHIR has no such member, with one value for several and several for one, and whatever
// the case of a name.
type Notes struct {
	// Subjects are what it says it is about: the members called subject or patient.
	Subjects []Subject
	// Patients are the Patients in it, contained or otherwise, but for a Patient that is the entry's resource.
	Patients []Inside
	// Numbers are the valid NHS numbers in it: values beside the system of NHS numbers, in whatever member.
	Numbers []nhs.Number
}

// Subject is a reference to whom a resource is about.
type Subject struct {
	// Reference as received, such as "Patient/1"; empty where absent or null.
	Reference string
	// Numbers are the valid NHS numbers in it.
	Numbers []nhs.Number
}

// Inside is a Patient within something else.
type Inside struct {
	// ID is empty where absent.
	ID string
	// Numbers are the valid NHS numbers in its identifiers.
	Numbers []nhs.Number
}

// Bounds of what is noted of one entry. Real entries stay far below: the List of a large record has some thousands of
// references, and a resource some twenty members.
const (
	maxNotes      = 4 << 10  // of each kind
	maxReferences = 16 << 10 // 24 bytes each
	maxMembers    = 4 << 10  // of one object
)

func (n *Notes) reset() {
	*n = Notes{Subjects: n.Subjects[:0], Patients: n.Patients[:0], Numbers: n.Numbers[:0]}
}

// frame is what is to be known of an object until it ends.
type frame struct {
	number  bool // it has the system of NHS numbers
	patient bool // it says that it is a Patient
	id      span
	own     []nhs.Number // in its identifiers
	values  int          // where its values begin among those of all open objects
}

func (b *BundleReader) frame() frame { return frame{values: len(b.values)} }

// note reads the value of a member of any object and notes whom it is about.
func (b *BundleReader) note(f *frame, name string) error {
	switch name {
	case "subject", "patient":
		return b.subject()
	case "identifier":
		before := len(b.notes.Numbers)
		err := b.walk()
		f.own = append(f.own, b.notes.Numbers[before:]...)
		return err
	case "system":
		number, err := b.numberSystem()
		f.number = f.number || number
		return err
	case "value":
		return b.value()
	case "resourceType", "resourcetype":
		resourceType, err := b.word()
		f.patient = f.patient || isPatient(resourceType)
		return err
	case "id":
		if b.dec.PeekKind() == '"' {
			var err error
			f.id, err = b.scalar()
			return err
		}
	case "reference":
		if b.dec.PeekKind() == '"' {
			return b.reference()
		}
	}
	return b.walk()
}

// settle is called at the end of an object: only there is it known what its members mean together.
func (b *BundleReader) settle(f *frame) error {
	b.settleNumbers(f)
	if f.patient {
		b.notes.Patients = append(b.notes.Patients, Inside{ID: b.at(f.id), Numbers: f.own})
	}
	return atMost(maxNotes, max(len(b.notes.Numbers), len(b.notes.Patients)))
}

func (b *BundleReader) settleNumbers(f *frame) {
	if f.number {
		for _, v := range b.values[f.values:] {
			if number, ok := readNumber(b.tape.between(v.start, v.end)); ok {
				b.notes.Numbers = append(b.notes.Numbers, number)
			}
		}
	}
	b.values = b.values[:f.values]
}

// at is the text of a string that was read before; empty for no string.
func (b *BundleReader) at(s span) string {
	if s.end == 0 {
		return ""
	}
	return string(plain(b.tape.between(s.start, s.end)))
}

// subject reads the value of a member called subject or patient: a reference, or several, or text where a reference
// belongs.
func (b *BundleReader) subject() error {
	var s Subject
	switch before := len(b.notes.Numbers); b.dec.PeekKind() {
	case '[':
		return b.array(b.subject)
	case 'n':
		return b.walk()
	case '{':
		err := b.object(func(f *frame, name string) (err error) {
			if name != "reference" || b.dec.PeekKind() != '"' {
				return b.note(f, name)
			}
			s.Reference, err = b.word()
			end := b.tape.offset(b.dec)
			b.references = append(b.references, span{end - b.width, end})
			return err
		})
		if err != nil {
			return err
		}
		s.Numbers = slices.Clone(b.notes.Numbers[before:])
	default:
		var err error
		if s.Reference, err = b.word(); err != nil {
			return err
		}
	}
	b.notes.Subjects = append(b.notes.Subjects, s)
	return atMost(maxNotes, len(b.notes.Subjects))
}

// reference reads a string and notes where it stands.
func (b *BundleReader) reference() error {
	s, err := b.scalar()
	if err != nil {
		return err
	}
	b.references = append(b.references, s)
	return atMost(maxReferences, len(b.references))
}

// numberSystem reads the system of an identifier, or several, and reports whether one is that of NHS numbers.
func (b *BundleReader) numberSystem() (number bool, err error) {
	switch b.dec.PeekKind() {
	case '"':
		v, err := b.dec.ReadValue()
		return err == nil && isNumberSystem(plain(v)), err
	case '[':
		err := b.array(func() error {
			one, err := b.numberSystem()
			number = number || one
			return err
		})
		return number, err
	default:
		return false, b.walk()
	}
}

// value reads the value of an identifier, or several, and remembers where they stand.
func (b *BundleReader) value() error {
	switch b.dec.PeekKind() {
	case '"', '0':
		s, err := b.scalar()
		if err != nil {
			return err
		}
		b.values = append(b.values, s)
		return atMost(maxNotes, len(b.values))
	case '[':
		return b.array(b.value)
	default:
		return b.walk()
	}
}

func isPatient(resourceType string) bool { return strings.EqualFold(resourceType, "Patient") }

// numberOID is the NHS number in the other registry.
const numberOID = "2.16.840.1.113883.2.1.4.1"

// isNumberSystem tells the system of NHS numbers by one of its words, in whatever way that is written: real data mixes hosts
// and schemes, and the OID occurs as a URN and by itself.
func isNumberSystem(system []byte) bool {
	separator := func(r rune) bool { return strings.ContainsRune("/:#?|=&", r) }
	for word := range bytes.FieldsFuncSeq(system, separator) {
		if string(bytes.TrimSpace(word)) == numberOID || isNumberWord(word) {
			return true
		}
	}
	return false
}

// isNumberWord compares with nhs-number by letters and digits alone.
func isNumberWord(word []byte) bool {
	rest := "nhsnumber"
	for _, c := range word {
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		default:
			continue
		}
		if rest == "" || c != rest[0] {
			return false
		}
		rest = rest[1:]
	}
	return rest == ""
}

// readNumber reads the value of an identifier, a string or a number of JSON, as an NHS number.
func readNumber(value []byte) (nhs.Number, bool) {
	if value[0] == '"' {
		return parseNumber(plain(value))
	}
	// 9.99e9 is a number, too.
	n, err := strconv.ParseFloat(string(value), 64)
	if err != nil || n != math.Trunc(n) {
		return nhs.Number{}, false
	}
	return parseNumber(strconv.AppendFloat(nil, n, 'f', -1, 64))
}

// parseNumber takes out of a number what people put into it.
func parseNumber(text []byte) (nhs.Number, bool) {
	digits := make([]byte, 0, 10)
	for _, c := range text {
		switch {
		case c < '0' || c > '9':
		case len(digits) == 10:
			return nhs.Number{}, false
		default:
			digits = append(digits, c)
		}
	}
	number, err := nhs.ParseNumber(string(digits))
	return number, err == nil
}

// Number is the NHS number of an identifier: its system that of NHS numbers, however written, and its value a valid one,
// with whatever is between the digits.
func Number(system, value string) (nhs.Number, bool) {
	if !isNumberSystem([]byte(system)) {
		return nhs.Number{}, false
	}
	return parseNumber([]byte(value))
}
