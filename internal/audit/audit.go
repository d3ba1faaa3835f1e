// Package audit keeps the evidence of every access: who asked, about whom, why, what was sent to the Spine for it, what
// was released and how it ended. It knows no gRPC.
//
// An [Entry] is one of six kinds, and each is durable before what it speaks of happens (trust contract, 2.3):
//   - ATTEMPT before the first byte goes to PDS or through the proxy,
//   - ACCESS, one for each such request, before the request's own bytes go,
//   - FAILURE, one for each item of a stream that ends without a result, before the caller is told; nothing need have been
//     asked about it,
//   - RELEASE before the first clinical byte leaves for the caller,
//   - OUTCOME before the reply (or a stream's closing message) leaves,
//   - SYSTEM for what the store itself has to say: start, stop, recovery, refusals that were only counted.
//
// A [Record] carries one call through them; the [Store] makes them durable, many in one transaction. Whatever cannot be
// made durable is an error, and the caller of this package refuses to go on: there is no switch that turns it off.
// After a failure the store is unhealthy until the file, opened afresh, has taken a durable probe (package store); the
// trail then says that it was interrupted.
//
// Calls that died with their process get the OUTCOME UNKNOWN_AFTER_CRASH when the store is next opened. If a RELEASE is
// among their entries, something may have left.
//
// # What can be read in the file
//
// Patients, people, what callers wrote freely (device, session, item ids) and what an upstream explained in words are in
// a sealed part of each entry (AES-256-GCM). Patients and users are looked up through a keyed HMAC-SHA-256. Organisations,
// methods, practices, ids of calls and requests, reasons and counts are in clear. Personal details are those that were
// shown at the time of the call: nothing is joined in later.
//
// # Room for tamper evidence
//
// Each entry is stored as the canonical bytes that were made durable, never re-encoded, and numbered without gaps from 1
// in the order of commitment. A hash tree can be added over them as they are: leaf n-1 is the RFC 6962 hash of the bytes
// of entry n. The bytes hold everything that the row's other columns say; since the personal part of them is ciphertext,
// destroying a key erases people and leaves every proof valid.
package audit

import (
	"time"

	"github.com/spinegate/spinegate/internal/nhs"
)

// Kind says what an entry is evidence of.
type Kind string

// The kinds of entry; see the package comment for when each becomes durable.
const (
	KindAttempt Kind = "ATTEMPT"
	KindAccess  Kind = "ACCESS"
	KindFailure Kind = "FAILURE"
	KindRelease Kind = "RELEASE"
	KindOutcome Kind = "OUTCOME"
	KindSystem  Kind = "SYSTEM"
)

// Seq numbers the entries of one store from 1, without gaps, in the order in which they became durable.
type Seq int64

// Entry is one piece of evidence. What belongs to the call is repeated in each of its entries, as it was known when the
// entry was made, so that an entry can be read alone.
type Entry struct {
	// Seq and At (UTC) are set by the store.
	Seq Seq       `json:"-"`
	At  time.Time `json:"at"`

	Kind Kind `json:"kind"`
	// Call is the record's own id, a UUID; empty for SYSTEM.
	Call string `json:"call,omitzero"`
	// Trace is the W3C trace id, 32 hexadecimal digits.
	Trace string `json:"trace,omitzero"`
	// Method is the full name of what was called.
	Method string `json:"method,omitzero"`
	// Peer is the network address that the call came from.
	Peer string `json:"peer,omitzero"`

	// Caller is who asked; zero when the call was refused before that was known. Sealed, but for the organisation.
	Caller Caller `json:"-"`
	// Subject is the patient that the entry is about, or zero. Sealed.
	Subject nhs.Number `json:"-"`
	// Practice is the organisation that was asked, where it is known.
	Practice nhs.ODSCode `json:"practice,omitzero"`
	// Context is why and from where, as the caller said. Device and session are sealed.
	Context Context `json:"context,omitzero"`
	// Asked is what was asked for, where the method leaves a choice: clinical areas, interactions.
	Asked []string `json:"asked,omitempty"`
	// Policy is the version of the policy table by which the call was judged.
	Policy string `json:"policy,omitzero"`

	// One of these is set, by Kind; none for ATTEMPT.
	Access  *Access  `json:"access,omitempty"`
	Failure *Failure `json:"failure,omitempty"`
	Release *Release `json:"release,omitempty"`
	Outcome *Outcome `json:"outcome,omitempty"`
	System  *System  `json:"system,omitempty"`
}

// Caller is who asked, with the details as they were presented in this call (GP Connect audit and provenance).
type Caller struct {
	Organisation     nhs.ODSCode
	OrganisationName string
	// UserID is the user's id in UserSystem, the naming system of the local user directory. Empty for a system caller.
	UserID     string
	UserSystem string
	Prefix     string
	Given      string
	Family     string
	// SDSUserID and SDSRoleProfileID identify a CIS2 user and the role that is exercised, where there is one.
	SDSUserID        string
	SDSRoleProfileID string
	Scopes           []string
	// Issuer vouched for all of this: an OIDC issuer, or a certificate's.
	Issuer string
}

// Context is what a caller says about the call itself (CallContext in the API).
type Context struct {
	Purpose      string `json:"purpose,omitzero"`
	Relationship string `json:"relationship,omitzero"`
	Device       string `json:"-"`
	Session      string `json:"-"`
}

// Access is one request to PDS, or to a practice through the proxy.
type Access struct {
	// Hop that the request goes to: PDS, SDS, SSP or PROVIDER.
	Hop string `json:"hop"`
	// Method and Route are the HTTP method and the path template; never the path, which may name a patient.
	Method string `json:"method"`
	Route  string `json:"route"`

	Interaction nhs.Interaction `json:"interaction,omitzero"`
	Practice    nhs.ODSCode     `json:"practice,omitzero"`
	// SSPTraceID, SSPFrom and SSPTo are the proxy's headers; the trace id is fresh for each attempt.
	SSPTraceID string   `json:"ssp_trace_id,omitzero"`
	SSPFrom    nhs.ASID `json:"ssp_from,omitzero"`
	SSPTo      nhs.ASID `json:"ssp_to,omitzero"`
	// RequestID and CorrelationID are X-Request-ID and X-Correlation-ID.
	RequestID     string `json:"request_id,omitzero"`
	CorrelationID string `json:"correlation_id,omitzero"`
	// Mode is in whose name PDS is asked: HEALTHCARE_WORKER or APPLICATION_RESTRICTED. Empty elsewhere.
	Mode string `json:"mode,omitzero"`
	// Role is the role that PDS was told the clinician works in (NHSD-Session-URID).
	Role string `json:"role,omitzero"`

	// Subject is the patient of this request, where it is not (or not yet) the call's. Sealed, as the entry's Subject.
	Subject nhs.Number `json:"-"`
	// Item is the caller's id of the stream's item that the request is made for. Sealed.
	Item string `json:"-"`
}

// Failure is how one item of a stream of items ended that got no result. The stream goes on.
type Failure struct {
	// Reason is the error reason without its prefix, and Hop where it arose: GATEWAY for an item that was refused before
	// anything was asked.
	Reason string `json:"reason"`
	Hop    string `json:"hop"`

	// Subject is the patient of the item, or zero where it named none. Sealed.
	Subject nhs.Number `json:"-"`
	// Item is the caller's id of the item. Sealed.
	Item string `json:"-"`
	// Diagnostics is the upstream's own explanation, as in [Outcome]. Sealed.
	Diagnostics string `json:"-"`
}

// Release is what is about to leave for the caller, once the answer's patient has been matched.
type Release struct {
	Practice    nhs.ODSCode     `json:"practice,omitzero"`
	Interaction nhs.Interaction `json:"interaction,omitzero"`
	// Areas are the clinical areas, sections or documents' kinds about to be released.
	Areas []string `json:"areas,omitempty"`
	// Differences names the demographic fields in which the practice and PDS differ; never their values.
	Differences []string `json:"differences,omitempty"`
}

// Outcome is how a call ended and what left. Of a call that was refused, too.
type Outcome struct {
	// Code is the name of the canonical status code, such as OK or PERMISSION_DENIED.
	Code string `json:"code"`
	// Reason is the error reason without its prefix, and Hop where it arose; both empty for OK.
	Reason string `json:"reason,omitzero"`
	Hop    string `json:"hop,omitzero"`
	// Verdict is the closing message's, for a stream.
	Verdict string `json:"verdict,omitzero"`
	// Resources counts what was released by FHIR resource type.
	Resources map[string]int `json:"resources,omitempty"`
	// Reused are answers of the Spine and of practices about systems that the call took from its session's memory: nothing
	// was asked for them. At most [maxReused] are named; ReusedTotal is how many there were.
	Reused      []Reuse `json:"reused,omitempty"`
	ReusedTotal int     `json:"reused_total,omitzero"`
	// Bytes and SHA256 are those of the provider's content that was released.
	Bytes  int64  `json:"bytes,omitzero"`
	SHA256 []byte `json:"sha256,omitempty"`
	// Diagnostics is the upstream's own explanation (the text of its OperationOutcome). It goes nowhere else. Sealed,
	// and cut after 16 KiB.
	Diagnostics string `json:"-"`
	// Duration of the call until now, in nanoseconds; the record fills it in when it is zero.
	Duration time.Duration `json:"duration_ns"`
}

// Reuse is an answer that was used again within a session.
type Reuse struct {
	// What it is: ROUTE, STATEMENT or SENDER.
	What        string          `json:"what"`
	Practice    nhs.ODSCode     `json:"practice"`
	Interaction nhs.Interaction `json:"interaction"`
	// RetrievedAt is when it was received (UTC).
	RetrievedAt time.Time `json:"retrieved_at"`
}

// ReasonCrashed is the reason in the OUTCOME that recovery gives to a call whose process died. What became of the call
// is not known: if there is a RELEASE, clinical content may have left.
const ReasonCrashed = "UNKNOWN_AFTER_CRASH"

// Events in SYSTEM entries.
const (
	EventStart    = "START"    // the store was opened by Version
	EventStop     = "STOP"     // the store was closed in good order
	EventRecovery = "RECOVERY" // Count calls were left without an OUTCOME, and have got one
	EventResumed  = "RESUMED"  // writing had failed and works again; Detail says how it failed
	EventRefusals = "REFUSALS" // Count calls from Peer without a caller, by reason, that have no entries of their own
)

// System is what the store has to say.
type System struct {
	Event   string         `json:"event"`
	Version string         `json:"version,omitzero"` // of the program
	Detail  string         `json:"detail,omitzero"`
	Count   int            `json:"count,omitzero"`
	Reasons map[string]int `json:"reasons,omitempty"`
	Since   time.Time      `json:"since,omitzero"` // the first of what is counted
}
