// Package gateway is what a Go program needs around the stubs of spinegate: a connection, tokens, trace context, errors with
// their reasons, and the check that a stream is whole. Copy it and make it your own.
package gateway

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/spinegate/spinegate/gen/go/serviceconfig"
	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// Gateway is a connection with a client of each service.
type Gateway struct {
	*grpc.ClientConn
	Patients  pb.PatientTraceClient
	Directory pb.EndpointDirectoryClient
	Practices pb.GPConnectClient
}

// Connect makes a connection on which every call carries the tokens. The transport is credentials.NewTLS; only a sandbox's tokens
// may go out in clear text.
func Connect(address string, transport credentials.TransportCredentials, tokens Tokens) (*Gateway, error) {
	// Time-outs, sizes, and what gRPC may repeat by itself.
	options := append(serviceconfig.DialOptions(), grpc.WithTransportCredentials(transport), grpc.WithPerRPCCredentials(tokens))
	conn, err := grpc.NewClient(address, options...)
	if err != nil {
		return nil, err
	}
	return &Gateway{
		ClientConn: conn,
		Patients:   pb.NewPatientTraceClient(conn),
		Directory:  pb.NewEndpointDirectoryClient(conn),
		Practices:  pb.NewGPConnectClient(conn),
	}, nil
}

// Tokens are sent with every call.
type Tokens struct {
	// Bearer says who calls, and for which organisation.
	Bearer string `json:"token"`
	// CIS2 is the ID token of a clinician's own sign-in, if PDS shall be asked in their name.
	CIS2 string `json:"cis2_id_token"`
	// sandbox gave them, and to it they may go in clear text.
	sandbox bool
}

// String says nothing of them, so that no log does.
func (t Tokens) String() string { return "Tokens" }

// GetRequestMetadata is called by gRPC for every call: the place to renew a token that has expired.
func (t Tokens) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	sent := map[string]string{"authorization": "Bearer " + t.Bearer}
	if t.CIS2 != "" {
		sent["spinegate-cis2-id-token"] = t.CIS2
	}
	return sent, nil
}

// RequireTransportSecurity makes gRPC refuse a connection in clear text, but for tokens of a sandbox on this machine.
func (t Tokens) RequireTransportSecurity() bool { return !t.sandbox }
