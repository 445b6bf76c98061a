//! The request of a token exchange (RFC 8693 §2.1) and its answer (§2.2), for the flows that make one.

use http::{Request, Response};

use super::asked::Asked;
use super::not_granted::NotGranted;
use super::request;
use super::token::{Grant, token_answer};
use crate::client::Client;
use crate::contract::{Body, Env};
use crate::error::{Error, Misuse, Violation};
use crate::server::fields::Field;
use crate::server::{AUDIENCE, Message};
use crate::token::{Exchanged, SecurityToken, TokenTypeIdentifier, check_identity};

/// What an exchange asks for.
#[derive(Debug)]
pub(crate) struct Exchanging {
    pub(crate) asked: Asked,
    pub(crate) subject: SecurityToken,
    pub(crate) actor: Option<SecurityToken>,
    pub(crate) requested: Option<TokenTypeIdentifier>,
    audiences: Vec<String>,
}

impl Exchanging {
    pub(crate) fn new(client: Client, subject: SecurityToken) -> Self {
        Self { asked: Asked::new(client), subject, actor: None, requested: None, audiences: Vec::new() }
    }

    /// Adds an audience.
    ///
    /// # Errors
    /// [`Misuse::EmptyAudience`], [`Misuse::DuplicateParameter`].
    pub(crate) fn audience(&mut self, audience: &str) -> Result<(), Error> {
        if audience.trim().is_empty() {
            return Err(Error::Misuse(Misuse::EmptyAudience));
        }
        let in_query = self.asked.client.server().has_in_query(Message::TokenRequest, AUDIENCE);
        if in_query || self.audiences.iter().any(|known| known == audience) {
            return Err(Error::Misuse(Misuse::DuplicateParameter));
        }
        self.audiences.push(audience.to_owned());
        Ok(())
    }

    /// The only audience, instead of those before.
    pub(crate) fn only_audience(&mut self, audience: &str) -> Result<(), Error> {
        self.audiences.clear();
        self.audience(audience)
    }

    /// Adds an extra parameter. `audience` has a setter here.
    pub(crate) fn param(&mut self, name: &str, value: &str) -> Result<(), Error> {
        if name.trim().eq_ignore_ascii_case(AUDIENCE) {
            return Err(Error::Misuse(Misuse::ReservedParameter));
        }
        self.asked.param(name, value)
    }

    /// In the order in which RFC 8693 §2.1 describes the parameters.
    pub(crate) fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let Self { asked, subject, actor, requested, audiences } = self;
        let scope = asked.scope.as_ref().map(|scope| asked.client.server().quirks().write_scope(scope));
        let mut fields = vec![Field::new("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")];
        fields.extend(asked.resources.iter().map(|resource| Field::new("resource", resource)));
        fields.extend(audiences.iter().map(|audience| Field::new(AUDIENCE, audience)));
        fields.extend(scope.as_deref().map(|scope| Field::new("scope", scope)));
        fields.extend(requested.as_ref().map(|kind| Field::new("requested_token_type", kind.as_str())));
        fields.push(Field::new("subject_token", subject.expose_secret()));
        fields.push(Field::new("subject_token_type", subject.token_type().as_str()));
        if let Some(actor) = actor {
            fields.push(Field::new("actor_token", actor.expose_secret()));
            fields.push(Field::new("actor_token_type", actor.token_type().as_str()));
        }
        fields.extend(asked.details());
        request::token(asked.data(), env, &fields, &asked.extra)
    }

    /// Reads the answer. `build` makes the flow's output from it.
    pub(crate) fn answer<B: AsRef<[u8]>, T>(
        &self,
        env: &Env<'_>,
        response: &Response<B>,
        build: impl FnOnce(Exchanged) -> Result<T, Violation>,
    ) -> Result<T, NotGranted> {
        let Asked { client, scope, resources, .. } = &self.asked;
        token_answer(self.asked.data(), env.now, Grant::Other, response, |answer| {
            check_identity(&answer, scope.as_ref())?;
            build(Exchanged::new(client.clone(), answer, scope.clone(), resources.clone(), env.now)?)
        })
    }
}
