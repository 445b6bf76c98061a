//! Locks that end by a clock.

use super::Check;
use super::bench::{Bench, Checked, SECRET, ensure};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "a_lease_ends",
        rule: "the lease of a dead holder ends by the store's clock, at its time and not before",
        mend: "compare its end with the store's own clock when a lease is taken: until <= now()",
        locks: true,
        run: a_lease_ends,
    },
    Check {
        name: "who_lost_a_lease_does_not_end_anothers",
        rule: "a holder whose lease is over gives back nothing, because another holder has the lock",
        mend: "give back by key and holder: DELETE … WHERE key = ? AND holder = ?, with a random holder's name for each lease",
        locks: true,
        run: who_lost_a_lease_does_not_end_anothers,
    },
    Check {
        name: "who_lost_a_lease_cannot_write",
        rule: "a holder that slept through the end of its lease cannot overwrite what the next holder has written",
        mend: "compare revisions in every swap, with or without the lock",
        locks: true,
        run: who_lost_a_lease_cannot_write,
    },
];

fn a_lease_ends(bench: &Bench<'_>) -> Checked {
    let Some(wait) = bench.0.lease_ends.as_deref() else { return Ok(()) };
    let (ours, theirs, key) = bench.fresh()?;
    let dead = ours.lock(&key)?;
    ensure(theirs.try_lock(&key)?.is_none(), "a lease that still runs was given to another holder")?;
    wait();
    let lock = theirs.try_lock(&key)?;
    ensure(lock.is_some(), "a lease that is not given back does not end")?;
    ensure(ours.try_lock(&key)?.is_none(), "a lease that was taken after another's end was given twice")?;
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
    ensure(ours.try_lock(&key)?.is_none(), "a holder whose lease was over gave back the lock of the next holder")?;
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
    ensure(ours.swap(&key, Some(first), Some(SECRET))?.is_none(), "a holder whose lease was over could write")?;
    ensure(theirs.keeps(&key, second, "next")?, "the value of the next holder is gone")?;
    drop((late, lock));
    Ok(())
}
