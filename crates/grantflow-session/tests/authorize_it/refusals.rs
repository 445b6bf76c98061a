//! Which answers say that a token is refused, and which token was used.

use grantflow_session::authorize::Refusal;
use grantflow_session::{FreshToken, Session};

use crate::api::{Api, Reply};
use crate::world::World;

/// The result of a request: the status, and the token that came with the answer.
type Seen = (u16, Option<FreshToken>);
type Send = fn(&Session, &str, Refusal) -> Seen;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn over_reqwest(session: &Session, url: &str, refusal: Refusal) -> Seen {
    use grantflow_session::authorize::reqwest::Authorized;
    runtime().block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.get(url).build().unwrap();
        let response = Authorized::new(client, session.clone()).refusal(refusal).execute(request).await.unwrap();
        (response.status().as_u16(), response.extensions().get().cloned())
    })
}

fn over_tower(session: &Session, url: &str, refusal: Refusal) -> Seen {
    use grantflow_session::authorize::tower::AuthorizeLayer;
    use hyper_util::client::legacy;
    use tower::{Layer as _, ServiceExt as _};
    runtime().block_on(async {
        let client: legacy::Client<_, String> =
            legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
        let layer = AuthorizeLayer::new(session.clone()).replaying_clones().refusal(refusal);
        let response = layer.layer(client).oneshot(http::Request::get(url).body(String::new()).unwrap()).await.unwrap();
        (response.status().as_u16(), response.extensions().get().cloned())
    })
}

fn over_ureq(session: &Session, url: &str, refusal: Refusal) -> Seen {
    use grantflow_session::authorize::ureq::Authorized;
    let agent = Authorized::new(ureq::Agent::new_with_defaults(), session.clone()).refusal(refusal);
    let response = agent.call(http::Request::get(url).body(()).unwrap()).unwrap();
    (response.status().as_u16(), response.extensions().get().cloned())
}

fn over_ureqs_middleware(session: &Session, url: &str, refusal: Refusal) -> Seen {
    use grantflow_session::authorize::ureq::Authorizing;
    let middleware = Authorizing::new(session.clone()).refusal(refusal);
    let settings = ureq::Agent::config_builder().http_status_as_error(false).middleware(middleware);
    let response = ureq::Agent::new_with_config(settings.build()).get(url).call().unwrap();
    (response.status().as_u16(), response.extensions().get().cloned())
}

const STACKS: [(&str, Send); 4] = [
    ("reqwest", over_reqwest),
    ("tower", over_tower),
    ("ureq", over_ureq),
    ("ureq's middleware", over_ureqs_middleware),
];

/// An API that refuses every token that its server does not know, with these challenges.
fn api(world: &World, challenges: &'static [&'static str]) -> Api {
    let world = world.clone();
    Api::start(
        move |seen| if world.knows(&seen.authorization) { Reply::ok() } else { Reply::challenge(401, challenges) },
    )
}

#[test]
fn a_bare_401_says_nothing_unless_it_was_asked_for() {
    for (stack, send) in STACKS {
        for challenges in [&[][..], &["Bearer"], &["Bearer error=\"insufficient_scope\""], &["Basic realm=\"x\""]] {
            let world = World::new();
            let api = api(&world, challenges);
            let session = world.session(&api.base);
            let first = session.peek().unwrap();
            world.revoke();
            let (status, used) = send(&session, &api.url("/"), Refusal::InvalidToken);
            assert!(status == 401 && used.unwrap().is(&first), "{stack}");
            assert!(session.token_blocking().unwrap().is(&first), "{stack}: {challenges:?}");

            let (status, used) = send(&session, &api.url("/"), Refusal::Any401);
            let second = session.token_blocking().unwrap();
            assert!(!second.is(&first), "{stack}: {challenges:?}");
            if stack.contains("middleware") {
                assert!(status == 401 && used.unwrap().is(&first), "{stack}");
            } else {
                assert!(status == 200 && used.unwrap().is(&second), "{stack}");
            }
            assert_eq!(world.refreshes(), 1, "{stack}");
        }
    }
}

#[test]
fn other_statuses_never_say_so() {
    for (stack, send) in STACKS {
        for status in [400, 403, 407, 500] {
            let world = World::new();
            let api = Api::start(move |_| Reply::challenge(status, &["Bearer error=\"invalid_token\""]));
            let session = world.session(&api.base);
            let first = session.peek().unwrap();
            assert_eq!(send(&session, &api.url("/"), Refusal::Any401).0, status, "{stack}");
            assert!(session.token_blocking().unwrap().is(&first), "{stack}");
        }
    }
}

#[test]
fn the_token_that_was_used_can_be_refused_without_a_race() {
    for (stack, send) in STACKS {
        let world = World::new();
        let api = Api::start(|_| Reply::ok());
        let session = world.session(&api.base);
        let (_, used) = send(&session, &api.url("/"), Refusal::InvalidToken);
        let used = used.unwrap();
        // Another caller was faster.
        assert!(session.refused(&used), "{stack}");
        let newer = session.token_blocking().unwrap();
        assert!(!session.refused(&used), "{stack}: the newer token was taken away");
        assert!(session.token_blocking().unwrap().is(&newer), "{stack}");
    }
}
