package main

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"
)

// gatewayName is the configuration of a spinegate in front of this Spine.
const gatewayName = "gateway.yaml"

//go:embed gateway.yaml.tmpl
var gatewayText string

// gatewayTemplate quotes what it fills in as JSON, which YAML reads too.
var gatewayTemplate = template.Must(template.New(gatewayName).Funcs(template.FuncMap{
	"quote": func(text string) (string, error) {
		quoted, err := json.Marshal(text)
		return string(quoted), err
	},
}).Parse(gatewayText))

// writeGateway writes the configuration of a spinegate, and the key that it seals its own files with. A key that is there
// stays: what was sealed with it could not be opened with another.
func writeGateway(dir string, s snippet) error {
	keyFile := filepath.Join(dir, "store.key")
	if _, err := os.Stat(keyFile); errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // it never fails
		if err := replace(keyFile, []byte(hex.EncodeToString(key)+"\n")); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	apiKeyFile := filepath.Join(dir, "token-apikey")
	if err := replace(apiKeyFile, []byte(s.Token.APIKey+"\n")); err != nil {
		return err
	}
	var text bytes.Buffer
	err := gatewayTemplate.Execute(&text, struct {
		snippet
		TokenAPIKeyFile, KeyFile, Audit, Journal string
	}{s, apiKeyFile, keyFile, filepath.Join(dir, "audit.db"), filepath.Join(dir, "journal.db")})
	if err != nil {
		return fmt.Errorf("fill in %s: %w", gatewayName, err)
	}
	return replace(filepath.Join(dir, gatewayName), text.Bytes())
}
