package docs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// reader is somebody who follows a page from top to bottom, in a checkout of their own.
type reader struct {
	root  string
	state string // a file with the variables that a block leaves to the next
	cwd   string // and one with the directory
	env   []string
	ports ports
	// last is what the commands of the last block printed.
	last string
}

// newReader gives a reader a copy of the checkout, as a new clone would have it, with the programs of bin built.
func newReader(t *testing.T, bin string) *reader {
	t.Helper()
	root := t.TempDir()
	listed := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	listed.Dir = ".."
	files, err := listed.Output()
	if err != nil {
		t.Fatalf("list the files of the checkout: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(files), "\x00"), "\x00") {
		copyFile(t, filepath.Join("..", name), filepath.Join(root, name))
	}
	for _, program := range programs {
		copyFile(t, filepath.Join(bin, program), filepath.Join(root, "bin", program))
	}
	kept := t.TempDir()
	r := &reader{root: root, state: filepath.Join(kept, "state"), cwd: filepath.Join(kept, "cwd"), ports: ports{t: t, given: make(map[string]string)}}
	if err := errors.Join(os.WriteFile(r.state, nil, 0o600), os.WriteFile(r.cwd, []byte(root), 0o600)); err != nil {
		t.Fatal(err)
	}
	address := func(port string) string { return "127.0.0.1:" + r.ports.instead(port) }
	own := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "SPINEGATE_") || strings.HasPrefix(variable, "SPINESIM_")
	})
	r.env = append(own,
		"NO_COLOR=1", "XDG_CONFIG_HOME="+kept,
		// Where the programs listen, and call, if nobody says anything.
		"SPINEGATE_ADDRESS="+address("50051"), "SPINEGATE_ADMIN="+address("9090"),
		"SPINEGATE_SANDBOX_LISTEN="+address("50051"), "SPINEGATE_SANDBOX_ADMIN="+address("9090"),
		"SPINESIM_TOKEN_ADDRESS="+address("9101"), "SPINESIM_PDS_ADDRESS="+address("9102"), "SPINESIM_SDS_ADDRESS="+address("9103"),
		"SPINESIM_PROXY_ADDRESS="+address("9104"), "SPINESIM_CONTROL_ADDRESS="+address("9109"))
	return r
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if errors.Is(err, os.ErrNotExist) {
		return // removed, and not committed yet
	}
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, info.Mode().Perm()); err != nil {
		t.Fatal(err)
	}
}

// follow does what a block says.
func (r *reader) follow(t *testing.T, b block) {
	t.Helper()
	switch {
	case b.has(optionFile):
		path := filepath.Join(r.root, b.options[optionFile])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(r.ports.replace(b.text)), 0o600); err != nil {
			t.Fatal(err)
		}
	case b.has(optionFrom):
		file, err := os.ReadFile(filepath.Join("..", b.options[optionFrom]))
		if err != nil {
			t.Fatal(err)
		}
		if !b.quotes(string(file)) {
			t.Errorf("line %d: this is not in %s", b.line, b.options[optionFrom])
		}
	case b.has(optionOutput):
		if !shows(r.ports.restore(r.last), b.text) {
			t.Errorf("line %d: the commands printed\n%s\nand the page says\n%s", b.line, r.ports.restore(r.last), b.text)
		}
	case b.language != "sh":
	case b.has(optionNotRun):
		r.last = "(not run)"
	case b.has(optionBackground):
		r.last = "(in the background)"
		r.start(t, b)
	default:
		r.run(t, b)
	}
}

// command is a block as a program. What it leaves behind goes on in the next.
func (r *reader) command(ctx context.Context, b block) *exec.Cmd {
	const script = `set -euo pipefail; set -a; source "$1"; cd "$(<"$2")"; trap 'export -p >"$1"; pwd >"$2"' EXIT; eval "$3"`
	c := exec.CommandContext(ctx, "bash", "-c", script, "bash", r.state, r.cwd, r.ports.replace(b.text))
	c.Env = r.env
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGINT) }
	c.WaitDelay = 30 * time.Second
	return c
}

// colours are what Maven writes, whoever reads.
var colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// patience is how long one block may take: some build a client from nothing.
const patience = 8 * time.Minute

func (r *reader) run(t *testing.T, b block) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := r.command(ctx, b).CombinedOutput()
	r.last = colours.ReplaceAllString(string(out), "")
	status, want := "0", "0"
	if exited, ok := errors.AsType[*exec.ExitError](err); ok {
		status = fmt.Sprint(exited.ExitCode())
	} else if err != nil {
		t.Fatalf("line %d: %v", b.line, err)
	}
	if b.has(optionFails) {
		want = b.options[optionFails]
	}
	if status != want {
		t.Fatalf("line %d: exit status %s, want %s\n%s\nprinted\n%s", b.line, status, want, b.text, out)
	}
}

// start runs a block until the page has been read.
func (r *reader) start(t *testing.T, b block) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	heard := &hearing{awaits: b.options[optionUntil], found: make(chan struct{})}
	c := r.command(ctx, b)
	c.Stdout, c.Stderr = heard, heard
	if err := c.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Wait() // it is interrupted
	}()
	t.Cleanup(func() { cancel(); <-ended })
	select {
	case <-heard.found:
	case <-ended:
		t.Fatalf("line %d: it ended\n%s", b.line, heard)
	case <-time.After(patience):
		t.Fatalf("line %d: it never printed %q\n%s", b.line, heard.awaits, heard)
	}
}

// hearing is the output of a program in the background.
type hearing struct {
	awaits string
	found  chan struct{}

	mu   sync.Mutex
	all  bytes.Buffer
	once sync.Once
}

var _ io.Writer = (*hearing)(nil)

func (h *hearing) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all.Write(p)
	if strings.Contains(h.all.String(), h.awaits) {
		h.once.Do(func() { close(h.found) })
	}
	return len(p), nil
}

func (h *hearing) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all.String()
}

// ports stand in for those that a page names, so that pages can be tried at once, and beside a sandbox that runs already.
type ports struct {
	t     *testing.T
	given map[string]string // what stands in, by what the page says
}

var named = regexp.MustCompile(`(127\.0\.0\.1|localhost):(\d{4,5})\b`)

func (p *ports) replace(text string) string {
	return named.ReplaceAllStringFunc(text, func(found string) string {
		host, port, _ := strings.Cut(found, ":")
		return host + ":" + p.instead(port)
	})
}

// restore names the ports in an output as the page does.
func (p *ports) restore(text string) string {
	back := make(map[string]string, len(p.given))
	for says, is := range p.given {
		back[is] = says
	}
	return named.ReplaceAllStringFunc(text, func(found string) string {
		host, port, _ := strings.Cut(found, ":")
		if says, ok := back[port]; ok {
			return host + ":" + says
		}
		return found
	})
}

// instead is the free port that stands in for one.
func (p *ports) instead(port string) string {
	for p.given[port] == "" {
		listener, err := new(net.ListenConfig).Listen(p.t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			p.t.Fatal(err)
		}
		_, free, _ := net.SplitHostPort(listener.Addr().String())
		if err := listener.Close(); err != nil {
			p.t.Fatal(err)
		}
		if _, taken := taken.LoadOrStore(free, true); !taken {
			p.given[port] = free
		}
	}
	return p.given[port]
}

// taken are the ports that any page was given: they are free until its commands listen there.
var taken sync.Map

// shows reports whether an output is what a page says: there … stands for any text in a line, and alone for any lines.
func shows(output, says string) bool {
	var pattern strings.Builder
	pattern.WriteString(`\A`)
	for line := range strings.Lines(says) {
		line = strings.TrimRight(line, " \n")
		if strings.TrimSpace(line) == "…" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + `[ ]*\n`)
	}
	pattern.WriteString(`\z`)
	if !strings.HasSuffix(output, "\n") {
		output += "\n"
	}
	return regexp.MustCompile(pattern.String()).MatchString(output)
}
