//! The application: who is logged in, and how that person logged in.

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
use grantflow_session::authorize::reqwest::Error as ApiError;
use grantflow_session::{Key, MemoryStore, PendingLogins, Reqwest, Session};

use crate::browser::{Browser, random};
use crate::me::who_am_i;
use crate::page;
use crate::provider::{self, Provider};
use crate::{Outcome, show};

/// The longest time that a person stays logged in.
const DAY: Duration = Duration::from_secs(12 * 60 * 60);
/// The longest time that a person may take at the provider.
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

/// A person who is logged in.
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
            // The login's form is sent to this origin and redirected to the provider: Chromium wants both to be
            // allowed.
            policy: page::content_security_policy(provider.origin())?,
        })))
    }

    /// The pages. Every change is a POST with a CSRF token, also the start of a login: otherwise another site could
    /// start a login for its visitors and end it where it wants. The callback also changes something; its token is
    /// `state`.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/", get(home))
            .route("/login", post(start_login))
            // Without a `head` handler, `get` also serves HEAD, and a link scanner would use up the login.
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

    /// The session of the person who is logged in with this browser.
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
        // Logins in progress in other tabs move along. The old id is of no use from here on.
        self.0.logins.rename(browser.id(), entered.id())?;
        for left in self.admit(&browser, &entered, session) {
            left.forget().await?;
        }
        Ok(entered)
    }

    /// Returns the sessions of people who are no longer here: the person who used this browser before, and people whose
    /// time is over.
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
    let me = match who_am_i(&app.0.api, &app.0.api_url, &session).await {
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

/// Sends the person to the provider.
async fn start_login(State(app): State<App>, browser: Browser, form: Bytes) -> Result<Response, Trouble> {
    if !browser.sent(&form) {
        return Err(Trouble::Forged);
    }
    let mut rng = SysRng;
    let mut env = Env::new(now(), &mut rng);
    let grantflow::Redirect { url, pending } = app.0.authorization.start(&mut env)?;
    // Only for this browser: a login that is started here cannot be finished elsewhere.
    app.0.logins.put(browser.id(), &pending.key(), pending.into_stored(), env.now)?;
    Ok(Redirect::to(url.as_str()).into_response())
}

async fn get_only() -> impl IntoResponse {
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")])
}

/// The person comes back. No page shows the content of the address, and code and state leave the address bar at once.
async fn callback(State(app): State<App>, browser: Browser, uri: Uri) -> Result<Response, Trouble> {
    // Not ours, of another browser, or a second time: nothing is taken, and nothing is lost.
    let not_ours = || (StatusCode::NOT_FOUND, page::nothing_waits()).into_response();
    let Some(key) = callback_key(&uri) else { return Ok(not_ours()) };
    let Some(stored) = app.0.logins.take(browser.id(), &key, now()) else { return Ok(not_ours()) };
    let pending = PendingCallback::from_stored(stored, &app.0.client)?;

    match pending.receive(&uri) {
        Callback::Granted(exchange) => {
            // In a separate task: axum drops this one if the browser goes away, and the code can be used only once.
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

/// Renews the token now. The button is only for people who want to see it work.
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

/// Headers of every page: nothing foreign is loaded, nothing is cached, and no address with a code is passed on.
async fn with_headers(State(app): State<App>, mut response: Response) -> Response {
    response.headers_mut().extend(page::headers(&app.0.policy));
    response
}

/// Why there is no page.
enum Trouble {
    /// A POST that no page of ours sent.
    Forged,
    /// A failure of this application, the provider or the network.
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
            // The log says what happened; the person gets a page that does not show it.
            Self::Failed(error) => {
                show::failed(&*error);
                (StatusCode::BAD_GATEWAY, page::trouble()).into_response()
            }
        }
    }
}
