package judge_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spinegate/spinegate/internal/judge"
)

// furtherMutations break rules in other ways than the first.
var furtherMutations = []mutation{
	{rule: "TOKEN-JTI-01", good: tokenRequest, bad: stated(func(_, c map[string]any) { c["jti"] = 7 })},
	{rule: "TOKEN-EXP-01", good: tokenRequest, bad: func(tp *tape, e *judge.Exchange) {
		tp.assertion(e, func(_, c map[string]any) { c["exp"] = e.At.Unix() - 1 })
	}},
	{rule: "TOKEN-GRANT-01", good: tokenRequest, bad: func(tp *tape, e *judge.Exchange) {
		tp.form(e, func(v url.Values) { v.Add("grant_type", v.Get("grant_type")) })
	}},
	{rule: "PDS-PARAM-01", good: pdsRead, bad: func(_ *tape, e *judge.Exchange) { e.Query = "_history=true" }},
	{rule: "PDS-WILD-01", good: pdsSearch, bad: query(func(q url.Values) {
		q.Set("_fuzzy-match", "true")
		q.Set("family", "TEST*")
		q.Set("given", "Ada")
	})},
	{rule: "PDS-MIN-01", good: pdsSearch, bad: query(func(q url.Values) { q.Set("_fuzzy-match", "true") })},
	{rule: "SDS-TOKEN-01", good: sdsDevice, bad: query(func(q url.Values) {
		q.Set("organization", "https://fhir.nhs.uk/Id/ods-organization-code| A20047")
	}), also: []string{"SDS-ODS-01", "SDS-ORDER-01"}},
	{rule: "SDS-ORDER-01", good: sdsDevice, bad: query(func(q url.Values) { q["identifier"] = q["identifier"][:1] })},
	{rule: "SDS-ORDER-01", good: sdsDevice, bad: func(tp *tape, e *judge.Exchange) {
		e.Query = strings.ReplaceAll(e.Query, "A20047", "B84001")
	}},
	{rule: "SSP-URL-02", good: metadata, bad: path("/metadata", "//metadata"), also: []string{"JWT-AUD-01"}},
	{rule: "SSP-URL-02", good: metadata, bad: func(_ *tape, e *judge.Exchange) {
		e.Path = strings.Replace(e.Path, ".example/", ".example:443/", 1)
	}, also: []string{"JWT-AUD-01"}},
	{rule: "SSP-INTERACTION-02", good: record1, bad: path("$", "%24")},
	{rule: "SSP-INTERACTION-02", good: amended, bad: path("/5", ""), also: []string{"GPC-AMEND-01"}},
	{rule: "SSP-TYPE-01", good: record1, bad: unset("Content-Type")},
	{rule: "SSP-ACCEPT-01", good: html, bad: set("Accept", "application/fhir+json")},
	{rule: "SSP-AUTH-01", good: metadata, bad: func(_ *tape, e *judge.Exchange) {
		e.Header.Set("Authorization", strings.Replace(e.Header.Get("Authorization"), " ", "  ", 1))
	}, also: []string{"JWT-BASE64-01", "JWT-HEADER-01"}},
	{rule: "SSP-IFMATCH-01", good: metadata, bad: set("If-Match", `W/"3"`)},
	{rule: "SSP-QUERY-01", good: slots, bad: func(_ *tape, e *judge.Exchange) {
		e.Query = strings.Replace(e.Query, "&end=", "&end=le2000-01-02T00:00:00+00:00&x=", 1)
	}, also: []string{"GPC-SLOT-01", "GPC-SLOT-02"}},
	{rule: "JWT-FORM-01", good: metadata, bad: encoded(func(s string) string { return strings.TrimSuffix(s, ".") })},
	{rule: "JWT-BASE64-01", good: metadata, bad: encoded(func(s string) string { return strings.Split(s, ".")[0] + `.{"iss":"x"}.` })},
	{rule: "JWT-AUD-01", good: html, bad: claim(func(c map[string]any) { c["aud"] = "https://gp.example/" })},
	{rule: "JWT-EXP-01", good: metadata, bad: claim(func(c map[string]any) { c["exp"] = json.Number(c["exp"].(json.Number).String() + ".0") })},
	{rule: "JWT-IAT-02", good: metadata, bad: later(-10 * time.Second)},
	{rule: "JWT-FRESH-01", good: metadata, bad: func(tp *tape, e *judge.Exchange) {
		e.At = e.At.Truncate(time.Second).Add(700 * time.Millisecond)
		used := e.Header.Get("Authorization")
		next := metadata(tp)
		next.Header.Set("Authorization", used)
		next.At = next.At.Add(500 * time.Millisecond)
	}},
	{rule: "GPC-ROOT-01", good: book, bad: body(func(b map[string]any) {
		for _, p := range b["participant"].([]any) {
			if actor := in(p.(map[string]any), "actor"); strings.HasPrefix(actor["reference"].(string), "Patient/") {
				actor["reference"] = "Patient/17"
			}
		}
	})},
	{rule: "GPC-ROOT-01", good: call("fhir:rest:read:patient-1", http.MethodGet, "Patient/{patient}", "", "patient/*.read", nil), bad: func(_ *tape, e *judge.Exchange) {
		e.Path = e.Path[:strings.LastIndexByte(e.Path, '/')] + "/17"
	}},
	{rule: "C9-GEN-06", good: book, bad: func(tp *tape, e *judge.Exchange) {
		e.At = e.At.Add(25 * time.Hour)
		tp.claims(e, func(c map[string]any) { c["iat"], c["exp"] = e.At.Unix(), e.At.Unix()+300 })
		tp.body(e, func(b map[string]any) { b["created"] = e.At.Format("2006-01-02T15:04:05-07:00") })
	}},
	{rule: "JWT-SCOPE-02", good: book, bad: claim(func(c map[string]any) { c["requested_scope"] = "patient/*.read" })},
	{rule: "JWT-REASON-01", good: metadata, bad: claim(func(c map[string]any) { c["reason_for_request"] = "migration" })},
	{rule: "JWT-RECORD-01", good: metadata, bad: claim(func(c map[string]any) { c["requested_record"] = map[string]any{} })},
	{rule: "JWT-RECORD-01", good: html, bad: claim(func(c map[string]any) {
		in(c, "requested_record", "identifier", 0)["value"] = "9990000026"
	})},
	{rule: "JWT-MEMBERS-01", good: metadata, bad: claim(func(c map[string]any) {
		in(c, "requesting_practitioner", "identifier", 0)["use"] = "official"
	})},
	{rule: "JWT-MEMBERS-01", good: metadata, bad: nameMember("prefix", "Dr")},
	{rule: "JWT-MEMBERS-01", good: metadata, bad: nameMember("prefix", nil)},
	{rule: "JWT-MEMBERS-01", good: metadata, bad: nameMember("prefix", []any{5})},
	{rule: "JWT-MEMBERS-01", good: metadata, bad: nameMember("use", 5)},
	{rule: "JWT-MEMBERS-01", good: metadata, bad: claim(func(c map[string]any) {
		p := in(c, "requesting_practitioner")
		p["name"] = append(p["name"].([]any), "x")
	})},
	{rule: "JWT-MEMBERS-01", good: metadata, bad: claim(func(c map[string]any) { in(c, "requesting_device")["id"] = 7 })},
	{rule: "JWT-MEMBERS-01", good: html, bad: claim(func(c map[string]any) {
		in(c, "requesting_practitioner", "name")["prefix"] = "Dr"
	})},
	{rule: "JWT-MEMBERS-01", good: html, bad: claim(func(c map[string]any) {
		in(c, "requesting_practitioner", "practitionerRole", 0)["role"] = []any{}
	})},
	{rule: "JWT-USER-01", good: metadata, bad: claim(func(c map[string]any) {
		in(c, "requesting_practitioner", "identifier", 2)["system"] = "https://fhir.nhs.uk/Id/sds-user-id"
	})},
	{rule: "GPC-SLOT-02", good: slots, bad: query(func(q url.Values) { q.Del("end") })},
	{rule: "GPC-SLOT-03", good: slots, bad: query(func(q url.Values) { q.Set("end", "le1999-12-31") })},
	{rule: "GPC-FIND-01", good: find, bad: rawQuery("9990000018", "9990000019")},
	{
		rule: "GPC-RECORD-02", good: ask("includeImmunisations", part("includeNotGiven", "valueBoolean", true)),
		bad: parts(part("includeNotGiven", "valueString", "true")),
	},
	{
		rule: "GPC-RECORD-07", good: ask("includeDiaryEntries", part("diaryEntriesSearchDate", "valueDate", "2000-02-01")),
		bad: parts(part("diaryEntriesSearchDate", "valueDate", "1999-12-31")),
	},
	{rule: "GPC-CANCEL-01", good: amended, bad: body(func(b map[string]any) {
		b["extension"] = append(b["extension"].([]any), map[string]any{
			"url":         "https://fhir.nhs.uk/STU3/StructureDefinition/Extension-GPConnect-AppointmentCancellationReason-1",
			"valueString": "Cannot come",
		})
	})},
	{rule: "GPC-REF-01", good: book, bad: body(func(b map[string]any) { in(b, "contained", 0)["fullUrl"] = "urn:x" })},
	{rule: "C9-GEN-06", good: record1, bad: later(25 * time.Hour), also: []string{"JWT-IAT-02"}},
	{rule: "C9-GEN-09", good: record1, bad: said(func(patient map[string]any) { delete(in(patient, "meta"), "security") })},
	{rule: "C9-GEN-10", good: record1, bad: said(func(patient map[string]any) {
		extensions, _ := patient["extension"].([]any)
		patient["extension"] = append(extensions, map[string]any{
			"url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus",
			"extension": []any{map[string]any{"url": "deathNotificationStatus", "valueCodeableConcept": map[string]any{
				"coding": []any{map[string]any{"code": "1"}},
			}}},
		})
	})},
}

// nameMember changes a member of the user's name.
func nameMember(member string, value any) func(*tape, *judge.Exchange) {
	return claim(func(c map[string]any) { in(c, "requesting_practitioner", "name", 0)[member] = value })
}

// What is allowed looks like what is not.
func TestTheJudgeLetsPassWhatIsAllowed(t *testing.T) {
	good := record(t)
	for name, do := range map[string]func(*tape){
		"a signed-in user may see fifty": func(tp *tape) {
			e := tokenRequest(tp)
			tp.form(e, func(v url.Values) {
				v.Set("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")
				v.Set("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")
				v.Set("subject_token", "e30.e30.c2ln")
			})
			e.Answer = []byte(`{"access_token":"of-a-user"}`)
			s := pdsSearch(tp)
			s.Header.Set("Authorization", "Bearer of-a-user")
			tp.query(s, func(q url.Values) { q.Set("_max-results", "50") })
		},
		"our own system is looked up by its manufacturer": func(tp *tape) {
			tp.query(sdsDevice(tp), func(q url.Values) {
				q["identifier"] = q["identifier"][:1]
				q.Set("organization", "https://fhir.nhs.uk/Id/ods-organization-code|Q8X01")
				q.Set("manufacturing-organization", "https://fhir.nhs.uk/Id/ods-organization-code|YGM24")
			})
		},
		"a token made anew in the same second is the same": func(tp *tape) {
			e := metadata(tp)
			used, at := e.Header.Get("Authorization"), e.At.Truncate(time.Second)
			e.At = at.Add(300 * time.Millisecond)
			next := metadata(tp)
			next.Header.Set("Authorization", used)
			next.At = at.Add(1050 * time.Millisecond) // on its way for a while
		},
		"a name has a use and several prefixes": func(tp *tape) {
			tp.claims(metadata(tp), func(c map[string]any) {
				name := in(c, "requesting_practitioner", "name", 0)
				name["use"], name["prefix"] = "official", []any{"Prof", "Dr"}
			})
		},
		"whom an unknown answer found": func(tp *tape) {
			for i := range tp.all {
				if called("fhir:rest:search:patient-1")(&tp.all[i]) {
					tp.all[i].Answer = nil
				}
			}
			tp.body(book(tp), func(b map[string]any) {
				for _, p := range b["participant"].([]any) {
					if actor := in(p.(map[string]any), "actor"); strings.HasPrefix(actor["reference"].(string), "Patient/") {
						actor["reference"] = "Patient/17"
					}
				}
			})
		},
		"a trace is good for a day": func(tp *tape) {
			e := record1(tp)
			e.At = e.At.Add(23 * time.Hour)
			tp.claims(e, func(c map[string]any) { c["iat"], c["exp"] = e.At.Unix(), e.At.Unix()+300 })
		},
		"an address may end with a slash": func(tp *tape) {
			e := metadata(tp)
			for i := range tp.all {
				if tp.all[i].Leg == judge.SDS {
					tp.all[i].Answer = []byte(strings.ReplaceAll(string(tp.all[i].Answer), `gpconnect"`, `gpconnect/"`))
				}
			}
			tp.drop(func(x *judge.Exchange) bool {
				return x.Leg == judge.Proxy && x.Header.Get("Ssp-Traceid") != e.Header.Get("Ssp-Traceid")
			})
			last := &tp.all[len(tp.all)-1]
			tp.claims(last, func(c map[string]any) { c["aud"] = c["aud"].(string) + "/" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			tp := newTape(t, good)
			do(tp)
			for _, v := range judge.Exchanges(tp.all) {
				t.Errorf("request %d breaks %s: %s", v.Index, v.Rule, v.Why)
			}
		})
	}
}
