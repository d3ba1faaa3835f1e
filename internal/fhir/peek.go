package fhir

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// maxWords bounds the memory of strings that recur in a Bundle, such as resource types and the patient's reference.
const maxWords = 64

// key is the name that quoted stands for; a name that nothing depends on is empty, unless it is escaped. It does not
// allocate: every name of the content passes through here, and the compiler turns the switch into a search by length.
func key(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		return string(plain(quoted))
	}
	switch string(quoted[1 : len(quoted)-1]) {
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

// name reads the next member's name.
func (b *BundleReader) name() (string, error) {
	quoted, err := b.dec.ReadValue()
	if err != nil {
		return "", err
	}
	return key(quoted), nil
}

// scalar reads a value that is neither object nor array.
func (b *BundleReader) scalar() (span, error) {
	v, err := b.dec.ReadValue()
	end := b.tape.offset(b.dec)
	return span{end - int64(len(v)), end}, err
}

// text reads a string. Anything else is read too, and is no text.
func (b *BundleReader) text() (string, error) {
	if b.dec.PeekKind() != '"' {
		return "", b.skip()
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
		return "", b.skip()
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
	if len(b.words) < maxWords {
		b.words[w] = w
	}
	return w, nil
}

// skip reads a value that nothing is to be noted of.
func (b *BundleReader) skip() error { return b.walk(nil) }

// walk reads a value and notes in e, unless that is nil, every subject in it, and its references.
func (b *BundleReader) walk(e *Entry) error {
	switch b.dec.PeekKind() {
	case '{':
		if _, err := b.open(); err != nil {
			return err
		}
		for b.dec.PeekKind() != '}' {
			name, err := b.name()
			if err != nil {
				return err
			}
			switch {
			case e != nil && (name == "subject" || name == "patient"):
				err = b.subject(e)
			case e != nil && name == "reference" && b.dec.PeekKind() == '"':
				err = b.reference()
			default:
				err = b.walk(e)
			}
			if err != nil {
				return err
			}
		}
		_, err := b.end()
		return err
	case '[':
		if _, err := b.open(); err != nil {
			return err
		}
		for b.dec.PeekKind() != ']' {
			if err := b.walk(e); err != nil {
				return err
			}
		}
		_, err := b.end()
		return err
	default:
		_, err := b.dec.ReadValue()
		return err
	}
}

// reference reads a string and notes where it stands.
func (b *BundleReader) reference() error {
	s, err := b.scalar()
	b.references = append(b.references, s)
	return err
}

// object reads an object, its values by read. Any other value is read and ignored.
func (b *BundleReader) object(read func(name string) error) error {
	if b.dec.PeekKind() != '{' {
		return b.skip()
	}
	if _, err := b.open(); err != nil {
		return err
	}
	for b.dec.PeekKind() != '}' {
		name, err := b.name()
		if err != nil {
			return err
		}
		if err := read(name); err != nil {
			return err
		}
	}
	_, err := b.end()
	return err
}

// array reads an array, its elements by read. Any other value is read and ignored.
func (b *BundleReader) array(read func() error) error {
	if b.dec.PeekKind() != '[' {
		return b.skip()
	}
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
	return b.object(func(name string) (err error) {
		switch name {
		case "versionId":
			e.VersionID, err = b.text()
			return err
		case "security":
			return b.array(func() error { return b.label(e) })
		default:
			return b.skip()
		}
	})
}

func (b *BundleReader) label(e *Entry) error {
	var l Coding
	err := b.object(func(name string) (err error) {
		switch name {
		case "system":
			l.System, err = b.word()
		case "code":
			l.Code, err = b.word()
		case "display":
			l.Display, err = b.word()
		default:
			err = b.skip()
		}
		return err
	})
	if l != (Coding{}) {
		e.Security = append(e.Security, l)
	}
	return err
}

// subject reads the value of a member called subject or patient: a reference, or several.
func (b *BundleReader) subject(e *Entry) error {
	switch b.dec.PeekKind() {
	case '[':
		return b.array(func() error { return b.subject(e) })
	case '{':
	default:
		return b.skip()
	}
	var s Subject
	err := b.object(func(name string) (err error) {
		switch {
		case name == "reference" && b.dec.PeekKind() == '"':
			s.Reference, err = b.word()
			end := b.tape.offset(b.dec)
			b.references = append(b.references, span{end - b.width, end})
		case name == "identifier":
			s.Identifier, err = b.identifier()
		default:
			err = b.walk(e)
		}
		return err
	})
	e.Subjects = append(e.Subjects, s)
	return err
}

func (b *BundleReader) identifier() (i SystemValue, err error) {
	err = b.object(func(name string) (err error) {
		switch name {
		case "system":
			i.System, err = b.word()
		case "value":
			i.Value, err = b.text()
		default:
			err = b.skip()
		}
		return err
	})
	return i, err
}

func (b *BundleReader) contained(e *Entry) error {
	return b.array(func() error {
		var c Contained
		err := b.object(func(name string) (err error) {
			switch name {
			case "resourceType":
				c.ResourceType, err = b.word()
				return err
			case "id":
				c.ID, err = b.text()
				return err
			case "identifier":
				return b.array(func() error {
					i, err := b.identifier()
					c.Identifiers = append(c.Identifiers, i)
					return err
				})
			case "subject", "patient":
				return b.subject(e)
			default:
				return b.walk(e)
			}
		})
		e.Contained = append(e.Contained, c)
		return err
	})
}
