package typed

import pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"

type operationOutcome struct {
	head
	Issue list[issue] `json:"issue"`
}

type issue struct {
	Severity    text       `json:"severity"`
	Code        text       `json:"code"`
	Details     *concept   `json:"details"`
	Diagnostics text       `json:"diagnostics"`
	Location    list[text] `json:"location"`
	Expression  list[text] `json:"expression"`
}

func (o *operationOutcome) form(e *pb.RecordEntry) error {
	e.Typed = &pb.RecordEntry_OperationOutcome{OperationOutcome: &pb.OperationOutcome{
		Issue: each(o.Issue, func(i *issue) *pb.OutcomeIssue {
			m := &pb.OutcomeIssue{
				Code:        optional(i.Code),
				Details:     clinicalCode(i.Details),
				Diagnostics: optional(i.Diagnostics),
				Location:    texts(i.Location),
				Expression:  texts(i.Expression),
			}
			m.Severity, m.SeverityCode = status[pb.IssueSeverity](pb.IssueSeverity_value, "ISSUE_SEVERITY_", i.Severity)
			return m
		}),
	}}
	return nil
}
