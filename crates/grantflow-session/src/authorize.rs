//! Requests that carry a session's token, for `ureq`, `reqwest` and `tower` stacks, each by its feature.
//!
//! All three do the same:
//!
//! - **The session is asked for the token** before each request. The token goes into the `Authorization` header and
//!   nowhere else.
//! - **The token goes only where it may.** Never over `http`, except to loopback. Never to an origin that
//!   [`Server::token_for`](grantflow::Server::token_for) does not name, if it names any: bind your tokens. Never into a
//!   request that already has credentials, because RFC 6750 §2 allows one way only. Such a request is not sent at all.
//! - **A 401 that says `invalid_token`** in a Bearer challenge (RFC 6750 §3.1) tells the session that the token is
//!   over, even before its expiry. The session renews it once for all refused requests, and the request is sent once
//!   more. If its body cannot be copied, the caller gets the 401, and the next request has a new token.
//! - **Every other answer goes to the caller**: a second 401, a 401 with another error or none, a 403 with
//!   `insufficient_scope`. Another token of the same grant changes none of these.
//! - **A redirect to another origin does not take the token along.** The client below follows redirects, so each of the
//!   three says how this is ensured.
//!
//! A request that is sent twice was refused the first time, as far as the API says. If your API acts on a request and
//! still answers 401, do not let it be sent twice.
//!
//! **The response's extensions hold the token that was used**, as a [`FreshToken`](crate::FreshToken). A program that
//! sees by other signs that the API refuses it gives that token to [`Session::refused`](crate::Session::refused), and
//! does not take away a newer one:
//!
//! ```
//! # fn example<B>(session: &grantflow_session::Session, response: &http::Response<B>) {
//! # let says_that_the_token_is_expired = |_: &http::Response<B>| true;
//! if let Some(token) = response.extensions().get::<grantflow_session::FreshToken>()
//!     && says_that_the_token_is_expired(response)
//! {
//!     session.refused(token);
//! }
//! # }
//! ```
//!
//! **APIs that answer a bare 401** (RFC 6750 §3.1 only *should* name `invalid_token`) need [`Refusal::Any401`].
//!
//! A DPoP-bound token cannot be put into a request like this: [`NotAuthorized::Request`] with
//! [`Misuse::NotBearer`](grantflow::Misuse::NotBearer).

#[cfg(all(feature = "reqwest", not(all(target_arch = "wasm32", target_os = "unknown"))))]
pub mod reqwest;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(feature = "ureq")]
pub mod ureq;

use grantflow::{Challenge, Challenges, ErrorCode};
use http::{HeaderMap, StatusCode};

use crate::error::SessionError;

/// Which answers of an API say that it refuses the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Refusal {
    /// A 401 with `invalid_token` in a Bearer challenge (RFC 6750 §3.1). No other answer says anything about the token.
    #[default]
    InvalidToken,
    /// Any 401, for APIs that name no error. Each token is refused once.
    ///
    /// The price: an API that answers 401 for another reason, such as a missing permission, makes each of these
    /// requests a renewal and a second try. The session limits that: tokens that are refused as soon as they come are
    /// renewed after a pause, which doubles. During such a pause, the session has no token for other requests either.
    Any401,
}

impl Refusal {
    #[cfg_attr(not(any(feature = "ureq", feature = "reqwest", feature = "tower")), allow(dead_code))]
    fn is_in(self, status: StatusCode, headers: &HeaderMap) -> bool {
        match self {
            // A challenge with a mistake counts, too: real servers put unescaped quotes into the text beside the code.
            Self::InvalidToken => {
                status == StatusCode::UNAUTHORIZED
                    && Challenges::of(headers)
                        .with_broken()
                        .filter_map(Challenge::bearer)
                        .any(|bearer| bearer.error() == Some(ErrorCode::InvalidToken))
            }
            Self::Any401 => status == StatusCode::UNAUTHORIZED,
        }
    }
}

/// Why a request did not get a token. The API has not acted on it: the request was not sent, or it was refused with a
/// 401 and there was no other token.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum NotAuthorized {
    /// The session has no token to give; [`SessionError::next`] says what to do.
    #[error("the session has no token for this request")]
    Session(#[source] SessionError),
    /// This request must not have the token, or this token cannot be put into a request.
    #[error("the token cannot be put into this request")]
    Request(#[source] grantflow::Error),
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::WWW_AUTHENTICATE;

    use super::*;

    fn refuses(refusal: Refusal, status: StatusCode, lines: &[&'static str]) -> bool {
        let headers = lines.iter().map(|line| (WWW_AUTHENTICATE, HeaderValue::from_static(line))).collect();
        refusal.is_in(status, &headers)
    }

    #[test]
    fn a_challenge_counts_with_a_401_only() {
        let lines = ["Basic realm=\"x\"", "Bearer error=\"invalid_token\""];
        for refusal in [Refusal::InvalidToken, Refusal::Any401] {
            assert!(refuses(refusal, StatusCode::UNAUTHORIZED, &lines));
            for status in [
                StatusCode::OK,
                StatusCode::FORBIDDEN,
                StatusCode::BAD_REQUEST,
                StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            ] {
                assert!(!refuses(refusal, status, &lines), "{status}");
            }
        }
    }

    #[test]
    fn only_bearer_challenges_about_the_token_count() {
        for (line, expected) in [
            ("Bearer error=\"invalid_token\"", true),
            ("Bearer error=\"invalid_token\", error_description=\"The token \"abc\" is over\"", true),
            ("Bearer, error=\"invalid_token\"", true),
            ("Bearer error=\"insufficient_scope\"", false),
            ("Bearer error=\"invalid_token\", error=\"insufficient_scope\"", false),
            ("Bearer error=\"insufficient_user_authentication\", acr_values=\"high\"", false),
            ("DPoP error=\"invalid_token\"", false),
            ("Bearer realm=\"x\"", false),
            ("Bearer error=\"invalid_token", false),
        ] {
            assert_eq!(refuses(Refusal::InvalidToken, StatusCode::UNAUTHORIZED, &[line]), expected, "{line}");
            assert!(refuses(Refusal::Any401, StatusCode::UNAUTHORIZED, &[line]));
        }
        assert!(!refuses(
            Refusal::InvalidToken,
            StatusCode::UNAUTHORIZED,
            &["Bearer realm=\"x\"", "error=\"invalid_token\""]
        ));
        assert!(!refuses(Refusal::InvalidToken, StatusCode::UNAUTHORIZED, &[]));
    }
}
