//! Polling in virtual time, over every answer that a server can give: a device grant and a backchannel grant.
//!
//! For every answer of a server: the interval never shrinks, no wait is shorter than it, and polling ends: by a verdict, or
//! when the code has expired, after a bounded number of answers. That holds for a clock that goes, stands, jumps and goes
//! back, and for a state that is stored between two polls.

use std::time::Duration;

use grantflow::{
    BackchannelGrant, BackchannelRequest, Client, DeviceGrant, DeviceRequest, Env, Error, Exchange, Left, Misuse, Sent,
    Server, Step, Tokens, UnixTime,
};
use http::Response;
use proptest::prelude::*;

use super::Dice;

const START: u64 = 1_750_000_000;
/// The longest back-off, in seconds, unless twice the interval is longer.
const LONGEST_BACK_OFF: u64 = 60;
/// No wait can be longer: the core's bound of a `Retry-After`.
const DAY: u64 = 24 * 3600;

/// A grant that polls. Both kinds have the same rules.
trait Polls: Exchange<Output = Tokens> {
    const NAME: &'static str;
    fn begin(interval: Option<u64>, expires_in: u64) -> Self;
    fn interval(&self) -> Duration;
    fn expires_at(&self) -> UnixTime;
    /// Stores it and restores it.
    fn stored(self) -> Self;
}

fn client() -> grantflow::ConfidentialClient {
    let server = Server::with_token_endpoint("https://as.example/token").unwrap();
    let server = server.device_authorization_endpoint("https://as.example/device").unwrap();
    let server = server.backchannel_authentication_endpoint("https://as.example/backchannel").unwrap();
    server.client("app").secret_post("hush").unwrap()
}

fn first_answer(interval: Option<u64>, expires_in: u64, rest: &str) -> Response<Vec<u8>> {
    let interval = interval.map_or(String::new(), |seconds| format!(",\"interval\":{seconds}"));
    Response::new(format!("{{{rest},\"expires_in\":{expires_in}{interval}}}").into_bytes())
}

fn done<X: Exchange>(exchange: X, answer: Response<Vec<u8>>) -> X::Output {
    match exchange.respond(&mut Env::new(UnixTime::from_secs(START), &mut Dice(1)), answer) {
        Ok(Step::Done(output)) => output,
        Ok(Step::Again(_)) => panic!("it has one step"),
        Err(failure) => panic!("{}", failure.error),
    }
}

impl Polls for DeviceGrant {
    const NAME: &'static str = "device";

    fn begin(interval: Option<u64>, expires_in: u64) -> Self {
        let members = r#""device_code":"d","user_code":"U-1","verification_uri":"https://as.example/go""#;
        let request = DeviceRequest::new(&client()).unwrap();
        done(request, first_answer(interval, expires_in, members))
    }

    fn interval(&self) -> Duration {
        self.interval()
    }

    fn expires_at(&self) -> UnixTime {
        self.expires_at()
    }

    fn stored(self) -> Self {
        Self::from_stored(self.into_stored(), Client::from(&client())).unwrap()
    }
}

impl Polls for BackchannelGrant {
    const NAME: &'static str = "backchannel";

    fn begin(interval: Option<u64>, expires_in: u64) -> Self {
        let request = BackchannelRequest::with_login_hint(&client(), "ada").unwrap().scope("openid").unwrap();
        done(request, first_answer(interval, expires_in, r#""auth_req_id":"a-1""#))
    }

    fn interval(&self) -> Duration {
        self.interval()
    }

    fn expires_at(&self) -> UnixTime {
        self.expires_at()
    }

    fn stored(self) -> Self {
        Self::from_stored(self.into_stored(), &client()).unwrap()
    }
}

/// What a poll meets.
#[derive(Debug, Clone)]
enum Met {
    Answer { status: u16, retry_after: Option<&'static str>, body: Vec<u8> },
    NotSent,
    Lost,
}

impl Met {
    /// Whether an answer of this kind may end the polling before the code has expired.
    fn may_end(&self) -> bool {
        matches!(self, Self::Answer { .. })
    }
}

/// What the clock does beside a wait.
#[derive(Debug, Clone, Copy)]
enum Clock {
    Goes,
    Stands,
    Jumps(i64),
}

const CODES: [&str; 14] = [
    "authorization_pending",
    "slow_down",
    "access_denied",
    "expired_token",
    "invalid_grant",
    "invalid_client",
    "invalid_request",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "use_dpop_nonce",
    "Bad Request",
];

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::sample::select(CODES.to_vec()).prop_map(|code| format!(r#"{{"error":"{code}"}}"#).into_bytes()),
        1 => Just(br#"{"access_token":"t","token_type":"Bearer"}"#.to_vec()),
        1 => Just(br#"{"access_token":"t"}"#.to_vec()),
        1 => Just(b"<h1>not now</h1>".to_vec()),
        1 => Just(Vec::new()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn met() -> impl Strategy<Value = Met> {
    let status = prop_oneof![
        4 => Just(400u16),
        2 => Just(200),
        1 => prop::sample::select(vec![100, 201, 204, 302, 401, 403, 404, 408, 421, 425, 428, 429, 500, 502, 503, 504, 599, 700, 999]),
    ];
    let retry_after = prop::option::weighted(0.2, prop::sample::select(vec!["0", "7", "100000000", "soon", "-1"]));
    prop_oneof![
        10 => (status, retry_after, body())
            .prop_map(|(status, retry_after, body)| Met::Answer { status, retry_after, body }),
        1 => Just(Met::NotSent),
        2 => Just(Met::Lost),
    ]
}

fn clock() -> impl Strategy<Value = Clock> {
    prop_oneof![
        8 => Just(Clock::Goes),
        4 => Just(Clock::Stands),
        1 => (-100_000..100_000i64).prop_map(Clock::Jumps),
    ]
}

/// A server that repeats these answers, and clocks, for ever.
#[derive(Debug, Clone)]
struct World {
    interval: Option<u64>,
    expires_in: u64,
    met: Vec<Met>,
    clocks: Vec<Clock>,
    stores: Vec<bool>,
}

fn world(
    met: impl Strategy<Value = Vec<Met>>,
    clocks: impl Strategy<Value = Vec<Clock>>,
) -> impl Strategy<Value = World> {
    let interval = prop_oneof![3 => Just(None), 5 => (1..30u64).prop_map(Some), 1 => Just(Some(300))];
    let expires_in = prop_oneof![6 => 1..600u64, 1 => Just(3600)];
    let stores = prop_oneof![3 => Just(vec![false]), 1 => prop::collection::vec(any::<bool>(), 1..4)];
    (interval, expires_in, met, clocks, stores).prop_map(|(interval, expires_in, met, clocks, stores)| World {
        interval,
        // An interval that is longer than the code lives is refused.
        expires_in: expires_in.max(interval.unwrap_or(1)),
        met,
        clocks,
        stores,
    })
}

/// Polls to the end. Returns how many answers it took.
fn polls<P: Polls + std::fmt::Debug>(world: &World) -> u64 {
    let World { interval, expires_in, met, clocks, stores } = world;
    let mut grant = P::begin(*interval, *expires_in);
    let mut now = START;
    // What has been waited since the begin, by a stopwatch.
    let mut waited = 0u64;
    // When the current wait began.
    let mut since = START;
    let least = grant.interval().as_secs();
    assert!(least >= 1, "{}: an interval of zero", P::NAME);
    assert_eq!(grant.expires_at().as_secs(), START.saturating_add(*expires_in), "{}", P::NAME);
    // One poll at its end, and one more after it. A state that is stored waits a second more, and forgets what it knew.
    let most = expires_in / least + 2;
    for count in 0.. {
        assert!(count < most, "{}: {count} answers in a life of {expires_in} s and an interval of {least} s", P::NAME);
        if stores[count as usize % stores.len()] {
            grant = grant.stored();
        }
        let interval = grant.interval();
        let rest = grant.rest(UnixTime::from_secs(now));
        assert!(
            rest.as_secs() <= DAY.max(interval.as_secs().saturating_mul(2).max(LONGEST_BACK_OFF)).saturating_add(1)
        );
        let due = now.saturating_add(rest.as_secs());
        // A clock behind the start of the wait says nothing; else a poll is refused before its time.
        if rest.as_secs() > 1 && now >= since {
            let early = grant.request(&mut Env::new(UnixTime::from_secs(now), &mut Dice(1)));
            assert!(early.is_err(), "{}: a poll that is too early", P::NAME);
        }
        waited = waited.saturating_add(rest.as_secs());
        now = match clocks[count as usize % clocks.len()] {
            Clock::Goes => due,
            Clock::Stands => now,
            Clock::Jumps(by) => due.saturating_add_signed(by),
        };
        // What a loop has waited has passed, even if its clock says otherwise.
        let at = UnixTime::from_secs(now.max(due));
        let request = match grant.request(&mut Env::new(at, &mut Dice(1))) {
            Err(Error::Misuse(Misuse::TooEarly { rest: more })) if !rest.is_zero() => {
                grant.request(&mut Env::new(at.saturating_add(more), &mut Dice(1)))
            }
            request => request,
        };
        assert!(request.is_ok(), "{}: {request:?}", P::NAME);
        let at = UnixTime::from_secs(now);
        since = now;
        let met = &met[count as usize % met.len()];
        let mut dice = Dice(1);
        let mut env = Env::new(at, &mut dice);
        let outcome = match met {
            Met::Answer { status, retry_after, body } => {
                let mut response = Response::builder().status(*status);
                if let Some(after) = retry_after {
                    response = response.header("retry-after", *after);
                }
                grant.respond(&mut env, response.body(body.clone()).unwrap())
            }
            Met::NotSent => grant.unanswered(&mut env, Sent::NotSent),
            Met::Lost => grant.unanswered(&mut env, Sent::MaybeSent),
        };
        match outcome {
            Ok(Step::Done(_)) => return count + 1,
            Ok(Step::Again(next)) => {
                assert!(next.interval() >= interval, "{}: the interval shrinks", P::NAME);
                let next_rest = next.rest(at);
                assert!(next_rest >= next.interval(), "{}: {next_rest:?} is shorter than its interval", P::NAME);
                grant = next;
            }
            Err(failure) => {
                let expired = matches!(failure.error, Error::Expired);
                assert!(expired || met.may_end(), "{}: {met:?} ended it: {}", P::NAME, failure.error);
                if expired {
                    assert!(matches!(failure.left, Left::Spent), "{}", P::NAME);
                    let jumped = clocks.iter().any(|clock| matches!(clock, Clock::Jumps(_)));
                    let restored = stores.contains(&true);
                    let over = waited >= *expires_in;
                    assert!(over || jumped || restored, "{}: expired after {waited} s of {expires_in}", P::NAME);
                }
                return count + 1;
            }
        }
    }
    unreachable!("answers are counted")
}

/// Undecided for ever.
fn pending() -> impl Strategy<Value = Vec<Met>> {
    let answer = |status, code: &str| Met::Answer {
        status,
        retry_after: None,
        body: format!(r#"{{"error":"{code}"}}"#).into_bytes(),
    };
    let each = prop_oneof![
        4 => prop::sample::select(vec![400u16, 200, 428, 429]).prop_map(move |status| answer(status, "authorization_pending")),
        1 => prop::sample::select(vec![400u16, 429]).prop_map(move |status| answer(status, "slow_down")),
        1 => Just(Met::Lost),
        1 => Just(Met::Answer { status: 502, retry_after: None, body: Vec::new() }),
    ];
    prop::collection::vec(each, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn polling_ends_over_every_answer_a_server_can_give(
        world in world(prop::collection::vec(met(), 1..8), prop::collection::vec(clock(), 1..5)),
    ) {
        polls::<DeviceGrant>(&world);
        polls::<BackchannelGrant>(&world);
    }

    #[test]
    fn a_person_who_never_decides_is_waited_for_until_the_code_expires(
        world in world(pending(), prop_oneof![Just(vec![Clock::Goes]), Just(vec![Clock::Stands])]),
    ) {
        prop_assume!(world.stores == [false]);
        let (device, backchannel) = (polls::<DeviceGrant>(&world), polls::<BackchannelGrant>(&world));
        prop_assert_eq!(device, backchannel, "both poll by the same rules");
    }
}
