// Package judge holds what goes over the wire to the Spine against the published contracts: the rules that providers'
// acceptance tests, the reference provider, the specifications and consumer assurance enforce on requests.
//
// It reads exchanges and nothing else: it shares no code with the clients that made them nor with the simulator that
// received them, but the vocabulary of package nhs. Each rule has an id that stays, and a verdict names the rule, the
// request and why, without anything of a patient.
package judge

import (
	"net/http"
	"slices"
	"time"
)

// Leg is where a request went.
type Leg string

// The legs.
const (
	Token Leg = "token"
	PDS   Leg = "PDS"
	SDS   Leg = "SDS"
	Proxy Leg = "proxy"
)

// Exchange is one request as it went over the wire, and what is known of its answer.
type Exchange struct {
	Leg    Leg
	Method string
	// Host is the Host header; Path and Query are the request line, undecoded.
	Host, Path, Query string
	Header            http.Header
	Body              []byte
	// At is when it arrived.
	At time.Time
	// Status is what was answered; zero if nothing was.
	Status int
	// Stopped says that the proxy did not pass it on, so that no practice got it.
	Stopped bool
	// Answer is the body answered by the token service, PDS and SDS, and by a practice that was asked to find a patient, as it
	// went over the wire. Without it, the rules that follow from what they said do not apply.
	Answer []byte
}

// Enforcer is who enforces a rule.
type Enforcer string

// The enforcers, from the strictest.
const (
	// TEST is the provider acceptance suite, or live tests of the platform.
	TEST Enforcer = "TEST"
	// REF is the reference provider.
	REF Enforcer = "REF"
	// IMPL is the running service, or its configuration at the API gateway.
	IMPL Enforcer = "IMPL"
	// SPEC is the published specification.
	SPEC Enforcer = "SPEC"
	// SCAL is the list of what a consumer has to show before it goes live.
	SCAL Enforcer = "SCAL"
	// J is our own judgement.
	J Enforcer = "J"
)

// Rule is one thing that a request must be.
type Rule struct {
	// ID stays the same for ever.
	ID string
	// Says is the rule in a sentence.
	Says string
	// Section is where the contract says so.
	Section string
	// By is who enforces it.
	By Enforcer

	leg   Leg
	needs need
	// check says why a request breaks the rule; empty if it does not. What arrived before is given.
	check func(r *request, before *past) string
}

// need is what a rule must know of a request to judge it. Where that is missing another rule says so.
type need uint8

const (
	operationKnown need = 1 << iota // the interaction is one of part D
	claimsRead                      // the audit token could be taken apart
	rootKnown                       // the URL has a service root
	clockKnown                      // the time of arrival is known
	pastKnown                       // what arrived before is known
)

// Rules are all rules, leg by leg.
func Rules() []Rule {
	return slices.Concat(tokenRules, pdsRules, sdsRules, sspRules, jwtRules, slotRules, personRules, recordRules, bookingRules, sequenceRules)
}

// Verdict is a rule broken by a request.
type Verdict struct {
	// Rule is its id.
	Rule string
	// Index is the request's, counted from zero.
	Index int
	// Why says what is wrong, without anything of a patient.
	Why string
}

// Exchanges judges exchanges in the order of their arrival, from the first that was ever made.
func Exchanges(all []Exchange) []Verdict {
	var verdicts []Verdict
	rules, before := Rules(), newPast()
	for i, e := range all {
		r := read(e)
		for _, rule := range rules {
			if rule.leg != r.Leg || !r.has(rule.needs&^pastKnown) {
				continue
			}
			if why := rule.check(r, before); why != "" {
				verdicts = append(verdicts, Verdict{Rule: rule.ID, Index: i, Why: why})
			}
		}
		before.add(r)
	}
	return verdicts
}

// unless is why, unless a condition holds.
func unless(holds bool, why string) string {
	if holds {
		return ""
	}
	return why
}
