//! One interface for the three stacks.

use grantflow_session::Session;
use grantflow_session::authorize::NotAuthorized;

/// What is sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent<'a> {
    pub(crate) url: &'a str,
    /// A POST with this body; a GET otherwise.
    pub(crate) body: Option<&'static str>,
    /// Whether the body can be read only once.
    pub(crate) once: bool,
    pub(crate) authorization: Option<&'static str>,
}

impl<'a> Sent<'a> {
    pub(crate) fn get(url: &'a str) -> Self {
        Self { url, ..Self::default() }
    }

    pub(crate) fn post(url: &'a str, body: &'static str) -> Self {
        Self { url, body: Some(body), ..Self::default() }
    }

    #[cfg(any(feature = "ureq", feature = "tower"))]
    fn request(&self) -> http::Request<String> {
        let method = if self.body.is_some() { "POST" } else { "GET" };
        let mut request = http::Request::builder().method(method).uri(self.url);
        if let Some(value) = self.authorization {
            request = request.header("authorization", value);
        }
        request.body(self.body.unwrap_or_default().to_owned()).unwrap()
    }
}

#[derive(Debug)]
pub(crate) enum Failed {
    NotAuthorized(NotAuthorized),
    #[allow(dead_code, reason = "read by a test that fails")]
    Transport(String),
}

/// A status and a body.
pub(crate) type Answer = Result<(u16, String), Failed>;

pub(crate) trait Client: Sync {
    fn send(&self, session: &Session, sent: &Sent<'_>) -> Answer;
}

#[cfg(feature = "ureq")]
pub(crate) struct Ureq(pub(crate) ureq::Agent);

#[cfg(feature = "ureq")]
impl Ureq {
    pub(crate) fn new() -> Self {
        Self(ureq::Agent::new_with_defaults())
    }
}

#[cfg(feature = "ureq")]
impl Client for Ureq {
    fn send(&self, session: &Session, sent: &Sent<'_>) -> Answer {
        use grantflow_session::authorize::ureq::{Authorizing, Error, call};

        let request = sent.request();
        let result = if sent.once {
            // A body that can be read only once is for the middleware: `call` does not accept it.
            let settings = ureq::Agent::config_builder().http_status_as_error(false);
            let agent = ureq::Agent::new_with_config(settings.middleware(Authorizing::new(session.clone())).build());
            agent.run(request).map_err(|error| match error {
                ureq::Error::Other(other) => match other.downcast::<NotAuthorized>() {
                    Ok(error) => Error::NotAuthorized(*error),
                    Err(other) => Error::Transport(ureq::Error::Other(other)),
                },
                error => Error::Transport(error),
            })
        } else if sent.body.is_some() {
            call(&self.0, session, request)
        } else {
            call(&self.0, session, request.map(drop))
        };
        match result {
            Ok(response) => Ok((response.status().as_u16(), response.into_body().read_to_string().unwrap())),
            Err(Error::NotAuthorized(error)) => Err(Failed::NotAuthorized(error)),
            Err(error) => Err(Failed::Transport(error.to_string())),
        }
    }
}

#[cfg(any(feature = "reqwest", feature = "tower"))]
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

#[cfg(feature = "reqwest")]
pub(crate) struct Reqwest(tokio::runtime::Runtime, pub(crate) reqwest::Client);

#[cfg(feature = "reqwest")]
impl Reqwest {
    pub(crate) fn new() -> Self {
        Self(runtime(), reqwest::Client::builder().no_proxy().build().unwrap())
    }
}

#[cfg(feature = "reqwest")]
impl Client for Reqwest {
    fn send(&self, session: &Session, sent: &Sent<'_>) -> Answer {
        use grantflow_session::authorize::reqwest::{Authorized, Error};

        let mut request = match sent.body {
            Some(body) if sent.once => self.1.post(sent.url).body(reqwest::Body::wrap(body.to_owned())),
            Some(body) => self.1.post(sent.url).body(body),
            None => self.1.get(sent.url),
        };
        if let Some(value) = sent.authorization {
            request = request.header("authorization", value);
        }
        self.0.block_on(async {
            match Authorized::new(self.1.clone(), session.clone()).execute(request.build().unwrap()).await {
                Ok(response) => Ok((response.status().as_u16(), response.text().await.unwrap())),
                Err(Error::NotAuthorized(error)) => Err(Failed::NotAuthorized(error)),
                Err(error) => Err(Failed::Transport(error.to_string())),
            }
        })
    }
}

#[cfg(feature = "tower")]
pub(crate) struct Tower(tokio::runtime::Runtime);

#[cfg(feature = "tower")]
impl Tower {
    pub(crate) fn new() -> Self {
        Self(runtime())
    }
}

#[cfg(feature = "tower")]
impl Client for Tower {
    fn send(&self, session: &Session, sent: &Sent<'_>) -> Answer {
        use grantflow_session::authorize::tower::{AuthorizeLayer, Error};
        use hyper_util::client::legacy;
        use hyper_util::rt::TokioExecutor;
        use tower::{Layer as _, ServiceExt as _};

        let layer = AuthorizeLayer::new(session.clone());
        let layer = if sent.once { layer } else { layer.replaying_clones() };
        let request = sent.request();
        self.0.block_on(async {
            let client: legacy::Client<_, String> = legacy::Client::builder(TokioExecutor::new()).build_http();
            match layer.layer(client).oneshot(request).await {
                Ok(response) => {
                    let status = response.status().as_u16();
                    let body = axum::body::to_bytes(axum::body::Body::new(response.into_body()), 4096).await.unwrap();
                    Ok((status, String::from_utf8(body.to_vec()).unwrap()))
                }
                Err(Error::NotAuthorized(error)) => Err(Failed::NotAuthorized(error)),
                Err(error) => Err(Failed::Transport(error.to_string())),
            }
        })
    }
}
