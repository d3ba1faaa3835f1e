package fault

import (
	"google.golang.org/grpc/codes"

	pb "github.com/spinegate/spinegate/gen/go/spinegate/v1"
)

// row is what the table of errors says about one reason.
type row struct {
	code      codes.Code
	retry     pb.RetryClass
	clinician string
	operator  string
}

// table mirrors the comments of ErrorReason in errors.proto; a test compares the two.
var table = map[pb.ErrorReason]row{
	pb.ErrorReason_ERROR_REASON_REQUEST_INVALID: {
		codes.InvalidArgument, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"The request was not understood. Please report this to your support team.", "A field breaks its rule; `violations` names each one, never its value.",
	},
	pb.ErrorReason_ERROR_REASON_NHS_NUMBER_INVALID: {
		codes.InvalidArgument, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"The NHS number is not valid. Check it and try again.", "The NHS Number is not ten digits with a right check digit, or PDS refused it as one.",
	},
	pb.ErrorReason_ERROR_REASON_TOKEN_MISSING: {
		codes.Unauthenticated, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"You are not signed in to this service.", "The call carries no bearer token and no client certificate that stands for a caller.",
	},
	pb.ErrorReason_ERROR_REASON_TOKEN_INVALID: {
		codes.Unauthenticated, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"Your sign-in was not accepted. Sign in again.", "The bearer token cannot be trusted: form, algorithm, key, signature, issuer or audience.",
	},
	pb.ErrorReason_ERROR_REASON_TOKEN_EXPIRED: {
		codes.Unauthenticated, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"Your sign-in has expired. Sign in again.", "The bearer token has expired, or is not valid yet.",
	},
	pb.ErrorReason_ERROR_REASON_CREDENTIALS_CONFLICT: {
		codes.Unauthenticated, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"Your sign-in was not accepted. Please report this to your support team.", "Token and client certificate name different organisations.",
	},
	pb.ErrorReason_ERROR_REASON_SCOPE_MISSING: {
		codes.PermissionDenied, pb.RetryClass_RETRY_CLASS_NEVER,
		"You are not permitted to do this.", "The caller's token lacks a scope that the method asks for; ErrorInfo metadata `scope` names it.",
	},
	pb.ErrorReason_ERROR_REASON_HUMAN_REQUIRED: {
		codes.PermissionDenied, pb.RetryClass_RETRY_CLASS_NEVER,
		"This can only be done by a named member of staff.", "The method needs a named human, and the credential names none. The gateway never makes one up.",
	},
	pb.ErrorReason_ERROR_REASON_ORGANISATION_NOT_PERMITTED: {
		codes.PermissionDenied, pb.RetryClass_RETRY_CLASS_NEVER,
		"Your organisation is not set up to do this.", "The caller's organisation is not configured in this gateway, or not for this method.",
	},
	pb.ErrorReason_ERROR_REASON_AREA_NOT_PERMITTED: {
		codes.PermissionDenied, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"Your organisation is not permitted to see a part of the record that was asked for.", "The organisation may not ask for a clinical area that the request names. Nothing is narrowed silently.",
	},
	pb.ErrorReason_ERROR_REASON_METHOD_WITHOUT_POLICY: {
		codes.PermissionDenied, pb.RetryClass_RETRY_CLASS_NEVER,
		"This function is not available.", "The method is missing from the policy table, so nobody may call it. A fault of the gateway.",
	},
	pb.ErrorReason_ERROR_REASON_METHOD_NOT_BUILT: {
		codes.Unimplemented, pb.RetryClass_RETRY_CLASS_NEVER,
		"This function is not available yet.", "This version of the gateway declares the method and does not provide it yet.",
	},
	pb.ErrorReason_ERROR_REASON_RATE_LIMITED: {
		codes.ResourceExhausted, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"Too many requests at once. Try again in a moment.", "The caller is over its limit; RetryInfo says when to come back.",
	},
	pb.ErrorReason_ERROR_REASON_OVERLOADED: {
		codes.ResourceExhausted, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"The service is busy. Try again in a moment.", "The gateway has no room for this call now (calls in flight, or memory for held answers).",
	},
	pb.ErrorReason_ERROR_REASON_SHUTTING_DOWN: {
		codes.Unavailable, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"The service is restarting. Try again in a moment.", "The gateway is stopping; another replica will answer.",
	},
	pb.ErrorReason_ERROR_REASON_DEADLINE_TOO_SHORT: {
		codes.DeadlineExceeded, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"There was not enough time to complete this. Try again.", "Too little time was left to do the work and to answer, so nothing was started.",
	},
	pb.ErrorReason_ERROR_REASON_DEADLINE_EXCEEDED: {
		codes.DeadlineExceeded, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"This took too long. Try again.", "The caller's deadline, or the method's budget, ran out; `hop` says where the time went.",
	},
	pb.ErrorReason_ERROR_REASON_CANCELLED: {
		codes.Canceled, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"The request was cancelled.", "The caller gave up.",
	},
	pb.ErrorReason_ERROR_REASON_AUDIT_UNAVAILABLE: {
		codes.Unavailable, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"The access could not be recorded, so it was not made. Try again, and report it if it goes on.", "Evidence could not be written, so the access was refused or the answer withheld.",
	},
	pb.ErrorReason_ERROR_REASON_JOURNAL_UNAVAILABLE: {
		codes.Unavailable, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"The booking could not be recorded safely, so it was not made. Try again, and report it if it goes on.", "The write journal could not be written, so nothing was sent.",
	},
	pb.ErrorReason_ERROR_REASON_INTERNAL: {
		codes.Internal, pb.RetryClass_RETRY_CLASS_NEVER,
		"Something went wrong in this service. Please report it.", "A fault of the gateway itself. Its text stays inside.",
	},
	pb.ErrorReason_ERROR_REASON_SESSION_MISMATCH: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"This session belongs to another patient or user. Start again.", "The `session_id` is bound to another user or patient.",
	},
	pb.ErrorReason_ERROR_REASON_HANDLE_INVALID: {
		codes.InvalidArgument, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"The item can no longer be used. Search again.", "The handle was not made by this gateway, or was changed.",
	},
	pb.ErrorReason_ERROR_REASON_HANDLE_EXPIRED: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"The item is out of date. Search again.", "The handle has outlived its kind; ask again for a fresh one.",
	},
	pb.ErrorReason_ERROR_REASON_HANDLE_MISMATCH: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"The item belongs to something else. Search again.", "The handle belongs to another kind, environment, organisation, practice or patient, or the patient has moved since.",
	},
	pb.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED: {
		codes.AlreadyExists, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"The request could not be told from an earlier one. Please report this to your support team.", "The `request_id` was used for another request by the same organisation.",
	},
	pb.ErrorReason_ERROR_REASON_SLOTS_NOT_ADJACENT: {
		codes.InvalidArgument, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"The chosen times cannot be booked together. Choose again.", "The slots of one booking must follow each other without a gap, in one session and of one kind.",
	},
	pb.ErrorReason_ERROR_REASON_SIMULATED_ANSWER: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The service is connected to a test system. Do not use it, and report this at once.", "A simulated Spine answered a gateway that is configured for a real environment. Nothing was released.",
	},
	pb.ErrorReason_ERROR_REASON_CONSUMER_ASID_UNKNOWN: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"Your organisation is not set up to do this.", "No ASID is known for the caller's organisation, so nothing may be sent for it.",
	},
	pb.ErrorReason_ERROR_REASON_STREAM_ENDED: {
		codes.Aborted, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"This item was not checked. Try again.", "The stream ended before this item was answered (token or connection age); send it again on a new one.",
	},
	pb.ErrorReason_ERROR_REASON_TIMED_OUT: {
		codes.DeadlineExceeded, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"This practice did not answer in time.", "This one of many targets had not answered when the call had to end.",
	},
	pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_MISSING: {
		codes.Unauthenticated, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"Sign in with CIS2, for example with your smartcard, to do this.", "The organisation asks PDS only as a clinician who is signed in with CIS2, and the call brought no CIS2 ID token.",
	},
	pb.ErrorReason_ERROR_REASON_CIS2_TOKEN_INVALID: {
		codes.Unauthenticated, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"Your CIS2 sign-in was not accepted. Sign in again, and report it if it goes on.", "The CIS2 ID token cannot be used, or is another user's than the one whom the caller's own credential names.",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_NOT_FOUND: {
		codes.NotFound, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"No patient was found with this NHS number.", "PDS holds no record under the number.",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_INVALIDATED: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"This NHS number has been withdrawn. Do not use it; check the patient's identity.", "PDS has withdrawn the record: the number must not be used for anybody.",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_SUPERSEDED: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"This NHS number has been replaced. Trace the patient again before you go on.", "The number was merged into another. Only `TracePatient` tells which; check the patient and ask with that one.",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_RESTRICTED: {
		codes.PermissionDenied, pb.RetryClass_RETRY_CLASS_NEVER,
		"Details of this patient are restricted. The record cannot be requested.", "The PDS record is restricted (or cannot be shown to be unrestricted), so no practice may be asked.",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_DECEASED: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The patient is recorded as deceased.", "PDS holds a formal notification of death.",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_DECEASED_INFORMALLY: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The patient has been reported as deceased, which is not confirmed. Check before you go on.", "PDS holds an informal notification of death, or a date of death without one. It may be wrong.",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_NOT_REGISTERED: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The patient is not registered with a GP practice.", "PDS names no practice for the patient, or a placeholder for none.",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_DEREGISTERED: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The patient is no longer registered with a GP practice in England.", "The patient was removed from registration (moved away, emigrated, ...).",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_REGISTRATION_NOT_CURRENT: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The patient's registration with a GP practice is not current.", "The registration with the practice has ended, or has not begun.",
	},
	pb.ErrorReason_ERROR_REASON_SEARCH_INVALID: {
		codes.InvalidArgument, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"Not enough details to search for the patient.", "The search criteria are too few or contradict each other.",
	},
	pb.ErrorReason_ERROR_REASON_TOO_MANY_MATCHES: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"Too many patients match. Add more details.", "More patients match than may be shown; none is returned. Not the same as no match.",
	},
	pb.ErrorReason_ERROR_REASON_SESSION_ROLE_REFUSED: {
		codes.PermissionDenied, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"Choose the role that you are working in, and try again.", "PDS does not accept the role that the clinician works in: they hold several and the credential names none, or it names one that is not theirs.",
	},
	pb.ErrorReason_ERROR_REASON_ENDPOINT_NOT_FOUND: {
		codes.NotFound, pb.RetryClass_RETRY_CLASS_NEVER,
		"No system is registered nationally for this at the practice. Check the practice code, or telephone the practice.", "The organisation has no system registered for the interaction (asked twice, the second time past every cache).",
	},
	pb.ErrorReason_ERROR_REASON_ENDPOINT_AMBIGUOUS: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The national directory lists more than one system for this practice, so none was used. Contact the practice.", "More than one system is registered for the interaction; `candidates` names them and none is chosen.",
	},
	pb.ErrorReason_ERROR_REASON_ENDPOINT_INCOMPLETE: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The national directory entry of this practice is incomplete. Contact the practice.", "The directory entry lacks its address or party key.",
	},
	pb.ErrorReason_ERROR_REASON_ENDPOINT_ADDRESS_REFUSED: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The national directory entry of this practice cannot be used. Contact the practice.", "The registered address is not one that may be called (not https, credentials, fragment, private host, ...).",
	},
	pb.ErrorReason_ERROR_REASON_DEVICE_NOT_FOUND: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The national directory entry of this practice is incomplete. Contact the practice.", "The endpoint's party key has no accredited system for the interaction.",
	},
	pb.ErrorReason_ERROR_REASON_DEVICE_AMBIGUOUS: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The national directory lists more than one system for this practice, so none was used. Contact the practice.", "More than one ASID answers for the party key; `candidates` names them and none is chosen.",
	},
	pb.ErrorReason_ERROR_REASON_DIRECTORY_SANDBOX_GAP: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The test directory does not know this practice.", "The public sandbox of the directory lacks data for this look-up; it says nothing about the practice.",
	},
	pb.ErrorReason_ERROR_REASON_SENDER_NOT_ACCREDITED: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"Your organisation is not set up nationally to do this.", "The proxy does not let the organisation's ASID send this interaction.",
	},
	pb.ErrorReason_ERROR_REASON_RECEIVER_NOT_ACCREDITED: {
		codes.Unavailable, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"The practice's system is being changed. Try again later.", "The proxy does not know the practice's ASID for this interaction, also after a fresh look-up.",
	},
	pb.ErrorReason_ERROR_REASON_ENDPOINT_VARIES: {
		codes.Unavailable, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"The practice's system is being changed. Try again later.", "The proxy knows another address for the practice, also after a fresh look-up.",
	},
	pb.ErrorReason_ERROR_REASON_NO_SHARING_AGREEMENT: {
		codes.PermissionDenied, pb.RetryClass_RETRY_CLASS_NEVER,
		"Your organisation has no agreement with this practice.", "No data-sharing agreement between the organisation and the practice is known to the proxy.",
	},
	pb.ErrorReason_ERROR_REASON_CLIENT_CERTIFICATE_REFUSED: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The service is not set up correctly. Please report it.", "The proxy refused the gateway's client certificate.",
	},
	pb.ErrorReason_ERROR_REASON_PRACTICE_UNREACHABLE: {
		codes.Unavailable, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"The practice's system cannot be reached. Try again later, or telephone the practice.", "The proxy could not reach the practice's system.",
	},
	pb.ErrorReason_ERROR_REASON_PRACTICE_TIMED_OUT: {
		codes.Unavailable, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"The practice's system did not answer. Try again later, or telephone the practice.", "The practice's system did not answer the proxy in time.",
	},
	pb.ErrorReason_ERROR_REASON_PRACTICE_PATIENT_NOT_FOUND: {
		codes.NotFound, pb.RetryClass_RETRY_CLASS_NEVER,
		"The practice could not provide a record for this patient. This does not mean there is none. Check the registered practice.", "The practice gives nothing for this number: seven different situations share this answer and may not be told apart.",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_DISSENTED: {
		codes.PermissionDenied, pb.RetryClass_RETRY_CLASS_NEVER,
		"The patient has chosen not to share this record. Do not try another route; ask the patient or the practice.", "The patient has objected to sharing.",
	},
	pb.ErrorReason_ERROR_REASON_NO_ORGANISATION_CONSENT: {
		codes.PermissionDenied, pb.RetryClass_RETRY_CLASS_NEVER,
		"Your organisation has no agreement with this practice.", "The practice has no agreement with the organisation.",
	},
	pb.ErrorReason_ERROR_REASON_CAPABILITY_SWITCHED_OFF: {
		codes.PermissionDenied, pb.RetryClass_RETRY_CLASS_NEVER,
		"This practice has not switched the service on. Contact the practice by telephone.", "GP Connect, or this capability, is switched off at the practice.",
	},
	pb.ErrorReason_ERROR_REASON_CAPABILITY_NOT_SUPPORTED: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"This practice's system does not offer this.", "The practice's system does not have this operation.",
	},
	pb.ErrorReason_ERROR_REASON_NO_RELATIONSHIP: {
		codes.PermissionDenied, pb.RetryClass_RETRY_CLASS_NEVER,
		"The practice did not accept the request for this patient.", "The practice sees no legitimate relationship with the patient.",
	},
	pb.ErrorReason_ERROR_REASON_PRACTICE_FAILED: {
		codes.Internal, pb.RetryClass_RETRY_CLASS_NEVER,
		"The practice's system had a problem. Part of this record may not be exportable; contact the practice.", "The practice's system had a fault; often one item of the record cannot be exported.",
	},
	pb.ErrorReason_ERROR_REASON_PRACTICE_REJECTED_REQUEST: {
		codes.Internal, pb.RetryClass_RETRY_CLASS_NEVER,
		"The practice's system did not accept the request. Please report it.", "The practice's system says that the request was built wrongly. A fault between the two systems.",
	},
	pb.ErrorReason_ERROR_REASON_PRACTICE_PATIENT_AMBIGUOUS: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The practice holds more than one record for this NHS number. Contact the practice.", "The practice answered with more than one patient for one NHS Number; none was chosen.",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_UNKNOWN_AT_PRACTICE: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"The patient is not known at this practice. Register the patient there first.", "The practice does not know the patient, who must be registered there first with `RegisterPatient`.",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_ALREADY_REGISTERED: {
		codes.AlreadyExists, pb.RetryClass_RETRY_CLASS_NEVER,
		"The patient is already registered at this practice.", "The patient is already registered at the practice.",
	},
	pb.ErrorReason_ERROR_REASON_DEMOGRAPHICS_REJECTED: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"The patient's details do not match the national record. Trace the patient again before registering.", "The practice found that the patient's details differ from PDS.",
	},
	pb.ErrorReason_ERROR_REASON_SLOT_TAKEN: {
		codes.AlreadyExists, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"That slot has just been taken; choose another.", "The slot is no longer free.",
	},
	pb.ErrorReason_ERROR_REASON_BOOKING_REJECTED: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"The practice did not accept the booking. Choose another slot or telephone the practice.", "The practice refused the content of a booking or change: past, limit reached, not bookable, too long, ...",
	},
	pb.ErrorReason_ERROR_REASON_APPOINTMENT_CHANGED: {
		codes.Aborted, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"Someone changed this appointment. Look at it again before you go on.", "The appointment changed since the version that the caller saw.",
	},
	pb.ErrorReason_ERROR_REASON_ITEM_NOT_FOUND: {
		codes.NotFound, pb.RetryClass_RETRY_CLASS_NEVER,
		"The item is not available.", "The document, appointment, location or person is not available at the practice (or too large to send).",
	},
	pb.ErrorReason_ERROR_REASON_OUTCOME_UNKNOWN: {
		codes.Unknown, pb.RetryClass_RETRY_CLASS_SAME_REQUEST_ID,
		"It is not known whether this was booked. Check again before you book anything else.", "A write may have reached the practice and no answer came. Make the same call again, with the same `request_id`, to find out.",
	},
	pb.ErrorReason_ERROR_REASON_WRONG_PATIENT: {
		codes.DataLoss, pb.RetryClass_RETRY_CLASS_NEVER,
		"The practice's system answered about a different patient, so the answer was discarded. Contact the practice and report it.", "The answer is, or holds something, about another person than the one asked for.",
	},
	pb.ErrorReason_ERROR_REASON_RECORD_WITHOUT_PATIENT: {
		codes.DataLoss, pb.RetryClass_RETRY_CLASS_NEVER,
		"The practice's system did not say whose record this is, so it was discarded. Contact the practice.", "The answer is a record that names no patient at all.",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_UNIDENTIFIED: {
		codes.DataLoss, pb.RetryClass_RETRY_CLASS_NEVER,
		"The practice's system did not say whose record this is, so it was discarded. Contact the practice.", "The Patient in the answer carries no usable NHS Number.",
	},
	pb.ErrorReason_ERROR_REASON_PATIENT_NOT_SEEN: {
		codes.ResourceExhausted, pb.RetryClass_RETRY_CLASS_NEVER,
		"This record is too large to check safely. Contact the practice.", "The Patient did not appear within the bytes that may be held back, so nothing was released.",
	},
	pb.ErrorReason_ERROR_REASON_ANSWER_CUT_SHORT: {
		codes.Unavailable, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"The record arrived only in part. Try again.", "The answer ended before it was complete. What was released is not the whole.",
	},
	pb.ErrorReason_ERROR_REASON_ANSWER_INVALID: {
		codes.Internal, pb.RetryClass_RETRY_CLASS_NEVER,
		"The answer could not be understood. Contact the practice and report it.", "The answer is not what its media type and the specification say (not JSON, not the expected resource, repeated names, ...).",
	},
	pb.ErrorReason_ERROR_REASON_ANSWER_TOO_LARGE: {
		codes.ResourceExhausted, pb.RetryClass_RETRY_CLASS_NEVER,
		"The record is too large for this service. Contact the practice.", "The answer is larger, deeper or more compressed than this gateway takes.",
	},
	pb.ErrorReason_ERROR_REASON_DOCUMENT_ADDRESS_REFUSED: {
		codes.FailedPrecondition, pb.RetryClass_RETRY_CLASS_NEVER,
		"The document cannot be fetched safely. Contact the practice.", "The document's address leads away from the practice's documents root.",
	},
	pb.ErrorReason_ERROR_REASON_UPSTREAM_UNAVAILABLE: {
		codes.Unavailable, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"A national service did not answer. Try again.", "The upstream could not be reached or had a fault of its own.",
	},
	pb.ErrorReason_ERROR_REASON_UPSTREAM_TIMED_OUT: {
		codes.Unavailable, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"A national service did not answer in time. Try again.", "The upstream did not answer within the time it is given.",
	},
	pb.ErrorReason_ERROR_REASON_UPSTREAM_RATE_LIMITED: {
		codes.ResourceExhausted, pb.RetryClass_RETRY_CLASS_SAME_CALL,
		"A national service is busy. Try again in a moment.", "The upstream's quota is used up; RetryInfo says when to come back.",
	},
	pb.ErrorReason_ERROR_REASON_UPSTREAM_CREDENTIALS_REFUSED: {
		codes.Internal, pb.RetryClass_RETRY_CLASS_NEVER,
		"The service is not set up correctly. Please report it.", "The upstream does not accept this gateway's own credentials.",
	},
	pb.ErrorReason_ERROR_REASON_UPSTREAM_REJECTED_REQUEST: {
		codes.Internal, pb.RetryClass_RETRY_CLASS_NEVER,
		"The service made a mistake. Please report it.", "The upstream says that the request was built wrongly. A fault of the gateway.",
	},
	pb.ErrorReason_ERROR_REASON_NOT_MADE: {
		codes.Aborted, pb.RetryClass_RETRY_CLASS_AFTER_CORRECTION,
		"The booking was not made. Search for a free slot again.",
		"A write whose answer was lost was looked for long after, and the practice holds nothing of it: it was not made. Use a new request_id.",
	},
}
