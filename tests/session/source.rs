//! A session with a source: when the source is asked, and what is in the store.

use grantflow::Next;
use grantflow_session::{Cause, InDoubt, Policy, SessionError, State};
use grantflow_tests::world::*;

#[test]
fn it_needs_no_login_and_the_source_is_asked_when_the_token_is_over() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| server.knobs().issue_refresh_token = false);
    let store = world.store();
    let session = world.fed(&store, world.codes(&asked));
    assert_eq!((session.state(), asked.times()), (State::Unread, 0), "nothing is asked before a caller asks");
    let first = session.token_blocking().unwrap();
    assert_eq!((store.kept().unwrap().access, asked.times()), (access(&first), 1));
    assert!(session.token_blocking().unwrap().is(&first));
    // Another process of the same kind uses it, and so does one that has no source.
    assert_eq!(access(&world.fed(&store, world.codes(&asked)).token_blocking().unwrap()), access(&first));
    assert_eq!(access(&world.session(&store).token_blocking().unwrap()), access(&first));
    world.advance(LIFE);
    let second = session.token_blocking().unwrap();
    assert!(!second.is(&first));
    assert!(session.refused(&second));
    assert!(!session.token_blocking().unwrap().is(&second));
    assert_eq!((asked.times(), world.codes_seen().len(), world.refreshes()), (3, 3, 0));
}

#[test]
fn a_refresh_token_is_used_first() {
    let (world, asked) = (World::new(), Asked::default());
    let store = world.store();
    let session = world.fed(&store, world.codes(&asked));
    session.token_blocking().unwrap();
    for round in 1..5 {
        world.advance(LIFE);
        session.token_blocking().unwrap();
        assert_eq!((asked.times(), world.refreshes()), (1, round));
    }
}

#[test]
fn when_the_refresh_token_is_refused_for_good_the_loss_is_stored_and_the_same_call_asks_the_source() {
    let (world, asked) = (World::new(), Asked::default());
    let store = world.store();
    let session = world.fed(&store, world.codes(&asked));
    let first = session.token_blocking().unwrap();
    world.server(|server| server.revoke_all());
    world.advance(LIFE);
    world.clear();
    let second = session.token_blocking().unwrap();
    assert_ne!(access(&first), access(&second));
    let (kept, log) = (store.kept().unwrap(), world.log());
    assert_eq!((kept.access, kept.lost, kept.sent), (access(&second), false, 0));
    let order: Vec<_> =
        log.iter().filter(|did| matches!(did, Did::Mark(_) | Did::Send(_) | Did::Loss | Did::Tokens)).collect();
    assert!(
        matches!(order[..], [Did::Mark(1), Did::Send(Some(_)), Did::Loss, Did::Send(None), Did::Tokens]),
        "{order:?}"
    );
    // The new refresh token is used from now on.
    world.advance(LIFE);
    session.token_blocking().unwrap();
    assert_eq!(asked.times(), 2);
}

#[test]
fn a_process_that_finds_a_lost_grant_asks_the_source_and_not_the_dead_refresh_token() {
    let (world, asked) = (World::new(), Asked::default());
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.server(|server| server.revoke_all());
    world.advance(LIFE);
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { .. })));
    assert!(store.kept().unwrap().lost);
    world.clear();
    let fed = world.fed(&store, world.codes(&asked));
    let token = fed.token_blocking().unwrap();
    assert_eq!(world.sent(), [None], "one request, without a refresh token");
    assert_eq!((store.kept().unwrap().access, store.kept().unwrap().lost), (access(&token), false));
    // The session without a source takes the new tokens over.
    assert_eq!(access(&session.token_blocking().unwrap()), access(&token));
}

#[test]
fn a_login_is_stored_and_its_refresh_token_is_used_before_the_source() {
    let (world, asked) = (World::new(), Asked::default());
    let store = world.store();
    let session = world.fed(&store, world.codes(&asked));
    let token = session.prime_blocking(world.login()).unwrap();
    assert_eq!((store.kept().unwrap().access, asked.times()), (access(&token), 0));
    world.advance(LIFE);
    session.token_blocking().unwrap();
    assert_eq!((asked.times(), world.refreshes()), (0, 1));
    // A login without a refresh token: the source is asked when its token is over.
    world.server(|server| server.knobs().issue_refresh_token = false);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    session.token_blocking().unwrap();
    assert_eq!((asked.times(), world.refreshes()), (1, 1));
}

#[test]
fn a_doubt_heals_by_its_refresh_token_and_a_policy_that_gives_it_up_asks_the_source() {
    for (in_doubt, refreshes, from_source) in [(InDoubt::Heal, 3, 0), (InDoubt::Once, 2, 1), (InDoubt::Never, 1, 1)] {
        let (world, asked) = (World::new(), Asked::default());
        let store = world.store();
        let session = world.fed(&store, world.codes(&asked)).policy(plain_policy().in_doubt(in_doubt));
        session.prime_blocking(world.login()).unwrap();
        world.advance(LIFE);
        world.clear();
        world.network([Net::LoseRequest, Net::LoseRequest].into_iter().take(refreshes.min(2)));
        let result = session.token_blocking();
        if in_doubt == InDoubt::Heal {
            assert!(matches!(result, Err(SessionError::InDoubt { .. })), "{result:?}");
            world.advance(10);
            assert!(session.token_blocking().is_ok());
        } else {
            assert!(result.is_ok(), "{in_doubt:?}: {result:?}");
        }
        let refreshes_sent = world.sent().iter().flatten().count();
        assert_eq!((refreshes_sent, asked.times()), (refreshes, from_source), "{in_doubt:?}");
        let kept = store.kept().unwrap();
        assert_eq!((kept.sent, kept.lost), (0, false), "{in_doubt:?}: no mark is left");
    }
}

#[test]
fn an_exchange_that_may_be_used_up_is_no_lost_grant_and_the_source_is_asked_for_another() {
    let (world, asked) = (World::new(), Asked::default());
    let store = world.store();
    let session = world.fed(&store, world.codes(&asked));
    world.network([Net::LoseAnswer, Net::GatewayAfter(502), Net::Gateway(404, None)]);
    for round in 1..4 {
        let error = session.token_blocking().unwrap_err();
        let SessionError::NotRenewed { retry_at, .. } = error else { panic!("{error:?}") };
        assert!(store.entry().is_none(), "no mark and no loss");
        assert_eq!((session.state(), asked.times()), (State::Due, round));
        // No request before the pause is over.
        assert!(session.token_blocking().is_err());
        assert_eq!(world.sent().len(), round);
        world.set_now(retry_at.as_secs());
    }
    assert!(session.token_blocking().is_ok());
    let seen = world.codes_seen();
    assert_eq!((asked.times(), seen.len()), (4, 3), "one request arrived nowhere");
    assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "each code was sent once");
}

#[test]
fn an_exchange_that_the_server_has_not_looked_at_waits_and_is_sent_again() {
    let ways = [Net::NotSent, Net::Gateway(429, None), Net::Gateway(503, Some(40)), Net::Gateway(429, Some(7))];
    for net in ways {
        let (world, asked) = (World::new(), Asked::default());
        world.server(|server| server.knobs().code_lifetime = 600);
        let session = world.fed(&world.store(), world.one_code(&asked));
        world.network([net.clone(), net.clone()]);
        for _ in 0..2 {
            let now = world.seconds();
            let error = session.token_blocking().unwrap_err();
            let SessionError::NotRenewed { retry_at, .. } = error else { panic!("{error:?}") };
            if let Net::Gateway(_, Some(told)) = net {
                assert_eq!(retry_at.as_secs(), now + told, "what the server says counts where it is longer");
            }
            world.set_now(retry_at.as_secs());
        }
        assert!(session.token_blocking().is_ok(), "{net:?}");
        assert_eq!((asked.times(), world.codes_seen().len()), (1, 1), "{net:?}: the same code, and it arrived once");
    }
}

#[test]
fn an_exchange_that_has_become_too_old_is_replaced_in_the_same_call() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| server.knobs().code_lifetime = 60);
    let session = world.fed(&world.store(), world.codes(&asked));
    world.network([Net::NotSent]);
    assert!(session.token_blocking().is_err());
    world.advance(61);
    assert!(session.token_blocking().is_ok(), "the old code is refused, and the source has a new one");
    assert_eq!((asked.times(), world.codes_seen().len()), (2, 2));
    // A new one that is refused is replaced after a pause only.
    world.server(|server| {
        server.knobs().issue_refresh_token = false;
        server.knobs().code_lifetime = 0;
        server.revoke_all();
    });
    world.advance(LIFE);
    assert!(session.token_blocking().is_err());
    assert_eq!(asked.times(), 3);
}

#[test]
fn an_exchange_that_is_never_looked_at_is_replaced_after_ten_times() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| server.knobs().code_lifetime = 1_000_000);
    let session = world.fed(&world.store(), world.codes(&asked));
    world.network_always(Net::NotSent);
    for round in 0..25 {
        assert!(session.token_blocking().is_err());
        assert_eq!(asked.times(), 1 + round / 10, "round {round}");
        world.advance(100);
    }
}

#[test]
fn a_verdict_about_an_exchange_is_not_final_and_pauses_double() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| server.knobs().code_lifetime = 0);
    let session = world.fed(&world.store(), world.codes(&asked));
    let mut tries = Vec::new();
    for second in 0..300u64 {
        world.advance(1);
        let before = asked.times();
        let error = session.token_blocking().unwrap_err();
        assert!(matches!(error, SessionError::NotRenewed { cause: Cause::OAuth(_), .. }), "{error:?}");
        assert_eq!(error.next(), Next::Reauthorize);
        assert_ne!(session.state(), State::Lost);
        if asked.times() > before {
            tries.push(second);
        }
    }
    let pauses: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (pause, doubled) in pauses.iter().zip([1, 2, 4, 8, 16, 32, 60, 60]) {
        assert!((doubled / 2..=doubled * 3 / 2 + 1).contains(pause), "{pauses:?}");
    }
    world.server(|server| server.knobs().code_lifetime = 60);
    world.advance(90);
    assert!(session.token_blocking().is_ok());
}

#[test]
fn any_number_of_callers_and_processes_cause_one_exchange() {
    let (world, asked) = (World::new(), Asked::default());
    let store = world.store();
    let sessions = [world.fed(&store, world.codes(&asked)), world.fed(&store, world.codes(&asked))];
    world.waits(Waits::Nap);
    std::thread::scope(|scope| {
        for caller in 0..32 {
            let session = &sessions[caller % 2];
            scope.spawn(move || session.token_blocking().unwrap());
        }
    });
    assert_eq!((asked.times(), world.codes_seen().len()), (1, 1));
}

#[test]
fn a_logout_removes_the_tokens_and_what_waits_of_the_source() {
    let (world, asked) = (World::new(), Asked::default());
    let store = world.store();
    let session = world.fed(&store, world.one_code(&asked));
    world.network([Net::NotSent]);
    assert!(session.token_blocking().is_err());
    session.forget_blocking().unwrap();
    world.advance(10);
    // The code of the person who has logged out is not sent any more.
    let error = session.token_blocking().unwrap_err();
    assert!(matches!(error.cause(), Some(Cause::Source(_))), "{error:?}");
    assert_eq!((asked.times(), world.codes_seen().len()), (2, 0));
    // The source stays: it decides whether there is a next token.
    let session = world.fed(&store, world.codes(&asked));
    session.token_blocking().unwrap();
    session.forget_blocking().unwrap();
    assert!(store.entry().is_none() && session.peek().is_none());
    assert!(session.token_blocking().is_ok());
    assert_eq!(asked.times(), 4);
}

#[test]
fn a_login_replaces_what_waits_of_the_source() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| server.knobs().issue_refresh_token = false);
    let session = world.fed(&world.store(), world.one_code(&asked));
    world.network([Net::NotSent]);
    assert!(session.token_blocking().is_err());
    session.prime_blocking(world.login()).unwrap();
    let before = world.codes_seen().len();
    world.advance(LIFE);
    assert!(session.token_blocking().is_err());
    assert_eq!((asked.times(), world.codes_seen().len()), (2, before));
}

#[test]
fn tokens_that_the_store_does_not_take_are_kept_and_the_source_is_not_asked_again() {
    let (world, asked) = (World::new(), Asked::default());
    let store = world.store();
    let session = world.fed(&store, world.codes(&asked));
    store.fail_times(3, Op::Tokens, Fault::Before);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotStored(_))));
    assert!(session.unsaved().is_some() && store.entry().is_none());
    let token = session.token_blocking().unwrap();
    assert_eq!((store.kept().unwrap().access, asked.times()), (access(&token), 1));
}

#[test]
fn a_token_that_is_good_is_used_while_the_source_fails() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| server.knobs().issue_refresh_token = false);
    let session = world.fed(&world.store(), world.codes(&asked));
    let token = session.token_blocking().unwrap();
    world.advance(LIFE - 30);
    world.network_always(Net::Gateway(502, None));
    for _ in 0..29 {
        assert!(session.token_blocking().unwrap().is(&token));
        world.advance(1);
    }
    assert!((2..8).contains(&asked.times()), "{}", asked.times());
    world.advance(1);
    assert!(session.token_blocking().is_err());
}

#[test]
fn settings_that_come_after_the_source_keep_it() {
    let (world, asked) = (World::new(), Asked::default());
    let session = world.fed(&world.store(), world.codes(&asked));
    let session = session.policy(Policy::default()).observer(|_: &grantflow_session::Event<'_>| {});
    let session = session.refresh_param("audience", "https://api.example").unwrap();
    assert!(session.clone().token_blocking().is_ok());
    assert_eq!(asked.times(), 1);
}
