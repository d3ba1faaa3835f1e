use prost::Message;
use tonic::{Code, Status};
use tonic_types::{StatusExt, pb};

use crate::v1::{ErrorDetail, ErrorReason, Hop, RetryClass};

/// Why a call failed, or one of many targets within a stream.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// As every language writes it: `NOT_FOUND`.
    pub code: &'static str,
    /// Stable: program against it. Empty when the gateway did not say it.
    pub reason: String,
    /// Where on the road it failed.
    pub hop: String,
    /// Whether the same call helps: `NEVER`, `SAME_CALL`, `AFTER_CORRECTION` or `SAME_REQUEST_ID`.
    pub retry: String,
    /// A sentence to show, always.
    pub clinician_message: String,
    /// What the gateway's operator finds the call by.
    pub trace_id: String,
    /// Those of the request that broke a rule.
    pub fields: Vec<Violation>,
    /// More: candidates, how long to wait. `None` when the gateway did not say it: no connection, or the caller's own end of the call.
    pub detail: Option<ErrorDetail>,
}

/// A field of the request that broke a rule, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub field: String,
    pub description: String,
}

/// Of a call's error.
impl From<&Status> for Failure {
    fn from(status: &Status) -> Self {
        let code = name(status.code());
        let details = pb::Status::decode(status.details()).unwrap_or_default().details;
        let Some(detail) = details.iter().find_map(|packed| packed.to_msg::<ErrorDetail>().ok()) else {
            return Self { code, clinician_message: own_sentence(status.code()).into(), ..Self::default() };
        };
        let mut failure = Self { code, ..Self::from(&detail) };
        // Beside it are Google's own types, which any gRPC client knows. They have the names of reasons that are newer than this crate.
        if let Some(mut info) = status.get_details_error_info() {
            failure.reason = info.reason;
            failure.hop = info.metadata.remove("hop").unwrap_or(failure.hop);
        }
        if let Some(request) = status.get_details_bad_request() {
            let violations = request.field_violations.into_iter();
            failure.fields = violations.map(|v| Violation { field: v.field, description: v.description }).collect();
        }
        failure
    }
}

/// Of a `failure` within a stream, which leaves the call alone.
impl From<&ErrorDetail> for Failure {
    fn from(detail: &ErrorDetail) -> Self {
        let reason = ErrorReason::try_from(detail.reason).map(|reason| reason.as_str_name());
        let hop = Hop::try_from(detail.hop).map(|hop| hop.as_str_name());
        let retry = RetryClass::try_from(detail.retry).map(|retry| retry.as_str_name());
        let violations = detail.violations.iter().cloned();
        Self {
            code: name(Code::from(detail.code)),
            reason: short(reason.ok(), "ERROR_REASON_", detail.reason),
            hop: short(hop.ok(), "HOP_", detail.hop),
            retry: short(retry.ok(), "RETRY_CLASS_", detail.retry),
            clinician_message: detail.clinician_message.clone(),
            trace_id: detail.trace_ids.as_ref().map(|ids| ids.trace_id.clone()).unwrap_or_default(),
            fields: violations.map(|v| Violation { field: v.field, description: v.description }).collect(),
            detail: Some(detail.clone()),
        }
    }
}

/// A value's name without its enum's prefix; of a value that is newer than this crate its number.
fn short(name: Option<&str>, prefix: &str, number: i32) -> String {
    name.map_or_else(|| number.to_string(), |name| name.trim_start_matches(prefix).to_string())
}

/// What to show of errors that are not the gateway's.
fn own_sentence(code: Code) -> &'static str {
    match code {
        Code::DeadlineExceeded => "This took too long. Try again.",
        Code::Cancelled => "The request was cancelled.",
        _ => "The service cannot be reached. Try again in a moment.",
    }
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
