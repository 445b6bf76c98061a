//! For every misbehaviour of the token endpoint, every transport has the same result as the core without one: the same
//! error, the same remainder, the same tokens in the end, after the same requests.

use grantflow::{ClientCredentials, Error, Exchange, Failure, Left, Tokens};
use grantflow_testkit::{ClientAuth, Misbehaviour};
use grantflow_tests::support::transport::{AnyError, ErrorKind};

use super::Body;
use super::world::*;

pub(crate) const BODIES: &[(&str, Body)] = &[
    ("a code meets every misbehaviour as the core alone does", |world| compare(world, Grant::Code)),
    ("a refresh meets every misbehaviour as the core alone does", |world| compare(world, Grant::Refresh)),
    ("client credentials meet every misbehaviour as the core alone does", |world| compare(world, Grant::Credentials)),
];

#[derive(Clone, Copy)]
enum Grant {
    Code,
    Refresh,
    Credentials,
}

/// Everything that can be seen of one exchange under one misbehaviour.
#[derive(Debug, PartialEq)]
struct Seen {
    first: Outcome,
    /// What is left is run again, against a server that behaves well.
    again: Option<Outcome>,
    /// What the server saw: grant, authentication, whether it issued tokens, and the status.
    hits: Vec<(Option<String>, ClientAuth, bool, Option<u16>)>,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Tokens(Vec<String>),
    Failed { left: &'static str, error: String },
}

fn compare(world: &World, grant: Grant) {
    let measure = World::new(Carrier::Function);
    let mut kinds = [0; 4];
    for how in Misbehaviour::all() {
        let seen = meet(world, grant, &how);
        assert_eq!(
            seen,
            meet(&measure, grant, &how),
            "{how:?}: on the right, the core without {}",
            world.carrier.name()
        );
        let kind = match &seen.first {
            Outcome::Tokens(_) => 0,
            Outcome::Failed { error, .. } if error.starts_with("transport") => 1,
            Outcome::Failed { error, .. } if error.starts_with("too large") => 2,
            Outcome::Failed { .. } => 3,
        };
        kinds[kind] += 1;
    }
    assert!(kinds.iter().all(|count| *count > 0), "a kind of outcome never came up: {kinds:?}");
}

fn meet(world: &World, grant: Grant, how: &Misbehaviour) -> Seen {
    let client = world.client();
    match grant {
        Grant::Code => {
            let exchange = world.code(&client);
            run_twice(world, exchange, how)
        }
        Grant::Refresh => {
            let exchange = world.log_in(&client).refresh().unwrap();
            run_twice(world, exchange, how)
        }
        Grant::Credentials => run_twice(world, ClientCredentials::new(&client), how),
    }
}

fn run_twice<X: Exchange<Output = Tokens>>(world: &World, exchange: X, how: &Misbehaviour) -> Seen {
    world.provider().clear_log();
    world.provider().knobs().misbehave(how.clone());
    let (first, left) = seen(how, world.run(exchange));
    let again = left.map(|exchange| seen(how, world.run(exchange)).0);
    let provider = world.provider();
    let hits = provider.log().iter().map(|hit| (hit.grant_type.clone(), hit.auth, hit.issued, hit.status)).collect();
    Seen { first, again, hits }
}

fn seen<X>(how: &Misbehaviour, outcome: Result<Tokens, Failure<X, AnyError>>) -> (Outcome, Option<X>) {
    match outcome {
        Ok(tokens) => {
            // The end of time is as far away as the clock says, and the clock goes on between two runs.
            let lifetime = tokens.expires_at().map(|at| match at.as_secs() {
                u64::MAX => "for ever".to_owned(),
                _ => at.saturating_since(tokens.received_at()).as_secs().to_string(),
            });
            let facts = vec![
                format!("{:?} {}", tokens.access_token(), tokens.bearer().map_or("", |token| token.expose_secret())),
                format!("{:?}", tokens.refresh_token().map(|token| token.expose_secret())),
                format!("{:?}", tokens.scope().effective().map(|scope| scope.as_str())),
                format!("{lifetime:?} {:?}", tokens.extra::<serde_json::Value>()),
            ];
            (Outcome::Tokens(facts), None)
        }
        Err(Failure { error, left }) => {
            let name = name(&left);
            let left = match left {
                Left::Spent => None,
                Left::Intact(exchange) | Left::Unknown(exchange) => Some(*exchange),
            };
            (Outcome::Failed { left: name, error: told(how, &error) }, left)
        }
    }
}

/// All that an error says, printed and on request.
fn told(how: &Misbehaviour, error: &AnyError) -> String {
    match error.kind() {
        ErrorKind::OAuth(error) => {
            // A reflected request has a new verifier each time.
            let body = match (how, error.answer()) {
                (Misbehaviour::Reflect { .. }, _) | (_, None) => String::new(),
                (_, Some(answer)) => String::from_utf8_lossy(answer.untrusted_body()).into_owned(),
            };
            let refused = match error {
                Error::Refused(refused) => format!("{:?}", refused.response().code()),
                Error::Protocol(broken) => format!("{:?}", broken.violation()),
                _ => String::new(),
            };
            let answer = error.answer().map(|answer| (answer.retry_after(), answer.untrusted_challenge()));
            format!("{error} {error:?} {:?} {refused} {answer:?} {body}", error.next())
        }
        ErrorKind::Transport | ErrorKind::TimedOut => "transport".to_owned(),
        ErrorKind::TooLarge { status, limit } => format!("too large {status} {limit}"),
        other => panic!("{other:?}"),
    }
}
