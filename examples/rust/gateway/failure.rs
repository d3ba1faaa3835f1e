use prost::Message;
use spinegate_client::v1::ErrorDetail;
use tonic::{Code, Status};
use tonic_types::{StatusExt, pb};

/// An error of a call with what the gateway says about it.
#[derive(Debug, Default)]
pub struct Failure {
    /// As every language writes it: `NOT_FOUND`.
    pub code: &'static str,
    /// Stable: program against it. Empty when the error did not come from the gateway.
    pub reason: String,
    /// Where on the road it failed.
    pub hop: String,
    /// Those of the request that broke a rule.
    pub fields: Vec<String>,
    /// More: whether a retry helps, sentences to show, candidates.
    pub detail: ErrorDetail,
}

impl From<&Status> for Failure {
    fn from(status: &Status) -> Self {
        let mut failure = Failure { code: name(status.code()), ..Self::default() };
        // Google's own types, which any gRPC client knows.
        if let Some(info) = status.get_details_error_info() {
            failure.hop = info.metadata.get("hop").cloned().unwrap_or_default();
            failure.reason = info.reason;
        }
        if let Some(request) = status.get_details_bad_request() {
            failure.fields = request.field_violations.into_iter().map(|violation| violation.field).collect();
        }
        // And the gateway's, which lies beside them.
        let details = pb::Status::decode(status.details()).unwrap_or_default().details;
        if let Some(detail) = details.iter().find_map(|packed| packed.to_msg().ok()) {
            failure.detail = detail;
        }
        failure
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
