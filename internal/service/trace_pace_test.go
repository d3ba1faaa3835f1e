package service_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

// within holds a transcript against a rate: no window of it has more than its length allows, and the burst.
func within(t *testing.T, all []simulator.Exchange, perSecond float64, burst int) {
	t.Helper()
	level, last := 0.0, time.Time{}
	for i, x := range all {
		if i > 0 {
			level = max(level-x.At.Sub(last).Seconds()*perSecond, 0)
		}
		last = x.At
		if level++; level > float64(burst)+0.001 {
			t.Fatalf("request %d of %d, at %s, is over the quota of %g a second", i, len(all), x.At.Format(time.TimeOnly), perSecond)
		}
	}
}

func refuse429(t *testing.T, g *servertest.Gateway, times int, retryAfter string) *simulator.Rule {
	t.Helper()
	rule, err := g.Spine.Faults().Set(simulator.Fault{Upstream: simulator.PDS, Status: 429, Times: times, RetryAfter: retryAfter})
	if err != nil {
		t.Fatal(err)
	}
	return rule
}

// Ten thousand people on one stream (a thousand under the race detector, which is ten times slower), one in twenty of them
// not one, while PDS is over its limit now and then. It runs alone: other tests' memory would be taken for its own.
func TestTenThousandTracesOnOneStream(t *testing.T) {
	const perSecond = 500
	all := 10_000
	if raced {
		all = 1_000
	}
	slice := all / 5
	inBubble(t, func(t *testing.T) {
		g := servertest.Start(t, quota(perSecond), bare)
		stream, told := begin(g.As(t.Context(), t, "clinician"), t, g, 64), newStory()
		told.slim = true
		told.hear(t, stream)
		start, refused := time.Now(), 0
		var heap []uint64
		for from := 0; from < all; from += slice {
			refuse429(t, g, 3, []string{"", "2"}[from/slice%2])
			go func() {
				for n := from; n < from+slice; n++ {
					number := numbers[n%len(numbers)]
					if n%20 == 7 {
						number = "9990000019"
					}
					put(t, stream, ask(fmt.Sprintf("item-%d", n), number))
				}
			}()
			for told.answers < from+slice {
				told.hear(t, stream)
			}
			transcript := asked(g)
			for _, x := range transcript {
				if x.Status == 429 {
					refused++
				}
			}
			within(t, transcript, perSecond, 5)
			g.Spine.Transcript().Reset() // nothing is kept for the judge: this is about memory
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			heap = append(heap, m.HeapAlloc)
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		for told.hear(t, stream) {
		}
		told.verdict(t, pb.Verdict_VERDICT_PARTIAL)
		for n := range all {
			id, bad := fmt.Sprintf("item-%d", n), n%20 == 7
			if reason := told.failures[id].GetReason(); bad != (reason == pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID) || bad == (told.results[id] != nil) {
				t.Fatalf("%s: %s, and a result: %v", id, reason, told.results[id] != nil)
			}
		}
		if refused != 3*5 {
			t.Errorf("PDS refused %d requests", refused)
		}
		if took := time.Since(start); took < time.Duration(all)*19/20*time.Second/perSecond || took > time.Minute {
			t.Errorf("it took %s", took)
		}
		// What the test itself keeps of the answers is in it, too.
		if first, last := heap[0], heap[len(heap)-1]; last > first+6<<20 {
			t.Errorf("the heap grew from %d to %d bytes", first, last)
		}
	})
}

// The default quota, for a minute.
func TestAStreamKeepsToFiveASecond(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		g := servertest.Start(t, quota(5), bare, servertest.WithSpine(func(o *simulator.Options) { o.PDSQuota = 300 }))
		stream := begin(g.As(t.Context(), t, "clinician"), t, g, 0)
		go func() {
			for n := range 330 {
				put(t, stream, ask(fmt.Sprintf("item-%d", n), numbers[n%len(numbers)]))
			}
			_ = stream.CloseSend()
		}()
		start := time.Now()
		told := hearAll(t, stream)
		told.verdict(t, pb.Verdict_VERDICT_WHOLE)
		if len(told.results) != 330 {
			t.Errorf("%d results", len(told.results))
		}
		if took := time.Since(start); took < 65*time.Second || took > 67*time.Second {
			t.Errorf("it took %s", took)
		}
		all := asked(g)
		within(t, all, 5, 2)
		for i, x := range all {
			if x.Status != 200 {
				t.Fatalf("request %d: PDS answered %d", i, x.Status)
			}
			if i >= 300 && x.At.Sub(all[i-300].At) < time.Minute {
				t.Fatalf("more than 300 within the minute that ends with request %d", i)
			}
		}
	})
}

// Whoever waits at a screen does not wait behind a stream, also of their own organisation.
func TestPeopleAtAScreenGoFirst(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		g := servertest.Start(t, quota(5), bare)
		ctx, cancel := context.WithCancel(g.As(t.Context(), t, "clinician"))
		defer cancel()
		for range 3 {
			stream := begin(ctx, t, g, 64)
			go func() {
				for n := range 500 {
					if stream.Send(ask(fmt.Sprintf("item-%d", n), numbers[n%len(numbers)])) != nil {
						return
					}
				}
			}()
			go func() {
				for {
					if _, err := stream.Recv(); err != nil {
						return
					}
				}
			}()
		}
		time.Sleep(20 * time.Second)
		for range 10 {
			began := time.Now()
			if _, err := g.PatientTrace.TracePatient(ctx, &pb.TracePatientRequest{NhsNumber: "9990000018"}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 500*time.Millisecond {
				t.Errorf("a trace took %s beside the streams", took)
			}
			time.Sleep(700 * time.Millisecond)
		}
		within(t, asked(g), 5, 2)
	})
}

// A caller who does not read what is answered is not read either, and loses nothing.
func TestASlowReaderIsReadSlowly(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		const all = 600
		g := servertest.Start(t, quota(500), bare)
		stream := begin(g.As(t.Context(), t, "clinician"), t, g, 8)
		go func() {
			for n := range all {
				put(t, stream, ask(fmt.Sprintf("item-%d", n), "9990000115"))
			}
			_ = stream.CloseSend()
		}()
		time.Sleep(time.Minute)
		before := len(asked(g))
		time.Sleep(time.Minute)
		if stalled := len(asked(g)); stalled != before || stalled >= all/2 {
			t.Errorf("%d, then %d of %d were asked while nobody read", before, stalled, all)
		}
		told := hearAll(t, stream)
		told.verdict(t, pb.Verdict_VERDICT_WHOLE)
		if len(told.results) != all {
			t.Errorf("%d results", len(told.results))
		}
	})
}

// What the quota does to a stream is told once.
func TestAPacedStreamSaysSo(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		g := servertest.Start(t, quota(0.5), bare)
		stream := begin(g.As(t.Context(), t, "clinician"), t, g, 8)
		for n := range 6 {
			put(t, stream, ask(fmt.Sprint(n), "9990000018"))
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		told := hearAll(t, stream)
		told.verdict(t, pb.Verdict_VERDICT_WHOLE)
		if diff := cmp.Diff([]pb.StreamWarningKind{pb.StreamWarningKind_STREAM_WARNING_KIND_PACED}, told.warnings); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
	})
}
