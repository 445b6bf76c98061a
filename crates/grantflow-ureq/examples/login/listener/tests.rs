//! The listener, met by visitors of every kind. Whatever comes before it, the real callback ends the wait.

use grantflow::{Authorization, Env, NotOurs, Server};
use grantflow_ureq::SysRng;

use super::*;

/// Long enough for whoever is honest.
const PATIENCE: Duration = Duration::from_secs(20);

fn pending(redirect_uri: &str) -> (PendingCallback, String) {
    let server = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    let client = server.client("app").public().unwrap();
    let mut env = Env { now: grantflow_ureq::now(), rng: &mut SysRng };
    let start = Authorization::new(&client, redirect_uri).unwrap().start(&mut env).unwrap();
    let state = start.url.as_str().split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    (start.pending, state)
}

/// Says `text`, and gives all that is said back.
fn say(port: u16, text: &[u8]) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    // Who is not listened to any more cannot go on speaking: that is no fault of the test's.
    let _ = stream.write_all(text);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn get(port: u16, target: &str) -> String {
    say(port, format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n").as_bytes())
}

/// Meets a listener with `visitors`, who are given its port and the right state, and then with the real callback.
fn meet(visit: Duration, visitors: impl FnOnce(u16, &str) + Send + 'static) {
    let listener = Listener { visit, ..Listener::bind(0).unwrap() };
    let (pending, state) = pending(&listener.redirect_uri());
    let port = listener.port;
    let people = thread::spawn(move || {
        visitors(port, &state);
        let answer = get(port, &format!("/callback?code=c0de&state={state}"));
        assert!(answer.starts_with("HTTP/1.1 303 ") && answer.contains("\r\nLocation: /done\r\n"), "{answer}");
        assert!(!answer.contains("c0de") && !answer.contains(&state), "{answer}");
        let page = get(port, "/done");
        assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("close this page"), "{page}");
    });
    let verdict = listener.wait(pending, PATIENCE).unwrap();
    people.join().unwrap();
    assert!(matches!(verdict, Callback::Granted(_)), "{verdict:?}");
}

#[test]
fn a_forged_callback_costs_nothing() {
    meet(VISIT, |port, _| {
        for target in [
            "/callback?error=access_denied&state=forged",
            "/callback?code=evil",
            "/callback",
            "/other?code=evil",
            "/favicon.ico",
            "/",
        ] {
            let answer = get(port, target);
            assert!(answer.starts_with("HTTP/1.1 404 "), "{target}: {answer}");
        }
    });
}

#[test]
fn what_is_no_get_is_turned_away() {
    meet(VISIT, |port, state| {
        let target = format!("/callback?code=evil&state={state}");
        for request in [
            format!("POST {target} HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
            format!("HEAD {target} HTTP/1.1\r\n\r\n"),
            format!("get {target} HTTP/1.1\r\n\r\n"),
            "GET  HTTP/1.1\r\n\r\n".to_owned(),
            "\r\n\u{1}\u{2}\r\n\r\n".to_owned(),
        ] {
            let answer = say(port, request.as_bytes());
            assert!(answer.starts_with("HTTP/1.1 400 "), "{request}: {answer}");
        }
    });
}

#[test]
fn a_head_over_the_bound_is_not_read_to_its_end() {
    meet(VISIT, |port, state| {
        let endless = format!("GET /callback?code=evil&state={state} HTTP/1.1\r\nX: {}", "x".repeat(10 * MAX_HEAD));
        let started = Instant::now();
        // Turned away, or cut off while speaking; not listened to until the time is over.
        let answer = say(port, endless.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(started.elapsed() < VISIT, "it was listened to for {:?}", started.elapsed());
        let many = format!("GET /callback?code=evil&state={state} HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(100));
        assert!(say(port, many.as_bytes()).starts_with("HTTP/1.1 400 "));
    });
}

#[test]
fn silence_and_dawdling_end_soon() {
    meet(Duration::from_millis(300), |port, state| {
        let started = Instant::now();
        let mut silent = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let mut answer = String::new();
        silent.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");

        let mut slow = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let head = format!("GET /callback?code=evil&state={state} HTTP/1.1\r\n\r\n");
        // A byte each 20 ms would take two seconds.
        for b in head.as_bytes() {
            if slow.write_all(&[*b]).is_err() || started.elapsed() > Duration::from_millis(1_500) {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        // Who connects and leaves costs nothing at all.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap());
    });
}

#[test]
fn nothing_of_a_request_comes_back() {
    meet(VISIT, |port, _| {
        for target in [
            "/callback?error=%3Cscript%3Ealert(1)%3C/script%3E&state=x",
            "/callback?error=<script>alert(1)</script>&state=x",
            "/<script>alert(1)</script>",
            "/callback?x=a%0d%0aSet-Cookie:%20evil=1&state=x",
            "/callback?x=a\r\nSet-Cookie: evil=1",
        ] {
            let answer = get(port, target);
            let lower = answer.to_ascii_lowercase();
            assert!(lower.starts_with("http/1.1 40"), "{target}: {answer}");
            for part in ["script>", "alert", "set-cookie", "evil"] {
                assert!(!lower.contains(part), "{target}: {answer}");
            }
            assert!(lower.contains("content-security-policy: default-src 'none'"), "{answer}");
            assert!(lower.contains("x-content-type-options: nosniff") && lower.contains("cache-control: no-store"));
        }
    });
}

#[test]
fn a_denial_and_a_rejection_end_the_wait_too() {
    for (query, denied) in [("error=access_denied", true), ("code=a&code=b", false)] {
        let listener = Listener::bind(0).unwrap();
        let (pending, state) = pending(&listener.redirect_uri());
        let port = listener.port;
        let people = thread::spawn(move || get(port, &format!("/callback?{query}&state={state}")));
        let verdict = listener.wait(pending, PATIENCE).unwrap();
        assert!(people.join().unwrap().starts_with("HTTP/1.1 303 "));
        assert_eq!(matches!(verdict, Callback::Denied(_)), denied, "{query}: {verdict:?}");
        assert_eq!(matches!(verdict, Callback::Rejected(_)), !denied, "{query}: {verdict:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_a_clear_error() {
    let first = Listener::bind(0).unwrap();
    let error = Listener::bind(first.port).err().unwrap().to_string();
    assert!(error.contains(&format!("127.0.0.1:{}", first.port)) && error.contains("--port"), "{error}");
}

#[test]
fn nobody_comes_back() {
    let listener = Listener::bind(0).unwrap();
    let (pending, _) = pending(&listener.redirect_uri());
    let error = listener.wait(pending, Duration::from_millis(50)).unwrap_err().to_string();
    assert!(error.contains("nobody came back"), "{error}");
}

#[test]
fn only_this_machine_is_listened_to() {
    let listener = Listener::bind(0).unwrap();
    assert!(listener.socket.local_addr().unwrap().ip().is_loopback());
    let (pending, state) = pending(&listener.redirect_uri());
    let elsewhere = pending.receive_url(&format!("http://127.0.0.1:1/callback?code=a&state={state}"));
    assert!(matches!(elsewhere, Callback::Unrelated { why: NotOurs::OtherOrigin, .. }));
}

#[test]
fn a_visitor_who_left_before_they_were_let_in_is_no_reason_to_stop() {
    for kind in [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset, ErrorKind::Interrupted] {
        assert!(is_the_visitors(kind), "{kind:?}");
    }
    for kind in [ErrorKind::WouldBlock, ErrorKind::PermissionDenied, ErrorKind::InvalidInput, ErrorKind::Other] {
        assert!(!is_the_visitors(kind), "{kind:?}");
    }
}
