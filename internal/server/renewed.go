package server

import (
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spinegate/spinegate/internal/reach"
)

// lookEvery is how often files are looked at for a change.
const lookEvery = 30 * time.Second

// renewed is what was read from files, read again when they change: a renewal needs no restart. Files are looked at when a
// handshake needs them, so there is nothing to stop. What cannot be used leaves what was read last in use, since a renewal
// of two files writes one after the other and somebody always looks in between.
type renewed[T any] struct {
	names []string
	read  func() (T, error)
	log   *slog.Logger

	mu     sync.Mutex // guards what follows
	value  T
	looked time.Time
	files  []os.FileInfo // as they were when they were read; nil for one that was not there
}

func newRenewed[T any](log *slog.Logger, read func() (T, error), names ...string) (*renewed[T], error) {
	r := &renewed[T]{names: names, read: read, log: log, looked: time.Now()}
	r.files = r.look()
	var err error
	r.value, err = read()
	return r, err
}

// current is what is in use now.
func (r *renewed[T]) current() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.looked) < lookEvery {
		return r.value
	}
	r.looked = time.Now()
	now := r.look() // before they are read: what changes meanwhile is read again
	if slices.EqualFunc(now, r.files, unchanged) {
		return r.value
	}
	value, err := r.read()
	if err != nil {
		say := r.log.Warn
		if errors.Is(err, reach.ErrOtherHost) {
			say = r.log.Error // nobody is still writing it
		}
		say("a changed certificate cannot be used, the last one stays", "file", r.names[0], "error", err)
		return r.value
	}
	r.value, r.files = value, now
	r.log.Info("a certificate was read again", "file", r.names[0])
	return r.value
}

// look follows symbolic links, so that the swap by which Kubernetes renews a secret is seen.
func (r *renewed[T]) look() []os.FileInfo {
	files := make([]os.FileInfo, len(r.names))
	for i, name := range r.names {
		if info, err := os.Stat(name); err == nil {
			files[i] = info
		}
	}
	return files
}

// unchanged reports whether it is the same version of a file. One that was put in its place may have its time and its size.
func unchanged(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}
