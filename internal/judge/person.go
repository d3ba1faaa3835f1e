package judge

import (
	"net/http"
	"slices"
	"strings"

	"github.com/spinegate/spinegate/internal/nhs"
)

// personRules are about requests that find people and places, and about bodies in general.
var personRules = []Rule{
	callRule("GPC-BODY-01", "POST and PUT carry one JSON resource of the operation's type, and GET carries nothing.", "GP Connect 2", TEST,
		func(r *request, _ *past) string {
			if r.Method == http.MethodGet {
				return unless(len(r.Body) == 0, "GET carries something")
			}
			want := "Appointment"
			if strings.Contains(r.operation.id, ":operation:") {
				want = "Parameters"
			}
			return unless(r.body.text("resourceType") == want, "it is another, or no JSON")
		}),
	callRule("GPC-FIND-01", "A patient is found by one `identifier`: the NHS Number's system and a correct number, and nothing else.", "GP Connect 4.1, 9.1", TEST,
		func(r *request, _ *past) string {
			if !r.is("fhir:rest:search:patient-1", "documents:fhir:rest:search:patient-1") {
				return ""
			}
			return unless(len(r.query) == 1 && len(r.query["identifier"]) == 1 && !r.number.IsZero(), "it is missing, repeated or another")
		}),
	callRule("GPC-FIND-02", "A practitioner is found by one SDS user id and an organisation by one ODS code.", "GP Connect 4.3", TEST,
		func(r *request, _ *past) string {
			system := ""
			switch {
			case r.is("fhir:rest:search:practitioner-1"):
				system = stu3.userSystem
			case r.is("fhir:rest:search:organization-1"):
				system = odsSystem
			default:
				return ""
			}
			values := r.query["identifier"]
			return unless(len(r.query) == 1 && len(values) == 1 && valueOf(values, system) != "", "it is missing, repeated or another")
		}),
	callRule("GPC-REGISTER-01", "A registration is one patient of the profile with what the specification allows.", "GP Connect 4.4", TEST, registration),
	callRule("GPC-LIST-01", "A patient's appointments are asked for from one whole day to another by `start=ge` and `start=le`, neither in the past.",
		"GP Connect 10.3", TEST,
		func(r *request, _ *past) string {
			if !r.is("fhir:rest:search:patient_appointments-1") {
				return ""
			}
			bounds := r.query["start"]
			if len(r.query) != 1 || len(bounds) != 2 {
				return "there is another parameter, or one is missing"
			}
			from, ge := strings.CutPrefix(bounds[0], "ge")
			until, le := strings.CutPrefix(bounds[1], "le")
			if !ge || !le || !isDay(from) || !isDay(until) {
				return "one is no whole day, or has another prefix"
			}
			return unless(from >= r.today() && until >= from, "one is past, or they are backwards")
		}),
	callRule("GPC-DOC-01", "Documents are searched with all the includes, and by `created`, `author` and `description` alone.", "GP Connect 9.2", TEST, documents),
}

// callRule is a rule about a request of a known operation.
func callRule(id, says, section string, by Enforcer, check func(*request, *past) string) Rule {
	return Rule{ID: id, Says: says, Section: section, By: by, leg: Proxy, needs: operationKnown, check: check}
}

func registration(r *request, _ *past) string {
	if !r.is("fhir:operation:gpc.registerpatient-1") {
		return ""
	}
	parameters := r.body.objects("parameter")
	if len(parameters) != 1 || parameters[0].text("name") != "registerPatient" {
		return "there is another parameter, or more than one"
	}
	p := parameters[0].object("resource")
	switch {
	case p.text("resourceType") != "Patient" || !profiled(p, "CareConnect-GPC-Patient-1"):
		return "it is no Patient of the profile"
	case !p.within("resourceType", "meta", "extension", "identifier", "name", "gender", "birthDate", "address", "telecom"):
		return "the patient has an element that is refused"
	case r.number.IsZero() || !isDay(p.text("birthDate")) || len(p.objects("name")) != 1 || p.objects("name")[0].text("use") != "official":
		return "number, birth date or the one official name is missing"
	}
	return unless(p.objects("name")[0].text("family") != "", "the family name is missing")
}

func documents(r *request, _ *past) string {
	if !r.is("documents:fhir:rest:search:documentreference-1") {
		return ""
	}
	for name, want := range map[string][]string{
		"_include": {
			"DocumentReference:author:Organization", "DocumentReference:author:Practitioner", "DocumentReference:custodian:Organization",
			"DocumentReference:subject:Patient",
		},
		"_revinclude:recurse": {"PractitionerRole:practitioner"},
	} {
		if got := slices.Sorted(slices.Values(r.query[name])); !slices.Equal(got, want) {
			return "an include is missing or another"
		}
	}
	for name, values := range r.query {
		if !slices.Contains([]string{"_include", "_revinclude:recurse", "created", "author", "description"}, name) {
			return "there is another parameter"
		}
		if name == "author" && (len(values) != 1 || valueOf(values, odsSystem) == "") {
			return "the author is no organisation"
		}
	}
	seen := map[string]bool{}
	for _, value := range r.query["created"] {
		prefix := value[:min(2, len(value))]
		if seen[prefix] || prefix != "ge" && prefix != "le" {
			return "created is repeated, or has another prefix"
		}
		seen[prefix] = true
	}
	return ""
}

const structureDefinition = "https://fhir.nhs.uk/STU3/StructureDefinition/"

// profiled reports whether a resource names a profile.
func profiled(o object, name string) bool {
	return slices.Contains(o.object("meta").texts("profile"), structureDefinition+name)
}

// validNumber reports whether a Parameters' identifier is an NHS Number.
func validNumber(identifier object, e *edition) bool {
	_, err := nhs.ParseNumber(identifier.text("value"))
	return err == nil && identifier.text("system") == e.numberSystem && identifier.within("system", "value")
}
