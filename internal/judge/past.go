package judge

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// past is what arrived before a request, as the rules ask for it.
type past struct {
	// assertions are the ids of client assertions, and users the access tokens given for a signed-in user.
	assertions, users map[string]bool
	// reads are PDS's by X-Request-ID, and attempts the latest try of each read within a call.
	reads    map[string]string
	attempts map[string]*try
	// traces are what PDS said of people.
	traces map[nhs.Number]*trace
	// endpoints and devices are what SDS said, by route; empty are the look-ups that brought nothing.
	endpoints map[string]*endpoint
	devices   map[string]map[string]bool
	empty     map[string]string
	// spineTraces are the Ssp-TraceIDs; tokens the audit tokens and when each first came; writes what changes something.
	spineTraces map[string]bool
	tokens      map[string]arrival
	writes      map[string]bool
	// organisations are those that each ASID sent for.
	organisations map[string]string
	// found are the patients that an ASID found at a root, by logical id, and offers what it last called itself in a slot search
	// there.
	found  map[string]map[string]nhs.Number
	offers map[string]string
}

func newPast() *past {
	return &past{
		assertions: map[string]bool{}, users: map[string]bool{}, reads: map[string]string{}, attempts: map[string]*try{},
		traces: map[nhs.Number]*trace{}, endpoints: map[string]*endpoint{}, devices: map[string]map[string]bool{},
		empty: map[string]string{}, spineTraces: map[string]bool{}, tokens: map[string]arrival{}, writes: map[string]bool{},
		organisations: map[string]string{}, found: map[string]map[string]nhs.Number{}, offers: map[string]string{},
	}
}

// add takes note of a request that has been judged.
func (p *past) add(r *request) {
	switch r.Leg {
	case Token:
		p.addToken(r)
	case PDS:
		p.addRead(r)
	case SDS:
		p.addLookup(r)
	case Proxy:
		p.addCall(r)
	}
}

func (p *past) addToken(r *request) {
	if id := r.assertion.claims.text("jti"); id != "" {
		p.assertions[id] = true
	}
	answer, _ := readObject(r.Answer)
	if given := answer.text("access_token"); given != "" && r.form.Get("grant_type") != clientCredentials {
		p.users[given] = true
	}
}

// try is the latest try of a read.
type try struct {
	id     string
	tries  int
	status int
}

// tryLimit is how often a read is tried (SDS contract, C5).
const tryLimit = 3

// again reports whether the next try is a retry: the last failed in a way that is tried again.
func (t *try) again() bool {
	switch t.status {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return t.tries < tryLimit
	}
	return false
}

// readOf is what a request asks PDS.
func readOf(r *request) string { return r.Method + " " + r.Path + "?" + r.Query }

// attemptOf is a read within a call.
func attemptOf(r *request) string { return r.Header.Get("X-Correlation-Id") + " " + readOf(r) }

// trace is what PDS said of somebody.
type trace struct {
	at time.Time
	// told says that the answer is known; the rest follows from it.
	told             bool
	restricted, dead bool
	practice         string
}

func (p *past) addRead(r *request) {
	id := r.Header.Get("X-Request-Id")
	p.reads[id] = readOf(r)
	if r.Header.Get("X-Correlation-Id") != "" {
		tries := 1
		if last := p.attempts[attemptOf(r)]; last != nil && last.id == id {
			tries += last.tries
		}
		p.attempts[attemptOf(r)] = &try{id: id, tries: tries, status: r.Status}
	}
	asked, ok := pdsNumber(r)
	number, err := nhs.ParseNumber(asked)
	if !ok || err != nil || strings.HasSuffix(r.Path, "/RelatedPerson") || r.Status != http.StatusOK {
		return
	}
	t := &trace{at: r.At}
	p.traces[number] = t
	if r.Answer == nil {
		return
	}
	patient, err := readObject(r.Answer)
	if err != nil || patient.text("resourceType") != "Patient" {
		delete(p.traces, number)
		return
	}
	*t = traceOf(patient, r)
	if current, err := nhs.ParseNumber(patient.text("id")); err == nil {
		p.traces[current] = t
	}
}

// traceOf reads what a record says (PDS contract, 10.2, 10.4 and 11).
func traceOf(patient object, r *request) trace {
	t := trace{at: r.At, told: true, restricted: true, dead: patient.has("deceasedDateTime")}
	for _, label := range patient.object("meta").objects("security") {
		t.restricted = label.text("code") != "U"
	}
	for _, x := range patient.objects("extension") {
		for _, part := range x.objects("extension") {
			for _, c := range part.object("valueCodeableConcept").objects("coding") {
				code := c.text("code")
				t.dead = t.dead || part.text("url") == "deathNotificationStatus" && (code == "1" || code == "2")
			}
		}
	}
	for _, gp := range patient.objects("generalPractitioner") {
		identifier := gp.object("identifier")
		period := identifier.object("period")
		start, end := period.text("start"), period.text("end")
		if (start == "" || start <= r.today()) && (end == "" || end >= r.today()) {
			t.practice = strings.ToUpper(strings.TrimSpace(identifier.text("value")))
		}
	}
	return t
}

// endpoint is what SDS said of a practice's Endpoint.
type endpoint struct {
	// read says that an answer is known.
	read bool
	// keys are the party keys, and addresses the party keys of each address.
	keys      map[string]bool
	addresses map[string]string
	// organisation is the practice.
	organisation string
}

// route is whom a look-up is about.
func (l lookup) route() string { return l.organisation + " " + l.interaction }

// emptyKey is one look-up within a call.
func emptyKey(r *request) string { return r.Header.Get("X-Correlation-Id") + " " + r.lookup.route() }

func (p *past) addLookup(r *request) {
	l := r.lookup
	if l.resource == "Endpoint" && p.endpoints[l.route()] == nil {
		p.endpoints[l.route()] = &endpoint{keys: map[string]bool{}, addresses: map[string]string{}, organisation: l.organisation}
	}
	delete(p.empty, emptyKey(r))
	answer, err := readObject(r.Answer)
	if r.Status != http.StatusOK || err != nil || answer.text("resourceType") != "Bundle" {
		return
	}
	if len(answer.objects("entry")) == 0 && r.Header.Get("Cache-Control") != "no-cache" {
		p.empty[emptyKey(r)] = l.resource
	}
	for _, entry := range answer.objects("entry") {
		resource := entry.object("resource")
		key := resource.identifier(partyKeySystem)
		switch {
		case l.resource == "Endpoint":
			e := p.endpoints[l.route()]
			e.read, e.keys[key], e.addresses[resource.text("address")] = true, true, key
		case l.manufacturer == "":
			if p.devices[l.route()+" "+key] == nil {
				p.devices[l.route()+" "+key] = map[string]bool{}
			}
			p.devices[l.route()+" "+key][resource.identifier(asidSystem)] = true
		}
	}
}

// registered is what the directory has at a root.
type registered struct {
	practice, address string
	// addressed says that the request's Ssp-To is an ASID that the directory gave for it.
	addressed bool
}

// registration is what the directory has at a request's root for its interaction, and of several practices there the one
// whose ASID is addressed; nil for nothing. Whether its answers are known at all is said, too.
func (p *past) registration(r *request) (at *registered, known bool) {
	if r.operation == nil {
		return nil, false
	}
	for _, route := range slices.Sorted(maps.Keys(p.endpoints)) {
		e := p.endpoints[route]
		if !e.read || !strings.HasSuffix(route, " "+r.operation.id) {
			continue
		}
		known = true
		for address, key := range e.addresses {
			if address == "" || joined(address) != r.root {
				continue
			}
			addressed := p.devices[route+" "+key][r.Header.Get("Ssp-To")]
			if at == nil || addressed {
				at = &registered{practice: e.organisation, address: address, addressed: addressed}
			}
		}
	}
	return at, known
}

// joined is a service root URL with the slash that a FHIR path follows (SDS contract, C2).
func joined(address string) string { return strings.TrimSuffix(address, "/") + "/" }

// arrival is when a token first came, and the Ssp-TraceID that came with it.
type arrival struct {
	at    time.Time
	trace string
}

func (p *past) addCall(r *request) {
	from := r.Header.Get("Ssp-From")
	p.spineTraces[r.Header.Get("Ssp-Traceid")] = true
	if _, known := p.tokens[r.audit.raw]; !known {
		p.tokens[r.audit.raw] = arrival{at: r.At, trace: r.Header.Get("Ssp-Traceid")}
	}
	if ods := r.audit.claims.object("requesting_organization").identifier(r.edition.odsSystem); ods != "" && p.organisations[from] == "" {
		p.organisations[from] = ods
	}
	if r.operation == nil {
		return
	}
	if r.operation.write() {
		p.writes[writeOf(r)] = p.writes[writeOf(r)] || !r.Stopped
	}
	switch {
	case r.is("fhir:rest:search:patient-1", "documents:fhir:rest:search:patient-1", "fhir:operation:gpc.registerpatient-1"):
		p.addFound(r)
	case r.is("fhir:rest:search:slot-1"):
		p.offers[place(r)] = offered(r)
	}
}

// anyID stands for the ids in an answer that is not known.
const anyID = "*"

// place is an ASID at a root.
func place(r *request) string { return r.Header.Get("Ssp-From") + " " + r.root }

// addFound takes note of whom an ASID found at a root.
func (p *past) addFound(r *request) {
	if p.found[place(r)] == nil {
		p.found[place(r)] = map[string]nhs.Number{}
	}
	if r.Answer == nil {
		p.found[place(r)][anyID] = nhs.Number{}
		return
	}
	answer, err := readObject(unzipped(r.Answer))
	if err != nil {
		return
	}
	for _, entry := range answer.objects("entry") {
		if resource := entry.object("resource"); resource.text("resourceType") == "Patient" {
			p.found[place(r)][resource.text("id")] = r.number
		}
	}
}

// whom is the patient whom a request through the proxy names by logical id: whether they were found there, and their number
// where it is known.
func (p *past) whom(r *request) (number nhs.Number, found bool) {
	at := p.found[place(r)]
	if number, found = at[r.patientID()]; !found {
		_, found = at[anyID]
	}
	return number, found
}

// writeOf is a request that changes something, whole.
func writeOf(r *request) string { return r.Method + " " + r.Path + "\n" + string(r.Body) }
