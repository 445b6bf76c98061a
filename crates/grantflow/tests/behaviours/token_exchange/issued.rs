//! What was issued (RFC 8693 §2.2.1): `token_type` says how a token is used, `issued_token_type` says what it is.

use grantflow::{Error, Exchanged, Left, Message, Misuse, Quirk, Scope, TokenExchange, TokenTypeIdentifier, Violation};

use super::*;

/// RFC 8693 §2.3.
#[test]
fn the_answer_of_the_example() {
    let token = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjllciJ9.eyJhdWQiOiJodHRwczovL2JhY2tlbmQuZXhhbXBsZS5jb20iLCJpc3MiOiJodHRwczovL2FzLmV4YW1wbGUuY29tIiwiZXhwIjoxNDQxOTE3NTkzLCJpYXQiOjE0NDE5MTc1MzMsInN1YiI6ImJkY0BleGFtcGxlLmNvbSIsInNjb3BlIjoiYXBpIn0.40y3ZgQedw6rxf59WlwHDD9jryFOr0_Wh3CGozQBihNBhnXEQgU85AI9x3KmsPottVMLPIWvmDCMy5-kdXjwhw";
    let text = format!(
        r#"{{
     "access_token":"{token}",
     "issued_token_type":
         "urn:ietf:params:oauth:token-type:access_token",
     "token_type":"Bearer",
     "expires_in":60
    }}"#
    );
    let exchanged = exchanged(&text);
    assert_eq!(*exchanged.issued_token_type(), TokenTypeIdentifier::ACCESS_TOKEN);
    let tokens = tokens(exchanged);
    assert_eq!(tokens.bearer().unwrap().expose_secret(), token);
    assert_eq!(tokens.expires_at().unwrap().as_secs(), NOW.as_secs() + 60);
}

/// Every combination: the use comes from `token_type`, except that a refresh token is never one for an API.
#[test]
fn how_it_is_used_and_what_it_is() {
    let words = ["access_token", "refresh_token", "id_token", "jwt", "saml1", "saml2", "id-jag"].map(uri);
    let other = "https://as.example/types#voucher".to_owned();
    for kind in words.iter().chain([&other]) {
        let is_refresh = kind.ends_with(":refresh_token");
        for token_type in ["Bearer", "bearer", "BEARER", "DPoP", "dpop"] {
            let got = exchanged(&answer(&format!("\"{token_type}\""), &format!("\"{kind}\""), ""));
            assert_eq!(got.issued_token_type().as_str(), kind);
            assert_eq!(matches!(got, Exchanged::Tokens { .. }), !is_refresh, "{token_type} {kind}");
            assert_eq!(got.to_security_token().expose_secret(), "i-1");
        }
        for token_type in ["N_A", "n_a", "N_a"] {
            let token = issued(exchanged(&answer(&format!("\"{token_type}\""), &format!("\"{kind}\""), "")));
            assert_eq!((token.token_type().as_str(), token.expose_secret()), (kind.as_str(), "i-1"));
        }
    }
    // With a refresh token beside it, the issued token is an access token: Keycloak and zitadel answer like this.
    let refresh = format!("\"{}\"", uri("refresh_token"));
    let both = tokens(exchanged(&answer("\"Bearer\"", &refresh, r#","refresh_token":"r-1""#)));
    assert_eq!(both.bearer().unwrap().expose_secret(), "i-1");
    assert_eq!(both.refresh_token().unwrap().expose_secret(), "r-1");
    // So the next exchange sends it as one.
    let subject = exchanged(&answer("\"Bearer\"", &refresh, r#","refresh_token":"r-1""#)).to_security_token();
    assert_eq!((subject.expose_secret(), subject.token_type()), ("i-1", &TokenTypeIdentifier::ACCESS_TOKEN));
    // The same text twice is no other token.
    issued(exchanged(&answer("\"Bearer\"", &refresh, r#","refresh_token":"i-1""#)));
    // One that cannot be read is none.
    issued(exchanged(&answer("\"Bearer\"", &refresh, r#","refresh_token":null"#)));
}

/// A sender-constrained token stays one.
#[test]
fn a_dpop_token_is_no_bearer_token() {
    let tokens = tokens(exchanged(&answer("\"DPoP\"", &format!("\"{ACCESS_TOKEN}\""), "")));
    assert!(matches!(tokens.bearer(), Err(Error::Misuse(Misuse::NotBearer))));
}

/// `N_A` has a meaning in the answer to an exchange, and in no other.
#[test]
fn no_other_grant_takes_what_is_not_applicable() {
    let text = answer("\"N_A\"", &format!("\"{JWT}\""), "");
    let mut world = World::new();
    let code = world.exchange();
    let failure = world.answer(code, json(200, &text)).unwrap_err();
    assert_eq!(violation(&failure), Violation::UnknownTokenType);
    let said = failure.error.to_string();
    assert!(said.contains("only a token exchange takes it") && !said.contains("Quirk"), "{said}");
    let robot = grantflow::ClientCredentials::new(&world.client);
    assert_eq!(violation(&world.answer(robot, json(200, &text)).unwrap_err()), Violation::UnknownTokenType);
    let assertion = grantflow::AssertionGrant::new(&world.client, grantflow::Assertion::jwt("a.b.c").unwrap());
    assert_eq!(violation(&world.answer(assertion, json(200, &text)).unwrap_err()), Violation::UnknownTokenType);
    let voucher = grantflow::ExtensionGrant::new(&world.client, "urn:x:y").unwrap();
    assert_eq!(violation(&world.answer(voucher, json(200, &text)).unwrap_err()), Violation::UnknownTokenType);
    let tokens = world.tokens();
    let refresh = tokens.refresh().unwrap();
    assert_eq!(violation(&world.answer(refresh, json(200, &text)).unwrap_err()), Violation::UnknownTokenType);
}

#[test]
fn the_type_of_the_issued_token_is_required() {
    let missing = Violation::Missing("issued_token_type");
    let wrong = Violation::WrongType("issued_token_type");
    let rows = [
        (r#"{"access_token":"i-1","token_type":"Bearer"}"#.to_owned(), missing),
        (r#"{"access_token":"i-1","token_type":"N_A"}"#.to_owned(), missing),
        (answer("\"Bearer\"", "null", ""), missing),
        (answer("\"Bearer\"", "\"\"", ""), Violation::Empty("issued_token_type")),
        (answer("\"Bearer\"", "\" \"", ""), wrong),
        (answer("\"Bearer\"", "42", ""), wrong),
        (answer("\"Bearer\"", "[\"urn:x:y\"]", ""), wrong),
        (answer("\"Bearer\"", "{}", ""), wrong),
        (answer("\"Bearer\"", "true", ""), wrong),
        (answer("\"Bearer\"", "\"access_token\"", ""), wrong),
        (answer("\"Bearer\"", "\"urn:x:y\\n\"", ""), wrong),
        (answer("\"Bearer\"", "\"urn:\\u00e9\"", ""), wrong),
        (answer("\"Bearer\"", "\"\\ud800\"", ""), wrong),
        (
            answer("\"Bearer\"", "\"urn:x:y\"", r#","issued_token_type":"urn:x:y""#),
            Violation::Duplicate("issued_token_type"),
        ),
        // Another spelling of the same name.
        (
            answer("\"Bearer\"", "\"urn:x:y\"", r#","issued\u005ftoken_type":"urn:x:z""#),
            Violation::Duplicate("issued_token_type"),
        ),
        // What makes a token secure is checked as for every grant.
        (answer("\"mac\"", "\"urn:x:y\"", ""), Violation::UnknownTokenType),
        (answer("\"N/A\"", "\"urn:x:y\"", ""), Violation::UnknownTokenType),
        (answer("\" N_A\"", "\"urn:x:y\"", ""), Violation::UnknownTokenType),
        (answer("\"\"", "\"urn:x:y\"", ""), Violation::Empty("token_type")),
        (answer("null", "\"urn:x:y\"", ""), Violation::Missing("token_type")),
        (answer("\"N_A\"", "\"urn:x:y\"", r#","access_token":"again""#), Violation::Duplicate("access_token")),
        (answer("\"N_A\"", "\"urn:x:y\"", r#","error":"invalid_request""#), Violation::TokenAndError),
        (r#"{"token_type":"N_A","issued_token_type":"urn:x:y"}"#.to_owned(), Violation::Missing("access_token")),
    ];
    for (text, expected) in rows {
        let mut world = World::new();
        let exchange = exchange(&world);
        let failure = world.answer(exchange, json(200, &text)).unwrap_err();
        assert_eq!(violation(&failure), expected, "{text}");
        assert!(matches!(failure.left, Left::Unknown(_)), "{text}");
    }
}

/// All that a token answer can hold is there, for both kinds of token.
#[test]
fn the_other_members_are_kept() {
    let more = r#","expires_in":300,"scope":"read","refresh_token":"r-1","id_token":"h.p.s","x":7,
        "authorization_details":[{"type":"stock"}]"#;
    let mut world = World::new();
    let ask = |world: &World| exchange(world).scope("read write").unwrap().resource("urn:r:1").unwrap();
    let exchange = ask(&world);
    let token = issued(world.answer(exchange, json(200, &answer("\"N_A\"", &format!("\"{JWT}\""), more))).unwrap());
    assert_eq!(token.received_at(), NOW);
    assert_eq!(token.expires_at().unwrap().as_secs(), NOW.as_secs() + 300);
    assert!(!token.is_expired(NOW) && token.is_expired(token.expires_at().unwrap()));
    assert_eq!(token.scope().effective(), Some(&Scope::new("read").unwrap()));
    assert_eq!(token.scope().is_narrowed(), Some(true));
    assert_eq!(token.resources(), ["urn:r:1"]);
    assert_eq!(token.refresh_token().unwrap().expose_secret(), "r-1");
    assert!(matches!(token.authorization_details(), grantflow::GrantedDetails::Granted(_)));
    assert_eq!(token.extra::<serde_json::Value>().unwrap()["x"], 7);
    assert!(token.tolerated().is_empty());

    let exchange = ask(&world);
    let tokens = tokens(world.answer(exchange, json(200, &answer("\"Bearer\"", &format!("\"{JWT}\""), more))).unwrap());
    assert_eq!(tokens.refresh_token().unwrap().expose_secret(), "r-1");
    assert_eq!(tokens.unverified_id_token().unwrap().expose_secret(), "h.p.s");
    assert_eq!(tokens.resources(), ["urn:r:1"]);

    // What cannot be read costs its own value.
    let exchange = ask(&world);
    let odd = r#","expires_in":"soon","scope":7,"refresh_token":[]"#;
    let token = issued(world.answer(exchange, json(200, &answer("\"N_A\"", &format!("\"{JWT}\""), odd))).unwrap());
    assert_eq!(token.tolerated(), ["expires_in", "refresh_token", "scope"]);
    assert_eq!((token.expires_at(), token.scope().is_narrowed()), (None, None));
}

#[test]
fn quirks_hold_for_the_answer_too() {
    let ask = |quirk: Quirk, text: &str| {
        let mut world = World::with(|server| server.quirk(quirk).unwrap());
        let exchange = exchange(&world);
        world.answer(exchange, json(200, text))
    };
    let renamed = Quirk::renamed(Message::TokenAnswer, "issued_token_type", "issuedTokenType");
    let text = format!(r#"{{"access_token":"i-1","token_type":"N_A","issuedTokenType":"{JWT}"}}"#);
    assert_eq!(*issued(ask(renamed.clone(), &text).unwrap()).token_type(), TokenTypeIdentifier::JWT);
    let old = answer("\"N_A\"", &format!("\"{JWT}\""), "");
    let missing = violation(&ask(renamed, &old).unwrap_err());
    assert_eq!(missing, Violation::Missing("issued_token_type"), "the old name has no meaning any more");
    let nested = format!(r#"{{"issued_token_type":"urn:decoy:x","data":{}}}"#, old);
    assert_eq!(*issued(ask(Quirk::token_path(&["data"]), &nested).unwrap()).token_type(), TokenTypeIdentifier::JWT);
    let form = format!("access_token=i-1&token_type=N_A&issued_token_type={}", JWT.replace(':', "%3A"));
    assert_eq!(*issued(ask(Quirk::FormEncodedAnswer, &form).unwrap()).token_type(), TokenTypeIdentifier::JWT);
    let twice = format!("{form}&issued_token_type=urn:x:y");
    let twice = violation(&ask(Quirk::FormEncodedAnswer, &twice).unwrap_err());
    assert_eq!(twice, Violation::Duplicate("issued_token_type"));
    let silent = format!(r#"{{"access_token":"i-1","issued_token_type":"{JWT}"}}"#);
    assert!(matches!(ask(Quirk::MissingTokenType, &silent).unwrap(), Exchanged::Tokens { .. }));
    let own_word = answer("\"User Access Token\"", &format!("\"{JWT}\""), "");
    let word = Quirk::TokenType("User Access Token".to_owned());
    assert!(matches!(ask(word, &own_word).unwrap(), Exchanged::Tokens { .. }));
    // No quirk makes a Bearer token out of what is not applicable.
    let world = World::new();
    let server = grantflow::Client::from(&world.client).server().clone();
    assert!(server.quirk(Quirk::TokenType("n_a".to_owned())).is_err());
}

#[test]
fn what_is_taken_as_the_wrong_kind_is_not_lost() {
    let got = exchanged(&answer("\"N_A\"", &format!("\"{JWT}\""), ""));
    let failure = got.into_tokens().unwrap_err();
    assert!(matches!(failure.error, Error::Misuse(Misuse::NotAnAccessToken)));
    let Left::Intact(got) = failure.left else { panic!("lost") };
    assert_eq!(got.into_issued().unwrap().expose_secret(), "i-1");

    let got = exchanged(&answer("\"Bearer\"", &format!("\"{JWT}\""), ""));
    let failure = got.into_issued().unwrap_err();
    assert!(matches!(failure.error, Error::Misuse(Misuse::AnAccessToken)));
    let Left::Intact(got) = failure.left else { panic!("lost") };
    assert_eq!(got.into_tokens().unwrap().bearer().unwrap().expose_secret(), "i-1");
}

#[test]
fn where_only_an_access_token_is_of_use() {
    let ask = |text: &str| {
        let mut world = World::new();
        let exchange = TokenExchange::new(&world.client, subject()).for_access_token();
        world.answer(exchange, json(200, text))
    };
    assert!(ask(&answer("\"Bearer\"", &format!("\"{JWT}\""), "")).unwrap().bearer().is_ok());
    let not_applicable = answer("\"N_A\"", &format!("\"{ACCESS_TOKEN}\""), "");
    let a_refresh_token = answer("\"Bearer\"", &format!("\"{}\"", uri("refresh_token")), "");
    for text in [not_applicable, a_refresh_token] {
        let failure = ask(&text).unwrap_err();
        assert_eq!(violation(&failure), Violation::NotAnAccessToken);
        assert!(matches!(failure.left, Left::Unknown(_)));
        assert!(failure.error.to_string().contains("access token"), "{}", failure.error);
    }
}

/// An ID token that a login asked for must not look like a missing one.
#[test]
fn an_unreadable_id_token_is_refused_where_one_was_asked_for() {
    let mut world = World::new();
    let text = answer("\"Bearer\"", &format!("\"{ACCESS_TOKEN}\""), r#","id_token":7"#);
    let login = exchange(&world).scope("openid").unwrap();
    assert_eq!(violation(&world.answer(login, json(200, &text)).unwrap_err()), Violation::WrongType("id_token"));
    let other = exchange(&world);
    assert_eq!(tokens(world.answer(other, json(200, &text)).unwrap()).tolerated(), ["id_token"]);
}
