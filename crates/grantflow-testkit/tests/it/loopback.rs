use std::io::{Read, Write};
use std::net::TcpStream;

use grantflow_testkit::{Loopback, Misbehaviour};

use super::*;

fn start() -> Loopback {
    Loopback::start(|base_url| {
        let mut server = Server::new(base_url);
        server
            .register(Client::public("app").redirect_uri(CALLBACK))
            .register(Client::confidential("service", "s3cret"));
        server
    })
    .unwrap()
}

/// Sends bytes and reads until the server closes.
fn talk(loopback: &Loopback, request: &str) -> String {
    let address = loopback.base_url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A connection reset ends the answer as well as a closed one.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn token_call(loopback: &Loopback) -> String {
    let body = form(&service_pairs());
    let length = body.len();
    talk(
        loopback,
        &format!(
            "POST /api/access_token HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\
             content-type: application/x-www-form-urlencoded\r\n\r\n{body}"
        ),
    )
}

#[test]
fn serves_the_whole_server() {
    let loopback = start();
    assert!(token_call(&loopback).starts_with("HTTP/1.1 200 OK\r\n"));
    let url = authorize_url(&loopback.server(), &[]);
    let target = url.strip_prefix(loopback.base_url()).unwrap();
    let answer = talk(&loopback, &format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 303 See Other\r\n"));
    assert!(answer.contains("location: https://app.example/cb?code=code-"));
    assert_eq!(loopback.with(|server| server.log().len()), 2);
}

#[test]
fn a_lost_answer_closes_the_connection() {
    let loopback = start();
    loopback.server().knobs().misbehave(Misbehaviour::Lost { acts: true });
    assert_eq!(token_call(&loopback), "");
    assert!(loopback.server().log()[0].issued);
    assert!(token_call(&loopback).starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn a_body_can_end_before_its_announced_length() {
    let loopback = start();
    for keep in [0, 5] {
        let cut = Misbehaviour::CutShort { keep, announced: true };
        loopback.server().knobs().misbehave(cut);
        let answer = token_call(&loopback);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        assert!(length.parse::<usize>().unwrap() > 50);
        assert_eq!(body.len(), keep);
    }
}

#[test]
fn large_answers_arrive_and_large_requests_do_not() {
    let loopback = start();
    let size = 8 << 20;
    loopback.server().knobs().misbehave(Misbehaviour::Huge { size });
    let answer = token_call(&loopback);
    assert_eq!(answer.split_once("\r\n\r\n").unwrap().1.len(), size);

    loopback.server().clear_log();
    let body = "x".repeat(64 * 1024 + 1);
    let length = body.len();
    let refused = talk(
        &loopback,
        &format!(
            "POST /api/access_token HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    );
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    assert!(loopback.server().log().is_empty());
}

#[test]
fn a_client_that_is_still_sending_is_not_reset() {
    let loopback = start();
    let mut stream = TcpStream::connect(loopback.base_url().strip_prefix("http://").unwrap()).unwrap();
    // More than the buffers of two sockets hold.
    let length = 15 << 20;
    let head = "POST /api/access_token HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ";
    stream.write_all(format!("{head}{length}\r\n\r\n").as_bytes()).unwrap();
    stream.write_all(&vec![b'x'; length]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(loopback.server().log().is_empty());
}

#[test]
fn every_misbehaviour_ends() {
    let loopback = start();
    for how in Misbehaviour::all() {
        loopback.server().knobs().misbehave(how.clone());
        let body = form(&service_pairs());
        let request = format!(
            "POST /api/access_token HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\n\r\n{body}",
            body.len()
        );
        let address = loopback.base_url().strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let lost = matches!(how, Misbehaviour::Lost { .. });
        assert_eq!(answer.is_empty(), lost, "{how:?}");
    }
}

#[test]
fn the_clock_is_virtual_until_told() {
    let loopback = start();
    token_call(&loopback);
    loopback.follow_system_clock(true);
    token_call(&loopback);
    let server = loopback.server();
    assert_eq!(server.log()[0].at, Server::START);
    assert_ne!(server.now(), Server::START);
}

#[test]
fn dropping_it_closes_the_port() {
    let loopback = start();
    let address = loopback.base_url().strip_prefix("http://").unwrap().to_owned();
    let idle = TcpStream::connect(&address).unwrap();
    drop(loopback);
    assert!(TcpStream::connect(&address).is_err());
    drop(idle);
}

#[test]
fn serves_every_endpoint() {
    let loopback = start();
    for endpoint in Endpoint::ALL {
        let url = loopback.with(|server| {
            server.knobs().serve(endpoint);
            server.endpoint_url(endpoint)
        });
        let target = url.strip_prefix(loopback.base_url()).unwrap();
        let answer = talk(&loopback, &format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 ") && !answer.starts_with("HTTP/1.1 404 "), "{answer}");
        loopback.with(|server| assert!(server.log().last().unwrap().status.is_some()));
        let same_place = |hit: &grantflow_testkit::Hit| url.ends_with(&hit.path);
        assert!(loopback.server().log().last().is_some_and(same_place), "{url}");
    }
    let document =
        talk(&loopback, "GET /.well-known/oauth-authorization-server HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(document.contains(&format!("\"issuer\":\"{}\"", loopback.base_url())), "{document}");
}

#[test]
fn a_device_polls_until_the_person_agrees() {
    let loopback = start();
    let send = |endpoint: Endpoint, pairs: &[(&str, &str)]| {
        let url = loopback.server().endpoint_url(endpoint);
        let target = url.strip_prefix(loopback.base_url()).unwrap();
        let body = form(pairs);
        let answer = talk(
            &loopback,
            &format!(
                "POST {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\
                 content-type: application/x-www-form-urlencoded\r\n\r\n{body}",
                body.len()
            ),
        );
        let (_, json) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str::<Value>(json).unwrap()
    };
    let begun = send(Endpoint::DeviceAuthorization, &[("client_id", "app")]);
    let code = text(&begun, "device_code");
    let pairs = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "app"),
        ("device_code", code.as_str()),
    ];
    loopback.server().advance(5);
    assert_eq!(send(Endpoint::Token, &pairs)["error"], "authorization_pending");
    assert!(loopback.server().approve(&text(&begun, "user_code")));
    loopback.server().advance(5);
    assert_eq!(send(Endpoint::Token, &pairs)["token_type"], "Bearer");
}
