//! Server metadata (RFC 8414, OpenID Connect Discovery): from an issuer to a server.
//!
//! ```text
//! Discovery ──run──▶ ServerMetadata ──server──▶ Server
//!   ▲   │ 404: the next place              RFC 8414 §3.2, §3.3
//!   └───┘
//! ```
//!
//! ```
//! use grantflow::{Discovery, Exchange, Step};
//! # use grantflow::{Env, UnixTime};
//! # use grantflow_testkit as testkit;
//! # struct NoRandom;
//! # impl grantflow::Entropy for NoRandom {
//! #     fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
//! # }
//! # let mut provider = testkit::Server::new("https://as.example");
//! # let mut rng = NoRandom;
//! # let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
//!
//! let mut discovery = Discovery::new("https://as.example")?;
//! let metadata = loop {
//!     let response = provider.handle(&discovery.request(&mut env)?);
//!     match discovery.respond(&mut env, response)? {
//!         Step::Done(metadata) => break metadata,
//!         Step::Again(next) => discovery = next,
//!     }
//! };
//! assert_eq!(metadata.token_endpoint(), Some(provider.token_url().as_str()));
//! let server = metadata.server()?;
//! let client = server.client("robot").secret_basic("s3cret")?;
//! # let _ = client;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;

use http::{Request, Response, Uri};

pub use crate::answer::metadata::ServerMetadata;
use crate::answer::metadata::Wanted;
use crate::answer::resource::ResourceMetadata;
use crate::call::document::{self, Places, add_mismatch, document, shown};
use crate::call::{self, NotGranted};
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::{Error, MetadataFault, Mismatch, Misuse, UrlFault, UrlRole, Violation};
use crate::url::well_known::{self, Suffix, inserted};
use crate::url::{Ground, Issuer};
use crate::value::time::UnixTime;

mod server;

/// The possible places of a server's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WellKnown {
    /// RFC 8414 §3: `https://as.example/.well-known/oauth-authorization-server/path`.
    OAuth,
    /// OpenID Connect's document at the place of RFC 8414 §5:
    /// `https://as.example/.well-known/openid-configuration/path`.
    OpenIdInserted,
    /// OpenID Connect Discovery §4: `https://as.example/path/.well-known/openid-configuration`.
    OpenIdAppended,
}

/// A request for a server's metadata. Replayable: every failure leaves it intact.
///
/// After a 404 or another 4xx it continues with the next place. **A wrong document ends it**, and so does an outage:
/// another place could have an older or a wrong document. 408, 421, 425 and 429 count as an outage.
#[derive(Clone)]
#[must_use = "run it to get the server's metadata"]
pub struct Discovery {
    issuer: Issuer,
    /// The URL of the resource metadata that named the issuer.
    named_by: Option<Box<str>>,
    ground: Ground,
    template: Option<Box<str>>,
    places: Places,
}

impl Discovery {
    /// The metadata of this issuer, from the first of these places that has a document: [`WellKnown::OAuth`],
    /// [`WellKnown::OpenIdInserted`], [`WellKnown::OpenIdAppended`]. For an issuer without a path, the last two are the same.
    ///
    /// **Take the issuer from a trusted place**: your configuration, or a resource's metadata. The document must name
    /// it byte for byte.
    ///
    /// # Errors
    /// [`Misuse::Url`], see [`Issuer::new`].
    pub fn new<I>(issuer: I) -> Result<Self, Error>
    where
        I: TryInto<Issuer>,
        Error: From<I::Error>,
    {
        let issuer: Issuer = issuer.try_into()?;
        let ground = Ground::of(issuer.as_str());
        Self::made(issuer, None, ground)
    }

    fn made(issuer: Issuer, named_by: Option<Box<str>>, ground: Ground) -> Result<Self, Error> {
        let all = [WellKnown::OAuth, WellKnown::OpenIdInserted, WellKnown::OpenIdAppended];
        let places = places(&issuer, &all)?;
        Ok(Self { issuer, named_by, ground, template: None, places })
    }

    /// Looks only at these places, in this order: `&[WellKnown::OpenIdAppended]` for OpenID Connect Discovery.
    ///
    /// # Errors
    /// [`Misuse::Metadata`] if there is none.
    pub fn at(mut self, order: &[WellKnown]) -> Result<Self, Error> {
        self.places = places(&self.issuer, order)?;
        Ok(self)
    }

    /// A door, for Entra ID's issuers of all tenants: `https://login.microsoftonline.com/common/v2.0`, and
    /// `organizations` in the same place. Their document has `{tenantid}` where the requested issuer has `common`; only
    /// this form is then accepted as well. The [`Server`](crate::Server) keeps the requested issuer.
    ///
    /// **People of every tenant can then log in.** The program has to check the tenant of a login itself, by the ID
    /// token's `tid`. No other server needs this.
    ///
    /// # Errors
    /// [`Misuse::Metadata`] if the issuer's path does not begin with `common` or `organizations`.
    pub fn entra_tenants(mut self) -> Result<Self, Error> {
        self.template = Some(template(&self.issuer).ok_or(Error::Misuse(Misuse::Metadata(MetadataFault::NoTenants)))?);
        Ok(self)
    }

    /// The requested issuer.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The URLs of the places, in order.
    pub fn urls(&self) -> impl Iterator<Item = String> {
        self.places.iter().map(ToString::to_string)
    }

    /// Reads a stored document: [`ServerMetadata::as_json`]. It is checked like a new one.
    ///
    /// # Errors
    /// [`Error::Protocol`], as for an answer with status 200.
    pub fn read(&self, json: &str) -> Result<ServerMetadata, Error> {
        // There is no answer, so there is no time to count from.
        let now = UnixTime::from_secs(0);
        self.received(now, &Response::new(json.as_bytes())).map_err(|no| no.error)
    }

    fn received<B: AsRef<[u8]>>(&self, now: UnixTime, response: &Response<B>) -> Result<ServerMetadata, NotGranted> {
        let mut other = None;
        let wanted = Wanted { issuer: &self.issuer, template: self.template.as_deref(), ground: &self.ground };
        let read = document(UrlRole::Metadata, now, &self.places, response, |members| {
            // A body that is not UTF-8 was refused before.
            let json = core::str::from_utf8(response.body().as_ref()).map_err(|_| Violation::NotAnObject)?;
            ServerMetadata::read(members, json, &wanted, &mut other)
        });
        read.map_err(|mut no| {
            if let Some(received) = other {
                add_mismatch(
                    &mut no,
                    Mismatch {
                        member: "issuer",
                        expected: shown(self.issuer.as_str()),
                        expected_from: self.named_by.as_deref().map(shown),
                        received: document::received(&received),
                        received_from: shown(&self.places.now().to_string()),
                    },
                );
            }
            no
        })
    }
}

impl ResourceMetadata {
    /// A request for the metadata of one of the resource's authorization servers.
    ///
    /// # Errors
    /// [`Misuse::Metadata`] if the resource does not name this server, or accepts only tokens that this library cannot
    /// request.
    pub fn discovery(&self, server: &Issuer) -> Result<Discovery, Error> {
        let fault = |fault| Err(Error::Misuse(Misuse::Metadata(fault)));
        if !self.authorization_servers().contains(server) {
            return fault(MetadataFault::UnlistedServer);
        }
        if self.dpop_bound_access_tokens_required() {
            return fault(MetadataFault::Dpop);
        }
        Discovery::made(server.clone(), Some(self.url.clone()), self.ground.clone())
    }
}

impl Exchange for Discovery {
    type Output = ServerMetadata;

    fn request(&self, _env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        Ok(call::get(self.places.now()))
    }

    fn respond<B: AsRef<[u8]>>(
        mut self,
        env: &mut Env<'_>,
        response: Response<B>,
    ) -> Result<Step<Self>, Failure<Self>> {
        let missing = document::is_missing(response.status());
        if missing && self.places.go_on() {
            return Ok(Step::Again(self));
        }
        match self.received(env.now, &response) {
            Ok(metadata) => Ok(Step::Done(metadata)),
            Err(no) => {
                if missing {
                    self.places.go_back();
                }
                Err(no.replayable(self))
            }
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer_to_replayable(sent, self))
    }
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL that named the issuer may have been written by a server.
        write!(f, "Discovery({:?})", self.issuer.as_str())
    }
}

fn places(issuer: &Issuer, order: &[WellKnown]) -> Result<Places, Error> {
    let nothing = Error::Misuse(Misuse::Metadata(MetadataFault::NothingToAsk));
    let urls: Result<Vec<Uri>, Error> = order.iter().map(|kind| url(issuer, *kind)).collect();
    let mut urls = urls?.into_iter();
    let first = urls.next().ok_or(nothing)?;
    Ok(Places::new(first, urls))
}

fn url(issuer: &Issuer, kind: WellKnown) -> Result<Uri, Error> {
    let url = match kind {
        WellKnown::OAuth => inserted(issuer.as_str(), Suffix::AuthorizationServer),
        WellKnown::OpenIdInserted => inserted(issuer.as_str(), Suffix::OpenidConfiguration),
        WellKnown::OpenIdAppended => well_known::appended(issuer.as_str(), Suffix::OpenidConfiguration),
    };
    // The issuer was checked, so only its length can be wrong.
    url.parse().map_err(|_| Error::Misuse(Misuse::Url { role: UrlRole::Metadata, fault: UrlFault::TooLong }))
}

/// `https://host/{tenantid}/v2.0` for `https://host/common/v2.0`.
fn template(issuer: &Issuer) -> Option<Box<str>> {
    let (origin, path) = well_known::split(issuer.as_str());
    let path = path.strip_prefix('/')?;
    let rest = path.strip_prefix("common").or_else(|| path.strip_prefix("organizations"))?;
    rest.starts_with('/').then(|| format!("{origin}/{{tenantid}}{rest}").into())
}
