//! Two spellings of one URI are the same place when something is received, and stay as they are when something is sent
//! (RFC 3986 §6.2.2, §6.2.3).

use grantflow::{Authorization, Callback, NotOurs, PendingCallback};
use http::Request;

use crate::support::*;

fn why(callback: Callback) -> Option<NotOurs> {
    match callback {
        Callback::Unrelated { why, .. } => Some(why),
        Callback::Granted(_) => None,
        other => panic!("{other:?}"),
    }
}

fn started(world: &mut World, redirect_uri: &str) -> (PendingCallback, String, String) {
    let authorization = Authorization::new(&world.client, redirect_uri).unwrap();
    let start = world.start(&authorization);
    let state = parameter(start.url.as_str(), "state");
    (start.pending, state, start.url.as_str().to_owned())
}

/// The result for a good callback at `place`, as text, and by `receive` if that accepts it: the two never differ.
fn at(redirect_uri: &str, place: &str) -> Option<NotOurs> {
    let joint = if place.contains('?') { '&' } else { '?' };
    let mut world = World::new();
    let (pending, state, _) = started(&mut world, redirect_uri);
    let url = format!("{place}{joint}code=a&state={state}");
    let text = why(pending.receive_url(&url));
    if let Ok(uri) = url.parse::<http::Uri>()
        && uri.scheme().is_some()
    {
        let (pending, _, _) = started(&mut World::new(), redirect_uri);
        assert_eq!(why(pending.receive(&uri)), text, "{url}");
    }
    text
}

#[test]
fn a_callback_may_spell_the_redirect_uri_in_another_way() {
    for (redirect_uri, same) in [
        ("https://app.example/cb", "https://app.example:443/cb"),
        ("https://app.example:443/cb", "https://app.example/cb"),
        ("https://app.example/cb", "https://app.example:00443/cb"),
        ("https://App.Example/cb", "https://aPP.eXAMPLE/cb"),
        ("https://app.example/cb", "HTTPS://app.example/cb"),
        ("https://app.example/a%2Fb", "https://app.example/a%2fb"),
        ("https://app.example/~me/cb", "https://app.example/%7Eme/%63b"),
        ("https://app.example/%7eme/cb", "https://app.example/~me/cb"),
        ("https://app.example", "https://app.example/"),
        ("https://app.example/", "https://app.example"),
        ("https://app.example/a/../cb", "https://app.example/a/../cb"),
        ("http://LOCALHOST:8080/cb", "http://localhost:8080/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:80/cb"),
        ("http://[::1]:80/cb", "http://[::1]/cb"),
        ("http://app.localhost:3000/cb", "http://APP.localhost:3000/cb"),
        ("com.example.app://Host/cb", "COM.example.App://hOST/cb"),
    ] {
        assert_eq!(at(redirect_uri, same), None, "{redirect_uri} at {same}");
    }
}

#[test]
fn what_only_looks_alike_is_another_place() {
    for (redirect_uri, other, expected) in [
        ("https://app.example/cb", "https://app.example:80/cb", NotOurs::OtherOrigin),
        ("https://app.example/cb", "https://app.example:0/cb", NotOurs::OtherOrigin),
        ("https://app.example/cb", "https://app.example:4430/cb", NotOurs::OtherOrigin),
        ("https://app.example/cb", "https://app.example./cb", NotOurs::OtherOrigin),
        ("https://app.example/cb", "https://u@app.example/cb", NotOurs::OtherOrigin),
        ("https://app.example/cb", "http://app.example:443/cb", NotOurs::OtherOrigin),
        ("http://127.0.0.1:7777/cb", "http://localhost:7777/cb", NotOurs::OtherOrigin),
        ("http://[::1]:7777/cb", "http://127.0.0.1:7777/cb", NotOurs::OtherOrigin),
        ("http://[::1]:7777/cb", "http://[::2]:7777/cb", NotOurs::OtherOrigin),
        ("https://app.example/a%2Fb", "https://app.example/a/b", NotOurs::OtherPath),
        ("https://app.example/a/b", "https://app.example/a%2Fb", NotOurs::OtherPath),
        ("https://app.example/cb", "https://app.example/CB", NotOurs::OtherPath),
        ("https://app.example/cb", "https://app.example/cb/", NotOurs::OtherPath),
        ("https://app.example/cb", "https://app.example/./cb", NotOurs::OtherPath),
        ("https://app.example/cb", "https://app.example/x/../cb", NotOurs::OtherPath),
        ("https://app.example/cb", "https://app.example//cb", NotOurs::OtherPath),
        ("https://app.example/a%252Fb", "https://app.example/a%2Fb", NotOurs::OtherPath),
    ] {
        assert_eq!(at(redirect_uri, other), Some(expected), "{redirect_uri} at {other}");
    }
}

#[test]
fn the_redirect_uris_own_query_is_compared_in_the_same_way() {
    let uri = "https://app.example/cb?tenant=a%2Fb&who=~me";
    for same in ["?tenant=a%2fb&who=~me", "?who=%7eme&tenant=a%2Fb", "?%74enant=a%2Fb&x=1&who=~me"] {
        assert_eq!(at(uri, &format!("https://app.example/cb{same}")), None, "{same}");
    }
    for other in ["", "?tenant=a%2Fb", "?tenant=a/b&who=~me", "?tenant=A%2Fb&who=~me", "?tenant=a%252Fb&who=~me"] {
        assert_eq!(at(uri, &format!("https://app.example/cb{other}")), Some(NotOurs::OtherPath), "{other}");
    }
}

#[test]
fn a_form_post_is_placed_by_the_same_rule() {
    for (target, expected) in
        [("/%63b", None), ("https://APP.example:443/cb", None), ("/c/../cb", Some(NotOurs::OtherPath))]
    {
        let mut world = World::new();
        let authorization = world.authorization().response_mode(grantflow::ResponseMode::FormPost);
        let start = world.start(&authorization);
        let state = parameter(start.url.as_str(), "state");
        let post = Request::post(target)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("code=a&state={state}"))
            .unwrap();
        assert_eq!(why(start.pending.receive_form_post(&post)), expected, "{target}");
    }
}

/// The server compares bytes (RFC 6749 §3.1.2.3), so the two requests hold the URI as it was given.
#[test]
fn what_is_sent_is_the_redirect_uri_byte_for_byte() {
    for (given, received) in [
        ("https://App.Example:443/%7Eme/a%2fb", "https://app.example/~me/a%2Fb"),
        ("http://LOCALHOST:08080/cb", "http://localhost:8080/cb"),
        ("https://app.example", "https://app.example/"),
    ] {
        let mut world = World::new();
        let (pending, state, url) = started(&mut world, given);
        assert_eq!(parameter(&url, "redirect_uri"), given);
        let exchange = granted(pending.receive_url(&format!("{received}?code=a&state={state}")));
        assert_eq!(parameter(&body(&world.request(&exchange)), "redirect_uri"), given);
    }
}

/// RFC 9207 §2.4: an issuer in a message is compared byte for byte.
#[test]
fn an_iss_in_another_spelling_is_another_issuer() {
    for iss in ["https://AS.example", "https://as.example:443", "https://as.example/", "HTTPS://as.example"] {
        let mut world = World::with(|server| server.issuer(ISSUER).unwrap());
        let (pending, state) = world.waiting();
        let iss = iss.replace(':', "%3A").replace('/', "%2F");
        let callback = pending.receive_url(&format!("{REDIRECT_URI}?code=a&state={state}&iss={iss}"));
        assert_eq!(verdict(&callback), "rejected", "{iss}");
    }
}
