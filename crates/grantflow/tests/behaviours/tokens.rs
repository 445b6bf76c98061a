//! The result of a grant: type, lifetime, scope, and members that this library does not know.

use std::time::Duration;

use grantflow::{AccessToken, Error, Misuse, UnixTime, Violation};

use crate::support::*;

fn tokens(body: &str) -> Result<grantflow::Tokens, grantflow::Error> {
    let mut world = World::new();
    let exchange = world.exchange();
    world.answer(exchange, json(200, body)).map_err(Into::into)
}

fn with(member: &str) -> String {
    format!(r#"{{"access_token":"t","token_type":"Bearer",{member}}}"#)
}

fn violation(result: Result<grantflow::Tokens, Error>) -> Violation {
    match result.unwrap_err() {
        Error::Protocol(broken) => broken.violation(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_token_type_is_known_in_any_case_or_refused() {
    for bearer in ["Bearer", "bearer", "BEARER", "bEARER"] {
        let tokens = tokens(&format!(r#"{{"access_token":"t","token_type":"{bearer}"}}"#)).unwrap();
        assert!(matches!(tokens.access_token(), AccessToken::Bearer(_)));
    }
    for dpop in ["DPoP", "dpop", "dpOp"] {
        let tokens = tokens(&format!(r#"{{"access_token":"t","token_type":"{dpop}"}}"#)).unwrap();
        assert!(matches!(tokens.access_token(), AccessToken::Dpop(token) if token.expose_secret() == "t"));
        assert!(matches!(tokens.bearer(), Err(Error::Misuse(Misuse::NotBearer))));
    }
    for other in ["example", "mac", "N_A", "User Access Token", " bearer", "bearer "] {
        let refused = tokens(&format!(r#"{{"access_token":"t","token_type":"{other}"}}"#));
        assert_eq!(violation(refused), Violation::UnknownTokenType, "{other}");
    }
}

#[test]
fn lifetimes_count_from_the_arrival_and_never_overflow() {
    let at = |seconds: &str| tokens(&with(&format!(r#""expires_in":{seconds}"#))).unwrap();
    let short = at("60");
    assert_eq!((short.received_at(), short.expires_at()), (NOW, Some(NOW.saturating_add(Duration::from_secs(60)))));
    let later = |seconds| NOW.saturating_add(Duration::from_secs(seconds));
    assert!(!short.is_expired(NOW) && !short.is_expired(later(59)) && short.is_expired(later(60)));
    assert!(short.expires_within(Duration::from_secs(60), NOW) && !short.expires_within(Duration::from_secs(59), NOW));
    assert!(short.expires_within(Duration::MAX, NOW) && !short.is_expired(UnixTime::from_secs(0)));
    assert!(at("0").is_expired(NOW));
    for huge in ["18446744073709551615", "1e300", "\"99999999999999999999999\""] {
        assert_eq!(at(huge).expires_at(), Some(UnixTime::from_secs(u64::MAX)), "{huge}");
    }
    let unsaid = tokens(&with(r#""x":1"#)).unwrap();
    assert!(unsaid.expires_at().is_none() && !unsaid.is_expired(UnixTime::from_secs(u64::MAX)));
}

#[test]
fn scope_is_as_requested_or_explicit_and_empty_is_not_as_requested() {
    let granted = |member: &str| tokens(&with(member)).unwrap().scope().clone();
    let absent = granted(r#""x":1"#);
    assert_eq!((absent.explicit(), absent.effective().map(|s| s.as_str())), (None, Some(SCOPE)));
    assert_eq!(absent.is_narrowed(), Some(false));
    for (member, narrowed) in [
        (r#""scope":"""#, true),
        (r#""scope":" ""#, true),
        (r#""scope":"read""#, true),
        (r#""scope":"write read""#, false),
    ] {
        assert_eq!(granted(member).is_narrowed(), Some(narrowed), "{member}");
    }
    let wider = granted(r#""scope":"read write admin""#);
    assert_eq!((wider.is_widened(), wider.is_narrowed()), (Some(true), Some(false)));
}

#[test]
fn unknown_members_are_kept_with_their_raw_numbers() {
    #[derive(serde::Deserialize, Debug)]
    struct Extra {
        instance_url: String,
        big: u64,
        nested: serde_json::Value,
    }
    let answer = with(r#""instance_url":"https:\/\/x","big":18446744073709551615,"nested":{"a":[1,2]},"s p":1"#);
    let tokens = tokens(&answer).unwrap();
    let extra: Extra = tokens.extra().unwrap();
    assert_eq!((extra.instance_url.as_str(), extra.big), ("https://x", u64::MAX));
    assert_eq!(extra.nested["a"][1], 2);
    #[derive(serde::Deserialize, Debug)]
    struct Missing {
        #[allow(dead_code, reason = "it is never there")]
        not_there: String,
    }
    assert!(matches!(tokens.extra::<Missing>(), Err(Error::Misuse(Misuse::Extra))));
    let all: serde_json::Map<String, serde_json::Value> = tokens.extra().unwrap();
    assert!(!all.contains_key("access_token") && all.len() == 4);
}

#[test]
fn the_order_of_members_does_not_matter() {
    let members = [
        r#""access_token":"t""#,
        r#""token_type":"Bearer""#,
        r#""expires_in":5"#,
        r#""refresh_token":"r""#,
        r#""zzz":{}"#,
    ];
    for rotation in 0..members.len() {
        let mut turned = members.to_vec();
        turned.rotate_left(rotation);
        let tokens = tokens(&format!("{{{}}}", turned.join(","))).unwrap();
        assert_eq!(tokens.bearer().unwrap().expose_secret(), "t");
        assert_eq!(tokens.refresh_token().unwrap().expose_secret(), "r");
        assert_eq!(tokens.expires_at().unwrap().saturating_since(NOW).as_secs(), 5);
    }
}
