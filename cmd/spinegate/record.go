package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"google.golang.org/grpc"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

type recordCommand struct {
	gateway       `embed:""`
	circumstances `embed:""`
	expected      `embed:""`
	patient       `embed:""`

	Area         []string `placeholder:"AREA" help:"Only this clinical area, e.g. allergies; repeatable. Default: all that the practice's version knows."`
	Lines        int      `placeholder:"N" help:"Show at most so many lines of each area and say how many more there are. Default: all."`
	View         string   `enum:"typed,fhir" default:"typed" help:"typed: entry by entry, shown here. fhir: the practice's own bytes, into --out."`
	Out          string   `type:"path" placeholder:"FILE" help:"Where the practice's bytes go with --view fhir. The file appears only when all of them are there."`
	RequireWhole bool     `help:"Exit with 1 unless the verdict is WHOLE."`
}

func (recordCommand) Help() string {
	return `Traces the patient, finds the system of the practice where they are registered, and streams the structured record from
there. Nothing clinical is shown before the answer's Patient has the NHS Number that was asked for.

What comes, in this order:

  the practice, its system, and what was asked of it
  whose record it is, compared with PDS; a difference is shown, and stops nothing
  warnings: items withheld, a transfer not complete; each text once, with what it is about
  each area: what became of it, and its items with their dates as recorded
  the verdict

WHOLE means that all of what was asked for arrived, and that the practice warned of nothing. Anything else, and a stream that
just ends, means that something is missing or in doubt; the reasons are given.

"Nothing recorded" never means that the patient has none: only that the practice has nothing to share. Items that are
there only because others link to them are counted apart: they are not all of their kind.

The gateway gives two digests. The one over the JSON of all entries in their order is checked here; the one over the
practice's bytes is in the audit trail, too, and is checked with --view fhir.

  spinegate record 9990000115
  spinegate record 9990000115 --area allergies --area medications
  spinegate record 9990000115 --view fhir --out bundle.json
  spinegate --json record 9990000115 | jq -r '.entry.json // empty | @base64d'

Exits with 0 when the stream came to its proper end, whatever the verdict (--require-whole asks for more).`
}

func (c *recordCommand) Run(ctx context.Context, t *terminal) error {
	request, err := c.request()
	if err != nil {
		return err
	}
	g, err := c.connect(ctx, t)
	if err != nil {
		return err
	}
	return g.end(c.stream(ctx, t, g, request))
}

func (c *recordCommand) request() (*pb.GetStructuredRecordRequest, error) {
	circumstances, err := c.context()
	if err != nil {
		return nil, err
	}
	number, err := c.digits()
	if err != nil {
		return nil, err
	}
	request := &pb.GetStructuredRecordRequest{
		Context: circumstances, NhsNumber: number, Expected: c.message(), View: pb.RecordView_RECORD_VIEW_TYPED,
	}
	switch {
	case c.View == "fhir" && c.Out == "":
		return nil, misusedf("--view fhir needs --out FILE")
	case c.View != "fhir" && c.Out != "":
		return nil, misusedf("--out is for --view fhir")
	case c.View == "fhir":
		request.View = pb.RecordView_RECORD_VIEW_FHIR
	}
	if len(c.Area) > 0 {
		request.Selection, err = selection(c.Area)
	}
	return request, err
}

// areaOptions are the areas of a structured record.
var areaOptions = slices.DeleteFunc(options(pb.ClinicalArea(0).Descriptor()), func(area string) bool { return area == "documents" })

// selection asks for areas without any filter.
func selection(areas []string) (*pb.RecordSelection, error) {
	s := &pb.RecordSelection{}
	for _, area := range areas {
		number, _ := parseOption(pb.ClinicalArea(0).Descriptor(), area)
		switch pb.ClinicalArea(number) {
		case pb.ClinicalArea_CLINICAL_AREA_ALLERGIES:
			s.Allergies = &pb.AllergySelection{}
		case pb.ClinicalArea_CLINICAL_AREA_MEDICATIONS:
			s.Medications = &pb.MedicationSelection{}
		case pb.ClinicalArea_CLINICAL_AREA_CONSULTATIONS:
			s.Consultations = &pb.ConsultationSelection{}
		case pb.ClinicalArea_CLINICAL_AREA_PROBLEMS:
			s.Problems = []*pb.ProblemSelection{{}}
		case pb.ClinicalArea_CLINICAL_AREA_IMMUNISATIONS:
			s.Immunisations = &pb.ImmunisationSelection{}
		case pb.ClinicalArea_CLINICAL_AREA_UNCATEGORISED:
			s.Uncategorised = &pb.PeriodSelection{}
		case pb.ClinicalArea_CLINICAL_AREA_INVESTIGATIONS:
			s.Investigations = &pb.PeriodSelection{}
		case pb.ClinicalArea_CLINICAL_AREA_REFERRALS:
			s.Referrals = &pb.PeriodSelection{}
		case pb.ClinicalArea_CLINICAL_AREA_DIARY:
			s.Diary = &pb.DiarySelection{}
		case pb.ClinicalArea_CLINICAL_AREA_UNSPECIFIED, pb.ClinicalArea_CLINICAL_AREA_DOCUMENTS:
			return nil, misusedf("--area is one of %s", strings.Join(areaOptions, ", "))
		}
	}
	return s, nil
}

// stream asks for the record and passes every message on, after it has been checked.
func (c *recordCommand) stream(ctx context.Context, t *terminal, g *connection, request *pb.GetStructuredRecordRequest) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	stream, err := g.practices.GetStructuredRecord(ctx, request)
	if err != nil {
		return err
	}
	var file *bundleFile
	if c.Out != "" {
		if file, err = createBundleFile(c.Out); err != nil {
			return err
		}
		defer file.discard()
	}
	view := newRecordView(t.out, c.Lines)
	check := newRecordCheck()
	progress := t.progress("waiting for the practice")
	var arrived int64
	err = each(stream, func(m *pb.GetStructuredRecordResponse) error {
		whole, err := check.take(m)
		if err != nil {
			return err
		}
		if err := file.take(m); err != nil {
			return err
		}
		arrived += int64(len(m.GetEntry().GetJson()) + len(m.GetChunk().GetData()))
		progress.say("%s of the record have arrived", size(arrived))
		if t.json {
			return t.printJSON(m)
		}
		if whole != nil {
			view.take(whole)
		}
		return t.out.failed()
	})
	progress.end()
	if err == nil {
		err = check.end()
	}
	if err == nil {
		err = file.keep()
	}
	if err != nil {
		if !t.json {
			view.broken()
		}
		return err
	}
	if !t.json {
		view.digests(check)
		if file != nil {
			t.out.entry(2, "written to", labelWidth, text(c.Out))
		}
	}
	if c.RequireWhole && check.closing.GetVerdict() != pb.Verdict_VERDICT_WHOLE {
		return errFound
	}
	return nil
}

// each receives until a stream ends well.
func each[M any](stream grpc.ServerStreamingClient[M], take func(*M) error) error {
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return late(stream.Context(), err)
		}
		if err := take(m); err != nil {
			return err
		}
	}
}

// bundleFile receives a practice's bytes. Under its own name it exists only when all of them are there, so that a part of
// a record is never taken for one. A nil bundleFile takes nothing.
type bundleFile struct {
	*os.File

	name string
	kept bool
}

func createBundleFile(name string) (*bundleFile, error) {
	f, err := os.OpenFile(name+".partial", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write the record: %w", err)
	}
	return &bundleFile{File: f, name: name}, nil
}

func (f *bundleFile) take(m *pb.GetStructuredRecordResponse) error {
	if f == nil || m.GetChunk() == nil {
		return nil
	}
	if _, err := f.Write(m.GetChunk().GetData()); err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	return nil
}

// keep gives the file its name.
func (f *bundleFile) keep() error {
	if f == nil {
		return nil
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	if err := os.Rename(f.Name(), f.name); err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	f.kept = true
	return nil
}

// discard removes what was not kept.
func (f *bundleFile) discard() {
	if !f.kept {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
}
