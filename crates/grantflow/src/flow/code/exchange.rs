//! The code, which is exchanged for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).

use http::{Request, Response};

use super::Grant;
use super::pkce::Verifier;
use crate::call::{self, Narrowed};
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::details::AuthorizationDetails;
use crate::error::{Error, Meaning};
use crate::server::Message;
use crate::server::fields::{Field, Params};
use crate::token::{Target, Tokens, check_identity};
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
    narrowed: Narrowed,
    extra: Params,
}

impl CodeExchange {
    pub(super) fn new(grant: Grant, code: AuthorizationCode) -> Self {
        Self { grant, code, narrowed: Narrowed::default(), extra: Params::default() }
    }

    /// Asks for a token for this resource only, of those that the authorization request named (RFC 8707 §2.2). May be
    /// given more than once. Without it, for all of them. The refresh token is still for all of them.
    ///
    /// # Errors
    /// [`Misuse::WiderResource`](crate::Misuse::WiderResource) if the authorization request named others;
    /// [`Misuse::Url`](crate::Misuse::Url); [`Misuse::DuplicateParameter`](crate::Misuse::DuplicateParameter). The exchange
    /// is still intact.
    pub fn resource(mut self, resource: &str) -> Result<Self, Failure<Self>> {
        match self.narrowed.resource(&self.grant.resources, resource) {
            Ok(()) => Ok(self),
            Err(error) => Err(Failure::intact(error, self)),
        }
    }

    /// Asks for a token for these authorization details only (RFC 9396 §6). Without it, the server decides by what the
    /// person has granted.
    ///
    /// # Errors
    /// [`Misuse::AuthorizationDetails`](crate::Misuse::AuthorizationDetails) if the server lists the types that it knows, and
    /// one of these is not among them. The exchange is still intact.
    pub fn authorization_details(mut self, details: AuthorizationDetails) -> Result<Self, Failure<Self>> {
        match self.narrowed.authorization_details(self.grant.client.server(), details) {
            Ok(()) => Ok(self),
            Err(error) => Err(Failure::intact(error, self)),
        }
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
        let resources = self.narrowed.resources_or(&self.grant.resources);
        call::with_target(own, resources, self.narrowed.details(), |fields| {
            call::token_request(self.grant.client.data(), env, fields, &self.extra)
        })
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let grant = &self.grant;
        let outcome = call::token_answer(grant.client.data(), env.now, call::Grant::Other, &response, |answer| {
            check_identity(&answer, grant.scope.as_ref())?;
            let Grant { client, scope, resources, .. } = grant;
            let target = Target::new(resources, self.narrowed.resources());
            Ok(Tokens::new(client.clone(), answer, scope.clone(), target, env.now))
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
