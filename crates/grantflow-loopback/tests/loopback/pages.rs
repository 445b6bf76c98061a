//! What the browser shows, and how long the page is kept.

use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use grantflow::Callback;
use grantflow_loopback::{Arrival, Settings};

use crate::support::{Login, PATIENCE, header, meet, start, status};

/// Kept for a slow browser.
fn pages() -> Settings {
    Settings::new()
        .grace(PATIENCE)
        .granted_page("<p>granted</p>")
        .denied_page("<p>denied</p>")
        .rejected_page("<p>rejected</p>")
}

#[test]
fn each_verdict_has_its_page() {
    for (query, wanted) in [("code=a", "granted"), ("error=access_denied", "denied"), ("code=a&code=b", "rejected")] {
        let (listener, pending, login) = start(pages());
        let browser = thread::spawn(move || {
            login.get(&format!("/callback?{query}&state={}", login.state));
            login.get(&login.done())
        });
        let arrival = listener.wait(pending).unwrap();
        let page = browser.join().unwrap();
        assert!(page.ends_with(&format!("\r\n\r\n<p>{wanted}</p>")), "{page}");
        assert!(arrival.page.finish());
    }
}

#[test]
fn every_answer_forbids_what_it_does_not_need_and_is_as_long_as_it_says() {
    let answers = meet(Settings::new(), |login| {
        let mut answers: Vec<String> = [
            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: elsewhere\r\n\r\n",
            "PUT / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n",
            "GET /\r\n\r\n",
        ]
        .map(|text| login.say(text))
        .into();
        answers.push(login.get(&login.callback()));
        answers
    });
    for answer in answers {
        let policy = header(&answer, "content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("script-src") && !policy.contains("http"), "{policy}");
        for (name, value) in [
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("content-type", "text/html; charset=utf-8"),
            ("connection", "close"),
        ] {
            assert_eq!(header(&answer, name), Some(value), "{answer}");
        }
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        assert_eq!(header(&answer, "content-length"), Some(&*body.len().to_string()));
        assert!(answer.is_ascii() && !body.contains("<script") && !body.contains("//"), "{body}");
    }
}

#[test]
fn nothing_of_a_request_comes_back() {
    meet(Settings::new(), |login| {
        for target in [
            "/callback?error=%3Cscript%3Ealert(1)%3C/script%3E&state=evil",
            "/callback?error=<script>alert(1)</script>&state=evil",
            "/<script>alert(1)</script>",
            "/callback?x=a%0d%0aSet-Cookie:%20evil=1&state=x",
            "/callback?x=a\r\nSet-Cookie: evil=1",
            "//evil.example/callback",
        ] {
            let answer = login.get(target).to_ascii_lowercase();
            assert!(answer.starts_with("http/1.1 40"), "{target}: {answer}");
            for part in ["script>", "alert", "set-cookie", "evil"] {
                assert!(!answer.contains(part), "{target}: {answer}");
            }
        }
    });
}

#[test]
fn the_callback_is_given_before_its_page_is_asked_for() {
    let (listener, pending, login) = start(pages());
    let (arrived, has_arrived) = channel();
    let browser = thread::spawn(move || {
        assert_eq!(status(&login.get(&login.callback())), 303);
        // A wait until the page is requested would not end.
        has_arrived.recv_timeout(PATIENCE).expect("the callback is not given");
        login.get(&login.done())
    });
    let arrival = listener.wait(pending).unwrap();
    arrived.send(()).unwrap();
    let finished = arrival.page.finish();
    let page = browser.join().unwrap();
    assert!(finished && page.ends_with("<p>granted</p>"), "{page}");
}

/// Comes back, and then does `before` until it requests the last page.
fn until_the_page(before: impl FnOnce(&Login) + Send + 'static) {
    let (listener, pending, login) = start(pages());
    let browser = thread::spawn(move || {
        assert_eq!(status(&login.get(&login.callback())), 303);
        before(&login);
        assert!(login.get(&login.done()).ends_with("<p>granted</p>"));
    });
    let arrival = listener.wait(pending).unwrap();
    assert!(arrival.page.finish(), "the browser has its page");
    browser.join().unwrap();
}

#[test]
fn the_page_is_kept_while_others_come() {
    until_the_page(|login| {
        for _ in 0..3 {
            drop(login.connect());
            assert_eq!(status(&login.get("/favicon.ico")), 404);
            assert_eq!(status(&login.get("/callback?code=evil&state=forged")), 404);
            assert_eq!(status(&login.say("\x16\x03\x01")), 400);
        }
    });
}

#[test]
fn a_browser_that_sends_its_callback_twice_is_sent_to_the_page_again() {
    until_the_page(|login| {
        let answer = login.get(&login.callback());
        assert_eq!((status(&answer), header(&answer, "location")), (303, Some("/callback/done")));
    });
}

#[test]
fn a_head_request_does_not_deliver_the_page() {
    until_the_page(|login| {
        let answer = login.say(format!("HEAD {} HTTP/1.1\r\nHost: localhost\r\n\r\n", login.done()));
        assert_eq!((status(&answer), header(&answer, "content-length")), (200, Some("14")));
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    });
}

#[test]
fn a_visitor_who_resets_the_connection_has_no_page() {
    until_the_page(|login| {
        use std::io::Write as _;
        for _ in 0..3 {
            let mut cut = login.connect();
            socket2::SockRef::from(&cut).set_linger(Some(Duration::ZERO)).unwrap();
            write!(cut, "GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", login.done()).unwrap();
            // The answer has arrived and was not read.
            assert_eq!(cut.peek(&mut [0]).unwrap(), 1);
            drop(cut);
            // For a listener that would close now.
            thread::sleep(Duration::from_millis(50));
        }
    });
}

#[test]
fn a_page_that_could_not_be_delivered_is_kept() {
    let page = "x".repeat(8 * 1024 * 1024);
    let (listener, pending, login) = start(Settings::new().grace(PATIENCE).granted_page(page.clone()));
    let browser = thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        assert_eq!(status(&login.get(&login.callback())), 303);
        let mut cut: TcpStream = login.connect();
        write!(cut, "GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", login.done()).unwrap();
        cut.read_exact(&mut [0; 1000]).unwrap();
        drop(cut);
        login.get(&login.done())
    });
    let arrival = listener.wait(pending).unwrap();
    assert!(arrival.page.finish());
    assert!(browser.join().unwrap().ends_with(&page), "the second time, it is whole");
}

#[test]
fn a_browser_that_never_asks_is_not_waited_for_long() {
    let (listener, pending, login) = start(pages().grace(Duration::from_millis(200)));
    let browser = thread::spawn(move || login.get(&login.callback()));
    let Arrival { callback, page } = listener.wait(pending).unwrap();
    let arrived = Instant::now();
    assert!(!page.finish(), "it was not requested");
    assert!(arrived.elapsed() < PATIENCE / 2, "{:?}", arrived.elapsed());
    assert_eq!(status(&browser.join().unwrap()), 303);
    assert!(matches!(callback, Callback::Granted(_)));
}
