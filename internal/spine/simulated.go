package spine

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// A simulated Spine marks every answer with this header, and every certificate with this word in the organisation of its
// subject (product.md; trust.md, G15).
const (
	simulatedHeader = "Spinegate-Simulated"
	simulatedWord   = "SIMULATED"
)

// ErrSimulatedRoot says that a certificate belongs to a simulated Spine.
var ErrSimulatedRoot = errors.New("a certificate of a simulated Spine")

// RefuseSimulatedRoots is [ErrSimulatedRoot] if a PEM bundle holds a certificate of a simulated Spine. A gateway that is
// configured for INTEGRATION or LIVE asks it about every file of certificates before it starts.
func RefuseSimulatedRoots(bundle []byte) error {
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil && marked(certificate) {
			return ErrSimulatedRoot
		}
	}
	return nil
}

// genuine environments hold, or stand beside, the records of real people.
func genuine(e pb.Environment) bool {
	return e == pb.Environment_ENVIRONMENT_INTEGRATION || e == pb.Environment_ENVIRONMENT_LIVE
}

func marked(c *x509.Certificate) bool {
	return slices.ContainsFunc(append(c.Subject.Organization, c.Issuer.Organization...), func(o string) bool {
		return strings.Contains(strings.ToUpper(o), simulatedWord)
	})
}

// simulatedPool looks for a marked root in a pool. A pool of the system gives none away, and has none.
func simulatedPool(pool *x509.CertPool) bool {
	return pool != nil && slices.ContainsFunc(pool.Subjects(), func(der []byte) bool { //nolint:staticcheck // see above
		return strings.Contains(strings.ToUpper(string(der)), simulatedWord)
	})
}

func simulatedChain(state *tls.ConnectionState) bool {
	return state != nil && (slices.ContainsFunc(state.PeerCertificates, marked) ||
		slices.ContainsFunc(state.VerifiedChains, func(chain []*x509.Certificate) bool { return slices.ContainsFunc(chain, marked) }))
}

func simulated(answer *http.Response) bool {
	return len(answer.Header.Values(simulatedHeader)) > 0 || simulatedChain(answer.TLS)
}

// simulatedStranger says that a handshake failed because the other side, a simulated Spine, is not trusted.
func simulatedStranger(err error) bool {
	e, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok && slices.ContainsFunc(e.UnverifiedCertificates, marked)
}
