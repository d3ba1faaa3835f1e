package judge_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/judge"
)

// mutation breaks one rule.
type mutation struct {
	rule string
	// good adds a request that keeps every rule, and bad spoils it.
	good func(*tape) *judge.Exchange
	bad  func(*tape, *judge.Exchange)
	// also are rules that cannot but be broken with it.
	also []string
}

func mutations() []mutation {
	return slices.Concat(tokenMutations, pdsMutations, sdsMutations, sspMutations, jwtMutations, personMutations, slotMutations,
		recordMutations, bookingMutations, sequenceMutations, furtherMutations)
}

// again adds one of the journey's requests once more.
func again(meant func(*judge.Exchange) bool) func(*tape) *judge.Exchange {
	return func(tp *tape) *judge.Exchange { return tp.again(meant) }
}

var (
	tokenRequest = again(asked(judge.Token, "/token"))
	pdsRead      = again(asked(judge.PDS, "/Patient/9990000018"))
	pdsSearch    = again(asked(judge.PDS, "/Patient"))
	sdsEndpoint  = again(asked(judge.SDS, "/Endpoint"))
	sdsDevice    = again(asked(judge.SDS, "/Device"))
	metadata     = again(called("fhir:rest:read:metadata-1"))
	find         = again(called("fhir:rest:search:patient-1"))
	record1      = again(called("fhir:operation:gpc.getstructuredrecord-1"))
	slots        = again(called("fhir:rest:search:slot-1"))
	book         = again(called("fhir:rest:create:appointment-1"))
)

func set(name, value string) func(*tape, *judge.Exchange) {
	return func(_ *tape, e *judge.Exchange) { e.Header.Set(name, value) }
}

func unset(name string) func(*tape, *judge.Exchange) {
	return func(_ *tape, e *judge.Exchange) { e.Header.Del(name) }
}

func path(old, with string) func(*tape, *judge.Exchange) {
	return func(_ *tape, e *judge.Exchange) { e.Path = strings.Replace(e.Path, old, with, 1) }
}

func rawQuery(old, with string) func(*tape, *judge.Exchange) {
	return func(_ *tape, e *judge.Exchange) { e.Query = strings.Replace(e.Query, old, with, 1) }
}

func query(change func(url.Values)) func(*tape, *judge.Exchange) {
	return func(tp *tape, e *judge.Exchange) { tp.query(e, change) }
}

func body(change func(map[string]any)) func(*tape, *judge.Exchange) {
	return func(tp *tape, e *judge.Exchange) { tp.body(e, change) }
}

func claim(change func(map[string]any)) func(*tape, *judge.Exchange) {
	return func(tp *tape, e *judge.Exchange) { tp.claims(e, change) }
}

func field(name, value string) func(*tape, *judge.Exchange) {
	return func(tp *tape, e *judge.Exchange) { tp.form(e, func(v url.Values) { v.Set(name, value) }) }
}

// stated changes the client assertion.
func stated(change func(header, claims map[string]any)) func(*tape, *judge.Exchange) {
	return func(tp *tape, e *judge.Exchange) { tp.assertion(e, change) }
}

var tokenMutations = []mutation{
	{rule: "TOKEN-FORM-01", good: tokenRequest, bad: set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")},
	{rule: "TOKEN-GRANT-01", good: tokenRequest, bad: field("grant_type", "password")},
	{rule: "TOKEN-TYPE-01", good: tokenRequest, bad: field("client_assertion_type", "jwt-bearer")},
	{rule: "TOKEN-JWT-01", good: tokenRequest, bad: func(tp *tape, e *judge.Exchange) {
		tp.form(e, func(v url.Values) {
			signed := v.Get("client_assertion")
			v.Set("client_assertion", signed[:strings.LastIndexByte(signed, '.')+1])
		})
	}},
	{rule: "TOKEN-ALG-01", good: tokenRequest, bad: stated(func(h, _ map[string]any) { h["alg"] = "RS256" })},
	{rule: "TOKEN-KID-01", good: tokenRequest, bad: stated(func(h, _ map[string]any) { delete(h, "kid") })},
	{rule: "TOKEN-TYP-01", good: tokenRequest, bad: stated(func(h, _ map[string]any) { h["typ"] = "at+jwt" })},
	{rule: "TOKEN-ISS-01", good: tokenRequest, bad: stated(func(_, c map[string]any) { c["sub"] = "another" })},
	{rule: "TOKEN-AUD-01", good: tokenRequest, bad: stated(func(_, c map[string]any) { c["aud"] = c["aud"].(string) + "/" })},
	{rule: "TOKEN-JTI-01", good: tokenRequest, bad: func(tp *tape, _ *judge.Exchange) {
		tp.all = append(tp.all, clone(tp.all[len(tp.all)-1]))
	}},
	{rule: "TOKEN-EXP-01", good: tokenRequest, bad: func(tp *tape, e *judge.Exchange) {
		tp.assertion(e, func(_, c map[string]any) { c["exp"] = e.At.Unix() + 302 })
	}},
	{rule: "TOKEN-SUBJECT-01", good: func(tp *tape) *judge.Exchange {
		e := tokenRequest(tp)
		tp.form(e, func(v url.Values) {
			v.Set("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")
			v.Set("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")
			v.Set("subject_token", "e30.e30.c2ln")
		})
		return e
	}, bad: field("subject_token", "")},
}

var pdsMutations = []mutation{
	{rule: "PDS-PATH-01", good: pdsRead, bad: path("/Patient/", "/patient/")},
	{rule: "PDS-NUMBER-01", good: pdsRead, bad: path("9990000018", "9990000019")},
	{rule: "PDS-AUTH-01", good: pdsRead, bad: func(_ *tape, e *judge.Exchange) {
		e.Header.Set("Authorization", strings.Replace(e.Header.Get("Authorization"), "Bearer ", "Bearer  ", 1))
	}},
	{rule: "PDS-REQID-01", good: pdsRead, bad: set("X-Request-Id", "4bf92f3577b34da6a3ce929d0e0e4736")},
	{rule: "PDS-REQID-02", good: pdsRead, bad: func(tp *tape, e *judge.Exchange) {
		id := e.Header.Get("X-Request-Id")
		pdsSearch(tp).Header.Set("X-Request-Id", id)
	}},
	{rule: "PDS-REQID-03", good: func(tp *tape) *judge.Exchange { return &tp.all[tp.retry()] }, bad: set("X-Request-Id", "0f6a1c1e-3f5b-4f8e-9a57-0f6c0d6f2a11")},
	{rule: "PDS-ORG-01", good: pdsRead, bad: set("NHSD-End-User-Organisation-ODS", "eyJvZHMiOiJROFgwMSJ9")},
	{rule: "PDS-URID-01", good: func(tp *tape) *judge.Exchange {
		e := pdsRead(tp)
		e.Header.Set("NHSD-Session-URID", "555254242102")
		return e
	}, bad: set("NHSD-Session-URID", "R8000:555254242102")},
	{rule: "PDS-ACCEPT-01", good: pdsRead, bad: set("Accept", "application/xml")},
	{rule: "PDS-PARAM-01", good: pdsSearch, bad: query(func(q url.Values) { q.Set("_count", "1") })},
	{rule: "PDS-PARAM-02", good: pdsSearch, bad: query(func(q url.Values) { q.Add("family", "TESTWELL") })},
	{rule: "PDS-PARAM-03", good: pdsSearch, bad: query(func(q url.Values) { q.Set("address-postalcode", "LS1"); q.Set("address-postcode", "LS1") })},
	{rule: "PDS-DATE-01", good: pdsSearch, bad: query(func(q url.Values) { q.Set("birthdate", "eq1950") })},
	{rule: "PDS-FLAG-01", good: pdsSearch, bad: query(func(q url.Values) { q.Set("_history", "yes") })},
	{rule: "PDS-MIN-01", good: pdsSearch, bad: query(func(q url.Values) { q.Del("birthdate") })},
	{rule: "PDS-WILD-01", good: pdsSearch, bad: query(func(q url.Values) { q.Set("family", "T*") })},
	{rule: "PDS-ENC-01", good: pdsSearch, bad: rawQuery("TESTWELL", "TEST*")},
	{rule: "PDS-MAX-01", good: pdsSearch, bad: query(func(q url.Values) { q.Set("_max-results", "2") })},
}

// retry is where a read stands that repeats one which failed.
func (tp *tape) retry() int {
	tp.t.Helper()
	for i, e := range tp.all {
		if e.Leg == judge.PDS && e.Status == http.StatusServiceUnavailable {
			for j := i + 1; j < len(tp.all); j++ {
				if tp.all[j].Path == e.Path && tp.all[j].Leg == e.Leg {
					return j
				}
			}
		}
	}
	tp.t.Fatal("the journey has no retry")
	return 0
}

// emptied is where a look-up stands that repeats one which brought nothing.
func (tp *tape) emptied() int {
	tp.t.Helper()
	for i, e := range tp.all {
		if e.Leg == judge.SDS && e.Header.Get("Cache-Control") == "no-cache" {
			return i
		}
	}
	tp.t.Fatal("the journey has no empty answer")
	return 0
}

var sdsMutations = []mutation{
	{rule: "SDS-PATH-01", good: sdsEndpoint, bad: path("/Endpoint", "/endpoint")},
	{rule: "SDS-KEY-01", good: sdsEndpoint, bad: unset("apikey")},
	{rule: "SDS-ACCEPT-01", good: sdsEndpoint, bad: set("Accept", "application/fhir+json;charset=utf-8")},
	{rule: "SDS-CORR-01", good: sdsEndpoint, bad: set("X-Correlation-ID", "encounter-1")},
	{rule: "SDS-CACHE-01", good: sdsEndpoint, bad: set("Cache-Control", "no-cache, no-store")},
	{rule: "SDS-PARAM-01", good: sdsEndpoint, bad: query(func(q url.Values) { q.Set("_format", "json") })},
	{rule: "SDS-TOKEN-01", good: sdsEndpoint, bad: query(func(q url.Values) {
		q.Add("identifier", "https://fhir.nhs.uk/Id/nhsEndpointServiceId|x")
	})},
	{rule: "SDS-COMBO-01", good: sdsEndpoint, bad: query(func(q url.Values) { q.Del("identifier") })},
	{rule: "SDS-PIPE-01", good: sdsEndpoint, bad: rawQuery("%7C", "|")},
	{rule: "SDS-ODS-01", good: sdsEndpoint, bad: rawQuery("A20047", "%2A")},
	{rule: "SDS-INTERACTION-01", good: sdsEndpoint, bad: query(func(q url.Values) {
		q.Set("identifier", "https://fhir.nhs.uk/Id/nhsServiceInteractionId|"+prefix+"fhir:rest:search:location-1")
	})},
	{rule: "SDS-PARTY-01", good: sdsDevice, bad: query(func(q url.Values) {
		q["identifier"][1] = "https://fhir.nhs.uk/Id/nhsMhsPartyKey|A20047"
	}), also: []string{"SDS-ORDER-01"}},
	{rule: "SDS-ORDER-01", good: sdsDevice, bad: query(func(q url.Values) {
		q["identifier"][1] = "https://fhir.nhs.uk/Id/nhsMhsPartyKey|A20047-999999"
	})},
	{rule: "SDS-EMPTY-01", good: func(tp *tape) *judge.Exchange { return &tp.all[tp.emptied()] }, bad: unset("Cache-Control")},
}

var sspMutations = []mutation{
	{rule: "SSP-URL-01", good: metadata, bad: path("https://", "https:/"), also: []string{"SSP-URL-02", "JWT-AUD-01"}},
	{rule: "SSP-URL-02", good: metadata, bad: func(tp *tape, e *judge.Exchange) {
		e.Path = strings.Replace(e.Path, "/metadata", "x/metadata", 1)
		tp.claims(e, func(c map[string]any) { c["aud"] = c["aud"].(string) + "x" })
	}},
	{
		rule: "SSP-VERB-01", good: metadata, bad: func(_ *tape, e *judge.Exchange) { e.Method = http.MethodHead },
		also: []string{"SSP-TYPE-01", "GPC-BODY-01"},
	},
	{rule: "SSP-HEADERS-01", good: metadata, bad: func(_ *tape, e *judge.Exchange) { e.Header.Add("Ssp-From", e.Header.Get("Ssp-From")) }},
	{rule: "SSP-TRACE-01", good: metadata, bad: set("Ssp-TraceID", "4bf92f3577b34da6a3ce929d0e0e4736")},
	{rule: "SSP-TRACE-02", good: metadata, bad: func(tp *tape, e *judge.Exchange) {
		id := e.Header.Get("Ssp-TraceID")
		metadata(tp).Header.Set("Ssp-TraceID", id)
	}},
	{rule: "SSP-ASID-01", good: metadata, bad: set("Ssp-From", "18000000001")},
	{rule: "SSP-ASID-02", good: metadata, bad: set("Ssp-To", "000000000001")},
	{rule: "SSP-INTERACTION-01", good: metadata, bad: set("Ssp-InteractionID", prefix+"fhir:rest:search:location-1")},
	{rule: "SSP-INTERACTION-02", good: metadata, bad: set("Ssp-InteractionID", prefix+"fhir:rest:read:location-1"), also: []string{}},
	{rule: "SSP-ID-01", good: practitioner("17"), bad: path("/17", "/17%2B")},
	{rule: "SSP-ACCEPT-01", good: metadata, bad: unset("Accept")},
	{rule: "SSP-TYPE-01", good: book, bad: set("Content-Type", "application/fhir+json; charset=utf-8")},
	{rule: "SSP-TYPE-02", good: metadata, bad: set("Content-Type", "text/plain")},
	{rule: "SSP-GZIP-01", good: metadata, bad: unset("Accept-Encoding")},
	{rule: "SSP-AUTH-01", good: metadata, bad: func(_ *tape, e *judge.Exchange) { e.Header.Add("Authorization", "Basic eDp5") }},
	{rule: "SSP-IFMATCH-01", good: amended, bad: set("If-Match", `"3"`)},
	{rule: "SSP-QUERY-01", good: find, bad: rawQuery("%7C", "|")},
	{rule: "SSP-ONCE-01", good: book, bad: func(tp *tape, e *judge.Exchange) {
		sent := string(e.Body)
		book(tp).Body = []byte(sent)
	}},
}

var sequenceMutations = []mutation{
	{rule: "JWT-TENANT-01", good: metadata, bad: claim(func(c map[string]any) {
		in(c, "requesting_organization", "identifier", 0)["value"] = "X26"
	})},
	{rule: "GPC-ROOT-01", good: book, bad: func(tp *tape, _ *judge.Exchange) { tp.drop(called("fhir:rest:search:patient-1")) }},
	{rule: "C9-GEN-06", good: record1, bad: func(tp *tape, _ *judge.Exchange) {
		tp.drop(func(e *judge.Exchange) bool { return e.Leg == judge.PDS })
	}},
	{rule: "C9-GEN-08", good: record1, bad: said(func(patient map[string]any) {
		in(patient, "generalPractitioner", 0, "identifier")["value"] = "B84001"
	})},
	{rule: "C9-GEN-09", good: record1, bad: said(func(patient map[string]any) { in(patient, "meta", "security", 0)["code"] = "R" })},
	{rule: "C9-GEN-10", good: record1, bad: said(func(patient map[string]any) { patient["deceasedDateTime"] = "2020-01-01" })},
}

// said changes what PDS said of the patient, every time.
func said(change func(map[string]any)) func(*tape, *judge.Exchange) {
	return func(tp *tape, _ *judge.Exchange) {
		for i := range tp.all {
			if asked(judge.PDS, "/Patient/9990000018")(&tp.all[i]) {
				tp.answer(&tp.all[i], change)
			}
		}
	}
}

// later moves a request by so much.
func later(by time.Duration) func(*tape, *judge.Exchange) {
	return func(_ *tape, e *judge.Exchange) { e.At = e.At.Add(by) }
}
