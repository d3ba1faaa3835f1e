package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/store"
)

// maxText bounds each text that comes from outside.
const maxText = 16 << 10

// row is an entry as the database holds it.
type row struct {
	at           int64
	kind         Kind
	call         string
	organisation string
	person       []byte
	patient      []byte
	aliases      []string
	bytes        []byte
}

// canonical is an entry as it is stored: what may be read, and the rest sealed.
type canonical struct {
	*Entry
	Organisation nhs.ODSCode `json:"organisation,omitzero"`
	Sealed       []byte      `json:"sealed"`
}

// private is what is sealed.
type private struct {
	Subject     nhs.Number `json:"subject,omitzero"`
	Caller      *Caller    `json:"caller,omitempty"`
	Device      string     `json:"device,omitzero"`
	Session     string     `json:"session,omitzero"`
	AccessOf    nhs.Number `json:"access_of,omitzero"`
	Item        string     `json:"item,omitzero"`
	Diagnostics string     `json:"diagnostics,omitzero"`
}

// codec writes and reads the canonical bytes with one key.
type codec struct {
	key     *store.Key
	options json.Options
}

// newCodec makes the vocabulary of package nhs write itself in full, which it does nowhere else. Numbers are only ever
// written inside the sealed part.
func newCodec(key *store.Key) codec {
	return codec{key: key, options: json.JoinOptions(
		json.Deterministic(true),
		jsontext.AllowInvalidUTF8(true), // of a hostile caller's text; replaced, never refused: it is evidence
		json.WithMarshalers(json.JoinMarshalers(
			json.MarshalToFunc(func(e *jsontext.Encoder, n nhs.Number) error {
				return e.WriteToken(jsontext.String(n.Digits()))
			}),
			json.MarshalToFunc(func(e *jsontext.Encoder, c nhs.ODSCode) error {
				return e.WriteToken(jsontext.String(c.String()))
			}),
			json.MarshalToFunc(func(e *jsontext.Encoder, a nhs.ASID) error {
				return e.WriteToken(jsontext.String(a.String()))
			}),
			json.MarshalToFunc(func(e *jsontext.Encoder, d time.Duration) error {
				return e.WriteToken(jsontext.Int(int64(d)))
			}),
		)),
		json.WithUnmarshalers(json.JoinUnmarshalers(
			parsing(nhs.ParseNumber), parsing(nhs.ParseODSCode), parsing(nhs.ParseASID),
			json.UnmarshalFromFunc(func(d *jsontext.Decoder, to *time.Duration) error {
				var ns int64
				err := json.UnmarshalDecode(d, &ns)
				*to = time.Duration(ns)
				return err
			}),
		)),
	)}
}

func parsing[T any](parse func(string) (T, error)) *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(d *jsontext.Decoder, to *T) error {
		token, err := d.ReadToken()
		if err == nil && token.String() != "" {
			*to, err = parse(token.String())
		}
		return err
	})
}

// binding ties a sealed part to its entry: moved to another call, kind or time it does not open.
func binding(e *Entry) []byte {
	return fmt.Appendf(nil, "%s %s %d", e.Kind, e.Call, e.At.UnixNano())
}

// encode makes the row of an entry, but for its number.
func (c codec) encode(e Entry) (row, error) {
	e.At = e.At.UTC()
	secret := private{Subject: e.Subject, Device: cut(e.Context.Device), Session: cut(e.Context.Session)}
	if !e.Caller.isZero() {
		secret.Caller = &e.Caller
	}
	r := row{
		at: e.At.UnixNano(), kind: e.Kind, call: e.Call, organisation: e.Caller.Organisation.String(),
		aliases: aliases(&e),
	}
	subject := e.Subject
	if a := e.Access; a != nil {
		secret.AccessOf, secret.Item = a.Subject, cut(a.Item)
		if !a.Subject.IsZero() {
			subject = a.Subject
		}
	}
	if f := e.Failure; f != nil {
		secret.AccessOf, secret.Item, secret.Diagnostics = f.Subject, cut(f.Item), cut(f.Diagnostics)
		if !f.Subject.IsZero() {
			subject = f.Subject
		}
	}
	if e.Outcome != nil {
		secret.Diagnostics = cut(e.Outcome.Diagnostics)
	}
	if !subject.IsZero() {
		r.patient = c.patient(subject)
	}
	if e.Caller.UserID != "" {
		r.person = c.person(e.Caller.UserSystem, e.Caller.UserID)
	}
	plain, err := json.Marshal(secret, c.options)
	if err != nil {
		return row{}, fmt.Errorf("encode entry: %w", err)
	}
	e.Method, e.Peer, e.Trace = cut(e.Method), cut(e.Peer), cut(e.Trace)
	r.bytes, err = json.Marshal(canonical{
		Entry: &e, Organisation: e.Caller.Organisation, Sealed: c.key.Seal(plain, binding(&e)),
	}, c.options)
	if err != nil {
		return row{}, fmt.Errorf("encode entry: %w", err)
	}
	return r, nil
}

// decode reads an entry back, its sealed part included.
func (c codec) decode(seq Seq, bytes []byte) (Entry, error) {
	var e Entry
	stored := canonical{Entry: &e}
	if err := json.Unmarshal(bytes, &stored, c.options); err != nil {
		return Entry{}, fmt.Errorf("decode entry %d: %w", seq, err)
	}
	plain, err := c.key.Unseal(stored.Sealed, binding(&e))
	if err != nil {
		return Entry{}, fmt.Errorf("decode entry %d: %w", seq, err)
	}
	var secret private
	if err := json.Unmarshal(plain, &secret, c.options); err != nil {
		return Entry{}, fmt.Errorf("decode entry %d: sealed part is malformed", seq)
	}
	e.Seq, e.Subject = seq, secret.Subject
	e.Context.Device, e.Context.Session = secret.Device, secret.Session
	if secret.Caller != nil {
		e.Caller = *secret.Caller
	}
	if e.Access != nil {
		e.Access.Subject, e.Access.Item = secret.AccessOf, secret.Item
	}
	if e.Failure != nil {
		e.Failure.Subject, e.Failure.Item, e.Failure.Diagnostics = secret.AccessOf, secret.Item, secret.Diagnostics
	}
	if e.Outcome != nil {
		e.Outcome.Diagnostics = secret.Diagnostics
	}
	return e, nil
}

func (c codec) patient(n nhs.Number) []byte { return c.key.Index("patient", n.Digits()) }

func (c codec) person(system, id string) []byte { return c.key.Index("person", system, id) }

// aliases are the ids, other than its own, by which the entry's call can be found.
func aliases(e *Entry) []string {
	if e.Call == "" {
		return nil
	}
	ids := []string{e.Trace}
	if a := e.Access; a != nil {
		ids = append(ids, a.SSPTraceID, a.RequestID, a.CorrelationID)
	}
	for i := range ids {
		ids[i] = foldID(ids[i])
	}
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
}

// foldID makes ids that differ in case alone equal: both UUIDs and trace ids are hexadecimal.
func foldID(id string) string { return strings.ToLower(cut(id)) }

// cut bounds a text, not inside a character.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "")
}

func (c *Caller) isZero() bool {
	return c.Organisation.IsZero() && c.OrganisationName == "" && c.UserID == "" && c.UserSystem == "" && c.Prefix == "" &&
		c.Given == "" && c.Family == "" && c.SDSUserID == "" && c.SDSRoleProfileID == "" && len(c.Scopes) == 0 && c.Issuer == ""
}
