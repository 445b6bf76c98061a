//! `state`, then `iss`, and only then `error` or `code`; and the faults that a callback of ours can have.

use grantflow::{Callback, ErrorCode, Next, RejectionReason};

use crate::support::*;

fn receive(query: &str) -> Callback {
    receive_with(World::with(|server| server.issuer(ISSUER).unwrap()), query)
}

/// `{s}` is the right state.
fn receive_with(mut world: World, query: &str) -> Callback {
    let (pending, state) = world.waiting();
    pending.receive_url(&format!("{REDIRECT_URI}?{}", query.replace("{s}", &state)))
}

fn reason(callback: Callback) -> RejectionReason {
    match callback {
        Callback::Rejected(rejection) => rejection.reason(),
        other => panic!("not rejected: {other:?}"),
    }
}

#[test]
fn an_error_is_read_only_after_state_and_issuer() {
    assert_eq!(verdict(&receive("error=access_denied&state=other")), "unrelated");
    assert_eq!(
        reason(receive("error=access_denied&state={s}&iss=https%3A%2F%2Fevil.example")),
        RejectionReason::WrongIssuer
    );
    match receive(
        "error=access_denied&error_description=no%21&error_uri=https%3A%2F%2Fas.example%2Fe&state={s}&iss=https%3A%2F%2Fas.example",
    ) {
        Callback::Denied(error) => {
            assert_eq!(*error.code(), ErrorCode::AccessDenied);
            assert_eq!(
                (error.untrusted_description(), error.untrusted_uri()),
                (Some("no!"), Some("https://as.example/e"))
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_callback_with_two_codes_is_refused() {
    for query in
        ["code=a&code=b&state={s}", "code=a&code=a&state={s}", "code=a&c%6fde=b&state={s}", "code=&code=b&state={s}"]
    {
        assert_eq!(reason(receive(query)), RejectionReason::Malformed, "{query}");
    }
    assert_eq!(reason(receive("error=a&error=b&state={s}")), RejectionReason::Malformed);
    assert_eq!(
        reason(receive("code=a&iss=https%3A%2F%2Fas.example&iss=https%3A%2F%2Fas.example&state={s}")),
        RejectionReason::Malformed
    );
}

#[test]
fn a_code_that_is_missing_empty_or_unreadable_is_refused() {
    assert_eq!(reason(receive("state={s}")), RejectionReason::NoCode);
    assert_eq!(reason(receive("code=&state={s}")), RejectionReason::NoCode);
    for query in ["code=%ff&state={s}", "code=%zz&state={s}", "code=%2&state={s}", "error=%ff&state={s}"] {
        assert_eq!(reason(receive(query)), RejectionReason::Malformed, "{query}");
    }
}

#[test]
fn a_code_of_other_than_printable_ascii_is_refused() {
    // RFC 6749 appendix A.11: VSCHAR.
    for query in ["code=a%00&state={s}", "code=%0d%0aa&state={s}", "code=%7f&state={s}", "code=%c3%a9&state={s}"] {
        assert_eq!(reason(receive(query)), RejectionReason::Malformed, "{query}");
    }
    // An error does not repair it, and another state makes it unrelated.
    assert_eq!(reason(receive("error=access_denied&code=%00&state={s}")), RejectionReason::Malformed);
    assert_eq!(verdict(&receive("code=%00&state=other")), "unrelated");
    assert_eq!(verdict(&receive("code=+%7e%21&state={s}")), "granted");
}

#[test]
fn an_error_of_other_than_printable_ascii_is_refused() {
    // RFC 6749 appendix A.7.
    for query in
        ["error=a%00&state={s}", "error=access_denied%0d%0a&state={s}", "error=%7f&state={s}", "error=%c3%a9&state={s}"]
    {
        assert_eq!(reason(receive(query)), RejectionReason::Malformed, "{query}");
        assert_eq!(reason(receive(&format!("code=a&{query}"))), RejectionReason::Malformed, "{query}");
    }
    assert_eq!(verdict(&receive("error=%00&state=other")), "unrelated");
    assert_eq!(verdict(&receive("error=my+own~error&state={s}")), "denied");
}

#[test]
fn a_description_never_costs_the_error_that_it_explains() {
    for name in ["error_description", "error_uri"] {
        for rest in [
            format!("{name}=a&{name}=b"),
            format!("{name}=a&{name}=a"),
            format!("{name}=&err%6fr{}=", &name[5..]),
            format!("{name}=%e9"),
            format!("{name}=%zz&{name}=%zz"),
        ] {
            match receive(&format!("error=access_denied&{rest}&state={{s}}")) {
                Callback::Denied(error) => {
                    assert_eq!(error.code().as_str(), "access_denied", "{rest}");
                    assert_eq!((error.untrusted_description(), error.untrusted_uri()), (None, None), "{rest}");
                }
                other => panic!("{rest}: {other:?}"),
            }
            assert_eq!(verdict(&receive(&format!("error=access_denied&{rest}&state=other"))), "unrelated");
        }
        // Beside a code it explains nothing, and no parameter may occur twice (RFC 6749 §3.1).
        let query = format!("code=a&{name}=a&{name}=b&state={{s}}");
        assert_eq!(reason(receive(&query)), RejectionReason::Malformed, "{query}");
    }
}

#[test]
fn a_denial_says_what_to_do_next() {
    for (code, next) in [
        ("access_denied", Next::Reauthorize),
        ("login_required", Next::Reauthorize),
        ("interaction_required", Next::Reauthorize),
        ("consent_required", Next::Reauthorize),
        ("account_selection_required", Next::Reauthorize),
        ("server_error", Next::RetryLater(None)),
        ("temporarily_unavailable", Next::RetryLater(None)),
        ("invalid_scope", Next::FixConfiguration),
        ("unauthorized_client", Next::FixConfiguration),
        ("made_up", Next::FixConfiguration),
        // A token endpoint's.
        ("invalid_grant", Next::FixConfiguration),
    ] {
        match receive(&format!("error={code}&state={{s}}")) {
            Callback::Denied(error) => assert_eq!(error.next(), next, "{code}"),
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn a_token_in_the_front_channel_is_refused() {
    for query in [
        "access_token=a&token_type=bearer&state={s}",
        "code=a&access_token=b&state={s}",
        "code=a&id_token=b&state={s}",
        "code=a&response=a.b.c&state={s}",
        "response=a.b.c&state={s}",
        "code=a&state={s}#access_token=b",
    ] {
        assert_eq!(reason(receive(query)), RejectionReason::FrontChannelToken, "{query}");
    }
    // A fragment that some servers add has no meaning.
    assert_eq!(verdict(&receive("code=a&state={s}#_=_")), "granted");
}

#[test]
fn an_error_beside_a_code_wins_and_an_empty_one_grants_nothing() {
    assert_eq!(verdict(&receive("error=access_denied&code=a&state={s}")), "denied");
    assert_eq!(reason(receive("error=&code=a&state={s}")), RejectionReason::NoCode);
}

#[test]
fn unknown_parameters_are_ignored() {
    assert_eq!(verdict(&receive("code=a&state={s}&realmId=1&realmId=2&%ff=%zz&session_state=x")), "granted");
}

#[test]
fn a_code_is_decoded_once() {
    let mut world = World::new();
    let (pending, state) = world.waiting();
    let exchange = granted(pending.receive_url(&format!("{REDIRECT_URI}?code=a%2Bb%2Fc%3D%2525+d&state={state}")));
    let request = world.request(&exchange);
    assert_eq!(parameter(&body(&request), "code"), "a+b/c=%25 d");
}
