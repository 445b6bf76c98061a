use grantflow_session::Session;
use grantflow_session::authorize::reqwest::{Authorized, Error};
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::api::{Api, Reply};
use crate::outsides::nobody;
use crate::world::World;

async fn get(client: Client, session: &Session, url: &str) -> Result<reqwest::Response, Error> {
    let request = client.get(url).build().unwrap();
    Authorized::new(client, session.clone()).execute(request).await
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn a_redirect_within_the_origin_keeps_the_token_and_its_refusal_counts() {
    let world = World::new();
    let api = Api::start({
        let world = world.clone();
        move |seen| match seen.path.as_str() {
            "/" => Reply::redirect(307, "/there"),
            _ if world.knows(&seen.authorization) => Reply::ok(),
            _ => Reply::invalid_token(),
        }
    });
    let session = world.session(&api.base);
    world.revoke();
    assert_eq!(get(client(), &session, &api.url("/")).await.unwrap().status(), 200);
    let tokens = api.tokens();
    assert_eq!((tokens.len(), world.refreshes()), (4, 1));
    assert!(tokens[0] == tokens[1] && tokens[2] == tokens[3] && tokens[0] != tokens[2]);
}

#[tokio::test]
async fn a_default_header_of_the_client_does_not_get_in_beside_the_token() {
    let world = World::new();
    let api = Api::start(|_| Reply::ok());
    let session = world.session(&api.base);
    let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Basic eDp5"))]);
    let client = Client::builder().no_proxy().default_headers(headers).build().unwrap();
    get(client, &session, &api.url("/")).await.unwrap();
    let seen = api.seen();
    assert_eq!(seen[0].authorization.len(), 1);
    assert!(seen[0].authorization[0].starts_with("Bearer "));
}

#[tokio::test]
async fn a_url_with_a_user_in_it_gets_no_token() {
    let world = World::new();
    let api = Api::start(|_| Reply::ok());
    let session = world.session(&api.base);
    // Made by hand: reqwest's builder turns the user into a header, which is refused too.
    let url = api.url("/").replace("http://", "http://ada@").parse().unwrap();
    let request = reqwest::Request::new(reqwest::Method::GET, url);
    let error = Authorized::new(client(), session.clone()).execute(request).await.unwrap_err();
    assert!(matches!(error, Error::NotAuthorized(_)), "{error:?}");
    let error = get(client(), &session, &api.url("/").replace("http://", "http://ada@")).await.unwrap_err();
    assert!(matches!(error, Error::NotAuthorized(_)), "{error:?}");
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn errors_show_no_url() {
    let world = World::new();
    let (_nobody, base) = nobody();
    let session = world.session(&base);
    let error = get(client(), &session, &format!("{base}/?key=hush-hush")).await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hush-hush"), "{error:?}");
    assert!(!format!("{:?}", Authorized::new(client(), session)).contains("s3cret"));
}

#[test]
fn its_future_is_send() {
    fn is_send(_: impl Send) {}
    fn of(authorized: &Authorized, request: reqwest::Request) {
        is_send(authorized.execute(request));
    }
    let _ = of;
}

#[tokio::test]
async fn loopback_is_reached_without_a_proxy() {
    let world = World::new();
    let (api, proxy) = (Api::start(|_| Reply::ok()), Api::start(|_| Reply::ok()));
    let session = world.session(&api.base);
    // Like one that the environment names: it is asked for every `http:` request.
    let proxied = Client::builder().proxy(reqwest::Proxy::all(&proxy.base).unwrap()).build().unwrap();
    assert_eq!(proxied.get("http://api.example/").send().await.unwrap().status(), 200, "the proxy records");
    assert_eq!(proxy.seen().len(), 1);

    let request = proxied.get(api.url("/")).build().unwrap();
    let authorized = Authorized::new(proxied.clone(), session);
    assert_eq!(authorized.execute(request).await.unwrap().status(), 200);
    let request = proxied.post(api.url("/")).body("a body").build().unwrap();
    assert_eq!(authorized.clone().execute(request).await.unwrap().status(), 200);
    assert_eq!((api.seen().len(), proxy.seen().len()), (2, 1), "the token went to the proxy in the clear");
}

#[tokio::test]
async fn loopback_can_have_settings_of_its_own() {
    let world = World::new();
    let api = Api::start(|_| Reply::redirect(302, "/there"));
    let session = world.session(&api.base);
    let still = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = client().get(api.url("/")).build().unwrap();
    let response = Authorized::new(client(), session).loopback_client(still).execute(request).await.unwrap();
    assert_eq!((response.status().as_u16(), api.seen().len()), (302, 1));
}
