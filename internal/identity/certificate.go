package identity

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// Certificate says which organisation a client certificate stands for. One of Name and SHA256 is set.
type Certificate struct {
	// Name is a DNS name or URI among the certificate's subject alternative names, compared whole: no wildcards.
	Name string
	// SHA256 is the fingerprint of the certificate, in hexadecimal; colons are allowed.
	SHA256       string
	Organisation Organisation
	// Scopes are what the certificate permits without a token. A token brings its own, and these are not added to them.
	Scopes []string
}

// caller is the system that presents the certificate and nothing else.
func (c *Certificate) caller(leaf *x509.Certificate) Caller {
	return Caller{
		Organisation: c.Organisation, Scopes: slices.Clone(c.Scopes),
		Issuer: "x509:" + leaf.Issuer.String(), ExpiresAt: leaf.NotAfter,
	}
}

// certificates are found by "sha256:" and a fingerprint in lower case, "dns:" and a name in lower case, or "uri:" and a URI.
type certificates map[string]*Certificate

func nameKey(name string) string {
	if strings.Contains(name, "://") {
		return "uri:" + name
	}
	return "dns:" + strings.ToLower(name)
}

func newCertificates(configured []Certificate) (certificates, error) {
	all := make(certificates, len(configured))
	for _, c := range configured {
		key := nameKey(c.Name)
		if c.SHA256 != "" {
			fingerprint, err := hex.DecodeString(strings.ReplaceAll(c.SHA256, ":", ""))
			if err != nil || len(fingerprint) != sha256.Size {
				return nil, fmt.Errorf("certificate fingerprint %q: 64 hexadecimal digits are needed", c.SHA256)
			}
			key = "sha256:" + hex.EncodeToString(fingerprint)
		}
		switch {
		case (c.Name == "") == (c.SHA256 == ""):
			return nil, errors.New("a certificate needs either a name or a fingerprint")
		case c.Organisation.ODS.IsZero() || c.Organisation.Name == "":
			return nil, fmt.Errorf("certificate %s: its organisation lacks its ODS code or its name", key)
		case all[key] != nil:
			return nil, fmt.Errorf("certificate %s is configured twice", key)
		}
		all[key] = &c
	}
	return all, nil
}

// find says which organisation a certificate stands for. One that stands for none is no credential: a mesh may have its
// own. One that stands for two is refused.
func (all certificates) find(leaf *x509.Certificate) (*Certificate, bool, error) {
	if leaf == nil || len(all) == 0 {
		return nil, false, nil
	}
	fingerprint := sha256.Sum256(leaf.Raw)
	keys := []string{"sha256:" + hex.EncodeToString(fingerprint[:])}
	for _, name := range leaf.DNSNames {
		keys = append(keys, nameKey(name))
	}
	for _, uri := range leaf.URIs {
		keys = append(keys, nameKey(uri.String()))
	}
	var found *Certificate
	for _, key := range keys {
		c := all[key]
		if c != nil && found != nil && c.Organisation.ODS != found.Organisation.ODS {
			return nil, false, refuse(pb.ErrorReason_ERROR_REASON_CREDENTIALS_CONFLICT, errTwoOrganisations)
		}
		if found == nil {
			found = c
		}
	}
	return found, found != nil, nil
}
