package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
)

// stopTime is how long a gateway of ours may take to stop in good order.
const stopTime = 15 * time.Second

// child is a sandbox of our own, in a directory of its own. Nothing of either is left after stop.
type child struct {
	// What it said of itself.
	GRPC     string `json:"grpc"`
	Admin    string `json:"admin"`
	Audit    string `json:"audit"`
	AuditKey string `json:"audit_key"`

	dir     string
	process *exec.Cmd
	log     strings.Builder
}

// startChild starts a sandbox on free ports and waits until it is ready.
func startChild(ctx context.Context, server string) (*child, error) {
	if server == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find the server beside this program: %w", err)
		}
		server = filepath.Join(filepath.Dir(self), "server")
	}
	dir, err := os.MkdirTemp("", "spinegate-journey-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the gateway: %w", err)
	}
	c := &child{dir: dir}
	if err := c.start(ctx, server); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", server, err), c.stop(ctx))
	}
	return c, nil
}

func (c *child) start(ctx context.Context, server string) error {
	process := exec.CommandContext(ctx, server, "sandbox", "--json", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--dir="+c.dir) //nolint:gosec // the user names it
	process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) }
	process.WaitDelay = stopTime
	process.Stderr = &c.log
	stdout, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	c.process = process
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return errors.New("it did not come up")
	}
	if err := json.Unmarshal(line, c); err != nil {
		return errors.New("what it said of itself cannot be read")
	}
	c.Admin = strings.TrimPrefix(c.Admin, "http://")
	return nil
}

// stop ends the process and removes its directory. What it logged is told if it did not end well, unless ctx has ended:
// whatever interrupted us may have interrupted it, too, and twice.
func (c *child) stop(ctx context.Context) error {
	var ended error
	if c.process != nil {
		_ = c.process.Process.Signal(syscall.SIGTERM) // it may have ended
		kill := time.AfterFunc(stopTime, func() { _ = c.process.Process.Kill() })
		err := c.process.Wait()
		kill.Stop()
		if err != nil && ctx.Err() == nil {
			ended = fmt.Errorf("the gateway ended badly: %w\n%s", err, c.log.String())
		}
	}
	if err := os.RemoveAll(c.dir); err != nil {
		ended = errors.Join(ended, fmt.Errorf("remove the gateway's directory: %w", err))
	}
	return ended
}
