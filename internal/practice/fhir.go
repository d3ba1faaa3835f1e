package practice

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The bases of the URLs on the wire (gpconnect.md, 18).
const (
	nhsProfiles   = "https://fhir.nhs.uk/STU3/StructureDefinition/"
	hl7Profiles   = "https://fhir.hl7.org.uk/STU3/StructureDefinition/"
	nhsSystems    = "https://fhir.nhs.uk/STU3/CodeSystem/"
	hl7Systems    = "https://fhir.hl7.org.uk/STU3/CodeSystem/"
	nhsIDs        = "https://fhir.nhs.uk/Id/"
	nhsNumberID   = nhsIDs + "nhs-number"
	odsCodeID     = nhsIDs + "ods-organization-code"
	sdsUserID     = nhsIDs + "sds-user-id"
	sdsRoleID     = nhsIDs + "sds-role-profile-id"
	snomed        = "http://snomed.info/sct"
	readV2        = "http://read.info/readv2"
	organisations = nhsSystems + "GPConnect-OrganisationType-1"
)

// member is one name and value of an object.
type member struct {
	name  string
	value any
}

// object is a JSON object in a fixed order of members. Members without content are not written: FHIR forbids empty
// strings, empty arrays and nulls, so there is no way to write one.
type object []member

// obj makes an object of names and values in turn.
func obj(pairs ...any) object {
	o := make(object, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		o = append(o, member{name, pairs[i+1]})
	}
	return o
}

// with appends members.
func (o object) with(pairs ...any) object { return append(o, obj(pairs...)...) }

// value is that of a member, nil if there is none.
func (o object) value(name string) any {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// set is a copy with a member replaced, in its place if it has one.
func (o object) set(name string, value any) object {
	changed := slices.Clone(o)
	for i := range changed {
		if changed[i].name == name {
			changed[i].value = value
			return changed
		}
	}
	return append(changed, member{name, value})
}

// empty says that a value would break FHIR if it were written.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case json.Number:
		return v == ""
	case object:
		for _, m := range v {
			if !empty(m.value) {
				return false
			}
		}
		return true
	case []object:
		for _, o := range v {
			if !empty(o) {
				return false
			}
		}
		return true
	case []string:
		return len(v) == 0
	case jsontext.Value:
		return len(v) == 0
	case []jsontext.Value:
		return len(v) == 0
	}
	return false
}

// MarshalJSON writes the members that have content, in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	if err := o.encode(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (o object) encode(b *bytes.Buffer) error {
	b.WriteByte('{')
	first := true
	for _, m := range o {
		if empty(m.value) {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		if err := encodeValue(b, m.name); err != nil {
			return err
		}
		b.WriteByte(':')
		if err := encodeValue(b, m.value); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func encodeValue(b *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case object:
		return v.encode(b)
	case []object:
		b.WriteByte('[')
		first := true
		for _, o := range v {
			if empty(o) {
				continue
			}
			if !first {
				b.WriteByte(',')
			}
			first = false
			if err := o.encode(b); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case string: // nearly everything is one
		quoted, err := jsontext.AppendQuote(b.AvailableBuffer(), v)
		if err != nil {
			return fmt.Errorf("encode a text: %w", err)
		}
		b.Write(quoted)
		return nil
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	b.Truncate(b.Len() - 1) // the newline that Encode adds
	return nil
}

// encodeResource writes a whole resource.
func encodeResource(o object) ([]byte, error) {
	var b bytes.Buffer
	if err := o.encode(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// careConnect is the profile of a resource type at GP Connect (gpconnect.md, 7 and 18).
func careConnect(resource string) string {
	if resource == "Condition" {
		resource = "ProblemHeader-Condition"
	}
	return nhsProfiles + "CareConnect-GPC-" + resource + "-1"
}

// resource begins a resource with its id and the profile every returned resource carries.
func resource(kind, id, profile string, pairs ...any) object {
	return obj("resourceType", kind, "id", id, "meta", obj("profile", []string{profile})).with(pairs...)
}

// versioned is resource with the version that reads and searches carry and the structured record does not.
func versioned(kind, id, version, profile string, pairs ...any) object {
	return obj("resourceType", kind, "id", id, "meta", obj("versionId", version, "profile", []string{profile})).with(pairs...)
}

func identifier(system, value string) object { return obj("system", system, "value", value) }

func coding(system, code, display string) object {
	return obj("system", system, "code", code, "display", display)
}

func concept(system, code, display string) object {
	return obj("coding", []object{coding(system, code, display)})
}

func reference(to string) object { return obj("reference", to) }

func displayed(text string) object { return obj("display", text) }

// extension is one extension with a value of the named type, such as "valueCode".
func extension(url, kind string, value any) object { return obj("url", url, kind, value) }

// nested is an extension that consists of extensions, which are not written when there are none.
func nested(url string, parts ...object) object {
	if empty(parts) {
		return nil
	}
	return obj("url", url, "extension", parts)
}

// bundleOf makes a Bundle. There is no fullUrl, no total and no link anywhere in GP Connect (gpconnect.md, 2).
func bundleOf(kind, profile, id string, resources []object) object {
	entries := make([]object, len(resources))
	for i, r := range resources {
		entries[i] = obj("resource", r)
	}
	return obj("resourceType", "Bundle", "id", id, "meta", obj("profile", []string{profile}), "type", kind, "entry", entries)
}

func searchset(resources ...object) object {
	return bundleOf("searchset", nhsProfiles+"GPConnect-Searchset-Bundle-1", "", resources)
}

// dateTime is how times are written: local time and its offset, never Z (gpconnect.md, 2).
func dateTime(t time.Time) string { return t.Format("2006-01-02T15:04:05-07:00") }

func dateOf(t time.Time) string { return t.Format(time.DateOnly) }

// mint derives a stable opaque id. Ids of different roots never meet: the parts say where it lives.
func mint(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
