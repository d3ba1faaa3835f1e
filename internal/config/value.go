package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Environment names a Spine.
type Environment string

// The environments. Embedded is what the sandbox runs; no file can ask for it.
const (
	Embedded    Environment = "EMBEDDED"
	Sandbox     Environment = "SANDBOX"
	Integration Environment = "INTEGRATION"
	Live        Environment = "LIVE"
)

// Genuine reports whether a simulated answer must be refused.
func (e Environment) Genuine() bool { return e == Integration || e == Live }

// PDSAccess says as whom the users of an organisation ask PDS. Empty is ByIdentity.
type PDSAccess string

// The choices.
const (
	ByIdentity            PDSAccess = "BY_IDENTITY"
	HealthcareWorker      PDSAccess = "HEALTHCARE_WORKER"
	ApplicationRestricted PDSAccess = "APPLICATION_RESTRICTED"
)

// Size is a number of bytes. In YAML it is a number with a unit of KiB, MiB or GiB, or without one.
type Size int64

// MiB is 2^20 bytes.
const MiB Size = 1 << 20

var sizeGrammar = regexp.MustCompile(`^([0-9]{1,9})(|KiB|MiB|GiB)$`)

// UnmarshalYAML reads a size.
func (s *Size) UnmarshalYAML(node *yaml.Node) error {
	m := sizeGrammar.FindStringSubmatch(node.Value)
	if m == nil {
		return fmt.Errorf("line %d: a size is a whole number of bytes, KiB, MiB or GiB, such as 8MiB", node.Line)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	*s = Size(n << (10 * map[string]int{"KiB": 1, "MiB": 2, "GiB": 3}[m[2]]))
	return nil
}

// MarshalText writes a size with its largest whole unit.
func (s Size) MarshalText() ([]byte, error) {
	unit := 0
	for ; unit < 3 && s != 0 && s%1024 == 0; unit++ {
		s /= 1024
	}
	return fmt.Appendf(nil, "%d%s", int64(s), [...]string{"", "KiB", "MiB", "GiB"}[unit]), nil
}

// File is the path of a file that may be read by anybody.
type File string

// Read reads the file.
func (f File) Read() ([]byte, error) { return readBounded(string(f)) }

// SecretFile is the path of a file that holds a secret.
type SecretFile string

// Read reads the secret without the newline at its end. A file that everybody on the machine may read or write is
// refused.
func (f SecretFile) Read() (nhs.Secret, error) {
	info, err := os.Stat(string(f))
	if err != nil {
		return nhs.Secret{}, fmt.Errorf("read a secret: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return nhs.Secret{}, fmt.Errorf("%s has mode %04o and every user may use it: chmod o-rwx", f, mode)
	}
	text, err := readBounded(string(f))
	if err != nil {
		return nhs.Secret{}, err
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return nhs.Secret{}, fmt.Errorf("%s is empty", f)
	}
	return nhs.NewSecret(secret), nil
}

// fileLimit is far above every certificate bundle and key.
const fileLimit = 4 << 20

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > fileLimit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file of at most 4 MiB")}
	}
	return os.ReadFile(path) // the operator names it; the error names it too
}
