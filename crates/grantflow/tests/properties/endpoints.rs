//! Pushed requests and introspection: what the server says arrives as it was said, or not at all.

use grantflow::{Authorization, Env, Exchange, Introspected, Introspection, Left, Redirect, Server, Step};
use http::Response;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Dice, REDIRECT_URI, pairs};

const NOW: grantflow::UnixTime = grantflow::UnixTime::from_secs(1_750_000_000);

fn server() -> Server {
    Server::new("https://as.example/authorize?own=1", "https://as.example/token")
        .and_then(|server| server.pushed_authorization_request_endpoint("https://as.example/par"))
        .and_then(|server| server.introspection_endpoint("https://as.example/introspect"))
        .unwrap()
}

/// Where the person goes after this answer, or `None` if it was refused and nothing was lost.
fn pushed(answer: &str) -> Option<Redirect> {
    let client = server().client("app").public().unwrap();
    let mut dice = Dice(1);
    let mut env = Env::new(NOW, &mut dice);
    let exchange = Authorization::new(&client, REDIRECT_URI).unwrap().push(&mut env).unwrap();
    match exchange.respond(&mut env, Response::builder().status(201).body(answer).unwrap()) {
        Ok(Step::Done(redirect)) => Some(redirect),
        Ok(Step::Again(_)) => panic!("it has one step"),
        Err(failure) => {
            assert!(matches!(failure.left, Left::Intact(_)));
            None
        }
    }
}

/// What this answer says of a token, or `None` if it was refused and nothing was lost.
fn said(answer: &str) -> Option<Introspected> {
    let api = server().client("api").secret_basic("s").unwrap();
    let mut dice = Dice(1);
    match Introspection::new(&api, "t").unwrap().respond(&mut Env::new(NOW, &mut dice), Response::new(answer)) {
        Ok(Step::Done(said)) => Some(said),
        Ok(Step::Again(_)) => panic!("it has one step"),
        Err(failure) => {
            assert!(matches!(failure.left, Left::Intact(_)));
            None
        }
    }
}

/// JSON values of every type, nested ones too.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn a_reference_is_carried_whole_and_ends_no_parameter(reference in "[!-~]{1,200}", lifetime in any::<u32>()) {
        let redirect = pushed(&json!({ "request_uri": reference, "expires_in": lifetime }).to_string()).unwrap();
        let carried = pairs(redirect.url.as_str().split_once('?').unwrap().1);
        let expected = [("own", "1"), ("client_id", "app"), ("request_uri", reference.as_str())];
        prop_assert_eq!(carried, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_reference_of_any_other_kind_is_none(reference in any_json(), lifetime in any_json()) {
        let good_reference =
            reference.as_str().is_some_and(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let good_lifetime = lifetime.is_u64() || lifetime.as_str().is_some_and(digits);
        let answer = json!({ "request_uri": reference, "expires_in": lifetime }).to_string();
        prop_assert_eq!(pushed(&answer).is_some(), good_reference && good_lifetime, "{}", answer);
        let answer = json!({ "request_uri": "urn:x:y", "expires_in": lifetime }).to_string();
        prop_assert_eq!(pushed(&answer).is_some(), good_lifetime, "{}", answer);
    }

    #[test]
    fn nothing_but_true_makes_a_token_active(active in any_json(), sub in any::<String>()) {
        let answer = json!({ "active": active, "sub": sub }).to_string();
        match said(&answer) {
            Some(said) => prop_assert_eq!(said.active().map(|token| token.subject() == Some(sub.as_str())), match active {
                Value::Bool(true) => Some(true),
                _ => None,
            }),
            None => prop_assert!(!active.is_boolean(), "{}", answer),
        }
        prop_assert_eq!(said(&answer).is_some(), active.is_boolean());
    }

    #[test]
    fn a_token_is_for_the_resources_that_its_audience_names(all in prop::collection::vec(any::<String>(), 0..5)) {
        let said_of = |audience: Value| said(&json!({ "aud": audience, "active": true }).to_string()).unwrap();
        let many = said_of(json!(all));
        let token = many.active().unwrap();
        prop_assert_eq!(token.audience(), all.as_slice());
        for audience in &all {
            prop_assert!(token.is_for(audience));
            let longer = format!("{audience}/");
            prop_assert_eq!(token.is_for(&longer), all.contains(&longer));
            let alone = said_of(json!(audience));
            prop_assert_eq!(alone.active().unwrap().audience(), std::slice::from_ref(audience));
        }
    }

    #[test]
    fn the_order_of_members_and_unknown_ones_change_nothing(
        texts in prop::collection::vec(any::<String>(), 5),
        more in any_json(),
        turn in 0usize..7,
    ) {
        let names = ["sub", "client_id", "username", "iss", "jti"];
        let mut members: Vec<String> =
            names.iter().zip(&texts).map(|(name, text)| format!("{:?}:{}", name, json!(text))).collect();
        members.push("\"active\":true".to_owned());
        members.push(format!("\"more\":{more}"));
        members.rotate_left(turn);
        let said = said(&format!("{{{}}}", members.join(","))).unwrap();
        let token = said.active().unwrap();
        let found = [token.subject(), token.client_id(), token.username(), token.issuer(), token.token_id()];
        prop_assert_eq!(found.to_vec(), texts.iter().map(|text| Some(text.as_str())).collect::<Vec<_>>());
        prop_assert_eq!(&token.extra::<Value>().unwrap()["more"], &more);
    }
}
