//! Rows 10 and 11: the deadline is for the whole round trip, however busy the server makes itself look.

use super::*;

#[test]
fn a_server_that_takes_for_ever_is_left() {
    let pause = Duration::from_millis(50);
    for (what, fault) in [
        ("a header a byte at a time", Fault::slow_head(pause)),
        ("a body a byte at a time", Fault::slow_body(pause)),
        ("no answer at all", Fault::never_answer()),
    ] {
        for error in meet(what, fault, Expect::Unknown) {
            assert!(error.is_timeout(), "{what}: {error}");
        }
    }
}
