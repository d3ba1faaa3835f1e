package e2e

import (
	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/simulator"
)

// searchRefusals are the rows of the PDS contract, 12.2, that a search can meet.
var searchRefusals = []refusal{
	{
		name: "too many matches", call: searchFor(&pb.SearchPatientsRequest{Family: "TESTTRIPLE", Given: []string{"Casey"}, BirthDateStart: "1950-01-01"}),
		want: tooMany, status: 200, issue: "TOO_MANY_MATCHES", asked: 1, tokens: 1, trail: "Too Many Matches",
	},
	{
		name: "too many matches, explained", call: searchSomebody,
		fault: byStranger(200, "application/fhir+json", outcome("information", "multiple-matches", "TOO_MANY_MATCHES", "Too Many Matches", "")),
		want:  tooMany, status: 200, issue: "TOO_MANY_MATCHES", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "a search without parameters", call: searchSomebody,
		fault: bySpine(400, "processing", "UNSUPPORTED_SERVICE", "Unsupported Service", ""),
		want:  ourBug, status: 400, issue: "UNSUPPORTED_SERVICE", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "a search without an X-Request-ID", call: searchSomebody,
		fault: bySpine(400, "required", "MISSING_VALUE", "Required value is missing", "Invalid request with error - X-Request-ID header must be supplied to access this resource"),
		want:  ourBug, status: 400, issue: "MISSING_VALUE", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "a search without a birth date", call: searchSomebody,
		fault: bySpine(400, "required", "MISSING_VALUE", "Required value is missing", "Missing value - 'birth_date/birth_date_range_start/birth_date_range_end'"),
		want:  searchInvalid, status: 400, issue: "MISSING_VALUE", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "a search of an application without an ASID", call: searchSomebody, configure: withKey(simulator.APIKeyWithoutASID),
		want: ourSetup, status: 400, issue: "MISSING_VALUE", asked: 1, tokens: 1, operator: "ASID", trail: "Missing value - 'ASID'",
	},
	{
		name: "a value in a field", call: searchSomebody,
		fault: bySpine(400, "value", "INVALID_VALUE", "Provided value is invalid", "Invalid value - '%s' in field 'gender'"),
		want:  searchInvalid, status: 400, issue: "INVALID_VALUE", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "the X-Request-ID of a search", call: searchSomebody,
		fault: byEdge(400, "value", "INVALID_VALUE", "Provided value is invalid", "Invalid value - '%s' in header 'X-Request-ID'"),
		want:  ourBug, status: 400, issue: "INVALID_VALUE", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "the role of whoever searches", call: searchSomebody,
		fault: byEdge(400, "value", "INVALID_VALUE", "Provided value is invalid", "Invalid value - '%s' in header 'NHSD-Session-URID'. Refer to the guidance for this header in our API Specification https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir"),
		want:  roleRefused, status: 400, issue: "INVALID_VALUE", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "too few criteria", call: searchSomebody,
		fault: bySpine(400, "value", "INVALID_SEARCH_DATA", "Search data is invalid", "Invalid search data provided - 'No searches were performed as the search criteria did not meet the minimum requirements'"),
		want:  searchInvalid, status: 400, issue: "INVALID_SEARCH_DATA", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "too few fuzzy criteria", call: searchSomebody,
		fault: bySpine(400, "value", "INVALID_SEARCH_DATA", "Search data is invalid", "Invalid search data provided - 'A fuzzy search was requested however the data given did not meet the fuzzy search criteria'"),
		want:  searchInvalid, status: 400, issue: "INVALID_SEARCH_DATA", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "an unknown parameter", call: searchSomebody,
		fault: bySpine(400, "invariant", "ADDITIONAL_PROPERTIES", "Additional properties should not be included", "Invalid request with error - Additional properties are not allowed ('%s' was unexpected)"),
		want:  ourBug, status: 400, issue: "ADDITIONAL_PROPERTIES", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "several unknown parameters", call: searchSomebody,
		fault: bySpine(400, "invariant", "ADDITIONAL_PROPERTIES", "Additional properties should not be included", "Invalid request with error - Additional properties are not allowed ('%s', 'b' were unexpected)"),
		want:  ourBug, status: 400, issue: "ADDITIONAL_PROPERTIES", asked: 1, tokens: 1, trail: canary,
	},
	{
		name: "an interaction that was not granted for searches", call: searchSomebody, configure: withKey(simulator.APIKeyWithoutInteraction),
		want: ourSetup, status: 401, issue: "ACCESS_DENIED", asked: 2, tokens: 2, operator: "interaction", trail: "Access Denied - Unauthorised",
	},
	{
		name: "more results than the access mode shows", call: searchSomebody,
		fault: byEdge(403, "token", "INVALID_VALUE", "Cannot retrieve more than one result with application-restricted access token", ""),
		want:  ourSetup, status: 403, issue: "INVALID_VALUE", asked: 1, tokens: 1, operator: "access mode", trail: canary,
	},
	{
		name: "what only the sandbox says", call: searchSomebody,
		fault: byStranger(200, "application/fhir+json", `{"resourceType":"OperationOutcome","issue":[{"severity":"warning","code":"not-supported","diagnostics":"`+canary+`"}]}`),
		want:  noAnswer, status: 200, asked: 1, tokens: 1, operator: "sandbox", trail: canary,
	},
	{
		name: "criteria that break a rule", call: searchFor(&pb.SearchPatientsRequest{Family: "TESTWELL"}),
		want: searchInvalid,
	},
}
