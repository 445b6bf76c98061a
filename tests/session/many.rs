//! Ten thousand callers with a token that is over cause one request; and the cost of an idle session.
//!
//! `cargo test --release -p grantflow-tests --test session many -- --nocapture` shows the figures.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use grantflow_session::MemoryStore;
use grantflow_tests::world::*;

const TASKS: usize = 10_000;
const THREADS: usize = 200;

#[test]
fn ten_thousand_tasks_on_a_token_that_is_over_make_one_request() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let world = World::new();
    let session = world.session(&MemoryStore::new());
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    let (sender, receiver) = std::sync::mpsc::channel();
    let start = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (session, sender) = (session.clone(), sender.clone());
            runtime.spawn(async move {
                let mut token = Box::pin(session.token());
                // Reports when it waits.
                let first = std::future::poll_fn(|context| std::task::Poll::Ready(token.as_mut().poll(context))).await;
                sender.send(()).unwrap();
                match first {
                    std::task::Poll::Ready(token) => token.unwrap(),
                    std::task::Poll::Pending => token.await.unwrap(),
                }
            })
        })
        .collect();
    (0..TASKS).for_each(|_| receiver.recv().unwrap());
    let joined = start.elapsed();
    assert_eq!((world.held(), world.refreshes()), (1, 1));
    let start = Instant::now();
    world.release();
    let tokens: Vec<_> = tasks.into_iter().map(|task| runtime.block_on(task).unwrap()).collect();
    let served = start.elapsed();
    assert!(tokens.iter().all(|token| token.is(&tokens[0])));
    assert_eq!((world.refreshes(), world.sent().len()), (1, 1));
    println!("{TASKS} tasks: {} to begin to wait, {} to be served, each", each(joined, TASKS), each(served, TASKS));
}

#[test]
fn two_hundred_threads_on_a_token_that_is_over_make_one_request() {
    let world = World::new();
    let session = world.session(&MemoryStore::new());
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    let barrier = Arc::new(Barrier::new(THREADS + 1));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (session, barrier) = (session.clone(), Arc::clone(&barrier));
            std::thread::spawn(move || {
                barrier.wait();
                session.token_blocking().unwrap()
            })
        })
        .collect();
    barrier.wait();
    while world.held() == 0 {
        std::thread::yield_now();
    }
    let start = Instant::now();
    world.release();
    let tokens: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(tokens.iter().all(|token| token.is(&tokens[0])));
    assert_eq!((world.refreshes(), world.sent().len()), (1, 1));
    println!("{THREADS} threads: {} to be served, each", each(start.elapsed(), THREADS));
}

fn each(all: Duration, callers: usize) -> String {
    format!("{:?}", all / u32::try_from(callers).unwrap())
}

/// In a separate process, so that nothing else changes the figure.
#[test]
#[cfg(target_os = "linux")]
fn a_hundred_thousand_idle_sessions_are_small() {
    const SESSIONS: usize = 100_000;
    const ALONE: &str = "GRANTFLOW_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let name = "many::a_hundred_thousand_idle_sessions_are_small";
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let out = alone.args([name, "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
        print!("{}", String::from_utf8_lossy(&out.stdout));
        assert!(out.status.success());
        return;
    }
    let world = World::new();
    let (client, store) = (world.client(), MemoryStore::new());
    let make = || grantflow_session::Session::new(&client, key(), store.as_store(), world.clone());
    let primed = make();
    primed.prime_blocking(world.login()).unwrap();
    let mut sessions = Vec::with_capacity(SESSIONS);
    let before = resident();
    sessions.extend((0..SESSIONS).map(|_| make()));
    let unread = resident();
    for session in &sessions {
        session.token_blocking().unwrap();
    }
    let fresh = resident();
    println!(
        "an idle session: {} bytes before its first token, {} with one",
        (unread - before) / SESSIONS,
        (fresh - before) / SESSIONS
    );
    assert!((fresh - before) / SESSIONS < 4096);
}

/// How much memory the process has, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}
