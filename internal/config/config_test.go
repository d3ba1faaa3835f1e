package config_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/spinegate/spinegate/internal/config"
	"github.com/spinegate/spinegate/internal/documenttest"
)

var update = flag.Bool("update", false, "rewrite docs/config.md")

func nothing(string) (string, bool) { return "", false }

// write puts a configuration into a file.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spinegate.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheExampleOfTheManualIsAccepted(t *testing.T) {
	t.Parallel()
	c, err := config.Load("example.yaml", nothing, config.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"the file", c.Organisations[0].Name, "Example Urgent Care"},
		{"a default beside what the file says", c.Spine.PDS.RequestsPerSecond, 5.0},
		{"a default that follows from the environment", c.Spine.PDS.URL, "https://int.api.service.nhs.uk/personal-demographics/FHIR/R4"},
		{"a size", c.Bounds.HeldPerCall, 8 * config.MiB},
		{"a time", c.Bounds.StopWithin, 30 * time.Second},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// Each file in testdata is the example with one fault, which its name tells. Its first line is what must be said of it.
func TestAFaultIsNamedWithItsLineAndItsKey(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(text), "\n")
			want := strings.TrimPrefix(first, "# ")
			_, err = config.Load(file, nothing, config.Overrides{})
			if err == nil {
				t.Fatal("accepted")
			}
			said, _, _ := strings.Cut(err.Error(), "\n")
			if got := strings.TrimPrefix(said, file); got != want {
				t.Errorf("said  %s\nwanted %s", got, want)
			}
		})
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Load(write(t, "environment: MARS\nlog: {level: LOUD}\n"), nothing, config.Overrides{})
	for _, key := range []string{"environment", "log.level", "organisations", "identity", "spine.proxy.url", "handles.keyFiles"} {
		if err == nil || !strings.Contains(err.Error(), key+": ") {
			t.Errorf("%s is not reported in:\n%v", key, err)
		}
	}
}

func TestNoErrorQuotesWhatCouldBeASecret(t *testing.T) {
	t.Parallel()
	const secret = "canary-8f3a"
	example, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	values := regexp.MustCompile(`(?m)^(\s*(?:- )?\w+: )([^\[\s].*)$`)
	for _, value := range []string{
		`"-----BEGIN PRIVATE KEY-----\n` + secret + `"`, "{" + secret + ": 1}", "[[" + secret + "]]", "!!binary " + secret, `"https://u:` + secret + `@x"`,
	} {
		lines := values.FindAllStringSubmatchIndex(string(example), -1)
		for _, at := range lines {
			text := string(example[:at[4]]) + value + string(example[at[5]:])
			if _, err := config.Load(write(t, text), nothing, config.Overrides{}); err != nil && strings.Contains(err.Error(), secret) &&
				!strings.Contains(err.Error(), "unknown key") {
				t.Errorf("%s%s: %v", example[at[2]:at[3]], value, err)
			}
		}
	}
}

func TestTheEnvironmentWinsOverTheFileAndFlagsOverBoth(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"SPINEGATE_PROXY_KEY_FILE":     "/from/environment",
		"SPINEGATE_STORE_KEY_FILE":     "/store",
		"SPINEGATE_HANDLE_KEY_FILES":   "/new:/old",
		"SPINEGATE_LISTEN_ADDRESS":     "ignored: addresses come from flags",
		"SPINEGATE_TOKEN_API_KEY_FILE": "/token",
	}
	c, err := config.Load("example.yaml", func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		config.Overrides{Listen: "0.0.0.0:443", Admin: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{
		string(c.Spine.Proxy.KeyFile), string(c.Audit.KeyFile), string(c.Journal.KeyFile), fmt.Sprint(c.Handles.KeyFiles),
		c.Listen.Address, c.Admin.Address, string(c.Spine.Token.APIKeyFile),
	}
	want := []string{"/from/environment", "/store", "/store", "[/new /old]", "0.0.0.0:443", "127.0.0.1:1", "/token"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAFlagCannotOpenClearTextToTheNetwork(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^  (address: 0|certificateFile: .*server|keyFile: .*server).*\n`).ReplaceAllString(string(example), "")
	path := write(t, strings.Replace(text, "listen:\n", "", 1))
	if _, err := config.Load(path, nothing, config.Overrides{}); err != nil {
		t.Fatalf("clear text on loopback: %v", err)
	}
	for _, address := range []string{"0.0.0.0:1", ":1", "192.0.2.1:1", "[::]:1", "example.org:1"} {
		if _, err := config.Load(path, nothing, config.Overrides{Listen: address}); err == nil || !strings.Contains(err.Error(), "listen.address") {
			t.Errorf("--listen %s: %v, want a refusal", address, err)
		}
	}
}

func TestWhatIsPrintedCanBeLoadedAgain(t *testing.T) {
	t.Parallel()
	c, err := config.Load("example.yaml", nothing, config.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	again, err := config.Load(write(t, out.String()), nothing, config.Overrides{})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if diff := cmp.Diff(fmt.Sprintf("%+v", c), fmt.Sprintf("%+v", again)); diff != "" {
		t.Errorf("(-first +again):\n%s", diff)
	}
}

func TestSecretsAreReadFromFilesThatFewMayRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
		want       string // "" is success
	}{
		{"owner alone", "s3cr3t\n", 0o600, ""},
		{"owner and group", "s3cr3t\n", 0o640, ""},
		{"everybody may read", "s3cr3t\n", 0o644, "chmod o-rwx"},
		{"nothing in it", "\n", 0o600, "is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			secret, err := config.SecretFile(path).Read()
			switch {
			case tt.want == "" && (err != nil || secret.Reveal() != "s3cr3t"):
				t.Errorf("Read = %v, want the secret without its newline", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("Read = %v, want %q", err, tt.want)
			}
			marshalled, err := yaml.Marshal(secret)
			if err != nil {
				t.Fatal(err)
			}
			for _, shown := range []string{fmt.Sprint(secret), fmt.Sprintf("%#v %+v %s %q %x", secret, secret, secret, secret, secret), string(marshalled)} {
				if strings.Contains(shown, "s3cr3t") {
					t.Errorf("shown as %s", shown)
				}
			}
		})
	}
}

func TestCheckFilesNamesEachFileThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	c, err := config.Load("example.yaml", nothing, config.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	err = c.CheckFiles()
	for _, key := range []string{"listen.keyFile", "spine.proxy.caFile", "spine.sds.apiKeyFile", "audit.keyFile", "handles.keyFiles[0]"} {
		if err == nil || !strings.Contains(err.Error(), key+": ") {
			t.Errorf("%s is not reported in:\n%v", key, err)
		}
	}
	if strings.Contains(err.Error(), "clientCAFile") {
		t.Errorf("a file that is not configured is missed:\n%v", err)
	}
}

func TestTheManualIsFresh(t *testing.T) {
	t.Parallel()
	const path = "../../docs/config.md"
	var out bytes.Buffer
	if err := config.Manual(&out); err != nil {
		t.Fatal(err)
	}
	documenttest.Holds(t, path, out.String(), *update, "run make generate")
	if empty := regexp.MustCompile(`(?m)^- .*\n  $`).FindAllString(out.String(), -1); empty != nil {
		t.Errorf("without a comment: %q", empty)
	}
}

func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Add("a: &a [*a]")
	path := filepath.Join(f.TempDir(), "c.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path, nothing, config.Overrides{})
		if err == nil && (len(c.Organisations) == 0 || c.Environment == config.Embedded) {
			t.Error("what nobody could use was accepted")
		}
	})
}

// An organisation without an ASID is one that the directory is asked about, by who made its system.
func TestTheASIDIsOptionalWithASupplier(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `    asid: "200000000115"`+"\n", "", 1)
	changed = strings.Replace(changed, "  deviceID: gateway-1\n", "  deviceID: gateway-1\n  manufacturerODS: X26SG\n", 1)
	c, err := config.Load(write(t, changed), nothing, config.Overrides{})
	if err != nil || c.Organisations[0].ASID != "" || c.System.ManufacturerODS != "X26SG" {
		t.Errorf("%+v, %v", c.Organisations, err)
	}
	changed = strings.Replace(changed, "  manufacturerODS: X26SG\n", "", 1)
	if _, err := config.Load(write(t, changed), nothing, config.Overrides{}); err == nil || !strings.Contains(err.Error(), "asid") {
		t.Errorf("without a supplier: %v", err)
	}
	if c.Spine.SDS.RequestsPerMinute != 300 {
		t.Errorf("%g requests a minute, want the NHS's default", c.Spine.SDS.RequestsPerMinute)
	}
}

// An origin is what a browser sends, to the letter, from where nobody in between can speak for it.
func TestOrigins(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for origin, good := range map[string]bool{
		"https://portal.example": true, "https://portal.example:8443": true, "http://localhost": true, "http://localhost:3000": true,
		"http://127.0.0.1:3000": true, "http://[::1]:3000": true,
		"*": false, "null": false, "": false, "https://*": false, "https://*.portal.example": false, "http://portal.example": false,
		"https://portal.example/": false, "https://portal.example/app": false, "https://portal.example:443": false, "http://localhost:80": false,
		"https://Portal.example": false, "HTTPS://portal.example": false, "https://user@portal.example": false, "https://portal.example?": false,
		"https://portal.example#": false, "https://portal.example:": false, "portal.example": false, "file://": false,
		"https://portal.example https://other.example": false,
	} {
		text := strings.Replace(string(example), "listen:\n", "listen:\n  http: {address: \"0.0.0.0:8080\", allowedOrigins: [\""+origin+"\"]}\n", 1)
		_, err := config.Load(write(t, text), nothing, config.Overrides{})
		if good != (err == nil) || err != nil && !strings.Contains(err.Error(), "listen.http.allowedOrigins[0]") {
			t.Errorf("%q: %v", origin, err)
		}
	}
}
