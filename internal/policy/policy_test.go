package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/policy"
)

// methods are those of the contract, by full name.
func methods() map[string]protoreflect.MethodDescriptor {
	all := make(map[string]protoreflect.MethodDescriptor)
	for _, file := range []protoreflect.FileDescriptor{
		pb.File_spinegate_v1_patient_trace_proto, pb.File_spinegate_v1_endpoint_directory_proto, pb.File_spinegate_v1_gp_connect_proto,
	} {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				m := service.Methods().Get(j)
				all["/"+string(service.FullName())+"/"+string(m.Name())] = m
			}
		}
	}
	return all
}

func TestEveryMethodHasOneRowAndEveryRowAMethod(t *testing.T) {
	rows := make(map[string]int)
	for m := range policy.All() {
		rows[m.Name]++
		if got, ok := policy.For(m.Name); !ok || !cmp.Equal(got, m) {
			t.Errorf("For(%s) is not its row", m.Name)
		}
	}
	want := make(map[string]int)
	for name := range methods() {
		want[name] = 1
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-methods +rows):\n%s", diff)
	}
	for _, name := range []string{"", "/spinegate.v1.GPConnect/", "/spinegate.v1.GPConnect/Nope", "spinegate.v1.GPConnect/GetCapabilities"} {
		if _, ok := policy.For(name); ok {
			t.Errorf("For(%q) has a row", name)
		}
	}
}

// What is listed here is to be built. The list may only shrink.
func TestMethodsThatAreNotBuiltYet(t *testing.T) {
	var unbuilt []string
	for m := range policy.All() {
		if !m.Built {
			unbuilt = append(unbuilt, strings.TrimPrefix(m.Name, "/spinegate.v1."))
		}
	}
	want := []string{
		"GPConnect/GetRecordHtml",
		"GPConnect/SearchDocuments",
		"GPConnect/GetDocument",
		"GPConnect/AmendAppointment",
		"GPConnect/CancelAppointment",
		"GPConnect/GetAppointment",
		"GPConnect/ListAppointments",
		"GPConnect/FindPatient",
		"GPConnect/RegisterPatient",
		"GPConnect/FindPractitioner",
		"GPConnect/FindOrganization",
		"GPConnect/GetLocation",
	}
	if diff := cmp.Diff(want, unbuilt); diff != "" {
		t.Errorf("not built (-want +got):\n%s", diff)
	}
}

func TestRowsAgreeWithTheContract(t *testing.T) {
	descriptors := methods()
	known := make(map[policy.Scope]bool)
	for _, s := range policy.Scopes() {
		known[s] = true
	}
	for m := range policy.All() {
		t.Run(strings.TrimPrefix(m.Name, "/spinegate.v1."), func(t *testing.T) {
			d := descriptors[m.Name]
			if d == nil {
				t.Fatal("there is no such method")
			}
			if len(m.Scopes) == 0 {
				t.Error("no scope is needed")
			}
			for _, s := range m.Scopes {
				if !known[s] {
					t.Errorf("scope %q is not listed", s)
				}
			}
			if gpConnect := strings.Contains(m.Name, ".GPConnect/"); gpConnect != (m.Human == policy.HumanAlways) {
				t.Errorf("human is %q", m.Human)
			}
			input := d.Input().Fields()
			if writes := input.ByName("request_id") != nil; writes != m.Write {
				t.Errorf("write is %v; request_id in the request is %v", m.Write, writes)
			}
			options, _ := d.Options().(*descriptorpb.MethodOptions)
			if m.Write != (options.GetIdempotencyLevel() == descriptorpb.MethodOptions_IDEMPOTENT) {
				t.Errorf("write is %v; idempotency level is %s", m.Write, options.GetIdempotencyLevel())
			}
			if patient := input.ByName("nhs_number") != nil; patient != (m.Audit == policy.AuditPatient) {
				t.Errorf("audit class is %q; nhs_number in the request is %v", m.Audit, patient)
			}
			streams := d.IsStreamingServer()
			if streams == (m.Budget.Kind == policy.PerCall) {
				t.Errorf("budget is %q; streaming is %v", m.Budget.Kind, streams)
			}
			if (m.Budget.Kind == policy.PerItem) != d.IsStreamingClient() || (m.Budget.Kind == policy.PerItem) != (m.Budget.Item > 0) {
				t.Errorf("budget is %q; items are streamed: %v", m.Budget, d.IsStreamingClient())
			}
			if (m.Budget.Kind == policy.Progressive) != (m.Budget.FirstByte > 0 && m.Budget.Progress > 0) {
				t.Errorf("budget is %q", m.Budget)
			}
			if m.Budget.Least <= 0 || m.Budget.Least >= m.Budget.Total || m.Budget.Item > m.Budget.Total {
				t.Errorf("budget is %q", m.Budget)
			}
			if m.Limit.PerSecond <= 0 || m.Limit.Burst < 1 || m.Limit.InFlight < 1 {
				t.Errorf("limit is %q", m.Limit)
			}
		})
	}
}

func TestARowReadsAsALine(t *testing.T) {
	m, _ := policy.For("/spinegate.v1.GPConnect/GetStructuredRecord")
	want := "/spinegate.v1.GPConnect/GetStructuredRecord | record:read | human | patient | read | 10/s burst 40, 16 in flight | " +
		"progressive, total 2m0s, at least 300ms, first byte 15s, progress 10s | built"
	if diff := cmp.Diff(want, m.String()); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}
