//! The device authorization request (RFC 8628 §3.1, §3.2).

use http::{Request, Response, StatusCode};

use super::grant::DeviceGrant;
use crate::answer::device;
use crate::call::{self, Asked};
use crate::client::Client;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::details::AuthorizationDetails;
use crate::error::{Error, UrlRole};
use crate::scope::Scope;
use crate::server::{EndpointKind, Message};

/// A device's request for a code that a person enters elsewhere.
///
/// It is `Clone`, and every failure leaves it intact: an unused code is no loss.
#[derive(Clone, Debug)]
#[must_use = "run it to get the code that the person enters"]
pub struct DeviceRequest {
    asked: Asked,
}

impl DeviceRequest {
    /// A request by this client.
    ///
    /// # Errors
    /// [`Misuse::NoEndpoint`](crate::Misuse::NoEndpoint) if the server has no device authorization endpoint;
    /// [`Misuse::EmptyClientId`](crate::Misuse::EmptyClientId) for an unidentified client.
    pub fn new(client: impl Into<Client>) -> Result<Self, Error> {
        let client = client.into();
        client.identified()?;
        client.server().needed(EndpointKind::DeviceAuthorization)?;
        Ok(Self { asked: Asked::on(client, Message::DeviceAuthorizationRequest) })
    }

    /// The scope to ask for (RFC 6749 §3.3): a [`Scope`], or tokens separated by spaces. Without one, the server chooses.
    ///
    /// # Errors
    /// [`Misuse::Scope`](crate::Misuse::Scope).
    pub fn scope<S>(mut self, scope: S) -> Result<Self, Error>
    where
        S: TryInto<Scope>,
        Error: From<S::Error>,
    {
        self.asked.scope(scope)?;
        Ok(self)
    }

    /// A resource for which the token is requested (RFC 8707 §2). May be given more than once. Every poll and every
    /// refresh also send it.
    ///
    /// # Errors
    /// [`Misuse::Url`](crate::Misuse::Url) if it is not an absolute URI without fragment;
    /// [`Misuse::DuplicateParameter`](crate::Misuse::DuplicateParameter).
    pub fn resource(mut self, resource: &str) -> Result<Self, Error> {
        self.asked.resource(resource)?;
        Ok(self)
    }

    /// The authorization details to ask for (RFC 9396 §5, §6). Given again, they replace the first ones.
    ///
    /// # Errors
    /// [`Misuse::AuthorizationDetails`](crate::Misuse::AuthorizationDetails) if the server lists the types that it knows, and
    /// one of these is not among them.
    pub fn authorization_details(mut self, details: AuthorizationDetails) -> Result<Self, Error> {
        self.asked.authorization_details(details)?;
        Ok(self)
    }

    /// An extra parameter of the device authorization request: `audience`, `acr_values`.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`](crate::Misuse::ReservedParameter) for a parameter that the flow sets itself;
    /// [`Misuse::DuplicateParameter`](crate::Misuse::DuplicateParameter) for one that was given already, or that is in
    /// the endpoint's query.
    pub fn param(mut self, name: &str, value: &str) -> Result<Self, Error> {
        self.asked.param(name, value)?;
        Ok(self)
    }
}

impl Exchange for DeviceRequest {
    type Output = DeviceGrant;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let (to, on) = (EndpointKind::DeviceAuthorization, Message::DeviceAuthorizationRequest);
        self.asked.with(&[], |fields| call::post(self.asked.data(), env, to, on, fields, &self.asked.extra))
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let server = self.asked.client.server();
        let quirks = server.quirks();
        let member = |name: &str| device::member(quirks, name);
        let (role, ok) = (UrlRole::DeviceAuthorization, StatusCode::OK);
        let answer =
            call::object(role, env.now, ok, Some(&member), &response, |mut members| device::read(&mut members, server));
        match answer {
            Ok(answer) => Ok(Step::Done(DeviceGrant::new(env.now, self.asked, answer))),
            Err(no) => Err(no.replayable(self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer_to_replayable(sent, self))
    }
}
