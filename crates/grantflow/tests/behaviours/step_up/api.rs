//! From end to end, against the testkit's API.

use grantflow_testkit::{Endpoint, Misbehaviour};

use super::*;
use crate::support::{ID, REDIRECT_URI, SECRET, World};

/// Calls the API with these tokens.
fn call(world: &mut World, tokens: &Tokens) -> http::Response<Vec<u8>> {
    let mut request = http::Request::get(world.provider.endpoint_url(Endpoint::Resource)).body(Vec::new()).unwrap();
    tokens.bearer().unwrap().authorize(&mut request).unwrap();
    world.provider.handle(&request)
}

fn log_in(world: &mut World, authorization: &Authorization) -> Tokens {
    let exchange = world.exchange_of(authorization);
    world.run(exchange).unwrap()
}

/// One operation: logins until the API is content or there is an end. Gives the last status and what it ended with.
fn operation(
    world: &mut World,
    authorization: &mut Authorization,
    tokens: &mut Tokens,
    attempts: &mut StepUpAttempts,
) -> (u16, Option<NoStepUp>) {
    for _ in 0..20 {
        let response = call(world, tokens);
        let status = response.status().as_u16();
        let Some(step_up) = StepUp::of(response.status(), response.headers()) else { return (status, None) };
        match authorization.step_up(&step_up, tokens.scope(), attempts) {
            Ok(next) => *authorization = next,
            Err(end) => return (status, Some(end)),
        }
        *tokens = log_in(world, authorization);
    }
    panic!("the operation has no end")
}

#[test]
fn an_api_gets_the_scope_and_the_login_that_it_wants() {
    let mut world = World::new();
    let mut authorization = world.authorization();
    let mut tokens = log_in(&mut world, &authorization);
    let mut operation = |world: &mut World| {
        let mut attempts = StepUpAttempts::new();
        let (status, end) = operation(world, &mut authorization, &mut tokens, &mut attempts);
        assert!(end.is_none(), "{end:?}");
        (status, attempts.made(), tokens.scope().effective().unwrap().as_str().to_owned())
    };
    assert_eq!(operation(&mut world), (200, 0, "read write".to_owned()));
    world.provider.knobs().required_scope = Some("extra".to_owned());
    assert_eq!(operation(&mut world), (200, 1, "read write extra".to_owned()));
    // RFC 9470: the best of several that the server knows, and then a login that is new enough.
    world.provider.knobs().required_acr_values = vec!["gold".to_owned(), "silver".to_owned()];
    assert_eq!(operation(&mut world), (200, 1, "read write extra".to_owned()));
    world.provider.knobs().required_max_age = Some(60);
    assert_eq!(operation(&mut world), (200, 0, "read write extra".to_owned()));
    for seconds in [61, 61] {
        world.provider.advance(seconds);
        assert_eq!(
            operation(&mut world),
            (200, 1, "read write extra".to_owned()),
            "a new operation has its own attempts"
        );
    }
}

#[test]
fn an_api_that_wants_what_the_server_does_not_grant_is_final() {
    // The server gives "read" for every request.
    let mut world = World::new();
    world.provider.knobs().narrow_scope = Some("read".to_owned());
    world.provider.knobs().required_scope = Some("extra".to_owned());
    let mut authorization = world.authorization();
    let mut tokens = log_in(&mut world, &authorization);
    let mut attempts = StepUpAttempts::new();
    let (status, end) = operation(&mut world, &mut authorization, &mut tokens, &mut attempts);
    assert_eq!((status, attempts.made()), (403, 1));
    assert!(matches!(end, Some(NoStepUp::NothingNew)), "{end:?}");

    // The server knows no such login, and says so in the callback.
    let mut world = World::new();
    world.provider.knobs().acr_values_supported = vec!["bronze".to_owned()];
    world.provider.knobs().required_acr_values = vec!["gold".to_owned()];
    let authorization = world.authorization();
    let tokens = log_in(&mut world, &authorization);
    let response = call(&mut world, &tokens);
    let step_up = StepUp::of(response.status(), response.headers()).unwrap();
    let next = authorization.step_up(&step_up, tokens.scope(), &mut StepUpAttempts::new()).unwrap();
    let Redirect { url, pending } = world.start(&next);
    let callback = world.provider.visit(url.as_str()).unwrap();
    let Callback::Denied(refusal) = pending.receive_url(&callback.url) else { panic!("not denied") };
    assert_eq!(refusal.code(), &ErrorCode::UnmetAuthenticationRequirements);
    assert_eq!(refusal.next(), Next::FixConfiguration, "the same request will be denied again");
}

/// No answer of an API makes more than one login, however often it comes.
#[test]
fn every_misbehaviour_of_an_api_comes_to_an_end() {
    let mut step_ups = 0;
    for how in Misbehaviour::all_at(Endpoint::Resource) {
        let mut world = World::new();
        let client = grantflow_testkit::Client::confidential(ID, SECRET).redirect_uri(REDIRECT_URI);
        world.provider.register(client.scope("read write admin"));
        world.provider.knobs().always_at(Endpoint::Resource, how.clone());
        let mut authorization = world.authorization();
        let mut tokens = log_in(&mut world, &authorization);
        let mut attempts = StepUpAttempts::new();
        let (_, end) = operation(&mut world, &mut authorization, &mut tokens, &mut attempts);
        step_ups += u32::from(attempts.made());
        assert!(attempts.made() <= 1, "{how:?}: the same is asked for once");
        assert!(!matches!(end, Some(NoStepUp::TooOften | NoStepUp::Request(_))), "{how:?}: {end:?}");
    }
    assert!(step_ups >= 4, "only {step_ups} of the API's answers were a step-up");
}
