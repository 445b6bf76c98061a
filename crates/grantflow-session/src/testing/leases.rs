//! Locks that end by a clock.

use super::Check;
use super::bench::{Bench, Checked, SECRET, ensure};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "a_lease_ends",
        rule: "a lease whose holder is dead ends by the store's clock, not before its time and not for ever",
        mend: "compare its end with the store's own clock where it is taken: until <= now()",
        locks: true,
        run: a_lease_ends,
    },
    Check {
        name: "who_lost_a_lease_does_not_end_anothers",
        rule: "a holder whose lease is over gives back nothing: somebody else has the lock now",
        mend: "give back by key and holder: DELETE … WHERE key = ? AND holder = ?, with a holder's name drawn for each lease",
        locks: true,
        run: who_lost_a_lease_does_not_end_anothers,
    },
    Check {
        name: "who_lost_a_lease_cannot_write",
        rule: "a holder that slept through the end of its lease cannot overwrite what the next one has written",
        mend: "compare revisions in every swap, whoever holds the lock",
        locks: true,
        run: who_lost_a_lease_cannot_write,
    },
];

fn a_lease_ends(bench: &Bench<'_>) -> Checked {
    let Some(wait) = bench.0.lease_ends.as_deref() else { return Ok(()) };
    let (ours, theirs, key) = bench.fresh()?;
    let dead = ours.lock(&key)?;
    ensure(theirs.try_lock(&key)?.is_none(), "a lease that still runs was given to somebody else")?;
    wait();
    let lock = theirs.try_lock(&key)?;
    ensure(lock.is_some(), "a lease that nobody gives back does not end")?;
    ensure(ours.try_lock(&key)?.is_none(), "a lease that was taken after another's end is given twice")?;
    drop((lock, dead));
    Ok(())
}

fn who_lost_a_lease_does_not_end_anothers(bench: &Bench<'_>) -> Checked {
    let Some(wait) = bench.0.lease_ends.as_deref() else { return Ok(()) };
    let (ours, theirs, key) = bench.fresh()?;
    let late = ours.lock(&key)?;
    wait();
    let lock = theirs.lock(&key)?;
    drop(late);
    ensure(ours.try_lock(&key)?.is_none(), "a holder whose lease was over has given back the lock of the next")?;
    drop(lock);
    ensure(ours.try_lock(&key)?.is_some(), "a lease that was given back is still held")
}

fn who_lost_a_lease_cannot_write(bench: &Bench<'_>) -> Checked {
    let Some(wait) = bench.0.lease_ends.as_deref() else { return Ok(()) };
    let (ours, theirs, key) = bench.fresh()?;
    let late = ours.lock(&key)?;
    let first = ours.put(&key, None, Some(SECRET))?;
    wait();
    let lock = theirs.lock(&key)?;
    let second = theirs.put(&key, Some(first), Some("next"))?;
    ensure(ours.swap(&key, Some(first), Some(SECRET))?.is_none(), "a holder whose lease was over has written")?;
    ensure(theirs.keeps(&key, second, "next")?, "what the next holder has written is gone")?;
    drop((late, lock));
    Ok(())
}
