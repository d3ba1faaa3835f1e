package judge

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Ruling is what a rule says of one audit token.
type Ruling struct {
	Rule Rule
	// Judged says that what the rule needs is known.
	Judged bool
	// Why says what is wrong; empty if nothing is.
	Why string
}

// Circumstances are what is known of the request that an audit token was made for. All may be empty; rules that need what is
// missing do not judge.
type Circumstances struct {
	// Interaction is the one that was called.
	Interaction string
	// Address is the service root URL as SDS gave it.
	Address string
	// DSTU2 says that it is for Access Record HTML, 0.7, where the interaction does not say so.
	DSTU2 bool
}

// ErrInteraction says that an interaction is not one of part D.
var ErrInteraction = errors.New("not an interaction of GP Connect")

// AuditToken judges one audit token by the rules of the proxy's leg that are about it.
func AuditToken(raw string, c Circumstances) ([]Ruling, error) {
	r := &request{Exchange: Exchange{Leg: Proxy, Header: http.Header{}}, edition: stu3, audit: readToken(raw)}
	if c.Interaction != "" {
		if r.operation = operations[c.Interaction]; r.operation == nil {
			return nil, ErrInteraction
		}
		r.edition = r.operation.edition
	}
	if c.DSTU2 {
		r.edition = dstu2
	}
	switch {
	case r.edition.audience != "":
		r.root = r.edition.audience // whatever is called
	case c.Address != "":
		r.address, r.root = c.Address, joined(c.Address)
	}
	var rulings []Ruling
	for _, rule := range jwtRules {
		ruling := Ruling{Rule: rule, Judged: rule.needs&pastKnown == 0 && r.has(rule.needs) && isAbout(r, rule.ID)}
		if ruling.Judged {
			ruling.Why = rule.check(r, newPast())
		}
		rulings = append(rulings, ruling)
	}
	return rulings, nil
}

// subjects are the claims that a rule is about. Without one of them it says nothing: that it is missing is for JWT-CLAIMS-01.
var subjects = map[string][]string{
	"JWT-ISS-01":    {"iss"},
	"JWT-SUB-01":    {"sub", "requesting_practitioner"},
	"JWT-AUD-01":    {"aud"},
	"JWT-IAT-01":    {"iat"},
	"JWT-IAT-02":    {"iat"},
	"JWT-EXP-01":    {"exp"},
	"JWT-REASON-01": {"reason_for_request"},
	"JWT-SCOPE-01":  {"requested_scope"},
	"JWT-SCOPE-02":  {"requested_scope"},
	"JWT-DEVICE-01": {"requesting_device"},
	"JWT-ORG-01":    {"requesting_organization"},
	"JWT-USER-01":   {"requesting_practitioner"},
	"JWT-USER-02":   {"requesting_practitioner"},
	"JWT-NAME-01":   {"requesting_practitioner"},
}

// isAbout reports whether what a rule is about is in a token at all.
func isAbout(r *request, rule string) bool {
	switch rule {
	case "JWT-JSON-01": // that they cannot be decoded is for JWT-BASE64-01
		if len(r.audit.parts) < 2 || r.audit.parts[1] == "" {
			return false
		}
		_, err := decodeSegment(r.audit.parts[1])
		return err == nil
	case "JWT-TYPE-01", "JWT-MEMBERS-01": // each of the resources that are there
		return slices.ContainsFunc(slices.Collect(maps.Keys(resources)), r.audit.claims.has)
	}
	return !absent(r, subjects[rule]...)
}

// Statement is what an audit token says.
type Statement struct {
	Issuer, Audience, Reason, Scope string
	// Issued and Expires are zero where they are no integers.
	Issued, Expires time.Time
	// Device, Organisation and ODSCode are not about a person.
	Device, Organisation, ODSCode string
	// User, Name and IDs name a member of staff.
	User, Name string
	IDs        []string
}

// Read is what an audit token says, whatever is wrong with it; false where it cannot be read.
func Read(raw string) (Statement, bool) {
	c := readToken(raw).claims
	if c == nil {
		return Statement{}, false
	}
	device, organisation, user := c.object("requesting_device"), c.object("requesting_organization"), c.object("requesting_practitioner")
	s := Statement{
		Issuer: c.text("iss"), Audience: c.text("aud"), Reason: c.text("reason_for_request"), Scope: c.text("requested_scope"),
		Issued: second(c["iat"]), Expires: second(c["exp"]), User: user.text("id"),
		Device:       strings.TrimSpace(device.text("model") + " " + device.text("version")),
		Organisation: organisation.text("name"),
	}
	for _, e := range []*edition{stu3, dstu2} {
		if code := organisation.identifier(e.odsSystem); code != "" {
			s.ODSCode = code
		}
	}
	for _, name := range append(user.objects("name"), user.object("name")) {
		parts := append(name.texts("prefix"), name.texts("given")...)
		parts = append(append(parts, name.text("family")), name.texts("family")...)
		if text := strings.Join(strings.Fields(strings.Join(parts, " ")), " "); text != "" && s.Name == "" {
			s.Name = text
		}
	}
	for _, i := range user.objects("identifier") {
		s.IDs = append(s.IDs, i.text("system")+"|"+i.text("value"))
	}
	return s, true
}

func second(v any) time.Time {
	if n, ok := whole(v); ok {
		return time.Unix(n, 0).UTC()
	}
	return time.Time{}
}
