// Package signer signs with a private key that lives elsewhere: in an HSM, a TPM or a KMS, or in another process, behind an
// agent that speaks the ssh-agent protocol (draft-ietf-sshm-ssh-agent). The key never enters this process.
package signer

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// answerLimit is how long an agent may take, from dialling it to its last byte.
const answerLimit = 3 * time.Second

// Error is why an agent that can be reached does not sign. It has a type of its own because the log of a call shows the
// types of causes and not their words.
type Error string

// Error implements error.
func (e Error) Error() string { return string(e) }

// The reasons. The protocol has one word for the first three; what the agent lists tells more.
const (
	ErrEmpty   Error = "the agent is locked or holds no key"
	ErrUnknown Error = "the agent does not hold the key"
	ErrRefused Error = "the agent refused to sign"
	ErrForged  Error = "the agent's signature is not one by the key with RSA and SHA-512"
)

// Agent is one RSA key behind an agent. It is a [crypto.MessageSigner] for RSASSA-PKCS1-v1_5 with SHA-512, which JSON Web
// Signatures call RS512. It keeps no connection, so an agent may be restarted, and it is safe for concurrent use.
type Agent struct {
	public *rsa.PublicKey
	name   ssh.PublicKey // the same key, as agents know it
	dial   func(context.Context) (net.Conn, error)
	// turns are as many as may sign at once. A device signs one after the other, and whoever waits for it has not begun to
	// use up the agent's time.
	turns chan struct{}
}

// atOnce is how many signatures an agent is asked for at the same time.
const atOnce = 4

// New names the key with this public half behind the agent at a Unix socket. Nothing is dialled.
func New(socket string, public *rsa.PublicKey) (*Agent, error) {
	name, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("name the key for the agent: %w", err)
	}
	return &Agent{public: public, name: name, turns: make(chan struct{}, atOnce), dial: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}, nil
}

// Public is the *[rsa.PublicKey].
func (a *Agent) Public() crypto.PublicKey { return a.public }

// Sign fails: an agent hashes by itself, so that it cannot sign a digest. Use SignMessage, or [crypto.SignMessage].
func (a *Agent) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("an agent signs messages, not digests")
}

// SignMessage has the agent sign a message, within three seconds. opts must be [crypto.SHA512]; the reader is not used. The
// signature has been verified. An [Error] tells why the agent did not.
func (a *Agent) SignMessage(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts != crypto.SHA512 {
		return nil, errors.New("a key behind an agent signs with PKCS #1 v1.5 and SHA-512 and nothing else")
	}
	a.turns <- struct{}{}
	defer func() { <-a.turns }()
	ctx, cancel := context.WithTimeout(context.Background(), answerLimit) // a crypto.Signer is given no context
	defer cancel()
	conn, err := a.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach the agent: %w", err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, fmt.Errorf("reach the agent: %w", err)
		}
	}
	// Without a Close the client asks one question at a time, and has no goroutine that could outlive this.
	client := agent.NewClient(struct{ io.ReadWriter }{conn})
	signature, err := client.SignWithFlags(a.name, message, agent.SignatureFlagRsaSha512)
	if err != nil {
		return nil, a.explain(client, err)
	}
	return a.verify(message, signature)
}

// explain looks for the reason of a refusal in what the agent lists. A locked agent lists nothing.
func (a *Agent) explain(client agent.Agent, refusal error) error {
	keys, err := client.List()
	switch {
	case err != nil:
		return fmt.Errorf("ask the agent to sign: %w", refusal)
	case len(keys) == 0:
		return ErrEmpty
	case !slices.ContainsFunc(keys, func(k *agent.Key) bool { return bytes.Equal(k.Blob, a.name.Marshal()) }):
		return fmt.Errorf("%w %s", ErrUnknown, ssh.FingerprintSHA256(a.name))
	default:
		return ErrRefused
	}
}

// verify returns the signature as JSON Web Signatures want it. An old agent signs with SHA-1 whatever it is asked for, and
// a faulty one with anything; either would be found out only by the receiver.
func (a *Agent) verify(message []byte, signature *ssh.Signature) ([]byte, error) {
	if signature.Format != ssh.KeyAlgoRSASHA512 || len(signature.Blob) > a.public.Size() {
		return nil, ErrForged
	}
	// Some agents leave zeros at the front out (RFC 8332, 3), and RSASSA-PKCS1-v1_5 does not.
	whole := make([]byte, a.public.Size())
	copy(whole[len(whole)-len(signature.Blob):], signature.Blob)
	digest := sha512.Sum512(message)
	if err := rsa.VerifyPKCS1v15(a.public, crypto.SHA512, digest[:], whole); err != nil {
		return nil, ErrForged
	}
	return whole, nil
}
