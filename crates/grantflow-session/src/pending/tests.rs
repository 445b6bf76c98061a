use std::sync::Barrier;
use std::thread;

use grantflow::{Authorization, Env, PendingCallback, PublicClient, Redirect, Server};
use pollster::block_on;

use super::*;

const LIFE: u64 = 600;

fn client() -> PublicClient {
    Server::new("https://as.example/authorize", "https://as.example/token").unwrap().client("my-id").public().unwrap()
}

fn start(client: &PublicClient) -> (PendingKey, StoredCallback) {
    let mut rng = getrandom::SysRng;
    let mut env = Env::new(at(0), &mut rng);
    let authorization =
        Authorization::new(client, "https://app.example/oauth/callback").unwrap().scope("read write").unwrap();
    let Redirect { pending, .. } = authorization.start(&mut env).unwrap();
    (pending.key(), pending.into_stored())
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(1_700_000_000 + seconds)
}

fn logins(capacity: usize) -> PendingLogins {
    PendingLogins::new(capacity, Duration::from_secs(LIFE))
}

/// Starts a login for `browser` and returns its key.
fn put(logins: &PendingLogins, browser: &str, now: u64) -> PendingKey {
    let (key, stored) = start(&client());
    logins.put(browser, &key, stored, at(now)).unwrap();
    key
}

fn is_there(logins: &PendingLogins, browser: &str, key: &PendingKey, now: u64) -> bool {
    logins.take(browser, key, at(now)).is_some()
}

#[test]
fn it_is_taken_once_and_whole() {
    let (client, logins) = (client(), logins(10));
    let (key, stored) = start(&client);
    let logins: &dyn PendingStore = &logins;
    block_on(logins.put("ada", &key, stored, at(0))).unwrap();
    let taken = block_on(logins.take("ada", &key, at(1))).unwrap().unwrap();
    assert_eq!(PendingCallback::from_stored(taken, &client).unwrap().key(), key);
    assert!(block_on(logins.take("ada", &key, at(1))).unwrap().is_none());
}

#[test]
fn it_is_reached_through_any_pointer() {
    let logins = logins(10);
    let through = |pointer: &dyn PendingStore| {
        let (key, stored) = start(&client());
        block_on(pointer.put("ada", &key, stored, at(0))).unwrap();
        assert_eq!(logins.waiting(), 1);
        assert!(block_on(pointer.take("ada", &key, at(0))).unwrap().is_some());
        assert_eq!(logins.waiting(), 0);
    };
    through(&&logins);
    through(&Arc::new(logins.clone()));
    through(&(Arc::new(logins.clone()) as Arc<dyn PendingStore>));
    through(&(Box::new(logins.clone()) as Box<dyn PendingStore>));
}

#[test]
fn another_browser_gets_nothing_and_takes_nothing() {
    let logins = logins(10);
    let (ada, eve) = (put(&logins, "ada", 0), put(&logins, "eve", 0));
    for browser in ["eve", "", "ad", "adaa", "ada\0"] {
        assert!(!is_there(&logins, browser, &ada, 1), "{browser:?}");
    }
    assert!(!is_there(&logins, "ada", &eve, 1));
    assert!(is_there(&logins, "ada", &ada, 1) && is_there(&logins, "eve", &eve, 1));
}

#[test]
fn a_browser_without_a_session_is_refused() {
    let (key, stored) = start(&client());
    let error = logins(10).put("", &key, stored, at(0)).unwrap_err();
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(why.contains("the browser's session id is empty"), "{why}");
}

#[test]
fn it_expires_to_the_second_and_is_dropped_by_the_next_call() {
    let logins = logins(10);
    let (early, late) = (put(&logins, "ada", 0), put(&logins, "ada", 1));
    assert!(is_there(&logins, "ada", &early, LIFE - 1));
    assert!(!is_there(&logins, "ada", &late, LIFE + 1));

    put(&logins, "ada", 0);
    put(&logins, "bob", 5);
    assert_eq!(logins.waiting(), 2);
    logins.sweep(at(LIFE));
    assert_eq!(logins.waiting(), 1);
    put(&logins, "eve", LIFE + 5);
    assert_eq!(logins.waiting(), 1);
}

#[test]
fn a_clock_that_was_ahead_prolongs_no_login() {
    // It was a day ahead when the first login began.
    for ahead in [60, 1_000, 86_400] {
        let logins = logins(10);
        let future = put(&logins, "ada", ahead);
        let (past, later) = (put(&logins, "ada", 0), put(&logins, "bob", 1));
        assert_eq!(logins.waiting(), 3);
        logins.sweep(at(LIFE - 1));
        assert_eq!(logins.waiting(), 3, "{ahead}: none is dropped too early");
        logins.sweep(at(LIFE));
        assert_eq!(logins.waiting(), 1, "{ahead}: one from the future does not keep them");
        assert!(!is_there(&logins, "ada", &past, LIFE) && !is_there(&logins, "ada", &future, LIFE), "{ahead}");
        assert!(is_there(&logins, "bob", &later, LIFE), "{ahead}");
        put(&logins, "eve", LIFE + 1);
        logins.sweep(at(2 * LIFE + 1));
        assert_eq!(logins.waiting(), 0, "{ahead}: and they continue to expire");
    }
}

#[test]
fn a_clock_that_goes_back_does_not_prolong_a_waiting_login() {
    let logins = logins(10);
    let key = put(&logins, "ada", 1_000);
    logins.sweep(at(1_000 + LIFE - 10));
    logins.sweep(at(0));
    logins.sweep(at(9));
    assert_eq!(logins.waiting(), 1, "ten seconds were left to it");
    assert!(!is_there(&logins, "ada", &key, 10));
    assert_eq!(logins.waiting(), 0);
}

#[test]
fn threads_that_read_the_clock_out_of_order_do_not_make_time_pass() {
    let logins = logins(10);
    let key = put(&logins, "ada", 0);
    for _ in 0..10_000 {
        logins.sweep(at(10));
        logins.sweep(at(9));
        logins.sweep(at(0));
    }
    assert!(is_there(&logins, "ada", &key, LIFE - 1));
}

#[test]
fn a_full_browser_drops_its_own_oldest_login() {
    let logins = logins(1000);
    let bob = put(&logins, "bob", 0);
    let keys: Vec<_> = (0..=PendingLogins::PER_BROWSER).map(|_| put(&logins, "ada", 1)).collect();
    assert_eq!(logins.waiting(), 1 + PendingLogins::PER_BROWSER);
    assert!(!is_there(&logins, "ada", &keys[0], 2));
    assert!(is_there(&logins, "ada", &keys[1], 2));
    assert!(is_there(&logins, "bob", &bob, 2));
}

#[test]
fn waiting_logins_move_to_a_browsers_new_id() {
    let logins = logins(100);
    let (first, second) = (put(&logins, "ada", 0), put(&logins, "ada", 1));
    let (bob, newer) = (put(&logins, "bob", 0), put(&logins, "ada again", 5));
    let store: &dyn PendingStore = &logins;
    block_on(store.rename("ada", "ada again")).unwrap();
    assert_eq!(logins.waiting(), 4);
    assert!(!is_there(&logins, "ada", &first, 2), "the old id is of no use");
    assert!(is_there(&logins, "ada again", &first, 2) && is_there(&logins, "ada again", &newer, 6));
    assert!(is_there(&logins, "bob", &bob, 2));
    assert!(!is_there(&logins, "ada again", &second, 1 + LIFE), "no login lives longer because of it");

    let same = put(&logins, "eve", 0);
    logins.rename("eve", "eve").unwrap();
    assert!(logins.rename("eve", "").is_err());
    logins.rename("nobody", "eve").unwrap();
    assert!(is_there(&logins, "eve", &same, 1));
}

#[test]
fn a_new_id_gives_a_browser_no_more_places() {
    let logins = logins(1000);
    let old: Vec<_> = (0..PendingLogins::PER_BROWSER).map(|_| put(&logins, "old", 0)).collect();
    let new: Vec<_> = (0..3).map(|_| put(&logins, "new", 0)).collect();
    logins.rename("old", "new").unwrap();
    assert_eq!(logins.waiting(), PendingLogins::PER_BROWSER);
    assert!(!is_there(&logins, "new", &old[2], 1) && is_there(&logins, "new", &old[3], 1));
    assert!(new.iter().all(|key| is_there(&logins, "new", key, 1)));
}

#[test]
fn when_full_the_oldest_is_dropped() {
    let logins = logins(3);
    let keys: Vec<_> = (0..4).map(|n| put(&logins, &format!("browser {n}"), 0)).collect();
    assert_eq!(logins.waiting(), 3);
    assert!(!is_there(&logins, "browser 0", &keys[0], 0));
    assert!(is_there(&logins, "browser 1", &keys[1], 0));
    assert!(is_there(&logins, "browser 3", &keys[3], 0));
}

#[test]
fn the_same_key_again_replaces() {
    let (client, logins) = (client(), logins(3));
    let (key, stored) = start(&client);
    let (_, other) = start(&client);
    logins.put("ada", &key, stored, at(0)).unwrap();
    logins.put("ada", &key, other, at(0)).unwrap();
    assert_eq!(logins.waiting(), 1);
    let taken = logins.take("ada", &key, at(0)).unwrap();
    assert_ne!(PendingCallback::from_stored(taken, &client).unwrap().key(), key);
}

#[test]
fn one_of_many_takes_wins() {
    let logins = logins(10);
    for _ in 0..200 {
        let key = put(&logins, "ada", 0);
        let barrier = Barrier::new(4);
        let won: usize = thread::scope(|scope| {
            let take = || {
                barrier.wait();
                usize::from(is_there(&logins, "ada", &key, 0))
            };
            let threads = [(); 4].map(|()| scope.spawn(take));
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(won, 1);
    }
}

#[test]
fn nothing_of_a_login_is_printed() {
    let logins = logins(10);
    put(&logins, "ada's session", 0);
    assert_eq!(format!("{logins:?}"), "PendingLogins([1 of 10 waiting])");
}

/// The two trees agree after any calls.
#[test]
fn places_and_ages_agree() {
    let logins = logins(20);
    let mut keys = Vec::new();
    for step in 0_u64..3_000 {
        let dice = step.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let browser = format!("browser {}", dice % 3);
        if dice % 17 == 0 {
            logins.rename(&browser, &format!("browser {}", dice % 2)).unwrap();
        } else if dice % 5 < 3 {
            keys.push((browser.clone(), put(&logins, &browser, step / 2)));
        } else if let Some((browser, key)) = keys.get(keys.len().saturating_sub(1 + dice as usize % 30)) {
            logins.take(browser, key, at(step / 2));
        }
        let kept = lock(&logins.kept);
        assert!(kept.logins.len() <= 20);
        let by_age: Vec<_> = kept.ages.iter().map(|(&number, &place)| (place, number)).collect();
        let mut by_place: Vec<_> = kept.logins.iter().map(|(&place, login)| (place, login.number)).collect();
        by_place.sort_by_key(|&(_, number)| number);
        assert_eq!(by_age, by_place);
    }
}
