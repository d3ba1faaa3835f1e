package judge

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Systems of what SDS is asked for.
const (
	odsSystem         = "https://fhir.nhs.uk/Id/ods-organization-code"
	interactionSystem = "https://fhir.nhs.uk/Id/nhsServiceInteractionId"
	partyKeySystem    = "https://fhir.nhs.uk/Id/nhsMhsPartyKey"
	asidSystem        = "https://fhir.nhs.uk/Id/nhsSpineASID"
)

var (
	sdsPath      = regexp.MustCompile(`/(Device|Endpoint)$`)
	partyKeyForm = regexp.MustCompile(`^[A-Z0-9]{2,10}-[0-9]{4,8}$`)
)

// lookup is what SDS is asked for.
type lookup struct {
	resource                                          string
	organisation, interaction, partyKey, manufacturer string
}

func lookupOf(r *request) lookup {
	l := lookup{
		organisation: valueOf(r.query["organization"], odsSystem), manufacturer: valueOf(r.query["manufacturing-organization"], odsSystem),
		interaction: valueOf(r.query["identifier"], interactionSystem), partyKey: valueOf(r.query["identifier"], partyKeySystem),
	}
	if m := sdsPath.FindStringSubmatch(r.Path); m != nil {
		l.resource = m[1]
	}
	return l
}

// valueOf is the last value of a system, as SDS reads it.
func valueOf(values []string, system string) string {
	value := ""
	for _, v := range values {
		if text, ok := strings.CutPrefix(v, system+"|"); ok {
			value = text
		}
	}
	return value
}

// sdsRules are about what SDS is asked.
var sdsRules = []Rule{
	{
		ID: "SDS-PATH-01", Says: "SDS is asked by GET, for `Device` or `Endpoint`.",
		Section: "SDS A1", By: IMPL, leg: SDS,
		check: func(r *request, _ *past) string {
			return unless(r.Method == http.MethodGet && r.lookup.resource != "", "it is another verb or path")
		},
	},
	{
		ID: "SDS-KEY-01", Says: "The header `apikey` is sent once.",
		Section: "SDS A2", By: SPEC, leg: SDS,
		check: func(r *request, _ *past) string {
			key, _ := r.only("Apikey")
			return unless(key != "", "it is missing, empty or repeated")
		},
	},
	{
		ID: "SDS-ACCEPT-01", Says: "`Accept` is exactly one of the media types that SDS compares with, without a charset.",
		Section: "SDS A2", By: IMPL, leg: SDS,
		check: func(r *request, _ *past) string {
			accept, _ := r.only("Accept")
			return unless(slices.Contains([]string{"*/*", "application/fhir+json", "application/json"}, accept), "it is another, which is answered 406")
		},
	},
	{
		ID: "SDS-CORR-01", Says: "`X-Correlation-Id`, where sent, is 8-4-4-4-12 hexadecimal digits.",
		Section: "SDS A2", By: IMPL, leg: SDS,
		check: func(r *request, _ *past) string {
			id, _ := r.only("X-Correlation-Id")
			return unless(!r.sent("X-Correlation-Id") || uuidForm.MatchString(id), "it is of another form")
		},
	},
	{
		ID: "SDS-CACHE-01", Says: "`Cache-Control`, where sent, is exactly `no-cache`.",
		Section: "SDS A1", By: IMPL, leg: SDS,
		check: func(r *request, _ *past) string {
			value, _ := r.only("Cache-Control")
			return unless(!r.sent("Cache-Control") || value == "no-cache", "it is another, which SDS does not heed")
		},
	},
	{
		ID: "SDS-PARAM-01", Says: "Only the resource's own parameters are sent, and only `identifier` is repeated.",
		Section: "SDS A3", By: IMPL, leg: SDS,
		check: func(r *request, _ *past) string {
			for name, values := range r.query {
				switch {
				case name == "identifier":
				case name == "organization", name == "manufacturing-organization" && r.lookup.resource == "Device":
					if len(values) > 1 {
						return "another parameter is repeated"
					}
				default:
					return "there is an illegal parameter"
				}
			}
			return ""
		},
	},
	{
		ID: "SDS-TOKEN-01", Says: "Every value is a token of its parameter's own system, each system once.",
		Section: "SDS A3", By: IMPL, leg: SDS, check: tokens,
	},
	{
		ID: "SDS-COMBO-01", Says: "The parameters are a combination that the resource takes.",
		Section: "SDS A3", By: IMPL, leg: SDS,
		check: func(r *request, _ *past) string {
			l, given := r.lookup, 0
			for _, value := range []string{l.organisation, l.interaction, l.partyKey} {
				if value != "" {
					given++
				}
			}
			if l.resource == "Device" {
				return unless(l.organisation != "" && l.interaction != "", "a Device needs organisation and interaction")
			}
			return unless(given >= 2, "an Endpoint needs two of organisation, interaction and party key")
		},
	},
	{
		ID: "SDS-PIPE-01", Says: "The pipe of a token is sent as `%7C`.",
		Section: "SDS A3", By: J, leg: SDS,
		check: func(r *request, _ *past) string { return unless(!strings.Contains(r.Query, "|"), "it is sent raw") },
	},
	{
		ID: "SDS-ODS-01", Says: "ODS codes are 3 to 12 capitals and digits: SDS takes `*` for any organisation.",
		Section: "SDS A3, B4", By: J, leg: SDS,
		check: func(r *request, _ *past) string {
			for _, code := range []string{r.lookup.organisation, r.lookup.manufacturer} {
				if code != "" && !odsForm.MatchString(code) {
					return "one is not"
				}
			}
			return ""
		},
	},
	{
		ID: "SDS-INTERACTION-01", Says: "The interaction is one of part D.",
		Section: "SDS B4, D", By: J, leg: SDS,
		check: func(r *request, _ *past) string {
			return unless(r.lookup.interaction == "" || operations[r.lookup.interaction] != nil, "it is none of them")
		},
	},
	{
		ID: "SDS-PARTY-01", Says: "A party key has the form of one.",
		Section: "SDS B4", By: J, leg: SDS,
		check: func(r *request, _ *past) string {
			return unless(r.lookup.partyKey == "" || partyKeyForm.MatchString(r.lookup.partyKey), "it has not")
		},
	},
	{
		ID: "SDS-ORDER-01", Says: "A practice's Device is asked for after its Endpoint, with the party key that the Endpoint gave.",
		Section: "SDS A7", By: SPEC, leg: SDS, needs: pastKnown,
		check: func(r *request, before *past) string {
			if r.lookup.resource != "Device" || r.lookup.manufacturer != "" {
				return "" // our own system is found by its manufacturer
			}
			endpoint := before.endpoints[r.lookup.route()]
			switch {
			case endpoint == nil:
				return "its Endpoint was not asked for before"
			case r.lookup.partyKey == "":
				return "there is no party key"
			}
			return unless(!endpoint.read || endpoint.keys[r.lookup.partyKey], "the party key is not the Endpoint's")
		},
	},
	{
		ID: "SDS-EMPTY-01", Says: "An empty answer is asked again past the cache, before anything else of the same look-up.",
		Section: "SDS A10", By: J, leg: SDS, needs: pastKnown,
		check: func(r *request, before *past) string {
			resource, empty := before.empty[emptyKey(r)]
			return unless(!empty || resource == r.lookup.resource && r.Header.Get("Cache-Control") == "no-cache", "it is not")
		},
	},
}

// tokens holds every value against its parameter's systems.
func tokens(r *request, _ *past) string {
	systems := map[string][]string{
		"organization": {odsSystem}, "manufacturing-organization": {odsSystem}, "identifier": {interactionSystem, partyKeySystem},
	}
	seen := map[string]bool{}
	for name, allowed := range systems {
		for _, value := range r.query[name] {
			system, text, _ := strings.Cut(value, "|")
			switch {
			case !slices.Contains(allowed, system):
				return "one has another system"
			case text == "" || strings.TrimSpace(text) != text:
				return "one is empty or has a blank"
			case seen[name+system]:
				return "a system is there twice"
			}
			seen[name+system] = true
		}
	}
	return ""
}
