package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/simulator"
)

// outcome is an OperationOutcome as PDS writes it (PDS contract, 12.1). The canary stands where the diagnostics quote
// something (%s), or else before them.
func outcome(severity, issue, code, display, diagnostics string) string {
	if strings.Contains(diagnostics, "%s") {
		diagnostics = strings.ReplaceAll(diagnostics, "%s", canary)
	} else {
		diagnostics = strings.TrimSpace(canary + " " + diagnostics)
	}
	return fmt.Sprintf(`{"resourceType":"OperationOutcome","issue":[{"severity":%q,"code":%q,`+
		`"details":{"coding":[{"system":"https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode","version":"1","code":%q,"display":%q}]},`+
		`"diagnostics":%q}]}`, severity, issue, code, display, diagnostics)
}

// byEdge and bySpine are answers of the two programs behind PDS: they differ in their content type.
func byEdge(status int, issue, code, display, diagnostics string) simulator.Fault {
	return simulator.Fault{
		Status: status, MediaType: "application/json", Body: outcome("error", issue, code, display, diagnostics),
	}
}

func bySpine(status int, issue, code, display, diagnostics string) simulator.Fault {
	return simulator.Fault{
		Status: status, MediaType: "application/fhir+json", Body: outcome("error", issue, code, display, diagnostics),
	}
}

func byStranger(status int, mediaType, body string) simulator.Fault {
	return simulator.Fault{Status: status, MediaType: mediaType, Body: body}
}

// withKey configures an application by its API key.
func withKey(key string) func(*testing.T, *config.Config) {
	return func(t *testing.T, c *config.Config) {
		t.Helper()
		c.Spine.Token.APIKeyFile = secretFile(t, []byte(key))
	}
}

func pdsBelow(path string) func(*testing.T, *config.Config) {
	return func(_ *testing.T, c *config.Config) { c.Spine.PDS.URL += path }
}

// afterOthers asks when the quota is used.
func afterOthers(t *testing.T, g *gateway) error {
	t.Helper()
	if err := traceSomebody(t, g); err != nil {
		t.Fatal(err)
	}
	g.Forget()
	return traceSomebody(t, g)
}

func traceInTwoSeconds(t *testing.T, g *gateway) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(g.as(t, clinician), 2*time.Second)
	defer cancel()
	_, err := g.trace.TracePatient(ctx, &pb.TracePatientRequest{NhsNumber: "9990000018"})
	return err
}

const platformID = "rrt-0c1f2e3d-a-geu2-4711-1234567-1"

// patientRefusals are the other rows, met by a trace.
var patientRefusals = []refusal{
	{
		name: "an NHS Number of PDS's disliking", fault: bySpine(400, "value", "INVALID_RESOURCE_ID", "Resource Id is invalid", ""),
		want: numberInvalid, status: 400, issue: "INVALID_RESOURCE_ID", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "another method", fault: bySpine(400, "processing", "UNSUPPORTED_SERVICE", "Unsupported Service", ""),
		want: ourBug, status: 400, issue: "UNSUPPORTED_SERVICE", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "no X-Request-ID", fault: bySpine(400, "required", "MISSING_VALUE", "Required value is missing", "Invalid request with error - X-Request-ID header must be supplied to access this resource"),
		want: ourBug, status: 400, issue: "MISSING_VALUE", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "an application without an ASID", configure: withKey(simulator.APIKeyWithoutASID),
		want: ourSetup, status: 400, issue: "MISSING_VALUE", asked: 1, tokens: 1, operator: "ASID", trail: "Missing value - 'ASID'",
	},
	{
		name: "an application without an ASID, in other words", fault: byEdge(400, "value", "MISSING_VALUE", "Required value is missing", "no ASID for %s"),
		want: ourSetup, status: 400, issue: "MISSING_VALUE", asked: 1, tokens: 1, operator: "ASID", trail: canary,
	},
	{
		name: "the X-Request-ID", fault: byEdge(400, "value", "INVALID_VALUE", "Provided value is invalid", "Invalid value - '%s' in header 'X-Request-ID'"),
		want: ourBug, status: 400, issue: "INVALID_VALUE", asked: 1, tokens: 1, trail: canary,
	},
	{
		name:  "the role of the clinician",
		fault: byEdge(400, "value", "INVALID_VALUE", "Provided value is invalid", "Invalid value - '%s' in header 'NHSD-Session-URID'. Refer to the guidance for this header in our API Specification https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir"),
		want:  roleRefused, status: 400, issue: "INVALID_VALUE", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "a role in Spine's words", fault: bySpine(400, "value", "INVALID_VALUE", "Provided value is invalid", "Invalid value - '%s' in header 'NHSD-Session-URID'"),
		want: ourBug, status: 400, issue: "INVALID_VALUE", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "a value in a field of a retrieve", fault: bySpine(400, "value", "INVALID_VALUE", "Provided value is invalid", "Invalid value - '%s' in field 'gender'"),
		want: ourBug, status: 400, issue: "INVALID_VALUE", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "a path that is none of PDS's", configure: pdsBelow("/HelloWorld"),
		want: ourBug, status: 400, issue: "UNSUPPORTED_REQUEST", asked: 1, tokens: 1, trail: "Unsupported path - '/HelloWorld/Patient/9990000018'",
	},
	{
		name: "no token", fault: byEdge(401, "forbidden", "ACCESS_DENIED", "Access Denied - Unauthorised", "Missing Authorization header"),
		want: ourSetup, status: 401, issue: "ACCESS_DENIED", asked: 2, tokens: 2, operator: "access token", trail: canary,
	},
	{
		name: "an empty header for a token", fault: byEdge(401, "forbidden", "ACCESS_DENIED", "Access Denied - Unauthorised", "Empty Authorization header"),
		want: ourSetup, status: 401, issue: "ACCESS_DENIED", asked: 2, tokens: 2, operator: "access token", trail: canary,
	},
	{
		name: "a header without a token", fault: byEdge(401, "forbidden", "ACCESS_DENIED", "Access Denied - Unauthorised", "Missing access token"),
		want: ourSetup, status: 401, issue: "ACCESS_DENIED", asked: 2, tokens: 2, operator: "access token", trail: canary,
	},
	{
		name: "a token of another type", fault: byEdge(401, "forbidden", "ACCESS_DENIED", "Access Denied - Unauthorised", "Invalid token type '%s', must be 'Bearer'"),
		want: ourSetup, status: 401, issue: "ACCESS_DENIED", asked: 2, tokens: 2, operator: "access token", trail: canary,
	},
	{
		name: "a token that is unknown, and the next one too", fault: simulator.Fault{Status: 401},
		want: ourSetup, status: 401, issue: "ACCESS_DENIED", asked: 2, tokens: 2, operator: "access token", trail: "Invalid Access Token",
	},
	{
		name: "a token that has expired", fault: byEdge(401, "forbidden", "ACCESS_DENIED", "Access Denied - Unauthorised", "Access Token expired"),
		want: ourSetup, status: 401, issue: "ACCESS_DENIED", asked: 2, tokens: 2, operator: "access token", trail: canary,
	},
	{
		name: "an interaction that was not granted", configure: withKey(simulator.APIKeyWithoutInteraction),
		want: ourSetup, status: 401, issue: "ACCESS_DENIED", asked: 2, tokens: 2, operator: "interaction", trail: "Access Denied - Unauthorised",
	},
	{
		name: "patient access misused", fault: byEdge(403, "forbidden", "ACCESS_DENIED", "Patient cannot perform this action", ""),
		want: ourSetup, status: 403, issue: "ACCESS_DENIED", asked: 1, tokens: 1, operator: "access mode", trail: canary,
	},
	{
		name: "an unknown patient", call: readRecord("9990000379"),
		want: notFound, status: 404, issue: "RESOURCE_NOT_FOUND", asked: 1, tokens: 1, trail: "Resource not found",
	},
	{
		name:  "an unknown patient, explained",
		fault: byStranger(404, "application/fhir+json", outcome("information", "not-found", "RESOURCE_NOT_FOUND", "Resource not found", "")),
		want:  notFound, status: 404, issue: "RESOURCE_NOT_FOUND", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "a withdrawn record", call: readRecord("9990000212"),
		want: invalidated, status: 404, issue: "INVALIDATED_RESOURCE", asked: 1, tokens: 1, trail: "marked as invalid",
	},
	{
		name: "a withdrawn record, explained", fault: bySpine(404, "processing", "INVALIDATED_RESOURCE", "Resource that has been marked as invalid was requested - invalid resources cannot be retrieved", ""),
		want: invalidated, status: 404, issue: "INVALIDATED_RESOURCE", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "Spine out of time", fault: simulator.Fault{Status: 408},
		want: unavailable, status: 408, issue: "UNABLE_TO_CALL_SERVICE", asked: 3, tokens: 1, trail: "Unable to call service",
	},
	{
		name: "a quota used up", spine: func(o *simulator.Options) { o.PDSQuota = 1 }, call: afterOthers,
		want: limited, status: 429, issue: "TOO_MANY_REQUESTS", after: 5 * time.Second, asked: 3, operator: "quota is used up", trail: "has exceeded its quota of 1 requests every minute",
	},
	{
		name: "a spike", spine: func(o *simulator.Options) { o.PDSSpike = time.Hour }, call: afterOthers,
		want: limited, status: 429, issue: "TOO_MANY_REQUESTS", after: 5 * time.Second, asked: 3, operator: "too close together", trail: "has created a spike in traffic",
	},
	{
		name: "a limit of everybody's", fault: simulator.Fault{Status: 429},
		want: limited, status: 429, issue: "TOO_MANY_REQUESTS", after: 5 * time.Second, asked: 3, tokens: 1, operator: "the whole API's", trail: "currently receiving a high volume of requests",
	},
	{
		name: "a limit that names its time", fault: simulator.Fault{Status: 429, RetryAfter: "2"},
		want: limited, status: 429, issue: "TOO_MANY_REQUESTS", after: 2 * time.Second, asked: 3, tokens: 1, trail: "high volume",
	},
	{
		name: "a service that is not there", fault: simulator.Fault{Status: 503},
		want: unavailable, status: 503, issue: "SERVICE_UNAVAILABLE", after: 5 * time.Second, asked: 3, tokens: 1, trail: "Service unavailable",
	},
	{
		name: "anything else", fault: simulator.Fault{Status: 500},
		want: unavailable, status: 500, issue: "UNKNOWN_ERROR", asked: 3, tokens: 1, quoted: "rrt-simulated-", trail: "An unknown error occurred processing this request (Message ID: rrt-simulated-",
	},
	{
		name: "anything else, of a gateway", fault: simulator.Fault{Status: 502},
		want: unavailable, status: 502, issue: "UNKNOWN_ERROR", asked: 3, tokens: 1, quoted: "rrt-simulated-", trail: "An unknown error occurred",
	},
	{
		name: "anything else, too late", fault: simulator.Fault{Status: 504},
		want: unavailable, status: 504, issue: "UNKNOWN_ERROR", asked: 3, tokens: 1, quoted: "rrt-simulated-", trail: "An unknown error occurred",
	},
	{
		name: "anything else, explained", fault: byEdge(500, "unknown", "UNKNOWN_ERROR", "Unknown Error", "An unknown error occurred processing this request (Message ID: "+platformID+")"),
		want: unavailable, status: 500, issue: "UNKNOWN_ERROR", asked: 3, tokens: 1, quoted: platformID, trail: canary,
	},
	{
		name: "anything else, with a number for an id", fault: byEdge(500, "unknown", "UNKNOWN_ERROR", "Unknown Error", "An unknown error occurred (Message ID: 9990000042)"),
		want: unavailable, status: 500, issue: "UNKNOWN_ERROR", asked: 3, tokens: 1, trail: canary,
	},
}

// writeRefusals are rows about updates. The gateway makes none, so that PDS would be mistaken, or the gateway: the caller
// has nothing to correct, and nothing is tried again.
var writeRefusals = func() []refusal {
	var rows []refusal
	add := func(status int, issue, code, display string, answer func(int, string, string, string, string) simulator.Fault, want verdict) {
		rows = append(rows, refusal{
			name: fmt.Sprintf("%d %s: %s", status, code, display), fault: answer(status, issue, code, display, ""),
			want: want, status: status, issue: code, asked: 1, tokens: 1, trail: canary,
		})
	}
	add(400, "structure", "INVALID_UPDATE", "Update is invalid", bySpine, ourBug)
	add(400, "structure", "VALIDATION_ERROR", "Validation error", bySpine, ourBug)
	add(400, "value", "UNSUPPORTED_CHARACTERS_IN_FIELD", "Unsupported characters", bySpine, ourBug)
	add(400, "value", "UNSUPPORTED_VALUE", "Unsupported value", bySpine, ourBug)
	add(400, "structure", "TOO_FEW_VALUES_SUBMITTED", "Too few values submitted", bySpine, ourBug)
	add(400, "structure", "TOO_MANY_VALUES_SUBMITTED", "Too many values submitted", bySpine, ourBug)
	add(400, "structure", "INVALID_CREATE", "Create is invalid", bySpine, ourBug)
	add(403, "forbidden", "INVALID_METHOD", "Cannot update resource with application-restricted access token", byEdge, ourSetup)
	add(403, "forbidden", "INVALID_METHOD", "Cannot create resource with application-restricted access token", byEdge, ourSetup)
	add(403, "forbidden", "ACCESS_DENIED", "Cannot GET resource with application-restricted access token", byEdge, ourSetup)
	add(403, "forbidden", "FORBIDDEN_UPDATE", "Update is forbidden", func(status int, issue, code, display, diagnostics string) simulator.Fault {
		return byStranger(status, "application/fhir+json", outcome("information", issue, code, display, diagnostics))
	}, ourSetup)
	add(409, "conflict", "RESOURCE_VERSION_MISMATCH", "Resource version supplied does not match actual version", bySpine, ourBug)
	add(412, "structure", "PRECONDITION_FAILED", "Required condition was not fulfilled", bySpine, ourBug)
	return rows
}()

// strangeAnswers are those that the contract's tables do not have: bodies that are cut down, or somebody else's.
var strangeAnswers = []refusal{
	{
		name: "404 of another API", configure: func(_ *testing.T, c *config.Config) {
			c.Spine.PDS.URL = strings.Replace(c.Spine.PDS.URL, "/personal-demographics/", "/no-such-api/", 1)
		},
		want: noAnswer, status: 404, issue: "UNREADABLE", asked: 1, tokens: 1, operator: "FHIR base", trail: "Unable to identify proxy",
	},
	{
		name: "404 of a web server", fault: byStranger(404, "text/html", "<html>"+canary+"</html>"),
		want: noAnswer, status: 404, asked: 1, tokens: 1, operator: "FHIR base", trail: canary,
	},
	{
		name: "404 without details", fault: byStranger(404, "application/fhir+json", `{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"not-found","diagnostics":"`+canary+`"}]}`),
		want: noAnswer, status: 404, asked: 1, tokens: 1, operator: "FHIR base", trail: canary,
	},
	{
		name: "400 without details", fault: byStranger(400, "application/fhir+json", `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"value","diagnostics":"`+canary+`"}]}`),
		want: ourBug, status: 400, asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "400 without a word", fault: byStranger(400, "application/fhir+json", "{}"),
		want: ourBug, status: 400, asked: 1, tokens: 1,
	},
	{
		name: "401 that is not JSON", fault: byStranger(401, "text/plain", canary),
		want: ourSetup, status: 401, asked: 2, tokens: 2, trail: canary,
	},
	{
		name: "403 that is not JSON", fault: byStranger(403, "text/html", "<html>"+canary+"</html>"),
		want: ourSetup, status: 403, asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "429 that is not JSON", fault: byStranger(429, "text/plain", canary),
		want: limited, status: 429, after: 5 * time.Second, asked: 3, tokens: 1, trail: canary,
	},
	{
		name: "502 that is not JSON", fault: byStranger(502, "text/html", "<html>"+canary+"</html>"),
		want: unavailable, status: 502, asked: 3, tokens: 1, trail: canary,
	},
	{
		name: "a redirect", fault: byStranger(302, "text/plain", canary),
		want: noAnswer, status: 302, asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "200 with an OperationOutcome", fault: bySpine(200, "processing", "RESOURCE_NOT_FOUND", "Resource not found", ""),
		want: noAnswer, status: 200, issue: "RESOURCE_NOT_FOUND", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "a search that is told of a patient", call: searchSomebody, fault: bySpine(404, "processing", "SOMETHING", "Something", ""),
		want: noAnswer, status: 404, issue: "SOMETHING", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "a connection that is reset", fault: simulator.Fault{Reset: true},
		want: unavailable, asked: 3, tokens: 1,
	},
	{
		name: "silence", fault: simulator.Fault{Delay: time.Hour},
		want: silent, asked: 3, tokens: 1,
	},
	{
		name: "an answer that is cut", fault: simulator.Fault{Cut: true, CutAfter: 20},
		want: cutShort, asked: 1, tokens: 1,
	},
}

// situations are the rest of the PDS contract, 12.3: what the gateway finds out for itself.
var situations = []refusal{
	{
		name: "a restricted patient on a chain", call: readRecord("9990000026"),
		want: restricted, asked: 1, tokens: 1,
	},
	{
		name: "our own deadline", fault: simulator.Fault{Delay: time.Hour},
		call: traceInTwoSeconds, want: tooLate, asked: 1, tokens: 1,
	},
}

// Each row of the PDS contract, 12.2, and each situation of 12.3, arrives as itself: with its own code and reason, with
// nothing of its explanation, and after as many attempts as 13 allows.
func TestPDSRefusalsAreToldApart(t *testing.T) {
	for _, table := range [][]refusal{searchRefusals, patientRefusals, writeRefusals, strangeAnswers, situations} {
		for _, r := range table {
			t.Run(r.name, func(t *testing.T) {
				hop := pb.Hop_HOP_PDS
				if r.asked == 0 {
					hop = pb.Hop_HOP_GATEWAY
				}
				r.try(t, hop)
			})
		}
	}
	t.Run("a number that is none", func(t *testing.T) {
		refusal{want: numberInvalid, call: func(t *testing.T, g *gateway) error {
			_, err := g.trace.TracePatient(g.as(t, clinician), &pb.TracePatientRequest{NhsNumber: "9990000019"})
			return err
		}}.try(t, pb.Hop_HOP_GATEWAY)
	})
}

// A token that the platform has forgotten is replaced once, and the caller notices nothing (PDS contract, 4.1 and 13).
func TestAForgottenTokenIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t)
		if err := traceSomebody(t, g); err != nil {
			t.Fatal(err)
		}
		g.spine.RevokeTokens()
		g.Forget()
		if err := traceSomebody(t, g); err != nil {
			t.Fatal(err)
		}
		refusal{asked: 2, tokens: 1}.wantAttempts(t, g)
		sent := g.spine.Transcript().Of(simulator.PDS)
		if sent[0].Header.Get("Authorization") == sent[1].Header.Get("Authorization") {
			t.Error("the forgotten token was sent again")
		}
	})
}

// Nobody found is an answer (PDS contract, 12.3).
func TestNobodyFoundIsNoFailure(t *testing.T) {
	g := start(t)
	answer := g.found(t, &pb.SearchPatientsRequest{Family: "NOBODYATALL", BirthDateStart: "1950-01-01"})
	if len(answer.GetMatches()) != 0 {
		t.Errorf("%d matches", len(answer.GetMatches()))
	}
}
