//! Introspection (RFC 7662): the server's answer about a token, read strictly.

use grantflow::{
    ActiveToken, Authorization, ClientCredentials, Env, Error, Exchange, Failure, Introspected, Introspection, Left,
    Message, Misuse, Next, Quirk, Sent, Server, Step, TokenTypeHint, UnixTime, UrlRole, Violation,
};
use grantflow_testkit::{self as testkit, Endpoint, Misbehaviour};
use http::Method;
use serde_json::Value;

use crate::support::*;

const ENDPOINT: &str = "introspection endpoint";
const TOKEN: &str = "mF_9.B5f-4.1JqM";

fn question(server: &Server, token: &str) -> Introspection {
    Introspection::new(&server.client(ID).secret_basic(SECRET).unwrap(), token).unwrap()
}

fn answered(status: u16, answer: &str) -> Result<Introspected, Failure<Introspection>> {
    answered_at(&all_endpoints().1, status, answer)
}

fn answered_at(server: &Server, status: u16, answer: &str) -> Result<Introspected, Failure<Introspection>> {
    let mut dice = Dice(1);
    match question(server, TOKEN).respond(&mut Env::new(NOW, &mut dice), json(status, answer))? {
        Step::Done(said) => Ok(said),
        Step::Again(_) => panic!("this flow has one step"),
    }
}

fn active(answer: &str) -> Box<ActiveToken> {
    match answered(200, answer).unwrap() {
        Introspected::Active(token) => token,
        Introspected::Inactive => panic!("{answer} is active"),
    }
}

fn tokens(provider: &mut testkit::Server, server: &Server) -> grantflow::Tokens {
    let client = server.client(APP).public().unwrap();
    let authorization = Authorization::new(&client, REDIRECT_URI).unwrap().scope(SCOPE).unwrap();
    let redirect = authorization.start(&mut Env::new(NOW, &mut Dice(3))).unwrap();
    log_in(provider, redirect)
}

#[test]
fn every_client_with_a_secret_asks_about_every_token() {
    let (mut provider, server) = all_endpoints();
    let granted = tokens(&mut provider, &server);
    let access = granted.bearer().unwrap().expose_secret().to_owned();
    let refresh = granted.refresh_token().unwrap().expose_secret().to_owned();
    let beside = server.clone().quirk(Quirk::ClientIdBesideBasic).unwrap();
    for (auth, client) in [
        (testkit::ClientAuth::Post, server.client(ID).secret_post(SECRET).unwrap()),
        (testkit::ClientAuth::Basic, server.client(ID).secret_basic(SECRET).unwrap()),
        (testkit::ClientAuth::Basic, beside.client(ID).secret_basic(SECRET).unwrap()),
    ] {
        for (token, hint, sent) in [
            (&access, None, None),
            (&access, Some(TokenTypeHint::AccessToken), Some("access_token")),
            // A wrong hint changes nothing.
            (&access, Some(TokenTypeHint::RefreshToken), Some("refresh_token")),
            (&refresh, Some(TokenTypeHint::RefreshToken), Some("refresh_token")),
        ] {
            let question = Introspection::new(&client, token).unwrap();
            let question = hint.map_or(question.clone(), |hint| question.hint(hint));
            let before = provider.log().len();
            let said = run_to_its_end(&mut provider, question).0.unwrap();
            let said = said.active().expect("it is active");
            assert_eq!(provider.log().len(), before + 1, "asked once");
            let hit = provider.log().last().unwrap();
            assert_eq!((hit.endpoint, hit.auth, hit.query.as_deref()), (Some(Endpoint::Introspection), auth, None));
            assert_eq!((hit.parameter("token"), hit.parameter("token_type_hint")), (Some(token.as_str()), sent));
            assert_eq!(said.scope().unwrap().as_str(), SCOPE);
            assert_eq!(said.client_id(), Some(APP));
            assert_eq!(said.issuer(), Some(ISSUER));
            assert!(said.subject().is_some() && said.username().is_some() && said.token_id().is_some());
            assert_eq!(said.issued_at(), Some(NOW));
            assert_eq!(said.not_before(), Some(NOW));
            assert!(said.is_for(&provider.resource_url()) && !said.is_for("https://other.example"));
            if token == &access {
                assert_eq!(said.token_type(), Some("Bearer"));
                assert_eq!(said.expires_at(), granted.expires_at());
            }
        }
    }
}

#[test]
fn a_token_that_is_worth_nothing_says_nothing() {
    let (mut provider, server) = all_endpoints();
    let granted = tokens(&mut provider, &server);
    let access = granted.bearer().unwrap().expose_secret().to_owned();
    for made_up in ["made-up", "", "é\u{1f600}&token=other"].iter().filter(|token| !token.is_empty()) {
        let said = run_to_its_end(&mut provider, question(&server, made_up)).0.unwrap();
        assert!(matches!(said, Introspected::Inactive) && said.active().is_none());
        assert_eq!(provider.log().last().unwrap().parameter("token"), Some(*made_up));
    }
    assert!(run_to_its_end(&mut provider, question(&server, &access)).0.unwrap().active().is_some());
    provider.revoke_all();
    assert!(run_to_its_end(&mut provider, question(&server, &access)).0.unwrap().active().is_none());
}

#[test]
fn a_question_needs_an_endpoint_and_a_token() {
    let (_, server) = all_endpoints();
    let api = server.client(ID).secret_basic(SECRET).unwrap();
    assert!(matches!(Introspection::new(&api, "").unwrap_err(), Error::Misuse(Misuse::EmptyToken)));
    let plain = Server::with_token_endpoint("https://as.example/token").unwrap();
    let refused = Introspection::new(&plain.client(ID).secret_basic(SECRET).unwrap(), TOKEN).unwrap_err();
    assert!(matches!(refused, Error::Misuse(Misuse::NoEndpoint(UrlRole::Introspection))), "{refused}");
    assert!(refused.to_string().contains(ENDPOINT) && !refused.to_string().contains(TOKEN));
}

#[test]
fn extra_parameters_go_along_and_none_takes_the_place_of_the_requests_own() {
    let (mut provider, server) = all_endpoints();
    let asked = question(&server, TOKEN).param("resource_id", "a&b").unwrap();
    assert!(run_to_its_end(&mut provider, asked.clone()).0.unwrap().active().is_none());
    assert_eq!(provider.log().last().unwrap().parameter("resource_id"), Some("a&b"));
    assert!(matches!(asked.param("resource_id", "c").unwrap_err(), Error::Misuse(Misuse::DuplicateParameter)));
    for name in ["token", "token_type_hint", "client_id", "client_secret", "client_assertion", ""] {
        let refused = question(&server, TOKEN).param(name, "x").unwrap_err();
        assert!(matches!(refused, Error::Misuse(Misuse::ReservedParameter)), "{name}: {refused}");
    }
    let renamed = server.quirk(Quirk::renamed(Message::IntrospectionRequest, "token", "access_token")).unwrap();
    let request = question(&renamed, TOKEN).request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    assert_eq!(body(&request), format!("access_token={TOKEN}"));
}

#[test]
fn active_is_a_truth_value_or_the_answer_is_none() {
    assert!(answered(200, r#"{"active":true}"#).unwrap().active().is_some());
    assert!(answered(200, r#"{"active":false}"#).unwrap().active().is_none());
    let wrong = Violation::WrongType("active");
    for (answer, why) in [
        (r#"{"active":"true"}"#, wrong),
        (r#"{"active":"false"}"#, wrong),
        (r#"{"active":""}"#, wrong),
        (r#"{"active":1}"#, wrong),
        (r#"{"active":0}"#, wrong),
        (r#"{"active":1.0}"#, wrong),
        (r#"{"active":null}"#, wrong),
        (r#"{"active":[true]}"#, wrong),
        (r#"{"active":{}}"#, wrong),
        ("{}", Violation::Missing("active")),
        (r#"{"Active":true}"#, Violation::Missing("active")),
        (r#"{"scope":"read","client_id":"app"}"#, Violation::Missing("active")),
        (r#"{"active":true,"active":true}"#, Violation::Duplicate("active")),
        (r#"{"active":false,"active":true}"#, Violation::Duplicate("active")),
        (r#"{"active":true,"active":false}"#, Violation::Duplicate("active")),
        (r#"[{"active":true}]"#, Violation::NotAnObject),
        ("true", Violation::NotAnObject),
        ("", Violation::EmptyBody),
    ] {
        let failure = answered(200, answer).unwrap_err();
        assert_eq!(violation(&failure), why, "{answer}");
        drop(intact(failure, ENDPOINT, answer));
    }
}

#[test]
fn of_an_inactive_token_nothing_else_is_read() {
    for rest in ["", r#","scope":42"#, r#","sub":"ada","aud":{}"#, r#","exp":"soon""#] {
        assert!(answered(200, &format!(r#"{{"active":false{rest}}}"#)).unwrap().active().is_none());
    }
}

#[test]
fn a_member_that_cannot_be_read_refuses_the_answer() {
    for (member, why) in [
        (r#""scope":42"#, Violation::WrongType("scope")),
        (r#""scope":["read","write"]"#, Violation::WrongType("scope")),
        (r#""scope":"re\"ad""#, Violation::Character("scope")),
        (r#""scope":"read","scope":"write""#, Violation::Duplicate("scope")),
        (r#""client_id":42"#, Violation::WrongType("client_id")),
        (r#""username":{}"#, Violation::WrongType("username")),
        (r#""token_type":[]"#, Violation::WrongType("token_type")),
        (r#""exp":-1"#, Violation::WrongType("exp")),
        (r#""exp":"soon""#, Violation::WrongType("exp")),
        (r#""exp":"""#, Violation::Empty("exp")),
        (r#""exp":1e400"#, Violation::WrongType("exp")),
        (r#""exp":true"#, Violation::WrongType("exp")),
        (r#""iat":[1]"#, Violation::WrongType("iat")),
        (r#""nbf":{}"#, Violation::WrongType("nbf")),
        (r#""sub":42"#, Violation::WrongType("sub")),
        (r#""aud":42"#, Violation::WrongType("aud")),
        (r#""aud":{"a":"b"}"#, Violation::WrongType("aud")),
        (r#""aud":["https://a.example",42]"#, Violation::WrongType("aud")),
        (r#""aud":[["https://a.example"]]"#, Violation::WrongType("aud")),
        (r#""aud":[null]"#, Violation::WrongType("aud")),
        (r#""aud":"a","aud":"b""#, Violation::Duplicate("aud")),
        (r#""iss":true"#, Violation::WrongType("iss")),
        (r#""jti":[]"#, Violation::WrongType("jti")),
    ] {
        let failure = answered(200, &format!(r#"{{"active":true,{member}}}"#)).unwrap_err();
        assert_eq!(violation(&failure), why, "{member}");
        drop(intact(failure, ENDPOINT, member));
    }
}

#[test]
fn null_is_no_value_and_an_audience_is_one_or_many() {
    let names = ["scope", "client_id", "username", "token_type", "exp", "iat", "nbf", "sub", "aud", "iss", "jti"];
    let nothing: String = names.iter().map(|name| format!(r#","{name}":null"#)).collect();
    let token = active(&format!(r#"{{"active":true{nothing}}}"#));
    assert!(token.scope().is_none() && token.client_id().is_none() && token.username().is_none());
    assert!(token.token_type().is_none() && token.subject().is_none() && token.issuer().is_none());
    assert!(token.expires_at().is_none() && token.issued_at().is_none() && token.not_before().is_none());
    assert!(token.token_id().is_none() && token.audience().is_empty() && !token.is_for(""));
    for (json, audience) in [
        (r#""https://a.example""#, &["https://a.example"][..]),
        (r#"["https://a.example"]"#, &["https://a.example"]),
        (r#"[ "https://a.example" , "https:\/\/b.example" ]"#, &["https://a.example", "https://b.example"]),
        (r#""https:\/\/b.example""#, &["https://b.example"]),
        ("[]", &[]),
    ] {
        let token = active(&format!(r#"{{"active":true,"aud":{json}}}"#));
        assert_eq!(token.audience(), audience);
        assert!(audience.iter().all(|resource| token.is_for(resource)));
        assert!(!token.is_for("https://a.example/") && !token.is_for("https://A.example"));
    }
    // A token that covers nothing is another thing than one of which the scope is not known.
    assert!(active(r#"{"active":true,"scope":""}"#).scope().unwrap().is_empty());
    assert_eq!(active(r#"{"active":true,"exp":"1750000000"}"#).expires_at(), Some(UnixTime::from_secs(1_750_000_000)));
    assert_eq!(active(r#"{"active":true,"exp":1.5}"#).expires_at(), Some(UnixTime::from_secs(1)));
}

#[test]
fn a_servers_quirks_hold_for_its_scopes() {
    let (_, server) = all_endpoints();
    let commas = server.clone().quirk(Quirk::ScopeSeparator(',')).unwrap();
    let said = answered_at(&commas, 200, r#"{"active":true,"scope":"read,write"}"#).unwrap();
    assert_eq!(said.active().unwrap().scope().unwrap().as_str(), "read write");
    let lists = server.quirk(Quirk::ScopeList).unwrap();
    let said = answered_at(&lists, 200, r#"{"active":true,"scope":["read","write"]}"#).unwrap();
    assert_eq!(said.active().unwrap().scope().unwrap().as_str(), "read write");
}

#[test]
fn only_200_describes_a_token_and_a_stated_error_wins() {
    let good = r#"{"active":true}"#;
    for status in [201, 202, 204, 206, 302, 307, 400, 401, 403, 404, 429, 500, 503] {
        drop(intact(answered(status, good).unwrap_err(), ENDPOINT, &status.to_string()));
    }
    for status in [200, 400, 401, 403, 500] {
        let failure = answered(status, r#"{"active":true,"error":"invalid_token"}"#).unwrap_err();
        assert_eq!(failure.error.code().unwrap().as_str(), "invalid_token", "{status}");
        drop(intact(failure, ENDPOINT, &status.to_string()));
    }
    // The client itself was refused (RFC 7662 §2.3).
    let failure = answered(401, r#"{"error":"invalid_client"}"#).unwrap_err();
    assert_eq!(failure.error.next(), Next::FixConfiguration);
}

#[test]
fn whatever_the_server_answers_nothing_is_lost_and_nobody_is_let_in() {
    let all = Misbehaviour::all_at(Endpoint::Introspection);
    assert!(all.len() > 100);
    let (mut let_in, mut inactive) = (0, 0);
    for misbehaviour in &all {
        let what = format!("{misbehaviour:?}");
        let (mut provider, server) = all_endpoints();
        let grant = ClientCredentials::new(&server.client(ID).secret_basic(SECRET).unwrap()).scope("read").unwrap();
        let granted = run_to_its_end(&mut provider, grant).0.unwrap();
        let asked = question(&server, granted.bearer().unwrap().expose_secret());
        provider.clear_log();
        provider.knobs().misbehave_at(Endpoint::Introspection, misbehaviour.clone());
        let mut dice = Dice(1);
        let mut env = Env::new(NOW, &mut dice);
        let response = provider.try_handle(&asked.request(&mut env).unwrap());
        let outcome = match &response {
            Some(response) => asked.respond(&mut env, response.clone()),
            None => asked.unanswered(&mut env, Sent::MaybeSent),
        };
        assert_eq!(provider.log().len(), 1, "{what}");
        match outcome {
            Ok(Step::Again(_)) => panic!("{what}: this flow has one step"),
            Ok(Step::Done(said)) => {
                let response = response.unwrap();
                assert_eq!(response.status(), 200, "{what}");
                let text = String::from_utf8(response.body().clone()).unwrap();
                let text = text.trim_start_matches('\u{feff}');
                let Ok(json) = serde_json::from_str::<Value>(text) else {
                    assert!(what.starts_with("Deep"), "{what}");
                    continue;
                };
                assert_eq!(json["active"], Value::Bool(said.active().is_some()), "{what}");
                assert!(json.get("error").is_none_or(Value::is_null), "{what}");
                let_in += usize::from(said.active().is_some());
                inactive += usize::from(said.active().is_none());
            }
            Err(failure) => {
                let left = intact(failure, ENDPOINT, &what);
                let said = run_to_its_end(&mut provider, left).0.unwrap();
                assert!(said.active().is_some(), "{what}");
            }
        }
    }
    assert!(let_in > 10 && inactive > 0, "{let_in} {inactive}");
}

#[test]
fn a_lost_answer_and_a_request_that_was_not_sent_leave_it_intact() {
    let (_, server) = all_endpoints();
    for sent in [Sent::NotSent, Sent::MaybeSent] {
        let mut dice = Dice(1);
        let failure = question(&server, TOKEN).unanswered(&mut Env::new(NOW, &mut dice), sent).unwrap_err();
        assert!(matches!(failure.error, Error::NoAnswer(said) if said == sent));
        assert!(matches!(failure.left, Left::Intact(_)));
    }
}

/// RFC 7662 §2.1 and §2.2.
#[test]
fn the_rfcs_example() {
    let server = Server::with_token_endpoint("https://server.example.com/token")
        .and_then(|server| server.introspection_endpoint("https://server.example.com/introspect"))
        .unwrap();
    let asked = question(&server, TOKEN).hint(TokenTypeHint::AccessToken);
    let mut dice = Dice(1);
    let mut env = Env::new(NOW, &mut dice);
    let request = asked.request(&mut env).unwrap();
    assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/introspect"));
    assert_eq!(body(&request), "token=mF_9.B5f-4.1JqM&token_type_hint=access_token");
    let answer = r#"{
        "active": true, "client_id": "l238j323ds-23ij4", "username": "jdoe", "scope": "read write dolphin",
        "sub": "Z5O3upPC88QrAjx00dis", "aud": "https://protected.example.net/resource",
        "iss": "https://server.example.com/", "exp": 1419356238, "iat": 1419350238,
        "extension_field": "twenty-seven"
    }"#;
    let Step::Done(said) = asked.respond(&mut env, json(200, answer)).unwrap() else { panic!("one step") };
    let said = said.active().unwrap();
    assert_eq!((said.client_id(), said.username()), (Some("l238j323ds-23ij4"), Some("jdoe")));
    assert_eq!(said.scope().unwrap().iter().collect::<Vec<_>>(), ["read", "write", "dolphin"]);
    assert_eq!(said.subject(), Some("Z5O3upPC88QrAjx00dis"));
    assert!(said.is_for("https://protected.example.net/resource"));
    assert_eq!(said.issuer(), Some("https://server.example.com/"));
    assert_eq!(said.expires_at(), Some(UnixTime::from_secs(1_419_356_238)));
    assert_eq!(said.issued_at(), Some(UnixTime::from_secs(1_419_350_238)));
    #[derive(serde::Deserialize)]
    struct Extra {
        extension_field: String,
    }
    assert_eq!(said.extra::<Extra>().unwrap().extension_field, "twenty-seven");
    assert!(matches!(said.extra::<Vec<String>>().unwrap_err(), Error::Misuse(Misuse::Extra)));

    let asked = question(&server, TOKEN);
    let Step::Done(said) = asked.respond(&mut env, json(200, r#"{"active": false}"#)).unwrap() else { panic!() };
    assert!(said.active().is_none());
}
