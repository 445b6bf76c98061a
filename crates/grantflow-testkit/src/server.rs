//! The server: its state, its clock and the way from a request to its endpoint.

use std::collections::BTreeMap;

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};

use crate::answer::Answer;
use crate::callback::{Callback, VisitError};
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::form::{Form, escape_html};
use crate::grants::{Grants, seed_from};
use crate::hit::{ClientAuth, Hit};
use crate::knobs::Knobs;
use crate::registration::Registration;

/// An authorization server and one protected resource, as a plain function from requests to responses.
///
/// It does no I/O, has no clock but the one that the test sets, and draws no random numbers: the same calls give the
/// same answers.
#[derive(Clone, Debug)]
pub struct Server {
    pub(crate) issuer: String,
    pub(crate) clients: BTreeMap<String, Client>,
    pub(crate) knobs: Knobs,
    pub(crate) now: u64,
    pub(crate) grants: Grants,
    /// The clients that registered themselves, by their ids.
    pub(crate) registrations: BTreeMap<String, Registration>,
    /// The metadata documents of clients, by their URLs.
    pub(crate) documents: BTreeMap<String, String>,
    pub(crate) pings: Vec<Request<Vec<u8>>>,
    log: Vec<Hit>,
}

impl Server {
    /// What the virtual clock shows at first, in seconds since the Unix epoch: 2025-06-15, 15:06:40 UTC.
    pub const START: u64 = 1_750_000_000;

    /// A well-behaved server without clients. The issuer is `base_url`, such as `https://as.example` or
    /// `http://127.0.0.1:4000`; a path in it stands before the paths of the endpoints.
    pub fn new(base_url: &str) -> Server {
        Server {
            issuer: base_url.to_owned(),
            clients: BTreeMap::new(),
            knobs: Knobs::default(),
            now: Server::START,
            grants: Grants::new(seed_from(base_url)),
            registrations: BTreeMap::new(),
            documents: BTreeMap::new(),
            pings: Vec::new(),
            log: Vec::new(),
        }
    }

    /// The issuer identifier: the base URL as given (RFC 9207, RFC 8414).
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The authorization endpoint, `{base}/oauth/authorize` (RFC 6749 section 3.1).
    pub fn authorize_url(&self) -> String {
        self.endpoint_url(Endpoint::Authorization)
    }

    /// The token endpoint, `{base}/api/access_token` (RFC 6749 section 3.2).
    pub fn token_url(&self) -> String {
        self.endpoint_url(Endpoint::Token)
    }

    /// The protected resource, `{base}/api/user` (RFC 6750).
    pub fn resource_url(&self) -> String {
        self.endpoint_url(Endpoint::Resource)
    }

    /// The URL of an endpoint, also of one that [`Knobs::omit`] took away.
    pub fn endpoint_url(&self, endpoint: Endpoint) -> String {
        let (origin, base) = self.split_issuer();
        format!("{origin}{}", endpoint.pieces(base).concat())
    }

    /// The issuer's origin, and its path without a slash at the end.
    pub(crate) fn split_issuer(&self) -> (&str, &str) {
        let host = self.issuer.find("://").map_or(0, |at| at + 3);
        let path = self.issuer.get(host..).and_then(|rest| rest.find('/')).map_or(self.issuer.len(), |at| host + at);
        let (origin, path) = self.issuer.split_at_checked(path).unwrap_or((&self.issuer, ""));
        (origin, path.trim_end_matches('/'))
    }

    /// Adds a client, or replaces the one of that id.
    pub fn register(&mut self, client: Client) -> &mut Server {
        self.clients.insert(client.id.clone(), client);
        self
    }

    /// The settings, to read and to change.
    pub fn knobs(&mut self) -> &mut Knobs {
        &mut self.knobs
    }

    /// Chooses the codes and tokens to come: servers with different seeds give different ones. Without this call the
    /// seed comes from the base URL.
    pub fn set_seed(&mut self, seed: u64) -> &mut Server {
        self.grants.seed = seed;
        self
    }

    /// What the server's clock shows, in seconds since the Unix epoch.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Sets the clock, to seconds since the Unix epoch. It may go backwards.
    pub fn set_now(&mut self, unix_seconds: u64) {
        self.now = unix_seconds;
    }

    /// Moves the clock forward by seconds.
    pub fn advance(&mut self, seconds: u64) {
        self.now = self.now.saturating_add(seconds);
    }

    /// Forgets all access tokens, so that the resource answers 401 and clients must refresh.
    pub fn revoke_access_tokens(&mut self) {
        self.grants.access.clear();
    }

    /// Forgets all codes, tokens and pushed requests, so that clients must begin again.
    pub fn revoke_all(&mut self) {
        self.grants.codes.clear();
        self.grants.access.clear();
        self.grants.refresh.clear();
        self.grants.devices.clear();
        self.grants.requests.clear();
        self.grants.pushed.clear();
    }

    /// Every request handled, oldest first.
    pub fn log(&self) -> &[Hit] {
        &self.log
    }

    /// Empties the log.
    pub fn clear_log(&mut self) {
        self.log.clear();
    }

    /// The token requests with this grant type in the log.
    pub fn hits(&self, grant_type: &str) -> impl Iterator<Item = &Hit> {
        self.log.iter().filter(move |hit| hit.grant_type.as_deref() == Some(grant_type))
    }

    /// The requests to this endpoint in the log, also to one that [`Knobs::omit`] took away.
    pub fn hits_at(&self, endpoint: Endpoint) -> impl Iterator<Item = &Hit> {
        self.log.iter().filter(move |hit| hit.endpoint == Some(endpoint))
    }

    /// How many requests the log has for each endpoint. Endpoints without a request are left out, so a test can prove
    /// that a client asked these endpoints and no others.
    ///
    /// ```
    /// use grantflow_testkit::{Endpoint, Server};
    /// use http::Request;
    ///
    /// let mut server = Server::new("https://as.example");
    /// server.handle(&Request::get(server.endpoint_url(Endpoint::ServerMetadata)).body("")?);
    /// assert_eq!(server.counts(), [(Endpoint::ServerMetadata, 1)].into());
    /// # Ok::<(), http::Error>(())
    /// ```
    pub fn counts(&self) -> BTreeMap<Endpoint, usize> {
        let mut counts = BTreeMap::new();
        for endpoint in self.log.iter().filter_map(|hit| hit.endpoint) {
            *counts.entry(endpoint).or_default() += 1;
        }
        counts
    }

    /// The first request to this endpoint that repeats an earlier one: it has the same query and the same parameters.
    /// With it, a test can prove that a client sent nothing twice. Polls of the token endpoint are repeats.
    pub fn sent_twice(&self, endpoint: Endpoint) -> Option<&Hit> {
        let hits: Vec<_> = self.hits_at(endpoint).collect();
        let repeats = |at: &usize| {
            let (earlier, rest) = hits.split_at_checked(*at).unwrap_or_default();
            rest.first().is_some_and(|hit| earlier.iter().any(|old| hit.says_the_same_as(old)))
        };
        (0..hits.len()).find(repeats).and_then(|at| hits.get(at).copied())
    }

    /// The requests in the log after the first one whose answer went wrong because of a knob. With it, a test can prove
    /// that a client stops after a bad answer: then this is empty.
    pub fn after_misbehaviour(&self) -> &[Hit] {
        let first = self.log.iter().position(|hit| hit.misbehaved);
        first.and_then(|first| self.log.get(first + 1..)).unwrap_or_default()
    }

    /// Answers a request. The host and the scheme of its URI do not matter.
    ///
    /// A [lost](crate::Misbehaviour::Lost) answer shows as a gateway's 504 page here; [`Server::try_handle`] tells it
    /// apart.
    pub fn handle<B: AsRef<[u8]>>(&mut self, request: &Request<B>) -> Response<Vec<u8>> {
        self.try_handle(request).unwrap_or_else(|| page(StatusCode::GATEWAY_TIMEOUT, "The answer was lost."))
    }

    /// Answers a request, or gives `None` if the answer is [lost](crate::Misbehaviour::Lost). Then the client's
    /// transport must report that the connection broke after the request was sent.
    pub fn try_handle<B: AsRef<[u8]>>(&mut self, request: &Request<B>) -> Option<Response<Vec<u8>>> {
        let uri = request.uri();
        let mut hit = Hit {
            at: self.now,
            endpoint: None,
            method: request.method().clone(),
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
            headers: request.headers().clone(),
            parameters: Vec::new(),
            grant_type: None,
            client_id: None,
            auth: ClientAuth::Absent,
            resources: Vec::new(),
            issued: false,
            acted: false,
            refused: None,
            misbehaved: false,
            status: None,
        };
        let response = self.route(&mut hit, request.body().as_ref());
        hit.status = response.as_ref().map(|response| response.status().as_u16());
        self.log.push(hit);
        response
    }

    fn route(&mut self, hit: &mut Hit, body: &[u8]) -> Option<Response<Vec<u8>>> {
        let (_, base) = self.split_issuer();
        let at_path = |endpoint: &Endpoint| endpoint.is_at(base, &hit.path);
        let served = Endpoint::ALL.into_iter().filter(at_path).find(|endpoint| self.knobs.serves(*endpoint));
        hit.endpoint = served.or_else(|| Endpoint::ALL.into_iter().find(at_path));
        let Some(endpoint) = served else {
            return Some(page(StatusCode::NOT_FOUND, "There is nothing here."));
        };
        if !endpoint.methods().contains(&hit.method) {
            let mut response = page(StatusCode::METHOD_NOT_ALLOWED, "Not with this method.");
            let allowed: Vec<_> = endpoint.methods().iter().map(Method::as_str).collect();
            let allowed = HeaderValue::from_str(&allowed.join(", "));
            response.headers_mut().extend(allowed.map(|allowed| (ALLOW, allowed)));
            return Some(response);
        }
        match endpoint {
            Endpoint::Authorization => self.authorize(hit, body),
            Endpoint::Token => self.token(hit, body),
            Endpoint::Resource => {
                let headers = hit.headers.clone();
                self.perform(endpoint, hit, body, |server| server.resource(&headers))
            }
            Endpoint::ServerMetadata => self.perform(endpoint, hit, body, |server| server.server_metadata()),
            Endpoint::OpenidConfiguration | Endpoint::OpenidConfigurationInserted => {
                self.perform(endpoint, hit, body, |server| server.openid_configuration())
            }
            Endpoint::DeviceAuthorization => self.serve_client(endpoint, hit, body, Server::device_authorization),
            Endpoint::Introspection => self.serve_client(endpoint, hit, body, Server::introspection),
            Endpoint::Revocation => self.serve_client(endpoint, hit, body, Server::revocation),
            Endpoint::PushedAuthorization => self.serve_client(endpoint, hit, body, Server::push),
            Endpoint::BackchannelAuthentication => self.serve_client(endpoint, hit, body, Server::backchannel),
            Endpoint::Registration => self.registration(hit, body),
            Endpoint::ClientConfiguration => self.client_configuration(hit, body),
            Endpoint::ResourceMetadata => {
                let resource = self.resource_url();
                self.perform(endpoint, hit, body, |server| server.resource_metadata(&resource))
            }
            Endpoint::ResourceMetadataAtRoot => {
                let resource = self.split_issuer().0.to_owned();
                self.perform(endpoint, hit, body, |server| server.resource_metadata(&resource))
            }
            Endpoint::Verification => self.verification(hit, body),
            Endpoint::Keys => {
                let keys = vec![("keys".to_owned(), "[]".to_owned())];
                self.perform(endpoint, hit, body, |_| Answer::document(keys))
            }
        }
    }

    /// Opens an authorization URL as a browser does, with a person who decides as [`Knobs::decision`] says. The result
    /// is the callback.
    ///
    /// # Errors
    ///
    /// If the URL belongs to another server, and if the server shows an error page and does not redirect.
    pub fn visit(&mut self, authorization_url: &str) -> Result<Callback, VisitError> {
        let uri: Uri = authorization_url.parse().map_err(|_| VisitError::NotAUrl)?;
        let issuer: Uri = self.issuer.parse().map_err(|_| VisitError::NotAUrl)?;
        if uri.scheme() != issuer.scheme() || uri.authority() != issuer.authority() {
            return Err(VisitError::Elsewhere);
        }
        let mut request = Request::new([]);
        *request.uri_mut() = uri;
        let mut response = self.handle(&request);
        match response.extensions_mut().remove::<Callback>() {
            Some(callback) => Ok(callback),
            None => Err(VisitError::Page {
                status: response.status().as_u16(),
                html: String::from_utf8_lossy(response.body()).into_owned(),
            }),
        }
    }
}

/// An HTML page for a person.
pub(crate) fn page(status: StatusCode, text: &str) -> Response<Vec<u8>> {
    let text = escape_html(text);
    html(status, format!("<!doctype html><title>{status}</title><p>{text}</p>\n"))
}

pub(crate) fn html(status: StatusCode, page: String) -> Response<Vec<u8>> {
    let mut response = Response::new(page.into_bytes());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// Whether this is the content type. Its parameters do not matter.
pub(crate) fn has_content_type(headers: &HeaderMap, wanted: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case(wanted))
}

/// The parameters in a query.
pub(crate) fn query_form(hit: &Hit) -> Form {
    Form::parse(hit.query.as_deref().unwrap_or_default().as_bytes())
}
