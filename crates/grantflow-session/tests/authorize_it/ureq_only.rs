use grantflow_session::authorize::NotAuthorized;
use grantflow_session::authorize::ureq::{Authorizing, Error, call};
use ureq::config::RedirectAuthHeaders;

use crate::api::{Api, Reply};
use crate::world::World;

fn get(url: &str) -> http::Request<()> {
    http::Request::get(url).body(()).unwrap()
}

#[test]
fn no_setting_of_an_agent_lets_a_token_follow_a_redirect() {
    let world = World::new();
    // The same host with another port is another origin, which ureq's `SameHost` takes for the same.
    let abroad = Api::start(|_| Reply::ok());
    let target = abroad.url("/there");
    let home = Api::start(move |_| Reply::redirect(302, &target));
    let session = world.session(&home.base);
    let settings = || ureq::Agent::config_builder().redirect_auth_headers(RedirectAuthHeaders::SameHost);

    let agent = ureq::Agent::new_with_config(settings().build());
    assert_eq!(call(&agent, &session, get(&home.url("/"))).unwrap().status(), 200);
    let agent = ureq::Agent::new_with_config(settings().middleware(Authorizing::new(session)).build());
    assert_eq!(agent.get(home.url("/")).call().unwrap().status(), 200);

    assert_eq!(abroad.tokens(), ["", ""]);
    assert!(home.tokens().iter().all(|token| token.starts_with("Bearer ")));
}

#[test]
fn a_redirect_within_the_origin_proves_nothing() {
    let world = World::new();
    let api = Api::start(|seen| match seen.path.as_str() {
        "/" => Reply::redirect(302, "/there"),
        // Some servers say this about a token that they were not shown.
        _ => Reply::invalid_token(),
    });
    let session = world.session(&api.base);
    let agent = ureq::Agent::new_with_defaults();
    assert_eq!(call(&agent, &session, get(&api.url("/"))).unwrap().status(), 401);
    assert_eq!((api.seen().len(), world.refreshes()), (2, 0));
}

#[test]
fn a_status_is_an_answer_to_a_call_and_what_the_agent_says_to_a_middleware() {
    let world = World::new();
    let api = Api::start(|_| Reply::challenge(404, &[]));
    let session = world.session(&api.base);
    let agent = ureq::Agent::new_with_defaults();
    assert_eq!(call(&agent, &session, get(&api.url("/"))).unwrap().status(), 404);
    let settings = ureq::Agent::config_builder().middleware(Authorizing::new(session));
    let agent = ureq::Agent::new_with_config(settings.build());
    assert!(matches!(agent.get(api.url("/")).call(), Err(ureq::Error::StatusCode(404))));
}

#[test]
fn a_call_over_an_agent_that_authorizes_too_is_refused() {
    let world = World::new();
    let api = Api::start(|_| Reply::ok());
    let session = world.session(&api.base);
    let settings = ureq::Agent::config_builder().middleware(Authorizing::new(session.clone()));
    let agent = ureq::Agent::new_with_config(settings.build());
    match call(&agent, &session, get(&api.url("/"))) {
        Err(Error::Transport(ureq::Error::Other(error))) => assert!(error.is::<NotAuthorized>()),
        other => panic!("{other:?}"),
    }
    assert!(api.seen().is_empty());
}

#[test]
fn loopback_is_reached_without_a_proxy() {
    let world = World::new();
    let (api, proxy) = (Api::start(|_| Reply::ok()), Api::start(|_| Reply::ok()));
    let session = world.session(&api.base);
    let settings = || ureq::Agent::config_builder().proxy(Some(ureq::Proxy::new(&proxy.base).unwrap()));
    let agent = ureq::Agent::new_with_config(settings().build());
    call(&agent, &session, get(&api.url("/"))).unwrap();
    let agent = ureq::Agent::new_with_config(settings().middleware(Authorizing::new(session)).build());
    agent.get(api.url("/")).call().unwrap();
    assert_eq!((api.seen().len(), proxy.seen().len()), (2, 0));
}

#[test]
fn errors_show_no_url() {
    let world = World::new();
    let api = Api::start(|_| Reply::redirect(302, "http://["));
    let session = world.session(&api.base);
    let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().https_only(true).build());
    let error = call(&agent, &session, get(&api.url("/?key=hush-hush"))).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hush-hush"), "{error:?}");
    assert!(!format!("{:?}", Authorizing::new(session)).contains("s3cret"));
}
