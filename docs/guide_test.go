//go:build guide

package docs_test

import (
	"flag"
	"strings"
	"testing"
)

var languages = flag.String("languages", "go python java kotlin typescript rust", "whose parts are read")

// Each language's part is read by a newcomer of that language. It takes what the language's build takes, so it is asked for.
func TestEveryLanguagesPartDoesWhatItSays(t *testing.T) {
	t.Parallel()
	p, err := read("docs/consumer.md")
	if err != nil {
		t.Fatal(err)
	}
	bin := build(t)
	for language := range strings.FieldsSeq(*languages) {
		t.Run(language, func(t *testing.T) {
			last := -1
			for i, b := range p.blocks {
				if b.options[optionFor] == language {
					last = i
				}
			}
			if last < 0 {
				t.Fatal("the guide has no part for it")
			}
			followAll(t, p.blocks[:last+1], bin, language)
		})
	}
}
