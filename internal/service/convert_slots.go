package service

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fault"
	"github.com/spinegate/spinegate/internal/gpconnect"
	"github.com/spinegate/spinegate/internal/handle"
	"github.com/spinegate/spinegate/internal/sds"
	"github.com/spinegate/spinegate/internal/typed"
)

var deliveryChannels = map[string]pb.DeliveryChannel{
	"In-person": pb.DeliveryChannel_DELIVERY_CHANNEL_IN_PERSON,
	"Telephone": pb.DeliveryChannel_DELIVERY_CHANNEL_TELEPHONE,
	"Video":     pb.DeliveryChannel_DELIVERY_CHANNEL_VIDEO,
	"Visit":     pb.DeliveryChannel_DELIVERY_CHANNEL_VISIT,
}

// organisationTypes are the practices' words for what a consumer says it is.
var organisationTypes = map[pb.OrganisationType]string{
	pb.OrganisationType_ORGANISATION_TYPE_URGENT_CARE: "urgent-care",
	pb.OrganisationType_ORGANISATION_TYPE_GP_PRACTICE: "gp-practice",
}

// slotHandle is what a booking needs of a slot. Its names are short because a handle is.
type slotHandle struct {
	ID            string   `json:"i"`
	Start         string   `json:"s"`
	End           string   `json:"e"`
	Session       string   `json:"g"` // equal for slots that may be booked together
	Location      string   `json:"l"`
	Practitioners []string `json:"p,omitempty"`
	// Type is what the organisation said it was when it searched; a booking must say the same.
	Type string `json:"t,omitzero"`
	// Root is the service root that the ids belong to.
	Root string `json:"r"`
}

// locationHandle is what reading a location needs.
type locationHandle struct {
	ID   string `json:"i"`
	Root string `json:"r"`
}

// errTooLarge is a slot that no message holds. It cannot be offered; which practice it is of is told.
var errTooLarge = fault.New(pb.Hop_HOP_GATEWAY, pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE, nil)

// slot is a free slot as callers get it.
func (q *slotSearch) slot(s *gpconnect.Slot, route sds.Route) (*pb.Slot, error) {
	session := q.Handles.Tag(route.Address, s.ScheduleID, s.Channel, s.SlotType)
	payload := slotHandle{
		ID: s.ID, Start: s.Start.Local, End: s.End.Local, Session: session, Location: s.Location.ID,
		Type: organisationTypes[q.request.GetOrganisationType()], Root: route.Address,
	}
	for _, p := range s.Practitioners {
		payload.Practitioners = append(payload.Practitioners, p.ID)
	}
	binding := q.binding(q.asker, route.ODS)
	sealed, err := q.Handles.Seal(handle.Slot, binding, payload)
	if err != nil {
		return nil, err
	}
	location, err := q.location(binding, s.Location, route.Address)
	if err != nil {
		return nil, err
	}
	out := &pb.Slot{
		Handle: sealed, OdsCode: route.ODS.String(), Start: slotTime(s.Start), End: slotTime(s.End),
		Channel: deliveryChannels[s.Channel], ChannelCode: s.Channel, SlotType: s.SlotType, SessionType: s.SessionType,
		Location: location, Role: roleOf(s.Role), SessionHandle: session, Json: s.JSON,
	}
	for _, p := range s.Practitioners {
		out.Practitioners = append(out.Practitioners, slotPractitioner(p))
	}
	if proto.Size(out) > maxMessage-overhead {
		return nil, errTooLarge
	}
	return out, nil
}

func (c *core) location(b handle.Binding, l gpconnect.Location, root string) (*pb.SlotLocation, error) {
	out := &pb.SlotLocation{Name: l.Name, SiteCode: l.SiteCode, Address: practiceAddress(l.Address)}
	for _, t := range l.Telecoms {
		out.Telecoms = append(out.Telecoms, &pb.ContactPoint{System: t.System, Contact: t.Value, Use: t.Use})
	}
	if l.ID == "" {
		return out, nil
	}
	sealed, err := c.Handles.Seal(handle.Location, b, locationHandle{l.ID, root})
	out.Handle = sealed
	return out, err
}

func slotTime(m gpconnect.Moment) *pb.SlotTime {
	out := &pb.SlotTime{Local: m.Local}
	if !m.Instant.IsZero() {
		out.Instant = timestamppb.New(m.Instant)
	}
	return out
}

func roleOf(r gpconnect.Role) *pb.PractitionerRoleCode {
	if r == (gpconnect.Role{}) {
		return nil
	}
	return &pb.PractitionerRoleCode{Code: r.Code, Display: r.Display}
}

func slotPractitioner(p gpconnect.Practitioner) *pb.SlotPractitioner {
	return &pb.SlotPractitioner{
		Name: &pb.HumanName{
			Use: p.Name.Use, Text: p.Name.Text, Family: p.Name.Family, Given: p.Name.Given, Prefix: p.Name.Prefix, Suffix: p.Name.Suffix,
		},
		Gender: genders[p.Gender], GenderCode: p.Gender, SdsUserId: p.SDSUserID,
	}
}

func practiceAddress(a gpconnect.Address) *pb.Address {
	return &pb.Address{
		Use: a.Use, TypeText: a.Type, Text: a.Text, Lines: a.Lines, City: a.City, District: a.District,
		PostalCode: a.PostalCode, Country: a.Country,
	}
}

// appointmentHandle is what the other appointment methods need.
type appointmentHandle struct {
	ID   string `json:"i"`
	Root string `json:"r"`
}

var appointmentStatuses = map[string]pb.AppointmentStatus{
	"booked":    pb.AppointmentStatus_APPOINTMENT_STATUS_BOOKED,
	"cancelled": pb.AppointmentStatus_APPOINTMENT_STATUS_CANCELLED,
}

// appointment is an appointment as callers get it. Its handle belongs to its patient.
func (c *core) appointment(b handle.Binding, patient string, a *gpconnect.Appointment, route sds.Route) (*pb.Appointment, error) {
	location, err := c.location(b, gpconnect.Location{ID: a.LocationID}, route.Address)
	if err != nil {
		return nil, err
	}
	b.Patient = patient
	sealed, err := c.Handles.Seal(handle.Appointment, b, appointmentHandle{a.ID, route.Address})
	if err != nil {
		return nil, err
	}
	return &pb.Appointment{
		Handle: sealed, VersionId: a.VersionID, OdsCode: route.ODS.String(),
		Status: appointmentStatuses[a.Status], StatusCode: a.Status, Start: slotTime(a.Start), End: slotTime(a.End),
		Description: a.Description, Comment: a.Comment, Channel: deliveryChannels[a.Channel], ChannelCode: a.Channel,
		SlotType: a.SlotType, SessionType: a.SessionType, Role: roleOf(a.Role), Location: location,
		BookingOrganisation: &pb.BookingOrganisation{
			OdsCode: a.Organisation.ODS, Name: a.Organisation.Name, Phone: a.Organisation.Phone, OrganisationTypeCode: a.Organisation.Type,
		},
		CancellationReason: a.CancellationReason, Created: typed.Date(a.Created), Json: a.JSON,
	}, nil
}

// binding is what a handle for this caller and practice belongs to.
func (c *core) binding(a asker, practice interface{ String() string }) handle.Binding {
	return handle.Binding{Environment: c.Environment, Organisation: a.ods().String(), Practice: practice.String()}
}
