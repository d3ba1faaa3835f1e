package main

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/spinegate/spinegate/examples/go/gateway"
	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// call makes the call with requests in JSON and gives what came of it, also when it failed.
type call func(ctx context.Context, gw *gateway.Gateway, requests [][]byte, cancelAfter string) (answer, error)

// A method that the gateway learns is one line here.
var calls = map[string]call{
	"PatientTrace/TracePatient":          unary(patients, pb.PatientTraceClient.TracePatient),
	"PatientTrace/SearchPatients":        unary(patients, pb.PatientTraceClient.SearchPatients),
	"PatientTrace/TracePatients":         tracePatients,
	"PatientTrace/ListRelatedPersons":    unary(patients, pb.PatientTraceClient.ListRelatedPersons),
	"EndpointDirectory/ResolveEndpoint":  unary(directory, pb.EndpointDirectoryClient.ResolveEndpoint),
	"EndpointDirectory/ResolveEndpoints": stream(directory, pb.EndpointDirectoryClient.ResolveEndpoints),
	"GPConnect/GetCapabilities":          unary(practices, pb.GPConnectClient.GetCapabilities),
	"GPConnect/GetStructuredRecord":      stream(practices, pb.GPConnectClient.GetStructuredRecord),
	"GPConnect/SearchSlots":              stream(practices, pb.GPConnectClient.SearchSlots),
	"GPConnect/BookAppointment":          unary(practices, pb.GPConnectClient.BookAppointment),
}

func patients(g *gateway.Gateway) pb.PatientTraceClient       { return g.Patients }
func directory(g *gateway.Gateway) pb.EndpointDirectoryClient { return g.Directory }
func practices(g *gateway.Gateway) pb.GPConnectClient         { return g.Practices }

func unary[C, Q any, A proto.Message](client func(*gateway.Gateway) C, method func(C, context.Context, *Q, ...grpc.CallOption) (A, error)) call {
	return func(ctx context.Context, gw *gateway.Gateway, requests [][]byte, _ string) (answer, error) {
		got, err := method(client(gw), ctx, read[Q](requests[0]))
		if err != nil {
			return answer{}, err
		}
		return answer{object: object(got)}, nil
	}
}

func stream[C, Q, A any](client func(*gateway.Gateway) C, method func(C, context.Context, *Q, ...grpc.CallOption) (grpc.ServerStreamingClient[A], error)) call {
	return func(ctx context.Context, gw *gateway.Gateway, requests [][]byte, cancelAfter string) (answer, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		s, err := method(client(gw), ctx, read[Q](requests[0]))
		if err != nil {
			return answer{}, err
		}
		return receive(func() (proto.Message, error) {
			m, err := s.Recv()
			return any(m).(proto.Message), err
		}, cancelAfter)
	}
}

func tracePatients(ctx context.Context, gw *gateway.Gateway, requests [][]byte, cancelAfter string) (answer, error) {
	s, err := gw.Patients.TracePatients(ctx)
	if err != nil {
		return answer{}, err
	}
	for _, r := range requests {
		if err := s.Send(read[pb.TracePatientsRequest](r)); err != nil {
			break // Recv says why
		}
	}
	check(s.CloseSend())
	return receive(func() (proto.Message, error) { return s.Recv() }, cancelAfter)
}

// receive reads a stream to its end, or to the first event of a kind.
func receive(recv func() (proto.Message, error), cancelAfter string) (answer, error) {
	a := answer{object: make(map[string]any), streamed: true}
	var whole gateway.Whole
	record := gateway.NewRecord()
	for {
		m, err := recv()
		if errors.Is(err, io.EOF) {
			check(whole.End())
			a.checked = "sequence,closing"
			if record.Closing != nil {
				digest, err := record.End()
				check(err)
				a.checked += "," + digest
			}
			return a, nil
		}
		if err != nil {
			return a, err
		}
		kind := a.add(m)
		check(whole.Take(m.(gateway.Message), kind == "closing"))
		if r, ok := m.(*pb.GetStructuredRecordResponse); ok {
			check(record.Take(r))
		}
		if kind == cancelAfter {
			a.cancelled = kind
			return a, nil
		}
	}
}

// read makes a request of its JSON.
func read[Q any](text []byte) *Q {
	q := new(Q)
	check(protojson.Unmarshal(text, any(q).(proto.Message)))
	return q
}
