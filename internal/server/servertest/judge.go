package servertest

import (
	"testing"

	"github.com/spinegate/spinegate/internal/judge"
	"github.com/spinegate/spinegate/internal/simulator"
)

// legs are where the gateway itself sends requests. What the proxy sends on to a practice is the simulator's.
var legs = map[simulator.Upstream]judge.Leg{
	simulator.Token: judge.Token, simulator.PDS: judge.PDS, simulator.SDS: judge.SDS, simulator.SDSEndpoint: judge.SDS,
	simulator.SDSDevice: judge.SDS, simulator.Proxy: judge.Proxy,
}

// Sent is what the gateway sent of what the Spine received.
func Sent(received []simulator.Exchange) []judge.Exchange {
	var sent []judge.Exchange
	passedOn := map[string]bool{}
	for _, e := range received {
		if e.Upstream == simulator.Provider {
			passedOn[e.Header.Get("Ssp-TraceID")] = true
		}
	}
	for _, e := range received {
		if leg, ok := legs[e.Upstream]; ok {
			sent = append(sent, judge.Exchange{
				Leg: leg, Method: e.Method, Host: e.Host, Path: e.Path, Query: e.Query, Header: e.Header, Body: e.Body, At: e.At,
				Status: e.Status, Answer: e.Answer,
				Stopped: leg == judge.Proxy && !passedOn[e.Header.Get("Ssp-TraceID")],
			})
		}
	}
	return sent
}

// Judge fails a test for every rule that the requests which the Spine received break.
func Judge(tb testing.TB, received []simulator.Exchange) {
	tb.Helper()
	sent := Sent(received)
	for _, v := range judge.Exchanges(sent) {
		e := sent[v.Index]
		tb.Errorf("request %d, %s to %s %s, breaks %s: %s", v.Index, e.Method, e.Leg, e.Header.Get("Ssp-InteractionID"), v.Rule, v.Why)
	}
}

// Forget makes the Spine forget what it received. It is judged when the test ends nevertheless.
func (g *Gateway) Forget() {
	g.forgotten = append(g.forgotten, g.Spine.Transcript().Reset()...)
}
