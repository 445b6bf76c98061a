//! A source that has no exchange, or the wrong one.

use std::sync::{Arc, Mutex};

use grantflow::{AnyExchange, Env, Error, Next, Tokens};
use grantflow_session::{Cause, InDoubt, RecordFault, SessionError, SourceError, State};
use grantflow_tests::world::*;

type Made = Result<AnyExchange<Tokens>, SourceError>;

#[test]
fn its_error_is_the_cause_nothing_is_sent_and_pauses_double() {
    let (world, asked) = (World::new(), Asked::default());
    let count = asked.clone();
    let session = world.fed(&world.store(), move |_: &mut Env<'_>| -> Made {
        count.again();
        Err("the identity service is not there".into())
    });
    let mut tries = Vec::new();
    for second in 0..300u64 {
        for _ in 0..3 {
            let before = asked.times();
            let error = session.token_blocking().unwrap_err();
            assert_eq!(error.next(), Next::RetryLater(None));
            assert_eq!(error.cause().unwrap().to_string(), "the identity service is not there");
            if asked.times() > before {
                tries.push(second);
            }
        }
        world.advance(1);
    }
    assert_eq!((session.state(), world.sent().len()), (State::Due, 0));
    let pauses: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // Nothing was sent, so a pause is at most 30 s long, or half as long again.
    for (pause, doubled) in pauses.iter().zip([1, 2, 4, 8, 16, 30, 30, 30]) {
        assert!((doubled / 2..=doubled * 3 / 2 + 1).contains(pause), "{pauses:?}");
    }
}

#[test]
fn the_advice_is_that_of_its_error() {
    let errors: Vec<(fn() -> SourceError, Next)> = vec![
        (|| Error::Expired.into(), Next::Reauthorize),
        (|| Error::Entropy.into(), Next::FixCaller),
        (|| SessionError::Empty.into(), Next::Reauthorize),
        (|| SessionError::Record(RecordFault::Damaged).into(), Next::FixConfiguration),
        (|| SessionError::Busy.into(), Next::RetryLater(None)),
        (|| std::io::Error::other("no").into(), Next::RetryLater(None)),
    ];
    for (make, next) in errors {
        let world = World::new();
        let session = world.fed(&world.store(), move |_: &mut Env<'_>| -> Made { Err(make()) });
        let error = session.token_blocking().unwrap_err();
        assert_eq!(error.next(), next, "{error:?}");
    }
}

#[test]
fn tokens_of_another_client_are_not_taken_and_the_store_is_untouched() {
    let world = World::new();
    let store = world.store();
    let other = world.client_named("other");
    let codes = world.clone();
    let session = world.fed(&store, move |_: &mut Env<'_>| -> Made { Ok(AnyExchange::new(codes.code(&other))) });
    let error = session.token_blocking().unwrap_err();
    let Some(Cause::Source(why)) = error.cause() else { panic!("{error:?}") };
    assert_eq!(why.downcast_ref(), Some(&RecordFault::OtherClient));
    assert_eq!(error.next(), Next::FixConfiguration);
    assert!(store.entry().is_none() && session.unsaved().is_none());
    for _ in 0..20 {
        assert!(session.token_blocking().is_err());
    }
    assert_eq!(world.sent().len(), 1, "a pause follows, as after any failure");
    // What was stored before stays.
    let login = session.prime_blocking(world.login()).unwrap();
    world.server(|server| server.revoke_all());
    world.advance(LIFE);
    assert!(session.token_blocking().is_err());
    assert_eq!(store.kept().unwrap().access, access(&login));
}

#[test]
fn an_exchange_that_cannot_make_its_request_waits_and_nothing_is_sent() {
    /// Cannot make its request for the first two times.
    struct Shy(Arc<Mutex<u32>>, grantflow::CodeExchange);
    impl grantflow::Exchange for Shy {
        type Output = Tokens;
        fn request(&self, env: &mut Env<'_>) -> Result<http::Request<grantflow::Body>, Error> {
            let mut left = self.0.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                return Err(Error::Entropy);
            }
            self.1.request(env)
        }
        fn respond<B: AsRef<[u8]>>(
            self,
            env: &mut Env<'_>,
            response: http::Response<B>,
        ) -> Result<grantflow::Step<Self>, grantflow::Failure<Self>> {
            match self.1.respond(env, response) {
                Ok(grantflow::Step::Done(tokens)) => Ok(grantflow::Step::Done(tokens)),
                other => panic!("{other:?}"),
            }
        }
        fn unanswered(
            self,
            _: &mut Env<'_>,
            _: grantflow::Sent,
        ) -> Result<grantflow::Step<Self>, grantflow::Failure<Self>> {
            unreachable!("nothing goes wrong on the way")
        }
    }
    let (world, asked) = (World::new(), Asked::default());
    let (count, codes) = (asked.clone(), world.clone());
    let left = Arc::new(Mutex::new(2));
    let session = world.fed(&world.store(), move |_: &mut Env<'_>| -> Made {
        count.again();
        Ok(AnyExchange::new(Shy(Arc::clone(&left), codes.code(&codes.client()))))
    });
    for _ in 0..2 {
        let error = session.token_blocking().unwrap_err();
        assert!(matches!(error.cause(), Some(Cause::OAuth(Error::Entropy))), "{error:?}");
        world.advance(10);
    }
    assert!(session.token_blocking().is_ok());
    assert_eq!((asked.times(), world.sent().len()), (1, 1), "the same code");
}

#[test]
fn a_damaged_entry_is_not_replaced_by_the_source() {
    let (world, asked) = (World::new(), Asked::default());
    let store = world.store();
    let session = world.fed(&store, world.codes(&asked));
    store.put(Some(grantflow_session::Value::new(b"garbage".to_vec())));
    assert!(matches!(session.token_blocking(), Err(SessionError::Record(RecordFault::Damaged))));
    assert_eq!((asked.times(), world.sent().len()), (0, 0));
    session.forget_blocking().unwrap();
    assert!(session.token_blocking().is_ok());
}

#[test]
fn a_store_that_cannot_take_the_loss_is_an_error_and_the_source_is_asked_when_it_works() {
    for fault in [Fault::Before, Fault::After] {
        let (world, asked) = (World::new(), Asked::default());
        let store = world.store();
        let session = world.fed(&store, world.codes(&asked));
        session.prime_blocking(world.login()).unwrap();
        world.server(|server| server.revoke_all());
        world.advance(LIFE);
        store.fail(Op::Loss, fault);
        let error = session.token_blocking().unwrap_err();
        assert!(matches!(error, SessionError::Store(_)), "{error:?}");
        assert_eq!(asked.times(), 0);
        assert!(session.token_blocking().is_ok());
        assert_eq!(asked.times(), 1);
    }
}

#[test]
fn a_store_that_cannot_take_a_doubt_is_an_error_and_the_source_is_asked_when_it_works() {
    let (world, asked) = (World::new(), Asked::default());
    let store = world.store();
    let session = world.fed(&store, world.codes(&asked)).policy(plain_policy().in_doubt(InDoubt::Never));
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::LoseRequest]);
    store.fail(Op::Doubt, Fault::Before);
    let error = session.token_blocking().unwrap_err();
    assert!(matches!(error, SessionError::Store(_)), "{error:?}");
    assert!(session.token_blocking().is_ok());
    assert_eq!((asked.times(), world.refreshes()), (1, 0));
}

#[test]
fn a_lost_grant_is_asked_for_once_more_before_the_source_if_the_program_says_so() {
    let (world, asked) = (World::new(), Asked::default());
    let store = world.store();
    let session = world.fed(&store, world.codes(&asked));
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    // The verdict is wrong, and the source does not work either.
    world.network([Net::Says(400, r#"{"error":"invalid_grant"}"#), Net::Gateway(502, None)]);
    assert!(session.token_blocking().is_err());
    assert!(store.kept().unwrap().lost);
    world.advance(100);
    session.retry_lost();
    assert!(session.token_blocking().is_ok());
    assert_eq!((asked.times(), world.refreshes()), (1, 1), "the refresh token was good after all");
    assert!(!store.kept().unwrap().lost);
}

#[test]
fn while_the_grant_is_lost_and_the_source_pauses_no_caller_is_told_to_log_in() {
    let (world, asked) = (World::new(), Asked::default());
    let store = world.store();
    let session = world.fed(&store, world.codes(&asked));
    session.prime_blocking(world.login()).unwrap();
    world.server(|server| server.revoke_all());
    world.advance(LIFE);
    world.network([Net::Fine]);
    world.network_always(Net::Gateway(502, None));
    for _ in 0..120 {
        let error = session.token_blocking().unwrap_err();
        assert!(matches!(error, SessionError::NotRenewed { .. }), "{error:?}");
        assert_eq!(error.next(), Next::RetryLater(None));
        world.advance(1);
    }
    assert_eq!(world.refreshes(), 1, "the dead refresh token is sent once");
}
