// Package doctor finds what would keep a gateway from working: it tries once, from a configuration and without a gateway,
// everything that a gateway would need. Nothing is asked about any patient, and no practice is asked anything.
//
// Every check is a [Finding], also one that is fine and one that could not be made. A finding has no secret in it: names of
// files and settings, key ids, host names, certificates' subjects, and what an upstream's refusal means.
package doctor

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/reach"
	"github.com/spinegate/spinegate/internal/spine"
)

// Verdict is what came of a check.
type Verdict string

// The verdicts.
const (
	OK      Verdict = "OK"
	Warn    Verdict = "WARN"    // it works now, or may not matter
	Fail    Verdict = "FAIL"    // a gateway would not work, or not for everybody
	Skipped Verdict = "SKIPPED" // it could not be checked, or is not needed
)

// Finding is one check.
type Finding struct {
	// Subject is what was looked at: a setting such as spine.pds.url, an organisation or a practice.
	Subject string `json:"subject"`
	// Check is what was tried of it, in a word or two: DNS, TLS, clock.
	Check string `json:"check"`
	// Interaction is the id of the one that it is about; empty where it is about none.
	Interaction string `json:"interaction,omitzero"`
	// Interactions are their ids where it is about several, instead.
	Interactions []string `json:"interactions,omitzero"`
	Verdict      Verdict  `json:"verdict"`
	// Seen is what was seen, or why the check was skipped.
	Seen string `json:"seen"`
	// Do is what to do about it; empty where nothing is to be done.
	Do string `json:"do,omitzero"`
}

// Options are what a configuration does not say.
type Options struct {
	// KeySets are the URLs that are registered with the API platform for the key sets of applications: the gateway's under the
	// zero code. One that is missing is not looked at.
	KeySets map[nhs.ODSCode]string
}

// limit bounds the look at one upstream, and the making of one token.
const limit = 15 * time.Second

// Examine tries what a configuration needs, and tells each finding as soon as it is known. It ends early when ctx does.
func Examine(ctx context.Context, c config.Config, o Options, tell func(Finding)) {
	e := &examination{config: c, options: o, tell: tell}
	for _, part := range []func(context.Context){
		e.certificates, e.stores, e.signingKeys, e.upstreams, e.tokens, e.directory, e.issuers,
	} {
		if ctx.Err() != nil {
			return
		}
		part(ctx)
	}
}

// examination is one configuration being tried.
type examination struct {
	config  config.Config
	options Options
	tell    func(Finding)

	internet *reach.Authorities // nil are the system's
	proxy    *proxySide         // nil where its files cannot be read
	keys     map[nhs.ODSCode]*reach.Keys
	// closed says which upstreams cannot be reached, by setting: nothing more is asked of them.
	closed map[string]bool
}

func (e *examination) ok(subject, check, seen string, args ...any) {
	e.tell(Finding{Subject: subject, Check: check, Verdict: OK, Seen: fmt.Sprintf(seen, args...)})
}

func (e *examination) skip(subject, check, why string, args ...any) {
	e.tell(Finding{Subject: subject, Check: check, Verdict: Skipped, Seen: fmt.Sprintf(why, args...)})
}

func (e *examination) wrong(v Verdict, subject, check, seen, do string) {
	e.tell(Finding{Subject: subject, Check: check, Verdict: v, Seen: seen, Do: do})
}

// towards is how the gateway reaches an upstream on the internet, without evidence: nothing that is asked here is about
// anybody.
func (e *examination) towards(base string) spine.Config {
	c := spine.Config{BaseURL: base, Environment: reach.Environment(e.config.Environment)}
	if e.internet != nil {
		pool := e.internet.Pool
		c.Roots = func() *x509.CertPool { return pool }
	}
	return c
}

// refusal is what a fault says to an operator: what happened, and what to do.
func refusal(err error) (seen, do string) {
	f := fault.Of(err)
	seen = strings.TrimPrefix(f.Error(), "UNSPECIFIED: ")
	if f.HTTPStatus != 0 {
		seen += fmt.Sprintf(", HTTP %d", f.HTTPStatus)
	}
	if id := f.Metadata["message_id"]; id != "" {
		seen += ", message_id " + id + " for NHS support"
	}
	if do = f.Operator; do == "" {
		do = fault.Detail(f, nil).GetOperatorMessage()
	}
	return seen, do
}

// organisation is how one is named in a finding.
func organisation(i int, o config.Organisation) string {
	return fmt.Sprintf("organisations[%d] %s", i, o.ODS)
}
