package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Fault is a way for an upstream to fail: what it is about, how often, and what happens. Its fields are also the keys of
// `faults` in practices.yaml and of spinesim's control address.
//
// A fault replaces the answer (Status, Unreachable, Empty), delays it (Delay, Hold), or spoils it (SlowEvery, Cut, Reset,
// MediaType); these combine, in the order wait, decide, spoil.
type Fault struct {
	// Upstream is who fails. Required.
	Upstream Upstream `yaml:"upstream"`
	// ODS restricts it to requests about one practice: at SDS, the proxy and the practices.
	ODS string `yaml:"ods"`
	// NHSNumber restricts it to requests whose path, query or body has the number.
	NHSNumber string `yaml:"nhsNumber"`
	// Interaction restricts it to requests for one interaction: at SDS, the proxy and the practices.
	Interaction nhs.Interaction `yaml:"interaction"`
	// Times is how many requests fail; zero is all of them.
	Times int `yaml:"times"`

	// After lets the upstream do its work before anything else happens, so that only the answer suffers: an appointment
	// is booked and nobody is told.
	After bool `yaml:"after"`
	// Hold waits until [Rule.Release].
	Hold bool `yaml:"hold"`
	// Delay waits.
	Delay time.Duration `yaml:"delay"`
	// Status answers with this status instead.
	Status int `yaml:"status"`
	// Body is what is answered with Status. The default is what that upstream writes with that status.
	Body string `yaml:"body"`
	// RetryAfter is the header Retry-After of that answer.
	RetryAfter string `yaml:"retryAfter"`
	// MediaType is the Content-Type of the answer, whatever it is.
	MediaType string `yaml:"mediaType"`
	// SlowEvery writes the body in pieces of SlowBytes (default 1024) with this pause before each.
	SlowEvery time.Duration `yaml:"slowEvery"`
	SlowBytes int           `yaml:"slowBytes"`
	// Cut closes the connection after CutAfter bytes of the body, as they go over the wire, although its whole length
	// was promised; with Chunked, although the last chunk is still to come. The last byte never goes. A negative
	// CutAfter is the middle.
	Cut      bool `yaml:"cut"`
	CutAfter int  `yaml:"cutAfter"`
	Chunked  bool `yaml:"chunked"`
	// Reset closes the connection without an answer; TCP peers see a reset.
	Reset bool `yaml:"reset"`
	// Unreachable, at the proxy only, makes the practice one that the proxy cannot connect to (SDS contract, C6).
	Unreachable bool `yaml:"unreachable"`
	// Empty, at SDS only, is the directory's time limit swallowed: 200 with an empty Bundle for a practice that is
	// registered (SDS contract, A10).
	Empty bool `yaml:"empty"`
}

// check says what is wrong with a fault, without anything personal.
func (f Fault) check() error {
	upstreams := []Upstream{Token, PDS, SDS, SDSEndpoint, SDSDevice, Proxy, Provider}
	switch {
	case !slices.Contains(upstreams, f.Upstream):
		return fmt.Errorf("upstream is %q, not one of %q", f.Upstream, upstreams)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status is %d, not from 200 to 599", f.Status)
	case f.Status == 0 && (f.Body != "" || f.RetryAfter != ""):
		return errors.New("body and retryAfter need a status")
	case f.Unreachable && f.Upstream != Proxy:
		return errors.New("only the proxy can find something unreachable")
	case f.Empty && !SDS.covers(f.Upstream):
		return errors.New("only SDS can be empty")
	case f.Times < 0 || f.Delay < 0 || f.SlowEvery < 0 || f.SlowBytes < 0:
		return errors.New("a number is negative")
	case f.effectless():
		return errors.New("it has no effect")
	}
	if f.NHSNumber != "" {
		if _, err := nhs.ParseNumber(f.NHSNumber); err != nil {
			return fmt.Errorf("nhsNumber: %w", err)
		}
	}
	if f.ODS != "" {
		if _, err := nhs.ParseODSCode(f.ODS); err != nil {
			return fmt.Errorf("ods: %w", err)
		}
	}
	return nil
}

func (f Fault) effectless() bool {
	return !f.Hold && f.Delay == 0 && f.Status == 0 && f.MediaType == "" && f.SlowEvery == 0 && !f.Cut && !f.Reset &&
		!f.Unreachable && !f.Empty
}

// covers reports whether a fault or question about u is about an exchange with other.
func (u Upstream) covers(other Upstream) bool {
	return u == other || u == SDS && (other == SDSEndpoint || other == SDSDevice)
}

// facts are what a fault can be matched on.
type facts struct {
	upstream    Upstream
	ods         string
	interaction nhs.Interaction
}

// Dial makes upstreams fail. It is safe for concurrent use.
type Dial struct {
	mu    sync.Mutex
	rules []*Rule
}

func newDial() *Dial { return &Dial{} }

// Rule is a fault that was set.
type Rule struct {
	dial    *Dial
	fault   Fault
	hits    int // guarded by dial.mu
	reached chan struct{}
	release chan struct{}
	once    sync.Once
}

// Set makes a fault happen from now on. Where several apply to a request, the one set last happens and only it counts.
func (d *Dial) Set(f Fault) (*Rule, error) {
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("set a fault: %w", err)
	}
	r := &Rule{dial: d, fault: f, reached: make(chan struct{}), release: make(chan struct{})}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rules = append(d.rules, r)
	return r, nil
}

// Clear removes every fault, the built-in ones too, and releases what is held.
func (d *Dial) Clear() {
	d.mu.Lock()
	rules := d.rules
	d.rules = nil
	d.mu.Unlock()
	for _, r := range rules {
		r.Release()
	}
}

// Remove ends a fault. What it holds stays held until Release.
func (r *Rule) Remove() {
	r.dial.mu.Lock()
	defer r.dial.mu.Unlock()
	r.dial.rules = slices.DeleteFunc(r.dial.rules, func(other *Rule) bool { return other == r })
}

// Release lets go of every request that the fault holds, now and from now on.
func (r *Rule) Release() { r.once.Do(func() { close(r.release) }) }

// Reached is closed when the fault first happens; with Hold and After, when the work is done and the answer is held.
func (r *Rule) Reached() <-chan struct{} { return r.reached }

// Hits is how many requests it has happened to.
func (r *Rule) Hits() int {
	r.dial.mu.Lock()
	defer r.dial.mu.Unlock()
	return r.hits
}

// take finds the fault of a request and counts it.
func (d *Dial) take(f facts, r *http.Request, body []byte) *Rule {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, rule := range slices.Backward(d.rules) {
		if rule.matches(f, r, body) && (rule.fault.Times == 0 || rule.hits < rule.fault.Times) {
			rule.hits++
			return rule
		}
	}
	return nil
}

func (r *Rule) matches(f facts, request *http.Request, body []byte) bool {
	fault := r.fault
	return fault.Upstream.covers(f.upstream) &&
		(fault.ODS == "" || strings.EqualFold(fault.ODS, f.ods)) &&
		(fault.Interaction == "" || fault.Interaction == f.interaction) &&
		(fault.NHSNumber == "" || strings.Contains(request.RequestURI, fault.NHSNumber) ||
			strings.Contains(string(body), fault.NHSNumber))
}

// reach announces the first hit. It is called once the fault really is where its Reached says.
func (r *Rule) reach() {
	r.dial.mu.Lock()
	defer r.dial.mu.Unlock()
	select {
	case <-r.reached:
	default:
		close(r.reached)
	}
}
