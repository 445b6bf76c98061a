//! Resource metadata (RFC 9728): from a resource, or from its challenge, to its authorization servers.
//!
//! ```text
//! ResourceDiscovery ──run──▶ ResourceMetadata ──discovery──▶ Discovery
//!   ▲   │ 404: the next place                RFC 9728 §3.2, §3.3
//!   └───┘
//! ```
//!
//! ```
//! use grantflow::{Challenges, Exchange, ResourceDiscovery, Step};
//! # use grantflow::{Env, UnixTime};
//! # use grantflow_testkit as testkit;
//! # struct NoRandom;
//! # impl grantflow::Entropy for NoRandom {
//! #     fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
//! # }
//! # let mut provider = testkit::Server::new("https://as.example");
//! # provider.knobs().challenge_names_metadata = true;
//! # let mut rng = NoRandom;
//! # let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
//!
//! let api = "https://as.example/api/user";
//! let refused = provider.handle(&http::Request::get(api).body("")?);
//! let mut discovery = ResourceDiscovery::challenged(api, &Challenges::of(refused.headers()))?;
//! let resource = loop {
//!     let response = provider.handle(&discovery.request(&mut env)?);
//!     match discovery.respond(&mut env, response)? {
//!         Step::Done(resource) => break resource,
//!         Step::Again(next) => discovery = next,
//!     }
//! };
//! let issuer = resource.only_authorization_server().ok_or("more than one: ask which")?;
//! let discovery = resource.discovery(issuer)?;
//! # let Step::Done(metadata) = ({ let response = provider.handle(&discovery.request(&mut env)?); discovery.respond(&mut env, response)? }) else { unreachable!("the first place has it") };
//! # assert_eq!(metadata.issuer().as_str(), "https://as.example");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use http::{Request, Response, Uri};

pub use crate::answer::resource::ResourceMetadata;
use crate::answer::resource::Wanted;
use crate::call::document::{self, Places, add_mismatch, document, shown};
use crate::call::{self, NotGranted};
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::{Error, Mismatch, Misuse, UrlFault, UrlRole, Violation};
use crate::url::{Ground, check_web_resource, have_one_origin, well_known};
use crate::value::time::UnixTime;
use crate::wire::challenge::Challenges;

/// A request for a resource's metadata. Replayable: every failure leaves it intact.
///
/// After a 404 or another 4xx it continues with the next place. **A wrong document ends it.**
#[derive(Clone)]
#[must_use = "run it to get the resource's metadata"]
pub struct ResourceDiscovery {
    resource: Box<str>,
    ground: Ground,
    places: Places,
    /// The place of the host's document, if it is asked after the resource's own.
    host: Option<Uri>,
}

impl ResourceDiscovery {
    /// The metadata of this resource: at its own place (RFC 9728 §3.1), and if there is none, at that of its host.
    ///
    /// `resource` is the resource's identifier: the URL of requests, or the start of it that stands for the API. The
    /// document must name it byte for byte, except that no path equals the path `/`, because HTTP libraries write one
    /// for the other. The host's document may name the host instead.
    ///
    /// # Errors
    /// [`Misuse::Url`] if it is not an `https` URL (or `http` on loopback), or has a fragment or user information.
    pub fn new(resource: &str) -> Result<Self, Error> {
        check_web_resource(resource)?;
        let own = uri(&well_known::of_resource(resource))?;
        let host = uri(&well_known::of_resource_host(resource))?;
        let places = Places::new(own, [host.clone()]);
        Ok(Self { resource: resource.into(), ground: Ground::of(resource), places, host: Some(host) })
    }

    /// The metadata of a resource that has just refused a request: at the URL that its challenge names in
    /// `resource_metadata` (RFC 9728 §5.1), and nowhere else; if it names none, as for [`new`](Self::new). A Bearer
    /// challenge counts before a DPoP challenge, and that before any other.
    ///
    /// # Errors
    /// The errors of [`new`](Self::new); [`Misuse::Url`] also if the challenge names a URL that must not be asked: not
    /// `https`, on this machine, an address, or at another origin than the resource. For the last case, see
    /// [`challenged_to_any_origin`](Self::challenged_to_any_origin).
    pub fn challenged(resource: &str, challenges: &Challenges) -> Result<Self, Error> {
        let discovery = Self::challenged_to_any_origin(resource, challenges)?;
        if have_one_origin(&discovery.places.now().to_string(), resource) {
            Ok(discovery)
        } else {
            Err(url_fault(UrlFault::OtherOrigin))
        }
    }

    /// Like [`challenged`](Self::challenged), for a resource whose metadata is at another origin. A door: **a party
    /// that answers for the resource then chooses a host that this program asks**, perhaps one that only this program
    /// can reach. The request holds no credentials, the answer must be metadata of this resource, and an address or
    /// this machine is never asked.
    ///
    /// # Errors
    /// The errors of [`challenged`](Self::challenged), except for the origin.
    pub fn challenged_to_any_origin(resource: &str, challenges: &Challenges) -> Result<Self, Error> {
        let discovery = Self::new(resource)?;
        let Some(url) = named_by(challenges) else { return Ok(discovery) };
        discovery.ground.url(url).map_err(url_fault)?;
        let places = Places::new(uri(url)?, []);
        Ok(Self { places, host: None, ..discovery })
    }

    /// The identifier of the requested resource.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The URLs of the places, in order.
    pub fn urls(&self) -> impl Iterator<Item = String> {
        self.places.iter().map(ToString::to_string)
    }

    /// Reads a stored document: [`ResourceMetadata::as_json`]. It is checked like a new one from any of
    /// the places.
    ///
    /// # Errors
    /// [`Error::Protocol`], as for an answer with status 200.
    pub fn read(&self, json: &str) -> Result<ResourceMetadata, Error> {
        // There is no answer, so there is no time to count from.
        let now = UnixTime::from_secs(0);
        self.received(now, &Response::new(json.as_bytes()), self.host.is_some()).map_err(|no| no.error)
    }

    /// `of_host`: whether the document may be that of the whole host.
    fn received<B: AsRef<[u8]>>(
        &self,
        now: UnixTime,
        response: &Response<B>,
        of_host: bool,
    ) -> Result<ResourceMetadata, NotGranted> {
        let url = self.places.now().to_string();
        let mut other = None;
        let host = well_known::split(&self.resource).0;
        let is_resource = |named: &str| is(&self.resource, named) || of_host && is(host, named);
        let wanted = Wanted { is_resource: &is_resource, url: &url, ground: &self.ground };
        let read = document(UrlRole::ResourceMetadata, now, &self.places, response, |members| {
            // A body that is not UTF-8 was refused before.
            let json = core::str::from_utf8(response.body().as_ref()).map_err(|_| Violation::NotAnObject)?;
            ResourceMetadata::read(members, json, &wanted, &mut other)
        });
        read.map_err(|mut no| {
            if let Some(received) = other {
                add_mismatch(
                    &mut no,
                    Mismatch {
                        member: "resource",
                        expected: shown(&self.resource),
                        expected_from: None,
                        received: document::received(&received),
                        received_from: shown(&url),
                    },
                );
            }
            no
        })
    }
}

impl Exchange for ResourceDiscovery {
    type Output = ResourceMetadata;

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
        let of_host = self.host.as_ref() == Some(self.places.now());
        match self.received(env.now, &response, of_host) {
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

impl core::fmt::Debug for ResourceDiscovery {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // A query can hold a key of the caller, and the server wrote the challenge.
        write!(f, "ResourceDiscovery({:?})", self.resource.split('?').next().unwrap_or_default())
    }
}

/// The same text, except for the slash of an empty path.
fn is(resource: &str, named: &str) -> bool {
    let is_host = |url: &str| matches!(well_known::split(url).1, "" | "/");
    resource == named
        || is_host(resource) && is_host(named) && well_known::split(resource).0 == well_known::split(named).0
}

/// The URL of the metadata, from the first challenge that names one. A doubled parameter is ignored.
fn named_by(challenges: &Challenges) -> Option<&str> {
    let tokens = challenges.bearer().chain(challenges.dpop());
    tokens.filter_map(|challenge| challenge.untrusted_resource_metadata()).next().or_else(|| {
        let mut urls = challenges.iter().filter_map(|challenge| {
            let mut urls = challenge.params().filter(|(name, _)| *name == "resource_metadata").map(|(_, url)| url);
            urls.next().filter(|_| urls.next().is_none())
        });
        urls.find(|url| !url.is_empty())
    })
}

fn uri(url: &str) -> Result<Uri, Error> {
    // The URL was checked, so only its length can be wrong.
    url.parse().map_err(|_| url_fault(UrlFault::TooLong))
}

fn url_fault(fault: UrlFault) -> Error {
    Error::Misuse(Misuse::Url { role: UrlRole::ResourceMetadata, fault })
}
