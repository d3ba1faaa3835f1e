package main

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// jsonLine is a message as one line of protobuf's JSON, the same for the same message: protojson alone puts spaces in at
// whim, so that nobody relies on them.
func jsonLine(m proto.Message) ([]byte, error) {
	line, err := protojson.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write as JSON: %w", err)
	}
	value := jsontext.Value(line)
	if err := value.Compact(); err != nil {
		return nil, fmt.Errorf("write as JSON: %w", err)
	}
	return append(value, '\n'), nil
}

// printJSON writes a message for machines.
func (t *terminal) printJSON(m proto.Message) error {
	line, err := jsonLine(m)
	if err != nil {
		return err
	}
	t.out.write(string(line))
	return t.out.failed()
}

// printLines writes values that are no messages, one a line.
func printLines[V any](p *page, values ...V) error {
	for _, v := range values {
		line, err := json.Marshal(v, json.Deterministic(true))
		if err != nil {
			return fmt.Errorf("write as JSON: %w", err)
		}
		p.write(string(line) + "\n")
	}
	return p.failed()
}
