//! Rows 10 and 11: the deadline is for the whole round trip, however busy the server makes itself look.

use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("a header a byte at a time is left at the deadline", slow_head),
    ("a body a byte at a time is left at the deadline", slow_body),
    ("a server that does not answer is left at the deadline", no_answer),
];

const PAUSE: Duration = Duration::from_millis(50);

fn slow_head(transport: Transport) {
    is_left(transport, "a header a byte at a time", Fault::slow_head(PAUSE));
}

fn slow_body(transport: Transport) {
    is_left(transport, "a body a byte at a time", Fault::slow_body(PAUSE));
}

fn no_answer(transport: Transport) {
    is_left(transport, "no answer at all", Fault::never_answer());
}

fn is_left(transport: Transport, what: &str, fault: Fault) {
    for error in meet_with(&transport.agent(DEADLINE), &agent(transport), what, fault, Expect::Unknown) {
        assert!(error.is_timeout(), "{what}: {error}");
    }
}
