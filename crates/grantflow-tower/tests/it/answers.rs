//! Complete answers, and what an agent does with them.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use grantflow::Violation;
use http_body::{Body, Frame};

use super::*;

#[test]
fn a_status_is_an_answer() {
    let (left, error) = block_on(left(&answering(400, r#"{"error":"invalid_grant"}"#)));
    assert!(matches!(left, Left::Spent), "{error}");
    let Error::OAuth(error) = error else { panic!("{error}") };
    assert_eq!(error.code(), Some(&grantflow::ErrorCode::InvalidGrant));
}

#[test]
fn a_redirect_is_an_answer_that_is_refused() {
    for status in [301, 302, 303, 307, 308] {
        let (left, error) = block_on(left(&answering(status, "")));
        assert!(matches!(left, Left::Unknown(_)), "{status}: {error}");
        let Error::OAuth(grantflow::Error::Protocol(broken)) = error else { panic!("{status}: {error}") };
        assert_eq!(broken.violation(), Violation::Redirect);
    }
}

#[test]
fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
    let length = GOOD.len() as u64;
    block_on(grantflow_tower::run(&answering(200, GOOD).body_limit(length), credentials(TOKEN_URL))).unwrap();
    let (left, error) = block_on(left(&answering(200, GOOD).body_limit(length - 1)));
    assert!(matches!(left, Left::Unknown(_)));
    assert!(matches!(error, Error::BodyTooLarge { .. }), "{error}");
}

/// A body in pieces, which are counted when they are taken.
struct Pieces {
    pieces: VecDeque<Result<Frame<Bytes>, io::Error>>,
    taken: Arc<Mutex<usize>>,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        *self.taken.lock().unwrap() += 1;
        Poll::Ready(self.pieces.pop_front())
    }
}

/// Answers once, in pieces. Also returns how many of them were taken.
fn in_pieces(pieces: Vec<Result<Frame<Bytes>, io::Error>>) -> (Agent, Arc<Mutex<usize>>) {
    let taken = Arc::new(Mutex::new(0));
    let body = Arc::new(Mutex::new(Some(Pieces { pieces: pieces.into(), taken: Arc::clone(&taken) })));
    let service = tower::service_fn(move |_: Request<RequestBody>| {
        let body = body.lock().unwrap().take().unwrap();
        async move { Ok::<_, Infallible>(Response::new(body)) }
    });
    (Agent::new(service, tokio::time::sleep), taken)
}

fn piece(bytes: &'static str) -> Result<Frame<Bytes>, io::Error> {
    Ok(Frame::data(Bytes::from_static(bytes.as_bytes())))
}

#[test]
fn pieces_are_put_together_and_trailers_left() {
    let (first, second) = GOOD.split_at(20);
    let trailers = Ok(Frame::trailers(http::HeaderMap::new()));
    let (agent, _) = in_pieces(vec![piece(first), piece(""), piece(second), trailers]);
    block_on(grantflow_tower::run(&agent, credentials(TOKEN_URL))).unwrap();
}

#[test]
fn the_limit_holds_while_a_body_comes_in() {
    let (agent, taken) = in_pieces((0..100).map(|_| piece("0123456789")).collect());
    let (_, error) = block_on(left(&agent.body_limit(35)));
    assert!(matches!(error, Error::BodyTooLarge { limit: 35, .. }), "{error}");
    assert_eq!(*taken.lock().unwrap(), 4);
}

#[test]
fn a_body_that_breaks_off_is_no_answer() {
    let (agent, _) = in_pieces(vec![piece("{"), Err(io::Error::other("the wire is cut"))]);
    let (left, error) = block_on(left(&agent));
    assert!(matches!(left, Left::Unknown(_)), "{error}");
    assert_eq!(error.to_string(), "the wire is cut");
}

#[test]
fn nothing_compressed_is_asked_for() {
    let service = tower::service_fn(async |request: Request<RequestBody>| {
        assert_eq!(request.headers()["accept-encoding"], "identity");
        Ok::<_, Infallible>(Response::new(GOOD.to_owned()))
    });
    block_on(grantflow_tower::run(&Agent::new(service, tokio::time::sleep), credentials(TOKEN_URL))).unwrap();
}

#[test]
fn a_requests_body_is_redacted_and_knows_its_length() {
    let service = tower::service_fn(async |request: Request<RequestBody>| {
        let shown = format!("{request:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        let length = request.body().size_hint().exact().unwrap();
        assert!(!request.body().is_end_stream());
        let bytes = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(bytes.len() as u64, length);
        assert!(bytes.starts_with(b"grant_type=client_credentials"), "{bytes:?}");
        Ok::<_, Infallible>(Response::new(GOOD.to_owned()))
    });
    block_on(grantflow_tower::run(&Agent::new(service, tokio::time::sleep), credentials(TOKEN_URL))).unwrap();
}
