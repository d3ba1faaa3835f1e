package conformance_test

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// manifests are the packages of gen, by what describes them to their registry. Go's has no place for a licence or an address: its
// readme alone says them.
var manifests = map[string]string{
	"csharp":     "Spinegate.Client.csproj",
	"go":         "go.mod",
	"java":       "pom.xml",
	"kotlin":     "pom.xml",
	"python":     "pyproject.toml",
	"rust":       "Cargo.toml",
	"typescript": "package.json",
}

// Every package says the same of itself, and what gen/README.md says that it needs.
func TestPackagesSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	licence, table := text(t, "../LICENSE"), text(t, "../gen/README.md")
	number := regexp.MustCompile(`[0-9]+(\.[0-9]+)*`)
	for name, manifest := range manifests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := path.Join("../gen", name)
			if text(t, path.Join(from, "LICENSE")) != licence {
				t.Error("its LICENSE is not that of the repository")
			}
			readme, described := text(t, path.Join(from, "README.md")), text(t, path.Join(from, manifest))
			for _, want := range []string{"Apache-2.0", "https://github.com/spinegate/spinegate"} {
				if !strings.Contains(readme, want) {
					t.Errorf("its README.md does not say %s", want)
				}
				if name != "go" && !strings.Contains(described, want) {
					t.Errorf("%s does not say %s", manifest, want)
				}
			}
			row := regexp.MustCompile(`(?m)^\| [^|]* \| \[` + name + `\]\(` + name + `\)[^|]* \| ([^|]*) \|`).FindStringSubmatch(table)
			if row == nil {
				t.Fatalf("gen/README.md has no row for it")
			}
			for _, version := range number.FindAllString(row[1], -1) {
				if !strings.Contains(readme+described, version) {
					t.Errorf("gen/README.md says that it needs %s: %s and README.md know no such version", version, manifest)
				}
			}
		})
	}
}
