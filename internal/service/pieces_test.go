package service

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/handle"
	"github.com/spinegate/spinegate/internal/policy"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/spine"
)

func TestAnEntryOfAnySizeIsCutIntoMessagesThatFit(t *testing.T) {
	for _, size := range []int{0, 1, lastPiece, lastPiece + 1, policy.MaxMessage, 3*policy.MaxMessage + 7} {
		whole := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		var joined []byte
		lasts := 0
		for piece, last := range pieces(&pb.RecordEntry{ResourceType: "List", Json: whole}) {
			if n := proto.Size(piece); n > policy.MaxMessage-overhead/2 { // the rest is for what stands around it
				t.Errorf("%d bytes: a piece has %d", size, n)
			}
			joined = append(joined, piece.GetJson()...)
			if last {
				lasts++
			}
			if last != (piece.GetResourceType() != "") {
				t.Errorf("%d bytes: the type is not on the last piece alone", size)
			}
		}
		if !bytes.Equal(joined, whole) || lasts != 1 {
			t.Errorf("%d bytes: %d came, %d pieces are the last", size, len(joined), lasts)
		}
	}
}

func TestCutKeepsCharactersWholeAndSaysThatItCut(t *testing.T) {
	for _, text := range []string{"", "short", strings.Repeat("a", 20), strings.Repeat("é", 20), strings.Repeat("€", 20), strings.Repeat("\xff", 20)} {
		for n := 4; n < 30; n++ {
			got := cut(text, n)
			switch {
			case len(text) <= n && got != text:
				t.Errorf("cut(%q, %d) = %q, want it as it is", text, n, got)
			case len(text) > n && (len(got) > n || !strings.HasSuffix(got, "…") || !utf8.ValidString(got)):
				t.Errorf("cut(%q, %d) = %q", text, n, got)
			}
		}
	}
}

// Three statements travel in one message. Each has a share of it.
func TestStatementsOfAnySizeFitIntoOneAnswer(t *testing.T) {
	for _, tt := range []struct {
		name                  string
		text, name1, supplier int // bytes of the JSON, of what was read of it, and of the supplier's name
		json, told            bool
	}{
		{"an ordinary one", 6 << 10, 100, 20, true, true},
		{"the most that fits", rootShare - overhead - 200, 100, 20, true, true},
		{"a long one", rootShare, 100, 20, false, true},
		{"one that is larger than any message", 4 << 20, 100, 20, false, true},
		{"one of long words", 1 << 20, rootShare - 2*overhead, 20, false, true},
		{"one that is nothing but words", 1 << 20, 1 << 20, 20, false, false},
		{"one of a supplier with a very long name", 200 << 10, 100, 100 << 10, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			statement := &gpconnect.Statement{
				Name: strings.Repeat("n", tt.name1), SoftwareName: strings.Repeat("s", tt.supplier), VersionText: "1.6.2",
				JSON: make([]byte, tt.text), Response: &spine.Response{},
			}
			answer := &pb.GetCapabilitiesResponse{Provenance: &pb.Provenance{}}
			for range roots {
				root := &pb.CapabilityRoot{Provenance: &pb.Provenance{TraceIds: &pb.TraceIds{}}}
				err := describeRoot(root, statement)
				if tt.told != (err == nil) || err != nil && fault.ReasonOf(err) != pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE {
					t.Fatalf("describeRoot = %v", err)
				}
				if tt.json != (len(root.GetJson()) == tt.text) || !tt.json && root.GetJson() != nil {
					t.Errorf("%d bytes of JSON", len(root.GetJson()))
				}
				if tt.told != (root.GetSupport() == pb.Support_SUPPORT_DECLARED) {
					t.Errorf("support is %s", root.GetSupport())
				}
				answer.Roots = append(answer.Roots, root)
			}
			if n := proto.Size(answer); n > policy.MaxMessage {
				t.Errorf("the answer has %d bytes", n)
			}
		})
	}
}

func TestASlotThatFitsIntoNoMessageIsNotOfferedAndTheOthersAre(t *testing.T) {
	sealer, err := handle.New(handle.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	q := &slotSearch{core: &core{Config: Config{Handles: sealer}}, request: &pb.SearchSlotsRequest{}}
	slots := []gpconnect.Slot{
		{ID: "1", JSON: []byte("{}")},
		{ID: "2", JSON: make([]byte, policy.MaxMessage)},
		{ID: "3", JSON: []byte("{}"), SlotType: strings.Repeat("x", policy.MaxMessage)},
		{ID: "4", JSON: make([]byte, policy.MaxMessage/2)},
	}
	var last slotEvent
	got := q.wanted(slots, sds.Route{}, map[string]bool{}, &last)
	if len(got) != 2 || last.unreadable != 2 {
		t.Errorf("%d slots and %d that cannot be read, want 2 and 2", len(got), last.unreadable)
	}
	for _, s := range got {
		if n := proto.Size(s); n > policy.MaxMessage-overhead {
			t.Errorf("a slot has %d bytes", n)
		}
	}
}
