//! Resource metadata: from a resource, or from what it answers, to the servers whose tokens it takes.

use grantflow::{
    Challenges, Env, Error, Exchange, Failure, Issuer, Left, MetadataFault, Misuse, Next, ResourceDiscovery,
    ResourceMetadata, Sent, Step, UrlFault, UrlRole, Violation,
};
use grantflow_testkit::{Endpoint, Misbehaviour, Server};
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

use crate::support::*;

const API: &str = "https://as.example/api/user";
const OWN: &str = "https://as.example/.well-known/oauth-protected-resource/api/user";
const HOST: &str = "https://as.example/.well-known/oauth-protected-resource";

fn challenges(lines: &[&str]) -> Challenges {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(WWW_AUTHENTICATE, line.parse().unwrap());
    }
    Challenges::of(&headers)
}

fn read(resource: &str, members: &str) -> Result<ResourceMetadata, Violation> {
    let discovery = ResourceDiscovery::new(resource).unwrap();
    discovery.read(&format!(r#"{{"resource":"{resource}",{members}}}"#)).map_err(|error| match error {
        Error::Protocol(broken) => broken.violation(),
        other => panic!("{other}"),
    })
}

const ONE: &str = r#""authorization_servers":["https://as.example"]"#;

fn violation(failure: &Failure<ResourceDiscovery>) -> Violation {
    match &failure.error {
        Error::Protocol(broken) => broken.violation(),
        other => panic!("{other}"),
    }
}

fn fault<T: std::fmt::Debug>(result: Result<T, Error>) -> (UrlRole, UrlFault) {
    match result.unwrap_err() {
        Error::Misuse(Misuse::Url { role, fault }) => (role, fault),
        other => panic!("{other}"),
    }
}

/// An answer of this document, at the place of the resource's own document.
fn own(resource: &str, named: &str) -> Result<Step<ResourceDiscovery>, Failure<ResourceDiscovery>> {
    let document = format!(r#"{{"resource":"{named}",{ONE}}}"#);
    ResourceDiscovery::new(resource).unwrap().respond(&mut Env::new(NOW, &mut Dice(1)), json(200, &document))
}

/// The same, at the place of the host's document.
fn host(resource: &str, named: &str) -> Result<Step<ResourceDiscovery>, Failure<ResourceDiscovery>> {
    let mut dice = Dice(1);
    let mut env = Env::new(NOW, &mut dice);
    let Ok(Step::Again(at_host)) = ResourceDiscovery::new(resource).unwrap().respond(&mut env, json(404, "")) else {
        panic!("there is no second place")
    };
    at_host.respond(&mut env, json(200, &format!(r#"{{"resource":"{named}",{ONE}}}"#)))
}

#[test]
fn from_a_401_to_a_server() {
    let mut provider = Server::new(ISSUER);
    provider.knobs().challenge_names_metadata = true;
    provider.knobs().resource_scopes_supported = vec!["read".to_owned(), "write".to_owned()];
    let refused = provider.handle(&http::Request::get(API).body("").unwrap());
    assert_eq!(refused.status(), 401);
    let discovery = ResourceDiscovery::challenged(API, &Challenges::of(refused.headers())).unwrap();
    let (found, asked) = run_to_its_end(&mut provider, discovery);
    let resource = found.unwrap();
    assert_eq!(asked, [OWN]);
    assert_eq!(resource.resource(), API);
    assert_eq!(resource.scopes_supported().unwrap(), ["read", "write"]);
    assert_eq!(resource.bearer_methods_supported().unwrap(), ["header"]);
    let issuer = resource.only_authorization_server().unwrap().clone();
    let (found, _) = run_to_its_end(&mut provider, resource.discovery(&issuer).unwrap());
    let server = found.unwrap().server().unwrap();
    assert!(server.client(ID).secret_basic(SECRET).is_ok());
}

#[test]
fn without_a_challenge_the_own_place_is_asked_and_then_the_hosts() {
    let mut provider = Server::new(ISSUER);
    let (found, asked) = run_to_its_end(&mut provider, ResourceDiscovery::new(API).unwrap());
    assert_eq!((found.unwrap().resource(), asked), (API, vec![OWN.to_owned()]));

    provider.knobs().omit(Endpoint::ResourceMetadata).serve(Endpoint::ResourceMetadataAtRoot);
    let (found, asked) = run_to_its_end(&mut provider, ResourceDiscovery::new(API).unwrap());
    assert_eq!((found.unwrap().resource(), asked), (ISSUER, vec![OWN.to_owned(), HOST.to_owned()]));

    // A challenge that names nothing changes nothing.
    for lines in [&["Bearer"][..], &[], &["Basic realm=\"x\""], &["Bearer resource_metadata=\"\""]] {
        let discovery = ResourceDiscovery::challenged(API, &challenges(lines)).unwrap();
        assert_eq!(discovery.urls().collect::<Vec<_>>(), [OWN, HOST], "{lines:?}");
    }
}

#[test]
fn each_place_follows_from_the_identifier_by_string_rules() {
    for (resource, places) in [
        ("https://a.example", &["https://a.example/.well-known/oauth-protected-resource"][..]),
        ("https://a.example/", &["https://a.example/.well-known/oauth-protected-resource"]),
        (
            "https://a.example/mcp/",
            &[
                "https://a.example/.well-known/oauth-protected-resource/mcp/",
                "https://a.example/.well-known/oauth-protected-resource",
            ],
        ),
        (
            "https://a.example/mcp?t=1",
            &[
                "https://a.example/.well-known/oauth-protected-resource/mcp?t=1",
                "https://a.example/.well-known/oauth-protected-resource",
            ],
        ),
        (
            "https://a.example/?t=1",
            &[
                "https://a.example/.well-known/oauth-protected-resource?t=1",
                "https://a.example/.well-known/oauth-protected-resource",
            ],
        ),
    ] {
        let discovery = ResourceDiscovery::new(resource).unwrap();
        assert_eq!(discovery.urls().collect::<Vec<_>>(), places, "{resource}");
        assert_eq!(discovery.resource(), resource);
    }
}

#[test]
fn each_4xx_that_is_final_goes_on_and_every_other_status_ends_it() {
    for status in (200..=599).filter(|status| *status != 200) {
        let discovery = ResourceDiscovery::new(API).unwrap();
        let goes_on = (400..500).contains(&status) && ![408, 421, 425, 429].contains(&status);
        match discovery.respond(&mut Env::new(NOW, &mut Dice(1)), json(status, r#"{"error":"x"}"#)) {
            Ok(Step::Again(next)) => {
                assert!(goes_on, "{status}");
                let request = next.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
                assert_eq!(request.uri(), HOST);
            }
            Ok(Step::Done(_)) => panic!("{status} brings no document"),
            Err(failure) => assert!(!goes_on && matches!(failure.left, Left::Intact(_)), "{status}"),
        }
    }
}

#[test]
fn a_document_that_is_there_and_wrong_ends_it() {
    for fault in [
        Misbehaviour::append("resource", "/"),
        Misbehaviour::append("resource", "1"),
        Misbehaviour::remove("resource"),
        Misbehaviour::remove("authorization_servers"),
        Misbehaviour::set("authorization_servers", "[]"),
        Misbehaviour::set("authorization_servers", "[\"javascript:alert(1)\"]"),
        Misbehaviour::duplicate("authorization_servers", "[\"https://attacker.example\"]"),
        Misbehaviour::Huge { size: 2 * 1024 * 1024 },
        Misbehaviour::Array,
        Misbehaviour::Bom,
        Misbehaviour::Html { status: 200, acts: false },
        Misbehaviour::Html { status: 500, acts: false },
        Misbehaviour::Redirect { status: 301, location: HOST.to_owned(), acts: false },
        Misbehaviour::RetryAfter { status: 429, value: "5".to_owned(), acts: false },
        Misbehaviour::Lost { acts: false },
    ] {
        let mut provider = Server::new(ISSUER);
        provider
            .knobs()
            .serve(Endpoint::ResourceMetadataAtRoot)
            .misbehave_at(Endpoint::ResourceMetadata, fault.clone());
        let (found, asked) = run_to_its_end(&mut provider, ResourceDiscovery::new(API).unwrap());
        assert_eq!(asked, [OWN], "{fault:?}");
        let Left::Intact(left) = found.unwrap_err().left else { panic!("{fault:?}: it is lost") };
        assert!(run_to_its_end(&mut provider, *left).0.is_ok(), "{fault:?}");
    }
}

#[test]
fn a_search_without_a_find_says_where_it_looked() {
    let mut provider = Server::new(ISSUER);
    provider.knobs().omit(Endpoint::ResourceMetadata);
    let (found, _) = run_to_its_end(&mut provider, ResourceDiscovery::new(API).unwrap());
    let failure = found.unwrap_err();
    assert_eq!(violation(&failure), Violation::NoDocument);
    assert_eq!(failure.error.next(), Next::FixConfiguration);
    assert_eq!(failure.error.answer().unwrap().endpoint(), UrlRole::ResourceMetadata);
    let shown = failure.error.to_string();
    assert!(shown.contains(&format!("no document at {OWN} nor at {HOST} (HTTP 404)")), "{shown}");
    let Left::Intact(left) = failure.left else { panic!("it is lost") };
    provider.knobs().serve(Endpoint::ResourceMetadata);
    assert_eq!(run_to_its_end(&mut provider, *left).1, [OWN]);
}

#[test]
fn an_answer_that_is_lost_leaves_it_intact() {
    for sent in [Sent::NotSent, Sent::MaybeSent] {
        let failure =
            ResourceDiscovery::new(API).unwrap().unanswered(&mut Env::new(NOW, &mut Dice(1)), sent).unwrap_err();
        assert!(matches!((failure.left, failure.error), (Left::Intact(_), Error::NoAnswer(_))));
    }
}

#[test]
fn the_resource_is_compared_byte_for_byte_but_for_the_slash_of_a_bare_host() {
    let is_taken = |asked, named| matches!(own(asked, named), Ok(Step::Done(_)));
    for (asked, named) in [
        (API, API),
        ("https://as.example", "https://as.example"),
        ("https://as.example", "https://as.example/"),
        ("https://as.example/", "https://as.example"),
        ("https://as.example/mcp?t=1", "https://as.example/mcp?t=1"),
    ] {
        assert!(is_taken(asked, named), "{asked} {named}");
    }
    for (asked, named) in [
        (API, "https://as.example/api/user/"),
        ("https://as.example/api/user/", API),
        (API, "https://as.example/api"),
        (API, "https://as.example"),
        (API, "https://AS.example/api/user"),
        (API, "https://as.example:443/api/user"),
        (API, "http://as.example/api/user"),
        (API, "https://as.example/api/use%72"),
        (API, "https://as.example/api/user?x"),
        (API, "https://attacker.example/api/user"),
        ("https://as.example", "https://as.example//"),
        ("https://as.example", "https://AS.example/"),
        ("https://as.example/?t=1", "https://as.example?t=1"),
        ("https://as.example/?t=1", "https://as.example/"),
    ] {
        let failure = own(asked, named).unwrap_err();
        assert_eq!(violation(&failure), Violation::OtherResource, "{asked} {named}");
        let Error::Protocol(broken) = &failure.error else { unreachable!("it is one") };
        let mismatch = broken.mismatch().unwrap();
        assert_eq!((mismatch.member(), mismatch.expected_from()), ("resource", None));
        assert_eq!((mismatch.expected(), mismatch.untrusted_received()), (asked, named));
        assert!(failure.error.to_string().contains("the resource in the document at "), "{}", failure.error);
    }
    assert_eq!(violation(&own(API, "").unwrap_err()), Violation::Empty("resource"));
}

#[test]
fn the_document_of_the_host_names_the_resource_or_the_host() {
    for named in [API, "https://as.example", "https://as.example/"] {
        let Ok(Step::Done(found)) = host(API, named) else { panic!("{named} is refused") };
        assert_eq!(found.resource(), named);
    }
    for named in
        ["https://as.example/api", "https://as.example/other", "https://attacker.example", "https://as.example//"]
    {
        assert_eq!(violation(&host(API, named).unwrap_err()), Violation::OtherResource, "{named}");
    }
}

#[test]
fn a_kept_document_is_read_again_wherever_it_came_from() {
    let discovery = ResourceDiscovery::new(API).unwrap();
    let document = |named: &str| format!(r#"{{"resource":"{named}",{ONE}}}"#);
    for named in [API, "https://as.example", "https://as.example/"] {
        let found = discovery.read(&document(named)).unwrap();
        assert_eq!(found.resource(), named);
        assert!(discovery.read(found.as_json()).is_ok());
    }
    for named in ["https://as.example/api", "https://attacker.example", "https://as.example/api/user/"] {
        assert!(discovery.read(&document(named)).is_err(), "{named}");
    }
}

#[test]
fn the_challenge_names_the_place_and_no_other_is_asked() {
    for (lines, place) in [
        (&["Bearer resource_metadata=\"https://as.example/meta?x=1\""][..], "https://as.example/meta?x=1"),
        (&["Basic realm=\"x\", Bearer resource_metadata=\"https://as.example/meta\""], "https://as.example/meta"),
        (
            &["DPoP resource_metadata=\"https://as.example/dpop\", Bearer resource_metadata=\"https://as.example/b\""],
            "https://as.example/b",
        ),
        (&["DPoP algs=\"ES256\", resource_metadata=\"https://as.example/dpop\""], "https://as.example/dpop"),
        (&["Custom resource_metadata=\"https://as.example/custom\""], "https://as.example/custom"),
        (&["Bearer", "Bearer resource_metadata=\"https://AS.example:443/second\""], "https://AS.example:443/second"),
    ] {
        let discovery = ResourceDiscovery::challenged(API, &challenges(lines)).unwrap();
        assert_eq!(discovery.urls().collect::<Vec<_>>(), [place], "{lines:?}");
        let failure = discovery.respond(&mut Env::new(NOW, &mut Dice(1)), json(404, "")).unwrap_err();
        assert_eq!(violation(&failure), Violation::NoDocument);
    }
    // A parameter that is there twice is not believed.
    let twice =
        challenges(&["Bearer resource_metadata=\"https://as.example/a\", resource_metadata=\"https://as.example/b\""]);
    assert_eq!(ResourceDiscovery::challenged(API, &twice).unwrap().urls().next().unwrap(), OWN);
}

#[test]
fn a_challenged_document_names_the_resource_and_not_its_host() {
    let named = challenges(&[&format!("Bearer resource_metadata=\"{HOST}\"")]);
    let discovery = ResourceDiscovery::challenged(API, &named).unwrap();
    assert!(discovery.read(&format!(r#"{{"resource":"{API}",{ONE}}}"#)).is_ok());
    assert!(discovery.read(&format!(r#"{{"resource":"{ISSUER}",{ONE}}}"#)).is_err(), "RFC 9728 §3.3");
}

#[test]
fn a_challenge_cannot_send_the_program_anywhere() {
    let named = |url: &str| challenges(&[&format!("Bearer resource_metadata=\"{url}\"")]);
    for (url, why) in [
        ("http://as.example/meta", UrlFault::Insecure),
        ("https://127.0.0.1/meta", UrlFault::Address),
        ("http://localhost:8080/meta", UrlFault::Address),
        ("https://169.254.169.254/latest", UrlFault::Address),
        ("https://2130706433/meta", UrlFault::Address),
        ("https://0177.1/", UrlFault::Address),
        ("https://localhost./", UrlFault::Address),
        ("https://[::ffff:127.0.0.1]/", UrlFault::Address),
        ("/meta", UrlFault::Relative),
        ("file:///etc/passwd", UrlFault::NoHost),
        ("https://user@as.example/meta", UrlFault::UserInfo),
        ("https://as.example/meta#x", UrlFault::Fragment),
    ] {
        for discovery in [
            ResourceDiscovery::challenged(API, &named(url)),
            ResourceDiscovery::challenged_to_any_origin(API, &named(url)),
        ] {
            assert_eq!(fault(discovery), (UrlRole::ResourceMetadata, why), "{url}");
        }
    }
    for elsewhere in ["https://meta.example/x", "https://as.example:8443/meta", "https://as.example.evil.example/meta"]
    {
        let refused = ResourceDiscovery::challenged(API, &named(elsewhere));
        assert_eq!(fault(refused), (UrlRole::ResourceMetadata, UrlFault::OtherOrigin), "{elsewhere}");
        let door = ResourceDiscovery::challenged_to_any_origin(API, &named(elsewhere)).unwrap();
        assert_eq!(door.urls().collect::<Vec<_>>(), [elsewhere]);
    }
    // A resource on this machine may have its metadata there.
    let here = ResourceDiscovery::challenged("http://127.0.0.1:1/api", &named("http://127.0.0.1:1/meta"));
    assert!(here.is_ok());
}

#[test]
fn a_resource_is_a_web_url() {
    for (bad, why) in [
        ("http://as.example/api", UrlFault::Insecure),
        ("urn:example:api", UrlFault::Relative),
        ("api", UrlFault::Relative),
        ("https://as.example/api#x", UrlFault::Fragment),
        ("https://u@as.example/api", UrlFault::UserInfo),
    ] {
        assert_eq!(fault(ResourceDiscovery::new(bad)), (UrlRole::Resource, why), "{bad}");
    }
}

#[test]
fn the_caller_chooses_among_several_servers() {
    let several = r#""authorization_servers":["https://one.example","https://two.example/","https://one.example"]"#;
    let resource = read(API, several).unwrap();
    let names: Vec<&str> = resource.authorization_servers().iter().map(Issuer::as_str).collect();
    assert_eq!(names, ["https://one.example", "https://two.example/"]);
    assert!(resource.only_authorization_server().is_none());
    for issuer in resource.authorization_servers() {
        assert_eq!(resource.discovery(issuer).unwrap().issuer(), issuer);
    }
    for other in ["https://two.example", "https://three.example"] {
        let refused = resource.discovery(&Issuer::new(other).unwrap());
        assert!(matches!(refused, Err(Error::Misuse(Misuse::Metadata(MetadataFault::UnlistedServer)))), "{other}");
    }
}

#[test]
fn an_issuer_that_a_resource_named_is_named_in_the_error() {
    let resource = read(API, ONE).unwrap();
    let discovery = resource.discovery(resource.only_authorization_server().unwrap()).unwrap();
    let error = discovery.read(r#"{"issuer":"https://upstream.example"}"#).unwrap_err();
    let Error::Protocol(broken) = &error else { panic!("{error}") };
    assert_eq!(broken.mismatch().unwrap().expected_from(), Some(OWN));
    let shown = error.to_string();
    assert!(
        shown.contains(&format!("is https://upstream.example, and not {ISSUER}, which the document at {OWN} names")),
        "{shown}"
    );
}

#[test]
fn a_resource_on_the_network_names_no_server_on_this_machine() {
    let servers =
        |resource, url: &str| read(resource, &format!(r#""authorization_servers":["https://good.example","{url}"]"#));
    let wrong = |fault| Violation::Url { member: "authorization_servers", fault };
    for (url, why) in [
        ("http://127.0.0.1:9000", UrlFault::Address),
        ("https://localhost", UrlFault::Address),
        ("https://169.254.169.254", UrlFault::Address),
        ("http://as.example", UrlFault::Insecure),
        ("https://as.example?a=b", UrlFault::Query),
        ("https://as.example#x", UrlFault::Fragment),
        ("javascript:alert(1)", UrlFault::Relative),
        ("", UrlFault::Empty),
        ("as.example", UrlFault::Relative),
    ] {
        assert_eq!(servers(API, url).unwrap_err(), wrong(why), "{url}");
    }
    let here = servers("http://localhost:1/api", "http://127.0.0.1:9000").unwrap();
    let discovery = here.discovery(&here.authorization_servers()[1]).unwrap();
    let metadata = discovery.read(r#"{"issuer":"http://127.0.0.1:9000","token_endpoint":"http://127.0.0.1:9000/t"}"#);
    assert!(metadata.is_ok());
    // A server that was named on the network cannot name this machine either.
    let there = read(API, ONE).unwrap();
    let discovery = there.discovery(there.only_authorization_server().unwrap()).unwrap();
    assert!(discovery.read(r#"{"issuer":"https://as.example","token_endpoint":"http://127.0.0.1:9000/t"}"#).is_err());
}

#[test]
fn a_list_of_servers_is_a_list_of_texts_and_not_empty() {
    for (json, why) in [
        ("[]", Violation::Empty("authorization_servers")),
        ("null", Violation::WrongType("authorization_servers")),
        ("{}", Violation::WrongType("authorization_servers")),
        ("\"https://as.example\"", Violation::WrongType("authorization_servers")),
        ("[\"https://as.example\",42]", Violation::WrongType("authorization_servers")),
        ("[null]", Violation::WrongType("authorization_servers")),
    ] {
        assert_eq!(read(API, &format!(r#""authorization_servers":{json}"#)).unwrap_err(), why, "{json}");
    }
    assert_eq!(read(API, r#""x":1"#).unwrap_err(), Violation::Missing("authorization_servers"));
}

#[test]
fn a_resource_that_demands_bound_tokens_says_so_before_a_login() {
    let resource = read(API, &format!(r#"{ONE},"dpop_bound_access_tokens_required":true"#)).unwrap();
    assert!(resource.dpop_bound_access_tokens_required());
    let refused = resource.discovery(resource.only_authorization_server().unwrap());
    assert!(matches!(refused, Err(Error::Misuse(Misuse::Metadata(MetadataFault::Dpop)))));
    for json in [r#""true""#, "1", "[]"] {
        let found = read(API, &format!(r#"{ONE},"dpop_bound_access_tokens_required":{json}"#));
        assert_eq!(found.unwrap_err(), Violation::WrongType("dpop_bound_access_tokens_required"));
    }
    let may = read(API, &format!(r#"{ONE},"tls_client_certificate_bound_access_tokens":true"#)).unwrap();
    assert!(may.tls_client_certificate_bound_access_tokens());
    assert!(may.discovery(may.only_authorization_server().unwrap()).is_ok());
}

#[test]
fn every_other_member_is_read_or_costs_itself() {
    let whole = format!(
        r#"{ONE},"jwks_uri":"https://as.example/keys","scopes_supported":["a"],"bearer_methods_supported":[],
        "resource_name":"Clubs <b>","resource_documentation":"https://as.example/docs#x","resource_policy_uri":"https://as.example/p",
        "resource_tos_uri":"https://as.example/t","authorization_details_types_supported":["d"],
        "dpop_signing_alg_values_supported":["ES256"],"resource_name#de":"Vereine","signed_metadata":"a.b.c""#
    );
    let found = read(API, &whole).unwrap();
    assert_eq!(found.jwks_uri(), Some("https://as.example/keys"));
    assert_eq!(found.scopes_supported().unwrap(), ["a"]);
    assert!(found.bearer_methods_supported().unwrap().is_empty());
    assert_eq!(found.untrusted_resource_name(), Some("Clubs <b>"));
    assert_eq!(found.resource_documentation(), Some("https://as.example/docs#x"));
    assert_eq!(found.resource_policy_uri(), Some("https://as.example/p"));
    assert_eq!(found.resource_tos_uri(), Some("https://as.example/t"));
    assert_eq!(found.authorization_details_types_supported().unwrap(), ["d"]);
    assert_eq!(found.dpop_signing_alg_values_supported().unwrap(), ["ES256"]);
    assert!(found.tolerated().is_empty());
    let more: std::collections::BTreeMap<String, String> = found.extra().unwrap();
    assert_eq!(more["resource_name#de"], "Vereine");
    assert!(ResourceDiscovery::new(API).unwrap().read(found.as_json()).is_ok());

    let names = [
        "scopes_supported",
        "bearer_methods_supported",
        "resource_name",
        "resource_documentation",
        "resource_policy_uri",
        "resource_tos_uri",
        "authorization_details_types_supported",
        "dpop_signing_alg_values_supported",
        "tls_client_certificate_bound_access_tokens",
    ];
    for name in names {
        assert_eq!(read(API, &format!(r#"{ONE},"{name}":[7]"#)).unwrap().tolerated(), [name]);
        assert!(read(API, &format!(r#"{ONE},"{name}":null"#)).unwrap().tolerated().is_empty(), "{name}");
        let twice = format!(r#"{ONE},"{name}":null,"{name}":null"#);
        assert_eq!(read(API, &twice).unwrap_err(), Violation::Duplicate(name));
    }
    for json in [r#""javascript:alert(1)""#, r#""http://as.example/keys""#, "7", r#""""#] {
        assert!(read(API, &format!(r#"{ONE},"jwks_uri":{json}"#)).is_err(), "{json}");
    }
}

#[test]
fn what_the_server_wrote_is_not_printed() {
    let found =
        read("https://as.example/api?key=s3cret", &format!(r#"{ONE},"resource_name":"s3cret","x":"s3cret""#)).unwrap();
    let discovery = ResourceDiscovery::new("https://as.example/api?key=s3cret").unwrap();
    let failure = own("https://as.example/api?key=s3cret", "https://as.example/api?key=s3cret1").unwrap_err();
    let shown = format!("{found:?} {discovery:?} {failure} {failure:?} {:?}", failure.error);
    assert!(!shown.contains("s3cret"), "{shown}");
}
