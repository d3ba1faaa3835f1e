package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/spinegate/spinegate/examples/go/gateway"
)

// answer is what came of a call, as JSON: the response, or for a stream its events by kind, in order of arrival.
type answer struct {
	object    map[string]any
	streamed  bool
	checked   string
	cancelled string
}

// add takes a message of a stream and returns the kind of its event. Of an item in pieces the last one counts.
func (a answer) add(m proto.Message) string {
	oneof := m.ProtoReflect().WhichOneof(m.ProtoReflect().Descriptor().Oneofs().ByName("event"))
	kind := string(oneof.Name())
	if !m.(gateway.Message).GetContinues() {
		events, _ := a.object[kind].([]any)
		a.object[kind] = append(events, object(m)[kind])
	}
	return kind
}

// show prints a step's lines.
func show(s step, a answer, err error, traceID string) {
	late := status.Code(err) == codes.DeadlineExceeded // how far the call came by then differs from run to run
	if a.streamed && a.cancelled == "" && !late {
		line("events", strings.Join(slices.Sorted(maps.Keys(a.object)), ","))
	}
	switch {
	case late:
		line("code", "DEADLINE_EXCEEDED")
	case err != nil:
		showFailure(gateway.FailureOf(err), traceID)
	case a.cancelled != "":
		line("cancelled", a.cancelled)
	default:
		line("code", "OK")
		if a.streamed {
			line("checked", a.checked)
			line("traced", fmt.Sprint(slices.Contains(a.find("opening.provenance.trace_ids.trace_id"), traceID)))
		} else {
			line("traced", fmt.Sprint(slices.Contains(a.find("provenance.trace_ids.trace_id"), traceID)))
		}
		for _, path := range s.Print {
			if list, count := strings.CutSuffix(path, "#"); count {
				line(path, fmt.Sprint(len(a.find(list))))
				continue
			}
			line(path, strings.Join(slices.Sorted(slices.Values(a.find(path))), ","))
		}
	}
}

func showFailure(f gateway.Failure, traceID string) {
	line("code", f.Code)
	line("reason", f.Reason)
	line("hop", f.Hop)
	line("retry", f.Retry)
	line("traced", fmt.Sprint(f.TraceID == traceID))
	var fields []string
	for _, v := range f.Fields {
		fields = append(fields, v.Field)
	}
	for _, field := range slices.Sorted(slices.Values(fields)) {
		line("field", field)
	}
}

func line(name, value string) { fmt.Printf("  %s=%s\n", name, value) }

// find follows a path through the answer. A list is gone into, element by element; what is not there is left out.
func (a answer) find(path string) []string { return find(a.object, strings.Split(path, ".")) }

func find(value any, path []string) []string {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		var all []string
		for _, element := range v {
			all = append(all, find(element, path)...)
		}
		return all
	case map[string]any:
		if len(path) > 0 {
			return find(v[path[0]], path[1:])
		}
	}
	return []string{fmt.Sprint(value)}
}

// object is a message as JSON, with the field names of the contract.
func object(m proto.Message) map[string]any {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	check(err)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var all map[string]any
	check(decoder.Decode(&all))
	return all
}
