package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/server/servertest"
)

// shared is where published wire data is, beside the checkout. It is never part of the repository.
const shared = "../../../shared"

// bundle is a published record, as the script that prepares it printed it.
type bundle struct {
	number string
	size   int64
	sha256 string
	file   string
	path   string
}

// published prepares a --data directory from every published structured record.
func published(t *testing.T) (dir string, bundles []bundle, skipped []string) {
	t.Helper()
	script := filepath.Join(shared, "tools", "fixture-data.py")
	structured := filepath.Join(shared, "fixtures", "gpconnect", "structured")
	if _, err := os.Stat(script); err != nil {
		t.Skip("published records are not beside the checkout (../shared): nothing to stream")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is needed to prepare published records, and is absent")
	}
	var paths []string
	for _, pattern := range []string{"*.json", "*/*.json"} {
		found, err := filepath.Glob(filepath.Join(structured, pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	dir = t.TempDir()
	command := exec.CommandContext(t.Context(), python, append([]string{script, dir}, paths...)...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("preparing published records: %v\n%s", err, stderr.String())
	}
	for line := range strings.Lines(string(out)) {
		field := strings.Fields(line)
		size, err := strconv.ParseInt(field[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		bundles = append(bundles, bundle{field[0], size, field[2], field[4], filepath.Join(dir, "records", field[0]+".json")})
	}
	for line := range strings.Lines(stderr.String()) {
		if _, path, ok := strings.Cut(strings.TrimSpace(line), " in "); ok {
			skipped = append(skipped, path)
		}
	}
	return dir, bundles, skipped
}

// ofSomebodyElse is the one published record whose Lists name, by valid NHS number, another person than its Patient: its
// author changed the one and not the others. From a practice it would have to be refused, and so it is here
// (docs/decisions/0003).
const ofSomebodyElse = "9690937287.structuredRecord.json"

// Every published record but that one streams through: nothing of it is lost, changed or doubled, in either view.
func TestPublishedRecordsArriveByteForByte(t *testing.T) {
	dir, bundles, _ := published(t)
	g := start(t, servertest.WithData(dir))
	if len(bundles) < 20 {
		t.Errorf("only %d records were prepared", len(bundles))
	}
	for _, b := range bundles {
		t.Run(b.file, func(t *testing.T) {
			if b.file == ofSomebodyElse {
				_, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: b.number})
				wantFailure(t, err, codes.DataLoss, pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, pb.Hop_HOP_PROVIDER)
				return
			}
			want := readBundle(t, b.path)
			t.Run("fhir", func(t *testing.T) { g.checkBytes(t, b) })
			t.Run("typed", func(t *testing.T) { g.checkEntries(t, b, want) })
		})
	}
}

// checkBytes holds the FHIR view against the file.
func (g *gateway) checkBytes(t *testing.T, b bundle) {
	t.Helper()
	r, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: b.number, View: pb.RecordView_RECORD_VIEW_FHIR})
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(r.content)
	if got := hex.EncodeToString(digest[:]); got != b.sha256 || int64(len(r.content)) != b.size {
		t.Errorf("received %d bytes, digest %s; the file has %d, %s", len(r.content), got, b.size, b.sha256)
	}
	if got := hex.EncodeToString(r.closing.GetContentSha256()); got != b.sha256 || r.closing.GetContentLength() != b.size {
		t.Errorf("the closing message says %d bytes, digest %s", r.closing.GetContentLength(), got)
	}
}

// checkEntries holds the TYPED view against the file: every entry once, byte for byte, and what the Lists hold.
func (g *gateway) checkEntries(t *testing.T, b bundle, want []publishedEntry) {
	t.Helper()
	r, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: b.number})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int32]bool{}
	for _, e := range r.entries {
		if seen[e.GetPosition()] {
			t.Errorf("entry %d came twice", e.GetPosition())
		}
		seen[e.GetPosition()] = true
		if !bytes.Equal(e.GetJson(), want[e.GetPosition()].json) {
			t.Errorf("entry %d differs from the file", e.GetPosition())
		}
		if e.GetTypedState() != pb.TypedState_TYPED_STATE_SET && !want[e.GetPosition()].bare && e.GetResourceType() != "Appointment" {
			t.Errorf("entry %d (%s) is %s", e.GetPosition(), e.GetResourceType(), e.GetTypedState())
		}
	}
	if len(seen) != len(want) || int(r.closing.GetEntriesTotal()) != len(want) {
		t.Errorf("%d entries came and %d were counted; the file has %d", len(seen), r.closing.GetEntriesTotal(), len(want))
	}
	if !bytes.Equal(r.entriesDigest, r.closing.GetEntriesSha256()) {
		t.Error("the digest over what came is not the one in the closing message")
	}
	listed := map[pb.ClinicalArea]int{}
	for _, e := range want {
		if area, ok := primaryLists[e.list]; ok {
			listed[area] += e.listed
		}
	}
	for _, area := range r.closing.GetAreas() {
		if got := int(area.GetListedTotal()); got != listed[area.GetArea()] {
			t.Errorf("%s: %d listed, the file's List has %d", area.GetArea(), got, listed[area.GetArea()])
		}
	}
}

// primaryLists are the SNOMED CT codes of the areas' Lists (GP Connect contract, 6.3).
var primaryLists = map[string]pb.ClinicalArea{
	"886921000000105":  pb.ClinicalArea_CLINICAL_AREA_ALLERGIES,
	"933361000000108":  pb.ClinicalArea_CLINICAL_AREA_MEDICATIONS,
	"1149501000000101": pb.ClinicalArea_CLINICAL_AREA_CONSULTATIONS,
	"717711000000103":  pb.ClinicalArea_CLINICAL_AREA_PROBLEMS,
	"1102181000000102": pb.ClinicalArea_CLINICAL_AREA_IMMUNISATIONS,
	"826501000000100":  pb.ClinicalArea_CLINICAL_AREA_UNCATEGORISED,
	"887191000000108":  pb.ClinicalArea_CLINICAL_AREA_INVESTIGATIONS,
	"792931000000107":  pb.ClinicalArea_CLINICAL_AREA_REFERRALS,
	"714311000000108":  pb.ClinicalArea_CLINICAL_AREA_DIARY,
}

// publishedEntry is what this test reads of an entry, by other code than the gateway's.
type publishedEntry struct {
	json   []byte
	bare   bool
	list   string
	listed int
}

func readBundle(t *testing.T, path string) []publishedEntry {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b struct {
		Entry []jsontext.Value `json:"entry"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), &b); err != nil {
		t.Fatal(err)
	}
	var out []publishedEntry
	for i, element := range b.Entry {
		var entry struct {
			Resource jsontext.Value `json:"resource"`
		}
		if err := json.Unmarshal(element, &entry); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		e := publishedEntry{json: entry.Resource}
		if entry.Resource == nil {
			e.json, e.bare = element, true
		}
		var list struct {
			ResourceType string `json:"resourceType"`
			Code         struct {
				Coding []struct {
					Code string `json:"code"`
				} `json:"coding"`
			} `json:"code"`
			Entry []jsontext.Value `json:"entry"`
		}
		if json.Unmarshal(e.json, &list) == nil && list.ResourceType == "List" && len(list.Code.Coding) > 0 {
			e.list, e.listed = list.Code.Coding[0].Code, len(list.Entry)
		}
		out = append(out, e)
	}
	return out
}

// What is no record of a known patient is refused with a reason of its own, and nothing of it is released.
func TestPublishedFilesThatAreNoRecordAreRefused(t *testing.T) {
	dir, bundles, skipped := published(t)
	if len(skipped) < 10 {
		t.Errorf("only %d files were skipped", len(skipped))
	}
	// Laid under a patient by hand.
	number := bundles[0].number
	want := map[string]pb.ErrorReason{
		"no-patient-resource.json":      pb.ErrorReason_ERROR_REASON_RECORD_WITHOUT_PATIENT,
		"missing-patient-wiremock.json": pb.ErrorReason_ERROR_REASON_RECORD_WITHOUT_PATIENT,
		"split_plan.json":               pb.ErrorReason_ERROR_REASON_RECORD_WITHOUT_PATIENT,
		"skeleton_full_record.json":     pb.ErrorReason_ERROR_REASON_PATIENT_UNIDENTIFIED,
	}
	for _, path := range skipped {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			laid := t.TempDir()
			copyDir(t, dir, laid, number)
			if err := os.WriteFile(filepath.Join(laid, "records", number+".json"), raw, 0o600); err != nil {
				t.Fatal(err)
			}
			g := start(t, servertest.WithData(laid))
			r, err := g.record(t, &pb.GetStructuredRecordRequest{NhsNumber: number})
			reason, ok := want[name]
			if !ok { // the rest are requests: Parameters and not a Bundle
				reason = pb.ErrorReason_ERROR_REASON_ANSWER_INVALID
			}
			wantFailure(t, err, codeOf(reason), reason, pb.Hop_HOP_PROVIDER)
			if len(r.entries) > 0 || len(r.content) > 0 {
				t.Error("something of it was released")
			}
		})
	}
}

// copyDir copies what a --data directory says of one patient, without the record.
func copyDir(t *testing.T, from, to, number string) {
	t.Helper()
	for _, name := range []string{"practices.yaml", "patients/" + number + ".json"} {
		raw, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(to, "records"), 0o700); err != nil {
		t.Fatal(err)
	}
}

// received is a structured record as a careful client collects it.
type received struct {
	opening       *pb.RecordOpening
	patient       *pb.AnswerPatient
	entries       []*pb.RecordEntry
	content       []byte
	warnings      []*pb.RecordWarning
	index         []*pb.AreaIndex
	closing       *pb.RecordClosing
	entriesDigest []byte
}

// record reads a record to its end, holding the stream against its promises on the way.
func (g *gateway) record(t *testing.T, req *pb.GetStructuredRecordRequest, as ...context.Context) (*received, error) {
	t.Helper()
	ctx := g.as(t, clinician)
	if len(as) > 0 {
		ctx = as[0]
	}
	stream, err := g.practices.GetStructuredRecord(ctx, req)
	if err != nil {
		return &received{}, err
	}
	r, digest := &received{}, sha256.New()
	var pieces []byte
	for next := int32(0); ; {
		m, err := stream.Recv()
		if err == io.EOF { //nolint:errorlint // as gRPC returns it
			if r.closing == nil {
				t.Error("the stream ended with OK and without its closing message")
			}
			r.entriesDigest = digest.Sum(nil)
			return r, nil
		}
		if err != nil {
			if r.closing != nil {
				t.Error("the stream failed after its closing message")
			}
			return r, err
		}
		if err := r.accept(m, next, &pieces, digest); err != nil {
			t.Fatal(err)
		}
		if !m.GetContinues() {
			next++
		}
	}
}

func (r *received) accept(m *pb.GetStructuredRecordResponse, next int32, pieces *[]byte, digest io.Writer) error {
	if m.GetSequence() != next {
		return fmt.Errorf("message %d came where %d was due", m.GetSequence(), next)
	}
	if r.closing != nil {
		return fmt.Errorf("message %d came after the closing message", next)
	}
	whole := func(e *pb.RecordEntry) *pb.RecordEntry {
		_, _ = digest.Write(e.GetJson())
		*pieces = append(*pieces, e.GetJson()...)
		if m.GetContinues() {
			return nil
		}
		e.Json, *pieces = *pieces, nil
		return e
	}
	switch e := m.GetEvent().(type) {
	case *pb.GetStructuredRecordResponse_Opening:
		r.opening = e.Opening
	case *pb.GetStructuredRecordResponse_Patient:
		if next != 1 {
			return fmt.Errorf("the patient came as message %d", next)
		}
		r.patient = e.Patient
		if entry := whole(e.Patient.GetPatient()); entry != nil {
			r.entries = append(r.entries, entry)
		}
	case *pb.GetStructuredRecordResponse_Entry:
		if r.patient == nil {
			return fmt.Errorf("message %d is clinical, and came before the patient", next)
		}
		if entry := whole(e.Entry); entry != nil {
			r.entries = append(r.entries, entry)
		}
	case *pb.GetStructuredRecordResponse_Chunk:
		if r.patient == nil {
			return fmt.Errorf("message %d is clinical, and came before the patient", next)
		}
		if e.Chunk.GetOffset() != int64(len(r.content)) {
			return fmt.Errorf("a chunk of offset %d came at %d", e.Chunk.GetOffset(), len(r.content))
		}
		r.content = append(r.content, e.Chunk.GetData()...)
	case *pb.GetStructuredRecordResponse_Warning:
		r.warnings = append(r.warnings, e.Warning)
	case *pb.GetStructuredRecordResponse_Index:
		r.index = append(r.index, e.Index)
	case *pb.GetStructuredRecordResponse_Closing:
		r.closing = e.Closing
	default:
		return fmt.Errorf("message %d is %T", next, e)
	}
	return nil
}
