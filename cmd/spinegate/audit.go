package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/spinegate/spinegate/internal/audit"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Names of a sandbox's files in its directory.
const (
	trailName = "audit.db"
	keyName   = "store.key"
)

type auditCommand struct {
	Dir string `setting:"dir" type:"path" variable:"SPINEGATE_DIR" placeholder:"DIR" help:"Directory of a sandbox, which it prints when it starts."`
	DB  string `name:"db" type:"path" placeholder:"FILE" help:"The trail, with --key, where there is no such directory."`
	Key string `type:"path" placeholder:"FILE" help:"The key that personal details are sealed with."`

	Patient string        `placeholder:"NUMBER" help:"What is about this patient."`
	ID      string        `name:"id" placeholder:"ID" help:"The call that has this id: call, trace, Ssp-TraceID, X-Request-ID or X-Correlation-ID."`
	Caller  string        `placeholder:"ODS" help:"What this organisation asked."`
	Kind    string        `placeholder:"KIND" help:"Only attempt, access, failure, release, outcome or system."`
	Since   time.Duration `placeholder:"TIME" help:"Only of the last 90s, 15m, 24h, ..."`
	Limit   int           `default:"100" help:"The newest so many (${default})."`
}

func (auditCommand) Help() string {
	return `Reads the audit trail of a gateway, also while it runs, and never writes it. Each entry was durable before what it speaks of
happened:

  attempt    before the first byte went anywhere: who asks, and about whom
  access     before each request to PDS or a practice, with the NHS's ids for it
  release    before the first clinical byte left for the caller
  outcome    how it ended and what left, by type; refusals have one, too
  system     what the trail says of itself: start, stop, recovery after a crash

Entries are shown in the order in which they became durable. Any one id finds a call: that of an error on a screen, or the
Ssp-TraceID from a practice's own log. Personal details are sealed in the file; the key opens them.

  spinegate audit --dir ./sandbox --patient 9990000018
  spinegate audit --dir ./sandbox --id 4bf92f3577b34da6a3ce929d0e0e4736
  spinegate audit --db audit.db --key audit.key --caller Q8X01 --since 24h`
}

func (c *auditCommand) Run(ctx context.Context, t *terminal) error {
	query, err := c.query()
	if err != nil {
		return err
	}
	config := &audit.Config{Path: c.DB, KeyFile: c.Key}
	if c.DB != "" && t.choice.from("dir") != "--dir" {
		c.Dir = "" // what is said goes before what is set
	}
	switch {
	case c.Dir != "" && c.DB == "" && c.Key == "":
		config = sandboxTrail(c.Dir)
	case c.Dir != "" || c.DB == "" || c.Key == "":
		return misusedf("which trail? --dir DIR of the sandbox (it prints it when it starts), or --db FILE with --key FILE")
	}
	entries, err := readTrail(ctx, *config, query)
	if err != nil {
		return err
	}
	if t.json {
		return printEntries(t.out, entries)
	}
	showEntries(t.out, entries)
	return nil
}

// sandboxTrail is the trail in a sandbox's directory.
func sandboxTrail(dir string) *audit.Config {
	return &audit.Config{Path: filepath.Join(dir, trailName), KeyFile: filepath.Join(dir, keyName)}
}

func (c *auditCommand) query() (audit.Query, error) {
	q := audit.Query{ID: c.ID, Limit: c.Limit, Kind: audit.Kind(strings.ToUpper(c.Kind))}
	var err error
	if c.Patient != "" {
		if q.Patient, err = nhs.ParseNumber(stripped([]string{c.Patient})); err != nil {
			return q, misuse{err}
		}
	}
	if c.Caller != "" {
		if q.Organisation, err = nhs.ParseODSCode(c.Caller); err != nil {
			return q, misuse{err}
		}
	}
	kinds := []audit.Kind{"", audit.KindAttempt, audit.KindAccess, audit.KindFailure, audit.KindRelease, audit.KindOutcome, audit.KindSystem}
	if !slices.Contains(kinds, q.Kind) {
		return q, misusedf("--kind is one of attempt, access, failure, release, outcome, system")
	}
	if c.Since != 0 {
		q.Since = time.Now().Add(-c.Since.Abs())
	}
	return q, nil
}

// readTrail is what a query chooses, oldest first.
func readTrail(ctx context.Context, config audit.Config, q audit.Query) ([]audit.Entry, error) {
	for _, file := range []string{config.Path, config.KeyFile} {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no audit trail here: %s does not exist", file)
		}
	}
	reader, err := audit.OpenReader(ctx, config)
	if err != nil {
		return nil, err
	}
	var entries []audit.Entry
	for e, err := range reader.Entries(ctx, q) {
		if err != nil {
			return nil, errors.Join(err, reader.Close())
		}
		entries = append(entries, e)
	}
	slices.Reverse(entries)
	return entries, reader.Close()
}

// told is an entry with what is sealed in the trail, for whoever holds the key.
type told struct {
	Seq     audit.Seq `json:"seq"`
	Patient string    `json:"patient,omitzero"`
	Caller  *caller   `json:"caller,omitzero"`
	audit.Entry
}

type caller struct {
	Organisation     string `json:"organisation"`
	OrganisationName string `json:"organisation_name,omitzero"`
	User             string `json:"user,omitzero"`
	UserSystem       string `json:"user_system,omitzero"`
	Name             string `json:"name,omitzero"`
	SDSUser          string `json:"sds_user,omitzero"`
	SDSRoleProfile   string `json:"sds_role_profile,omitzero"`
}

// inWords makes the vocabulary of package nhs write itself, which it does by itself nowhere.
var inWords = json.JoinOptions(json.Deterministic(true), json.WithMarshalers(json.JoinMarshalers(
	json.MarshalToFunc(func(e *jsontext.Encoder, c nhs.ODSCode) error { return e.WriteToken(jsontext.String(c.String())) }),
	json.MarshalToFunc(func(e *jsontext.Encoder, a nhs.ASID) error { return e.WriteToken(jsontext.String(a.String())) }),
	json.MarshalToFunc(func(e *jsontext.Encoder, d time.Duration) error { return e.WriteToken(jsontext.Int(int64(d))) }),
)))

// printEntries writes one entry a line.
func printEntries(p *page, entries []audit.Entry) error {
	for _, e := range entries {
		line := told{Seq: e.Seq, Patient: e.Subject.Digits(), Entry: e}
		if o := e.Caller.Organisation; !o.IsZero() {
			line.Caller = &caller{
				Organisation: o.String(), OrganisationName: e.Caller.OrganisationName, User: e.Caller.UserID,
				UserSystem: e.Caller.UserSystem, Name: personName(e.Caller), SDSUser: e.Caller.SDSUserID,
				SDSRoleProfile: e.Caller.SDSRoleProfileID,
			}
		}
		text, err := json.Marshal(line, inWords)
		if err != nil {
			return fmt.Errorf("write as JSON: %w", err)
		}
		p.write(string(text) + "\n")
	}
	return p.failed()
}

func personName(c audit.Caller) string {
	return strings.Join(strings.Fields(c.Prefix+" "+c.Given+" "+c.Family), " ")
}
