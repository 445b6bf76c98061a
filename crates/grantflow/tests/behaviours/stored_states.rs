//! States that wait for a person or outlive the process can be stored, and are restored unchanged or not at all.

use grantflow::{Error, Misuse, PendingCallback, Server, StoredCallback, StoredFault, StoredTokens, Tokens};

use crate::support::*;

fn fault<T>(result: Result<T, Error>) -> StoredFault {
    match result.err().expect("it was restored") {
        Error::Misuse(Misuse::Stored(fault)) => fault,
        other => panic!("{other}"),
    }
}

/// Trackmania's flow.
fn trackmania() -> (grantflow::ConfidentialClient, String, String) {
    let server =
        Server::new("https://api.trackmania.com/oauth/authorize", "https://api.trackmania.com/api/access_token")
            .unwrap();
    let client = server.client("7f3a1c90d2b54e68").secret_post("secret").unwrap();
    let mut world = World::new();
    let authorization = grantflow::Authorization::new(&client, "https://app.example.com/oauth/callback").unwrap();
    let start = world.start(&authorization.scope("read_favorite write_favorite").unwrap());
    let state = parameter(start.url.as_str(), "state");
    (client, serde_json::to_string(&start.pending.into_stored()).unwrap(), state)
}

#[test]
fn a_stored_pending_grant_is_small_and_holds_no_client_secret() {
    let (client, stored, state) = trackmania();
    assert!(stored.len() <= 1024, "{} bytes", stored.len());
    assert!(!stored.contains("\"secret\""), "the client's secret was stored");
    let pending = PendingCallback::from_stored(serde_json::from_str(&stored).unwrap(), &client).unwrap();
    let _ = granted(pending.receive_url(&format!("https://app.example.com/oauth/callback?code=a&state={state}")));
}

/// Written by the release before the core's rooms were laid.
#[test]
fn a_restored_grant_prints_no_scope_because_a_challenge_may_have_named_it() {
    let mut world = World::new();
    let authorization = world.authorization();
    let pending = world.start(&authorization).pending;
    assert!(format!("{pending:?}").contains(SCOPE), "the program wrote it");
    let pending = PendingCallback::from_stored(pending.into_stored(), &world.client).unwrap();
    assert!(!format!("{pending:?}").contains(SCOPE));
}

#[test]
fn a_pending_grant_of_an_older_release_is_restored_and_goes_on() {
    let server = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    let client = server.issuer("https://as.example").unwrap().client("app").secret_post("secret").unwrap();
    let text = include_str!("../vectors/stored_callback_v1.json");
    let pending = PendingCallback::from_stored(serde_json::from_str(text).unwrap(), &client).unwrap();
    let callback = "https://app.example/cb?code=c-1&state=1lnM5lrzmvYpuvvyfCC6DBof1DVrjd5iPbAkoFGgnxI";
    let exchange = granted(pending.receive_url(callback));
    let request = World::new().request(&exchange);
    let body = core::str::from_utf8(request.body().as_ref()).unwrap();
    assert_eq!(
        body,
        "grant_type=authorization_code&code=c-1&redirect_uri=https%3A%2F%2Fapp.example%2Fcb\
         &code_verifier=HMWOWspq3B3_5Iq4zRb0BS-iquh8wh0o1rN3BkkW7DU&resource=https%3A%2F%2Fapi.example%2F\
         &client_id=app&client_secret=secret"
    );
    // It is written as it was, so that a process of the older release can read it.
    let pending = PendingCallback::from_stored(serde_json::from_str(text).unwrap(), &client).unwrap();
    let again = serde_json::to_value(pending.into_stored()).unwrap();
    assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).unwrap());
}

#[test]
fn every_flipped_bit_of_a_stored_pending_grant_is_noticed() {
    let (client, stored, _) = trackmania();
    let mut refused = 0;
    for at in 0..stored.len() {
        for bit in 0..8 {
            let mut bytes = stored.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(damaged) = serde_json::from_slice::<StoredCallback>(&bytes) else { continue };
            assert!(PendingCallback::from_stored(damaged, &client).is_err(), "byte {at}, bit {bit}");
            refused += 1;
        }
    }
    assert!(refused > 1000, "only {refused} changes were still JSON: the test looks at nothing");
}

#[test]
fn every_flipped_bit_of_stored_tokens_is_noticed() {
    let mut world = World::new();
    let answer =
        r#"{"access_token":"a","token_type":"Bearer","expires_in":60,"refresh_token":"r","scope":"read","x":1}"#;
    let exchange = world.exchange();
    let tokens = world.answer(exchange, json(200, answer)).unwrap();
    let stored = serde_json::to_string(&tokens.into_stored()).unwrap();
    let mut refused = 0;
    for at in 0..stored.len() {
        for bit in 0..8 {
            let mut bytes = stored.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(damaged) = serde_json::from_slice::<StoredTokens>(&bytes) else { continue };
            assert!(Tokens::from_stored(damaged, &world.client).is_err(), "byte {at}, bit {bit}");
            refused += 1;
        }
    }
    assert!(refused > 1000, "only {refused} changes were still JSON: the test looks at nothing");
}

#[test]
fn a_future_version_is_told_from_damage() {
    let (client, stored, _) = trackmania();
    let mut value: serde_json::Value = serde_json::from_str(&stored).unwrap();
    value["v"] = 2.into();
    value["a_new_field"] = serde_json::json!([1, { "deep": true }]);
    assert_eq!(
        fault(PendingCallback::from_stored(serde_json::from_value(value).unwrap(), &client)),
        StoredFault::Version
    );
    assert_eq!(fault(PendingCallback::from_stored(serde_json::from_str("{}").unwrap(), &client)), StoredFault::Version);
    assert_eq!(
        fault(PendingCallback::from_stored(serde_json::from_str(r#"{"v":1}"#).unwrap(), &client)),
        StoredFault::Damaged
    );

    let mut world = World::new();
    let mut value = serde_json::to_value(world.tokens().into_stored()).unwrap();
    value["v"] = 7.into();
    assert_eq!(fault(Tokens::from_stored(serde_json::from_value(value).unwrap(), &world.client)), StoredFault::Version);
}

#[test]
fn another_client_issuer_or_token_endpoint_is_refused() {
    let server = |token: &str| Server::new("https://as.example/oauth/authorize", token).unwrap();
    let token = "https://as.example/api/access_token";
    let others = [
        server(token).client("other-id").secret_post(SECRET).unwrap(),
        server("https://as.example/api/access_token/").client(ID).secret_post(SECRET).unwrap(),
        server("https://as.example/api%2Faccess_token").client(ID).secret_post(SECRET).unwrap(),
        server("https://as.example:8443/api/access_token").client(ID).secret_post(SECRET).unwrap(),
        server("https://as.example/api/access_token?tenant=x").client(ID).secret_post(SECRET).unwrap(),
        server("https://evil.example/api/access_token").client(ID).secret_post(SECRET).unwrap(),
    ];
    for other in others {
        let mut world = World::new();
        let (pending, _) = world.pending();
        assert_eq!(
            fault(PendingCallback::from_stored(pending.into_stored(), &other)),
            StoredFault::OtherClient,
            "{other:?}"
        );
        let tokens = world.tokens();
        assert_eq!(fault(Tokens::from_stored(tokens.into_stored(), &other)), StoredFault::OtherClient, "{other:?}");
    }
    // The same client in another process, with a rotated secret, is the same client.
    let mut world = World::new();
    let (pending, _) = world.pending();
    let again = server(token).client(ID).secret_basic("new-secret").unwrap();
    assert!(PendingCallback::from_stored(pending.into_stored(), &again).is_ok());
}

#[test]
fn everything_about_tokens_survives_and_tomorrow_they_are_refreshed() {
    #[derive(serde::Deserialize)]
    struct Site {
        instance_url: String,
    }
    let mut world = World::new();
    let authorization = world.authorization().resource("https://api.example/").unwrap();
    let exchange = world.exchange_of(&authorization);
    let request = world.request(&exchange);
    let code_answer = world.provider.handle(&request);
    let mut answer: serde_json::Value = serde_json::from_slice(code_answer.body()).unwrap();
    answer["instance_url"] = "https://x.example".into();
    answer["scope"] = "read".into();
    answer["id_token"] = "a.b.c".into();
    let tokens = world.answer(exchange, json(200, &answer.to_string())).unwrap();
    let (received, expires, scope) = (tokens.received_at(), tokens.expires_at(), tokens.scope().clone());

    let text = serde_json::to_string(&tokens.into_stored()).unwrap();
    world.provider.advance(86_400);
    let tokens = Tokens::from_stored(serde_json::from_str(&text).unwrap(), &world.client).unwrap();
    assert_eq!((tokens.received_at(), tokens.expires_at(), tokens.scope()), (received, expires, &scope));
    assert_eq!(tokens.extra::<Site>().unwrap().instance_url, "https://x.example");
    assert_eq!(tokens.unverified_id_token().unwrap().expose_secret(), "a.b.c");
    assert!(tokens.is_expired(world.now()));

    let tokens = world.run(tokens.refresh().unwrap()).unwrap();
    assert_eq!(world.provider.log().last().unwrap().resources, ["https://api.example/"]);
    assert!(!tokens.is_expired(world.now()));
}
