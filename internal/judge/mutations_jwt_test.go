package judge_test

import (
	"net/http"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/judge"
)

func encoded(change func(string) string) func(*tape, *judge.Exchange) {
	return func(_ *tape, e *judge.Exchange) { token(e, change) }
}

var jwtMutations = []mutation{
	{rule: "JWT-FORM-01", good: metadata, bad: encoded(func(s string) string { return s + "c2ln" })},
	{rule: "JWT-BASE64-01", good: metadata, bad: encoded(func(s string) string { return strings.TrimSuffix(s, ".") + "=." })},
	{rule: "JWT-HEADER-01", good: metadata, bad: encoded(func(s string) string {
		return "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0" + s[strings.IndexByte(s, '.'):]
	})},
	{rule: "JWT-JSON-01", good: metadata, bad: encoded(func(s string) string { return strings.Split(s, ".")[0] + ".W10." })},
	{rule: "JWT-CLAIMS-01", good: metadata, bad: claim(func(c map[string]any) { delete(c, "reason_for_request") })},
	{rule: "JWT-CLAIMS-02", good: metadata, bad: claim(func(c map[string]any) { c["jti"] = "1" })},
	{rule: "JWT-ISS-01", good: metadata, bad: claim(func(c map[string]any) { c["iss"] = "spinegate" })},
	{rule: "JWT-SUB-01", good: metadata, bad: claim(func(c map[string]any) { c["sub"] = "another" })},
	{rule: "JWT-AUD-01", good: metadata, bad: claim(func(c map[string]any) { c["aud"] = c["aud"].(string) + "/" })},
	{rule: "JWT-IAT-01", good: metadata, bad: claim(func(c map[string]any) { c["iat"] = "946684800" })},
	{rule: "JWT-IAT-02", good: metadata, bad: later(time.Minute)},
	{rule: "JWT-EXP-01", good: metadata, bad: func(tp *tape, e *judge.Exchange) {
		tp.claims(e, func(c map[string]any) { c["exp"] = e.At.Unix() + 301 })
	}},
	{rule: "JWT-FRESH-01", good: metadata, bad: func(tp *tape, e *judge.Exchange) {
		used := e.Header.Get("Authorization")
		next := metadata(tp)
		next.Header.Set("Authorization", used)
		next.At = next.At.Add(1200 * time.Millisecond)
	}},
	{rule: "JWT-REASON-01", good: metadata, bad: claim(func(c map[string]any) { c["reason_for_request"] = "secondaryuses" })},
	{rule: "JWT-SCOPE-01", good: metadata, bad: claim(func(c map[string]any) { c["requested_scope"] = "organization/*.read conf/N" })},
	{rule: "JWT-SCOPE-02", good: metadata, bad: claim(func(c map[string]any) { c["requested_scope"] = "patient/*.read" })},
	{rule: "JWT-RECORD-01", good: html, bad: claim(func(c map[string]any) { delete(c, "requested_record") })},
	{rule: "JWT-TYPE-01", good: metadata, bad: claim(func(c map[string]any) { in(c, "requesting_device")["resourceType"] = "Patient" })},
	{rule: "JWT-MEMBERS-01", good: metadata, bad: claim(func(c map[string]any) { in(c, "requesting_device")["status"] = "active" })},
	{rule: "JWT-DEVICE-01", good: metadata, bad: claim(func(c map[string]any) { delete(in(c, "requesting_device"), "version") })},
	{rule: "JWT-ORG-01", good: metadata, bad: claim(func(c map[string]any) { in(c, "requesting_organization")["name"] = "" })},
	{rule: "JWT-USER-01", good: metadata, bad: claim(func(c map[string]any) {
		p := in(c, "requesting_practitioner")
		p["identifier"] = p["identifier"].([]any)[:2]
	})},
	{rule: "JWT-USER-02", good: metadata, bad: claim(func(c map[string]any) {
		in(c, "requesting_practitioner", "identifier", 0)["value"] = "unknown"
	})},
	{rule: "JWT-NAME-01", good: metadata, bad: claim(func(c map[string]any) { in(c, "requesting_practitioner", "name", 0)["given"] = []any{" "} })},
}

// call is a request for another operation at the root where the journey booked; {patient} in the path is whom it booked for.
func call(interaction, method, path, query, scope string, body map[string]any) func(*tape) *judge.Exchange {
	return func(tp *tape) *judge.Exchange {
		e := book(tp)
		for _, p := range tp.object(e.Body)["participant"].([]any) {
			if id, ok := strings.CutPrefix(in(p.(map[string]any), "actor")["reference"].(string), "Patient/"); ok {
				path = strings.Replace(path, "{patient}", id, 1)
			}
		}
		e.Method, e.Path, e.Query, e.Body = method, strings.TrimSuffix(e.Path, "Appointment")+path, query, nil
		e.Header.Set("Ssp-InteractionID", prefix+interaction)
		e.Header.Del("Content-Type")
		if body != nil {
			e.Body = tp.text(body)
			e.Header.Set("Content-Type", "application/fhir+json;charset=utf-8")
		}
		tp.claims(e, func(c map[string]any) { c["requested_scope"] = scope })
		return e
	}
}

// html is a request for Access Record HTML, whose token is of another edition.
func html(tp *tape) *judge.Exchange {
	const id = "http://fhir.nhs.net/Id/"
	number := map[string]any{"system": id + "nhs-number", "value": "9990000018"}
	e := call("fhir:operation:gpc.getcarerecord", http.MethodPost, "Patient/$gpc.getcarerecord", "", "patient/*.read", map[string]any{
		"resourceType": "Parameters", "parameter": []any{
			map[string]any{"name": "patientNHSNumber", "valueIdentifier": number},
			map[string]any{"name": "recordSection", "valueCodeableConcept": map[string]any{
				"coding": []any{map[string]any{"system": "http://fhir.nhs.net/ValueSet/gpconnect-record-section-1", "code": "ALL"}},
			}},
		},
	})(tp)
	e.Header.Set("Accept", "application/json+fhir")
	e.Header.Set("Content-Type", "application/json+fhir;charset=utf-8")
	tp.claims(e, func(c map[string]any) {
		c["aud"] = "https://authorize.fhir.nhs.net/token"
		c["requested_record"] = map[string]any{"resourceType": "Patient", "identifier": []any{number}}
		in(c, "requesting_organization", "identifier", 0)["system"] = id + "ods-organization-code"
		p := in(c, "requesting_practitioner")
		p["name"] = map[string]any{"family": []any{"Sandbox"}, "given": []any{"Robin"}}
		p["identifier"] = []any{
			map[string]any{"system": "http://fhir.nhs.net/sds-user-id", "value": "UNK"},
			map[string]any{"system": "https://consumer.example/user", "value": "u-1001"},
		}
		p["practitionerRole"] = []any{map[string]any{"role": map[string]any{
			"coding": []any{map[string]any{"system": "http://fhir.nhs.net/ValueSet/sds-job-role-name-1", "code": "UNK"}},
		}}}
	})
	return e
}

func practitioner(id string) func(*tape) *judge.Exchange {
	return call("fhir:rest:read:practitioner-1", http.MethodGet, "Practitioner/"+id, "", "organization/*.read", nil)
}

// amended is the journey's appointment with another comment.
func amended(tp *tape) *judge.Exchange {
	return changed(tp, "update", func(a map[string]any) { a["comment"] = "Please use the side entrance" })
}

func changed(tp *tape, verb string, change func(map[string]any)) *judge.Exchange {
	e := book(tp)
	tp.body(e, func(a map[string]any) {
		a["id"] = "5"
		in(a, "meta")["versionId"] = "3"
		change(a)
	})
	e.Method, e.Path = http.MethodPut, e.Path+"/5"
	e.Header.Set("Ssp-InteractionID", prefix+"fhir:rest:"+verb+":appointment-1")
	e.Header.Set("If-Match", `W/"3"`)
	return e
}
