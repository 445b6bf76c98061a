//! Every interleaving of two threads at a store, by loom.
//!
//! `RUSTFLAGS="--cfg grantflow_loom" cargo test -p grantflow-session --test loom --release`
#![cfg(grantflow_loom)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy spares test functions, not what they share")]

use std::time::Duration;

use grantflow::{Authorization, Env, PendingCallback, PublicClient, Redirect, Server, UnixTime};
use grantflow_session::{Key, MemoryStore, PendingLogins, PendingStore, Revision, Store, Swap, Value};
use loom::future::block_on;
use loom::thread;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

/// Loom repeats a model and needs the same run each time: no entropy.
struct Counting;

impl grantflow::Entropy for Counting {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
        bytes.iter_mut().zip(0..).for_each(|(byte, number)| *byte = number);
        Ok(())
    }
}

fn client() -> PublicClient {
    Server::new("https://as.example/authorize", "https://as.example/token").unwrap().client("my-id").public().unwrap()
}

fn login(client: &PublicClient) -> PendingCallback {
    let mut rng = Counting;
    let authorization = Authorization::new(client, "https://app.example/callback").unwrap();
    let Redirect { pending, .. } = authorization.start(&mut Env::new(NOW, &mut rng)).unwrap();
    pending
}

fn key() -> Key {
    Key::new("ada@as").unwrap()
}

fn value(text: &str) -> Option<Value> {
    Some(Value::new(text.as_bytes().to_vec()))
}

#[test]
fn of_two_takes_one_gets_it() {
    let client = client();
    loom::model(move || {
        let logins = PendingLogins::new(4, Duration::from_secs(600));
        let pending = login(&client);
        let key = pending.key();
        block_on(PendingStore::put(&logins, "ada", &key, pending.into_stored(), NOW)).unwrap();
        let sibling = {
            let (logins, key) = (logins.clone(), key.clone());
            thread::spawn(move || block_on(PendingStore::take(&logins, "ada", &key, NOW)).unwrap().is_some())
        };
        let ours = block_on(PendingStore::take(&logins, "ada", &key, NOW)).unwrap().is_some();
        assert!(ours ^ sibling.join().unwrap());
        assert_eq!(logins.waiting(), 0);
    });
}

#[test]
fn a_take_by_another_browser_disturbs_nothing() {
    let client = client();
    loom::model(move || {
        let logins = PendingLogins::new(4, Duration::from_secs(600));
        let pending = login(&client);
        let key = pending.key();
        block_on(PendingStore::put(&logins, "ada", &key, pending.into_stored(), NOW)).unwrap();
        let eve = {
            let (logins, key) = (logins.clone(), key.clone());
            thread::spawn(move || block_on(PendingStore::take(&logins, "eve", &key, NOW)).unwrap().is_some())
        };
        assert!(block_on(PendingStore::take(&logins, "ada", &key, NOW)).unwrap().is_some());
        assert!(!eve.join().unwrap());
    });
}

#[test]
fn of_two_swaps_from_one_revision_one_wins() {
    fn swap(store: &MemoryStore, expected: Option<Revision>, text: &str) -> Option<Revision> {
        match block_on(store.compare_and_swap(&key(), expected, value(text))).unwrap() {
            Swap::Swapped(revision) => Some(revision),
            Swap::Conflict => None,
        }
    }
    loom::model(|| {
        let store = MemoryStore::new();
        let first = swap(&store, None, "first");
        assert!(first.is_some());
        let sibling = {
            let store = store.clone();
            thread::spawn(move || swap(&store, first, "sibling's"))
        };
        let ours = swap(&store, first, "ours");
        let theirs = sibling.join().unwrap();
        let (won, text) = match (ours, theirs) {
            (Some(revision), None) => (revision, "ours"),
            (None, Some(revision)) => (revision, "sibling's"),
            both => panic!("{both:?}"),
        };
        let entry = block_on(store.load(&key())).unwrap().unwrap();
        assert_eq!((entry.revision, entry.value.expose_secret()), (won, text.as_bytes()));
        assert_ne!(Some(won), first);
    });
}

#[test]
fn a_removed_and_remade_entry_is_not_the_old_one() {
    loom::model(|| {
        let store = MemoryStore::new();
        let Swap::Swapped(first) = block_on(store.compare_and_swap(&key(), None, value("first"))).unwrap() else {
            panic!("there is none")
        };
        let sibling = {
            let store = store.clone();
            thread::spawn(move || {
                block_on(store.compare_and_swap(&key(), Some(first), None)).unwrap();
                block_on(store.compare_and_swap(&key(), None, value("remade"))).unwrap();
            })
        };
        let ours = block_on(store.compare_and_swap(&key(), Some(first), value("ours"))).unwrap();
        sibling.join().unwrap();
        let entry = block_on(store.load(&key())).unwrap().unwrap();
        let remade = entry.value.expose_secret() == b"remade";
        assert_eq!(remade, ours == Swap::Conflict);
    });
}

#[test]
fn a_lock_has_one_holder() {
    use loom::sync::atomic::{AtomicUsize, Ordering};

    loom::model(|| {
        let store = MemoryStore::new();
        let inside = loom::sync::Arc::new(AtomicUsize::new(0));
        let enter = |store: &MemoryStore, inside: &AtomicUsize| match block_on(store.try_lock(&key())).unwrap() {
            Some(lock) => {
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two hold it");
                inside.fetch_sub(1, Ordering::SeqCst);
                drop(lock);
                true
            }
            None => false,
        };
        let sibling = {
            let (store, inside) = (store.clone(), inside.clone());
            thread::spawn(move || enter(&store, &inside))
        };
        let ours = enter(&store, &inside);
        let theirs = sibling.join().unwrap();
        assert!(ours || theirs, "neither got it");
        assert!(enter(&store, &inside), "it was not given back");
    });
}
