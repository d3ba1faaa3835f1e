//! What is read of errors, and which streams are whole.

use sha2::{Digest, Sha256};
use spinegate_client::checks::tonic_types::pb;
use spinegate_client::checks::{Failure, Violation, WholeRecord};
use spinegate_client::prost::{Message, Name};
use spinegate_client::prost_types::Any;
use spinegate_client::tonic::{Code, Status, transport::Endpoint};
use spinegate_client::v1;
use spinegate_client::v1::get_structured_record_response::Event;
use spinegate_client::v1::patient_trace_client::PatientTraceClient;

fn detail() -> v1::ErrorDetail {
    v1::ErrorDetail {
        code: Code::InvalidArgument.into(),
        reason: v1::ErrorReason::NhsNumberInvalid.into(),
        hop: v1::Hop::Gateway.into(),
        retry: v1::RetryClass::AfterCorrection.into(),
        clinician_message: "The NHS number is not valid. Check it and try again.".into(),
        trace_ids: Some(v1::TraceIds { trace_id: "0af7651916cd43dd8448eb211c80319c".into(), ..Default::default() }),
        violations: vec![v1::FieldViolation {
            field: "nhs_number".into(),
            rule: "string.nhs_number".into(),
            description: "has another check digit".into(),
        }],
        ..Default::default()
    }
}

/// A gateway's error with its three details.
fn thrown(code: Code, reason: &str, detail: &v1::ErrorDetail) -> Status {
    let packed = |name: &str, message: Vec<u8>| Any { type_url: format!("type.googleapis.com/{name}"), value: message };
    let info = pb::ErrorInfo {
        reason: reason.into(),
        domain: "spinegate.v1".into(),
        metadata: [("hop".into(), "GATEWAY".into())].into(),
    };
    let violations = detail.violations.iter().map(|v| pb::bad_request::FieldViolation {
        field: v.field.clone(),
        description: v.description.clone(),
        ..Default::default()
    });
    let request = pb::BadRequest { field_violations: violations.collect() };
    let status = pb::Status {
        code: code.into(),
        message: String::new(),
        details: vec![
            packed("google.rpc.ErrorInfo", info.encode_to_vec()),
            packed(&v1::ErrorDetail::full_name(), detail.encode_to_vec()),
            packed("google.rpc.BadRequest", request.encode_to_vec()),
        ],
    };
    Status::with_details(code, "", status.encode_to_vec().into())
}

#[test]
fn a_status_and_a_failure_within_a_stream_read_the_same() {
    let within = Failure::from(&detail());
    assert_eq!(within, Failure::from(&thrown(Code::InvalidArgument, "NHS_NUMBER_INVALID", &detail())));
    assert_eq!((within.code, &*within.reason, &*within.hop), ("INVALID_ARGUMENT", "NHS_NUMBER_INVALID", "GATEWAY"));
    assert_eq!((&*within.retry, &*within.trace_id), ("AFTER_CORRECTION", "0af7651916cd43dd8448eb211c80319c"));
    assert_eq!(within.clinician_message, "The NHS number is not valid. Check it and try again.");
    let violation = Violation { field: "nhs_number".into(), description: "has another check digit".into() };
    assert_eq!(within.fields, [violation]);
    assert_eq!(within.detail, Some(detail()));
}

#[test]
fn what_is_newer_than_the_crate_has_its_number() {
    let newer = v1::ErrorDetail { reason: 999, hop: 99, retry: 9, ..detail() };
    let failure = Failure::from(&newer);
    assert_eq!((&*failure.reason, &*failure.hop, &*failure.retry), ("999", "99", "9"));
    assert_eq!(Failure::from(&thrown(Code::Aborted, "NEWER", &newer)).reason, "NEWER", "its name came with it");
}

#[tokio::test]
async fn an_error_that_is_not_the_gateways_says_so_and_has_a_sentence() {
    let nobody = spinegate_client::connect(Endpoint::from_static("http://127.0.0.1:1"));
    let error = PatientTraceClient::new(nobody).trace_patient(v1::TracePatientRequest::default()).await.unwrap_err();
    let failure = Failure::from(&error);
    assert_eq!((failure.code, &*failure.reason, failure.detail), ("UNAVAILABLE", "", None));
    assert_eq!(failure.clinician_message, "The service cannot be reached. Try again in a moment.");
    let sentence = |code| Failure::from(&Status::new(code, "")).clinician_message;
    assert_eq!(sentence(Code::DeadlineExceeded), "This took too long. Try again.");
    assert_eq!(sentence(Code::Cancelled), "The request was cancelled.");
}

/// Reads the events with these numbers as a record.
fn read(events: Vec<(i32, Event)>) -> Result<&'static str, String> {
    let mut whole = WholeRecord::default();
    for (sequence, event) in events {
        let message = v1::GetStructuredRecordResponse { sequence, event: Some(event), ..Default::default() };
        whole.take(&message).map_err(|not| not.to_string())?;
    }
    whole.end().map_err(|not| not.to_string())
}

#[test]
fn a_record_is_whole_or_says_why_not() {
    let entry = |json: &'static [u8]| Event::Entry(v1::RecordEntry { json: json.into(), ..Default::default() });
    let closing = || {
        let entries_sha256 = Sha256::digest(b"onetwo").to_vec().into();
        Event::Closing(v1::RecordClosing { entries_sha256, ..Default::default() })
    };
    assert_eq!(read(vec![(0, entry(b"one")), (1, entry(b"two")), (2, closing())]), Ok("entries_sha256"));
    for (events, why) in [
        (vec![(0, entry(b"one")), (2, entry(b"two"))], "message 2 came where 1 was due"),
        (vec![(0, entry(b"one")), (1, entry(b"two"))], "the stream has no closing message"),
        (
            vec![(0, entry(b"one")), (1, closing())],
            "what arrived does not have the digest that the gateway gave: entries_sha256",
        ),
        (vec![(0, closing()), (1, entry(b"one"))], "message 1 came where 1 was due"),
    ] {
        assert_eq!(read(events), Err(why.into()));
    }
}
