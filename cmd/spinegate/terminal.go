package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// width is how wide a line may be.
const width = 100

// terminal is where a command reads from and writes to.
type terminal struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	// out is standard output for people.
	out *page
	// asks says that somebody sits there who can answer a question.
	asks bool
	// animated says that standard error shows progress.
	animated bool

	json    bool
	verbose bool
	// choice is which gateway is called.
	choice *choice
	// minted is the admin address that gave the token; empty where the user gave one.
	minted string
}

func newTerminal(stdin io.Reader, stdout, stderr io.Writer) *terminal {
	return &terminal{
		stdin: stdin, stdout: stdout, stderr: stderr,
		out: newPage(stdout), asks: isTerminal(stdin) && isTerminal(stdout),
		animated: animated(stderr), choice: &choice{origin: map[string]string{}},
	}
}

func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// colourful follows https://no-color.org.
func colourful(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}

// page lays out text. The first error of its writer ends all writing and is kept.
type page struct {
	w      io.Writer
	colour bool
	// margin is how far every line is indented.
	margin int
	// brief leaves out of every provenance what is the same throughout.
	brief bool

	ended bool // nothing stands above, or a blank line
	err   error
}

func newPage(w io.Writer) *page { return &page{w: w, colour: colourful(w), ended: true} }

func (p *page) failed() error { return p.err }

func (p *page) write(s string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, s)
	}
}

// style is how a piece of text stands out. Nothing may be told by it alone.
type style string

const (
	plain  style = ""
	strong style = "\x1b[1m"
	faint  style = "\x1b[2m"
	good   style = "\x1b[32m"
	bad    style = "\x1b[1;31m"
	notice style = "\x1b[33m"
)

// cell is a piece of text. Whatever is in it, it cannot steer the terminal.
type cell struct {
	text  string
	style style
}

func text(s string) cell                         { return cell{text: s} }
func textf(format string, args ...any) cell      { return cell{text: fmt.Sprintf(format, args...)} }
func styled(s style, text string) cell           { return cell{text: text, style: s} }
func (p *page) linef(format string, args ...any) { p.paragraph(0, textf(format, args...)) }

// blank leaves a line free, and never two.
func (p *page) blank() {
	if !p.ended {
		p.write("\n")
	}
	p.ended = true
}

// heading begins a section.
func (p *page) heading(s string) {
	p.blank()
	p.paragraph(0, styled(strong, s))
}

// paragraph writes cells one after the other, wrapped, every line indented.
func (p *page) paragraph(indent int, cells ...cell) {
	p.wrap(strings.Repeat(" ", indent), indent, cells)
}

// entry writes a label and what belongs to it, which wraps under itself.
func (p *page) entry(indent int, label string, labelWidth int, cells ...cell) {
	if len(cells) == 1 && cells[0].text == "" {
		return
	}
	p.wrap(strings.Repeat(" ", indent)+p.paint(faint, pad(clean(label), labelWidth))+"  ", indent+labelWidth+2, cells)
}

// table aligns columns; the last one wraps under itself. A row may be shorter than others.
func (p *page) table(indent int, rows ...[]cell) {
	var widths []int
	for _, row := range rows {
		for i, c := range row[:max(0, len(row)-1)] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(clean(c.text)))
		}
	}
	for _, row := range rows {
		if len(row) == 0 {
			continue
		}
		var prefix strings.Builder
		prefix.WriteString(strings.Repeat(" ", indent))
		column := indent
		for i, c := range row[:len(row)-1] {
			prefix.WriteString(p.paint(c.style, pad(clean(c.text), widths[i])) + "  ")
			column += widths[i] + 2
		}
		p.wrap(prefix.String(), column, row[len(row)-1:])
	}
}

// wrap writes cells behind a prefix that ends at a column, and goes on under that column.
func (p *page) wrap(prefix string, column int, cells []cell) {
	p.ended = false
	column += p.margin
	room := max(width-column, 20)
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", p.margin) + prefix)
	used := 0
	for _, c := range cells {
		// What stands out does so as one piece in each line, so that whoever searches the output finds it.
		var phrase strings.Builder
		finish := func() {
			b.WriteString(p.paint(c.style, phrase.String()))
			phrase.Reset()
		}
		for i, word := range strings.Split(clean(c.text), " ") {
			n := utf8.RuneCountInString(word)
			space := i > 0
			switch {
			case used > 0 && used+n+1 > room && space:
				finish()
				b.WriteString("\n" + strings.Repeat(" ", column))
				used = 0
			case space:
				phrase.WriteByte(' ')
				used++
			}
			phrase.WriteString(word)
			used += n
		}
		finish()
	}
	p.write(strings.TrimRight(b.String(), " ") + "\n")
}

func (p *page) paint(s style, text string) string {
	if !p.colour || s == plain || text == "" {
		return text
	}
	return string(s) + text + "\x1b[0m"
}

func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

// clean makes text from outside harmless: line breaks become spaces, and whatever could move the cursor, hide or turn
// text around becomes visible.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r):
			return '\uFFFD'
		}
		return r
	}, s)
}
