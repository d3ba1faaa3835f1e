package judge_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/judge"
	"github.com/spinegate/spinegate/internal/server/servertest"
	"github.com/spinegate/spinegate/internal/simulator"
)

// record walks the whole journey, with an upstream that fails here and there, and returns what the gateway sent.
func record(t *testing.T) (sent []judge.Exchange) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t)
		for _, f := range []simulator.Fault{
			{Upstream: simulator.PDS, Status: http.StatusServiceUnavailable, Times: 1},
			{Upstream: simulator.SDSEndpoint, Empty: true, Times: 1},
		} {
			if _, err := g.Spine.Faults().Set(f); err != nil {
				t.Fatal(err)
			}
		}
		ctx := g.As(t.Context(), t, "clinician")
		if _, err := g.PatientTrace.TracePatient(ctx, &pb.TracePatientRequest{NhsNumber: "9990000018"}); err != nil {
			t.Fatal(err)
		}
		if _, err := g.PatientTrace.SearchPatients(ctx, &pb.SearchPatientsRequest{
			Family: "TESTWELL", BirthDateStart: "1950-01-01", BirthDateEnd: "1950-01-01",
		}); err != nil {
			t.Fatal(err)
		}
		stream, err := g.GPConnect.GetStructuredRecord(ctx, &pb.GetStructuredRecordRequest{NhsNumber: "9990000018"})
		for err == nil {
			_, err = stream.Recv()
		}
		if _, err := g.GPConnect.GetCapabilities(ctx, &pb.GetCapabilitiesRequest{OdsCode: "A20047"}); err != nil {
			t.Fatal(err)
		}
		day := time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
		slots, err := g.GPConnect.SearchSlots(ctx, &pb.SearchSlotsRequest{OdsCodes: []string{"A20047"}, Start: day, End: day})
		var slot *pb.Slot
		for err == nil {
			var m *pb.SearchSlotsResponse
			if m, err = slots.Recv(); m.GetSlot() != nil {
				slot = m.GetSlot()
			}
		}
		if _, err := g.GPConnect.BookAppointment(ctx, &pb.BookAppointmentRequest{
			RequestId: uuid.NewString(), NhsNumber: "9990000018", OdsCode: "A20047", Description: "Follow-up",
			SlotHandles: []string{slot.GetHandle()},
		}); err != nil {
			t.Fatal(err)
		}
		sent = servertest.Sent(g.Spine.Transcript().All())
	})
	return sent
}

// tape is a good transcript to be spoilt: a copy of its own.
type tape struct {
	t   *testing.T
	all []judge.Exchange
}

func clone(e judge.Exchange) judge.Exchange {
	e.Header, e.Body, e.Answer = e.Header.Clone(), slices.Clone(e.Body), slices.Clone(e.Answer)
	return e
}

func newTape(t *testing.T, all []judge.Exchange) *tape {
	t.Helper()
	tp := &tape{t: t}
	for _, e := range all {
		tp.all = append(tp.all, clone(e))
	}
	return tp
}

// again makes the last request that is meant once more, as if it were another one.
func (tp *tape) again(meant func(*judge.Exchange) bool) *judge.Exchange {
	tp.t.Helper()
	for i := range slices.Backward(tp.all) {
		if !meant(&tp.all[i]) {
			continue
		}
		e := clone(tp.all[i])
		e.At = tp.all[len(tp.all)-1].At
		tp.all = append(tp.all, e)
		last := &tp.all[len(tp.all)-1]
		switch last.Leg {
		case judge.Token:
			tp.assertion(last, func(_, claims map[string]any) {
				claims["jti"], claims["exp"] = uuid.NewString(), e.At.Add(4*time.Minute).Unix()
			})
		case judge.PDS:
			last.Header.Set("X-Request-Id", uuid.NewString())
			last.Header.Set("X-Correlation-Id", uuid.NewString())
		case judge.SDS:
			last.Header.Set("X-Correlation-Id", uuid.NewString())
		case judge.Proxy:
			last.Header.Set("Ssp-Traceid", uuid.NewString())
			tp.claims(last, func(c map[string]any) { c["iat"], c["exp"] = e.At.Unix(), e.At.Unix()+300 })
			if last.Header.Get("Ssp-Interactionid") == prefix+"fhir:rest:create:appointment-1" {
				tp.body(last, func(b map[string]any) {
					b["description"] = "Another"
					b["created"] = e.At.Format("2006-01-02T15:04:05-07:00")
				})
			}
		}
		return last
	}
	tp.t.Fatal("the journey has no such request")
	return nil
}

// drop removes the requests that are meant.
func (tp *tape) drop(meant func(*judge.Exchange) bool) {
	tp.all = slices.DeleteFunc(tp.all, func(e judge.Exchange) bool { return meant(&e) })
}

const prefix = "urn:nhs:names:services:gpconnect:"

// called means a request through the proxy for an interaction.
func called(interaction string) func(*judge.Exchange) bool {
	return func(e *judge.Exchange) bool {
		return e.Leg == judge.Proxy && e.Header.Get("Ssp-Interactionid") == prefix+interaction
	}
}

// asked means a request on a leg whose path ends so.
func asked(leg judge.Leg, end string) func(*judge.Exchange) bool {
	return func(e *judge.Exchange) bool {
		return e.Leg == leg && strings.HasSuffix(e.Path, end) && e.Status == http.StatusOK && e.Header.Get("Cache-Control") == ""
	}
}

func (tp *tape) object(text []byte) map[string]any {
	tp.t.Helper()
	var o map[string]any
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		tp.t.Fatalf("%v in %q", err, text)
	}
	return o
}

func (tp *tape) text(o map[string]any) []byte {
	tp.t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		tp.t.Fatal(err)
	}
	return text
}

// body changes the body.
func (tp *tape) body(e *judge.Exchange, change func(map[string]any)) {
	tp.t.Helper()
	o := tp.object(e.Body)
	change(o)
	e.Body = tp.text(o)
}

// answer changes what was answered.
func (tp *tape) answer(e *judge.Exchange, change func(map[string]any)) {
	tp.t.Helper()
	o := tp.object(e.Answer)
	change(o)
	e.Answer = tp.text(o)
}

func (tp *tape) segment(text string) map[string]any {
	tp.t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		tp.t.Fatal(err)
	}
	return tp.object(raw)
}

// claims changes the audit token's claims.
func (tp *tape) claims(e *judge.Exchange, change func(map[string]any)) {
	tp.t.Helper()
	parts := strings.Split(strings.TrimPrefix(e.Header.Get("Authorization"), "Bearer "), ".")
	o := tp.segment(parts[1])
	change(o)
	e.Header.Set("Authorization", fmt.Sprintf("Bearer %s.%s.", parts[0], base64.RawURLEncoding.EncodeToString(tp.text(o))))
}

// token changes the text of the audit token.
func token(e *judge.Exchange, change func(string) string) {
	e.Header.Set("Authorization", "Bearer "+change(strings.TrimPrefix(e.Header.Get("Authorization"), "Bearer ")))
}

// form changes the fields of a token request.
func (tp *tape) form(e *judge.Exchange, change func(url.Values)) {
	tp.t.Helper()
	fields, err := url.ParseQuery(string(e.Body))
	if err != nil {
		tp.t.Fatal(err)
	}
	change(fields)
	e.Body = []byte(fields.Encode())
}

// assertion changes header and claims of the client assertion.
func (tp *tape) assertion(e *judge.Exchange, change func(header, claims map[string]any)) {
	tp.t.Helper()
	tp.form(e, func(fields url.Values) {
		parts := strings.Split(fields.Get("client_assertion"), ".")
		header, claims := tp.segment(parts[0]), tp.segment(parts[1])
		change(header, claims)
		fields.Set("client_assertion", base64.RawURLEncoding.EncodeToString(tp.text(header))+"."+
			base64.RawURLEncoding.EncodeToString(tp.text(claims))+"."+parts[2])
	})
}

// query changes the query; every mutation is encoded as the gateway encodes.
func (tp *tape) query(e *judge.Exchange, change func(url.Values)) {
	tp.t.Helper()
	values, err := url.ParseQuery(e.Query)
	if err != nil {
		tp.t.Fatal(err)
	}
	change(values)
	e.Query = strings.ReplaceAll(values.Encode(), "+", "%20")
}

// in is the object that a path of names and indexes leads to.
func in(o map[string]any, path ...any) map[string]any {
	var at any = o
	for _, step := range path {
		switch step := step.(type) {
		case string:
			at = at.(map[string]any)[step]
		case int:
			at = at.([]any)[step]
		}
	}
	return at.(map[string]any)
}
