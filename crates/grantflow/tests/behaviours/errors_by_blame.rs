//! Every error says who has to act and what to do. The server's text is available on request, and never printed.

use std::error::Error as _;

use grantflow::{Authorization, Error, ErrorCode, Failure, Misuse, RedirectUri, Server};

use crate::support::*;

fn failure(status: u16, text: &str) -> Failure<grantflow::CodeExchange> {
    let mut world = World::new();
    let exchange = world.exchange();
    world.answer(exchange, json(status, text)).unwrap_err()
}

#[test]
fn messages_say_what_happened_and_what_to_do() {
    for (status, text, message) in [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"s3cret"}"#,
            "the authorization server refused: invalid_grant (HTTP 400); ask the person to authorize again",
        ),
        (
            401,
            r#"{"error":"invalid_client"}"#,
            "the authorization server refused: invalid_client (HTTP 401); correct the client's registration or settings",
        ),
        (
            400,
            r#"{"error":"s3cret"}"#,
            "the authorization server refused: an unregistered error code (HTTP 400), which says nothing about the grant because no RFC defines it for this answer; if the server documents it, see `Quirk::ErrorCode`; correct the client's registration or settings",
        ),
        (
            400,
            r#"{"error":"temporarily_unavailable"}"#,
            "the authorization server could not answer: temporarily_unavailable (HTTP 400); try again later",
        ),
        (
            404,
            r#"{"status":404,"error":"s3cret"}"#,
            "the answer is not the token endpoint's: an unregistered error code (HTTP 404) is no verdict; check the token endpoint's URL; correct the client's registration or settings",
        ),
        (
            408,
            r#"{"error":"s3cret"}"#,
            "the authorization server is not available: an unregistered error code (HTTP 408) is no verdict; try again later",
        ),
        (
            500,
            r#"{"error":"invalid_grant"}"#,
            "the authorization server is not available: invalid_grant (HTTP 500) is no verdict; try again later",
        ),
        (
            200,
            r#"{"token_type":"bearer"}"#,
            "the authorization server broke the protocol: access_token is missing (HTTP 200)",
        ),
        (
            200,
            "<s3cret>",
            "the authorization server broke the protocol: the body stops being JSON at line 1, column 1; it looks like HTML or XML: check the token endpoint's URL (HTTP 200)",
        ),
        (
            404,
            "s3cret",
            "the authorization server broke the protocol: an unexpected status without an OAuth error; check the token endpoint's URL (HTTP 404)",
        ),
        (
            401,
            "s3cret",
            "the authorization server broke the protocol: it asks the client to authenticate and states no OAuth error; check the client's id, secret and way to authenticate (HTTP 401)",
        ),
        (
            403,
            "",
            "the authorization server broke the protocol: it denies access and states no OAuth error; check the client's id, secret and way to authenticate (HTTP 403)",
        ),
        (
            403,
            "s3cret",
            "the authorization server broke the protocol: an unexpected status without an OAuth error; check the token endpoint's URL (HTTP 403)",
        ),
        (502, "s3cret", "the authorization server is not available: HTTP 502"),
        (999, "s3cret", "the authorization server is not available: HTTP 999"),
    ] {
        let failure = failure(status, text);
        assert_eq!(failure.error.to_string(), message);
        assert!(failure.to_string().starts_with(message) && failure.to_string().len() > message.len());
        assert!(failure.source().is_none() && failure.error.source().is_none(), "one level says it all");
        for shown in
            [format!("{failure}"), format!("{failure:?}"), format!("{failure:#?}"), format!("{:?}", failure.error)]
        {
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}

#[test]
fn the_servers_words_are_there_on_request() {
    let failure = failure(
        400,
        r#"{"error":"made_up","error_description":"why \u001b[31m","error_uri":"javascript:x","trace":"1"}"#,
    );
    let Error::Refused(refused) = &failure.error else { panic!() };
    assert_eq!(*refused.response().code(), ErrorCode::Other("made_up".into()));
    assert_eq!(refused.response().code().as_str(), "made_up");
    assert_eq!(refused.response().untrusted_description(), Some("why \u{1b}[31m"));
    assert_eq!(refused.response().untrusted_uri(), Some("javascript:x"));
    let body = failure.error.answer().unwrap().untrusted_body();
    assert!(String::from_utf8_lossy(body).contains("\"trace\":\"1\""));
}

/// The error's text says what would read the answer.
#[test]
fn a_violation_that_a_quirk_would_read_names_the_quirk() {
    for (status, text, quirk) in [
        (200, r#"{"access_token":"t"}"#, "Quirk::MissingTokenType"),
        (200, r#"{"access_token":"t","token_type":null}"#, "Quirk::MissingTokenType"),
        (200, r#"{"access_token":"t","token_type":""}"#, "Quirk::MissingTokenType"),
        (200, r#"{"access_token":"t","token_type":"user"}"#, "Quirk::TokenType"),
        (200, r#"{"accessToken":"t","token_type":"bearer"}"#, "Quirk::RenamedParameter"),
        (200, r#"{"access_token":"t","tokenType":"bearer"}"#, "Quirk::RenamedParameter"),
        (200, r#"{"errcode":40029,"errmsg":"invalid code"}"#, "Quirk::ErrorPath"),
        (200, r#"{"data":{"access_token":"t","token_type":"bearer"}}"#, "Quirk::TokenPath"),
        (200, "access_token=t&token_type=bearer", "Quirk::FormEncodedAnswer"),
        (200, "error=bad_verification_code", "Quirk::FormEncodedAnswer"),
        (200, r#"{"access_token":"t","token_type":"bearer","error":null}"#, "Quirk::NullIsAbsent"),
        (200, r#"{"access_token":"t","token_type":"bearer","error":"ok"}"#, "Quirk::ErrorPath"),
        (400, r#"{"error":{"code":190}}"#, "Quirk::ErrorPath"),
        (400, r#"{"status":400,"message":"Invalid authorization code"}"#, "Quirk::ErrorPath"),
        (400, r#"{"errors":[{"errorType":"invalid_grant"}]}"#, "Quirk::ErrorPath"),
        (200, r#"{"error":"bad_refresh_token"}"#, "Quirk::ErrorCode"),
        (200, " access_token=t&expires=60\r\n", "Quirk::FormEncodedAnswer"),
        (403, r#"{"error":"tenant_disabled"}"#, "Quirk::ErrorCode"),
        (400, r#"{"error":"login_required"}"#, "Quirk::ErrorCode"),
    ] {
        let shown = failure(status, text).to_string();
        assert!(
            shown.contains(&format!("see `{quirk}`")) || shown.contains(&format!("and `{quirk}`")),
            "{text}: {shown}"
        );
    }
    let nested = |text: &str| {
        let mut world = World::with(|server| server.quirk(grantflow::Quirk::token_path(&["data"])).unwrap());
        let exchange = world.exchange();
        world.answer(exchange, json(200, text)).unwrap_err().error.to_string()
    };
    for text in [r#"{"code":40105,"data":null}"#, r#"{"code":40105,"data":{}}"#, r#"{"code":40105}"#] {
        assert!(nested(text).contains("see `Quirk::ErrorPath`"), "{text}: {}", nested(text));
    }
    for (status, text) in [(200, r#"{"token_type":"bearer"}"#), (200, "<html>"), (200, "{"), (404, "{}"), (502, "{}")] {
        let shown = failure(status, text).to_string();
        assert!(!shown.contains("Quirk"), "{text}: {shown}");
    }
}

#[test]
fn the_location_of_a_refused_redirect_is_kept_bounded_and_not_printed() {
    let redirected = |status: u16, location: &str| {
        let mut world = World::new();
        let exchange = world.exchange();
        let response = http::Response::builder().status(status).header("location", location);
        world.answer(exchange, response.body("").unwrap()).unwrap_err()
    };
    let kept = |failure: &Failure<grantflow::CodeExchange>| {
        failure.error.answer().unwrap().untrusted_location().map(<[u8]>::to_vec)
    };
    for status in [301, 302, 303, 307, 308, 399] {
        let failure = redirected(status, "https://other.example/?t=s3cret");
        assert_eq!(kept(&failure).as_deref(), Some(&b"https://other.example/?t=s3cret"[..]), "{status}");
        assert_eq!(failure.error.answer().unwrap().untrusted_challenge(), None);
        let shown = format!("{failure} {failure:?} {:?} {:#?}", failure.error, failure.error.answer());
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    assert_eq!(kept(&redirected(302, &"x".repeat(5_000))).unwrap().len(), 1024);
    assert_eq!(kept(&redirected(400, "https://other.example/")), None, "it means something on a redirect only");
    assert_eq!(kept(&failure(302, "")), None);
}

#[test]
fn a_challenge_is_kept_bounded_and_not_printed() {
    let challenged = |status: u16, challenge: &[u8], text: &str| {
        let mut world = World::new();
        let exchange = world.exchange();
        let response = http::Response::builder().status(status).header("www-authenticate", challenge);
        world.answer(exchange, response.body(text.to_owned()).unwrap()).unwrap_err()
    };
    let kept = |failure: &Failure<grantflow::CodeExchange>| {
        failure.error.answer().unwrap().untrusted_challenge().map(<[u8]>::to_vec)
    };
    let challenge = b"Basic realm=\"s3cret\", error=\"\xff\"";
    for text in [r#"{"error":"invalid_client"}"#, "<html>", ""] {
        let failure = challenged(401, challenge, text);
        assert_eq!(kept(&failure).as_deref(), Some(&challenge[..]), "{text}");
        let shown = format!("{failure} {failure:?} {:?} {:#?}", failure.error, failure.error.answer());
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    let long = kept(&challenged(401, "Basic ".repeat(1_000).as_bytes(), "")).unwrap();
    assert_eq!(long.len(), 1024);
    assert_eq!(kept(&failure(401, "")), None);
    assert_eq!(kept(&challenged(400, b"Basic", "")), None, "it means something on a 401 only");
}

#[test]
fn a_failure_becomes_its_plain_error_with_a_question_mark() {
    fn plain(world: &mut World) -> Result<(), Error> {
        let exchange = world.exchange();
        world.answer(exchange, json(400, r#"{"error":"invalid_grant"}"#))?;
        Ok(())
    }
    fn boxed(world: &mut World) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let exchange = world.exchange();
        world.answer(exchange, json(400, r#"{"error":"invalid_grant"}"#))?;
        Ok(())
    }
    assert!(matches!(plain(&mut World::new()), Err(Error::Refused(_))));
    assert!(boxed(&mut World::new()).unwrap_err().to_string().contains("invalid_grant"));
}

#[test]
fn a_callers_mistake_says_which_and_how_to_mend_it() {
    let server = |a: &str, t: &str| Server::new(a, t).unwrap_err().to_string();
    let good = "https://as.example/x";
    assert_eq!(
        server("nonsense", good),
        "the authorization endpoint is not absolute: write it with its scheme and host"
    );
    assert_eq!(server(good, "http://as.example/t"), "the token endpoint is http: and not on loopback: use https");
    assert_eq!(
        server(good, "https://as.example/t#f"),
        "the token endpoint has a fragment: leave out the # and what follows"
    );
    assert_eq!(
        RedirectUri::new("https://a.example/#x").unwrap_err().to_string(),
        "the redirect URI has a fragment: leave out the # and what follows"
    );
    let server = Server::new(good, good).unwrap();
    assert_eq!(
        server.client("").public().unwrap_err().to_string(),
        "the client id is empty: give the one that the server registered"
    );
    assert_eq!(
        server.client("a").secret_post("").unwrap_err().to_string(),
        "the client secret is empty: a client without one is public()"
    );
    let only_tokens = Server::with_token_endpoint(good).unwrap().client("a").public().unwrap();
    let error = Authorization::new(&only_tokens, REDIRECT_URI).unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::NoAuthorizationEndpoint)));
}
