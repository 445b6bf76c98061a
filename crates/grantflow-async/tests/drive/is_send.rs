//! A run can be spawned if everything that it is given can be sent.

use std::sync::Arc;
use std::time::Duration;

use grantflow::{
    ClientCredentials, CodeExchange, ConfidentialClient, Exchange, RefreshExchange, Sent, Server, Tokens, UnixTime,
};
use grantflow_async::{Held, drive};
use http::Response;

use super::{Failed, NoRandom};

/// The bounds of a multi-threaded runtime's `spawn`.
fn spawn<F: Future<Output: Send + 'static> + Send + 'static>(run: F) -> F {
    run
}

/// A stack that is shared, and lent to the closures: the case of the error "`Send` is not general enough".
struct Stack;

impl Stack {
    async fn ready(&self) -> Result<u8, Failed> {
        Ok(1)
    }

    async fn carry(&self, _: u8) -> Result<Response<Vec<u8>>, (Sent, Failed)> {
        Ok(Response::new(br#"{"access_token":"t","token_type":"Bearer"}"#.to_vec()))
    }
}

async fn run<X: Exchange>(stack: Arc<Stack>, exchange: X) -> Result<X::Output, Failed> {
    let (mut held, mut rng) = (Held::new(exchange), NoRandom);
    let now = || UnixTime::from_secs(0);
    let wait = |_: Duration| async {};
    let stack = &*stack;
    let done = drive(&mut held, &mut rng, now, wait, || stack.ready(), |room, _| stack.carry(room)).await;
    done.map_err(grantflow::Failure::into_error)
}

fn client() -> ConfidentialClient {
    Server::with_token_endpoint("https://as.example/token").unwrap().client("a").secret_post("s").unwrap()
}

#[test]
fn a_run_is_send() {
    let run = spawn(run(Arc::new(Stack), ClientCredentials::new(&client())));
    pollster::block_on(run).unwrap();
}

#[test]
fn a_run_of_two_exchanges_is_send() {
    let client = client();
    let both = ClientCredentials::new(&client).then(move |_: Tokens, _| Ok(ClientCredentials::new(&client)));
    pollster::block_on(spawn(run(Arc::new(Stack), both))).unwrap();
}

#[test]
fn a_run_of_any_flow_is_send() {
    fn check<X: Exchange<Output: Send> + Send + 'static>() {
        let _ = |exchange: X| spawn(run(Arc::new(Stack), exchange));
    }
    check::<CodeExchange>();
    check::<RefreshExchange>();
}
