package judge

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

var (
	sspRoot = regexp.MustCompile(`^/https://[^/?#@]+/`)
	weakTag = regexp.MustCompile(`^W/"[A-Za-z0-9.-]{1,64}"$`)
)

const charset = ";charset=utf-8"

// sspRules are about what goes through the Spine Secure Proxy, whatever it is.
var sspRules = []Rule{
	sspRule("SSP-URL-01", "Behind the proxy's host stands an absolute `https` URL, with its scheme and both slashes literal.", "SDS C2", SPEC, 0,
		func(r *request, _ *past) string { return unless(sspRoot.MatchString(r.Path), "it does not") }),
	sspRule("SSP-URL-02", "That URL begins with an address that SDS gave for the interaction, byte for byte, and goes on with one slash.",
		"SDS C2", SPEC, operationKnown|rootKnown|pastKnown,
		func(r *request, before *past) string {
			at, known := before.registration(r)
			return unless(!known || at != nil, "it is no such address")
		}),
	sspRule("SSP-VERB-01", "The verb is GET, POST or PUT.", "SDS C5", SPEC, 0,
		func(r *request, _ *past) string {
			return unless(slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut}, r.Method), "it is another, which is answered 405")
		}),
	sspRule("SSP-HEADERS-01", "`Ssp-TraceID`, `Ssp-From`, `Ssp-To` and `Ssp-InteractionID` are sent, each once.", "SDS C3", REF, 0,
		func(r *request, _ *past) string {
			for _, name := range []string{"Ssp-Traceid", "Ssp-From", "Ssp-To", "Ssp-Interactionid"} {
				if value, _ := r.only(name); value == "" {
					return "one is missing, empty or repeated"
				}
			}
			return ""
		}),
	sspRule("SSP-TRACE-01", "`Ssp-TraceID` is a UUID.", "SDS C3", REF, 0,
		func(r *request, _ *past) string {
			return unless(uuidForm.MatchString(r.Header.Get("Ssp-Traceid")), "it is none")
		}),
	sspRule("SSP-TRACE-02", "`Ssp-TraceID` is fresh for every request, a retry too.", "SDS C3", SPEC, pastKnown,
		func(r *request, before *past) string {
			return unless(!before.spineTraces[r.Header.Get("Ssp-Traceid")], "it was used before")
		}),
	sspRule("SSP-ASID-01", "`Ssp-From` and `Ssp-To` are ASIDs: twelve digits.", "SDS C3, B4", SPEC, 0,
		func(r *request, _ *past) string {
			return unless(asidForm.MatchString(r.Header.Get("Ssp-From")) && asidForm.MatchString(r.Header.Get("Ssp-To")), "one is not")
		}),
	sspRule("SSP-ASID-02", "`Ssp-To` is the ASID that SDS gave for the practice, the interaction and the party key.", "SDS A7, C3", REF,
		operationKnown|rootKnown|pastKnown,
		func(r *request, before *past) string {
			at, _ := before.registration(r)
			return unless(at == nil || at.addressed, "it is another, or SDS was not asked for it")
		}),
	sspRule("SSP-INTERACTION-01", "The interaction is one of part D.", "SDS C3, D", TEST, 0,
		func(r *request, _ *past) string { return unless(r.operation != nil, "it is none of them") }),
	sspRule("SSP-INTERACTION-02", "The interaction fits the verb and the path.", "SDS C3, D", TEST, operationKnown,
		func(r *request, _ *past) string {
			return unless(r.root != "" && (r.Method == r.operation.method || !verbs[r.Method]), "it is another operation's")
		}),
	sspRule("SSP-ID-01", "Logical ids in the path are FHIR ids, sent as they are.", "SDS C2", SPEC, operationKnown,
		func(r *request, _ *past) string {
			for _, id := range r.ids {
				if !idForm.MatchString(id) {
					return "one is not"
				}
			}
			return ""
		}),
	sspRule("SSP-ACCEPT-01", "`Accept` is sent, also on GET, and is the JSON media type of the capability.", "SDS C3", REF, 0,
		func(r *request, _ *past) string {
			accept, _ := r.only("Accept")
			return unless(accept == r.edition.media || accept == r.edition.media+charset, "it is missing, repeated or another")
		}),
	sspRule("SSP-TYPE-01", "POST and PUT name the media type with `charset=utf-8` and no space before it.", "SDS C3", REF, 0,
		func(r *request, _ *past) string {
			media, _ := r.only("Content-Type")
			return unless(r.Method == http.MethodGet || media == r.edition.media+charset, "Content-Type is missing or another")
		}),
	sspRule("SSP-TYPE-02", "GET names no media type of its body, or a FHIR one.", "SDS C3", REF, 0,
		func(r *request, _ *past) string {
			media, _ := r.only("Content-Type")
			return unless(r.Method != http.MethodGet || !r.sent("Content-Type") || strings.TrimSuffix(media, charset) == r.edition.media,
				"Content-Type is another")
		}),
	sspRule("SSP-GZIP-01", "gzip is accepted.", "SDS C3", TEST, 0,
		func(r *request, _ *past) string {
			return unless(strings.Contains(strings.Join(r.Header.Values("Accept-Encoding"), ","), "gzip"), "it is not")
		}),
	sspRule("SSP-AUTH-01", "`Authorization` is sent once: `Bearer`, one space, the audit token.", "SDS C3", REF, 0,
		func(r *request, _ *past) string {
			return unless(bearerOnce(r), "it is missing, repeated or of another form")
		}),
	sspRule("SSP-IFMATCH-01", "PUT names the version that it is based on in `If-Match`, as `W/\"3\"`; nothing else does.", "SDS C3", TEST, 0,
		func(r *request, _ *past) string {
			version, _ := r.only("If-Match")
			if r.Method != http.MethodPut {
				return unless(!r.sent("If-Match"), "another verb does")
			}
			return unless(weakTag.MatchString(version), "it is missing, repeated or of another form")
		}),
	sspRule("SSP-QUERY-01", "In a query `|` is sent as `%7C` and `+` as `%2B`.", "SDS C2", SPEC, 0,
		func(r *request, _ *past) string {
			return unless(!strings.ContainsAny(r.Query, "|+ "), "one is sent raw")
		}),
	sspRule("SSP-ONCE-01", "What changes something is sent once, and never repeated unless the proxy did not pass it on.", "SDS C5", SPEC, operationKnown|pastKnown,
		func(r *request, before *past) string {
			return unless(!r.operation.write() || !before.writes[writeOf(r)], "the same was sent before")
		}),
}

var verbs = map[string]bool{http.MethodGet: true, http.MethodPost: true, http.MethodPut: true}

func sspRule(id, says, section string, by Enforcer, needs need, check func(*request, *past) string) Rule {
	return Rule{ID: id, Says: says, Section: section, By: by, leg: Proxy, needs: needs, check: check}
}
