package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/spinegate/spinegate/gen/openapi"
	"github.com/spinegate/spinegate/internal/policy"
	"github.com/spinegate/spinegate/internal/server/servertest"
)

// document is the committed one, as OpenAPI 3, with every object closed: what it does not know is not allowed.
func document(t *testing.T) *openapi3.T {
	t.Helper()
	var two openapi2.T
	if err := json.Unmarshal(openapi.Document, &two); err != nil {
		t.Fatal(err)
	}
	if two.Host != "" || two.BasePath != "" {
		t.Errorf("it names a server: %s %s", two.Host, two.BasePath)
	}
	three, err := openapi2conv.ToV3(&two)
	if err != nil {
		t.Fatal(err)
	}
	if err := three.Validate(t.Context()); err != nil {
		t.Fatalf("not valid: %v", err)
	}
	for name, s := range three.Components.Schemas {
		if name != "Any" && s.Value.Type.Is("object") && s.Value.AdditionalProperties.Schema == nil {
			s.Value.AdditionalProperties.Has = new(bool)
		}
	}
	return three
}

func TestTheDocumentIsServedToAnybody(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t, servertest.WithHTTP())
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r := newRequest(t.Context(), t, "/openapi.json", "")
		r.Method = method
		s := send(t, g.HTTP, r)
		want := string(openapi.Document)
		if method == http.MethodHead {
			want = ""
		}
		if s.status != http.StatusOK || s.header.Get("Content-Type") != "application/json" || string(s.body) != want {
			t.Errorf("%s: %d %v, %d bytes", method, s.status, s.header, len(s.body))
		}
	}
}

func TestTheDocumentHasEveryMethodAndNoOther(t *testing.T) {
	t.Parallel()
	three := document(t)
	methods := 0
	for m := range policy.All() {
		methods++
		item := three.Paths.Value(m.Name)
		if item == nil || item.Post == nil || len(item.Operations()) != 1 {
			t.Errorf("%s is not there as a POST", m.Name)
			continue
		}
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(m.Name[1:], "/", ".")))
		if err != nil {
			t.Fatal(err)
		}
		stream := found.(protoreflect.MethodDescriptor).IsStreamingServer()
		if lines := item.Post.Responses.Value("200").Value.Content.Get("application/x-ndjson") != nil; lines != stream {
			t.Errorf("%s: application/x-ndjson is %v", m.Name, lines)
		}
		if item.Post.Responses.Default() == nil {
			t.Errorf("%s does not say what a failure looks like", m.Name)
		}
	}
	if three.Paths.Len() != methods {
		t.Errorf("%d paths for %d methods", three.Paths.Len(), methods)
	}
	if security := three.Components.SecuritySchemes["bearer"]; security == nil || security.Value.Name != "Authorization" {
		t.Errorf("credentials are %v", three.Components.SecuritySchemes)
	}
}

// What the gateway says is what the document says that it says: every name, kind and value.
func TestAnswersAreAsTheDocumentHasThem(t *testing.T) {
	t.Parallel()
	three := document(t)
	g := servertest.Start(t, servertest.WithHTTP())
	ctx := g.As(t.Context(), t, "clinician")
	for _, tt := range []struct {
		name, method, body string
		status             int
		definition         string
	}{
		{"an answer", trace, `{"nhs_number": "9990000018"}`, 200, "TracePatientResponse"},
		{"a failure", trace, `{"nhs_number": "9990000019"}`, 400, "Status"},
		{"a statement", "/spinegate.v1.GPConnect/GetCapabilities", `{"ods_code": "A20047"}`, 200, "GetCapabilitiesResponse"},
		{"a record", records, `{"nhs_number": "9990000115"}`, 200, "GetStructuredRecordResponse"},
		{"many", traces, `{"start":{}} {"item":{"item_id":"a","nhs_number":"9990000018"}} {"item":{"item_id":"b","nhs_number":"9990000026"}}`, 200, "TracePatientsResponse"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := post(ctx, t, g, tt.method, tt.body)
			if s.status != tt.status || s.err != nil {
				t.Fatalf("%d %v: %s", s.status, s.err, s.body)
			}
			schema := three.Components.Schemas[tt.definition]
			if schema == nil {
				t.Fatalf("there is no %s", tt.definition)
			}
			texts := [][]byte{s.body}
			if s.header.Get("Content-Type") == "application/x-ndjson" {
				texts = nil
				for line := range strings.Lines(string(s.body)) {
					var one struct{ Result json.RawMessage }
					if err := json.Unmarshal([]byte(line), &one); err != nil {
						t.Fatal(err)
					}
					texts = append(texts, one.Result)
				}
			}
			for _, text := range texts {
				var value any
				if err := json.Unmarshal(text, &value); err != nil {
					t.Fatal(err)
				}
				if err := schema.Value.VisitJSON(value); err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
			}
			// The check can fail.
			var spoiled map[string]any
			if err := json.Unmarshal(texts[0], &spoiled); err != nil {
				t.Fatal(err)
			}
			spoiled["nobody"] = 1
			if schema.Value.VisitJSON(spoiled) == nil {
				t.Error("a name that the document does not have passes")
			}
		})
	}
}
