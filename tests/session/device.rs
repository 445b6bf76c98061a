//! A session keeps the tokens of a device grant.

use grantflow::{Client, DeviceRequest, Env, Exchange, Step, Tokens};
use grantflow_session::{Outside as _, State};
use grantflow_testkit::Endpoint;
use grantflow_tests::world::*;

/// A device asks, its person agrees, and it polls once.
fn let_in(world: &World, client: &Client) -> Tokens {
    let mut dice = world.clone();
    let ask = DeviceRequest::new(client).unwrap().scope("read write").unwrap();
    let request = ask.request(&mut Env::new(world.now(), &mut dice)).unwrap();
    let answer = world.server(|server| server.handle(&request));
    let Ok(Step::Done(grant)) = ask.respond(&mut Env::new(world.now(), &mut dice), answer) else { panic!("no code") };
    assert!(world.server(|server| server.approve(grant.user_code())));
    world.advance(grant.rest(world.now()).as_secs());
    let mut env = Env::new(world.now(), &mut dice);
    let request = grant.request(&mut env).unwrap();
    let answer = world.server(|server| server.handle(&request));
    match grant.respond(&mut env, answer) {
        Ok(Step::Done(tokens)) => tokens,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_keeps_what_a_device_grant_brought() {
    let world = World::new();
    let store = world.store();
    let url = world.server(|server| server.endpoint_url(Endpoint::DeviceAuthorization));
    let server = Client::from(&world.client()).server().clone().device_authorization_endpoint(&url).unwrap();
    let client = Client::from(&server.client(ID).secret_post(SECRET).unwrap());
    let tokens = let_in(&world, &client);
    let first = tokens.bearer().unwrap().expose_secret().to_owned();

    let session = world.session(&store);
    assert_eq!(access(&session.prime_blocking(tokens).unwrap()), first);
    assert_eq!(store.kept().unwrap().access, first);
    world.advance(LIFE);
    let second = access(&session.token_blocking().unwrap());
    assert_ne!(second, first, "it is refreshed like any other grant");
    assert_eq!(world.refreshes(), 1);
    // The next process finds it, and the next code replaces a lost grant.
    assert_eq!(access(&world.session(&store).token_blocking().unwrap()), second);
    world.server(|server| server.revoke_all());
    world.advance(LIFE);
    assert!(session.token_blocking().is_err());
    assert_eq!(session.state(), State::Lost);
    let tokens = let_in(&world, &client);
    let third = tokens.bearer().unwrap().expose_secret().to_owned();
    assert_eq!(access(&session.prime_blocking(tokens).unwrap()), third);
    assert_eq!(access(&session.token_blocking().unwrap()), third);
}
