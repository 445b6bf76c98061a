//! What is refused: what is open to others, leads elsewhere, or is damaged.

use super::processes::process;
use super::*;

#[test]
fn nothing_is_open_to_others_whatever_the_umask() {
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
    assert!(open("link").unwrap_err().contains("symbolic link"));
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
fn what_is_no_plain_file_is_refused_and_stops_nobody() {
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
    for bits in [0o644, 0o640, 0o604, 0o620, 0o602, 0o601] {
        fs::set_permissions(file(&dir, "grant"), Permissions::from_mode(bits)).unwrap();
        let error = load(&ours).unwrap_err();
        assert!(error.contains(&format!("(mode {bits:03o})")) && error.contains("chmod 600"), "{error}");
        assert!(swap(&ours, first, Some("two")).is_err());
        assert_eq!(mode(&file(&dir, "grant")), bits, "it is not mended in silence");
    }
    fs::set_permissions(file(&dir, "grant"), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(text(&ours).as_deref(), Some("SECRET"));
    for suffix in ["lock", "swap"] {
        // Who can open a lock file can hold the lock.
        fs::set_permissions(file(&dir, suffix), Permissions::from_mode(0o644)).unwrap();
    }
    assert!(told(block_on(ours.try_lock(&key())).unwrap_err()).contains("ada@as.lock"));
    assert!(swap(&ours, first, Some("two")).unwrap_err().contains("ada@as.swap"));
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
    std::os::unix::fs::chown(dir.path().join("grants"), Some(12345), None).unwrap();
    let error = told(FileStore::open(dir.path().join("grants")).unwrap_err());
    assert!(error.contains("it belongs to user 12345"), "{error}");
}

#[test]
fn a_damaged_file_is_refused_and_never_overwritten() {
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

#[test]
fn what_is_too_large_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    let most = "x".repeat(1 << 20);
    let first = swap(&ours, None, Some(&most)).unwrap();
    assert_eq!(text(&ours).as_deref(), Some(&*most));
    let error = swap(&ours, first, Some(&format!("{most}x"))).unwrap_err();
    assert!(error.contains("1048577 bytes, and an entry holds at most 1048576"), "{error}");
    fs::write(file(&dir, "grant"), vec![b'x'; (1 << 20) + 1000]).unwrap();
    assert!(load(&ours).unwrap_err().contains("larger than any entry may be"));
}
