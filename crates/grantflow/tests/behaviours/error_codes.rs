//! Error codes in the server's own words and in other places: read if the caller says what they mean.

use grantflow::{Callback, Error, ErrorCode, Left, Message, Misuse, Next, Quirk, Server};
use http::StatusCode;

use crate::support::*;

fn world(quirks: &[Quirk]) -> World {
    World::with(|server| quirks.iter().fold(server, |server, quirk| server.quirk(quirk.clone()).unwrap()))
}

/// What is left of a code and of a refresh token, with the code that the error shows.
fn left(quirks: &[Quirk], status: u16, text: &str) -> (&'static str, &'static str, Option<ErrorCode>, Next) {
    fn name<X>(left: &Left<X>) -> &'static str {
        match left {
            Left::Spent => "spent",
            Left::Intact(_) => "intact",
            Left::Unknown(_) => "unknown",
        }
    }
    let mut world = world(quirks);
    let exchange = world.exchange();
    let code = name(&world.answer(exchange, json(status, text)).unwrap_err().left);
    let login = world.exchange();
    let tokens = r#"{"access_token":"a","token_type":"Bearer","refresh_token":"r","code":0,"result":"0000"}"#;
    let tokens = world.answer(login, json(200, tokens)).unwrap();
    let failure = world.answer(tokens.refresh().unwrap(), json(status, text)).unwrap_err();
    (code, name(&failure.left), failure.error.code().cloned(), failure.error.next())
}

fn answer(status: Option<u16>, actual: &str, standard: ErrorCode) -> Quirk {
    Quirk::error_code(
        Message::TokenAnswer,
        status.map(|status| StatusCode::from_u16(status).unwrap()),
        actual,
        standard,
    )
}

#[test]
fn a_dead_refresh_token_by_another_name_is_dead() {
    let dead = (Some(ErrorCode::InvalidGrant), Next::Reauthorize);
    // GitHub: these words are its own, so they count for codes and refreshes alike.
    let github = [
        answer(Some(200), "bad_refresh_token", ErrorCode::InvalidGrant),
        answer(None, "incorrect_client_credentials", ErrorCode::InvalidClient),
    ];
    let text =
        r#"{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}"#;
    assert_eq!(left(&[], 200, text).1, "unknown", "this word is not known");
    let (code, refresh, shown, next) = left(&github, 200, text);
    assert_eq!((code, refresh, (shown, next)), ("spent", "spent", dead.clone()));
    let (.., refresh, shown, next) = left(&github, 200, r#"{"error":"incorrect_client_credentials"}"#);
    assert_eq!((refresh, shown, next), ("intact", Some(ErrorCode::InvalidClient), Next::FixConfiguration));
    assert_eq!(left(&github, 400, text).1, "unknown", "with another status it is not mapped");
    assert_eq!(left(&github, 200, r#"{"error":"Bad_refresh_token"}"#).1, "unknown", "compared byte by byte");

    // A standard word can be mapped on a refresh only.
    for (status, word, quirk) in [
        (403, "unauthorized_client", answer(Some(403), "unauthorized_client", ErrorCode::InvalidGrant)),
        (400, "invalid_request", answer(Some(400), "invalid_request", ErrorCode::InvalidGrant)),
        (401, "invalid_request", answer(None, "invalid_request", ErrorCode::InvalidGrant)),
    ] {
        let text = format!(r#"{{"error":"{word}"}}"#);
        let (code, refresh, shown, next) = left(std::slice::from_ref(&quirk), status, &text);
        assert_eq!((code, refresh, (shown, next)), ("spent", "spent", dead.clone()), "{word}");
        let exchange = world(std::slice::from_ref(&quirk)).exchange();
        let error = world(std::slice::from_ref(&quirk)).answer(exchange, json(status, &text)).unwrap_err().error;
        assert_eq!(error.code().unwrap().as_str(), word, "a code exchange keeps the standard meaning");
        assert_eq!(left(&[], status, &text).1, "intact", "{word}: without the quirk it says nothing about the token");
    }
    let atlassian = [answer(Some(403), "unauthorized_client", ErrorCode::InvalidGrant)];
    assert_eq!(left(&atlassian, 401, r#"{"error":"unauthorized_client"}"#).1, "intact", "another status");
}

#[test]
fn no_quirk_makes_a_verdict_of_a_status_that_is_none() {
    let quirks = [answer(None, "Not Found", ErrorCode::InvalidGrant)];
    for status in [404, 408, 429, 500, 502, 503, 999] {
        let (code, refresh, ..) = left(&quirks, status, r#"{"error":"Not Found"}"#);
        assert!(![code, refresh].contains(&"spent"), "{status}");
    }
    assert_eq!(left(&quirks, 400, r#"{"error":"Not Found"}"#).1, "spent");
}

#[test]
fn the_mapping_for_a_status_goes_before_the_one_for_all() {
    let any = answer(None, "nope", ErrorCode::InvalidGrant);
    let forbidden = answer(Some(403), "nope", ErrorCode::InvalidClient);
    for quirks in [[any.clone(), forbidden.clone()], [forbidden, any]] {
        assert_eq!(left(&quirks, 400, r#"{"error":"nope"}"#).2, Some(ErrorCode::InvalidGrant));
        assert_eq!(left(&quirks, 403, r#"{"error":"nope"}"#).2, Some(ErrorCode::InvalidClient));
    }
}

#[test]
fn an_error_in_another_place_is_read() {
    let place = |path: &str, none: Option<&str>| Quirk::error_path(path, none);
    for (quirks, status, text, code, refresh) in [
        // Fitbit states the standard code.
        (
            vec![place("errors[0].errorType", None)],
            400,
            r#"{"errors":[{"errorType":"invalid_grant","message":"Refresh token invalid"}],"success":false}"#,
            "invalid_grant",
            "spent",
        ),
        (
            vec![place("error.code", None), answer(Some(400), "190", ErrorCode::InvalidGrant)],
            400,
            r#"{"error":{"message":"x","type":"OAuthException","code":190,"fbtrace_id":"A"}}"#,
            "invalid_grant",
            "spent",
        ),
        (vec![place("error.code", None)], 400, r#"{"error":{"message":"x","code":100}}"#, "100", "unknown"),
        (
            vec![place("message", None), answer(Some(400), "Invalid refresh token", ErrorCode::InvalidGrant)],
            400,
            r#"{"error":"Bad Request","status":400,"message":"Invalid refresh token"}"#,
            "invalid_grant",
            "spent",
        ),
        (
            vec![place("result", Some("0000")), answer(None, "5002", ErrorCode::InvalidGrant)],
            200,
            r#"{"result":"5002","message":"x"}"#,
            "invalid_grant",
            "spent",
        ),
        (
            vec![place("code", Some("0")), answer(None, "40105", ErrorCode::InvalidGrant)],
            200,
            r#"{"code":40105,"message":"x","data":{}}"#,
            "invalid_grant",
            "spent",
        ),
        // If nothing is there, `error` counts as always.
        (vec![place("code", Some("0"))], 400, r#"{"error":"invalid_grant"}"#, "invalid_grant", "spent"),
        (vec![place("code", Some("0"))], 400, r#"{"error":"invalid_grant","code":0}"#, "invalid_grant", "spent"),
    ] {
        let (_, found, shown, _) = left(&quirks, status, text);
        assert_eq!((shown.as_ref().map(|code| code.as_str()), found), (Some(code), refresh), "{text}");
    }
}

#[test]
fn an_error_in_another_place_counts_beside_a_token() {
    let run = |quirks: &[Quirk], text: &str| {
        let mut world = world(quirks);
        let exchange = world.exchange();
        world.answer(exchange, json(200, text)).map(|tokens| tokens.bearer().unwrap().expose_secret().to_owned())
    };
    let tiktok = [Quirk::error_path("code", Some("0")), Quirk::token_path(&["data"])];
    let good = r#"{"code":0,"message":"OK","data":{"access_token":"t","token_type":"Bearer"}}"#;
    assert_eq!(run(&tiktok, good).unwrap(), "t");
    let bad = good.replace("\"code\":0", "\"code\":40105");
    let failure = run(&tiktok, &bad).unwrap_err();
    assert!(
        matches!(&failure.error, Error::Protocol(broken) if broken.violation() == grantflow::Violation::TokenAndError)
    );
    assert!(failure.error.answer_refused());
    assert!(run(&tiktok[1..], &bad).is_ok(), "without the quirk this place is not read");
    // If the token's path leads to nothing, that is the fault, unless an error is stated.
    let nothing = run(&tiktok, r#"{"code":0,"access_token":"other","token_type":"Bearer"}"#).unwrap_err();
    assert!(matches!(&nothing.error, Error::Protocol(broken) if broken.violation() == grantflow::Violation::TokenPath));
    assert_eq!(run(&tiktok, r#"{"code":40105}"#).unwrap_err().error.code().unwrap().as_str(), "40105");
    // Inside of `error`, a word can say that there is no error.
    let inside = [Quirk::error_path("error.code", Some("ok"))];
    let fine = r#"{"error":{"code":"ok","message":""},"access_token":"t","token_type":"Bearer"}"#;
    assert_eq!(run(&inside, fine).unwrap(), "t");
    assert!(run(&inside, &fine.replace("\"ok\"", "\"no\"")).is_err());
    assert!(run(&[], fine).is_err());
    for unreadable in ["{}", "[]", "\"\\ud800\"", "1,\"code\":0"] {
        assert!(run(&tiktok, &good.replace("\"code\":0", &format!("\"code\":{unreadable}"))).is_err(), "{unreadable}");
    }
}

#[test]
fn an_error_under_another_name_is_read_in_a_form_too() {
    let quirks = [
        Quirk::FormEncodedAnswer,
        Quirk::error_path("errcode", Some("0")),
        Quirk::error_path("error.code", None),
        answer(None, "40029", ErrorCode::InvalidGrant),
    ];
    let run = |text: &str| {
        let mut world = world(&quirks);
        let exchange = world.exchange();
        world.answer(exchange, json(200, text)).map(|tokens| tokens.bearer().unwrap().expose_secret().to_owned())
    };
    assert_eq!(run("errcode=0&access_token=t&token_type=bearer").unwrap(), "t");
    for dead in
        ["errcode=40029&errmsg=invalid+code", "err%63ode=40029", r#"{"errcode":40029}"#, "errcode=40029&errmsg=%ff"]
    {
        let failure = run(dead).unwrap_err();
        assert_eq!(failure.error.code(), Some(&ErrorCode::InvalidGrant), "{dead}");
        assert!(matches!(failure.left, Left::Spent), "{dead}");
    }
    assert_eq!(run("errcode=0&error=invalid_client").unwrap_err().error.code(), Some(&ErrorCode::InvalidClient));
    for contradiction in [
        "errcode=40029&access_token=t&token_type=bearer",
        "errcode=0&errcode=40029&access_token=t&token_type=bearer",
        "errcode=%zz&access_token=t&token_type=bearer",
    ] {
        assert!(run(contradiction).is_err(), "{contradiction}");
    }
}

#[test]
fn a_callbacks_word_is_mapped_too() {
    let linkedin = Quirk::error_code(Message::Callback, None, "user_cancelled_login", ErrorCode::AccessDenied);
    let denied = |quirks: &[Quirk], word: &str| {
        let (pending, state) = world(quirks).waiting();
        match pending.receive_url(&format!("{REDIRECT_URI}?error={word}&state={state}")) {
            Callback::Denied(error) => (error.code().clone(), error.next()),
            other => panic!("{other:?}"),
        }
    };
    let quirks = [linkedin];
    assert_eq!(denied(&quirks, "user_cancelled_login"), (ErrorCode::AccessDenied, Next::Reauthorize));
    assert_eq!(denied(&[], "user_cancelled_login").1, Next::FixConfiguration);
    // What is mapped in one message has no meaning in the other.
    assert_eq!(left(&quirks, 400, r#"{"error":"user_cancelled_login"}"#).0, "unknown");
    let other = [answer(None, "user_cancelled_login", ErrorCode::AccessDenied)];
    assert_eq!(denied(&other, "user_cancelled_login").1, Next::FixConfiguration);
}

/// A token endpoint that uses a resource's word (RFC 6750 §3.1) says nothing that an RFC defines, so a quirk may say what it means.
#[test]
fn a_resources_word_is_the_servers_own_at_a_token_endpoint() {
    for word in ["invalid_token", "insufficient_scope", "insufficient_user_authentication"] {
        let text = format!(r#"{{"error":"{word}"}}"#);
        for status in [400, 401, 403] {
            let (code, refresh, shown, next) = left(&[], status, &text);
            assert_eq!((code, refresh, next), ("unknown", "unknown", Next::FixConfiguration), "{status} {word}");
            assert_eq!(shown.unwrap().to_string(), word, "a registered word is shown");
        }
        let dead = answer(None, word, ErrorCode::InvalidGrant);
        let expected = ("spent", "spent", Some(ErrorCode::InvalidGrant), Next::Reauthorize);
        assert_eq!(left(&[dead], 400, &text), expected, "{word}");
        let client = answer(None, word, ErrorCode::InvalidClient);
        assert_eq!(left(&[client], 401, &text).2, Some(ErrorCode::InvalidClient), "{word}");
    }
}

#[test]
fn what_would_lower_a_guard_is_refused() {
    let server = || Server::with_token_endpoint("https://as.example/token").unwrap();
    let refused = |quirk: Quirk| matches!(server().quirk(quirk), Err(Error::Misuse(Misuse::Quirk(_))));
    for quirk in [
        // A standard code can become `invalid_grant` only, and in a token answer only.
        answer(None, "invalid_client", ErrorCode::InvalidRequest),
        answer(Some(403), "invalid_grant", ErrorCode::ServerError),
        answer(None, "use_dpop_nonce", ErrorCode::InvalidClient),
        Quirk::error_code(Message::Callback, None, "access_denied", ErrorCode::ServerError),
        // No status that is not one of a verdict, and no status in a callback.
        answer(Some(404), "dead", ErrorCode::InvalidGrant),
        answer(Some(302), "dead", ErrorCode::InvalidGrant),
        answer(Some(429), "dead", ErrorCode::InvalidGrant),
        answer(Some(500), "dead", ErrorCode::InvalidGrant),
        Quirk::error_code(Message::Callback, Some(StatusCode::OK), "dead", ErrorCode::AccessDenied),
        // Requests do not contain errors.
        Quirk::error_code(Message::TokenRequest, None, "dead", ErrorCode::InvalidGrant),
        Quirk::error_code(Message::AuthorizationRequest, None, "dead", ErrorCode::InvalidGrant),
        answer(None, "", ErrorCode::InvalidGrant),
        answer(None, "dead", ErrorCode::Other("deader".into())),
        // A quirk cannot say "the server looked at nothing".
        answer(None, "dead", ErrorCode::UseDpopNonce),
        Quirk::error_path("", None),
        Quirk::error_path("errors[].type", None),
        Quirk::error_path("a..b", None),
    ] {
        assert!(refused(quirk.clone()), "{quirk:?}");
    }
    let twice = server().quirk(answer(None, "dead", ErrorCode::InvalidGrant)).unwrap();
    assert!(twice.clone().quirk(answer(None, "dead", ErrorCode::InvalidClient)).is_err());
    assert!(twice.quirk(answer(Some(400), "dead", ErrorCode::InvalidClient)).is_ok());
    let twice = server().quirk(Quirk::error_path("code", Some("0"))).unwrap();
    assert!(twice.quirk(Quirk::error_path("code", Some("0"))).is_err());
}
