package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often files are looked at for a change.
const lookEvery = 30 * time.Second

// keyPair is a certificate with its key, read again when its files change: a renewal needs no restart. Files are looked at
// when a handshake needs them, so there is nothing to stop. What cannot be read leaves the last good pair in use, since
// a renewal writes two files and somebody always looks in between.
type keyPair struct {
	certificateFile, keyFile string
	log                      *slog.Logger

	mu     sync.Mutex // guards what follows
	pair   *tls.Certificate
	looked time.Time
	stamp  [2]stamp
}

// stamp tells versions of a file apart.
type stamp struct {
	changed time.Time
	size    int64
}

func newKeyPair(certificateFile, keyFile string, log *slog.Logger) (*keyPair, error) {
	k := &keyPair{certificateFile: certificateFile, keyFile: keyFile, log: log}
	pair, err := tls.LoadX509KeyPair(certificateFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("load a certificate with its key: %w", err)
	}
	k.pair, k.looked, k.stamp = &pair, time.Now(), k.stamps()
	return k, nil
}

// forClient is the GetCertificate of a server.
func (k *keyPair) forClient(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.current(), nil }

// forServer is the GetClientCertificate of a client. The proxy asks for no particular authority (SDS contract, C4).
func (k *keyPair) forServer(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return k.current(), nil
}

// current is the pair that is in use now.
func (k *keyPair) current() *tls.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.looked) < lookEvery {
		return k.pair
	}
	k.looked = time.Now()
	now := k.stamps()
	if now == k.stamp {
		return k.pair
	}
	pair, err := tls.LoadX509KeyPair(k.certificateFile, k.keyFile)
	if err != nil {
		k.log.Warn("a changed certificate cannot be used, the last one stays", "file", k.certificateFile, "error", err)
		return k.pair
	}
	k.pair, k.stamp = &pair, now
	k.log.Info("a certificate was read again", "file", k.certificateFile, "expires", pair.Leaf.NotAfter)
	return k.pair
}

// stamps follows symbolic links, so that the swap by which Kubernetes renews a secret is seen.
func (k *keyPair) stamps() (s [2]stamp) {
	for i, file := range []string{k.certificateFile, k.keyFile} {
		if info, err := os.Stat(file); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}
