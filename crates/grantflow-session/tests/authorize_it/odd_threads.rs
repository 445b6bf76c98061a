//! `token_blocking` from unusual threads and moments. As in `blocking`, a watchdog fails a test that hangs.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use grantflow_session::{Session, SessionError};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::blocking::{
    Asked, DEADLINE, current_thread, multi_thread, sessions, sessions_within, silent, start, token_url, watched,
};

/// Asks when it is dropped.
struct Asks(Session, Arc<Mutex<Option<Asked>>>);

impl Drop for Asks {
    fn drop(&mut self) {
        *self.1.lock().unwrap() = Some(self.0.token_blocking());
    }
}

#[test]
fn in_a_drop_while_the_runtime_is_shut_down_it_ends() {
    let loopback = start();
    for make in [|| multi_thread(1), || multi_thread(4), current_thread] {
        for (stack, session) in sessions(&token_url(&loopback), None).into_iter().take(1) {
            let asked = watched(stack, move || {
                let runtime = make();
                let answer = Arc::default();
                let asks = Asks(session, Arc::clone(&answer));
                runtime.spawn(async move {
                    std::future::pending::<()>().await;
                    drop(asks);
                });
                runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
                drop(runtime);
                answer.lock().unwrap().take()
            });
            let asked = asked.expect("it was dropped");
            assert!(
                asked.is_ok() || matches!(&asked, Err(SessionError::NotRenewed { .. } | SessionError::CannotBlock(_))),
                "{asked:?}"
            );
        }
    }
}

#[test]
fn in_a_block_on_inside_of_a_spawn_blocking_it_is_a_token() {
    let loopback = start();
    for make in [|| multi_thread(1), current_thread] {
        let (_, session) = sessions(&token_url(&loopback), None).remove(0);
        let asked = watched("nested", move || {
            make().block_on(async move {
                tokio::task::spawn_blocking(move || {
                    tokio::runtime::Handle::current().block_on(async move { session.token_blocking() })
                })
                .await
                .unwrap()
            })
        });
        assert!(asked.is_ok(), "{asked:?}");
    }
}

#[test]
fn in_another_executor_inside_of_a_worker_it_is_a_token() {
    let loopback = start();
    let (_, session) = sessions(&token_url(&loopback), None).remove(0);
    let asked = watched("pollster in a worker", move || {
        let runtime = multi_thread(1);
        let task = runtime.spawn(async move { pollster::block_on(async move { session.token_blocking() }) });
        runtime.block_on(task).unwrap()
    });
    assert!(asked.is_ok(), "{asked:?}");
}

#[test]
fn on_a_thread_that_has_entered_a_runtime_it_ends() {
    let loopback = start();
    for (make, is_token) in [((|| multi_thread(1)) as fn() -> _, true), (current_thread, false)] {
        let (_, session) = sessions(&token_url(&loopback), None).remove(0);
        let asked = watched("entered", move || {
            let runtime: tokio::runtime::Runtime = make();
            let _entered = runtime.enter();
            session.token_blocking()
        });
        assert_eq!(asked.is_ok(), is_token, "{asked:?}");
    }
}

#[test]
fn where_all_workers_wait_and_no_thread_is_to_be_had_the_deadline_ends_it() {
    let (_listener, url) = silent();
    let (_, session) = sessions_within(DEADLINE, &url, None).remove(0);
    let asked = watched("no thread is left", move || {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).enable_all().build().unwrap();
        let (begins, has_begun) = mpsc::channel();
        let (over, is_over) = mpsc::channel::<()>();
        let blocker = runtime.spawn_blocking(move || {
            begins.send(()).unwrap();
            is_over.recv()
        });
        has_begun.recv().unwrap();
        let task = runtime.spawn(async move { session.token_blocking() });
        let asked = runtime.block_on(task).unwrap();
        over.send(()).unwrap();
        runtime.block_on(blocker).unwrap().unwrap();
        asked
    });
    assert!(asked.is_err());
}

#[test]
fn in_a_local_set_the_runtime_that_was_given_carries_it() {
    let loopback = start();
    let carrier = multi_thread(1);
    for (stack, session) in sessions(&token_url(&loopback), Some(carrier.handle())) {
        let asked = watched(stack, move || {
            LocalSet::new().block_on(&current_thread(), async move {
                tokio::task::spawn_local(async move { session.token_blocking() }).await.unwrap()
            })
        });
        assert!(asked.is_ok(), "{stack}: {asked:?}");
    }
}

#[test]
fn the_other_calls_that_block_end_as_well() {
    let loopback = start();
    for (stack, session) in sessions(&token_url(&loopback), None) {
        watched(stack, move || {
            let here = session.clone();
            current_thread().block_on(async move {
                assert!(matches!(here.forget_blocking(), Err(SessionError::CannotBlock(_))));
                assert!(here.finish_blocking().is_ok(), "there is nothing to finish");
            });
            assert!(multi_thread(1).block_on(session.token()).is_ok());
        });
    }
}
