package practice

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// Amend and cancel are the same request but for the interaction id (gpconnect.md, 10.4 and 10.5). Both send the resource
// back as it was received, changed in nothing but what the interaction is for.

func (s *System) amend(r *request) (answer, error) {
	return s.change(r, func(_ *booking, sent, held map[string]any) error {
		for _, free := range []string{"description", "comment"} {
			delete(sent, free)
			delete(held, free)
		}
		if !reflect.DeepEqual(sent, held) {
			return invalidResource("nothing but description and comment may change")
		}
		return nil
	}, func(a *appointment, b *booking) {
		a.resource = a.resource.set("description", b.Description).set("comment", b.Comment)
	})
}

func (s *System) cancel(r *request) (answer, error) {
	return s.change(r, func(b *booking, sent, held map[string]any) error {
		reason := slices.IndexFunc(b.Extension, func(x bookingExtensions) bool { return x.URL == reasonExtension })
		switch {
		case b.Status != "cancelled":
			return invalidResource("status must be cancelled")
		case reason < 0 || strings.TrimSpace(b.Extension[reason].Text) == "":
			return invalidParameter("the cancellation reason must not be empty")
		}
		delete(sent, "status")
		delete(held, "status")
		extensions, _ := sent["extension"].([]any)
		sent["extension"] = slices.Delete(slices.Clone(extensions), reason, reason+1)
		if !reflect.DeepEqual(sent, held) {
			return invalidResource("nothing but the status and the cancellation reason may change")
		}
		return nil
	}, func(a *appointment, b *booking) {
		a.cancelled = true
		reason := slices.IndexFunc(b.Extension, func(x bookingExtensions) bool { return x.URL == reasonExtension })
		extensions, _ := a.resource.value("extension").([]object)
		a.resource = a.resource.set("status", "cancelled").set("extension",
			append(slices.Clone(extensions), extension(reasonExtension, "valueString", b.Extension[reason].Text)))
		for _, sl := range a.slots {
			delete(s.taken, sl.id)
			s.changes[sl.id]++
		}
	})
}

// change is what both have in common. compare gets what was sent and what is held without their meta, and may alter both;
// apply runs under the lock.
func (s *System) change(
	r *request, compare func(b *booking, sent, held map[string]any) error, apply func(*appointment, *booking),
) (answer, error) {
	b, err := parseBooking(r.body)
	if err != nil {
		return answer{}, err
	}
	expected := r.Header.Values("If-Match")
	if len(expected) != 1 {
		return answer{}, badRequest("the header If-Match must be there once")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.appointmentByID(r.id)
	switch {
	case a == nil:
		return answer{}, noRecordFound()
	case b.ID != a.id:
		return answer{}, invalidResource("id is not that of the path")
	case expected[0] != `W/"`+versionOf(a.version)+`"`:
		return answer{}, constraintViolation("the appointment has changed since it was read")
	case a.cancelled:
		return answer{}, invalidResource("the appointment is cancelled")
	case a.start.Before(r.now):
		return answer{}, invalidResource("the appointment is in the past")
	}
	stored, err := encodeResource(a.resource)
	if err != nil {
		return answer{}, err
	}
	sent, err := withoutMeta(r.body)
	if err != nil {
		return answer{}, err
	}
	held, err := withoutMeta(stored)
	if err != nil {
		return answer{}, err
	}
	if err := compare(b, sent, held); err != nil {
		return answer{}, err
	}
	apply(a, b)
	a.version++
	a.modified = r.now
	a.resource = a.resource.set("meta", obj("versionId", versionOf(a.version), "profile", []string{appointmentProfile}))
	changed, err := okVersion(a.resource, versionOf(a.version))
	if err != nil {
		return answer{}, err
	}
	changed.modified = a.modified
	if minimal(r.Request) {
		changed.body = nil
	}
	changed.status = http.StatusOK
	return changed, nil
}

func withoutMeta(raw []byte) (map[string]any, error) {
	var o map[string]any
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, invalidResource("the body is not an Appointment")
	}
	delete(o, "meta")
	return o, nil
}
