package server

import (
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// lookEvery is how often files are looked at for a change.
const lookEvery = 30 * time.Second

// renewed is what was read from files, read again when they change: a renewal needs no restart. Files are looked at when a
// handshake needs them, so there is nothing to stop. What cannot be used leaves what was read last in use, since a renewal
// of two files writes one after the other and somebody always looks in between.
type renewed[T any] struct {
	files []string
	read  func() (T, error)
	log   *slog.Logger

	mu     sync.Mutex // guards what follows
	value  T
	looked time.Time
	stamps []stamp
}

// stamp tells versions of a file apart.
type stamp struct {
	changed time.Time
	size    int64
}

func newRenewed[T any](log *slog.Logger, read func() (T, error), files ...string) (*renewed[T], error) {
	r := &renewed[T]{files: files, read: read, log: log, looked: time.Now()}
	r.stamps = r.look()
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
	if slices.Equal(now, r.stamps) {
		return r.value
	}
	value, err := r.read()
	if err != nil {
		say := r.log.Warn
		if errors.Is(err, errOtherHost) {
			say = r.log.Error // nobody is still writing it
		}
		say("a changed certificate cannot be used, the last one stays", "file", r.files[0], "error", err)
		return r.value
	}
	r.value, r.stamps = value, now
	r.log.Info("a certificate was read again", "file", r.files[0])
	return r.value
}

// look follows symbolic links, so that the swap by which Kubernetes renews a secret is seen.
func (r *renewed[T]) look() []stamp {
	stamps := make([]stamp, len(r.files))
	for i, file := range r.files {
		if info, err := os.Stat(file); err == nil {
			stamps[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return stamps
}
