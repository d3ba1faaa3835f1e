package gpconnect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/spinegate/spinegate/internal/fault"
)

// endless is a Bundle of a number of observations, each listed, made while it is read.
type endless struct {
	observations int
	next         int
	buffer       bytes.Buffer
}

func (b *endless) Read(p []byte) (int, error) {
	for b.buffer.Len() == 0 {
		switch {
		case b.next == 0:
			b.buffer.WriteString(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + patientOf("p", askedDigits) + `},{"resource":` + theOrganization + `}`)
		case b.next <= b.observations:
			fmt.Fprintf(&b.buffer, `,{"resource":{"resourceType":"Observation","id":"%d","meta":{"profile":["https://fhir.nhs.uk/STU3/StructureDefinition/CareConnect-GPC-Observation-1"],"versionId":"1"},"identifier":[{"system":"https://example.com","value":"%d"}],"status":"final","code":{"coding":[{"system":"http://snomed.info/sct","code":"37331000000100","display":"Comment note","userSelected":true}]},"subject":{"reference":"Patient/p"},"context":{"reference":"Encounter/%d"},"issued":"2019-03-28T10:30:00.000+00:00","performer":[{"reference":"Practitioner/5"}],"valueQuantity":{"value":1.50,"unit":"mmol/L","system":"http://unitsofmeasure.org"},"comment":"%s"}}`,
				b.next, b.next, b.next%50, strings.Repeat("free text ", 40))
		case b.next == b.observations+1:
			b.buffer.WriteString(`,{"resource":` + listOf("826501000000100", "Observation/1") + `}]}`)
		default:
			return 0, io.EOF
		}
		b.next++
	}
	return b.buffer.Read(p)
}

func TestRecordHoldsOneEntryAtATime(t *testing.T) {
	const observations = 60_000
	r := open(t, &endless{observations: observations}, Selection{Uncategorised: &Period{}}, Config{})
	before, peak, entries := heap(), int64(0), 0
	for {
		event, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := event.(type) {
		case *Entry:
			if entries++; entries%10_000 == 0 {
				peak = max(peak, heap()-before)
			}
		case *Summary:
			if e.Entries != observations+3 {
				t.Errorf("%d entries", e.Entries)
			}
			t.Logf("%d MiB, peak %d KiB on the heap", e.Length>>20, peak>>10)
			// The ids of sixty thousand entries, and nothing else.
			if peak > 24<<20 || e.Length < 40<<20 {
				t.Errorf("%d bytes needed %d on the heap", e.Length, peak)
			}
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(bundleOf(patientOf("p", askedDigits), condition, listOf(problemsList, "Condition/c"))))
	f.Add([]byte(bundleOf(condition, warned(listOf(problemsList), "n", "confidential-items"), patientOf("p", askedDigits))))
	f.Add([]byte(bundleOf(patientOf("p", askedDigits), patientOf("q", otherDigits))))
	f.Add([]byte(bundleOf(patientOf("p", askedDigits), outcomeOf("warning", "NOT_IMPLEMENTED", "x", "includeProblems"), emptyList(problemsList, "no-content-recorded"))))
	f.Add([]byte(bundleOf(patientOf("p", askedDigits), `{"ResourceType":"patient","contained":{"Identifier":{"system":["urn:oid:2.16.840.1.113883.2.1.4.1"],"value":[9.990000042e9]}}}`)))
	f.Fuzz(func(t *testing.T, content []byte) {
		r := open(t, bytes.NewReader(content), problems(), Config{HeldPerCall: 1 << 16})
		got := drain(r)
		if r.pool.free != 256<<20 {
			t.Error("memory was not given back")
		}
		switch {
		case got.err == nil && (got.summary == nil || !got.tail || !bytes.Equal(got.raw, content)):
			t.Errorf("a record without an error is not whole: %s", got.order)
		case got.err != nil && (got.summary != nil || got.tail):
			t.Errorf("a record with an error has an end: %v", got.err)
		case got.err != nil && fault.ReasonOf(got.err) == 0:
			t.Errorf("an error without a reason: %v", got.err)
		case len(got.entries) > 0 && got.patient == nil:
			t.Error("entries were released without a patient")
		case !bytes.HasPrefix(content, got.raw):
			t.Error("what was released is not the beginning of the content")
		}
		// Nothing that holds another person's number in a Patient is ever released in full.
		if got.err == nil && got.summary.Verdict == Whole && len(got.warnings) > 0 {
			t.Error("a whole record has warnings")
		}
		slow := drain(open(t, iotest.OneByteReader(bytes.NewReader(content)), problems(), Config{HeldPerCall: 1 << 16}))
		if slow.order != got.order || fault.ReasonOf(slow.err) != fault.ReasonOf(got.err) {
			t.Errorf("byte by byte: %s, %v; at once: %s, %v", slow.order, slow.err, got.order, got.err)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	content, err := io.ReadAll(&endless{observations: 4560})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		r := open(b, bytes.NewReader(content), Selection{Uncategorised: &Period{}}, Config{})
		for {
			if _, err := r.Next(); err != nil {
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
				break
			}
		}
	}
}
