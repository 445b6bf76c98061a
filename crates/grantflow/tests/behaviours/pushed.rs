//! Pushed authorization requests (RFC 9126): the request goes to the server first, and the person carries a reference.

use grantflow::{
    Authorization, Begun, Discovery, Env, Error, Exchange, Left, Message, Misuse, Next, PendingCallback,
    PushedAuthorization, Quirk, Redirect, ResponseMode, Sent, Server, Step, StepUp, StepUpAttempts, UrlRole, Violation,
};
use grantflow_testkit::{self as testkit, Endpoint, Misbehaviour};
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use crate::support::*;

const ENDPOINT: &str = "pushed authorization request endpoint";

fn authorization(server: &Server) -> Authorization {
    let client = server.client(ID).secret_basic(SECRET).unwrap();
    Authorization::new(&client, REDIRECT_URI).unwrap().scope(SCOPE).unwrap()
}

fn push(authorization: &Authorization) -> PushedAuthorization {
    authorization.push(&mut Env::new(NOW, &mut Dice(1))).unwrap()
}

fn answered(server: &Server, status: u16, answer: &str) -> Result<Redirect, grantflow::Failure<PushedAuthorization>> {
    let mut dice = Dice(1);
    match push(&authorization(server)).respond(&mut Env::new(NOW, &mut dice), json(status, answer))? {
        Step::Done(redirect) => Ok(redirect),
        Step::Again(_) => panic!("this flow has one step"),
    }
}

fn names(pairs: &[(String, String)]) -> Vec<&str> {
    pairs.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn every_client_pushes_and_the_person_carries_the_reference_alone() {
    let (mut provider, server) = all_endpoints();
    let mut dice = Dice(1);
    for (auth, client) in every_client(&server) {
        let authorization = Authorization::new(client.clone(), REDIRECT_URI)
            .and_then(|authorization| authorization.scope(SCOPE))
            .and_then(|authorization| authorization.resource("https://api.example/v1"))
            .and_then(|authorization| authorization.resource("https://api.example/v2"))
            .and_then(|authorization| authorization.param("prompt", "login & consent"))
            .unwrap();
        let mut env = Env::new(NOW, &mut dice);
        let exchange = authorization.push(&mut env).unwrap();
        let request = exchange.request(&mut env).unwrap();
        assert_eq!(request.method(), Method::POST);
        assert_eq!(*request.uri(), *provider.endpoint_url(Endpoint::PushedAuthorization));
        assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
        assert_eq!(request.headers()["accept"], "application/json");
        let sent = pairs(&body(&request));
        let mut expected = vec![
            "client_id",
            "code_challenge",
            "code_challenge_method",
            "prompt",
            "redirect_uri",
            "resource",
            "resource",
            "response_type",
            "scope",
            "state",
        ];
        if auth == testkit::ClientAuth::Post {
            expected.insert(1, "client_secret");
        }
        let mut found = names(&sent);
        found.sort_unstable();
        assert_eq!(found, expected, "{auth:?}");
        for (name, value) in [
            ("response_type", "code"),
            ("code_challenge_method", "S256"),
            ("redirect_uri", REDIRECT_URI),
            ("scope", SCOPE),
            ("prompt", "login & consent"),
            ("client_id", client.id()),
        ] {
            assert_eq!(parameter(&body(&request), name), value, "{auth:?}");
        }

        let (redirect, asked) = run_to_its_end(&mut provider, exchange);
        let redirect = redirect.unwrap();
        assert_eq!(asked.len(), 1);
        let hit = provider.hits_at(Endpoint::PushedAuthorization).last().unwrap().clone();
        assert_eq!((hit.auth, hit.client_id.as_deref()), (auth, Some(client.id())));
        // FAPI 2.0 §5.3.3.2 and RFC 9126 §4: nothing else goes through the browser.
        let carried = pairs(redirect.url.as_str());
        assert_eq!(names(&carried), ["client_id", "request_uri"], "{auth:?}");
        assert_eq!(carried[0].1, client.id());

        // The code is bound to what was pushed: the server checks the verifier, and gives what was asked for.
        let tokens = log_in(&mut provider, redirect);
        assert_eq!(tokens.scope().effective().unwrap().as_str(), SCOPE);
        let exchanged = provider.hits("authorization_code").last().unwrap();
        let challenge = testkit::s256(exchanged.parameter("code_verifier").unwrap());
        assert_eq!(Some(challenge.as_str()), hit.parameter("code_challenge"));
        assert_eq!(exchanged.resources, ["https://api.example/v1", "https://api.example/v2"]);
    }
    assert_eq!(provider.hits_at(Endpoint::PushedAuthorization).count(), 4, "each is sent once");
    assert!(provider.sent_twice(Endpoint::PushedAuthorization).is_none());
}

#[test]
fn a_form_post_is_asked_for_in_what_is_pushed() {
    let (mut provider, server) = all_endpoints();
    let exchange = push(&authorization(&server).response_mode(ResponseMode::FormPost));
    let request = exchange.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    assert_eq!(parameter(&body(&request), "response_mode"), "form_post");
    let redirect = run_to_its_end(&mut provider, exchange).0.unwrap();
    let callback = provider.visit(redirect.url.as_str()).unwrap();
    let exchange = granted(redirect.pending.receive_form_post(&callback.request().unwrap()));
    assert!(run_to_its_end(&mut provider, exchange).0.is_ok());
}

#[test]
fn a_grant_begins_as_the_server_demands() {
    let (mut provider, server) = all_endpoints();
    let mut dice = Dice(1);
    let mut env = Env::new(NOW, &mut dice);
    let Begun::Redirect(redirect) = authorization(&server).begin(&mut env).unwrap() else { panic!("not demanded") };
    assert!(redirect.url.as_str().contains("response_type=code"));
    assert!(provider.log().is_empty());

    provider.knobs().require_pushed_authorization_requests = true;
    let refused = provider.visit(redirect.url.as_str()).unwrap();
    assert_eq!(parameter(&refused.url, "error"), "invalid_request", "this server takes pushed requests only");
    let demanding = server.require_pushed_authorization_requests();
    let Begun::Push(exchange) = authorization(&demanding).begin(&mut env).unwrap() else { panic!("it is demanded") };
    let redirect = run_to_its_end(&mut provider, exchange).0.unwrap();
    assert!(log_in(&mut provider, redirect).refresh_token().is_some());
}

#[test]
fn metadata_that_demands_it_is_enough() {
    let (mut provider, _) = all_endpoints();
    provider.knobs().require_pushed_authorization_requests = true;
    let server = run_to_its_end(&mut provider, Discovery::new(ISSUER).unwrap()).0.unwrap().server().unwrap();
    let mut dice = Dice(1);
    let Begun::Push(exchange) = authorization(&server).begin(&mut Env::new(NOW, &mut dice)).unwrap() else {
        panic!("the document demands it")
    };
    let redirect = run_to_its_end(&mut provider, exchange).0.unwrap();
    assert!(log_in(&mut provider, redirect).refresh_token().is_some());
}

#[test]
fn without_a_push_nothing_starts_where_pushes_are_demanded() {
    struct Broken;
    impl grantflow::Entropy for Broken {
        fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
            Err(grantflow::EntropyFailed)
        }
    }
    let (_, server) = all_endpoints();
    let demanding = server.clone().require_pushed_authorization_requests();
    let refused = authorization(&demanding).start(&mut Env::new(NOW, &mut Broken)).unwrap_err();
    assert!(matches!(refused, Error::Misuse(Misuse::NeedsPush)), "{refused}");
    assert_eq!(refused.next(), Next::FixCaller);

    // An endpoint that is not known cannot be sent to.
    let plain = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    let missing = Misuse::NoEndpoint(UrlRole::PushedAuthorizationRequest);
    let demanding = plain.clone().require_pushed_authorization_requests();
    for refused in [
        authorization(&plain).push(&mut Env::new(NOW, &mut Broken)).unwrap_err(),
        authorization(&demanding).begin(&mut Env::new(NOW, &mut Broken)).unwrap_err(),
    ] {
        assert!(matches!(&refused, Error::Misuse(why) if *why == missing), "{refused}");
        assert!(refused.to_string().contains(ENDPOINT), "{refused}");
    }
    let refused = authorization(&server).push(&mut Env::new(NOW, &mut Broken)).unwrap_err();
    assert!(matches!(refused, Error::Entropy), "{refused}");
}

#[test]
fn a_step_up_is_pushed_like_any_other() {
    let (mut provider, server) = all_endpoints();
    let authorization = authorization(&server.require_pushed_authorization_requests());
    let redirect = run_to_its_end(&mut provider, push(&authorization)).0.unwrap();
    let tokens = log_in(&mut provider, redirect);
    let mut headers = HeaderMap::new();
    let challenge = "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold\", max_age=\"60\"";
    headers.insert("www-authenticate", challenge.parse().unwrap());
    let step_up = StepUp::of(StatusCode::UNAUTHORIZED, &headers).unwrap();
    let next = authorization.step_up(&step_up, tokens.scope(), &mut StepUpAttempts::new()).unwrap();
    let mut dice = Dice(9);
    let Begun::Push(exchange) = next.begin(&mut Env::new(NOW, &mut dice)).unwrap() else { panic!("it is demanded") };
    let redirect = run_to_its_end(&mut provider, exchange).0.unwrap();
    let hit = provider.hits_at(Endpoint::PushedAuthorization).last().unwrap();
    assert_eq!((hit.parameter("acr_values"), hit.parameter("max_age")), (Some("gold"), Some("60")));
    assert_eq!(names(&pairs(redirect.url.as_str())), ["client_id", "request_uri"]);
}

#[test]
fn it_is_the_same_request_when_it_is_sent_again_and_another_when_it_is_pushed_again() {
    let (_, server) = all_endpoints();
    let authorization = authorization(&server);
    let mut dice = Dice(1);
    let mut env = Env::new(NOW, &mut dice);
    let exchange = authorization.push(&mut env).unwrap();
    let first = body(&exchange.request(&mut env).unwrap());
    let failure = exchange.respond(&mut env, json(503, "")).unwrap_err();
    let again = intact(failure, ENDPOINT, "503");
    assert_eq!(body(&again.request(&mut env).unwrap()), first);
    let other = body(&authorization.push(&mut env).unwrap().request(&mut env).unwrap());
    for name in ["state", "code_challenge"] {
        assert_ne!(parameter(&other, name), parameter(&first, name));
    }
}

#[test]
fn what_waits_for_the_person_can_be_stored() {
    let (mut provider, server) = all_endpoints();
    let client = server.client(ID).secret_basic(SECRET).unwrap();
    let redirect = run_to_its_end(&mut provider, push(&authorization(&server))).0.unwrap();
    let kept = serde_json::to_string(&redirect.pending.into_stored()).unwrap();
    let pending = PendingCallback::from_stored(serde_json::from_str(&kept).unwrap(), &client).unwrap();
    let callback = provider.visit(redirect.url.as_str()).unwrap();
    assert!(run_to_its_end(&mut provider, granted(pending.receive_url(&callback.url))).0.is_ok());
}

#[test]
fn an_answer_with_200_is_none() {
    let (mut provider, server) = all_endpoints();
    provider.knobs().misbehave_at(Endpoint::PushedAuthorization, Misbehaviour::Status(200));
    let (failed, asked) = run_to_its_end(&mut provider, push(&authorization(&server)));
    let failure = failed.unwrap_err();
    assert_eq!(asked.len(), 1);
    assert_eq!(violation(&failure), Violation::UnexpectedStatus);
    let left = intact(failure, ENDPOINT, "200");
    let redirect = run_to_its_end(&mut provider, left).0.unwrap();
    assert!(log_in(&mut provider, redirect).refresh_token().is_some());
}

#[test]
fn every_other_status_than_201_is_refused() {
    let (_, server) = all_endpoints();
    let good = r#"{"request_uri":"urn:x:y","expires_in":60}"#;
    assert!(answered(&server, 201, good).is_ok());
    for status in [200, 202, 203, 204, 206, 300, 304, 307, 400, 401, 403, 404, 405, 413, 429, 500, 502, 503] {
        let failure = answered(&server, status, good).unwrap_err();
        drop(intact(failure, ENDPOINT, &status.to_string()));
    }
}

#[test]
fn an_answer_without_a_usable_reference_is_refused_and_the_error_says_why() {
    let (_, server) = all_endpoints();
    let uri = "request_uri";
    for (answer, why) in [
        (r#"{"expires_in":60}"#, Violation::Missing(uri)),
        (r#"{"request_uri":"","expires_in":60}"#, Violation::Empty(uri)),
        (r#"{"request_uri":null,"expires_in":60}"#, Violation::WrongType(uri)),
        (r#"{"request_uri":42,"expires_in":60}"#, Violation::WrongType(uri)),
        (r#"{"request_uri":["urn:x:y"],"expires_in":60}"#, Violation::WrongType(uri)),
        (r#"{"request_uri":{"uri":"urn:x:y"},"expires_in":60}"#, Violation::WrongType(uri)),
        (r#"{"request_uri":true,"expires_in":60}"#, Violation::WrongType(uri)),
        (r#"{"request_uri":" ","expires_in":60}"#, Violation::Empty(uri)),
        (r#"{"request_uri":"urn:x y","expires_in":60}"#, Violation::Character(uri)),
        (r#"{"request_uri":"urn:x:\r\ny","expires_in":60}"#, Violation::Character(uri)),
        (r#"{"request_uri":"urn:x:é","expires_in":60}"#, Violation::Character(uri)),
        (r#"{"request_uri":"urn:x:y","request_uri":"urn:x:z","expires_in":60}"#, Violation::Duplicate(uri)),
        (r#"{"request_uri":"urn:x:y"}"#, Violation::Missing("expires_in")),
        (r#"{"request_uri":"urn:x:y","expires_in":null}"#, Violation::WrongType("expires_in")),
        (r#"{"request_uri":"urn:x:y","expires_in":""}"#, Violation::Empty("expires_in")),
        (r#"{"request_uri":"urn:x:y","expires_in":"soon"}"#, Violation::WrongType("expires_in")),
        (r#"{"request_uri":"urn:x:y","expires_in":-1}"#, Violation::WrongType("expires_in")),
        (r#"{"request_uri":"urn:x:y","expires_in":true}"#, Violation::WrongType("expires_in")),
        (r#"{"request_uri":"urn:x:y","expires_in":[60]}"#, Violation::WrongType("expires_in")),
        (r#"{"request_uri":"urn:x:y","expires_in":1e999}"#, Violation::WrongType("expires_in")),
        (r#"[{"request_uri":"urn:x:y","expires_in":60}]"#, Violation::NotAnObject),
        ("", Violation::EmptyBody),
        ("null", Violation::NotAnObject),
    ] {
        let failure = answered(&server, 201, answer).unwrap_err();
        assert_eq!(violation(&failure), why, "{answer}");
        drop(intact(failure, ENDPOINT, answer));
    }
    let long = format!(r#"{{"request_uri":"urn:{}","expires_in":60}}"#, "x".repeat(5000));
    assert_eq!(violation(&answered(&server, 201, &long).unwrap_err()), Violation::WrongType(uri));
}

#[test]
fn an_answer_that_real_servers_give_is_taken() {
    let (_, server) = all_endpoints();
    for (answer, reference) in [
        (r#"{"request_uri":"urn:x:y","expires_in":0}"#, "urn%3Ax%3Ay"),
        (r#"{"request_uri":"urn:x:y","expires_in":"90"}"#, "urn%3Ax%3Ay"),
        (r#"{"request_uri":"urn:x:y","expires_in":59.9,"more":[{}]}"#, "urn%3Ax%3Ay"),
        (r#"{"expires_in":90,"request_uri":"https://as.example/r/1"}"#, "https%3A%2F%2Fas.example%2Fr%2F1"),
        // It goes nowhere but into a parameter, where it cannot break out.
        (r#"{"request_uri":"urn:x&client_id=evil#f","expires_in":9}"#, "urn%3Ax%26client_id%3Devil%23f"),
    ] {
        let redirect = answered(&server, 201, answer).unwrap();
        let expected = format!("https://as.example/oauth/authorize?client_id={ID}&request_uri={reference}");
        assert_eq!(redirect.url.as_str(), expected);
    }
}

#[test]
fn an_error_that_the_server_states_wins_over_everything_else() {
    let (_, server) = all_endpoints();
    for status in [200, 201, 400, 401, 403, 404, 405, 413, 429, 500, 503] {
        let answer = r#"{"request_uri":"urn:x:y","expires_in":60,"error":"invalid_request"}"#;
        let failure = answered(&server, status, answer).unwrap_err();
        assert_eq!(failure.error.code().unwrap().as_str(), "invalid_request", "{status}");
        drop(intact(failure, ENDPOINT, &status.to_string()));
    }
    let failure = answered(&server, 400, r#"{"error":"invalid_request_uri"}"#).unwrap_err();
    assert_eq!(failure.error.next(), Next::FixConfiguration);
    let failure = answered(&server, 429, r#"{"error":"temporarily_unavailable"}"#).unwrap_err();
    assert_eq!(failure.error.next(), Next::RetryLater(None));
}

#[test]
fn whatever_the_server_answers_nothing_is_lost_and_nothing_is_sent_twice() {
    let mut taken = 0;
    let all = Misbehaviour::all_at(Endpoint::PushedAuthorization);
    assert!(all.len() > 100);
    for misbehaviour in &all {
        let what = format!("{misbehaviour:?}");
        let (mut provider, server) = all_endpoints();
        let exchange = push(&authorization(&server));
        let request = exchange.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
        provider.knobs().misbehave_at(Endpoint::PushedAuthorization, misbehaviour.clone());
        let response = provider.try_handle(&request);
        let mut dice = Dice(1);
        let mut env = Env::new(NOW, &mut dice);
        let outcome = match &response {
            Some(response) => exchange.respond(&mut env, response.clone()),
            None => exchange.unanswered(&mut env, Sent::MaybeSent),
        };
        match outcome {
            Ok(Step::Again(_)) => panic!("{what}: this flow has one step"),
            Ok(Step::Done(redirect)) => {
                taken += 1;
                let response = response.unwrap();
                assert_eq!(response.status(), 201, "{what}");
                let text = String::from_utf8(response.body().clone()).unwrap();
                let said = text.trim_start_matches('\u{feff}');
                let carried = pairs(redirect.url.as_str());
                assert_eq!(names(&carried), ["client_id", "request_uri"], "{what}");
                // Nested too deeply for a tree of values, in a member that has no meaning.
                let Ok(said) = serde_json::from_str::<Value>(said) else {
                    assert!(what.starts_with("Deep"), "{what}");
                    continue;
                };
                assert_eq!(said["request_uri"], *carried[1].1, "{what}");
                assert!(said.get("error").is_none_or(Value::is_null), "{what}");
            }
            Err(failure) => {
                let left = intact(failure, ENDPOINT, &what);
                assert_eq!(provider.log().len(), 1, "{what}");
                // What is left is the whole request: it leads to a login.
                assert_eq!(body(&left.request(&mut env).unwrap()), body(&request), "{what}");
                let redirect = run_to_its_end(&mut provider, left).0.unwrap();
                assert!(log_in(&mut provider, redirect).refresh_token().is_some(), "{what}");
            }
        }
    }
    assert!((5..all.len() / 2).contains(&taken), "{taken} of {} were taken", all.len());
}

#[test]
fn a_lost_answer_and_a_request_that_was_not_sent_leave_it_intact() {
    let (_, server) = all_endpoints();
    for sent in [Sent::NotSent, Sent::MaybeSent] {
        let mut dice = Dice(1);
        let failure = push(&authorization(&server)).unanswered(&mut Env::new(NOW, &mut dice), sent).unwrap_err();
        assert!(matches!(failure.error, Error::NoAnswer(said) if said == sent));
        assert!(matches!(failure.left, Left::Intact(_)));
    }
}

#[test]
fn an_authorization_endpoint_keeps_its_own_query_and_names() {
    let server = Server::new("https://as.example/authorize?tenant=7", "https://as.example/token")
        .and_then(|server| server.pushed_authorization_request_endpoint("https://as.example/par?tenant=7"))
        .and_then(|server| server.quirk(Quirk::renamed(Message::AuthorizationRequest, "client_id", "client_key")))
        .and_then(|server| server.quirk(Quirk::renamed(Message::PushedAuthorizationRequest, "scope", "permissions")))
        .unwrap();
    let exchange = push(&authorization(&server));
    let request = exchange.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    assert_eq!(*request.uri(), *"https://as.example/par?tenant=7");
    assert_eq!(parameter(&body(&request), "permissions"), SCOPE);
    assert_eq!(parameter(&body(&request), "client_id"), ID);
    assert!(parameter(&body(&request), "tenant").is_empty() && parameter(&body(&request), "scope").is_empty());
    let redirect = answered(&server, 201, r#"{"request_uri":"urn:x:y","expires_in":60}"#).unwrap();
    let expected = format!("https://as.example/authorize?tenant=7&client_key={ID}&request_uri=urn%3Ax%3Ay");
    assert_eq!(redirect.url.as_str(), expected);
}

#[test]
fn no_extra_parameter_gets_in_the_way_of_what_is_pushed() {
    let server = Server::new("https://as.example/authorize", "https://as.example/token")
        .and_then(|server| server.pushed_authorization_request_endpoint("https://as.example/par?audience=own"))
        .and_then(|server| server.quirk(Quirk::renamed(Message::PushedAuthorizationRequest, "scope", "permissions")))
        .unwrap();
    let mut dice = Dice(1);
    let mut env = Env::new(NOW, &mut dice);
    // At the authorization endpoint these have no meaning; in the pushed request they have one.
    let twice = authorization(&server).param("audience", "mine").unwrap();
    assert!(twice.start(&mut env).is_ok());
    assert!(matches!(twice.push(&mut env).unwrap_err(), Error::Misuse(Misuse::DuplicateParameter)));
    let reserved = authorization(&server).param("permissions", "all").unwrap();
    assert!(matches!(reserved.push(&mut env).unwrap_err(), Error::Misuse(Misuse::ReservedParameter)));
    // A second client authentication gets in nowhere, and no reference from elsewhere does.
    for name in ["client_secret", "client_assertion", "client_assertion_type", "client_id", "request_uri", "request"] {
        let refused = authorization(&server).param(name, "x").unwrap_err();
        assert!(matches!(refused, Error::Misuse(Misuse::ReservedParameter)), "{name}: {refused}");
    }
}

/// RFC 9126 §2.1, §2.2 and §4, with the client and the reference of the RFC.
#[test]
fn the_rfcs_example() {
    let server = Server::new("https://as.example.com/authorize", "https://as.example.com/token")
        .and_then(|server| server.pushed_authorization_request_endpoint("https://as.example.com/as/par"))
        .unwrap();
    let client = server.client("s6BhdRkqt3").secret_basic("7Fjfp0ZBr1KtDRbnfVdmIw").unwrap();
    let redirect_uri = "https://client.example.org/cb";
    let exchange = push(&Authorization::new(&client, redirect_uri).unwrap().scope("account-information").unwrap());
    let mut dice = Dice(1);
    let mut env = Env::new(NOW, &mut dice);
    let request = exchange.request(&mut env).unwrap();
    assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/as/par"));
    assert_eq!(request.headers()["authorization"], "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
    let sent = body(&request);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "s6BhdRkqt3"),
        ("redirect_uri", redirect_uri),
        ("scope", "account-information"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(parameter(&sent, name), value);
    }
    let answer = r#"{"request_uri":"urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c","expires_in":60}"#;
    let Step::Done(redirect) = exchange.respond(&mut env, json(201, answer)).unwrap() else { panic!("one step") };
    assert_eq!(
        redirect.url.as_str(),
        "https://as.example.com/authorize?client_id=s6BhdRkqt3\
         &request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A6esc_11ACC5bwc014ltc14eY22c"
    );
}
