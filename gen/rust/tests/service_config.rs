//! Calls of the real clients, through the real policy, to a gateway that is a function.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use spinegate_client::v1::gp_connect_client::GpConnectClient;
use spinegate_client::v1::patient_trace_client::PatientTraceClient;
use spinegate_client::{Configured, v1};
use tokio::time::{Instant, sleep, timeout};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::util::BoxCloneSyncService;

/// What the gateway saw of each attempt: the time-out, and how many attempts there were before.
type Seen = Arc<Mutex<Vec<HashMap<String, String>>>>;

type Gateway = Configured<BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>>;

/// A gateway that answers each attempt, counted from 1, as `answer` says.
fn gateway<F>(answer: impl Fn(usize) -> F + Clone + Send + Sync + 'static) -> (Gateway, Seen)
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let seen = Seen::default();
    let log = seen.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (log, answer) = (log.clone(), answer.clone());
        async move {
            let headers =
                request.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_string()));
            let mut headers: HashMap<_, _> = headers.collect();
            let message = request.into_body().collect().await.unwrap().to_bytes();
            headers.insert("message".into(), format!("{message:?}"));
            let attempt = {
                let mut log = log.lock().unwrap();
                log.push(headers);
                log.len()
            };
            Ok(answer(attempt).await)
        }
    });
    (Configured::new(BoxCloneSyncService::new(service)), seen)
}

/// An empty message and a status of OK.
fn fine() -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    let message = http_body_util::Full::new(Bytes::from_static(&[0; 5])).with_trailers(async { Some(Ok(trailers)) });
    Response::new(Body::new(message))
}

fn refused(code: Code) -> Response<Body> {
    Status::new(code, "no").into_http()
}

async fn trace(gateway: Gateway) -> Result<(), Code> {
    let request = v1::TracePatientRequest { nhs_number: "9990000018".into(), ..Default::default() };
    PatientTraceClient::new(gateway).trace_patient(request).await.map(drop).map_err(|status| status.code())
}

#[tokio::test(start_paused = true)]
async fn a_read_is_sent_again_when_the_gateway_is_unavailable() {
    let (gateway, seen) =
        gateway(|attempt| async move { if attempt < 3 { refused(Code::Unavailable) } else { fine() } });
    assert_eq!(trace(gateway).await, Ok(()));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0]["grpc-timeout"], "30000m");
    let left: u64 = seen[2]["grpc-timeout"].trim_end_matches('m').parse().unwrap();
    assert!((29_200..=29_600).contains(&left), "two waits of 0.2 s and 0.4 s, a fifth more or less, left {left} ms");
    assert_eq!(seen[2]["grpc-previous-rpc-attempts"], "2");
    assert_eq!(seen[0]["message"], seen[2]["message"]);
}

#[tokio::test(start_paused = true)]
async fn a_read_is_sent_three_times_at_most() {
    let (gateway, seen) = gateway(|_| async { refused(Code::Unavailable) });
    assert_eq!(trace(gateway).await, Err(Code::Unavailable));
    assert_eq!(seen.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_repeated_while_much_fails() {
    let (gateway, seen) = gateway(|_| async { refused(Code::Unavailable) });
    for _ in 0..4 {
        assert_eq!(trace(gateway.clone()).await, Err(Code::Unavailable));
    }
    assert_eq!(seen.lock().unwrap().len(), 3 + 2 + 1 + 1, "of ten tokens five are spent with the fifth attempt");
}

#[tokio::test(start_paused = true)]
async fn another_refusal_is_final() {
    let (gateway, seen) = gateway(|_| async { refused(Code::NotFound) });
    assert_eq!(trace(gateway).await, Err(Code::NotFound));
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_is_sent_once() {
    let (gateway, seen) = gateway(|_| async { refused(Code::Unavailable) });
    let answer = GpConnectClient::new(gateway).book_appointment(v1::BookAppointmentRequest::default()).await;
    assert_eq!(answer.unwrap_err().code(), Code::Unavailable);
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_no_longer_than_its_method_may() {
    let (gateway, _) = gateway(|_| async {
        sleep(Duration::from_secs(31)).await;
        fine()
    });
    let began = Instant::now();
    assert_eq!(trace(gateway).await, Err(Code::DeadlineExceeded));
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn the_shorter_time_out_counts() {
    for (asked, said) in [(Duration::from_millis(1500), "1500m"), (Duration::from_secs(3600), "30000m")] {
        let (gateway, seen) = gateway(|_| async { fine() });
        let mut request = tonic::Request::new(v1::TracePatientRequest::default());
        request.set_timeout(asked);
        PatientTraceClient::new(gateway).trace_patient(request).await.unwrap();
        assert_eq!(seen.lock().unwrap()[0]["grpc-timeout"], said);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_at_the_deadline_too() {
    let (gateway, _) = gateway(|_| async {
        let never = http_body_util::StreamBody::new(tokio_stream::pending::<Result<http_body::Frame<Bytes>, Status>>());
        Response::new(Body::new(never))
    });
    let mut practices = GpConnectClient::new(gateway);
    let answer = practices.get_structured_record(v1::GetStructuredRecordRequest::default()).await;
    let began = Instant::now();
    let mut messages = answer.unwrap().into_inner();
    let ended = timeout(Duration::from_secs(600), messages.message()).await.expect("the stream never ends");
    assert_eq!(ended.unwrap_err().code(), Code::DeadlineExceeded);
    assert_eq!(began.elapsed().as_secs(), 120);
}
