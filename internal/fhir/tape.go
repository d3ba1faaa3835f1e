package fhir

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// chunk is how much is asked of the source at once.
const chunk = 32 << 10

// tape stands between the source and the decoder. It counts and digests every byte as it comes, and keeps those since
// the end of the last entry, so that an entry can be handed on exactly as it was received.
type tape struct {
	src    io.Reader
	limits Limits
	digest hash.Hash
	length int64 // bytes received
	err    error // what ended the source; io.EOF when it simply ended

	kept   []byte // received bytes from offset base
	base   int64
	mark   int64 // where what is kept for the caller begins
	free   int64 // everything before it is no longer needed
	served int64 // offset of the next byte for the decoder
	bom    int64 // length of a byte order mark: the decoder never sees it
}

func newTape(src io.Reader, limits Limits) *tape {
	return &tape{src: src, limits: limits, digest: sha256.New()}
}

// Read serves the decoder.
func (t *tape) Read(p []byte) (int, error) {
	for t.served == t.length || t.served == 0 && t.length < 3 && t.err == nil {
		if t.err != nil {
			return 0, t.err
		}
		t.fill()
	}
	if t.served == 0 && t.length >= 3 && string(t.kept[:3]) == "\xef\xbb\xbf" {
		t.bom, t.served = 3, 3
		return t.Read(p)
	}
	if t.served-t.mark > t.limits.Entry {
		t.err = fmt.Errorf("one entry: %w", ErrTooLarge)
		return 0, t.err
	}
	n := copy(p, t.kept[t.served-t.base:])
	t.served += int64(n)
	return n, nil
}

// fill receives more bytes.
func (t *tape) fill() {
	if unused := t.free - t.base; unused > 0 && len(t.kept)+chunk > cap(t.kept) {
		t.kept = t.kept[:copy(t.kept, t.kept[unused:])]
		t.base = t.free
	}
	if len(t.kept)+chunk > cap(t.kept) {
		grown := make([]byte, len(t.kept), 2*cap(t.kept)+2*chunk)
		copy(grown, t.kept)
		t.kept = grown
	}
	n, err := t.src.Read(t.kept[len(t.kept) : len(t.kept)+chunk])
	_, _ = t.digest.Write(t.kept[len(t.kept) : len(t.kept)+n]) // a hash never fails
	t.kept = t.kept[:len(t.kept)+n]
	t.length += int64(n)
	t.err = err
	if t.length > t.limits.Total {
		t.err = fmt.Errorf("all of it: %w", ErrTooLarge)
		t.served = t.length // nothing beyond the limit is looked at
	}
}

// offset is where the decoder stands.
func (t *tape) offset(dec *jsontext.Decoder) int64 { return t.bom + dec.InputOffset() }

// between is what was received between two offsets that lie after the mark.
func (t *tape) between(start, end int64) []byte {
	return t.kept[start-t.base : end-t.base : end-t.base]
}

// since is what was received from the mark to end, which becomes the new mark. It stays valid until release.
func (t *tape) since(end int64) []byte {
	raw := t.between(t.mark, end)
	t.mark = end
	return raw
}

// release gives up what was handed out.
func (t *tape) release() { t.free = t.mark }

func (t *tape) sum() (digest [sha256.Size]byte) {
	t.digest.Sum(digest[:0])
	return digest
}
