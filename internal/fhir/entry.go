package fhir

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Entry is one element of Bundle.entry: its bytes, and the little that anybody needs to know before decoding them.
type Entry struct {
	// Position counts from 0.
	Position int
	// JSON is the entry's resource exactly as received, from its first brace to its last.
	JSON []byte
	// Bare says that the element has no resource (published bundles hold bare resources without the wrapper, and null).
	// JSON is then the whole element.
	Bare bool
	// Rest is a JSON object of the element's members other than its resource; nil when there are none.
	Rest []byte
	// Raw is everything received since the end of the entry before, or the beginning of the content, up to the end of
	// this one.
	Raw []byte
	// End is the offset of the first byte after the entry in the content.
	End int64
	// FullURL is the element's, ResourceType, ID and VersionID the resource's; empty where absent or not text.
	FullURL, ResourceType, ID, VersionID string
	// Security holds the labels in meta.security.
	Security []Coding
	// Contained are the resources that it contains.
	Contained []Contained
	// References are the texts of all references in it, subjects included.
	References [][]byte
	// Notes are those of all of Raw: of the resource, of what stands beside it in the element, and of members of the
	// Bundle between this entry and the one before.
	Notes

	start int64 // of JSON
}

// Contained is what can be told of a contained resource without decoding it.
type Contained struct{ ResourceType, ID string }

// Held is about how many bytes of memory a Clone takes.
func (e *Entry) Held() int64 {
	n := len(e.Raw) + len(e.Rest) + len(e.FullURL) + len(e.ResourceType) + len(e.ID) + len(e.VersionID)
	for _, l := range e.Security {
		n += noteSize + len(l.System) + len(l.Code) + len(l.Display)
	}
	for _, c := range e.Contained {
		n += noteSize + len(c.ResourceType) + len(c.ID)
	}
	for _, s := range e.Subjects {
		n += noteSize + len(s.Reference)
	}
	for _, p := range e.Patients {
		n += noteSize + len(p.ID)
	}
	return int64(n + noteSize*len(e.Numbers))
}

// noteSize is what a note takes beside its texts.
const noteSize = 64

// Clone is a copy that stays valid, of everything but References. JSON shares the copy of Raw.
func (e *Entry) Clone() *Entry {
	c := *e
	c.Raw = bytes.Clone(e.Raw)
	from := int64(len(c.Raw)) - (e.End - e.start)
	c.JSON = c.Raw[from : from+int64(len(e.JSON)) : from+int64(len(e.JSON))]
	c.Rest = bytes.Clone(e.Rest)
	c.Security, c.Contained, c.References = slices.Clone(e.Security), slices.Clone(e.Contained), nil
	c.Subjects, c.Patients, c.Numbers = slices.Clone(e.Subjects), slices.Clone(e.Patients), slices.Clone(e.Numbers)
	return &c
}

// reset empties an entry, keeping its memory.
func (e *Entry) reset(position int) {
	*e = Entry{
		Position: position,
		Security: e.Security[:0], Contained: e.Contained[:0], References: e.References[:0], Rest: e.Rest[:0],
	}
}

// span is a stretch of the content.
type span struct{ start, end int64 }

// readEntry reads one element of Bundle.entry into b.entry.
func (b *BundleReader) readEntry() error {
	if b.entries >= b.limits.Entries {
		return ErrTooLarge
	}
	b.entry.reset(b.entries)
	b.element.reset(b.entries)
	b.rest, b.references = b.rest[:0], b.references[:0]
	var element, resource span
	var err error
	switch b.dec.PeekKind() {
	case '{':
		element, resource, err = b.readElement()
	case 'n':
		element, err = b.scalar()
	case jsontext.KindInvalid:
		_, err = b.dec.ReadToken()
	default:
		err = ErrMisshapen
	}
	if err != nil {
		return err
	}
	if resource.end == 0 {
		b.entry, b.element = b.element, b.entry
		b.entry.Bare, b.rest, resource = true, b.rest[:0], element
	}
	b.entries++
	e := &b.entry
	e.End, e.start = element.end, resource.start
	e.JSON = b.tape.between(resource.start, resource.end)
	e.Rest = b.joinRest(e.Rest[:0])
	for _, r := range b.references {
		e.References = append(e.References, plain(b.tape.between(r.start, r.end)))
	}
	e.Raw, e.Notes = b.tape.since(element.end), b.notes
	return nil
}

// readElement reads an entry that is an object. The resource's end is 0 when it has none.
func (b *BundleReader) readElement() (element, resource span, err error) {
	if element.start, err = b.open(); err != nil {
		return element, resource, err
	}
	f := b.frame()
	for b.dec.PeekKind() != '}' {
		name, length, err := b.name()
		if err != nil {
			return element, resource, err
		}
		member := span{start: b.tape.offset(b.dec) - length}
		switch name {
		case "resource":
			if b.dec.PeekKind() == '{' {
				resource, err = b.readResource(&b.entry)
			} else {
				err = b.nothing()
			}
		case "fullUrl":
			b.entry.FullURL, err = b.text()
		default:
			err = b.resourceMember(&b.element, &f, name)
		}
		if err != nil {
			return element, resource, err
		}
		member.end = b.tape.offset(b.dec)
		if member.end != resource.end {
			b.rest = append(b.rest, member)
		}
	}
	if resource.end == 0 {
		err = b.settleResource(&b.element, &f)
	} else {
		err = b.settle(&f)
	}
	if err != nil {
		return element, resource, err
	}
	element.end, err = b.end()
	return element, resource, err
}

// nothing reads a null where a resource should be.
func (b *BundleReader) nothing() error {
	kind := b.dec.PeekKind()
	if kind == 'n' || kind == jsontext.KindInvalid {
		_, err := b.dec.ReadToken()
		return err
	}
	return ErrMisshapen
}

// joinRest writes the members beside the resource as an object.
func (b *BundleReader) joinRest(dst []byte) []byte {
	if len(b.rest) == 0 {
		return nil
	}
	dst = append(dst, '{')
	for i, m := range b.rest {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, b.tape.between(m.start, m.end)...)
	}
	return append(dst, '}')
}

// readResource reads a resource and notes in e what it says of itself.
func (b *BundleReader) readResource(e *Entry) (span, error) {
	var s span
	var err error
	if s.start, err = b.open(); err != nil {
		return s, err
	}
	f := b.frame()
	for b.dec.PeekKind() != '}' {
		name, _, err := b.name()
		if err != nil {
			return s, err
		}
		if err := b.resourceMember(e, &f, name); err != nil {
			return s, err
		}
	}
	if err := b.settleResource(e, &f); err != nil {
		return s, err
	}
	s.end, err = b.end()
	return s, err
}

// settleResource settles an entry's resource. A Patient there is no Patient inside something, unless that it is one is
// said in a way that not everybody understands.
func (b *BundleReader) settleResource(e *Entry, f *frame) error {
	f.patient = f.patient && !isPatient(e.ResourceType)
	return b.settle(f)
}

// resourceMember reads the value of one member of a resource.
func (b *BundleReader) resourceMember(e *Entry, f *frame, name string) (err error) {
	switch name {
	case "resourceType":
		e.ResourceType, err = b.word()
		f.patient = f.patient || isPatient(e.ResourceType)
		return err
	case "id":
		err = b.note(f, name)
		e.ID = b.at(f.id)
		return err
	case "meta":
		return b.meta(e)
	case "contained":
		return b.contained(e)
	default:
		return b.note(f, name)
	}
}
