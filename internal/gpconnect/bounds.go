package gpconnect

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/spinegate/spinegate/internal/fhir"
)

// Bounds of what is decoded at all, in bytes of JSON and objects in it. An object takes a hundred times the memory of its
// text, so that these, and not the limits on answers, bound the memory that a call takes.
const (
	// maxResource and maxObjects let a List of some ten thousand items pass, with white space. The largest that was seen
	// has a hundred and fifty.
	maxResource = 4 << 20
	maxObjects  = 32 << 10
	// maxItem and maxItemObjects are for a Slot, an Appointment and what belongs to them: the largest published one has
	// 2 KiB and 25 objects. All of an answer is kept, and a caller gets each in one message.
	maxItem        = 256 << 10
	maxItemObjects = 1 << 10
	// maxStatement is for a CapabilityStatement: the largest published one has 6 KiB, and a caller gets three of them and
	// what was read in them in one message.
	maxStatement = 160 << 10
)

// Bounds of what is kept, or told, of texts in bytes.
const (
	// maxText is for what somebody wrote to be read.
	maxText = 8 << 10
	// maxWord is for names, codes, ids and references. FHIR's ids end at 64.
	maxWord = 256
	// maxWords is how many of several names, lines or telephone numbers are told.
	maxWords = 8
)

var errLarge = errors.New("a resource is larger than is taken")

// oversize tells what is not to be decoded. A null makes as large a value as an empty object.
func oversize(text []byte, size, objects int) bool {
	return len(text) > size || bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("null")) > objects
}

// small are the limits of a Bundle that is no record. All of it is held.
func small(l fhir.Limits) fhir.Limits {
	least := func(n, limit int64) int64 {
		if n == 0 {
			return limit
		}
		return min(n, limit)
	}
	l.Entry, l.Total = least(l.Entry, 1<<20), least(l.Total, 16<<20)
	l.Entries = int(least(int64(l.Entries), 50_000))
	return l
}

// cutMark ends a text that was cut.
const cutMark = "… (cut)"

// cut is a text of at most limit bytes.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return beginning(text, limit-len(cutMark)) + cutMark
}

// short is an id or reference of at most maxWord bytes. Different ones stay different.
func short(id string) string {
	if len(id) <= maxWord {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	mark := "…" + hex.EncodeToString(sum[:16])
	return beginning(id, maxWord-len(mark)) + mark
}

// beginning is the first n bytes of a longer text, in whole characters. What it returns does not keep the text in memory.
func beginning(text string, n int) string {
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return strings.Clone(text[:n])
}

// word cuts a name or a code.
func word(text string) string { return cut(text, maxWord) }

// words cuts several.
func words(all []string) []string {
	if len(all) == 0 {
		return nil
	}
	out := make([]string, 0, min(len(all), maxWords))
	for _, text := range all[:min(len(all), maxWords)] {
		out = append(out, word(text))
	}
	return out
}

func (n Name) cut() Name {
	return Name{
		Use: word(n.Use), Text: word(n.Text), Family: word(n.Family),
		Given: words(n.Given), Prefix: words(n.Prefix), Suffix: words(n.Suffix),
	}
}

func (a Address) cut() Address {
	return Address{
		Use: word(a.Use), Type: word(a.Type), Text: word(a.Text), Lines: words(a.Lines), City: word(a.City),
		District: word(a.District), PostalCode: word(a.PostalCode), Country: word(a.Country),
	}
}

func cutTelecoms(all []Telecom) []Telecom {
	var out []Telecom
	for _, t := range all[:min(len(all), maxWords)] {
		out = append(out, Telecom{System: word(t.System), Value: word(t.Value), Use: word(t.Use)})
	}
	return out
}
