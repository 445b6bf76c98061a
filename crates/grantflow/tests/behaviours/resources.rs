//! Resource indicators (RFC 8707): a token request names a part of what the grant is for, and its renewal names it again.

use grantflow::{Error, Exchange, Failure, Left, Misuse, PendingCallback, Tokens};

use crate::support::*;

const A: &str = "https://a.example/";
const B: &str = "https://b.example/v1";
const C: &str = "urn:example:c";

fn named(request: &http::Request<grantflow::Body>) -> Vec<String> {
    pairs(&body(request)).into_iter().filter(|(name, _)| name == "resource").map(|(_, value)| value).collect()
}

/// A code of a grant for these resources.
fn code(world: &mut World, resources: &[&str]) -> grantflow::CodeExchange {
    let mut authorization = world.authorization();
    for resource in resources {
        authorization = authorization.resource(resource).unwrap();
    }
    world.exchange_of(&authorization)
}

fn misuse<X: Exchange>(failure: Failure<X>) -> (Misuse, X) {
    let (Error::Misuse(misuse), Left::Intact(left)) = (failure.error, failure.left) else { panic!("it is lost") };
    (misuse, *left)
}

fn stored(world: &World, tokens: Tokens) -> Tokens {
    let text = serde_json::to_string(&tokens.into_stored()).unwrap();
    Tokens::from_stored(serde_json::from_str(&text).unwrap(), &world.client).unwrap()
}

#[test]
fn without_a_choice_every_request_names_all_of_them() {
    let mut world = World::new();
    let exchange = code(&mut world, &[A, B]);
    assert_eq!(named(&world.request(&exchange)), [A, B]);
    let tokens = world.run(exchange).unwrap();
    assert_eq!(tokens.resources(), [A, B]);
    let tokens = stored(&world, tokens);
    assert_eq!(tokens.resources(), [A, B]);
    assert_eq!(named(&world.request(&tokens.refresh().unwrap())), [A, B]);
}

#[test]
fn a_token_for_one_resource_is_renewed_for_that_resource_also_from_a_store() {
    let mut world = World::new();
    let exchange = code(&mut world, &[A, B, C]).resource(B).unwrap();
    assert_eq!(named(&world.request(&exchange)), [B]);
    let tokens = world.run(exchange).unwrap();
    assert_eq!(tokens.resources(), [B]);
    let tokens = stored(&world, tokens);
    assert_eq!(tokens.resources(), [B]);
    let refresh = tokens.refresh().unwrap();
    assert_eq!(named(&world.request(&refresh)), [B]);
    let tokens = world.run(refresh).unwrap();
    assert_eq!(tokens.resources(), [B]);

    // The refresh token is for all of them: another one can be chosen at any time.
    let refresh = tokens.refresh().unwrap().resource(C).unwrap().resource(A).unwrap();
    assert_eq!(named(&world.request(&refresh)), [C, A]);
    let tokens = world.run(refresh).unwrap();
    let tokens = stored(&world, tokens);
    assert_eq!(tokens.resources(), [C, A]);
    let refresh = tokens.refresh().unwrap();
    assert_eq!(named(&world.request(&refresh)), [C, A]);
    let tokens = world.run(refresh.resource(A).unwrap().resource(B).unwrap().resource(C).unwrap()).unwrap();
    assert_eq!(tokens.resources(), [A, B, C]);
    assert_eq!(named(&world.request(&tokens.refresh().unwrap())), [A, B, C]);
}

#[test]
fn a_resource_that_the_grant_does_not_have_is_refused_and_nothing_is_lost() {
    let mut world = World::new();
    let exchange = code(&mut world, &[A, B]);
    let (why, exchange) = misuse(exchange.resource(C).unwrap_err());
    assert_eq!(why, Misuse::WiderResource);
    // Byte for byte, as the server compares it.
    let (why, exchange) = misuse(exchange.resource("https://a.example").unwrap_err());
    assert_eq!(why, Misuse::WiderResource);
    let (why, exchange) = misuse(exchange.resource(A).unwrap().resource(A).unwrap_err());
    assert_eq!(why, Misuse::DuplicateParameter);
    let tokens = world.run(exchange).unwrap();
    let refresh = tokens.refresh().unwrap();
    let (why, refresh) = misuse(refresh.resource(C).unwrap_err());
    assert_eq!(why, Misuse::WiderResource);
    assert!(world.run(refresh).is_ok());
}

#[test]
fn a_grant_for_no_resource_may_name_any_at_the_token_endpoint() {
    let mut world = World::new();
    let exchange = code(&mut world, &[]);
    let (why, exchange) = misuse(exchange.resource("not absolute").unwrap_err());
    assert!(matches!(why, Misuse::Url { .. }), "{why}");
    let exchange = exchange.resource(A).unwrap();
    assert_eq!(named(&world.request(&exchange)), [A]);
    let tokens = world.run(exchange).unwrap();
    let tokens = stored(&world, tokens);
    assert_eq!(tokens.resources(), [A]);
    let refresh = tokens.refresh().unwrap();
    assert_eq!(named(&world.request(&refresh)), [A]);
    let refresh = refresh.resource(B).unwrap();
    assert_eq!(named(&world.request(&refresh)), [B]);
}

#[test]
fn a_failed_exchange_that_is_left_names_the_same_resource_again() {
    let mut world = World::new();
    let exchange = code(&mut world, &[A, B]).resource(B).unwrap();
    let failure = world.answer(exchange, json(429, "")).unwrap_err();
    let Left::Intact(exchange) = failure.left else { panic!("it is lost") };
    assert_eq!(named(&world.request(&*exchange)), [B]);
    let tokens = world.run(*exchange).unwrap();
    let refresh = tokens.refresh().unwrap().resource(A).unwrap();
    let failure = world.answer(refresh, json(429, "")).unwrap_err();
    let Left::Intact(refresh) = failure.left else { panic!("it is lost") };
    assert_eq!(named(&world.request(&*refresh)), [A]);
    // Given back, they are the tokens as they were.
    assert_eq!(refresh.into_tokens().resources(), [B]);
}

#[test]
fn a_stored_login_and_a_changed_byte_of_a_choice() {
    let mut world = World::new();
    let authorization = world.authorization().resource(A).unwrap().resource(B).unwrap();
    let redirect = world.start(&authorization);
    let callback = world.provider.visit(redirect.url.as_str()).unwrap();
    let text = serde_json::to_string(&redirect.pending.into_stored()).unwrap();
    let pending = PendingCallback::from_stored(serde_json::from_str(&text).unwrap(), &world.client).unwrap();
    let exchange = granted(pending.receive_url(&callback.url)).resource(B).unwrap();
    let tokens = world.run(exchange).unwrap();
    let text = serde_json::to_string(&tokens.into_stored()).unwrap();
    let at = text.rfind("b.example").unwrap();
    let damaged = format!("{}c{}", &text[..at], &text[at + 1..]);
    let restored = Tokens::from_stored(serde_json::from_str(&damaged).unwrap(), &world.client);
    assert!(matches!(restored, Err(Error::Misuse(Misuse::Stored(grantflow::StoredFault::Damaged)))));
}
