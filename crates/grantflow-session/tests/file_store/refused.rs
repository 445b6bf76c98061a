//! What is refused: files that are open to others, lead elsewhere, or are damaged.

use grantflow::{ClientCredentials, Env, Exchange as _, Server, Step};
use grantflow_session::{Outside as _, Session};

use super::keeps::Nowhere;
use super::processes::process;
use super::*;

#[test]
fn nothing_is_open_to_others_under_any_umask() {
    for umask in ["000", "022", "077"] {
        let dir = tempfile::tempdir().unwrap();
        assert!(process("write", &dir, umask).0.wait().unwrap().success());
        assert_eq!(mode(&dir.path().join("grants")), 0o700, "umask {umask}");
        for suffix in ["grant", "lock", "swap"] {
            assert_eq!(mode(&file(&dir, suffix)), 0o600, "{suffix} with umask {umask}");
        }
        let mut names: Vec<_> =
            fs::read_dir(dir.path().join("grants")).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["ada@as.grant", "ada@as.lock", "ada@as.swap"], "and nothing else is left");
    }
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open = |name: &str| FileStore::open(dir.path().join(name)).map(|_| ()).map_err(told);
    assert_eq!(open("new/and/deep"), Ok(()));
    fs::create_dir(dir.path().join("shared")).unwrap();
    for (bits, fits) in [(0o755, true), (0o775, false), (0o777, false), (0o1777, false), (0o702, false), (0o700, true)]
    {
        fs::set_permissions(dir.path().join("shared"), Permissions::from_mode(bits)).unwrap();
        let opened = open("shared");
        assert_eq!(opened.is_ok(), fits, "{bits:o}");
        if let Err(error) = opened {
            assert!(error.contains("others may write to it") && error.contains("chmod 700"), "{error}");
        }
    }
    symlink(dir.path().join("shared"), dir.path().join("link")).unwrap();
    for link in ["link", "link/", "link//", "link/.", "link/./"] {
        assert!(open(link).unwrap_err().contains("symbolic link"), "{link}");
    }
    symlink(dir.path().join("nowhere"), dir.path().join("dangling")).unwrap();
    assert!(open("dangling").unwrap_err().contains("symbolic link"));
    assert!(!dir.path().join("nowhere").exists());
    fs::write(dir.path().join("file"), "").unwrap();
    assert!(open("file").unwrap_err().contains("not a folder"));
}

#[test]
fn a_link_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    let first = swap(&ours, None, Some("one")).unwrap();
    drop(try_lock(&ours));
    let elsewhere = dir.path().join("elsewhere");
    for suffix in ["grant", "lock", "swap", "new"] {
        for target_exists in [true, false] {
            let path = file(&dir, suffix);
            let kept = fs::read(&path).ok();
            let _ = fs::remove_file(&path);
            if target_exists {
                fs::write(&elsewhere, kept.as_deref().unwrap_or(b"precious")).unwrap();
                fs::set_permissions(&elsewhere, Permissions::from_mode(0o600)).unwrap();
            }
            symlink(&elsewhere, &path).unwrap();
            let error = match suffix {
                "grant" => load(&ours).unwrap_err(),
                "lock" => told(block_on(ours.try_lock(&key())).unwrap_err()),
                _ => swap(&ours, first, Some("two")).unwrap_err(),
            };
            assert!(error.contains(&format!("ada@as.{suffix}: it is a symbolic link")), "{error}");
            if suffix == "grant" {
                assert!(swap(&ours, first, Some("two")).unwrap_err().contains("symbolic link"));
            }
            assert_eq!(elsewhere.exists(), target_exists, "nothing was made through the link");
            if target_exists {
                assert_eq!(fs::read(&elsewhere).unwrap(), kept.as_deref().unwrap_or(b"precious"));
                fs::remove_file(&elsewhere).unwrap();
            }
            fs::remove_file(&path).unwrap();
            if let Some(kept) = kept {
                fs::write(&path, kept).unwrap();
                fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            }
        }
    }
    assert_eq!(text(&ours).as_deref(), Some("one"));
    assert!(swap(&ours, first, Some("two")).unwrap().is_some());
}

#[test]
fn a_file_that_is_not_plain_is_refused_without_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    for suffix in ["grant", "new"] {
        fs::create_dir(file(&dir, suffix)).unwrap();
        assert!(swap(&ours, None, Some("one")).unwrap_err().contains("not a plain file"), "{suffix}");
        fs::remove_dir(file(&dir, suffix)).unwrap();
    }
    let made = Command::new("mkfifo").arg("-m").arg("600").arg(file(&dir, "grant")).status();
    if made.is_ok_and(|status| status.success()) {
        assert!(load(&ours).unwrap_err().contains("not a plain file"));
    }
}

#[test]
fn a_file_that_others_can_open_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    let first = swap(&ours, None, Some("SECRET")).unwrap();
    drop(try_lock(&ours));
    for bits in [0o644, 0o640, 0o604, 0o620, 0o602, 0o601, 0o660, 0o666, 0o777] {
        fs::set_permissions(file(&dir, "grant"), Permissions::from_mode(bits)).unwrap();
        let error = load(&ours).unwrap_err();
        assert!(error.contains(&format!("(mode {bits:03o})")) && error.contains("log in again"), "{error}");
        assert!(swap(&ours, first, Some("two")).is_err());
        assert_eq!(mode(&file(&dir, "grant")), bits, "it is not repaired silently");
    }
    fs::set_permissions(file(&dir, "grant"), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(text(&ours).as_deref(), Some("SECRET"));
}

#[test]
fn a_lock_file_that_others_can_open_is_shut() {
    // A process that can open a lock file can hold the lock; the file has nothing to read.
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    let first = swap(&ours, None, Some("one")).unwrap();
    drop(try_lock(&ours));
    for suffix in ["lock", "swap"] {
        fs::set_permissions(file(&dir, suffix), Permissions::from_mode(0o644)).unwrap();
    }
    assert!(try_lock(&ours).is_some());
    assert!(swap(&ours, first, Some("two")).unwrap().is_some());
    for suffix in ["lock", "swap"] {
        assert_eq!(mode(&file(&dir, suffix)), 0o600, "{suffix}");
    }
}

#[test]
fn another_users_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    swap(&ours, None, Some("one")).unwrap();
    if std::os::unix::fs::chown(file(&dir, "grant"), Some(12345), None).is_err() {
        return println!("skipped: only an administrator gives files away");
    }
    let error = load(&ours).unwrap_err();
    assert!(error.contains("it belongs to user 12345"), "{error}");
    assert_eq!(replaced_by_a_login(&ours), Some("login".to_owned()));
    std::os::unix::fs::chown(dir.path().join("grants"), Some(12345), None).unwrap();
    let error = told(FileStore::open(dir.path().join("grants")).unwrap_err());
    assert!(error.contains("it belongs to user 12345"), "{error}");
}

#[test]
fn a_damaged_file_is_refused_until_a_login_replaces_it() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    let first = swap(&ours, None, Some("SECRET and more")).unwrap();
    let whole = fs::read(file(&dir, "grant")).unwrap();
    let shown = String::from_utf8(whole.clone()).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let cases: [(&[u8], &str); 7] = [
        (&whole[..whole.len() - 3], "damaged (its checksum does not match)"),
        (&whole[..30], "damaged"),
        (&flipped, "damaged"),
        (b"", "not an entry of a grantflow store"),
        (b"{}", "not an entry of a grantflow store"),
        (&shown.replacen(" 1 ", " 2 ", 1).into_bytes(), "a newer grantflow wrote it"),
        (&shown.replacen("ada@as", "bob@as", 1).into_bytes(), "damaged"),
    ];
    for (bytes, says) in cases {
        fs::write(file(&dir, "grant"), bytes).unwrap();
        for error in [load(&ours).unwrap_err(), swap(&ours, first, Some("new")).unwrap_err()] {
            assert!(error.contains(says) && error.contains("ada@as.grant: "), "{error}");
            assert!(!error.contains("SECRET"));
        }
        assert_eq!(fs::read(file(&dir, "grant")).unwrap(), bytes);
    }
    fs::write(file(&dir, "grant"), &whole).unwrap();
    let bob = Key::new("bob@as").unwrap();
    fs::copy(file(&dir, "grant"), dir.path().join("grants/bob@as.grant")).unwrap();
    let error = told(block_on(ours.load(&bob)).unwrap_err());
    assert!(error.contains("the entry of another key"), "{error}");
}

/// What a login does with an unreadable entry, whose revision it knows. Returns what is there afterwards.
fn replaced_by_a_login(store: &FileStore) -> Option<String> {
    let there = block_on(store.load(&key())).unwrap_err().unreadable_revision();
    assert!(there.is_some());
    assert!(swap(store, there, Some("login")).unwrap().is_some());
    assert_eq!(swap(store, there, Some("late")), Ok(None), "once");
    text(store)
}

#[test]
fn a_login_replaces_and_a_logout_removes_what_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    let grant = file(&dir, "grant");
    swap(&ours, None, Some("one")).unwrap();
    let whole = fs::read(&grant).unwrap();
    let newer = String::from_utf8(whole.clone()).unwrap().replacen(" 1 ", " 2 ", 1).into_bytes();
    let bobs = {
        let bob = Key::new("bob@as").unwrap();
        block_on(ours.compare_and_swap(&bob, None, Some(Value::new(b"bob's".to_vec())))).unwrap();
        fs::read(dir.path().join("grants/bob@as.grant")).unwrap()
    };
    let large = vec![b'x'; Value::MAX + 1000];
    let cases: [(&str, &[u8], u32); 9] = [
        ("empty", b"", 0o600),
        ("cut", &whole[..whole.len() - 1], 0o600),
        ("foreign", b"{\"access_token\":\"t\"}", 0o600),
        ("binary", b"\xff\0\xff", 0o600),
        ("newer", &newer, 0o600),
        ("another key's", &bobs, 0o600),
        ("too large", &large, 0o600),
        ("open to others", &whole, 0o644),
        ("damaged and open", b"", 0o666),
    ];
    for (name, bytes, bits) in cases {
        for logs_in in [true, false] {
            fs::write(&grant, bytes).unwrap();
            fs::set_permissions(&grant, Permissions::from_mode(bits)).unwrap();
            if logs_in {
                assert_eq!(replaced_by_a_login(&ours).as_deref(), Some("login"), "{name}");
                assert_eq!(mode(&grant), 0o600, "{name}");
            } else {
                let there = block_on(ours.load(&key())).unwrap_err().unreadable_revision();
                assert!(swap(&ours, there, None).unwrap().is_some(), "{name}");
                assert_eq!(load(&ours), Ok(None), "{name}");
            }
        }
    }
    assert_eq!(fs::read(dir.path().join("grants/bob@as.grant")).unwrap(), bobs, "bob's own is untouched");
}

#[test]
fn a_session_logs_in_and_out_over_any_entry() {
    let client =
        Server::with_token_endpoint("https://as.example/token").unwrap().client("id").secret_post("s").unwrap();
    let tokens = |token: &str| {
        let body =
            format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":600,"refresh_token":"r"}}"#);
        let mut rng = getrandom::SysRng;
        let mut env = Env::new(Nowhere.now(), &mut rng);
        match ClientCredentials::new(&client).respond(&mut env, http::Response::new(body)) {
            Ok(Step::Done(tokens)) => tokens,
            other => panic!("{other:?}"),
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let session = || Session::new(&client, key(), store(&dir), Nowhere);
    session().prime_blocking(tokens("first")).unwrap();
    let grant = file(&dir, "grant");
    let whole = fs::read(&grant).unwrap();
    let newer = String::from_utf8(whole.clone()).unwrap().replacen(" 1 ", " 2 ", 1).into_bytes();
    let cases: [(&str, &[u8], u32); 5] = [
        ("empty", b"", 0o600),
        ("cut", &whole[..whole.len() / 2], 0o600),
        ("foreign", b"[]", 0o600),
        ("newer", &newer, 0o600),
        ("open to others", &whole, 0o644),
    ];
    for (name, bytes, bits) in cases {
        let spoil = || {
            fs::write(&grant, bytes).unwrap();
            fs::set_permissions(&grant, Permissions::from_mode(bits)).unwrap();
        };
        spoil();
        let error = session().token_blocking().unwrap_err();
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let error: Vec<_> = causes.map(ToString::to_string).collect();
        let error = error.join(": ");
        assert!(error.contains("ada@as.grant") && error.contains("log in again"), "{name}: {error}");
        session().prime_blocking(tokens("second")).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(session().token_blocking().is_ok(), "{name}");
        spoil();
        pollster::block_on(session().forget()).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(load(&store(&dir)), Ok(None), "{name}");
    }
}

#[test]
fn an_unreadable_entry_that_has_changed_since_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    swap(&ours, None, Some("one")).unwrap();
    fs::write(file(&dir, "grant"), "").unwrap();
    let empty = block_on(ours.load(&key())).unwrap_err().unreadable_revision();
    fs::write(file(&dir, "grant"), "foreign").unwrap();
    assert!(swap(&ours, empty, Some("login")).is_err(), "it is another entry now");
    let foreign = block_on(ours.load(&key())).unwrap_err().unreadable_revision();
    assert!(foreign.is_some() && foreign != empty);
    assert!(swap(&ours, foreign, Some("login")).unwrap().is_some());
    assert_eq!(swap(&ours, foreign, Some("slower login")), Ok(None), "the second one reads again");
    // An entry that a person has to look at has no revision.
    fs::remove_file(file(&dir, "grant")).unwrap();
    symlink(dir.path().join("elsewhere"), file(&dir, "grant")).unwrap();
    assert!(block_on(ours.load(&key())).unwrap_err().unreadable_revision().is_none());
}

#[test]
fn keys_that_differ_in_case_alone_are_kept_apart() {
    // As on a file system that takes the two for one name: reading one finds the other's file.
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    let ada = Key::new("Ada@as").unwrap();
    let first = swap(&ours, None, Some("ada's")).unwrap();
    let [lower, upper] = ["ada@as.grant", "Ada@as.grant"].map(|name| dir.path().join("grants").join(name));
    fs::copy(&lower, &upper).unwrap();
    let kept = |key: &Key| block_on(ours.load(key)).unwrap().map(|entry| entry.value.expose_secret().to_vec());
    let put = |expected, text: Option<&str>| {
        let value = text.map(|text| Value::new(text.as_bytes().to_vec()));
        match block_on(ours.compare_and_swap(&ada, expected, value)).unwrap() {
            Swap::Swapped(revision) => Some(revision),
            Swap::Conflict => None,
        }
    };
    assert!(kept(&ada).is_none());
    assert!(put(first, Some("stolen")).is_none(), "the other entry's revision does not count for this one");
    let own = put(None, Some("Ada's"));
    assert!(own.is_some() && put(None, Some("twice")).is_none());
    assert_eq!(kept(&ada).as_deref(), Some(&b"Ada's"[..]));
    assert_eq!(text(&ours).as_deref(), Some("ada's"));
    assert_eq!(fs::read(&upper).unwrap(), fs::read(&lower).unwrap(), "the other's file was not touched");
    fs::remove_file(&upper).unwrap();
    assert_eq!(kept(&ada).as_deref(), Some(&b"Ada's"[..]), "it stays where it is when the other has gone");
    assert!(put(own, None).is_some() && kept(&ada).is_none());
}

#[test]
fn a_folder_of_a_group_and_a_link_to_a_folder_have_doors() {
    let dir = tempfile::tempdir().unwrap();
    let shared = dir.path().join("shared");
    fs::create_dir(&shared).unwrap();
    let strict = FolderRules::strict();
    let group = strict.dangerously_trust_group();
    let open = |name: &str, rules| FileStore::open_with(dir.path().join(name), rules).map_err(told);
    for (bits, fits) in [(0o2770, true), (0o770, true), (0o775, true), (0o2777, false), (0o1777, false), (0o702, false)]
    {
        fs::set_permissions(&shared, Permissions::from_mode(bits)).unwrap();
        assert!(open("shared", strict).unwrap_err().contains("others may write to it"), "{bits:o}");
        assert_eq!(open("shared", group).is_ok(), fits, "{bits:o}");
    }
    fs::set_permissions(&shared, Permissions::from_mode(0o2770)).unwrap();
    let error = open("shared", strict).unwrap_err();
    assert!(error.contains("chmod 700") && error.contains("dangerously_trust_group"), "{error}");

    // As Kubernetes does when a pod starts.
    let ours = open("shared", group).unwrap();
    let first = swap(&ours, None, Some("one")).unwrap();
    let grant = shared.join("ada@as.grant");
    assert_eq!(mode(&grant), 0o600);
    for (bits, fits) in [(0o660, true), (0o640, true), (0o664, false), (0o662, false), (0o601, false)] {
        fs::set_permissions(&grant, Permissions::from_mode(bits)).unwrap();
        assert_eq!(load(&ours).is_ok(), fits, "{bits:o}");
    }
    fs::set_permissions(&grant, Permissions::from_mode(0o660)).unwrap();
    assert!(swap(&ours, first, Some("two")).unwrap().is_some());
    assert_eq!(mode(&grant), 0o600, "a new file is open to its owner alone");

    fs::set_permissions(&shared, Permissions::from_mode(0o700)).unwrap();
    symlink("shared", dir.path().join("..data")).unwrap();
    let link = strict.dangerously_follow_link();
    for name in ["..data", "..data/"] {
        assert!(open(name, group).unwrap_err().contains("dangerously_follow_link"), "{name}");
        assert_eq!(text(&open(name, link).unwrap()).as_deref(), Some("two"), "{name}");
    }
    let linked = open("..data", link).unwrap();
    fs::remove_file(dir.path().join("..data")).unwrap();
    assert_eq!(text(&linked).as_deref(), Some("two"), "its place is fixed");
    fs::set_permissions(&shared, Permissions::from_mode(0o770)).unwrap();
    symlink("shared", dir.path().join("..data")).unwrap();
    assert!(open("..data", link).unwrap_err().contains("others may write"), "the folder keeps the other rules");
    assert!(open("..data", link.dangerously_trust_group()).is_ok());
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    assert!(open("dangling", link).is_err() && !dir.path().join("nowhere").exists());
    fs::write(dir.path().join("file"), "").unwrap();
    symlink("file", dir.path().join("to-a-file")).unwrap();
    assert!(open("to-a-file", link).unwrap_err().contains("not a folder"));
    if std::os::unix::fs::lchown(dir.path().join("..data"), Some(12345), None).is_ok() {
        let error = open("..data", link.dangerously_trust_group()).unwrap_err();
        assert!(error.contains("a symbolic link of user 12345"), "{error}");
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    let most = "x".repeat(Value::MAX);
    let first = swap(&ours, None, Some(&most)).unwrap();
    assert_eq!(text(&ours).as_deref(), Some(&*most));
    let error = swap(&ours, first, Some(&format!("{most}x"))).unwrap_err();
    assert!(error.contains("8388609 bytes, and an entry holds at most 8388608"), "{error}");
    fs::write(file(&dir, "grant"), vec![b'x'; Value::MAX + 1000]).unwrap();
    assert!(load(&ours).unwrap_err().contains("larger than an entry may be"));
}
