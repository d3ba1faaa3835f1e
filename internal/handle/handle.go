// Package handle makes the opaque texts by which slots, appointments, documents and locations travel to callers and back.
//
// A handle is encrypted and authenticated, so that nothing can be read from one and none can be made up. It is bound to
// the environment, the caller's organisation, the practice and its system, and the patient where there is one; opened for
// any other it is a mismatch. It outlives neither its kind nor the key that sealed it.
package handle

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
)

// Kind says what a handle stands for.
type Kind byte

// The kinds, with how long each lives.
const (
	Slot        Kind = 's'
	Location    Kind = 'l'
	Appointment Kind = 'a'
	Document    Kind = 'd'
)

// life of each kind. A slot list is stale within the hour; an appointment may be amended weeks later, but then it is
// listed afresh; documents and locations serve one sitting.
var life = map[Kind]time.Duration{
	Slot:        time.Hour,
	Location:    24 * time.Hour,
	Appointment: 24 * time.Hour,
	Document:    time.Hour,
}

// MaxLength is the longest handle that is given out, in characters (product.md, Inputs).
const MaxLength = 1024

// Binding is what a handle belongs to. Every field is compared when it is opened.
type Binding struct {
	Environment  pb.Environment `json:"e,omitzero"`
	Organisation string         `json:"o,omitzero"`
	Practice     string         `json:"p,omitzero"`
	// Patient is an NHS Number in clear (it is encrypted with the rest), or empty for what belongs to no patient.
	Patient string `json:"n,omitzero"`
}

// sealed is what stands inside a handle.
type sealed struct {
	Binding Binding `json:"b"`
	Expires int64   `json:"x"` // seconds since 1970
	Payload []byte  `json:"v"`
}

const (
	version = 1
	keySize = 32
)

// encoding is strict, so that no two texts stand for one handle.
var encoding = base64.RawURLEncoding.Strict()

// ErrTooLong says that the payload does not fit into a handle.
var ErrTooLong = errors.New("handle: the payload does not fit")

// Sealer makes and opens handles. It is safe for concurrent use.
type Sealer struct {
	sealing cipher.AEAD
	tagging []byte
	opening []cipher.AEAD
}

// New makes a Sealer that seals with the first key and opens with any, so that keys can be rotated. Keys have 32 bytes.
func New(keys ...[]byte) (*Sealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("handle: a key is needed")
	}
	s := &Sealer{}
	for _, key := range keys {
		if len(key) != keySize {
			return nil, fmt.Errorf("handle: a key has %d bytes, want %d", len(key), keySize)
		}
		block, err := aes.NewCipher(derive(key, "seal"))
		if err != nil {
			return nil, fmt.Errorf("handle: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("handle: %w", err)
		}
		s.opening = append(s.opening, aead)
	}
	s.sealing, s.tagging = s.opening[0], derive(keys[0], "tag")
	return s, nil
}

// NewKey is a fresh random key.
func NewKey() []byte {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails since Go 1.24
	return key
}

func derive(key []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("spinegate handle " + purpose))
	return mac.Sum(nil)
}

// Seal makes a handle that holds payload and belongs to b.
func (s *Sealer) Seal(kind Kind, b Binding, payload any) (string, error) {
	value, err := json.Marshal(payload)
	if err != nil {
		return "", fmt.Errorf("handle: encoding the payload: %w", err)
	}
	plain, err := json.Marshal(sealed{Binding: b, Expires: time.Now().Add(life[kind]).Unix(), Payload: value})
	if err != nil {
		return "", fmt.Errorf("handle: encoding: %w", err)
	}
	header := []byte{version, byte(kind)}
	out := encoding.EncodeToString(s.sealing.Seal(header, nil, plain, header)) //nolint:gosec // the AEAD makes its own nonce
	if len(out) > MaxLength {
		return "", ErrTooLong
	}
	return out, nil
}

// Open reads a handle of this kind that belongs to b into payload. Its errors are HANDLE_INVALID, HANDLE_EXPIRED and
// HANDLE_MISMATCH.
func (s *Sealer) Open(kind Kind, b Binding, text string, payload any) error {
	raw, err := encoding.DecodeString(text)
	if err != nil || len(raw) < 2 || raw[0] != version {
		return refuse(pb.ErrorReason_ERROR_REASON_HANDLE_INVALID, err)
	}
	if Kind(raw[1]) != kind {
		return refuse(pb.ErrorReason_ERROR_REASON_HANDLE_MISMATCH, nil)
	}
	plain, err := s.decrypt(raw)
	if err != nil {
		return refuse(pb.ErrorReason_ERROR_REASON_HANDLE_INVALID, err)
	}
	var in sealed
	if err := json.Unmarshal(plain, &in); err != nil {
		return refuse(pb.ErrorReason_ERROR_REASON_HANDLE_INVALID, err)
	}
	// Whom it belongs to comes first: a stranger does not learn whether it is still good.
	if in.Binding != b {
		return refuse(pb.ErrorReason_ERROR_REASON_HANDLE_MISMATCH, nil)
	}
	if time.Now().Unix() >= in.Expires {
		return refuse(pb.ErrorReason_ERROR_REASON_HANDLE_EXPIRED, nil)
	}
	if err := json.Unmarshal(in.Payload, payload); err != nil {
		return refuse(pb.ErrorReason_ERROR_REASON_HANDLE_INVALID, err)
	}
	return nil
}

func (s *Sealer) decrypt(raw []byte) ([]byte, error) {
	var err error
	for _, aead := range s.opening {
		var plain []byte
		if plain, err = aead.Open(nil, nil, raw[2:], raw[:2]); err == nil {
			return plain, nil
		}
	}
	return nil, err
}

// Tag is a short text that is equal for equal parts and tells nothing about them.
func (s *Sealer) Tag(parts ...string) string {
	mac := hmac.New(sha256.New, s.tagging)
	for _, p := range parts {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(p), p)
	}
	return encoding.EncodeToString(mac.Sum(nil)[:15])
}

func refuse(reason pb.ErrorReason, cause error) error {
	return fault.New(pb.Hop_HOP_GATEWAY, reason, cause)
}
