//! A run can be spawned on a runtime with many threads.

use grantflow::{Body, Exchange, RefreshExchange};
use grantflow_reqwest::{Held, run, run_held, send};

use super::*;

/// The bounds of `tokio::spawn`.
fn spawn<F: Future<Output: Send + 'static> + Send + 'static>(_: F) {}

fn check<X: Exchange<Output: Send> + Send + 'static>() {
    let _ = |agent: Agent, exchange: X| {
        spawn(async move { run(&agent, exchange).await.map_err(Failure::into_error) });
    };
    let _ = |agent: Agent, mut held: Held<X>| {
        spawn(async move { run_held(&agent, &mut held).await.map_err(Failure::into_error) });
    };
}

#[test]
fn a_run_is_send() {
    check::<ClientCredentials>();
    check::<CodeExchange>();
    check::<RefreshExchange>();
    let _ = |agent: Agent, request: http::Request<Body>| spawn(async move { send(&agent, request).await });
}

#[test]
fn a_run_is_spawned() {
    let server = Listener::answering(answer("200 OK", GOOD));
    let exchange = credentials(&server.url("http"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let agent = agent();
    let run = runtime.spawn(async move { run(&agent, exchange).await.map_err(Failure::into_error) });
    runtime.block_on(run).unwrap().unwrap();
}
