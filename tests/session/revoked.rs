//! A logout that also ends the grant at the server: the tokens that were removed are returned, to be revoked.

use grantflow::{ConfidentialClient, Env, Exchange as _, Step, Tokens};
use grantflow_session::{InDoubt, Outside as _, Session, SessionError, Value};
use grantflow_testkit::Endpoint;
use grantflow_tests::world::*;

fn client(world: &World) -> ConfidentialClient {
    let [token, revocation] =
        world.server(|server| [Endpoint::Token, Endpoint::Revocation].map(|endpoint| server.endpoint_url(endpoint)));
    let server = grantflow::Server::with_token_endpoint(&token).unwrap().revocation_endpoint(&revocation).unwrap();
    server.client(ID).secret_post(SECRET).unwrap()
}

fn session(world: &World, store: &FaultyStore) -> Session {
    Session::new(&client(world), key(), store.as_store(), world.clone()).policy(plain_policy())
}

fn revoke(world: &World, tokens: Tokens) {
    let revocation = tokens.revoke().unwrap();
    let mut dice = world.clone();
    let mut env = Env::new(world.now(), &mut dice);
    let answer = world.server(|server| server.handle(&revocation.request(&mut env).unwrap()));
    assert!(matches!(revocation.respond(&mut env, answer), Ok(Step::Done(()))));
}

fn refresh_of(tokens: &Tokens) -> String {
    tokens.refresh_token().unwrap().expose_secret().to_owned()
}

#[test]
fn what_the_store_held_is_returned_once_and_can_be_revoked() {
    let world = World::new();
    let store = world.store();
    let session = session(&world, &store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    session.token_blocking().unwrap();
    let refresh = store.kept().unwrap().refresh.unwrap();
    let taken = session.forget_and_take_blocking().unwrap();
    assert_eq!(taken.iter().map(refresh_of).collect::<Vec<_>>(), [refresh.as_str()]);
    assert!(store.entry().is_none() && session.peek().is_none());
    taken.into_iter().for_each(|tokens| revoke(&world, tokens));
    let revoked = world.server(|server| {
        let hits = server.hits_at(Endpoint::Revocation);
        hits.filter_map(|hit| hit.parameter("token").map(str::to_owned)).collect::<Vec<_>>()
    });
    assert_eq!(revoked, [refresh]);
    assert!(matches!(session.token_blocking(), Err(SessionError::Empty)));
    assert!(session.forget_and_take_blocking().unwrap().is_empty(), "there is nothing any more");
}

#[test]
fn tokens_that_were_not_stored_are_returned_beside_those_that_were() {
    let world = World::new();
    let store = world.store();
    let session = session(&world, &store);
    session.prime_blocking(world.login()).unwrap();
    let stored = store.kept().unwrap().refresh.unwrap();
    world.advance(LIFE);
    store.fail_times(3, Op::Tokens, Fault::Before);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotStored(_))));
    let taken = session.forget_and_take_blocking().unwrap();
    let taken: Vec<String> = taken.iter().map(refresh_of).collect();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0], stored);
    assert_ne!(taken[1], stored, "the rotated one, which is nowhere else");
    assert!(session.unsaved().is_none());
    // A login that the store did not take.
    store.fail_times(3, Op::Tokens, Fault::Before);
    let tokens = world.login();
    let refresh = refresh_of(&tokens);
    assert!(session.prime_blocking(tokens).is_err());
    let taken = session.forget_and_take_blocking().unwrap();
    assert_eq!(taken.iter().map(refresh_of).collect::<Vec<_>>(), [refresh]);
}

#[test]
fn a_grant_in_doubt_or_lost_is_returned_too() {
    for (net, in_doubt) in
        [(Net::LoseRequest, InDoubt::Never), (Net::Says(400, r#"{"error":"invalid_grant"}"#), InDoubt::Heal)]
    {
        let world = World::new();
        let store = world.store();
        let session = session(&world, &store).policy(plain_policy().in_doubt(in_doubt));
        session.prime_blocking(world.login()).unwrap();
        world.advance(LIFE);
        world.network([net]);
        assert!(session.token_blocking().is_err());
        assert_eq!(session.forget_and_take_blocking().unwrap().len(), 1);
    }
}

#[test]
fn a_logout_that_fails_returns_nothing_and_the_grant_stays() {
    let world = World::new();
    let store = world.store();
    let session = session(&world, &store);
    session.prime_blocking(world.login()).unwrap();
    store.fail(Op::Remove, Fault::Before);
    assert!(matches!(session.forget_and_take_blocking(), Err(SessionError::Store(_))));
    assert!(store.entry().is_some());
    assert_eq!(session.forget_and_take_blocking().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_read_or_is_anothers_is_removed_and_not_returned() {
    let world = World::new();
    let store = world.store();
    let session = session(&world, &store);
    store.put(Some(Value::new(b"garbage".to_vec())));
    assert!(session.forget_and_take_blocking().unwrap().is_empty());
    let other = world.client_named("other");
    let others = Session::new(&other, key(), store.as_store(), world.clone());
    others.prime_blocking(world.login_as(&other)).unwrap();
    assert!(session.forget_and_take_blocking().unwrap().is_empty());
    assert!(store.entry().is_none());
}

#[test]
fn a_plain_logout_and_one_whose_caller_has_gone_keep_nothing() {
    let world = World::new();
    let store = world.store();
    let session = session(&world, &store);
    session.prime_blocking(world.login()).unwrap();
    world.stutter(Stutter::Step);
    let mut logout = Box::pin(session.forget_and_take());
    assert!(poll_once(&mut logout).is_pending());
    drop(logout);
    world.stutter(Stutter::Off);
    pollster::block_on(session.finish());
    assert!(store.entry().is_none(), "the logout was carried out");
    assert!(session.forget_and_take_blocking().unwrap().is_empty(), "and its tokens were kept for no caller");
    session.prime_blocking(world.login()).unwrap();
    session.forget_blocking().unwrap();
    assert!(session.forget_and_take_blocking().unwrap().is_empty());
}

#[test]
fn two_logouts_at_once_give_the_tokens_to_each_caller() {
    let world = World::new();
    let store = world.store();
    let session = session(&world, &store);
    session.prime_blocking(world.login()).unwrap();
    world.stutter(Stutter::Step);
    let mut one = Box::pin(session.forget_and_take());
    let mut two = Box::pin(session.forget_and_take());
    assert!(poll_once(&mut one).is_pending() && poll_once(&mut two).is_pending());
    world.stutter(Stutter::Off);
    let (one, two) = (pollster::block_on(one).unwrap(), pollster::block_on(two).unwrap());
    assert_eq!(one.len() + two.len(), 2, "revoking twice does no harm; losing the tokens would");
}
