package fhir

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// maxWords bounds the memory of strings that recur in a Bundle, such as resource types and the patient's reference.
const maxWords = 64

// longestWord bounds what is kept as a recurring string, in bytes.
const longestWord = 256

// key is the name that quoted stands for; a name that nothing depends on is empty. It does not allocate: every name of
// the content passes through here, and the compiler turns the switch into a search by length.
func key(quoted []byte) string {
	name := plain(quoted)
	switch string(name) {
	case "resourceType":
		return "resourceType"
	case "id":
		return "id"
	case "meta":
		return "meta"
	case "contained":
		return "contained"
	case "subject":
		return "subject"
	case "patient":
		return "patient"
	case "reference":
		return "reference"
	case "identifier":
		return "identifier"
	case "system":
		return "system"
	case "value":
		return "value"
	case "versionId":
		return "versionId"
	case "security":
		return "security"
	case "code":
		return "code"
	case "display":
		return "display"
	case "resource":
		return "resource"
	case "fullUrl":
		return "fullUrl"
	case "type":
		return "type"
	case "entry":
		return "entry"
	}
	return misspelt(name)
}

// misspelt recognises the names by which a person can be told, written in other case: a reader who overlooks case would
// take them for the real ones. They can show that somebody else is meant and never who a resource is: "resourcetype" is
// not "resourceType".
func misspelt(name []byte) string {
	if len(name) < len("value") || len(name) > len("resourcetype") {
		return ""
	}
	var lower [len("resourcetype")]byte
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	switch string(lower[:len(name)]) {
	case "resourcetype":
		return "resourcetype"
	case "subject":
		return "subject"
	case "patient":
		return "patient"
	case "identifier":
		return "identifier"
	case "system":
		return "system"
	case "value":
		return "value"
	}
	return ""
}

// plain is the text of a JSON string. It shares the memory of a string that needs no unquoting.
func plain(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	text, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return nil // cannot happen: the decoder has read it as a string
	}
	return text
}

// open reads the beginning of an object or array and returns where it stands.
func (b *BundleReader) open() (int64, error) {
	if _, err := b.dec.ReadToken(); err != nil {
		return 0, err
	}
	if b.dec.StackDepth() > b.limits.Depth {
		return 0, ErrTooDeep
	}
	return b.tape.offset(b.dec) - 1, nil
}

// end reads the end of an object or array and returns where that is.
func (b *BundleReader) end() (int64, error) {
	if _, err := b.dec.ReadToken(); err != nil {
		return 0, err
	}
	return b.tape.offset(b.dec), nil
}

// name reads the next member's name. Its length is with the quotes.
func (b *BundleReader) name() (name string, length int64, err error) {
	quoted, err := b.dec.ReadValue()
	if err != nil {
		return "", 0, err
	}
	// Names and values are counted. The decoder keeps the names of every object that is open.
	if _, n := b.dec.StackIndex(b.dec.StackDepth()); n > 2*maxMembers {
		return "", 0, ErrTooLarge
	}
	return key(quoted), int64(len(quoted)), nil
}

// scalar reads a value that is neither object nor array.
func (b *BundleReader) scalar() (span, error) {
	v, err := b.dec.ReadValue()
	if err != nil {
		return span{}, err
	}
	end := b.tape.offset(b.dec)
	return span{end - int64(len(v)), end}, nil
}

// text reads a string. Anything else is read too, and is no text.
func (b *BundleReader) text() (string, error) {
	if b.dec.PeekKind() != '"' {
		return "", b.walk()
	}
	v, err := b.dec.ReadValue()
	if err != nil {
		return "", err
	}
	return string(plain(v)), nil
}

// word is text for strings that recur: they are kept once.
func (b *BundleReader) word() (string, error) {
	if b.dec.PeekKind() != '"' {
		return "", b.walk()
	}
	v, err := b.dec.ReadValue()
	if err != nil {
		return "", err
	}
	b.width = int64(len(v))
	text := plain(v)
	if w, ok := b.words[string(text)]; ok {
		return w, nil
	}
	w := string(text)
	if len(b.words) < maxWords && len(w) <= longestWord {
		b.words[w] = w
	}
	return w, nil
}

// walk reads a value and notes whom it is about, and its references. Its objects are read here and not by object,
// whose frame a function it does not know may keep: that would be an allocation for every object of a record.
func (b *BundleReader) walk() error {
	switch b.dec.PeekKind() {
	case '{':
		if _, err := b.open(); err != nil {
			return err
		}
		f := b.frame()
		for b.dec.PeekKind() != '}' {
			name, _, err := b.name()
			if err != nil {
				return err
			}
			if err := b.note(&f, name); err != nil {
				return err
			}
		}
		if err := b.settle(&f); err != nil {
			return err
		}
		_, err := b.end()
		return err
	case '[':
		return b.array(b.walk)
	default:
		_, err := b.dec.ReadValue()
		return err
	}
}

// object reads an object, its values by read. Any other value is but walked.
func (b *BundleReader) object(read func(f *frame, name string) error) error {
	if b.dec.PeekKind() != '{' {
		return b.walk()
	}
	if _, err := b.open(); err != nil {
		return err
	}
	f := b.frame()
	for b.dec.PeekKind() != '}' {
		name, _, err := b.name()
		if err != nil {
			return err
		}
		if err := read(&f, name); err != nil {
			return err
		}
	}
	if err := b.settle(&f); err != nil {
		return err
	}
	_, err := b.end()
	return err
}

// array reads an array, its elements by read.
func (b *BundleReader) array(read func() error) error {
	if _, err := b.open(); err != nil {
		return err
	}
	for b.dec.PeekKind() != ']' {
		if err := read(); err != nil {
			return err
		}
	}
	_, err := b.end()
	return err
}

func (b *BundleReader) meta(e *Entry) error {
	return b.object(func(f *frame, name string) (err error) {
		switch {
		case name == "versionId":
			e.VersionID, err = b.text()
			return err
		case name == "security" && b.dec.PeekKind() == '[':
			return b.array(func() error { return b.label(e) })
		default:
			return b.note(f, name)
		}
	})
}

func (b *BundleReader) label(e *Entry) error {
	var l Coding
	err := b.object(func(f *frame, name string) (err error) {
		switch name {
		case "system":
			l.System, err = b.word()
			f.number = f.number || isNumberSystem([]byte(l.System))
		case "code":
			l.Code, err = b.word()
		case "display":
			l.Display, err = b.word()
		default:
			err = b.note(f, name)
		}
		return err
	})
	if err != nil || l == (Coding{}) {
		return err
	}
	e.Security = append(e.Security, l)
	return atMost(maxNotes, len(e.Security))
}

// contained reads the contained resources: an array of them, or one where an array belongs.
func (b *BundleReader) contained(e *Entry) error {
	switch b.dec.PeekKind() {
	case '[':
		return b.array(func() error { return b.contained(e) })
	case '{':
	default:
		return b.walk()
	}
	var c Contained
	err := b.object(func(f *frame, name string) (err error) {
		switch name {
		case "resourceType":
			c.ResourceType, err = b.word()
			f.patient = f.patient || isPatient(c.ResourceType)
		case "id":
			err = b.note(f, name)
			c.ID = b.at(f.id)
		default:
			err = b.note(f, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	e.Contained = append(e.Contained, c)
	return atMost(maxNotes, len(e.Contained))
}

// atMost is an error if there are more of something than are taken.
func atMost(limit, n int) error {
	if n > limit {
		return ErrTooLarge
	}
	return nil
}
