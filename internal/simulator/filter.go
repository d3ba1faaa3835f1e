package simulator

import (
	"errors"
	"strings"
)

// attributes are one directory entry: LDAP attribute names in lower case, with their values.
type attributes map[string][]string

func (a attributes) first(name string) string {
	if values := a[strings.ToLower(name)]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// filter is a parsed LDAP search filter (RFC 4515): enough of it for what the directory service builds, and for what a
// caller can make of that, because its values go in unescaped (SDS contract, A3.6). Matching ignores case, and "*" is a
// wildcard.
type filter func(attributes) bool

var errFilter = errors.New("malformed search filter")

// parseFilter reads a filter. Like the real directory it reads one filter and does not look at what follows it.
func parseFilter(text string) (filter, error) {
	f, _, err := readFilter(text, 0)
	return f, err
}

// filterDepth bounds nesting, for hand-made filters.
const filterDepth = 50

func readFilter(text string, depth int) (filter, string, error) {
	if depth > filterDepth || len(text) < 2 || text[0] != '(' {
		return nil, "", errFilter
	}
	switch text[1] {
	case '&', '|', '!':
		return readComposite(text[1], text[2:], depth)
	}
	end := strings.IndexAny(text[1:], "()")
	if end < 0 || text[1+end] == '(' {
		return nil, "", errFilter
	}
	name, pattern, ok := strings.Cut(text[1:1+end], "=")
	if !ok || name == "" {
		return nil, "", errFilter
	}
	name = strings.ToLower(name)
	return func(a attributes) bool {
		for _, value := range a[name] {
			if like(strings.ToLower(pattern), strings.ToLower(value)) {
				return true
			}
		}
		return false
	}, text[1+end+1:], nil
}

func readComposite(operator byte, text string, depth int) (filter, string, error) {
	var parts []filter
	for strings.HasPrefix(text, "(") {
		part, rest, err := readFilter(text, depth+1)
		if err != nil {
			return nil, "", err
		}
		parts, text = append(parts, part), rest
	}
	if !strings.HasPrefix(text, ")") || operator == '!' && len(parts) != 1 {
		return nil, "", errFilter
	}
	return func(a attributes) bool {
		for _, part := range parts {
			switch holds := part(a); {
			case operator == '!':
				return !holds
			case operator == '&' && !holds:
				return false
			case operator == '|' && holds:
				return true
			}
		}
		return operator == '&'
	}, text[1:], nil
}

// like matches with "*" for any run of characters.
func like(pattern, value string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == value
	}
	value, ok := strings.CutPrefix(value, first)
	if !ok {
		return false
	}
	pieces := strings.Split(rest, "*")
	last := pieces[len(pieces)-1]
	for _, piece := range pieces[:len(pieces)-1] {
		at := strings.Index(value, piece)
		if at < 0 {
			return false
		}
		value = value[at+len(piece):]
	}
	return strings.HasSuffix(value, last)
}
