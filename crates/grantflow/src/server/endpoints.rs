//! The endpoints of an authorization server: one row and one setter for each.

use super::Server;
use super::message::Message;
use crate::error::{Error, Misuse, UrlRole};
use crate::url::Endpoint;

/// An endpoint of an authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndpointKind {
    Authorization,
    Token,
    DeviceAuthorization,
    PushedAuthorizationRequest,
    Introspection,
    Revocation,
    BackchannelAuthentication,
    Registration,
}

/// The properties of an endpoint.
pub(crate) struct Row {
    pub(crate) kind: EndpointKind,
    /// Its name in errors.
    pub(crate) role: UrlRole,
    /// The requests to it: their parameters must not be in the endpoint's query.
    pub(super) request: Message,
    /// Its name in the server's metadata (RFC 8414 §2).
    pub(crate) metadata: &'static str,
}

/// One row for each endpoint, in the order of [`EndpointKind`].
pub(crate) const ROWS: [Row; 8] = [
    Row {
        kind: EndpointKind::Authorization,
        role: UrlRole::Authorization,
        request: Message::AuthorizationRequest,
        metadata: "authorization_endpoint",
    },
    Row { kind: EndpointKind::Token, role: UrlRole::Token, request: Message::TokenRequest, metadata: "token_endpoint" },
    Row {
        kind: EndpointKind::DeviceAuthorization,
        role: UrlRole::DeviceAuthorization,
        request: Message::DeviceAuthorizationRequest,
        metadata: "device_authorization_endpoint",
    },
    Row {
        kind: EndpointKind::PushedAuthorizationRequest,
        role: UrlRole::PushedAuthorizationRequest,
        request: Message::PushedAuthorizationRequest,
        metadata: "pushed_authorization_request_endpoint",
    },
    Row {
        kind: EndpointKind::Introspection,
        role: UrlRole::Introspection,
        request: Message::IntrospectionRequest,
        metadata: "introspection_endpoint",
    },
    Row {
        kind: EndpointKind::Revocation,
        role: UrlRole::Revocation,
        request: Message::RevocationRequest,
        metadata: "revocation_endpoint",
    },
    Row {
        kind: EndpointKind::BackchannelAuthentication,
        role: UrlRole::BackchannelAuthentication,
        request: Message::BackchannelAuthenticationRequest,
        metadata: "backchannel_authentication_endpoint",
    },
    Row {
        kind: EndpointKind::Registration,
        role: UrlRole::Registration,
        request: Message::RegistrationRequest,
        metadata: "registration_endpoint",
    },
];

impl EndpointKind {
    pub(crate) fn row(self) -> &'static Row {
        // A test checks the order; the first row stands in for a missing one.
        let [first, ..] = &ROWS;
        ROWS.get(self as usize).unwrap_or(first)
    }
}

/// The endpoints that a server has. The token endpoint is always there.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    token: Endpoint,
    others: Vec<(EndpointKind, Endpoint)>,
}

impl Endpoints {
    pub(super) fn new(token: Endpoint) -> Self {
        Self { token, others: Vec::new() }
    }

    pub(super) fn set(&mut self, kind: EndpointKind, endpoint: Endpoint) {
        if kind == EndpointKind::Token {
            self.token = endpoint;
            return;
        }
        self.others.retain(|(known, _)| *known != kind);
        self.others.push((kind, endpoint));
    }

    #[inline]
    pub(crate) fn token(&self) -> &Endpoint {
        &self.token
    }

    #[inline]
    pub(crate) fn get(&self, kind: EndpointKind) -> Option<&Endpoint> {
        match kind {
            EndpointKind::Token => Some(&self.token),
            _ => self.others.iter().find(|(known, _)| *known == kind).map(|(_, endpoint)| endpoint),
        }
    }

    /// Each existing endpoint, with its row.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static Row, &Endpoint)> {
        let others = self.others.iter().map(|(kind, endpoint)| (kind.row(), endpoint));
        core::iter::once((EndpointKind::Token.row(), &self.token)).chain(others)
    }
}

impl Server {
    /// The device authorization endpoint (RFC 8628 §3.1), for a person whose browser is on another device.
    ///
    /// # Errors
    /// As [`Server::new`].
    pub fn device_authorization_endpoint(self, url: &str) -> Result<Self, Error> {
        self.endpoint(EndpointKind::DeviceAuthorization, url)
    }

    /// The pushed authorization request endpoint (RFC 9126 §2).
    ///
    /// # Errors
    /// As [`Server::new`].
    pub fn pushed_authorization_request_endpoint(self, url: &str) -> Result<Self, Error> {
        self.endpoint(EndpointKind::PushedAuthorizationRequest, url)
    }

    /// The introspection endpoint (RFC 7662 §2).
    ///
    /// # Errors
    /// As [`Server::new`].
    pub fn introspection_endpoint(self, url: &str) -> Result<Self, Error> {
        self.endpoint(EndpointKind::Introspection, url)
    }

    /// The revocation endpoint (RFC 7009 §2).
    ///
    /// # Errors
    /// As [`Server::new`].
    pub fn revocation_endpoint(self, url: &str) -> Result<Self, Error> {
        self.endpoint(EndpointKind::Revocation, url)
    }

    /// The backchannel authentication endpoint (OpenID CIBA §7), for a person who answers on another device.
    ///
    /// # Errors
    /// As [`Server::new`].
    pub fn backchannel_authentication_endpoint(self, url: &str) -> Result<Self, Error> {
        self.endpoint(EndpointKind::BackchannelAuthentication, url)
    }

    /// The registration endpoint (RFC 7591 §3). A registration needs the server's [issuer](Self::issuer) too, because the
    /// credentials are kept under it.
    ///
    /// # Errors
    /// As [`Server::new`].
    pub fn registration_endpoint(self, url: &str) -> Result<Self, Error> {
        self.endpoint(EndpointKind::Registration, url)
    }

    /// Sets an endpoint, and replaces an earlier one.
    ///
    /// # Errors
    /// As [`Server::new`].
    pub(crate) fn endpoint(mut self, kind: EndpointKind, url: &str) -> Result<Self, Error> {
        let endpoint = self.checked_endpoint(kind, url)?;
        self.endpoints.set(kind, endpoint);
        self.check_queries()?;
        Ok(self)
    }

    /// The endpoint that a flow needs.
    ///
    /// # Errors
    /// [`Misuse::NoEndpoint`].
    pub(crate) fn needed(&self, kind: EndpointKind) -> Result<&Endpoint, Error> {
        self.endpoints.get(kind).ok_or(Error::Misuse(Misuse::NoEndpoint(kind.row().role)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_stands_in_its_place_and_has_a_name_once() {
        for (at, row) in ROWS.iter().enumerate() {
            assert_eq!(row.kind as usize, at);
            assert_eq!(row.kind.row().metadata, row.metadata);
            assert_eq!(row.metadata, row.role.name().replace(' ', "_"));
            assert_eq!(ROWS.iter().filter(|other| other.metadata == row.metadata).count(), 1);
        }
    }
}
