package gpconnect

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// Statement is what a practice's system says of itself at one service root (3). It is advisory: what is declared may be
// missing from an answer, and what is not declared may work. One that cannot be read is unknown, never unsupported.
type Statement struct {
	// Version is what the system claims; VersionText the same as received, also when it is no version.
	Version     Version
	VersionText string
	// Name is the statement's, FHIRVersion "3.0.1" at every root that is read here.
	Name, FHIRVersion string
	// SoftwareName and SoftwareVersion are the system's own.
	SoftwareName, SoftwareVersion string
	// Operations by name, without "$".
	Operations []string
	// Resources in the statement's order.
	Resources []ResourceSupport
	// Areas has every area in order, for a statement that would name the structured record; else nil.
	Areas []AreaSupport
	// JSON is the statement exactly as received.
	JSON []byte
	// Response tells how it came.
	Response *spine.Response
}

// ResourceSupport is what can be done with a resource type, in the words of FHIR: "read", "search-type", ...
type ResourceSupport struct {
	Type         string
	Interactions []string
}

// Support is whether something is offered. The zero Support is that it cannot be told.
type Support int

// What can be told.
const (
	Declared Support = iota + 1
	NotDeclared
)

// AreaSupport is what can be told of an area.
type AreaSupport struct {
	Area    Area
	Support Support
}

type capabilityStatement struct {
	Version  string `json:"version"`
	Name     string `json:"name"`
	FHIR     string `json:"fhirVersion"`
	Software struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"software"`
	Profile []reference `json:"profile"`
	Rest    []struct {
		Resource []struct {
			Type        string `json:"type"`
			Interaction []struct {
				Code string `json:"code"`
			} `json:"interaction"`
		} `json:"resource"`
		Operation []operation `json:"operation"`
	} `json:"rest"`
}

type operation struct {
	Name       string    `json:"name"`
	Definition reference `json:"definition"`
}

const structuredOperation = "gpc.getstructuredrecord"

// Statement reads the capability statement of the root that an interaction belongs to: [nhs.ReadMetadata],
// [nhs.ReadStructuredMetadata] or [nhs.ReadDocumentsMetadata].
func (c *Client) Statement(ctx context.Context, to Target, interaction nhs.Interaction) (*Statement, error) {
	response, err := c.call(ctx, to, interaction, "", nil, nil)
	if err != nil {
		return nil, fmt.Errorf("read a capability statement: %w", err)
	}
	text, err := readAll(response)
	if err != nil {
		return nil, fmt.Errorf("read a capability statement: %w", err)
	}
	s, err := parseStatement(text, interaction == nhs.ReadStructuredMetadata)
	if err != nil {
		return nil, fmt.Errorf("read a capability statement: %w", err)
	}
	s.Response = response
	return s, nil
}

// readAll reads a small answer and closes it. A byte order mark is dropped.
func readAll(r *spine.Response) ([]byte, error) {
	text, err := r.Body.ReadAll()
	return bytes.TrimPrefix(text, []byte("\ufeff")), err
}

// parseStatement interprets a statement. structured says that it is the one of the structured root, where the operation
// would be named.
func parseStatement(text []byte, structured bool) (*Statement, error) {
	var in capabilityStatement
	if err := readResource(text, "CapabilityStatement", maxStatement, maxObjects, &in); err != nil {
		return nil, err
	}
	s := &Statement{
		Version: ParseVersion(in.Version), VersionText: in.Version, Name: in.Name, FHIRVersion: in.FHIR,
		SoftwareName: in.Software.Name, SoftwareVersion: in.Software.Version, JSON: text,
	}
	var record *operation
	for _, rest := range in.Rest {
		for _, r := range rest.Resource {
			support := ResourceSupport{Type: r.Type}
			for _, i := range r.Interaction {
				support.Interactions = append(support.Interactions, i.Code)
			}
			s.Resources = append(s.Resources, support)
		}
		for _, o := range rest.Operation {
			name := strings.TrimPrefix(o.Name, "$")
			s.Operations = append(s.Operations, name)
			if name == structuredOperation {
				record = &o
			}
		}
	}
	if !structured && record == nil {
		return s, nil
	}
	for _, a := range Areas() {
		support := NotDeclared
		if record != nil {
			support = areaSupport(a, record.Definition.Reference, s.Version, in.Profile)
		}
		s.Areas = append(s.Areas, AreaSupport{a, support})
	}
	return s, nil
}

// areaSupport decides by the strongest signal: the version of the operation's definition, that of the specification, the
// profiles (3.2). Document metadata is told by the profiles alone.
func areaSupport(a Area, definition string, v Version, profiles []reference) Support {
	known := func(all bool) Support {
		if all || a == Allergies || a == Medications {
			return Declared
		}
		return NotDeclared
	}
	if a != Documents {
		_, history, _ := strings.Cut(definition, "/_history/")
		switch edition := ParseVersion(history); {
		case !edition.Known():
		case !edition.before(1, 15, 0):
			return known(true)
		case edition.before(1, 13, 0):
			return known(false)
		}
		if v.Known() {
			return known(!v.before(1, 5, 0))
		}
	}
	if len(profiles) == 0 {
		return 0
	}
	if slices.ContainsFunc(profiles, func(p reference) bool { return strings.Contains(p.Reference, profileOf(a)) }) {
		return Declared
	}
	return NotDeclared
}

// profileOf is a part of the name of the profile without which an area cannot be. The demonstrator's statement turns the
// words of the one for problems round.
func profileOf(a Area) string {
	return [...]string{
		"", "AllergyIntolerance", "MedicationStatement", "-Encounter-", "ProblemHeader", "-Immunization-", "-Observation-",
		"DiagnosticReport", "ReferralRequest", "ProcedureRequest", "DocumentReference",
	}[a]
}
