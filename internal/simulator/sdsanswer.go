package simulator

import (
	"fmt"
	"net/http"
	"net/url"
)

// searchset is the envelope of an answer (SDS contract, A4).
func searchset(r *http.Request, path string, resources []map[string]any) any {
	self := sdsInternal + path
	if query, err := url.QueryUnescape(r.URL.RawQuery); err == nil {
		self += "?" + query
	}
	type entry struct {
		FullURL  string            `json:"fullUrl"`
		Resource map[string]any    `json:"resource"`
		Search   map[string]string `json:"search"`
	}
	entries := []entry{}
	for _, resource := range resources {
		entries = append(entries, entry{
			FullURL:  fmt.Sprintf("%s%s/%s", sdsInternal, path, resource["id"]),
			Resource: resource, Search: map[string]string{"mode": "match"},
		})
	}
	return struct {
		ResourceType string              `json:"resourceType"`
		ID           string              `json:"id"`
		Type         string              `json:"type"`
		Total        int                 `json:"total"`
		Link         []map[string]string `json:"link"`
		Entry        []entry             `json:"entry"`
	}{"Bundle", randomID(), "searchset", len(entries), []map[string]string{{"relation": "self", "url": self}}, entries}
}

type identifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

// identifiers are those of the entry that it has, in the order given.
func (a attributes) identifiers(pairs ...string) []identifier {
	var list []identifier
	for i := 0; i < len(pairs); i += 2 {
		if value := a.first(pairs[i+1]); value != "" { //nolint:gosec // pairs are pairs
			list = append(list, identifier{pairs[i], value})
		}
	}
	return list
}

// referring is an extension that refers by identifier.
func referring(url, system, value string) map[string]any {
	return map[string]any{
		"url": url, "valueReference": map[string]any{"identifier": identifier{system, value}},
	}
}

// endpoint is the Endpoint of a message handling server (SDS contract, A5).
func endpoint(a attributes) map[string]any {
	e := map[string]any{
		"resourceType": "Endpoint", "id": randomID(), "status": "active",
		"connectionType": map[string]string{
			"system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
			"code":   "hl7-fhir-msg", "display": "HL7 FHIR Messaging",
		},
		"payloadType": []any{map[string]any{"coding": []any{map[string]string{
			"system": "http://terminology.hl7.org/CodeSystem/endpoint-payload-type", "code": "any", "display": "Any",
		}}}},
		"managingOrganization": map[string]any{"identifier": identifier{systemODS, a.first("nhsIDCode")}},
		"identifier": a.identifiers(systemFQDN, "nhsMhsFQDN", systemPartyKey, "nhsMHSPartyKey",
			systemCPAID, "nhsMhsCPAId", systemMHSID, "uniqueIdentifier"),
		"extension": []any{referring(extensionInteraction, systemInteraction, a.first("nhsMhsSvcIA"))},
	}
	if address := a.first("nhsMHSEndPoint"); address != "" {
		e["address"] = address
	}
	return e
}

// device is the Device of an accredited system (SDS contract, A6).
func device(a attributes) map[string]any {
	extensions := []any{referring(extensionManufacturer, systemODS, a.first("nhsMhsManufacturerOrg"))}
	for _, interaction := range a["nhsassvcia"] {
		extensions = append(extensions, referring(extensionInteraction, systemInteraction, interaction))
	}
	return map[string]any{
		"resourceType": "Device", "id": randomID(),
		"identifier": a.identifiers(systemASID, "uniqueIdentifier", systemPartyKey, "nhsMHSPartyKey"),
		"extension":  extensions,
		"owner":      map[string]any{"identifier": identifier{systemODS, a.first("nhsAsClient")}},
	}
}
