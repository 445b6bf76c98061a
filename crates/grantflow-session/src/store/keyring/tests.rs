use std::sync::Barrier;

use keyring_core::mock;
use pollster::block_on;

use super::*;

fn key() -> Key {
    Key::new("ada@trackmania").unwrap()
}

fn value(text: &str) -> Value {
    Value::new(text.as_bytes().to_vec())
}

fn open(keyring: &Arc<CredentialStore>, dir: &tempfile::TempDir) -> KeyringStore {
    KeyringStore::open_in(Arc::clone(keyring), "grantflow-test", dir.path().join("locks")).unwrap()
}

fn mock() -> (Arc<CredentialStore>, tempfile::TempDir) {
    (mock::Store::new().unwrap(), tempfile::tempdir().unwrap())
}

/// What failed, and why.
fn told(error: &StoreError) -> String {
    format!("{error}: {}", std::error::Error::source(error).unwrap())
}

fn swap(store: &KeyringStore, expected: Option<Revision>, new: Option<&str>) -> Result<Option<Revision>, String> {
    match block_on(store.compare_and_swap(&key(), expected, new.map(value))) {
        Ok(Swap::Swapped(revision)) => Ok(Some(revision)),
        Ok(Swap::Conflict) => Ok(None),
        Err(error) => Err(told(&error)),
    }
}

fn text(store: &KeyringStore) -> Option<String> {
    let entry = block_on(store.load(&key())).unwrap();
    entry.map(|entry| String::from_utf8(entry.value.expose_secret().to_vec()).unwrap())
}

/// What every keyring must do.
fn keeps_grants(keyring: &Arc<CredentialStore>, dir: &tempfile::TempDir) {
    let (ours, theirs) = (open(keyring, dir), open(keyring, dir));
    assert!(text(&ours).is_none());
    let first = swap(&ours, None, Some("one")).unwrap();
    assert_eq!(swap(&theirs, None, Some("two")).unwrap(), None, "there is an entry already");
    assert_eq!(text(&theirs).as_deref(), Some("one"));
    let second = swap(&theirs, first, Some("two")).unwrap();
    assert_eq!(swap(&ours, first, Some("three")).unwrap(), None);

    let lock = block_on(ours.try_lock(&key())).unwrap();
    assert!(lock.is_some());
    assert!(block_on(theirs.try_lock(&key())).unwrap().is_none());
    assert!(swap(&ours, second, None).unwrap() > second, "the holder of the lock swaps");
    drop(lock);
    assert!(block_on(theirs.try_lock(&key())).unwrap().is_some());

    assert!(text(&theirs).is_none());
    let again = swap(&theirs, None, Some("anew")).unwrap();
    assert!(again > second, "no revision is used twice");
    assert_eq!(swap(&ours, second, Some("late")).unwrap(), None);
    swap(&ours, again, None).unwrap();
}

#[test]
fn a_keyring_keeps_grants() {
    let (keyring, dir) = mock();
    keeps_grants(&keyring, &dir);
    let names = std::fs::read_dir(dir.path().join("locks")).unwrap().map(|file| file.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["ada@trackmania.gone", "ada@trackmania.lock", "ada@trackmania.swap"]);
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernels_keyring_keeps_grants() {
    // A sandbox may forbid the system calls for it.
    let keyring: Arc<CredentialStore> = match linux_keyutils_keyring_store::Store::new() {
        Ok(keyring) => keyring,
        Err(error) => return println!("skipped: no keyutils here: {error}"),
    };
    let probe = Credential::new_in_store(&keyring, "grantflow-probe", "probe").unwrap();
    if let Err(error) = probe.set_secret(b"probe") {
        return println!("skipped: no keyutils here: {error}");
    }
    probe.delete_credential().unwrap();
    let dir = tempfile::tempdir().unwrap();
    keeps_grants(&keyring, &dir);
}

#[test]
fn one_of_many_swaps_from_one_revision_wins() {
    let (keyring, dir) = mock();
    let mut last = None;
    for round in 0..20 {
        let barrier = Barrier::new(4);
        let won: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let store = open(&keyring, &dir);
                    let barrier = &barrier;
                    scope.spawn(move || {
                        barrier.wait();
                        swap(&store, last, Some("mine")).unwrap()
                    })
                })
                .collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(won.len(), 1, "round {round}");
        last = won.first().copied();
    }
}

#[test]
fn a_value_that_does_not_fit_is_refused_and_the_old_one_stays() {
    let (keyring, dir) = mock();
    let store = open(&keyring, &dir);
    let first = swap(&store, None, Some("old")).unwrap();
    // As Windows reports it. The first call of a swap reads, so the error must wait for the second.
    let large = "x".repeat(3000);
    let fault = Fault::of(&KeyringError::TooLong("secret".to_owned(), 2560), 3100).to_string();
    assert_eq!(
        fault,
        "it holds at most 2560 bytes here, and this entry has 3100; the old one is still there: use a FileStore"
    );
    let huge = "x".repeat(Value::MAX + 1);
    assert!(swap(&store, first, Some(&huge)).unwrap_err().contains("at most 8388608 bytes"));
    assert_eq!(text(&store).as_deref(), Some("old"));
    assert!(swap(&store, first, Some(&large)).unwrap().is_some(), "this one has room");
}

#[test]
fn a_locked_keyring_says_so_and_no_error_shows_a_value() {
    let (keyring, dir) = mock();
    let store = open(&keyring, &dir);
    swap(&store, None, Some("SECRET")).unwrap();
    let item = Credential::new_in_store(&keyring, "grantflow-test", "ada@trackmania").unwrap();
    let fails_with = |error| {
        item.as_any().downcast_ref::<mock::Cred>().unwrap().set_error(error);
        let error = block_on(store.load(&key())).unwrap_err();
        let shown = format!("{} {error:?}", told(&error));
        assert!(!shown.contains("SECRET") && !shown.contains("83, 69"), "{shown}");
        told(&error)
    };
    let shut = fails_with(KeyringError::NoStorageAccess("the collection is locked".into()));
    assert_eq!(
        shut,
        "the token store could not read an item of the keyring: it refused access: the collection is locked; if it is locked, unlock it"
    );
    fails_with(KeyringError::BadEncoding(b"SECRET".to_vec()));
    fails_with(KeyringError::BadDataFormat(b"SECRET".to_vec(), "bad".into()));

    item.set_secret(b"SECRET of another program").unwrap();
    let error = told(&block_on(store.load(&key())).unwrap_err());
    assert!(error.contains("it is not an entry of a grantflow store; nothing was read from it"), "{error}");
    assert!(swap(&store, None, Some("x")).is_err(), "and nothing is put in its place");
}

#[test]
fn a_login_replaces_and_a_logout_removes_what_cannot_be_read() {
    let (keyring, dir) = mock();
    let store = open(&keyring, &dir);
    swap(&store, None, Some("one")).unwrap();
    let item = Credential::new_in_store(&keyring, "grantflow-test", "ada@trackmania").unwrap();
    let whole = item.get_secret().unwrap();
    let bobs = format::header("bob@trackmania", Revision::new(7), Some(b"x")) + "x";
    let there = || block_on(store.load(&key())).unwrap_err().unreadable_revision();
    for (name, bytes) in
        [("empty", &b""[..]), ("cut", &whole[..whole.len() - 1]), ("foreign", b"{}"), ("bob's", bobs.as_bytes())]
    {
        item.set_secret(bytes).unwrap();
        let damaged = there();
        assert!(damaged.is_some() && swap(&store, damaged, Some("login")).unwrap().is_some(), "{name}");
        assert_eq!(text(&store).as_deref(), Some("login"), "{name}");
        assert_eq!(swap(&store, damaged, Some("late")).unwrap(), None, "{name}: once");
        item.set_secret(bytes).unwrap();
        assert!(swap(&store, there(), None).unwrap().is_some(), "{name}");
        assert!(text(&store).is_none(), "{name}");
        assert!(swap(&store, None, Some("one")).unwrap().is_some());
    }
    let cased = format::header("Ada@trackmania", Revision::new(7), Some(b"x")) + "x";
    item.set_secret(cased.as_bytes()).unwrap();
    assert!(there().is_none(), "another key's entry, if the keyring ignores case");
    assert!(told(&block_on(store.load(&key())).unwrap_err()).contains("Key::of"));

    // A damaged mark of a removed entry does not block either.
    item.set_secret(&whole).unwrap();
    std::fs::write(dir.path().join("locks/ada@trackmania.gone"), "").unwrap();
    let last = block_on(store.load(&key())).unwrap().map(|entry| entry.revision);
    assert!(swap(&store, last, Some("two")).unwrap() > last);
}

#[test]
fn a_client_that_panics_is_an_error() {
    let panics = block_on(elsewhere(|| -> u8 { panic!("in the keyring's client") }));
    assert_eq!(panics, None);
    assert_eq!(block_on(elsewhere(|| 7)), Some(7));
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn without_a_session_bus_it_says_so() {
    if std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some() {
        return println!("skipped: there is a session bus, which no test touches");
    }
    let dir = tempfile::tempdir().unwrap();
    match KeyringStore::open("grantflow-test", dir.path()) {
        Ok(_) => println!("a bus without its variable"),
        Err(error) => {
            assert_eq!(error.to_string(), "the token store could not open the system's keyring", "{}", told(&error))
        }
    }
}
