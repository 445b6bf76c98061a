//! A callback counts only at its place: origin, path and the redirect URI's query.

use grantflow::{Authorization, Callback, NotOurs, PendingCallback};

use crate::support::*;

fn pending_at(redirect_uri: &str) -> (PendingCallback, String) {
    let mut world = World::new();
    let authorization = Authorization::new(&world.client, redirect_uri).unwrap();
    let start = world.start(&authorization);
    let state = parameter(start.url.as_str(), "state");
    (start.pending, state)
}

fn why(callback: Callback) -> Option<NotOurs> {
    match callback {
        Callback::Unrelated { why, .. } => Some(why),
        Callback::Granted(_) => None,
        other => panic!("{other:?}"),
    }
}

/// The result for a good callback at `place`, as a URI and as text.
fn at(redirect_uri: &str, place: &str) -> Option<NotOurs> {
    let (pending, state) = pending_at(redirect_uri);
    let joint = if place.contains('?') { '&' } else { '?' };
    why(pending.receive(&format!("{place}{joint}code=a&state={state}").parse().unwrap()))
}

#[test]
fn path_and_query_are_enough_and_an_origin_is_compared() {
    let uri = "https://app.example/cb";
    for good in ["/cb", "https://app.example/cb", "https://APP.example/cb"] {
        assert_eq!(at(uri, good), None, "{good}");
    }
    for bad in [
        "https://evil.example/cb",
        "http://app.example/cb",
        "https://app.example:8443/cb",
        "https://app.example.evil/cb",
    ] {
        assert_eq!(at(uri, bad), Some(NotOurs::OtherOrigin), "{bad}");
    }
    for bad in [
        "/",
        "/cb/",
        "/CB",
        "/cb2",
        "/x/cb",
        "/./cb",
        "/x/../cb",
        "/cb%2F",
        "/favicon.ico",
        "https://app.example/other",
    ] {
        assert_eq!(at(uri, bad), Some(NotOurs::OtherPath), "{bad}");
    }
}

#[test]
fn the_redirect_uris_own_query_must_still_be_there() {
    let uri = "https://app.example/cb?tenant=a&x=1";
    for good in ["/cb?tenant=a&x=1", "/cb?x=1&tenant=a", "/cb?extra=1&tenant=a&x=1"] {
        assert_eq!(at(uri, good), None, "{good}");
    }
    for bad in ["/cb", "/cb?tenant=a", "/cb?tenant=b&x=1", "/cb?tenant=a&x=12"] {
        assert_eq!(at(uri, bad), Some(NotOurs::OtherPath), "{bad}");
    }
}

#[test]
fn no_path_is_the_root() {
    assert_eq!(at("http://127.0.0.1:7777", "/"), None);
    assert_eq!(at("http://127.0.0.1:7777", "http://127.0.0.1:7777/"), None);
    assert_eq!(at("http://127.0.0.1:7777", "http://127.0.0.1:7778/"), Some(NotOurs::OtherOrigin));
    assert_eq!(at("http://[::1]:7777/cb", "http://[::1]:7777/cb"), None);
}

#[test]
fn a_callback_as_text_may_have_a_private_use_scheme() {
    let (pending, state) = pending_at("com.example.app:/cb");
    assert_eq!(why(pending.receive_url(&format!("com.example.app:/cb?code=a&state={state}"))), None);
    for (url, expected) in [
        ("com.example.evil:/cb", NotOurs::OtherOrigin),
        ("com.example.app:/other", NotOurs::OtherPath),
        ("https://app.example/cb", NotOurs::OtherOrigin),
        ("", NotOurs::OtherOrigin),
    ] {
        let (pending, state) = pending_at("com.example.app:/cb");
        assert_eq!(why(pending.receive_url(&format!("{url}?code=a&state={state}"))), Some(expected), "{url}");
    }
}
