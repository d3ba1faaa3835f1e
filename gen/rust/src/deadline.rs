//! How long a call may take, on the wire and while its answer is read.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;

const HEADER: &str = "grpc-timeout";

/// The request's own time-out, if it has one that can be read.
pub(crate) fn asked(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(HEADER)?.to_str().ok()?;
    let (number, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// Says to the gateway how long this attempt may take.
pub(crate) fn say(headers: &mut HeaderMap, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now()).as_millis().max(1);
    let value = format!("{left}m").parse().expect("digits and a letter are a header's value");
    headers.insert(HEADER, value);
}

/// Whether it is too late, also when the timer is late to say so.
pub(crate) fn passed(deadline: Instant) -> bool {
    Instant::now() >= deadline
}

/// What a call ends with that took too long.
pub(crate) fn exceeded() -> Status {
    Status::deadline_exceeded("the deadline of the call has passed")
}

/// An answer that must have been read by its deadline: after it the call is over, also for a reader who is late and has not had all
/// that came. tonic's own time-out ends with the answer's head.
pub(crate) struct Limited {
    body: Body,
    deadline: Pin<Box<Sleep>>,
}

impl Limited {
    pub(crate) fn new(body: Body, deadline: Instant) -> Self {
        Self { body, deadline: Box::pin(sleep_until(deadline)) }
    }
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.deadline.as_mut().poll(cx).is_pending() {
            let frame = Pin::new(&mut self.body).poll_frame(cx);
            // The gateway, too, ends the call at its deadline: what it could not end with a status breaks.
            if !matches!(frame, Poll::Ready(Some(Err(_)))) || !passed(self.deadline.deadline()) {
                return frame;
            }
        }
        self.body = Body::empty(); // the gateway learns now that nothing more is wanted
        Poll::Ready(Some(Err(exceeded())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
