package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func writeTargets(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadTargets(t *testing.T) {
	path := writeTargets(t, `# who is called
default: ward
targets:
  ward:
    address: gateway.example:443
    ca: pki/ca.pem
    tokenFile: /run/ward.token
    timeout: 30s
  "2":
    address: 127.0.0.1:50051
    admin: 127.0.0.1:9090
`)
	file, err := readTargets(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []target{
		{"ward", map[string]string{
			"address": "gateway.example:443", "ca": filepath.Join(filepath.Dir(path), "pki/ca.pem"), "tokenFile": "/run/ward.token", "timeout": "30s",
		}},
		{"2", map[string]string{"address": "127.0.0.1:50051", "admin": "127.0.0.1:9090"}},
	}
	if diff := cmp.Diff(want, file.targets, cmp.AllowUnexported(target{})); diff != "" || file.preferred != "ward" {
		t.Errorf("the default is %q; (-want +got):\n%s", file.preferred, diff)
	}
}

// What "targets --init" writes can be read, and so can what is commented out in it.
func TestTheExampleIsGood(t *testing.T) {
	for _, text := range []string{string(exampleTargets), strings.ReplaceAll(string(exampleTargets), "\n#", "\n")} {
		if file, err := readTargets(writeTargets(t, text)); err != nil || file.preferred != "sandbox" {
			t.Errorf("%v in\n%s", err, text)
		}
	}
}

// A mistake is told by its line, with what would be right, and never with a value, which may be a secret.
func TestTargetsThatAreWrong(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key at the top", "targets: {}\ntarget: x", ":2: unknown key target in the file; there are default, targets"},
		{"unknown setting", "targets:\n  a:\n    adress: h:1", ":3: unknown key adress in target a; there are address, tls, ca, "},
		{"token", "targets:\n  a:\n    address: h:1\n    token: SECRET", ":4: target a: a token never stands in this file"},
		{"sign-in", "targets:\n  a:\n    cis2Token: SECRET", ":3: target a: a token never stands in this file. Put it into a file that nobody else can read and name that by cis2TokenFile"},
		{"a token for the name of a variable", "targets:\n  a:\n    address: h:1\n    tokenEnv: SECRET.x", ":4: tokenEnv of target a has to be the name of an environment variable"},
		{"twice the same target", "targets:\n  a: {address: h:1}\n  a: {address: h:2}", ":3: targets has the key a twice"},
		{"twice the same setting", "targets:\n  a:\n    address: h:1\n    address: SECRET", ":4: target a has the key address twice"},
		{"no address", "targets:\n  a: {tls: true}", ":2: target a: it needs an address"},
		{"no port", "targets:\n  a: {address: SECRET}", ":2: address of target a has to be HOST:PORT"},
		{"half a certificate", "targets:\n  a: {address: h:1, cert: c}", ":2: target a: cert and key go together"},
		{"two tokens", "targets:\n  a: {address: h:1, tokenFile: c, tokenEnv: D}", ":2: target a: tokenFile or tokenEnv, not both"},
		{"somebody without a sandbox", "targets:\n  a: {address: h:1, persona: clinician}", "give admin"},
		{"time", "targets:\n  a: {address: h:1, timeout: SECRET}", ":2: timeout of target a has to be a time such as 30s or 2m"},
		{"truth", "targets:\n  a: {address: h:1, tls: SECRET}", ":2: tls of target a has to be true or false"},
		{"truth in capitals", "targets:\n  a: {address: h:1}\n  b:\n    tls: True", ":4: tls of target b has to be true or false"},
		{"truth as YAML once knew it", "targets:\n  a: {address: h:1, tls: yes}", ":2: tls of target a has to be true or false"},
		{"truth in short", "targets:\n  a: {address: h:1, tls: t}", ":2: tls of target a has to be true or false"},
		{"relation", "targets:\n  a: {address: h:1, relationship: SECRET}", "has to be one of presented, "},
		{"list", "targets:\n  a: {address: [SECRET]}", ":2: address of target a is one value"},
		{"no mapping", "targets: [SECRET]", ":1: targets has to be keys with values"},
		{"alias", "targets:\n  a: &x {address: h:1}\n  b: *x", ":3: target b has to be keys with values"},
		{"name", "targets:\n  'a b': {address: h:1}", ":2: a target's name is "},
		{"default without target", "targets:\n  a: {address: h:1}\ndefault: b", ":3: there is no target \"b\" in "},
		{"default without any", "default: b", ":1: there is no target \"b\", and none at all"},
		{"syntax", "targets:\n  a: {address", ".yaml:1: not YAML, from about there on; "},
		{"alias of nothing", "targets:\n  a:\n    address: *SECRET", ".yaml:3: not YAML, from about there on; "},
		{"tag of nothing", "targets:\n  a:\n    address: !SECRET!x", ".yaml:2: not YAML, from about there on; "},
		{"in the first line", "{SECRET", ".yaml:1: not YAML, from about there on; "},
		{"no text", "targets: \x01SECRET", ".yaml: not YAML, from about there on; "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readTargets(writeTargets(t, tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}
