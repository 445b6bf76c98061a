//! Revocation (RFC 7009): tokens are given up, and nothing is lost if that fails.

use core::time::Duration;

use grantflow::{
    Authorization, Env, Error, Exchange, Failure, Left, Misuse, Next, Quirk, Revocation, Sent, Server, Step,
    TokenTypeHint, Tokens, UrlRole, Violation,
};
use grantflow_testkit::{self as testkit, Endpoint, Misbehaviour};
use http::{Method, Response};

use crate::support::*;

const ENDPOINT: &str = "revocation endpoint";

fn tokens_of(provider: &mut testkit::Server, client: grantflow::Client) -> Tokens {
    let authorization = Authorization::new(client, REDIRECT_URI).unwrap().scope(SCOPE).unwrap();
    let redirect = authorization.start(&mut Env::new(NOW, &mut Dice(3))).unwrap();
    log_in(provider, redirect)
}

fn tokens(provider: &mut testkit::Server, server: &Server) -> Tokens {
    tokens_of(provider, (&server.client(APP).public().unwrap()).into())
}

/// What the API says to this access token.
fn status_at_the_api(provider: &mut testkit::Server, access: &str) -> u16 {
    let request = http::Request::get(provider.resource_url()).header("authorization", format!("Bearer {access}"));
    provider.handle(&request.body("").unwrap()).status().as_u16()
}

fn access_of(tokens: &Tokens) -> String {
    tokens.bearer().unwrap().expose_secret().to_owned()
}

fn refresh_of(tokens: &Tokens) -> Option<String> {
    tokens.refresh_token().map(|token| token.expose_secret().to_owned())
}

fn answered(response: Response<Vec<u8>>) -> Result<(), Failure<Revocation>> {
    let (mut provider, server) = all_endpoints();
    let revocation = tokens(&mut provider, &server).revoke().unwrap();
    let mut dice = Dice(1);
    match revocation.respond(&mut Env::new(NOW, &mut dice), response)? {
        Step::Done(()) => Ok(()),
        Step::Again(_) => panic!("this flow has one step"),
    }
}

#[test]
fn every_client_gives_its_grant_up() {
    let (mut provider, server) = all_endpoints();
    for (auth, client) in every_client(&server) {
        let tokens = tokens_of(&mut provider, client.clone());
        let (access, refresh) = (access_of(&tokens), refresh_of(&tokens).unwrap());
        assert_eq!(status_at_the_api(&mut provider, &access), 200);
        let revocation = tokens.revoke().unwrap();
        let before = provider.log().len();
        run_to_its_end(&mut provider, revocation).0.unwrap();
        assert_eq!(provider.log().len(), before + 1, "sent once");
        let hit = provider.log().last().unwrap();
        assert_eq!((hit.endpoint, &hit.method, hit.auth), (Some(Endpoint::Revocation), &Method::POST, auth));
        assert_eq!((hit.client_id.as_deref(), hit.query.as_deref()), (Some(client.id()), None));
        assert_eq!(hit.parameter("token"), Some(refresh.as_str()));
        assert_eq!(hit.parameter("token_type_hint"), Some("refresh_token"));
        // The refresh token stands for the whole grant.
        assert_eq!(status_at_the_api(&mut provider, &access), 401);
    }
}

#[test]
fn without_a_refresh_token_the_access_token_is_given_up() {
    let (mut provider, server) = all_endpoints();
    provider.knobs().issue_refresh_token = false;
    let tokens = tokens(&mut provider, &server);
    let access = access_of(&tokens);
    assert!(tokens.refresh_token().is_none());
    run_to_its_end(&mut provider, tokens.revoke().unwrap()).0.unwrap();
    let hit = provider.hits_at(Endpoint::Revocation).next().unwrap();
    assert_eq!(hit.parameter("token"), Some(access.as_str()));
    assert_eq!(hit.parameter("token_type_hint"), Some("access_token"));
    assert_eq!(status_at_the_api(&mut provider, &access), 401);
}

#[test]
fn one_token_alone_is_given_up_and_the_others_live_on() {
    let (mut provider, server) = all_endpoints();
    for (_, client) in every_client(&server) {
        let tokens = tokens_of(&mut provider, client.clone());
        let access = access_of(&tokens);
        for (hint, name) in [
            (None, None),
            (Some(TokenTypeHint::AccessToken), Some("access_token")),
            (Some(TokenTypeHint::RefreshToken), Some("refresh_token")),
        ] {
            let revocation = Revocation::of_token(client.clone(), access.as_str(), hint).unwrap();
            let request = revocation.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
            let sent = pairs(&body(&request)).into_iter().find(|(name, _)| name == "token_type_hint");
            assert_eq!(sent.as_ref().map(|(_, value)| value.as_str()), name);
            // The second and the third time, the server no longer knows the token: that is no error (§2.2).
            run_to_its_end(&mut provider, revocation).0.unwrap();
            assert_eq!(status_at_the_api(&mut provider, &access), 401);
        }
        let refreshed = run_to_its_end(&mut provider, tokens.refresh().unwrap()).0.unwrap();
        assert_eq!(status_at_the_api(&mut provider, &access_of(&refreshed)), 200);
    }
    let client = server.client(APP).public().unwrap();
    assert!(matches!(Revocation::of_token(&client, "", None).unwrap_err(), Error::Misuse(Misuse::EmptyToken)));
    assert!(Revocation::of_token(&client, "x", None).unwrap().into_tokens().is_none());
}

#[test]
fn without_an_endpoint_the_tokens_come_back() {
    let mut world = World::new();
    let tokens = world.tokens();
    let (access, refresh) = (access_of(&tokens), refresh_of(&tokens));
    let failure = tokens.revoke().unwrap_err();
    assert!(matches!(failure.error, Error::Misuse(Misuse::NoEndpoint(UrlRole::Revocation))), "{}", failure.error);
    assert!(failure.error.to_string().contains(ENDPOINT));
    let Left::Intact(tokens) = failure.left else { panic!("the tokens are lost") };
    assert_eq!((access_of(&tokens), refresh_of(&tokens)), (access, refresh));
    assert!(world.run(tokens.refresh().unwrap()).is_ok());
    let client = &world.client;
    let refused = Revocation::of_token(client, "x", None).unwrap_err();
    assert!(matches!(refused, Error::Misuse(Misuse::NoEndpoint(UrlRole::Revocation))), "{refused}");
}

#[test]
fn a_parameter_that_is_refused_costs_nothing() {
    let (mut provider, server) = all_endpoints();
    let revocation = tokens(&mut provider, &server).revoke().unwrap().param("reason", "logout & more").unwrap();
    let failure = revocation.param("reason", "again").unwrap_err();
    assert!(matches!(failure.error, Error::Misuse(Misuse::DuplicateParameter)));
    let Left::Intact(mut revocation) = failure.left else { panic!("the tokens are lost") };
    for name in ["token", "token_type_hint", "client_id", "client_secret", "client_assertion_type", ""] {
        let failure = revocation.param(name, "x").unwrap_err();
        assert!(matches!(failure.error, Error::Misuse(Misuse::ReservedParameter)), "{name}");
        let Left::Intact(left) = failure.left else { panic!("{name}: the tokens are lost") };
        revocation = left;
    }
    run_to_its_end(&mut provider, *revocation).0.unwrap();
    assert_eq!(provider.log().last().unwrap().parameter("reason"), Some("logout & more"));
}

#[test]
fn a_503_gives_the_tokens_back_and_they_can_be_given_up_later() {
    for (value, wait) in [
        (None, None),
        (Some("7"), Some(Duration::from_secs(7))),
        (Some("0"), Some(Duration::ZERO)),
        (Some("soon"), None),
        (Some("-1"), None),
    ] {
        let (mut provider, server) = all_endpoints();
        let tokens = tokens(&mut provider, &server);
        let (access, refresh) = (access_of(&tokens), refresh_of(&tokens));
        let outage = match value {
            Some(value) => Misbehaviour::RetryAfter { status: 503, value: value.to_owned(), acts: false },
            None => Misbehaviour::Html { status: 503, acts: false },
        };
        provider.knobs().misbehave_at(Endpoint::Revocation, outage);
        let (failed, asked) = run_to_its_end(&mut provider, tokens.revoke().unwrap());
        let failure = failed.unwrap_err();
        assert_eq!((asked.len(), failure.error.status().unwrap().as_u16()), (1, 503), "{value:?}");
        assert!(matches!(failure.error, Error::Unavailable(_)), "{value:?}: {}", failure.error);
        assert_eq!(failure.error.next(), Next::RetryLater(wait), "{value:?}");
        let tokens = intact(failure, ENDPOINT, "503").into_tokens().unwrap();
        assert_eq!((access_of(&tokens), refresh_of(&tokens)), (access.clone(), refresh), "{value:?}");
        assert_eq!(status_at_the_api(&mut provider, &access), 200);
        // They still work, and are given up with what they have become.
        let tokens = run_to_its_end(&mut provider, tokens.refresh().unwrap()).0.unwrap();
        run_to_its_end(&mut provider, tokens.revoke().unwrap()).0.unwrap();
        assert_eq!(status_at_the_api(&mut provider, &access), 401);
        assert_eq!(provider.hits_at(Endpoint::Revocation).count(), 2);
    }
}

#[test]
fn only_200_is_a_success_and_its_body_means_nothing() {
    for body in ["", "{}", "ok", "<html>", "null", "{\"error\":", "\u{feff}", "{\"revoked\":false}"] {
        assert!(answered(json(200, body)).is_ok(), "{body}");
        let plain = Response::new(body.as_bytes().to_vec());
        assert!(answered(plain).is_ok(), "{body}");
    }
    // Only the status counts (§2.2).
    assert!(answered(json(200, r#"{"error":"unsupported_token_type"}"#)).is_ok());
    assert!(answered(Response::new(vec![0xff, 0x1f, 0x8b])).is_ok());
    for status in [201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 410, 429] {
        let failure = answered(json(status, "")).unwrap_err();
        assert_eq!(failure.error.status().unwrap().as_u16(), status);
        assert!(intact(failure, ENDPOINT, &status.to_string()).into_tokens().is_some());
    }
    assert_eq!(violation(&answered(json(204, "")).unwrap_err()), Violation::UnexpectedStatus);
    assert_eq!(violation(&answered(json(307, "")).unwrap_err()), Violation::Redirect);
}

#[test]
fn an_error_that_the_server_states_is_in_the_error() {
    let (mut provider, server) = all_endpoints();
    provider.knobs().revocable_access_tokens = false;
    provider.knobs().issue_refresh_token = false;
    let tokens = tokens(&mut provider, &server);
    let access = access_of(&tokens);
    let failure = run_to_its_end(&mut provider, tokens.revoke().unwrap()).0.unwrap_err();
    assert_eq!(failure.error.code().unwrap().as_str(), "unsupported_token_type");
    assert_eq!(failure.error.next(), Next::FixConfiguration);
    let Error::Refused(refused) = &failure.error else { panic!("{}", failure.error) };
    assert!(refused.is_verdict());
    let tokens = intact(failure, ENDPOINT, "unsupported_token_type").into_tokens().unwrap();
    assert_eq!(access_of(&tokens), access);

    for (status, code, next) in [
        (400, "invalid_request", Next::FixConfiguration),
        (401, "invalid_client", Next::FixConfiguration),
        (400, "invalid_grant", Next::Reauthorize),
        (503, "temporarily_unavailable", Next::RetryLater(None)),
        (429, "slow_down", Next::RetryLater(None)),
    ] {
        let failure = answered(json(status, &format!(r#"{{"error":"{code}"}}"#))).unwrap_err();
        assert_eq!(failure.error.code().unwrap().as_str(), code);
        assert_eq!(failure.error.next(), next, "{code}");
        assert!(intact(failure, ENDPOINT, code).into_tokens().is_some());
    }
}

#[test]
fn whatever_the_server_answers_the_tokens_are_not_lost_and_nothing_is_sent_twice() {
    let all = Misbehaviour::all_at(Endpoint::Revocation);
    assert!(all.len() > 80);
    let mut done = 0;
    for misbehaviour in &all {
        let what = format!("{misbehaviour:?}");
        let (mut provider, server) = all_endpoints();
        let tokens = tokens(&mut provider, &server);
        let (access, refresh) = (access_of(&tokens), refresh_of(&tokens));
        provider.clear_log();
        provider.knobs().misbehave_at(Endpoint::Revocation, misbehaviour.clone());
        let (outcome, asked) = run_to_its_end(&mut provider, tokens.revoke().unwrap());
        assert_eq!((asked.len(), provider.log().len()), (1, 1), "{what}");
        let status = provider.log()[0].status;
        match outcome {
            Ok(()) => {
                assert_eq!(status, Some(200), "{what}");
                done += 1;
            }
            Err(failure) => {
                let too_large = matches!(misbehaviour, Misbehaviour::Huge { .. });
                assert!(status != Some(200) || too_large, "{what}: {}", failure.error);
                let left = intact(failure, ENDPOINT, &what).into_tokens().unwrap();
                assert_eq!((access_of(&left), refresh_of(&left)), (access.clone(), refresh), "{what}");
                // Given up twice or once, it ends the same way.
                run_to_its_end(&mut provider, left.revoke().unwrap()).0.unwrap();
                assert_eq!(status_at_the_api(&mut provider, &access), 401, "{what}");
            }
        }
    }
    assert!(done > 5 && done < all.len() / 2, "{done} of {}", all.len());
}

#[test]
fn a_lost_answer_and_a_request_that_was_not_sent_leave_the_tokens_intact() {
    for sent in [Sent::NotSent, Sent::MaybeSent] {
        let (mut provider, server) = all_endpoints();
        let revocation = tokens(&mut provider, &server).revoke().unwrap();
        let mut dice = Dice(1);
        let failure = revocation.unanswered(&mut Env::new(NOW, &mut dice), sent).unwrap_err();
        assert!(matches!(failure.error, Error::NoAnswer(said) if said == sent));
        assert!(intact(failure, ENDPOINT, "lost").into_tokens().is_some());
    }
}

#[test]
fn a_servers_names_and_query_hold_here_too() {
    let (mut provider, server) = all_endpoints();
    let server = server
        .revocation_endpoint("https://as.example/oauth/revoke?tenant=7")
        .and_then(|server| server.quirk(Quirk::renamed(grantflow::Message::RevocationRequest, "token", "value")))
        .unwrap();
    let revocation = tokens(&mut provider, &server).revoke().unwrap();
    let request = revocation.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    assert_eq!(*request.uri(), *"https://as.example/oauth/revoke?tenant=7");
    assert!(body(&request).starts_with("value=") && parameter(&body(&request), "token").is_empty());
    let failure = revocation.param("tenant", "8").unwrap_err();
    assert!(matches!(failure.error, Error::Misuse(Misuse::DuplicateParameter)));
}

/// RFC 7009 §2.1.
#[test]
fn the_rfcs_example() {
    let server = Server::with_token_endpoint("https://server.example.com/token")
        .and_then(|server| server.revocation_endpoint("https://server.example.com/revoke"))
        .unwrap();
    let client = server.client("s6BhdRkqt3").secret_basic("gX1fBat3bV").unwrap();
    let revocation = Revocation::of_token(&client, "45ghiukldjahdnhzdauz", Some(TokenTypeHint::RefreshToken)).unwrap();
    let request = revocation.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/revoke"));
    assert_eq!(request.headers()["authorization"], "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW");
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(body(&request), "token=45ghiukldjahdnhzdauz&token_type_hint=refresh_token");
}

/// Quirks change how a token answer is read: here they would not help.
#[test]
fn no_error_advises_a_quirk_that_changes_nothing_here() {
    let bodies = [
        r#"{"message":"no"}"#,
        r#"{"error":{"code":"invalid_request"}}"#,
        r#"{"error":null}"#,
        r#"{"error":"of_our_own"}"#,
        "error=invalid_request",
    ];
    for body in bodies {
        for status in [400, 401, 403] {
            let text = answered(json(status, body)).unwrap_err().to_string();
            assert!(!text.contains("Quirk::"), "{status} {body}: {text}");
        }
    }
}
