package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/audit"
)

// showEntries shows a trail call by call, in the order of commitment.
func showEntries(p *page, entries []audit.Entry) {
	if len(entries) == 0 {
		p.linef("The trail has no such entry.")
		return
	}
	var call string
	for i, e := range entries {
		if i == 0 || e.Call != call {
			if call = e.Call; call != "" {
				showCall(p, e)
			} else {
				p.blank()
			}
		}
		showEvidence(p, e)
	}
}

// showCall is what an entry repeats of its call.
func showCall(p *page, e audit.Entry) {
	p.blank()
	p.paragraph(0, styled(strong, methodName(e.Method)), textf("  on %s, call %s", e.At.UTC().Format(time.DateOnly), e.Call))
	who := "nobody known"
	if o := e.Caller.Organisation; !o.IsZero() {
		who = notes(strings.TrimSpace(personName(e.Caller)+" "+bracketed(e.Caller.UserID)),
			strings.TrimSpace(e.Caller.OrganisationName+" "+bracketed(o.String())))
	}
	about := ""
	if !e.Subject.IsZero() {
		about = "; about " + grouped(e.Subject.Digits())
	}
	p.paragraph(2, textf("by %s, from %s%s", who, e.Peer, about))
	p.paragraph(2, textf("trace %s", e.Trace))
}

func methodName(full string) string {
	return full[strings.LastIndexByte(full, '/')+1:]
}

// showEvidence is one entry in a line, and its ids in another.
func showEvidence(p *page, e audit.Entry) {
	mark := style(plain)
	var said, more string
	switch {
	case e.Access != nil:
		said, more = accessWords(e.Access)
	case e.Failure != nil:
		said, more, mark = spaced("item", e.Failure.Reason, "at", e.Failure.Hop), e.Failure.Diagnostics, bad
	case e.Release != nil:
		said = releaseWords(e.Release)
	case e.Outcome != nil:
		said, more = outcomeOf(e.Outcome)
		mark = good
		if e.Outcome.Code != "OK" {
			mark = bad
		}
	case e.System != nil:
		said = e.At.UTC().Format(time.DateOnly) + " " + systemWords(e.System)
	default:
		said = notes(labelled("purpose ", e.Context.Purpose), labelled("relationship ", e.Context.Relationship),
			labelled("about ", e.Practice.String()), labelled("asked for ", strings.Join(e.Asked, ", ")))
		if said == "" {
			said = "before anything was sent"
		}
	}
	p.table(2, []cell{
		styled(faint, fmt.Sprintf("%6d", e.Seq)), styled(faint, e.At.UTC().Format("15:04:05.000Z")),
		styled(mark, pad(string(e.Kind), 7)), text(said),
	})
	if more != "" {
		p.paragraph(25, styled(faint, more))
	}
}

// modes says in whose name PDS was asked, where that is not the application.
var modes = map[string]string{"HEALTHCARE_WORKER": "as the clinician"}

func accessWords(a *audit.Access) (said, ids string) {
	said = spaced(a.Hop, a.Method, a.Route, a.Practice.String(), modes[a.Mode])
	return said, spaced(labelled("Ssp-TraceID\u00a0", a.SSPTraceID), labelled("to\u00a0", a.SSPTo.String()),
		labelled("X-Request-ID\u00a0", a.RequestID), labelled("X-Correlation-ID\u00a0", a.CorrelationID))
}

// spaced joins what is there.
func spaced(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

func releaseWords(r *audit.Release) string {
	said := notes(r.Practice.String(), strings.Join(r.Areas, ", "))
	if len(r.Differences) > 0 {
		said += "; differs from PDS in " + strings.Join(r.Differences, ", ")
	}
	return said
}

func outcomeOf(o *audit.Outcome) (said, more string) {
	said = spaced(o.Code, o.Reason)
	if o.Hop != "" {
		said += " at " + o.Hop
	}
	if o.Verdict != "" {
		said += ", verdict " + o.Verdict
	}
	said += ", after " + took(o.Duration)
	var counts []string
	for _, kind := range slices.Sorted(maps.Keys(o.Resources)) {
		counts = append(counts, fmt.Sprintf("%d %s", o.Resources[kind], kind))
	}
	more = strings.Join(counts, ", ")
	if len(o.SHA256) > 0 {
		more = notes(more, fmt.Sprintf("%d bytes", o.Bytes), fmt.Sprintf("%s %x", digestOfBytes, o.SHA256))
	}
	if o.ReusedTotal > 0 {
		more = notes(more, fmt.Sprintf("%d of the session's earlier answers used again", o.ReusedTotal))
		for _, r := range o.Reused {
			more = notes(more, fmt.Sprintf("%s of %s, received %s", strings.ToLower(r.What), r.Practice, r.RetrievedAt.UTC().Format("15:04:05.000Z")))
		}
	}
	return said, notes(more, o.Diagnostics)
}

func systemWords(s *audit.System) string {
	said := s.Event
	if s.Version != "" {
		said += " " + s.Version
	}
	if s.Count > 0 {
		said += fmt.Sprintf(" (%d)", s.Count)
	}
	parts := []string{said}
	for _, reason := range slices.Sorted(maps.Keys(s.Reasons)) {
		parts = append(parts, fmt.Sprintf("%d %s", s.Reasons[reason], reason))
	}
	return notes(append(parts, s.Detail)...)
}
