//! Grants that poll: no poll is early, and polling ends.

use core::fmt::Debug;
use core::time::Duration;

use http::Response;

use super::answer::raw_members;
use super::{Counting, NOW, STATUSES, printed};
use crate::{Env, Error, Exchange, Left, Sent, Step, Tokens, UnixTime};

/// Of the grant that is polled with, in seconds.
pub(super) const LIFETIME: u64 = 60;
pub(super) const INTERVAL: u64 = 5;

/// Polls once for each answer. An answer's first byte chooses its status and what else happens. `code` must not be printed;
/// `ends` are the words that leave nothing. `before` is done before each poll, and says whether the poll is due at once.
pub(super) fn run<'b, X>(
    mut grant: X,
    answers: impl Iterator<Item = &'b [u8]>,
    code: &str,
    ends: &[&str],
    interval_of: fn(&X) -> Duration,
    mut before: impl FnMut(X, UnixTime, u8) -> (X, bool),
) where
    X: Exchange<Output = Tokens> + Debug,
{
    let (mut clock, mut waited, mut interval, mut rng) = (NOW, 0, INTERVAL, Counting(0));
    let mut most = LIFETIME / INTERVAL + 2;
    for (count, part) in answers.enumerate() {
        let (chooser, body) = part.split_first().unwrap_or((&0, &[]));
        let due_now;
        (grant, due_now) = before(grant, clock, *chooser);
        let rest = grant.rest(clock);
        assert!(!due_now || rest.is_zero(), "it is due, and waits {rest:?}");
        most += u64::from(due_now);
        let due = clock.saturating_add(rest);
        assert!(grant.request(&mut Env::new(due, &mut rng)).is_ok(), "a poll that has waited was refused");
        waited += rest.as_secs();
        clock = match chooser & 0x30 {
            0x00 => due,
            0x10 => clock,
            0x20 => UnixTime::from_secs(clock.as_secs().saturating_sub(100)),
            _ => due.saturating_add(Duration::from_secs(u64::from(*chooser))),
        };
        let status = STATUSES[usize::from(chooser % 16)];
        let mut env = Env::new(clock, &mut rng);
        let step = if chooser & 0x40 != 0 && body.is_empty() {
            grant.unanswered(&mut env, Sent::MaybeSent)
        } else {
            let mut response = Response::builder().status(status);
            if chooser & 0x40 != 0 {
                response = response.header("retry-after", body.len().to_string());
            }
            grant.respond(&mut env, response.body(body).unwrap())
        };
        let text = String::from_utf8_lossy(body);
        match step {
            Ok(Step::Done(tokens)) => {
                assert!((200..300).contains(&status));
                let members = raw_members(&text).expect("tokens are in a JSON object");
                assert!(members.iter().any(|(name, _)| name == "access_token"), "tokens that the answer does not hold");
                assert!(!format!("{tokens:?}").contains(code));
                return;
            }
            Ok(Step::Again(next)) => grant = next,
            Err(failure) => {
                assert!(!printed(&failure).contains(code), "the code was printed");
                match (&failure.error, &failure.left) {
                    (Error::Expired, left) => {
                        assert!(matches!(left, Left::Spent));
                        let over = clock.saturating_since(NOW).as_secs() >= LIFETIME;
                        assert!(waited >= LIFETIME || over, "it expired after {waited} s");
                    }
                    (_, Left::Spent) => {
                        assert!(ends.iter().any(|word| says(&text, word)), "spent without a word: {}", failure.error);
                        assert!([200, 201, 204, 299, 400, 401, 403].contains(&status));
                    }
                    _ => {}
                }
                return;
            }
        }
        let slower = interval_of(&grant).as_secs();
        assert!(slower == interval || slower == interval + 5 && says(&text, "slow_down"), "an interval of {slower} s");
        interval = slower;
        assert!(grant.rest(clock).as_secs() >= interval, "the next poll comes too early");
        assert!((count as u64) < most, "it does not end");
    }
}

/// The interval is the said one, rounded up, or five seconds, or all the time that there is.
pub(super) fn is_said(taken: Duration, said: Option<&str>, lifetime: Duration) {
    assert!(!lifetime.is_zero(), "it has expired already");
    match said.map(|json| serde_json::from_str::<f64>(json).expect("an interval is a number")) {
        None => assert_eq!(taken, Duration::from_secs(5).min(lifetime)),
        Some(said) => {
            let taken = taken.as_secs_f64();
            assert!((said..said + 1.0).contains(&taken) && said > 0.0 && taken <= 3600.0, "{taken} for {said}");
        }
    }
}

/// The pairs of a form.
pub(super) fn form(body: &[u8]) -> Vec<(String, String)> {
    let decode = |text: &str| super::naive_decode(text).expect("a form is decodable");
    let pairs = core::str::from_utf8(body).unwrap().split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

/// Whether a text holds a word, perhaps with escapes in it.
fn says(text: &str, word: &str) -> bool {
    text.contains(word) || text.contains("\\u")
}
