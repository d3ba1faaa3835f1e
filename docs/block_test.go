package docs_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// page is a document, read as whoever looks at it reads it.
type page struct {
	path   string // from the root of the checkout
	blocks []block
	links  []string
	// needs are programs beside bash, git, make and Go that its commands run.
	needs []string
	// anchors are where a link can lead within it.
	anchors map[string]bool
}

// block is a fenced block of code. What stands behind its language says what is done with it; nobody sees it who reads the
// page.
type block struct {
	line     int // of its first line of code
	language string
	text     string
	options  map[string]string
}

// What is done with a block. docs/README.md explains each.
const (
	optionOutput     = "output"     // text: what the commands before it printed
	optionFails      = "fails"      // sh: exits with this status
	optionBackground = "background" // sh: goes on until the end of the page
	optionUntil      = "until"      // sh background: is ready when it printed this
	optionNotRun     = "not-run"    // sh: why not
	optionFor        = "for"        // any: belongs to one programming language's part of the page
	optionFile       = "file"       // any: is written there
	optionFrom       = "from"       // any: is an excerpt of that file
)

// needs is a remark that nobody sees who reads the page.
var needs = regexp.MustCompile(`<!-- needs: (.*) -->`)

var option = regexp.MustCompile(`([a-z-]+)(?:=(?:"([^"]*)"|(\S+)))?`)

// read reads a document.
func read(path string) (*page, error) {
	source, err := os.ReadFile("../" + path)
	if err != nil {
		return nil, err
	}
	p := &page{path: path, anchors: make(map[string]bool)}
	if found := needs.FindSubmatch(source); found != nil {
		p.needs = strings.Fields(string(found[1]))
	}
	tree := goldmark.New(goldmark.WithParserOptions(parser.WithAutoHeadingID())).Parser().Parse(text.NewReader(source))
	err = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.FencedCodeBlock:
			b, err := newBlock(n, source)
			if err != nil {
				return ast.WalkStop, fmt.Errorf("%s: %w", path, err)
			}
			p.blocks = append(p.blocks, b)
		case *ast.Link:
			p.links = append(p.links, string(n.Destination))
		case *ast.Heading:
			if id, ok := n.AttributeString("id"); ok {
				p.anchors[string(id.([]byte))] = true
			}
		}
		return ast.WalkContinue, nil
	})
	return p, err
}

func newBlock(n *ast.FencedCodeBlock, source []byte) (block, error) {
	b := block{language: string(n.Language(source)), options: make(map[string]string)}
	if lines := n.Lines(); lines.Len() > 0 {
		start := lines.At(0).Start
		b.line = 1 + bytes.Count(source[:start], []byte("\n"))
		b.text = string(lines.Value(source))
	}
	if n.Info == nil {
		return b, nil
	}
	rest := strings.TrimPrefix(string(n.Info.Value(source)), b.language)
	for _, found := range option.FindAllStringSubmatch(rest, -1) {
		b.options[found[1]] = found[2] + found[3]
	}
	if left := strings.TrimSpace(option.ReplaceAllString(rest, "")); left != "" {
		return b, fmt.Errorf("line %d: %q is no option of a block", b.line-1, left)
	}
	return b, b.check()
}

// check refuses what would be held against nothing.
func (b block) check() error {
	allowed := map[string][]string{
		"sh":   {optionFails, optionBackground, optionUntil, optionNotRun, optionFor},
		"text": {optionOutput, optionFile, optionFrom, optionFor},
		"":     nil,
	}
	may, known := allowed[b.language]
	if !known {
		may = []string{optionFile, optionFrom, optionFor}
	}
	for name := range b.options {
		if !slices.Contains(may, name) {
			return fmt.Errorf("line %d: a block of %q has no option %q", b.line-1, b.language, name)
		}
	}
	_, written := b.options[optionFile]
	_, quoted := b.options[optionFrom]
	if !known && !written && !quoted {
		return fmt.Errorf("line %d: this block of %s is held against nothing: give it file=PATH or from=PATH", b.line-1, b.language)
	}
	if b.has(optionBackground) != b.has(optionUntil) {
		return fmt.Errorf("line %d: background and until go together", b.line-1)
	}
	if b.has(optionNotRun) && b.options[optionNotRun] == "" {
		return fmt.Errorf("line %d: not-run needs a reason", b.line-1)
	}
	return nil
}

func (b block) has(option string) bool {
	_, ok := b.options[option]
	return ok
}

// isFor reports whether a block belongs to a run: all the blocks of no language, and those of one.
func (b block) isFor(language string) bool {
	wants, bound := b.options[optionFor]
	return !bound || wants == language
}

// quotes reports whether an excerpt stands in a file, line by line, indented deeper or less.
func (b block) quotes(file string) bool {
	wanted, lines := strings.Split(strings.TrimSuffix(b.text, "\n"), "\n"), strings.Split(file, "\n")
	for start := 0; start+len(wanted) <= len(lines); start++ {
		if margin, ok := strings.CutSuffix(lines[start], wanted[0]); ok && strings.TrimSpace(margin) == "" &&
			quotesFrom(lines[start:start+len(wanted)], wanted, margin) {
			return true
		}
	}
	return false
}

func quotesFrom(lines, wanted []string, margin string) bool {
	for i, line := range lines {
		if line != wanted[i] && line != margin+wanted[i] || wanted[i] == "" && line != "" {
			return false
		}
	}
	return true
}
