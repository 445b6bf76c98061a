//! Runs over services of every kind: functions, routers, clients, stacks of layers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy spares test functions, not what they share"
)]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use grantflow::{Authorization, Callback, ClientCredentials, CodeExchange, Env, Failure, Left, Server};
use grantflow_tower::{Agent, Error, RequestBody, SysRng};
use http::{Request, Response};
use http_body_util::BodyExt;

mod answers;
mod backpressure;
mod busy;
mod deadline;
mod dropped;
mod is_send;
mod phases;
mod services;

const GOOD: &str = r#"{"access_token":"t","token_type":"Bearer","expires_in":60}"#;
const TOKEN_URL: &str = "https://as.example/token";

fn block_on<F: Future>(run: F) -> F::Output {
    runtime(false).block_on(run)
}

/// In virtual time: when no task can continue, the next timer is due.
fn block_on_virtually<F: Future>(run: F) -> F::Output {
    runtime(true).block_on(run)
}

fn runtime(virtual_time: bool) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(virtual_time).build().unwrap()
}

fn credentials(token_url: &str) -> ClientCredentials {
    let client = Server::with_token_endpoint(token_url).unwrap().client("robot").secret_post("s3cret").unwrap();
    ClientCredentials::new(&client)
}

/// A code exchange: a flow for which it matters whether it was sent.
fn code() -> CodeExchange {
    let server = Server::new("https://as.example/authorize", TOKEN_URL).unwrap();
    let client = server.client("app").secret_post("s3cret").unwrap();
    let mut rng = SysRng;
    let mut env = Env::new(grantflow_tower::now(), &mut rng);
    let start = Authorization::new(&client, "https://app.example/cb").unwrap().start(&mut env).unwrap();
    let state = start.url.as_str().split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    match start.pending.receive_url(&format!("https://app.example/cb?code=the-code&state={state}")) {
        Callback::Granted(exchange) => exchange,
        other => panic!("{other:?}"),
    }
}

/// What is left of a code exchange that fails, and why.
async fn left(agent: &Agent) -> (Left<CodeExchange>, Error) {
    match grantflow_tower::run(agent, code()).await {
        Ok(_) => panic!("it did not fail"),
        Err(Failure { error, left }) => (left, error),
    }
}

/// A service that always answers the same.
fn answering(status: u16, body: &'static str) -> Agent {
    let service = tower::service_fn(move |_: Request<RequestBody>| async move {
        Ok::<_, Infallible>(Response::builder().status(status).body(body.to_owned()).unwrap())
    });
    Agent::new(service, tokio::time::sleep)
}

/// The testkit's server, with a client for each of the flows above.
fn testkit(base_url: &str) -> grantflow_testkit::Server {
    let mut server = grantflow_testkit::Server::new(base_url);
    server.register(grantflow_testkit::Client::confidential("robot", "s3cret"));
    server
}

type Shared = Arc<Mutex<grantflow_testkit::Server>>;

/// The testkit's server as a function.
async fn handle(server: Shared, request: Request<RequestBody>) -> Result<Response<String>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let response = server.lock().unwrap().handle(&Request::from_parts(parts, body));
    Ok(response.map(|body| String::from_utf8(body).unwrap()))
}
