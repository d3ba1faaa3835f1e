package gpconnect

import (
	"cmp"
	"regexp"
	"strconv"
)

// Version is a version of the GP Connect specification, as a provider claims it. The zero Version is unknown.
type Version struct {
	major, minor, patch int
	text                string
}

var versionGrammar = regexp.MustCompile(`^([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?(?:[-+ ].{0,64})?$`)

// ParseVersion reads the version of a CapabilityStatement, which may have a suffix, such as "1.6.2-beta". Text that is no
// version gives the zero Version: what cannot be read is unknown, not unsupported.
func ParseVersion(text string) Version {
	m := versionGrammar.FindStringSubmatch(text)
	if m == nil {
		return Version{}
	}
	v := Version{text: text}
	v.major, _ = strconv.Atoi(m[1]) // the grammar admits numbers only
	v.minor, _ = strconv.Atoi(m[2])
	v.patch, _ = strconv.Atoi(m[3])
	return v
}

// String is the version as the provider wrote it.
func (v Version) String() string { return v.text }

// Known reports whether there is a version.
func (v Version) Known() bool { return v.text != "" }

// before reports whether v is known and older than the version given.
func (v Version) before(major, minor, patch int) bool {
	return v.Known() && cmp.Or(cmp.Compare(v.major, major), cmp.Compare(v.minor, minor), cmp.Compare(v.patch, patch)) < 0
}
