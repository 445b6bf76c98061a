//! Entries and their revisions.

use std::sync::Arc;

use grantflow::{Body, ClientCredentials, EntropyFailed, Env, Exchange as _, Quirk, Server, Step, UnixTime};
use grantflow_session::{Later, Outside, Session, Unanswered};

use super::*;

#[test]
fn it_keeps_swaps_and_removes() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (store(&dir), store(&dir));
    assert_eq!(load(&ours), Ok(None));
    let first = swap(&ours, None, Some("one")).unwrap();
    assert!(first.is_some());
    assert_eq!(swap(&theirs, None, Some("two")), Ok(None), "there is an entry");
    let second = swap(&theirs, first, Some("two")).unwrap();
    assert_eq!(swap(&ours, first, Some("three")), Ok(None), "the revision is old");
    assert_eq!(load(&ours), Ok(second.map(|revision| (revision, "two".to_owned()))));
    assert_eq!(swap(&ours, first, None), Ok(None));
    assert!(swap(&ours, second, None).unwrap() > second);
    assert_eq!(load(&theirs), Ok(None));
    assert_eq!(swap(&theirs, second, Some("late")), Ok(None));

    let other = Key::new("bob@as").unwrap();
    assert!(block_on(ours.load(&other)).unwrap().is_none());
}

#[test]
fn no_revision_comes_twice() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let mut last = None;
    for _ in 0..3 {
        let made = swap(&store, None, Some("one")).unwrap();
        assert!(made > last);
        last = swap(&store, made, None).unwrap();
        assert!(last > made);
    }
    // Also after the file was deleted, or replaced by an old copy.
    let made = swap(&store, None, Some("one")).unwrap();
    let copy = fs::read(file(&dir, "grant")).unwrap();
    let second = swap(&store, made, Some("two")).unwrap();
    fs::write(file(&dir, "grant"), copy).unwrap();
    assert_eq!(text(&store).as_deref(), Some("one"));
    let third = swap(&store, made, Some("three")).unwrap();
    assert!(third > second);
    fs::remove_file(file(&dir, "grant")).unwrap();
    assert!(swap(&store, None, Some("four")).unwrap() > third);
}

#[test]
fn it_says_where_it_is_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    swap(&ours, None, Some("SECRET")).unwrap();
    assert!(format!("{ours:?}").ends_with("grants)"), "{ours:?}");
}

/// Answers nothing; storing a login needs only a clock.
pub(crate) struct Nowhere;

impl Outside for Nowhere {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(1_750_000_000)
    }

    fn fill(&self, _: &mut [u8]) -> Result<(), EntropyFailed> {
        Err(EntropyFailed)
    }

    fn wait(&self, _: Duration) -> Later<'_, ()> {
        Box::pin(async {})
    }

    fn send(&self, _: http::Request<Body>) -> Later<'_, Result<http::Response<Body>, Unanswered>> {
        let cause = Arc::new(std::io::Error::other("nowhere"));
        Box::pin(async { Err(Unanswered { sent: grantflow::Sent::NotSent, cause }) })
    }
}

#[test]
fn everything_that_the_core_accepts_is_kept() {
    let server = || Server::with_token_endpoint("https://as.example/token").unwrap();
    // Text that JSON writes twice as long, and text that it writes six times as long.
    let json = |filler: &str| format!(r#"{{"access_token":"t","token_type":"Bearer","x":"{filler}"}}"#);
    let most = (1 << 20) - json("").len();
    let form = "access_token=t&token_type=Bearer&x=";
    let cases = [
        ("quotes", server(), json(&r#"\""#.repeat(most / 2)), "application/json"),
        ("backslashes", server(), json(&r"\\".repeat(most / 2)), "application/json"),
        ("escapes", server(), json(&r"\u0001".repeat(most / 6)), "application/json"),
        (
            "control characters in a form",
            server().quirk(Quirk::FormEncodedAnswer).unwrap(),
            format!("{form}{}", "\u{1}".repeat((1 << 20) - form.len())),
            "application/x-www-form-urlencoded",
        ),
    ];
    for (name, server, body, content_type) in cases {
        let client = server.client("robot").secret_post("s3cret").unwrap();
        let response = http::Response::builder().header("content-type", content_type).body(body).unwrap();
        let mut rng = getrandom::SysRng;
        let mut env = Env::new(Nowhere.now(), &mut rng);
        let tokens = match ClientCredentials::new(&client).respond(&mut env, response) {
            Ok(Step::Done(tokens)) => tokens,
            other => panic!("{name}: the core refuses it: {other:?}"),
        };
        let dir = tempfile::tempdir().unwrap();
        let session = Session::new(&client, key(), store(&dir), Nowhere);
        session.prime_blocking(tokens).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(fs::metadata(file(&dir, "grant")).unwrap().len() > 1 << 20, "{name}");
        let restarted = Session::new(&client, key(), store(&dir), Nowhere);
        let token = restarted.token_blocking().unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(token.received_at(), Nowhere.now(), "{name}");
    }
}
