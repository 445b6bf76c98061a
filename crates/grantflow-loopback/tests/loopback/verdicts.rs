//! The callback, in every possible form.

use std::io::{Read as _, Write as _};
use std::thread;

use grantflow::{Callback, ResponseMode};
use grantflow_loopback::{Arrival, RedirectHost, Settings};

use crate::support::{Login, header, hear, meet, start, start_in, status};

/// The listener's result when a visitor sends `text`, and the visitor's answer.
fn verdict(settings: Settings, mode: ResponseMode, text: impl FnOnce(&Login) -> Vec<u8>) -> (Callback, String) {
    let (listener, pending, login) = start_in(settings, mode);
    let text = text(&login);
    let visitor = thread::spawn(move || {
        let answer = login.say(text);
        login.get(&login.done());
        answer
    });
    let Arrival { callback, page } = listener.wait(pending).unwrap();
    page.finish();
    (callback, visitor.join().unwrap())
}

fn get(settings: Settings, target: impl FnOnce(&Login) -> String) -> (Callback, String) {
    verdict(settings, ResponseMode::Query, |login| {
        format!("GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", target(login), login.port).into_bytes()
    })
}

#[test]
fn a_browser_comes_back_at_either_address_and_by_any_name() {
    for (v6, host) in [
        (false, "127.0.0.1:{}"),
        (false, "localhost:{}"),
        (false, "LOCALHOST:{}"),
        (true, "[::1]:{}"),
        (true, "localhost:{}"),
        (false, "localhost"),
    ] {
        for redirect_host in [RedirectHost::Ipv4, RedirectHost::Ipv6, RedirectHost::Localhost] {
            let (listener, pending, login) = start(Settings::new().redirect_host(redirect_host));
            let host = host.replace("{}", &login.port.to_string());
            let browser = thread::spawn(move || {
                let address = if v6 { login.v6() } else { login.v4() };
                for (target, wanted) in [(login.callback(), 303), (login.done(), 200)] {
                    let answer = login.say_at(address, format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
                    assert_eq!(status(&answer), wanted, "{host}: {answer}");
                }
            });
            let Arrival { callback, page } = listener.wait(pending).unwrap();
            browser.join().unwrap();
            assert!(matches!(callback, Callback::Granted(_)) && page.finish());
        }
    }
}

#[test]
fn the_redirect_uri_is_what_was_asked_for() {
    for (settings, start, end) in [
        (Settings::new(), "http://127.0.0.1:", "/callback"),
        (Settings::new().redirect_host(RedirectHost::Ipv6), "http://[::1]:", "/callback"),
        (Settings::new().redirect_host(RedirectHost::Localhost).path("/"), "http://localhost:", "/"),
        (Settings::new().path("/a/b?tenant=c"), "http://127.0.0.1:", "/a/b?tenant=c"),
    ] {
        let listener = settings.bind().unwrap();
        let uri = listener.redirect_uri().as_str();
        assert!(uri.starts_with(start) && uri.ends_with(end), "{uri}");
    }
}

#[test]
fn a_path_with_a_query_is_compared_with_it() {
    let (callback, answer) =
        get(Settings::new().path("/cb?tenant=a"), |login| format!("/cb?tenant=a&code=c&state={}", login.state));
    assert!(matches!(callback, Callback::Granted(_)), "{callback:?}");
    assert_eq!(header(&answer, "location"), Some("/cb/done"));
}

#[test]
fn a_denial_and_a_rejection_end_the_wait_too() {
    let (callback, _) = get(Settings::new(), |login| format!("/callback?error=access_denied&state={}", login.state));
    assert!(matches!(callback, Callback::Denied(_)), "{callback:?}");
    let (callback, _) = get(Settings::new(), |login| format!("/callback?code=a&code=b&state={}", login.state));
    assert!(matches!(callback, Callback::Rejected(_)), "{callback:?}");
}

#[test]
fn what_a_server_leaves_unescaped_is_read() {
    for raw in ["<b>no</b>", "{\"why\":\"no\"}", "a|b\\c^d`e", "straße"] {
        let (callback, _) = get(Settings::new(), |login| {
            format!("/callback?error=access_denied&state={}&error_description={raw}", login.state)
        });
        let Callback::Denied(refusal) = callback else { panic!("{raw}: {callback:?}") };
        assert_eq!(refusal.untrusted_description(), Some(raw));
    }
    let (callback, _) = verdict(Settings::new(), ResponseMode::Query, |login| {
        let start = format!("GET /callback?error=access_denied&state={}&error_description=stra", login.state);
        [start.as_bytes(), b"\xdfe HTTP/1.1\r\nHost: localhost\r\n\r\n"].concat()
    });
    assert!(matches!(callback, Callback::Denied(_)), "Latin-1 loses its text and no more: {callback:?}");
}

#[test]
fn old_and_unusual_requests_are_read() {
    for text in [
        "GET {target} HTTP/1.0\r\n\r\n",
        "GET {target} HTTP/1.0\r\nHost: localhost:{port}\r\nConnection: keep-alive\r\n\r\n",
        "GET http://127.0.0.1:{port}{target} HTTP/1.1\r\nHost: proxy.example\r\n\r\n",
        "GET http://LOCALHOST:{port}{target} HTTP/1.0\r\n\r\n",
        "\r\n\r\nGET {target} HTTP/1.1\nHost: [::1]:{port}\n\n",
        "GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello",
    ] {
        let (callback, answer) = verdict(Settings::new(), ResponseMode::Query, |login| {
            text.replace("{target}", &login.callback()).replace("{port}", &login.port.to_string()).into_bytes()
        });
        assert!(matches!(callback, Callback::Granted(_)), "{text:?}: {callback:?}");
        assert_eq!((status(&answer), header(&answer, "connection")), (303, Some("close")), "{text:?}: {answer}");
    }
}

#[test]
fn a_form_post_is_taken_where_it_was_asked_for() {
    const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
    for fields in [FORM.to_owned(), FORM.replace("\r\n", "; charset=utf-8\r\n")] {
        let (callback, answer) = verdict(Settings::new(), ResponseMode::FormPost, |login| {
            let body = format!("code=c&state={}&iss=", login.state);
            let (port, length) = (login.port, body.len());
            format!(
                "POST /callback HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
            )
            .into_bytes()
        });
        assert!(matches!(callback, Callback::Granted(_)), "{callback:?}");
        assert_eq!((status(&answer), header(&answer, "location")), (303, Some("/callback/done")));
    }
}

#[test]
fn a_visitor_that_expects_continue_is_told_to_continue() {
    let (listener, pending, login) = start_in(Settings::new(), ResponseMode::FormPost);
    let visitor = thread::spawn(move || {
        let body = format!("code=c&state={}", login.state);
        let mut stream = login.connect();
        write!(
            stream,
            "POST /callback HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .unwrap();
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(body.as_bytes()).unwrap();
        assert_eq!(status(&hear(stream)), 303);
        login.get(&login.done());
    });
    let Arrival { callback, page } = listener.wait(pending).unwrap();
    visitor.join().unwrap();
    assert!(matches!(callback, Callback::Granted(_)) && page.finish());
}

#[test]
fn a_form_post_is_no_answer_to_a_login_that_asked_for_none() {
    meet(Settings::new(), |login| {
        let body = format!("code=evil&state={}", login.state);
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        for target in ["/callback".to_owned(), login.callback()] {
            let answer = login.say(format!(
                "POST {target} HTTP/1.1\r\nHost: localhost\r\n{form}Content-Length: {}\r\n\r\n{body}",
                body.len()
            ));
            assert_eq!(status(&answer), 404, "{answer}");
        }
    });
}

#[test]
fn twenty_kilobytes_of_cookies_and_more_pass() {
    for size in [20_000, 60_000] {
        let (callback, _) = verdict(Settings::new(), ResponseMode::Query, |login| {
            let cookies = "a=0123456789; ".repeat(size / 14);
            format!("GET {} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n\r\n", login.callback()).into_bytes()
        });
        assert!(matches!(callback, Callback::Granted(_)), "{size}: {callback:?}");
    }
}

#[test]
fn a_browser_that_is_faster_than_the_program_is_answered() {
    let (listener, pending, login) = start(Settings::new());
    let browser = thread::spawn(move || login.come_back());
    thread::sleep(std::time::Duration::from_millis(300));
    assert!(!browser.is_finished(), "its answer waits for the login");
    let Arrival { callback, page } = listener.wait(pending).unwrap();
    assert!(matches!(callback, Callback::Granted(_)) && page.finish());
    browser.join().unwrap();
}
