//! The file store against what happens to files: other users, links, torn writes, siblings, and processes that are killed.
//!
//! Other processes are this program again, told by a variable which part to play.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy spares test functions, not what they share"
)]

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use grantflow_session::{FileStore, Key, Lock, Revision, Store, StoreError, Swap, Value};
use pollster::block_on;
use tempfile::TempDir;

const PART: &str = "GRANTFLOW_TEST_PART";
const DIR: &str = "GRANTFLOW_TEST_DIR";

fn key() -> Key {
    Key::new("ada@as").unwrap()
}

fn store(dir: &TempDir) -> FileStore {
    FileStore::open(dir.path().join("grants")).unwrap()
}

fn file(dir: &TempDir, suffix: &str) -> PathBuf {
    dir.path().join("grants").join(format!("ada@as.{suffix}"))
}

/// What failed and why.
fn told(error: StoreError) -> String {
    format!("{error}: {}", std::error::Error::source(&error).unwrap())
}

/// The revision after a swap; `Ok(None)` is a conflict.
fn swap(store: &FileStore, expected: Option<Revision>, new: Option<&str>) -> Result<Option<Revision>, String> {
    let value = new.map(|text| Value::new(text.as_bytes().to_vec()));
    match block_on(store.compare_and_swap(&key(), expected, value)) {
        Ok(Swap::Swapped(revision)) => Ok(Some(revision)),
        Ok(Swap::Conflict) => Ok(None),
        Err(error) => Err(told(error)),
    }
}

fn load(store: &FileStore) -> Result<Option<(Revision, String)>, String> {
    let entry = block_on(store.load(&key())).map_err(told)?;
    Ok(entry.map(|entry| (entry.revision, String::from_utf8(entry.value.expose_secret().to_vec()).unwrap())))
}

fn text(store: &FileStore) -> Option<String> {
    load(store).unwrap().map(|(_, text)| text)
}

fn try_lock(store: &FileStore) -> Option<Lock> {
    block_on(store.try_lock(&key())).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

/// This program again, in another process. Its output begins after a line that says "ready".
fn process(part: &str, dir: &TempDir, umask: &str) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new("sh")
        .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "another_process", "--nocapture", "--test-threads=1"])
        .env(PART, part)
        .env(DIR, dir.path().join("grants"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.ends_with("ready\n") {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "{part} ended early");
    }
    (child, output)
}

/// What the other process does. Run by itself it is nothing.
#[test]
fn another_process() {
    let Ok(part) = std::env::var(PART) else { return };
    let store = FileStore::open(std::env::var_os(DIR).unwrap()).unwrap();
    match part.as_str() {
        "lock" => {
            let _lock = try_lock(&store).unwrap();
            println!("\nready");
            thread::sleep(Duration::from_secs(600));
        }
        "count" => {
            println!("\nready");
            for _ in 0..RACES {
                count(&store);
            }
        }
        "rotate" => {
            println!("\nready");
            for round in 0_u32.. {
                let last = load(&store).unwrap().map(|(revision, _)| revision);
                swap(&store, last, Some(&entry(round))).unwrap();
            }
        }
        "write" => {
            swap(&store, None, Some("one")).unwrap();
            drop(try_lock(&store));
            println!("\nready");
        }
        other => panic!("{other}"),
    }
}

/// An entry that cannot be taken for another: every byte depends on its number.
fn entry(round: u32) -> String {
    format!("{round:08} ").repeat(300)
}

const RACES: u32 = 200;

/// Adds one to the number that is kept, as often as a sibling is faster.
fn count(store: &FileStore) {
    loop {
        let kept = load(store).unwrap();
        let number: u32 = kept.as_ref().map_or(0, |(_, text)| text.parse().unwrap());
        let last = kept.map(|(revision, _)| revision);
        if swap(store, last, Some(&(number + 1).to_string())).unwrap().is_some() {
            return;
        }
    }
}

#[test]
fn it_keeps_swaps_and_removes() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (store(&dir), store(&dir));
    assert_eq!(load(&ours), Ok(None));
    let first = swap(&ours, None, Some("one")).unwrap();
    assert!(first.is_some());
    assert_eq!(swap(&theirs, None, Some("two")), Ok(None), "there is an entry");
    let second = swap(&theirs, first, Some("two")).unwrap();
    assert_eq!(swap(&ours, first, Some("three")), Ok(None), "the revision is old");
    assert_eq!(load(&ours), Ok(second.map(|revision| (revision, "two".to_owned()))));
    assert_eq!(swap(&ours, first, None), Ok(None));
    assert!(swap(&ours, second, None).unwrap() > second);
    assert_eq!(load(&theirs), Ok(None));
    assert_eq!(swap(&theirs, second, Some("late")), Ok(None));

    let other = Key::new("bob@as").unwrap();
    assert!(block_on(ours.load(&other)).unwrap().is_none());
}

#[test]
fn no_revision_comes_twice() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let mut last = None;
    for _ in 0..3 {
        let made = swap(&store, None, Some("one")).unwrap();
        assert!(made > last);
        last = swap(&store, made, None).unwrap();
        assert!(last > made);
    }
    // Not after somebody has deleted the file either, nor with an old copy of it in its place.
    let made = swap(&store, None, Some("one")).unwrap();
    let copy = fs::read(file(&dir, "grant")).unwrap();
    let second = swap(&store, made, Some("two")).unwrap();
    fs::write(file(&dir, "grant"), copy).unwrap();
    assert_eq!(text(&store).as_deref(), Some("one"));
    let third = swap(&store, made, Some("three")).unwrap();
    assert!(third > second);
    fs::remove_file(file(&dir, "grant")).unwrap();
    assert!(swap(&store, None, Some("four")).unwrap() > third);
}

#[test]
fn nothing_is_open_to_others_whatever_the_umask() {
    for umask in ["000", "022", "077", "277"] {
        let dir = tempfile::tempdir().unwrap();
        assert!(process("write", &dir, umask).0.wait().unwrap().success());
        if umask == "277" {
            // It takes the owner's own right to write away; a lock could not be opened again.
            continue;
        }
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

#[test]
fn a_crash_in_the_middle_of_a_swap_leaves_the_old_entry() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    let first = swap(&ours, None, Some("old")).unwrap();
    // What is left by a process that died before the rename: a new file, half of it or all.
    fs::write(file(&dir, "new"), "grantflow-store 1 9 3 half").unwrap();
    fs::set_permissions(file(&dir, "new"), Permissions::from_mode(0o600)).unwrap();
    // A neighbour's is not ours to remove.
    let neighbours = dir.path().join("grants/ada@as.new.new");
    fs::write(&neighbours, "").unwrap();
    assert_eq!(text(&ours).as_deref(), Some("old"));
    assert_eq!(text(&store(&dir)).as_deref(), Some("old"));
    assert!(swap(&ours, first, Some("next")).unwrap().is_some());
    assert_eq!(text(&ours).as_deref(), Some("next"));
    assert!(!file(&dir, "new").exists() && neighbours.exists());
}

#[test]
fn threads_and_processes_count_together() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    let barrier = Barrier::new(2);
    let child = process("count", &dir, "022");
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                // Its own store: as separate as another process's.
                let store = store(&dir);
                barrier.wait();
                (0..RACES).for_each(|_| count(&store));
            });
        }
    });
    let (mut child, _output) = child;
    assert!(child.wait().unwrap().success());
    assert_eq!(text(&ours), Some((3 * RACES).to_string()), "a swap was lost, or two won one revision");
}

#[test]
fn a_lock_excludes_threads_and_processes_and_dies_with_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (store(&dir), store(&dir));
    let lock = try_lock(&ours);
    assert!(lock.is_some());
    assert!(try_lock(&ours).is_none() && try_lock(&theirs).is_none());
    assert!(swap(&theirs, None, Some("one")).unwrap().is_some(), "a swap asks for no lock");
    assert!(block_on(theirs.try_lock(&Key::new("bob@as").unwrap())).unwrap().is_some(), "bob's is another");
    drop(lock);
    assert!(try_lock(&theirs).is_some());

    let (mut child, _output) = process("lock", &dir, "022");
    assert!(try_lock(&ours).is_none(), "the other process has it");
    // SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(try_lock(&ours).is_some(), "nobody has it");
}

#[test]
fn a_lock_is_held_while_a_child_process_lives() {
    // A child that was started meanwhile must neither keep the lock nor give it back.
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    let lock = try_lock(&ours);
    let mut child = Command::new("sleep").arg("600").spawn().unwrap();
    assert!(lock.is_some() && try_lock(&ours).is_none());
    drop(lock);
    assert!(try_lock(&ours).is_some());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_process_killed_at_any_moment_leaves_a_whole_entry() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    let (mut last, mut written, started) = (None, 0, Instant::now());
    for round in 0_u64..40 {
        let (mut child, _output) = process("rotate", &dir, "022");
        thread::sleep(Duration::from_micros(500 + round * 733 % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let kept = load(&ours).unwrap();
        if let Some((revision, text)) = &kept {
            assert!(Some(*revision) >= last, "it went back");
            assert_eq!(*text, entry(text[..8].parse().unwrap()));
            written += usize::from(Some(*revision) > last);
        }
        last = kept.map(|(revision, _)| revision);
        // And the next can go on at once.
        last = Some(swap(&ours, last, Some(&entry(7))).unwrap().unwrap());
    }
    println!("40 processes killed, {written} of them after a write, in {:?}", started.elapsed());
}

#[test]
fn it_says_where_it_is_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    swap(&ours, None, Some("SECRET")).unwrap();
    assert!(format!("{ours:?}").ends_with("grants)"), "{ours:?}");
}
