//! Points 1 and 2: from a challenge to the resource's metadata, and to its authorization servers (RFC 9728).

use core::fmt;

use grantflow::{
    Body, Challenges, Env, Error as OAuthError, ErrorCode, Exchange, Failure, Issuer, ResourceDiscovery,
    ResourceMetadata, Scope, Sent, Step, Violation,
};
use http::{HeaderMap, Request, Response, StatusCode};

use crate::client::Former;
use crate::error::Error;
use crate::resource::Resource;
use crate::servers::AuthorizationServers;

/// Longer scopes make URLs that servers refuse.
pub(crate) const MAX_SCOPE: usize = 4 * 1024;

/// A resource that wants a token. Run it to get its authorization servers. Replayable: every failure leaves it intact.
///
/// The metadata comes from the URL that the challenge names, or, if it names none, from the place of the resource's own
/// document, and after a 4xx from that of its host (RFC 9728 §3.1). **A document of another resource ends it.**
#[derive(Clone)]
#[must_use = "run it to get the resource's authorization servers"]
pub struct Challenged {
    resource: Resource,
    scope: Option<Scope>,
    discovery: ResourceDiscovery,
    /// The challenge named the document, so there is one.
    is_named: bool,
    former: Option<Former>,
}

impl Resource {
    /// The way to a token before the resource has refused anything: its metadata is at the places of RFC 9728 §3.1.
    ///
    /// # Errors
    /// [`Error::OAuth`] if the URL of a place is too long.
    pub fn first_contact(&self) -> Result<Challenged, Error> {
        self.challenged(&Challenges::default())
    }

    /// The way to a token, if this answer to a request without a token demands one: a 401, with or without a challenge,
    /// or a 403 with `insufficient_scope`. `None` for any other answer.
    ///
    /// # Errors
    /// [`Error::OAuth`] with [`Misuse::Url`](grantflow::Misuse::Url) if the challenge names a URL that must not be
    /// asked: see [`ResourceDiscovery::challenged`].
    pub fn refused(&self, status: StatusCode, headers: &HeaderMap) -> Result<Option<Challenged>, Error> {
        let challenges = Challenges::of(headers);
        let insufficient = || challenges.bearer().any(|bearer| bearer.error() == Some(ErrorCode::InsufficientScope));
        match status {
            StatusCode::UNAUTHORIZED => self.challenged(&challenges).map(Some),
            StatusCode::FORBIDDEN if insufficient() => self.challenged(&challenges).map(Some),
            _ => Ok(None),
        }
    }

    fn challenged(&self, challenges: &Challenges) -> Result<Challenged, Error> {
        let identifier = self.identifier();
        let discovery = match self.doors.metadata_at_any_origin {
            true => ResourceDiscovery::challenged_to_any_origin(identifier, challenges)?,
            false => ResourceDiscovery::challenged(identifier, challenges)?,
        };
        let is_named = challenges.iter().any(|challenge| challenge.param("resource_metadata").is_some());
        let scope = challenges.bearer().find_map(|bearer| bearer.scope());
        let scope = scope.filter(|scope| scope.as_str().len() <= MAX_SCOPE);
        Ok(Challenged { resource: self.clone(), scope, discovery, is_named, former: None })
    }
}

impl Challenged {
    /// The scope that the challenge names (RFC 6750 §3).
    pub fn scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }

    /// The resource.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The URLs of the metadata, in the order in which they are asked.
    pub fn urls(&self) -> impl Iterator<Item = String> {
        self.discovery.urls()
    }

    /// The same, for a program that has had a client for this resource: it notices a move.
    pub(crate) fn after(mut self, former: Former) -> Self {
        self.former = Some(former);
        self
    }

    fn found(self, metadata: ResourceMetadata) -> AuthorizationServers {
        AuthorizationServers::of_metadata(self.resource, metadata, self.scope, self.former)
    }

    /// The document of a resource that spells its identifier in another way, which means the same URL.
    fn spelt_otherwise(&self, error: &OAuthError, body: &[u8]) -> Option<ResourceMetadata> {
        let OAuthError::Protocol(broken) = error else { return None };
        let named = broken.mismatch().filter(|_| broken.violation() == Violation::OtherResource)?.untrusted_received();
        if !self.resource.is(named) {
            return None;
        }
        ResourceDiscovery::new(named).ok()?.read(core::str::from_utf8(body).ok()?).ok()
    }

    /// The resource's origin, if there is no document at all and the caller has allowed this.
    fn fallback(&self, error: &OAuthError) -> Option<Issuer> {
        let OAuthError::Protocol(broken) = error else { return None };
        let nothing = broken.violation() == Violation::NoDocument && !self.is_named;
        (nothing && self.resource.doors.origin_as_issuer).then(|| Issuer::new(self.resource.origin()).ok()).flatten()
    }
}

impl Exchange for Challenged {
    type Output = AuthorizationServers;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, OAuthError> {
        self.discovery.request(env)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let (parts, body) = response.into_parts();
        let failure = match self.discovery.clone().respond(env, Response::from_parts(parts, body.as_ref())) {
            Ok(Step::Done(metadata)) => return Ok(Step::Done(self.found(metadata))),
            Ok(Step::Again(discovery)) => return Ok(Step::Again(Self { discovery, ..self })),
            Err(failure) => failure,
        };
        if let Some(metadata) = self.spelt_otherwise(&failure.error, body.as_ref()) {
            return Ok(Step::Done(self.found(metadata)));
        }
        if let Some(issuer) = self.fallback(&failure.error) {
            return Ok(Step::Done(AuthorizationServers::of_origin(self.resource, issuer, self.scope, self.former)));
        }
        Err(failure.map_left(|discovery| Self { discovery, ..self }))
    }

    fn unanswered(self, env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        match self.discovery.clone().unanswered(env, sent) {
            Ok(Step::Done(metadata)) => Ok(Step::Done(self.found(metadata))),
            Ok(Step::Again(discovery)) => Ok(Step::Again(Self { discovery, ..self })),
            Err(failure) => Err(failure.map_left(|discovery| Self { discovery, ..self })),
        }
    }
}

impl fmt::Debug for Challenged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The challenge wrote the scope, whose `Debug` counts its tokens only.
        f.debug_struct("Challenged")
            .field("resource", &self.resource)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
