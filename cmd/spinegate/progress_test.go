package main

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

// Progress is one line that moves, makes room for results on the same terminal, and leaves nothing behind.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen bytes.Buffer
		term := newTerminal(nil, &screen, &screen)
		term.animated = true
		term.out = newPage(&screen)

		p := term.progress("waiting")
		time.Sleep(redraw + redraw/2)
		synctest.Wait()
		p.say("%d of 3", 1)
		term.out.linef("a result")
		time.Sleep(time.Second)
		synctest.Wait()
		p.end()
		term.out.linef("the end")

		const again = "\r1 of 3, 0s\x1b[K"
		want := "\rwaiting, 0s\x1b[K" + "\r\x1b[K" + "a result\n" + again + again + again + "\r1 of 3, 1s\x1b[K\r1 of 3, 1s\x1b[K" + "\r\x1b[K" + "the end\n"
		if got := screen.String(); got != want {
			t.Errorf("got\n%q\nwant\n%q", got, want)
		}
	})
}

// A call that is soon over, a machine that reads, and a file that receives see none.
func TestNoProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			name           string
			animated, json bool
			lasts          time.Duration
		}{
			{"soon over", true, false, redraw / 2},
			{"no terminal", false, false, time.Minute},
			{"for machines", true, true, time.Minute},
		} {
			var screen bytes.Buffer
			term := newTerminal(nil, &screen, &screen)
			term.animated, term.json = tt.animated, tt.json
			p := term.progress("waiting")
			time.Sleep(tt.lasts)
			p.say("on and on")
			p.end()
			if screen.Len() > 0 {
				t.Errorf("%s: %q", tt.name, screen.String())
			}
		}
	})
}
