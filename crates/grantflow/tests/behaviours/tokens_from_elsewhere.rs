//! Tokens of a grant that a database or another library holds: guarded, refreshed and stored like those of an answer.

use core::time::Duration;

use grantflow::{AuthorizeFault, Error, Misuse, Server, StoredTokens, Tokens, UnixTime, UrlFault};
use http::Request;

use crate::support::*;

fn bound_client() -> grantflow::ConfidentialClient {
    let server =
        Server::with_token_endpoint("https://as.example/token").unwrap().token_for("https://api.example").unwrap();
    server.client(ID).secret_post(SECRET).unwrap()
}

#[test]
fn a_refresh_token_alone_is_enough_and_the_server_takes_it() {
    let mut world = World::new();
    let tokens = world.tokens();
    // What another library stored of the same grant.
    let text = tokens.refresh_token().unwrap().expose_secret().to_owned();
    drop(tokens);
    let tokens = Tokens::of_refresh_token(&world.client, text.as_str()).unwrap().build();
    assert_eq!(tokens.refresh_token().unwrap().expose_secret(), text);
    let exchange = tokens.refresh().unwrap();
    let sent = body(&world.request(&exchange));
    assert!(!sent.contains("scope="), "what the grant covers is not known, so it is not narrowed");
    let renewed = world.run(exchange).unwrap();
    let mut call = Request::get(world.provider.resource_url()).body(Vec::<u8>::new()).unwrap();
    renewed.bearer().unwrap().authorize(&mut call).unwrap();
    assert_eq!(world.provider.handle(&call).status(), 200);
}

#[test]
fn without_an_access_token_they_have_expired_and_nothing_is_sent_in_its_place() {
    let tokens = Tokens::of_refresh_token(&bound_client(), "r-1").unwrap().build();
    for now in [UnixTime::from_secs(0), NOW, UnixTime::from_secs(u64::MAX)] {
        assert!(tokens.is_expired(now) && tokens.expires_within(Duration::ZERO, now));
    }
    assert!(matches!(tokens.bearer().unwrap_err(), Error::Misuse(Misuse::NoAccessToken)));
    let grantflow::AccessToken::Bearer(bearer) = tokens.access_token() else { panic!("not a Bearer token") };
    let mut request = Request::get("https://api.example/").body(()).unwrap();
    let refused = bearer.authorize(&mut request).unwrap_err();
    assert!(matches!(refused, Error::Misuse(Misuse::Authorize(AuthorizeFault::NoToken))), "{refused}");
    assert!(request.headers().is_empty());
    assert!(tokens.unverified_id_token().is_none() && tokens.tolerated().is_empty());
    assert_eq!(tokens.scope().effective(), None);
}

#[test]
fn an_access_token_is_bound_to_the_servers_origins_and_expires_when_it_is_said_to() {
    let at = UnixTime::from_secs(1_750_000_600);
    let tokens =
        Tokens::of_refresh_token(&bound_client(), "r-1").unwrap().access_token("a-1", Some(at)).unwrap().build();
    assert_eq!(tokens.expires_at(), Some(at));
    assert!(!tokens.is_expired(NOW) && tokens.is_expired(at) && tokens.expires_within(Duration::from_secs(600), NOW));
    let authorize = |uri: &str| {
        let mut request = Request::get(uri).body(()).unwrap();
        tokens.bearer().unwrap().authorize(&mut request).map(|()| request.headers()["authorization"].clone())
    };
    assert_eq!(authorize("https://api.example/x").unwrap(), "Bearer a-1");
    for other in ["https://evil.example/", "https://api.example:8443/", "http://api.example/", "https://u@api.example/"]
    {
        assert!(authorize(other).is_err(), "{other}");
    }
    let unknown = Tokens::of_refresh_token(&bound_client(), "r").unwrap().access_token("a", None).unwrap().build();
    assert_eq!(unknown.expires_at(), None);
    assert!(!unknown.is_expired(UnixTime::from_secs(u64::MAX)), "its expiry is not known");
}

#[test]
fn what_cannot_be_a_token_is_refused() {
    let client = bound_client();
    for empty in ["", " ", "   "] {
        let refused = Tokens::of_refresh_token(&client, empty).unwrap_err();
        assert!(matches!(refused, Error::Misuse(Misuse::EmptyToken)), "{empty:?}");
        let refused = Tokens::of_refresh_token(&client, "r").unwrap().access_token(empty, None).unwrap_err();
        assert!(matches!(refused, Error::Misuse(Misuse::EmptyToken)), "{empty:?}");
    }
    for bad in ["r-1\n", "\r\nr-1", "r\0", "r\t1", "r\u{7f}", "r\u{85}", "é", "r\u{2028}", "\u{feff}r"] {
        let refused = Tokens::of_refresh_token(&client, bad).unwrap_err();
        assert!(matches!(refused, Error::Misuse(Misuse::TokenCharacter)), "{bad:?}");
        assert!(!refused.to_string().contains(bad), "{refused}");
        let refused = Tokens::of_refresh_token(&client, "r").unwrap().access_token(bad, None).unwrap_err();
        assert!(matches!(refused, Error::Misuse(Misuse::TokenCharacter)), "{bad:?}");
    }
    let builder = || Tokens::of_refresh_token(&client, "r").unwrap();
    assert!(matches!(builder().scope("a\"b").unwrap_err(), Error::Misuse(Misuse::Scope)));
    assert!(matches!(
        builder().resource("https://a..b/").unwrap_err(),
        Error::Misuse(Misuse::Url { fault: UrlFault::Malformed, .. })
    ));
    let twice = builder().resource("https://api.example/").unwrap().resource("https://api.example/");
    assert!(matches!(twice.unwrap_err(), Error::Misuse(Misuse::DuplicateParameter)));
}

#[test]
fn scope_and_resources_go_with_the_grant() {
    let tokens = Tokens::of_refresh_token(&bound_client(), "r-1")
        .unwrap()
        .scope("read write")
        .unwrap()
        .resource("https://api.example/a")
        .unwrap()
        .resource("urn:b")
        .unwrap()
        .build();
    assert_eq!(tokens.scope().effective().unwrap().as_str(), "read write");
    let world = World::new();
    let exchange = tokens.refresh().unwrap();
    let mut world = world;
    let sent = body(&world.request(&exchange));
    let resources: Vec<String> =
        pairs(&sent).into_iter().filter(|(name, _)| name == "resource").map(|(_, value)| value).collect();
    assert_eq!(resources, ["https://api.example/a", "urn:b"]);
    // Narrower is possible, wider is not.
    assert!(exchange.scope("read").is_ok());
    let again = Tokens::of_refresh_token(&bound_client(), "r").unwrap().scope("read").unwrap().build();
    assert!(again.refresh().unwrap().scope("write").is_err());
}

#[test]
fn they_are_stored_and_restored_like_all_others() {
    let client = bound_client();
    for tokens in [
        Tokens::of_refresh_token(&client, "r-1").unwrap().build(),
        Tokens::of_refresh_token(&client, "r-1")
            .unwrap()
            .access_token("a-1", Some(NOW))
            .unwrap()
            .scope("read")
            .unwrap()
            .build(),
    ] {
        let (scope, expires) = (tokens.scope().clone(), tokens.expires_at());
        let access = tokens.bearer().ok().map(|token| token.expose_secret().to_owned());
        let stored = serde_json::to_string(&tokens.into_stored()).unwrap();
        let back = Tokens::from_stored(serde_json::from_str::<StoredTokens>(&stored).unwrap(), &client).unwrap();
        assert_eq!((back.scope(), back.expires_at()), (&scope, expires));
        assert_eq!(back.bearer().ok().map(|token| token.expose_secret()), access.as_deref());
        assert_eq!(back.refresh_token().unwrap().expose_secret(), "r-1");
        // Only as this client's.
        let other = World::new();
        assert!(Tokens::from_stored(serde_json::from_str::<StoredTokens>(&stored).unwrap(), &other.client).is_err());
    }
}

#[test]
fn nothing_on_the_way_shows_a_token() {
    let client = bound_client();
    let builder =
        Tokens::of_refresh_token(&client, "refresh-canary").unwrap().access_token("access-canary", None).unwrap();
    let mut shown = format!("{builder:?} {builder:#?}");
    let tokens = builder.build();
    shown += &format!("{tokens:?} {tokens:#?} {:?}", tokens.access_token());
    let exchange = tokens.refresh().unwrap();
    shown += &format!("{exchange:?} {exchange:#?}");
    shown += &format!("{:?}", exchange.into_tokens().into_stored());
    for error in [
        Tokens::of_refresh_token(&client, "refresh-canary\n").unwrap_err(),
        Tokens::of_refresh_token(&client, "r").unwrap().access_token("access-canary\n", None).unwrap_err(),
    ] {
        shown += &format!("{error} {error:?} {error:#?}");
    }
    assert!(!shown.contains("canary"), "{shown}");
}
