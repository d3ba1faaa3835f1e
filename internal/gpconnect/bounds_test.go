package gpconnect

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
)

// allocated is how many bytes were allocated while something was done, garbage too.
func allocated(do func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// many is an array of n equal elements.
func many(element string, n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
}

func TestAHostileRecordCostsLittleMoreThanItsBytes(t *testing.T) {
	const n = 400_000
	for _, tt := range []struct {
		name, entry string
		reason      pb.ErrorReason
		warned      WarningKind
	}{
		{"a List of empty entries", `{"resourceType":"List","entry":` + many("{}", n) + `}`, 0, UnreadableEntry},
		{"a List of nulls", `{"resourceType":"List","entry":` + many("null", n) + `}`, 0, UnreadableEntry},
		{"a List of notes", `{"resourceType":"List","note":` + many("{}", n) + `}`, 0, UnreadableEntry},
		{"an outcome of issues", `{"resourceType":"OperationOutcome","issue":` + many("{}", n) + `}`, 0, UnreadableEntry},
		{"an Organization of identifiers", `{"resourceType":"Organization","identifier":` + many("{}", n) + `}`, 0, 0},
		{"a Patient of identifiers", `{"resourceType":"Patient","identifier":` + many("{}", n) + `}`, pb.ErrorReason_ERROR_REASON_PATIENT_UNIDENTIFIED, 0},
		{"contained resources", `{"resourceType":"X","contained":` + many("{}", n) + `}`, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, 0},
		{"subjects", `{"resourceType":"X","subject":` + many("{}", n) + `}`, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, 0},
		{"subjects that are text", `{"resourceType":"X","subject":` + many(`""`, n) + `}`, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, 0},
		{"subjects of subjects", `{"resourceType":"X","a":` + many(`{"subject":{}}`, n/4) + `}`, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, 0},
		{"references", `{"resourceType":"X","a":` + many(`{"reference":""}`, n/4) + `}`, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, 0},
		{"labels", `{"resourceType":"X","meta":{"security":` + many(`{"code":"x"}`, n/4) + `}}`, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, 0},
		{"Patients", `{"resourceType":"X","a":` + many(`{"resourceType":"Patient"}`, n/4) + `}`, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, 0},
		{"numbers", `{"resourceType":"X","a":` + many(numbered(askedDigits), n/10) + `}`, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, 0},
		{"values", `{"resourceType":"X","value":` + many("0", n) + `}`, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, 0},
		{"members", `{"resourceType":"X"` + members(n/4) + `}`, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, 0},
		{"members beside the resource", `{}` + members(n/4), pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, 0},
		{"numbers of JSON", `{"resourceType":"X","a":` + many("0", n) + `}`, 0, 0},
		{"objects that mean nothing", `{"resourceType":"X","a":` + many("{}", n) + `}`, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			content := bundleOf(patientOf("p", askedDigits), theOrganization, tt.entry)
			var got told
			cost := allocated(func() { got = readRecord(t, content, problems()) })
			if reason := fault.ReasonOf(got.err); reason != tt.reason {
				t.Errorf("error is %v, want %v", got.err, tt.reason)
			}
			if tt.warned != 0 && (len(got.warnings) != 1 || got.warnings[0].Kind != tt.warned) {
				t.Errorf("warnings are %+v", got.warnings)
			}
			// The entry itself is held twice while it is read, in buffers that double, and once more by this test.
			if limit := int64(12*len(tt.entry) + 4<<20); cost > limit {
				t.Errorf("%d bytes allocated for %d, want at most %d", cost, len(tt.entry), limit)
			}
		})
	}
}

// members are n members, each of another name, with a comma before each.
func members(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%x":0`, i)
	}
	return b.String()
}

func TestWhatIsHeldIsCountedWithItsNotes(t *testing.T) {
	rest := strings.Repeat("x", 40_000)
	for name, element := range map[string]string{
		"the rest of an element": `{"resource":{},"x":"` + rest + `"}`,
		"an id":                  `{"resource":{"id":"` + rest + `"}}`,
		"a fullUrl":              `{"resource":{},"fullUrl":"` + rest + `"}`,
		"subjects":               `{"resource":{"subject":` + many(`""`, 1000) + `}}`,
	} {
		content := `{"resourceType":"Bundle","entry":[` + element + `,{"resource":` + patientOf("p", askedDigits) + `}]}`
		r := open(t, strings.NewReader(content), problems(), Config{HeldPerCall: int64(len(element)) + 8000})
		if got := drain(r); fault.ReasonOf(got.err) != pb.ErrorReason_ERROR_REASON_PATIENT_NOT_SEEN {
			t.Errorf("%s: error is %v", name, got.err)
		}
	}
}

func TestALongListIsRead(t *testing.T) {
	const items = 10_000
	var entries, resources []string
	for i := range items {
		entries = append(entries, fmt.Sprintf(`{
          "item" : {
            "reference" : "Observation/8e4a6c1e-7f0b-4a55-9a9d-%012d"
          }
        }`, i))
		resources = append(resources, fmt.Sprintf(`{"resourceType":"Observation","id":"8e4a6c1e-7f0b-4a55-9a9d-%012d"}`, i))
	}
	list := `{"resourceType":"List","code":{"coding":[{"system":"http://snomed.info/sct","code":"826501000000100"}]},"entry":[` + strings.Join(entries, ",\n") + `]}`
	got := readRecord(t, bundleOf(append([]string{patientOf("p", askedDigits), theOrganization, list}, resources...)...), Selection{Uncategorised: &Period{}})
	if got.err != nil || got.summary.Verdict != Whole || got.summary.Areas[Uncategorised-1].Listed != items {
		t.Errorf("%v, %+v", got.err, got.summary)
	}
}

func TestAHostileStatementIsNotDecoded(t *testing.T) {
	for name, text := range map[string]string{
		"31 MiB of profiles":     `{"resourceType":"CapabilityStatement","profile":` + many("{}", 10_000_000) + `}`,
		"much text":              `{"resourceType":"CapabilityStatement","name":"` + strings.Repeat("x", maxStatement) + `"}`,
		"many profiles":          `{"resourceType":"CapabilityStatement","profile":` + many("{}", 40_000) + `}`,
		"profiles that are null": `{"resourceType":"CapabilityStatement","profile":` + many("null", 33_000) + `}`,
	} {
		var err error
		cost := allocated(func() { _, err = parseStatement([]byte(text), true) })
		if fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE || cost > int64(len(text))+1<<20 {
			t.Errorf("%s: %v, %d bytes allocated for %d", name, err, cost, len(text))
		}
	}
}

func TestHostileSlotsCostLittle(t *testing.T) {
	limits := small(fhir.Limits{})
	item := func(resourceType, member, element string) string {
		return `{"resourceType":"` + resourceType + `","id":"14","` + member + `":` + many(element, 1000) + `}`
	}
	for _, tt := range []struct {
		name, bundle string
		reason       pb.ErrorReason
	}{
		{"a large entry", bundleOf(`{"resourceType":"Slot","x":"` + strings.Repeat("x", 2<<20) + `"}`), pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE},
		{"a large answer", bundleOf(repeated(`{"resourceType":"X","x":"`+strings.Repeat("x", 200_000)+`"}`, 90)...), pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE},
		{"many entries", `{"resourceType":"Bundle","entry":` + many("{}", 60_000) + `}`, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE},
		{"Schedules of extensions", bundleOf(numberedCopies(item("Schedule", "extension", "{}"), 400)...), 0},
		{"Locations of telecoms", bundleOf(numberedCopies(item("Location", "telecom", "{}"), 400)...), 0},
		{"Practitioners of names", bundleOf(numberedCopies(item("Practitioner", "name", "{}"), 400)...), 0},
		{"Slots of one Schedule of many actors", bundleOf(append(repeated(aSlot, 4_000), aLocation, aDoctor, strings.Replace(aSchedule, `"actor":[`, `"actor":[`+strings.Repeat(`{"reference":"Practitioner/2"},`, maxActors-3), 1))...), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := heap()
			content := &atEnd{Reader: strings.NewReader(tt.bundle)}
			got, err := parseSlots(fhir.NewBundleReader(content, limits))
			// What is kept to join, and what comes of joining.
			cost := max(content.heap, heap()) - before
			runtime.KeepAlive(got)
			if fault.ReasonOf(err) != tt.reason {
				t.Errorf("error is %v, want %v", err, tt.reason)
			}
			if limit := int64(3*len(tt.bundle) + 2<<20); cost > limit {
				t.Errorf("%d bytes are held for %d", cost, len(tt.bundle))
			}
		})
	}
}

// heap is how much memory is in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// atEnd remembers how much memory was in use when its reader ended.
type atEnd struct {
	io.Reader
	heap int64
}

func (r *atEnd) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		r.heap = heap()
	}
	return n, err
}

func repeated(resource string, n int) []string {
	return strings.Split(strings.TrimSuffix(strings.Repeat(resource+"\n", n), "\n"), "\n")
}

// numberedCopies are copies of a resource whose id is 14, each with an id of its own.
func numberedCopies(resource string, n int) (all []string) {
	for i := range n {
		all = append(all, strings.Replace(resource, `"id":"14"`, fmt.Sprintf(`"id":"%d"`, i), 1))
	}
	return all
}

func TestTooManyActorsAreTold(t *testing.T) {
	schedule := strings.Replace(aSchedule, `"actor":[`, `"actor":[`+strings.Repeat(`{},`, maxActors), 1)
	got, err := parseSlotsOf(bundleOf(aSlot, schedule, aLocation))
	if err != nil || len(got.Slots) != 0 || len(got.Unreadable) != 2 || got.Unreadable[0].Reason != tooLarge {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestALargeAppointmentIsTold(t *testing.T) {
	large := `{"resourceType":"Appointment","id":"1","slot":` + many("{}", 2000) + `}`
	got, err := parseAppointments(fhir.NewBundleReader(strings.NewReader(bundleOf(large)), small(fhir.Limits{})), "2")
	if err != nil || len(got.Appointments) != 0 || len(got.Unreadable) != 1 || got.Unreadable[0].Reason != tooLarge {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := parseAppointment([]byte(large)); fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE {
		t.Errorf("one by itself: %v", err)
	}
}

func TestNoTextOfAProviderIsToldWithoutBound(t *testing.T) {
	long := strings.Repeat("é", 40_000)
	for name, resource := range map[string]string{
		"a List's warning":   warned(listOf(problemsList), long, "confidential-items", long),
		"a List's displays":  with(emptyList(problemsList, long), `"entry":`+many(`{"item":{"display":"`+long+`"}}`, 3)),
		"an outcome":         outcomeOf("error", "NOT_IMPLEMENTED", long, long),
		"an unknown outcome": outcomeOf("error", long, long, long),
	} {
		got := readRecord(t, bundleOf(patientOf("p", askedDigits), theOrganization, resource), problems())
		if got.err != nil || len(got.warnings) == 0 {
			t.Fatalf("%s: %v", name, got.err)
		}
		for _, w := range got.warnings {
			if len(w.Text) > maxText+maxDisplays || len(w.Diagnostics) > maxText || len(w.Code) > maxWord || !utf8.ValidString(w.Text+w.Diagnostics+w.Code) {
				t.Errorf("%s: %d, %d and %d bytes of text, diagnostics and code", name, len(w.Text), len(w.Diagnostics), len(w.Code))
			}
			if w.Text != "" && !strings.HasSuffix(w.Text, cutMark) {
				t.Errorf("%s: a text that was cut does not say so", name)
			}
		}
		if reason := got.summary.Areas[Problems-1].EmptyReason; len(reason) > maxWord {
			t.Errorf("%s: an empty reason of %d bytes", name, len(reason))
		}
	}
}

func TestManyWarningsOfOneListAreFew(t *testing.T) {
	same := readRecord(t, bundleOf(patientOf("p", askedDigits), warned(listOf(problemsList), "n", repeated("data-in-transit", 1000)...)), problems())
	if same.err != nil || len(same.warnings) != 1 || same.warnings[0].Kind != DataInTransit {
		t.Errorf("%v, %+v", same.err, same.warnings)
	}
	var codes []string
	for i := range 1000 {
		codes = append(codes, fmt.Sprint("code-", i))
	}
	got := readRecord(t, bundleOf(patientOf("p", askedDigits), warned(listOf(problemsList), "n", codes...)), problems())
	if got.err != nil || len(got.warnings) != maxListWarnings+1 || got.warnings[maxListWarnings].Kind != UnreadableEntry || got.summary.Verdict != Partial {
		t.Errorf("%v, %d warnings", got.err, len(got.warnings))
	}
}

func TestLongIDsStayTheirOwn(t *testing.T) {
	long := strings.Repeat("x", 5000)
	got := readRecord(t, bundleOf(
		patientOf("p", askedDigits), listOf(problemsList, "Condition/"+long+"1", "Condition/"+long+"2", "Condition/"+long+"3"),
		`{"resourceType":"Condition","id":"`+long+`1"}`, `{"resourceType":"Condition","id":"`+long+`2"}`,
	), problems())
	if got.err != nil || len(got.warnings) > 0 {
		t.Fatalf("%v, warnings %+v", got.err, got.warnings)
	}
	area := got.summary.Areas[Problems-1]
	if area.Listed != 3 || area.Unlisted != 0 || area.Unresolved != 1 || got.summary.Dangling != 2 {
		t.Errorf("%+v, %d dangling", area, got.summary.Dangling)
	}
	for _, i := range got.indexes {
		for _, id := range append(append(i.Listed, i.Unlisted...), i.Unresolved...) {
			if len(id) > maxWord {
				t.Errorf("an id of %d bytes", len(id))
			}
		}
	}
}

func TestIssuesBehindThoseThatAreReadAreTold(t *testing.T) {
	informational := `{"severity":"information","details":{"coding":[{"code":"X"}]}}`
	hidden := `{"severity":"warning","details":{"coding":[{"code":"NOT_IMPLEMENTED"}]},"diagnostics":"includeProblems"}`
	for n, want := range map[int]WarningKind{31: NotProvided, 32: UnreadableEntry, 500: UnreadableEntry} {
		outcome := `{"resourceType":"OperationOutcome","issue":[` + strings.Repeat(informational+",", n) + hidden + `]}`
		got := readRecord(t, bundleOf(patientOf("p", askedDigits), listOf(problemsList), outcome), problems())
		if got.err != nil || len(got.warnings) != 1 || got.warnings[0].Kind != want || got.summary.Verdict == Whole {
			t.Errorf("%d issues before it: %v, warnings %+v", n, got.err, got.warnings)
		}
	}
}

func TestErrLargeTellsNothing(t *testing.T) {
	err := decode([]byte(many("{}", maxObjects+1)), new([]struct{}))
	if !errors.Is(err, errLarge) || err.Error() != errLarge.Error() {
		t.Errorf("error is %v", err)
	}
}
