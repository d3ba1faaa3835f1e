package judge

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// tokenHeader is the encoded header, which never differs (SDS contract, E1).
const tokenHeader = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0" //nolint:gosec // {"alg":"none","typ":"JWT"}, no credential

const (
	// auditLife is exact, in seconds: providers refuse 299 and 301.
	auditLife = 300
	// aDay is in seconds, too.
	aDay = 24 * 60 * 60
	// ahead is how far in the future a token may be stamped, by the strictest practice, and stale how long before its arrival.
	ahead = 5 * time.Second
	stale = 20 * time.Second
	// shared is how long after its first arrival the same token may come again, within the same second: one that is made anew
	// then for the same call of the same user has the same text, since it is stamped in seconds.
	shared = time.Second
	// transit is how long a token may be on its way into the next second.
	transit = 100 * time.Millisecond
)

// decodeSegment decodes base64url without padding.
func decodeSegment(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // the decoder skips them
		return nil, errPadding
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

// jwtRules are about the audit token.
var jwtRules = []Rule{
	jwtRule("JWT-FORM-01", "The token is header, claims and an empty signature, with both dots.", "SDS E1", REF, 0,
		func(r *request, _ *past) string {
			return unsigned(r.audit.parts)
		}),
	jwtRule("JWT-BASE64-01", "Header and claims are base64url without padding.", "SDS E1", TEST, 0,
		func(r *request, _ *past) string {
			for _, part := range r.audit.parts[:min(2, len(r.audit.parts))] {
				if _, err := decodeSegment(part); err != nil || part == "" {
					return "one is not"
				}
			}
			return ""
		}),
	jwtRule("JWT-HEADER-01", "The header is `{\"alg\":\"none\",\"typ\":\"JWT\"}`, in its one encoding.", "SDS E1", REF, 0,
		func(r *request, _ *past) string { return header(r.audit) }),
	jwtRule("JWT-JSON-01", "The claims are one JSON object.", "SDS E1", TEST, 0,
		func(r *request, _ *past) string {
			if len(r.audit.parts) < 2 {
				return ""
			}
			_, err := decodeSegment(r.audit.parts[1])
			return unless(err != nil || r.audit.claims != nil, "they are not")
		}),
	jwtRule("JWT-CLAIMS-01", "Every claim is there.", "SDS E2", TEST, claimsRead,
		func(r *request, _ *past) string {
			missing := slices.DeleteFunc(slices.Clone(claimNames), r.audit.claims.has)
			return unless(len(missing) == 0, "missing: "+strings.Join(missing, ", "))
		}),
	jwtRule("JWT-CLAIMS-02", "There is no other claim.", "SDS E2", J, claimsRead,
		func(r *request, _ *past) string {
			return unless(r.audit.claims.within(append(slices.Clone(claimNames), "requested_record")...), "there is another")
		}),
	jwtRule("JWT-ISS-01", "`iss` is the URL of the consumer system's Spine endpoint.", "SDS E2", SPEC, claimsRead,
		func(r *request, _ *past) string {
			u, err := url.Parse(r.audit.claims.text("iss"))
			return unless(absent(r, "iss") || err == nil && u.Scheme == "https" && u.Host != "", "it is no https URL")
		}),
	jwtRule("JWT-SUB-01", "`sub` is the id of the practitioner.", "SDS E2", REF, claimsRead,
		func(r *request, _ *past) string {
			sub := r.audit.claims.text("sub")
			practitioner := r.audit.claims.object("requesting_practitioner")
			return unless(absent(r, "sub", "requesting_practitioner") || sub != "" && sub == practitioner.text("id"), "it is missing or another")
		}),
	jwtRule("JWT-AUD-01", "`aud` is the service root URL as SDS gave it and as it stands in the request's URL; in 0.7 the fixed one.", "SDS E2, E5", TEST,
		claimsRead|rootKnown, audience),
	jwtRule("JWT-IAT-01", "`iat` is an integer of seconds.", "SDS E2", TEST, claimsRead,
		func(r *request, _ *past) string {
			_, ok := whole(r.audit.claims["iat"])
			return unless(absent(r, "iat") || ok, "it is none")
		}),
	jwtRule("JWT-IAT-02", "`iat` is the moment of sending: at most 5 s ahead of the arrival, and not long before it.", "SDS E2", TEST,
		claimsRead|clockKnown,
		func(r *request, _ *past) string {
			iat, ok := whole(r.audit.claims["iat"])
			age := r.At.Sub(time.Unix(iat, 0))
			return unless(!ok || age >= -ahead && age <= stale, "it is another moment")
		}),
	jwtRule("JWT-EXP-01", "`exp` is `iat` + 300, exactly, and an integer.", "SDS E2", TEST, claimsRead,
		func(r *request, _ *past) string {
			iat, issued := whole(r.audit.claims["iat"])
			exp, ok := whole(r.audit.claims["exp"])
			switch {
			case absent(r, "exp"):
				return ""
			case !ok:
				return "it is no integer"
			}
			if life := exp - iat; issued && (life < -aDay || life > aDay) { // it may be no time at all, so it is not repeated
				return "it is more than a day from `iat`, and not `iat` + 300"
			}
			return unless(!issued || exp == iat+auditLife, fmt.Sprintf("it is `iat` %+d, and not `iat` + 300", exp-iat))
		}),
	jwtRule("JWT-FRESH-01", "A token is made for one request and not used again.", "SDS E1", SPEC, clockKnown|pastKnown,
		func(r *request, before *past) string {
			first, known := before.tokens[r.audit.raw]
			if !known {
				return ""
			}
			anew := first.trace == r.Header.Get("Ssp-Traceid") || r.At.Add(-transit).Unix() <= first.at.Unix()
			return unless(anew && r.At.Sub(first.at) < shared, "it came before")
		}),
	jwtRule("JWT-REASON-01", "`reason_for_request` is `directcare`; for record transfer `migration`.", "SDS E2", TEST, claimsRead,
		func(r *request, _ *past) string {
			reason := r.audit.claims.text("reason_for_request")
			direct := r.operation == nil || !r.operation.migrates()
			transfer := r.operation == nil || r.operation.migrates()
			return unless(absent(r, "reason_for_request") || direct && reason == "directcare" || transfer && reason == "migration", "it is another")
		}),
	jwtRule("JWT-SCOPE-01", "`requested_scope` is one of those that there are, with a conf token only for record transfer.", "SDS E4", TEST, claimsRead,
		func(r *request, _ *past) string {
			base, conf, extended := strings.Cut(r.audit.claims.text("requested_scope"), " ")
			known := slices.Contains([]string{patientRead, patientWrite, organisationRead, "organization/*.write"}, base)
			transfer := r.operation == nil || r.operation.migrates()
			return unless(absent(r, "requested_scope") || known && (!extended || transfer && (conf == "conf/N" || conf == "conf/R")), "it is another")
		}),
	jwtRule("JWT-SCOPE-02", "`requested_scope` is that of the interaction.", "SDS E4, D", TEST, claimsRead|operationKnown,
		func(r *request, _ *past) string {
			base, _, extended := strings.Cut(r.audit.claims.text("requested_scope"), " ")
			return unless(absent(r, "requested_scope") || base == r.operation.scope && (extended || !r.operation.migrates()), "it is another's")
		}),
	jwtRule("JWT-RECORD-01", "`requested_record` is absent; in 0.7 it names the patient of the request, or the organisation.", "SDS E2, E5", REF, claimsRead,
		requestedRecord),
	jwtRule("JWT-TYPE-01", "Device, organisation and practitioner have their own `resourceType`.", "SDS E2", TEST, claimsRead,
		func(r *request, _ *past) string {
			for name, want := range resources {
				if !absent(r, name) && r.audit.claims.object(name).text("resourceType") != want {
					return name + " has another"
				}
			}
			return ""
		}),
	jwtRule("JWT-MEMBERS-01", "The three resources have the members of the specification, of their types, and no other.", "SDS E2, E3", TEST, claimsRead, members),
	jwtRule("JWT-DEVICE-01", "The device has an identifier of our own system, a model and a version.", "SDS E3", SPEC, claimsRead,
		func(r *request, _ *past) string {
			d := r.audit.claims.object("requesting_device")
			return unless(absent(r, "requesting_device") || identified(d, 1) && d.text("model") != "" && d.text("version") != "", "one is missing")
		}),
	jwtRule("JWT-ORG-01", "The organisation has a name and the ODS code of the user's organisation.", "SDS E3", REF, claimsRead,
		func(r *request, _ *past) string {
			o := r.audit.claims.object("requesting_organization")
			return unless(absent(r, "requesting_organization") || o.text("name") != "" && odsForm.MatchString(o.identifier(r.edition.odsSystem)),
				"the name or the code is missing")
		}),
	jwtRule("JWT-USER-01", "The practitioner has the SDS user id, the role profile id and a local id, each under its system.", "SDS E3", SPEC, claimsRead, user),
	jwtRule("JWT-USER-02", "SDS ids are digits, or `UNK` for a user without a smartcard.", "SDS E3", TEST, claimsRead,
		func(r *request, _ *past) string {
			p := r.audit.claims.object("requesting_practitioner")
			for _, system := range []string{r.edition.userSystem, r.edition.roleSystem} {
				if id := p.identifier(system); system != "" && id != "" && id != "UNK" && !digits.MatchString(id) {
					return "one is neither"
				}
			}
			return ""
		}),
	jwtRule("JWT-NAME-01", "The practitioner is a named person: family name and given name.", "SDS E3", SPEC, claimsRead, named),
}

// unsigned says how a token is not three parts of which the last is empty.
func unsigned(parts []string) string {
	switch {
	case len(parts) != 3:
		return fmt.Sprintf("it has %d dots and not 2", len(parts)-1)
	case parts[2] != "":
		return "its third part is a signature and not empty"
	}
	return ""
}

// header says how a token's header is another. Of the two members that every header has it repeats
// so little that an NHS Number would not fit.
func header(t token) string {
	alg, typ := t.header.text("alg"), t.header.text("typ")
	switch {
	case t.parts[0] == tokenHeader:
		return ""
	case t.header == nil:
		return "it is no JSON object in base64url, and has to be " + tokenHeader
	case alg != "none" || typ != "JWT" || len(t.header) != 2:
		return fmt.Sprintf("alg is %.8q, typ is %.8q, of %d members, and it has to be %s", alg, typ, len(t.header), tokenHeader)
	}
	return "it says the same in another encoding, and has to be " + tokenHeader
}

// claimNames are the claims of every edition.
var claimNames = []string{
	"iss", "sub", "aud", "iat", "exp", "reason_for_request", "requested_scope", "requesting_device", "requesting_organization",
	"requesting_practitioner",
}

// resources are the claims that are resources, and their types.
var resources = map[string]string{
	"requesting_device": "Device", "requesting_organization": "Organization", "requesting_practitioner": "Practitioner",
}

func jwtRule(id, says, section string, by Enforcer, needs need, check func(*request, *past) string) Rule {
	return Rule{ID: id, Says: says, Section: section, By: by, leg: Proxy, needs: needs, check: check}
}

// absent reports whether a claim is missing, about which JWT-CLAIMS-01 has spoken.
func absent(r *request, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return !r.audit.claims.has(name) })
}

func audience(r *request, before *past) string {
	aud, address := r.audit.claims.text("aud"), r.address
	if at, _ := before.registration(r); at != nil {
		address = at.address
	}
	switch {
	case absent(r, "aud"):
		return ""
	case r.edition.audience != "":
		return unless(aud == r.edition.audience, "it is another than the fixed one")
	case address != "":
		return unless(aud == address, "it is another than SDS gave")
	}
	return unless(aud != "" && joined(aud) == r.root, "it is another than the URL's")
}

func requestedRecord(r *request, _ *past) string {
	record := r.audit.claims.object("requested_record")
	switch {
	case !r.edition.record:
		return unless(!r.audit.claims.has("requested_record"), "it is there")
	case record.text("resourceType") == "Organization":
		return unless(odsForm.MatchString(record.identifier(r.edition.odsSystem)), "it has no ODS code")
	case record.text("resourceType") != "Patient":
		return "it is missing, or no Patient and no Organization"
	}
	number := record.identifier(r.edition.numberSystem)
	return unless(number != "" && (r.number.IsZero() || r.number.Digits() == number), "it is not about the patient of the request")
}

// members holds the three resources against the members that they may have.
func members(r *request, _ *past) string {
	for name, member := range resourceForms(r.edition) {
		if !absent(r, name) && !member.fits(r.audit.claims[name]) {
			return name + " has another, or one of another type"
		}
	}
	return ""
}

// identified reports whether a resource has so many identifiers, each with a system that is a URI and a value.
func identified(o object, n int) bool {
	identifiers := o.objects("identifier")
	for _, i := range identifiers {
		if !strings.Contains(i.text("system"), ":") || i.text("value") == "" {
			return false
		}
	}
	return len(identifiers) >= n
}

func user(r *request, _ *past) string {
	if absent(r, "requesting_practitioner") {
		return ""
	}
	p := r.audit.claims.object("requesting_practitioner")
	want := []string{r.edition.userSystem}
	if r.edition.roleSystem != "" {
		want = append(want, r.edition.roleSystem)
	} else if len(p.objects("practitionerRole")) == 0 {
		return "there is no role"
	}
	for _, system := range want {
		if p.identifier(system) == "" {
			return "one of SDS's ids is missing"
		}
	}
	local := slices.ContainsFunc(p.objects("identifier"), func(i object) bool { return !slices.Contains(want, i.text("system")) })
	return unless(local && identified(p, len(want)+1), "the local id is missing, or an identifier is incomplete")
}

func named(r *request, _ *past) string {
	if absent(r, "requesting_practitioner") {
		return ""
	}
	p := r.audit.claims.object("requesting_practitioner")
	name, family := p.object("name"), ""
	if r.edition.record { // one name, whose family names are a list
		if all := name.texts("family"); len(all) > 0 {
			family = all[0]
		}
	} else if all := p.objects("name"); len(all) > 0 {
		name, family = all[0], all[0].text("family")
	}
	given := name.texts("given")
	return unless(strings.TrimSpace(family) != "" && len(given) > 0 && strings.TrimSpace(given[0]) != "", "one is missing")
}
