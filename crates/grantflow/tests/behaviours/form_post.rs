//! The form post response mode: a form-encoded POST, and nothing else if one was requested.

use grantflow::{Callback, NotOurs, ResponseMode, callback_key_in_form};
use http::{Request, Uri};

use crate::support::*;

fn world() -> (World, grantflow::PendingCallback, String) {
    let mut world = World::with(|server| server.issuer_always_sent(ISSUER).unwrap());
    let authorization = world.authorization().response_mode(ResponseMode::FormPost);
    let start = world.start(&authorization);
    (world, start.pending, start.url.as_str().to_owned())
}

#[test]
fn the_form_of_the_provider_is_granted() {
    let (mut world, pending, url) = world();
    assert_eq!(parameter(&url, "response_mode"), "form_post");
    let post = world.provider.visit(&url).unwrap().request().unwrap();
    assert_eq!(callback_key_in_form(post.body()), Some(pending.key()));
    let stored = serde_json::to_string(&pending.into_stored()).unwrap();
    let pending =
        grantflow::PendingCallback::from_stored(serde_json::from_str(&stored).unwrap(), &world.client).unwrap();
    let exchange = granted(pending.receive_form_post(&post));
    assert!(world.run(exchange).is_ok());
}

#[test]
fn anything_but_a_form_post_is_not_ours() {
    let form = "application/x-www-form-urlencoded";
    for (method, content_type) in
        [("GET", form), ("PUT", form), ("POST", "application/json"), ("POST", "text/plain"), ("POST", "")]
    {
        let (_, pending, url) = world();
        let body = format!("code=a&state={}&iss={ISSUER}", parameter(&url, "state"));
        let request =
            Request::builder().method(method).uri("/cb").header("content-type", content_type).body(body).unwrap();
        match pending.receive_form_post(&request) {
            Callback::Unrelated { why, .. } => assert_eq!(why, NotOurs::OtherMode, "{method} {content_type}"),
            other => panic!("{method} {content_type}: {other:?}"),
        }
    }
}

#[test]
fn the_query_does_not_answer_for_the_form_nor_the_form_for_the_query() {
    let (_, pending, url) = world();
    let query: Uri = format!("/cb?code=a&state={}&iss={ISSUER}", parameter(&url, "state")).parse().unwrap();
    assert!(matches!(pending.receive(&query), Callback::Unrelated { why: NotOurs::OtherMode, .. }));

    let (pending, state) = World::new().waiting();
    let post = Request::post("/cb").header("content-type", "application/x-www-form-urlencoded");
    let post = post.body(format!("code=a&state={state}")).unwrap();
    assert!(matches!(pending.receive_form_post(&post), Callback::Unrelated { why: NotOurs::OtherMode, .. }));
}

#[test]
fn media_types_are_compared_without_case_and_parameters() {
    let (_, pending, url) = world();
    let body = format!("code=a&state={}&iss={ISSUER}", parameter(&url, "state"));
    let post = Request::post("/cb")
        .header("content-type", "Application/X-WWW-Form-URLencoded ; charset=utf-8")
        .body(body)
        .unwrap();
    let _ = granted(pending.receive_form_post(&post));
}

#[test]
fn a_line_break_around_the_form_is_ignored_and_one_within_makes_it_unrelated() {
    for (start, end) in [("", "\n"), ("", "\r\n"), ("\r\n", "\r\n"), ("\n", "\t")] {
        let (_, pending, url) = world();
        let state = parameter(&url, "state");
        let post = |body: String| {
            Request::post("/cb").header("content-type", "application/x-www-form-urlencoded").body(body).unwrap()
        };
        let torn = post(format!("code=a&iss={ISSUER}{end}&state={state}"));
        let Callback::Unrelated { pending, why } = pending.receive_form_post(&torn) else { panic!("{end:?}") };
        assert!(matches!(why, NotOurs::ControlCharacter));
        let whole = post(format!("{start}code=a&iss={ISSUER}&state={state}{end}"));
        assert_eq!(callback_key_in_form(whole.body().as_bytes()), Some(pending.key()), "{end:?}");
        let _ = granted(pending.receive_form_post(&whole));
    }
}

#[test]
fn a_server_that_lists_its_modes_without_it_is_not_asked_for_it() {
    use grantflow::{Authorization, Discovery, Env, Error, MetadataFault, Misuse};

    let mut provider = grantflow_testkit::Server::new(ISSUER);
    let mut start = |form_post: bool, mode| {
        provider.knobs().form_post = form_post;
        let metadata = run_to_its_end(&mut provider, Discovery::new(ISSUER).unwrap()).0.unwrap();
        let server = metadata.server().unwrap();
        let client = server.client(ID).secret_post(SECRET).unwrap();
        let authorization = Authorization::new(&client, REDIRECT_URI).unwrap().response_mode(mode);
        let mut dice = Dice(1);
        let mut env = Env::new(NOW, &mut dice);
        let started = authorization.start(&mut env).map(|_| ());
        let pushed = authorization.push(&mut env).map(|_| ());
        assert_eq!(format!("{started:?}"), format!("{pushed:?}"), "a pushed request is no other request");
        started
    };
    assert!(start(true, ResponseMode::FormPost).is_ok());
    assert!(start(false, ResponseMode::Query).is_ok());
    let refused = start(false, ResponseMode::FormPost).unwrap_err();
    assert!(matches!(refused, Error::Misuse(Misuse::Metadata(MetadataFault::NoFormPost))), "{refused}");
    assert!(refused.to_string().contains("leave out response_mode"), "{refused}");
}
