//! Complete answers, and what an agent does with them.

use std::sync::mpsc;

use grantflow::Violation;
use grantflow_testkit::{Client, Loopback};
use reqwest::header::{HeaderMap, HeaderValue};

use super::*;

#[test]
fn a_whole_answer_is_a_token() {
    let loopback = Loopback::start(|base_url| {
        let mut server = grantflow_testkit::Server::new(base_url);
        server.register(Client::confidential("robot", "s3cret"));
        server
    })
    .unwrap();
    let token_url = loopback.server().token_url();
    let tokens = block_on(grantflow_reqwest::run(&agent(), credentials(&token_url))).unwrap();
    assert!(tokens.bearer().is_ok());
    assert_eq!(loopback.server().hits("client_credentials").count(), 1);
}

#[test]
fn a_status_is_an_answer() {
    let refusal = Listener::answering(answer("400 Bad Request", r#"{"error":"invalid_grant"}"#));
    let (left, error) = left(&agent(), &refusal.url("http"));
    assert!(matches!(left, Left::Spent), "{error}");
    let Error::OAuth(error) = error else { panic!("{error}") };
    assert_eq!(error.code(), Some(&grantflow::ErrorCode::InvalidGrant));
}

#[test]
fn no_redirect_is_followed_under_any_settings() {
    let follow = || Agent::configured(PATIENCE, |settings| settings.redirect(reqwest::redirect::Policy::limited(9)));
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let elsewhere = Listener::answering(answer("200 OK", GOOD));
        let head = format!("{status}\r\nlocation: {}", elsewhere.url("http"));
        let server = Listener::answering(answer(&head, ""));
        let (left, error) = left(&follow().unwrap(), &server.url("http"));
        assert!(matches!(left, Left::Unknown(_)), "{status}: {error}");
        let Error::OAuth(grantflow::Error::Protocol(broken)) = error else { panic!("{status}: {error}") };
        assert_eq!(broken.violation(), Violation::Redirect);
        assert_eq!((server.connections(), elsewhere.connections()), (1, 0), "{status}");
    }
}

#[test]
fn http_uses_no_proxy() {
    let (server, proxy) =
        (Listener::answering(answer("200 OK", GOOD)), Listener::answering(answer("502 Bad Gateway", "")));
    let proxied = format!("http://127.0.0.1:{}", proxy.port);
    let agent = Agent::configured(PATIENCE, |settings| settings.proxy(reqwest::Proxy::all(&proxied).unwrap())).unwrap();
    block_on(grantflow_reqwest::run(&agent, credentials(&server.url("http")))).unwrap();
    assert_eq!((server.connections(), proxy.connections()), (1, 0));
    // For https the proxy is asked, and refuses: nothing has gone to the server. Without TLS it is not asked either,
    // because the request would go to it in plain text.
    let (left, error) = left(&agent, &server.url("https"));
    assert!(matches!(left, Left::Intact(_)), "{error}");
    let asked = usize::from(cfg!(feature = "rustls"));
    assert_eq!((server.connections(), proxy.connections()), (1, asked));
}

#[test]
fn nothing_compressed_is_asked_for() {
    let (seen, requests) = mpsc::channel();
    let server = Listener::start(move |stream| {
        seen.send(read_request(stream)).unwrap();
        let _ = stream.write_all(answer("200 OK", GOOD).as_bytes());
    });
    let gzip = HeaderMap::from_iter([(reqwest::header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
    let agent = Agent::configured(PATIENCE, |settings| settings.default_headers(gzip.clone())).unwrap();
    block_on(grantflow_reqwest::run(&agent, credentials(&server.url("http")))).unwrap();
    let request = requests.recv().unwrap().to_ascii_lowercase();
    assert!(request.contains("accept-encoding: identity") && !request.contains("gzip"), "{request}");
}

#[test]
fn a_body_over_the_limit_is_not_read_to_its_end() {
    let endless = Listener::start(|stream| {
        read_request(stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        while stream.write_all(&[b' '; 4096]).is_ok() {}
    });
    let agent = agent().body_limit(10_000);
    let (left, error) = left(&agent, &endless.url("http"));
    assert!(matches!(left, Left::Unknown(_)));
    assert!(matches!(error, Error::BodyTooLarge { limit: 10_000, .. }), "{error}");
}

#[test]
fn a_body_of_the_limit_is_read() {
    let server = Listener::answering(answer("200 OK", GOOD));
    let length = GOOD.len() as u64;
    block_on(grantflow_reqwest::run(&agent().body_limit(length), credentials(&server.url("http")))).unwrap();
    let short = agent().body_limit(length - 1);
    let failure = block_on(grantflow_reqwest::run(&short, credentials(&server.url("http")))).unwrap_err();
    assert!(matches!(failure.error, Error::BodyTooLarge { .. }));
}

#[test]
fn every_request_has_a_separate_connection() {
    // The server would keep the connection.
    let server = Listener::answering(answer("200 OK", GOOD).replace("connection: close", "connection: keep-alive"));
    let agent = Agent::configured(PATIENCE, |settings| settings.pool_max_idle_per_host(9)).unwrap();
    block_on(async {
        for _ in 0..3 {
            grantflow_reqwest::run(&agent, credentials(&server.url("http"))).await.unwrap();
        }
    });
    assert_eq!(server.connections(), 3);
}

#[test]
fn an_agent_does_not_print_its_settings() {
    let token = HeaderMap::from_iter([(reqwest::header::AUTHORIZATION, HeaderValue::from_static("Basic czNjcmV0"))]);
    let agent = Agent::configured(PATIENCE, |settings| settings.default_headers(token.clone())).unwrap();
    assert!(!format!("{agent:?}").contains("czNjcmV0"));
}

#[test]
fn settings_that_make_no_client_are_an_error() {
    let error = Agent::configured(PATIENCE, |settings| settings.user_agent("a\nb")).unwrap_err();
    assert!(matches!(error, Error::Settings(_)));
    assert_eq!(
        error.to_string(),
        "no HTTP client can be made from these settings: check the TLS roots, the proxy and the default headers"
    );
}
