package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:embed config.example.yaml
var exampleTargets []byte

type targetsCommand struct {
	Init  bool `help:"Write a first file, with a sandbox in it. One that is there stays as it is." xor:"what"`
	Names bool `help:"Print the names alone, one a line." xor:"what"`
}

func (targetsCommand) Help() string {
	return `Names gateways, so that nobody has to type where they are. The file (--config-file) is YAML:

  default: sandbox
  targets:
    sandbox: {address: 127.0.0.1:50051, admin: 127.0.0.1:9090}
    ward:
      address: gateway.example:443
      ca: ca.pem                    paths begin at the file's directory
      tokenFile: ward.token         or tokenEnv: the name of a variable

  spinegate targets --init
  spinegate --target ward trace 9990000018

Which gateway is called: that of --target; or of --address, or SPINEGATE_ADDRESS; or of SPINEGATE_TARGET; or the default
of the file; or the sandbox on this machine. Each setting: flags, then the environment, then the target, then the default.

What says where a gateway is and as whom it is called stays together. SPINEGATE_TOKEN goes with SPINEGATE_ADDRESS, and to a
target only if that says "tokenEnv: SPINEGATE_TOKEN". When --address says another address than the
target or SPINEGATE_ADDRESS, no token or certificate of that one is sent there, nor any that its sandbox gives: the call is
refused unless --token, --cert or --admin is given. A target gets a sandbox's token only if it has an admin address.
--verbose tells where address and token are from.

Exits with 1 if a file that holds a token cannot be used.`
}

func (c *targetsCommand) Run(t *terminal, global *cli) error {
	if c.Init {
		return writeExample(t, global.ConfigFile)
	}
	file, err := loadTargets(global.ConfigFile)
	if err != nil {
		return misuse{err}
	}
	switch {
	case c.Names:
		for _, target := range file.targets {
			t.out.write(target.name + "\n")
		}
		return nil
	case t.json:
		return printTargets(t.out, file)
	}
	return showTargets(t.out, file)
}

// writeExample writes the first file, which nobody else may read or change.
func writeExample(t *terminal, path string) error {
	if path == "" {
		var err error
		if path, err = usualTargets(); err != nil {
			return misusedf("--config-file has to say where: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write the targets: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the targets: %w", err)
	}
	_, err = f.Write(exampleTargets)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write the targets: %w", err)
	}
	t.out.linef("Written to %s: \"spinegate targets\" lists them.", path)
	return nil
}

// problem says why a file that a target names cannot be used; empty when they all can. A variable may yet be set.
func (t *target) problem() string {
	for _, key := range []string{"token", "cis2Token"} {
		if t.settings[key+"File"] != "" {
			if _, _, err := t.secret(key); err != nil {
				return err.Error()
			}
		}
	}
	return ""
}

// trust says in words how the gateway is known to be the one that is meant.
func (t *target) trust() string {
	switch {
	case t.settings["ca"] != "":
		return "TLS, by the authorities in " + t.settings["ca"]
	case t.settings["tls"] == "true" || t.settings["cert"] != "":
		return "TLS, by the system's authorities"
	case loopback(t.settings["address"]):
		return "clear text, which does not leave this machine"
	}
	return "NOT: clear text to another machine is refused (tls, or ca)"
}

// caller says in words as whom the gateway is called.
func (t *target) caller() string {
	var parts []string
	for _, part := range []struct{ key, words string }{
		{"tokenFile", "the token in "},
		{"tokenEnv", "the token in $"},
		{"cert", "the certificate in "},
		{"cis2TokenFile", "signed in by "},
		{"cis2TokenEnv", "signed in by $"},
	} {
		if value := t.settings[part.key]; value != "" {
			parts = append(parts, part.words+value)
		}
	}
	if admin := t.settings["admin"]; len(parts) == 0 && admin != "" {
		persona := t.settings["persona"]
		if persona == "" {
			persona = "clinician"
		}
		parts = append(parts, persona+", whose token the sandbox at "+admin+" gives")
	}
	if len(parts) == 0 {
		return "NOBODY: tokenFile, tokenEnv, or cert and key"
	}
	return strings.Join(parts, ", ")
}

func showTargets(p *page, file *targetFile) error {
	p.linef("%s", file.path)
	if len(file.targets) == 0 {
		p.linef("There are none. \"spinegate targets --init\" writes a first one.")
	}
	found := false
	for i := range file.targets {
		t := &file.targets[i]
		p.blank()
		title := []cell{styled(strong, t.name)}
		if t.name == file.preferred {
			title = append(title, text("  the default"))
		}
		p.paragraph(0, title...)
		p.entry(2, "address", labelWidth, text(t.settings["address"]))
		p.entry(2, "trusted", labelWidth, text(t.trust()))
		p.entry(2, "called as", labelWidth, text(t.caller()))
		for _, key := range []string{"dir", "timeout", "device", "relationship"} {
			p.entry(2, key, labelWidth, text(t.settings[key]))
		}
		if problem := t.problem(); problem != "" {
			found = true
			p.entry(2, "PROBLEM", labelWidth, styled(bad, problem))
		}
	}
	for _, name := range []string{"SPINEGATE_ADDRESS", "SPINEGATE_ADMIN", "SPINEGATE_DIR"} {
		if os.Getenv(name) != "" {
			p.blank()
			p.paragraph(0, styled(notice, name), text(" is set: without --target it says which gateway is called, and the default does not."))
		}
	}
	if found {
		return errFound
	}
	return p.failed()
}

// printTargets writes a target a line.
func printTargets(p *page, file *targetFile) error {
	found := false
	for i := range file.targets {
		t := &file.targets[i]
		line := struct {
			Name     string            `json:"name"`
			Default  bool              `json:"default"`
			File     string            `json:"file"`
			Settings map[string]string `json:"settings"`
			Problem  string            `json:"problem,omitzero"`
		}{t.name, t.name == file.preferred, file.path, t.settings, t.problem()}
		found = found || line.Problem != ""
		if err := printLines(p, line); err != nil {
			return err
		}
	}
	if found {
		return errFound
	}
	return p.failed()
}
