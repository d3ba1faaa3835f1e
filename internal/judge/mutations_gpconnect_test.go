package judge_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spinegate/spinegate/internal/judge"
)

var personMutations = []mutation{
	{rule: "GPC-BODY-01", good: metadata, bad: func(_ *tape, e *judge.Exchange) { e.Body = []byte("{}") }},
	{rule: "GPC-FIND-01", good: find, bad: query(func(q url.Values) { q.Set("_count", "1") })},
	{
		rule: "GPC-FIND-02",
		good: call("fhir:rest:search:practitioner-1", http.MethodGet, "Practitioner",
			"identifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fsds-user-id%7C111122223333", "organization/*.read", nil),
		bad: rawQuery("sds-user-id", "gmc-number"),
	},
	{
		rule: "GPC-REGISTER-01",
		good: call("fhir:operation:gpc.registerpatient-1", http.MethodPost, "Patient/$gpc.registerpatient", "", "patient/*.write", map[string]any{
			"resourceType": "Parameters", "parameter": []any{map[string]any{"name": "registerPatient", "resource": map[string]any{
				"resourceType": "Patient",
				"meta":         map[string]any{"profile": []any{"https://fhir.nhs.uk/STU3/StructureDefinition/CareConnect-GPC-Patient-1"}},
				"identifier":   []any{map[string]any{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"}},
				"name":         []any{map[string]any{"use": "official", "family": "Testwell"}},
				"birthDate":    "1950-01-01",
			}}},
		}),
		bad: body(func(b map[string]any) { in(b, "parameter", 0, "resource")["maritalStatus"] = map[string]any{} }),
	},
	{
		rule: "GPC-LIST-01",
		good: call("fhir:rest:search:patient_appointments-1", http.MethodGet, "Patient/{patient}/Appointment", "start=ge2000-01-02&start=le2000-01-03",
			"patient/*.read", nil),
		bad: rawQuery("ge2000-01-02", "ge1999-12-31"),
	},
	{
		rule: "GPC-DOC-01",
		good: call("documents:fhir:rest:search:documentreference-1", http.MethodGet, "Patient/{patient}/DocumentReference", url.Values{
			"_include": {
				"DocumentReference:subject:Patient", "DocumentReference:custodian:Organization", "DocumentReference:author:Organization",
				"DocumentReference:author:Practitioner",
			},
			"_revinclude:recurse": {"PractitionerRole:practitioner"}, "created": {"ge1999-01-01", "le1999-12-31"},
		}.Encode(), "patient/*.read", nil),
		bad: query(func(q url.Values) { q.Set("type", "x") }),
	},
}

var slotMutations = []mutation{
	{rule: "GPC-SLOT-01", good: slots, bad: query(func(q url.Values) { q.Set("_count", "10") })},
	{rule: "GPC-SLOT-02", good: slots, bad: query(func(q url.Values) { q.Set("start", q.Get("start")+"T00:00:00Z") })},
	{rule: "GPC-SLOT-03", good: slots, bad: query(func(q url.Values) { q.Set("end", "le2000-02-01") })},
	{rule: "GPC-SLOT-04", good: slots, bad: query(func(q url.Values) { q.Set("status", "busy") })},
	{rule: "GPC-SLOT-05", good: slots, bad: query(func(q url.Values) { q.Del("_include") })},
	{rule: "GPC-SLOT-06", good: slots, bad: query(func(q url.Values) {
		q.Add("searchFilter", "https://fhir.nhs.uk/Id/ods-organization-code|X26")
	})},
}

// ask is a request for a record that has one more parameter.
func ask(name string, parts ...any) func(*tape) *judge.Exchange {
	return func(tp *tape) *judge.Exchange {
		e := record1(tp)
		tp.body(e, func(b map[string]any) {
			b["parameter"] = append(b["parameter"].([]any)[:1:1], map[string]any{"name": name, "part": parts})
		})
		return e
	}
}

func part(name, kind string, value any) map[string]any {
	return map[string]any{"name": name, kind: value}
}

// parts replaces the parts of the second parameter.
func parts(all ...any) func(*tape, *judge.Exchange) {
	return body(func(b map[string]any) { in(b, "parameter", 1)["part"] = append([]any{}, all...) })
}

// transferred is a record transfer with sensitive information.
func transferred(tp *tape) *judge.Exchange {
	e := call("fhir:operation:gpc.migratestructuredrecord-1", http.MethodPost, "Patient/$gpc.migratestructuredrecord", "",
		"patient/*.read conf/R", map[string]any{"resourceType": "Parameters", "parameter": []any{
			map[string]any{"name": "patientNHSNumber", "valueIdentifier": map[string]any{
				"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018",
			}},
			map[string]any{"name": "includeFullRecord", "part": []any{part("includeSensitiveInformation", "valueBoolean", true)}},
		}})(tp)
	tp.claims(e, func(c map[string]any) { c["reason_for_request"] = "migration" })
	return e
}

var recordMutations = []mutation{
	{rule: "GPC-RECORD-01", good: record1, bad: body(func(b map[string]any) {
		b["parameter"] = b["parameter"].([]any)[1:]
	})},
	{rule: "GPC-RECORD-02", good: record1, bad: body(func(b map[string]any) {
		b["parameter"] = append(b["parameter"].([]any), map[string]any{"name": "includeDocuments"})
	})},
	{rule: "GPC-RECORD-03", good: record1, bad: body(func(b map[string]any) { b["parameter"] = b["parameter"].([]any)[:1] })},
	{
		rule: "GPC-RECORD-04", good: ask("includeAllergies", part("includeResolvedAllergies", "valueBoolean", true)), bad: parts(),
	},
	{
		rule: "GPC-RECORD-05", good: ask("includeMedication", part("includePrescriptionIssues", "valueBoolean", true)), bad: parts(),
	},
	{
		rule: "GPC-RECORD-06", good: ask("includeReferrals", part("referralSearchPeriod", "valuePeriod", map[string]any{"start": "1999-01-01"})),
		bad: body(func(b map[string]any) {
			b["parameter"] = append(b["parameter"].([]any), map[string]any{"name": "includeProblems"})
		}),
	},
	{
		rule: "GPC-RECORD-07", good: ask("includeReferrals", part("referralSearchPeriod", "valuePeriod", map[string]any{"start": "1999-02-01"})),
		bad: parts(part("referralSearchPeriod", "valuePeriod", map[string]any{"start": "1999-02", "end": "1999-03-01"})),
	},
	{
		rule: "GPC-RECORD-08", good: ask("includeConsultations", part("includeNumberOfMostRecent", "valuePositiveInt", 3)),
		bad: parts(part("includeNumberOfMostRecent", "valuePositiveInt", 3),
			part("consultationSearchPeriod", "valuePeriod", map[string]any{"start": "1999-02-01"})),
	},
	{rule: "GPC-MIGRATE-01", good: transferred, bad: claim(func(c map[string]any) { c["requested_scope"] = "patient/*.read conf/N" })},
	{rule: "GPC-HTML-01", good: html, bad: body(func(b map[string]any) {
		in(b, "parameter", 1, "valueCodeableConcept", "coding", 0)["code"] = "all"
	})},
}

var bookingMutations = []mutation{
	{rule: "GPC-BOOK-01", good: book, bad: body(func(b map[string]any) { delete(b, "meta") })},
	{rule: "GPC-BOOK-02", good: book, bad: body(func(b map[string]any) { b["status"] = "proposed" })},
	{rule: "GPC-BOOK-03", good: book, bad: body(func(b map[string]any) {
		b["start"] = strings.Replace(b["start"].(string), "+00:00", "Z", 1)
	})},
	{rule: "GPC-BOOK-04", good: book, bad: body(func(b map[string]any) { b["created"] = "1999-12-31T12:00:00+00:00" })},
	{rule: "GPC-BOOK-05", good: book, bad: body(func(b map[string]any) {
		b["slot"] = append(b["slot"].([]any), b["slot"].([]any)[0])
	})},
	{rule: "GPC-BOOK-06", good: book, bad: body(func(b map[string]any) {
		b["participant"] = slices.DeleteFunc(b["participant"].([]any), func(p any) bool {
			return strings.HasPrefix(in(p.(map[string]any), "actor")["reference"].(string), "Location/")
		})
	})},
	{rule: "GPC-BOOK-07", good: book, bad: body(func(b map[string]any) { delete(in(b, "contained", 0), "telecom") })},
	{rule: "GPC-BOOK-08", good: book, bad: body(func(b map[string]any) {
		in(b, "contained", 0)["type"] = []any{map[string]any{"coding": []any{map[string]any{
			"system": "https://fhir.nhs.uk/STU3/CodeSystem/GPConnect-OrganisationType-1", "code": "gp-practice",
		}}}}
	})},
	{rule: "GPC-BOOK-09", good: book, bad: body(func(b map[string]any) { b["description"] = strings.Repeat("é", 101) })},
	{rule: "GPC-BOOK-10", good: book, bad: body(func(b map[string]any) { b["specialty"] = []any{} })},
	{rule: "GPC-REF-01", good: book, bad: body(func(b map[string]any) {
		b["supportingInformation"] = []any{map[string]any{"reference": "https://practice.example/Location/1"}}
	})},
	{rule: "GPC-CANCEL-01", good: func(tp *tape) *judge.Exchange {
		return changed(tp, "cancel", func(a map[string]any) {
			a["status"] = "cancelled"
			a["extension"] = append(a["extension"].([]any), map[string]any{
				"url":         "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-GPConnect-AppointmentCancellationReason-1",
				"valueString": "Cannot come",
			})
		})
	}, bad: body(func(b map[string]any) { in(b, "extension", 1)["valueString"] = " " })},
	{rule: "GPC-AMEND-01", good: amended, bad: set("If-Match", `W/"2"`)},
}
