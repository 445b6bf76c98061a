//! Every kind of answer to every grant: what is left and what to do next, by a table that is written here a second
//! time.

use std::time::Duration;

use grantflow::{ClientCredentials, Error, ErrorCode, Exchange, Failure, Left, Message, Next, Quirk, Tokens};
use http::Response;

use crate::support::*;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kept {
    Spent,
    Intact,
    Unknown,
}

fn kept<X>(left: &Left<X>) -> Kept {
    match left {
        Left::Spent => Kept::Spent,
        Left::Intact(_) => Kept::Intact,
        Left::Unknown(_) => Kept::Unknown,
    }
}

fn failure<X: Exchange<Output = Tokens>>(world: &mut World, exchange: X, answer: &Answer<'_>) -> (Kept, Error) {
    let Failure { error, left } = world.answer(exchange, answer.response()).unwrap_err();
    (kept(&left), error)
}

#[derive(Debug, Clone, Copy)]
struct Answer<'a> {
    status: u16,
    retry_after: Option<u64>,
    body: &'a str,
}

impl Answer<'_> {
    fn response(&self) -> Response<Vec<u8>> {
        let builder = Response::builder().status(self.status);
        let builder = match self.retry_after {
            Some(seconds) => builder.header("retry-after", seconds),
            None => builder,
        };
        builder.body(self.body.as_bytes().to_vec()).unwrap()
    }
}

/// Code, and whether an RFC registers it for a token answer. `invalid_grant` and `use_dpop_nonce` have separate rows.
const CODES: [(&str, bool); 37] = [
    ("invalid_request", true),
    ("invalid_client", true),
    ("unauthorized_client", true),
    ("unsupported_grant_type", true),
    ("invalid_scope", true),
    ("access_denied", true),
    ("invalid_target", true),
    ("invalid_authorization_details", true),
    ("invalid_dpop_proof", true),
    ("invalid_grant", true),
    ("use_dpop_nonce", true),
    ("unsupported_response_type", false),
    ("server_error", false),
    ("temporarily_unavailable", false),
    ("interaction_required", false),
    ("login_required", false),
    ("consent_required", false),
    ("account_selection_required", false),
    // Registered for other answers.
    ("authorization_pending", false),
    ("slow_down", false),
    ("expired_token", false),
    ("unsupported_token_type", false),
    ("invalid_token", false),
    ("insufficient_scope", false),
    ("insufficient_user_authentication", false),
    ("unmet_authentication_requirements", false),
    ("invalid_request_uri", false),
    ("invalid_request_object", false),
    ("request_not_supported", false),
    ("request_uri_not_supported", false),
    // No codes of any RFC.
    ("Invalid_Grant", false),
    ("invalid_grant ", false),
    ("invalid-grant", false),
    ("Bad Request", false),
    ("Forbidden", false),
    ("0", false),
    ("Ungültig", false),
];

/// What is left of a code and of a refresh token, by ARCHITECTURE.md.
fn expected(answer: &Answer<'_>, code: &str, registered: bool) -> (Kept, Kept) {
    let redirect = (300..400).contains(&answer.status);
    if answer.status == 429 || answer.status == 503 && answer.retry_after.is_some() {
        return (Kept::Intact, Kept::Intact);
    }
    let spoken = matches!(answer.status, 200..=299 | 400 | 401 | 403);
    match (redirect || !spoken, code) {
        (true, _) => (Kept::Unknown, Kept::Unknown),
        (false, "invalid_grant") => (Kept::Spent, Kept::Spent),
        (false, "use_dpop_nonce") => (Kept::Intact, Kept::Intact),
        (false, _) if registered => (Kept::Spent, Kept::Intact),
        (false, _) => (Kept::Unknown, Kept::Unknown),
    }
}

fn statuses() -> impl Iterator<Item = u16> {
    [200, 201, 202, 204, 206, 226, 299, 300, 302, 304, 308]
        .into_iter()
        .chain(400..=431)
        .chain([444, 451, 499, 500, 501, 502, 503, 504, 505, 507, 511, 520, 530, 599, 600, 601, 799, 999])
}

#[test]
fn every_code_at_every_status_leaves_what_the_table_says() {
    let mut world = World::new();
    for status in statuses() {
        for (code, registered) in CODES {
            for retry_after in [None, Some(9)] {
                let body = format!(r#"{{"error":"{code}","error_description":"x"}}"#);
                let answer = Answer { status, retry_after, body: &body };
                let (of_code, of_refresh) = expected(&answer, code, registered);
                let exchange = world.exchange();
                let (left, error) = failure(&mut world, exchange, &answer);
                assert_eq!(left, of_code, "code: {answer:?}");
                says_the_same(&answer, left, &error);
                let refresh = world.tokens().refresh().unwrap();
                let (left, error) = failure(&mut world, refresh, &answer);
                assert_eq!(left, of_refresh, "refresh: {answer:?}");
                says_the_same(&answer, left, &error);
                let own = ClientCredentials::new(&world.client);
                let (left, error) = failure(&mut world, own, &answer);
                assert_eq!(left, Kept::Intact, "client credentials: {answer:?}");
                assert!(!error.answer_refused(), "{answer:?}");
                let shown = format!("{error} {error:?}");
                assert!(registered || code.len() < 2 || !shown.contains(code) || standard(code), "{shown}");
            }
        }
    }
}

fn standard(code: &str) -> bool {
    !CODES[30..].iter().any(|(other, _)| *other == code)
}

/// What is left and what to do next follow from one verdict.
fn says_the_same(answer: &Answer<'_>, left: Kept, error: &Error) {
    let next = error.next();
    match left {
        Kept::Spent => assert!(matches!(next, Next::Reauthorize | Next::FixConfiguration), "{answer:?}: {next:?}"),
        Kept::Intact | Kept::Unknown => {}
    }
    match next {
        Next::RetryLater(after) => {
            assert_ne!(left, Kept::Spent, "{answer:?}");
            assert_eq!(after, answer.retry_after.map(Duration::from_secs), "{answer:?}");
        }
        Next::Reauthorize => assert!(
            left == Kept::Spent || error.code() == Some(&ErrorCode::AccessDenied) && left == Kept::Intact,
            "{answer:?}"
        ),
        Next::FixConfiguration => assert!(!matches!(answer.status, 429 | 500 | 502 | 504 | 600..), "{answer:?}"),
        other => panic!("{answer:?}: {other:?}"),
    }
    if let Error::Refused(refused) = error {
        let over = left == Kept::Spent || left == Kept::Intact && !matches!(next, Next::RetryLater(_));
        let nonce = error.code() == Some(&ErrorCode::UseDpopNonce);
        assert_eq!(refused.is_verdict(), over && !nonce, "{answer:?}");
    }
    assert_eq!(error.status().map(|status| status.as_u16()), Some(answer.status));
}

#[test]
fn a_body_without_a_code_is_never_a_verdict() {
    let mut world = World::new();
    for status in statuses() {
        for body in [
            "",
            " ",
            "null",
            "{}",
            "[]",
            "\"invalid_grant\"",
            "invalid_grant",
            "error=invalid_grant",
            "<html>",
            "{\"error\":\"invalid_grant\"",
            r#"[{"error":"invalid_grant"}]"#,
            r#"{"error":null}"#,
            r#"{"error":""}"#,
            r#"{"error":["invalid_grant"]}"#,
            r#"{"error":{"error":"invalid_grant"}}"#,
            r#"{"error":7}"#,
            r#"{"error":true}"#,
            r#"{"Error":"invalid_grant"}"#,
            r#"{"error":"invalid_grant","error":"invalid_grant"}"#,
            r#"{"error":"invalid_grant","access_token":"t"}"#,
            r#"{"error":"invalid_grant","refresh_token":"r"}"#,
            r#"{"error":"invalid_grant","access_token":7}"#,
            "\u{feff}{\"error\":\"invalid_grant\"}",
        ] {
            for retry_after in [None, Some(9)] {
                let answer = Answer { status, retry_after, body };
                let not_processed = status == 429 || status == 503 && retry_after.is_some();
                let left = if not_processed { Kept::Intact } else { Kept::Unknown };
                let exchange = world.exchange();
                let (found, error) = failure(&mut world, exchange, &answer);
                assert_eq!(found, left, "{answer:?}");
                assert_eq!(error.code(), None, "{answer:?}");
                let refresh = world.tokens().refresh().unwrap();
                assert_eq!(failure(&mut world, refresh, &answer).0, left, "{answer:?}");
            }
        }
    }
}

/// A description, a URI and other members beside an error never cost its code.
#[test]
fn nothing_beside_an_error_costs_its_code() {
    let mut world = World::new();
    for beside in [
        r#""error_description":"a","error_description":"b""#,
        r#""error_description":null"#,
        r#""error_description":{"a":[1,2,{"b":"}"}]}"#,
        r#""error_description":1e999"#,
        r#""error_description":"\ud800""#,
        "\"error_description\":\"line one\nline two\"",
        "\"error_description\":\"tab\there, \u{1}\"",
        r#""error_uri":7,"error_uri":"""#,
        r#""expires_in":1e999"#,
        r#""scope":"\udfff""#,
        r#""scope":"a","scope":"b""#,
        r#""token_type":"x","token_type":"x""#,
        r#""access_token":null,"refresh_token":"""#,
        r#""id_token":["x"]"#,
        r#""x":1e999,"y":"\ud800","x":2"#,
    ] {
        for body in
            [format!(r#"{{"error":"invalid_grant",{beside}}}"#), format!(r#"{{{beside},"error":"invalid_grant"}}"#)]
        {
            let answer = Answer { status: 400, retry_after: None, body: &body };
            let exchange = world.exchange();
            assert_eq!(failure(&mut world, exchange, &answer).0, Kept::Spent, "{body}");
            let refresh = world.tokens().refresh().unwrap();
            let (left, error) = failure(&mut world, refresh, &answer);
            assert_eq!((left, error.code()), (Kept::Spent, Some(&ErrorCode::InvalidGrant)), "{body}");
        }
    }
    let latin1 = b"{\"error\":\"invalid_grant\",\"error_description\":\"ung\xfcltig\nzwei\"}".to_vec();
    let exchange = world.exchange();
    let response = Response::builder().status(400).body(latin1).unwrap();
    assert!(matches!(world.answer(exchange, response).unwrap_err().left, Left::Spent));
    // No token is taken from a body that is not JSON.
    let exchange = world.exchange();
    let torn = "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"x\":\"a\nb\"}";
    assert!(matches!(world.answer(exchange, json(200, torn)).unwrap_err().left, Left::Unknown(_)));
    // A code with the control character in it is not read either.
    let exchange = world.exchange();
    let torn = "{\"error\":\"invalid\n_grant\"}";
    assert!(world.answer(exchange, json(400, torn)).unwrap_err().error.code().is_none());
}

#[test]
fn a_mapped_code_is_a_verdict_where_a_standard_one_would_be() {
    let quirks = [
        Quirk::error_code(Message::TokenAnswer, None, "dead", ErrorCode::InvalidGrant),
        Quirk::error_code(Message::TokenAnswer, None, "down", ErrorCode::TemporarilyUnavailable),
        Quirk::error_code(Message::TokenAnswer, None, "who", ErrorCode::InvalidClient),
        Quirk::error_code(Message::TokenAnswer, None, "no", ErrorCode::AccessDenied),
    ];
    let mut world =
        World::with(|server| quirks.iter().fold(server, |server, quirk| server.quirk(quirk.clone()).unwrap()));
    for status in statuses() {
        for (word, code, registered) in [
            ("dead", "invalid_grant", true),
            ("down", "temporarily_unavailable", false),
            ("who", "invalid_client", true),
            ("no", "access_denied", true),
            ("dead ", "", false),
            ("DEAD", "", false),
        ] {
            for retry_after in [None, Some(9)] {
                let body = format!(r#"{{"error":"{word}"}}"#);
                let answer = Answer { status, retry_after, body: &body };
                let (of_code, of_refresh) = expected(&answer, code, registered);
                let exchange = world.exchange();
                let (left, error) = failure(&mut world, exchange, &answer);
                assert_eq!(left, of_code, "{answer:?}");
                says_the_same(&answer, left, &error);
                let refresh = world.tokens().refresh().unwrap();
                let (left, error) = failure(&mut world, refresh, &answer);
                assert_eq!(left, of_refresh, "{answer:?}");
                says_the_same(&answer, left, &error);
            }
        }
    }
}
