//! The code, which is exchanged for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).

use http::{Request, Response};

use super::Grant;
use super::pkce::Verifier;
use crate::call;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::{Error, Meaning};
use crate::server::Message;
use crate::server::fields::{Field, Params};
use crate::token::{Tokens, check_identity};
use crate::value::secret::AuthorizationCode;

/// A code from a checked callback. Not `Clone`: a code is used once (RFC 6749 §4.1.2).
///
/// What is left of it after a failure:
/// - **Spent**: the server refused, by a status and a code that are a verdict. A compliant server may burn the code with
///   any refusal: start again.
/// - **Intact**: the request was certainly not sent, or the server was too busy to look at it (429, or 503 with
///   `Retry-After`), or it wants a DPoP nonce first (RFC 9449 §8). Run it again; codes live for ten minutes at most.
/// - **Unknown**: the request may have been sent and no answer came that proves anything: a lost connection, a 5xx, a
///   `server_error`, an error code that no RFC defines, a redirect, a body that was cut. A server must revoke the
///   tokens of a code that it sees twice (RFC 6749 §4.1.2), so a retry is a risk. Starting again is safe.
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
        let server = &self.grant.client.data().server;
        match server.add_param(Message::TokenRequest, &mut self.extra, name, value) {
            Ok(()) => Ok(self),
            Err(error) => Err(Failure::intact(error, self)),
        }
    }
}

impl Exchange for CodeExchange {
    type Output = Tokens;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
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
            call::token_request(self.grant.client.data(), env, fields, &self.extra)
        })
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let grant = &self.grant;
        let outcome = call::token_answer(grant.client.data(), env.now, call::Grant::Other, &response, |answer| {
            check_identity(&answer, grant.scope.as_ref())?;
            Ok(Tokens::new(grant.client.clone(), answer, grant.scope.clone(), grant.resources.clone(), env.now))
        });
        match outcome {
            Ok(tokens) => Ok(Step::Done(tokens)),
            // As `NotGranted::single_use`, which would copy the exchange to drop it.
            Err(no) => Err(match no.meaning {
                Meaning::Over | Meaning::RequestRefused => Failure::spent(no.error),
                Meaning::NotProcessed => Failure::intact(no.error, self),
                Meaning::Nothing => Failure::unknown(no.error, self),
            }),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer(sent, self))
    }
}
