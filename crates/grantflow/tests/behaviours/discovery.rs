//! Server metadata: where it is looked for, in which order, and what ends the search.

use grantflow::{
    Discovery, Env, Error, Exchange, Failure, Issuer, Left, MetadataFault, Misuse, Next, Sent, ServerMetadata, Step,
    UrlFault, UrlRole, Violation, WellKnown,
};
use grantflow_testkit::{Endpoint, Misbehaviour, Server};
use http::Response;

use crate::support::*;

const OAUTH: &str = "https://as.example/.well-known/oauth-authorization-server";
const OPENID: &str = "https://as.example/.well-known/openid-configuration";

fn answer(discovery: Discovery, response: Response<Vec<u8>>) -> Result<Step<Discovery>, Failure<Discovery>> {
    discovery.respond(&mut Env::new(NOW, &mut Dice(1)), response)
}

fn violation(failure: &Failure<Discovery>) -> Violation {
    match &failure.error {
        Error::Protocol(broken) => broken.violation(),
        other => panic!("{other}"),
    }
}

fn metadata_fault<T: std::fmt::Debug>(result: Result<T, Error>) -> MetadataFault {
    match result.unwrap_err() {
        Error::Misuse(Misuse::Metadata(fault)) => fault,
        other => panic!("{other}"),
    }
}

fn document(issuer: &str) -> Response<Vec<u8>> {
    json(200, &format!(r#"{{"issuer":"{issuer}","token_endpoint":"https://as.example/token"}}"#))
}

fn read(discovery: &Discovery, members: &str) -> Result<ServerMetadata, Error> {
    discovery.read(&format!(r#"{{"issuer":"{}"{members}}}"#, discovery.issuer()))
}

#[test]
fn the_places_are_asked_in_order_until_one_has_a_document() {
    let path = "https://as.example/tenant";
    let places = [
        "https://as.example/.well-known/oauth-authorization-server/tenant",
        "https://as.example/.well-known/openid-configuration/tenant",
        "https://as.example/tenant/.well-known/openid-configuration",
    ];
    let endpoints = [Endpoint::ServerMetadata, Endpoint::OpenidConfigurationInserted, Endpoint::OpenidConfiguration];
    for (at, served) in endpoints.into_iter().enumerate() {
        let mut provider = Server::new(path);
        for endpoint in endpoints {
            provider.knobs().omit(endpoint);
        }
        provider.knobs().serve(served);
        let (metadata, asked) = run_to_its_end(&mut provider, Discovery::new(path).unwrap());
        assert_eq!(metadata.unwrap().issuer().as_str(), path);
        assert_eq!(asked, places[..=at]);
    }
    // Without a path, the two places of OpenID are one.
    let mut provider = Server::new(ISSUER);
    provider.knobs().omit(Endpoint::ServerMetadata).serve(Endpoint::OpenidConfiguration);
    let (metadata, asked) = run_to_its_end(&mut provider, Discovery::new(ISSUER).unwrap());
    assert!(metadata.is_ok());
    assert_eq!(asked, [OAUTH, OPENID]);
}

#[test]
fn the_order_is_the_callers() {
    let discovery = Discovery::new("https://as.example/t").unwrap();
    let urls = |order: &[WellKnown]| discovery.clone().at(order).unwrap().urls().collect::<Vec<_>>();
    assert_eq!(urls(&[WellKnown::OAuth]), ["https://as.example/.well-known/oauth-authorization-server/t"]);
    assert_eq!(urls(&[WellKnown::OpenIdAppended]), ["https://as.example/t/.well-known/openid-configuration"]);
    assert_eq!(
        urls(&[WellKnown::OpenIdAppended, WellKnown::OAuth, WellKnown::OpenIdAppended]),
        [
            "https://as.example/t/.well-known/openid-configuration",
            "https://as.example/.well-known/oauth-authorization-server/t"
        ]
    );
    assert_eq!(metadata_fault(discovery.at(&[])), MetadataFault::NothingToAsk);
    // One kind alone asks nothing else.
    let mut provider = Server::new(ISSUER);
    let only_openid = Discovery::new(ISSUER).unwrap().at(&[WellKnown::OpenIdAppended]).unwrap();
    let (found, asked) = run_to_its_end(&mut provider, only_openid);
    assert_eq!(violation(&found.unwrap_err()), Violation::NoDocument);
    assert_eq!(asked, [OPENID]);
}

#[test]
fn a_request_holds_nothing_but_the_wish_for_json() {
    let request = Discovery::new(ISSUER).unwrap().request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("GET", OAUTH));
    let headers: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    assert_eq!(headers, [("accept", &b"application/json"[..])]);
    assert!(request.body().as_ref().is_empty());
}

#[test]
fn each_4xx_that_is_final_goes_on_and_every_other_status_ends_it() {
    for status in (200..=599).filter(|status| *status != 200) {
        let step = answer(Discovery::new(ISSUER).unwrap(), json(status, "{}"));
        let goes_on = (400..500).contains(&status) && ![408, 421, 425, 429].contains(&status);
        match step {
            Ok(Step::Again(next)) => {
                assert!(goes_on, "{status}");
                let request = next.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
                assert_eq!(request.uri(), OPENID, "{status}");
            }
            Ok(Step::Done(_)) => panic!("{status} brings no document"),
            Err(failure) => {
                assert!(!goes_on, "{status}");
                let Left::Intact(left) = failure.left else { panic!("{status}: the search is lost") };
                assert_eq!(left.urls().collect::<Vec<_>>(), [OAUTH, OPENID], "{status}");
                let expected_retry =
                    status >= 500 && ![501, 505].contains(&status) || [408, 421, 425, 429].contains(&status);
                assert_eq!(matches!(failure.error.next(), Next::RetryLater(_)), expected_retry, "{status}");
            }
        }
    }
}

#[test]
fn an_error_beside_the_status_does_not_stop_the_search() {
    for body in [r#"{"error":"not_found"}"#, r#"{"error":7}"#, "<html>", "", &"x".repeat(2_000_000)] {
        assert!(matches!(answer(Discovery::new(ISSUER).unwrap(), json(404, body)), Ok(Step::Again(_))));
    }
}

#[test]
fn a_search_without_a_find_names_every_place_and_starts_again_from_the_first() {
    let mut provider = Server::new(ISSUER);
    provider.knobs().omit(Endpoint::ServerMetadata);
    let (found, asked) = run_to_its_end(&mut provider, Discovery::new(ISSUER).unwrap());
    let failure = found.unwrap_err();
    assert_eq!(asked, [OAUTH, OPENID]);
    assert_eq!(violation(&failure), Violation::NoDocument);
    let shown = failure.error.to_string();
    let expected =
        format!("the server metadata cannot be used: there is no document at {OAUTH} nor at {OPENID} (HTTP 404)");
    assert_eq!(shown, expected);
    assert_eq!(failure.error.answer().unwrap().endpoint(), UrlRole::Metadata);
    let Left::Intact(left) = failure.left else { panic!("the search is lost") };
    provider.knobs().serve(Endpoint::ServerMetadata);
    let (found, asked) = run_to_its_end(&mut provider, *left);
    assert!(found.is_ok());
    assert_eq!(asked, [OAUTH]);
}

#[test]
fn a_document_that_is_there_and_wrong_ends_the_search() {
    for fault in [
        Misbehaviour::append("issuer", "/"),
        Misbehaviour::append("issuer", "1"),
        Misbehaviour::append("issuer", "INVALID"),
        Misbehaviour::remove("issuer"),
        Misbehaviour::set("issuer", "null"),
        Misbehaviour::set("issuer", "[\"https://as.example\"]"),
        Misbehaviour::duplicate("issuer", "\"https://as.example\""),
        Misbehaviour::Array,
        Misbehaviour::Bom,
        Misbehaviour::NotUtf8,
        Misbehaviour::Huge { size: 2 * 1024 * 1024 },
        Misbehaviour::Status(201),
        Misbehaviour::Status(203),
        Misbehaviour::CutShort { keep: 20, announced: false },
        Misbehaviour::Html { status: 200, acts: false },
        Misbehaviour::Empty { status: 200, acts: false },
        Misbehaviour::Empty { status: 204, acts: false },
        Misbehaviour::error(200, "invalid_request"),
        Misbehaviour::Redirect { status: 302, location: OPENID.to_owned(), acts: false },
        Misbehaviour::Redirect { status: 307, location: OPENID.to_owned(), acts: false },
        Misbehaviour::Html { status: 502, acts: false },
        Misbehaviour::RetryAfter { status: 503, value: "7".to_owned(), acts: false },
        Misbehaviour::RetryAfter { status: 429, value: "7".to_owned(), acts: false },
        Misbehaviour::Lost { acts: false },
    ] {
        let mut provider = Server::new(ISSUER);
        provider.knobs().serve(Endpoint::OpenidConfiguration).misbehave_at(Endpoint::ServerMetadata, fault.clone());
        let (found, asked) = run_to_its_end(&mut provider, Discovery::new(ISSUER).unwrap());
        let failure = found.unwrap_err();
        assert_eq!(asked, [OAUTH], "{fault:?}");
        assert!(provider.after_misbehaviour().is_empty(), "{fault:?}");
        // Nothing is lost: the same search finds it once the server behaves.
        let Left::Intact(left) = failure.left else { panic!("{fault:?}: the search is lost") };
        assert!(run_to_its_end(&mut provider, *left).0.is_ok(), "{fault:?}");
    }
}

#[test]
fn a_search_that_an_outage_stops_goes_on_where_it_was() {
    let mut provider = Server::new(ISSUER);
    provider.knobs().omit(Endpoint::ServerMetadata).serve(Endpoint::OpenidConfiguration);
    provider.knobs().misbehave_at(Endpoint::OpenidConfiguration, Misbehaviour::Html { status: 503, acts: false });
    let (found, asked) = run_to_its_end(&mut provider, Discovery::new(ISSUER).unwrap());
    assert_eq!(asked, [OAUTH, OPENID]);
    let Left::Intact(left) = found.unwrap_err().left else { panic!("the search is lost") };
    let (found, asked) = run_to_its_end(&mut provider, *left);
    assert!(found.is_ok());
    assert_eq!(asked, [OPENID]);
}

#[test]
fn an_answer_that_is_lost_leaves_the_search_intact() {
    for sent in [Sent::NotSent, Sent::MaybeSent] {
        let failure = Discovery::new(ISSUER).unwrap().unanswered(&mut Env::new(NOW, &mut Dice(1)), sent).unwrap_err();
        assert!(matches!(failure.left, Left::Intact(_)));
        assert!(matches!(failure.error, Error::NoAnswer(how) if how == sent));
    }
    let failure = answer(Discovery::new(ISSUER).unwrap(), json(103, "")).unwrap_err();
    assert!(matches!(failure.error, Error::Misuse(Misuse::InterimResponse)));
    assert!(matches!(failure.left, Left::Intact(_)));
}

#[test]
fn the_issuer_is_compared_byte_for_byte_and_the_error_says_who_named_whom() {
    for other in [
        "https://as.example/",
        "https://AS.example",
        "https://as.example:443",
        "HTTPS://as.example",
        "https://as.example1",
        "https://as.exampl%65",
        "https://attacker.example",
        "http://as.example",
        "https://as.example?x",
        "https://as.example#x",
        "not a url",
        " https://as.example",
        "https://as.example ",
    ] {
        let failure = answer(Discovery::new(ISSUER).unwrap(), document(other)).unwrap_err();
        assert_eq!(violation(&failure), Violation::OtherIssuer, "{other}");
        let Error::Protocol(broken) = &failure.error else { unreachable!("it is one") };
        let mismatch = broken.mismatch().unwrap();
        assert_eq!(mismatch.member(), "issuer");
        assert_eq!((mismatch.expected(), mismatch.untrusted_received()), (ISSUER, other));
        assert_eq!((mismatch.expected_from(), mismatch.received_from()), (None, OAUTH));
        let shown = failure.error.to_string();
        assert!(
            shown.contains(OAUTH) && shown.contains("and not https://as.example, which the caller gave"),
            "{shown}"
        );
        // It is printed only if it is an issuer.
        assert_eq!(shown.contains(&format!("is {other},")), Issuer::new(other).is_ok(), "{shown}");
        assert_eq!(shown.contains("only in the slash at the end"), other == "https://as.example/", "{shown}");
    }
    let failure = answer(Discovery::new(ISSUER).unwrap(), document("")).unwrap_err();
    assert_eq!(violation(&failure), Violation::Empty("issuer"));
}

#[test]
fn entras_template_is_taken_through_its_door_and_nothing_else_is() {
    let common = "https://login.microsoftonline.com/common/v2.0";
    let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
    let plain = Discovery::new(common).unwrap();
    let failure = answer(plain.clone(), document(template)).unwrap_err();
    assert_eq!(violation(&failure), Violation::OtherIssuer);

    let door = plain.entra_tenants().unwrap();
    let Ok(Step::Done(metadata)) = answer(door.clone(), document(template)) else { panic!("the door is shut") };
    assert_eq!((metadata.issuer().as_str(), metadata.issuer_template()), (common, Some(template)));
    let Ok(Step::Done(metadata)) = answer(door.clone(), document(common)) else { panic!("its own name is refused") };
    assert_eq!(metadata.issuer_template(), None);
    for other in [
        "https://login.microsoftonline.com/{tenantid}/v2.0/",
        "https://login.microsoftonline.com/{tenantId}/v2.0",
        "https://login.microsoftonline.com/{tenantid}",
        "https://login.microsoftonline.com/organizations/v2.0",
        "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
        "https://attacker.example/{tenantid}/v2.0",
        "https://sts.windows.net/{tenantid}/",
    ] {
        assert_eq!(violation(&answer(door.clone(), document(other)).unwrap_err()), Violation::OtherIssuer, "{other}");
    }
    assert!(Discovery::new("https://login.microsoftonline.us/organizations/v2.0").unwrap().entra_tenants().is_ok());
    for one_tenant in [
        "https://as.example",
        "https://as.example/",
        "https://as.example/commons/v2.0",
        "https://as.example/common",
        "https://as.example/x/common/v2.0",
        "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
    ] {
        let door = Discovery::new(one_tenant).unwrap().entra_tenants();
        assert_eq!(metadata_fault(door), MetadataFault::NoTenants, "{one_tenant}");
    }
}

#[test]
fn an_issuer_is_https_or_loopback_and_no_door_for_plain_http_opens_it() {
    for (bad, why) in [
        ("http://as.example", UrlFault::Insecure),
        ("as.example", UrlFault::Relative),
        ("https://as.example?x=1", UrlFault::Query),
        ("https://as.example#x", UrlFault::Fragment),
        ("https://u@as.example", UrlFault::UserInfo),
        ("javascript:alert(1)", UrlFault::Relative),
    ] {
        match Discovery::new(bad) {
            Err(Error::Misuse(Misuse::Url { role: UrlRole::Issuer, fault })) => assert_eq!(fault, why, "{bad}"),
            other => panic!("{bad}: {other:?}"),
        }
    }
    // Characters that no endpoint may have are no obstacle to a document.
    let odd = Discovery::new("https://as.example/a'(b)*;c!$").unwrap();
    let url = odd.request(&mut Env::new(NOW, &mut Dice(1))).unwrap().uri().to_string();
    assert_eq!(url, "https://as.example/.well-known/oauth-authorization-server/a'(b)*;c!$");
}

#[test]
fn an_issuer_is_taken_in_every_form_that_it_may_come_in() {
    let issuer = Issuer::new(ISSUER).unwrap();
    let text = ISSUER.to_owned();
    for discovery in
        [Discovery::new(&issuer), Discovery::new(&text), Discovery::new(text.clone()), Discovery::new(issuer.clone())]
    {
        assert_eq!(discovery.unwrap().issuer(), &issuer);
    }
}

#[test]
fn a_kept_document_is_checked_like_one_that_has_just_come() {
    let mut provider = Server::new(ISSUER);
    let (found, _) = run_to_its_end(&mut provider, Discovery::new(ISSUER).unwrap());
    let kept = found.unwrap().as_json().to_owned();
    let metadata = Discovery::new(ISSUER).unwrap().read(&kept).unwrap();
    assert_eq!(metadata.token_endpoint(), Some(provider.token_url().as_str()));
    assert_eq!(metadata.as_json(), kept);
    for (issuer, json) in [("https://as.example/", &*kept), (ISSUER, &kept[1..]), (ISSUER, "{}"), (ISSUER, "")] {
        assert!(matches!(Discovery::new(issuer).unwrap().read(json), Err(Error::Protocol(_))));
    }
    assert!(read(&Discovery::new(ISSUER).unwrap(), "").unwrap().token_endpoint().is_none());
}

/// What a debugger shows is the caller's word, not the server's.
#[test]
fn what_the_server_wrote_is_not_printed() {
    let secret = "s3cret-in-a-document";
    let discovery = Discovery::new(ISSUER).unwrap();
    let metadata = read(&discovery, &format!(r#","x":"{secret}","scopes_supported":["{secret}"]"#)).unwrap();
    let shown = format!("{metadata:?}");
    assert!(!shown.contains(secret) && shown.contains("scopes_supported"), "{shown}");
    for issuer in [format!("https://as.example?{secret}"), format!("{secret}\n"), secret.to_owned()] {
        let failure = answer(discovery.clone(), json(200, &format!("{{\"issuer\":{issuer:?}}}"))).unwrap_err();
        let shown = format!("{failure} {failure:?} {:?}", failure.error);
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn the_configured_host_may_be_named_with_any_spelling_of_this_machine() {
    for issuer in ["https://auth.localhost", "https://localhost.:8443", "https://0.0.0.0:8443"] {
        let discovery = Discovery::new(issuer).unwrap();
        let endpoint = format!("{issuer}/token");
        let metadata = read(&discovery, &format!(r#","token_endpoint":"{endpoint}""#)).unwrap();
        assert_eq!(metadata.token_endpoint(), Some(endpoint.as_str()));
        // Nothing else on this machine, and nothing without encryption.
        for other in
            ["https://127.0.0.1/t", "https://other.localhost/t", "http://auth.localhost/t", "https://10.0.0.1/t"]
        {
            assert!(read(&discovery, &format!(r#","token_endpoint":"{other}""#)).is_err(), "{issuer}: {other}");
        }
    }
}

#[test]
fn at_most_8_kib_of_another_issuer_are_kept() {
    for (other, kept) in
        [("x".repeat(100_000), 8192), ("é".repeat(50_000), 8192), (format!("x{}", "é".repeat(50_000)), 8191)]
    {
        let error = answer(Discovery::new(ISSUER).unwrap(), document(&other)).unwrap_err().error;
        let Error::Protocol(broken) = &error else { panic!("{error}") };
        let received = broken.mismatch().unwrap().untrusted_received();
        assert!(received.len() == kept && other.starts_with(received), "{} bytes", received.len());
        assert!(error.to_string().len() < 2000, "{error}");
    }
}
