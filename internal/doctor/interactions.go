package doctor

import (
	"slices"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/policy"
)

// sends are the interactions that a method sends to practices; those of methods that only ask PDS or the directory are none.
var sends = map[string][]nhs.Interaction{
	"/spinegate.v1.GPConnect/GetCapabilities":     {nhs.ReadMetadata, nhs.ReadStructuredMetadata, nhs.ReadDocumentsMetadata},
	"/spinegate.v1.GPConnect/GetStructuredRecord": {nhs.ReadStructuredMetadata, nhs.ReadMetadata, nhs.GetStructuredRecord},
	"/spinegate.v1.GPConnect/SearchSlots":         {nhs.SearchSlot},
	"/spinegate.v1.GPConnect/BookAppointment":     {nhs.SearchPatient, nhs.CreateAppointment, nhs.SearchPatientAppointments},
}

// Interactions are those that methods send to practices, each once; nil methods are all.
func Interactions(methods map[string]bool) []nhs.Interaction {
	var all []nhs.Interaction
	for m := range policy.All() {
		if methods != nil && !methods[m.Name] {
			continue
		}
		for _, i := range sends[m.Name] {
			if !slices.Contains(all, i) {
				all = append(all, i)
			}
		}
	}
	return all
}
