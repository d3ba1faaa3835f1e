package practice

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The audit token (sds-and-ssp.md, part E). Its claims are pointers or raw JSON where "missing" and "wrong" are answered
// differently; unknown claims beside these are ignored, unknown members inside the three resources are not.
type claims struct {
	Issuer       *string        `json:"iss"`
	Subject      *string        `json:"sub"`
	Audience     *string        `json:"aud"`
	Issued       jsontext.Value `json:"iat"`
	Expires      jsontext.Value `json:"exp"`
	Reason       *string        `json:"reason_for_request"`
	Scope        *string        `json:"requested_scope"`
	Device       jsontext.Value `json:"requesting_device"`
	Organization jsontext.Value `json:"requesting_organization"`
	Practitioner jsontext.Value `json:"requesting_practitioner"`
	Record       jsontext.Value `json:"requested_record"`
}

// What the three resources may hold: the members of base STU3.
type (
	anyResource struct {
		ResourceType      string         `json:"resourceType"`
		ID                string         `json:"id"`
		Meta              jsontext.Value `json:"meta"`
		ImplicitRules     string         `json:"implicitRules"`
		Language          string         `json:"language"`
		Text              jsontext.Value `json:"text"`
		Contained         jsontext.Value `json:"contained"`
		Extension         jsontext.Value `json:"extension"`
		ModifierExtension jsontext.Value `json:"modifierExtension"`
	}
	fhirIdentifier struct {
		ID        string         `json:"id"`
		Extension jsontext.Value `json:"extension"`
		Use       string         `json:"use"`
		Type      jsontext.Value `json:"type"`
		System    string         `json:"system"`
		Value     string         `json:"value"`
		Period    jsontext.Value `json:"period"`
		Assigner  jsontext.Value `json:"assigner"`
	}
	humanName struct {
		ID        string         `json:"id"`
		Extension jsontext.Value `json:"extension"`
		Use       string         `json:"use"`
		Text      string         `json:"text"`
		Family    string         `json:"family"`
		Given     []string       `json:"given"`
		Prefix    []string       `json:"prefix"`
		Suffix    []string       `json:"suffix"`
		Period    jsontext.Value `json:"period"`
	}
	device struct {
		anyResource     `json:",inline"`
		Identifier      []fhirIdentifier `json:"identifier"`
		UDI             jsontext.Value   `json:"udi"`
		Status          string           `json:"status"`
		Type            jsontext.Value   `json:"type"`
		LotNumber       string           `json:"lotNumber"`
		Manufacturer    string           `json:"manufacturer"`
		ManufactureDate string           `json:"manufactureDate"`
		ExpirationDate  string           `json:"expirationDate"`
		Model           string           `json:"model"`
		Version         string           `json:"version"`
		Patient         jsontext.Value   `json:"patient"`
		Owner           jsontext.Value   `json:"owner"`
		Contact         jsontext.Value   `json:"contact"`
		Location        jsontext.Value   `json:"location"`
		URL             string           `json:"url"`
		Note            jsontext.Value   `json:"note"`
		Safety          jsontext.Value   `json:"safety"`
	}
	organization struct {
		anyResource `json:",inline"`
		Identifier  []fhirIdentifier `json:"identifier"`
		Active      *bool            `json:"active"`
		Type        jsontext.Value   `json:"type"`
		Name        string           `json:"name"`
		Alias       []string         `json:"alias"`
		Telecom     jsontext.Value   `json:"telecom"`
		Address     jsontext.Value   `json:"address"`
		PartOf      jsontext.Value   `json:"partOf"`
		Contact     jsontext.Value   `json:"contact"`
		Endpoint    jsontext.Value   `json:"endpoint"`
	}
	practitioner struct {
		anyResource   `json:",inline"`
		Identifier    []fhirIdentifier `json:"identifier"`
		Active        *bool            `json:"active"`
		Name          []humanName      `json:"name"`
		Telecom       jsontext.Value   `json:"telecom"`
		Address       jsontext.Value   `json:"address"`
		Gender        string           `json:"gender"`
		BirthDate     string           `json:"birthDate"`
		Photo         jsontext.Value   `json:"photo"`
		Qualification jsontext.Value   `json:"qualification"`
		Communication jsontext.Value   `json:"communication"`
	}
)

var (
	segmentGrammar = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	secondsGrammar = regexp.MustCompile(`^[1-9][0-9]{0,11}$`)
)

// checkToken refuses a token that is not exactly what part E asks for and returns the ODS code of the organisation in it.
// An expired token is refused, one from the future is not (E2, timing).
func (s *System) checkToken(r *http.Request, op operation) (string, error) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", badRequest("the header Authorization must be there once")
	}
	token, found := strings.CutPrefix(values[0], "Bearer ")
	if !found || strings.ContainsAny(token, " \t") {
		return "", badRequest("Authorization is not Bearer, one space and a token")
	}
	c, err := openToken(token)
	if err != nil {
		return "", err
	}
	if err := c.check(op.root(s.cfg.Roots), op.scope, time.Now()); err != nil {
		return "", err
	}
	return c.checkResources()
}

// openToken takes the envelope off (E1).
func openToken(token string) (*claims, error) {
	segments := strings.Split(token, ".")
	if len(segments) != 3 || segments[2] != "" {
		return nil, badRequest("the token is not a header, claims and an empty signature, each followed by a dot but the last")
	}
	var parts [2][]byte
	for i := range parts {
		if !segmentGrammar.MatchString(segments[i]) {
			return nil, badRequest("the token is not base64url without padding")
		}
		decoded, err := base64.RawURLEncoding.Strict().DecodeString(segments[i])
		if err != nil {
			return nil, badRequest("the token is not base64url without padding")
		}
		parts[i] = decoded
	}
	var header map[string]any
	if err := json.Unmarshal(parts[0], &header); err != nil || len(header) != 2 || header["alg"] != "none" || header["typ"] != "JWT" {
		return nil, badRequest(`the token's header is not exactly {"alg":"none","typ":"JWT"}`)
	}
	c := &claims{}
	if err := json.Unmarshal(parts[1], c); err != nil {
		return nil, badRequest("the token's claims are not a JSON object with claims of the right types")
	}
	return c, nil
}

// check looks at everything but the three resources (E2, E4).
func (c *claims) check(root, scope string, now time.Time) error {
	for _, claim := range []struct {
		name  string
		value *string
	}{
		{"iss", c.Issuer},
		{"sub", c.Subject},
		{"aud", c.Audience},
		{"reason_for_request", c.Reason},
		{"requested_scope", c.Scope},
	} {
		if claim.value == nil || *claim.value == "" {
			return badRequest("the claim " + claim.name + " is missing")
		}
	}
	issuer, err := url.Parse(*c.Issuer)
	if err != nil || issuer.Host == "" || (issuer.Scheme != "https" && issuer.Scheme != "http") {
		return badRequest("the claim iss is not a URL")
	}
	if *c.Audience != root {
		return badRequest("the claim aud is not the service root URL")
	}
	if *c.Reason != "directcare" && scope != "" {
		return badRequest("the claim reason_for_request is not directcare")
	}
	if *c.Scope != scope && scope != "" {
		return badRequest("the claim requested_scope is not " + scope)
	}
	if c.Record != nil {
		return badRequest("the claim requested_record must not be there")
	}
	issued, err := seconds("iat", c.Issued)
	if err != nil {
		return err
	}
	expires, err := seconds("exp", c.Expires)
	if err != nil {
		return err
	}
	if expires != issued+300 {
		return badRequest("the claim exp is not iat and 300 seconds")
	}
	if expires < now.Unix() {
		return badRequest("the token has expired")
	}
	return nil
}

// seconds reads a time: an integer without sign, fraction or exponent.
func seconds(name string, v jsontext.Value) (int64, error) {
	if !secondsGrammar.Match(v) {
		return 0, badRequest("the claim " + name + " is missing or not an integer")
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return 0, badRequest("the claim " + name + " is not an integer")
	}
	return n, nil
}

// checkResources looks at the device, the organisation and the practitioner (E3).
func (c *claims) checkResources() (string, error) {
	var (
		d device
		o organization
		p practitioner
	)
	for _, claim := range []struct {
		name, kind string
		value      jsontext.Value
		into       any
		base       *anyResource
	}{
		{"requesting_device", "Device", c.Device, &d, &d.anyResource},
		{"requesting_organization", "Organization", c.Organization, &o, &o.anyResource},
		{"requesting_practitioner", "Practitioner", c.Practitioner, &p, &p.anyResource},
	} {
		if claim.value == nil || string(claim.value) == "null" {
			return "", badRequest("the claim " + claim.name + " is missing")
		}
		if err := json.Unmarshal(claim.value, claim.into, json.RejectUnknownMembers(true)); err != nil || claim.base.ResourceType != claim.kind {
			return "", invalidResource("the claim " + claim.name + " is not a valid STU3 " + claim.kind)
		}
	}
	if len(d.Identifier) == 0 || d.Identifier[0].System == "" || d.Identifier[0].Value == "" || d.Model == "" || d.Version == "" {
		return "", badRequest("requesting_device lacks an identifier with system and value, a model or a version")
	}
	consumer := valueOf(o.Identifier, odsCodeID)
	if o.Name == "" || consumer == "" {
		return "", badRequest("requesting_organization lacks a name or an ODS code")
	}
	return consumer, p.check(*c.Subject)
}

// check requires who is asking by name and by ids. The SDS role profile and the local id may be absent: consumers must
// send them, but providers must tolerate the older ones that do not.
func (p *practitioner) check(subject string) error {
	switch {
	case p.ID == "" || p.ID != subject:
		return badRequest("requesting_practitioner.id is not the claim sub")
	case len(p.Name) == 0 || p.Name[0].Family == "" || len(p.Name[0].Given) == 0 || p.Name[0].Given[0] == "":
		return badRequest("requesting_practitioner lacks a family name or a given name")
	case valueOf(p.Identifier, sdsUserID) == "":
		return badRequest("requesting_practitioner lacks an SDS user id")
	}
	for _, id := range p.Identifier {
		if id.System == "" || id.Value == "" {
			return badRequest("an identifier of requesting_practitioner lacks its system or value")
		}
	}
	return nil
}

func valueOf(identifiers []fhirIdentifier, system string) string {
	for _, id := range identifiers {
		if id.System == system {
			return id.Value
		}
	}
	return ""
}
