package web_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/policy"
	"github.com/spinegate/spinegate/internal/sandbox"
	"github.com/spinegate/spinegate/internal/server/servertest"
)

// What cannot be read is refused in words that say where, and leaves the evidence that it leaves over gRPC. Nothing of it is
// echoed or logged.
func TestABodyThatIsNoMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, noMessages)
}

func noMessages(t *testing.T) {
	g := servertest.Start(t, servertest.WithHTTP())
	const canary = "CANARY"
	for _, tt := range []struct {
		name, body string
		code       int
		rule       string
		where      string
	}{
		{"nothing", "", 400, "json.one", ""},
		{"only space", " \n ", 400, "json.one", ""},
		{"no JSON", canary, 400, "json.syntax", "byte 0"},
		{"not whole", `{"nhs_number": "CANARY`, 400, "json.syntax", "byte"},
		{"two messages", `{"nhs_number": "9990000018"} {"nhs_number": "CANARY"}`, 400, "json.one", ""},
		{"something after it", `{"nhs_number": "9990000018"} CANARY`, 400, "json.syntax", "byte 29"},
		{"no object", `"CANARY"`, 400, "json.message", "line 1, column 1"},
		{"null", `null`, 400, "json.message", "line 1, column 1"},
		{"a name twice", `{"nhs_number": "9990000018", "nhs_number": "CANARY"}`, 400, "json.syntax", "byte 29"},
		{"a name twice, in both spellings", `{"nhs_number": "9990000018", "nhsNumber": "CANARY"}`, 400, "json.message", "line 1, column 30"},
		{"a name twice, escaped", `{"nhs_number": "9990000018", "nhs\u005fnumber": "CANARY"}`, 400, "json.syntax", "byte 29"},
		{"a name that nobody knows", "{\"nhs_number\": \"9990000018\",\n \"CANARY\": 1}", 400, "json.message", "line 2, column 2"},
		{"a name in another case", `{"NHS_Number": "CANARY"}`, 400, "json.message", "line 1, column 2"},
		{"a number for a text", `{"nhs_number": 9990000018}`, 400, "json.message", "line 1, column 16"},
		{"an enum that nobody knows", `{"context": {"purpose": "CANARY"}}`, 400, "json.message", "column 25"},
		{"no UTF-8", "{\"nhs_number\": \"CANARY\xff\"}", 400, "json.syntax", "byte"},
		{"half a surrogate", `{"nhs_number": "CANARY\ud800"}`, 400, "json.syntax", "byte"},
		{"deep", strings.Repeat(`{"context":`, 5_000), 400, "json.syntax", "byte"},
		{"deep lists", strings.Repeat(`[`, 50_000), 400, "json.syntax", "byte"},
		{"too long", `{"nhs_number": "` + strings.Repeat("C", policy.MaxRequest) + `"}`, 413, "json.size", "65536"},
		{"too much space", strings.Repeat(" ", policy.MaxRequest+1) + `{}`, 413, "json.size", "65536"},
		{"binary", "\n\x0a9990000018", 400, "json.message", "line 1"},
	} {
		for _, method := range []string{trace, records} {
			time.Sleep(time.Minute) // of many that nobody sends, some are only counted
			name, before := method+" with "+tt.name, len(g.Entries(t))
			s := post(g.As(t.Context(), t, "clinician"), t, g, method, tt.body)
			detail := s.failed(t, tt.code, "REQUEST_INVALID")
			if v := detail.GetViolations(); len(v) != 1 || v[0].GetRule() != tt.rule || !strings.Contains(v[0].GetDescription(), tt.where) {
				t.Errorf("%s: violations %v, want %s at %q", name, v, tt.rule, tt.where)
			}
			if bytes.Contains(s.body, []byte(canary)) || bytes.Contains(s.body, []byte(plain)) {
				t.Errorf("%s: echoed: %s", name, s.body)
			}
			time.Sleep(time.Second) // the status of a question leaves before its evidence, as gRPC has it
			all := g.Entries(t)
			if len(all) == before {
				t.Errorf("%s: no evidence", name)
				continue
			}
			if last := all[len(all)-1]; last.Outcome == nil || last.Outcome.Reason != "REQUEST_INVALID" || last.Method != method {
				t.Errorf("%s: the trail ends with %+v", name, last)
			}
		}
	}
	if sent := g.Spine.Transcript().All(); len(sent) != 0 {
		t.Errorf("%d requests left", len(sent))
	}
	silent(t, g, canary)
}

// A message may be as large as over gRPC, in its own form and in JSON's.
func TestABodyMayBeAsLongAsAMessage(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t, servertest.WithHTTP())
	body := `{"nhs_number": "9990000018"}`
	body += strings.Repeat(" ", policy.MaxRequest-len(body))
	post(g.As(t.Context(), t, "clinician"), t, g, trace, body).message(t, new(pb.TracePatientResponse))
}

// What is no call of ours is refused before it is one, in the same form.
func TestARequestThatIsNoCall(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t, servertest.WithHTTP())
	const body = `{"nhs_number": "9990000018"}`
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		code   int
		rule   string
	}{
		{"GET", func(r *http.Request) { r.Method = http.MethodGet }, 405, "http.method"},
		{"PUT", func(r *http.Request) { r.Method = http.MethodPut }, 405, "http.method"},
		{"OPTIONS", func(r *http.Request) { r.Method = http.MethodOptions }, 405, "http.method"},
		{"POST that would be GET", func(r *http.Request) {
			r.Header.Set("X-HTTP-Method-Override", "GET")
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}, 415, "http.content_type"},
		{"no content type", func(r *http.Request) { r.Header.Del("Content-Type") }, 415, "http.content_type"},
		{"two content types", func(r *http.Request) { r.Header.Add("Content-Type", "text/plain") }, 415, "http.content_type"},
		{"a form's content type", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415, "http.content_type"},
		{"JSON hidden in a form's", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain; application/json") }, 415, "http.content_type"},
		{"another alphabet", func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=utf-16") }, 415, "http.content_type"},
		{"gRPC", func(r *http.Request) { r.Header.Set("Content-Type", "application/grpc") }, 415, "http.content_type"},
		{"compressed", func(r *http.Request) {
			var small bytes.Buffer
			w := gzip.NewWriter(&small)
			_, _ = w.Write(make([]byte, 64<<20))
			_ = w.Close()
			r.Header.Set("Content-Encoding", "gzip")
			r.Body, r.ContentLength = io.NopCloser(&small), int64(small.Len())
		}, 415, "http.content_encoding"},
		{"a query", func(r *http.Request) { r.URL.RawQuery = "nhs_number=9990000018" }, 400, "http.query"},
		{"an empty query", func(r *http.Request) { r.URL.ForceQuery = true }, 400, "http.query"},
		{"two timeouts", func(r *http.Request) { r.Header["Grpc-Timeout"] = []string{"1S", "1H"} }, 400, "http.grpc_timeout"},
		{"no page's origin", func(r *http.Request) { r.Header.Set("Origin", "https://portal.example") }, 403, "http.origin"},
		{"a page without one", func(r *http.Request) { r.Header.Set("Origin", "null") }, 403, "http.origin"},
		{"GET of nothing", func(r *http.Request) { r.Method, r.URL.Path = http.MethodGet, "/9990000018" }, 404, "http.path"},
		{"HEAD of nothing", func(r *http.Request) { r.Method, r.URL.Path = http.MethodHead, "/" }, 404, ""},
		{"POST of the document", func(r *http.Request) { r.URL.Path = "/openapi.json" }, 404, "http.path"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRequest(g.As(t.Context(), t, "clinician"), t, trace, body)
			tt.change(r)
			s := send(t, g.HTTP, r)
			if tt.code == 405 && s.header.Get("Allow") != http.MethodPost {
				t.Errorf("Allow is %q", s.header.Get("Allow"))
			}
			if tt.rule == "" {
				if s.status != tt.code || len(s.body) != 0 {
					t.Errorf("%d: %s", s.status, s.body)
				}
				return
			}
			detail := s.failed(t, tt.code, "REQUEST_INVALID")
			if got := detail.GetViolations()[0].GetRule(); got != tt.rule {
				t.Errorf("rule %s, want %s", got, tt.rule)
			}
			if bytes.Contains(s.body, []byte(plain)) || s.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%v %s", s.header, s.body)
			}
		})
	}
	if sent := g.Spine.Transcript().All(); len(sent) != 0 {
		t.Errorf("%d requests left", len(sent))
	}
	silent(t, g, "/openapi")
}

// Names are exact, and what gRPC offers beside the API is not offered. A POST to nowhere is refused by the chain, as over gRPC.
func TestAPathThatIsNoMethods(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.WithHTTP())
		for _, path := range []string{
			"/", "/spinegate.v1.PatientTrace", trace + "/", "/" + trace, strings.ToLower(trace), "/spinegate.v1.PatientTrace%2FTracePatient",
			"/spinegate.v1.PatientTrace/%54racePatient", "/x/.." + trace, trace + ";a=b", "/spinegate.v1.PatientTrace/9990000018",
			"/grpc.health.v1.Health/Check", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/unknown/unknown",
		} {
			time.Sleep(time.Minute) // who tries many is limited
			s := post(g.As(t.Context(), t, "clinician"), t, g, path, `{"nhs_number": "9990000018"}`)
			detail := s.failed(t, http.StatusNotFound, "REQUEST_INVALID")
			all := outcomes(t, g)
			last := all[len(all)-1]
			if last.Outcome.Reason != "METHOD_WITHOUT_POLICY" || last.Method != "(unknown)" || last.Call != detail.GetTraceIds().GetCallId() {
				t.Errorf("%s: the trail has %+v", path, last)
			}
			post(t.Context(), t, g, path, `{}`).failed(t, http.StatusUnauthorized, "TOKEN_MISSING")
			if strings.Contains(g.Log.String(), path) && path != "/" {
				t.Errorf("%s is in the log", path)
			}
		}
		silent(t, g)
	})
}

// Whatever a header is called, it sets nothing but what it is for.
func TestHeadersSetNothingInside(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t, servertest.WithHTTP())
	ctx := g.As(t.Context(), t, "clinician")
	token := newRequest(ctx, t, trace, "").Header.Get("Authorization")
	spoof := func(r *http.Request) {
		for name, value := range map[string]string{
			"Grpc-Metadata-Authorization": token, "Grpc-Metadata-Spinegate-Cis2-Id-Token": "x", "Grpcgateway-Authorization": token,
			"X-Forwarded-For": "192.0.2.7", "Forwarded": "for=192.0.2.7", "X-Real-Ip": "192.0.2.7", "X-Client-Cert": "x", "X-Forwarded-Client-Cert": "Hash=x",
			"Grpc-Encoding": "gzip", "Grpc-Accept-Encoding": "gzip", "Grpc-Tags-Bin": "AAAA", "Grpc-Trace-Bin": "AAAA", "Te": "trailers",
			"Baggage": "user=CANARY", "X-Http-Method-Override": "GET", "User-Agent": "CANARY", "Cookie": "authorization=" + token,
			"Proxy-Authorization": token, "Spinegate-Session": "x", "Connection": "upgrade", "Upgrade": "h2c", "Http2-Settings": "AAMAAABkAAQAAP__",
		} {
			r.Header.Set(name, value)
		}
	}
	r := newRequest(t.Context(), t, trace, `{"nhs_number": "9990000018"}`)
	spoof(r)
	send(t, g.HTTP, r).failed(t, http.StatusUnauthorized, "TOKEN_MISSING")
	r = newRequest(ctx, t, trace, `{"nhs_number": "9990000018"}`)
	spoof(r)
	send(t, g.HTTP, r).message(t, new(pb.TracePatientResponse))
	for _, e := range g.Entries(t) {
		if e.Peer != "pipe" {
			t.Errorf("%s names %s as its peer", e.Kind, e.Peer)
		}
	}
	if strings.Contains(g.Log.String(), "CANARY") {
		t.Error("a header is in the log")
	}
	for _, span := range g.Spans.Ended() {
		for _, a := range span.Attributes() {
			if strings.Contains(a.Value.String(), "CANARY") || strings.Contains(a.Value.String(), "192.0.2.7") {
				t.Errorf("%s: %s is %s", span.Name(), a.Key, a.Value.String())
			}
		}
	}
}

func TestCredentialsAreTakenAsOverGRPC(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t, servertest.WithHTTP())
	token := newRequest(g.As(t.Context(), t, "clinician"), t, trace, "").Header.Get("Authorization")
	for _, tt := range []struct {
		name   string
		values []string
		reason string
	}{
		{"none", nil, "TOKEN_MISSING"},
		{"two", []string{token, token}, "TOKEN_INVALID"},
		{"no bearer", []string{"Basic eDp5"}, "TOKEN_INVALID"},
		{"not printable", []string{token + "\u00e9"}, "TOKEN_INVALID"},
		{"as long as headers may be", []string{"Bearer " + strings.Repeat("x", 23<<10)}, "TOKEN_INVALID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRequest(t.Context(), t, trace, `{"nhs_number": "9990000018"}`)
			r.Header["Authorization"] = tt.values
			s := send(t, g.HTTP, r)
			s.failed(t, http.StatusUnauthorized, tt.reason)
			if s.header.Get("WWW-Authenticate") != "Bearer" {
				t.Error("it does not say what is needed")
			}
		})
	}
	r := newRequest(t.Context(), t, trace, `{}`)
	r.Header.Set("Authorization", "Bearer "+strings.Repeat("x", 40<<10))
	if s := send(t, g.HTTP, r); s.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("more than headers may be: %d", s.status)
	}
	r = newRequest(t.Context(), t, trace, `{}`)
	for range 5000 {
		r.Header.Add("X", "y")
	}
	if s := send(t, g.HTTP, r); s.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("more headers than there may be: %d", s.status)
	}
}

// A caller who sends a head and no body is waited for as long as over gRPC, and leaves the same evidence.
func TestABodyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method, timeout string
		within          time.Duration
	}{
		{trace, "", 5 * time.Second},
		{records, "", 5 * time.Second},
		{trace, "20S", 5 * time.Second},
		{trace, "3S", 3 * time.Second},
		{records, "3S", 3 * time.Second},
	} {
		t.Run(tt.method+" "+tt.timeout, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.WithHTTP())
				r := newRequest(g.As(t.Context(), t, "clinician"), t, tt.method, "")
				if tt.timeout != "" {
					r.Header.Set("Grpc-Timeout", tt.timeout)
				}
				rest := stall(r, `{"nhs_number": `)
				began := time.Now()
				s := send(t, g.HTTP, r)
				_ = rest.CloseWithError(errors.New("gone"))
				s.failed(t, http.StatusRequestTimeout, "DEADLINE_EXCEEDED")
				if took := time.Since(began); took != tt.within {
					t.Errorf("took %v", took)
				}
				synctest.Wait()
				reasons := []string{"DEADLINE_EXCEEDED"}
				if tt.within < 5*time.Second {
					reasons = append(reasons, "CANCELLED") // the caller's clock rings first, as it may over gRPC
				}
				if all := outcomes(t, g); len(all) != 1 || !slices.Contains(reasons, all[0].Outcome.Reason) {
					t.Errorf("outcomes %+v", all)
				}
			})
		})
	}
}

// stall has a request begin its body, and never end it.
func stall(r *http.Request, begin string) (rest *io.PipeWriter) {
	body, rest := io.Pipe()
	r.Body, r.ContentLength = body, 100
	go func() { _, _ = io.WriteString(rest, begin) }()
	return rest
}

// Nor does a body that nobody wants hold a connection, or a stop, for longer: whoever it is that sends none.
func TestABodyThatDoesNotComeAndNobodyWants(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*http.Request){
		"another content type":  func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"a page of nowhere":     func(r *http.Request) { r.Header.Set("Origin", "https://attacker.example") },
		"the document":          func(r *http.Request) { r.Method, r.URL.Path = http.MethodGet, "/openapi.json" },
		"GET of nothing":        func(r *http.Request) { r.Method, r.URL.Path = http.MethodGet, "/nowhere" },
		"POST to nothing":       func(r *http.Request) { r.URL.Path = "/nowhere" },
		"nobody's call":         func(*http.Request) {},
		"nobody's many":         func(r *http.Request) { r.URL.Path = traces },
		"chunks":                func(r *http.Request) { r.Method, r.ContentLength = http.MethodPut, -1 },
		"before a page's":       func(r *http.Request) { r.Method = http.MethodOptions },
		"a deadline of no sort": func(r *http.Request) { r.Header.Set("Grpc-Timeout", "x") },
	} {
		for _, stop := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", and a stop"}[stop], func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					g := servertest.Start(t, servertest.WithHTTP())
					r := newRequest(t.Context(), t, trace, "")
					change(r)
					length := r.ContentLength
					rest := stall(r, "{")
					if length < 0 {
						r.ContentLength = length
					}
					began := time.Now()
					var s said
					var took time.Duration
					var asking sync.WaitGroup
					asking.Go(func() { s, took = send(t, g.HTTP, r), time.Since(began) })
					if stop {
						synctest.Wait()
						g.StopGateway()
						if took := time.Since(began); took > 6*time.Second {
							t.Errorf("the stop took %v", took)
						}
					}
					asking.Wait()
					if took > 5*time.Second {
						t.Errorf("answered %d after %v", s.status, took)
					}
					if s.status < 400 && r.URL.Path != "/openapi.json" {
						t.Errorf("answered %d", s.status)
					}
					_ = rest.CloseWithError(errors.New("gone"))
				})
			})
		}
	}
}

// Over HTTP/1.1 nothing that is left of a stream's body is taken for a request, and nothing of what becomes of it reaches
// another call on its connection.
func TestWhatIsLeftOfAStreamIsNoRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, begin string }{
		{"not readable", `{"bad":1}`}, {"nothing", ""}, {"readable, then not", `{"start":{}} {"bad":1}`},
	} {
		for _, as := range []string{"", "clinician"} {
			t.Run(tt.name+" "+as, func(t *testing.T) {
				t.Parallel()
				listener := servertest.NewPipes()
				g := servertest.Start(t, servertest.WithHTTP(), func(o *sandbox.Options) { o.HTTPListener = listener })
				ctx := t.Context()
				if as != "" {
					ctx = g.As(ctx, t, as)
				}
				inner := "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
				r := newRequest(ctx, t, traces, "")
				var head bytes.Buffer
				r.Header.Set("Content-Length", strconv.Itoa(16<<10))
				fmt.Fprintf(&head, "POST %s HTTP/1.1\r\nHost: x\r\n", traces)
				_ = r.Header.Write(&head)
				head.WriteString("\r\n" + tt.begin)
				head.WriteString(strings.Repeat(" ", 4096-head.Len())) // what the library reads at once
				c, err := listener.DialContext(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				go func() {
					_, _ = c.Write(head.Bytes())
					_, _ = io.WriteString(c, inner)
				}()
				said, _ := io.ReadAll(c) // it ends, since the connection does
				if n := bytes.Count(said, []byte("HTTP/1.1 ")); n != 1 || !bytes.Contains(said, []byte("\r\nConnection: close\r\n")) {
					t.Errorf("%d answers: %.300s", n, said)
				}
			})
		}
	}
}

// What has failed leaves nothing behind for the next call.
func TestAGoodCallAfterOneThatWasRefused(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t, servertest.WithHTTP())
	ctx := g.As(t.Context(), t, "clinician")
	for _, tt := range []struct{ method, body string }{
		{traces, `{"start":{}} {"bad":1}`},
		{traces, `{"bad":1}` + strings.Repeat(" ", 5000)},
		{trace, `{"bad":1}`},
		{trace, "{" + strings.Repeat(" ", 9000)},
		{"/nowhere", "{}"},
	} {
		for range 3 {
			if s := post(ctx, t, g, tt.method, tt.body); s.err != nil {
				t.Error(s.err)
			}
			post(ctx, t, g, trace, `{"nhs_number": "9990000018"}`).message(t, new(pb.TracePatientResponse))
		}
	}
}

// Many headers, and numbers that are longer as protobuf than as JSON, are as much the caller's as anything else is.
func TestWhatGrowsOnItsWay(t *testing.T) {
	t.Parallel()
	g := servertest.Start(t, servertest.WithHTTP())
	for _, name := range []string{"Tracestate", "Traceparent"} {
		r := newRequest(g.As(t.Context(), t, "clinician"), t, trace, `{"nhs_number": "9990000018"}`)
		r.Header[name] = slices.Repeat([]string{"a"}, 1000)
		send(t, g.HTTP, r).message(t, new(pb.TracePatientResponse))
	}
	r := newRequest(t.Context(), t, trace, `{"nhs_number": "9990000018"}`)
	r.Header["Authorization"] = slices.Repeat([]string{"a"}, 1000)
	send(t, g.HTTP, r).failed(t, http.StatusUnauthorized, "TOKEN_INVALID")
	long := post(g.As(t.Context(), t, "clinician"), t, g, "/spinegate.v1.GPConnect/SearchSlots", `{"channels": [-1`+strings.Repeat(",-1", 300_000)+`]}`)
	if detail := long.failed(t, http.StatusRequestEntityTooLarge, "REQUEST_INVALID"); detail.GetViolations()[0].GetRule() != "json.size" {
		t.Errorf("violations %v", detail.GetViolations())
	}
}

// Pages call from where they are configured to be, and from nowhere else.
func TestPagesOfOrigins(t *testing.T) {
	t.Parallel()
	const portal = "https://portal.example"
	g := servertest.Start(t, servertest.WithHTTP(), servertest.WithConfig(func(c *config.Config) {
		c.Listen.HTTP.AllowedOrigins = []string{portal, "http://localhost:3000"}
	}))
	for origin, allowed := range map[string]bool{
		portal: true, "http://localhost:3000": true, "null": false, "https://portal.example:8443": false, "http://portal.example": false,
		"https://portal.example.attacker.example": false, "https://attacker.example": false, "https://x.portal.example": false,
		"https://portal.example, https://attacker.example": false, "": false,
	} {
		t.Run(origin, func(t *testing.T) {
			ask := newRequest(t.Context(), t, trace, "")
			ask.Method = http.MethodOptions
			ask.Header.Del("Content-Type")
			ask.Header["Origin"] = []string{origin}
			ask.Header.Set("Access-Control-Request-Method", "POST")
			ask.Header.Set("Access-Control-Request-Headers", "authorization,content-type,grpc-timeout,traceparent")
			before := send(t, g.HTTP, ask)
			call := newRequest(g.As(t.Context(), t, "clinician"), t, trace, `{"nhs_number": "9990000018"}`)
			call.Header["Origin"] = []string{origin}
			s := send(t, g.HTTP, call)
			for _, h := range []http.Header{before.header, s.header} {
				want := []string(nil)
				if allowed {
					want = []string{origin}
				}
				if got := h.Values("Access-Control-Allow-Origin"); !slices.Equal(got, want) || h.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("headers %v", h)
				}
				if !strings.Contains(strings.Join(h.Values("Vary"), ","), "Origin") || h.Get("Cache-Control") != "no-store" {
					t.Errorf("headers %v", h)
				}
			}
			document := newRequest(t.Context(), t, "/openapi.json", "")
			document.Method = http.MethodGet
			document.Header["Origin"] = []string{origin}
			if got := send(t, g.HTTP, document); (got.status == http.StatusOK && got.header.Get("Access-Control-Allow-Origin") == origin) != allowed {
				t.Errorf("the document: %d %v", got.status, got.header)
			}
			if allowed {
				s.message(t, new(pb.TracePatientResponse))
			} else {
				s.failed(t, http.StatusForbidden, "REQUEST_INVALID")
			}
		})
	}
	// A header that is for nobody's call is not let through by a browser.
	ask := newRequest(t.Context(), t, trace, "")
	ask.Method = http.MethodOptions
	ask.Header.Set("Origin", portal)
	ask.Header.Set("Access-Control-Request-Method", "POST")
	ask.Header.Set("Access-Control-Request-Headers", "x-forwarded-for")
	if s := send(t, g.HTTP, ask); s.header.Get("Access-Control-Allow-Headers") != "" {
		t.Errorf("headers %v", s.header)
	}
}
