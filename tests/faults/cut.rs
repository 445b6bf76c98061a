//! Rows 3 to 9 and 25: framing that lies or is cut, and bytes that are not HTTP.

use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("a body that was cut is no verdict", a_body_that_breaks_off_is_no_verdict),
    ("half a body that looks complete is still no verdict", half_a_body_that_looks_complete_is_still_no_verdict),
    ("odd but whole answers are read", odd_but_whole_answers_are_read),
    ("bytes after the answer answer nothing", bytes_after_the_answer_answer_nothing),
];

fn a_body_that_breaks_off_is_no_verdict(transport: Transport) {
    let half = &GOOD[..40];
    for (what, fault) in [
        ("fewer bytes than announced", Fault::short_body(GOOD.len(), half)),
        ("a bad chunk size", Fault::bad_chunk_size()),
        ("a chunk cut short", Fault::cut_chunk()),
        ("no last chunk", Fault::unfinished_chunks(half)),
        ("two different lengths", Fault::two_lengths(GOOD)),
        ("an SSH banner", Fault::ssh()),
        ("a line of HTTP/2", Fault::http2_text()),
        ("frames of HTTP/2", Fault::http2_frames()),
        ("HTTP/0.9", Fault::http09(GOOD)),
    ] {
        for error in meet(transport, what, fault, Expect::Unknown) {
            assert!(error.is_transport(), "{what}: {error}");
        }
    }
}

fn half_a_body_that_looks_complete_is_still_no_verdict(transport: Transport) {
    for error in meet(transport, "cut short and closed", Fault::until_close(&GOOD[..40]), Expect::Unknown) {
        assert!(matches!(violation(&error), Some(grantflow::Violation::NotJson { .. })), "{error}");
    }
}

fn odd_but_whole_answers_are_read(transport: Transport) {
    meet(transport, "ended by closing", Fault::until_close(GOOD), Expect::Tokens);
    meet(transport, "both a length and chunks", Fault::length_and_chunked(GOOD), Expect::Tokens);
    meet(transport, "100 and 103 before the answer", Fault::interim(GOOD), Expect::Tokens);
}

fn bytes_after_the_answer_answer_nothing(transport: Transport) {
    let stolen = r#"HTTP/1.1 200 OK
Content-Length: 2

{}"#;
    let server = FaultServer::start(vec![Fault::excess(GOOD, stolen.replace('\n', "\r\n")), good()]);
    let agent = agent(transport);
    for _ in 0..2 {
        let tokens = agent.run(refresh_exchange(&server.url("/token"))).unwrap();
        assert_eq!(tokens.bearer().unwrap().expose_secret(), "at-good");
    }
    assert_eq!(server.connections(), 2, "a connection with something left in it was used again");
}
