// Package serviceconfig is the gRPC service config that a client of spinegate uses: how long each method may take, how large
// its messages may be, and which calls gRPC may repeat by itself. Reads are repeated on UNAVAILABLE, writes never.
//
//	grpc.NewClient(address, grpc.WithDefaultServiceConfig(serviceconfig.JSON), grpc.WithDisableServiceConfig(), ...)
package serviceconfig

import _ "embed"

// JSON is the service config, in the form that gRPC's documentation defines.
//
//go:embed service_config.json
var JSON string
