//! Threads that block and tasks that do not, on one session: one refresh.

use std::sync::{Arc, Barrier};

use grantflow_tests::world::*;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap()
}

#[test]
fn blocking_and_async_callers_share_one_refresh() {
    let runtime = runtime();
    for round in 0..50 {
        let world = World::new();
        let store = world.store();
        let session = world.session(&store);
        session.prime_blocking(world.login()).unwrap();
        world.advance(LIFE);
        world.network([Net::HoldAnswer]);
        world.stutter(if round % 2 == 0 { Stutter::Wake } else { Stutter::Off });
        let barrier = Arc::new(Barrier::new(9));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (session, barrier) = (session.clone(), Arc::clone(&barrier));
                std::thread::spawn(move || {
                    barrier.wait();
                    session.token_blocking().unwrap()
                })
            })
            .collect();
        let tasks: Vec<_> = (0..32)
            .map(|_| {
                let session = session.clone();
                runtime.spawn(async move { session.token().await.unwrap() })
            })
            .collect();
        barrier.wait();
        while world.held() == 0 {
            std::thread::yield_now();
        }
        world.release();
        let mut tokens: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        tokens.extend(tasks.into_iter().map(|task| runtime.block_on(task).unwrap()));
        assert!(tokens.iter().all(|token| token.is(&tokens[0])));
        assert_eq!((world.refreshes(), world.sent().len()), (1, 1));
    }
}

#[test]
fn tasks_that_are_aborted_at_random_leave_one_refresh() {
    let runtime = runtime();
    for round in 0..50u32 {
        let world = World::new();
        let session = world.session(&world.store());
        session.prime_blocking(world.login()).unwrap();
        world.advance(LIFE);
        world.stutter(Stutter::Wake);
        world.network([Net::HoldAnswer]);
        let tasks: Vec<_> = (0..32u32)
            .map(|n| {
                let session = session.clone();
                (n, runtime.spawn(async move { session.token().await.unwrap() }))
            })
            .collect();
        for (n, task) in &tasks {
            if (n ^ round) % 3 != 0 {
                task.abort();
            }
        }
        while world.held() == 0 {
            std::thread::yield_now();
        }
        world.release();
        for (_, task) in tasks {
            match runtime.block_on(task) {
                Ok(_) => {}
                Err(error) => assert!(error.is_cancelled()),
            }
        }
        assert!(session.token_blocking().is_ok());
        assert_eq!((world.refreshes(), world.sent().len()), (1, 1));
    }
}

#[test]
fn two_sessions_on_one_store_make_one_refresh() {
    let world = World::new();
    let store = world.store();
    let mut policy = plain_policy();
    policy.lock_patience = std::time::Duration::from_secs(100_000);
    let sessions: Vec<_> = (0..4).map(|_| world.session_with(&store, policy.clone())).collect();
    sessions[0].prime_blocking(world.login()).unwrap();
    world.waits(Waits::Nap);
    for round in 1..20 {
        world.advance(LIFE);
        let threads: Vec<_> = sessions
            .iter()
            .map(|session| {
                let session = session.clone();
                std::thread::spawn(move || session.token_blocking().unwrap())
            })
            .collect();
        let tokens: Vec<_> = threads.into_iter().map(|thread| access(&thread.join().unwrap())).collect();
        assert!(tokens.iter().all(|token| *token == tokens[0]));
        assert_eq!(world.refreshes(), round);
    }
}
