package simulator

import (
	"errors"
	"slices"
	"strings"

	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/practice"
)

// Consumer is an organisation that may call GP practices through the proxy.
type Consumer struct {
	ODS  nhs.ODSCode
	Name string
	// ASID is the organisation's accredited system, which Supplier made.
	ASID     nhs.ASID
	Supplier nhs.ODSCode
	// FQDN is the host name that the ASID is registered for.
	FQDN string
}

// Practice is one GP system as the directory has it.
type Practice struct {
	ODS      nhs.ODSCode
	Name     string
	ASID     nhs.ASID
	PartyKey nhs.PartyKey
	// Version is the GP Connect version that it claims.
	Version string
	// Roots are its service root URLs; empty where the directory has none.
	Roots practice.Roots
	// Interactions are the interactions that it is registered for; none is a practice without GP Connect.
	Interactions []nhs.Interaction
	// Scenario is a sentence for people: what it is there for.
	Scenario string
}

// Patient is a person known to PDS.
type Patient struct {
	Number nhs.Number
	// Name is how PDS shows the person; empty where it shows none.
	Name string
	// ODS is the practice of the PDS record; zero where there is none.
	ODS nhs.ODSCode
	// Scenario is a sentence for people: what this person is there for.
	Scenario string
}

// world is everything that the upstreams know. It does not change after loadWorld.
type world struct {
	consumers []Consumer
	practices []*practiceEntry
	patients  map[string]*patientEntry // by the NHS number asked for: a superseded one leads to its survivor
	order     []string                 // the keys of patients, sorted
	faults    []Fault
}

// practiceEntry is a practice with what only the simulator needs to know.
type practiceEntry struct {
	Practice
	host        string
	noAgreement bool
	system      *practice.System // nil for a practice without GP Connect
}

// patientEntry is what PDS answers for a number.
type patientEntry struct {
	Patient
	// person is whose record it is: the survivor's where the number is superseded, and nobody's where it is invalidated.
	person *pdsPatient
	// related are the related persons that the record has.
	related []relatedPerson
}

func (p *patientEntry) invalidated() bool { return p.person == nil }

// listed reports whether a search may find the entry: neither superseded nor invalidated (PDS contract, 7.3).
func (p *patientEntry) listed() bool { return p.person != nil && p.person.number == p.Number }

func (w *world) patient(number nhs.Number) *patientEntry { return w.patients[number.Digits()] }

func (w *world) listConsumers() []Consumer { return slices.Clone(w.consumers) }

func (w *world) listPractices() []Practice {
	list := make([]Practice, len(w.practices))
	for i, p := range w.practices {
		list[i] = p.Practice
	}
	return list
}

func (w *world) listPatients() []Patient {
	list := make([]Patient, len(w.order))
	for i, number := range w.order {
		list[i] = w.patients[number].Patient
	}
	return list
}

// hosts are the host names of the practices.
func (w *world) hosts() []string {
	var hosts []string
	for _, p := range w.practices {
		if !slices.Contains(hosts, p.host) {
			hosts = append(hosts, p.host)
		}
	}
	return hosts
}

// rootOf is the address of the capability that an interaction belongs to (gpconnect.md, 1.2).
func (p *practiceEntry) rootOf(interaction nhs.Interaction) string {
	id := interaction.String()
	switch {
	case interaction == nhs.ReadHTMLMetadata, interaction == nhs.GetCareRecord:
		return "https://" + p.host + "/" + p.ODS.String() + "/DSTU2/1/GPConnect"
	case strings.Contains(id, ":documents:"):
		return p.Roots.Documents
	case strings.Contains(id, ":structured:"), interaction == nhs.GetStructuredRecord,
		interaction == nhs.MigrateStructuredRecord:
		return p.Roots.Structured
	}
	return p.Roots.Foundations
}

// everyInteraction is part D of the SDS contract.
var everyInteraction = []nhs.Interaction{
	nhs.ReadMetadata, nhs.SearchPatient, nhs.ReadPatient, nhs.RegisterPatient, nhs.SearchPractitioner,
	nhs.ReadPractitioner, nhs.SearchOrganization, nhs.ReadOrganization, nhs.ReadLocation, nhs.SearchSlot,
	nhs.CreateAppointment, nhs.UpdateAppointment, nhs.CancelAppointment, nhs.ReadAppointment,
	nhs.SearchPatientAppointments, nhs.GetStructuredRecord, nhs.ReadStructuredMetadata, nhs.MigrateStructuredRecord,
	nhs.ReadDocumentsMetadata, nhs.SearchDocumentsPatient, nhs.SearchDocuments, nhs.ReadDocument, nhs.MigrateDocument,
	nhs.ReadHTMLMetadata, nhs.GetCareRecord,
}

// allInteractions are those that a practice of a version has: documents since 1.5, migration since 1.6 (gpconnect.md,
// 1.1). Access Record HTML is a product of its own and is never among them.
func allInteractions(version string) []nhs.Interaction {
	var list []nhs.Interaction
	for _, i := range everyInteraction {
		switch {
		case i == nhs.ReadHTMLMetadata, i == nhs.GetCareRecord:
		case version < "1.5" && strings.Contains(i.String(), ":documents:"):
		case version < "1.6" && (i == nhs.MigrateStructuredRecord || i == nhs.MigrateDocument):
		default:
			list = append(list, i)
		}
	}
	return list
}

// builtInConsumers are the organisations that may call; a data directory cannot add any.
func builtInConsumers() []Consumer {
	consumer := func(ods, name, asid string) Consumer {
		o, errODS := nhs.ParseODSCode(ods)
		a, errASID := nhs.ParseASID(asid)
		supplier, errSupplier := nhs.ParseODSCode("X26SG")
		if err := errors.Join(errODS, errASID, errSupplier); err != nil {
			panic("unreachable: a consumer of our own is no good: " + err.Error())
		}
		return Consumer{ODS: o, Name: name, ASID: a, Supplier: supplier, FQDN: clientName}
	}
	return []Consumer{
		consumer("Q8X01", "Example Urgent Care", "200000000115"),
		consumer("R9Y02", "Example Community Trust", "200000000222"),
	}
}
