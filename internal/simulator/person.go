package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

// pdsPatient is a PDS Patient: its bytes, and what of it the simulator itself must know to find people and to tell
// practices about them.
type pdsPatient struct {
	number nhs.Number
	raw    []byte

	ResourceType string `json:"resourceType"`
	ID           string `json:"id"`
	Meta         struct {
		VersionID string `json:"versionId"`
		Security  []struct {
			Code string `json:"code"`
		} `json:"security"`
	} `json:"meta"`
	Name      []pdsName `json:"name"`
	Gender    string    `json:"gender"`
	BirthDate string    `json:"birthDate"`
	Deceased  string    `json:"deceasedDateTime"`
	Address   []struct {
		Use        string    `json:"use"`
		Period     pdsPeriod `json:"period"`
		Line       []string  `json:"line"`
		PostalCode string    `json:"postalCode"`
	} `json:"address"`
	Telecom []struct {
		Period pdsPeriod `json:"period"`
		System string    `json:"system"`
		Value  string    `json:"value"`
	} `json:"telecom"`
	GeneralPractitioner []struct {
		Identifier struct {
			Value string `json:"value"`
		} `json:"identifier"`
	} `json:"generalPractitioner"`
}

type pdsName struct {
	Use    string    `json:"use"`
	Period pdsPeriod `json:"period"`
	Prefix []string  `json:"prefix"`
	Given  []string  `json:"given"`
	Family string    `json:"family"`
}

// shown reports whether a search looks at the name when it does not look at history, and shows it (PDS contract, 7.6).
func (n pdsName) shown(today string) bool {
	return (n.Use == "usual" || n.Use == "nickname" || n.Use == "temp") && n.Period.covers(today)
}

// pdsPeriod is open where it says nothing, and includes its end.
type pdsPeriod struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

func (p pdsPeriod) covers(today string) bool {
	day := func(s string) string { return s[:min(len(s), len(today))] }
	start, end := day(p.Start), day(p.End)
	return start <= today[:len(start)] && (end == "" || today[:len(end)] <= end)
}

// restricted reports whether PDS keeps back where the person is. What is not marked is restricted, too (PDS contract,
// 10.2).
func (p *pdsPatient) restricted() bool {
	return len(p.Meta.Security) == 0 || p.Meta.Security[0].Code != "U"
}

// readPatient checks a PDS Patient just far enough to serve it; the bytes stay as they are.
func readPatient(number nhs.Number, raw []byte) (*pdsPatient, error) {
	p := &pdsPatient{number: number, raw: raw}
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, errors.New("it is not JSON, or not shaped like a Patient") // the cause would quote the content
	}
	switch {
	case p.ResourceType != "Patient":
		return nil, errors.New("resourceType is not Patient")
	case p.ID != number.Digits():
		return nil, errors.New("id is not the number that the file is called after")
	case p.Meta.VersionID == "":
		return nil, errors.New("meta.versionId is missing")
	}
	return p, nil
}

// practice is the ODS code that the record names, current or not.
func (p *pdsPatient) practice() string {
	if len(p.GeneralPractitioner) == 0 {
		return ""
	}
	return strings.ToUpper(p.GeneralPractitioner[0].Identifier.Value)
}

func (p *pdsPatient) family() string {
	if len(p.Name) == 0 {
		return ""
	}
	return p.Name[0].Family
}

// entry is the patient as PDS answers.
func (p *pdsPatient) entry(scenario string) *patientEntry {
	e := &patientEntry{
		Patient: Patient{Number: p.number, Scenario: scenario}, person: p,
	}
	if len(p.Name) > 0 {
		e.Name = strings.Join(append(append([]string{}, p.Name[0].Given...), p.Name[0].Family), " ")
	}
	if ods, err := nhs.ParseODSCode(p.practice()); err == nil {
		e.ODS = ods
	}
	return e
}

// known is the patient as a practice knows them: the same demographics, so that a comparison finds what is meant to be
// found and nothing else.
func (p *pdsPatient) known(s scenarioFile, record []byte) practice.Patient {
	k := practice.Patient{
		NHSNumber: p.number, Family: p.Name[0].Family, Given: p.Name[0].Given, Gender: p.Gender, BirthDate: p.BirthDate,
		State: s.State, Story: s.Story, Dissents: s.Dissents, Record: record,
	}
	if len(p.Name[0].Prefix) > 0 {
		k.Prefix = p.Name[0].Prefix[0]
	}
	if len(p.Address) > 0 {
		a := p.Address[0]
		k.Address = practice.Address{Lines: a.Line, PostalCode: a.PostalCode}
		if n := len(a.Line); n > 1 { // PDS has no town; the last line is one more often than not
			k.Address.Lines, k.Address.City = a.Line[:n-1], a.Line[n-1]
		}
	}
	for _, t := range p.Telecom {
		if t.System == "phone" {
			k.Phone = t.Value
			break
		}
	}
	return k
}

// A date in the built-in patients is written relative to the start of the simulator, so that nothing goes stale:
//
//	${date-12y}        today, twelve years ago, as yyyy-mm-dd
//	${date-30y+10d}    the same with years (y), months (m) and days (d)
//	${month-74y}       yyyy-mm
//	${year-74y}        yyyy
//	${instant-20d}     yyyy-mm-ddT00:00:00+00:00
var (
	relativeDate   = regexp.MustCompile(`\$\{(date|month|year|instant)((?:[+-][0-9]{1,5}[ymd])*)\}`)
	relativeOffset = regexp.MustCompile(`([+-][0-9]+)([ymd])`)
)

// relative writes out the relative dates of a file.
func relative(raw []byte, now time.Time) ([]byte, error) {
	out := relativeDate.ReplaceAllFunc(raw, func(found []byte) []byte {
		parts := relativeDate.FindSubmatch(found)
		day := now.UTC()
		for _, offset := range relativeOffset.FindAllSubmatch(parts[2], -1) {
			n, err := strconv.Atoi(string(offset[1]))
			if err != nil {
				return found // it stays, and is refused below
			}
			switch offset[2][0] {
			case 'y':
				day = day.AddDate(n, 0, 0)
			case 'm':
				day = day.AddDate(0, n, 0)
			case 'd':
				day = day.AddDate(0, 0, n)
			}
		}
		layouts := map[string]string{
			"date": time.DateOnly, "month": "2006-01", "year": "2006", "instant": "2006-01-02T00:00:00+00:00",
		}
		return []byte(day.Format(layouts[string(parts[1])]))
	})
	if at := strings.Index(string(out), "${"); at >= 0 {
		return nil, fmt.Errorf("at byte %d: not a relative date", at)
	}
	return out, nil
}
