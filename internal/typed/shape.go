package typed

import (
	"errors"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// The types of this file are shapes of JSON in which suppliers err, and how far they may. Their errors say nothing of
// what was read, since nobody is told more than that an entry is unreadable.

var (
	// errShape is an element that could be misread.
	errShape = errors.New("an element has another shape")
	// errDeep is a form nested more deeply than some languages decode.
	errDeep = errors.New("nested too deeply")
)

// text is a string, or a number or boolean exactly as it is written. Null and a missing member are the empty text, which
// FHIR does not know otherwise. A list of one is that one.
type text string

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (t *text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case '"':
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		*t = text(token.String())
		return nil
	case '0', 't', 'f':
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		*t = text(value)
		return nil
	case 'n':
		return dec.SkipValue()
	case '[':
		return sole(dec, t)
	default:
		return misshapen(dec)
	}
}

// code is a text; and a Coding in its place is its code.
type code text

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (c *code) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case '{':
		var coding struct {
			Code text `json:"code"`
		}
		if err := json.UnmarshalDecode(dec, &coding); err != nil {
			return err
		}
		*c = code(coding.Code)
		return nil
	case '[':
		return sole(dec, c)
	default:
		return (*text)(c).UnmarshalJSONFrom(dec)
	}
}

// stated is a boolean that may be missing, also written as text.
type stated pb.Stated

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (s *stated) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var t text
	if err := t.UnmarshalJSONFrom(dec); err != nil {
		return err
	}
	switch t {
	case "true":
		*s = stated(pb.Stated_STATED_YES)
	case "false":
		*s = stated(pb.Stated_STATED_NO)
	case "":
	default:
		return errShape
	}
	return nil
}

// whole is a whole number that may be missing, also written as text.
type whole[T int32 | int64] struct{ number *T }

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (w *whole[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var t text
	if err := t.UnmarshalJSONFrom(dec); err != nil || t == "" {
		return err
	}
	wide, err := strconv.ParseInt(string(t), 10, 64)
	number := T(wide)
	if err != nil || int64(number) != wide {
		return errShape
	}
	w.number = &number
	return nil
}

// list is a list, or the one element that belongs in it. Nulls are dropped, except where a null stands for something that
// has a place ([reference]).
type list[T any] []T

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (l *list[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case 'n':
		return dec.SkipValue()
	case '[':
	default:
		return l.read(dec)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	_, keepsNull := any((*T)(nil)).(interface{ keepsNull() })
	for dec.PeekKind() != ']' {
		if dec.PeekKind() == 'n' && !keepsNull {
			if err := dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if err := l.read(dec); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

func (l *list[T]) read(dec *jsontext.Decoder) error {
	var zero T
	*l = append(*l, zero)
	return json.UnmarshalDecode(dec, &(*l)[len(*l)-1])
}

// one is the element of a list that may have one at most.
func (l list[T]) one() (*T, error) {
	switch len(l) {
	case 0:
		return nil, nil
	case 1:
		return &l[0], nil
	default:
		return nil, errShape
	}
}

// unmodelled is an element for which forms have no field and without which they would mislead.
type unmodelled struct{}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (*unmodelled) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == 'n' {
		return dec.SkipValue()
	}
	return misshapen(dec)
}

// sole reads a list of one, or an empty one, into target.
func sole(dec *jsontext.Decoder, target json.UnmarshalerFrom) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	if dec.PeekKind() != ']' {
		if err := target.UnmarshalJSONFrom(dec); err != nil {
			return err
		}
	}
	if dec.PeekKind() != ']' {
		return errShape
	}
	_, err := dec.ReadToken()
	return err
}

// misshapen is errShape, or the error of text that is not JSON at all.
func misshapen(dec *jsontext.Decoder) error {
	if err := dec.SkipValue(); err != nil {
		return err
	}
	return errShape
}

// choice fails when more than one value of a choice is there.
func choice(present ...bool) error {
	found := 0
	for _, p := range present {
		if p {
			found++
		}
	}
	if found > 1 {
		return errShape
	}
	return nil
}

// optional is a text that may be missing.
func optional(t text) *string {
	if t == "" {
		return nil
	}
	s := string(t)
	return &s
}

// texts is a list of texts as a message holds it.
func texts(l list[text]) []string { return each(l, func(t *text) string { return string(*t) }) }

// each makes a list of messages.
func each[T, M any](l list[T], message func(*T) M) []M {
	if len(l) == 0 {
		return nil
	}
	out := make([]M, len(l))
	for i := range l {
		out[i] = message(&l[i])
	}
	return out
}

// tryEach makes a list of messages whose making may fail.
func tryEach[T, M any](l list[T], message func(*T) (M, error)) ([]M, error) {
	if len(l) == 0 {
		return nil, nil
	}
	out := make([]M, len(l))
	for i := range l {
		var err error
		if out[i], err = message(&l[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
