//! An API wants more than a token gives (RFC 6750 §3.1, RFC 9470): what counts, what is asked for, and that it ends.

use std::time::Duration;

use grantflow::{
    Authorization, Callback, Client, Env, ErrorCode, Exchange, GrantedScope, Misuse, Next, NoStepUp, Quirk, Redirect,
    ResponseMode, Server, Step, StepUp, StepUpAttempts, Tokens, UnixTime,
};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;

use crate::support::Dice;

mod api;
mod ends;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

fn client() -> Client {
    (&server().client("app").public().unwrap()).into()
}

fn server() -> Server {
    Server::new("https://as.example/authorize", "https://as.example/token").unwrap()
}

fn authorization(scope: &str) -> Authorization {
    with_scope(Authorization::new(client(), "https://app.example/cb").unwrap(), scope)
}

fn with_scope(authorization: Authorization, scope: &str) -> Authorization {
    if scope.is_empty() { authorization } else { authorization.scope(scope).unwrap() }
}

/// What a grant of this request covers, where the server's answer has this member `scope`.
fn granted(authorization: &Authorization, scope_member: &str) -> GrantedScope {
    let mut rng = Dice(1);
    let mut env = Env::new(NOW, &mut rng);
    let Redirect { url, pending } = authorization.start(&mut env).unwrap();
    let state = parameter(url.as_str(), "state").unwrap();
    let callback = match authorization_is_form_post(url.as_str()) {
        true => {
            let body = format!("code=c&state={state}");
            let request =
                http::Request::post("/cb").header("content-type", "application/x-www-form-urlencoded").body(body);
            pending.receive_form_post(&request.unwrap())
        }
        false => pending.receive_url(&format!("https://app.example/cb?code=c&state={state}")),
    };
    let Callback::Granted(exchange) = callback else { panic!("not granted: {callback:?}") };
    let body = format!(r#"{{"access_token":"t","token_type":"Bearer"{scope_member}}}"#);
    let Step::Done(tokens) = exchange.respond(&mut env, http::Response::new(body)).unwrap() else {
        panic!("a code exchange has one step")
    };
    tokens.scope().clone()
}

fn authorization_is_form_post(url: &str) -> bool {
    parameter(url, "response_mode").is_some()
}

fn url(authorization: &Authorization) -> String {
    let mut rng = Dice(1);
    authorization.start(&mut Env::new(NOW, &mut rng)).unwrap().url.as_str().to_owned()
}

/// A parameter of a URL, decoded. It must not be there twice.
fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?').unwrap().1;
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap();
    let mut values = pairs.into_iter().filter(|(known, _)| known == name).map(|(_, value)| value);
    let value = values.next();
    assert_eq!(values.next(), None, "{name} is there twice");
    value
}

fn asked(authorization: &Authorization) -> [Option<String>; 3] {
    let url = url(authorization);
    ["scope", "acr_values", "max_age"].map(|name| parameter(&url, name))
}

fn strings(texts: [Option<&str>; 3]) -> [Option<String>; 3] {
    texts.map(|text| text.map(str::to_owned))
}

fn of(status: u16, line: &str) -> Option<StepUp> {
    let value = HeaderValue::from_bytes(line.as_bytes()).unwrap();
    StepUp::of(StatusCode::from_u16(status).unwrap(), &HeaderMap::from_iter([(WWW_AUTHENTICATE, value)]))
}

fn scope(named: &str) -> StepUp {
    of(403, &format!("Bearer error=\"insufficient_scope\", scope=\"{named}\"")).unwrap()
}

fn login(parameters: &str) -> StepUp {
    of(401, &format!("Bearer error=\"insufficient_user_authentication\", {parameters}")).unwrap()
}

#[test]
fn what_counts_as_a_step_up() {
    for (line, reason) in [
        (r#"Bearer error="insufficient_scope", scope="write""#, ErrorCode::InsufficientScope),
        (r#"bearer ERROR=insufficient_scope"#, ErrorCode::InsufficientScope),
        (r#"DPoP error="insufficient_scope", scope="write", algs="ES256""#, ErrorCode::InsufficientScope),
        (r#"Basic realm="x", Bearer realm="y", error="insufficient_scope""#, ErrorCode::InsufficientScope),
        (
            r#"Bearer error="insufficient_user_authentication", acr_values="a""#,
            ErrorCode::InsufficientUserAuthentication,
        ),
        (r#"DPoP error="insufficient_user_authentication", max_age=1"#, ErrorCode::InsufficientUserAuthentication),
        // The first that asks for it; a whole one before a broken one.
        (r#"Bearer error="invalid_token", DPoP error="insufficient_scope""#, ErrorCode::InsufficientScope),
        (r#"Bearer error="insufficient_scope", error_description="the "x" scope""#, ErrorCode::InsufficientScope),
        (
            r#"Bearer, error="insufficient_scope", Bearer error="insufficient_user_authentication""#,
            ErrorCode::InsufficientUserAuthentication,
        ),
    ] {
        for status in [401, 403] {
            assert_eq!(of(status, line).unwrap().reason(), &reason, "{status} {line}");
        }
        for status in [200, 302, 400, 404, 407, 429, 500, 503] {
            assert!(of(status, line).is_none(), "{status} {line}");
        }
    }
    for line in [
        "",
        "Bearer",
        r#"Bearer scope="write""#,
        r#"Bearer error="invalid_token", scope="write""#,
        r#"Bearer error="insufficient_scopes""#,
        r#"Bearer error="insufficient_scope", error="invalid_token""#,
        r#"Basic error="insufficient_scope", scope="write""#,
        r#"DPoP error="use_dpop_nonce""#,
        r#"Bearer error="insufficient_scope"#,
    ] {
        for status in [401, 403] {
            assert!(of(status, line).is_none(), "{status} {line}");
        }
    }
    assert!(StepUp::of(StatusCode::FORBIDDEN, &HeaderMap::new()).is_none());
}

#[test]
fn what_the_api_names_is_readable() {
    let step_up =
        of(401, r#"Bearer error="insufficient_user_authentication", acr_values=" a  b ", max_age="5", scope="x y""#);
    let step_up = step_up.unwrap();
    assert_eq!(step_up.untrusted_acr_values(), Some("a  b"));
    assert_eq!(step_up.max_age(), Some(Duration::from_secs(5)));
    assert_eq!(step_up.scope().unwrap().as_str(), "x y");
    let long = format!(r#"Bearer error="insufficient_scope", scope="{0}", acr_values="{0}""#, "x".repeat(5_000));
    let long = of(403, &long).unwrap();
    assert_eq!((long.scope(), long.untrusted_acr_values()), (None, None));
    for unreadable in ["", " ", "é", "a\\\"b"] {
        assert!(scope(unreadable).scope().is_none(), "{unreadable:?}");
    }
}

#[test]
fn the_new_request_asks_for_the_union_and_keeps_all_else() {
    let before = authorization("read")
        .resource("https://api.example/a")
        .unwrap()
        .resource("https://api.example/b")
        .unwrap()
        .response_mode(ResponseMode::FormPost)
        .param("login_hint", "ada")
        .unwrap()
        .param("acr_values", "low")
        .unwrap()
        .param("prompt", "login")
        .unwrap();
    let step_up = login(r#"acr_values="high higher", max_age=60, scope="write read""#);
    let mut attempts = StepUpAttempts::new();
    let after = before.step_up(&step_up, &granted(&before, r#","scope":"profile""#), &mut attempts).unwrap();
    assert_eq!(asked(&after), strings([Some("read profile write"), Some("high higher"), Some("60")]));
    let (old, new) = (url(&before), url(&after));
    for name in ["client_id", "redirect_uri", "response_mode", "response_type", "login_hint", "prompt"] {
        assert!(parameter(&old, name).is_some(), "{name}");
        assert_eq!(parameter(&new, name), parameter(&old, name), "{name}");
    }
    for resource in ["a", "b"] {
        assert!(new.contains(&format!("resource=https%3A%2F%2Fapi.example%2F{resource}")), "{new}");
    }
    // The first request is as it was.
    assert_eq!(asked(&before), strings([Some("read"), Some("low"), None]));
    assert_eq!((attempts.made(), attempts.left()), (1, 2));
}

#[test]
fn scopes_that_were_asked_for_granted_and_named_are_united() {
    for (asked_for, member, named, expected) in [
        ("read", "", "write", "read write"),
        ("read", r#","scope":"read profile""#, "write", "read profile write"),
        // Narrowed: what was refused is asked for again, once.
        ("read write", r#","scope":"read""#, "write", "read write"),
        ("read write", r#","scope":"read""#, "admin", "read write admin"),
        ("read write", r#","scope":"""#, "write", "read write"),
        // Nothing was asked for.
        ("", "", "write", "write"),
        ("", r#","scope":"read""#, "write", "read write"),
        // What was granted cannot be read.
        ("read", r#","scope":null"#, "write", "read write"),
        // Only a part of what is named is new.
        ("read write", "", "write admin", "read write admin"),
    ] {
        let before = authorization(asked_for);
        let granted = granted(&before, member);
        let after = before.step_up(&scope(named), &granted, &mut StepUpAttempts::new()).unwrap();
        let what = format!("{asked_for:?} {member} {named}");
        assert_eq!(parameter(&url(&after), "scope").as_deref(), Some(expected), "{what}");
    }
    // A login is asked for without a scope, where there was none.
    let before = authorization("");
    let after = before.step_up(&login("max_age=0"), &granted(&before, ""), &mut StepUpAttempts::new()).unwrap();
    assert_eq!(asked(&after), strings([None, None, Some("0")]));
}

#[test]
fn the_shorter_of_two_times_counts() {
    for (own, named, expected) in [
        (None, "60", "60"),
        (Some("30"), "60", "30"),
        (Some("90"), "60", "60"),
        (Some("x"), "60", "60"),
        (Some("60"), "0", "0"),
    ] {
        let before = match own {
            Some(own) => authorization("read").param("max_age", own).unwrap(),
            None => authorization("read"),
        };
        let step_up = login(&format!("max_age=\"{named}\""));
        let after = before.step_up(&step_up, &granted(&before, ""), &mut StepUpAttempts::new()).unwrap();
        assert_eq!(parameter(&url(&after), "max_age").as_deref(), Some(expected), "{own:?} {named}");
    }
}

/// A web application makes its first request anew for each visit, and stores the attempts.
#[test]
fn attempts_can_be_stored_and_carry_what_was_asked_for() {
    let first = authorization("read");
    let mut attempts = StepUpAttempts::up_to(4);
    let mut granted_now = granted(&first, "");
    let mut chained = first.clone();
    let mut chained_attempts = attempts.clone();
    for step_up in [login("acr_values=\"high\", max_age=9"), scope("write"), login("acr_values=\"higher\"")] {
        chained = chained.step_up(&step_up, &granted_now, &mut chained_attempts).unwrap();
        let stored = serde_json::to_string(&attempts).unwrap();
        attempts = serde_json::from_str(&stored).unwrap();
        let again = authorization("read").step_up(&step_up, &granted_now, &mut attempts).unwrap();
        assert_eq!(asked(&again), asked(&chained), "from the first request and from the last, the same comes");
        granted_now = granted(&again, "");
    }
    assert_eq!(asked(&chained), strings([Some("read write"), Some("higher"), Some("9")]));
    // What counts is what was asked for last, also where it was asked for before.
    let mut back = StepUpAttempts::up_to(9);
    for (step_up, acr) in
        [(login("acr_values=a"), "a"), (login("acr_values=b"), "b"), (login("acr_values=a, max_age=1"), "a")]
    {
        let next = first.step_up(&step_up, &granted(&first, ""), &mut back).unwrap();
        assert_eq!(parameter(&url(&next), "acr_values").as_deref(), Some(acr));
    }
    let next = first.step_up(&scope("write"), &granted(&first, ""), &mut back).unwrap();
    assert_eq!(asked(&next), strings([Some("read write"), Some("a"), Some("1")]));
    let stored = serde_json::to_string(&attempts).unwrap();
    let restored: StepUpAttempts = serde_json::from_str(&stored).unwrap();
    assert_eq!((restored.made(), restored.left()), (3, 1));
    for broken in ["{}", "[]", "null", r#"{"made":0}"#, r#"{"made":-1,"limit":3}"#] {
        assert!(serde_json::from_str::<StepUpAttempts>(broken).is_err(), "{broken}");
    }
}

#[test]
fn a_server_that_separates_scopes_otherwise_is_asked_in_its_own_way() {
    let server = server().quirk(Quirk::ScopeSeparator(',')).unwrap();
    let client = server.client("app").public().unwrap();
    let before = Authorization::new(&client, "https://app.example/cb").unwrap().scope("read").unwrap();
    let granted = granted(&before, "");
    for named in ["write,admin", "write admin"] {
        let after = before.step_up(&scope(named), &granted, &mut StepUpAttempts::new()).unwrap();
        assert_eq!(parameter(&url(&after), "scope").as_deref(), Some("read,write,admin"), "{named}");
    }
    let end = before.step_up(&scope("read,read"), &granted, &mut StepUpAttempts::new()).unwrap_err();
    assert!(matches!(end, NoStepUp::NothingNew));
}

#[test]
fn what_the_endpoints_own_query_has_cannot_be_replaced() {
    let server = Server::new("https://as.example/authorize?acr_values=low", "https://as.example/token").unwrap();
    let client = server.client("app").public().unwrap();
    let before = Authorization::new(&client, "https://app.example/cb").unwrap();
    let mut attempts = StepUpAttempts::new();
    let end = before.step_up(&login("acr_values=high"), &granted(&before, ""), &mut attempts).unwrap_err();
    assert!(
        matches!(end, NoStepUp::Request(grantflow::Error::Misuse(Misuse::DuplicateParameter))),
        "no parameter may be sent twice: {end:?}"
    );
    assert_eq!(attempts.made(), 0);
    // What has no such parameter in it is asked for.
    assert!(before.step_up(&scope("write"), &granted(&before, ""), &mut attempts).is_ok());
}

#[test]
fn nothing_of_the_api_is_printed() {
    let line = r#"Bearer error="insufficient_user_authentication", scope="s3cret", acr_values="s3cret", max_age=7, realm="s3cret", error_description="s3cret""#;
    let step_up = of(401, line).unwrap();
    let before = authorization("read");
    let mut attempts = StepUpAttempts::new();
    let after = before.step_up(&step_up, &granted(&before, ""), &mut attempts).unwrap();
    let end = after.step_up(&step_up, &granted(&after, ""), &mut attempts).unwrap_err();
    let shown = format!("{step_up:?} {step_up:#?} {attempts:?} {attempts:#?} {after:?} {after:#?} {end} {end:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("insufficient_user_authentication") && shown.contains("made: 1"), "{shown}");
}
