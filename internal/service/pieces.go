package service

import (
	"iter"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/policy"
	"github.com/spinegate/spinegate/internal/typed"
)

// No message exceeds [policy.MaxMessage] (product.md). What is longer goes on in further messages; package gpconnect bounds
// the texts that stand in one, and the chain refuses whatever would still not fit.
const (
	maxMessage = policy.MaxMessage
	// overhead is room for what stands around the bytes of a message.
	overhead = 4 << 10
	// label bounds a name or a version.
	label = 256
	// lastPiece is how much JSON fits beside the largest typed form.
	lastPiece = maxMessage - typed.MaxSize - 2*overhead
	// chunkSize is what a message of a provider's bytes holds: large enough to be cheap, small enough to flow.
	chunkSize = 64 << 10
)

// pieces cuts an entry into what fits into a message. All but the last hold JSON only, to be joined in order.
func pieces(e *pb.RecordEntry) iter.Seq2[*pb.RecordEntry, bool] {
	return func(yield func(*pb.RecordEntry, bool) bool) {
		json := e.GetJson()
		for len(json) > lastPiece {
			n := min(len(json)-1, maxMessage-overhead)
			if !yield(&pb.RecordEntry{Json: json[:n]}, false) {
				return
			}
			json = json[n:]
		}
		if len(json) != len(e.GetJson()) {
			e = proto.CloneOf(e)
			e.Json = json
		}
		yield(e, true)
	}
}

// chunker gathers small runs of bytes into chunks.
type chunker struct {
	buffer []byte
	offset int64
}

// add takes bytes and yields every chunk that is full.
func (c *chunker) add(raw []byte) iter.Seq[*pb.FhirChunk] {
	return func(yield func(*pb.FhirChunk) bool) {
		for len(raw) > 0 {
			n := min(len(raw), chunkSize-len(c.buffer))
			c.buffer, raw = append(c.buffer, raw[:n]...), raw[n:]
			if len(c.buffer) == chunkSize && !yield(c.rest()) {
				return
			}
		}
	}
}

// rest is the chunk of what has been gathered, nil when nothing has.
func (c *chunker) rest() *pb.FhirChunk {
	if len(c.buffer) == 0 {
		return nil
	}
	chunk := &pb.FhirChunk{Offset: c.offset, Data: c.buffer}
	c.offset += int64(len(c.buffer))
	c.buffer = nil
	return chunk
}

// cut shortens a text to at most n bytes, and shows that it did.
func cut(text string, n int) string {
	const more = "…"
	if len(text) <= n {
		return text
	}
	n -= len(more)
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return strings.ToValidUTF8(text[:n], "") + more
}

// labelled cuts what a provenance quotes of a capability statement: it stands beside other things in many messages.
func labelled(p *pb.Provenance) *pb.Provenance {
	p.Supplier, p.SpecificationVersion = cut(p.GetSupplier(), label), cut(p.GetSpecificationVersion(), label)
	return p
}
