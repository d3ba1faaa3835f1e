package spine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

const (
	providerSystem = "https://fhir.nhs.uk/STU3/CodeSystem/Spine-ErrorOrWarningCode-1"
	olderSystem    = "https://fhir.nhs.uk/STU3/ValueSet/Spine-ErrorOrWarningCode-1"
	oldestSystem   = "http://fhir.nhs.net/ValueSet/gpconnect-error-or-warning-code-1"
)

func outcomeOf(system, code, display string) string {
	return fmt.Sprintf(`{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid",
		"details":{"coding":[{"system":%q,"code":%q,"display":%q}]},"diagnostics":%q}]}`, system, code, display, display)
}

// verdict is hop, reason and first code: what the classification decides.
type verdict struct {
	Hop    pb.Hop
	Reason string
	Code   string
}

func explained(r Refusal) verdict {
	e := explainProxy(r)
	v := verdict{Hop: e.Hop, Reason: fault.ReasonName(e.Reason)}
	if v.Hop == pb.Hop_HOP_UNSPECIFIED {
		v.Hop = pb.Hop_HOP_SSP // as Upstream fills it in
	}
	if issues := fault.Detail(e, nil).GetUpstreamIssues(); len(issues) > 0 {
		v.Code = issues[0].GetIssueCode()
	}
	return v
}

func TestWhoseFailureItIs(t *testing.T) {
	const ssp, provider = pb.Hop_HOP_SSP, pb.Hop_HOP_PROVIDER
	const target = "https://gp.example/x/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|9990000018"
	practice := func(code string) string { return outcomeOf(providerSystem, code, "x") }
	for _, tt := range []struct {
		name        string
		status      int
		body        string
		interaction nhs.Interaction
		want        verdict
	}{
		// The proxy's own, by its system and token (SDS contract, C6).
		{"varies", 400, outcomeOf(proxySystem, "400", "ENDPOINT_https://a_CPAID_S1_VARIES_FROM_TARGETURL_"+target), "", verdict{ssp, "ENDPOINT_VARIES", "ENDPOINT_VARIES_FROM_TARGETURL"}},
		{"sender", 403, outcomeOf(proxySystem, "403", "ASID_CHECK_FAILED_MESSAGESENDER_100000000001"), "", verdict{ssp, "SENDER_NOT_ACCREDITED", "ASID_CHECK_FAILED_MESSAGESENDER"}},
		{"receiver", 403, outcomeOf(proxySystem, "403", "PARTYKEY_INTERACTION_CHECK_FAILED_MESSAGERECEIVER_2"), "", verdict{ssp, "RECEIVER_NOT_ACCREDITED", "PARTYKEY_INTERACTION_CHECK_FAILED_MESSAGERECEIVER"}},
		{"no agreement", 403, outcomeOf(proxySystem, "403", "FOT_CHECK_FAILED_MESSAGESENDER_1_MESSAGERECEIVER_2"), "", verdict{ssp, "NO_SHARING_AGREEMENT", "FOT_CHECK_FAILED_MESSAGESENDER_MESSAGERECEIVER"}},
		{"verb", 405, outcomeOf(proxyOddSystem, "405", "405: Method Not Allowed"), "", verdict{ssp, "UPSTREAM_REJECTED_REQUEST", "405"}},
		{"media type", 415, outcomeOf(proxySystem, "415", "Unsupported_Media_Type"), "", verdict{ssp, "UPSTREAM_REJECTED_REQUEST", "UNSUPPORTED_MEDIA_TYPE"}},
		{"unreachable", 502, outcomeOf(proxySystem, "502", "ERROR_COMMUNICATING_TO_ENDPOINT_URL_"+target), "", verdict{ssp, "PRACTICE_UNREACHABLE", "ERROR_COMMUNICATING_TO_ENDPOINT_URL"}},
		{"a bare outcome of the proxy", 403, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","diagnostics":"ASID_CHECK_FAILED_MESSAGESENDER_1"}]}`, "", verdict{ssp, "SENDER_NOT_ACCREDITED", "ASID_CHECK_FAILED_MESSAGESENDER"}},
		{"the proxy in XML", 502, `<OperationOutcome xmlns="http://hl7.org/fhir"><issue><severity value="error"/><code value="transient"/><details><coding><system value="` + proxySystem + `"/><code value="502"/><display value="ERROR_COMMUNICATING_TO_ENDPOINT_URL_x"/></coding></details></issue></OperationOutcome>`, "", verdict{ssp, "PRACTICE_UNREACHABLE", "ERROR_COMMUNICATING_TO_ENDPOINT_URL"}},
		// Nobody's in particular: by status.
		{"400, empty", 400, "", "", verdict{ssp, "UPSTREAM_REJECTED_REQUEST", ""}},
		{"403, HTML", 403, "<html><body>no</body></html>", "", verdict{ssp, "UPSTREAM_CREDENTIALS_REFUSED", ""}},
		{"404, HTML, is no news of a patient", 404, "<html>", "", verdict{ssp, "ANSWER_INVALID", ""}},
		{"409, empty, is no news of a slot", 409, "", nhs.CreateAppointment, verdict{ssp, "ANSWER_INVALID", ""}},
		{"429", 429, "", "", verdict{ssp, "UPSTREAM_RATE_LIMITED", ""}},
		{"444", 444, "", "", verdict{ssp, "UPSTREAM_UNAVAILABLE", ""}},
		{"495", 495, "", "", verdict{ssp, "CLIENT_CERTIFICATE_REFUSED", ""}},
		{"496", 496, "", "", verdict{ssp, "CLIENT_CERTIFICATE_REFUSED", ""}},
		{"497", 497, "", "", verdict{ssp, "CLIENT_CERTIFICATE_REFUSED", ""}},
		{"498", 498, "", "", verdict{ssp, "UPSTREAM_UNAVAILABLE", ""}},
		{"499", 499, "", "", verdict{ssp, "UPSTREAM_UNAVAILABLE", ""}},
		{"500, HTML", 500, "<html>", "", verdict{ssp, "UPSTREAM_UNAVAILABLE", ""}},
		{"502, empty", 502, "", "", verdict{ssp, "PRACTICE_UNREACHABLE", ""}},
		{"503, empty", 503, "", "", verdict{ssp, "UPSTREAM_UNAVAILABLE", ""}},
		{"504, empty", 504, "", "", verdict{ssp, "PRACTICE_TIMED_OUT", ""}},
		{"599, empty", 599, "", "", verdict{ssp, "PRACTICE_TIMED_OUT", ""}},
		{"302", 302, "", "", verdict{ssp, "ANSWER_INVALID", ""}},
		// The practice's (GP Connect contract, 12.2).
		{"number", 400, practice("INVALID_NHS_NUMBER"), "", verdict{provider, "NHS_NUMBER_INVALID", "INVALID_NHS_NUMBER"}},
		{"identifier", 400, practice("INVALID_IDENTIFIER_SYSTEM"), "", verdict{provider, "PRACTICE_REJECTED_REQUEST", "INVALID_IDENTIFIER_SYSTEM"}},
		{"identifier's value", 400, practice("INVALID_IDENTIFIER_VALUE"), "", verdict{provider, "PRACTICE_REJECTED_REQUEST", "INVALID_IDENTIFIER_VALUE"}},
		{"contradiction", 400, practice("CONFLICTING_VALUES"), "", verdict{provider, "PRACTICE_REJECTED_REQUEST", "CONFLICTING_VALUES"}},
		{"media type there", 415, practice("BAD_REQUEST"), "", verdict{provider, "PRACTICE_REJECTED_REQUEST", "BAD_REQUEST"}},
		{"demographics", 400, practice("INVALID_PATIENT_DEMOGRAPHICS"), nhs.RegisterPatient, verdict{provider, "DEMOGRAPHICS_REJECTED", "INVALID_PATIENT_DEMOGRAPHICS"}},
		{"bad request", 400, practice("BAD_REQUEST"), "", verdict{provider, "PRACTICE_REJECTED_REQUEST", "BAD_REQUEST"}},
		{"dissent", 403, practice("NO_PATIENT_CONSENT"), "", verdict{provider, "PATIENT_DISSENTED", "NO_PATIENT_CONSENT"}},
		{"no consent of the organisation", 403, practice("NO_ORGANISATION_CONSENT"), "", verdict{provider, "NO_ORGANISATION_CONSENT", "NO_ORGANISATION_CONSENT"}},
		{"the same, misspelt", 403, practice("NO_ORGANISATIONAL_CONSENT"), "", verdict{provider, "NO_ORGANISATION_CONSENT", "NO_ORGANISATIONAL_CONSENT"}},
		{"switched off, with a space", 403, practice("ACCESS DENIED"), "", verdict{provider, "CAPABILITY_SWITCHED_OFF", "ACCESS_DENIED"}},
		{"switched off", 403, practice("ACCESS_DENIED"), "", verdict{provider, "CAPABILITY_SWITCHED_OFF", "ACCESS_DENIED"}},
		{"relationship", 403, practice("NO_RELATIONSHIP"), "", verdict{provider, "NO_RELATIONSHIP", "NO_RELATIONSHIP"}},
		{"not authorised", 403, practice("NOT_AUTHORISED"), "", verdict{provider, "NO_RELATIONSHIP", "NOT_AUTHORISED"}},
		{"unknown organisation", 404, practice("ORGANISATION_NOT_FOUND"), "", verdict{provider, "ITEM_NOT_FOUND", "ORGANISATION_NOT_FOUND"}},
		{"unknown practitioner", 404, practice("PRACTITIONER_NOT_FOUND"), "", verdict{provider, "ITEM_NOT_FOUND", "PRACTITIONER_NOT_FOUND"}},
		{"bad parameter", 422, practice("INVALID_PARAMETER"), nhs.GetStructuredRecord, verdict{provider, "PRACTICE_REJECTED_REQUEST", "INVALID_PARAMETER"}},
		{"unknown patient", 404, practice("PATIENT_NOT_FOUND"), "", verdict{provider, "PRACTICE_PATIENT_NOT_FOUND", "PATIENT_NOT_FOUND"}},
		{"unknown item", 404, practice("NO_RECORD_FOUND"), "", verdict{provider, "ITEM_NOT_FOUND", "NO_RECORD_FOUND"}},
		{"slot taken", 409, practice("DUPLICATE_REJECTED"), nhs.CreateAppointment, verdict{provider, "SLOT_TAKEN", "DUPLICATE_REJECTED"}},
		{"registered already", 409, practice("DUPLICATE_REJECTED"), nhs.RegisterPatient, verdict{provider, "PATIENT_ALREADY_REGISTERED", "DUPLICATE_REJECTED"}},
		{"stale version", 409, practice("FHIR_CONSTRAINT_VIOLATION"), nhs.CancelAppointment, verdict{provider, "APPOINTMENT_CHANGED", "FHIR_CONSTRAINT_VIOLATION"}},
		{"bad booking", 422, practice("INVALID_RESOURCE"), nhs.CreateAppointment, verdict{provider, "BOOKING_REJECTED", "INVALID_RESOURCE"}},
		{"slot gone", 422, practice("REFERENCE_NOT_FOUND"), nhs.CreateAppointment, verdict{provider, "BOOKING_REJECTED", "REFERENCE_NOT_FOUND"}},
		{"bad content elsewhere", 422, practice("INVALID_RESOURCE"), nhs.GetStructuredRecord, verdict{provider, "PRACTICE_REJECTED_REQUEST", "INVALID_RESOURCE"}},
		{"fault", 500, practice("INTERNAL_SERVER_ERROR"), "", verdict{provider, "PRACTICE_FAILED", "INTERNAL_SERVER_ERROR"}},
		{"not there", 501, practice("NOT_IMPLEMENTED"), "", verdict{provider, "CAPABILITY_NOT_SUPPORTED", "NOT_IMPLEMENTED"}},
		{"another code system", 404, outcomeOf(olderSystem, "patient_not_found", "x"), "", verdict{provider, "PRACTICE_PATIENT_NOT_FOUND", "PATIENT_NOT_FOUND"}},
		{"a third", 404, outcomeOf(oldestSystem, "PATIENT_NOT_FOUND", "x"), "", verdict{provider, "PRACTICE_PATIENT_NOT_FOUND", "PATIENT_NOT_FOUND"}},
		{"a system nobody knows", 404, outcomeOf("urn:x", "PATIENT_NOT_FOUND", "x"), "", verdict{provider, "PRACTICE_PATIENT_NOT_FOUND", "PATIENT_NOT_FOUND"}},
		{"an unknown code: 403", 403, practice("NEW_CODE"), "", verdict{provider, "PRACTICE_REJECTED_REQUEST", "NEW_CODE"}},
		{"an unknown code: 404", 404, practice("NEW_CODE"), "", verdict{provider, "ITEM_NOT_FOUND", "NEW_CODE"}},
		{"an unknown code: 503", 503, practice("NEW_CODE"), "", verdict{provider, "PRACTICE_UNREACHABLE", "NEW_CODE"}},
		{"an unknown code: 500", 500, practice("NEW_CODE"), "", verdict{provider, "PRACTICE_FAILED", "NEW_CODE"}},
		{
			"the most serious decides", 403, `{"resourceType":"OperationOutcome","issue":[
			{"severity":"warning","details":{"coding":[{"system":"` + providerSystem + `","code":"NOT_IMPLEMENTED"}]}},
			{"severity":"error","details":{"coding":[{"system":"` + providerSystem + `","code":"NO_PATIENT_CONSENT"}]}}]}`, "",
			verdict{provider, "PATIENT_DISSENTED", "NO_PATIENT_CONSENT"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Refusal{Status: tt.status, Body: []byte(tt.body), Interaction: tt.interaction}
			if diff := cmp.Diff(tt.want, explained(r)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			e := explainProxy(r)
			if text := fault.Status(e, nil).Proto().String() + e.Error(); strings.Contains(text, "9990000018") || strings.Contains(text, "https://") {
				t.Errorf("the caller is shown what the proxy quotes: %s", text)
			}
			if strings.Contains(tt.body, "9990000018") && !strings.Contains(e.UpstreamText, "9990000018") {
				t.Error("audit does not get the upstream's text")
			}
		})
	}
}

// Whose words they are is one thing, and whose coding system another.
func TestTheProxysCodingSystemIsTold(t *testing.T) {
	const words = "PARTYKEY_INTERACTION_CHECK_FAILED_MESSAGERECEIVER_2"
	for _, tt := range []struct {
		name, body string
		want       bool
	}{
		{"the proxy's", outcomeOf(proxySystem, "403", words), true},
		{"another", outcomeOf("https://supplier.example/codes", "403", words), false},
		{"none", `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","diagnostics":"` + words + `"}]}`, false},
	} {
		e := explainProxy(Refusal{Status: 403, Body: []byte(tt.body), Interaction: nhs.CreateAppointment})
		if e.Reason != pb.ErrorReason_ERROR_REASON_RECEIVER_NOT_ACCREDITED || e.ProxyCoded != tt.want {
			t.Errorf("%s: %s, proxy coded: %t", tt.name, e.Reason, e.ProxyCoded)
		}
	}
}

// Whoever could tell the two apart would know that a patient is sensitive.
func TestASensitivePatientLooksLikeAnUnknownOne(t *testing.T) {
	unknown := explainProxy(Refusal{Status: 404, Body: []byte(`{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found",
		"details":{"coding":[{"system":"` + providerSystem + `","code":"PATIENT_NOT_FOUND"}]}}]}`)})
	unknown.HTTPStatus = 404
	sensitive := explainProxy(Refusal{Status: 403, Body: []byte(outcomeOf(providerSystem, "PATIENT_SENSITIVE", "sensitive"))})
	if diff := cmp.Diff(fault.Status(unknown, nil).Proto().String(), fault.Status(sensitive, nil).Proto().String()); diff != "" {
		t.Errorf("(-unknown +sensitive):\n%s", diff)
	}
}

func TestPublishedErrors(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared", "fixtures")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the published fixtures are not beside the checkout")
	}
	for file, want := range map[string]verdict{
		"sds/errors/ssp/target_url_varies_400.json":                                       {pb.Hop_HOP_SSP, "ENDPOINT_VARIES", "ENDPOINT_VARIES_FROM_TARGETURL"},
		"sds/errors/ssp/sender_asid_403.json":                                             {pb.Hop_HOP_SSP, "SENDER_NOT_ACCREDITED", "ASID_CHECK_FAILED_MESSAGESENDER"},
		"sds/errors/ssp/receiver_asid_403.json":                                           {pb.Hop_HOP_SSP, "RECEIVER_NOT_ACCREDITED", "PARTYKEY_INTERACTION_CHECK_FAILED_MESSAGERECEIVER"},
		"sds/errors/ssp/method_not_allowed_405.json":                                      {pb.Hop_HOP_SSP, "UPSTREAM_REJECTED_REQUEST", "405"},
		"sds/errors/ssp/unsupported_media_type_415.json":                                  {pb.Hop_HOP_SSP, "UPSTREAM_REJECTED_REQUEST", "UNSUPPORTED_MEDIA_TYPE"},
		"gpconnect/operation-outcome/spec-1.6.2/01-INVALID_NHS_NUMBER.json":               {pb.Hop_HOP_PROVIDER, "NHS_NUMBER_INVALID", "INVALID_NHS_NUMBER"},
		"gpconnect/operation-outcome/spec-1.6.2/02-PATIENT_NOT_FOUND.json":                {pb.Hop_HOP_PROVIDER, "PRACTICE_PATIENT_NOT_FOUND", "PATIENT_NOT_FOUND"},
		"gpconnect/operation-outcome/spec-1.6.2/03-NO_RECORD_FOUND.json":                  {pb.Hop_HOP_PROVIDER, "ITEM_NOT_FOUND", "NO_RECORD_FOUND"},
		"gpconnect/operation-outcome/spec-1.6.2/04-NO_PATIENT_CONSENT.json":               {pb.Hop_HOP_PROVIDER, "PATIENT_DISSENTED", "NO_PATIENT_CONSENT"},
		"gpconnect/operation-outcome/spec-1.6.2/05-ACCESS_DENIED.json":                    {pb.Hop_HOP_PROVIDER, "CAPABILITY_SWITCHED_OFF", "ACCESS_DENIED"},
		"gpconnect/operation-outcome/spec-1.6.2/06-DUPLICATE_REJECTED.json":               {pb.Hop_HOP_PROVIDER, "SLOT_TAKEN", "DUPLICATE_REJECTED"},
		"gpconnect/operation-outcome/spec-1.6.2/07-REFERENCE_NOT_FOUND.json":              {pb.Hop_HOP_PROVIDER, "BOOKING_REJECTED", "REFERENCE_NOT_FOUND"},
		"gpconnect/operation-outcome/spec-1.6.2/08-BAD_REQUEST.json":                      {pb.Hop_HOP_PROVIDER, "PRACTICE_REJECTED_REQUEST", "BAD_REQUEST"},
		"gpconnect/operation-outcome/spec-1.6.2/09-INTERNAL_SERVER_ERROR.json":            {pb.Hop_HOP_PROVIDER, "PRACTICE_FAILED", "INTERNAL_SERVER_ERROR"},
		"gpconnect/operation-outcome/spec-1.6.2/13-403-FOT_CHECK_FAILED_MESSAGESEND.json": {pb.Hop_HOP_SSP, "NO_SHARING_AGREEMENT", "FOT_CHECK_FAILED_MESSAGESENDER_MESSAGERECEIVER"},
		"gpconnect/operation-outcome/spec-1.6.2/16-502-ERROR_COMMUNICATING_TO_ENDPO.json": {pb.Hop_HOP_SSP, "PRACTICE_UNREACHABLE", "ERROR_COMMUNICATING_TO_ENDPOINT_URL"},
		"gpconnect/operation-outcome/wire/operationOutcomeNoRelationship.json":            {pb.Hop_HOP_PROVIDER, "NO_RELATIONSHIP", "NO_RELATIONSHIP"},
		"gpconnect/operation-outcome/wire/operationOutcomePatientNotFound.json":           {pb.Hop_HOP_PROVIDER, "PRACTICE_PATIENT_NOT_FOUND", "PATIENT_NOT_FOUND"},
	} {
		body, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if err != nil {
			t.Error(err)
			continue
		}
		status := 400
		switch {
		case strings.Contains(file, "405"):
			status = 405
		case strings.Contains(file, "415"):
			status = 415
		}
		if diff := cmp.Diff(want, explained(Refusal{Status: status, Body: body, Interaction: nhs.CreateAppointment})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}
