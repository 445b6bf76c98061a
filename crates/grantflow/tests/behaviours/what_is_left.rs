//! What an answer leaves of a grant: the table of ARCHITECTURE.md, row by row.

use std::time::Duration;

use grantflow::{ClientCredentials, Env, Error, Exchange, Left, Next, Sent};
use http::Response;

use crate::support::*;

const TOKENS: &str = r#"{"access_token":"t","token_type":"Bearer"}"#;
const HTML: &str = "<html>no</html>";

/// What became of an exchange: `done`, `spent`, `intact`, `unknown`.
fn left<X: Exchange>(world: &mut World, exchange: X, response: Response<Vec<u8>>) -> (&'static str, Option<Error>) {
    match world.answer(exchange, response) {
        Ok(_) => ("done", None),
        Err(failure) => (name(&failure.left), Some(failure.error)),
    }
}

fn name<X>(left: &Left<X>) -> &'static str {
    match left {
        Left::Spent => "spent",
        Left::Intact(_) => "intact",
        Left::Unknown(_) => "unknown",
    }
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::Refused(_) => "refused",
        Error::Protocol(_) => "protocol",
        Error::Unavailable(_) => "unavailable",
        Error::NoAnswer(_) => "no answer",
        Error::Misuse(_) => "misuse",
        _ => "other",
    }
}

#[test]
fn each_answer_leaves_what_it_must() {
    let error = |code: &str| format!(r#"{{"error":"{code}"}}"#);
    let later = Next::RetryLater(None);
    let in_7 = Next::RetryLater(Some(Duration::from_secs(7)));
    // status, Retry-After, body; what is left of a code and of a refresh; what kind of error; what to do.
    let rows: Vec<(u16, &str, String, &str, &str, &str, Next)> = vec![
        (200, "", TOKENS.into(), "done", "done", "", later),
        (201, "", TOKENS.into(), "done", "done", "", later),
        (400, "", error("invalid_grant"), "spent", "spent", "refused", Next::Reauthorize),
        (200, "", error("invalid_grant"), "spent", "spent", "refused", Next::Reauthorize),
        (401, "", error("invalid_client"), "spent", "intact", "refused", Next::FixConfiguration),
        (400, "", error("invalid_scope"), "spent", "intact", "refused", Next::FixConfiguration),
        (400, "", error("unauthorized_client"), "spent", "intact", "refused", Next::FixConfiguration),
        (403, "", error("invalid_grant"), "spent", "spent", "refused", Next::Reauthorize),
        (299, "", error("invalid_grant"), "spent", "spent", "refused", Next::Reauthorize),
        (400, "", error("access_denied"), "spent", "intact", "refused", Next::Reauthorize),
        (400, "", error("invalid_target"), "spent", "intact", "refused", Next::FixConfiguration),
        (400, "", error("invalid_dpop_proof"), "spent", "intact", "refused", Next::FixConfiguration),
        (400, "", error("use_dpop_nonce"), "intact", "intact", "refused", Next::FixConfiguration),
        (401, "", error("use_dpop_nonce"), "intact", "intact", "refused", Next::FixConfiguration),
        // Codes that no RFC registers for a token answer.
        (403, "", error("made_up"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (400, "", error("Bad Request"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (401, "", error("Unauthorized"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (200, "", error("Service Unavailable"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (200, "", error("bad_refresh_token"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (400, "", error("login_required"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (400, "", error("unsupported_response_type"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (400, "", error("INVALID_GRANT"), "unknown", "unknown", "refused", Next::FixConfiguration),
        // Statuses that no token endpoint uses for errors.
        (402, "", error("invalid_grant"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (404, "", error("Not Found"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (404, "", error("invalid_client"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (405, "", error("Method Not Allowed"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (409, "", error("invalid_grant"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (413, "", error("invalid_request"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (415, "", error("invalid_request"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (422, "", error("invalid_grant"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (408, "", error("Request Timeout"), "unknown", "unknown", "refused", later),
        (408, "7", error("invalid_grant"), "unknown", "unknown", "refused", in_7),
        (421, "", error("invalid_grant"), "unknown", "unknown", "refused", later),
        (425, "", error("Too Early"), "unknown", "unknown", "refused", later),
        (404, "", error("use_dpop_nonce"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (404, "", error("temporarily_unavailable"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (404, "", r#"{"error":{"code":404}}"#.into(), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (503, "7", r#"{"error":{"code":503}}"#.into(), "intact", "intact", "unavailable", in_7),
        // HTTP has no such status: a server error (RFC 9110 §15).
        (600, "", error("invalid_grant"), "unknown", "unknown", "refused", later),
        (999, "7", error("invalid_client"), "unknown", "unknown", "refused", in_7),
        (999, "", HTML.into(), "unknown", "unknown", "unavailable", later),
        (400, "", error("temporarily_unavailable"), "unknown", "unknown", "refused", later),
        (400, "7", error("temporarily_unavailable"), "unknown", "unknown", "refused", in_7),
        (200, "", error("server_error"), "unknown", "unknown", "refused", later),
        (400, "", error("server_error"), "unknown", "unknown", "refused", later),
        (500, "", error("server_error"), "unknown", "unknown", "refused", later),
        (500, "", error("invalid_grant"), "unknown", "unknown", "refused", later),
        (502, "7", error("invalid_client"), "unknown", "unknown", "refused", in_7),
        (503, "", error("invalid_grant"), "unknown", "unknown", "refused", later),
        (501, "", error("invalid_grant"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (505, "7", error("server_error"), "unknown", "unknown", "refused", Next::FixConfiguration),
        (429, "", error("slow_down"), "intact", "intact", "refused", later),
        (429, "7", HTML.into(), "intact", "intact", "unavailable", in_7),
        (429, "", HTML.into(), "intact", "intact", "unavailable", later),
        (503, "7", HTML.into(), "intact", "intact", "unavailable", in_7),
        (503, "7", error("temporarily_unavailable"), "intact", "intact", "refused", in_7),
        (503, "", HTML.into(), "unknown", "unknown", "unavailable", later),
        (503, "soon", HTML.into(), "unknown", "unknown", "unavailable", later),
        (500, "", HTML.into(), "unknown", "unknown", "unavailable", later),
        (501, "", HTML.into(), "unknown", "unknown", "unavailable", Next::FixConfiguration),
        (502, "7", HTML.into(), "unknown", "unknown", "unavailable", in_7),
        (302, "", String::new(), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (307, "", TOKENS.into(), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (304, "", error("invalid_grant"), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (404, "", HTML.into(), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (400, "", TOKENS.into(), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (400, "", String::new(), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (401, "7", HTML.into(), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (408, "", HTML.into(), "unknown", "unknown", "protocol", later),
        (421, "", HTML.into(), "unknown", "unknown", "protocol", later),
        (408, "7", String::new(), "unknown", "unknown", "protocol", in_7),
        (425, "", String::new(), "unknown", "unknown", "protocol", later),
        (204, "", String::new(), "unknown", "unknown", "protocol", later),
        (200, "", String::new(), "unknown", "unknown", "protocol", later),
        // Complete and not JSON: the next answer will be the same.
        (200, "", HTML.into(), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (200, "7", HTML.into(), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (200, "", "access_token=t&token_type=bearer".into(), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (200, "", format!("\u{feff}{TOKENS}"), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (
            200,
            "",
            TOKENS.replace('}', r#","expires_in":1e999}"#),
            "unknown",
            "unknown",
            "protocol",
            Next::FixConfiguration,
        ),
        (200, "", "1e999".into(), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (200, "", format!("{TOKENS}{TOKENS}"), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (200, "", TOKENS[..20].into(), "unknown", "unknown", "protocol", later),
        (200, "7", TOKENS[..20].into(), "unknown", "unknown", "protocol", in_7),
        (200, "", format!("[{TOKENS}]"), "unknown", "unknown", "protocol", Next::FixConfiguration),
        (
            200,
            "",
            r#"{"access_token":"t","token_type":"Bearer","error":"x"}"#.into(),
            "unknown",
            "unknown",
            "protocol",
            Next::FixConfiguration,
        ),
        (100, "", String::new(), "unknown", "unknown", "misuse", Next::FixCaller),
        (103, "", TOKENS.into(), "unknown", "unknown", "misuse", Next::FixCaller),
    ];
    for (status, wait, text, code, refresh, error_kind, next) in rows {
        let what = format!("{status} {wait} {text}");
        let response = || {
            let builder = Response::builder().status(status);
            let builder = if wait.is_empty() { builder } else { builder.header("retry-after", wait) };
            builder.body(text.clone().into_bytes()).unwrap()
        };
        let mut world = World::new();
        let exchange = world.exchange();
        let (found, found_error) = left(&mut world, exchange, response());
        assert_eq!(found, code, "code: {what}");
        let exchange = world.tokens().refresh().unwrap();
        assert_eq!(left(&mut world, exchange, response()).0, refresh, "refresh: {what}");
        let exchange = ClientCredentials::new(&world.client);
        let credentials = left(&mut world, exchange, response()).0;
        assert_eq!(credentials, if code == "done" { "done" } else { "intact" }, "client credentials: {what}");
        if let Some(error) = found_error {
            assert_eq!((kind(&error), error.next()), (error_kind, next), "{what}");
            if status >= 200 {
                assert_eq!(
                    error.status().map(|status| status.as_u16()),
                    Some(status),
                    "{what}: the status is not to be seen"
                );
            }
        }
    }
}

#[test]
fn no_answer_is_intact_or_unknown_by_whether_it_was_sent() {
    let mut world = World::new();
    let mut rng = Dice(5);
    let mut env = Env::new(NOW, &mut rng);
    for (sent, expected) in [(Sent::NotSent, "intact"), (Sent::MaybeSent, "unknown")] {
        let failure = world.exchange().unanswered(&mut env, sent).unwrap_err();
        assert_eq!(name(&failure.left), expected);
        assert!(matches!(failure.error, Error::NoAnswer(found) if found == sent));
        let failure = world.tokens().refresh().unwrap().unanswered(&mut env, sent).unwrap_err();
        assert_eq!(name(&failure.left), expected);
        let failure = ClientCredentials::new(&world.client).unanswered(&mut env, sent).unwrap_err();
        assert_eq!(name(&failure.left), "intact");
    }
}

#[test]
fn what_is_left_can_be_run_again() {
    let mut world = World::new();
    let exchange = world.exchange();
    let Left::Intact(exchange) = world.answer(exchange, json(429, "")).unwrap_err().left else { panic!() };
    let Left::Unknown(exchange) = world.answer(*exchange, json(502, HTML)).unwrap_err().left else { panic!() };
    let tokens = world.run(*exchange).unwrap();
    let Left::Unknown(exchange) = world.answer(tokens.refresh().unwrap(), json(200, "{")).unwrap_err().left else {
        panic!()
    };
    assert!(world.run(*exchange).is_ok());
}

#[test]
fn a_body_over_the_limit_is_refused_and_one_at_it_is_not() {
    let limit = 1024 * 1024;
    for (len, expected) in [(limit, "done"), (limit + 1, "unknown")] {
        let mut world = World::new();
        let exchange = world.exchange();
        let start = r#"{"access_token":"t","token_type":"Bearer","pad":""#;
        let text = format!("{start}{}\"}}", "x".repeat(len - start.len() - 2));
        assert_eq!(text.len(), len);
        let (found, error) = left(&mut world, exchange, json(200, &text));
        assert_eq!(found, expected);
        if let Some(Error::Protocol(broken)) = error {
            assert_eq!(broken.violation(), grantflow::Violation::TooLarge);
            assert!(
                Error::Protocol(broken).answer().unwrap().untrusted_body().len() <= 8 * 1024,
                "too much of it is kept"
            );
        }
    }
}
