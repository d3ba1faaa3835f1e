package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// redraw is how often progress is shown. What takes less time shows none.
const redraw = 200 * time.Millisecond

// progress shows how far a long stream has come: in one line of standard error that is written over again and again, for
// somebody at a terminal. It is never among the results, and its absence means nothing.
type progress struct {
	w     io.Writer
	begun time.Time
	quit  chan struct{}
	ended chan struct{}

	mu    sync.Mutex // guards what follows, and that a line of results does not go into the line of progress
	said  string
	drawn bool
}

// animated reports whether standard error is a terminal that can write over a line.
func animated(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("TERM") != "" && os.Getenv("TERM") != "dumb"
}

// progress begins to show what is said, until it is ended. On no terminal and for machines it shows nothing.
func (t *terminal) progress(said string) *progress {
	if !t.animated || t.json {
		return nil
	}
	p := &progress{w: t.stderr, begun: time.Now(), said: said, quit: make(chan struct{}), ended: make(chan struct{})}
	t.out.w = &besideProgress{t.out.w, p}
	go p.draw()
	return p
}

func (p *progress) draw() {
	defer close(p.ended)
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.mu.Lock()
			fmt.Fprintf(p.w, "\r%s, %s\x1b[K", p.said, time.Since(p.begun).Truncate(time.Second))
			p.drawn = true
			p.mu.Unlock()
		case <-p.quit:
			p.mu.Lock()
			p.clear()
			p.mu.Unlock()
			return
		}
	}
}

// say changes what is shown next.
func (p *progress) say(format string, args ...any) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = fmt.Sprintf(format, args...)
}

// end leaves nothing of it on the terminal.
func (p *progress) end() {
	if p == nil {
		return
	}
	close(p.quit)
	<-p.ended
}

func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.drawn = false
	}
}

// besideProgress writes results, which may go to the same terminal, where no progress stands.
type besideProgress struct {
	io.Writer
	p *progress
}

func (b *besideProgress) Write(text []byte) (int, error) {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	b.p.clear()
	return b.Writer.Write(text)
}

// size is a number of bytes as a person reads it.
func size(n int64) string {
	const kib, mib = 1 << 10, 1 << 20
	switch {
	case n >= mib:
		return fmt.Sprintf("%.1f MiB", float64(n)/mib)
	case n >= kib:
		return fmt.Sprintf("%d KiB", n/kib)
	}
	return plural(int(n), "byte", "bytes")
}
