//! Services of other crates.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use grantflow_testkit::Loopback;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::*;

#[test]
fn the_testkit_as_a_function() {
    let server: Shared = Arc::new(Mutex::new(testkit("https://as.example")));
    let token_url = server.lock().unwrap().token_url();
    let shared = Arc::clone(&server);
    let agent = Agent::new(tower::service_fn(move |request| handle(Arc::clone(&shared), request)), tokio::time::sleep);
    let tokens = block_on(grantflow_tower::run(&agent, credentials(&token_url))).unwrap();
    assert!(tokens.bearer().is_ok());
    assert_eq!(server.lock().unwrap().hits("client_credentials").count(), 1);
}

#[test]
fn an_axum_router_in_process() {
    async fn token(State(server): State<Shared>, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 10_000).await.unwrap();
        server.lock().unwrap().handle(&Request::from_parts(parts, body)).map(Body::from)
    }
    let server: Shared = Arc::new(Mutex::new(testkit("https://as.example")));
    let token_url = server.lock().unwrap().token_url();
    let router = Router::new().route("/api/access_token", post(token)).with_state(Arc::clone(&server));
    // A router accepts any body.
    for agent in
        [Agent::new(router.clone(), tokio::time::sleep), Agent::with_body(router, tokio::time::sleep, Body::new)]
    {
        block_on(grantflow_tower::run(&agent, credentials(&token_url))).unwrap();
    }
    assert_eq!(server.lock().unwrap().hits("client_credentials").count(), 2);
}

#[test]
fn hyper_utils_client_over_loopback() {
    let loopback = Loopback::start(testkit).unwrap();
    let token_url = loopback.server().token_url();
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let agent = Agent::new(client, tokio::time::sleep);
    block_on(grantflow_tower::run(&agent, credentials(&token_url))).unwrap();

    // A client that was made for other requests.
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let agent = Agent::with_body(client, tokio::time::sleep, |body| Full::new(body.into_bytes()));
    block_on(grantflow_tower::run(&agent, credentials(&token_url))).unwrap();
    assert_eq!(loopback.server().hits("client_credentials").count(), 2);
}

#[test]
fn a_boxed_stack() {
    let service =
        tower::service_fn(async |_: Request<RequestBody>| Ok::<_, Infallible>(Response::new(GOOD.to_owned())));
    let stack = tower::ServiceBuilder::new()
        .boxed_clone()
        .concurrency_limit(2)
        .timeout(std::time::Duration::from_secs(9))
        .service(service);
    block_on(grantflow_tower::run(&Agent::new(stack, tokio::time::sleep), credentials(TOKEN_URL))).unwrap();
}

#[test]
fn time_is_the_clocks() {
    let agent = answering(200, GOOD).clock(|| grantflow::UnixTime::from_secs(1_000));
    let tokens = block_on(grantflow_tower::run(&agent, credentials(TOKEN_URL))).unwrap();
    assert_eq!(tokens.expires_at(), Some(grantflow::UnixTime::from_secs(1_060)));
}
