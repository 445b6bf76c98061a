//! A refresh rotates, keeps what the server omits, asks for no more than before, and loses nothing.

use grantflow::{Error, ErrorCode, Left, Misuse, Next, Tokens};

use crate::support::*;

fn refresh_token(tokens: &Tokens) -> String {
    tokens.refresh_token().unwrap().expose_secret().to_owned()
}

#[test]
fn it_rotates_and_the_old_token_is_sent_once() {
    let mut world = World::new();
    let mut tokens = world.tokens();
    let mut seen = vec![refresh_token(&tokens)];
    for _ in 0..5 {
        tokens = world.run(tokens.refresh().unwrap()).unwrap();
        let new = refresh_token(&tokens);
        assert!(!seen.contains(&new));
        seen.push(new);
    }
    let sent: Vec<&str> =
        world.provider.hits("refresh_token").filter_map(|hit| hit.parameter("refresh_token")).collect();
    assert_eq!(sent, seen[..5]);
}

#[test]
fn a_used_token_is_refused_and_the_grant_is_over() {
    let mut world = World::new();
    let stored = serde_json::to_string(&world.tokens().into_stored()).unwrap();
    let restore = |world: &World| Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &world.client).unwrap();
    let first = restore(&world).refresh().unwrap();
    let newer = world.run(first).unwrap();
    let replay = restore(&world).refresh().unwrap();
    let failure = world.run(replay).unwrap_err();
    assert!(matches!(failure.left, Left::Spent));
    assert_eq!((failure.error.code(), failure.error.next()), (Some(&ErrorCode::InvalidGrant), Next::Reauthorize));
    // The server took it for theft.
    assert!(matches!(world.run(newer.refresh().unwrap()).unwrap_err().left, Left::Spent));
}

#[test]
fn what_the_server_leaves_out_is_kept() {
    let mut world = World::new();
    let authorization = world.authorization().resource("urn:api").unwrap();
    let exchange = world.exchange_of(&authorization);
    let first = r#"{"access_token":"a1","token_type":"Bearer","refresh_token":"r1","scope":"read","site":"x"}"#;
    let tokens = world.answer(exchange, json(200, first)).unwrap();
    let tokens =
        world.answer(tokens.refresh().unwrap(), json(200, r#"{"access_token":"a2","token_type":"Bearer"}"#)).unwrap();
    assert_eq!((refresh_token(&tokens).as_str(), tokens.bearer().unwrap().expose_secret()), ("r1", "a2"));
    assert_eq!(
        (tokens.scope().requested().unwrap().as_str(), tokens.scope().explicit().unwrap().as_str()),
        (SCOPE, "read")
    );
    assert_eq!(tokens.expires_at(), None);
    let exchange = tokens.refresh().unwrap();
    assert_eq!(parameter(&body(&world.request(&exchange)), "resource"), "urn:api");
    assert_eq!(parameter(&body(&world.request(&exchange)), "scope"), "", "no scope is sent: that means all of it");

    let widened = r#"{"access_token":"a3","token_type":"Bearer","refresh_token":"r2","scope":"read admin"}"#;
    let tokens = world.answer(exchange, json(200, widened)).unwrap();
    assert_eq!(tokens.scope().is_widened(), Some(true), "a refresh that gives more than there was is seen");
    assert_eq!(refresh_token(&tokens), "r2");
}

#[test]
fn less_scope_may_be_asked_for_and_more_may_not() {
    let mut world = World::new();
    let tokens = world.tokens();
    for wider in ["read write admin", "admin"] {
        let failure = world.tokens().refresh().unwrap().scope(wider).unwrap_err();
        assert!(matches!(failure.error, Error::Misuse(Misuse::WiderScope)));
        assert!(matches!(failure.left, Left::Intact(_)));
    }
    assert!(matches!(world.tokens().refresh().unwrap().scope("a\"b").unwrap_err().error, Error::Misuse(Misuse::Scope)));
    let exchange = tokens.refresh().unwrap().scope("read").unwrap();
    assert_eq!(parameter(&body(&world.request(&exchange)), "scope"), "read");
    let tokens = world.run(exchange).unwrap();
    assert_eq!(tokens.scope().effective().unwrap().as_str(), "read");
    assert_eq!(tokens.scope().is_narrowed(), Some(false), "it is what was asked for");
}

#[test]
fn no_refresh_token_gives_the_tokens_back() {
    let mut world = World::new();
    world.provider.knobs().issue_refresh_token = false;
    let tokens = world.tokens();
    let access = tokens.bearer().unwrap().expose_secret().to_owned();
    let failure = tokens.refresh().unwrap_err();
    assert!(matches!(failure.error, Error::Misuse(Misuse::NoRefreshToken)));
    let Left::Intact(tokens) = failure.left else { panic!("the tokens are gone") };
    assert_eq!(tokens.bearer().unwrap().expose_secret(), access);
}

#[test]
fn giving_up_returns_the_tokens_unchanged() {
    let mut world = World::new();
    let tokens = world.tokens();
    let (access, refresh) = (tokens.bearer().unwrap().expose_secret().to_owned(), refresh_token(&tokens));
    let tokens = tokens.refresh().unwrap().into_tokens();
    assert_eq!((tokens.bearer().unwrap().expose_secret(), refresh_token(&tokens)), (access.as_str(), refresh));
    assert!(world.run(tokens.refresh().unwrap()).is_ok());
}

#[test]
fn client_credentials_never_come_with_a_refresh_token() {
    let mut world = World::new();
    let answer = r#"{"access_token":"a","token_type":"Bearer","refresh_token":"r"}"#;
    let tokens = world.answer(grantflow::ClientCredentials::new(&world.client), json(200, answer)).unwrap();
    assert!(tokens.refresh_token().is_none());
}
