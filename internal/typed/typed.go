// Package typed turns one STU3 resource, as a practice sent it, into the typed form that stands beside its exact JSON in
// a stream of a record.
//
// A form adds nothing: nothing is renamed, converted, completed or merged, decimals stay text, and what another version
// of the standard may bring keeps the code that it came with. Suppliers err in harmless ways, and these are read: nulls,
// a number written as text, one value where a list belongs, codes without a coding, references that are names. What
// could be misread is not read at all: a member that occurs twice, an element of another shape, two values of one
// choice, an element that changes the meaning of others. Then the entry says so, and its JSON is still there.
package typed

import (
	"bytes"
	"errors"
	"math"

	"github.com/go-json-experiment/json"
	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

const (
	// MaxSize bounds an entry's message apart from its JSON, in bytes on the wire.
	MaxSize = 512 << 10
	// maxRest bounds what is kept of an entry element beside its resource: room for a fullUrl and a remark.
	maxRest = 64 << 10
	// maxResource and maxObjects are where a form is not even tried, in bytes of JSON and objects in it: no resource of a
	// real record comes near either, and an empty object takes a hundred times the memory of its text.
	maxResource = 1 << 20
	maxObjects  = 32 << 10
)

// resource is a type of resource while it is read.
type resource interface {
	header() *head
	// form sets the typed form in e, if the type has one. It fails with errShape or errDeep.
	form(e *pb.RecordEntry) error
}

// Entry makes the message of one entry: position is its index in Bundle.entry, resource its exact JSON, and rest a JSON
// object of what else the entry element holds, or nothing. It never fails: an entry without a typed form says why in its
// typed state. The message refers to resource and rest, so neither may change while it is used.
func Entry(position int, resource, rest []byte) *pb.RecordEntry {
	e := &pb.RecordEntry{
		Position:     int32(min(max(position, 0), math.MaxInt32)),
		ResourceType: resourceType(resource),
		EntryRest:    rest,
	}
	e.TypedState = fill(e, resource)
	if len(rest) > maxRest {
		e.EntryRest, e.EntryRestOmitted = nil, int64(len(rest))
		tooLarge(e)
	}
	if proto.Size(e) > MaxSize {
		tooLarge(e)
	}
	if proto.Size(e) > MaxSize { // ids and labels that no system gives
		e.ResourceType, e.Id, e.VersionId, e.SecurityLabels = "", nil, nil, nil
	}
	e.Json = resource
	return e
}

// fill sets header and typed form, as far as they can be read, and says what came of it.
func fill(e *pb.RecordEntry, text []byte) pb.TypedState {
	if len(text) > maxResource || bytes.Count(text, []byte("{")) > maxObjects {
		looseHeader(text).into(e)
		return pb.TypedState_TYPED_STATE_TOO_LARGE
	}
	r := blank(e.GetResourceType())
	if e.GetResourceType() == "" || json.Unmarshal(text, r) != nil {
		looseHeader(text).into(e)
		return pb.TypedState_TYPED_STATE_UNREADABLE
	}
	r.header().into(e)
	err := r.form(e)
	switch {
	case err == nil && e.GetTyped() == nil:
		return pb.TypedState_TYPED_STATE_NOT_MODELLED
	case err == nil && !changesMeaning(text):
		return pb.TypedState_TYPED_STATE_SET
	}
	e.Typed = nil
	if errors.Is(err, errDeep) {
		return pb.TypedState_TYPED_STATE_TOO_LARGE
	}
	return pb.TypedState_TYPED_STATE_UNREADABLE
}

func tooLarge(e *pb.RecordEntry) {
	e.Typed, e.TypedState = nil, pb.TypedState_TYPED_STATE_TOO_LARGE
}

// changesMeaning tells whether the resource has an element of which FHIR says that a reader who does not know it must
// not use the rest. A quoted name cannot occur inside a JSON string, where the quotes would be escaped.
func changesMeaning(text []byte) bool {
	return bytes.Contains(text, []byte(`"modifierExtension"`)) || bytes.Contains(text, []byte(`"implicitRules"`))
}

// unmodelledType is a resource of a type without a form.
type unmodelledType struct{ head }

func (*unmodelledType) form(*pb.RecordEntry) error { return nil }

// blank is an empty resource of the type.
func blank(resourceType string) resource {
	switch resourceType {
	case "Patient":
		return new(patient)
	case "Organization":
		return new(organization)
	case "Practitioner":
		return new(practitioner)
	case "PractitionerRole":
		return new(practitionerRole)
	case "Location":
		return new(location)
	case "HealthcareService":
		return new(healthcareService)
	case "List":
		return new(recordList)
	case "AllergyIntolerance":
		return new(allergyIntolerance)
	case "MedicationStatement":
		return new(medicationStatement)
	case "MedicationRequest":
		return new(medicationRequest)
	case "Medication":
		return new(medication)
	case "Condition":
		return new(condition)
	case "Encounter":
		return new(encounter)
	case "Immunization":
		return new(immunization)
	case "Observation":
		return new(observation)
	case "DiagnosticReport":
		return new(diagnosticReport)
	case "Specimen":
		return new(specimen)
	case "ProcedureRequest":
		return new(procedureRequest)
	case "ReferralRequest":
		return new(referralRequest)
	case "DocumentReference":
		return new(documentReference)
	case "QuestionnaireResponse":
		return new(questionnaireResponse)
	case "OperationOutcome":
		return new(operationOutcome)
	default:
		return new(unmodelledType)
	}
}
