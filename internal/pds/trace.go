package pds

import (
	"errors"
	"slices"
	"time"

	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
)

// Person is what PDS says of somebody, in FHIR's own shape.
type Person = fhir.Patient

// Name is a person's name.
type Name = fhir.HumanName

// Record is what PDS holds about one person, as far as it may be told.
type Record struct {
	// Current is the NHS Number of the record: the one to use.
	Current nhs.Number
	// Version is that of the record.
	Version string
	// Restriction says whether details are restricted. Anything but Unrestricted forbids asking a practice.
	Restriction Restriction
	// Name is the name to show: the usual one. It is nil where there is none.
	Name *Name
	// Home is the address where the person lives today. It is nil where there is none.
	Home *fhir.Address
	// Person is the record itself. If details are restricted it holds nothing about where the person can be found, and its
	// JSON is nil if PDS sent such a thing nevertheless.
	Person Person
}

// Source says where an answer of PDS comes from.
type Source struct {
	// RetrievedAt is when the answer came.
	RetrievedAt time.Time
	// RequestID and CorrelationID are the ids of the request.
	RequestID, CorrelationID string
	// Simulated says that a simulator answered.
	Simulated bool
	// Access is in whose name the request was made.
	Access Access
}

// Trace is what a record says about one number, and what follows from it on the day of asking.
type Trace struct {
	Record
	Source

	// Requested is the number asked for. Current is the one to use from now on.
	Requested nhs.Number
	// Superseded says that the two differ: the number was merged into another.
	Superseded bool
	// Death says whether a death was notified, and DiedAt when, as recorded and perhaps partial.
	Death  Death
	DiedAt string
	// Registration says which practice the person is registered with.
	Registration Registration
}

// OtherNames are all names but Name, in PDS's order.
func (r *Record) OtherNames() []Name {
	var others []Name
	for i := range r.Person.Name {
		if &r.Person.Name[i] != r.Name {
			others = append(others, r.Person.Name[i])
		}
	}
	return others
}

// Restriction says whether a person's details are restricted. The zero Restriction is not "no".
type Restriction int

// The codes of meta.security (PDS contract, 10.2).
const (
	RestrictionUnset Restriction = iota
	Unrestricted
	Restricted
	VeryRestricted
	// NotStated is anything else: nothing, or a code that is not known. It counts as restricted.
	NotStated
)

// Errors of a record that contradicts itself.
var (
	errNumber       = errors.New("the record is not under an NHS number")
	errTwoNumbers   = errors.New("the record is under two NHS numbers")
	errTwoPractices = errors.New("the record names more than one practice")
)

const numberSystem = "https://fhir.nhs.uk/Id/nhs-number"

// newRecord reads what every record says of itself. A restricted one loses all that says where the person is.
func newRecord(p Person, today day) (Record, error) {
	current, err := nhs.ParseNumber(p.ID)
	if err != nil {
		return Record{}, errNumber
	}
	for _, i := range p.Identifier {
		if i.System == numberSystem && i.Value != p.ID {
			return Record{}, errTwoNumbers
		}
	}
	r := Record{Current: current, Version: p.Meta.VersionID, Restriction: restriction(p.Meta.Security), Person: p}
	if r.Restriction != Unrestricted {
		r.Person = withoutLocation(p)
	}
	r.Name = usualName(r.Person.Name, today)
	r.Home = home(r.Person.Address, today)
	return r, nil
}

// conclude applies the decision table of the PDS contract, 11.
func conclude(p Person, requested nhs.Number, now time.Time) (*Trace, error) {
	today := dayOf(now)
	r, err := newRecord(p, today)
	if err != nil {
		return nil, err
	}
	t := &Trace{Record: r, Requested: requested, Superseded: r.Current != requested}
	t.Death, t.DiedAt = death(p)
	if t.Restriction != Unrestricted {
		t.Registration.Status = Withheld
	} else if t.Registration, err = registration(p, t.Death, today); err != nil {
		return nil, err
	}
	return t, nil
}

// restriction goes by code alone, and fails closed. Several labels are as strict as the strictest.
func restriction(labels []fhir.Coding) Restriction {
	worst := NotStated
	for i, label := range labels {
		level, known := map[string]Restriction{"U": Unrestricted, "R": Restricted, "V": VeryRestricted}[label.Code]
		if !known {
			return NotStated
		}
		if i == 0 || level > worst {
			worst = level
		}
	}
	return worst
}

// withoutLocation is what may be told of a restricted person. PDS leaves the rest out itself, but for a managing
// organisation, and for everything in privileged access (PDS contract, 10.2).
func withoutLocation(p Person) Person {
	located := len(p.Address)+len(p.Telecom)+len(p.Contact)+len(p.GeneralPractitioner)+len(p.Extensions) > 0 ||
		p.ManagingOrganization != nil || len(p.Unknown) > 0
	told := Person{
		ResourceType: p.ResourceType, ID: p.ID, Identifier: p.Identifier, Meta: p.Meta, Name: p.Name, Gender: p.Gender, BirthDate: p.BirthDate,
		Deceased: p.Deceased, DeceasedFlag: p.DeceasedFlag,
	}
	if !located {
		told.JSON = p.JSON
	}
	return told
}

// home is the home address whose period covers today, of several the one that began last.
func home(addresses []fhir.Address, today day) *fhir.Address {
	var chosen *fhir.Address
	for i := range addresses {
		a := &addresses[i]
		if a.Use == "home" && covers(a.Period, today) && (chosen == nil || a.Period.Start > chosen.Period.Start) {
			chosen = a
		}
	}
	return chosen
}

// usualName is the usual name whose period covers today, else the one that began last (PDS contract, 10.1).
func usualName(names []Name, today day) *Name {
	var chosen *Name
	for i := range names {
		n := &names[i]
		if n.Use != "usual" {
			continue
		}
		if covers(n.Period, today) {
			return n
		}
		if chosen == nil || n.Period.Start > chosen.Period.Start {
			chosen = n
		}
	}
	return chosen
}

// Death says whether a death was notified. The zero Death is not "alive".
type Death int

// What a record can say of a death (PDS contract, 10.4).
const (
	DeathUnset Death = iota
	// NoneRecorded is no notification and no date.
	NoneRecorded
	// Informal may be wrong.
	Informal
	// Formal is registered.
	Formal
	// Withdrawn is a notification taken back.
	Withdrawn
	// Conflicting is one taken back beside a date of death.
	Conflicting
	// Unconfirmed is a date without a notification, or a notification with an unknown code.
	Unconfirmed
)

// Dead says that the person has to be taken for dead. Only NoneRecorded and Withdrawn are not.
func (d Death) Dead() bool { return d != NoneRecorded && d != Withdrawn }

const (
	deathExtension = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus"
	deathStatus    = "deathNotificationStatus"
)

func death(p Person) (Death, string) {
	dated := p.Deceased != "" || p.DeceasedFlag
	extension := p.Extensions.Find(deathExtension)
	switch code := extension.Extensions.Find(deathStatus).Concept.Code(); {
	case code == "1":
		return Informal, p.Deceased
	case code == "2":
		return Formal, p.Deceased
	case code == "U" && dated:
		return Conflicting, p.Deceased
	case code == "U":
		return Withdrawn, ""
	case extension.URL != "" || dated:
		return Unconfirmed, p.Deceased
	}
	return NoneRecorded, ""
}

// Registration says which practice a person is registered with.
type Registration struct {
	Status RegistrationStatus
	// ODS is the practice; set for Registered, NotCurrent and, if the record names one, Deceased.
	ODS nhs.ODSCode
	// Since and Until are the first and last day as recorded; empty where open.
	Since, Until string
	// RemovalCode says why the person was removed, and RemovedAt when, as recorded.
	RemovalCode, RemovedAt string
}

// RegistrationStatus is an outcome of the decision table of the PDS contract, 11.
type RegistrationStatus int

// The outcomes.
const (
	RegistrationUnset RegistrationStatus = iota
	Registered
	NotCurrent
	NotRegistered
	Deregistered
	// Withheld stands for every restricted record.
	Withheld
	Deceased
)

const (
	odsSystem        = "https://fhir.nhs.uk/Id/ods-organization-code"
	removalExtension = "https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration"
	removalCode      = "removalFromRegistrationCode"
	removalTime      = "effectiveTime"
)

// pseudoPractices stand for none: not registered, not applicable, not known.
var pseudoPractices = []string{"V81997", "V81998", "V81999"}

// registration is the table from its row 4 on, for an unrestricted record.
func registration(p Person, d Death, today day) (Registration, error) {
	removal := p.Extensions.Find(removalExtension)
	r := Registration{
		Status:      NotRegistered,
		RemovalCode: removal.Extensions.Find(removalCode).Concept.Code(),
		RemovedAt:   removal.Extensions.Find(removalTime).Period.Start,
	}
	switch {
	case len(p.GeneralPractitioner) == 0 && p.ManagingOrganization != nil:
		r.Status = Deregistered
		return r, nil
	case len(p.GeneralPractitioner) == 0:
		return r, nil
	case len(p.GeneralPractitioner) > 1:
		return Registration{}, errTwoPractices
	}
	practice := p.GeneralPractitioner[0].Identifier
	ods, err := nhs.ParseODSCode(trim(practice.Value))
	if err != nil || practice.System != odsSystem || slices.Contains(pseudoPractices, ods.String()) {
		return r, nil //nolint:nilerr // a code that is none is no registration
	}
	r.ODS, r.Since, r.Until = ods, practice.Period.Start, practice.Period.End
	switch {
	case !covers(practice.Period, today):
		r.Status = NotCurrent
	case d.Dead():
		r.Status = Deceased
	default:
		r.Status = Registered
	}
	return r, nil
}
