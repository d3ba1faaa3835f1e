// Package gateway is what a Go program needs around the stubs of spinegate: a connection, tokens, trace context, errors with
// their reasons, and the check that a stream is whole. Copy it and make it your own.
package gateway

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/spinegate/spinegate/gen/go/serviceconfig"
	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// maxMetadata is the gateway's own limit, so that no error of it is too large to be read.
const maxMetadata = 32 << 10

// Gateway is a connection with a client of each service.
type Gateway struct {
	*grpc.ClientConn
	Patients  pb.PatientTraceClient
	Directory pb.EndpointDirectoryClient
	Practices pb.GPConnectClient
}

// Connect makes a connection on which every call carries the tokens. It is in clear text, for a sandbox on this machine: for
// any other gateway use credentials.NewTLS, and let Tokens require it.
func Connect(address string, tokens Tokens) (*Gateway, error) {
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(tokens),
		// Time-outs, sizes, and what gRPC may repeat by itself; and none that somebody's DNS offers instead.
		grpc.WithDefaultServiceConfig(serviceconfig.JSON),
		grpc.WithDisableServiceConfig(),
		grpc.WithMaxHeaderListSize(maxMetadata),
	)
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

// RequireTransportSecurity is true for anything but a sandbox on this machine.
func (t Tokens) RequireTransportSecurity() bool { return false }
