package interceptor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	validatepb "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Rules of this file, beside those of the contract.
const (
	ruleNHSNumber     = "string.nhs_number" // of rules.proto
	ruleSessionNumber = "session_id.nhs_number"
	ruleSessionHere   = "session_id.not_here"
)

// validator holds every request message against the rules of the contract.
type validator struct{ rules protovalidate.Validator }

// newValidator compiles the rules of every request now: the first call is not slower than the next, and a rule that does
// not compile stops the start instead of every call.
func newValidator() (validator, error) {
	requests := requestTypes()
	rules, err := protovalidate.New(protovalidate.WithMessageDescriptors(requests...))
	if err != nil {
		return validator{}, fmt.Errorf("interceptor: compile rules: %w", err)
	}
	for _, request := range requests {
		var broken *protovalidate.ValidationError
		if err := rules.Validate(dynamicpb.NewMessage(request)); err != nil && !errors.As(err, &broken) {
			return validator{}, fmt.Errorf("interceptor: compile rules of %s: %w", request.Name(), err)
		}
	}
	return validator{rules}, nil
}

// requestTypes are the requests of every method.
func requestTypes() []protoreflect.MessageDescriptor {
	var requests []protoreflect.MessageDescriptor
	for _, file := range []protoreflect.FileDescriptor{
		pb.File_spinegate_v1_patient_trace_proto, pb.File_spinegate_v1_endpoint_directory_proto, pb.File_spinegate_v1_gp_connect_proto,
	} {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				requests = append(requests, methods.Get(j).Input())
			}
		}
	}
	return requests
}

func (v validator) link() link {
	return eachRequest(func(ctx context.Context, request any) error { return v.check(callFrom(ctx), request) })
}

// check explains every rule that a message breaks. No violation holds a value: rules are named, and the paths are made of
// field names and positions alone.
func (v validator) check(c *call, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("validate %T: not a message", message)
	}
	if field := crowded(m.ProtoReflect()); field != "" {
		e := refuse(pb.ErrorReason_ERROR_REASON_REQUEST_INVALID)
		e.Violations = []*pb.FieldViolation{{Field: field, Rule: "repeated.max_items", Description: fmt.Sprintf("must have at most %d items", mostItems)}}
		return e
	}
	var violations []*pb.FieldViolation
	if err := v.rules.Validate(m); err != nil {
		broken, ok := errors.AsType[*protovalidate.ValidationError](err)
		if !ok {
			return fmt.Errorf("validate %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
		}
		for _, b := range broken.Violations {
			violations = append(violations, &pb.FieldViolation{
				Field: path(b.Proto.GetField()), Rule: b.Proto.GetRuleId(), Description: description(b),
			})
		}
	}
	violations = append(violations, sessionRules(c, m)...)
	if len(violations) == 0 {
		return nil
	}
	e := refuse(pb.ErrorReason_ERROR_REASON_REQUEST_INVALID)
	e.Violations = violations
	for _, b := range violations {
		if b.GetRule() == ruleNHSNumber {
			e.Reason = pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID
		}
	}
	return e
}

// mostItems is how long a list can be anywhere in the contract. Rules are not held against the items of one that is longer: each
// could break one, and ten are told.
const mostItems = 500

// crowded is the path of the first list in a message, or in one inside of it, that is longer than any may be; empty if none is.
func crowded(m protoreflect.Message) (field string) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() && v.List().Len() > mostItems:
			field = string(f.Name())
		case f.Message() != nil && !f.IsList() && !f.IsMap():
			if inner := crowded(v.Message()); inner != "" {
				field = string(f.Name()) + "." + inner
			}
		}
		return field == ""
	})
	return field
}

// description is what a rule says; of a field that was left out, that it is required and not which pattern nothing has.
func description(b *protovalidate.Violation) string {
	if f := b.FieldDescriptor; f != nil && b.FieldValue.IsValid() {
		switch {
		case f.IsList() && b.Proto.GetField() != nil && isList(b.FieldValue) && b.FieldValue.List().Len() == 0,
			f.Kind() == protoreflect.StringKind && !isList(b.FieldValue) && b.FieldValue.String() == "":
			return "is required"
		}
	}
	return b.Proto.GetMessage()
}

func isList(v protoreflect.Value) bool {
	_, ok := v.Interface().(protoreflect.List)
	return ok
}

// sessionRules checks what the contract's rules cannot say about a session id: it must not carry a patient's number into logs
// of others, and some methods are part of no encounter.
func sessionRules(c *call, m proto.Message) []*pb.FieldViolation {
	request, ok := m.(interface{ GetContext() *pb.CallContext })
	if !ok || request.GetContext().GetSessionId() == "" {
		return nil
	}
	violation := func(rule, description string) []*pb.FieldViolation {
		return []*pb.FieldViolation{{Field: "context.session_id", Rule: rule, Description: description}}
	}
	if !rowOf(c).Encounter {
		return violation(ruleSessionHere, "must not be set: this method is part of no session")
	}
	if nhs.NumberIn(request.GetContext().GetSessionId()) {
		return violation(ruleSessionNumber, "must not hold an NHS Number")
	}
	return nil
}

// path names a field as callers write it. Keys of maps are the caller's own text, so they are left out.
func path(p *validatepb.FieldPath) string {
	var text strings.Builder
	for _, element := range p.GetElements() {
		if text.Len() > 0 {
			text.WriteByte('.')
		}
		text.WriteString(element.GetFieldName())
		if element.HasIndex() {
			fmt.Fprintf(&text, "[%d]", element.GetIndex())
		}
	}
	return text.String()
}
