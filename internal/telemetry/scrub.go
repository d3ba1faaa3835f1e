package telemetry

import (
	"strings"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Masks of what should not have come this far.
const (
	maskedNumber = "nhs:redacted"
	maskedToken  = "token:redacted"
)

// scrub masks NHS Numbers and JSON Web Tokens in a text. It is the last net, under types that mask themselves: a number
// that somebody wrote into an error of a library is caught here. A number is ten digits with a right check digit that
// stand alone; one of eleven other ten-digit words is masked with them, which costs a reader little.
func scrub(text string) string {
	var out strings.Builder
	done := 0 // how much of text is in out
	for start := 0; start < len(text); {
		end := start
		for end < len(text) && wordByte(text[end]) {
			end++
		}
		if end == start {
			start++
			continue
		}
		word, mask := text[start:end], ""
		switch {
		case len(word) == 10 && isNumber(word):
			mask = maskedNumber
		case len(word) > 10 && strings.HasPrefix(word, "eyJ") && end < len(text) && text[end] == '.':
			// A token is three words of base64url joined by dots; what joins them is masked with it.
			for end < len(text) && (wordByte(text[end]) || strings.IndexByte(".-_=", text[end]) >= 0) {
				end++
			}
			mask = maskedToken
		}
		if mask != "" {
			out.WriteString(text[done:start])
			out.WriteString(mask)
			done = end
		}
		start = end
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

func isNumber(word string) bool {
	_, err := nhs.ParseNumber(word)
	return err == nil
}

func wordByte(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
