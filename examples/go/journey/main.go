// Journey walks the whole road with spinegate: who is the patient, which system answers for the practice, what can it do, the
// record, free slots, a booking, and what failures look like.
//
//	go run ./journey    # SPINEGATE_ADDRESS and SPINEGATE_ADMIN (HOST:PORT) say where the sandbox is
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/spinegate/spinegate/examples/go/gateway"
	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

const patient = "9990000018"

func main() {
	ctx := context.Background()
	tokens, err := gateway.SandboxTokens(ctx, env("SPINEGATE_ADMIN", "127.0.0.1:9090"), "clinician")
	check(err)
	// In clear text, for a sandbox on this machine; for any other gateway credentials.NewTLS.
	gw, err := gateway.Connect(env("SPINEGATE_ADDRESS", "127.0.0.1:50051"), insecure.NewCredentials(), tokens)
	check(err)
	defer gw.Close()

	// What is done for one patient is one encounter: within it the directory is asked once, and another patient is refused.
	encounter := &pb.CallContext{SessionId: uuid.NewString()}
	practice := trace(ctx, gw, encounter)
	search(ctx, gw)
	resolve(ctx, gw, encounter, practice)
	capabilities(ctx, gw, encounter, practice)
	record(ctx, gw, encounter)
	slot := firstSlot(ctx, gw, encounter, practice)
	book(ctx, gw, encounter, practice, slot)
	failures(ctx, gw, encounter)
}

// trace asks PDS who the patient is, compares them with what we hold, and learns where they are registered.
func trace(ctx context.Context, gw *gateway.Gateway, encounter *pb.CallContext) string {
	ctx, traceID := gateway.WithTrace(ctx)
	answer, err := gw.Patients.TracePatient(ctx, &pb.TracePatientRequest{
		Context:   encounter,
		NhsNumber: patient,
		Expected:  &pb.ExpectedDemographics{Family: "Testwell", BirthDate: "1992"},
	})
	check(err)
	fmt.Printf("trace: %s, family name %s, %s at %s\n", answer.GetPatient().GetName().GetFamily(), answer.GetComparison().GetFamily(),
		answer.GetRegistration().GetStatus(), answer.GetRegistration().GetOdsCode())
	fmt.Printf("trace: the gateway went on with our trace: %t\n", answer.GetProvenance().GetTraceIds().GetTraceId() == traceID)
	return answer.GetRegistration().GetOdsCode()
}

// search finds people by demographics, in no encounter. An empty list proves nothing while AbsenceNotProven is true.
func search(ctx context.Context, gw *gateway.Gateway) {
	answer, err := gw.Patients.SearchPatients(ctx, &pb.SearchPatientsRequest{
		Family: "Testwell", Given: []string{"Ada"}, BirthDateStart: "1990-01-01", BirthDateEnd: "1995-12-31",
	})
	check(err)
	fmt.Printf("search: %d found, absence not proven: %t\n", len(answer.GetMatches()), answer.GetAbsenceNotProven())
}

// resolve asks the directory which system answers. The other methods do this by themselves.
func resolve(ctx context.Context, gw *gateway.Gateway, encounter *pb.CallContext, practice string) {
	answer, err := gw.Directory.ResolveEndpoint(ctx, &pb.ResolveEndpointRequest{
		Context: encounter,
		OdsCode: practice,
		Interaction: &pb.Interaction{
			Name: &pb.Interaction_Known{Known: pb.KnownInteraction_KNOWN_INTERACTION_GET_STRUCTURED_RECORD},
		},
	})
	check(err)
	fmt.Printf("resolve: %s\n", answer.GetEndpoint().GetAsid())
}

// capabilities asks the practice's system what it can do.
func capabilities(ctx context.Context, gw *gateway.Gateway, encounter *pb.CallContext, practice string) {
	answer, err := gw.Practices.GetCapabilities(ctx, &pb.GetCapabilitiesRequest{Context: encounter, OdsCode: practice})
	check(err)
	for _, root := range answer.GetRoots() {
		fmt.Printf("capabilities: %s %s\n", root.GetCapability(), root.GetSupport())
	}
}

// record streams the structured record. It is whole if the stream ended with OK, what arrived has the digest that was said, and
// the verdict is WHOLE: use nothing of it as if it were complete otherwise.
func record(ctx context.Context, gw *gateway.Gateway, encounter *pb.CallContext) {
	stream, err := gw.Practices.GetStructuredRecord(ctx, &pb.GetStructuredRecordRequest{Context: encounter, NhsNumber: patient})
	check(err)
	whole := gateway.NewRecord()
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		check(err)
		check(whole.Take(message))
		if compared := message.GetPatient(); compared != nil { // always before anything clinical
			fmt.Printf("record: of the patient: family name %s, birth date %s\n",
				compared.GetComparison().GetFamily(), compared.GetComparison().GetBirthDate())
		}
	}
	digest, err := whole.End()
	check(err)
	fmt.Printf("record: %s agrees, %s\n", digest, whole.Closing.GetVerdict())
}

// firstSlot takes the first free slot of the next week and cancels the search, which stops what is still being asked.
func firstSlot(ctx context.Context, gw *gateway.Gateway, encounter *pb.CallContext, practice string) *pb.Slot {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	today := time.Now()
	stream, err := gw.Practices.SearchSlots(ctx, &pb.SearchSlotsRequest{
		Context:  encounter,
		OdsCodes: []string{practice, "H86007"},
		Start:    today.AddDate(0, 0, 1).Format(time.DateOnly),
		End:      today.AddDate(0, 0, 7).Format(time.DateOnly),
	})
	check(err)
	for {
		message, err := stream.Recv()
		check(err) // io.EOF, too: no slot is free
		if slot := message.GetSlot(); slot.GetOdsCode() == practice {
			fmt.Println("slots: one found, search cancelled")
			return slot
		}
	}
}

// book books the slot. When the outcome is unknown, or no answer came at all, the same call with the same request id finds it out.
func book(ctx context.Context, gw *gateway.Gateway, encounter *pb.CallContext, practice string, slot *pb.Slot) {
	request := &pb.BookAppointmentRequest{
		Context: encounter, RequestId: uuid.NewString(), NhsNumber: patient, OdsCode: practice,
		SlotHandles: []string{slot.GetHandle()}, Description: "Example",
	}
	for range 2 {
		answer, err := gw.Practices.BookAppointment(ctx, request)
		check(err)
		fmt.Printf("book: %s\n", answer.GetOutcome())
	}
}

// failures shows what errors say, and a deadline.
func failures(ctx context.Context, gw *gateway.Gateway, encounter *pb.CallContext) {
	nobody := &pb.TracePatientRequest{NhsNumber: "9990000492"}
	// Another patient in this one's encounter, as when two screens are mixed up: PDS is not asked.
	another := &pb.TracePatientRequest{Context: encounter, NhsNumber: "9990000115"}
	for _, request := range []*pb.TracePatientRequest{nobody, another} {
		_, err := gw.Patients.TracePatient(ctx, request)
		failure := gateway.FailureOf(err)
		fmt.Printf("failure: %s %s at %s, RETRY_CLASS_%s: %s\n", failure.Code, failure.Reason, failure.Hop, failure.Retry,
			failure.ClinicianMessage)
	}

	ctx, cancel := context.WithTimeout(ctx, 1500*time.Millisecond) // the practice answers after three seconds
	defer cancel()
	_, err := gw.Practices.GetCapabilities(ctx, &pb.GetCapabilitiesRequest{OdsCode: "F84005"})
	fmt.Printf("deadline: %s\n", gateway.FailureOf(err).Code)
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
