package main

import (
	"context"
	"net/url"
	"strings"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/doctor"
	"github.com/spinegate/spinegate/internal/nhs"
)

// The methods by which a practice is looked at.
const (
	resolveMethod      = "/spinegate.v1.EndpointDirectory/ResolveEndpoint"
	capabilitiesMethod = "/spinegate.v1.GPConnect/GetCapabilities"
)

// practice says what lies between a caller and a practice: what the directory has of it for each interaction that the caller's
// methods need, and what its systems say of themselves, which the proxy has to let through.
func (r *callerReport) practice(ctx context.Context, g *connection, code string, may map[string]bool) {
	if may[resolveMethod] {
		var found []doctor.Finding
		for _, interaction := range doctor.Interactions(may) {
			if statement(interaction) {
				continue // GetCapabilities looks these up
			}
			found = together(found, resolve(ctx, g, code, interaction))
		}
		for _, f := range found {
			r.tell(f)
		}
	} else {
		r.add(doctor.Skipped, code, "directory", "You may not call ResolveEndpoint.", "")
	}
	if may[capabilitiesMethod] {
		r.capabilities(ctx, g, code)
	} else {
		r.add(doctor.Skipped, code, "capabilities", "You may not call GetCapabilities, so whether the practice can be reached is not known.", "")
	}
}

// statement reports whether an interaction reads a capability statement.
func statement(i nhs.Interaction) bool { return strings.HasSuffix(i.String(), ":read:metadata-1") }

// together adds a finding about an interaction to others of the same check, as one more interaction of a finding that is equal.
func together(found []doctor.Finding, f doctor.Finding) []doctor.Finding {
	for i, other := range found {
		if other.Verdict == f.Verdict && other.Seen == f.Seen && other.Do == f.Do {
			if other.Interaction != "" {
				other.Interactions = []string{other.Interaction}
			}
			found[i].Interaction, found[i].Interactions = "", append(other.Interactions, f.Interaction)
			return found
		}
	}
	return append(found, f)
}

// resolve asks what the directory has of a practice for an interaction.
func resolve(ctx context.Context, g *connection, code string, interaction nhs.Interaction) doctor.Finding {
	about := doctor.Finding{Subject: code, Check: "directory", Interaction: interaction.String()}
	answer, err := g.directory.ResolveEndpoint(ctx, &pb.ResolveEndpointRequest{
		OdsCode: code, Interaction: &pb.Interaction{Name: &pb.Interaction_Raw{Raw: interaction.String()}},
	})
	if err != nil {
		return wrong(about, failureOf(err))
	}
	e := answer.GetEndpoint()
	about.Verdict, about.Seen = doctor.OK, "ASID "+e.GetAsid()
	if u, err := url.Parse(e.GetAddress()); err == nil {
		about.Seen += " at " + u.Hostname()
	}
	return about
}

func (r *callerReport) capabilities(ctx context.Context, g *connection, code string) {
	sent := time.Now()
	answer, err := g.practices.GetCapabilities(ctx, &pb.GetCapabilitiesRequest{OdsCode: code})
	received := time.Now()
	if err != nil {
		r.tell(wrong(doctor.Finding{Subject: code, Check: "capabilities"}, failureOf(err)))
		return
	}
	for _, root := range answer.GetRoots() {
		check := words(root.GetCapability())
		switch {
		case root.GetError() != nil:
			r.tell(wrong(doctor.Finding{Subject: code, Check: check}, failureIn(root.GetError())))
		case root.GetSupport() == pb.Support_SUPPORT_DECLARED:
			r.add(doctor.OK, code, check, notes("GP Connect "+root.GetSpecificationVersion(),
				strings.TrimSpace(root.GetSoftwareName()+" "+root.GetSoftwareVersion())), "")
		default:
			r.add(doctor.Warn, code, check, supportWords(root.GetSupport()), "It has no such system: only what needs it will fail.")
		}
	}
	for _, root := range answer.GetRoots() {
		r.clock(root.GetProvenance(), sent, received)
	}
}

// clock compares the gateway's with ours, by when it says that it received what came meanwhile.
func (r *callerReport) clock(p *pb.Provenance, sent, received time.Time) {
	if r.compared || p.GetRetrievedAt() == nil {
		return
	}
	theirs := p.GetRetrievedAt().AsTime()
	var ahead time.Duration
	switch {
	case sent.After(theirs):
		ahead = sent.Sub(theirs)
	case received.Before(theirs):
		ahead = received.Sub(theirs)
	}
	verdict, seen := doctor.Clock(ahead)
	do := ""
	if verdict != doctor.OK {
		do = "Synchronise this machine's clock by NTP, and have the gateway's operator look at theirs."
	}
	r.compared = true
	r.add(verdict, "gateway", "clock", seen, do)
}

// advice is what a caller can do, by reason.
var advice = map[string]string{
	"ENDPOINT_NOT_FOUND":         "The practice has to be registered for it nationally: ask the practice or its supplier. Check the ODS code, too.",
	"ENDPOINT_AMBIGUOUS":         "The practice's supplier has to take the old registration out of the directory: tell them, with the candidates.",
	"ENDPOINT_INCOMPLETE":        "The practice's supplier has to complete the entry in the directory.",
	"ENDPOINT_ADDRESS_REFUSED":   "The practice's supplier has to correct the address; the gateway's operator says which domains are allowed.",
	"DEVICE_NOT_FOUND":           "The practice's supplier has to complete the entry in the directory.",
	"DEVICE_AMBIGUOUS":           "The practice's supplier has to correct the entry in the directory: tell them, with the candidates.",
	"DIRECTORY_SANDBOX_GAP":      "Nothing: the public sandbox knows next to nobody.",
	"CONSUMER_ASID_UNKNOWN":      "Your organisation's own system is not registered for it: have the gateway's operator run spinegate doctor --config.",
	"SENDER_NOT_ACCREDITED":      "Your organisation's own system is not accredited for it: have the gateway's operator run spinegate doctor --config.",
	"RECEIVER_NOT_ACCREDITED":    "The practice's system is being changed: try again later, then ask its supplier.",
	"ENDPOINT_VARIES":            "The practice's system is being changed: try again later, then ask its supplier.",
	"NO_SHARING_AGREEMENT":       "The two organisations have to agree, and the agreement has to be recorded nationally: no setting mends it.",
	"NO_ORGANISATION_CONSENT":    "The practice has to enable your organisation in its own system: no setting mends it.",
	"CLIENT_CERTIFICATE_REFUSED": "Have the gateway's operator run spinegate doctor --config.",
	"PRACTICE_UNREACHABLE":       "Try again later. If it stays so, the practice's supplier has to look.",
	"PRACTICE_TIMED_OUT":         "Try again later. If it stays so, the practice's supplier has to look.",
	"CAPABILITY_SWITCHED_OFF":    "The practice has to switch it on in its own system: ask the practice.",
	"CAPABILITY_NOT_SUPPORTED":   "The practice's system does not have it: ask its supplier when it will.",
}

// wrongs are the reasons in a few words.
var wrongs = map[string]string{
	"ENDPOINT_NOT_FOUND":      "not registered",
	"ENDPOINT_AMBIGUOUS":      "ambiguous",
	"DEVICE_AMBIGUOUS":        "ambiguous",
	"NO_SHARING_AGREEMENT":    "no data-sharing agreement",
	"SENDER_NOT_ACCREDITED":   "our own system is not accredited for it",
	"CONSUMER_ASID_UNKNOWN":   "our own system is not registered for it",
	"PRACTICE_UNREACHABLE":    "unreachable",
	"PRACTICE_TIMED_OUT":      "does not answer in time",
	"CAPABILITY_SWITCHED_OFF": "switched off",
}

// wrong says what is wrong between a caller and a practice, in words.
func wrong(about doctor.Finding, f failure) doctor.Finding {
	what := wrongs[f.reason]
	if what == "" {
		what = "does not work"
	}
	seen := what + ": " + f.said() + " (" + f.inWords() + ")"
	var hosts []string
	for _, c := range f.detail.GetCandidates() {
		hosts = append(hosts, spaced(c.GetPartyKey(), c.GetAsid(), c.GetHost()))
	}
	if len(hosts) > 0 {
		seen += ": " + strings.Join(hosts, "; ")
	}
	about.Seen, about.Do, about.Verdict = seen, advice[f.reason], doctor.Fail
	if about.Do == "" {
		about.Do = "Retry: " + f.retry() + "."
	}
	if f.reason == name(pb.ErrorReason_ERROR_REASON_DIRECTORY_SANDBOX_GAP) {
		about.Verdict = doctor.Warn
	}
	return about
}

// inWords is the title in running text.
func (f failure) inWords() string { return strings.ReplaceAll(f.title(), "  ", " ") }

// said is the operator's sentence of a failure.
func (f failure) said() string {
	if said := f.detail.GetOperatorMessage(); said != "" {
		return said
	}
	return f.message
}
