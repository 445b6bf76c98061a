//! Requests to a provider are those that it documents: method, body, names, separator; and nothing else is hidden.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64, Encoding as _};
use grantflow::{Authorization, Body, Callback, Client, Env, Exchange, Quirk, Redirect, Server, Tokens};
use http::Request;
use serde::Deserialize;
use serde_json::Value;

use super::fixture::quirk;
use crate::support::*;

/// The two requests of a login, as a provider documents them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Documented {
    provider: String,
    what: String,
    url: String,
    source_kind: String,
    source: String,
    looked_up: String,
    authorization_endpoint: String,
    token_endpoint: String,
    quirks: Vec<Value>,
    /// What this server needs for its answers; it must change no request.
    #[serde(default)]
    answer_quirks: Vec<Value>,
    id: String,
    /// A public client has none, or an empty one with the door for it.
    secret: Option<String>,
    #[serde(default)]
    basic: bool,
    #[serde(default)]
    json: bool,
    #[serde(default)]
    scope: Option<String>,
    /// The code's name in the callback.
    #[serde(default)]
    callback: Option<String>,
    /// Documented parameters; `*` is any value.
    authorize: BTreeMap<String, String>,
    /// Parameters that are sent although they are not documented.
    #[serde(default)]
    authorize_beyond: BTreeSet<String>,
    token: BTreeMap<String, String>,
    #[serde(default)]
    token_beyond: BTreeSet<String>,
    /// Where refreshes go, if not to the token endpoint.
    #[serde(default)]
    refresh_endpoint: Option<String>,
}

fn all() -> Vec<Documented> {
    serde_json::from_str(include_str!("../../vectors/providers/requests.json")).unwrap()
}

pub(crate) fn quirks_by_provider() -> Vec<(String, Vec<Quirk>)> {
    all().into_iter().map(|documented| (documented.provider, documented.quirks.iter().map(quirk).collect())).collect()
}

/// The providers that need the header of clients without a secret.
pub(crate) fn with_empty_secret() -> BTreeSet<String> {
    let empty = all().into_iter().filter(|documented| documented.secret.as_deref() == Some(""));
    empty.map(|documented| documented.provider).collect()
}

impl Documented {
    fn name(&self) -> String {
        format!("{}: {} ({})", self.provider, self.what, self.url)
    }

    fn client(&self, quirks: &[Quirk]) -> Client {
        let server = Server::new(&self.authorization_endpoint, &self.token_endpoint).unwrap();
        let server = quirks.iter().fold(server, |server, quirk| server.quirk(quirk.clone()).unwrap());
        let client = server.client(&self.id);
        match &self.secret {
            None => (&client.public().unwrap()).into(),
            Some(secret) if secret.is_empty() => (&client.empty_secret_basic().unwrap()).into(),
            Some(secret) if self.basic => (&client.secret_basic(secret.as_str()).unwrap()).into(),
            Some(secret) => (&client.secret_post(secret.as_str()).unwrap()).into(),
        }
    }

    /// Where a refresh goes.
    fn refresh(&self, quirks: &[Quirk]) -> String {
        let tokens = Tokens::of_refresh_token(self.client(quirks), "refresh").unwrap().build();
        let request = tokens.refresh().unwrap().request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
        assert_eq!(request.method(), "POST");
        request.uri().to_string()
    }

    /// The authorization URL and, if the provider's callback is understood, the token request.
    fn requests(&self, quirks: &[Quirk]) -> (String, Option<Request<Body>>) {
        let mut authorization = Authorization::new(self.client(quirks), REDIRECT_URI).unwrap();
        if let Some(scope) = &self.scope {
            authorization = authorization.scope(scope.as_str()).unwrap();
        }
        let Redirect { url, pending } = authorization.start(&mut Env::new(NOW, &mut Dice(1))).unwrap();
        let code = self.callback.as_deref().unwrap_or("code");
        let callback = format!("{REDIRECT_URI}?{code}=C&state={}", parameter(url.as_str(), "state"));
        let request = match pending.receive_url(&callback) {
            Callback::Granted(exchange) => Some(exchange.request(&mut Env::new(NOW, &mut Dice(1))).unwrap()),
            _ => None,
        };
        (url.as_str().to_owned(), request)
    }
}

fn fields(request: &Request<Body>, json: bool) -> Vec<(String, String)> {
    if json {
        let object: serde_json::Map<String, Value> = serde_json::from_slice(request.body().as_ref()).unwrap();
        object.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned())).collect()
    } else {
        pairs(&body(request))
    }
}

/// Every documented parameter has its value; everything else is on the list of undocumented ones.
fn check(what: &str, sent: Vec<(String, String)>, documented: &BTreeMap<String, String>, beyond: &BTreeSet<String>) {
    let names: BTreeSet<&String> = sent.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), sent.len(), "{what}: a name goes out twice");
    for (name, value) in documented {
        let found = sent.iter().find(|(sent, _)| sent == name);
        let found = found.unwrap_or_else(|| panic!("{what}: {name} is not sent"));
        assert!(value == "*" && !found.1.is_empty() || *value == found.1, "{what}: {name} is {:?}", found.1);
    }
    let extra: BTreeSet<String> =
        sent.into_iter().map(|(name, _)| name).filter(|name| !documented.contains_key(name)).collect();
    assert_eq!(&extra, beyond, "{what}: sent though it is not documented");
}

#[test]
fn every_request_is_the_documented_one() {
    for documented in all() {
        let what = documented.name();
        let quirks: Vec<Quirk> = documented.quirks.iter().chain(&documented.answer_quirks).map(quirk).collect();
        let (url, request) = documented.requests(&quirks);
        assert!(url.starts_with(&documented.authorization_endpoint), "{what}");
        check(&format!("{what}, authorization"), pairs(&url), &documented.authorize, &documented.authorize_beyond);

        let request = request.unwrap_or_else(|| panic!("{what}: the callback brought no code"));
        assert_eq!((request.method().as_str(), request.uri().to_string()), ("POST", documented.token_endpoint.clone()));
        let refresh = documented.refresh_endpoint.as_ref().unwrap_or(&documented.token_endpoint);
        assert_eq!(&documented.refresh(&quirks), refresh, "{what}");
        let content_type = if documented.json { "application/json" } else { "application/x-www-form-urlencoded" };
        assert_eq!(request.headers()["content-type"], content_type, "{what}");
        let sent = fields(&request, documented.json);
        check(&format!("{what}, token"), sent, &documented.token, &documented.token_beyond);

        let authorization = request.headers().get("authorization").map(|value| value.to_str().unwrap());
        let raw = format!("{}:{}", documented.id, documented.secret.as_deref().unwrap_or_default());
        let basic = format!("Basic {}", Base64::encode_string(raw.as_bytes()));
        assert_eq!(authorization, documented.basic.then_some(basic.as_str()), "{what}");
    }
}

#[test]
fn every_quirk_changes_a_request() {
    for documented in all() {
        let quirks: Vec<Quirk> = documented.quirks.iter().map(quirk).collect();
        let shown = |quirks: &[Quirk]| {
            let (url, request) = documented.requests(quirks);
            let token = request.map(|request| (format!("{:?}", request.headers()), body(&request)));
            let headers =
                documented.basic.then(|| documented.requests(quirks).1.map(|r| r.headers()["authorization"].clone()));
            (url, token, headers, documented.refresh(quirks))
        };
        let whole = shown(&quirks);
        for (at, quirk) in quirks.iter().enumerate() {
            let mut others = quirks.clone();
            others.remove(at);
            assert!(shown(&others) != whole, "{} without {quirk:?}: nothing changes", documented.name());
        }
    }
}

#[test]
fn every_request_says_where_it_comes_from() {
    for documented in all() {
        let what = documented.name();
        assert!(documented.url.starts_with("https://"), "{what}");
        assert!(["documented", "recorded"].contains(&documented.source_kind.as_str()), "{what}");
        assert!(documented.source.len() > 20 && documented.looked_up.starts_with("20"), "{what}");
    }
}
