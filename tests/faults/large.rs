//! Rows 12 and 13: nothing is read without end.

use grantflow_tests::support::transport::{block_on, install_crypto, reqwest_agent};

use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("a body over the limit is not read to its end", a_body_over_the_limit_is_not_read_to_its_end),
    ("a gzip bomb stays small", a_gzip_bomb_stays_small),
    ("headers without end are refused", headers_without_end_are_refused),
    ("the limit can be set", the_limit_can_be_set),
];

pub(crate) const OWN: &[Own] = &[
    ("ureq: a gzip bomb stays small with a caller's own agent", a_gzip_bomb_stays_small_with_a_callers_own_agent),
    ("reqwest: a caller's settings do not unpack a bomb", a_callers_settings_do_not_unpack_a_bomb),
    ("reqwest: a plain client would have unpacked it", a_plain_reqwest_unpacks),
];

const LIMIT: u64 = 1024 * 1024;
const BOMB: u32 = 200_000_000;

fn a_body_over_the_limit_is_not_read_to_its_end(transport: Transport) {
    for (what, fault) in [
        ("100 MB, announced", Fault::huge_body(100_000_000)),
        ("100 MB, not announced", Fault::huge_body_until_close(100_000_000)),
    ] {
        for error in meet(transport, what, fault, Expect::Unknown) {
            assert_eq!(error.too_large(), Some(LIMIT), "{what}: {error}");
            assert!(error.to_string().contains("200") && error.to_string().contains("1048576"), "{error}");
        }
    }
}

/// gzip was not requested. But ureq and reqwest can unpack it here, as in a program in which another crate turned that
/// on, and with the adapters' own feature all of them can: the limit applies to the result, or the body is not
/// unpacked.
fn a_gzip_bomb_stays_small(transport: Transport) {
    for error in meet(transport, "a bomb of 200 MB", Fault::gzip_bomb(BOMB), Expect::Unknown) {
        match transport {
            Transport::Reqwest | Transport::Tower if !cfg!(feature = "gzip") => stays_packed(&error),
            _ => assert_eq!(error.too_large(), Some(LIMIT), "{error}"),
        }
    }
}

fn stays_packed(error: &AnyError) {
    assert_eq!(violation(error), Some(grantflow::Violation::Compressed), "{error}");
    let body = error.oauth().unwrap().answer().unwrap().untrusted_body();
    assert!(body.starts_with(&[0x1f, 0x8b]), "it was unpacked");
}

fn a_gzip_bomb_stays_small_with_a_callers_own_agent() {
    let theirs = Agent::from(grantflow_ureq::Agent::from_ureq(ureq::Agent::new_with_defaults(), PATIENCE));
    for error in meet_with(&theirs, &theirs, "a bomb of 200 MB", Fault::gzip_bomb(BOMB), Expect::Unknown) {
        assert_eq!(error.too_large(), Some(LIMIT), "{error}");
    }
}

fn a_callers_settings_do_not_unpack_a_bomb() {
    let agent = reqwest_agent(PATIENCE, |settings| settings.gzip(true));
    for error in meet_with(&agent, &agent, "a bomb of 200 MB", Fault::gzip_bomb(BOMB), Expect::Unknown) {
        if cfg!(feature = "gzip") {
            assert_eq!(error.too_large(), Some(LIMIT), "{error}");
        } else {
            stays_packed(&error);
        }
    }
}

/// The row above can fail: with the feature on, a client of reqwest unpacks gzip by default.
fn a_plain_reqwest_unpacks() {
    install_crypto();
    let server = FaultServer::start(vec![Fault::gzip_bomb(3_000_000)]);
    let body = block_on(async { reqwest::get(server.url("/token")).await.unwrap().bytes().await.unwrap() });
    assert!(body.len() as u64 > LIMIT, "the test looks at nothing");
}

fn headers_without_end_are_refused(transport: Transport) {
    for (what, fault) in
        [("a header of 2 MB", Fault::huge_header(2_000_000)), ("5,000 headers", Fault::many_headers(5_000))]
    {
        for error in meet(transport, what, fault, Expect::Unknown) {
            assert!(error.is_transport(), "{what}: {error}");
        }
    }
}

fn the_limit_can_be_set(transport: Transport) {
    let server = FaultServer::start(vec![good()]);
    let tight = agent(transport).body_limit(GOOD.len() as u64);
    assert!(tight.run(refresh_exchange(&server.url("/token"))).is_ok());
    let tighter = agent(transport).body_limit(GOOD.len() as u64 - 1);
    let failure = tighter.run(refresh_exchange(&server.url("/token"))).unwrap_err();
    assert_eq!(failure.error.too_large(), Some(GOOD.len() as u64 - 1));
    assert!(matches!(failure.left, Left::Unknown(_)));
}
