package simulator

import (
	"encoding/json"
	"net/http"
	"time"
)

const (
	// platformTime is how PDS writes when it answered.
	platformTime      = "2006-01-02T15:04:05-07:00"
	deathNotification = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus"
)

// pdsBundle is a searchset as PDS writes it: with nobody in it, it has no entry at all (PDS contract, 7.5).
type pdsBundle struct {
	ResourceType string     `json:"resourceType"`
	Type         string     `json:"type"`
	Timestamp    string     `json:"timestamp"`
	Total        int        `json:"total"`
	Entry        []pdsEntry `json:"entry,omitempty"`
}

type pdsEntry struct {
	FullURL  string    `json:"fullUrl"`
	Search   *pdsScore `json:"search,omitempty"`
	Resource any       `json:"resource"`
}

type pdsScore struct {
	// Score is written as the integer 1 when it is whole.
	Score float64 `json:"score"`
}

func writeBundle(w http.ResponseWriter, entries []pdsEntry) {
	writeJSON(w, spineType, http.StatusOK, pdsBundle{
		ResourceType: "Bundle", Type: "searchset", Timestamp: time.Now().UTC().Format(platformTime),
		Total: len(entries), Entry: entries,
	})
}

// search answers with those who match: all of them, or nobody if they are more than the ceiling.
func (p *pds) search(w http.ResponseWriter, r *http.Request, q pdsQuery) {
	today := time.Now().UTC().Format(time.DateOnly)
	matches := p.world.find(q, today)
	if len(matches) > q.most {
		e := spineError(http.StatusOK, "TOO_MANY_MATCHES", "multiple-matches", "Too Many Matches", "")
		e.severity = "information"
		e.write(w)
		return
	}
	var entries []pdsEntry
	for _, m := range matches {
		entries = append(entries, pdsEntry{
			FullURL:  "https://" + r.Host + pdsBase + "/Patient/" + m.person.ID,
			Search:   &pdsScore{float64(m.score) / whole},
			Resource: m.person.listing(today),
		})
	}
	writeBundle(w, entries)
}

// listing is what a search shows of a person: less than reading them does, and only what is so today (PDS contract, 7.6).
type listing struct {
	ResourceType        string            `json:"resourceType"`
	ID                  string            `json:"id"`
	Identifier          json.RawMessage   `json:"identifier,omitempty"`
	Meta                json.RawMessage   `json:"meta,omitempty"`
	Name                []json.RawMessage `json:"name,omitempty"`
	Gender              string            `json:"gender,omitempty"`
	BirthDate           string            `json:"birthDate,omitempty"`
	MultipleBirth       json.RawMessage   `json:"multipleBirthInteger,omitempty"`
	Deceased            string            `json:"deceasedDateTime,omitempty"`
	Address             []json.RawMessage `json:"address,omitempty"`
	Telecom             []json.RawMessage `json:"telecom,omitempty"`
	Contact             []json.RawMessage `json:"contact,omitempty"`
	GeneralPractitioner json.RawMessage   `json:"generalPractitioner,omitempty"`
	Extension           []json.RawMessage `json:"extension,omitempty"`
}

func (p *pdsPatient) listing(today string) listing {
	var l listing
	if err := json.Unmarshal(p.raw, &l); err != nil {
		return listing{ResourceType: p.ResourceType, ID: p.ID} // a shape of somebody's own, in what is not looked at
	}
	l.Name = keep(l.Name, func(e part) bool { return pdsName{Use: e.Use, Period: e.Period}.shown(today) })
	l.Address = keep(l.Address, func(e part) bool { return e.Use == "home" && e.Period.covers(today) })
	l.Telecom = keep(l.Telecom, func(e part) bool { return e.Period.covers(today) })
	l.Contact = keep(l.Contact, func(e part) bool { return e.Period.covers(today) })
	l.Extension = keep(l.Extension, func(e part) bool { return e.URL == deathNotification })
	if p.restricted() {
		l.Address, l.Telecom, l.Contact, l.GeneralPractitioner = nil, nil, nil, nil
	}
	return l
}

// part is what decides whether an element of a list is shown.
type part struct {
	Use    string    `json:"use"`
	URL    string    `json:"url"`
	Period pdsPeriod `json:"period"`
}

func keep(list []json.RawMessage, shown func(part) bool) []json.RawMessage {
	var kept []json.RawMessage
	for _, raw := range list {
		var p part
		if json.Unmarshal(raw, &p) == nil && shown(p) {
			kept = append(kept, raw)
		}
	}
	return kept
}
