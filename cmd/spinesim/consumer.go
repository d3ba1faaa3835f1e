package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"go.yaml.in/yaml/v3"

	"github.com/spinegate/spinegate/internal/simulator"
)

// snippetName is the file that names the others. It is written last, so that whoever waits for it finds them all.
const snippetName = "spinesim.yaml"

// snippet is the configuration of a consumer, with every secret as a path.
type snippet struct {
	Simulated bool `yaml:"simulated"`
	Token     struct {
		URL            string `yaml:"url"`
		APIKey         string `yaml:"apiKey"`
		KeyID          string `yaml:"keyId"`
		PrivateKeyFile string `yaml:"privateKeyFile"`
	} `yaml:"token"`
	PDS struct {
		BaseURL string `yaml:"baseURL"`
	} `yaml:"pds"`
	SDS struct {
		BaseURL    string `yaml:"baseURL"`
		APIKeyFile string `yaml:"apiKeyFile"`
	} `yaml:"sds"`
	Proxy struct {
		URL             string `yaml:"url"`
		CertificateFile string `yaml:"certificateFile"`
		KeyFile         string `yaml:"keyFile"`
	} `yaml:"proxy"`
	CIS2 struct {
		Issuer   string `yaml:"issuer"`
		Audience string `yaml:"audience"`
		JWKSURL  string `yaml:"jwksURL"`
	} `yaml:"cis2"`
	CAFile    string     `yaml:"caFile"`
	Control   string     `yaml:"control"`
	Consumers []consumer `yaml:"consumers"`
}

type consumer struct {
	ODS      string `yaml:"ods"`
	Name     string `yaml:"name"`
	ASID     string `yaml:"asid"`
	Supplier string `yaml:"supplier"`
}

// writeConsumer writes what a consumer of the Spine needs into a directory, which it makes if need be.
func writeConsumer(dir string, spine *simulator.Spine, app simulator.Application, control string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("write for a consumer: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write for a consumer: %w", err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	var s snippet
	s.Simulated = true
	s.Token.URL, s.Token.APIKey, s.Token.KeyID = spine.TokenURL(), app.APIKey, app.KeyID
	s.Token.PrivateKeyFile = in("application-key.pem")
	s.PDS.BaseURL = spine.PDSURL()
	s.SDS.BaseURL, s.SDS.APIKeyFile = spine.SDSURL(), in("sds-apikey")
	s.Proxy.URL, s.Proxy.CertificateFile, s.Proxy.KeyFile = spine.ProxyURL(), in("client.pem"), in("client-key.pem")
	s.CIS2.Issuer, s.CIS2.Audience, s.CIS2.JWKSURL = spine.CIS2().Issuer(), spine.CIS2().Audience(), spine.CIS2KeysURL()
	s.CAFile, s.Control = in("ca.pem"), control
	for _, c := range spine.Consumers() {
		s.Consumers = append(s.Consumers, consumer{c.ODS.String(), c.Name, c.ASID.String(), c.Supplier.String()})
	}
	named, err := yaml.Marshal(s)
	if err != nil {
		return fmt.Errorf("write for a consumer: %w", err)
	}
	if err := writeGateway(dir, s); err != nil {
		return fmt.Errorf("write for a gateway: %w", err)
	}
	client := spine.Client()
	for _, file := range []struct {
		path    string
		content []byte
	}{
		{s.CAFile, spine.RootCAs()},
		{s.Proxy.CertificateFile, client.CertificatePEM},
		{s.Proxy.KeyFile, client.KeyPEM},
		{s.Token.PrivateKeyFile, app.KeyPEM},
		{in("jwks.json"), app.JWKS},
		{s.SDS.APIKeyFile, []byte(spine.DirectoryKey() + "\n")},
		{in(snippetName), append([]byte("# What a consumer of this simulated Spine points at. Not for patients.\n"), named...)},
	} {
		if err := replace(file.path, file.content); err != nil {
			return fmt.Errorf("write for a consumer: %w", err)
		}
	}
	return nil
}

// replace writes a file so that nobody ever reads half of it.
func replace(path string, content []byte) error {
	half := path + ".new"
	if err := os.WriteFile(half, content, 0o600); err != nil {
		return err
	}
	return os.Rename(half, path)
}

type list struct {
	Data string `type:"existingdir" placeholder:"DIR" help:"Add what is in this directory."`
}

// Run lists who is there.
func (l *list) Run(ctx context.Context, stdout io.Writer) error {
	spine, err := simulator.Start(ctx, simulator.Options{DataDir: l.Data, Network: new(simulator.Memory)})
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CONSUMER\tASID\tNAME")
	for _, c := range spine.Consumers() {
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.ODS, c.ASID, c.Name)
	}
	fmt.Fprintln(table, "\nPRACTICE\tASID\tNAME\tWHAT IT IS THERE FOR")
	for _, p := range spine.Practices() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.ODS, p.ASID, p.Name, p.Scenario)
	}
	fmt.Fprintln(table, "\nPATIENT\tPRACTICE\tNAME\tWHAT THEY ARE THERE FOR")
	for _, p := range spine.Patients() {
		// In clear: these numbers are nobody's, and the list is of no use without them.
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.Number.Digits(), p.ODS, p.Name, p.Scenario)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("list: %w", err)
	}
	return spine.Close()
}
