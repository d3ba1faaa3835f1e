package simulator_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/simulator"
)

func (r *rig) fault(f simulator.Fault) *simulator.Rule {
	r.t.Helper()
	rule, err := r.Faults().Set(f)
	if err != nil {
		r.t.Fatal(err)
	}
	return rule
}

func TestFaultsAreMatched(t *testing.T) {
	r := start(t, simulator.Options{})
	a20047, b84001 := r.practice("A20047"), r.practice("B84001")
	rule := r.fault(simulator.Fault{
		Upstream: simulator.Provider, ODS: "A20047", Interaction: nhs.ReadMetadata, Times: 2, Status: 503,
	})
	var got []int
	got = append(got, r.metadata(b84001).status)
	for range 3 {
		got = append(got, r.metadata(a20047).status)
	}
	if diff := cmp.Diff([]int{200, 503, 503, 200}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if rule.Hits() != 2 {
		t.Errorf("%d hits, want 2", rule.Hits())
	}
	r.fault(simulator.Fault{Upstream: simulator.Provider, NHSNumber: "9990000018", Status: 500})
	for number, want := range map[string]int{"9990000018": 500, "9990000042": 200} {
		if a, err := r.record(t.Context(), a20047, number); err != nil || a.status != want {
			t.Errorf("%s: %v %d, want %d", number, err, a.status, want)
		}
	}
	r.Faults().Clear()
	if a := r.metadata(r.practice("G85006")); a.status != http.StatusOK {
		t.Errorf("cleared, and the practice that is down answers %d", a.status)
	}
}

// TestFaultsSpeakTheirUpstreamsLanguage looks at the answers to a status without a body.
func TestFaultsSpeakTheirUpstreamsLanguage(t *testing.T) {
	r := start(t, simulator.Options{})
	p := r.practice("A20047")
	call := map[simulator.Upstream]func() answer{
		simulator.Token: func() answer {
			return r.send(http.MethodPost, r.TokenURL(), form(r.assertion(nil)), "Content-Type", formType)
		},
		simulator.PDS:         func() answer { return r.send(http.MethodGet, r.PDSURL()+"/Patient/9990000018", "") },
		simulator.SDSEndpoint: func() answer { return r.send(http.MethodGet, r.SDSURL()+"/Endpoint", "") },
		simulator.SDSDevice:   func() answer { return r.send(http.MethodGet, r.SDSURL()+"/Device", "") },
		simulator.Proxy:       func() answer { return r.metadata(p) },
		simulator.Provider:    func() answer { return r.metadata(p) },
	}
	for _, tt := range []struct {
		upstream simulator.Upstream
		status   int
		media    string
		contains string
	}{
		{simulator.Token, 500, "application/json", `"message_id"`},
		{simulator.PDS, 500, "application/json", "UNKNOWN_ERROR"},
		{simulator.PDS, 503, "application/json", "SERVICE_UNAVAILABLE"},
		{simulator.PDS, 429, "application/json", "TOO_MANY_REQUESTS"},
		{simulator.PDS, 408, "application/fhir+json", "UNABLE_TO_CALL_SERVICE"},
		{simulator.SDSEndpoint, 429, "application/json", "UNKNOWN_ERROR"},
		{simulator.SDSDevice, 504, "application/json", "UNKNOWN_ERROR"},
		{simulator.Proxy, 502, "application/fhir+json", "ERROR_COMMUNICATING_TO_ENDPOINT_URL_https://gp.a20047.example"},
		{simulator.Proxy, 504, "", ""},
		{simulator.Provider, 500, "application/fhir+json;charset=utf-8", "INTERNAL_SERVER_ERROR"},
	} {
		t.Run(string(tt.upstream)+" "+strconv.Itoa(tt.status), func(t *testing.T) {
			r.fault(simulator.Fault{Upstream: tt.upstream, Times: 1, Status: tt.status})
			a := call[tt.upstream]()
			if a.status != tt.status || a.header.Get("Content-Type") != tt.media ||
				!strings.Contains(string(a.body), tt.contains) {
				t.Errorf("%d %q %s", a.status, a.header.Get("Content-Type"), a.body)
			}
		})
	}
	if a := func() answer {
		r.fault(simulator.Fault{Upstream: simulator.PDS, Times: 1, Status: 503, RetryAfter: "7", Body: "<html>", MediaType: "text/html"})
		return call[simulator.PDS]()
	}(); a.header.Get("Retry-After") != "7" || string(a.body) != "<html>" || a.header.Get("Content-Type") != "text/html" {
		t.Errorf("%v %s", a.header, a.body)
	}
}

func TestAnswersAreCut(t *testing.T) {
	r := start(t, simulator.Options{})
	p := r.practice("A20047")
	whole, err := r.record(t.Context(), p, "9990000018")
	if err != nil || whole.err != nil {
		t.Fatal(err, whole.err)
	}
	for _, upstream := range []simulator.Upstream{simulator.Proxy, simulator.Provider} {
		for _, chunked := range []bool{false, true} {
			r.fault(simulator.Fault{
				Upstream: upstream, Interaction: nhs.GetStructuredRecord, Times: 1, Cut: true, CutAfter: 1000, Chunked: chunked,
			})
			a, err := r.record(t.Context(), p, "9990000018")
			if err != nil {
				t.Fatal(err)
			}
			if !errors.Is(a.err, io.ErrUnexpectedEOF) || len(a.body) != 1000 || a.status != http.StatusOK {
				t.Errorf("%s, chunked %v: status %d, %d bytes, %v", upstream, chunked, a.status, len(a.body), a.err)
			}
			if got := a.header.Get("Content-Length") == ""; got != chunked {
				t.Errorf("%s, chunked %v: Content-Length %q", upstream, chunked, a.header.Get("Content-Length"))
			}
		}
	}
	if a, err := r.record(t.Context(), p, "9990000336"); err != nil || !errors.Is(a.err, io.ErrUnexpectedEOF) {
		t.Errorf("the patient whose record is cut: %v, %v", err, a.err)
	}
}

func TestConnectionsAreReset(t *testing.T) {
	r := start(t, simulator.Options{})
	p := r.practice("A20047")
	rule := r.fault(simulator.Fault{Upstream: simulator.Proxy, Reset: true})
	if _, err := r.record(t.Context(), p, "9990000018"); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("%v, want a reset connection", err)
	}
	rule.Remove()
	r.settle()
	if e := r.Transcript().Of(simulator.Proxy)[0]; e.Status != 0 || !e.Done {
		t.Errorf("the transcript says %d, %v", e.Status, e.Done)
	}
	// At the practice, the proxy sees it, and says so.
	r.fault(simulator.Fault{Upstream: simulator.Provider, Times: 1, Reset: true})
	if a, err := r.record(t.Context(), p, "9990000018"); err != nil || a.status != http.StatusBadGateway {
		t.Errorf("%v %d, want 502", err, a.status)
	}
}

// TestTheWorkIsDoneAndNobodyIsTold holds an answer back after the practice has worked.
func TestTheWorkIsDoneAndNobodyIsTold(t *testing.T) {
	r := start(t, simulator.Options{})
	p := r.practice("A20047")
	rule := r.fault(simulator.Fault{Upstream: simulator.Provider, After: true, Hold: true, Times: 1})
	got := make(chan answer, 1)
	go func() {
		a, err := r.record(t.Context(), p, "9990000018")
		a.err = errors.Join(a.err, err)
		got <- a
	}()
	<-rule.Reached()
	select {
	case a := <-got:
		t.Fatalf("answered while held: %d", a.status)
	default:
	}
	if e := r.Transcript().Of(simulator.Provider); len(e) != 1 || e[0].Status != 0 {
		t.Errorf("while held the transcript says %+v", e)
	}
	rule.Release()
	if a := <-got; a.err != nil || a.status != http.StatusOK || !bytes.Contains(a.body, []byte("9990000018")) {
		t.Errorf("after release: %v %d", a.err, a.status)
	}
}

func TestCloseCutsOffWhatIsHeld(t *testing.T) {
	r := start(t, simulator.Options{})
	rule := r.fault(simulator.Fault{Upstream: simulator.Proxy, Hold: true})
	failed := make(chan error, 1)
	go func() {
		_, err := r.record(t.Context(), r.practice("A20047"), "9990000018")
		failed <- err
	}()
	<-rule.Reached()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("a held request was answered by Close")
	}
}

func TestSlowness(t *testing.T) {
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := start(t, simulator.Options{Network: new(simulator.Memory), Keys: keys, ProxyTimeout: 5 * time.Second})
		p := r.practice("A20047")
		r.fault(simulator.Fault{Upstream: simulator.Provider, Times: 1, SlowEvery: 100 * time.Millisecond, SlowBytes: 500})
		begin := time.Now()
		a := r.metadata(p)
		pieces := (len(a.body) + 499) / 500
		if took := time.Since(begin); a.err != nil || took != time.Duration(pieces)*100*time.Millisecond || pieces < 5 {
			t.Errorf("%d pieces in %v, %v", pieces, took, a.err)
		}
		r.fault(simulator.Fault{Upstream: simulator.Provider, Times: 1, Delay: time.Minute})
		begin = time.Now()
		if a := r.metadata(p); a.status != http.StatusGatewayTimeout || time.Since(begin) != 5*time.Second {
			t.Errorf("a practice that hangs: %d after %v, want 504 after 5s", a.status, time.Since(begin))
		}
		// A consumer that gives up does not keep the upstream busy.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.fault(simulator.Fault{Upstream: simulator.Proxy, Times: 1, Delay: time.Hour})
		if _, err := r.record(ctx, p, "9990000018"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want a deadline", err)
		}
		synctest.Wait()
		if e := r.Transcript().Of(simulator.Proxy); !e[len(e)-1].Done {
			t.Error("the proxy still works for a consumer that has gone")
		}
	})
}

func TestTheDirectoryTimesOutSilently(t *testing.T) {
	r := start(t, simulator.Options{})
	r.fault(simulator.Fault{Upstream: simulator.SDS, ODS: "A20047", Times: 1, Empty: true})
	pairs := []string{"organization", ods + "A20047", "identifier", interaction + nhs.SearchSlot.String()}
	if _, found := r.look("/Endpoint", pairs...); len(found) != 0 {
		t.Errorf("found %v, want nothing", found)
	}
	if _, found := r.look("/Endpoint", pairs...); len(found) != 1 {
		t.Errorf("found %v, want the address", found)
	}
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	r := start(t, simulator.Options{})
	for name, f := range map[string]simulator.Fault{
		"no upstream":             {Status: 500},
		"unknown upstream":        {Upstream: "ldap", Status: 500},
		"no effect":               {Upstream: simulator.PDS, ODS: "A20047"},
		"a body without a status": {Upstream: simulator.PDS, Body: "x"},
		"status 99":               {Upstream: simulator.PDS, Status: 99},
		"PDS unreachable":         {Upstream: simulator.PDS, Unreachable: true},
		"the proxy empty":         {Upstream: simulator.Proxy, Empty: true},
		"a bad number":            {Upstream: simulator.PDS, NHSNumber: "9990000019", Status: 500},
		"a bad ODS code":          {Upstream: simulator.SDS, ODS: "*", Status: 500},
		"something negative":      {Upstream: simulator.PDS, Delay: -time.Second},
	} {
		if _, err := r.Faults().Set(f); err == nil {
			t.Errorf("%s was accepted", name)
		} else if strings.Contains(err.Error(), "9990000019") {
			t.Errorf("%s: the error shows the number", name)
		}
	}
}
