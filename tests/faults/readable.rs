//! Rows 14 to 18 and 26: complete answers with a fault.

use grantflow::{ErrorCode, Next, Violation};

use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("a body that is no token answer is no verdict", a_body_that_is_no_token_answer_is_no_verdict),
    ("a token is read under any content type", a_token_is_read_under_any_content_type),
    ("an odd optional member costs no tokens", an_odd_optional_member_costs_no_tokens),
    ("an OAuth error is a verdict where one is stated", an_oauth_error_is_a_verdict_where_one_is_stated),
    ("only a documented rejection leaves everything intact", only_a_documented_rejection_leaves_everything_intact),
];

fn a_body_that_is_no_token_answer_is_no_verdict(transport: Transport) {
    let not_json = |v: Option<Violation>| matches!(v, Some(Violation::NotJson { .. }));
    for (what, fault, expected) in [
        ("not UTF-8", Fault::non_utf8(), not_json as fn(Option<Violation>) -> bool),
        ("a byte order mark", Fault::byte_order_mark(GOOD), not_json),
        (
            "a captive portal",
            Fault::response(200, &[("content-type", "text/html")], "<html>log in here</html>"),
            not_json,
        ),
        ("200 and nothing", Fault::empty_200(), |v| v == Some(Violation::EmptyBody)),
        ("204", Fault::no_content(), |v| v == Some(Violation::EmptyBody)),
        ("a list", Fault::json(200, format!("[{GOOD}]")), |v| v == Some(Violation::NotAnObject)),
        ("a token twice", Fault::json(200, r#"{"access_token":"a","access_token":"b","token_type":"bearer"}"#), |v| {
            v == Some(Violation::Duplicate("access_token"))
        }),
        (
            "a lifetime that readers differ on",
            Fault::json(200, r#"{"access_token":"a","token_type":"bearer","expires_in":1e999}"#),
            not_json,
        ),
        ("a token without its type", Fault::json(200, r#"{"access_token":"a"}"#), |v| {
            v == Some(Violation::Missing("token_type"))
        }),
        ("404 and a page", Fault::response(404, &[("content-type", "text/html")], "<html>not here</html>"), |v| {
            v == Some(Violation::UnexpectedStatus)
        }),
    ] {
        for error in meet(transport, what, fault, Expect::Unknown) {
            assert!(expected(violation(&error)), "{what}: {error}");
            assert!(!error.to_string().contains("html"), "a page is quoted");
        }
    }
}

fn a_token_is_read_under_any_content_type(transport: Transport) {
    meet(transport, "no content type", Fault::response(200, &[], GOOD), Expect::Tokens);
    meet(transport, "plain text", Fault::response(200, &[("content-type", "text/plain")], GOOD), Expect::Tokens);
    meet(transport, "201", Fault::json(201, GOOD), Expect::Tokens);
}

fn an_odd_optional_member_costs_no_tokens(transport: Transport) {
    for (name, odd) in [("expires_in", "-1"), ("refresh_token", "[]"), ("scope", "null"), ("id_token", "\"\\ud800\"")] {
        let mut answer: serde_json::Map<String, serde_json::Value> = serde_json::from_str(GOOD).unwrap();
        answer.remove(name);
        let body = serde_json::to_string(&answer).unwrap().replacen('{', &format!("{{\"{name}\":{odd},"), 1);
        meet(transport, name, Fault::json(200, body), Expect::Tokens);
    }
}

fn an_oauth_error_is_a_verdict_where_one_is_stated(transport: Transport) {
    let refused = r#"{"error":"invalid_grant","error_description":"used"}"#;
    for code in [200, 400, 401, 403] {
        for error in meet(transport, "invalid_grant", Fault::json(code, refused), Expect::Spent) {
            let Some(error) = error.oauth() else { panic!("{error}") };
            assert_eq!((error.code(), error.next()), (Some(&ErrorCode::InvalidGrant), Next::Reauthorize));
            assert_eq!(error.status().map(|status| status.as_u16()), Some(code));
        }
    }
    let plain = Fault::response(400, &[("content-type", "text/plain")], refused);
    meet(transport, "under another content type", plain, Expect::Spent);
    // With any other status it is unknown who answered.
    for code in [404, 408, 415, 500, 502] {
        for error in meet(transport, "an error behind another status", Fault::json(code, refused), Expect::Unknown) {
            let Some(error) = error.oauth() else { panic!("{error}") };
            assert_eq!(error.code(), Some(&ErrorCode::InvalidGrant));
            assert_ne!(error.next(), Next::Reauthorize, "{code}");
        }
    }
    for (code, word) in [(400, "Bad Request"), (401, "Unauthorized"), (403, "Forbidden"), (200, "Service Unavailable")]
    {
        let page = format!(r#"{{"status":{code},"error":"{word}"}}"#);
        meet(transport, "a framework's error page", Fault::json(code, page), Expect::Unknown);
    }
}

fn only_a_documented_rejection_leaves_everything_intact(transport: Transport) {
    for (what, code, value, expect, wait) in [
        ("429", 429, None, Expect::Intact, None),
        ("429 with a wait", 429, Some("7"), Expect::Intact, Some(7)),
        ("503 with a wait", 503, Some("7"), Expect::Intact, Some(7)),
        ("503 until a date long ago", 503, Some("Sun, 06 Nov 1994 08:49:37 GMT"), Expect::Intact, Some(0)),
        ("503 for ages", 503, Some("100000000000000000000"), Expect::Intact, Some(86_400)),
        ("503 with nonsense", 503, Some("-1"), Expect::Unknown, None),
        ("503 alone", 503, None, Expect::Unknown, None),
        ("500", 500, None, Expect::Unknown, None),
        ("502", 502, None, Expect::Unknown, None),
    ] {
        let headers: Vec<(&str, &str)> = value.map(|value| ("retry-after", value)).into_iter().collect();
        for error in meet(transport, what, Fault::response(code, &headers, "<html>busy</html>"), expect) {
            let Some(error) = error.oauth() else { panic!("{what}: {error}") };
            let after = wait.map(Duration::from_secs);
            assert_eq!(error.answer().and_then(grantflow::Answer::retry_after), after, "{what}");
            assert_eq!(error.next(), Next::RetryLater(after), "{what}");
            assert!(matches!(error, grantflow::Error::Unavailable(_)), "{what}");
        }
    }
}
