package spine

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

const (
	// maxRatio is how much larger than sent an answer may become. Real bundles stay below 30 (trust.md, T10).
	maxRatio = 200
	// ratioFrom is the size from which the ratio is judged.
	ratioFrom = 1 << 20
)

var (
	errTooLarge = errors.New("longer than allowed")
	errEncoding = errors.New("cannot be decompressed")
)

// Body is the body of an answer.
type Body struct {
	hop  pb.Hop
	from io.ReadCloser
}

// Read reads what the upstream sent, decompressed.
func (b *Body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, explainBody(b.hop, err)
}

// Close gives up what is unread and frees the connection. It may be called again.
func (b *Body) Close() error { return b.from.Close() }

// ReadAll reads the rest of the body and closes it.
func (b *Body) ReadAll() ([]byte, error) {
	all, err := io.ReadAll(b)
	return all, errors.Join(err, b.Close())
}

func explainBody(hop pb.Hop, err error) error {
	if e := ended(hop, err); e != nil {
		return e
	}
	reason := pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT
	switch {
	case errors.Is(err, errTooLarge):
		reason = pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE
	case errors.Is(err, errEncoding):
		reason = pb.ErrorReason_ERROR_REASON_ANSWER_INVALID
	}
	return fault.New(hop, reason, err)
}

// inflate undoes the encoding of an answer and bounds its length.
func inflate(answer *http.Response, limit int64) (io.ReadCloser, error) {
	switch strings.ToLower(answer.Header.Get("Content-Encoding")) {
	case "", "identity":
		return &bounded{from: answer.Body, raw: answer.Body, limit: limit}, nil
	case "gzip":
		answer.Header.Del("Content-Encoding")
		answer.Header.Del("Content-Length")
		answer.ContentLength, answer.Uncompressed = -1, true
		sent := &counted{from: answer.Body}
		return &bounded{from: &gunzipped{sent: sent}, raw: answer.Body, sent: sent, limit: limit}, nil
	}
	_ = answer.Body.Close()
	return nil, errEncoding
}

// bounded ends a body that is too long, or that grew too much.
type bounded struct {
	from  io.Reader
	raw   io.Closer
	sent  *counted // nil if nothing was compressed
	limit int64
	read  int64
}

func (b *bounded) Read(p []byte) (int, error) {
	// One byte more than allowed shows that there is more.
	if room := b.limit - b.read + 1; int64(len(p)) > room {
		p = p[:room]
	}
	n, err := b.from.Read(p)
	b.read += int64(n)
	if b.read > b.limit || b.sent != nil && b.read > ratioFrom && b.read/maxRatio > b.sent.bytes {
		return 0, errTooLarge
	}
	switch {
	case err == nil, err == io.EOF, errors.Is(err, errEncoding): //nolint:errorlint // a wrapped EOF is not the end
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	default:
		err = plain(err)
	}
	return n, err
}

func (b *bounded) Close() error { return b.raw.Close() }

// counted counts what was received.
type counted struct {
	from  io.Reader
	bytes int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.bytes += int64(n)
	return n, err
}

// gunzipped inflates. It looks at the first byte only when read, so that waiting for it is waiting for the body.
type gunzipped struct {
	sent *counted
	gzip *gzip.Reader
}

func (g *gunzipped) Read(p []byte) (int, error) {
	var err error
	if g.gzip == nil {
		if g.gzip, err = gzip.NewReader(g.sent); err != nil {
			g.gzip = nil
			return 0, encoding(err)
		}
	}
	n, err := g.gzip.Read(p)
	return n, encoding(err)
}

// encoding tells bytes that are no gzip from bytes that stopped coming.
func encoding(err error) error {
	if _, corrupt := errors.AsType[flate.CorruptInputError](err); corrupt ||
		errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
		return errEncoding
	}
	return err
}
