//! Carries requests in a browser, by its `fetch`.

use core::fmt;
use core::time::Duration;

use grantflow::{Body, Sent, UnixTime};
use http::header::CONTENT_ENCODING;
use http::{Request, Response};
use reqwest::{Client, ClientBuilder, RequestBuilder};

use crate::{BODY_LIMIT, Error, SendError, TIMEOUT};

/// The longest time, in milliseconds, that a JavaScript timer accepts.
const LONGEST_MILLIS: u32 = i32::MAX as u32;

/// Carries requests. Make it once; it is cheap to clone.
#[derive(Clone)]
pub struct Agent {
    client: Client,
    timeout: Duration,
    body_limit: u64,
}

impl Agent {
    /// An agent with a deadline of 30 s, and a body limit of 1 MiB.
    ///
    /// # Errors
    /// None in a browser.
    pub fn new() -> Result<Self, Error> {
        Self::configured(TIMEOUT, |settings| settings)
    }

    /// Like [`Agent::new`], with your own deadline and settings, of which a browser supports few. The deadline is for a
    /// whole round trip, to the last byte of the body.
    ///
    /// # Errors
    /// [`Error::Settings`], if no client can be made from the settings.
    pub fn configured(timeout: Duration, settings: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Self, Error> {
        let client = settings(Client::builder()).build().map_err(|error| Error::Settings(error.without_url()))?;
        let timeout = timeout.min(Duration::from_millis(LONGEST_MILLIS.into()));
        Ok(Self { client, timeout, body_limit: BODY_LIMIT })
    }

    /// Sets the greatest number of bytes of a body, after decompression. 1 MiB by default.
    #[must_use]
    pub fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Result<Response<Body>, SendError> {
        let request = reqwest::Request::try_from(request.map(Vec::<u8>::from))
            .map_err(|error| send_error(Sent::NotSent, error))?;
        let target = request.url().clone();
        let mut answer = RequestBuilder::from_parts(self.client.clone(), request)
            .timeout(self.timeout)
            .fetch_credentials_omit()
            .fetch_cache_no_store()
            .fetch_referrer_policy("no-referrer")
            .send()
            .await
            .map_err(|error| {
                let sent = if error.is_builder() { Sent::NotSent } else { Sent::MaybeSent };
                send_error(sent, error)
            })?;

        let (status, limit) = (answer.status(), self.body_limit);
        let fail = |error| Err(SendError { sent: Sent::MaybeSent, error });
        // The browser has followed it. All that is left is to refuse the answer, which is not the endpoint's.
        if *answer.url() != target {
            return fail(Error::Redirected { status });
        }
        if answer.content_length().is_some_and(|length| length > limit) {
            return fail(Error::BodyTooLarge { status, limit });
        }
        let mut headers = core::mem::take(answer.headers_mut());
        // The browser has undone it, and some browsers leave the header.
        headers.remove(CONTENT_ENCODING);
        let body = answer.bytes().await.map_err(|error| send_error(Sent::MaybeSent, error))?;
        if body.len() as u64 > limit {
            return fail(Error::BodyTooLarge { status, limit });
        }
        let mut response = Response::new(Body::from(Vec::from(body)));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl fmt::Debug for Agent {
    /// Without reqwest's client, which shows default headers: they may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent {{ body_limit: {} }}", self.body_limit)
    }
}

fn send_error(sent: Sent, error: reqwest::Error) -> SendError {
    SendError { sent, error: Error::Transport(error.without_url()) }
}

pub(crate) async fn wait(duration: Duration) {
    let mut millis = duration.as_millis();
    while millis > 0 {
        let part = u32::try_from(millis).unwrap_or(LONGEST_MILLIS).min(LONGEST_MILLIS);
        gloo_timers::future::TimeoutFuture::new(part).await;
        millis = millis.saturating_sub(part.into());
    }
}

/// The time now, by the browser's clock.
pub fn now() -> UnixTime {
    // `as` saturates from a float to an integer; times before 1970 become 0.
    UnixTime::from_secs((js_sys::Date::now() / 1000.0) as u64)
}
