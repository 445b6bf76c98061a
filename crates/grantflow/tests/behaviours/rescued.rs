//! A refresh that rotates the token and is refused for another member: the new token is what is left.

use grantflow::{ClientCredentials, Error, Failure, Left, Next, Quirk, RefreshExchange, Tokens};

use crate::support::*;

fn refresh_with(world: &mut World, status: u16, text: &str) -> Result<Tokens, Failure<RefreshExchange>> {
    let exchange = world.tokens().refresh().unwrap();
    world.answer(exchange, json(status, text))
}

/// The refresh token that the next request of this exchange sends.
fn sends(world: &mut World, exchange: &RefreshExchange) -> String {
    parameter(&body(&world.request(exchange)), "refresh_token")
}

#[test]
fn the_new_refresh_token_is_what_is_left() {
    for members in [
        r#""access_token":"a""#,
        r#""access_token":"a","token_type":null"#,
        r#""access_token":"a","token_type":"mac""#,
        r#""access_token":"a","token_type":["Bearer"]"#,
        r#""token_type":"Bearer""#,
        r#""access_token":"","token_type":"Bearer""#,
        r#""access_token":"a\u0000b","token_type":"Bearer""#,
        r#""access_token":{"token":"a"},"token_type":"Bearer""#,
        r#""access_token":"a","access_token":"a","token_type":"Bearer""#,
        r#""access_token":"a","token_type":"Bearer","token_type":"Bearer""#,
        r#""access_token":"a","token_type":"Bearer","id_token":"i","id_token":"i""#,
        r#""access_token":"a","token_type":"Bearer","expires_in":1e999"#,
    ] {
        let mut world = World::new();
        let text = format!(r#"{{{members},"refresh_token":"new"}}"#);
        let failure = refresh_with(&mut world, 200, &text).unwrap_err();
        assert_eq!((failure.error.next(), failure.error.answer_refused()), (Next::FixConfiguration, true), "{members}");
        let Left::Intact(exchange) = failure.left else { panic!("{members}: the new token is lost") };
        assert!(exchange.is_rescued(), "{members}");
        assert_eq!(sends(&mut world, &exchange), "new", "{members}");
        // It can be stored, and is restored.
        let stored = serde_json::to_string(&exchange.into_tokens().into_stored()).unwrap();
        let tokens = Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &world.client).unwrap();
        assert_eq!(tokens.refresh_token().unwrap().expose_secret(), "new", "{members}");
    }
}

#[test]
fn it_continues_after_the_settings_are_corrected() {
    let mut world = World::new();
    let rotated = r#"{"access_token":"a","refresh_token":"new"}"#;
    let Left::Intact(exchange) = refresh_with(&mut world, 200, rotated).unwrap_err().left else { panic!() };
    let stored = exchange.into_tokens().into_stored();
    let mended = World::with(|server| server.quirk(Quirk::MissingTokenType).unwrap()).client;
    let exchange = Tokens::from_stored(stored, &mended).unwrap().refresh().unwrap();
    assert!(!exchange.is_rescued());
    assert_eq!(sends(&mut world, &exchange), "new");
    let tokens = world.answer(exchange, json(200, r#"{"access_token":"b","refresh_token":"newer"}"#)).unwrap();
    assert_eq!(tokens.refresh_token().unwrap().expose_secret(), "newer");
}

#[test]
fn a_rescued_exchange_that_is_refused_again_is_rescued_again() {
    let mut world = World::new();
    let mut exchange = world.tokens().refresh().unwrap();
    for token in ["n1", "n2", "n3"] {
        let text = format!(r#"{{"access_token":"a","refresh_token":"{token}"}}"#);
        let Left::Intact(next) = world.answer(exchange, json(200, &text)).unwrap_err().left else { panic!() };
        assert!(next.is_rescued() && sends(&mut world, &next) == token);
        exchange = *next;
    }
}

#[test]
fn a_contradiction_rescues_nothing() {
    for (status, text) in [
        (200, r#"{"access_token":"a","refresh_token":"new","error":"invalid_grant"}"#),
        (200, r#"{"refresh_token":"new","error":"invalid_grant"}"#),
        (400, r#"{"refresh_token":"new","error":"invalid_grant"}"#),
        (200, r#"{"access_token":"a","refresh_token":"new","error":null}"#),
        (200, r#"{"access_token":"a","refresh_token":"new","refresh_token":"new"}"#),
        (200, r#"{"access_token":"a","refresh_token":"new","refresh_token":"newer","token_type":"Bearer"}"#),
        (200, r#"{"access_token":"a","refresh_token":"new","error_uri":"a","error_uri":"b"}"#),
        (200, r#"{"access_token":"a","refresh_token":""}"#),
        (200, r#"{"access_token":"a","refresh_token":7}"#),
        (200, r#"{"access_token":"a"}"#),
        (200, r#"[{"access_token":"a","refresh_token":"new"}]"#),
        (200, "{\"access_token\":\"a\",\"refresh_token\":\"new\""),
        (200, "\u{feff}{\"access_token\":\"a\",\"refresh_token\":\"new\"}"),
        // Only a 2xx grants.
        (400, r#"{"access_token":"a","refresh_token":"new"}"#),
        (502, r#"{"access_token":"a","refresh_token":"new"}"#),
        (302, r#"{"access_token":"a","refresh_token":"new"}"#),
    ] {
        let mut world = World::new();
        let tokens = world.tokens();
        let old = tokens.refresh_token().unwrap().expose_secret().to_owned();
        let failure = world.answer(tokens.refresh().unwrap(), json(status, text)).unwrap_err();
        let Left::Unknown(exchange) = failure.left else { panic!("{status} {text}: {:?}", failure.left) };
        assert!(!exchange.is_rescued() && sends(&mut world, &exchange) == old, "{status} {text}");
    }
}

#[test]
fn an_answer_that_granted_something_and_was_refused_is_told_from_all_else() {
    let refused = |status: u16, text: &str| {
        let mut world = World::new();
        let exchange = world.exchange();
        let login = world.answer(exchange, json(status, text)).unwrap_err();
        let refresh = refresh_with(&mut world, status, text).unwrap_err();
        let own = world.answer(ClientCredentials::new(&world.client.clone()), json(status, text)).unwrap_err();
        assert!(matches!(login.left, Left::Unknown(_)) || matches!(login.error, Error::Refused(_)) || status == 503);
        let answers = [login.error, refresh.error, own.error].map(|error| error.answer_refused());
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{status} {text}");
        answers[0]
    };
    for text in [
        r#"{"access_token":"a"}"#,
        r#"{"refresh_token":"r"}"#,
        r#"{"refresh_token":"r","refresh_token":"r"}"#,
        r#"{"access_token":"a","token_type":"bearer","error":"x"}"#,
        r#"{"access_token":7,"token_type":"bearer"}"#,
        r#"{"access_token":"a","access_token":"a","token_type":"bearer"}"#,
        r#"{"access_token":"a","token_type":"bearer","expires_in":1e999}"#,
    ] {
        assert!(refused(200, text) && refused(201, text), "{text}");
        assert!(!refused(400, text) && !refused(503, text), "{text}: nothing was granted");
    }
    for text in [
        "{}",
        r#"{"token_type":"bearer"}"#,
        r#"{"access_token":null,"refresh_token":""}"#,
        r#"{"error":"x"}"#,
        "<html>",
        "",
        r#"[{"access_token":"a"}]"#,
        r#"{"access_token":"a""#,
        r#"{"data":{"access_token":"a"}}"#,
    ] {
        assert!(!refused(200, text), "{text}");
    }
}
