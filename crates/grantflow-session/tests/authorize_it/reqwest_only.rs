use grantflow_session::Session;
use grantflow_session::authorize::reqwest::{Authorized, Error};
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::api::{Api, Reply};
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
    // Made by hand, for reqwest's builder turns the user into a header, which is refused as well.
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
    let base = {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", nobody.local_addr().unwrap())
    };
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
