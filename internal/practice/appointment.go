package practice

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

const (
	appointmentProfile = nhsProfiles + "GPConnect-Appointment-1"
	bookingExtension   = nhsProfiles + "Extension-GPConnect-BookingOrganisation-1"
	reasonExtension    = nhsProfiles + "Extension-GPConnect-AppointmentCancellationReason-1"
	channelExtension   = nhsProfiles + "Extension-GPConnect-DeliveryChannel-2"
	roleExtension      = nhsProfiles + "Extension-GPConnect-PractitionerRole-1"
)

// appointment is one booking. All but its version and what follows never change.
type appointment struct {
	id, patient, consumer string
	slots                 []slot
	start, end            time.Time

	version   int
	cancelled bool
	modified  time.Time
	resource  object
}

// Booking is an appointment as the practice holds it, for tests.
type Booking struct {
	// ID is its logical id, Version its current version.
	ID, Version string
	// PatientID is the logical id of the patient at the Foundations root.
	PatientID string
	// Slots are the logical ids of its slots.
	Slots []string
	// Organisation is the ODS code of who booked it.
	Organisation string
	// Start and End are its times.
	Start, End time.Time
	// Cancelled says that its slots are free again.
	Cancelled bool
	// Resource is the stored Appointment, as JSON.
	Resource []byte
}

// Bookings are all appointments in order of booking, cancelled ones included.
func (s *System) Bookings() []Booking {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Booking, len(s.appointments))
	for i, a := range s.appointments {
		raw, err := encodeResource(a.resource)
		if err != nil { // it was encoded before, when it was answered
			raw = nil
		}
		out[i] = Booking{
			ID: a.id, Version: versionOf(a.version), PatientID: a.patient, Slots: slotIDs(a.slots),
			Organisation: a.consumer, Start: a.start, End: a.end, Cancelled: a.cancelled, Resource: raw,
		}
	}
	return out
}

func slotIDs(slots []slot) []string {
	ids := make([]string, len(slots))
	for i, sl := range slots {
		ids[i] = sl.id
	}
	return ids
}

func versionOf(n int) string { return strconv.Itoa(n) }

func (s *System) takenSlots() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.taken)
}

// slotVersions is how often each slot changed hands.
func (s *System) slotVersions() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.changes)
}

// appointmentByID is called with the lock held.
func (s *System) appointmentByID(id string) *appointment {
	at := slices.IndexFunc(s.appointments, func(a *appointment) bool { return a.id == id })
	if at < 0 {
		return nil
	}
	return s.appointments[at]
}

// readAppointment answers for today and later; of what is over it only says that it cannot be read (gpconnect.md, 10.3).
func (s *System) readAppointment(r *request) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.appointmentByID(r.id)
	if a == nil {
		return answer{}, noRecordFound()
	}
	if a.start.Before(midnightOf(r.now)) {
		return answer{}, invalidResource("the appointment is in the past")
	}
	return okVersion(a.resource, versionOf(a.version))
}

// patientAppointments answers with all of them: any organisation's, cancelled ones, those of today that are over.
func (s *System) patientAppointments(r *request) (answer, error) {
	first, last, err := retrieveRange(r.query["start"], r.now)
	if err != nil {
		return answer{}, err
	}
	if !s.byID[r.id].attends() {
		return answer{}, patientNotFound()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []object
	for _, a := range s.appointments {
		if day := midnightOf(a.start.In(s.zone)); a.patient == r.id && !day.Before(first) && !day.After(last) {
			found = append(found, a.resource)
		}
	}
	return ok(searchset(found...))
}

// retrieveRange reads the two bounds: whole dates, today or later, both there.
func retrieveRange(values []string, now time.Time) (first, last time.Time, err error) {
	wrong := invalidParameter("start must be there twice: ge and le, each with a whole date, today or later, in their order")
	if len(values) != 2 {
		return first, last, wrong
	}
	for _, v := range values {
		if len(v) < 2 || !wholeDate.MatchString(v[2:]) {
			return first, last, wrong
		}
		day, err := time.ParseInLocation(time.DateOnly, v[2:], now.Location())
		if err != nil || day.Before(midnightOf(now)) {
			return first, last, wrong
		}
		switch {
		case v[:2] == "ge" && first.IsZero():
			first = day
		case v[:2] == "le" && last.IsZero():
			last = day
		default:
			return first, last, wrong
		}
	}
	if last.Before(first) {
		return first, last, wrong
	}
	return first, last, nil
}
