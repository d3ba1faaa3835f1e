package service

import (
	"sync"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
)

// directoryKeeps is how long the directory's own cache may give an old answer (SDS contract, A1).
const directoryKeeps = 30 * time.Minute

// senders are whose each ASID is, so that no organisation ever sends as another whatever the directory says.
type senders struct {
	mu sync.Mutex // guards what follows
	of map[nhs.ASID]nhs.ODSCode
	// doubts are when the proxy did not accept an organisation's ASID.
	doubts map[nhs.ODSCode]time.Time
}

// newSenders knows those that are configured.
func newSenders(organisations map[nhs.ODSCode]Organisation) *senders {
	s := &senders{of: map[nhs.ASID]nhs.ODSCode{}, doubts: map[nhs.ODSCode]time.Time{}}
	for ods, o := range organisations {
		if !o.ASID.IsZero() {
			s.of[o.ASID] = ods
		}
	}
	return s
}

// claim notes whose an ASID is that the directory gave. It fails with CONSUMER_ASID_UNKNOWN if it is another organisation's.
func (s *senders) claim(asid nhs.ASID, ods nhs.ODSCode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if owner, known := s.of[asid]; known && owner != ods {
		e := fault.New(pb.Hop_HOP_SDS, pb.ErrorReason_ERROR_REASON_CONSUMER_ASID_UNKNOWN, nil)
		e.Operator = "The directory names an ASID that is another organisation's of this gateway."
		return e
	}
	s.of[asid] = ods
	delete(s.doubts, ods)
	return nil
}

// doubt notes that the proxy does not accept an organisation's ASID, and doubted tells whether the directory has to be asked
// past its cache because of that.
func (s *senders) doubt(ods nhs.ODSCode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doubts[ods] = time.Now()
}

func (s *senders) doubted(ods nhs.ODSCode) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.doubts[ods]
	return ok && time.Since(at) < directoryKeeps
}
