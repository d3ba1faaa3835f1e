package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const keyBytes = 32

// Key seals what must not be readable in a file and makes what is sealed findable.
//
// Nonces are random, which NIST SP 800-38D, 8.3 allows for 2^32 messages under one key: six years at twenty a second.
// A longer-lived file needs a new key, and so a new file.
type Key struct {
	aead  cipher.AEAD
	index []byte
}

// Seal encrypts plaintext with AES-256-GCM. It opens only with the same context, which is not stored.
func (k *Key) Seal(plaintext, context []byte) []byte {
	return k.aead.Seal(nil, nil, plaintext, context) //nolint:gosec // the AEAD makes its own nonce
}

// Unseal decrypts what Seal returned.
func (k *Key) Unseal(sealed, context []byte) ([]byte, error) {
	plaintext, err := k.aead.Open(nil, nil, sealed, context)
	if err != nil {
		return nil, fmt.Errorf("%w: sealed data does not open", ErrKey)
	}
	return plaintext, nil
}

// Index is the HMAC-SHA-256 under which something is looked up that must not be readable. The parts are told apart:
// Index("ab", "c") is not Index("a", "bc").
func (k *Key) Index(parts ...string) []byte {
	mac := hmac.New(sha256.New, k.index)
	for _, part := range parts {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

func (k *Key) fingerprint() []byte { return k.Index("fingerprint") }

// String keeps the key out of whatever formats it.
func (k *Key) String() string { return "key:redacted" }

// GoString keeps the key out of whatever formats it.
func (k *Key) GoString() string { return k.String() }

// loadKey reads the key file, or makes it, and derives the keys of one purpose. Its errors never show what it holds.
func loadKey(path, purpose string, create bool) (*Key, error) {
	secret, err := readKey(path)
	if create && errors.Is(err, fs.ErrNotExist) {
		secret, err = createKey(path)
	}
	if err != nil {
		return nil, err
	}
	sealing, err := hkdf.Key(sha256.New, secret, nil, "spinegate "+purpose+" sealing", keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	index, err := hkdf.Key(sha256.New, secret, nil, "spinegate "+purpose+" index", keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return &Key{aead: aead, index: index}, nil
}

func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	// A group may read it (that is how secrets are mounted for a service), nobody else may, and only its owner may
	// change it. Windows has no such bits.
	const tooOpen = 0o027
	if perm := info.Mode().Perm(); perm&tooOpen != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%w: key file %s has mode %#o, 0600 is needed", ErrKey, path, perm)
	}
	text := make([]byte, hex.EncodedLen(keyBytes)+2)
	n, err := f.Read(text)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text[:n])))
	if err != nil || len(secret) != keyBytes {
		return nil, fmt.Errorf("%w: key file %s does not hold 64 hexadecimal digits", ErrKey, path)
	}
	return secret, nil
}

// createKey makes the file durable before anything is sealed with it. Under the final name it is whole or absent.
func createKey(path string) (_ []byte, err error) {
	secret := make([]byte, keyBytes)
	rand.Read(secret)
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create key file: %w", err)
	}
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("create key file: %w", err)
	}
	_, err = f.WriteString(hex.EncodeToString(secret) + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		// A link, unlike a rename, never replaces a key that another process has just made.
		err = os.Link(f.Name(), path)
	}
	err = errors.Join(err, os.Remove(f.Name()), syncDir(dir))
	switch {
	case errors.Is(err, fs.ErrExist):
		return readKey(path)
	case err != nil:
		return nil, fmt.Errorf("create key file: %w", err)
	}
	return secret, nil
}
