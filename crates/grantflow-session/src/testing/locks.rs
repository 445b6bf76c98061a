//! The lock of a key.

use core::time::Duration;
use std::sync::mpsc;
use std::thread;

use super::Check;
use super::bench::{Bench, Checked, SECRET, broken, ensure};
use super::many::at_once;

pub(super) const DOES_NOT_WAIT: &str = "a_lock_does_not_wait";

/// Longer than any store takes to say that a lock is held.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: DOES_NOT_WAIT,
        rule: "try_lock returns None at once if the lock is held: a session tries again by itself",
        mend: "take the lock without waiting (NOWAIT, SKIP LOCKED, pg_try_advisory_lock)",
        locks: true,
        run: a_lock_does_not_wait,
    },
    Check {
        name: "a_lock_excludes",
        rule: "a lock that is held is not given again, through any handle, not even to its holder",
        mend: "a lock belongs to one guard: not to a connection or a process, which may take it twice",
        locks: true,
        run: a_lock_excludes,
    },
    Check {
        name: "a_lock_is_given_back",
        rule: "a lock is free once its guard is dropped, in any thread",
        mend: "release it in the Drop of the guard that you give to Lock::new",
        locks: true,
        run: a_lock_is_given_back,
    },
    Check {
        name: "locks_of_keys_do_not_mix",
        rule: "the lock of one key does not stop another key's (except that keys which differ only in case may share one)",
        mend: "lock the whole key, not a part or a short hash of it",
        locks: true,
        run: locks_of_keys_do_not_mix,
    },
    Check {
        name: "a_swap_needs_no_lock",
        rule: "load and compare_and_swap work while any holder has the lock, and the lock stays held",
        mend: "keep the lock apart from the entry: do not hold a transaction or the entry's row open for it",
        locks: true,
        run: a_swap_needs_no_lock,
    },
    Check {
        name: "of_many_locks_one_is_given",
        rule: "of many callers that ask for a lock at once, one gets it",
        mend: "take the lock in one statement that says whether it did",
        locks: true,
        run: of_many_locks_one_is_given,
    },
];

fn a_lock_does_not_wait(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let lock = ours.lock(&key)?;
    let (answers, answered) = mpsc::channel();
    thread::scope(|scope| {
        let (theirs, key) = (&theirs, &key);
        scope.spawn(move || {
            let answer = theirs.try_lock(key);
            let _ = answers.send(answer.map(drop));
        });
        let answer = answered.recv_timeout(PATIENCE);
        // A thread that waits for it can continue now.
        drop(lock);
        answer.unwrap_or_else(|_| broken("try_lock waited for a lock that was held"))
    })
}

fn a_lock_excludes(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let lock = ours.lock(&key)?;
    ensure(ours.try_lock(&key)?.is_none(), "a lock was given twice through one handle")?;
    ensure(theirs.try_lock(&key)?.is_none(), "a lock was given twice through two handles")?;
    // The refused caller has not released it.
    ensure(ours.try_lock(&key)?.is_none(), "refusing a lock released it")?;
    drop(lock);
    Ok(())
}

fn a_lock_is_given_back(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    for _ in 0..3 {
        drop(ours.lock(&key)?);
        drop(theirs.lock(&key)?);
    }
    let lock = ours.lock(&key)?;
    let moved = thread::scope(|scope| scope.spawn(move || drop(lock)).join());
    ensure(moved.is_ok(), "dropping a lock in another thread panicked")?;
    ensure(theirs.try_lock(&key)?.is_some(), "a lock that was dropped in another thread is still held")
}

fn locks_of_keys_do_not_mix(bench: &Bench<'_>) -> Checked {
    let (ours, theirs) = (bench.open(), bench.open());
    let mut held: Vec<(String, _)> = Vec::new();
    for key in bench.keys()? {
        let folded = key.as_str().to_ascii_lowercase();
        if held.iter().any(|(name, _)| *name == folded) {
            continue;
        }
        let Some(lock) = theirs.try_lock(&key)? else {
            return broken(format!("the lock of {key} is held with another key's"));
        };
        held.push((folded, lock));
    }
    let key = bench.key()?;
    ensure(ours.try_lock(&key)?.is_none(), "another key's lock released this one")
}

fn a_swap_needs_no_lock(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let lock = ours.lock(&key)?;
    let first = ours.put(&key, None, Some(SECRET))?;
    ensure(theirs.keeps(&key, first, SECRET)?, "the value of the lock's holder is not seen")?;
    let second = theirs.put(&key, Some(first), Some(SECRET))?;
    ours.put(&key, Some(second), None)?;
    ensure(theirs.try_lock(&key)?.is_none(), "a swap released the lock")?;
    drop(lock);
    ensure(theirs.try_lock(&key)?.is_some(), "a lock that was dropped after a swap is still held")
}

fn of_many_locks_one_is_given(bench: &Bench<'_>) -> Checked {
    let key = bench.key()?;
    for _ in 0..10 {
        let locks = at_once(bench, |handle| handle.try_lock(&key))?;
        let given = locks.iter().flatten().count();
        ensure(given == 1, "of many callers that asked for a lock at once, none or several got it")?;
    }
    Ok(())
}
