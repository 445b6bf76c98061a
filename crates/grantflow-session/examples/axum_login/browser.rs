//! Which browser it is: the session cookie, and the CSRF token that goes with it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

/// `__Host-`: browsers accept it only with `Secure`, with `Path=/` and without `Domain`, so that no other host can
/// plant one here, not even a subdomain.
const NAME: &str = "__Host-session";

/// - `Secure`: over TLS only. Browsers count loopback as safe, Chromium and Firefox also for cookies, so the example
///   runs over `http://127.0.0.1` with the cookie of a real deployment. Safari does not, and needs a TLS proxy in
///   front.
/// - `HttpOnly`: no script reads it.
/// - `SameSite=Lax`: the callback is a navigation from another site and must have the cookie; `Strict` would lose every
///   login. With `response_mode=form_post` it would have to be `None`, because the callback is then a POST.
const ATTRIBUTES: &str = "; Path=/; Secure; HttpOnly; SameSite=Lax";

/// A browser, by the id in its cookie: 256 random bits.
///
/// Nothing is stored for a browser that is not logged in: a visitor costs no memory, and an id that this application
/// did not give is only the name of an unknown browser.
pub(crate) struct Browser {
    id: String,
}

impl Browser {
    /// A browser with a new id, after every login: an id that was known or planted before is of no use.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self { id: random()? })
    }

    /// The name under which its logins wait.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The key of its person: a hash, so that a reader of the table cannot impersonate anyone.
    pub(crate) fn key(&self) -> [u8; 32] {
        Sha256::digest(&self.id).into()
    }

    /// The token of every form of ours; no form of another site can have it. It follows from the id, and the id does
    /// not follow from it.
    pub(crate) fn csrf(&self) -> String {
        Base64UrlUnpadded::encode_string(&Sha256::digest(format!("csrf {}", self.id)))
    }

    /// Whether a form came from a page that was given to this browser. The hashes are compared, not the texts, so the
    /// duration reveals nothing.
    pub(crate) fn sent(&self, form: &[u8]) -> bool {
        let mut tokens = form_urlencoded::parse(form).filter(|(name, _)| name == "csrf").map(|(_, value)| value);
        let (Some(token), None) = (tokens.next(), tokens.next()) else { return false };
        Sha256::digest(&*token) == Sha256::digest(self.csrf())
    }

    /// The header that gives the browser its id.
    pub(crate) fn cookie(&self) -> HeaderValue {
        cookie(&self.id, "")
    }

    /// The header that removes it.
    pub(crate) fn no_cookie() -> HeaderValue {
        cookie("", "; Max-Age=0")
    }
}

fn cookie(id: &str, more: &str) -> HeaderValue {
    // Base64url is always a valid header value.
    let mut value =
        HeaderValue::try_from(format!("{NAME}={id}{ATTRIBUTES}{more}")).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// The browser's id, or a new one.
impl<S: Sync> FromRequestParts<S> for Browser {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        match said_id(&parts.headers) {
            Some(id) => Ok(Self { id }),
            None => Self::new().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

fn said_id(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut ids = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter_map(|(name, id)| (name == NAME).then_some(id));
    // With two cookies it is unknown which one is right.
    let (Some(id), None) = (ids.next(), ids.next()) else { return None };
    let mut bytes = [0; 32];
    let decoded = Base64UrlUnpadded::decode(id, &mut bytes).ok()?;
    (decoded.len() == 32).then(|| id.to_owned())
}

/// 256 random bits as text.
pub(crate) fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(Base64UrlUnpadded::encode_string(&bytes))
}
