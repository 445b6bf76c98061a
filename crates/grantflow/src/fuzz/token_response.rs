//! Token answers: tokens come only from bodies in which serde_json also finds them, and completely; and a refused
//! answer leaves of the grant what status and body allow.

use core::time::Duration;

use http::{Response, header};
use serde_json::Value;

use super::answer::{Says, Token, read};
use super::{CODE, NOW, STATUSES, client, exchange, printed, respond, server};
use crate::{AccessToken, CodeExchange, ErrorCode, Exchange, Failure, Left, Message, Next, Quirk, Tokens};

/// The bits of the second byte, and their quirks.
fn quirks() -> [(u8, Quirk); 9] {
    [
        (1, Quirk::MissingTokenType),
        (2, Quirk::NullIsAbsent),
        (4, Quirk::ScopeList),
        (8, Quirk::ScopeSeparator(',')),
        (16, Quirk::FormEncodedAnswer),
        (TOKEN_PATH, Quirk::token_path(&["data"])),
        (64, Quirk::TokenType("user".to_owned())),
        (128, Quirk::error_path("errors[0].code", Some("0"))),
        (128, Quirk::error_code(Message::TokenAnswer, None, "dead", ErrorCode::InvalidGrant)),
    ]
}

const TOKEN_PATH: u8 = 32;

/// The first byte chooses the status and `Retry-After`, the second the quirks; the rest is the body.
pub fn token_response(bytes: &[u8]) {
    let [chooser, bits, body @ ..] = bytes else { return };
    let status = STATUSES[usize::from(chooser % 16)];
    let retry_after = chooser & 16 != 0;
    let mut server = server();
    let mut on = 0;
    for (bit, quirk) in quirks() {
        // Form and path contradict each other; then the path is left out.
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
    refreshed(&server, status, retry_after, body);
}

/// The same answer to a refresh: a grant is never lost without a verdict, and a new refresh token is never lost.
fn refreshed(server: &crate::Server, status: u16, retry_after: bool, body: &[u8]) {
    const OLD: &str = "0ld-refresh-token";
    let good = format!(
        r#"{{"access_token":"a","token_type":"Bearer","refresh_token":"{OLD}","id_token":"i","data":{{"access_token":"a",
        "token_type":"Bearer","refresh_token":"{OLD}","id_token":"i"}}}}"#
    );
    let tokens = respond(exchange(&client(server)), Response::new(good.as_bytes())).unwrap();
    let mut response = Response::builder().status(status);
    if retry_after {
        response = response.header(header::RETRY_AFTER, "7");
    }
    let mut rng = super::Counting(0);
    let mut env = crate::Env::new(NOW, &mut rng);
    match tokens.refresh().unwrap().respond(&mut env, response.body(body).unwrap()) {
        Ok(crate::Step::Done(tokens)) => {
            assert!((200..300).contains(&status), "tokens out of a {status}");
            sound(&tokens);
            assert!(
                tokens.refresh_token().is_some() && tokens.unverified_id_token().is_some(),
                "a refresh lost a token"
            );
            if tokens.id_token_is_kept() {
                assert!(tokens.unverified_id_token().unwrap().expose_secret() == "i", "it is no older one");
            }
        }
        Ok(crate::Step::Again(_)) => panic!("a refresh asked to be run again"),
        Err(failure) => {
            assert!(!(printed(&failure) + &printed(&failure.error)).contains(OLD), "the refresh token was printed");
            let dead = failure.error.code() == Some(&ErrorCode::InvalidGrant);
            match failure.left {
                Left::Spent => assert!(dead && is_spoken(status), "spent after a {status}"),
                Left::Intact(exchange) if exchange.is_rescued() => {
                    assert!(
                        (200..300).contains(&status) && failure.error.code().is_none(),
                        "rescued out of a {status}"
                    );
                    assert!(failure.error.answer_refused() && failure.error.next() == Next::FixConfiguration);
                    let tokens = exchange.into_tokens();
                    let new = tokens.refresh_token().unwrap().expose_secret();
                    let plain = new.bytes().all(|b| (b' '..=b'~').contains(&b) && !matches!(b, b'"' | b'\\'));
                    // Escapes have no naive reader here.
                    let written = String::from_utf8_lossy(body);
                    assert!(
                        !plain || written.contains(new) || written.contains(['\\', '%', '+']),
                        "a token out of nowhere"
                    );
                }
                Left::Intact(_) | Left::Unknown(_) => {
                    assert!(!(dead && is_spoken(status)), "not spent after a verdict")
                }
            }
        }
    }
}

/// Whether a token endpoint states errors with this status.
fn is_spoken(status: u16) -> bool {
    (200..300).contains(&status) || [400, 401, 403].contains(&status)
}

fn token_text(token: &AccessToken) -> &str {
    match token {
        AccessToken::Bearer(token) => token.expose_secret(),
        AccessToken::Dpop(token) => token.expose_secret(),
    }
}

/// What holds for all tokens, under all quirks.
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
    // Doubled members count once in a map, so only their names are compared.
    let extra: serde_json::Map<String, Value> = match tokens.extra() {
        Ok(extra) => extra,
        // Nested deeper than serde_json builds a tree, or a number that it cannot hold: still kept raw.
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
        tolerated: tokens.tolerated().to_vec(),
        unknown: token.unknown.clone(),
    };
    assert_eq!(tokens.scope().is_unreadable(), tokens.tolerated().contains(&"scope"), "known or not?");
    assert_eq!(tokens.scope().is_narrowed().is_none(), tokens.scope().is_unreadable(), "compared with nothing");
    // Not `assert_eq!`: a fuzzer's log should have no tokens, not even invented ones.
    assert!(got == *token, "something else was read than was written");
}

/// A configured path leads to the token, or there is none: the one at the top is another token.
fn from_path(tokens: &Tokens, body: &[u8]) {
    // No other reader handles nesting beyond the limit of serde_json's tree.
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
    assert_eq!(body["data"]["access_token"].as_str(), Some(token_text(tokens.access_token())), "not from the path");
}

/// `says` is the content of the body without quirks.
fn refused(failure: &Failure<CodeExchange>, status: u16, retry_after: bool, says: Option<Says>) {
    let shown = printed(failure) + &printed(&failure.error);
    assert!(!shown.contains(CODE), "the code was printed");
    if status == 100 {
        assert!(matches!(failure.left, Left::Unknown(_)), "an interim response decided something");
        return;
    }
    assert_eq!(failure.error.status().map(|s| s.as_u16()), Some(status), "the status is not to be seen");
    let success = (200..300).contains(&status);
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
    // The codes that RFC 6749 §5.2, RFC 8628, RFC 8707, RFC 9396 and RFC 9449 register for token answers.
    let registered = failure.error.code().is_some_and(|code| {
        [
            "invalid_grant",
            "invalid_request",
            "invalid_client",
            "unauthorized_client",
            "unsupported_grant_type",
            "invalid_scope",
            "access_denied",
            "invalid_target",
            "invalid_authorization_details",
            "invalid_dpop_proof",
        ]
        .contains(&code.as_str())
    });
    let nonce = failure.error.code() == Some(&ErrorCode::UseDpopNonce) && is_spoken(status);
    // Only these say that the server looked at nothing.
    let not_looked_at = status == 429 || status == 503 && retry_after || nonce;
    let expected = match (not_looked_at, registered && is_spoken(status)) {
        (true, _) => "intact",
        (false, true) => "spent",
        (false, false) => "unknown",
    };
    let left = match failure.left {
        Left::Intact(_) => "intact",
        Left::Spent => "spent",
        Left::Unknown(_) => "unknown",
    };
    assert_eq!(left, expected, "after a {status}");
    // `next` agrees with `left`.
    let over = failure.error.next() == Next::Reauthorize;
    assert!(!over || left == "spent", "a new login, though the code is {left}");
}
