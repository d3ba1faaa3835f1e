package docs_test

import "testing"

// What holds the pages to their word must be able to find them wrong.
func TestAnOutputIsToldFromAnother(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		output, says string
		want         bool
	}{
		{"a\nb\n", "a\nb\n", true},
		{"a\nb", "a\nb\n", true},
		{"a\nb\n", "a\n", false},
		{"a\n", "a\nb\n", false},
		{"at 10:00 sharp\n", "at … sharp\n", true},
		{"at 10:00\n", "at … sharp\n", false},
		{"a\nx\ny\nb\n", "a\n…\nb\n", true},
		{"a\nb\n", "a\n…\nb\n", true},
		{"a\nx\ny\n", "a\n…\nb\n", false},
		{"a (b)\n", "a (b)\n", true},
		{"padded  \n", "padded\n", true},
	} {
		if got := shows(c.output, c.says); got != c.want {
			t.Errorf("%q shows %q: %v", c.output, c.says, got)
		}
	}
}

func TestAnExcerptIsToldFromAnother(t *testing.T) {
	t.Parallel()
	const file = "class A:\n    def f(self):\n        one()\n\n        two()\n"
	for _, c := range []struct {
		excerpt string
		want    bool
	}{
		{"def f(self):\n    one()\n", true},
		{"one()\n\ntwo()\n", true},
		{"    def f(self):\n        one()\n", true},
		{"one()\ntwo()\n", false},
		{"one()\n\nthree()\n", false},
		{"def f(self):\none()\n", false},
	} {
		if got := (block{text: c.excerpt}).quotes(file); got != c.want {
			t.Errorf("%q: %v", c.excerpt, got)
		}
	}
}

func TestABlockThatNothingChecksIsRefused(t *testing.T) {
	t.Parallel()
	for _, b := range []block{
		{language: "go"},
		{language: "yaml", options: map[string]string{optionFails: "1"}},
		{language: "sh", options: map[string]string{optionNotRun: ""}},
		{language: "sh", options: map[string]string{optionBackground: ""}},
		{language: "sh", options: map[string]string{"fail": "1"}},
	} {
		if b.check() == nil {
			t.Errorf("%+v was taken", b)
		}
	}
}
