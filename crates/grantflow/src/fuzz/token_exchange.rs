//! Answers to a token exchange: what was issued is what the answer says, and a token is for an API only if it says so.

use http::Response;
use serde_json::value::RawValue;

use super::answer::raw_members;
use super::{Counting, NOW, STATUSES, printed};
use crate::{
    AccessToken, Env, ErrorCode, Exchange, Exchanged, Failure, Left, Message, Quirk, SecurityToken, Server, Step,
    TokenExchange, Violation,
};

const SECRET: &str = "client-secret-of-the-oracle";
const SUBJECT: &str = "subject-token-of-the-oracle";
const REFRESH: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const RENAMED: u8 = 32;
const FORM: u8 = 64;

/// The first byte chooses the status, the exchange and the quirks; the rest is the body.
pub fn token_exchange(bytes: &[u8]) {
    let Some((chooser, body)) = bytes.split_first() else { return };
    let status = STATUSES[usize::from(chooser % 16)];
    let quirks = chooser & (RENAMED | FORM);
    let answer = || Response::builder().status(status).body(body).unwrap();
    let any = respond(exchange(quirks), answer());
    let only = respond(exchange(quirks).for_access_token(), answer());
    match (&any, &only) {
        (Ok(Exchanged::Tokens { tokens, .. }), Ok(same)) => {
            assert_eq!(tokens.access_token().expose(), same.access_token().expose());
        }
        (Ok(Exchanged::Issued(_)), Err(failure)) => {
            let violation = match &failure.error {
                crate::Error::Protocol(broken) => Some(broken.violation()),
                _ => None,
            };
            assert_eq!(violation, Some(Violation::NotAnAccessToken), "{}", failure.error);
            assert!(matches!(failure.left, Left::Unknown(_)));
        }
        (Err(any), Err(only)) => assert_eq!(any.error.to_string(), only.error.to_string()),
        _ => panic!("the two exchanges disagree"),
    }
    match any {
        Ok(exchanged) => {
            assert!((200..300).contains(&status), "a token out of a {status}");
            if quirks == 0 {
                says_so(&exchanged, body);
            }
        }
        Err(failure) => refused(&failure, status, body, quirks),
    }
}

fn exchange(quirks: u8) -> TokenExchange {
    let mut server = Server::with_token_endpoint("https://as.example/token").unwrap();
    if quirks & RENAMED != 0 {
        server = server.quirk(Quirk::renamed(Message::TokenAnswer, "issued_token_type", "kind")).unwrap();
    }
    if quirks & FORM != 0 {
        server = server.quirk(Quirk::FormEncodedAnswer).unwrap();
    }
    let client = server.client("api").secret_post(SECRET).unwrap();
    TokenExchange::new(&client, SecurityToken::access_token(SUBJECT).unwrap())
}

fn respond<X: Exchange>(exchange: X, response: Response<&[u8]>) -> Result<X::Output, Failure<X>> {
    match exchange.respond(&mut Env::new(NOW, &mut Counting(0)), response)? {
        Step::Done(output) => Ok(output),
        Step::Again(_) => panic!("an exchange asked to be run again"),
    }
}

/// The only member of this name, as a text; `None` if it is missing or has another type.
fn text(members: &[(String, &RawValue)], name: &str) -> Option<String> {
    let mut all = members.iter().filter(|(found, _)| found == name);
    let only = all.next()?;
    assert!(all.next().is_none(), "{name} is there twice, and something was issued");
    serde_json::from_str(only.1.get()).ok()
}

fn says_so(exchanged: &Exchanged, body: &[u8]) {
    let body = core::str::from_utf8(body).expect("a token out of what is no text");
    let members = raw_members(body).expect("a token out of what is no object");
    assert!(!members.iter().any(|(name, _)| name == "error"), "a token beside an error");
    let token = text(&members, "access_token").expect("a token out of nowhere");
    let kind = text(&members, "issued_token_type").expect("a type out of nowhere");
    let token_type = text(&members, "token_type").expect("a use out of nowhere").to_ascii_lowercase();
    assert_eq!(exchanged.issued_token_type().as_str(), kind);
    assert_eq!(exchanged.to_security_token().expose_secret(), token);
    let scheme = kind.split_once(':').expect("it is no absolute URI").0;
    assert!(scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && kind.bytes().all(|b| b.is_ascii_graphic()));
    match exchanged {
        Exchanged::Tokens { tokens, .. } => {
            let expected = match tokens.access_token() {
                AccessToken::Bearer(_) => "bearer",
                AccessToken::Dpop(_) => "dpop",
            };
            assert_eq!(token_type, expected);
            assert!(kind != REFRESH || tokens.refresh_token().is_some(), "a refresh token for an API");
        }
        Exchanged::Issued(token) => {
            let is_refresh = kind == REFRESH && token.refresh_token().is_none();
            assert!(token_type == "n_a" || is_refresh, "{token_type} {kind}");
        }
    }
    let shown = format!("{exchanged:?} {exchanged:#?}");
    assert!(token.len() < 8 || !shown.contains(&token) || shown_anyway(&token), "the token was printed");
}

/// What the types of this crate print by themselves.
fn shown_anyway(text: &str) -> bool {
    let ours = "Exchanged Tokens Issued IssuedToken TokenTypeIdentifier(urn:ietf:params:oauth:token-type:access_token) \
        token_type expires_at scope GrantedScope requested explicit unreadable client access BearerToken DpopToken \
        id_token_is_kept received_at tolerated [redacted] refresh UnixTime(1700000000) issued_token_type \
        token_endpoint https://as.example/token client_secret_post target extra reach resources of_the_token details";
    ours.contains(text) || text.bytes().all(|b| b.is_ascii_digit() || b == b' ')
}

fn refused(failure: &Failure<TokenExchange>, status: u16, body: &[u8], quirks: u8) {
    assert!(!(status == 200 && quirks == 0 && is_plain(body)), "a good answer was refused: {}", failure.error);
    let text = printed(failure) + &printed(&failure.error);
    assert!(!text.contains(SECRET) && !text.contains(SUBJECT), "a secret was printed");
    let verdict = failure.error.code() == Some(&ErrorCode::InvalidGrant)
        && ((200..300).contains(&status) || [400, 401, 403].contains(&status));
    match &failure.left {
        Left::Spent => assert!(verdict, "spent after a {status}: {}", failure.error),
        Left::Intact(left) | Left::Unknown(left) => {
            assert!(!verdict, "not spent after a verdict");
            let again = left.request(&mut Env::new(NOW, &mut Counting(0))).unwrap();
            assert!(String::from_utf8_lossy(again.body().as_ref()).contains(SUBJECT));
        }
    }
}

/// An answer with the three members that every answer must have, and nothing else.
fn is_plain(body: &[u8]) -> bool {
    let Some(members) = core::str::from_utf8(body).ok().and_then(raw_members) else { return false };
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    let has = |name: &str| names.iter().filter(|found| **found == name).count() == 1;
    if names.len() != 3 || !["access_token", "token_type", "issued_token_type"].into_iter().all(has) {
        return false;
    }
    let value = |name: &str| text(&members, name).unwrap_or_default();
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let kind = value("issued_token_type");
    ["bearer", "dpop", "n_a"].contains(&value("token_type").to_ascii_lowercase().as_str())
        && is_word(&value("access_token"))
        && kind.strip_prefix("urn:").is_some_and(|rest| rest.split(':').all(is_word))
}
