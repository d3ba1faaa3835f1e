package interceptor

import (
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/nhs"
)

// evident is a stream whose messages are evidence: the first request says whom it is about, and the closing message waits
// until the outcome is durable. What was released is told to the record by the service, which knows it in every view.
type evident struct {
	grpc.ServerStream

	auditor auditor
	record  *audit.Record
	// ahead is the one request of a server stream, until the service reads it.
	ahead     proto.Message
	described bool
	// closes says that the method's responses know a closing message, closed that it was sent.
	closes, closed bool
	// unsent is why a message could not be sent. Nothing is sent after it: the caller would miss it and not know.
	unsent error
	// outcome is what the closing message says. Only the goroutine that sends touches it.
	outcome audit.Outcome
}

// readAhead reads the request of a server stream before anything is decided about the call, as gRPC itself does for unary
// calls, so that a refusal names whom it was about.
func (s *evident) readAhead(info *grpc.StreamServerInfo) error {
	name := strings.ReplaceAll(strings.TrimPrefix(info.FullMethod, "/"), "/", ".")
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	method, ok := found.(protoreflect.MethodDescriptor)
	if err != nil || !ok {
		awaited(s.Context()) // not read here, and not waited for
		return nil           // nobody's method; authorisation refuses it
	}
	s.closes = method.Output().Fields().ByName("closing") != nil
	if info.IsClientStream {
		awaited(s.Context()) // the service reads, within the call's budget
		return nil
	}
	request, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
	if err != nil {
		return nil // the types of a method are linked with it; without them the service reads for itself
	}
	m := request.New().Interface()
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err // explained by the link outside
	}
	describe(s.record, m)
	s.ahead, s.described = m, true
	return nil
}

// RecvMsg implements [grpc.ServerStream].
func (s *evident) RecvMsg(m any) error {
	if to, ok := m.(proto.Message); ok && s.ahead != nil {
		proto.Merge(to, s.ahead)
		s.ahead = nil
		return nil
	}
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err // io.EOF must stay what it is
	}
	if !s.described {
		describe(s.record, m)
		s.described = true
	}
	return nil
}

// SendMsg implements [grpc.ServerStream]. The closing message leaves when the outcome is durable, or not at all. A message
// that is too large ends the stream.
func (s *evident) SendMsg(m any) error {
	if s.unsent == nil {
		s.unsent = fits(m)
	}
	if s.unsent != nil {
		return s.unsent
	}
	message, ok := m.(proto.Message)
	if !ok {
		return s.ServerStream.SendMsg(m) // a stream's errors stay what they are
	}
	name, event := eventOf(message)
	if name != "closing" {
		return s.ServerStream.SendMsg(m) // a stream's errors stay what they are
	}
	s.conclude(event)
	if err := s.auditor.end(s.Context(), s.record, s.outcome, nil); err != nil {
		return err
	}
	s.closed = true
	return s.ServerStream.SendMsg(m) // a stream's errors stay what they are
}

// eventOf is what a stream's message holds: the name and content of its oneof `event`. Invalid without one.
func eventOf(message proto.Message) (protoreflect.Name, protoreflect.Message) {
	m := message.ProtoReflect()
	events := m.Descriptor().Oneofs().ByName("event")
	if events == nil {
		return "", nil
	}
	field := m.WhichOneof(events)
	if field == nil || field.Message() == nil {
		return "", nil
	}
	return field.Name(), m.Get(field).Message()
}

// conclude reads what a closing message says about the whole.
func (s *evident) conclude(closing protoreflect.Message) {
	fields := closing.Descriptor().Fields()
	if f := fields.ByName("verdict"); f != nil && f.Enum() != nil {
		s.outcome.Verdict = enumName(f, closing.Get(f).Enum(), "VERDICT_")
	}
	if f := fields.ByName("content_length"); f != nil && f.Kind() == protoreflect.Int64Kind {
		s.outcome.Bytes = closing.Get(f).Int()
	}
	if f := fields.ByName("content_sha256"); f != nil && f.Kind() == protoreflect.BytesKind {
		s.outcome.SHA256 = closing.Get(f).Bytes()
	}
}

// describe fills the record with what a request says: whom it is about, which practice, why and from where. A number or
// code that is not one stays out; the refusal that follows says so.
func describe(record *audit.Record, request any) {
	message, ok := request.(proto.Message)
	if !ok {
		return
	}
	m := message.ProtoReflect()
	if number, err := nhs.ParseNumber(textOf(m, "nhs_number")); err == nil {
		record.SetSubject(number)
	}
	if practice, err := nhs.ParseODSCode(textOf(m, "ods_code")); err == nil {
		record.SetPractice(practice)
	}
	with, ok := request.(interface{ GetContext() *pb.CallContext })
	if !ok {
		return
	}
	why := with.GetContext()
	evidence := audit.Context{Purpose: "DIRECT_CARE", Device: why.GetDevice(), Session: why.GetSessionId()}
	if p := why.GetPurpose(); p != pb.Purpose_PURPOSE_UNSPECIFIED {
		evidence.Purpose = strings.TrimPrefix(p.String(), "PURPOSE_")
	}
	if r := why.GetRelationship(); r != pb.Relationship_RELATIONSHIP_UNSPECIFIED {
		evidence.Relationship = strings.TrimPrefix(r.String(), "RELATIONSHIP_")
	}
	record.SetContext(evidence)
}

// textOf is a text field of a message; empty when it has no such field.
func textOf(m protoreflect.Message, field protoreflect.Name) string {
	f := m.Descriptor().Fields().ByName(field)
	if f == nil || f.Kind() != protoreflect.StringKind || f.Cardinality() == protoreflect.Repeated {
		return ""
	}
	return m.Get(f).String()
}

func enumName(f protoreflect.FieldDescriptor, n protoreflect.EnumNumber, prefix string) string {
	if v := f.Enum().Values().ByNumber(n); v != nil {
		return strings.TrimPrefix(string(v.Name()), prefix)
	}
	return ""
}
