//! Well-known URLs: each is at the host that it describes, and the inserted part can be removed again.

use super::{Counting, NOW};
use crate::{Discovery, Env, Exchange, ResourceDiscovery, WellKnown};

/// Any text, as an issuer and as a resource.
pub fn well_known_url(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    if let Ok(discovery) = Discovery::new(text) {
        let first = asked(&discovery);
        let urls: Vec<String> = discovery.urls().collect();
        assert_eq!(urls.first(), Some(&first));
        of_issuer(text, &discovery);
        // Each place is asked once.
        assert!(urls.iter().enumerate().all(|(at, url)| !urls[..at].contains(url)), "{urls:?}");
    }
    if let Ok(discovery) = ResourceDiscovery::new(text) {
        assert_eq!(discovery.urls().next(), Some(asked(&discovery)));
        of_resource(text, &discovery);
    }
}

fn asked(exchange: &impl Exchange) -> String {
    let mut rng = Counting(0);
    let request = exchange.request(&mut Env::new(NOW, &mut rng)).unwrap();
    assert_eq!(request.method(), http::Method::GET);
    assert!(request.body().as_ref().is_empty() && !request.headers().contains_key("authorization"));
    request.uri().to_string()
}

/// Scheme and authority, and the rest: parsed in a slow way, with the scheme as an HTTP library spells it.
fn split(url: &str) -> (String, &str) {
    let (scheme, after) = url.split_once("://").unwrap();
    let end = after.find(['/', '?']).unwrap_or(after.len());
    (format!("{}://{}", scheme.to_ascii_lowercase(), &after[..end]), &after[end..])
}

fn of_issuer(issuer: &str, discovery: &Discovery) {
    let (origin, path) = split(issuer);
    let path = path.strip_suffix('/').unwrap_or(path);
    for (kind, expected) in [
        (WellKnown::OAuth, format!("{origin}/.well-known/oauth-authorization-server{path}")),
        (WellKnown::OpenIdInserted, format!("{origin}/.well-known/openid-configuration{path}")),
        (WellKnown::OpenIdAppended, format!("{origin}{path}/.well-known/openid-configuration")),
    ] {
        let only: Vec<String> = discovery.clone().at(&[kind]).unwrap().urls().collect();
        assert_eq!(only, [expected]);
    }
}

fn of_resource(resource: &str, discovery: &ResourceDiscovery) {
    let (origin, rest) = split(resource);
    let suffix = "/.well-known/oauth-protected-resource";
    let own = discovery.urls().next().unwrap();
    let (own_origin, own_path) = split(&own);
    assert_eq!(own_origin, origin);
    let after = own_path.strip_prefix(suffix).unwrap();
    // Only a slash right after the host may disappear.
    assert!(
        after == rest
            || rest.strip_prefix('/') == Some(after)
                && !after.starts_with('/')
                && (after.is_empty() || after.starts_with('?')),
        "{own}"
    );
    assert!(!after.is_empty() || matches!(rest, "" | "/"), "{own}");
    assert!(!after.starts_with("/?"), "{own}");
    if let Some(host) = discovery.urls().nth(1) {
        assert_eq!(host, format!("{origin}{suffix}"));
    } else {
        assert!(after.is_empty(), "{own} is asked alone");
    }
}
