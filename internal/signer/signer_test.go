package signer

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// keys are made once: they are the slow part.
var keys = sync.OnceValues(func() (pair [2]*rsa.PrivateKey, err error) {
	for i := range pair {
		if pair[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return pair, err
		}
	}
	return pair, nil
})

func ownAndOther(t *testing.T) (own, other *rsa.PrivateKey) {
	t.Helper()
	pair, err := keys()
	if err != nil {
		t.Fatal(err)
	}
	return pair[0], pair[1]
}

// holding is a keyring with keys in it.
func holding(t *testing.T, keys ...*rsa.PrivateKey) agent.ExtendedAgent {
	t.Helper()
	ring, ok := agent.NewKeyring().(agent.ExtendedAgent)
	if !ok {
		t.Fatal("the keyring takes no flags")
	}
	for _, key := range keys {
		if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
			t.Fatal(err)
		}
	}
	return ring
}

// serve runs an agent on a Unix socket until the test ends.
func serve(t *testing.T, a agent.Agent) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "agent")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				_ = agent.ServeAgent(a, conn) // it ends with the connection
			})
		}
	})
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait() // every connection is closed by now
	})
	return socket
}

// lying answers with another signature than it was asked for.
type lying struct {
	agent.ExtendedAgent
	sign func(key ssh.PublicKey, data []byte) (*ssh.Signature, error)
}

func (l lying) SignWithFlags(key ssh.PublicKey, data []byte, _ agent.SignatureFlags) (*ssh.Signature, error) {
	return l.sign(key, data)
}

func TestAnAgentSignsRS512(t *testing.T) {
	t.Parallel()
	own, other := ownAndOther(t)
	a, err := New(serve(t, holding(t, other, own)), &own.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("a message")
	signature, err := crypto.SignMessage(a, rand.Reader, message, crypto.SHA512)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha512.Sum512(message)
	if err := rsa.VerifyPKCS1v15(&own.PublicKey, crypto.SHA512, digest[:], signature); err != nil {
		t.Error(err)
	}
	if !own.PublicKey.Equal(a.Public()) {
		t.Error("Public is another key")
	}
	for _, opts := range []crypto.SignerOpts{crypto.SHA256, &rsa.PSSOptions{Hash: crypto.SHA512}} {
		if _, err := a.SignMessage(rand.Reader, message, opts); err == nil {
			t.Errorf("signed with %v", opts)
		}
	}
	if _, err := a.Sign(rand.Reader, digest[:], crypto.SHA512); err == nil {
		t.Error("signed a digest, which the agent would have hashed again")
	}
}

func TestWhyAnAgentDoesNotSign(t *testing.T) {
	t.Parallel()
	own, other := ownAndOther(t)
	locked := holding(t, own)
	if err := locked.Lock([]byte("x")); err != nil {
		t.Fatal(err)
	}
	refusing := lying{holding(t, own), func(ssh.PublicKey, []byte) (*ssh.Signature, error) { return nil, errors.New("not confirmed") }}
	for _, tt := range []struct {
		name   string
		socket string
		want   error
	}{
		{"no socket", filepath.Join(t.TempDir(), "none"), fs.ErrNotExist},
		{"another key", serve(t, holding(t, other)), ErrUnknown},
		{"locked", serve(t, locked), ErrEmpty},
		{"refused", serve(t, refusing), ErrRefused},
		{"another key's signature", serve(t, lying{holding(t, own), func(_ ssh.PublicKey, data []byte) (*ssh.Signature, error) {
			return signed(t, other, data, ssh.KeyAlgoRSASHA512), nil
		}}), ErrForged},
		{"a signature of something else", serve(t, lying{holding(t, own), func(ssh.PublicKey, []byte) (*ssh.Signature, error) {
			return signed(t, own, []byte("something else"), ssh.KeyAlgoRSASHA512), nil
		}}), ErrForged},
		{"SHA-1", serve(t, lying{holding(t, own), func(_ ssh.PublicKey, data []byte) (*ssh.Signature, error) {
			return signed(t, own, data, ssh.KeyAlgoRSA), nil
		}}), ErrForged},
		{"SHA-512 under another name", serve(t, lying{holding(t, own), func(_ ssh.PublicKey, data []byte) (*ssh.Signature, error) {
			signature := signed(t, own, data, ssh.KeyAlgoRSASHA512)
			signature.Format = ssh.KeyAlgoRSASHA256
			return signature, nil
		}}), ErrForged},
		{"a signature that is too long", serve(t, lying{holding(t, own), func(_ ssh.PublicKey, data []byte) (*ssh.Signature, error) {
			signature := signed(t, own, data, ssh.KeyAlgoRSASHA512)
			signature.Blob = append([]byte{0}, signature.Blob...)
			return signature, nil
		}}), ErrForged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, err := New(tt.socket, &own.PublicKey)
			if err != nil {
				t.Fatal(err)
			}
			if signature, err := a.SignMessage(rand.Reader, []byte("a message"), crypto.SHA512); !errors.Is(err, tt.want) || signature != nil {
				t.Errorf("SignMessage = %d bytes, %v, want %v", len(signature), err, tt.want)
			}
		})
	}
}

// signed is a key's signature as an agent writes it.
func signed(t *testing.T, key *rsa.PrivateKey, data []byte, algorithm string) *ssh.Signature {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Error(err)
		return &ssh.Signature{}
	}
	with, ok := signer.(ssh.AlgorithmSigner)
	if !ok {
		t.Error("the key knows one algorithm")
		return &ssh.Signature{}
	}
	signature, err := with.SignWithAlgorithm(rand.Reader, data, algorithm)
	if err != nil {
		t.Error(err)
		return &ssh.Signature{}
	}
	return signature
}

// One signature in 256 begins with a zero, which some agents leave out.
func TestAShortSignatureIsMadeWhole(t *testing.T) {
	t.Parallel()
	own, _ := ownAndOther(t)
	short := lying{holding(t, own), func(_ ssh.PublicKey, data []byte) (*ssh.Signature, error) {
		signature := signed(t, own, data, ssh.KeyAlgoRSASHA512)
		signature.Blob = []byte(strings.TrimLeft(string(signature.Blob), "\x00"))
		return signature, nil
	}}
	a, err := New(serve(t, short), &own.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("0")
	for i := 1; signed(t, own, message, ssh.KeyAlgoRSASHA512).Blob[0] != 0; i++ {
		message = strconv.AppendInt(message[:0], int64(i), 10)
	}
	if signature, err := a.SignMessage(rand.Reader, message, crypto.SHA512); err != nil || len(signature) != own.Size() {
		t.Errorf("SignMessage = %d bytes, %v", len(signature), err)
	}
}

func TestAnAgentThatDoesNotAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	own, _ := ownAndOther(t)
	synctest.Test(t, func(t *testing.T) {
		a, err := New("", &own.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		near, far := net.Pipe()
		defer far.Close()
		a.dial = func(context.Context) (net.Conn, error) { return near, nil }
		began := time.Now()
		_, err = a.SignMessage(rand.Reader, []byte("a message"), crypto.SHA512)
		if !errors.Is(err, os.ErrDeadlineExceeded) && (err == nil || !strings.Contains(err.Error(), "timeout")) || time.Since(began) != answerLimit {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
