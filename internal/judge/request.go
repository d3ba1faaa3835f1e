package judge

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// request is an exchange with what the rules read from it.
type request struct {
	Exchange

	// query is empty where it cannot be decoded.
	query url.Values
	// body is the JSON object in the body; nil for none.
	body object

	// lookup is what SDS is asked for.
	lookup lookup
	// assertion is the client assertion of a token request.
	assertion token
	// form is the body of a token request.
	form url.Values

	// operation is the row of part D that the interaction names; nil for none.
	operation *operation
	// edition is that of the operation.
	edition *edition
	// root is the service root URL, up to and with the slash before the FHIR path; ids are the logical ids in that path.
	root string
	ids  []string
	// address is the service root URL as SDS gave it, where that is known from elsewhere than its answers.
	address string
	// audit is the token for the practice.
	audit token
	// number is the patient's; zero where the request names none.
	number nhs.Number
}

func read(e Exchange) *request {
	r := &request{Exchange: e, edition: stu3}
	r.query, _ = url.ParseQuery(e.Query)
	r.body, _ = readObject(e.Body)
	switch e.Leg {
	case SDS:
		r.lookup = lookupOf(r)
	case Token:
		r.form, _ = url.ParseQuery(string(e.Body))
		r.assertion = readToken(r.form.Get("client_assertion"))
	case Proxy:
		r.audit = readToken(strings.TrimPrefix(e.Header.Get("Authorization"), "Bearer "))
		if r.operation = operations[e.Header.Get("Ssp-InteractionID")]; r.operation != nil {
			r.edition = r.operation.edition
			r.root, r.ids, _ = r.operation.split(e.Path)
			r.number = r.patient()
		}
	case PDS:
	}
	return r
}

// has reports whether everything that a rule needs is known.
func (r *request) has(needs need) bool {
	switch {
	case needs&operationKnown != 0 && r.operation == nil,
		needs&claimsRead != 0 && r.audit.claims == nil,
		needs&rootKnown != 0 && r.root == "",
		needs&clockKnown != 0 && r.At.IsZero():
		return false
	}
	return true
}

// only is the value of a header that is sent exactly once.
func (r *request) only(name string) (string, bool) {
	values := r.Header.Values(name)
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}

// sent reports whether a header is there at all.
func (r *request) sent(name string) bool { return len(r.Header.Values(name)) > 0 }

// is reports whether the operation is one of some, by the ends of their ids.
func (r *request) is(names ...string) bool {
	for _, name := range names {
		if r.operation != nil && r.operation.id == interactions+name {
			return true
		}
	}
	return false
}

// today is the UK day of arrival.
func (r *request) today() string { return r.At.In(nhs.London).Format(time.DateOnly) }

// patient is whom a request through the proxy names by NHS Number.
func (r *request) patient() nhs.Number {
	text := ""
	if identifier := r.query.Get("identifier"); identifier != "" {
		text, _ = strings.CutPrefix(identifier, r.edition.numberSystem+"|")
	}
	for _, p := range r.body.objects("parameter") {
		switch p.text("name") {
		case "patientNHSNumber":
			text = p.object("valueIdentifier").text("value")
		case "registerPatient":
			text = p.object("resource").identifier(r.edition.numberSystem)
		}
	}
	number, _ := nhs.ParseNumber(text)
	return number
}

// patientID is whom a request through the proxy names by logical id; empty where it names nobody so.
func (r *request) patientID() string {
	switch {
	case r.is("fhir:rest:search:patient_appointments-1", "documents:fhir:rest:search:documentreference-1", "fhir:rest:read:patient-1"):
		if len(r.ids) > 0 {
			return r.ids[0]
		}
	case r.is(create):
		for _, p := range r.body.objects("participant") {
			if id, ok := strings.CutPrefix(p.object("actor").text("reference"), "Patient/"); ok {
				return id
			}
		}
	}
	return ""
}

// unzipped is a body without its gzip coding, if it has one.
func unzipped(body []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return body
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		return nil // cut short
	}
	return plain
}

// token is a JSON web token taken apart and not verified.
type token struct {
	raw string
	// parts are the three as received.
	parts []string
	// header and claims are nil where they cannot be read.
	header, claims object
}

var errPadding = errors.New("not base64url without padding")

func readToken(raw string) token {
	t := token{raw: raw, parts: strings.Split(raw, ".")}
	if len(t.parts) < 2 {
		return t
	}
	for i, into := range []*object{&t.header, &t.claims} {
		if text, err := decodeSegment(t.parts[i]); err == nil {
			*into, _ = readObject(text)
		}
	}
	return t
}

// object is a JSON object. Numbers are [json.Number].
type object map[string]any

var errObject = errors.New("not one JSON object")

func readObject(text []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var o object
	if err := d.Decode(&o); err != nil || o == nil {
		return nil, errObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errObject
	}
	return o, nil
}

func (o object) has(name string) bool { _, ok := o[name]; return ok }

func (o object) text(name string) string { s, _ := o[name].(string); return s }

func (o object) object(name string) object { return asObject(o[name]) }

func (o object) objects(name string) []object {
	list, _ := o[name].([]any)
	var all []object
	for _, v := range list {
		all = append(all, asObject(v))
	}
	return all
}

func (o object) texts(name string) []string {
	list, _ := o[name].([]any)
	var all []string
	for _, v := range list {
		s, _ := v.(string)
		all = append(all, s)
	}
	return all
}

// identifier is the value of the identifier that has a system.
func (o object) identifier(system string) string {
	for _, i := range o.objects("identifier") {
		if i.text("system") == system {
			return i.text("value")
		}
	}
	return ""
}

// within reports whether an object has no other members.
func (o object) within(names ...string) bool {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	for name := range o {
		if !known[name] {
			return false
		}
	}
	return true
}

func asObject(v any) object {
	m, _ := v.(map[string]any)
	return m
}

// whole is an integer as JSON writes one in digits: no fraction, no exponent, no text.
func whole(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok || !digits.MatchString(n.String()) {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil
}

var (
	digits   = regexp.MustCompile(`^[0-9]{1,19}$`)
	uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	odsForm  = regexp.MustCompile(`^[A-Z0-9]{3,12}$`)
	asidForm = regexp.MustCompile(`^[0-9]{12}$`)
	idForm   = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)
)

// isDay reports whether a text is a whole day of the calendar.
func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// isLocal reports whether a text is a time with the offset that the UK had then.
func isLocal(text string) bool {
	const layout = "2006-01-02T15:04:05-07:00"
	t, err := time.Parse(layout, text)
	return err == nil && t.In(nhs.London).Format(layout) == text
}
