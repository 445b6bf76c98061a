//! What holds for all endpoints: misbehaviours, absence, and what the log tells of them.

use grantflow_testkit::{CallbackFault, Endpoint, Misbehaviour as M, VisitError};

use super::*;

#[test]
fn misbehaviours_belong_to_one_endpoint() {
    let mut server = server();
    server.knobs().misbehave_at(Endpoint::Keys, M::Status(201)).misbehave(M::Status(202));
    server.knobs().misbehave_at(Endpoint::Token, M::Status(203));
    assert_eq!(get(&mut server, Endpoint::ServerMetadata).status(), 200);
    assert_eq!(get(&mut server, Endpoint::Keys).status(), 201);
    assert_eq!(get(&mut server, Endpoint::Keys).status(), 200);
    assert_eq!(post(&mut server, &service_pairs()).0, 202);
    assert_eq!(post(&mut server, &service_pairs()).0, 203);
    assert_eq!(post(&mut server, &service_pairs()).0, 200);
}

#[test]
fn misbehaviours_can_last_until_told_otherwise() {
    let mut server = server();
    for endpoint in [Endpoint::Keys, Endpoint::Token] {
        let ask = |server: &mut Server| match endpoint {
            Endpoint::Token => post(server, &service_pairs()).0,
            endpoint => get(server, endpoint).status().as_u16(),
        };
        server.knobs().always_at(endpoint, M::Html { status: 503, acts: true }).always_at(endpoint, M::Status(504));
        server.knobs().misbehave_at(endpoint, M::Status(505)).misbehave_at(endpoint, M::Status(506));
        assert_eq!([ask(&mut server), ask(&mut server)], [505, 506]);
        assert_eq!([ask(&mut server), ask(&mut server)], [504, 504]);
        server.knobs().misbehave_at(endpoint, M::Status(507)).behave_at(endpoint);
        assert_eq!(ask(&mut server), 200);
    }
}

#[test]
fn omitted_endpoints_are_not_there() {
    for endpoint in Endpoint::ALL {
        let mut server = Server::new("https://as.example/tenant");
        server.knobs().omit(endpoint).misbehave_at(endpoint, M::Status(418));
        let url = server.endpoint_url(endpoint);
        for method in ["GET", "POST"] {
            let request = Request::builder().method(method).uri(&url).body("").unwrap();
            assert_eq!(server.handle(&request).status(), 404, "{method} {url}");
        }
        assert_eq!(server.counts(), [(endpoint, 2)].into());
        server.knobs().serve(endpoint);
        assert_ne!(get(&mut server, endpoint).status(), 404, "{url}");
        assert_eq!(server.hits_at(endpoint).count(), 3);
    }
}

#[test]
fn the_log_counts_by_endpoint() {
    let mut server = server();
    let tokens = login(&mut server);
    get_user(&mut server, &text(&tokens, "access_token"));
    get_user(&mut server, "made-up");
    server.handle(&Request::get("https://as.example/elsewhere").body("").unwrap());
    let expected = [(Endpoint::Authorization, 1), (Endpoint::Token, 1), (Endpoint::Resource, 2)];
    assert_eq!(server.counts(), expected.into());
    let acted: Vec<_> = server.log().iter().map(|hit| hit.acted).collect();
    assert_eq!(acted, [true, true, true, false, false]);
    let issued: Vec<_> = server.log().iter().map(|hit| hit.issued).collect();
    assert_eq!(issued, [false, true, false, false, false]);
    assert_eq!(server.log()[4].endpoint, None);
}

#[test]
fn what_is_sent_twice_is_found() {
    let mut server = server();
    let code = code(&mut server);
    redeem(&mut server, &code);
    redeem(&mut server, "another");
    assert!(server.sent_twice(Endpoint::Token).is_none());
    redeem(&mut server, &code);
    let twice = server.sent_twice(Endpoint::Token).unwrap();
    assert_eq!(twice.parameter("code"), Some(code.as_str()));
    assert!(server.sent_twice(Endpoint::Authorization).is_none());
    get(&mut server, Endpoint::ServerMetadata);
    assert!(server.sent_twice(Endpoint::ServerMetadata).is_none());
    get(&mut server, Endpoint::ServerMetadata);
    assert!(server.sent_twice(Endpoint::ServerMetadata).is_some());
}

#[test]
fn what_follows_a_bad_answer_is_found() {
    let mut server = server();
    get(&mut server, Endpoint::ServerMetadata);
    assert!(server.after_misbehaviour().is_empty());
    server.knobs().misbehave_at(Endpoint::ServerMetadata, M::append("issuer", "1"));
    get(&mut server, Endpoint::ServerMetadata);
    assert!(server.after_misbehaviour().is_empty());
    assert!(server.log()[1].misbehaved && !server.log()[0].misbehaved);
    login(&mut server);
    let after: Vec<_> = server.after_misbehaviour().iter().map(|hit| hit.endpoint.unwrap()).collect();
    assert_eq!(after, [Endpoint::Authorization, Endpoint::Token]);

    server.clear_log();
    server.knobs().spoil_callback(CallbackFault::remove("iss"));
    let code = code(&mut server);
    assert!(server.log()[0].misbehaved);
    redeem(&mut server, &code);
    assert_eq!(server.after_misbehaviour().len(), 1);
}

#[test]
fn the_authorization_endpoint_can_fail() {
    let mut server = server();
    let url = authorize_url(&server, &[]);
    server.knobs().misbehave_at(Endpoint::Authorization, M::Html { status: 503, acts: false });
    assert!(matches!(server.visit(&url), Err(VisitError::Page { status: 503, .. })));
    assert!(server.log()[0].misbehaved && !server.log()[0].acted);
    // There is no JSON to edit.
    server.knobs().misbehave_at(Endpoint::Authorization, M::Status(201));
    assert!(server.visit(&url).unwrap().parameter("code").is_some());
    assert!(!server.log()[1].misbehaved && server.log()[1].acted);
    server.knobs().misbehave_at(Endpoint::Authorization, M::Lost { acts: true });
    assert!(server.try_handle(&Request::get(&url).body("").unwrap()).is_none());
    assert!(server.log()[2].acted);
    assert!(server.visit(&url).is_ok());
}

#[test]
fn the_resource_can_misbehave() {
    let mut server = server();
    let token = text(&login(&mut server), "access_token");
    server.knobs().misbehave_at(Endpoint::Resource, M::Html { status: 502, acts: true });
    assert_eq!(get_user(&mut server, &token), 502);
    server.knobs().misbehave_at(Endpoint::Resource, M::Status(201));
    assert_eq!(get_user(&mut server, &token), 201);
    server.knobs().misbehave_at(Endpoint::Resource, M::Status(201));
    assert_eq!(get_user(&mut server, "made-up"), 401);
}

#[test]
fn every_endpoint_has_its_misbehaviours() {
    assert_eq!(M::all_at(Endpoint::Token), M::all());
    for endpoint in Endpoint::ALL {
        let mut server = server();
        server.knobs().serve(endpoint);
        let url = match endpoint {
            Endpoint::Authorization => authorize_url(&server, &[]),
            endpoint => server.endpoint_url(endpoint),
        };
        let probe = Request::get(&url).body("").unwrap();
        let method = if server.handle(&probe).status() == 405 { "POST" } else { "GET" };
        let all = M::all_at(endpoint);
        for (at, how) in all.iter().enumerate() {
            assert!(!all[..at].contains(how), "{how:?} twice");
            let (replaces, lost) = (how.replaces(), matches!(how, M::Lost { .. }));
            server.knobs().misbehave_at(endpoint, how.clone());
            let request = Request::builder().method(method).uri(&url).body("").unwrap();
            assert_eq!(server.try_handle(&request).is_none(), lost, "{how:?}");
            assert!(!replaces || server.log().last().unwrap().misbehaved, "{how:?}");
        }
    }
    for endpoint in Endpoint::ALL {
        let all = M::all_at(endpoint);
        assert!(all.iter().enumerate().all(|(index, how)| &M::from_index_at(endpoint, index) == how));
        assert_eq!(M::from_index_at(endpoint, all.len()), all[0]);
    }
    let all = M::all_at(Endpoint::ServerMetadata);
    for how in [
        M::text("token_endpoint", "javascript:alert(1)"),
        M::set("authorization_endpoint", "null"),
        M::text("issuer", "https://attacker.example"),
        M::remove("issuer"),
        M::duplicate("token_endpoint", "\"again\""),
        M::append("issuer", "1"),
        M::Huge { size: 2 << 20 },
    ] {
        assert!(all.contains(&how), "{how:?}");
    }
}

#[test]
fn any_bytes_are_a_misbehaviour_of_any_endpoint() {
    for endpoint in Endpoint::ALL {
        let mut server = server();
        server.knobs().serve(endpoint);
        // Every fifth number meets each of the sixteen kinds.
        for first in (0..=255u8).step_by(5) {
            for second in [1, 200] {
                let bytes = [first, second, 3, 4, b'"', 0xff, b'\n', 7];
                server
                    .knobs()
                    .misbehave_at(endpoint, M::from_bytes_at(endpoint, &bytes[..usize::from(second % 8) + 1]));
                server.knobs().misbehave_at(endpoint, M::from_bytes_at(endpoint, &bytes));
                for method in ["GET", "POST"] {
                    let request =
                        Request::builder().method(method).uri(server.endpoint_url(endpoint)).body("").unwrap();
                    server.try_handle(&request);
                }
            }
        }
    }
    // Texts are about the members of the endpoint's own answers.
    let text = |how: &M| matches!(how, M::SetMember { name, .. } if name == "verification_uri");
    assert!((0..=255).any(|second| text(&M::from_bytes_at(Endpoint::DeviceAuthorization, &[6, second]))));
    assert!(!(0..=255).any(|second| text(&M::from_bytes(&[6, second]))));
}

#[test]
fn any_request_gets_an_answer() {
    let texts =
        ["", "a=b", "token=%ff&client_id=app", "client_id=app&request_uri=x", "device_code=&grant_type=", "=&&=;%"];
    for issuer in ["https://as.example", "https://as.example/a//", "as.example/x", "", "/", "://", "https://"] {
        let mut server = Server::new(issuer);
        server.knobs().omitted.clear();
        server.knobs().accept_json = true;
        for endpoint in Endpoint::ALL {
            let path = server.endpoint_url(endpoint);
            let path = path.strip_prefix("https://as.example").unwrap_or("/");
            for text in texts {
                for (method, content_type) in
                    [("GET", ""), ("POST", "application/x-www-form-urlencoded"), ("POST", "application/json")]
                {
                    let query = if method == "GET" { format!("?{text}") } else { String::new() };
                    let request = Request::builder().method(method).header("content-type", content_type);
                    let request = request.uri(format!("{path}{query}")).body(text).unwrap();
                    let response = server.handle(&request);
                    assert!(response.status().as_u16() < 500, "{issuer} {request:?}");
                }
            }
        }
    }
}
