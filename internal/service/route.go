package service

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/session"
	"github.com/spinegate/spinegate/internal/spine"
)

// What remembered answers are reckoned to take, beside the text of a statement.
const (
	routeSize     = 1 << 10
	statementSize = 4 << 10
)

// route looks up the system for the very interaction that will be called: others of the same capability may live
// elsewhere (SDS contract, A7). Inside a session it is looked up once; what is not there is asked for each time.
func (c *core) route(ctx context.Context, a asker, ods nhs.ODSCode, interaction nhs.Interaction) (sds.Route, error) {
	return c.lookUp(ctx, sds.Question{ODS: ods, Interaction: interaction, Consumer: a.ods()})
}

func (c *core) lookUp(ctx context.Context, q sds.Question) (sds.Route, error) {
	memory, key := session.FromContext(ctx), session.Key{Kind: session.Route, ODS: q.ODS, Interaction: q.Interaction}
	if known, ok := session.Recall[sds.Route](memory, key); ok {
		reused(ctx, key, known.RetrievedAt)
		return known, nil
	}
	route, err := c.Directory.Route(ctx, q)
	if err == nil {
		memory.Keep(key, route, route.RetrievedAt, routeSize)
	}
	return route, err
}

// freshFor is how long a route that was looked up past every cache is believed, whatever the proxy says: while a practice cannot
// be reached the directory is not asked again for every call of a session.
const freshFor = time.Minute

// freshRoute looks up anew, past every cache, a route that is not right any more, and forgets what the session remembers of
// the organisation; unless another call of the session has just done so.
func (c *core) freshRoute(ctx context.Context, a asker, was sds.Route) (sds.Route, error) {
	memory := session.FromContext(ctx)
	known, ok := session.Recall[sds.Route](memory, session.Key{Kind: session.Route, ODS: was.ODS, Interaction: was.Interaction})
	if ok && (!sameSystem(known, was) || known.Fresh && time.Since(known.RetrievedAt) < freshFor) {
		return known, nil
	}
	memory.Drop(was.ODS)
	route, err := c.Directory.Route(ctx, sds.Question{ODS: was.ODS, Interaction: was.Interaction, Consumer: a.ods(), Fresh: true})
	if err == nil {
		key := session.Key{Kind: session.Route, ODS: was.ODS, Interaction: was.Interaction}
		memory.Replace(key, route, route.RetrievedAt, routeSize)
	}
	return route, err
}

// reused leaves evidence of an answer that was not asked for again.
func reused(ctx context.Context, k session.Key, at time.Time) {
	audit.FromContext(ctx).Reuse(audit.Reuse{What: k.Kind.String(), Practice: k.ODS, Interaction: k.Interaction, RetrievedAt: at})
}

// sender is the ASID of the organisation whose user asks: the configured one, or the one that the directory has for it.
func (c *core) sender(ctx context.Context, a asker, interaction nhs.Interaction) (nhs.ASID, error) {
	if !a.ASID.IsZero() || c.Manufacturer.IsZero() {
		return a.ASID, nil // package spine refuses to send without one
	}
	memory, key := session.FromContext(ctx), session.Key{Kind: session.Sender, ODS: a.ods(), Interaction: interaction}
	if known, ok := session.Recall[sds.Sender](memory, key); ok {
		reused(ctx, key, known.RetrievedAt)
		return known.ASID, nil
	}
	sender, err := c.Directory.Sender(ctx, sds.SenderQuestion{
		Consumer: a.ods(), Manufacturer: c.Manufacturer, Interaction: interaction, Fresh: c.senders.doubted(a.ods()),
	})
	if err == nil {
		err = c.senders.claim(sender.ASID, a.ods())
	}
	if err != nil {
		return nhs.ASID{}, err
	}
	memory.Keep(key, sender, sender.RetrievedAt, routeSize)
	return sender.ASID, nil
}

// visit asks a practice what may be asked twice. Where the proxy's answer shows that the route may be an old one, it is
// looked up past every cache, and if it is another one now, the practice is asked there, once (SDS contract, A11 and C6).
// The route returned is the one that was asked last.
func visit[T any](ctx context.Context, c *core, a asker, route sds.Route, ask func(gpconnect.Target) (T, error)) (T, sds.Route, error) {
	answer, err := visitOnce(ctx, c, a, route, ask)
	if !stale(err) {
		return answer, route, err
	}
	var none T
	now, lookUp := c.freshRoute(ctx, a, route)
	switch {
	case lookUp != nil && fault.ReasonOf(err) == pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE:
		return none, route, err // that it cannot be reached is true all the same
	case lookUp != nil:
		audit.FromContext(ctx).Diagnose(fault.Of(err).UpstreamText)
		return none, route, lookUp
	case sameSystem(now, route):
		return none, now, err
	}
	audit.FromContext(ctx).Diagnose(fault.Of(err).UpstreamText)
	answer, err = visitOnce(ctx, c, a, now, ask)
	if stale(err) {
		session.FromContext(ctx).Drop(now.ODS)
	}
	return answer, now, err
}

// visitOnce asks a practice.
func visitOnce[T any](ctx context.Context, c *core, a asker, route sds.Route, ask func(gpconnect.Target) (T, error)) (T, error) {
	to, err := c.target(ctx, a, route)
	if err != nil {
		var none T
		return none, err
	}
	answer, err := ask(to)
	c.heed(ctx, a, err)
	return answer, err
}

// heed forgets the organisation's own ASID when the proxy does not accept it: it may be another one by now.
func (c *core) heed(ctx context.Context, a asker, err error) {
	if fault.ReasonOf(err) == pb.ErrorReason_ERROR_REASON_SENDER_NOT_ACCREDITED {
		session.FromContext(ctx).Drop(a.ods())
		c.senders.doubt(a.ods())
	}
}

// stale reports that the proxy refused a route, or could not get through on it.
func stale(err error) bool {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Hop != pb.Hop_HOP_SSP {
		return false
	}
	switch e.Reason {
	case pb.ErrorReason_ERROR_REASON_ENDPOINT_VARIES, pb.ErrorReason_ERROR_REASON_RECEIVER_NOT_ACCREDITED:
		return true
	case pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE:
		return e.HTTPStatus == http.StatusBadGateway // and not this gateway's own breaker
	default:
		return false
	}
}

// sameSystem reports that two routes lead to the same place.
func sameSystem(a, b sds.Route) bool { return destination(a) == destination(b) }

// target is where a request to a practice goes, and in whose name.
func (c *core) target(ctx context.Context, a asker, route sds.Route) (gpconnect.Target, error) {
	from, err := c.sender(ctx, a, route.Interaction)
	if err != nil {
		return gpconnect.Target{}, err
	}
	requester := spine.Requester{
		Organisation: spine.Organisation{ODS: a.ods(), Name: a.Caller.Organisation.Name},
		Device:       c.Device,
		Issuer:       cmp.Or(a.Endpoint, c.Issuer),
	}
	if u := a.User; u != nil {
		requester.User = spine.User{
			ID: u.LocalID, System: u.LocalSystem, SDSUserID: u.SDSUserID, RoleProfileID: u.RoleProfileID,
			Family: u.Family, Given: u.Given, Prefix: u.Prefix,
		}
	}
	return gpconnect.Target{
		Destination: destination(route),
		Requester:   requester,
		From:        from,
	}, nil
}

func destination(route sds.Route) spine.Destination {
	return spine.Destination{ODS: route.ODS, ASID: route.ASID, Address: route.Address}
}

// knownStatement is a capability statement with the system that made it.
type knownStatement struct {
	by        sds.Route
	statement *gpconnect.Statement
}

// statement reads the capability statement behind an interaction, inside a session once. The route is that of the system
// that made it.
func (c *core) statement(ctx context.Context, a asker, route sds.Route) (*gpconnect.Statement, sds.Route, error) {
	memory, key := session.FromContext(ctx), session.Key{Kind: session.Statement, ODS: route.ODS, Interaction: route.Interaction}
	known, ok := session.Recall[knownStatement](memory, key)
	if ok && sameSystem(known.by, route) {
		reused(ctx, key, known.statement.Response.RetrievedAt)
		return known.statement, route, nil
	}
	statement, by, err := visit(ctx, c, a, route, func(to gpconnect.Target) (*gpconnect.Statement, error) {
		return c.Practices.Statement(ctx, to, route.Interaction)
	})
	if err != nil {
		return nil, by, err
	}
	remembered := *statement // without what is left of the connection
	remembered.Response = &spine.Response{
		Status: statement.Response.Status, RetrievedAt: statement.Response.RetrievedAt,
		SSPTraceID: statement.Response.SSPTraceID, Simulated: statement.Response.Simulated,
	}
	keep := memory.Keep
	if ok { // it is of another system
		keep = memory.Replace
	}
	keep(key, knownStatement{by, &remembered}, remembered.Response.RetrievedAt, statementSize+2*len(statement.JSON))
	return statement, by, nil
}
