//! A run that is dropped, and what the caller has left.

use std::time::Duration;

use grantflow::Exchange;
use grantflow_tower::{Held, Interrupted, run_held};
use tower::limit::GlobalConcurrencyLimitLayer;

use super::*;

fn settle<X: Exchange>(held: Held<X>) -> Left<X> {
    held.settle(&mut Env::new(grantflow_tower::now(), &mut SysRng))
}

/// A stack with this much room, whose service never answers.
fn mute(room: usize) -> (Agent, Arc<Mutex<u32>>) {
    let calls = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&calls);
    let service = tower::service_fn(move |_: Request<RequestBody>| {
        *counter.lock().unwrap() += 1;
        std::future::pending::<Result<Response<String>, Infallible>>()
    });
    let room = GlobalConcurrencyLimitLayer::with_semaphore(Arc::new(tokio::sync::Semaphore::new(room)));
    (Agent::new(tower::ServiceBuilder::new().layer(room).service(service), tokio::time::sleep), calls)
}

/// Runs for a second, then drops.
fn run_for_a_second(agent: &Agent, held: &mut Held<CodeExchange>) {
    block_on_virtually(async {
        let run = tokio::time::timeout(Duration::from_secs(1), run_held(agent, held)).await;
        assert!(run.is_err(), "it was to be dropped");
    });
}

#[test]
fn dropped_while_the_service_is_not_ready_nothing_was_sent() {
    let ((agent, calls), mut held) = (mute(0), Held::new(code()));
    run_for_a_second(&agent, &mut held);
    assert!(matches!(settle(held), Left::Intact(_)));
    assert_eq!(*calls.lock().unwrap(), 0);
}

#[test]
fn dropped_after_the_call_it_may_have_been_sent_and_nothing_more_is() {
    let ((agent, calls), mut held) = (mute(9), Held::new(code()));
    run_for_a_second(&agent, &mut held);
    let failure = block_on_virtually(run_held(&agent, &mut held)).unwrap_err();
    assert!(matches!(failure.error, Error::Interrupted(Interrupted::MaybeSent)));
    assert!(matches!(failure.left, Left::Unknown(_)));
    assert_eq!(*calls.lock().unwrap(), 1);
}

#[test]
fn dropped_after_the_call_the_exchange_is_still_there() {
    let ((agent, _), mut held) = (mute(9), Held::new(code()));
    run_for_a_second(&agent, &mut held);
    let Left::Unknown(exchange) = settle(held) else { panic!("not unknown") };
    // The caller has decided that it may be sent once more.
    block_on(grantflow_tower::run(&answering(200, GOOD), *exchange)).unwrap();
}

#[test]
fn a_dropped_run_gives_its_room_back() {
    let ((agent, calls), mut first) = (mute(1), Held::new(code()));
    run_for_a_second(&agent, &mut first);
    run_for_a_second(&agent, &mut Held::new(code()));
    assert_eq!(*calls.lock().unwrap(), 2);
}
