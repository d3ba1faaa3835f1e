package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/policy"
	"github.com/spinegate/spinegate/internal/reach"
	"github.com/spinegate/spinegate/internal/sds"
)

// directory asks SDS for the ASID of each organisation, for every interaction that it may send (SDS contract, A7). The first
// answer tells whether the API key is taken.
func (e *examination) directory(ctx context.Context) {
	const subject = "spine.sds"
	if e.closed["spine.sds.url"] {
		e.skip(subject, "API key", "SDS has to be reached first.")
		e.skip("organisations", "own ASID", "SDS has to be reached first.")
		return
	}
	client, err := reach.Directory(e.config, e.towards(e.config.Spine.SDS.URL))
	if err != nil {
		e.wrong(Fail, subject, "API key", err.Error(), "Put the key that the NHS gave you for SDS into that file.")
		return
	}
	defer client.Close()
	if !e.apiKey(ctx, client) {
		e.skip("organisations", "own ASID", "SDS has to answer first.")
		return
	}
	for i, o := range e.config.Organisations {
		methods := map[string]bool(nil)
		if len(o.Methods) > 0 {
			if methods, err = policy.Named(o.Methods); err != nil {
				continue // [config.Load] has refused it
			}
		}
		subject := organisation(i, o)
		may := Interactions(methods)
		if len(may) == 0 {
			e.skip(subject, "own ASID", "It may call no method that asks a practice.")
		}
		for _, interaction := range may {
			if ctx.Err() != nil {
				return
			}
			e.ownASID(ctx, client, subject, o, interaction)
		}
	}
}

// apiKey asks SDS something that any key may ask.
func (e *examination) apiKey(ctx context.Context, client *sds.Client) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := client.Systems(ctx, sds.SenderQuestion{Consumer: ods(e.config.Organisations[0]), Interaction: nhs.ReadMetadata})
	switch fault.ReasonOf(err) {
	case pb.ErrorReason_ERROR_REASON_UNSPECIFIED:
		if e.config.Spine.SDS.APIKeyFile == "" {
			e.skip("spine.sds", "API key", "None is configured, and SDS answers all the same, as the NHS's sandbox of it does.")
			return true
		}
		e.ok("spine.sds", "API key", "%s is taken", e.config.Spine.SDS.APIKeyFile)
		return true
	case pb.ErrorReason_ERROR_REASON_DIRECTORY_SANDBOX_GAP:
		e.skip("spine.sds", "API key", "The NHS's sandbox of SDS looks at no key, and knows nobody.")
		return false
	case pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED:
		seen, _ := refusal(err)
		e.wrong(Fail, "spine.sds", "API key", "SDS refused it: "+seen,
			fmt.Sprintf("Check spine.sds.apiKeyFile, %s: the key must be of an application that is subscribed to SDS, in this environment.", e.config.Spine.SDS.APIKeyFile))
	default:
		seen, do := refusal(err)
		e.wrong(Fail, "spine.sds", "API key", seen, do)
	}
	return false
}

// ownASID holds one ASID against the directory: the configured one must be listed, and where none is, one must be found.
func (e *examination) ownASID(ctx context.Context, client *sds.Client, subject string, o config.Organisation, interaction nhs.Interaction) {
	tell := func(v Verdict, seen, do string) {
		e.tell(Finding{Subject: subject, Check: "own ASID", Interaction: interaction.String(), Verdict: v, Seen: seen, Do: do})
	}
	const do = "Have the NHS register the organisation's system for this interaction (SCAL), or take the methods that need it out of its methods."
	if o.ASID == "" {
		maker, err := nhs.ParseODSCode(e.config.System.ManufacturerODS)
		if err != nil {
			tell(Fail, "there is neither an asid nor system.manufacturerODS", "Give one of them.")
			return
		}
		found, err := client.Sender(ctx, sds.SenderQuestion{Consumer: ods(o), Manufacturer: maker, Interaction: interaction})
		if err == nil {
			tell(OK, found.ASID.String()+", by look-up", "")
			return
		}
		seen, advice := refusal(err)
		verdict := Fail
		switch {
		case fault.ReasonOf(err) == pb.ErrorReason_ERROR_REASON_DIRECTORY_SANDBOX_GAP:
			verdict = Warn
		case fault.ReasonOf(err) == pb.ErrorReason_ERROR_REASON_CONSUMER_ASID_UNKNOWN:
			seen, advice = advice, do
			if f := fault.Of(err); len(f.Candidates) > 1 {
				advice = "Give the organisation's asid: " + candidates(f) + "."
			}
		}
		tell(verdict, seen, advice)
		return
	}
	configured, err := nhs.ParseASID(o.ASID)
	if err != nil {
		return // [config.Load] has refused it
	}
	listed, err := client.Systems(ctx, sds.SenderQuestion{Consumer: ods(o), Interaction: interaction})
	switch {
	case err != nil:
		seen, advice := refusal(err)
		tell(Fail, seen, advice)
	case slices.ContainsFunc(listed, func(s sds.System) bool { return s.ASID == configured }):
		tell(OK, configured.String()+", as configured", "")
	case len(listed) == 0:
		tell(Fail, fmt.Sprintf("SDS lists no system of %s for it; configured is %s", o.ODS, configured), do)
	default:
		tell(Fail, fmt.Sprintf("SDS lists %s for it, and not %s, which is configured", systems(listed), configured),
			"Correct asid, or leave it out and give system.manufacturerODS, so that the directory is asked.")
	}
}

func systems(all []sds.System) string {
	var names []string
	for _, s := range all {
		name := s.ASID.String()
		if !s.Manufacturer.IsZero() {
			name += " of supplier " + s.Manufacturer.String()
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func candidates(f *fault.Error) string {
	var all []string
	for _, c := range f.Candidates {
		all = append(all, c.GetAsid())
	}
	return strings.Join(all, " or ")
}

// ods is the code of an organisation, which is good in a configuration that was loaded.
func ods(o config.Organisation) nhs.ODSCode {
	code, err := nhs.ParseODSCode(o.ODS)
	if err != nil {
		return nhs.ODSCode{}
	}
	return code
}
