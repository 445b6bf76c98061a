//! An MCP server, the authorization servers that it may trust, and a program with its person.

use std::collections::BTreeMap;

use grantflow::{Body, ClientMetadata, Env, Exchange, Failure, Issuer, RedirectUri, Step, UnixTime};
use grantflow_mcp::{
    Application, AuthorizationServer, Challenged, ClientChoice, Clients, Credentials, Error, Grant, Login, LoginReturn,
    Resource,
};
use grantflow_testkit as testkit;
use http::{Request, Response};
use serde_json::{Value, json};

pub(crate) const MCP: &str = "https://mcp.example/mcp";
pub(crate) const OWN_PLACE: &str = "https://mcp.example/.well-known/oauth-protected-resource/mcp";
pub(crate) const ROOT_PLACE: &str = "https://mcp.example/.well-known/oauth-protected-resource";
pub(crate) const AS: &str = "https://as.example";
pub(crate) const OTHER_AS: &str = "https://other-as.example";
pub(crate) const ID: &str = "my-id";
pub(crate) const SECRET: &str = "my-secret";
pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:4711/callback";

/// The same bytes in every run, and never the same twice.
pub(crate) struct Dice(u64);

impl grantflow::Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
        for b in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *b = (self.0 >> 33) as u8;
        }
        Ok(())
    }
}

/// One request, as it was sent.
pub(crate) struct Sent {
    pub(crate) url: String,
    pub(crate) body: String,
    pub(crate) authorization: Option<String>,
}

impl Sent {
    /// The values of a form parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        pairs(&self.body).into_iter().filter(|(key, _)| key == name).map(|(_, value)| value).collect()
    }
}

/// The decoded parameters of a query or a form.
pub(crate) fn pairs(form: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let hex = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(core::str::from_utf8(&hex).unwrap(), 16).unwrap()
                }
                other => other,
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    let parts = form.split('&').filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').unwrap_or((part, ""))).map(|(k, v)| (decode(k), decode(v))).collect()
}

/// The parameters of a URL.
pub(crate) fn query(url: &str) -> Vec<(String, String)> {
    pairs(url.split_once('?').map_or("", |(_, query)| query))
}

pub(crate) struct World {
    /// By their origin.
    pub(crate) servers: BTreeMap<&'static str, testkit::Server>,
    /// Documents by URL: they count before the servers' own.
    pub(crate) documents: BTreeMap<String, (u16, String)>,
    /// Where the MCP server has its tokens checked.
    pub(crate) trusted: &'static str,
    /// What its challenges say beside the error.
    pub(crate) challenge: String,
    pub(crate) log: Vec<Sent>,
    pub(crate) rng: Dice,
    pub(crate) clients: Clients,
    pub(crate) application: Application,
}

impl World {
    /// Everything is as the specification wants it, and the program's client was registered beforehand.
    pub(crate) fn new() -> Self {
        let mut world = Self {
            servers: BTreeMap::new(),
            documents: BTreeMap::new(),
            trusted: AS,
            challenge: String::new(),
            log: Vec::new(),
            rng: Dice(1),
            clients: Clients::new(),
            application: application(),
        };
        for issuer in [AS, OTHER_AS] {
            let mut server = testkit::Server::new(issuer);
            server.register(testkit::Client::confidential(ID, SECRET).redirect_uri(REDIRECT_URI));
            // Tests turn these on.
            server.knobs().client_id_documents = false;
            server.knobs().omit(testkit::Endpoint::Registration);
            world.servers.insert(issuer, server);
        }
        world.clients.add(Credentials::beforehand(&issuer(AS), ID).secret(SECRET));
        world.publish(
            OWN_PLACE,
            &json!({"resource": MCP, "authorization_servers": [AS], "scopes_supported": ["read", "write"]}),
        );
        world
    }

    pub(crate) fn server(&mut self, issuer: &str) -> &mut testkit::Server {
        self.servers.get_mut(issuer).unwrap()
    }

    pub(crate) fn publish(&mut self, url: &str, document: &Value) {
        self.documents.insert(url.to_owned(), (200, document.to_string()));
    }

    /// The metadata of an authorization server, changed.
    pub(crate) fn edit_metadata(&mut self, issuer: &str, edit: impl FnOnce(&mut Value)) {
        let url = format!("{issuer}/.well-known/oauth-authorization-server");
        let answer = self.server(issuer).handle(&Request::get(&url).body("").unwrap());
        let mut document: Value = serde_json::from_slice(answer.body()).unwrap();
        edit(&mut document);
        self.publish(&url, &document);
    }

    pub(crate) fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.servers[AS].now())
    }

    /// Everybody's clock goes on.
    pub(crate) fn advance(&mut self, seconds: u64) {
        self.servers.values_mut().for_each(|server| server.advance(seconds));
    }

    pub(crate) fn send(&mut self, request: &Request<impl AsRef<[u8]>>) -> Response<Vec<u8>> {
        let url = request.uri().to_string();
        let header = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let body = String::from_utf8(request.body().as_ref().to_vec()).unwrap();
        self.log.push(Sent { url: url.clone(), body, authorization: header.clone() });
        if let Some((status, document)) = self.documents.get(&url) {
            let answer = Response::builder().status(*status).header("content-type", "application/json");
            return answer.body(document.clone().into_bytes()).unwrap();
        }
        let (scheme, authority) = (request.uri().scheme_str().unwrap(), request.uri().authority().unwrap());
        let origin = format!("{scheme}://{authority}");
        match self.servers.get_mut(&*origin) {
            Some(server) => server.handle(request),
            None if origin == "https://mcp.example" && !request.uri().path().starts_with("/.well-known") => {
                self.mcp(header.as_deref())
            }
            None => Response::builder().status(404).body(Vec::new()).unwrap(),
        }
    }

    /// The MCP server: its authorization server's own resource says whether the token is good.
    fn mcp(&mut self, authorization: Option<&str>) -> Response<Vec<u8>> {
        let trusted = self.trusted;
        let server = self.server(trusted);
        let mut request = Request::get(server.resource_url());
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let mut answer = server.handle(&request.body("").unwrap());
        let challenge = answer.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
        if let Some(challenge) = challenge.filter(|_| !self.challenge.is_empty()) {
            let joint = if challenge == "Bearer" { " " } else { ", " };
            let both = format!("{challenge}{joint}{}", self.challenge);
            answer.headers_mut().insert("www-authenticate", both.parse().unwrap());
        }
        answer
    }

    pub(crate) fn run<X: Exchange>(&mut self, mut exchange: X) -> Result<X::Output, Failure<X>> {
        loop {
            let request = exchange.request(&mut Env::new(self.now(), &mut self.rng)).unwrap();
            let response = self.send(&request);
            match exchange.respond(&mut Env::new(self.now(), &mut self.rng), response)? {
                Step::Done(output) => return Ok(output),
                Step::Again(next) => exchange = next,
            }
        }
    }

    /// A call of the MCP server with the token of a grant, or without.
    pub(crate) fn call(&mut self, grant: Option<&Grant>) -> Response<Vec<u8>> {
        let mut request = Request::post(MCP).body(Body::default()).unwrap();
        if let Some(grant) = grant {
            grant.authorize(&mut request).unwrap();
        }
        self.send(&request)
    }

    /// The challenge of a call without a token.
    pub(crate) fn challenged(&mut self, resource: &Resource) -> Result<Challenged, Error> {
        let refused = self.call(None);
        Ok(resource.refused(refused.status(), refused.headers())?.expect("a 401 demands a token"))
    }

    /// From a challenge to the only authorization server.
    pub(crate) fn found(&mut self, challenged: Challenged) -> Result<AuthorizationServer, Error> {
        let servers = self.run(challenged).map_err(Failure::into_error)?;
        let discovery = servers.choose(servers.only().expect("one server"))?;
        Ok(self.run(discovery).map_err(Failure::into_error)?)
    }

    pub(crate) fn choice(&mut self, challenged: Challenged, redirect_uri: &str) -> Result<ClientChoice, Error> {
        let server = self.found(challenged)?;
        let redirect_uri = RedirectUri::with_undotted_scheme(redirect_uri).unwrap();
        server.client(&self.application, &self.clients, redirect_uri, self.now())
    }

    pub(crate) fn login(&mut self, challenged: Challenged) -> Result<Login, Error> {
        match self.choice(challenged, REDIRECT_URI)? {
            ClientChoice::Ready(login) => Ok(*login),
            other => panic!("{other:?}"),
        }
    }

    /// The person logs in and agrees.
    pub(crate) fn visit(&mut self, login: &Login) -> Grant {
        let redirect = login.start(&mut Env::new(self.now(), &mut self.rng)).unwrap();
        let issuer = login.issuer().as_str().to_owned();
        let callback = self.server(&issuer).visit(redirect.url.as_str()).unwrap();
        match redirect.pending.receive_url(&callback.url) {
            LoginReturn::Granted(exchange) => self.run(exchange).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// All the way from the 401.
    pub(crate) fn log_in(&mut self) -> Grant {
        let challenged = self.challenged(&resource()).unwrap();
        let login = self.login(challenged).unwrap();
        self.visit(&login)
    }

    pub(crate) fn refresh(&mut self, grant: Grant) -> Grant {
        self.run(grant.refresh().unwrap()).unwrap()
    }

    /// The URLs that were asked, since the log was cleared.
    pub(crate) fn urls(&self) -> Vec<&str> {
        self.log.iter().map(|sent| &*sent.url).collect()
    }
}

pub(crate) fn resource() -> Resource {
    Resource::new(MCP).unwrap()
}

pub(crate) fn issuer(text: &str) -> Issuer {
    Issuer::new(text).unwrap()
}

pub(crate) fn application() -> Application {
    Application::new(ClientMetadata::new().client_name("Editor").unwrap())
}
