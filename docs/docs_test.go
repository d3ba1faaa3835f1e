// Package docs_test reads the documents as their readers do: every command is run, every snippet is written to its file or
// compared with the file that it quotes, and every link is followed. README.md beside it says what to write for that.
package docs_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// programs are those of cmd.
var programs = []string{"server", "spinegate", "spinesim"}

// pages are the README and those of this directory. Decisions tell what was, and other directories' pages are read by people.
func pages(t *testing.T) []*page {
	t.Helper()
	paths, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*page, 0, len(paths)+1)
	for _, name := range append([]string{"../README.md"}, paths...) {
		p, err := read(path.Join("docs", name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// build makes the programs as `make build` does, so that a page that calls it finds nothing left to do.
func build(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	c := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", bin, "../cmd/...")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build the programs: %v\n%s", err, out)
	}
	return bin
}

func TestEveryPageDoesWhatItSays(t *testing.T) {
	t.Parallel()
	bin := build(t)
	t.Run("pages", func(t *testing.T) {
		for _, p := range pages(t) {
			t.Run(p.path, func(t *testing.T) {
				t.Parallel()
				for _, program := range p.needs {
					if _, err := exec.LookPath(program); err != nil {
						t.Skipf("SKIPPED: the page runs %s, which is not here", program)
					}
				}
				followAll(t, p.blocks, bin, "")
			})
		}
	})
}

func followAll(t *testing.T, blocks []block, bin, language string) {
	t.Helper()
	var r *reader
	for _, b := range blocks {
		if !b.isFor(language) {
			continue
		}
		if r == nil {
			r = newReader(t, bin)
		}
		r.follow(t, b)
	}
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	all := pages(t)
	anchors := make(map[string]map[string]bool)
	for _, p := range all {
		anchors[p.path] = p.anchors
	}
	for _, p := range all {
		for _, link := range p.links {
			if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(link, "#")
			target := p.path
			if file != "" {
				target = path.Join(path.Dir(p.path), file)
			}
			if _, err := os.Stat(filepath.Join("..", target)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", p.path, link)
			}
			if known, ok := anchors[target]; ok && anchor != "" && !known[anchor] {
				t.Errorf("%s: %s has no heading #%s", p.path, target, anchor)
			}
		}
	}
}
