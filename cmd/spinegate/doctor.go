package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/spinegate/spinegate/internal/doctor"
	"github.com/spinegate/spinegate/internal/nhs"
)

type doctorCommand struct {
	gateway `embed:""`

	Config   string   `type:"path" placeholder:"FILE" help:"Try everything that the gateway with this configuration would need, without starting it."`
	JWKSURL  []string `name:"jwks-url" placeholder:"[ODS=]URL" help:"With --config: the URL that is registered for the application's key set; with ODS= that of an organisation's own. Repeatable."`
	Practice []string `placeholder:"ODS" help:"Without --config: also say what this practice answers. Repeatable."`
}

func (doctorCommand) Help() string {
	return `From a caller's side, without --config: is the gateway there, does it serve, is my token taken, what may I call, and for each
--practice what is wrong between us: not registered, ambiguous, no data-sharing agreement, our system not accredited, not
reachable, switched off. What may be called is found out by requests that are empty, so that they are refused before anything is
asked; each refusal is in the gateway's audit trail. Nothing is asked about any patient.

From an operator's side, with --config: every file, certificate, host, key and credential that the configuration names, and the
own ASID of each organisation for every interaction that it may use. No gateway is started or asked, and no practice either.

  spinegate doctor --practice A20047 --practice K88009
  spinegate doctor --address gateway.example:443 --ca ca.pem
  spinegate doctor --config gateway.yaml --jwks-url https://keys.example/jwks.json

OK needs nothing. WARN works now, or may be meant. FAIL does not work. SKIPPED could not be tried, or is not needed. The exit
status is 1 if anything failed. With --json each finding is a line: subject, check, verdict, seen, do (docs/doctor.md).`
}

// Run tries what there is.
func (c *doctorCommand) Run(ctx context.Context, t *terminal) error {
	switch {
	case c.Config != "" && len(c.Practice) > 0:
		return misusedf("--practice is asked through a gateway: leave --config out")
	case c.Config == "" && len(c.JWKSURL) > 0:
		return misusedf("--jwks-url is for --config")
	}
	r := &findings{t: t, count: map[doctor.Verdict]int{}}
	var err error
	if c.Config != "" {
		err = c.operator(ctx, r)
	} else {
		err = c.caller(ctx, r)
	}
	if err != nil {
		return err
	}
	return r.end(ctx)
}

// operator tries a configuration.
func (c *doctorCommand) operator(ctx context.Context, r *findings) error {
	sets := map[nhs.ODSCode]string{}
	for _, given := range c.JWKSURL {
		var code nhs.ODSCode
		if ods, url, ok := strings.Cut(given, "="); ok && !strings.Contains(ods, "/") {
			var err error
			if code, err = nhs.ParseODSCode(ods); err != nil {
				return misuse{fmt.Errorf("--jwks-url: %w", err)}
			}
			given = url
		}
		if !strings.HasPrefix(given, "https://") {
			return misusedf("--jwks-url: an https URL is needed, with ODS= before it for an organisation's own application")
		}
		sets[code] = given
	}
	loaded, usable := doctor.Load(c.Config, os.LookupEnv, r.tell)
	if usable {
		doctor.Examine(ctx, loaded, doctor.Options{KeySets: sets}, r.tell)
	}
	return nil
}

// findings shows what is found, as it is found.
type findings struct {
	t       *terminal
	subject string
	count   map[doctor.Verdict]int
	err     error
}

var verdictStyles = map[doctor.Verdict]style{doctor.OK: good, doctor.Warn: notice, doctor.Fail: bad, doctor.Skipped: faint}

func (r *findings) tell(f doctor.Finding) {
	r.count[f.Verdict]++
	if r.t.json {
		line, err := json.Marshal(f, json.Deterministic(true))
		if err != nil {
			r.err = fmt.Errorf("write as JSON: %w", err)
			return
		}
		r.t.out.write(string(line) + "\n")
		return
	}
	const verdictWidth, checkWidth = 7, 18
	if f.Subject != r.subject {
		r.t.out.heading(f.Subject)
		r.subject = f.Subject
	}
	seen := f.Seen
	var about []string
	for _, id := range append(f.Interactions, f.Interaction) {
		if id != "" {
			about = append(about, strings.TrimPrefix(id, interactionPrefix))
		}
	}
	if len(about) > 0 {
		seen = strings.Join(about, ", ") + ": " + seen
	}
	r.t.out.table(2, []cell{styled(verdictStyles[f.Verdict], pad(string(f.Verdict), verdictWidth)), text(pad(f.Check, checkWidth)), text(seen)})
	if f.Do != "" {
		r.t.out.table(2, []cell{text(pad("", verdictWidth)), styled(faint, pad("do", checkWidth)), text(f.Do)})
	}
}

// end counts, and says whether anything failed.
func (r *findings) end(ctx context.Context) error {
	if !r.t.json {
		r.t.out.blank()
		r.t.out.linef("%d OK, %d WARN, %d FAIL, %d SKIPPED.", r.count[doctor.OK], r.count[doctor.Warn], r.count[doctor.Fail], r.count[doctor.Skipped])
	}
	switch {
	case r.err != nil:
		return r.err
	case ctx.Err() != nil:
		return ctx.Err()
	case r.count[doctor.Fail] > 0:
		return errFound
	}
	return r.t.out.failed()
}
