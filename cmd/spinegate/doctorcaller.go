package main

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/spinegate/spinegate/internal/doctor"
)

// caller tries a gateway as one who calls it.
func (c *doctorCommand) caller(ctx context.Context, r *findings) error {
	report := &callerReport{findings: r}
	secure := c.secure()
	if err := wellFormed("--address", c.Address, "50051", secure); err != nil {
		return err
	}
	if !secure {
		if _, err := c.transport(false); err != nil {
			return err
		}
	}
	var config *tls.Config // nil is clear text
	if secure {
		var err error
		if config, err = c.tlsConfig(); err != nil {
			return err
		}
	}
	if !doctor.Knock(ctx, "gateway", c.Address, c.CA, config, r.tell) {
		report.add(doctor.Skipped, "gateway", "everything else", "It has to be reached first.", "")
		return nil
	}
	g, err := c.connect(ctx, r.t)
	if _, wrong := errors.AsType[misuse](err); wrong {
		return err
	}
	if err != nil {
		report.add(doctor.Fail, "token", "given", err.Error(), "Give one in SPINEGATE_TOKEN; a sandbox gives one at its admin address (--admin).")
		report.add(doctor.Skipped, "token", "taken", "There is none.", "")
		return nil
	}
	return g.end(report.through(ctx, c, g))
}

// callerReport is what is found from a caller's side.
type callerReport struct {
	*findings

	compared bool // the clocks
}

func (r *callerReport) add(v doctor.Verdict, subject, check, seen, do string) {
	r.tell(doctor.Finding{Subject: subject, Check: check, Verdict: v, Seen: seen, Do: do})
}

// through looks at a gateway that can be reached.
func (r *callerReport) through(ctx context.Context, c *doctorCommand, g *connection) error {
	if !r.health(ctx, c, g) {
		return nil
	}
	r.claims("token", g.who.token, r.t.choice.from("token"))
	if g.who.idToken != "" {
		r.claims("CIS2 ID token", g.who.idToken, r.t.choice.from("cis2Token"))
	}
	may, taken := r.methods(ctx, c, g)
	for _, practice := range c.Practice {
		if !taken {
			r.add(doctor.Skipped, practice, "everything", notLetIn, "")
			continue
		}
		r.practice(ctx, g, practice, may)
	}
	return nil
}

// health asks whether the gateway serves.
func (r *callerReport) health(ctx context.Context, c *doctorCommand, g *connection) bool {
	answer, err := grpc_health_v1.NewHealthClient(g).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	switch {
	case err != nil && failureOf(err).code == codes.Unavailable:
		do := "Does TLS go there? Give --tls or --ca."
		if c.secure() {
			do = "Something else than a gateway may answer there, or it wants a client certificate: --cert and --key."
		}
		r.add(doctor.Fail, "gateway", "health", "what answers there does not speak gRPC as it was asked", do)
		return false
	case err != nil:
		r.add(doctor.Warn, "gateway", "health", failureOf(err).title(), "Is it a spinegate?")
	case answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING:
		r.add(doctor.Fail, "gateway", "health", answer.GetStatus().String(), "It cannot write its evidence, or it stops: its operator's log says which.")
	default:
		r.add(doctor.OK, "gateway", "health", "serving", "")
	}
	return true
}

// methods finds out what may be called: an empty request to each is refused by the first link of the chain that minds, and that
// it is empty comes last. What may be called is returned by full name, with whether any call is let in at all.
func (r *callerReport) methods(ctx context.Context, c *doctorCommand, g *connection) (map[string]bool, bool) {
	may := map[string]bool{}
	var permitted, refused, other []string
	var others []failure
	scopes := map[string]bool{}
	for name, m := range methods() {
		f := persistentProbe(ctx, c, g, name, m)
		short := string(m.Name())
		if f.code == codes.InvalidArgument { // it was heard, and had nothing in it
			may[name] = true
			permitted = append(permitted, short)
			continue
		}
		switch f.reason {
		case "METHOD_NOT_BUILT":
		case "TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED", "CREDENTIALS_CONFLICT":
			r.keptOut(f)
			return nil, false
		case "SCOPE_MISSING":
			refused = append(refused, short+" ("+f.more+")")
			scopes[strings.TrimPrefix(f.more, "scope ")] = true
		case "ORGANISATION_NOT_PERMITTED":
			refused = append(refused, short+" (not for your organisation)")
		case "HUMAN_REQUIRED":
			refused = append(refused, short+" (needs a named human)")
		default:
			other, others = append(other, short+" ("+f.inWords()+")"), append(others, f)
		}
	}
	if len(permitted)+len(refused) == 0 && alike(others) {
		r.keptOut(others[0])
		return nil, false
	}
	if len(permitted)+len(refused) > 0 {
		r.add(doctor.OK, "token", "taken", "the gateway knows who calls", "")
	}
	if len(permitted) > 0 {
		r.add(doctor.OK, "token", "may call", strings.Join(permitted, ", "), "")
	} else {
		r.add(doctor.Fail, "token", "may call", "nothing", "Ask the issuer of the token for scopes, and the gateway's operator for methods: docs/policy.md.")
	}
	if len(refused) > 0 {
		do := "If it should, the credential has to name a human, or the operator has to permit it: docs/policy.md."
		if len(scopes) > 0 {
			do = "If it should, ask the issuer of the token for these scopes: docs/policy.md."
		}
		r.add(doctor.Warn, "token", "may not call", strings.Join(refused, ", "), do)
	}
	if len(other) > 0 {
		r.add(doctor.Warn, "token", "cannot be told", strings.Join(other, ", "), "Try again; the gateway's log has each call.")
	}
	return may, true
}
