//! A service that is not ready is not called, and the called one is the one that was ready.

use std::task::{Context, Poll};
use std::time::Duration;

use tower::Service;
use tower::limit::{ConcurrencyLimitLayer, GlobalConcurrencyLimitLayer};
use tower::{Layer, ServiceBuilder};

use super::*;

/// Panics if it is called before it was ready. A clone has to become ready separately.
struct Strict {
    polls_left: u32,
    ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { polls_left: self.polls_left, ready: false }
    }
}

impl Service<Request<RequestBody>> for Strict {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if let Some(left) = self.polls_left.checked_sub(1) {
            self.polls_left = left;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<RequestBody>) -> Self::Future {
        assert!(self.ready, "called without having been ready");
        self.ready = false;
        std::future::ready(Ok(Response::new(GOOD.to_owned())))
    }
}

#[test]
fn the_clone_that_was_ready_is_called() {
    let agent = Agent::new(Strict { polls_left: 3, ready: false }, tokio::time::sleep);
    for _ in 0..3 {
        block_on(grantflow_tower::run(&agent, credentials(TOKEN_URL))).unwrap();
    }
}

#[test]
fn a_concurrency_limit_holds_for_all_that_share_it() {
    let most = Arc::new(Mutex::new((0, 0)));
    let counter = Arc::clone(&most);
    let service = tower::service_fn(move |_: Request<RequestBody>| {
        let counter = Arc::clone(&counter);
        async move {
            {
                let mut counter = counter.lock().unwrap();
                counter.0 += 1;
                counter.1 = counter.1.max(counter.0);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            counter.lock().unwrap().0 -= 1;
            Ok::<_, Infallible>(Response::new(GOOD.to_owned()))
        }
    });
    let agent = Agent::new(ConcurrencyLimitLayer::new(2).layer(service), tokio::time::sleep);
    block_on_virtually(async {
        let runs: Vec<_> = (0..6)
            .map(|_| {
                let agent = agent.clone();
                let run =
                    async move { grantflow_tower::run(&agent, credentials(TOKEN_URL)).await.map(|_| ()).unwrap() };
                tokio::spawn(run)
            })
            .collect();
        for run in runs {
            run.await.unwrap();
        }
    });
    assert_eq!(*most.lock().unwrap(), (0, 2));
}

#[test]
fn no_room_before_the_deadline_was_not_sent() {
    // Another caller has all the room.
    let room = Arc::new(tokio::sync::Semaphore::new(0));
    let service = tower::service_fn(async |_: Request<RequestBody>| -> Result<Response<String>, Infallible> {
        panic!("called without room")
    });
    let stack = ServiceBuilder::new().layer(GlobalConcurrencyLimitLayer::with_semaphore(room)).service(service);
    let agent = Agent::new(stack, tokio::time::sleep).timeout(Duration::from_secs(5));
    let (left, error) = block_on_virtually(left(&agent));
    assert!(matches!(left, Left::Intact(_)));
    assert!(matches!(error, Error::TimedOut), "{error}");
}
