//! A missing answer, the first time: written down, a short wait without the lock, a read, and one more request.

use std::time::Duration;

use grantflow_session::{InDoubt, Loss, SessionError, State};
use grantflow_tests::world::*;

fn over() -> (World, FaultyStore, grantflow_session::Session) {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.clear();
    (world, store, session)
}

fn waited(log: &[Did]) -> Vec<Duration> {
    log.iter().filter_map(|did| if let Did::Wait(time) = did { Some(*time) } else { None }).collect()
}

#[test]
fn one_early_retry_after_a_wait_without_the_lock_and_a_look_into_the_store() {
    let (world, _, session) = over();
    world.network([Net::LoseRequest]);
    assert!(session.token_blocking().is_ok());
    let log = world.log();
    let sent = world.sent();
    assert!(sent.len() == 2 && sent[0] == sent[1]);
    let send = Did::Send(sent[0].clone());
    let [wait] = waited(&log)[..] else { panic!("{log:?}") };
    assert!((Duration::from_secs(1)..=Duration::from_secs(2)).contains(&wait), "{wait:?}");
    #[rustfmt::skip]
    assert_eq!(
        log,
        [
            Did::Load, Did::Lock, Did::Load, Did::Mark(1), send.clone(), Did::Doubt(1), Did::Unlock, Did::Wait(wait),
            Did::Lock, Did::Load, Did::Mark(2), send, Did::Tokens, Did::Unlock,
        ]
    );
}

#[test]
fn sessions_that_fail_together_do_not_retry_together() {
    let waits: std::collections::BTreeSet<Duration> = (0..20)
        .map(|dice| {
            let (world, _, session) = over();
            (0..dice).for_each(|_| grantflow_session::Outside::fill(&world, &mut [0]).unwrap());
            world.network([Net::LoseRequest]);
            session.token_blocking().unwrap();
            waited(&world.log())[0]
        })
        .collect();
    assert!(waits.len() > 15, "{waits:?}");
}

#[test]
fn what_proves_nothing_is_no_answer() {
    for status in [301, 302, 404, 405, 408, 425, 500, 502, 504, 599] {
        let (world, _, session) = over();
        world.network([Net::Gateway(status, None)]);
        assert!(session.token_blocking().is_ok(), "{status}");
        assert_eq!((world.sent().len(), world.refreshes()), (2, 1), "{status}");
    }
}

#[test]
fn a_gateways_page_after_the_server_has_acted_proves_nothing() {
    let (world, _, session) = over();
    world.server(|server| server.knobs().refresh_grace = 30);
    world.network([Net::GatewayAfter(502)]);
    assert!(session.token_blocking().is_ok());
    assert_eq!((world.sent().len(), world.refreshes()), (2, 2));
}

#[test]
fn a_server_that_takes_the_retry_for_theft_makes_it_lost() {
    let (world, store, session) = over();
    world.network([Net::LoseAnswer]);
    let error = session.token_blocking().unwrap_err();
    assert!(matches!(error, SessionError::Lost { loss: Loss::Refused, .. }), "{error:?}");
    assert_eq!(world.sent().len(), 2);
    assert!(store.kept().unwrap().lost);
}

#[test]
fn ahead_of_expiry_there_is_one_early_retry_and_then_the_access_token_is_used() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 55);
    world.network_always(Net::Gateway(502, None));
    world.clear();
    for _ in 0..50 {
        assert!(session.token_blocking().unwrap().is(&first));
        assert!(world.session(&store).token_blocking().is_ok(), "and by every other process");
        world.advance(1);
    }
    assert_eq!(world.sent().len(), 2, "a resend might kill a token that is good");
    assert_eq!(session.state(), State::InDoubt);
    world.network_always(Net::Fine);
    world.advance(5);
    assert!(!session.token_blocking().unwrap().is(&first));
    assert_eq!((world.sent().len(), world.refreshes()), (3, 1));
}

#[test]
fn tokens_that_another_process_writes_meanwhile_replace_the_retry() {
    let (world, store, session) = over();
    world.network([Net::LoseRequest]);
    let newer = World::new();
    newer.advance(LIFE + 5);
    newer.server(|server| {
        server.set_seed(99);
    });
    let elsewhere = newer.store();
    let token = newer.session(&elsewhere).prime_blocking(newer.login()).unwrap();
    let (put, value) = (store.clone(), elsewhere.entry().unwrap().value);
    world.at_wait(move || put.put(Some(value)));
    assert_eq!(access(&session.token_blocking().unwrap()), access(&token));
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn after_a_logout_meanwhile_there_is_no_retry() {
    let (world, store, session) = over();
    world.network([Net::LoseRequest]);
    let put = store.clone();
    world.at_wait(move || put.put(None));
    assert!(matches!(session.token_blocking(), Err(SessionError::Empty)));
    assert_eq!((world.sent().len(), store.entry().is_none()), (1, true));
}

#[test]
fn the_lock_is_free_while_the_early_retry_is_waited_for() {
    let (world, store, session) = over();
    world.network([Net::LoseRequest]);
    let (elsewhere, peer, login) = (world.session(&store), session.clone(), world.login());
    world.at_wait(move || {
        // A person logs in, and another caller asks: neither has to wait.
        elsewhere.prime_blocking(login).unwrap();
        drop(peer);
    });
    assert!(session.token_blocking().is_ok());
    assert_eq!((world.sent().len(), world.refreshes()), (1, 0), "the login ended the doubt");
}

#[test]
fn certainly_not_sent_is_as_if_nothing_had_been() {
    let (world, store, session) = over();
    let before = store.kept();
    world.network([Net::NotSent]);
    let error = session.token_blocking().unwrap_err();
    let SessionError::NotRenewed { retry_at, .. } = error else { panic!("{error:?}") };
    assert_eq!(store.kept(), before, "the mark is taken back");
    assert!(matches!(session.token_blocking(), Err(SessionError::NotRenewed { .. })));
    world.set_now(retry_at.as_secs());
    assert!(session.token_blocking().is_ok());
    assert_eq!((world.sent().len(), world.refreshes()), (1, 1));
}

#[test]
fn a_network_that_is_away_for_long_is_tried_every_half_minute() {
    let (world, store, session) = over();
    world.network_always(Net::NotSent);
    let before = store.kept();
    let start = world.server(|server| server.now());
    let mut last = start;
    for _ in 0..40 {
        let Err(SessionError::NotRenewed { retry_at, .. }) = session.token_blocking() else { panic!("not sent") };
        let now = world.server(|server| server.now());
        assert!(retry_at.as_secs() <= now + 45, "{}", retry_at.as_secs() - now);
        last = now;
        world.set_now(retry_at.as_secs());
    }
    assert!(last - start > 600, "pauses double first");
    assert_eq!((store.kept(), world.sent().len()), (before, 0));
    world.network_always(Net::Fine);
    session.retry_now();
    assert!(session.token_blocking().is_ok());
}

#[test]
fn an_early_retry_that_was_not_sent_is_not_used_up() {
    let (world, store, session) = over();
    world.network([Net::LoseRequest, Net::NotSent, Net::LoseRequest]);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotRenewed { .. })));
    assert_eq!(store.kept().unwrap().sent, 1);
    world.advance(60);
    // The early retry was lost too, so only the pauses are left.
    assert!(matches!(session.token_blocking(), Err(SessionError::InDoubt { sent: 2, .. })));
    assert_eq!((world.sent().len(), store.kept().unwrap().sent), (2, 2));
    world.advance(60);
    assert!(session.token_blocking().is_ok());
    assert_eq!(world.sent().len(), 3);
}

#[test]
fn a_retry_that_was_refused_for_another_reason_leaves_the_earlier_doubt() {
    let (world, store, session) = over();
    world.network([Net::LoseRequest, Net::Gateway(429, Some(20))]);
    let now = || world.server(|server| server.now());
    let Err(SessionError::NotRenewed { retry_at, .. }) = session.token_blocking() else { panic!("429") };
    let kept = store.kept().unwrap();
    assert_eq!((kept.sent, kept.next), (1, Some(now() + 20)), "the server's pause applies to all");
    assert_eq!(retry_at.as_secs(), now() + 20);
    let sibling = world.session(&store);
    assert!(matches!(sibling.token_blocking(), Err(SessionError::InDoubt { sent: 1, .. })));
    sibling.retry_now();
    assert!(matches!(sibling.token_blocking(), Err(SessionError::InDoubt { .. })), "Retry-After stays in force");
    assert_eq!(world.sent().len(), 2);
    world.advance(20);
    assert!(sibling.token_blocking().is_ok());
    assert_eq!(world.sent().len(), 3);
}

#[test]
fn the_next_process_goes_on_by_the_mark_that_it_finds() {
    // The process died during its request.
    let (world, store, session) = over();
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    drop(caller);
    drop(session);
    let kept = store.kept().unwrap();
    assert_eq!((kept.sent, kept.next), (1, None), "on its way, as far as the store knows");
    assert_eq!(world.log().last(), Some(&Did::Unlock), "a session that is gone holds no lock");
    world.server(|server| server.knobs().refresh_grace = 30);
    world.clear();
    assert!(world.session(&store).token_blocking().is_ok());
    let log = world.log();
    // The lock is free, so the sender is dead: in doubt at once, without waiting for a deadline.
    let expected = [Did::Load, Did::Lock, Did::Load, Did::Doubt(1), Did::Unlock];
    assert_eq!(log[..5], expected, "{log:?}");
    assert!(matches!(&log[5], Did::Wait(time) if *time <= Duration::from_secs(2)), "{log:?}");
    assert!(log.contains(&Did::Mark(2)), "{log:?}");
}

#[test]
fn of_two_processes_that_find_a_doubt_one_makes_the_early_retry() {
    let (world, store, session) = over();
    world.network([Net::LoseRequest, Net::LoseRequest, Net::LoseRequest]);
    let sibling = world.session(&store);
    let told = std::sync::Arc::new(std::sync::Mutex::new(None));
    world.waits(Waits::Nap);
    let tell = std::sync::Arc::clone(&told);
    // While the first one waits for its early retry, the second finds the doubt, waits as well, and is faster.
    world.at_wait(move || *tell.lock().unwrap() = Some(sibling.token_blocking()));
    let first = session.token_blocking();
    let second = told.lock().unwrap().take().unwrap();
    assert!(matches!(first, Err(SessionError::InDoubt { sent: 2, .. })), "{first:?}");
    assert!(matches!(second, Err(SessionError::InDoubt { sent: 2, .. })), "{second:?}");
    assert_eq!((world.sent().len(), store.kept().unwrap().sent), (2, 2), "the early retry is once per doubt");
}

#[test]
fn a_machine_that_slept_between_the_mark_and_the_request_reads_the_store_again() {
    let (world, store, _) = over();
    let asleep = world.clone();
    let events = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = std::sync::Arc::clone(&events);
    let session = world.session(&store).observer(move |event: &grantflow_session::Event<'_>| {
        if matches!(event, grantflow_session::Event::Sending { .. })
            && count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0
        {
            asleep.advance(31);
        }
    });
    assert!(session.token_blocking().is_ok());
    let log = world.log();
    let sends = log.iter().filter(|did| matches!(did, Did::Send(_))).count();
    assert_eq!(
        (sends, events.load(std::sync::atomic::Ordering::SeqCst)),
        (1, 1),
        "one request, and told once: {log:?}"
    );
    let loads = log.iter().filter(|did| **did == Did::Load).count();
    assert_eq!(loads, 3, "{log:?}");
    // A request that was not sent is not used up.
    assert!(!log.contains(&Did::Mark(2)), "{log:?}");
}

#[test]
fn a_mark_that_was_late_and_has_been_overtaken_gives_way() {
    let (world, store, _) = over();
    let (asleep, login) = (world.clone(), world.login());
    let (elsewhere, once) = (store.clone(), std::sync::Mutex::new(Some(login)));
    let session = world.session(&store).observer(move |event: &grantflow_session::Event<'_>| {
        if let (grantflow_session::Event::Sending { .. }, Some(login)) = (event, once.lock().unwrap().take()) {
            asleep.advance(31);
            // A process of another machine, whose lock is another one.
            let other = asleep.store();
            asleep.session(&other).prime_blocking(login).unwrap();
            elsewhere.put(other.entry().map(|entry| entry.value));
        }
    });
    assert!(session.token_blocking().is_ok());
    assert_eq!((world.sent().len(), world.refreshes()), (0, 0));
}

#[test]
fn never_means_never() {
    let (world, store, _) = over();
    let session = world.session_with(&store, plain_policy().in_doubt(InDoubt::Never));
    world.network([Net::LoseRequest]);
    for _ in 0..2 {
        let error = session.token_blocking().unwrap_err();
        assert!(matches!(error, SessionError::Unknown { sent: 1, .. }), "{error:?}");
        world.advance(1000);
    }
    assert_eq!((world.sent().len(), world.refreshes()), (1, 0));
}
