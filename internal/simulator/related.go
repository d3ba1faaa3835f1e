package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// relatedPerson is somebody whom a record names: with their details, or only with their own NHS number (PDS contract, 8).
type relatedPerson struct {
	id  string
	raw json.RawMessage
}

// readRelated checks a list of RelatedPersons just far enough to serve them; the bytes stay as they are.
func readRelated(raw []byte) ([]relatedPerson, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, errors.New("it is not a list in JSON") // the cause would quote the content
	}
	var related []relatedPerson
	for i, raw := range list {
		var r struct {
			ResourceType string `json:"resourceType"`
			ID           string `json:"id"`
			Patient      struct {
				Identifier struct {
					Value string `json:"value"`
				} `json:"identifier"`
			} `json:"patient"`
		}
		err := json.Unmarshal(raw, &r)
		switch {
		case err != nil || r.ResourceType != "RelatedPerson":
			return nil, fmt.Errorf("entry %d: resourceType is not RelatedPerson", i+1)
		case r.ID == "":
			return nil, fmt.Errorf("entry %d: id is missing", i+1)
		}
		if _, err := testNumber(r.Patient.Identifier.Value); err != nil {
			return nil, fmt.Errorf("entry %d: patient.identifier.value: %w", i+1, err)
		}
		related = append(related, relatedPerson{id: r.ID, raw: raw})
	}
	return related, nil
}

// relatedPersons answers with those whom the record names. For a restricted patient there never are any.
func (p *pds) relatedPersons(w http.ResponseWriter, r *http.Request, patient *patientEntry) {
	var entries []pdsEntry
	if !patient.person.restricted() {
		for _, related := range patient.related {
			entries = append(entries, pdsEntry{
				FullURL:  "https://" + r.Host + pdsBase + "/Patient/" + patient.person.ID + "/RelatedPerson/" + related.id,
				Resource: related.raw,
			})
		}
	}
	writeBundle(w, entries)
}
