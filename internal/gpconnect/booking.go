package gpconnect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// Limits of the texts of an appointment, in characters (10.2).
const (
	maxDescription = 100
	maxComment     = 500
)

// Booking is an appointment to be made (10.2).
type Booking struct {
	// PatientID is the logical id that FindPatient gave at the same root.
	PatientID string
	// Slots are one or more, each ending when the next begins, all of one session.
	Slots []BookedSlot
	// LocationID and PractitionerIDs are those of the session; the practitioners may be unknown.
	LocationID      string
	PractitionerIDs []string
	// Description is 1 to 100 characters, Comment at most 500. Neither may hold clinical information.
	Description, Comment string
	// Organisation is the one that books.
	Organisation BookingOrganisation
}

// BookedSlot is a slot as the search gave it.
type BookedSlot struct {
	ID         string
	Start, End Moment
}

// BookingOrganisation is who books. All but the type are required.
type BookingOrganisation struct {
	ODS, Name, Phone string
	// Type is what the search said, empty if it said nothing.
	Type string
}

// The wire form of an appointment that is created. The order of its members is the specification's.
type newAppointment struct {
	ResourceType string            `json:"resourceType"`
	Meta         profiled          `json:"meta"`
	Contained    []newOrganization `json:"contained"`
	Extension    []newExtension    `json:"extension"`
	Status       string            `json:"status"`
	Description  string            `json:"description"`
	Start        string            `json:"start"`
	End          string            `json:"end"`
	Slot         []newReference    `json:"slot"`
	Created      string            `json:"created"`
	Comment      string            `json:"comment,omitempty"`
	Participant  []newParticipant  `json:"participant"`
}

type profiled struct {
	Profile []string `json:"profile"`
}

type newOrganization struct {
	ResourceType string       `json:"resourceType"`
	ID           string       `json:"id"`
	Meta         profiled     `json:"meta"`
	Identifier   []identifier `json:"identifier"`
	Type         []newConcept `json:"type,omitempty"`
	Name         string       `json:"name"`
	Telecom      []newTelecom `json:"telecom"`
}

type newConcept struct {
	Coding []newCoding `json:"coding"`
}

type newCoding struct {
	System string `json:"system"`
	Code   string `json:"code"`
}

type newTelecom struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

type newExtension struct {
	URL       string       `json:"url"`
	Reference newReference `json:"valueReference"`
}

type newReference struct {
	Reference string `json:"reference"`
}

type newParticipant struct {
	Actor  newReference `json:"actor"`
	Status string       `json:"status"`
}

const structureDefinition = "https://fhir.nhs.uk/STU3/StructureDefinition/"

// Book makes an appointment. It sends once.
//
// An error for which [Settled] is true means that this sending booked nothing: SLOT_TAKEN, BOOKING_REJECTED, a fault before
// sending, ... After any other error an appointment may have been made: look for it with Appointments before anything
// else. An answer that says "created" and cannot be read, or speaks of something else, is OUTCOME_UNKNOWN.
func (c *Client) Book(ctx context.Context, to Target, b *Booking) (*Appointment, error) {
	body, err := b.encode(time.Now())
	if err != nil {
		return nil, err
	}
	response, err := c.call(ctx, to, nhs.CreateAppointment, "", nil, body)
	if err != nil {
		return nil, fmt.Errorf("book an appointment: %w", err)
	}
	text, err := readAll(response)
	if err != nil {
		return nil, fmt.Errorf("book an appointment: %w", unknownOutcome(err))
	}
	a, err := parseAppointment(text)
	if err != nil {
		return nil, fmt.Errorf("book an appointment: %w", unknownOutcome(err))
	}
	a.Response = response
	a.complete(response.Header)
	if !logicalID.MatchString(a.ID) || a.PatientID != b.PatientID || !a.Holds(b.Slots) || a.Status != "booked" {
		return nil, fmt.Errorf("book an appointment: %w", unknownOutcome(errOtherAppointment))
	}
	return a, nil
}

var errOtherAppointment = errors.New("the practice stored another appointment than was asked for")

func unknownOutcome(cause error) error {
	return fault.New(pb.Hop_HOP_PROVIDER, pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN, cause)
}

// Settled reports that a write that failed with err changed nothing: it was refused here, no byte of it left, or proxy or
// practice said in their own codes that they did not accept it. Everything else may hide a change: silence, an answer of 5xx, a
// status that nobody explained, a code that speaks of a fault and not of a refusal, and the proxy's words without its coding
// system. It is about this one sending: if the write was sent before, it says nothing of what that did.
func Settled(err error) bool {
	if spine.NeverSent(err) {
		return true
	}
	e, explained := errors.AsType[*fault.Error](err)
	if !explained {
		return false
	}
	if e.HTTPStatus == 0 {
		return e.Reason == pb.ErrorReason_ERROR_REASON_REQUEST_INVALID || e.Reason == pb.ErrorReason_ERROR_REASON_SLOTS_NOT_ADJACENT
	}
	coded := slices.ContainsFunc(e.Issues, func(i *pb.UpstreamIssue) bool { return i.GetIssueCode() != "" })
	refused := e.HTTPStatus >= 400 && e.HTTPStatus < 444 && e.HTTPStatus != http.StatusRequestTimeout &&
		e.HTTPStatus != http.StatusTooManyRequests
	return coded && refused && slices.Contains(refusals[e.Hop], e.Reason) && (e.Hop != pb.Hop_HOP_SSP || e.ProxyCoded)
}

// refusals are what proxy and practice can say, in codes of their own, of a request that they did not carry out.
var refusals = map[pb.Hop][]pb.ErrorReason{
	pb.Hop_HOP_SSP: {
		pb.ErrorReason_ERROR_REASON_NO_SHARING_AGREEMENT, pb.ErrorReason_ERROR_REASON_SENDER_NOT_ACCREDITED,
		pb.ErrorReason_ERROR_REASON_RECEIVER_NOT_ACCREDITED, pb.ErrorReason_ERROR_REASON_ENDPOINT_VARIES,
	},
	pb.Hop_HOP_PROVIDER: {
		pb.ErrorReason_ERROR_REASON_SLOT_TAKEN, pb.ErrorReason_ERROR_REASON_BOOKING_REJECTED,
		pb.ErrorReason_ERROR_REASON_PATIENT_DISSENTED, pb.ErrorReason_ERROR_REASON_NO_ORGANISATION_CONSENT,
		pb.ErrorReason_ERROR_REASON_CAPABILITY_SWITCHED_OFF, pb.ErrorReason_ERROR_REASON_NO_RELATIONSHIP,
		pb.ErrorReason_ERROR_REASON_PRACTICE_PATIENT_NOT_FOUND, pb.ErrorReason_ERROR_REASON_ITEM_NOT_FOUND,
		pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID, pb.ErrorReason_ERROR_REASON_PRACTICE_REJECTED_REQUEST,
	},
}

// encode checks a booking and writes it.
func (b *Booking) encode(now time.Time) ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	organisation := newOrganization{
		ResourceType: "Organization", ID: "1",
		Meta:       profiled{[]string{structureDefinition + "CareConnect-GPC-Organization-1"}},
		Identifier: []identifier{{System: odsCodeSystem, Value: b.Organisation.ODS}},
		Name:       b.Organisation.Name, Telecom: []newTelecom{{"phone", b.Organisation.Phone}},
	}
	if b.Organisation.Type != "" {
		organisation.Type = []newConcept{{[]newCoding{{organisationTypeSystem, b.Organisation.Type}}}}
	}
	a := newAppointment{
		ResourceType: "Appointment", Meta: profiled{[]string{structureDefinition + "GPConnect-Appointment-1"}},
		Contained: []newOrganization{organisation},
		Extension: []newExtension{{structureDefinition + "Extension-GPConnect-BookingOrganisation-1", newReference{"#1"}}},
		Status:    "booked", Description: b.Description, Comment: b.Comment,
		Start: b.Slots[0].Start.Local, End: b.Slots[len(b.Slots)-1].End.Local,
		Created: now.In(nhs.London).Format(offsetLayout),
	}
	for _, s := range b.Slots {
		a.Slot = append(a.Slot, newReference{"Slot/" + s.ID})
	}
	actors := []string{"Patient/" + b.PatientID, "Location/" + b.LocationID}
	for _, id := range b.PractitionerIDs {
		actors = append(actors, "Practitioner/"+id)
	}
	for _, actor := range actors {
		a.Participant = append(a.Participant, newParticipant{newReference{actor}, "accepted"})
	}
	body, err := json.Marshal(a)
	if err != nil {
		return nil, fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_INTERNAL, err)
	}
	return body, nil
}

func (b *Booking) check() error {
	ids := append([]string{b.PatientID, b.LocationID}, b.PractitionerIDs...)
	for _, s := range b.Slots {
		ids = append(ids, s.ID)
	}
	for _, id := range ids {
		if !logicalID.MatchString(id) {
			return fault.Invalid("slot_handles", "booking.id", "must name what a search returned")
		}
	}
	switch n := utf8.RuneCountInString(b.Description); {
	case strings.TrimSpace(b.Description) == "" || n > maxDescription:
		return fault.Invalid("description", "booking.length", "must have 1 to 100 characters")
	case utf8.RuneCountInString(b.Comment) > maxComment:
		return fault.Invalid("comment", "booking.length", "must have at most 500 characters")
	case !utf8.ValidString(b.Description + b.Comment):
		return fault.Invalid("description", "booking.utf8", "must be UTF-8")
	case b.Organisation.ODS == "" || b.Organisation.Name == "" || b.Organisation.Phone == "":
		return fault.Invalid("organisation_phone", "booking.organisation", "the booking organisation needs a code, a name and a telephone number")
	case len(b.Slots) == 0:
		return fault.Invalid("slot_handles", "booking.slots", "must name at least one slot")
	}
	for i, s := range b.Slots {
		adjacent := i == 0 || s.Start.Instant.Equal(b.Slots[i-1].End.Instant)
		if !adjacent || !s.End.Instant.After(s.Start.Instant) {
			return fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_SLOTS_NOT_ADJACENT, nil)
		}
	}
	return nil
}
