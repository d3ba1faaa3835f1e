// Package openapi holds the OpenAPI document of the API over HTTP and JSON.
package openapi

import _ "embed"

// Document is OpenAPI 2.0, generated from the contract.
//
//go:embed spinegate.swagger.json
var Document []byte
