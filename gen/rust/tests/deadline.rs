//! Streams over a connection, which a gateway breaks off at the call's deadline, as HTTP/2 servers do when a reader is slow.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, server};
use http::Response;
use spinegate_client::v1;
use spinegate_client::v1::gp_connect_client::GpConnectClient;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tonic::transport::Endpoint;
use tonic::{Code, Request, Streaming};

const ALLOWED: Duration = Duration::from_secs(1);

/// A gateway that answers one call with as many messages as the reader takes. At the deadline it breaks the stream off, or goes on if it
/// has no clock. It tells how the client ended the call, if it was the client who did.
async fn gateway(has_clock: bool) -> (SocketAddr, oneshot::Receiver<Reason>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ended, end) = oneshot::channel();
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut connection = server::handshake(socket).await.unwrap();
        let (_, answer) = connection.accept().await.unwrap().unwrap();
        tokio::spawn(send(answer, has_clock, ended));
        while connection.accept().await.is_some() {} // it lives while it is polled
    });
    (address, end)
}

async fn send(mut answer: SendResponse<Bytes>, has_clock: bool, ended: oneshot::Sender<Reason>) {
    let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
    let mut body = answer.send_response(head, false).unwrap();
    let mut message = vec![0, 0, 0, 4, 0]; // 1 KiB of a field that no contract has
    message.extend([&[0xfa, 0x3f, 0xfc, 0x07], &[0; 1020][..]].concat());
    let message = Bytes::from(message);
    let sending = async {
        loop {
            body.reserve_capacity(message.len());
            match poll_fn(|cx| body.poll_capacity(cx)).await {
                Some(Ok(some)) if some >= message.len() => body.send_data(message.clone(), false).unwrap(),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return poll_fn(|cx| body.poll_reset(cx)).await,
            }
        }
    };
    let clock = async {
        if !has_clock {
            std::future::pending::<()>().await;
        }
        sleep(ALLOWED).await;
    };
    tokio::select! {
        reason = sending => drop(ended.send(reason.expect("the client ends it"))),
        () = clock => body.send_reset(Reason::CANCEL),
    }
}

/// Reads with a pause after each message, for at most half a minute. Gives how it ended, and the stream, which is not dropped yet.
async fn read(address: SocketAddr, pause: Duration) -> (Code, Streaming<v1::GetStructuredRecordResponse>) {
    let channel = spinegate_client::connect(Endpoint::from_shared(format!("http://{address}")).unwrap());
    let mut request = Request::new(v1::GetStructuredRecordRequest::default());
    request.set_timeout(ALLOWED);
    let mut messages = GpConnectClient::new(channel).get_structured_record(request).await.unwrap().into_inner();
    let end = async {
        loop {
            if let Err(status) = messages.message().await {
                return status.code();
            }
            sleep(pause).await;
        }
    };
    (timeout(Duration::from_secs(30), end).await.expect("the stream never ends"), messages)
}

#[tokio::test]
async fn a_stream_that_breaks_at_the_deadline_has_exceeded_it() {
    for pause in [Duration::ZERO, Duration::from_millis(2)] {
        let (address, _) = gateway(true).await;
        assert_eq!(read(address, pause).await.0, Code::DeadlineExceeded);
    }
}

#[tokio::test]
async fn at_the_deadline_the_gateway_learns_that_the_call_is_over() {
    let (address, end) = gateway(false).await;
    let (code, _unread) = read(address, Duration::ZERO).await;
    assert_eq!(code, Code::DeadlineExceeded);
    assert_eq!(timeout(Duration::from_secs(30), end).await.expect("it never learns it").unwrap(), Reason::CANCEL);
}
