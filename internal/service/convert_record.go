package service

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
)

var warningKinds = map[gpconnect.WarningKind]pb.RecordWarningKind{
	gpconnect.ConfidentialItems:  pb.RecordWarningKind_RECORD_WARNING_KIND_CONFIDENTIAL_ITEMS,
	gpconnect.DataInTransit:      pb.RecordWarningKind_RECORD_WARNING_KIND_DATA_IN_TRANSIT,
	gpconnect.DataAwaitingFiling: pb.RecordWarningKind_RECORD_WARNING_KIND_DATA_AWAITING_FILING,
	gpconnect.NotProvided:        pb.RecordWarningKind_RECORD_WARNING_KIND_NOT_PROVIDED,
	gpconnect.NotRecognised:      pb.RecordWarningKind_RECORD_WARNING_KIND_NOT_RECOGNISED,
	gpconnect.UnreadableEntry:    pb.RecordWarningKind_RECORD_WARNING_KIND_UNREADABLE_ENTRY,
	gpconnect.SubjectUnresolved:  pb.RecordWarningKind_RECORD_WARNING_KIND_SUBJECT_UNRESOLVED,
	gpconnect.RepeatedEntry:      pb.RecordWarningKind_RECORD_WARNING_KIND_REPEATED_ENTRY,
}

var areaStatuses = map[gpconnect.AreaStatus]pb.AreaStatus{
	gpconnect.Complete:        pb.AreaStatus_AREA_STATUS_COMPLETE,
	gpconnect.RecordedAsEmpty: pb.AreaStatus_AREA_STATUS_RECORDED_AS_EMPTY,
	gpconnect.Withheld:        pb.AreaStatus_AREA_STATUS_WITHHELD,
	gpconnect.InTransit:       pb.AreaStatus_AREA_STATUS_IN_TRANSIT,
	gpconnect.AwaitingFiling:  pb.AreaStatus_AREA_STATUS_AWAITING_FILING,
	gpconnect.NotSupported:    pb.AreaStatus_AREA_STATUS_NOT_SUPPORTED,
	gpconnect.NotRequested:    pb.AreaStatus_AREA_STATUS_NOT_REQUESTED,
	gpconnect.Failed:          pb.AreaStatus_AREA_STATUS_FAILED,
}

var verdicts = map[gpconnect.Verdict]pb.Verdict{
	gpconnect.Whole:   pb.Verdict_VERDICT_WHOLE,
	gpconnect.Partial: pb.Verdict_VERDICT_PARTIAL,
	gpconnect.Warned:  pb.Verdict_VERDICT_WARNED,
}

// recordClosing is a summary as callers get it. doubts are warnings of our own, which a whole record does not have.
func recordClosing(s *gpconnect.Summary, doubts int) *pb.RecordClosing {
	out := &pb.RecordClosing{
		Verdict:                 verdicts[s.Verdict],
		EntriesTotal:            int32(s.Entries), //nolint:gosec // bounded by the answer's size
		ContentLength:           s.Length,
		ContentSha256:           s.SHA256[:],
		DanglingReferencesTotal: int32(s.Dangling),          //nolint:gosec // as above
		WarningsTotal:           int32(s.Warnings + doubts), //nolint:gosec // as above
	}
	if doubts > 0 && s.Verdict == gpconnect.Whole {
		out.Verdict = pb.Verdict_VERDICT_WARNED
	}
	for _, a := range s.Areas {
		result := &pb.AreaResult{
			Area: areas[a.Area], Status: areaStatuses[a.Status], EmptyReason: a.EmptyReason,
			ListedTotal:     int32(a.Listed),     //nolint:gosec // as above
			UnlistedTotal:   int32(a.Unlisted),   //nolint:gosec // as above
			UnresolvedTotal: int32(a.Unresolved), //nolint:gosec // as above
			EndedTotal:      int32(a.Ended),      //nolint:gosec // as above
		}
		for _, w := range a.Warnings {
			result.Warnings = append(result.Warnings, warningKinds[w])
		}
		out.Areas = append(out.Areas, result)
	}
	return out
}

// differences names the fields of a comparison that differ, for the audit trail; never their values.
func differences(c *pb.DemographicComparison) []string {
	var names []string
	c.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if pb.Comparison(v.Enum()) == pb.Comparison_COMPARISON_MISMATCH {
			names = append(names, strings.ToLower(string(f.Name())))
		}
		return true
	})
	return names
}

func auditFailed(err error) error {
	return fault.New(pb.Hop_HOP_AUDIT, pb.ErrorReason_ERROR_REASON_AUDIT_UNAVAILABLE, err)
}
