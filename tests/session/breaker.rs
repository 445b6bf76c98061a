//! A breaker that sessions share: a server that is down gets one probe, not a request from each session.

use grantflow_session::{Breaker, Cause, Key, MemoryStore, Session, SessionError};
use grantflow_tests::world::*;

const SESSIONS: usize = 50;

fn robots(world: &World, breaker: Option<&Breaker>) -> Vec<Session> {
    (0..SESSIONS)
        .map(|number| {
            let key = Key::new(&format!("robot-{number}")).unwrap();
            let robot = Session::client_credentials(world.grant(), key, MemoryStore::new(), world.clone());
            let robot = robot.policy(plain_policy());
            breaker.map_or(robot.clone(), |breaker| robot.breaker(breaker))
        })
        .collect()
}

fn an_hour(world: &World, sessions: &[Session]) -> usize {
    world.clear();
    for _ in 0..360 {
        for session in sessions {
            assert!(matches!(session.token_blocking(), Err(SessionError::NotRenewed { .. })));
        }
        world.advance(10);
    }
    world.sent().len()
}

#[test]
fn while_the_server_is_down_one_session_asks_for_all() {
    let world = World::new();
    world.network_always(Net::Gateway(502, None));
    let alone = an_hour(&world, &robots(&world, None));
    let breaker = Breaker::new();
    let sessions = robots(&world, Some(&breaker));
    let together = an_hour(&world, &sessions);
    assert!(alone > SESSIONS * 40 && together < 120, "{alone} without, {together} with");
    let held_back = sessions.iter().filter(|session| {
        matches!(session.token_blocking(), Err(SessionError::NotRenewed { cause: Cause::HeldBack, .. }))
    });
    assert!(held_back.count() > SESSIONS / 2);
    // It has recovered: a probe finds that out, and then every session has a token within a pause.
    world.network_always(Net::Fine);
    for _ in 0..12 {
        world.advance(10);
        sessions.iter().for_each(|session| drop(session.token_blocking()));
    }
    assert!(sessions.iter().all(|session| session.token_blocking().is_ok()));
}

#[test]
fn a_refusal_is_an_answer_and_delays_no_session() {
    let world = World::new();
    world.server(|server| server.knobs().always.push(grantflow_testkit::Misbehaviour::error(401, "invalid_client")));
    let breaker = Breaker::new();
    for session in robots(&world, Some(&breaker)) {
        let error = session.token_blocking().unwrap_err();
        assert!(matches!(error.cause(), Some(Cause::OAuth(_))), "{error:?}");
    }
    assert_eq!(world.sent().len(), SESSIONS);
}

#[test]
fn a_grant_in_doubt_says_so_and_heals_behind_a_breaker() {
    let world = World::new();
    let breaker = Breaker::new();
    let store = world.store();
    let session = world.session(&store).breaker(&breaker);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network_always(Net::Gateway(502, None));
    for _ in 0..20 {
        assert!(matches!(session.token_blocking(), Err(SessionError::InDoubt { .. })));
        world.advance(30);
    }
    world.network_always(Net::Fine);
    session.retry_now();
    assert!(session.token_blocking().is_ok(), "the network is back, says the program");
}
