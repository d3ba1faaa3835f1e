package gpconnect

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// maxWindowDays is the widest window that a practice must accept, as end date minus start date (10.1).
const maxWindowDays = 14

// SlotSearch is a search for free slots at one practice (10.1).
type SlotSearch struct {
	// Start and End are UK days, yyyy-mm-dd, the end included, or times with an offset in digits; at most 14 days apart.
	Start, End string
	// OrganisationType is "urgent-care", "gp-practice" or empty: what the consumer says it is. A booking says the same.
	OrganisationType string
	// Organisation is the consumer's ODS code; the zero code is not told.
	Organisation nhs.ODSCode
}

// Systems of what a consumer says of itself.
const (
	organisationTypeSystem = "https://fhir.nhs.uk/STU3/CodeSystem/GPConnect-OrganisationType-1"
	odsCodeSystem          = "https://fhir.nhs.uk/Id/ods-organization-code"
)

// Slots is the answer of one practice.
type Slots struct {
	// Slots in the practice's order. They are held for nobody.
	Slots []Slot
	// Unreadable are the slots that cannot be offered, and why: none is left out silently.
	Unreadable []Unreadable
	// Practice is the organisation that the slots' locations belong to; empty when there are none.
	Practice Practice
	// Response tells how the answer came.
	Response *spine.Response
}

// Slot is a free slot with everything that its Schedule says about it.
type Slot struct {
	ID, VersionID string
	Start, End    Moment
	// Channel is the delivery channel as received, such as "In-person"; empty when not stated.
	Channel string
	// SlotType and SessionType are the practice's own words.
	SlotType, SessionType string
	// Role is that of the session's practitioner.
	Role Role
	// ScheduleID is that of the session. Slots of one session can be booked together if one ends when the next begins.
	ScheduleID    string
	Location      Location
	Practitioners []Practitioner
	// JSON is the Slot exactly as received.
	JSON []byte
}

// Role is an SDS job role.
type Role struct{ Code, Display string }

// Location is where an appointment takes place; perhaps a branch.
type Location struct {
	ID, Name string
	Address  Address
	Telecoms []Telecom
	// SiteCode is the ODS site code, where given.
	SiteCode string
}

// Practitioner is who holds a session.
type Practitioner struct {
	ID     string
	Name   Name
	Gender string
	// SDSUserID is empty where not given.
	SDSUserID string
}

// Unreadable is an entry of an answer that cannot be used.
type Unreadable struct {
	// Position is the entry's in the Bundle.
	Position int
	// Reason is one of ours and holds nothing of the entry.
	Reason string
}

// Slots searches one practice for free slots.
func (c *Client) Slots(ctx context.Context, to Target, q SlotSearch) (*Slots, error) {
	query, err := q.query()
	if err != nil {
		return nil, err
	}
	response, err := c.call(ctx, to, nhs.SearchSlot, "", query, nil)
	if err != nil {
		return nil, fmt.Errorf("search for free slots: %w", err)
	}
	defer response.Body.Close()
	slots, err := parseSlots(fhir.NewBundleReader(response.Body, small(c.limits)))
	if err != nil {
		return nil, fmt.Errorf("search for free slots: %w", err)
	}
	slots.Response = response
	return slots, nil
}

// query checks the window and writes the search.
func (q SlotSearch) query() (url.Values, error) {
	start, err := parseBound(q.Start)
	if err != nil {
		return nil, fault.Invalid("start", "slots.time", "must be a day, or a time with an offset in digits")
	}
	end, err := parseBound(q.End)
	if err != nil {
		return nil, fault.Invalid("end", "slots.time", "must be a day, or a time with an offset in digits")
	}
	days := int(day(end).Sub(day(start)) / (24 * time.Hour))
	whole := len(q.End) == len(time.DateOnly)
	if days < 0 || days > maxWindowDays || !whole && end.Before(start) {
		return nil, fault.Invalid("end", "slots.window", "must not be before start, nor more than 14 days after it")
	}
	v := url.Values{
		"start": {"ge" + q.Start}, "end": {"le" + q.End}, "status": {"free"}, "_include": {"Slot:schedule"},
		"_include:recurse": {"Schedule:actor:Practitioner", "Schedule:actor:Location", "Location:managingOrganization"},
	}
	if q.OrganisationType != "" {
		v.Add("searchFilter", organisationTypeSystem+"|"+q.OrganisationType)
	}
	if !q.Organisation.IsZero() {
		v.Add("searchFilter", odsCodeSystem+"|"+q.Organisation.String())
	}
	return v, nil
}

// parseBound reads one end of a window. Z is refused as practices refuse it.
func parseBound(text string) (time.Time, error) {
	if len(text) == len(time.DateOnly) {
		return time.ParseInLocation(time.DateOnly, text, nhs.London)
	}
	t, err := time.Parse(offsetLayout, text)
	return t.In(nhs.London), err
}

// day is the UK day of a time, for counting days.
func day(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
