//! Outages of every kind, in sequence, and clocks that jump meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use grantflow::{Body, EntropyFailed, UnixTime};
use grantflow_session::{Later, Outside, Session, SessionError, Unanswered};
use grantflow_tests::world::*;
use http::{Request, Response};

fn now(world: &World) -> u64 {
    world.server(|server| server.now())
}

pub(crate) fn over() -> (World, FaultyStore, Session) {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.clear();
    (world, store, session)
}

pub(crate) fn heals(world: &World, sessions: &[&Session], what: &str) {
    world.network_always(Net::Fine);
    let start = world.sent().len();
    for second in 0..200 {
        for session in sessions {
            if session.token_blocking().is_ok() {
                let more = world.sent().len() - start;
                assert!(more <= 2, "{what}: {more} requests to heal");
                return;
            }
        }
        world.advance(1);
        assert!(second < 199, "{what}: it does not heal: {:?}", sessions[0].token_blocking());
    }
}

pub(crate) const OUTAGES: [Net; 14] = [
    Net::LoseRequest,
    Net::NotSent,
    Net::Gateway(500, None),
    Net::Gateway(503, Some(2)),
    Net::Gateway(503, None),
    Net::Gateway(429, None),
    Net::Gateway(429, Some(5)),
    Net::Gateway(404, None),
    Net::Gateway(301, None),
    Net::Gateway(200, None),
    Net::Gateway(425, None),
    Net::Says(401, r#"{"error":"invalid_client"}"#),
    Net::Says(400, r#"{"error":"temporarily_unavailable"}"#),
    Net::Says(200, r#"{"error":"Service Unavailable"}"#),
];

#[test]
fn every_pair_of_outages_heals_first_request_and_early_retry() {
    for first in &OUTAGES {
        for second in &OUTAGES {
            for ahead in [0, 30] {
                let what = format!("{first:?}, {second:?}, {ahead} s ahead");
                let world = World::new();
                let store = world.store();
                let session = world.session(&store);
                session.prime_blocking(world.login()).unwrap();
                world.advance(LIFE - ahead);
                world.clear();
                world.network([first.clone(), second.clone()]);
                world.network_always(second.clone());
                let sibling = world.session(&store);
                for _ in 0..10 {
                    for session in [&session, &sibling] {
                        let left = now(&world);
                        let token = session.token_blocking();
                        let good =
                            token.as_ref().is_ok_and(|token| token.expires_at().unwrap() > UnixTime::from_secs(left));
                        let waited = now(&world) - left;
                        assert!(good || token.is_err(), "{what}");
                        assert!(waited <= 2, "{what}: {waited} s");
                    }
                    world.advance(1);
                }
                assert!(world.sent().len() <= 14, "{what}: {} requests", world.sent().len());
                assert!(!store.kept().unwrap().lost, "{what}");
                world.advance(ahead);
                heals(&world, &[&session, &sibling], &what);
                assert_eq!(world.refreshes(), 1, "{what}");
            }
        }
    }
}

/// The world, with heads of answers for which `Net` has no variant.
#[derive(Clone)]
struct Scripted {
    world: World,
    answers: Arc<dyn Fn(usize) -> Option<Response<Body>> + Send + Sync>,
    count: Arc<AtomicUsize>,
}

impl Outside for Scripted {
    fn now(&self) -> UnixTime {
        self.world.now()
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        Outside::fill(&self.world, bytes)
    }

    fn wait(&self, duration: Duration) -> Later<'_, ()> {
        self.world.wait(duration)
    }

    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        match (self.answers)(self.count.fetch_add(1, Ordering::SeqCst)) {
            Some(answer) => Box::pin(async move { Ok(answer) }),
            None => self.world.send(request),
        }
    }
}

fn head(status: u16, retry_after: &str, body: &str) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.header("retry-after", retry_after).body(Body::from(body.as_bytes().to_vec())).unwrap()
}

fn http_date(at: u64) -> String {
    // 2025-06-15 and later: the world's clock. Written by hand, as RFC 9110 §5.6.7 has it.
    let days = at / 86_400;
    let (hour, minute, second) = (at / 3600 % 24, at / 60 % 60, at % 60);
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(days % 7) as usize];
    let (mut year, mut rest) = (1970, days);
    loop {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = if leap { 366 } else { 365 };
        if rest < length {
            let months = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
            for (length, name) in months.iter().zip(names) {
                if rest < *length {
                    return format!("{weekday}, {:02} {name} {year} {hour:02}:{minute:02}:{second:02} GMT", rest + 1);
                }
                rest -= length;
            }
        }
        rest -= length;
        year += 1;
    }
}

#[test]
fn retry_after_is_honoured_in_every_form_and_never_for_longer_than_a_day() {
    for status in [500, 502, 503, 429, 404, 200, 400] {
        for body in ["", "<h1>no</h1>", r#"{"error":"temporarily_unavailable"}"#, r#"{"error":"server_error"}"#] {
            for (form, least, most) in
                [("90", 89, 91), ("date", 89, 91), ("99999999999", 3600, 86_400), ("-5", 0, 3600), ("soon", 0, 3600)]
            {
                let what = format!("{status} {body} {form}");
                let (world, store, _) = over();
                let text = if form == "date" { http_date(now(&world) + 90) } else { form.to_owned() };
                let body = body.to_owned();
                let answers = Arc::new(move |n| (n == 0).then(|| head(status, &text, &body)));
                let outside = Scripted { world: world.clone(), answers, count: Arc::default() };
                let session = Session::new(&world.client(), key(), store.as_store(), outside).policy(plain_policy());
                let asked = now(&world);
                let result = session.token_blocking();
                if least == 0 {
                    // The header is unreadable: the session's own pauses apply.
                    continue;
                }
                let retry_at = match result {
                    Err(
                        SessionError::InDoubt { retry_at, sent: 1, .. } | SessionError::NotRenewed { retry_at, .. },
                    ) => retry_at.as_secs(),
                    other => panic!("{what}: {other:?}"),
                };
                assert!((least..=most).contains(&(retry_at - asked)), "{what}: {}", retry_at - asked);
                session.retry_now();
                assert!(session.token_blocking().is_err(), "{what}");
                assert_eq!(world.sent().len(), 0, "{what}: before its time");
                world.set_now(retry_at);
                assert!(session.token_blocking().is_ok(), "{what}");
            }
        }
    }
}

#[test]
fn a_verdict_with_a_status_that_no_verdict_has_gives_nothing_up() {
    for status in [500, 502, 503, 404, 408, 429, 418, 302] {
        let (world, store, session) = over();
        world.network_always(Net::Says(status, r#"{"error":"invalid_grant"}"#));
        for _ in 0..5 {
            let error = session.token_blocking().unwrap_err();
            assert!(
                matches!(error, SessionError::InDoubt { .. } | SessionError::NotRenewed { .. }),
                "{status} {error:?}"
            );
            world.advance(3);
        }
        assert!(!store.kept().unwrap().lost);
        world.advance(200);
        heals(&world, &[&session], &status.to_string());
    }
}

#[test]
fn clocks_that_jump_in_a_doubt_neither_hurry_nor_stop_it() {
    let (day, year) = (86_400i64, 366 * 86_400i64);
    for jumps in [[-day, 0], [year, 0], [year, -year], [-day, day], [-year, 0], [3600, -3600]] {
        for net in [Net::Gateway(502, None), Net::Gateway(503, Some(30)), Net::LoseRequest] {
            let what = format!("{jumps:?} {net:?}");
            let (world, store, session) = over();
            let first = session.peek();
            assert!(first.is_none());
            // The API has refused it: no clock makes it good again.
            let sibling = world.session(&store);
            world.network_always(net);
            for _ in 0..6 {
                let _ = session.token_blocking();
                world.advance(7);
            }
            for jump in jumps {
                world.set_now(now(&world).saturating_add_signed(jump));
                let sent = world.sent().len();
                for _ in 0..30 {
                    for session in [&session, &sibling] {
                        if let Ok(token) = session.token_blocking() {
                            session.refused(&token);
                        }
                    }
                    world.advance(1);
                }
                let more = world.sent().len() - sent;
                assert!(more <= 6, "{what}: {more} requests in half a minute");
            }
            world.network_always(Net::Fine);
            let mut healed = false;
            for _ in 0..7200 {
                if session.token_blocking().is_ok() && sibling.token_blocking().is_ok() {
                    healed = true;
                    break;
                }
                world.advance(1);
            }
            assert!(healed, "{what}: {:?}", session.token_blocking());
        }
    }
}
