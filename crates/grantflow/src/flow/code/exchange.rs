//! The code, to be exchanged for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).

use http::{Request, Response};

use super::Grant;
use crate::call::{self, Meaning};
use crate::error::{Error, ErrorCode};
use crate::exchange::{Body, Env, Exchange, Failure, Sent, Step};
use crate::params::{Field, Params};
use crate::pkce::Verifier;
use crate::quirk::Message;
use crate::secret::AuthorizationCode;
use crate::token::Tokens;

/// A code that came out of a checked callback. Not `Clone`: a code is used once (RFC 6749 §4.1.2).
///
/// What a failure leaves of it:
/// - **Spent**: the server refused. Whatever it says is wrong, a compliant server may have burned the code: start again.
///   But for `server_error` and `temporarily_unavailable`, which refuse nothing.
/// - **Intact**: the request was certainly not sent, or the server said that it was too busy to look (429, or 503 with
///   `Retry-After`). Run it again; codes live for ten minutes at most.
/// - **Unknown**: the request may have been sent and no answer came that proves anything: a lost connection, a 5xx, a
///   `server_error`, a redirect, a body cut short. A server must revoke the tokens of a code that it sees twice (RFC 6749 §4.1.2), so a
///   retry is a risk: starting again is the safe way.
#[derive(Debug)]
#[must_use = "a code expires within minutes: run the exchange"]
pub struct CodeExchange {
    grant: Grant,
    code: AuthorizationCode,
    extra: Params,
}

impl CodeExchange {
    pub(super) fn new(grant: Grant, code: AuthorizationCode) -> Self {
        Self { grant, code, extra: Params::default() }
    }

    /// An extra parameter of the token request.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`](crate::Misuse::ReservedParameter) and
    /// [`Misuse::DuplicateParameter`](crate::Misuse::DuplicateParameter), with the exchange still intact.
    pub fn param(mut self, name: &str, value: &str) -> Result<Self, Failure<Self>> {
        let server = &self.grant.client.registration().server;
        match server.add_param(Message::TokenRequest, &mut self.extra, name, value) {
            Ok(()) => Ok(self),
            Err(error) => Err(Failure::intact(error, self)),
        }
    }
}

impl Exchange for CodeExchange {
    type Output = Tokens;

    fn request(&self, _env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let redirect_uri = &self.grant.redirect_uri;
        let verifier = self.grant.verifier.as_ref();
        let with_pkce = [
            Field::plain("grant_type", "authorization_code"),
            Field::new("code", self.code.expose()),
            Field::encoded("redirect_uri", redirect_uri.as_str(), redirect_uri.encoded()),
            Field::plain("code_verifier", verifier.map_or("", Verifier::expose)),
        ];
        let own = if verifier.is_some() { &with_pkce } else { with_pkce.get(..3).unwrap_or_default() };
        call::with_resources(own, &self.grant.resources, |fields| {
            call::request(self.grant.client.registration(), fields, &self.extra)
        })
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let grant = &self.grant;
        let outcome = call::answer(grant.client.registration(), env.now, &response, |answer| {
            Tokens::new(grant.client.clone(), answer, grant.scope.clone(), grant.resources.clone(), env.now)
        });
        match outcome {
            Ok(tokens) => Ok(Step::Done(tokens)),
            Err(no) => Err(match (no.meaning, no.error.code()) {
                // These two are about the server's health, and say nothing about the code.
                (Meaning::Refused, Some(ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable)) => {
                    Failure::unknown(no.error, self)
                }
                (Meaning::Refused, _) => Failure::spent(no.error),
                (Meaning::NotProcessed, _) => Failure::intact(no.error, self),
                (Meaning::Nothing, _) => Failure::unknown(no.error, self),
            }),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer(sent, self))
    }
}
