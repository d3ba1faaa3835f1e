package interceptor_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/policy"
)

var tooLarge = refusal{codes.ResourceExhausted, "ANSWER_TOO_LARGE", "GATEWAY"}

// limits are what the real server sets: gRPC's own refusal is bare, and must never be reached.
func limits() options {
	return options{server: []grpc.ServerOption{grpc.MaxSendMsgSize(policy.MaxMessage)}}
}

// filled makes a message as large as is said, to the byte, with a field of bytes that fill sets.
func filled(t testing.TB, size int, m proto.Message, fill func([]byte)) {
	t.Helper()
	fill(make([]byte, size-64))
	fill(make([]byte, 2*size-64-proto.Size(m)))
	if proto.Size(m) != size {
		t.Fatalf("the message has %d bytes, want %d", proto.Size(m), size)
	}
}

func TestAnAnswerThatDoesNotFitIsExplainedAndNotRecordedAsOK(t *testing.T) {
	for _, tt := range []struct {
		name string
		size int
		fits bool
	}{
		{"the most", policy.MaxMessage, true},
		{"a byte more", policy.MaxMessage + 1, false},
		{"three times", 3 * policy.MaxMessage, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t, limits())
			g.service.booking = func(context.Context, *pb.BookAppointmentRequest) (*pb.BookAppointmentResponse, error) {
				answer := &pb.BookAppointmentResponse{Appointment: &pb.Appointment{}}
				filled(t, tt.size, answer, func(b []byte) { answer.Appointment.Json = b })
				return answer, nil
			}
			_, err := g.BookAppointment(g.as(t, "clinician"), bookRequest())
			if tt.fits {
				if err != nil {
					t.Error(err)
				}
				return
			}
			g.check(t, err, tooLarge)
			if detail, _ := details(t, err); detail.GetRetry() != pb.RetryClass_RETRY_CLASS_NEVER {
				t.Errorf("the caller is invited to try again: %s", detail.GetRetry())
			}
		})
	}
}

func TestAMessageOfAStreamThatDoesNotFitEndsIt(t *testing.T) {
	for _, tt := range []struct {
		name    string
		swallow bool // the service goes on as if nothing had been
		message func() *pb.GetStructuredRecordResponse
	}{
		{"an entry", false, func() *pb.GetStructuredRecordResponse {
			m := entry("List")
			m.GetEntry().Json = make([]byte, policy.MaxMessage)
			return m
		}},
		{"an entry, and a service that goes on", true, func() *pb.GetStructuredRecordResponse {
			m := entry("List")
			m.GetEntry().Json = make([]byte, policy.MaxMessage)
			return m
		}},
		{"a closing message", false, func() *pb.GetStructuredRecordResponse {
			m := closing(pb.Verdict_VERDICT_WHOLE)
			m.GetClosing().Provenance = &pb.Provenance{PracticeName: strings.Repeat("x", policy.MaxMessage)}
			return m
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t, limits())
			g.service.record = func(_ *pb.GetStructuredRecordRequest, out recordStream) error {
				err := send(out, opening(), answerPatient(), tt.message())
				if tt.swallow && err != nil {
					if err := send(out, closing(pb.Verdict_VERDICT_WHOLE)); err == nil {
						return errors.New("a closing message was sent after one that was not")
					}
					return nil
				}
				return err
			}
			got, err := read(g.GetStructuredRecord(g.as(t, "clinician"), recordRequest()))
			g.check(t, err, tooLarge)
			if len(got) != 2 {
				t.Errorf("%d messages arrived, want those before it", len(got))
			}
		})
	}
}
