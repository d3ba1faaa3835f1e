package main

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Widths of a tree's columns; together with spaces between them they make a line.
const (
	treeName = 46
	treeBar  = 16
)

// showSpans shows traces as trees: when each span began, how long it took, and where that lies in the whole.
func showSpans(p *page, roots []span) {
	for _, root := range roots {
		v := spanView{p: p, begun: root.Start, whole: max(root.duration(), 1)}
		v.span(root, "", "")
	}
}

type spanView struct {
	p     *page
	begun time.Time
	whole time.Duration
}

func (v spanView) span(s span, branch, below string) {
	mark := style(plain)
	if s.Error {
		mark = bad
	}
	name := shortened(branch+spanName(s), treeName)
	v.p.table(2, []cell{
		styled(mark, pad(name, treeName)), textf("%9s", took(s.duration())), text(v.bar(s)), styled(faint, details(s)),
	})
	for i, child := range s.Children {
		if i == len(s.Children)-1 {
			v.span(child, below+"└─ ", below+"   ")
		} else {
			v.span(child, below+"├─ ", below+"│  ")
		}
	}
}

// spanName is a span's name with the practice or path that tells it from its neighbours.
func spanName(s span) string {
	if route := s.Attributes["url.template"]; route != "" && !strings.Contains(s.Name, route) {
		return s.Name + " " + route
	}
	return s.Name
}

// details are how a span ended, and when the first byte of its answer came.
func details(s span) string {
	ended := s.Attributes["http.response.status_code"]
	if kind := s.Attributes["error.type"]; s.Error && kind != "" {
		ended = kind
	}
	first := ""
	for _, e := range s.Events {
		if e.Name == "first_byte" { // of the last attempt
			first = "first " + took(time.Duration(e.AfterNS))
		}
	}
	return notes(ended, first)
}

// bar shows where in the whole a span lies.
func (v spanView) bar(s span) string {
	at := func(d time.Duration) int { return int(min(max(d, 0), v.whole) * treeBar / v.whole) }
	from := min(at(s.Start.Sub(v.begun)), treeBar-1)
	to := max(at(s.Start.Sub(v.begun)+s.duration()), from+1)
	return strings.Repeat("·", from) + strings.Repeat("█", to-from) + strings.Repeat("·", treeBar-to)
}

func shortened(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
