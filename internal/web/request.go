package web

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/cors"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// refusal is what is wrong with a request, in HTTP's word and in ours. Nothing of the request is in it.
type refusal struct {
	status int
	fault  *fault.Error
	allow  string         // methods that would be allowed
	chain  pb.ErrorReason // what the chain calls it, where it is asked
}

// Error implements error.
func (r *refusal) Error() string { return r.fault.Error() }

func refused(status int, field, rule, description string) *refusal {
	e := fault.Invalid(field, rule, description)
	return &refusal{status: status, fault: e, chain: e.Reason}
}

// errNowhere is said where the path is no method's.
var errNowhere = func() *refusal {
	r := refused(http.StatusNotFound, "path", "http.path", "the full name of a method is needed, such as /spinegate.v1.PatientTrace/TracePatient")
	r.chain = pb.ErrorReason_ERROR_REASON_METHOD_WITHOUT_POLICY
	return r
}()

// errSlow is said to a caller whose request did not arrive.
var errSlow = func() *refusal {
	e := fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED, nil)
	e.Operator = fmt.Sprintf("The request did not arrive within %s and its deadline.", bodyTimeout)
	return &refusal{status: http.StatusRequestTimeout, fault: e, chain: e.Reason}
}()

// acceptable looks at everything of a request but its body. What is refused here is no call, and leaves no evidence, as gRPC
// refuses what is not gRPC. How long the call may take is in a header; zero is as long as the method may.
func acceptable(r *http.Request, m *method) (time.Duration, *refusal) {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(parameters["charset"])
	switch {
	case r.Method != http.MethodPost && m == unknown:
		return 0, errNowhere
	case r.Method != http.MethodPost:
		no := refused(http.StatusMethodNotAllowed, "method", "http.method", "every call is a POST")
		no.allow = http.MethodPost
		return 0, no
	case r.URL.RawQuery != "" || r.URL.ForceQuery:
		return 0, refused(http.StatusBadRequest, "query", "http.query", "nothing of a request may be in its address, where logs would keep it")
	case err != nil || kind != contentJSON || charset != "" && charset != "utf-8" || len(r.Header.Values("Content-Type")) > 1:
		return 0, refused(http.StatusUnsupportedMediaType, "content-type", "http.content_type", "application/json is needed")
	case r.Header.Get("Content-Encoding") != "" || slices.ContainsFunc(r.TransferEncoding, func(e string) bool { return e != "chunked" }):
		return 0, refused(http.StatusUnsupportedMediaType, "content-encoding", "http.content_encoding", "a request is not compressed")
	}
	timeouts := r.Header.Values("Grpc-Timeout")
	if len(timeouts) == 0 {
		return 0, nil
	}
	timeout, ok := parseTimeout(timeouts[0])
	if !ok || len(timeouts) > 1 {
		return 0, refused(http.StatusBadRequest, "grpc-timeout", "http.grpc_timeout", "up to eight digits and one of H, M, S, m, u, n are needed, such as 20S")
	}
	return timeout, nil
}

// leastTimeout is less than what any method asks for, so that a call with less is refused by the chain, and not lost on the way.
const leastTimeout = 100 * time.Millisecond

var units = map[byte]time.Duration{
	'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
}

// longest is more than any method may take.
const longest = 24 * time.Hour

// parseTimeout reads what gRPC calls a timeout.
func parseTimeout(text string) (time.Duration, bool) {
	if len(text) < 2 || len(text) > 9 {
		return 0, false
	}
	unit := units[text[len(text)-1]]
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 32)
	if err != nil || unit == 0 {
		return 0, false
	}
	if time.Duration(n) > longest/unit {
		return longest, true
	}
	return max(time.Duration(n)*unit, leastTimeout), true
}

// fromBrowsers lets pages of the origins that are configured call, and no other page: where a browser names one, it must be among
// them. Cookies and the like are never asked for. A client certificate a browser would bring by itself, and this is what keeps
// a page from using it.
func (s *Server) fromBrowsers(next http.Handler) http.Handler {
	if len(s.config.Origins) == 0 {
		return withoutOrigin(next, func(*http.Request) bool { return false })
	}
	rules := cors.New(cors.Options{
		AllowedOrigins: s.config.Origins,
		AllowedMethods: []string{http.MethodPost, http.MethodGet, http.MethodHead}, // these read the document, and do nothing else
		AllowedHeaders: append([]string{"content-type", "grpc-timeout"}, callHeaders...),
		ExposedHeaders: []string{"Retry-After"},
		MaxAge:         int((10 * time.Minute).Seconds()),
	})
	return rules.Handler(withoutOrigin(next, rules.OriginAllowed))
}

func withoutOrigin(next http.Handler, allowed func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Values("Origin")) > 0 && !allowed(r) {
			newAnswer(w, r, unknown).refuse(refused(http.StatusForbidden, "origin", "http.origin", "this origin is not among listen.http.allowedOrigins"))
			return
		}
		next.ServeHTTP(w, r)
	})
}
