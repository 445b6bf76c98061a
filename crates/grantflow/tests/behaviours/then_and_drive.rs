//! The loop over closures, waits as values, and two exchanges run as one.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use grantflow::{Body, Env, Error, Exchange, Failure, Left, Sent, Step, UnixTime, Wait, drive};
use http::{Request, Response};

use crate::support::*;

/// Polls until the answer is not `wait`, twice as long each time.
#[derive(Debug)]
struct Poll {
    wait: Wait,
    next: Duration,
    until: UnixTime,
}

impl Poll {
    fn again(self, now: UnixTime) -> Self {
        Self { wait: Wait::new(now, self.next), ..self }
    }
}

impl Exchange for Poll {
    type Output = String;

    fn rest(&self, now: UnixTime) -> Duration {
        self.wait.left(now)
    }

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        self.wait.check(env.now)?;
        if env.now >= self.until { Err(Error::Entropy) } else { Ok(Request::new(Body::default())) }
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        match response.body().as_ref() {
            b"wait" => {
                let next = self.next * 2;
                Ok(Step::Again(Self { next, ..self.again(env.now) }))
            }
            b"no" => Err(Failure::spent(Error::Entropy)),
            text => Ok(Step::Done(String::from_utf8_lossy(text).into_owned())),
        }
    }

    fn unanswered(self, env: &mut Env<'_>, _: Sent) -> Result<Step<Self>, Failure<Self>> {
        Ok(Step::Again(self.again(env.now)))
    }
}

fn poll() -> Poll {
    let until = NOW.saturating_add(Duration::from_secs(100));
    Poll { wait: Wait::new(NOW, Duration::ZERO), next: Duration::from_secs(5), until }
}

/// The result of an exchange, and each wait that it asked for, in seconds.
type Run<X> = (Result<<X as Exchange>::Output, Failure<X>>, Vec<u64>);

/// Runs over a list of answers in virtual time.
fn run<X: Exchange>(exchange: X, answers: &[Option<&str>]) -> Run<X> {
    let now = Cell::new(NOW);
    let waits = RefCell::new(Vec::new());
    let mut answers = answers.iter();
    let outcome = drive(
        exchange,
        &mut Dice(1),
        || now.get(),
        |wait| {
            waits.borrow_mut().push(wait.as_secs());
            now.set(now.get().saturating_add(wait));
        },
        |_| match answers.next() {
            Some(Some(text)) => Ok(Response::new(text.as_bytes().to_vec())),
            _ => Err((Sent::MaybeSent, Error::NoAnswer(Sent::MaybeSent))),
        },
    );
    (outcome, waits.into_inner())
}

#[test]
fn the_loop_waits_as_long_as_it_is_told_and_goes_on_without_an_answer() {
    let (outcome, waits) = run(poll(), &[Some("wait"), None, Some("wait"), Some("done")]);
    assert_eq!((outcome.unwrap().as_str(), waits), ("done", vec![5, 10, 10]));
    let (outcome, waits) = run(poll(), &[]);
    let failure = outcome.unwrap_err();
    assert!(matches!(failure.left, Left::Intact(_)), "a request that cannot be made costs nothing");
    assert_eq!(waits.len(), 20, "it ends when its time is over");
}

#[test]
fn a_stacks_own_error_is_what_the_caller_sees() {
    #[derive(Debug)]
    enum Mine {
        OAuth,
        Network(&'static str),
    }
    impl From<Error> for Mine {
        fn from(_: Error) -> Self {
            Self::OAuth
        }
    }
    type Answer = Result<Response<Vec<u8>>, (Sent, Mine)>;
    let mut world = World::new();
    let run =
        |exchange, answer: fn() -> Answer| drive(exchange, &mut Dice(1), || NOW, |_| {}, |_| answer()).unwrap_err();
    let failure = run(world.exchange(), || Err((Sent::NotSent, Mine::Network("cable"))));
    assert!(matches!(failure.error, Mine::Network("cable")) && matches!(failure.left, Left::Intact(_)));
    let failure = run(world.exchange(), || Err((Sent::MaybeSent, Mine::Network("cable"))));
    assert!(matches!(failure.error, Mine::Network("cable")) && matches!(failure.left, Left::Unknown(_)));
    let failure = run(world.exchange(), || Ok(json(400, r#"{"error":"invalid_grant"}"#)));
    assert!(matches!(failure.error, Mine::OAuth) && matches!(failure.left, Left::Spent));
}

#[test]
fn two_exchanges_run_as_one() {
    let both = || poll().then(|first, _| if first == "stop" { Err(Error::Entropy) } else { Ok(poll()) });
    let (outcome, waits) = run(both(), &[Some("wait"), Some("first"), Some("wait"), Some("second")]);
    assert_eq!((outcome.unwrap().as_str(), waits), ("second", vec![5, 5]));

    let (outcome, _) = run(both(), &[Some("first"), Some("no")]);
    assert!(matches!(outcome.unwrap_err().left, Left::Spent));
    let (outcome, _) = run(both(), &[Some("stop")]);
    assert!(matches!(outcome.unwrap_err().left, Left::Spent), "the first is through, so nothing is left of it");

    // As documented: values that must not be lost are stored before anything can fail.
    let kept = RefCell::new(None);
    let keeping = poll().then(|first, _| -> Result<Poll, Error> {
        *kept.borrow_mut() = Some(first);
        Err(Error::Entropy)
    });
    let (outcome, _) = run(keeping, &[Some("tokens")]);
    assert!(outcome.is_err() && kept.into_inner().as_deref() == Some("tokens"));
}

#[test]
fn a_failure_of_two_exchanges_tells_which_is_left() {
    let mut world = World::new();
    let mut rng = Dice(1);
    let mut env = Env::new(NOW, &mut rng);
    let chain = world.exchange().then(|tokens, _| tokens.refresh().map_err(Error::from));
    let Left::Unknown(chain) = chain.unanswered(&mut env, Sent::MaybeSent).unwrap_err().left else { panic!() };
    assert!(format!("{chain:?}").contains("first"));
    let request = chain.request(&mut env).unwrap();
    let response = world.provider.handle(&request);
    let Ok(Step::Again(chain)) = chain.respond(&mut env, response) else { panic!() };
    assert_eq!(chain.rest(NOW), Duration::ZERO);
    let Left::Intact(chain) = chain.unanswered(&mut env, Sent::NotSent).unwrap_err().left else { panic!() };
    let refresh = chain.into_second().expect("the first is through");
    assert!(world.run(refresh).is_ok());
}
