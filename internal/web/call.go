package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/spinegate/spinegate/internal/guard"
)

// method is one of the API, as the contract declares it.
type method struct {
	name             string
	request          protoreflect.MessageType
	answer           protoreflect.MessageType
	requests, stream bool // whether there are many requests, and many answers
}

// unknown stands for every path that no method has. The chain refuses it and keeps the evidence that it keeps for gRPC; the path
// is the caller's text, and goes nowhere.
var unknown = &method{name: "/unknown/unknown"}

func findMethod(name string) (*method, error) {
	full := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(name, "/"), "/", "."))
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(full)
	if err != nil {
		return nil, fmt.Errorf("web: %s: %w", name, err)
	}
	d, ok := found.(protoreflect.MethodDescriptor)
	if !ok {
		return nil, fmt.Errorf("web: %s is no method", name)
	}
	m := &method{name: name, requests: d.IsStreamingClient(), stream: d.IsStreamingServer()}
	if m.request, err = protoregistry.GlobalTypes.FindMessageByName(d.Input().FullName()); err != nil {
		return nil, fmt.Errorf("web: %s: %w", name, err)
	}
	if m.answer, err = protoregistry.GlobalTypes.FindMessageByName(d.Output().FullName()); err != nil {
		return nil, fmt.Errorf("web: %s: %w", name, err)
	}
	return m, nil
}

// frames is the codec of calls from here: messages are made into bytes and back in this package, so that also those can be
// passed on that are none.
type frames struct{}

// Marshal implements [encoding.CodecV2].
func (frames) Marshal(v any) (mem.BufferSlice, error) {
	frame, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("a frame is needed, not %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(frame)}, nil
}

// Unmarshal implements [encoding.CodecV2].
func (frames) Unmarshal(data mem.BufferSlice, v any) error {
	frame, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("a frame is needed, not %T", v)
	}
	*frame = data.Materialize()
	return nil
}

// Name implements [encoding.CodecV2]. On the wire a frame is what every caller sends.
func (frames) Name() string { return "proto" }

// unreadable is a frame that is no message: a field number that never ends.
var unreadable = []byte{0xff}

// call makes the call that a request asks for, and passes on what comes back as it comes.
func (a *answer) call(r *http.Request, l *link, timeout time.Duration) {
	m := a.method
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	conn, err := l.calls(r.TLS)
	if err != nil {
		a.end(err, nil)
		return
	}
	stream, err := conn.NewStream(metadata.NewOutgoingContext(ctx, passedOn(r.Header)),
		&grpc.StreamDesc{ServerStreams: m.stream, ClientStreams: m.requests}, m.name)
	if err != nil {
		a.end(err, nil)
		return
	}
	if !m.requests {
		if timeout > 0 && timeout < bodyTimeout {
			_ = a.control.SetReadDeadline(time.Now().Add(timeout)) // a call that has ended waits for nothing
		}
		unfit, whole := feed(stream, r.Body, m, cancel)
		if whole {
			_ = a.control.SetReadDeadline(time.Time{}) // what is read from here on tells that the caller has gone
		} else {
			a.last()
		}
		a.end(a.relay(stream), unfit)
		return
	}
	a.last()
	_ = a.control.EnableFullDuplex()           // HTTP/2 has it
	_ = a.control.SetReadDeadline(time.Time{}) // requests come for as long as the call may take
	var unfit *refusal
	var whole bool
	var broken error
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		broken = guard.Run(ctx, func() error { unfit, whole = feed(stream, r.Body, m, cancel); return nil })
		if broken != nil {
			cancel()
		}
	}()
	err = a.relay(stream)
	select {
	case <-fed:
	default:
		a.enough()
		<-fed
	}
	if !whole {
		a.enough() // else the library would wait for the rest
	}
	if broken != nil {
		err = broken // the call was cancelled for no other reason
	}
	a.end(err, unfit)
}

// last makes this HTTP/1.1 connection's last answer. What is left of a request could be taken for the next one, since with full
// duplex the library does not read it away; and a read that ends by its deadline ends the context of every later request.
func (a *answer) last() {
	if !a.two {
		a.w.Header().Set("Connection", "close")
	}
}

// enough ends what is still read of the request: nobody wants more.
func (a *answer) enough() { _ = a.control.SetReadDeadline(time.Unix(1, 0)) }

// feed sends what arrives, until there is no more, and reports whether nothing of the request is left to read. What cannot be read is passed
// on as something that cannot be read, so that it leaves the evidence that it leaves over gRPC. A caller who goes takes the
// call along.
func feed(stream grpc.ClientStream, body io.Reader, m *method, cancel func()) (unfit *refusal, whole bool) {
	if m == unknown {
		_ = stream.CloseSend() // its status says what became of it, here and below
		return errNowhere, false
	}
	requests := read(body, m)
	for {
		frame, err := requests.next()
		if errors.Is(err, io.EOF) {
			_ = stream.CloseSend()
			return nil, true
		}
		if unfit, ok := errors.AsType[*refusal](err); ok {
			_ = stream.SendMsg(unreadable)
			_ = stream.CloseSend()
			return unfit, requests.from.ended
		}
		if slow, ok := errors.AsType[net.Error](err); ok && slow.Timeout() && !m.requests {
			return errSlow, false // the chain has waited as long, and ends the call
		}
		if err != nil {
			cancel()
			return nil, false
		}
		if stream.SendMsg(frame) != nil {
			return nil, false
		}
	}
}

// passedOn are the headers that reach the call. Nothing else does, whatever it is called: most metadata means something to
// somebody.
func passedOn(h http.Header) metadata.MD {
	md := metadata.MD{}
	for _, name := range callHeaders {
		values := h.Values(name)
		if name == "tracestate" && len(values) > 1 {
			values = []string{strings.Join(values, ",")} // it is one list, however it is sent
		}
		for _, value := range values[:min(len(values), 2)] { // two of a credential are refused as any more would be
			md.Append(name, strings.Map(printable, value))
		}
	}
	return md
}

var callHeaders = []string{"authorization", "spinegate-cis2-id-token", "traceparent", "tracestate"}

// printable keeps what metadata may hold. A question mark is in no token, so nothing becomes one by it.
func printable(c rune) rune {
	if c < ' ' || c > '~' {
		return '?'
	}
	return c
}

// statusOf is HTTP's word for a code of gRPC, as google.rpc.Code has it.
var statusOf = map[codes.Code]int{
	codes.Canceled:           499, // nobody is there to read it
	codes.InvalidArgument:    http.StatusBadRequest,
	codes.DeadlineExceeded:   http.StatusGatewayTimeout,
	codes.NotFound:           http.StatusNotFound,
	codes.AlreadyExists:      http.StatusConflict,
	codes.PermissionDenied:   http.StatusForbidden,
	codes.Unauthenticated:    http.StatusUnauthorized,
	codes.ResourceExhausted:  http.StatusTooManyRequests,
	codes.FailedPrecondition: http.StatusBadRequest,
	codes.Aborted:            http.StatusConflict,
	codes.OutOfRange:         http.StatusBadRequest,
	codes.Unimplemented:      http.StatusNotImplemented,
	codes.Unavailable:        http.StatusServiceUnavailable,
}
