package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// platforms are the hosts of the NHS's API platform (PDS contract, 2; SDS contract, A1).
var platforms = map[Environment]string{
	Sandbox:     "https://sandbox.api.service.nhs.uk",
	Integration: "https://int.api.service.nhs.uk",
	Live:        "https://api.service.nhs.uk",
}

// complete fills in what follows from the environment.
func (c *Config) complete() {
	host, known := platforms[c.Environment]
	if !known {
		return
	}
	for target, path := range map[*string]string{
		&c.Spine.Token.URL: "/oauth2/token",
		&c.Spine.PDS.URL:   "/personal-demographics/FHIR/R4",
		&c.Spine.SDS.URL:   "/spine-directory/FHIR/R4",
	} {
		if *target == "" {
			*target = host + path
		}
	}
}

// problem is a value that could not work, and what to change.
type problem struct{ key, fix string }

// problems collects what is wrong.
type problems []problem

// need notes a problem unless ok.
func (p *problems) need(ok bool, key, fix string, args ...any) {
	if !ok {
		*p = append(*p, problem{key, fmt.Sprintf(fix, args...)})
	}
}

// validate checks everything that can be checked without opening a file or a connection. No message quotes a value that
// could be a secret.
func (c *Config) validate() problems {
	var p problems
	p.need(platforms[c.Environment] != "", "environment",
		"one of INTEGRATION, LIVE and SANDBOX is needed")
	c.Listen.validate(&p)
	if c.Admin.Address != "" {
		_, err := parseAddress(c.Admin.Address)
		p.need(err == nil, "admin.address", "an IP address and a port are needed, such as 127.0.0.1:9090")
	}
	c.Spine.validate(&p, c.Environment)
	c.System.validate(&p)
	known := c.validateOrganisations(&p)
	c.Identity.validate(&p, known)
	c.validateAccess(&p)
	c.Audit.validate(&p, "audit")
	c.Journal.validate(&p, "journal")
	p.need(c.Audit.Path != c.Journal.Path || c.Audit.Path == "", "journal.path", "a file of its own is needed, not the audit trail's")
	p.need(len(c.Handles.KeyFiles) > 0, "handles.keyFiles", "at least one file with a key of 64 hexadecimal digits is needed")
	for i, f := range c.Handles.KeyFiles {
		p.path(fmt.Sprintf("handles.keyFiles[%d]", i), string(f), true)
	}
	c.Bounds.validate(&p)
	p.need(slices.Contains([]string{"DEBUG", "INFO", "WARN", "ERROR"}, c.Log.Level), "log.level",
		"one of DEBUG, INFO, WARN and ERROR is needed")
	return p
}

func (l Listen) validate(p *problems) {
	address, err := parseAddress(l.Address)
	p.need(err == nil, "listen.address", "an IP address and a port are needed, such as 0.0.0.0:50051")
	p.path("listen.certificateFile", string(l.CertificateFile), false)
	p.path("listen.keyFile", string(l.KeyFile), false)
	p.path("listen.clientCAFile", string(l.ClientCAFile), false)
	p.need((l.CertificateFile == "") == (l.KeyFile == ""), "listen.keyFile", "certificateFile and keyFile belong together: give both or none")
	p.need(l.ClientCAFile == "" || l.CertificateFile != "", "listen.clientCAFile", "callers' certificates need TLS: give certificateFile and keyFile")
	p.need(err != nil || l.CertificateFile != "" || address.Addr().IsLoopback(), "listen.address",
		"clear text is for loopback addresses alone: give certificateFile and keyFile, or listen on 127.0.0.1")
	l.HTTP.validate(p, l.CertificateFile != "")
}

func (h HTTP) validate(p *problems, secure bool) {
	if h.Address == "" {
		p.need(len(h.AllowedOrigins) == 0, "listen.http.allowedOrigins", "there is no page to let in without listen.http.address")
		return
	}
	address, err := parseAddress(h.Address)
	p.need(err == nil, "listen.http.address", "an IP address and a port are needed, such as 0.0.0.0:8080")
	p.need(err != nil || secure || address.Addr().IsLoopback(), "listen.http.address",
		"clear text is for loopback addresses alone: give listen.certificateFile and listen.keyFile, or listen on 127.0.0.1")
	for i, origin := range h.AllowedOrigins {
		if err := CheckOrigin(origin); err != nil {
			p.need(false, fmt.Sprintf("listen.http.allowedOrigins[%d]", i), "%v", err)
		}
	}
}

// CheckOrigin says what is needed where a text is no origin that can be let in, for whoever takes one from elsewhere than a file.
func CheckOrigin(text string) error {
	if isOrigin(text) {
		return nil
	}
	return errors.New("an origin as browsers write it is needed: https, a host in lower case, a port if it is not 443, and no more, such as " +
		"https://portal.example; http is for localhost and loopback addresses")
}

// isOrigin reports whether a text is an origin as browsers write it, that can be trusted to be who it says.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || text != u.Scheme+"://"+u.Host || text != strings.ToLower(text) || strings.ContainsAny(text, "* ") {
		return false
	}
	switch port := u.Port(); {
	case strings.HasSuffix(u.Host, ":"), u.Scheme == "https" && port == "443", u.Scheme == "http" && port == "80":
		return false
	case u.Scheme == "https":
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && ip.IsLoopback())
}

// parseAddress wants an IP address: a name may mean another interface tomorrow.
func parseAddress(text string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return netip.AddrPort{}, errors.New("no address with a port")
	}
	switch host {
	case "localhost":
		host = "127.0.0.1"
	case "":
		host = "0.0.0.0"
	}
	return netip.ParseAddrPort(net.JoinHostPort(host, port))
}

func (s Spine) validate(p *problems, e Environment) {
	if platforms[e] != "" { // else their defaults are missing too, and that has been said
		p.url("spine.token.url", s.Token.URL)
		p.url("spine.pds.url", s.PDS.URL)
		p.url("spine.sds.url", s.SDS.URL)
	}
	p.path("spine.caFile", string(s.CAFile), false)
	// The NHS's sandbox of PDS asks for no token (PDS contract, 2).
	application := s.Token.Application()
	application.validate(p, "spine.token", e != Sandbox || !application.IsZero())
	p.path("spine.sds.apiKeyFile", string(s.SDS.APIKeyFile), e != Sandbox)
	p.need(s.PDS.RequestsPerSecond > 0, "spine.pds.requestsPerSecond", "a number above 0 is needed; the NHS's default is 5")
	p.need(s.SDS.RequestsPerMinute > 0, "spine.sds.requestsPerMinute", "a number above 0 is needed; the NHS's default is 300")

	p.url("spine.proxy.url", s.Proxy.URL)
	if u, err := url.Parse(s.Proxy.URL); err == nil {
		p.need(u.Path == "", "spine.proxy.url", "no path may follow the host, nor a slash: the practice's address is put there")
	}
	p.path("spine.proxy.certificateFile", string(s.Proxy.CertificateFile), true)
	p.path("spine.proxy.keyFile", string(s.Proxy.KeyFile), true)
	p.path("spine.proxy.caFile", string(s.Proxy.CAFile), true)
	for i, suffix := range s.Proxy.AddressSuffixes {
		p.need(suffix != "" && !strings.ContainsAny(suffix, "/:@ *") && !strings.HasPrefix(suffix, "."),
			fmt.Sprintf("spine.proxy.addressSuffixes[%d]", i), "a domain is needed, such as nhs.uk")
	}
	p.need(e != Live || len(s.Proxy.AddressSuffixes) > 0, "spine.proxy.addressSuffixes",
		"in LIVE the domains of practices' addresses are needed, such as nhs.uk")
}

// validate checks an application's credentials.
func (a Application) validate(p *problems, key string, needed bool) {
	p.path(key+".apiKeyFile", string(a.APIKeyFile), needed)
	p.need(!needed || a.KeyID != "", key+".keyID", "the kid of the signing key is needed, as the application publishes it")
	p.need(!needed || (a.PrivateKeyFile != "") != (a.AgentSocket != ""), key+".privateKeyFile",
		"one place for the signing key is needed: privateKeyFile, or agentSocket with publicKeyFile")
	p.path(key+".privateKeyFile", string(a.PrivateKeyFile), false)
	p.path(key+".clientSecretFile", string(a.ClientSecretFile), false)
	p.path(key+".agentSocket", a.AgentSocket, false)
	p.path(key+".publicKeyFile", string(a.PublicKeyFile), false)
	p.need((a.AgentSocket == "") == (a.PublicKeyFile == ""), key+".publicKeyFile",
		"agentSocket and publicKeyFile belong together: give both or none")
	known := map[string]bool{a.KeyID: true}
	for i, k := range a.AlsoPublish {
		key := fmt.Sprintf("%s.alsoPublish[%d].", key, i)
		p.need(k.KeyID != "", key+"keyID", "the key's kid is needed")
		p.need(k.KeyID == "" || !known[k.KeyID], key+"keyID", "another key has this kid; each needs its own")
		known[k.KeyID] = true
		p.path(key+"publicKeyFile", string(k.PublicKeyFile), true)
	}
}

func (s System) validate(p *problems) {
	p.url("system.url", s.URL)
	p.need(s.DeviceID != "", "system.deviceID", "an id for this installation is needed, such as gateway-1")
	p.need(s.Model != "", "system.model", "the name of the software is needed, as it was assured")
	_, err := nhs.ParseODSCode(s.ManufacturerODS)
	p.need(s.ManufacturerODS == "" || err == nil, "system.manufacturerODS", "the supplier's ODS code is needed: 3 to 12 letters and digits")
}

// validateOrganisations returns the ODS codes that are configured.
func (c *Config) validateOrganisations(p *problems) map[nhs.ODSCode]bool {
	p.need(len(c.Organisations) > 0, "organisations", "at least one organisation is needed")
	known, asids := map[nhs.ODSCode]bool{}, map[nhs.ASID]bool{}
	for i, o := range c.Organisations {
		key := fmt.Sprintf("organisations[%d].", i)
		ods, err := nhs.ParseODSCode(o.ODS)
		p.need(err == nil, key+"ods", "an ODS code is needed: 3 to 12 letters and digits")
		p.need(err != nil || !known[ods], key+"ods", "this organisation is listed twice")
		known[ods] = err == nil
		asid, err := nhs.ParseASID(o.ASID)
		p.need(err == nil || o.ASID == "" && c.System.ManufacturerODS != "", key+"asid",
			"an ASID is needed: twelve digits; or system.manufacturerODS, by which the directory is asked for it")
		p.need(err != nil || !asids[asid], key+"asid", "another organisation has this ASID; each needs its own")
		asids[asid] = err == nil
		p.need(strings.TrimSpace(o.Name) != "", key+"name", "a name is needed: practices are told it")
		for j, area := range o.Areas {
			p.need(slices.Contains(areas, area), fmt.Sprintf("%sareas[%d]", key, j), "one of %s is needed", strings.Join(areas, ", "))
		}
		p.need(!strings.ContainsAny(o.FQDN, "/: "), key+"fqdn", "a host name is needed, without scheme or port")
		o.validateOwn(p, key)
	}
	return known
}

// validateAccess holds as whom PDS is asked against what that takes.
func (c *Config) validateAccess(p *problems) {
	choices := []PDSAccess{"", ByIdentity, HealthcareWorker, ApplicationRestricted}
	workersOnly := true
	for i, o := range c.Organisations {
		key := fmt.Sprintf("organisations[%d].pdsAccess", i)
		p.need(slices.Contains(choices, o.PDSAccess), key, "one of BY_IDENTITY, HEALTHCARE_WORKER and APPLICATION_RESTRICTED is needed")
		p.need(o.PDSAccess != HealthcareWorker || c.Identity.CIS2.Name != "", key, "identity.cis2 is needed for it: whose sign-ins are taken")
		workersOnly = workersOnly && o.PDSAccess == HealthcareWorker
	}
	p.need(c.Environment != Live || workersOnly || strings.TrimSpace(c.Spine.PDS.ApplicationRestrictedDeviation) != "",
		"spine.pds.applicationRestrictedDeviation",
		"in LIVE it must be recorded why humans are served in application-restricted mode: name that record")
}

// areas are the clinical areas of the API, which can be asked for (record_entry.proto); documents come with the others.
var areas = []string{
	"ALLERGIES", "MEDICATIONS", "CONSULTATIONS", "PROBLEMS", "IMMUNISATIONS", "UNCATEGORISED", "INVESTIGATIONS", "REFERRALS", "DIARY",
}

// algorithms that a token may be signed with; package identity knows no others.
var algorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}

func (id Identity) validate(p *problems, known map[nhs.ODSCode]bool) {
	p.need(len(id.Issuers)+len(id.Certificates) > 0, "identity", "at least one issuer or certificate is needed, or nobody could call")
	for i, issuer := range id.Issuers {
		key := fmt.Sprintf("identity.issuers[%d].", i)
		p.issuer(key, issuer.Name, issuer.Audience, issuer.JWKSURL, issuer.Algorithms, algorithms)
		p.path(key+"caFile", string(issuer.CAFile), false)
		p.need(len(issuer.Organisations) > 0, key+"organisations", "the ODS codes that it may vouch for are needed")
		for j, o := range issuer.Organisations {
			p.organisation(fmt.Sprintf("%sorganisations[%d]", key, j), o, known)
		}
	}
	if c := id.CIS2; c.Name != "" || c.Audience != "" || c.JWKSURL != "" || c.CAFile != "" || len(c.Algorithms) > 0 {
		p.issuer("identity.cis2.", c.Name, c.Audience, c.JWKSURL, c.Algorithms, []string{"RS256", "RS512"})
		p.path("identity.cis2.caFile", string(c.CAFile), false)
	}
	for i, c := range id.Certificates {
		key := fmt.Sprintf("identity.certificates[%d].", i)
		p.need((c.Name == "") != (c.SHA256 == ""), key+"name", "either name or sha256 is needed")
		digest, err := hex.DecodeString(strings.ReplaceAll(c.SHA256, ":", ""))
		p.need(c.SHA256 == "" || err == nil && len(digest) == 32, key+"sha256", "64 hexadecimal digits are needed")
		p.organisation(key+"organisation", c.Organisation, known)
	}
}

// issuer checks what is needed to check anybody's tokens.
func (p *problems) issuer(key, name, audience, jwksURL string, signsWith, allowed []string) {
	p.need(name != "", key+"name", "the issuer's `iss` is needed, exactly")
	p.need(audience != "", key+"audience", "an audience is needed, so that a token for another service is worth nothing here")
	p.url(key+"jwksURL", jwksURL)
	p.need(len(signsWith) > 0, key+"algorithms", "at least one of %s is needed", strings.Join(allowed, ", "))
	for i, a := range signsWith {
		p.need(slices.Contains(allowed, a), fmt.Sprintf("%salgorithms[%d]", key, i), "one of %s is needed", strings.Join(allowed, ", "))
	}
}

func (s Store) validate(p *problems, key string) {
	p.path(key+".path", s.Path, true)
	p.path(key+".keyFile", string(s.KeyFile), true)
}

func (b Bounds) validate(p *problems) {
	p.need(b.HeldPerCall >= MiB, "bounds.heldPerCall", "at least 1MiB is needed: a Patient can be the last of a record's entries")
	p.need(b.HeldInAll >= b.HeldPerCall, "bounds.heldInAll", "it must hold at least one call: not less than heldPerCall")
	p.need(b.PracticesAtOnce >= 1 && b.PracticesAtOnce <= 64, "bounds.practicesAtOnce", "a number from 1 to 64 is needed")
	p.need(b.CallsAtOnce >= 1, "bounds.callsAtOnce", "a number above 0 is needed")
	p.need(b.StopWithin >= time.Second && b.StopWithin <= 10*time.Minute, "bounds.stopWithin", "a time from 1s to 10m is needed")
}

// path checks what is to be the path of a file. A secret that was written in its place is not quoted.
func (p *problems) path(key, path string, required bool) {
	p.need(path != "" || !required, key, "the path of a file is needed")
	p.need(!strings.ContainsAny(path, "\r\n\x00") && len(path) < 4096, key, "a path is needed, not what is in the file")
}

// url checks an https URL without anything that does not belong into one that is configured.
func (p *problems) url(key, text string) {
	u, err := url.Parse(text)
	p.need(err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "", key,
		"an https URL is needed, with a host and without user, query and fragment")
}

// organisation checks that a code is one of those that are configured.
func (p *problems) organisation(key, code string, known map[nhs.ODSCode]bool) {
	ods, err := nhs.ParseODSCode(code)
	p.need(err == nil && known[ods], key, "the ODS code of one of the organisations above is needed")
}

// CheckFiles opens every file that is named, so that all that are missing or readable by everybody are found at once.
func (c *Config) CheckFiles() error {
	var errs []error
	walk(reflect.ValueOf(c).Elem(), "", func(key string, _ reflect.StructField, value reflect.Value) {
		var err error
		switch f := value.Interface().(type) {
		case File:
			if f != "" {
				_, err = f.Read()
			}
		case SecretFile:
			if f != "" {
				_, err = f.Read()
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	})
	return errors.Join(errs...)
}

// walk visits every value that is no struct and no list of structs or files, with its key.
func walk(v reflect.Value, key string, visit func(key string, field reflect.StructField, value reflect.Value)) {
	for field, value := range v.Fields() {
		at := strings.TrimPrefix(key+"."+field.Tag.Get("yaml"), ".")
		switch value.Kind() {
		case reflect.Struct:
			walk(value, at, visit)
		case reflect.Slice:
			visit(at, field, value)
			for i := range value.Len() {
				if item := fmt.Sprintf("%s[%d]", at, i); value.Index(i).Kind() == reflect.Struct {
					walk(value.Index(i), item, visit)
				} else {
					visit(item, reflect.StructField{}, value.Index(i))
				}
			}
		default:
			visit(at, field, value)
		}
	}
}
