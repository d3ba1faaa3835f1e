package fhir

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/spinegate/spinegate/internal/fault"
)

// What can be wrong with a Bundle as a whole, beside [ErrMalformed] and [ErrTooDeep]. The errors of a [BundleReader] wrap
// one of these, or what the underlying reader said; none holds anything of the content but byte offsets.
var (
	// ErrCutShort says that the content ended before the JSON did. It is an [io.ErrUnexpectedEOF].
	ErrCutShort = fmt.Errorf("the content ended before it was complete: %w", io.ErrUnexpectedEOF)
	// ErrTrailing says that something other than white space follows the Bundle.
	ErrTrailing = errors.New("something follows the content")
	// ErrNotBundle says that the content is JSON but no Bundle; see [NotBundleError].
	ErrNotBundle = errors.New("the content is not a Bundle")
	// ErrMisshapen says that the content is a Bundle whose entries are not what FHIR says they are.
	ErrMisshapen = errors.New("the Bundle's entries are not well formed")
	// ErrTooLarge says that a limit was passed: on bytes, on entries, or on what one entry may hold many of.
	ErrTooLarge = errors.New("the content is larger than is taken")
)

// NotBundleError says what stands where a Bundle was expected.
type NotBundleError struct {
	// ResourceType is what the content calls itself; empty when it does not say.
	ResourceType string
	// Content is the whole of it, when it is an OperationOutcome of at most 64 KiB that came without entries.
	Content []byte
}

func (e *NotBundleError) Error() string { return ErrNotBundle.Error() }

// Is makes every NotBundleError an [ErrNotBundle].
func (e *NotBundleError) Is(target error) bool { return target == ErrNotBundle }

// Limits bound what a [BundleReader] takes. A zero field means its default.
type Limits struct {
	// Depth of nesting, the Bundle itself being 1. Default [MaxDepth].
	Depth int
	// Entry is how many bytes one entry may have, with what stands between it and the entry before. Default 16 MiB.
	Entry int64
	// Entries is how many entries there may be. Default 200,000.
	Entries int
	// Total is how many bytes the content may have. Default 150 MiB.
	Total int64
}

func (l Limits) orDefaults() Limits {
	if l.Depth == 0 {
		l.Depth = MaxDepth
	}
	if l.Entry == 0 {
		l.Entry = 16 << 20
	}
	if l.Entries == 0 {
		l.Entries = 200_000
	}
	if l.Total == 0 {
		l.Total = 150 << 20
	}
	return l
}

const maxOutcome = 64 << 10

// Header is what a Bundle says about itself, as far as it has been read: its members may stand in any order, so that
// only after [io.EOF] an empty field means that it is absent.
type Header struct{ ResourceType, Type, ID string }

// BundleReader reads a STU3 Bundle from a stream, entry by entry, in one pass and in the provider's order. It holds one
// entry at a time. It is not safe for concurrent use.
type BundleReader struct {
	tape   *tape
	dec    *jsontext.Decoder
	limits Limits

	state   state
	header  Header
	entry   Entry
	element Entry // what the entry element would be, were it a bare resource
	rest    []span
	// references are those in the entry. Only offsets are kept, since the tape may move while the entry is read.
	references []span
	notes      Notes
	values     []span // what may be numbers, of the objects that are open
	entries    int
	err        error
	words      map[string]string
	width      int64 // of the word read last, with its quotes
}

// state is where in the Bundle the decoder stands.
type state int

const (
	atStart state = iota
	inBundle
	inEntries
	atEnd
)

// NewBundleReader reads a Bundle from r. A byte order mark before it is tolerated.
func NewBundleReader(r io.Reader, limits Limits) *BundleReader {
	limits = limits.orDefaults()
	t := newTape(r, limits)
	return &BundleReader{
		tape: t, dec: jsontext.NewDecoder(t), limits: limits,
		words: make(map[string]string, maxWords),
	}
}

// Header is what the Bundle has said about itself so far.
func (b *BundleReader) Header() Header { return b.header }

// Entries is how many entries have been read.
func (b *BundleReader) Entries() int { return b.entries }

// Length is how many bytes were received. After [io.EOF] it is the length of the content.
func (b *BundleReader) Length() int64 { return b.tape.length }

// SHA256 is the digest of the bytes received. After [io.EOF] it is that of the content.
func (b *BundleReader) SHA256() [32]byte { return b.tape.sum() }

// Tail is what follows the last entry: the end of the Bundle, or all of one that has no entries. It is there only after
// [io.EOF]. The Raw of every entry in order, and then Tail, are the content byte for byte.
func (b *BundleReader) Tail() []byte {
	if b.state != atEnd {
		return nil
	}
	return b.tape.since(b.tape.length)
}

// TailNotes are the [Notes] of the Tail: members of the Bundle may tell of a person, too. They are there only after
// [io.EOF].
func (b *BundleReader) TailNotes() Notes {
	if b.state != atEnd {
		return Notes{}
	}
	return b.notes
}

// Next is the next entry. It returns [io.EOF] if, and only if, the Bundle was closed, nothing but white space followed
// and it was a Bundle. The entry, and every slice in it, is valid until the next call; see [Entry.Clone].
func (b *BundleReader) Next() (*Entry, error) {
	if b.err != nil {
		return nil, b.err
	}
	b.tape.release()
	b.notes.reset()
	more, err := b.advance()
	switch {
	case err != nil:
		b.err = b.explain(err)
		return nil, b.err
	case !more:
		b.state, b.err = atEnd, io.EOF
		return nil, io.EOF
	}
	return &b.entry, nil
}

// advance moves to the end of the next entry, or says that there is none.
func (b *BundleReader) advance() (bool, error) {
	if b.state == atStart {
		if b.dec.PeekKind() != '{' {
			if _, err := b.dec.ReadToken(); err != nil {
				return false, err
			}
			return false, &NotBundleError{}
		}
		if _, err := b.dec.ReadToken(); err != nil {
			return false, err
		}
		b.state = inBundle
	}
	for {
		if b.state == inEntries {
			if b.dec.PeekKind() != ']' {
				return true, b.readEntry()
			}
			if _, err := b.dec.ReadToken(); err != nil {
				return false, err
			}
			b.state = inBundle
		}
		if b.dec.PeekKind() == '}' {
			return false, b.finish()
		}
		if err := b.member(); err != nil {
			return false, err
		}
	}
}

// member reads one member of the Bundle, or as far as the first entry.
func (b *BundleReader) member() error {
	name, _, err := b.name()
	if err != nil {
		return err
	}
	switch name {
	case "resourceType":
		if b.header.ResourceType, err = b.text(); err != nil {
			return err
		}
		if b.header.ResourceType != "Bundle" {
			return b.refuse()
		}
		return nil
	case "type":
		b.header.Type, err = b.text()
		return err
	case "id":
		b.header.ID, err = b.text()
		return err
	case "entry":
		switch b.dec.PeekKind() {
		case '[':
			b.state = inEntries
			_, err := b.dec.ReadToken()
			return err
		case 'n':
			return b.dec.SkipValue()
		case jsontext.KindInvalid:
			_, err := b.dec.ReadToken()
			return err
		default:
			return ErrMisshapen
		}
	default:
		f := b.frame()
		err := b.note(&f, name)
		b.values = b.values[:f.values]
		return err
	}
}

// finish reads the end of the Bundle and makes sure that it is the end of the content.
func (b *BundleReader) finish() error {
	if _, err := b.dec.ReadToken(); err != nil {
		return err
	}
	switch _, err := b.dec.ReadToken(); {
	case err == nil:
		return ErrTrailing
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
	case b.tape.err != nil && !errors.Is(b.tape.err, io.EOF):
		return err
	default:
		return ErrTrailing
	}
	if b.header.ResourceType != "Bundle" {
		return &NotBundleError{ResourceType: b.header.ResourceType}
	}
	return nil
}

// refuse is called at a resourceType that is not Bundle. It reads on, a little, because an OperationOutcome is worth
// having.
func (b *BundleReader) refuse() error {
	refusal := &NotBundleError{ResourceType: b.header.ResourceType}
	if refusal.ResourceType != "OperationOutcome" || b.entries > 0 {
		return refusal
	}
	b.tape.limits.Entry = maxOutcome
	for b.dec.PeekKind() != '}' {
		if b.walk() != nil {
			return refusal
		}
	}
	if _, err := b.dec.ReadToken(); err != nil {
		return refusal
	}
	refusal.Content = bytes.Clone(b.tape.since(b.tape.offset(b.dec)))
	return refusal
}

// explain turns what the decoder says into one of our errors. The decoder's own text may quote the content.
func (b *BundleReader) explain(err error) error {
	at := b.tape.offset(b.dec)
	var refused *NotBundleError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("read bundle: %w", refused)
	case errors.Is(err, ErrTooDeep), errors.Is(err, ErrTrailing), errors.Is(err, ErrMisshapen), errors.Is(err, ErrTooLarge):
		// Only the sentinel is kept: the decoder wraps what its reader says.
		for _, known := range []error{ErrTooDeep, ErrTrailing, ErrMisshapen, ErrTooLarge} {
			if errors.Is(err, known) {
				return fmt.Errorf("read bundle at byte %d: %w", at, known)
			}
		}
	case b.tape.err != nil && !errors.Is(b.tape.err, io.EOF):
		if _, explained := errors.AsType[*fault.Error](b.tape.err); !explained && errors.Is(b.tape.err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("read bundle at byte %d: %w", at, ErrCutShort)
		}
		return fmt.Errorf("read bundle at byte %d: %w", at, b.tape.err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("read bundle at byte %d: %w", at, ErrCutShort)
	}
	return fmt.Errorf("read bundle at byte %d: %w", at, ErrMalformed)
}
