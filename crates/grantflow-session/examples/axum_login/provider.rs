//! Another organisation's server: the testkit's, a plain function over `http` types, behind axum, with a page that asks
//! the person. It only stands for a provider: it lets every visitor in as `ada`.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, Request, State};
use axum::http::HeaderValue;
use axum::middleware::map_response_with_state;
use axum::response::{Html, Response};
use axum::routing::get;
use grantflow_testkit::{Client, Decision, Server};
use tokio::net::TcpListener;

use crate::{Outcome, page, serve};

pub(crate) const CLIENT_ID: &str = "favourites";
pub(crate) const CLIENT_SECRET: &str = "favourites-secret";
pub(crate) const SCOPE: &str = "read_favorite write_favorite";

/// A provider on loopback. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Provider {
    origin: Arc<str>,
    server: Arc<Mutex<Server>>,
    policy: HeaderValue,
}

impl Provider {
    /// Starts a provider that knows the application at `app`, and gives every visitor `head` for the head of a request.
    pub(crate) async fn start(app: &str, head: Duration) -> Outcome<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let origin = format!("http://{}", socket.local_addr()?);
        let mut server = Server::new(&origin);
        let client = Client::confidential(CLIENT_ID, CLIENT_SECRET).scope(SCOPE);
        server.register(client.redirect_uri(&format!("{app}/callback")));
        let provider = Self {
            origin: origin.into(),
            server: Arc::new(Mutex::new(server)),
            policy: page::content_security_policy(app)?,
        };

        let router = Router::new()
            .route("/oauth/authorize", get(ask).post(decide))
            .fallback(answer)
            .layer(map_response_with_state(provider.clone(), with_headers))
            .with_state(provider.clone());
        tokio::spawn(serve::serve(socket, router, head));
        Ok(provider)
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn authorize_url(&self) -> String {
        self.with(|server| server.authorize_url())
    }

    pub(crate) fn token_url(&self) -> String {
        self.with(|server| server.token_url())
    }

    pub(crate) fn api_url(&self) -> String {
        self.with(|server| server.resource_url())
    }

    /// Runs a function on the server, with its clock set.
    pub(crate) fn with<R>(&self, run: impl FnOnce(&mut Server) -> R) -> R {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.set_now(grantflow_reqwest::now().as_secs());
        run(&mut server)
    }
}

async fn ask(RawQuery(query): RawQuery) -> Html<String> {
    let query = query.unwrap_or_default();
    let scope = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "scope");
    page::consent(&query, &scope.map(|(_, scope)| scope.into_owned()).unwrap_or_default())
}

/// The person has answered: the authorization request is served with that answer.
async fn decide(State(provider): State<Provider>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    head.method = axum::http::Method::GET;
    let body = axum::body::to_bytes(body, 4096).await.unwrap_or_default();
    let allowed = form_urlencoded::parse(&body).any(|(name, value)| name == "decision" && value == "allow");
    provider
        .with(|server| {
            server.knobs().decision = if allowed { Decision::Approve } else { Decision::Deny };
            server.handle(&Request::from_parts(head, Bytes::new()))
        })
        .map(Body::from)
}

/// Token endpoint and API.
async fn answer(State(provider): State<Provider>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 * 1024).await.unwrap_or_default();
    provider.with(|server| server.handle(&Request::from_parts(head, body))).map(Body::from)
}

async fn with_headers(State(provider): State<Provider>, mut response: Response) -> Response {
    response.headers_mut().extend(page::headers(&provider.policy));
    response
}
