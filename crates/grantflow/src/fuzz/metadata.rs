//! Metadata of servers and resources: accepted values are those of the document, the document describes the requested
//! server or resource, and its URLs are valid targets.

use http::Response;
use serde_json::value::RawValue;

use super::answer::raw_members;
use super::{Counting, NOW, STATUSES, printed};
use crate::{
    Discovery, Env, Exchange, Failure, Left, MetadataFault, Misuse, ResourceDiscovery, ResourceMetadata,
    ServerMetadata, Step,
};

/// The requested issuers, and whether they are on this machine.
const ISSUERS: [(&str, bool); 4] = [
    ("https://as.example", false),
    ("https://as.example/tenant/", false),
    ("http://127.0.0.1:4000", true),
    ("https://login.microsoftonline.com/common/v2.0", false),
];
const TEMPLATE: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";

/// The requested resources, and whether they are on this machine.
const RESOURCES: [(&str, bool); 4] = [
    ("https://api.example/v1", false),
    ("https://api.example", false),
    ("http://localhost:4000/api?x=1", true),
    ("https://api.example/v1/", false),
];

/// URLs to which a request or a person goes.
const URLS: [&str; 12] = [
    "authorization_endpoint",
    "token_endpoint",
    "device_authorization_endpoint",
    "pushed_authorization_request_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "registration_endpoint",
    "backchannel_authentication_endpoint",
    "userinfo_endpoint",
    "end_session_endpoint",
    "check_session_iframe",
    "jwks_uri",
];
const DEMANDS: [&str; 4] = [
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "authorization_response_iss_parameter_supported",
    "dpop_bound_access_tokens",
];

type Members<'m> = Vec<(String, &'m RawValue)>;

/// The first byte chooses the issuer and the status; the rest is the body.
pub fn metadata(bytes: &[u8]) {
    let Some((chooser, body)) = bytes.split_first() else { return };
    let (issuer, on_loopback) = ISSUERS[usize::from(chooser % 4)];
    let status = STATUSES[usize::from(chooser / 4 % 16)];
    let mut discovery = Discovery::new(issuer).unwrap();
    if chooser % 4 == 3 {
        discovery = discovery.entra_tenants().unwrap();
    }
    let places = discovery.urls().count();
    let Some(found) = respond(discovery, status, body, places) else { return };

    let text = core::str::from_utf8(body).expect("what is no UTF-8 is no JSON");
    let members = raw_members(text).expect("what is no JSON object is no document");
    assert_eq!(found.as_json(), text);
    assert_eq!(found.issuer().as_str(), issuer);
    let named = one(&members, "issuer").expect("a document has one issuer");
    assert!(named == issuer || named == TEMPLATE && chooser % 4 == 3, "the document of {named:?}");
    assert!(members.iter().all(|(name, _)| name != "error"), "a document that states an error");
    for (name, url) in URLS.iter().zip(urls(&found)) {
        match url {
            Some(url) => {
                assert_eq!(one(&members, name).as_deref(), Some(url));
                is_a_place(url, on_loopback);
            }
            None => assert!(is_silent(&members, name), "{name} is lost"),
        }
    }
    let demands = [
        found.require_pushed_authorization_requests(),
        found.require_signed_request_object(),
        found.authorization_response_iss_parameter_supported(),
        found.dpop_bound_access_tokens(),
    ];
    for (name, demanded) in DEMANDS.iter().zip(demands) {
        let said = raw(&members, name).is_some_and(|json| json == "true");
        assert_eq!(demanded, said, "{name}");
        assert!(said || is_silent(&members, name) || raw(&members, name).is_some_and(|json| json == "false"), "{name}");
    }
    lists(&members, "code_challenge_methods_supported", found.code_challenge_methods_supported(), true);
    lists(&members, "scopes_supported", found.scopes_supported(), false);
    lists(&members, "grant_types_supported", found.grant_types_supported(), false);
    makes_a_server(&found);
}

/// A server, if the document is sufficient for one; the server allows no more than the document.
fn makes_a_server(found: &ServerMetadata) {
    let made = found.server();
    match &made {
        Ok(server) => {
            assert!(found.token_endpoint().is_some() && !found.dpop_bound_access_tokens());
            assert_eq!(server.requires_pushed_authorization_requests(), found.require_pushed_authorization_requests());
            let client = server.client("app").public().unwrap();
            let request = crate::Authorization::new(&client, super::REDIRECT_URI);
            let listed_without = found.code_challenge_methods_supported().is_some() && !found.announces_s256();
            if found.authorization_endpoint().is_none() || found.require_signed_request_object() || listed_without {
                assert!(request.is_err(), "an authorization request that the server cannot take");
            } else {
                assert!(request.is_ok());
            }
            let basic = server.client("app").secret_basic("s").is_ok();
            assert_eq!(
                basic,
                found.token_endpoint_auth_methods_supported().is_none()
                    || found.supports_token_endpoint_auth_method("client_secret_basic")
            );
        }
        Err(crate::Error::Misuse(Misuse::Metadata(MetadataFault::NoTokenEndpoint))) => {
            assert!(found.token_endpoint().is_none());
        }
        Err(_) => {}
    }
}

/// The first byte chooses the resource and the status. The first line of the rest is a challenge, the others the body.
pub fn resource_metadata(bytes: &[u8]) {
    let Some((chooser, rest)) = bytes.split_first() else { return };
    let (resource, on_loopback) = RESOURCES[usize::from(chooser % 4)];
    let status = STATUSES[usize::from(chooser / 4 % 16)];
    let at = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    let (challenge, body) = (&rest[..at], rest.get(at + 1..).unwrap_or_default());

    let challenges = crate::wire::challenge::Challenges::read([challenge].into_iter());
    let origin = |url: &str| url.split('/').take(3).collect::<Vec<_>>().join("/").to_ascii_lowercase();
    let Ok(discovery) = ResourceDiscovery::challenged(resource, &challenges) else { return };
    for url in discovery.urls() {
        is_a_place(&url, on_loopback);
        let port = |url: &str| origin(url).replace(":443", "").replace(":80/", "/");
        assert_eq!(port(&url), port(resource), "a place at another origin");
    }
    let places = discovery.urls().count();
    let Some(found) = respond_resource(discovery, status, body, places) else { return };

    let text = core::str::from_utf8(body).expect("what is no UTF-8 is no JSON");
    let members = raw_members(text).expect("what is no JSON object is no document");
    assert_eq!(found.as_json(), text);
    let named = one(&members, "resource").expect("a document has one resource");
    assert_eq!(found.resource(), named);
    assert!(
        named == resource || named.trim_end_matches('/') == "https://api.example" && resource == "https://api.example",
        "the document of {named:?}"
    );
    let json = raw(&members, "authorization_servers").expect("a resource names a server");
    let servers: Vec<String> = serde_json::from_str(&json).unwrap();
    assert!(!servers.is_empty());
    for issuer in found.authorization_servers() {
        assert!(servers.iter().any(|server| server == issuer.as_str()));
        assert!(!issuer.as_str().contains('?'));
        is_a_place(issuer.as_str(), on_loopback);
        assert_eq!(found.discovery(issuer).is_ok(), !found.dpop_bound_access_tokens_required());
    }
    assert!(servers.iter().all(|server| found.authorization_servers().iter().any(|issuer| issuer.as_str() == server)));
    if let Some(keys) = found.jwks_uri() {
        is_a_place(keys, on_loopback);
    }
    lists(&members, "scopes_supported", found.scopes_supported(), false);
    lists(&members, "bearer_methods_supported", found.bearer_methods_supported(), false);
}

/// A document, or `None` after the search continued or failed as it must.
fn respond(discovery: Discovery, status: u16, body: &[u8], places: usize) -> Option<ServerMetadata> {
    let plain = is_plain(discovery.issuer().as_str(), "issuer", "", body);
    outcome(status, body, places, plain, |response, env| discovery.respond(env, response))
}

fn respond_resource(discovery: ResourceDiscovery, status: u16, body: &[u8], places: usize) -> Option<ResourceMetadata> {
    let plain = is_plain(discovery.resource(), "resource", ",\"authorization_servers\":[\"https://as.example\"]", body);
    outcome(status, body, places, plain, |response, env| discovery.respond(env, response))
}

fn outcome<X: Exchange>(
    status: u16,
    body: &[u8],
    places: usize,
    plain: bool,
    respond: impl FnOnce(Response<&[u8]>, &mut Env<'_>) -> Result<Step<X>, Failure<X>>,
) -> Option<X::Output> {
    let response = Response::builder().status(status).body(body).unwrap();
    let mut rng = Counting(0);
    let is_missing = (400..500).contains(&status) && ![408, 421, 425, 429].contains(&status);
    match respond(response, &mut Env::new(NOW, &mut rng)) {
        Ok(Step::Done(found)) => {
            assert_eq!(status, 200, "only 200 brings a document");
            Some(found)
        }
        Ok(Step::Again(_)) => {
            assert!(is_missing && places > 1, "the search went on after {status}");
            None
        }
        Err(failure) => {
            assert!(!is_missing || places == 1, "{status} ended the search");
            assert!(matches!(failure.left, Left::Intact(_)), "a search is lost");
            assert!(!(plain && status == 200), "a plain document was refused: {}", failure.error);
            let shown = printed(&failure.error);
            assert!(shown.chars().all(|c| !c.is_control() || c == '\n'), "{shown}");
            None
        }
    }
}

/// The plainest possible document, with one more text in it.
fn is_plain(named: &str, member: &str, more: &str, body: &[u8]) -> bool {
    let Some(rest) = body.strip_prefix(format!("{{\"{member}\":\"{named}\"{more},\"x\":\"").as_bytes()) else {
        return false;
    };
    rest.strip_suffix(b"\"}").is_some_and(|text| text.iter().all(u8::is_ascii_alphanumeric))
}

fn raw(members: &Members<'_>, name: &str) -> Option<String> {
    let mut all = members.iter().filter(|(known, _)| known == name).map(|(_, json)| json.get().to_owned());
    let first = all.next();
    assert!(all.next().is_none(), "{name} is there twice");
    first
}

fn one(members: &Members<'_>, name: &str) -> Option<String> {
    serde_json::from_str(&raw(members, name)?).ok()
}

fn is_silent(members: &Members<'_>, name: &str) -> bool {
    raw(members, name).is_none_or(|json| json == "null")
}

/// A list is read completely or not at all; a list that protects something is read or refuses the document.
fn lists(members: &Members<'_>, name: &str, found: Option<&[String]>, is_guard: bool) {
    let said = raw(members, name).filter(|json| json != "null");
    let texts: Option<Vec<String>> = said.as_ref().and_then(|json| serde_json::from_str(json).ok());
    assert_eq!(found, texts.as_deref(), "{name}");
    assert!(!is_guard || said.is_none() || found.is_some(), "{name} is lost");
}

/// `https`, or this machine if that is allowed; only characters of a URL; never an address that was not configured.
fn is_a_place(url: &str, on_loopback: bool) {
    let lower = url.to_ascii_lowercase();
    let plain = lower.strip_prefix("http://");
    let rest = plain.or_else(|| lower.strip_prefix("https://")).unwrap_or_else(|| panic!("no web URL: {url}"));
    let authority = rest.split(['/', '?']).next().unwrap();
    assert!(!authority.is_empty() && !authority.contains('@'), "{url}");
    assert!(url.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&b)), "{url}");
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    };
    let name = host.trim_end_matches('.');
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_address = name.starts_with('[') || last.bytes().all(|b| b.is_ascii_digit());
    let is_here = host == "localhost" || host == "[::1]" || host.starts_with("127.") && is_address;
    assert!(plain.is_none() || is_here, "{url}");
    assert!(on_loopback || !is_here && !is_address && name != "localhost" && !name.ends_with(".localhost"), "{url}");
}

fn urls(found: &ServerMetadata) -> [Option<&str>; 12] {
    [
        found.authorization_endpoint(),
        found.token_endpoint(),
        found.device_authorization_endpoint(),
        found.pushed_authorization_request_endpoint(),
        found.introspection_endpoint(),
        found.revocation_endpoint(),
        found.registration_endpoint(),
        found.backchannel_authentication_endpoint(),
        found.userinfo_endpoint(),
        found.end_session_endpoint(),
        found.check_session_iframe(),
        found.jwks_uri(),
    ]
}
