//! The application: who is logged in, and how they got there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::map_response_with_state;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use grantflow::{
    Authorization, Callback, CodeExchange, ConfidentialClient, Env, Next, PendingCallback, Server, UnixTime,
    callback_key,
};
use grantflow_reqwest::{Agent, SysRng, now};
use grantflow_session::authorize::NotAuthorized;
use grantflow_session::authorize::reqwest::{Authorized, Error as ApiError};
use grantflow_session::{Key, MemoryStore, PendingLogins, Reqwest, Session};
use serde::Deserialize;

use crate::browser::{Browser, random};
use crate::page;
use crate::provider::{self, Provider};
use crate::{Outcome, show};

/// How long somebody stays logged in at most.
const DAY: Duration = Duration::from_secs(12 * 60 * 60);
/// How long somebody may take at the provider.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The application. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

struct Inner {
    client: ConfidentialClient,
    authorization: Authorization,
    agent: Agent,
    /// Logins that wait for their callback, each with the browser that started it.
    logins: PendingLogins,
    /// The grants. A service that restarts keeps them, and `people`, in its database.
    store: MemoryStore,
    people: Mutex<HashMap<[u8; 32], Person>>,
    api: reqwest::Client,
    api_url: String,
    policy: HeaderValue,
}

/// Somebody who is logged in.
struct Person {
    session: Session,
    until: UnixTime,
}

impl App {
    /// The application at `origin`, registered with the provider.
    pub(crate) fn new(origin: &str, provider: &Provider) -> Outcome<Self> {
        let server = Server::new(&provider.authorize_url(), &provider.token_url())?
            .issuer_always_sent(provider.origin())?
            .token_for(provider.origin())?;
        let client = server.client(provider::CLIENT_ID).secret_basic(provider::CLIENT_SECRET)?;
        let authorization =
            Authorization::new(&client, format!("{origin}/callback").as_str())?.scope(provider::SCOPE)?;
        Ok(Self(Arc::new(Inner {
            client,
            authorization,
            agent: Agent::new()?,
            logins: PendingLogins::new(100_000, PATIENCE),
            store: MemoryStore::new(),
            people: Mutex::default(),
            // The API is on loopback, here: no proxy, no redirects.
            api: reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?,
            api_url: provider.api_url(),
            // The login's form is sent to us and redirected to the provider: Chromium wants both to be allowed.
            policy: page::content_security_policy(provider.origin())?,
        })))
    }

    /// Its pages. What changes anything is a POST with a CSRF token, the start of a login not least: otherwise another
    /// site could start one for its visitors, and end it where it wants. The callback changes something too; `state` is
    /// its token.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/", get(home))
            .route("/login", post(start_login))
            // Without a `head` of its own, `get` serves HEAD too, and a scanner of links would use up the login.
            .route("/callback", get(callback).head(get_only).fallback(get_only))
            .route("/denied", get(async || page::denied()))
            .route("/failed", get(async || page::failed()))
            .route("/renew", post(renew))
            .route("/logout", post(log_out))
            .fallback(async || (StatusCode::NOT_FOUND, page::nothing_here()))
            .layer(DefaultBodyLimit::max(4096))
            .layer(map_response_with_state(self.clone(), with_headers))
            .with_state(self.clone())
    }

    fn people(&self) -> MutexGuard<'_, HashMap<[u8; 32], Person>> {
        self.0.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of whoever is logged in with this browser.
    fn session(&self, browser: &Browser) -> Option<Session> {
        let people = self.people();
        people.get(&browser.key()).filter(|person| now() < person.until).map(|person| person.session.clone())
    }

    /// Logs the person in: from here on, the session keeps their token fresh.
    async fn enter(self, browser: Browser, exchange: CodeExchange) -> Outcome<Browser> {
        let tokens = grantflow_reqwest::run(&self.0.agent, exchange).await?;
        let outside = Reqwest::new(self.0.agent.clone());
        let session = Session::new(&self.0.client, Key::new(&random()?)?, self.0.store.clone(), outside);
        session.prime(tokens).await?;

        let entered = Browser::new()?;
        // What is under way in other tabs moves along. The old id is good for nothing from here on.
        self.0.logins.rename(browser.id(), entered.id())?;
        for left in self.admit(&browser, &entered, session) {
            left.forget().await?;
        }
        Ok(entered)
    }

    /// Gives the sessions of those who are here no longer: of whoever used this browser before, and of whose time is over.
    fn admit(&self, before: &Browser, entered: &Browser, session: Session) -> Vec<Session> {
        let now = now();
        let mut people = self.people();
        let before = before.key();
        let left = people.extract_if(|key, person| *key == before || person.until <= now);
        let left = left.map(|(_, person)| person.session).collect();
        people.insert(entered.key(), Person { session, until: now.saturating_add(DAY) });
        left
    }
}

/// The front page.
async fn home(State(app): State<App>, browser: Browser) -> Result<Response, Trouble> {
    let cookie = AppendHeaders([(header::SET_COOKIE, browser.cookie())]);
    let Some(session) = app.session(&browser) else {
        return Ok((cookie, page::welcome(&browser.csrf())).into_response());
    };
    let me = match who_am_i(&app, &session).await {
        Ok(me) => me,
        Err(ApiError::NotAuthorized(NotAuthorized::Session(error))) if error.next() == Next::Reauthorize => {
            app.people().remove(&browser.key());
            return Ok((cookie, page::over(&browser.csrf())).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    let token = session.peek();
    Ok((cookie, page::home(&browser.csrf(), &me, token.as_ref(), now())).into_response())
}

/// What the API says about the token's owner.
#[derive(Deserialize, Default)]
pub(crate) struct Me {
    pub(crate) name: String,
    pub(crate) scope: String,
}

/// Asks the API. The session gives a fresh token, and another one should the API refuse the first.
async fn who_am_i(app: &App, session: &Session) -> Result<Me, ApiError> {
    let request = app.0.api.get(&app.0.api_url).build().map_err(ApiError::Transport)?;
    let answer = Authorized::new(app.0.api.clone(), session.clone()).execute(request).await?;
    let body = answer.error_for_status().map_err(ApiError::Transport)?.bytes().await.map_err(ApiError::Transport)?;
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

/// Sends the person away.
async fn start_login(State(app): State<App>, browser: Browser, form: Bytes) -> Result<Response, Trouble> {
    if !browser.sent(&form) {
        return Err(Trouble::Forged);
    }
    let mut rng = SysRng;
    let mut env = Env::new(now(), &mut rng);
    let grantflow::Redirect { url, pending } = app.0.authorization.start(&mut env)?;
    // Under this browser and no other: what is started here cannot be finished elsewhere.
    app.0.logins.put(browser.id(), &pending.key(), pending.into_stored(), env.now)?;
    Ok(Redirect::to(url.as_str()).into_response())
}

async fn get_only() -> impl IntoResponse {
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")])
}

/// They come back. Whatever the address says, no page shows it, and code and state leave the address bar at once.
async fn callback(State(app): State<App>, browser: Browser, uri: Uri) -> Result<Response, Trouble> {
    // Not ours, or another browser's, or here for the second time: nothing is taken, and nothing is lost.
    let not_ours = || (StatusCode::NOT_FOUND, page::nothing_waits()).into_response();
    let Some(key) = callback_key(&uri) else { return Ok(not_ours()) };
    let Some(stored) = app.0.logins.take(browser.id(), &key, now()) else { return Ok(not_ours()) };
    let pending = PendingCallback::from_stored(stored, &app.0.client)?;

    match pending.receive(&uri) {
        Callback::Granted(exchange) => {
            // A task of its own: axum drops this one if the browser goes away, and the code can be used only once.
            let browser = match tokio::spawn(app.enter(browser, exchange)).await? {
                Ok(browser) => browser,
                Err(error) => {
                    show::failed(&*error);
                    return Ok(Redirect::to("/failed").into_response());
                }
            };
            Ok((AppendHeaders([(header::SET_COOKIE, browser.cookie())]), Redirect::to("/")).into_response())
        }
        Callback::Denied(refusal) => {
            show::note(&format!("the provider or the person said no: {}", refusal.code()));
            Ok(Redirect::to("/denied").into_response())
        }
        Callback::Unrelated { pending, .. } => {
            app.0.logins.put(browser.id(), &pending.key(), pending.into_stored(), now())?;
            Ok(not_ours())
        }
        Callback::Rejected(rejection) => {
            show::note(&rejection.to_string());
            Ok(Redirect::to("/failed").into_response())
        }
    }
}

/// Renews the token now. Nobody needs that button; a person who wants to see it work does.
async fn renew(State(app): State<App>, browser: Browser, form: Bytes) -> Result<Response, Trouble> {
    if !browser.sent(&form) {
        return Err(Trouble::Forged);
    }
    if let Some(session) = app.session(&browser) {
        if let Some(token) = session.peek() {
            session.refused(&token);
        }
        session.token().await?;
    }
    Ok(Redirect::to("/").into_response())
}

/// Forgets the person and their grant.
async fn log_out(State(app): State<App>, browser: Browser, form: Bytes) -> Result<Response, Trouble> {
    if !browser.sent(&form) {
        return Err(Trouble::Forged);
    }
    if let Some(session) = app.session(&browser) {
        session.forget().await?;
        app.people().remove(&browser.key());
    }
    Ok((AppendHeaders([(header::SET_COOKIE, Browser::no_cookie())]), Redirect::to("/")).into_response())
}

/// What every page has: nothing foreign in it, nothing of it kept, and no address with a code handed on.
async fn with_headers(State(app): State<App>, mut response: Response) -> Response {
    response.headers_mut().extend(page::headers(&app.0.policy));
    response
}

/// Why there is no page.
enum Trouble {
    /// A POST that no page of ours sent.
    Forged,
    /// Ours, the provider's, the network's.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        match self {
            Self::Forged => (StatusCode::FORBIDDEN, page::not_from_here()).into_response(),
            // What happened is for the log; the person gets a page that says nothing of it.
            Self::Failed(error) => {
                show::failed(&*error);
                (StatusCode::BAD_GATEWAY, page::trouble()).into_response()
            }
        }
    }
}
