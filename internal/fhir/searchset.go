package fhir

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// What can be wrong with a searchset, beside what can be wrong with any resource.
var (
	ErrNotSearchset = errors.New("the Bundle is not a searchset")
	ErrTotal        = errors.New("the searchset does not hold as many entries as it says")
)

// SearchEntry is one entry of a searchset. Its resource is not decoded: whoever searched knows what they searched for.
type SearchEntry struct {
	// FullURL is empty where absent.
	FullURL string
	// Score is search.score, digit for digit as received; empty where absent.
	Score string
	// Resource is what was found, exactly as received; nil where absent.
	Resource jsontext.Value
}

// ReadSearchset reads a Bundle of type searchset that is small enough to be held, in the sender's order (PDS contract,
// 7.5 and 8). For a practice's Bundles, which are not, there is [BundleReader].
//
// Nothing found is no entry and a total of 0. A searchset whose total is missing, or is not the number of its entries,
// cannot be shown to be whole and fails with [ErrTotal]: there is no paging that could explain it.
func ReadSearchset(text []byte) ([]SearchEntry, error) {
	var bundle struct {
		Type  string `json:"type"`
		Total *int   `json:"total"`
		Entry []struct {
			FullURL string `json:"fullUrl"`
			Search  struct {
				Score jsontext.Value `json:"score"`
			} `json:"search"`
			Resource jsontext.Value `json:"resource"`
		} `json:"entry"`
	}
	if err := decode(text, "Bundle", &bundle); err != nil {
		return nil, err
	}
	switch {
	case bundle.Type != "searchset":
		return nil, ErrNotSearchset
	case bundle.Total == nil || *bundle.Total != len(bundle.Entry):
		return nil, ErrTotal
	}
	entries := make([]SearchEntry, 0, len(bundle.Entry))
	for _, e := range bundle.Entry {
		entry := SearchEntry{FullURL: e.FullURL, Resource: present(e.Resource)}
		if score := present(e.Search.Score); score != nil {
			if score.Kind() != '0' {
				return nil, ErrShape
			}
			entry.Score = string(score)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// present reads null as absent.
func present(v jsontext.Value) jsontext.Value {
	if len(v) == 0 || v.Kind() == 'n' {
		return nil
	}
	return v
}
