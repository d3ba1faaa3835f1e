//! What gRPC's service config says, for tonic, which reads none: time-outs, and the repetition of reads (gRFC A6).

use std::collections::HashMap;
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use http_body_util::{BodyExt, Full};
use serde::{Deserialize, Deserializer, de};
use tokio::time::{Instant, sleep, timeout_at};
use tonic::body::Body;
use tonic::{Code, Status, TimeoutExpired};
use tower_service::Service;

use crate::deadline;

/// The gRPC service config: how long each method may take, how large its messages may be, and which calls may be repeated.
pub const SERVICE_CONFIG: &str = include_str!("service_config.json");

/// A channel whose calls keep to [`SERVICE_CONFIG`]. [`connect`](crate::connect) makes one; around a service of your own,
/// [`new`](Configured::new) does.
///
/// A call ends with `DEADLINE_EXCEEDED` when its method's time-out has passed, or the request's own
/// ([`tonic::Request::set_timeout`]) if that is shorter; so does a stream that is read too slowly. A read that the gateway, or the way to it, refuses with `UNAVAILABLE` before
/// anything of the answer came is sent again, up to three times in all, and less often while much fails.
#[derive(Clone, Debug)]
pub struct Configured<S> {
    inner: S,
    policy: Arc<Policy>,
}

impl<S> Configured<S> {
    /// Makes the calls of `inner` keep to [`SERVICE_CONFIG`]. Clones share how much has failed of late.
    pub fn new(inner: S) -> Self {
        let config: Config = serde_json::from_str(SERVICE_CONFIG).expect("the crate's service config can be read");
        Self { inner, policy: Arc::new(Policy::new(config)) }
    }
}

type Failure = Box<dyn Error + Send + Sync>;

impl<S> Service<Request<Body>> for Configured<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Into<Failure>,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    /// Each attempt waits for the channel itself.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let call = Call { channel: self.inner.clone(), policy: self.policy.clone() };
        Box::pin(call.send(request))
    }
}

struct Call<S> {
    channel: S,
    policy: Arc<Policy>,
}

impl<S> Call<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: Into<Failure>,
{
    async fn send(mut self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let policy = self.policy.clone();
        let Some(method) = policy.methods.get(request.uri().path()) else {
            return self.attempt(request).await; // of a newer contract, or a service that is not ours
        };
        let allowed = deadline::asked(request.headers()).map_or(method.timeout, |asked| asked.min(method.timeout));
        let deadline = Instant::now() + allowed;
        let (head, body) = request.into_parts();
        let answer = timeout_at(deadline, async {
            match &method.retry_policy {
                Some(retry) => self.repeat(head, body, retry, deadline).await,
                None => self.attempt(with_deadline(head, body, deadline)).await,
            }
        });
        match answer.await {
            Ok(Ok(answer)) => Ok(answer.map(|body| Body::new(deadline::Limited::new(body, deadline)))),
            // An error here is never the gateway's own, which would be an answer.
            Ok(Err(error)) if !deadline::passed(deadline) => Err(error),
            _ => Err(deadline::exceeded()),
        }
    }

    /// Sends a read until it is answered with anything but a code that allows another attempt.
    async fn repeat(
        &mut self,
        mut head: Parts,
        body: Body,
        retry: &RetryPolicy,
        deadline: Instant,
    ) -> Result<Response<Body>, Status> {
        let message: Bytes = body.collect().await?.to_bytes(); // one message: no read is a stream of requests
        let mut attempts = 0;
        loop {
            let body = Body::new(Full::new(message.clone()));
            let answer = self.attempt(with_deadline(head.clone(), body, deadline)).await;
            attempts += 1;
            let failed = retry.allows(code(&answer));
            if !self.policy.throttle.allows(failed) || !failed || attempts >= retry.max_attempts {
                return answer;
            }
            sleep(retry.backoff(attempts)).await;
            head.headers.insert("grpc-previous-rpc-attempts", attempts.into());
        }
    }

    async fn attempt(&mut self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let sent = async {
            std::future::poll_fn(|cx| self.channel.poll_ready(cx)).await?;
            self.channel.call(request).await
        };
        sent.await.map_err(|error| status(error.into()))
    }
}

fn with_deadline(mut head: Parts, body: Body, deadline: Instant) -> Request<Body> {
    deadline::say(&mut head.headers, deadline);
    Request::from_parts(head, body)
}

/// The code that a call ended with before anything of its answer came; `Ok` also for one that goes on.
fn code(answer: &Result<Response<Body>, Status>) -> Code {
    match answer {
        Ok(answer) => Status::from_header_map(answer.headers()).map_or(Code::Ok, |status| status.code()),
        Err(status) => status.code(),
    }
}

/// A failure of the channel. Its time-out is the deadline's, which it learnt from the request, and not the caller's wish.
fn status(failure: Failure) -> Status {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&*failure);
    while let Some(error) = cause {
        if error.is::<TimeoutExpired>() {
            return deadline::exceeded();
        }
        cause = error.source();
    }
    Status::from_error(failure)
}

/// The part of gRPC's service config that ours uses.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    method_config: Vec<MethodConfig>,
    retry_throttling: RetryThrottling,
}

#[derive(Deserialize)]
struct MethodConfig {
    name: Vec<Name>,
    #[serde(flatten)]
    method: Method,
}

#[derive(Deserialize)]
struct Name {
    service: String,
    method: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Method {
    #[serde(deserialize_with = "seconds")]
    timeout: Duration,
    retry_policy: Option<RetryPolicy>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetryPolicy {
    max_attempts: i32,
    #[serde(deserialize_with = "seconds")]
    initial_backoff: Duration,
    #[serde(deserialize_with = "seconds")]
    max_backoff: Duration,
    backoff_multiplier: f64,
    retryable_status_codes: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetryThrottling {
    max_tokens: f64,
    token_ratio: f64,
}

/// A duration as proto JSON spells it: `0.2s`.
fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let number = text.strip_suffix('s').and_then(|number| number.parse().ok());
    let seconds = number.ok_or_else(|| de::Error::custom("not a number of seconds with an s"))?;
    Duration::try_from_secs_f64(seconds).map_err(de::Error::custom)
}

#[derive(Debug)]
struct Policy {
    /// By path: `/spinegate.v1.PatientTrace/TracePatient`.
    methods: HashMap<String, Method>,
    throttle: Throttle,
}

impl Policy {
    fn new(config: Config) -> Self {
        let mut methods = HashMap::new();
        for group in config.method_config {
            for name in group.name {
                methods.insert(format!("/{}/{}", name.service, name.method), group.method.clone());
            }
        }
        Self { methods, throttle: Throttle::new(config.retry_throttling) }
    }
}

impl RetryPolicy {
    fn allows(&self, code: Code) -> bool {
        code == Code::Unavailable && self.retryable_status_codes.iter().any(|name| name == "UNAVAILABLE")
    }

    /// How long to wait after so many attempts: longer each time, and by a fifth more or less, so that clients do not come together.
    fn backoff(&self, attempts: i32) -> Duration {
        let grown = self.initial_backoff.mul_f64(self.backoff_multiplier.powi(attempts - 1));
        grown.min(self.max_backoff).mul_f64(0.8 + 0.4 * fastrand::f64())
    }
}

/// Stops repetition while much fails: each failure costs a token, each success gives back a part of one.
#[derive(Debug)]
struct Throttle {
    config: RetryThrottling,
    tokens: Mutex<f64>,
}

impl Throttle {
    fn new(config: RetryThrottling) -> Self {
        Self { tokens: Mutex::new(config.max_tokens), config }
    }

    /// Counts an attempt. True while more than half of the tokens are left.
    fn allows(&self, failed: bool) -> bool {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let change = if failed { -1.0 } else { self.config.token_ratio };
        *tokens = (*tokens + change).clamp(0.0, self.config.max_tokens);
        *tokens > self.config.max_tokens / 2.0
    }
}
