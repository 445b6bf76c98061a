//! A fresh token costs nothing; one that is due is renewed by one caller, and the others use it meanwhile.

use std::time::Duration;

use grantflow_session::{Policy, SessionError, State};
use grantflow_testkit::Misbehaviour;
use grantflow_tests::world::*;

#[test]
fn a_fresh_token_costs_no_store_and_no_server() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    assert_eq!(session.state(), State::Unread);
    let first = session.prime_blocking(world.login()).unwrap();
    world.clear();
    for _ in 0..100 {
        assert!(session.token_blocking().unwrap().is(&first));
    }
    assert_eq!((world.log(), session.state()), (vec![], State::Fresh));
    assert_eq!(access(&session.peek().unwrap()), access(&first));
}

#[test]
fn nothing_stored_means_log_in() {
    let world = World::new();
    let session = world.session(&world.store());
    assert!(matches!(session.token_blocking(), Err(SessionError::Empty)));
    assert_eq!((session.state(), world.sent().len()), (State::Unread, 0));
}

#[test]
fn another_process_reads_the_store_once_and_sends_nothing() {
    let world = World::new();
    let store = world.store();
    let first = world.session(&store).prime_blocking(world.login()).unwrap();
    world.clear();
    let sibling = world.session(&store);
    assert_eq!(access(&sibling.token_blocking().unwrap()), access(&first));
    assert_eq!(access(&sibling.token_blocking().unwrap()), access(&first));
    assert_eq!(world.log(), [Did::Load], "without the lock");
}

#[test]
fn a_token_is_good_up_to_its_margin_and_due_from_there() {
    let world = World::new();
    let session = world.session(&world.store());
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 61);
    assert!(session.token_blocking().unwrap().is(&first));
    assert_eq!((session.state(), world.refreshes()), (State::Fresh, 0));
    world.advance(1);
    assert_eq!(session.state(), State::Due);
    assert!(!session.token_blocking().unwrap().is(&first));
    assert_eq!((session.state(), world.refreshes()), (State::Fresh, 1));
}

#[test]
fn the_margin_is_at_most_half_of_the_lifetime() {
    let world = World::new();
    world.server(|server| server.knobs().expires_in = 10);
    let session = world.session(&world.store());
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(4);
    assert!(session.token_blocking().unwrap().is(&first));
    world.advance(1);
    assert!(!session.token_blocking().unwrap().is(&first));
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn ahead_of_its_end_one_caller_renews_and_the_others_do_not_wait() {
    let world = World::new();
    let session = world.session(&world.store());
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 30);
    world.network([Net::HoldAnswer]);
    // There is no background, so one caller waits for a moment, which does not pass here.
    world.waits(Waits::Park);
    let mut leader = Box::pin(session.token());
    assert!(poll_once(&mut leader).is_pending());
    assert_eq!(session.state(), State::Refreshing);
    for _ in 0..10 {
        assert!(session.token_blocking().unwrap().is(&first));
    }
    world.release();
    let renewed = pollster::block_on(leader).unwrap();
    assert!(!renewed.is(&first));
    assert!(session.token_blocking().unwrap().is(&renewed));
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn a_token_that_is_due_is_not_taken_for_fresh_by_another_draw_of_the_jitter() {
    let world = World::new();
    for round in 1..50 {
        let session = world.session_with(&world.store(), Policy::default());
        let first = session.prime_blocking(world.login()).unwrap();
        world.advance(LIFE - 80);
        while session.state() == State::Fresh {
            world.advance(1);
        }
        assert!(!session.token_blocking().unwrap().is(&first));
        assert_eq!(world.refreshes(), round);
    }
}

#[test]
fn no_caller_gets_a_token_that_is_over() {
    let world = World::new();
    let session = world.session(&world.store());
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    assert!(session.peek().is_none());
    world.network([Net::HoldAnswer]);
    let mut callers: Vec<_> = (0..5).map(|_| Box::pin(session.token())).collect();
    assert!(callers.iter_mut().all(|caller| poll_once(caller).is_pending()));
    world.release();
    for caller in callers {
        let token = pollster::block_on(caller).unwrap();
        assert!(!token.is(&first));
    }
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn a_renewal_ahead_that_fails_leaves_the_token_that_there_is() {
    let world = World::new();
    let session = world.session(&world.store());
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 30);
    world.network_always(Net::Gateway(429, None));
    assert!(session.token_blocking().unwrap().is(&first));
    // During the pause no request is sent.
    for _ in 0..10 {
        assert!(session.token_blocking().unwrap().is(&first));
    }
    assert_eq!(world.sent().len(), 1);
    world.advance(30);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotRenewed { .. })));
}

#[test]
fn a_token_without_an_end_is_good_until_it_is_refused() {
    let world = World::new();
    world.server(|server| server.knobs().always.push(Misbehaviour::RemoveMember("expires_in".to_owned())));
    let session = world.session(&world.store());
    let first = session.prime_blocking(world.login()).unwrap();
    assert_eq!(first.expires_at(), None);
    world.advance(100 * LIFE);
    assert!(session.token_blocking().unwrap().is(&first));
    assert!(session.refused(&first));
    assert!(!session.token_blocking().unwrap().is(&first));
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn a_lifetime_can_be_assumed_where_none_is_said() {
    let world = World::new();
    world.server(|server| server.knobs().always.push(Misbehaviour::RemoveMember("expires_in".to_owned())));
    let mut policy = plain_policy();
    policy.assumed_lifetime = Some(Duration::from_secs(600));
    let session = world.session_with(&world.store(), policy);
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(539);
    assert!(session.token_blocking().unwrap().is(&first));
    world.advance(1);
    assert!(!session.token_blocking().unwrap().is(&first));
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn without_a_refresh_token_the_access_token_serves_to_its_end() {
    let world = World::new();
    world.server(|server| server.knobs().issue_refresh_token = false);
    let session = world.session(&world.store());
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 1);
    world.clear();
    assert!(session.token_blocking().unwrap().is(&first));
    assert_eq!(world.log(), []);
    world.advance(1);
    assert!(matches!(
        session.token_blocking(),
        Err(SessionError::Lost { loss: grantflow_session::Loss::NoRefreshToken, .. })
    ));
    assert_eq!((session.state(), world.sent().len()), (State::Lost, 0));
}

#[test]
fn a_new_process_uses_a_token_that_is_due_where_it_cannot_be_renewed() {
    for net in [Net::Gateway(429, None), Net::NotSent] {
        let world = World::new();
        let store = world.store();
        let known = world.session(&store).prime_blocking(world.login()).unwrap();
        world.advance(LIFE - 5);
        world.network([net]);
        let another = world.session(&store);
        assert_eq!(access(&another.token_blocking().unwrap()), access(&known), "it is good for five seconds more");
        world.advance(5);
        world.network_always(Net::NotSent);
        assert!(matches!(another.token_blocking(), Err(SessionError::NotRenewed { .. })), "and then it is over");
    }
}

#[test]
fn tokens_of_two_grants_differ_even_with_equal_texts() {
    let world = World::new();
    let (one, two) = (world.session(&world.store()), world.session(&world.store()));
    let (one_token, two_token) =
        (one.prime_blocking(world.login()).unwrap(), two.prime_blocking(world.login()).unwrap());
    assert!(!one_token.is(&two_token) && one_token.is(&one.token_blocking().unwrap()));
    assert!(!one.refused(&two_token), "another grant's token says nothing about this one's");
    assert!(one.refused(&one_token));
}

#[test]
fn extra_parameters_go_with_every_refresh_and_are_checked_at_once() {
    let world = World::new();
    let session = world.session(&world.store()).refresh_param("audience", "https://api.example").unwrap();
    session.prime_blocking(world.login()).unwrap();
    for _ in 0..2 {
        world.advance(LIFE);
        session.token_blocking().unwrap();
    }
    let audiences = world.server(|server| {
        server.hits("refresh_token").map(|hit| hit.parameter("audience").map(str::to_owned)).collect::<Vec<_>>()
    });
    assert_eq!(audiences, vec![Some("https://api.example".to_owned()); 2]);
    for (name, value) in [("refresh_token", "x"), ("grant_type", "x"), ("client_id", "x"), ("audience", "twice")] {
        let session = world.session(&world.store()).refresh_param("audience", "once").unwrap();
        assert!(session.refresh_param(name, value).is_err(), "{name}");
    }
}

#[test]
fn a_due_token_that_a_new_process_finds_is_used_and_renewed() {
    let world = World::new();
    let store = world.store();
    let first = world.session(&store).prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 30);
    let session = world.session(&store);
    // Whether the first caller has to wait or not: by the second call it is renewed, once.
    let tokens = [session.token_blocking().unwrap(), session.token_blocking().unwrap()];
    assert_ne!(access(&tokens[1]), access(&first));
    assert!(session.token_blocking().unwrap().is(&tokens[1]));
    assert_eq!((world.sent().len(), world.refreshes()), (1, 1));
}
