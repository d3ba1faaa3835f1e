package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
)

// refusal is a call that must fail in one way, and where it may have gone by then.
type refusal struct {
	what   string
	number string
	code   codes.Code
	reason pb.ErrorReason
	// hops may have been asked; none of them may have been given a release.
	hops []string
}

// refusals shows what is refused, and proves by the trail what had left.
func (j *journey) refusals(ctx context.Context) error {
	var wrong []error
	for _, r := range []refusal{
		{"A restricted patient", restrictedPatient, codes.PermissionDenied, pb.ErrorReason_ERROR_REASON_PATIENT_RESTRICTED, []string{"PDS"}},
		{"A practice that answers about somebody else", mistakenPatient, codes.DataLoss, pb.ErrorReason_ERROR_REASON_WRONG_PATIENT, []string{"PDS", "SSP", "PROVIDER"}},
		{"A mistyped NHS number", mistypedNumber, codes.InvalidArgument, pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID, nil},
	} {
		wrong = append(wrong, j.refuse(ctx, r))
	}
	return errors.Join(wrong...)
}

func (j *journey) refuse(ctx context.Context, r refusal) error {
	asking, cancel := j.gateway.bounded(ctx)
	defer cancel()
	clinical := 0
	stream, err := j.g.practices.GetStructuredRecord(asking, &pb.GetStructuredRecordRequest{NhsNumber: r.number})
	if err == nil {
		err = each(stream, func(m *pb.GetStructuredRecordResponse) error {
			if m.GetOpening() == nil {
				clinical++
			}
			return nil
		})
	}
	f := failureOf(err)
	f.brief = true
	j.p.paragraph(2, styled(strong, r.what), textf(", %s", grouped(r.number)))
	j.p.paragraph(4, text(f.title()))
	f.show(j.p, 4)
	left, evidenced := j.leftBy(ctx, r, f.detail.GetTraceIds())
	j.p.entry(4, "had left", 10, text(left))
	j.p.blank()
	return errors.Join(
		expect(f.code == r.code && f.detail.GetReason() == r.reason, "%s to be refused as %s %s", strings.ToLower(r.what), codeName(r.code), name(r.reason)),
		expect(clinical == 0, "nothing to be released"), evidenced,
	)
}

// leftBy says what had left the gateway for a refused call.
func (j *journey) leftBy(ctx context.Context, r refusal, ids *pb.TraceIds) (string, error) {
	entries, err := j.evidence(ctx, ids)
	if err != nil || entries == nil {
		return "", err
	}
	var asked []string
	for _, e := range entries {
		if e.Release != nil {
			return "a release", errors.New("a record was released")
		}
		if e.Access != nil && !slices.Contains(asked, e.Access.Hop) {
			asked = append(asked, e.Access.Hop)
		}
	}
	for _, hop := range asked {
		if !slices.Contains(r.hops, hop) {
			return hop, fmt.Errorf("expected that %s is not asked", hop)
		}
	}
	switch {
	case len(asked) == 0:
		return "nothing: no access is in the trail, and the refusal is", nil
	case len(r.hops) == 1:
		return "a question to " + asked[0] + " alone; no practice was asked", nil
	}
	return "questions to " + strings.Join(asked, " and ") + "; nothing was released to the caller", nil
}

// showTrace shows the record's trace, as soon as its last span has ended.
func (j *journey) showTrace(ctx context.Context) error {
	if j.record == nil {
		return errors.New("there is no record whose trace could be shown")
	}
	var roots []span
	var err error
	for range 40 {
		roots, err = j.gateway.spans(ctx, j.record.GetTraceId())
		if err == nil && len(roots) == 1 {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err != nil {
		return err
	}
	showSpans(j.p, roots)
	if len(roots) != 1 {
		return fmt.Errorf("expected a tree with one root, not %d", len(roots))
	}
	hops := map[string]bool{}
	collect(roots[0], hops)
	var missing []string
	for _, hop := range []string{"PDS", "SDS", "SSP"} {
		if !hops[hop] {
			missing = append(missing, hop)
		}
	}
	return expect(len(missing) == 0, "spans of %s", strings.Join(missing, ", "))
}

// collect finds the hops of a tree.
func collect(s span, hops map[string]bool) {
	hops[strings.ToUpper(s.Attributes["spinegate.hop"])] = true
	for _, child := range s.Children {
		collect(child, hops)
	}
}

// showEvidence shows what the trail has of the record's call.
func (j *journey) showEvidence(ctx context.Context) error {
	if j.trail == nil {
		j.p.paragraph(2, text("The directory of this gateway is not known; --dir names it."))
		return nil
	}
	entries, err := j.evidence(ctx, j.record)
	if err != nil {
		return err
	}
	showEntries(j.p, entries)
	var kinds []audit.Kind
	for _, e := range entries {
		kinds = append(kinds, e.Kind)
	}
	accesses := len(slices.DeleteFunc(slices.Clone(kinds), func(k audit.Kind) bool { return k != audit.KindAccess }))
	return errors.Join(
		expect(len(kinds) > 0 && kinds[0] == audit.KindAttempt, "the attempt first"),
		expect(accesses >= 2, "an access for PDS and one for the practice at least"),
		expect(slices.Index(kinds, audit.KindRelease) > slices.Index(kinds, audit.KindAccess), "a release after the accesses"),
		expect(len(kinds) > 0 && kinds[len(kinds)-1] == audit.KindOutcome, "the outcome last"),
	)
}
