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
