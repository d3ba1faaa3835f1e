package web_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/identity"
)

// The chain's part of a call, durable evidence included, is in all of them. The difference is what HTTP costs.
func BenchmarkCall(b *testing.B) {
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		return l
	}
	overHTTP, overGRPC := listen(), listen()
	d := open(b, overHTTP, nil, nil)
	served := make(chan error, 1)
	go func() { served <- d.inner.Serve(overGRPC) }()
	conn, err := grpc.NewClient(overGRPC.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = conn.Close()
		d.inner.Stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	}()
	// A caller has a limit, so there are many.
	calls, token := 0, ""
	bearer := func() string {
		if calls++; calls%50 == 1 {
			p := identity.Personas()[0]
			user := *p.User
			user.LocalID = strconv.Itoa(calls)
			p.User = &user
			token = d.mint(b, p)
		}
		return token
	}
	b.Run("gRPC", func(b *testing.B) {
		b.ReportAllocs()
		directory := pb.NewEndpointDirectoryClient(conn)
		for b.Loop() {
			ctx := metadata.AppendToOutgoingContext(context.Background(), "authorization", bearer())
			if _, err := directory.ResolveEndpoint(ctx, &pb.ResolveEndpointRequest{OdsCode: "A20047", Interaction: &pb.Interaction{
				Name: &pb.Interaction_Known{Known: pb.KnownInteraction_KNOWN_INTERACTION_SEARCH_SLOT},
			}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, once := range map[string]bool{"HTTP": false, "HTTP, a connection each": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			transport := &http.Transport{DisableKeepAlives: once}
			defer transport.CloseIdleConnections()
			for b.Loop() {
				r := newRequest(b.Context(), b, resolve, question)
				r.URL.Host = overHTTP.Addr().String()
				r.Header.Set("Authorization", bearer())
				answer, err := transport.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
					b.Fatal(answer.Status, err)
				}
				_ = answer.Body.Close()
			}
		})
	}
}
