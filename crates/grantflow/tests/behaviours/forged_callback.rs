//! Only `state` makes a callback ours; any other callback ends nothing (CVE-2026-42073, RFC 6749 §10.12).

use grantflow::{Callback, NotOurs};

use crate::support::*;

#[test]
fn a_callback_with_another_state_gives_the_grant_back() {
    let mut world = World::new();
    let (_, state) = world.waiting();
    let flipped: String = state
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    for (query, why) in [
        (String::new(), NotOurs::NoState),
        ("code=x".to_owned(), NotOurs::NoState),
        ("error=access_denied".to_owned(), NotOurs::NoState),
        ("code=x&state".to_owned(), NotOurs::WrongState),
        ("code=x&state=".to_owned(), NotOurs::WrongState),
        ("error=access_denied&state=forged".to_owned(), NotOurs::WrongState),
        (format!("code=x&state={state}x"), NotOurs::WrongState),
        (format!("code=x&state=x{state}"), NotOurs::WrongState),
        (format!("code=x&state={}", &state[..42]), NotOurs::WrongState),
        (format!("code=x&state={}", &state[1..]), NotOurs::WrongState),
        (format!("code=x&state={flipped}"), NotOurs::WrongState),
        (format!("code=x&state={state}%00"), NotOurs::WrongState),
        (format!("code=x&state=%ff{state}"), NotOurs::WrongState),
        (format!("code=x&state=%{state}"), NotOurs::WrongState),
        (format!("code=x&State={state}"), NotOurs::NoState),
        (format!("code=x&state={state}&state={state}"), NotOurs::TwoStates),
        (format!("code=x&state={state}&st%61te=forged"), NotOurs::TwoStates),
    ] {
        let mut world = World::new();
        let (pending, same) = world.waiting();
        assert_eq!(same, state, "the same dice give the same state");
        match pending.receive_url(&format!("{REDIRECT_URI}?{query}")) {
            Callback::Unrelated { pending, why: found } => {
                assert_eq!(found, why, "{query}");
                let _ = granted(pending.receive_url(&format!("{REDIRECT_URI}?code=real&state={state}")));
            }
            other => panic!("{query}: {other:?}"),
        }
    }
}

#[test]
fn any_number_of_forged_callbacks_before_the_real_one_cost_nothing() {
    let mut world = World::new();
    let (mut pending, url) = world.pending();
    for i in 0..1_000 {
        pending = match pending.receive_url(&format!("{REDIRECT_URI}?error=access_denied&state={i}")) {
            Callback::Unrelated { pending, .. } => pending,
            other => panic!("{other:?}"),
        };
    }
    let callback = world.provider.visit(&url).unwrap();
    let exchange = granted(pending.receive_url(&callback.url));
    assert!(world.run(exchange).is_ok());
}

#[test]
fn an_escaped_state_is_the_same_state() {
    let mut world = World::new();
    let (pending, state) = world.waiting();
    let escaped: String = state.bytes().map(|b| format!("%{b:02x}")).collect();
    let _ = granted(pending.receive_url(&format!("{REDIRECT_URI}?code=x&state={escaped}")));
}
