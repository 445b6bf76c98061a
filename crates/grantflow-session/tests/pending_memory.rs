//! The memory of pending logins, as the system reports it for this process: 10^6 abandoned ones leave it flat.
//!
//! In a separate file, so that no other test's memory is measured. Without optimisation it starts a quarter of them:
//! `cargo test -p grantflow-session --release --test pending_memory -- --nocapture` starts all.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "clippy spares test functions, not what they share")]

use std::time::{Duration, Instant};

use grantflow::{Authorization, Env, Redirect, Server, UnixTime};
use grantflow_session::PendingLogins;

/// Resident bytes of this process.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn abandoned_logins_leave_memory_flat() {
    const CAPACITY: usize = 100_000;
    const STARTS: usize = if cfg!(debug_assertions) { 250_000 } else { 1_000_000 };
    let server =
        Server::new("https://api.trackmania.com/oauth/authorize", "https://api.trackmania.com/api/access_token");
    let client = server.unwrap().client("0123456789abcdef0123").public().unwrap();
    let logins = PendingLogins::new(CAPACITY, Duration::from_secs(600));
    let mut rng = getrandom::SysRng;
    let mut abandon = |number: usize| {
        // 250 in a second, so that some are dropped for room; after a pause all expire.
        let pause = if number > STARTS / 2 { 1_000 } else { 0 };
        let now = UnixTime::from_secs(1_700_000_000 + number as u64 / 250 + pause);
        let authorization =
            Authorization::new(&client, "https://app.example/oauth/callback").unwrap().scope("read_favorite").unwrap();
        let Redirect { pending, .. } = authorization.start(&mut Env::new(now, &mut rng)).unwrap();
        logins.put(&format!("browser {number}"), &pending.key(), pending.into_stored(), now).unwrap();
    };

    let started = Instant::now();
    abandon(0);
    let empty = resident();
    (1..CAPACITY).for_each(&mut abandon);
    let full = resident();
    assert_eq!(logins.waiting(), CAPACITY);
    let mut most = full;
    for number in CAPACITY..STARTS {
        abandon(number);
        if number % 1_000 == 0 {
            assert!(logins.waiting() <= CAPACITY);
            most = most.max(resident());
        }
    }
    let each = (full - empty) / CAPACITY;
    println!("{each} resident bytes for each of {CAPACITY} pending logins");
    println!("{full} resident bytes with {CAPACITY}, at most {most} up to {STARTS}, in {:?}", started.elapsed());
    assert!(each < 1_500, "{each} bytes");
    assert!(most < full + full / 4, "{full} resident bytes grew to {most}");

    logins.sweep(UnixTime::from_secs(1_800_000_000));
    assert_eq!(logins.waiting(), 0);
}
