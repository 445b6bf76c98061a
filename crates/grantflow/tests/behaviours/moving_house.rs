//! A server that gets an issuer, is spelt differently or moves keeps its grants; another server gets none of them.

use grantflow::{Client, Error, Misuse, PendingCallback, Server, StoredFault, StoredTokens, Tokens, UrlFault, UrlRole};

use crate::support::*;

const TOKEN: &str = "https://as.example/api/access_token";

fn server(token: &str, issuer: Option<&str>) -> Server {
    let server = Server::new("https://as.example/oauth/authorize", token).unwrap();
    match issuer {
        Some(issuer) => server.issuer(issuer).unwrap(),
        None => server,
    }
}

fn client(server: &Server) -> Client {
    (&server.client(ID).secret_post(SECRET).unwrap()).into()
}

/// Tokens as a client of `server` stored them.
fn stored_tokens(server: &Server) -> String {
    let tokens = Tokens::of_refresh_token(client(server), "r-1").unwrap().build();
    serde_json::to_string(&tokens.into_stored()).unwrap()
}

fn restore(stored: &str, server: &Server) -> Result<Tokens, Error> {
    Tokens::from_stored(serde_json::from_str::<StoredTokens>(stored).unwrap(), client(server))
}

fn restore_callback(stored: &str, server: &Server) -> Result<PendingCallback, Error> {
    PendingCallback::from_stored(serde_json::from_str(stored).unwrap(), client(server))
}

fn stored_callback(server: &Server) -> String {
    let authorization = grantflow::Authorization::new(client(server), REDIRECT_URI).unwrap();
    let start = World::new().start(&authorization);
    serde_json::to_string(&start.pending.into_stored()).unwrap()
}

fn is_other_client<T>(result: Result<T, Error>) -> bool {
    match result {
        Ok(_) => false,
        Err(Error::Misuse(Misuse::Stored(StoredFault::OtherClient))) => true,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn an_issuer_that_is_added_later_ends_no_login() {
    let (before, after) = (server(TOKEN, None), server(TOKEN, Some(ISSUER)));
    assert!(restore(&stored_tokens(&before), &after).is_ok());
    assert!(restore_callback(&stored_callback(&before), &after).is_ok());
    let always = Server::new("https://as.example/oauth/authorize", TOKEN).unwrap().issuer_always_sent(ISSUER).unwrap();
    assert!(restore(&stored_tokens(&before), &always).is_ok());
    // States that are stored from now on name it.
    let again = restore(&stored_tokens(&before), &after).unwrap();
    assert!(serde_json::to_string(&again.into_stored()).unwrap().contains(ISSUER));
}

#[test]
fn an_issuer_that_is_taken_away_is_refused() {
    let (before, after) = (server(TOKEN, Some(ISSUER)), server(TOKEN, None));
    assert!(is_other_client(restore(&stored_tokens(&before), &after)));
    assert!(is_other_client(restore_callback(&stored_callback(&before), &after)));
    // Not even by the door: nothing says which issuer protects the tokens now.
    let door = after.formerly(TOKEN).unwrap();
    assert!(is_other_client(restore(&stored_tokens(&before), &door)));
}

#[test]
fn another_spelling_of_issuer_and_token_endpoint_is_the_same_server() {
    let before = server(TOKEN, Some("https://as.example/t~1"));
    for (token, issuer) in [
        ("https://as.example:443/api/access_token", "https://as.example/t~1"),
        ("https://AS.Example/api/access_token", "https://As.example:443/t%7E1"),
        ("HTTPS://as.example:0443/%61pi/access%5Ftoken", "https://as.example/%74~1"),
    ] {
        let after = server(token, Some(issuer));
        assert!(restore(&stored_tokens(&before), &after).is_ok(), "{token} {issuer}");
        assert!(restore(&stored_tokens(&after), &before).is_ok(), "{token} {issuer}, back");
        assert!(restore_callback(&stored_callback(&before), &after).is_ok(), "{token} {issuer}");
    }
    let (bare, slash) = (server(TOKEN, Some(ISSUER)), server(TOKEN, Some("https://as.example/")));
    assert!(restore(&stored_tokens(&bare), &slash).is_ok() && restore(&stored_tokens(&slash), &bare).is_ok());
}

#[test]
fn what_means_another_url_is_another_server() {
    let before = server(TOKEN, Some("https://as.example/t"));
    for (token, issuer) in [
        (TOKEN, "https://as.example/T"),
        (TOKEN, "https://as.example/t/"),
        (TOKEN, "https://as.example:8443/t"),
        (TOKEN, "https://as.example./t"),
        (TOKEN, "https://evil.example/t"),
        ("https://as.example/api%2Faccess_token", "https://as.example/t"),
        ("https://as.example/api/./access_token", "https://as.example/t"),
        ("https://as.example/api/access_token?x=1", "https://as.example/t"),
        ("https://evil.example/api/access_token", "https://as.example/t"),
    ] {
        let after = server(token, Some(issuer));
        assert!(is_other_client(restore(&stored_tokens(&before), &after)), "{token} {issuer}");
        assert!(is_other_client(restore_callback(&stored_callback(&before), &after)), "{token} {issuer}");
    }
}

#[test]
fn tokens_move_by_the_door_and_go_to_the_new_endpoint() {
    let before = server("https://login.example/oauth/token", Some("https://login.example"));
    let stored = stored_tokens(&before);
    let bare = server(TOKEN, Some(ISSUER));
    assert!(is_other_client(restore(&stored, &bare)));
    // Both moved, so both are named; with one alone it is still another server.
    let half = bare.clone().formerly("https://login.example/oauth/token").unwrap();
    assert!(is_other_client(restore(&stored, &half)));
    let other_half = bare.clone().formerly("https://login.example").unwrap();
    assert!(is_other_client(restore(&stored, &other_half)));
    // Also in another spelling.
    let moved = half.formerly("https://LOGIN.example:443").unwrap();
    let tokens = restore(&stored, &moved).unwrap();
    let exchange = tokens.refresh().unwrap();
    let mut world = World::new();
    let request = world.request(&exchange);
    assert_eq!(request.uri(), TOKEN);
    assert_eq!(parameter(&body(&request), "refresh_token"), "r-1");
    // A state that is stored now names the new endpoint, and needs no door.
    let now = serde_json::to_string(&exchange.into_tokens().into_stored()).unwrap();
    assert!(restore(&now, &bare).is_ok());
}

#[test]
fn a_former_endpoint_alone_is_enough_where_the_issuer_stayed() {
    let before = server("https://login.example/token", Some(ISSUER));
    let moved = server(TOKEN, Some(ISSUER)).formerly("https://login.example/token").unwrap();
    assert!(restore(&stored_tokens(&before), &moved).is_ok());
    // An earlier issuer that was never named, and another client, are still different.
    let other_issuer = server("https://login.example/token", Some("https://login.example"));
    assert!(is_other_client(restore(&stored_tokens(&other_issuer), &moved)));
    let other_client = moved.client("other").secret_post(SECRET).unwrap();
    let stored = serde_json::from_str(&stored_tokens(&before)).unwrap();
    assert!(is_other_client(Tokens::from_stored(stored, &other_client)));
}

#[test]
fn a_pending_callback_never_moves() {
    let before = server("https://login.example/token", Some("https://login.example"));
    let moved = server(TOKEN, Some(ISSUER))
        .formerly("https://login.example/token")
        .unwrap()
        .formerly("https://login.example")
        .unwrap();
    assert!(restore(&stored_tokens(&before), &moved).is_ok());
    assert!(is_other_client(restore_callback(&stored_callback(&before), &moved)));
}

#[test]
fn a_former_url_is_checked_like_any_other() {
    for (url, expected) in [
        ("", UrlFault::Empty),
        ("login.example", UrlFault::Relative),
        ("ftp://login.example", UrlFault::Scheme),
        ("https://u@login.example", UrlFault::UserInfo),
        ("https://login.example/#x", UrlFault::Fragment),
        ("https://login.example:0/", UrlFault::Malformed),
        ("https://a..b/", UrlFault::Malformed),
        ("https://login.example/%4", UrlFault::Escape),
        ("https://login.example/\n", UrlFault::Character),
    ] {
        match server(TOKEN, None).formerly(url).unwrap_err() {
            Error::Misuse(Misuse::Url { role: UrlRole::Former, fault }) => assert_eq!(fault, expected, "{url}"),
            other => panic!("{url}: {other}"),
        }
    }
    assert!(server(TOKEN, None).formerly("http://login.example/token").is_ok(), "it is compared with, never asked");
}
