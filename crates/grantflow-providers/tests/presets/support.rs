//! What the tests have in common: a server of a preset, and what a client of it sends.

use grantflow::{
    Authorization, Callback, Client, CodeExchange, ConfidentialClient, EntropyFailed, Env, Exchange, Redirect, Server,
    UnixTime,
};
use grantflow_providers::{Authentication, Preset};
use http::{Request, Uri};

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_750_000_000);
pub(crate) const REDIRECT_URI: &str = "https://app.example/callback";

/// The same bytes in every run, and never the same twice.
pub(crate) struct Dice(pub(crate) u64);

impl grantflow::Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 33) as u8;
        }
        Ok(())
    }
}

/// The presets with their server, made from the examples of their inputs.
pub(crate) fn servers() -> impl Iterator<Item = (&'static Preset, Server)> {
    grantflow_providers::all().map(|preset| {
        let examples: Vec<&str> = preset.inputs.iter().map(|input| input.example).collect();
        (preset, preset.server(&examples).unwrap_or_else(|error| panic!("{}: {error}", preset.id)))
    })
}

/// A client with a secret, in the way that the documentation prefers.
pub(crate) fn client(preset: &Preset, server: &Server) -> ConfidentialClient {
    let client = server.client("my-id");
    match preset.authentication[0] {
        Authentication::SecretBasic => client.secret_basic("my-secret").unwrap(),
        _ => client.secret_post("my-secret").unwrap(),
    }
}

/// The URL of a login, and the code's exchange after it.
pub(crate) fn login(preset: &Preset, client: &ConfidentialClient, scope: &str) -> (Uri, CodeExchange) {
    let authorization = Authorization::new(client, REDIRECT_URI).unwrap().scope(scope).unwrap();
    let Redirect { url, pending } = authorization.start(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    let state = parameter(url.as_str(), "state").unwrap();
    let code = if preset.id == "amazon_selling_partner" { "spapi_oauth_code" } else { "code" };
    match pending.receive_url(&format!("{REDIRECT_URI}?{code}=c0de&state={state}")) {
        Callback::Granted(exchange) => (url.as_str().parse().unwrap(), exchange),
        other => panic!("{}: {other:?}", preset.id),
    }
}

pub(crate) fn request<X: Exchange>(exchange: &X) -> Request<grantflow::Body> {
    exchange.request(&mut Env::new(NOW, &mut Dice(2))).unwrap()
}

/// The token request of a grant without a person.
pub(crate) fn token_request(client: &ConfidentialClient) -> Request<grantflow::Body> {
    request(&grantflow::ClientCredentials::new(client))
}

/// The raw value of a parameter.
pub(crate) fn parameter<'u>(url: &'u str, name: &str) -> Option<&'u str> {
    let query = url.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

pub(crate) fn has_login(server: &Server) -> bool {
    let client = server.client("my-id").public();
    match client {
        Ok(client) => Authorization::new(Client::from(&client), REDIRECT_URI).is_ok(),
        // A server without PKCE has no public clients, and exists for logins only.
        Err(_) => true,
    }
}
