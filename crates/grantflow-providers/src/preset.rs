//! What this crate knows of a provider: plain data, and how it becomes a [`Server`].

use std::fmt::Write as _;

use grantflow::{Quirk, Server};

use crate::error::Error;
use crate::input::Input;

/// One provider, as data: where its endpoints are, how it deviates, and where that is written.
///
/// A preset makes a [`Server`], and nothing else: everything that a program must not forget is in it. Parameters that the
/// provider needs in every authorization request are in the query of the authorization endpoint. A way to send the
/// secret that the provider does not take is refused when the client is made. The scope separator and other deviations
/// are quirks of the server. Tokens go to the origins of the provider's API only.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Preset {
    /// The name of its function in this crate: `github`.
    pub id: &'static str,
    /// The provider's name, for people.
    pub name: &'static str,
    /// Where the provider documents its OAuth 2.
    pub documentation: &'static str,
    /// The day on which the data was compared with its sources, as `YYYY-MM-DD`.
    pub checked_on: &'static str,
    /// How well it is known what a token answer looks like.
    pub answer: Evidence,
    /// How well it is known what an error looks like.
    pub error: Evidence,
    /// What the caller has to give: a tenant, a shop. Its name in braces stands for it in every URL below.
    pub inputs: &'static [Input],
    /// The issuer identifier, if the provider documents one. It is compared with `iss` in a callback (RFC 9207).
    pub issuer: Option<&'static str>,
    /// The authorization endpoint (RFC 6749 §3.1). Without one, only grants without a person are possible.
    pub authorization: Option<&'static str>,
    /// Parameters that every authorization request needs, as `name=value`. They are in the query of the authorization endpoint.
    pub authorization_query: Option<&'static str>,
    /// The token endpoint (RFC 6749 §3.2).
    pub token: &'static str,
    /// The device authorization endpoint (RFC 8628 §3.1).
    pub device_authorization: Option<&'static str>,
    /// The pushed authorization request endpoint (RFC 9126 §2).
    pub pushed_authorization_request: Option<&'static str>,
    /// The introspection endpoint (RFC 7662 §2).
    pub introspection: Option<&'static str>,
    /// The revocation endpoint (RFC 7009 §2). Absent where the provider revokes in another way.
    pub revocation: Option<&'static str>,
    /// How clients authenticate, in the order in which the documentation prefers them.
    pub authentication: &'static [Authentication],
    /// What the provider does with PKCE.
    pub pkce: Pkce,
    /// The deviations from the RFCs.
    pub quirks: fn() -> Vec<Quirk>,
    /// The origins of the provider's API, for [`Server::token_for`]. Empty if they are known only after the login.
    pub api: &'static [&'static str],
    /// What a caller has to know or do, and what does not work.
    pub notes: &'static [&'static str],
}

/// How a client authenticates at a token endpoint (RFC 8414 §2, RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authentication {
    /// `client_secret_post`: [`secret_post`](grantflow::ClientBuilder::secret_post).
    SecretPost,
    /// `client_secret_basic`: [`secret_basic`](grantflow::ClientBuilder::secret_basic).
    SecretBasic,
    /// `none`: [`public`](grantflow::ClientBuilder::public).
    Public,
}

impl Authentication {
    /// Its registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SecretPost => "client_secret_post",
            Self::SecretBasic => "client_secret_basic",
            Self::Public => "none",
        }
    }
}

/// What a provider does with PKCE (RFC 7636). The challenge is always sent, unless the preset's name ends in `without_pkce`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pkce {
    /// The provider documents that it checks it.
    Documented,
    /// The provider's documentation does not speak of it. It is sent; a server ignores parameters that it does not know (RFC 6749
    /// §3.1).
    Undocumented,
    /// The provider refuses it, so it is not sent.
    Refused,
}

/// How well something is known. No preset is tested against the service itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// The preset is used against a server of this software in the tests of this repository, and its fixtures, if there are any,
    /// are read.
    Server,
    /// An answer that somebody recorded from the service is read in the tests of this crate.
    Recorded,
    /// An example of the provider's own documentation is read in the tests of this crate.
    Documented,
    /// No example was found.
    Unknown,
}

impl Evidence {
    /// One word, for tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Recorded => "recorded",
            Self::Documented => "documented",
            Self::Unknown => "unknown",
        }
    }
}

fn none() -> Vec<Quirk> {
    Vec::new()
}

impl Preset {
    /// A provider that does everything as the RFCs have it.
    pub(crate) const STANDARD: Self = Self {
        id: "",
        name: "",
        documentation: "",
        checked_on: "2026-11-28",
        answer: Evidence::Documented,
        error: Evidence::Documented,
        inputs: &[],
        issuer: None,
        authorization: None,
        authorization_query: None,
        token: "",
        device_authorization: None,
        pushed_authorization_request: None,
        introspection: None,
        revocation: None,
        authentication: &[Authentication::SecretPost],
        pkce: Pkce::Undocumented,
        quirks: none,
        api: &[],
        notes: &[],
    };

    /// The server, with what the caller gives for each of [`inputs`](Self::inputs), in that order.
    ///
    /// # Errors
    /// [`Error::Inputs`] if there are more or fewer values than inputs; [`Error::Input`] if a value is not what its input
    /// accepts; [`Error::Server`] with the errors of [`Server::new`].
    pub fn server(&self, values: &[&str]) -> Result<Server, Error> {
        self.made(values, self.authorization_query, (self.quirks)())
    }

    /// [`server`](Self::server), without [`authorization_query`](Self::authorization_query): for a program that gives these
    /// parameters itself, perhaps with other values.
    ///
    /// # Errors
    /// As [`server`](Self::server).
    pub fn server_without_authorization_query(&self, values: &[&str]) -> Result<Server, Error> {
        self.made(values, None, (self.quirks)())
    }

    /// [`server`](Self::server), with these quirks instead of [`quirks`](Self::quirks): for a program that knows that the provider
    /// has changed.
    ///
    /// # Errors
    /// As [`server`](Self::server), and [`Error::Server`] with the errors of [`Server::quirk`].
    pub fn server_with_quirks(&self, values: &[&str], quirks: Vec<Quirk>) -> Result<Server, Error> {
        self.made(values, self.authorization_query, quirks)
    }

    fn made(&self, values: &[&str], query: Option<&str>, quirks: Vec<Quirk>) -> Result<Server, Error> {
        if values.len() != self.inputs.len() {
            return Err(Error::Inputs { preset: self.id, expected: self.inputs.len() });
        }
        for (input, value) in self.inputs.iter().zip(values) {
            input.check(self.id, value)?;
        }
        let filled = |template: &str| self.filled(template, values);
        let mut server = match self.authorization {
            None => Server::with_token_endpoint(&filled(self.token))?,
            Some(authorization) => {
                let mut url = filled(authorization);
                if let Some(query) = query {
                    // Writing to a `String` cannot fail.
                    let _ = write!(url, "?{}", filled(query));
                }
                Server::new(&url, &filled(self.token))?
            }
        };
        if let Some(issuer) = self.issuer {
            server = server.issuer(&filled(issuer))?;
        }
        if let Some(url) = self.device_authorization {
            server = server.device_authorization_endpoint(&filled(url))?;
        }
        if let Some(url) = self.pushed_authorization_request {
            server = server.pushed_authorization_request_endpoint(&filled(url))?;
        }
        if let Some(url) = self.introspection {
            server = server.introspection_endpoint(&filled(url))?;
        }
        if let Some(url) = self.revocation {
            server = server.revocation_endpoint(&filled(url))?;
        }
        for origin in self.api {
            server = server.token_for(origin_of(&filled(origin)))?;
        }
        for quirk in quirks {
            server = server.quirk(quirk)?;
        }
        let methods: Vec<&str> = self.authentication.iter().map(|method| method.name()).collect();
        Ok(server.token_endpoint_auth_methods_supported(&methods))
    }

    /// A template, with the values in the place of the inputs' names.
    fn filled(&self, template: &str, values: &[&str]) -> String {
        let inputs = self.inputs.iter().zip(values);
        inputs.fold(template.to_owned(), |text, (input, value)| text.replace(&format!("{{{}}}", input.name), value))
    }
}

/// Scheme, host and port: an installation may be below a path.
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + "://".len());
    let path = url.get(host..).and_then(|rest| rest.find('/'));
    path.and_then(|at| url.get(..host + at)).unwrap_or(url)
}
