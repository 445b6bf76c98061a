//! Which failures prove that the request was not sent.

use std::io;
use std::net::Ipv4Addr;
#[cfg(feature = "hyper-util")]
use std::net::TcpListener;
use std::task::{Context, Poll};

use grantflow::Sent;
use grantflow_tower::SendError;
use tower::Service;

use super::*;

/// Bound, and not listening: while it lives, connections to it are refused, and no other program can get its port.
fn refusing() -> tokio::net::TcpSocket {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    socket
}

/// Fails to become ready, or to answer.
#[derive(Clone)]
struct Failing {
    ready: bool,
}

impl Service<Request<RequestBody>> for Failing {
    type Response = Response<String>;
    type Error = io::Error;
    type Future = std::future::Ready<Result<Response<String>, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(if self.ready { Ok(()) } else { Err(io::Error::other("the pool is closed")) })
    }

    fn call(&mut self, _: Request<RequestBody>) -> Self::Future {
        std::future::ready(Err(io::ErrorKind::ConnectionRefused.into()))
    }
}

#[test]
fn an_error_of_poll_ready_was_not_sent() {
    let agent = Agent::new(Failing { ready: false }, tokio::time::sleep);
    let (left, error) = block_on(left(&agent));
    assert!(matches!(left, Left::Intact(_)));
    assert_eq!(error.to_string(), "the pool is closed");
}

#[test]
fn every_error_of_call_may_have_been_sent() {
    let agent = Agent::new(Failing { ready: true }, tokio::time::sleep);
    assert!(matches!(block_on(left(&agent)).0, Left::Unknown(_)));
}

#[test]
fn the_callers_classifier_knows_better() {
    let agent = Agent::new(Failing { ready: true }, tokio::time::sleep).phase(|error| {
        match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Sent::NotSent,
            _ => Sent::MaybeSent,
        }
    });
    assert!(matches!(block_on(left(&agent)).0, Left::Intact(_)));
}

#[test]
fn send_says_so_too() {
    let request = || Request::post(TOKEN_URL).body(grantflow::Body::default()).unwrap();
    for (ready, expected) in [(false, Sent::NotSent), (true, Sent::MaybeSent)] {
        let agent = Agent::new(Failing { ready }, tokio::time::sleep);
        let SendError { sent, error, .. } = block_on(grantflow_tower::send(&agent, request())).unwrap_err();
        assert_eq!(sent, expected, "{error}");
    }
}

#[test]
#[cfg(feature = "hyper-util")]
fn hyper_utils_errors_have_a_phase() {
    use hyper_util::client::legacy::Client;
    use hyper_util::rt::TokioExecutor;

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    // A layer that wraps errors hides nothing.
    let stack = tower::ServiceBuilder::new().timeout(std::time::Duration::from_secs(5)).service(client);
    let agent = Agent::new(stack, tokio::time::sleep).phase(grantflow_tower::hyper_util_phase);
    let sent = |port: u16| {
        let request = Request::post(format!("http://127.0.0.1:{port}/token")).body(grantflow::Body::default()).unwrap();
        block_on(grantflow_tower::send(&agent, request)).unwrap_err().sent
    };

    let closing = std::thread::spawn(move || drop(listener.accept().unwrap()));
    assert_eq!(sent(port), Sent::MaybeSent, "accepted, and closed");
    closing.join().unwrap();
    let nobody = refusing();
    assert_eq!(sent(nobody.local_addr().unwrap().port()), Sent::NotSent, "refused");
}

#[test]
#[cfg(not(feature = "hyper-util"))]
fn without_a_classifier_even_a_refused_connection_may_have_been_sent() {
    use hyper_util::client::legacy::Client;
    use hyper_util::rt::TokioExecutor;

    let nobody = refusing();
    let port = nobody.local_addr().unwrap().port();
    let agent = Agent::new(Client::builder(TokioExecutor::new()).build_http(), tokio::time::sleep);
    let request = Request::post(format!("http://127.0.0.1:{port}/")).body(grantflow::Body::default()).unwrap();
    assert_eq!(block_on(grantflow_tower::send(&agent, request)).unwrap_err().sent, Sent::MaybeSent);
}
