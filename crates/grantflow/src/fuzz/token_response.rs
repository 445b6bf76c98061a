//! Token answers: tokens come out of what serde_json too finds to be tokens, all of it, and out of nothing else; and
//! what is refused leaves of the grant what status and body allow.

use core::time::Duration;

use http::{Response, header};
use serde_json::Value;

use super::answer::{Says, Token, read};
use super::{CODE, NOW, STATUSES, client, exchange, printed, respond, server};
use crate::{AccessToken, CodeExchange, Error, ErrorCode, Failure, Left, Quirk, Tokens};

/// The bits of the second byte, and what each makes of the server.
fn quirks() -> [(u8, Quirk); 6] {
    [
        (1, Quirk::MissingTokenType),
        (2, Quirk::NullIsAbsent),
        (4, Quirk::ScopeList),
        (8, Quirk::ScopeSeparator(',')),
        (16, Quirk::FormEncodedAnswer),
        (TOKEN_PATH, Quirk::token_path(&["data"])),
    ]
}

const TOKEN_PATH: u8 = 32;

/// The first byte chooses the status and whether `Retry-After` comes with it, the second the quirks; the rest is the body.
pub fn token_response(bytes: &[u8]) {
    let [chooser, bits, body @ ..] = bytes else { return };
    let status = STATUSES[usize::from(chooser % 16)];
    let retry_after = chooser & 16 != 0;
    let mut server = server();
    let mut on = 0;
    for (bit, quirk) in quirks() {
        // Form and path contradict each other; then the path stays away.
        if bits & bit != 0
            && let Ok(odd) = server.clone().quirk(quirk)
        {
            server = odd;
            on |= bit;
        }
    }
    let mut response = Response::builder().status(status);
    if retry_after {
        response = response.header(header::RETRY_AFTER, "7");
    }
    match respond(exchange(&client(&server)), response.body(body).unwrap()) {
        Ok(tokens) => {
            assert!((200..300).contains(&status), "tokens out of a {status}");
            sound(&tokens);
            match on {
                0 => match read(body) {
                    Says::Token(token) => same(&tokens, &token),
                    _ => panic!("tokens out of a body that holds none"),
                },
                TOKEN_PATH => from_path(&tokens, body),
                _ => {}
            }
        }
        Err(failure) => refused(&failure, status, retry_after, (on == 0).then(|| read(body))),
    }
}

fn token_text(token: &AccessToken) -> &str {
    match token {
        AccessToken::Bearer(token) => token.expose_secret(),
        AccessToken::Dpop(token) => token.expose_secret(),
    }
}

/// What holds of all tokens, whatever the server's quirks.
fn sound(tokens: &Tokens) {
    let texts = [
        Some(token_text(tokens.access_token())),
        tokens.refresh_token().map(|token| token.expose_secret()),
        tokens.unverified_id_token().map(|token| token.expose_secret()),
    ];
    for text in texts.into_iter().flatten() {
        assert!(
            !text.is_empty() && text.bytes().all(|b| (0x20..=0x7e).contains(&b)),
            "a token that is no visible text"
        );
    }
    assert_eq!(tokens.received_at(), NOW);
    assert!(tokens.expires_at().is_none_or(|at| at >= NOW));
}

fn same(tokens: &Tokens, token: &Token) {
    let lifetime = token.expires_in.map(Duration::from_secs);
    assert_eq!(tokens.expires_at(), lifetime.map(|lifetime| NOW.saturating_add(lifetime)));
    let words = |scope: &crate::Scope| scope.iter().map(str::to_owned).collect::<Vec<_>>();
    // Members that are there twice count once in a map, so only their names are compared.
    let extra: serde_json::Map<String, Value> = match tokens.extra() {
        Ok(extra) => extra,
        // Nested deeper than serde_json builds a tree, or a number that it cannot hold: kept raw all the same.
        Err(_) => token.unknown.iter().map(|name| (name.clone(), Value::Null)).collect(),
    };
    let mut unknown = token.unknown.clone();
    unknown.sort();
    unknown.dedup();
    let mut kept: Vec<String> = extra.keys().cloned().collect();
    kept.sort();
    assert_eq!(kept, unknown, "unknown members were lost or made up");
    let got = Token {
        access_token: token_text(tokens.access_token()).to_owned(),
        dpop: matches!(tokens.access_token(), AccessToken::Dpop(_)),
        expires_in: token.expires_in,
        refresh_token: tokens.refresh_token().map(|token| token.expose_secret().to_owned()),
        id_token: tokens.unverified_id_token().map(|token| token.expose_secret().to_owned()),
        scope: tokens.scope().explicit().map(words),
        unknown: token.unknown.clone(),
    };
    // Not `assert_eq!`: a fuzzer's log is no place for tokens, not even for made-up ones.
    assert!(got == *token, "something else was read than was written");
}

/// A configured path leads to the token, or there is none: the one at the top is another's.
fn from_path(tokens: &Tokens, body: &[u8]) {
    // Nesting beyond the limit of serde_json's tree has no other reader.
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
    assert_eq!(body["data"]["access_token"].as_str(), Some(token_text(tokens.access_token())), "not from the path");
}

/// `says` is what the body says, where there are no quirks.
fn refused(failure: &Failure<CodeExchange>, status: u16, retry_after: bool, says: Option<Says>) {
    let shown = printed(failure) + &printed(&failure.error);
    assert!(!shown.contains(CODE), "the code was printed");
    if status == 100 {
        assert!(matches!(failure.left, Left::Unknown(_)), "an interim response decided something");
        return;
    }
    assert_eq!(failure.error.status().map(|s| s.as_u16()), Some(status), "the status is not to be seen");
    let success = (200..300).contains(&status);
    let final_word = success || (400..500).contains(&status);
    if let Some(says) = &says {
        assert!(!(success && matches!(says, Says::Token(_))), "good tokens were refused");
        let code = match says {
            Says::Error(code) if !(300..400).contains(&status) => Some(code),
            _ => None,
        };
        let seen = failure.error.code().map(|seen| seen.as_str());
        assert_eq!(seen.is_some(), code.is_some(), "an error code was lost or made up");
        assert!(seen.zip(code).is_none_or(|(seen, code)| code.starts_with(seen)), "another error code");
    }
    // These two codes are about the server's health: they refuse nothing.
    let health = matches!(failure.error.code(), Some(ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable));
    let verdict = matches!(failure.error, Error::Refused(_)) && !health;
    match failure.left {
        Left::Intact(_) => assert!(status == 429 || status == 503 && retry_after, "intact after a {status}"),
        // Only these two say that the server has not looked.
        _ if status == 429 || status == 503 && retry_after => panic!("not intact after a {status}"),
        Left::Spent => assert!(verdict && final_word, "spent after a {status}"),
        Left::Unknown(_) => assert!(!(verdict && final_word), "nobody knows, after a verdict and a {status}"),
    }
}
