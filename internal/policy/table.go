package policy

import "time"

const (
	trace     = "/spinegate.v1.PatientTrace/"
	directory = "/spinegate.v1.EndpointDirectory/"
	practice  = "/spinegate.v1.GPConnect/"
)

// Limits. People at a screen stay far below them; what meets them is a loop.
var (
	readLimit   = Limit{PerSecond: 20, Burst: 60, InFlight: 32}
	streamLimit = Limit{PerSecond: 10, Burst: 40, InFlight: 16}
	writeLimit  = Limit{PerSecond: 5, Burst: 20, InFlight: 8}
	bulkLimit   = Limit{PerSecond: 1, Burst: 5, InFlight: 4}
)

// What must be left of a deadline when a call arrives (trust contract, 4.2).
const (
	// Least is 150 ms for one attempt at a hop, 100 ms for saying how it ended, and the way there. With less a call would be begun
	// and could only fail.
	Least = 300 * time.Millisecond
	// leastWrite is more: a write would rather not begin than leave its caller without an answer.
	leastWrite = time.Second
)

// Budgets. They hold the whole journey: three attempts at PDS (10 s each at most) and at each of the directory's two
// questions (9 s), before a practice is asked (15 s to its first byte, 60 s for a record). What is interactive asks for
// less by its deadline. The sections of an HTML record are targets of their own, so that it ends softly, too.
var (
	nationalBudget  = Budget{Kind: PerCall, Total: 30 * time.Second, Least: Least}
	practiceBudget  = Budget{Kind: PerCall, Total: 60 * time.Second, Least: Least}
	writeBudget     = Budget{Kind: PerCall, Total: 60 * time.Second, Least: leastWrite}
	itemBudget      = Budget{Kind: PerItem, Total: 30 * time.Minute, Least: Least, Item: 30 * time.Second}
	recordBudget    = Budget{Kind: Progressive, Total: 2 * time.Minute, Least: Least, FirstByte: 15 * time.Second, Progress: 10 * time.Second}
	documentBudget  = Budget{Kind: Progressive, Total: 10 * time.Minute, Least: Least, FirstByte: 15 * time.Second, Progress: 10 * time.Second}
	manyBudget      = Budget{Kind: SoftEnd, Total: 5 * time.Minute, Least: Least}
	manyPartsBudget = Budget{Kind: SoftEnd, Total: 2 * time.Minute, Least: Least}
)

// table is never changed.
var table = []Method{
	{Name: trace + "TracePatient", Scopes: []Scope{PatientTrace}, Human: HumanUnlessOpened, Audit: AuditPatient, Limit: readLimit, Budget: nationalBudget, Encounter: true, Built: true},
	{Name: trace + "SearchPatients", Scopes: []Scope{PatientTrace}, Human: HumanUnlessOpened, Audit: AuditBulk, Limit: readLimit, Budget: nationalBudget, Built: true},
	{Name: trace + "TracePatients", Scopes: []Scope{PatientTrace}, Human: HumanUnlessOpened, Audit: AuditBulk, Limit: bulkLimit, Budget: itemBudget, Built: true},
	{Name: trace + "ListRelatedPersons", Scopes: []Scope{PatientTrace}, Human: HumanUnlessOpened, Audit: AuditPatient, Limit: readLimit, Budget: nationalBudget, Encounter: true, Built: true},

	{Name: directory + "ResolveEndpoint", Scopes: []Scope{DirectoryRead}, Human: HumanOptional, Audit: AuditOrganisation, Limit: readLimit, Budget: nationalBudget, Encounter: true, Built: true},
	{Name: directory + "ResolveEndpoints", Scopes: []Scope{DirectoryRead}, Human: HumanOptional, Audit: AuditOrganisation, Limit: bulkLimit, Budget: manyBudget, Encounter: true, Built: true},

	{Name: practice + "GetCapabilities", Scopes: []Scope{PracticeRead}, Audit: AuditOrganisation, Limit: readLimit, Budget: practiceBudget, Encounter: true, Built: true},
	{Name: practice + "GetStructuredRecord", Scopes: []Scope{RecordRead}, Audit: AuditPatient, Limit: streamLimit, Budget: recordBudget, Encounter: true, Built: true},
	{Name: practice + "GetRecordHtml", Scopes: []Scope{RecordRead}, Audit: AuditPatient, Limit: streamLimit, Budget: manyPartsBudget, Encounter: true},
	{Name: practice + "SearchDocuments", Scopes: []Scope{DocumentsRead}, Audit: AuditPatient, Limit: streamLimit, Budget: recordBudget, Encounter: true},
	{Name: practice + "GetDocument", Scopes: []Scope{DocumentsRead}, Audit: AuditPatient, Limit: streamLimit, Budget: documentBudget, Encounter: true},
	{Name: practice + "SearchSlots", Scopes: []Scope{AppointmentsRead}, Audit: AuditOrganisation, Limit: streamLimit, Budget: manyBudget, Encounter: true, Built: true},
	{Name: practice + "BookAppointment", Scopes: []Scope{AppointmentsWrite}, Audit: AuditPatient, Limit: writeLimit, Budget: writeBudget, Write: true, Encounter: true, Built: true},
	{Name: practice + "AmendAppointment", Scopes: []Scope{AppointmentsWrite}, Audit: AuditPatient, Limit: writeLimit, Budget: writeBudget, Write: true, Encounter: true},
	{Name: practice + "CancelAppointment", Scopes: []Scope{AppointmentsWrite}, Audit: AuditPatient, Limit: writeLimit, Budget: writeBudget, Write: true, Encounter: true},
	{Name: practice + "GetAppointment", Scopes: []Scope{AppointmentsRead}, Audit: AuditPatient, Limit: readLimit, Budget: practiceBudget, Encounter: true},
	{Name: practice + "ListAppointments", Scopes: []Scope{AppointmentsRead}, Audit: AuditPatient, Limit: streamLimit, Budget: recordBudget, Encounter: true},
	{Name: practice + "FindPatient", Scopes: []Scope{PatientTrace, PracticeRead}, Audit: AuditPatient, Limit: readLimit, Budget: practiceBudget, Encounter: true},
	{Name: practice + "RegisterPatient", Scopes: []Scope{PatientRegister}, Audit: AuditPatient, Limit: writeLimit, Budget: writeBudget, Write: true, Encounter: true},
	{Name: practice + "FindPractitioner", Scopes: []Scope{PracticeRead}, Audit: AuditOrganisation, Limit: readLimit, Budget: practiceBudget, Encounter: true},
	{Name: practice + "FindOrganization", Scopes: []Scope{PracticeRead}, Audit: AuditOrganisation, Limit: readLimit, Budget: practiceBudget, Encounter: true},
	{Name: practice + "GetLocation", Scopes: []Scope{PracticeRead}, Audit: AuditOrganisation, Limit: readLimit, Budget: practiceBudget, Encounter: true},
}
