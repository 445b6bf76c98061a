//! The bodies of the fuzz targets. Not part of the public API: exempt from semantic versioning.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "A fuzz target reports by panicking."
)]

use grantflow::{Entropy, EntropyFailed, Env, Exchange, Issuer, Step, UnixTime};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};

use crate::{
    Application, Challenged, ClientChoice, Clients, Credentials, Grant, Login, LoginReturn, Operation, PendingLogin,
    Resource,
};

const NOW: UnixTime = UnixTime::from_secs(1_750_000_000);
const ID: &str = "the-id-of-the-client";
const SECRET: &str = "the-secret-of-the-client";
const REDIRECT_URI: &str = "http://127.0.0.1:4711/callback";

struct Dice(u8);

impl Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        for b in bytes {
            self.0 = self.0.wrapping_mul(7).wrapping_add(3);
            *b = self.0;
        }
        Ok(())
    }
}

/// A party that controls everything that a resource and its servers say: lines of the resource's URL, its challenge, and
/// then an answer in each line, as a status and a body.
///
/// For every text: a request for metadata goes to the resource's origin, or to that of an issuer that the resource
/// named; credentials go nowhere but to their issuer; a token goes into no request outside of the resource.
pub fn mcp(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    if let Some(json) = text.strip_prefix("stored\n") {
        return stored(json);
    }
    let mut lines = text.lines();
    let (Some(url), Some(challenge)) = (lines.next(), lines.next()) else { return };
    let Ok(resource) = Resource::new(url) else { return };
    let again = Resource::new(resource.identifier()).expect("a canonical URL is a URL");
    assert_eq!(again.identifier(), resource.identifier(), "a canonical form is its own");
    let own: Uri = resource.identifier().parse().expect("it was checked");
    resource.covers(&own).expect("a resource covers its own URL");

    let mut headers = HeaderMap::new();
    headers.extend(HeaderValue::from_str(challenge).map(|value| (http::header::WWW_AUTHENTICATE, value)));
    let Ok(Some(challenged)) = resource.refused(StatusCode::UNAUTHORIZED, &headers) else { return };
    let _ = visited(&resource, challenged, &mut lines);
}

fn visited(resource: &Resource, challenged: Challenged, lines: &mut core::str::Lines<'_>) -> Option<()> {
    let own = origin(resource.identifier());
    let servers = answered(challenged, lines, |uri| assert_eq!(origin(&uri.to_string()), own, "{uri}"))?;
    for issuer in servers.issuers().to_vec() {
        let Ok(discovery) = servers.choose(&issuer) else { continue };
        let at = origin(issuer.as_str());
        let server = answered(discovery, lines, |uri| assert_eq!(origin(&uri.to_string()), at, "{uri}"));
        let Some(server) = server else { continue };
        assert_eq!(server.issuer(), &issuer);

        // These credentials are of one issuer, and it is hardly ever this one.
        let known = Issuer::new("https://as.example").expect("a correct issuer");
        let mut clients = Clients::new();
        clients.add(Credentials::beforehand(&known, ID).secret(SECRET));
        let choice = server.client(&Application::new(grantflow::ClientMetadata::new()), &clients, REDIRECT_URI, NOW);
        if let Ok(ClientChoice::Ready(login)) = choice {
            assert_eq!(issuer, known, "credentials of another issuer");
            assert!(server.metadata().is_none_or(|metadata| metadata.announces_s256()), "no PKCE");
            logged_in(resource, &login, &clients, lines);
        }
    }
    Some(())
}

fn logged_in(resource: &Resource, login: &Login, clients: &Clients, lines: &mut core::str::Lines<'_>) {
    let mut rng = Dice(1);
    let Ok(start) = login.start(&mut Env::new(NOW, &mut rng)) else { return };
    let url = start.url.as_str().to_owned();
    assert!(!url.contains(SECRET), "the secret is in the URL");
    assert_eq!(url.matches("&resource=").count(), 1, "{url}");
    let state = url.split("&state=").nth(1).and_then(|rest| rest.split('&').next()).expect("there is a state");
    let stored = serde_json::to_string(&start.pending.into_stored()).expect("texts only");
    let pending = PendingLogin::from_stored(serde_json::from_str(&stored).expect("it was written"), clients);
    let pending = pending.expect("what was stored is restored");
    let iss: String = login.issuer().as_str().bytes().map(|byte| format!("%{byte:02x}")).collect();
    let callback = format!("{REDIRECT_URI}?code=c&state={state}&iss={iss}");
    let LoginReturn::Granted(exchange) = pending.receive_url(&callback) else { panic!("a good callback") };
    let Some(grant) = answered(exchange, lines, |_| ()) else { return };
    granted(resource, grant, clients, lines);
}

fn granted(resource: &Resource, grant: Grant, clients: &Clients, lines: &mut core::str::Lines<'_>) {
    // The next lines are requests of the program, and then a challenge.
    for line in lines.by_ref().take(4) {
        let Ok(uri) = line.parse::<Uri>() else { continue };
        let mut request = http::Request::new(());
        *request.uri_mut() = uri.clone();
        if grant.authorize(&mut request).is_ok() {
            assert_eq!(origin(&uri.to_string()), origin(resource.identifier()), "{uri}");
            let own: Uri = resource.identifier().parse().expect("it was checked");
            let below = uri.path().strip_prefix(own.path()).unwrap_or_default();
            assert!(below.split('/').all(|segment| !matches!(segment, "." | "..")), "{uri}");
        } else {
            assert!(request.headers().is_empty(), "a refused request is unchanged");
        }
    }
    let mut headers = HeaderMap::new();
    let challenge = lines.next().unwrap_or_default();
    headers.extend(HeaderValue::from_str(challenge).map(|value| (http::header::WWW_AUTHENTICATE, value)));
    let mut operation = Operation::new();
    for status in [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED] {
        // The same demand again and again has an end.
        let met = (0..20).take_while(|_| {
            let demand = grant.demand(status, &headers, &mut operation);
            matches!(demand, Ok(demand) if !matches!(demand, crate::Demand::Nothing))
        });
        assert!(met.count() < 10, "no end");
    }
    let stored = serde_json::to_string(&grant.into_stored()).expect("texts only");
    assert!(!stored.contains(SECRET), "the client's secret is stored with the grant");
    let restored = Grant::from_stored(serde_json::from_str(&stored).expect("it was written"), clients);
    let restored = restored.expect("what was stored is restored");
    assert_eq!(serde_json::to_string(&restored.into_stored()).expect("texts only"), stored);
}

/// Runs an exchange over the answers of the lines.
fn answered<X: Exchange>(mut exchange: X, lines: &mut core::str::Lines<'_>, check: impl Fn(&Uri)) -> Option<X::Output> {
    let mut rng = Dice(2);
    for _ in 0..8 {
        let request = exchange.request(&mut Env::new(NOW, &mut rng)).expect("it can be made");
        check(request.uri());
        let (status, body) = lines.next()?.split_once(' ').unwrap_or(("404", ""));
        let mut response = Response::new(body.as_bytes());
        *response.status_mut() = status.parse().ok().filter(|status: &StatusCode| !status.is_informational())?;
        exchange = match exchange.respond(&mut Env::new(NOW, &mut rng), response).ok()? {
            Step::Done(output) => return Some(output),
            Step::Again(next) => next,
        };
    }
    panic!("more than eight requests for one document");
}

/// What is restored is what was stored.
fn stored(json: &str) {
    let known = Issuer::new("https://as.example").expect("a correct issuer");
    let mut clients = Clients::new();
    clients.add(Credentials::beforehand(&known, ID).secret(SECRET));
    if let Ok(stored) = serde_json::from_str::<crate::StoredGrant>(json)
        && let Ok(grant) = Grant::from_stored(stored, &clients)
    {
        assert_eq!(grant.issuer(), &known);
        let again = serde_json::to_string(&grant.into_stored()).expect("texts only");
        let again = serde_json::from_str(&again).expect("it was written");
        assert!(Grant::from_stored(again, &clients).is_ok());
    }
    if let Ok(stored) = serde_json::from_str(json) {
        let _ = PendingLogin::from_stored(stored, &clients);
    }
    if let Ok(stored) = serde_json::from_str(json) {
        let _ = crate::Connection::from_stored(&stored, &clients);
    }
    if let Ok(stored) = serde_json::from_str(json)
        && let Ok(restored) = Clients::from_stored(&stored)
    {
        assert!(!format!("{restored:?}").contains(SECRET));
    }
}

/// Scheme, host and port, in the form in which two URLs can be compared.
fn origin(url: &str) -> String {
    let canonical = crate::resource::canonical(url);
    let host = canonical.find("://").map_or(0, |at| at + 3);
    let end = canonical.get(host..).and_then(|rest| rest.find(['/', '?'])).map_or(canonical.len(), |at| host + at);
    canonical.get(..end).unwrap_or_default().to_owned()
}
