// Package guard keeps one call's panic from ending the program, and every call with it.
//
// The chain of interceptors recovers in the goroutine of the call. A goroutine that a call starts has nobody around it:
// there a panic ends the process, and the runtime prints what was thrown, which may be about somebody. [Run] stands at the
// top of each such goroutine. The caller gets INTERNAL; the operator gets what the chain's own recovery gives, through the
// [Report] that the context carries, and never the value.
package guard

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// Report tells the operator of a panic. It is called where the panic is recovered, so that the stack is still there. It
// must not write down the value.
type Report func(ctx context.Context, thrown any)

type reportKey struct{}

// NewContext is a context whose panics are reported.
func NewContext(ctx context.Context, r Report) context.Context {
	return context.WithValue(ctx, reportKey{}, r)
}

var errPanic = errors.New("panic")

// Fault is what a panic is to a caller: INTERNAL at the gateway, without a word of what was thrown.
func Fault() error {
	return fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL, errPanic)
}

// Run runs f, and makes a panic in it a reported [Fault].
func Run(ctx context.Context, f func() error) (err error) {
	defer func() {
		thrown := recover()
		if thrown == nil {
			return
		}
		if report, ok := ctx.Value(reportKey{}).(Report); ok {
			report(ctx, thrown)
		}
		err = Fault()
	}()
	return f()
}

// Stack, called by a [Report], is where the panic came from: functions, files and lines. The runtime's own text also holds
// the words of every argument.
func Stack() []string {
	const (
		recovering = 16 // frames at most between here and the panic
		deepest    = 20 // what is further out is the server
	)
	callers := make([]uintptr, recovering+deepest)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	var lines []string
	for {
		frame, more := frames.Next()
		lines = append(lines, fmt.Sprintf("%s (%s:%d)", frame.Function, filepath.Base(frame.File), frame.Line))
		if frame.Function == "runtime.gopanic" {
			lines = nil // so far it was the recovery's own
		}
		if !more {
			return lines[:min(len(lines), deepest)]
		}
	}
}
