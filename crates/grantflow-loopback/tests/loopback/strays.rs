//! A request that is not the answer ends nothing.

use std::time::{Duration, Instant};

use grantflow_loopback::Settings;

use crate::support::{PATIENCE, header, hear, meet, status};

#[test]
fn a_forged_callback_costs_nothing() {
    meet(Settings::new(), |login| {
        for target in [
            "/callback?error=access_denied&state=forged",
            "/callback?error=access_denied",
            "/callback?code=evil",
            "/callback",
            "/other?code=evil",
            "/callback/done",
            "/favicon.ico",
            "/",
            &format!("/other?code=evil&state={}", login.state),
            &format!("/callback?code=evil&state={0}&state={0}", login.state),
            &format!("/callback?code=evil&state={}x", login.state),
        ] {
            assert_eq!(status(&login.get(target)), 404, "{target}");
        }
    });
}

#[test]
fn no_other_method_reaches_the_login() {
    meet(Settings::new(), |login| {
        for method in ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "PROPFIND", "get", "Get"] {
            let text = format!("{method} {} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", login.callback(), login.port);
            let answer = login.say(text);
            assert_eq!((status(&answer), header(&answer, "allow")), (405, Some("GET, POST")), "{method}: {answer}");
            assert_eq!(answer.ends_with("\r\n\r\n"), method == "HEAD", "{answer}");
        }
    });
}

#[test]
fn another_host_is_turned_away() {
    meet(Settings::new(), |login| {
        let (target, port) = (login.callback(), login.port);
        for host in [
            "attacker.example",
            &format!("attacker.example:{port}"),
            &format!("127.0.0.1.attacker.example:{port}"),
            &format!("localhost.attacker.example:{port}"),
            &format!("localhost@attacker.example:{port}"),
            &format!("127.0.0.1:{}", port ^ 1),
            &format!("127.0.0.1:0{port}"),
            "0.0.0.0",
            "[::]",
            "::1",
            "",
        ] {
            let answer = login.say(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
            assert_eq!(status(&answer), 421, "{host:?}: {answer}");
            let answer = login.say(format!("GET http://{host}{target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"));
            assert_eq!(status(&answer), 421, "{host:?} in the target: {answer}");
        }
        for hosts in ["", "Host: localhost\r\nHost: localhost\r\n"] {
            assert_eq!(status(&login.say(format!("GET {target} HTTP/1.1\r\n{hosts}\r\n"))), 400, "{hosts:?}");
        }
    });
}

#[test]
fn what_is_no_http_is_told_so_at_once() {
    meet(Settings::new(), |login| {
        let tls = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 506]].concat();
        let http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        for (text, wanted) in [(tls, 400), (http2, 505), (b"\x00".to_vec(), 400), (b"GET /\r\n\r\n".to_vec(), 400)] {
            let started = Instant::now();
            assert_eq!(status(&login.say(text)), wanted);
            assert!(started.elapsed() < Duration::from_secs(5), "it waited for more: {:?}", started.elapsed());
        }
    });
}

#[test]
fn too_much_is_refused_with_an_answer_that_can_be_read() {
    meet(Settings::new(), |login| {
        let target = login.callback();
        let long = "x".repeat(200_000);
        for (text, wanted) in [
            (format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n"), 431),
            (format!("GET {target}{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"), 431),
            (format!("{long}{long}"), 431),
            (format!("POST /callback HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n{long}"), 413),
            (
                "POST /callback HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
                411,
            ),
        ] {
            assert_eq!(status(&login.say(&text)), wanted, "{}", &text[..60]);
        }
    });
}

#[test]
fn of_two_requests_in_one_connection_the_first_is_answered() {
    meet(Settings::new(), |login| {
        let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = login.say(format!("{}{}", get("/callback?code=evil&state=forged"), get(&login.callback())));
        assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), (404, 1), "{answer}");
    });
}

#[test]
fn a_silent_visitor_gets_no_answer_and_a_slow_one_gets_an_answer() {
    // Enough for the browser's own visit.
    let visit = Duration::from_secs(1);
    meet(Settings::new().visit(visit), move |login| {
        let started = Instant::now();
        // A browser that connected in advance would show it as the answer to its next request.
        assert_eq!(hear(login.connect()), "");
        assert!(started.elapsed() >= visit, "{:?}", started.elapsed());
        let answer = login.say(b"GET /callback?code=");
        assert_eq!(status(&answer), 408, "{answer}");
        let answer = login.say("POST /callback HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf");
        assert_eq!(status(&answer), 408, "{answer}");
        // The default would take 30 s.
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    });
}

#[test]
fn drips_do_not_hold_a_place_for_longer_than_a_visit() {
    use std::io::Write as _;
    let visit = Duration::from_secs(1);
    meet(Settings::new().visit(visit), move |login| {
        let (started, mut slow) = (Instant::now(), login.connect());
        // A byte each 20 ms would take 20 s.
        for b in "GET / HTTP/1.1\r\nX: ".bytes().chain([b'x'; 1000]) {
            if slow.write_all(&[b]).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(started.elapsed() < PATIENCE / 2, "{:?}", started.elapsed());
    });
}
