//! Every optional member with every odd value, in every grant, with every quirk: the token is read, and the odd member
//! is named.

use grantflow::{ClientCredentials, Error, Left, Quirk, Server, Tokens};

use crate::support::*;

const MEMBERS: [&str; 4] = ["expires_in", "refresh_token", "scope", "id_token"];

/// A value, and the members for which it is a good one.
const VALUES: [(&str, &[&str]); 32] = [
    ("null", &[]),
    ("true", &[]),
    ("false", &[]),
    ("[]", &[]),
    ("{}", &[]),
    ("[[]]", &[]),
    ("[1]", &[]),
    ("[\"a\",1]", &[]),
    ("[\"a\",null]", &[]),
    ("[\"\\ud800\"]", &[]),
    ("{\"a\":{\"b\":[1e999]}}", &[]),
    ("-1", &[]),
    ("-0.5", &[]),
    ("-99999999999999999999", &[]),
    ("-1e300", &[]),
    ("0", &["expires_in"]),
    ("0.9", &["expires_in"]),
    ("1e3", &["expires_in"]),
    ("99999999999999999999999", &["expires_in"]),
    ("1e308", &["expires_in"]),
    ("\"\"", &["scope"]),
    ("\"  \"", &["scope"]),
    ("\"-1\"", &["refresh_token", "scope", "id_token"]),
    ("\"3600s\"", &["refresh_token", "scope", "id_token"]),
    ("\"1e3\"", &["refresh_token", "scope", "id_token"]),
    ("\"3600.0\"", &["expires_in", "refresh_token", "scope", "id_token"]),
    ("\"3600.\"", &["refresh_token", "scope", "id_token"]),
    ("\"99999999999999999999999\"", &["expires_in", "refresh_token", "scope", "id_token"]),
    ("\"a\\u0000b\"", &[]),
    ("\"a\\r\\nb\"", &[]),
    ("\"\u{1f600}\"", &[]),
    ("\"\\udc00\"", &[]),
];

/// Quirks that change nothing for odd values of these members, except those that read `null` and lists.
fn quirks() -> Vec<Vec<Quirk>> {
    let one = [
        Quirk::MissingTokenType,
        Quirk::TokenType("user".to_owned()),
        Quirk::ScopeSeparator(','),
        Quirk::AnswerScopeSeparator(','),
        Quirk::ZeroLifetimeIsNever,
        Quirk::NullIsAbsent,
        Quirk::ScopeList,
        Quirk::FormEncodedAnswer,
        Quirk::JsonRequestBody,
        Quirk::ClientIdBesideBasic,
        Quirk::RefusesPkce,
        Quirk::error_path("errors[0].code", None),
        Quirk::error_path("x", Some("0")),
    ];
    let mut all: Vec<Vec<Quirk>> = one.into_iter().map(|quirk| vec![quirk]).collect();
    all.push(vec![Quirk::NullIsAbsent, Quirk::ScopeList, Quirk::ZeroLifetimeIsNever]);
    all.push(Vec::new());
    all
}

fn world(quirks: &[Quirk]) -> World {
    World::with(|server: Server| quirks.iter().fold(server, |server, quirk| server.quirk(quirk.clone()).unwrap()))
}

/// A code from a callback that the test makes: the testkit's server insists on PKCE.
fn back(world: &mut World) -> grantflow::CodeExchange {
    let (pending, state) = world.waiting();
    granted(pending.receive_url(&format!("{REDIRECT_URI}?code=c&state={state}")))
}

const OLD: &str =
    r#"{"access_token":"a1","token_type":"Bearer","refresh_token":"r1","expires_in":9,"scope":"read","id_token":"i1"}"#;

/// What the members of an answer must look like from outside.
fn looks_right(tokens: &Tokens, member: &str, value: &str, quirks: &[Quirk], grant: &str) {
    let what = format!("{grant}: {member}: {value}, {quirks:?}");
    let good_for = VALUES.iter().find(|(known, _)| *known == value).unwrap().1;
    let vouched_null = value == "null" && quirks.contains(&Quirk::NullIsAbsent);
    let vouched_list = member == "scope" && value == "[]" && quirks.contains(&Quirk::ScopeList);
    let good = good_for.contains(&member);
    let keeps = grant == "refresh" && member == "refresh_token" && matches!(value, "null" | "\"\"");
    // RFC 6749 §4.4.3: a client's own grant has no refresh token, even if the answer has one.
    let dropped = grant == "client credentials" && member == "refresh_token";
    let odd = !good && !vouched_null && !vouched_list && !keeps && !dropped;
    assert_eq!(tokens.tolerated().to_vec(), if odd { vec![member] } else { vec![] }, "{what}");
    assert_eq!(tokens.bearer().unwrap().expose_secret(), "a2", "{what}");
    let scope = tokens.scope();
    assert_eq!(scope.is_unreadable(), odd && member == "scope", "{what}");
    assert_eq!(scope.is_narrowed().is_none(), odd && member == "scope", "{what}");
    assert_eq!(scope.is_widened().is_none(), odd && member == "scope", "{what}");
    if member == "expires_in" {
        let forever = matches!(value, "0" | "0.9") && quirks.contains(&Quirk::ZeroLifetimeIsNever);
        assert_eq!(tokens.expires_at().is_some(), good && !forever, "{what}");
        assert_eq!(tokens.is_expired(NOW), matches!(value, "0" | "0.9") && !forever, "{what}");
    }
    if member == "refresh_token" {
        let expected = match grant {
            _ if dropped => None,
            _ if good => Some(serde_json::from_str::<String>(value).unwrap()),
            "refresh" => Some("r1".to_owned()),
            _ => None,
        };
        assert_eq!(tokens.refresh_token().map(|token| token.expose_secret().to_owned()), expected, "{what}");
    }
    if member == "id_token" {
        assert_eq!(tokens.id_token_is_kept(), grant == "refresh" && !good, "{what}");
        assert_eq!(tokens.unverified_id_token().is_some(), good || grant == "refresh", "{what}");
    }
}

#[test]
fn an_odd_member_costs_itself_in_every_grant_and_over_a_store() {
    for quirks in quirks() {
        let mut world = world(&quirks);
        for member in MEMBERS {
            for (value, _) in VALUES {
                let text = format!(r#"{{"access_token":"a2","{member}":{value},"token_type":"Bearer"}}"#);
                let exchange = back(&mut world);
                let login = world.answer(exchange, json(200, &text)).unwrap();
                let exchange = back(&mut world);
                let old = world.answer(exchange, json(200, OLD)).unwrap();
                let refreshed = world.answer(old.refresh().unwrap(), json(200, &text)).unwrap();
                let own = ClientCredentials::new(&world.client).scope("read").unwrap();
                let own = world.answer(own, json(200, &text)).unwrap();
                for (grant, tokens) in [("login", login), ("refresh", refreshed), ("client credentials", own)] {
                    looks_right(&tokens, member, value, &quirks, grant);
                    let printed = format!("{tokens:?}");
                    let stored = serde_json::to_string(&tokens.into_stored()).unwrap();
                    let back = Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &world.client).unwrap();
                    looks_right(&back, member, value, &quirks, grant);
                    assert!(!printed.contains("a2") && !printed.contains("r1") && !printed.contains("i1"), "{printed}");
                }
            }
        }
    }
}

#[test]
fn a_refresh_after_an_unreadable_scope_sends_none() {
    for (value, good_for) in VALUES {
        if good_for.contains(&"scope") {
            continue;
        }
        let mut world = World::new();
        let text = format!(r#"{{"access_token":"a","token_type":"Bearer","refresh_token":"r","scope":{value}}}"#);
        let exchange = back(&mut world);
        let tokens = world.answer(exchange, json(200, &text)).unwrap();
        let stored = serde_json::to_string(&tokens.into_stored()).unwrap();
        let tokens = Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &world.client).unwrap();
        let exchange = tokens.refresh().unwrap();
        assert!(!body(&world.request(&exchange)).contains("scope"), "{value}");
        // A scope that the program gives is sent, and is then the requested one.
        let exchange = exchange.scope("read").unwrap();
        assert_eq!(parameter(&body(&world.request(&exchange)), "scope"), "read");
        let tokens = world.answer(exchange, json(200, r#"{"access_token":"b","token_type":"Bearer"}"#)).unwrap();
        assert_eq!(tokens.scope().effective().unwrap().as_str(), "read", "{value}");
        assert!(!tokens.scope().is_unreadable());
    }
}

/// In a form, every value is text; a value that cannot be decoded is as odd as a wrong type in JSON.
#[test]
fn an_odd_member_of_a_form_costs_itself() {
    let mut world = world(&[Quirk::FormEncodedAnswer]);
    for (member, odd) in [
        ("expires_in", "%zz"),
        ("expires_in", ""),
        ("expires_in", "soon"),
        ("refresh_token", "%ff"),
        ("refresh_token", "%0a"),
        ("scope", "%e9"),
        ("scope", "%22"),
        ("id_token", "%"),
        ("id_token", "+"),
    ] {
        for text in [
            format!("access_token=a2&token_type=bearer&{member}={odd}"),
            format!("{member}={odd}&token_type=bearer&access_token=a2&%zz=1&%ff"),
        ] {
            let exchange = back(&mut world);
            let tokens =
                world.answer(exchange, json(200, &text)).unwrap_or_else(|failure| panic!("{text}: {}", failure.error));
            assert_eq!(tokens.tolerated(), [member], "{text}");
            assert_eq!(tokens.bearer().unwrap().expose_secret(), "a2", "{text}");
        }
    }
    // Required members must be readable; a new refresh token beside an unreadable one is not lost.
    for odd in
        ["access_token=%zz&token_type=bearer", "access_token=%ff&token_type=bearer", "access_token=a&token_type=%zz"]
    {
        let exchange = back(&mut world);
        assert!(matches!(world.answer(exchange, json(200, odd)).unwrap_err().left, Left::Unknown(_)), "{odd}");
        let exchange = back(&mut world);
        let old = world.answer(exchange, json(200, OLD)).unwrap();
        let failure = world.answer(old.refresh().unwrap(), json(200, &format!("{odd}&refresh_token=r2"))).unwrap_err();
        assert!(failure.error.answer_refused(), "{odd}");
        let Left::Intact(exchange) = failure.left else { panic!("{odd}: the new refresh token is lost") };
        assert!(exchange.is_rescued(), "{odd}");
        assert_eq!(exchange.into_tokens().refresh_token().unwrap().expose_secret(), "r2", "{odd}");
    }
    let exchange = back(&mut world);
    let failure = world.answer(exchange, json(400, "error=invalid_grant&error_description=%ff&%zz=x")).unwrap_err();
    assert!(matches!(failure.left, Left::Spent), "a description never costs the verdict");
}

/// A token answer in a form that the settings do not read: the server has still rotated the token, so the same request
/// must not follow.
#[test]
fn a_token_answer_that_cannot_be_read_at_all_is_still_a_token_answer() {
    let mut world = World::new();
    for text in [
        "access_token=a&token_type=bearer&refresh_token=r2",
        "\r\naccess_token=a&expires=60",
        "\u{feff}{\"access_token\":\"a\",\"token_type\":\"Bearer\"}",
        "\u{feff}access_token=a",
    ] {
        let exchange = back(&mut world);
        let old = world.answer(exchange, json(200, OLD)).unwrap();
        let failure = world.answer(old.refresh().unwrap(), json(200, text)).unwrap_err();
        assert!(failure.error.answer_refused(), "{text}");
        assert!(matches!(&failure.error, Error::Protocol(_)) && matches!(failure.left, Left::Unknown(_)), "{text}");
        assert_eq!(failure.error.next(), grantflow::Next::FixConfiguration, "{text}");
        let exchange = back(&mut world);
        let old = world.answer(exchange, json(200, OLD)).unwrap();
        assert!(!world.answer(old.refresh().unwrap(), json(400, text)).unwrap_err().error.answer_refused(), "{text}");
    }
    for text in
        ["access_token", "access_token=", "x=access_token", "<html>access_token=a</html>", "\u{feff}{}", "\u{feff}"]
    {
        let exchange = back(&mut world);
        let old = world.answer(exchange, json(200, OLD)).unwrap();
        assert!(!world.answer(old.refresh().unwrap(), json(200, text)).unwrap_err().error.answer_refused(), "{text}");
    }
}
