package practice

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const mediaType = "application/fhir+json;charset=utf-8"

// maxBody is more than any request that a consumer has reason to send.
const maxBody = 1 << 20

// answer is what goes back: a status, a body unless it is empty, and the headers that only some answers have.
type answer struct {
	status   int
	body     []byte
	etag     string // a version, for ETag: W/"1"
	location string
	modified time.Time
}

// answer runs the checks in the contract's order (gpconnect.md, 17) and then does the work.
func (s *System) answer(r *http.Request) answer {
	a, err := s.handle(r)
	if err == nil {
		return a
	}
	refused := &refusal{}
	if !errors.As(err, &refused) {
		refused = internalError("the answer could not be built")
	}
	body, err := encodeResource(s.outcome(refused))
	if err != nil {
		return answer{status: http.StatusInternalServerError}
	}
	return answer{status: refused.status, body: body}
}

func (s *System) handle(r *http.Request) (answer, error) {
	op, rest, err := s.route(r)
	if err != nil {
		return answer{}, err
	}
	from, err := s.checkToken(r, op)
	if err != nil {
		return answer{}, err
	}
	if err := s.checkMedia(r); err != nil {
		return answer{}, err
	}
	if s.cfg.Off && op.interaction != foundationsMetadata {
		return answer{}, accessDenied(op.capability)
	}
	if op.work == nil {
		return answer{}, notImplemented(op.capability)
	}
	if strings.Contains(r.URL.RawQuery, "|") {
		// Some providers' web servers refuse it before anything reads it (sds-and-ssp.md, C2).
		return answer{}, badRequest("a vertical bar in the query must be percent-encoded")
	}
	var body []byte
	if r.Method != http.MethodGet {
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1)); err != nil || len(body) > maxBody {
			return answer{}, badRequest("the body cannot be read or is too long")
		}
	}
	return op.work(s, &request{
		Request: r, id: rest, body: body, consumer: from,
		query: r.URL.Query(), now: time.Now().In(s.zone), trace: r.Header.Get("Ssp-TraceID"),
	})
}

// ok answers 200 with a resource.
func ok(o object) (answer, error) {
	body, err := encodeResource(o)
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, body: body}, nil
}

// okVersion answers a read: 200 with an ETag.
func okVersion(o object, version string) (answer, error) {
	a, err := ok(o)
	a.etag = version
	return a, err
}

// write sends the answer: never to be stored, always with a charset, compressed for whoever asks.
func (a answer) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Encoding")
	if a.etag != "" {
		h.Set("ETag", `W/"`+a.etag+`"`)
	}
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if !a.modified.IsZero() {
		h.Set("Last-Modified", a.modified.UTC().Format(http.TimeFormat))
	}
	body := a.body
	if len(body) > 0 {
		h.Set("Content-Type", mediaType)
	}
	if len(body) > 0 && acceptsGzip(r) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		// A bytes.Buffer does not fail.
		_, _ = z.Write(body)
		_ = z.Close()
		body = b.Bytes()
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // a client that went away is not our concern
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q := strings.TrimSpace(params)
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}
