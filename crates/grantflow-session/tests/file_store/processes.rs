//! Other threads, other processes, and processes that are killed.

use super::*;

/// This program again, in another process. Its output begins after a line that says "ready".
pub(crate) fn process(part: &str, dir: &TempDir, umask: &str) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new("sh")
        .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "processes::another_process", "--nocapture", "--test-threads=1"])
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

/// What the other process does. It does nothing when it is run by itself.
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

/// An entry that cannot be mistaken for another: every byte depends on its number.
fn entry(round: u32) -> String {
    format!("{round:08} ").repeat(300)
}

const RACES: u32 = 200;

/// Adds one to the stored number, and tries again as often as another process is faster.
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
fn a_crash_in_the_middle_of_a_swap_leaves_the_old_entry() {
    let dir = tempfile::tempdir().unwrap();
    let ours = store(&dir);
    let first = swap(&ours, None, Some("old")).unwrap();
    // What a process leaves that died before the rename: a new file, partly or completely written.
    fs::write(file(&dir, "new"), "grantflow-store 1 9 3 half").unwrap();
    fs::set_permissions(file(&dir, "new"), Permissions::from_mode(0o600)).unwrap();
    // A file of another key must not be removed.
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
                // A separate store, like that of another process.
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
    assert!(try_lock(&ours).is_some(), "the lock is free");
}

#[test]
fn a_lock_is_held_while_a_child_process_lives() {
    // A child that was started meanwhile must neither keep the lock nor release it.
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
        // The next process can continue at once.
        last = Some(swap(&ours, last, Some(&entry(7))).unwrap().unwrap());
    }
    println!("40 processes killed, {written} of them after a write, in {:?}", started.elapsed());
}
