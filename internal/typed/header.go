package typed

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// head is what every resource has.
type head struct {
	ID        text            `json:"id"`
	Meta      meta            `json:"meta"`
	Extension list[extension] `json:"extension"`
}

type meta struct {
	VersionID text         `json:"versionId"`
	Security  list[coding] `json:"security"`
}

func (h *head) header() *head { return h }

func (h *head) into(e *pb.RecordEntry) {
	e.Id = optional(h.ID)
	e.VersionId = optional(h.Meta.VersionID)
	e.SecurityLabels = codings(h.Meta.Security)
}

// resourceType finds the type that the resource names, wherever it does; empty when it names none, or is no object. That
// no member occurs twice is for whoever reads the whole to see.
func resourceType(resource []byte) string {
	var name text
	members(resource, func(dec *jsontext.Decoder, member string) (more bool, err error) {
		if member != "resourceType" {
			return true, dec.SkipValue()
		}
		if dec.PeekKind() != '"' {
			return false, nil
		}
		return false, name.UnmarshalJSONFrom(dec)
	})
	return string(name)
}

// maxMeta bounds the header of a resource that may be hostile, in bytes: room for hundreds of labels.
const maxMeta = 64 << 10

// looseHeader reads what it can of the header of a resource that cannot be read as a whole. A member that occurs twice
// says nothing.
func looseHeader(resource []byte) *head {
	h := new(head)
	var ids, metas int
	members(resource, func(dec *jsontext.Decoder, member string) (more bool, err error) {
		switch member {
		case "id":
			ids++
			return true, h.ID.UnmarshalJSONFrom(dec)
		case "meta":
			metas++
			value, err := dec.ReadValue()
			if err != nil {
				return false, err
			}
			if len(value) > maxMeta || json.Unmarshal(value, &h.Meta) != nil {
				h.Meta = meta{}
			}
			return true, nil
		default:
			return true, dec.SkipValue()
		}
	})
	if ids != 1 {
		h.ID = ""
	}
	if metas != 1 {
		h.Meta = meta{}
	}
	return h
}

// members walks the members of an object until visit, which reads the value, has seen enough or nothing more can be read.
func members(object []byte, visit func(dec *jsontext.Decoder, member string) (more bool, err error)) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(object), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(false))
	if dec.PeekKind() != '{' {
		return
	}
	if _, err := dec.ReadToken(); err != nil {
		return
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return
		}
		if more, err := visit(dec, name.String()); err != nil || !more {
			return
		}
	}
}
