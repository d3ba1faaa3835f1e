// Package fhir reads the few FHIR resources that the gateway acts upon: STU3 from practices, R4 from PDS and SDS.
//
// It promises to be strict about form and lenient about content. Text that is not one well-formed JSON value, repeats a
// member name, is not UTF-8 or is nested absurdly deep is refused, because two readers could understand it differently.
// A member that this package does not know is never an error and never lost: what is handed on is handed on as the bytes
// that were received. No error of this package carries anything that it read.
package fhir

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep objects and arrays may be nested in anything that is read. Real resources stay below twenty.
const MaxDepth = 64

// Errors of the readers of this package. They carry nothing of the text.
var (
	ErrMalformed    = errors.New("not one well-formed JSON value with unique names")
	ErrTooDeep      = errors.New("JSON is nested too deeply")
	ErrNotResource  = errors.New("not a FHIR resource: no resourceType")
	ErrResourceType = errors.New("another resource type than expected")
	ErrShape        = errors.New("a known element has another shape than FHIR gives it")
)

// ResourceType checks the form of a whole resource and tells its resourceType, wherever in the object it stands. It is
// read before anything else: HTTP 200 can carry an OperationOutcome (PDS contract, 7.5).
func ResourceType(text []byte) (string, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(text))
	if decoder.PeekKind() != '{' {
		return "", ErrNotResource
	}
	var name, resourceType string
	var ended bool
	for {
		// A member name of the outermost object is what follows an even number of its values.
		outermost := decoder.StackDepth() == 1
		token, err := decoder.ReadToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", ErrMalformed
		}
		if ended {
			return "", ErrMalformed // a second value
		}
		ended = decoder.StackDepth() == 0
		if decoder.StackDepth() > MaxDepth {
			return "", ErrTooDeep
		}
		if !outermost || decoder.StackDepth() != 1 || token.Kind() != '"' {
			continue
		}
		if _, length := decoder.StackIndex(1); length%2 == 1 {
			name = token.String()
		} else if name == "resourceType" {
			resourceType = token.String()
		}
	}
	if resourceType == "" {
		return "", ErrNotResource
	}
	return resourceType, nil
}

// decode reads a resource whose type is known. What it returns is one of the errors above.
func decode(text []byte, resourceType string, into any) error {
	got, err := ResourceType(text)
	if err != nil {
		return err
	}
	if got != resourceType {
		return ErrResourceType
	}
	if err := json.Unmarshal(text, into); err != nil {
		return ErrShape
	}
	return nil
}
