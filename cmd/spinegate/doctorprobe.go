package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/doctor"
)

const notLetIn = "Not known: no call is let in."

// keptOut tells why no call is let in, once, and that nothing is known beyond it.
func (r *callerReport) keptOut(f failure) {
	subject := "token"
	do := entry[f.reason]
	switch {
	case f.reason == "CIS2_TOKEN_INVALID":
		subject = "CIS2 ID token"
	case f.reason == "TOKEN_INVALID":
		do = "Get a token of an issuer that the gateway believes, for its audience."
		if r.t.minted != "" {
			do = r.t.hint(nil, f)
		}
	case f.reason == "UPSTREAM_UNAVAILABLE" && f.hop == "TOKEN":
		do = "The gateway's operator has to look at the issuer's jwksURL: spinegate doctor --config tries it."
	}
	r.add(doctor.Fail, subject, "taken", f.inWords()+": "+f.said(), cmp.Or(do, "Have the gateway's operator look: its log has each call."))
	r.add(doctor.Skipped, "token", "may call", notLetIn, "")
}

// alike reports whether there are failures, all for the same reason at the same hop.
func alike(all []failure) bool {
	return len(all) > 0 && !slices.ContainsFunc(all, func(f failure) bool {
		return f.code != all[0].code || f.reason != all[0].reason || f.hop != all[0].hop
	})
}

// longestWait is for how long a probe waits at most for a limit of calls.
const longestWait = 5 * time.Second

// persistentProbe probes, and once more after the delay that the gateway asks for where calls are limited.
func persistentProbe(ctx context.Context, c *doctorCommand, g *connection, name string, m protoreflect.MethodDescriptor) failure {
	f := failureOf(probe(ctx, c, g, name, m))
	if f.reason != "RATE_LIMITED" || f.wait > longestWait {
		return f
	}
	select {
	case <-ctx.Done():
		return f
	case <-time.After(f.wait):
	}
	return failureOf(probe(ctx, c, g, name, m))
}

// methods are those of the API that this program knows.
func methods() func(func(string, protoreflect.MethodDescriptor) bool) {
	return func(yield func(string, protoreflect.MethodDescriptor) bool) {
		for _, file := range []protoreflect.FileDescriptor{
			pb.File_spinegate_v1_patient_trace_proto, pb.File_spinegate_v1_endpoint_directory_proto, pb.File_spinegate_v1_gp_connect_proto,
		} {
			for i := range file.Services().Len() {
				service := file.Services().Get(i)
				for j := range service.Methods().Len() {
					m := service.Methods().Get(j)
					if !yield("/"+string(service.FullName())+"/"+string(m.Name()), m) {
						return
					}
				}
			}
		}
	}
}

// probe calls a method with a message that has nothing in it, which is the same for every type.
func probe(ctx context.Context, c *doctorCommand, g *connection, name string, m protoreflect.MethodDescriptor) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	if !m.IsStreamingServer() && !m.IsStreamingClient() {
		return g.Invoke(ctx, name, &emptypb.Empty{}, &emptypb.Empty{})
	}
	stream, err := g.NewStream(ctx, &grpc.StreamDesc{ServerStreams: m.IsStreamingServer(), ClientStreams: m.IsStreamingClient()}, name)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(&emptypb.Empty{}); err == nil {
		_ = stream.CloseSend() // what the gateway says counts
	}
	return stream.RecvMsg(&emptypb.Empty{})
}
