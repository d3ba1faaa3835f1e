package service

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
	"github.com/spinegate/spinegate/internal/fhir"
	"github.com/spinegate/spinegate/internal/nhs"
	"github.com/spinegate/spinegate/internal/pds"
)

func related(t *testing.T, text string) *pb.RelatedPerson {
	t.Helper()
	p, err := fhir.ReadRelatedPerson([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return relatedPerson(&pds.Related{Person: p})
}

// What is absent stays unset: only a code makes somebody next of kin, and nobody is ranked, active or copied in by default.
func TestRelatedPersonWithNothingRecorded(t *testing.T) {
	const text = `{"resourceType":"RelatedPerson","id":"R1"}`
	want := &pb.RelatedPerson{Id: "R1", NextOfKin: pb.NextOfKin_NEXT_OF_KIN_NOT_CODED, Json: []byte(text)}
	if diff := cmp.Diff(want, related(t, text), protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRelatedPersonWithEverything(t *testing.T) {
	const text = `{"resourceType":"RelatedPerson","id":"R1","active":false,"period":{"start":"2020-01"},
		"name":[{"use":"usual","family":"EXAMPLE","given":["Testa"]}],"address":[{"use":"home","line":["1 SAMPLE ROW",null],"postalCode":"ZZ1 1ZZ"}],
		"telecom":[{"system":"phone","value":"0","use":"mobile"},{"system":"email","value":"a@example.com"}],
		"relationship":[{"coding":[{"system":"a","code":"SPS","display":"spouse"},{"system":"b","code":"Carer"}]},{"coding":[{"code":"N"}]}],
		"extension":[
			{"url":"https://fhir.nhs.uk/R4/StructureDefinition/Extension-UKCore-CopyCorrespondenceIndicator","valueBoolean":false},
			{"url":"https://fhir.nhs.uk/R4/StructureDefinition/Extension-UKCore-ContactRank","valuePositiveInt":99},
			{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-ContactPreference","extension":[
				{"url":"PreferredWrittenCommunicationFormat","valueCodeableConcept":{"coding":[{"code":"12","display":"Braille"}]}},
				{"url":"PreferredContactTimes","valueString":"Not after 7pm"}]},
			{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSCommunication","extension":[
				{"url":"language","valueCodeableConcept":{"coding":[{"code":"fr","display":"French"}]}},
				{"url":"interpreterRequired","valueBoolean":true}]}]}`
	month := &pb.ClinicalDate{Text: "2020-01", Precision: pb.DatePrecision_DATE_PRECISION_MONTH}
	want := &pb.RelatedPerson{
		Id: "R1", Active: new(false), Period: &pb.ClinicalPeriod{Start: month},
		Name:     &pb.HumanName{Use: "usual", Family: "EXAMPLE", Given: []string{"Testa"}},
		Address:  &pb.Address{Use: "home", Lines: []string{"1 SAMPLE ROW"}, PostalCode: "ZZ1 1ZZ"},
		Telecoms: []*pb.ContactPoint{{System: "phone", Contact: "0", Use: "mobile"}, {System: "email", Contact: "a@example.com"}},
		Relationships: []*pb.Coding{
			{System: "a", Code: "SPS", Display: "spouse"}, {System: "b", Code: "Carer"}, {Code: "N"},
		},
		NextOfKin: pb.NextOfKin_NEXT_OF_KIN_NOT_CODED, ContactRank: proto.Int32(99), CopiesCorrespondence: new(false),
		Communication: &pb.Communication{
			Language:            &pb.ClinicalCode{Codings: []*pb.Coding{{Code: "fr", Display: "French"}}, Display: "French"},
			InterpreterRequired: new(true),
		},
		ContactPreference: &pb.ContactPreference{
			WrittenFormat: &pb.ClinicalCode{Codings: []*pb.Coding{{Code: "12", Display: "Braille"}}, Display: "Braille"},
			Times:         "Not after 7pm",
		},
		Json: []byte(text),
	}
	if diff := cmp.Diff(want, related(t, text), protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPublishedRelatedPersonsAsCallersGetThem(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "fixtures", "pds", "related-person", "related_person_9000000009.json"))
	if err != nil {
		t.Skip("the published fixtures are not beside the checkout")
	}
	entries, err := fhir.ReadSearchset(text)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		got := related(t, string(e.Resource))
		if got.GetContactRank() != 1 || !got.GetCopiesCorrespondence() || !got.GetCommunication().GetInterpreterRequired() ||
			got.GetContactPreference().GetTimes() != "Not after 7pm" || got.GetRelationships()[0].GetCode() != "Guardian" {
			t.Errorf("%v", got)
		}
		if inline := i == 0; inline != (got.GetName() != nil) || inline != (got.GetAddress() != nil) || inline != (len(got.GetTelecoms()) == 1) {
			t.Errorf("inline = %v: %v", inline, got)
		}
	}
}

// Each field of a request reaches the criterion that is meant by it.
func TestCriteriaOfARequest(t *testing.T) {
	practice, err := nhs.ParseODSCode("A20047")
	if err != nil {
		t.Fatal(err)
	}
	type plain pds.Criteria // which shows itself
	got := plain(criteriaOf(&pb.SearchPatientsRequest{
		Family: "F", Given: []string{"G", "H"}, Gender: pb.Gender_GENDER_UNKNOWN, BirthDateStart: "1", BirthDateEnd: "2",
		DeathDateStart: "3", DeathDateEnd: "4", PostalCode: "P", PracticeOdsCode: "a20047", Email: "E", Phone: "T",
		Mode: pb.SearchMode_SEARCH_MODE_EXACT, IncludeHistory: true, MaxResults: 7,
	}))
	want := plain{
		Family: "F", Given: []string{"G", "H"}, Gender: "unknown", Born: pds.Days{First: "1", Last: "2"}, Died: pds.Days{First: "3", Last: "4"},
		PostalCode: "P", Practice: practice, Email: "E", Phone: "T", Match: pds.Exact, History: true, AtMost: 7,
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b nhs.ODSCode) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if none := plain(criteriaOf(&pb.SearchPatientsRequest{})); none.Gender != "" || !none.Practice.IsZero() || none.Match != pds.Ordinary {
		t.Errorf("nothing was asked: %+v", none)
	}
}
