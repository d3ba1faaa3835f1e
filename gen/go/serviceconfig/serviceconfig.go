// Package serviceconfig is the gRPC service config that a client of spinegate uses: how long each method may take, how large
// its messages may be, and which calls gRPC may repeat by itself. Reads are repeated on UNAVAILABLE, writes never.
//
//	grpc.NewClient(address, append(serviceconfig.DialOptions(), grpc.WithTransportCredentials(transport), ...)...)
package serviceconfig

import (
	_ "embed"

	"google.golang.org/grpc"
)

// maxMetadata is the gateway's own limit, so that no error of it is too large to be read, and nothing larger is.
const maxMetadata = 32 << 10

// JSON is the service config, in the form that gRPC's documentation defines.
//
//go:embed service_config.json
var JSON string

// DialOptions are what a connection to the gateway is made with, beside credentials: the service config, none that somebody's
// DNS offers instead, and 32 KiB of metadata.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultServiceConfig(JSON),
		grpc.WithDisableServiceConfig(),
		grpc.WithMaxHeaderListSize(maxMetadata),
	}
}
