//! Sources that have to obtain something first: another session's token, something slow, something that fails.

use std::sync::{Arc, Mutex, OnceLock};

use grantflow::{AnyExchange, ClientCredentials, Tokens};
use grantflow_session::{AsyncSource, Cause, Event, Key, MemoryStore, Session, SessionError, SourceError, Store as _};
use grantflow_tests::world::*;

use crate::plugs::within_a_minute;

/// What a program makes of a person's token. The parameter stands for a token exchange's `subject_token`.
fn on_behalf_of(world: &World, subject: &str) -> Result<AnyExchange<Tokens>, SourceError> {
    Ok(AnyExchange::new(ClientCredentials::new(&world.client()).scope("read")?.param("subject", subject)?))
}

fn with_person(world: &World, person: &Session) -> impl AsyncSource + use<> {
    let (world, person) = (world.clone(), person.clone());
    move |_| {
        let (world, person) = (world.clone(), person.clone());
        async move { on_behalf_of(&world, &access(&person.token().await?)) }
    }
}

fn person(world: &World) -> Session {
    let key = Key::new("person").unwrap();
    Session::new(&world.client(), key, MemoryStore::new(), world.clone()).policy(plain_policy())
}

#[test]
fn another_sessions_token_is_the_subject_and_it_is_fresh_each_time() {
    let world = World::new();
    let person = person(&world);
    let store = world.store();
    let session = world.session(&store).async_source(with_person(&world, &person));
    pollster::block_on(person.prime(world.login())).unwrap();
    for round in 1..4 {
        let token = session.token_blocking().unwrap();
        assert_eq!(store.kept().unwrap().access, access(&token));
        let subject = access(&person.peek().unwrap());
        let sent = world.server(|server| {
            let hit = server.hits("client_credentials").last().unwrap();
            hit.parameter("subject").map(str::to_owned)
        });
        assert_eq!(sent, Some(subject));
        assert_eq!(
            (world.grants(), world.refreshes()),
            (round, round - 1),
            "the subject is renewed by its own session"
        );
        world.advance(LIFE);
    }
}

#[test]
fn the_error_of_the_other_session_says_what_to_do_and_has_its_retry_after() {
    let world = World::new();
    let person = person(&world);
    let session = world.session(&world.store()).async_source(with_person(&world, &person));
    let error = session.token_blocking().unwrap_err();
    assert_eq!(error.next(), grantflow::Next::Reauthorize, "the person has to log in");
    let Some(Cause::Source(why)) = error.cause() else { panic!("{error:?}") };
    assert!(matches!(why.downcast_ref(), Some(SessionError::Empty)));
    assert!(world.sent().is_empty());
    pollster::block_on(person.prime(world.login())).unwrap();
    world.advance(10);
    session.token_blocking().unwrap();
    world.advance(LIFE);
    world.network([Net::Gateway(503, Some(77))]);
    let now = world.seconds();
    let SessionError::NotRenewed { retry_at, cause } = session.token_blocking().unwrap_err() else { panic!() };
    assert_eq!((retry_at.as_secs(), cause.status()), (now + 77, Some(503)));
}

#[test]
fn a_source_that_takes_too_long_is_dropped_and_counts_as_a_failure() {
    let world = World::new();
    let dropped = Arc::new(());
    let watch = Arc::downgrade(&dropped);
    let dropped = Mutex::new(Some(dropped));
    let session = world.session(&world.store()).async_source(move |_| {
        let held = dropped.lock().unwrap().take();
        async move {
            let never: Result<AnyExchange<Tokens>, SourceError> = std::future::pending().await;
            drop(held);
            never
        }
    });
    let start = world.seconds();
    let error = session.token_blocking().unwrap_err();
    assert!(matches!(&error, SessionError::NotRenewed { cause: Cause::Source(_), .. }), "{error:?}");
    assert!(error.cause().unwrap().to_string().contains("send_deadline"), "{error:?}");
    assert_eq!(world.seconds() - start, 60);
    assert!(watch.upgrade().is_none(), "its future is dropped");
    assert!(world.sent().is_empty());
}

#[test]
fn a_source_that_asks_its_own_session_gets_an_error_and_does_not_hang() {
    within_a_minute(|| {
        let world = World::new();
        let own: Arc<OnceLock<Session>> = Arc::default();
        let inner = Arc::clone(&own);
        let session = world.session(&world.store()).async_source(move |_| {
            let own = inner.get().cloned();
            async move {
                own.ok_or("no session")?.token().await?;
                Err("unreachable".into())
            }
        });
        let _ = own.set(session.clone());
        let error = session.token_blocking().unwrap_err();
        let Some(Cause::Source(why)) = error.cause() else { panic!("{error:?}") };
        assert!(matches!(why.downcast_ref(), Some(SessionError::Busy)), "{why:?}");
    });
}

#[test]
fn two_sessions_that_are_each_others_source_get_an_error_and_do_not_hang() {
    within_a_minute(|| {
        let world = World::new();
        let slots: [Arc<OnceLock<Session>>; 2] = [Arc::default(), Arc::default()];
        for (at, name) in ["one", "two"].into_iter().enumerate() {
            let other = Arc::clone(&slots[1 - at]);
            let session = Session::new(&world.client(), Key::new(name).unwrap(), MemoryStore::new(), world.clone())
                .policy(plain_policy())
                .async_source(move |_| {
                    let other = other.get().cloned();
                    async move {
                        other.ok_or("no session")?.token().await?;
                        Err("unreachable".into())
                    }
                });
            let _ = slots[at].set(session);
        }
        for slot in &slots {
            assert!(slot.get().unwrap().token_blocking().is_err());
        }
        assert!(world.sent().is_empty());
    });
}

#[test]
fn a_source_that_panics_ends_its_call_and_the_next_one_works() {
    let world = World::new();
    let store = world.store();
    let panics = Arc::new(Mutex::new(true));
    let (at_source, source_world) = (Arc::clone(&panics), world.clone());
    let session = world.session(&store).async_source(move |_| {
        let (panics, world) = (*at_source.lock().unwrap(), source_world.clone());
        async move {
            assert!(!panics, "the source panicked, as it was told to");
            on_behalf_of(&world, "x")
        }
    });
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| session.token_blocking()));
    assert!(panicked.is_err());
    assert!(pollster::block_on(store.try_lock(&key())).unwrap().is_some(), "the lock is free");
    *panics.lock().unwrap() = false;
    assert!(session.token_blocking().is_ok());
}

#[test]
fn under_a_lease_the_store_is_read_again_after_a_slow_source() {
    let world = World::new();
    let store = MemoryStore::new();
    // Slow: while it is asked, its lease ends, and another process stores other tokens.
    let (slow, into) = (world.clone(), store.clone());
    let leased = Session::new(&world.client(), key(), Leased::over(&store), world.clone()).policy(plain_policy());
    let session = leased.async_source(move |_| {
        slow.advance(45);
        let elsewhere = slow.store();
        slow.session(&elsewhere).prime_blocking(slow.login()).unwrap();
        let value = elsewhere.entry().unwrap().value;
        pollster::block_on(into.compare_and_swap(&key(), None, Some(value))).unwrap();
        let world = slow.clone();
        async move { on_behalf_of(&world, "x") }
    });
    let token = session.token_blocking().unwrap();
    let entry = pollster::block_on(store.load(&key())).unwrap().unwrap();
    assert_eq!(Kept::of(&entry.value).access, access(&token));
    assert_eq!(world.grants(), 0, "the exchange was not sent: the other process's token is good");
}

#[test]
fn observers_are_told_that_the_source_is_asked() {
    let world = World::new();
    let events = Arc::new(Mutex::new(Vec::new()));
    let (told, source_world) = (Arc::clone(&events), world.clone());
    let source = move |_| {
        let world = source_world.clone();
        async move { on_behalf_of(&world, "secret-subject") }
    };
    let session = world.session(&world.store()).async_source(source).observer(move |event: &Event<'_>| {
        told.lock().unwrap().push(format!("{event:?}"));
    });
    session.token_blocking().unwrap();
    let events = events.lock().unwrap();
    let names: Vec<&str> = events.iter().map(|event| event.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["Obtaining", "Sending", "Renewed"]);
    assert!(events.iter().all(|event| !event.contains("secret-subject")));
    assert!(!format!("{session:?}").contains("secret-subject"));
}

#[test]
fn it_serves_async_callers_on_a_runtime_too() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let world = World::new();
    let person = person(&world);
    let session = world.session(&world.store()).async_source(with_person(&world, &person));
    runtime.block_on(async {
        person.prime(world.login()).await.unwrap();
        let callers: Vec<_> = (0..50)
            .map(|_| {
                let session = session.clone();
                tokio::spawn(async move { session.token().await.unwrap() })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
    });
    assert_eq!(world.grants(), 1);
}
