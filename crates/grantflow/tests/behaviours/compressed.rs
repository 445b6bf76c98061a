//! A compressed body that was not requested is an error that says so, and says what reads it.

use grantflow::{Error, Left, Next, Quirk, Violation};
use http::Response;

use crate::support::*;

const GZIP: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0x56, 0x4a, 0x2d, 0x2a, 0xca, 0x2f];
const TOKENS: &[u8] = br#"{"access_token":"t","token_type":"Bearer"}"#;

fn violation(quirks: &[Quirk], status: u16, coding: &[&str], body: &[u8]) -> Option<Violation> {
    let mut world =
        World::with(|server| quirks.iter().fold(server, |server, quirk| server.quirk(quirk.clone()).unwrap()));
    let exchange = world.exchange();
    let response = coding
        .iter()
        .fold(Response::builder().status(status), |response, coding| response.header("content-encoding", *coding));
    let failure = match world.answer(exchange, response.body(body).unwrap()) {
        Ok(_) => return None,
        Err(failure) => failure,
    };
    assert!(matches!(failure.left, Left::Unknown(_)), "{status} {coding:?}");
    match &failure.error {
        Error::Protocol(broken) => {
            if broken.violation() == Violation::Compressed {
                assert_eq!(failure.error.next(), Next::FixConfiguration);
                let shown = failure.error.to_string();
                assert!(shown.contains("compressed") && shown.contains("feature `gzip`"), "{shown}");
            }
            Some(broken.violation())
        }
        Error::Unavailable(_) => Some(Violation::UnexpectedStatus),
        other => panic!("{other}"),
    }
}

#[test]
fn it_is_an_error_of_its_own() {
    for status in [200, 201, 400, 401, 403] {
        for coding in [
            &["gzip"][..],
            &["GZIP"],
            &["x-gzip"],
            &["br"],
            &["zstd"],
            &["identity, gzip"],
            &["identity", "deflate"],
            &[],
        ] {
            assert_eq!(violation(&[], status, coding, GZIP), Some(Violation::Compressed), "{status} {coding:?}");
        }
        assert_eq!(violation(&[], status, &["br"], b"\x0b\x02\x80"), Some(Violation::Compressed), "{status}");
        let form = [Quirk::FormEncodedAnswer];
        assert_eq!(violation(&form, status, &["gzip"], GZIP), Some(Violation::Compressed), "{status}");
    }
}

#[test]
fn a_body_that_can_be_read_is_read_beside_any_header() {
    for coding in [&["gzip"][..], &["identity"], &[""], &[]] {
        assert_eq!(violation(&[], 200, coding, TOKENS), None, "{coding:?}: an adapter may leave the header");
    }
    for coding in [&["identity"][..], &["Identity"], &[""], &[" , identity"], &[]] {
        let found = violation(&[], 200, coding, b"<html>");
        assert!(matches!(found, Some(Violation::NotJson { .. })), "{coding:?}: {found:?}");
    }
    assert_eq!(violation(&[], 200, &["gzip"], b""), Some(Violation::EmptyBody), "nothing is compressed");
}

#[test]
fn at_other_statuses_the_status_decides() {
    for status in [404, 408, 500, 502, 503] {
        assert_eq!(violation(&[], status, &["gzip"], GZIP), Some(Violation::UnexpectedStatus), "{status}");
    }
    assert_eq!(violation(&[], 302, &["gzip"], GZIP), Some(Violation::Redirect));
}
