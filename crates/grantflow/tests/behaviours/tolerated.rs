//! An optional member that cannot be read costs its own value, never the grant; and the tokens say so.

use grantflow::{Error, Quirk, Tokens, Violation};

use crate::support::*;

/// Values that cannot be read as a lifetime, a token or a scope.
const ODD: [&str; 9] = ["null", "true", "-1", "{}", "[7]", "[\"a\"]", "\"é\"", "\"a\\nb\"", "\"\\ud800\""];

fn login(scope: &str, quirks: &[Quirk], body: &str) -> Result<Tokens, Error> {
    let mut world =
        World::with(|server| quirks.iter().fold(server, |server, quirk| server.quirk(quirk.clone()).unwrap()));
    let authorization = grantflow::Authorization::new(&world.client, REDIRECT_URI).unwrap().scope(scope).unwrap();
    let redirect = world.start(&authorization);
    let state = parameter(redirect.url.as_str(), "state");
    let exchange = granted(redirect.pending.receive_url(&format!("{REDIRECT_URI}?code=c&state={state}")));
    world.answer(exchange, json(200, body)).map_err(Into::into)
}

fn with(members: &str) -> String {
    format!(r#"{{"access_token":"a2","token_type":"Bearer",{members}}}"#)
}

/// A grant of `old` tokens, refreshed with this answer.
fn refreshed(members: &str) -> Tokens {
    let mut world = World::new();
    let exchange = world.exchange();
    let old = r#"{"access_token":"a1","token_type":"Bearer","refresh_token":"r1","expires_in":9,"scope":"read","id_token":"i1"}"#;
    let tokens = world.answer(exchange, json(200, old)).unwrap();
    world.answer(tokens.refresh().unwrap(), json(200, &with(members))).unwrap()
}

#[test]
fn a_login_is_not_lost_for_an_odd_member() {
    for name in ["expires_in", "refresh_token", "scope", "id_token"] {
        for odd in ODD.into_iter().chain(["\"\"", "\"   \""]) {
            let what = format!("{name}: {odd}");
            let tokens = login(SCOPE, &[], &with(&format!("\"{name}\":{odd}")))
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(tokens.bearer().unwrap().expose_secret(), "a2", "{what}");
            // An empty scope is a scope.
            let read = name == "scope" && matches!(odd, "\"\"" | "\"   \"");
            let named: &[&str] = if read { &[] } else { &[name] };
            assert_eq!(tokens.tolerated(), named, "{what}");
            assert!(tokens.expires_at().is_none() && tokens.refresh_token().is_none(), "{what}");
            assert!(tokens.unverified_id_token().is_none() && !tokens.id_token_is_kept(), "{what}");
        }
    }
    let all = login(SCOPE, &[], &with(r#""id_token":1,"scope":1,"refresh_token":1,"expires_in":true"#)).unwrap();
    assert_eq!(all.tolerated(), ["expires_in", "refresh_token", "scope", "id_token"]);
    let none = login(SCOPE, &[], &with(r#""expires_in":"3600.0""#)).unwrap();
    assert_eq!((none.tolerated(), none.expires_at().unwrap().saturating_since(NOW).as_secs()), (&[][..], 3600));
}

#[test]
fn an_unreadable_scope_is_not_as_requested() {
    for odd in ODD {
        let scope = login(SCOPE, &[], &with(&format!("\"scope\":{odd}"))).unwrap().scope().clone();
        assert!(scope.is_unreadable(), "{odd}");
        assert_eq!((scope.effective(), scope.is_narrowed(), scope.is_widened()), (None, None, None), "{odd}");
        assert_eq!(scope.requested().unwrap().as_str(), SCOPE, "{odd}");
    }
    let silent = login(SCOPE, &[], &with("\"x\":1")).unwrap();
    assert!(!silent.scope().is_unreadable() && silent.scope().effective().is_some());
    assert_eq!(silent.scope().is_narrowed(), Some(false));
    let vouched = login(SCOPE, &[Quirk::NullIsAbsent], &with("\"scope\":null")).unwrap();
    assert_eq!((vouched.scope().is_narrowed(), vouched.tolerated()), (Some(false), &[][..]));
}

#[test]
fn a_refresh_of_an_unknown_scope_asks_for_none_and_may_learn_it() {
    let mut world = World::new();
    let exchange = world.exchange();
    let answer = with(r#""refresh_token":"r","scope":7"#);
    let tokens = world.answer(exchange, json(200, &answer)).unwrap();
    let exchange = tokens.refresh().unwrap();
    assert_eq!(parameter(&body(&world.request(&exchange)), "scope"), "", "the scope to ask for is not known");
    let tokens = world.answer(exchange, json(200, &with("\"x\":1"))).unwrap();
    assert!(tokens.scope().is_unreadable(), "still unknown: the server said nothing new");
    let tokens = world.answer(tokens.refresh().unwrap(), json(200, &with(r#""scope":"read admin""#))).unwrap();
    assert_eq!(tokens.scope().effective().unwrap().as_str(), "read admin");
    assert_eq!((tokens.scope().is_narrowed(), tokens.scope().is_widened()), (Some(true), Some(true)));
    // And vice versa.
    let tokens = refreshed(r#""scope":["read"]"#);
    assert!(tokens.scope().is_unreadable() && tokens.scope().effective().is_none());
}

#[test]
fn an_id_token_that_was_asked_for_is_not_tolerated_away() {
    for odd in ODD.into_iter().chain(["\"\"", "\"  \""]) {
        let answer = with(&format!("\"id_token\":{odd}"));
        for scope in ["openid", "read openid email"] {
            match login(scope, &[], &answer).unwrap_err() {
                Error::Protocol(broken) => {
                    let of_it = [Violation::WrongType, Violation::Empty, Violation::Character].map(|v| v("id_token"));
                    assert!(of_it.contains(&broken.violation()), "{odd}: {broken}");
                }
                other => panic!("{odd}: {other}"),
            }
        }
        assert!(login("read openidx", &[], &answer).is_ok(), "{odd}: it was not requested");
    }
    assert!(login("openid", &[Quirk::NullIsAbsent], &with("\"id_token\":null")).is_ok(), "the caller vouches for it");
    let shown = login("openid", &[], &with("\"id_token\":null")).unwrap_err().to_string();
    assert!(shown.contains("see `Quirk::NullIsAbsent`"), "{shown}");
    assert!(login("openid", &[], &with("\"id_token\":\"e.y.J\"")).is_ok());
}

#[test]
fn a_refresh_keeps_the_id_token_that_there_was_and_says_so() {
    let kept = |tokens: &Tokens| {
        (tokens.unverified_id_token().map(|token| token.expose_secret().to_owned()), tokens.id_token_is_kept())
    };
    assert_eq!(kept(&refreshed("\"x\":1")), (Some("i1".to_owned()), true));
    for odd in ODD.into_iter().chain(["\"\""]) {
        let tokens = refreshed(&format!("\"id_token\":{odd}"));
        assert_eq!(kept(&tokens), (Some("i1".to_owned()), true), "{odd}");
        assert_eq!(tokens.tolerated(), ["id_token"], "{odd}");
    }
    assert_eq!(kept(&refreshed("\"id_token\":\"i2\"")), (Some("i2".to_owned()), false));
    // It stays so over a store, until there is a new one.
    let mut world = World::new();
    let stored = serde_json::to_string(&refreshed("\"x\":1").into_stored()).unwrap();
    let tokens = Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &world.client).unwrap();
    assert_eq!(kept(&tokens), (Some("i1".to_owned()), true));
    let tokens = world.answer(tokens.refresh().unwrap(), json(200, &with("\"x\":1"))).unwrap();
    assert_eq!(kept(&tokens), (Some("i1".to_owned()), true));
    let none = login(SCOPE, &[], &with("\"refresh_token\":\"r\"")).unwrap();
    let tokens = world.answer(none.refresh().unwrap(), json(200, &with("\"x\":1"))).unwrap();
    assert_eq!(kept(&tokens), (None, false), "there was none to keep");
}

#[test]
fn a_refresh_without_a_readable_refresh_token_keeps_the_old_one() {
    for (member, named) in [
        ("\"x\":1".to_owned(), false),
        ("\"refresh_token\":null".to_owned(), false),
        ("\"refresh_token\":\"\"".to_owned(), false),
    ]
    .into_iter()
    .chain(ODD.into_iter().skip(1).chain(["\"  \""]).map(|odd| (format!("\"refresh_token\":{odd}"), true)))
    {
        let tokens = refreshed(&member);
        assert_eq!(tokens.refresh_token().unwrap().expose_secret(), "r1", "{member}");
        assert_eq!(tokens.tolerated().contains(&"refresh_token"), named, "{member}");
        assert_eq!(tokens.bearer().unwrap().expose_secret(), "a2", "{member}");
    }
    assert_eq!(refreshed("\"refresh_token\":\"r2\"").refresh_token().unwrap().expose_secret(), "r2");
}

#[test]
fn what_makes_a_token_is_never_tolerated() {
    for (body, violation) in [
        (r#"{"token_type":"Bearer","scope":null}"#.to_owned(), Violation::Missing("access_token")),
        (r#"{"access_token":null,"token_type":"Bearer"}"#.to_owned(), Violation::WrongType("access_token")),
        (r#"{"access_token":"","token_type":"Bearer"}"#.to_owned(), Violation::Empty("access_token")),
        (r#"{"access_token":" \t ","token_type":"Bearer"}"#.to_owned(), Violation::NotJson { line: 1, column: 18 }),
        (r#"{"access_token":"   ","token_type":"Bearer"}"#.to_owned(), Violation::Empty("access_token")),
        (r#"{"access_token":"a","token_type":"mac"}"#.to_owned(), Violation::UnknownTokenType),
        (with(r#""error":"x""#), Violation::TokenAndError),
        (with(r#""scope":"a","scope":"a""#), Violation::Duplicate("scope")),
        (with(r#""expires_in":1,"expires_in":1"#), Violation::Duplicate("expires_in")),
        (with(r#""refresh_token":null,"refresh_token":"r""#), Violation::Duplicate("refresh_token")),
        (with(r#""error_description":"a","error_description":"a""#), Violation::Duplicate("error_description")),
        (format!("[{}]", with("\"x\":1")), Violation::NotAnObject),
    ] {
        match login(SCOPE, &[], &body.replace("\\t", "\t")).unwrap_err() {
            Error::Protocol(broken) => match (broken.violation(), violation) {
                (Violation::NotJson { .. }, Violation::NotJson { .. }) => {}
                (found, expected) => assert_eq!(found, expected, "{body}"),
            },
            other => panic!("{body}: {other}"),
        }
    }
}

#[test]
fn what_was_tolerated_outlives_the_process() {
    let world = World::new();
    let store = |tokens: Tokens| {
        let stored = serde_json::to_string(&tokens.into_stored()).unwrap();
        let restored = Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &world.client).unwrap();
        (serde_json::from_str::<serde_json::Value>(&stored).unwrap(), restored)
    };
    let (stored, tokens) = store(login(SCOPE, &[], &with(r#""scope":7,"expires_in":true"#)).unwrap());
    assert!(tokens.scope().is_unreadable() && tokens.scope().is_narrowed().is_none());
    assert_eq!(tokens.tolerated(), ["expires_in", "scope"]);
    assert_eq!(stored["v"], 2, "an older release would take the scope for the one that was asked for");
    // None of this makes a state of another version: its members are the same as before.
    let (stored, _) =
        store(login(SCOPE, &[], &with(r#""refresh_token":"r","expires_in":60,"scope":"read","x":1"#)).unwrap());
    let names: Vec<&String> = stored.as_object().unwrap().keys().collect();
    assert_eq!(stored["v"], 1);
    assert_eq!(
        names,
        [
            "access_token",
            "client_id",
            "expires_at",
            "extra",
            "granted",
            "received_at",
            "refresh_token",
            "requested",
            "sum",
            "token_endpoint",
            "token_type",
            "v"
        ]
    );
    // Members that an older release may lose do not prevent it from reading the rest.
    let (stored, tokens) = store(login(SCOPE, &[], &with(r#""expires_in":true"#)).unwrap());
    assert_eq!((stored["v"].as_u64(), tokens.tolerated()), (Some(1), &["expires_in"][..]));
    for (name, value) in [
        ("tolerated", serde_json::json!(["scope"])),
        ("tolerated", serde_json::json!([])),
        ("id_token_is_kept", true.into()),
        ("scope_is_unreadable", true.into()),
        ("more", serde_json::Value::Null),
        ("more", "".into()),
        ("v", 2.into()),
    ] {
        let mut changed = stored.clone();
        changed[name] = value;
        let changed = serde_json::from_value(changed).unwrap();
        assert!(Tokens::from_stored(changed, &world.client).is_err(), "{name} was changed, and that was not found");
    }
}

#[test]
fn a_state_that_an_older_release_stored_is_read() {
    let server = grantflow::Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    let client = server.client("app").public().unwrap();
    let stored = include_str!("../vectors/stored_tokens_v1.json");
    let tokens = Tokens::from_stored(serde_json::from_str(stored).unwrap(), &client).unwrap();
    assert_eq!(tokens.refresh_token().unwrap().expose_secret(), "r");
    assert!(!tokens.id_token_is_kept() && tokens.tolerated().is_empty() && !tokens.scope().is_unreadable());
    let again: serde_json::Value = serde_json::to_value(tokens.into_stored()).unwrap();
    assert_eq!(again, serde_json::from_str::<serde_json::Value>(stored).unwrap(), "an older release reads it, too");
}
