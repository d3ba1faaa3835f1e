package gpconnect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/spine"
)

// Appointment is one as a practice stored it.
type Appointment struct {
	ID, VersionID string
	// Status as received, such as "booked" or "cancelled".
	Status string
	// Start and End are zero moments with the text as received where that has no offset.
	Start, End Moment
	// SlotIDs, PatientID, LocationID and PractitionerIDs are logical ids at the Foundations root.
	SlotIDs         []string
	PatientID       string
	LocationID      string
	PractitionerIDs []string

	Description, Comment string
	// Channel, SlotType, SessionType and Role are as on a Slot.
	Channel, SlotType, SessionType string
	Role                           Role
	// Organisation is who booked it.
	Organisation BookingOrganisation
	// CancellationReason is set on a cancelled one. Created is as received.
	CancellationReason, Created string
	// JSON is the Appointment exactly as received.
	JSON []byte
	// Response tells how it came; nil for one of several.
	Response *spine.Response
}

type appointmentResource struct {
	ID          string      `json:"id"`
	Meta        meta        `json:"meta"`
	Extension   []extension `json:"extension"`
	Status      string      `json:"status"`
	Category    concept     `json:"serviceCategory"`
	ServiceType []concept   `json:"serviceType"`
	Description string      `json:"description"`
	Start       string      `json:"start"`
	End         string      `json:"end"`
	Slot        []reference `json:"slot"`
	Created     string      `json:"created"`
	Comment     string      `json:"comment"`
	Participant []struct {
		Actor reference `json:"actor"`
	} `json:"participant"`
	Contained []struct {
		ResourceType string       `json:"resourceType"`
		ID           string       `json:"id"`
		Identifier   []identifier `json:"identifier"`
		Type         []concept    `json:"type"`
		Name         string       `json:"name"`
		Telecom      []Telecom    `json:"telecom"`
	} `json:"contained"`
}

// parseAppointment reads an answer that is one Appointment.
func parseAppointment(text []byte) (*Appointment, error) {
	var in appointmentResource
	if err := readResource(text, "Appointment", maxItem, maxItemObjects, &in); err != nil {
		return nil, err
	}
	return in.appointment(text), nil
}

func (in *appointmentResource) appointment(text []byte) *Appointment {
	a := &Appointment{
		ID: in.ID, VersionID: in.Meta.VersionID, Status: in.Status, Start: momentOrText(in.Start), End: momentOrText(in.End),
		Description: in.Description, Comment: in.Comment, SessionType: in.Category.Text, Created: in.Created,
		Channel: channelOf(in.Extension), Role: roleOf(in.Extension), JSON: text,
	}
	if len(in.ServiceType) > 0 {
		a.SlotType = in.ServiceType[0].Text
	}
	for _, s := range in.Slot {
		a.SlotIDs = append(a.SlotIDs, strings.TrimPrefix(target(s.Reference), "Slot/"))
	}
	for _, p := range in.Participant {
		switch resourceType, id, _ := strings.Cut(target(p.Actor.Reference), "/"); resourceType {
		case "Patient":
			if a.PatientID != "" && a.PatientID != id {
				id = "" // of two people is of nobody
			}
			a.PatientID = id
		case "Location":
			a.LocationID = id
		case "Practitioner":
			a.PractitionerIDs = append(a.PractitionerIDs, id)
		}
	}
	for _, x := range in.Extension {
		switch {
		case isExtension(x.URL, "Extension-GPConnect-BookingOrganisation-1"):
			a.Organisation = in.organisation(x.Reference.Reference)
		case isExtension(x.URL, "Extension-GPConnect-AppointmentCancellationReason-1"):
			a.CancellationReason = x.String
		}
	}
	return a
}

// organisation is the contained Organization of a reference.
func (in *appointmentResource) organisation(to string) (o BookingOrganisation) {
	for _, c := range in.Contained {
		if c.ResourceType != "Organization" || "#"+c.ID != to {
			continue
		}
		o.Name = c.Name
		for _, i := range c.Identifier {
			if isSystem(i.System, "ods-organization-code") {
				o.ODS = i.Value
			}
		}
		for _, t := range c.Telecom {
			if t.System == "phone" && o.Phone == "" {
				o.Phone = t.Value
			}
		}
		for _, t := range c.Type {
			if code, ok := codeOf(t, "GPConnect-OrganisationType-1"); ok {
				o.Type = code
			}
		}
	}
	return o
}

func momentOrText(text string) Moment {
	m, err := parseMoment(text)
	if err != nil {
		return Moment{Local: text}
	}
	return m
}

var (
	entityTag = regexp.MustCompile(`^(?:W/)?"([A-Za-z0-9.-]{1,64})"$`)
	created   = regexp.MustCompile(`/Appointment/([A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?$`)
)

// complete takes what the resource leaves out from the header of the answer. A Location is read for its id and never
// followed.
func (a *Appointment) complete(header http.Header) {
	if m := entityTag.FindStringSubmatch(header.Get("ETag")); m != nil && a.VersionID == "" {
		a.VersionID = m[1]
	}
	if m := created.FindStringSubmatch(header.Get("Location")); m != nil && a.ID == "" {
		a.ID = m[1]
	}
}

// Holds reports whether the appointment is in exactly these slots, at their times. It is how a booking whose answer was
// lost is recognised.
func (a *Appointment) Holds(slots []BookedSlot) bool {
	var ids []string
	for _, s := range slots {
		ids = append(ids, s.ID)
	}
	return len(slots) > 0 && slices.Equal(slices.Sorted(slices.Values(ids)), slices.Sorted(slices.Values(a.SlotIDs))) &&
		a.Start.Instant.Equal(slots[0].Start.Instant) && a.End.Instant.Equal(slots[len(slots)-1].End.Instant)
}

// Near reports whether the appointment shares a slot with these, or some of their time, whatever its status: while there is
// one, nobody can say that a booking of them was not made.
func (a *Appointment) Near(slots []BookedSlot) bool {
	for _, s := range slots {
		if slices.Contains(a.SlotIDs, s.ID) || a.Start.Instant.Before(s.End.Instant) && s.Start.Instant.Before(a.End.Instant) {
			return true
		}
	}
	return a.Start.Instant.IsZero() || a.End.Instant.IsZero()
}

// Appointments are a patient's at a practice.
type Appointments struct {
	// Appointments of every status, of any channel and of whoever booked them, cancelled ones too.
	Appointments []*Appointment
	// Unreadable are entries that cannot be used, and why.
	Unreadable []Unreadable
	// Response tells how the answer came.
	Response *spine.Response
}

// Appointments retrieves a patient's appointments from one UK day to another, both included, neither in the past (10.3).
// One that is another patient's is WRONG_PATIENT.
func (c *Client) Appointments(ctx context.Context, to Target, patientID string, first, last time.Time) (*Appointments, error) {
	from, until := civil(first), civil(last)
	if from < civil(time.Now()) {
		return nil, fault.Invalid("start", "appointments.past", "must not be before today")
	}
	if until < from {
		return nil, fault.Invalid("end", "appointments.order", "must not be before start")
	}
	response, err := c.call(ctx, to, nhs.SearchPatientAppointments, patientID, url.Values{"start": {"ge" + from, "le" + until}}, nil)
	if err != nil {
		return nil, fmt.Errorf("retrieve the patient's appointments: %w", err)
	}
	defer response.Body.Close()
	out, err := parseAppointments(fhir.NewBundleReader(response.Body, small(c.limits)), patientID)
	if err != nil {
		return nil, fmt.Errorf("retrieve the patient's appointments: %w", err)
	}
	out.Response = response
	return out, nil
}

func parseAppointments(bundle *fhir.BundleReader, patientID string) (*Appointments, error) {
	out := &Appointments{}
	for {
		e, err := bundle.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, unusable(err)
		}
		if e.ResourceType != "Appointment" {
			if e.ResourceType == "" || e.ResourceType == "OperationOutcome" {
				out.Unreadable = append(out.Unreadable, Unreadable{e.Position, "the entry is no appointment"})
			}
			continue
		}
		a, err := parseAppointment(slices.Clone(e.JSON))
		switch {
		case errors.Is(err, errLarge):
			out.Unreadable = append(out.Unreadable, Unreadable{e.Position, tooLarge})
		case err != nil:
			out.Unreadable = append(out.Unreadable, Unreadable{e.Position, "the appointment has another shape than FHIR gives it"})
		case a.PatientID != patientID:
			return nil, refuse(pb.ErrorReason_ERROR_REASON_WRONG_PATIENT)
		default:
			out.Appointments = append(out.Appointments, a)
		}
	}
}
