//! A run can be spawned on a runtime with many threads.

use grantflow::{Body, Exchange, RefreshExchange};
use grantflow_tower::{Held, run, run_held, send};

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

/// A stack that can be sent to a thread but not shared with one is enough.
#[test]
fn an_agent_is_shared_even_if_its_service_cannot_be() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let service =
        tower::service_fn(async |_: Request<RequestBody>| Ok::<_, Infallible>(Response::new(GOOD.to_owned())));
    let not_sync = tower::util::BoxCloneService::new(service);
    let agent = Agent::new(not_sync, tokio::time::sleep);
    shared(&agent);
    let run = async move { run(&agent, credentials(TOKEN_URL)).await.map(|_| ()).map_err(Failure::into_error) };
    block_on(async { tokio::spawn(run).await.unwrap().unwrap() });
}
