//! Heads that no server should send: they are no verdict.

use grantflow_tests::support::fault_server::Step;

use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("a status that HTTP does not know is no verdict", a_status_that_http_does_not_know),
    ("an invalid status line is no answer", a_status_line_that_is_none),
    ("an invalid header ends nothing", a_header_that_is_none),
    ("an interim answer alone is no answer", an_interim_answer_alone),
    ("interim answers without end are left", interim_answers_without_end),
];

const REFUSED: &str = r#"{"error":"invalid_grant"}"#;

/// RFC 9110 §15: a client treats these as a 5xx.
fn a_status_that_http_does_not_know(transport: Transport) {
    for status in [600, 799, 999] {
        for body in [GOOD, REFUSED, ""] {
            meet(transport, &format!("{status} with {body:?}"), Fault::json(status, body), Expect::Unknown);
        }
    }
}

fn a_status_line_that_is_none(transport: Transport) {
    for line in [
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 000 OK",
        "HTTP/1.1 -200 OK",
        "HTTP/1.1 abc OK",
        "HTTP/1.1 2OO OK",
        "HTTP/1.1200 OK",
        "HTTP/2.0 200 OK",
        "HTTP/0.9 200 OK",
        "HTTP/1.1",
        "ICY 200 OK",
        "200 OK",
    ] {
        for body in [GOOD, REFUSED] {
            let fault = Fault::raw(format!("{line}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
            for error in meet(transport, line, fault, Expect::Unknown) {
                assert!(error.is_transport(), "{line}: {error}");
            }
        }
    }
}

/// Stacks differ in which of these they accept, but none is worse than a lost answer.
fn a_header_that_is_none(transport: Transport) {
    for header in [
        "no colon at all",
        ": no name",
        "X Bad: a space in its name",
        "X-Bad : a space behind its name",
        "X-Bad\0: a null",
        "X-Bad: a null \0",
        "X-Bad: a lone \r return",
        "X-Bad: \u{e9}\u{fffd}",
        "X-Bad: folded\r\n onto a second line",
        "Content-Length: -1",
        "Content-Length: +5",
        "Content-Length: 0x10",
        "Content-Length: 5, 5",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity",
        "Content-Encoding: \u{e9}",
        "Content-Encoding: br, zstd",
    ] {
        let fault = Fault::raw(format!("HTTP/1.1 200 OK\r\n{header}\r\nConnection: close\r\n\r\n{GOOD}"));
        let server = FaultServer::start(vec![fault, good()]);
        let url = server.url(&format!("/token?{QUERY}"));
        match agent(transport).run(refresh_exchange(&url)) {
            Ok(tokens) => assert_eq!(tokens.bearer().unwrap().expose_secret(), "at-good", "{header}"),
            Err(failure) => {
                no_secret_in(&failure, header);
                assert!(matches!(failure.left, Left::Unknown(_)), "{header}: {failure}");
            }
        }
        assert_eq!(server.count(), 1, "{header}: it was sent again");
    }
}

fn an_interim_answer_alone(transport: Transport) {
    for (what, answer) in [
        ("100", "HTTP/1.1 100 Continue\r\n\r\n"),
        ("103", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
        ("199", "HTTP/1.1 199 Whatever\r\n\r\n"),
        ("101", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
    ] {
        meet(transport, what, Fault::raw(answer), Expect::Unknown);
        let fault = Fault::raw(format!("{answer}{REFUSED}"));
        meet(transport, &format!("{what} and a verdict behind it"), fault, Expect::Unknown);
    }
}

fn interim_answers_without_end(transport: Transport) {
    let flood = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(2_000);
    let steps = (0..200).map(|_| Step::Send(flood.clone()));
    let fault = Fault::steps([Step::ReadRequest].into_iter().chain(steps).chain([Step::Hang]).collect());
    meet_at_the_deadline(transport, "a flood", fault);
}
