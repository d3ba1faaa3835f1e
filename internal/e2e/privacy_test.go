package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc/status"

	"github.com/go-json-experiment/json"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/nhs"
)

// The sweep: whatever the gateway says to operators, to telemetry, or to a caller in a status, is searched for everything
// that it knows about the people in the embedded Spine and for every credential. It knows nothing of the calls that are
// made, so more of them can be added to `journey` and `failures` at will.

// canaries are texts that may be nowhere but in answers.
type canaries map[string]string // text: what it is

// ownWords are invented names that are also words of the gateway's own sentences ("the number was merged").
var ownWords = regexp.MustCompile(`(?i)^(merged|hidden|moved|restricted|superseded|unknown|test)$`)

// people collects what PDS holds about everybody, and the callers' tokens.
func people(t *testing.T, g *gateway) canaries {
	t.Helper()
	c := canaries{}
	add := func(what string, texts ...string) {
		for _, text := range texts {
			if len(text) >= 4 { // shorter ones are found in ids by chance
				c[text] = what
			}
		}
	}
	for _, p := range g.spine.Patients() {
		digits := p.Number.Digits()
		add("NHS number", digits, digits[:3]+" "+digits[3:6]+" "+digits[6:])
		answer, err := g.trace.TracePatient(g.as(t, clinician), &pb.TracePatientRequest{NhsNumber: digits})
		if err != nil {
			continue // invalidated
		}
		person := answer.GetPatient()
		if born := person.GetBirthDate(); born.GetPrecision() != pb.DatePrecision_DATE_PRECISION_YEAR { // a year is in ids by chance
			add("birth date", born.GetText())
		}
		for _, name := range append(person.GetOtherNames(), person.GetName()) {
			add("name", append(name.GetGiven(), name.GetFamily())...)
		}
		for _, a := range person.GetAddresses() {
			add("address", a.GetLines()...)
			add("postcode", a.GetPostalCode(), strings.ReplaceAll(a.GetPostalCode(), " ", ""))
		}
		for _, contact := range person.GetTelecoms() {
			add("telephone number", contact.GetContact())
		}
		related, err := g.trace.ListRelatedPersons(g.as(t, clinician), &pb.ListRelatedPersonsRequest{NhsNumber: person.GetNhsNumber()})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range related.GetRelatedPersons() {
			add("related person's name", append(r.GetName().GetGiven(), r.GetName().GetFamily())...)
			add("related person's address", append(r.GetAddress().GetLines(), r.GetAddress().GetPostalCode())...)
			for _, contact := range r.GetTelecoms() {
				add("related person's telephone number", contact.GetContact())
			}
		}
	}
	// A bad number is somebody's mistyped one.
	add("mistyped NHS number", "9990000019")
	for _, token := range g.tokens() {
		add("token", token)
		for part := range strings.SplitSeq(token, ".") {
			if len(part) > 40 {
				add("part of a token", part)
			}
		}
	}
	for _, x := range g.spine.Transcript().All() {
		if bearer, ok := strings.CutPrefix(x.Header.Get("Authorization"), "Bearer "); ok {
			add("upstream token", bearer)
		}
	}
	for text := range c {
		if found := ownWords.FindString(text); found == text {
			delete(c, text)
		}
	}
	if len(c) < 100 {
		t.Fatalf("only %d canaries: the sweep would prove little", len(c))
	}
	return c
}

// find reports the canaries in a text, by what they are and never by themselves. Words are matched whole, in any case.
func (c canaries) find(text string) []string {
	var found []string
	lower := strings.ToLower(text)
	for canary, what := range c {
		at := strings.Index(lower, strings.ToLower(canary))
		if at < 0 {
			continue
		}
		if word := regexp.MustCompile(`(?i)(^|[^\pL\pN])` + regexp.QuoteMeta(canary) + `($|[^\pL\pN])`); word.MatchString(text) {
			from, to := max(at-80, 0), min(at+len(canary)+40, len(text))
			found = append(found, fmt.Sprintf("%s near %q", what, strings.ReplaceAll(lower[from:to], strings.ToLower(canary), "<…>")))
		}
	}
	return found
}

func TestNothingPersonalIsInSpansMetricsLogsOrStatuses(t *testing.T) {
	g := start(t)
	journey(t, g)
	worker := g.asWorker(t, clinician, clinicianCard, clinicianRole)
	if _, err := g.trace.TracePatient(worker, &pb.TracePatientRequest{NhsNumber: "9990000018"}); err != nil {
		t.Fatal(err)
	}
	statuses := map[string]string{}
	for _, f := range failures {
		if err := f.call(t, g); err != nil {
			statuses[f.name] = status.Convert(err).Proto().String()
		}
	}
	secrets := people(t, g)

	if len(g.spans()) < 100 || len(g.logs()) < 1000 || len(g.metrics(t)) < 1000 || len(statuses) < 20 {
		t.Fatalf("there is too little to search: %d spans, %d bytes of logs, %d of metrics, %d statuses",
			len(g.spans()), len(g.logs()), len(g.metrics(t)), len(statuses))
	}
	for _, span := range g.spans() {
		for _, found := range secrets.find(span) {
			t.Errorf("a span holds a %s", found)
		}
	}
	for _, found := range secrets.find(g.metrics(t)) {
		t.Errorf("a metric holds a %s", found)
	}
	for line := range strings.Lines(g.logs()) {
		for _, found := range secrets.find(line) {
			t.Errorf("a log line holds a %s", found)
		}
	}
	for name, text := range statuses {
		for _, found := range secrets.find(text) {
			t.Errorf("%s: the status holds a %s", name, found)
		}
	}
}

// The search itself must be able to find.
func TestTheSweepFindsWhatIsThere(t *testing.T) {
	c := canaries{"9990000018": "NHS number", "TESTWELL": "name", "ZZ99 1AA": "postcode"}
	for _, text := range []string{
		`{"url.full":"https://pds/Patient/9990000018"}`, `msg="hello Testwell"`, `postcode=ZZ99 1AA`, "TESTWELL",
	} {
		if len(c.find(text)) != 1 {
			t.Errorf("nothing was found in %q", text)
		}
	}
	for _, text := range []string{"", "89990000018", "testwellington", "ZZ991AAB"} {
		if found := c.find(text); len(found) != 0 {
			t.Errorf("%v was found in %q", found, text)
		}
	}
	if n, err := nhs.ParseNumber("9990000018"); err != nil || len(c.find(fmt.Sprint(n))) != 0 {
		t.Error("a number prints itself")
	}
	if text, err := json.Marshal(map[string]string{"a": "x"}); err != nil || len(c.find(string(text))) != 0 {
		t.Error("innocent JSON was found guilty")
	}
}
