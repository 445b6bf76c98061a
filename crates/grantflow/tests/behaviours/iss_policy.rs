//! RFC 9207: `iss` is compared byte for byte, and required if the server always sends it, also on errors.

use grantflow::{Callback, ErrorCode, RejectionReason};

use crate::support::*;

#[derive(Clone, Copy)]
enum Policy {
    Unknown,
    IfPresent,
    Always,
}

fn receive(policy: Policy, rest: &str) -> Callback {
    let mut world = World::with(|server| match policy {
        Policy::Unknown => server,
        Policy::IfPresent => server.issuer(ISSUER).unwrap(),
        Policy::Always => server.issuer_always_sent(ISSUER).unwrap(),
    });
    let (pending, state) = world.waiting();
    pending.receive_url(&format!("{REDIRECT_URI}?state={state}&{rest}"))
}

#[test]
fn a_missing_iss_counts_only_where_it_is_always_sent() {
    assert_eq!(verdict(&receive(Policy::Unknown, "code=a")), "granted");
    assert_eq!(verdict(&receive(Policy::IfPresent, "code=a")), "granted");
    assert_eq!(verdict(&receive(Policy::Always, "code=a")), "rejected");
    assert_eq!(verdict(&receive(Policy::Always, "code=a&iss=https://as.example")), "granted");
}

#[test]
fn any_other_iss_is_refused_announced_or_not() {
    for iss in [
        "",
        "https://as.example/",
        "https://AS.example",
        "HTTPS://as.example",
        "https://as.example:443",
        "http://as.example",
        "https://as.example1",
        "https://as.exampl",
        "https%3A%2F%2Fas.example%00",
        "https://evil.example",
        "https://as.example%20",
    ] {
        for policy in [Policy::IfPresent, Policy::Always] {
            match receive(policy, &format!("code=a&iss={iss}")) {
                Callback::Rejected(rejection) => {
                    assert_eq!(rejection.reason(), RejectionReason::WrongIssuer, "{iss}");
                    assert_eq!(rejection.expected_iss(), Some(ISSUER));
                    assert!(rejection.untrusted_iss().is_some());
                    assert!(rejection.to_string().contains(ISSUER) && !rejection.to_string().contains("evil"));
                }
                other => panic!("{iss}: {other:?}"),
            }
        }
        assert_eq!(
            verdict(&receive(Policy::Unknown, &format!("code=a&iss={iss}"))),
            "granted",
            "nothing to compare with"
        );
    }
}

#[test]
fn an_error_without_the_iss_that_must_be_there_is_refused_and_readable_as_untrusted() {
    match receive(Policy::Always, "error=access_denied&error_description=no") {
        Callback::Rejected(rejection) => {
            assert_eq!(rejection.reason(), RejectionReason::MissingIssuer);
            let error = rejection.untrusted_error().unwrap();
            assert_eq!((error.code(), error.untrusted_description()), (&ErrorCode::AccessDenied, Some("no")));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(verdict(&receive(Policy::IfPresent, "error=access_denied&iss=https://evil.example")), "rejected");
    assert_eq!(verdict(&receive(Policy::Always, "error=access_denied&iss=https://as.example")), "denied");
}
