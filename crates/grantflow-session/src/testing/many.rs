//! Many threads at once.

use std::sync::Barrier;
use std::thread;

use super::Check;
use super::bench::{Bench, Checked, SECRET, Trouble, broken, ensure};

const THREADS: usize = 4;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "of_many_swaps_one_wins",
        rule: "of swaps that expect the same revision at the same time, one is Swapped and the others are conflicts",
        mend: "compare and swap in one statement, or in one transaction that locks the row; not SELECT, then UPDATE",
        locks: false,
        run: of_many_swaps_one_wins,
    },
    Check {
        name: "no_swap_is_lost",
        rule: "when many threads swap at once, the next swap sees every swap that was Swapped",
        mend: "compare and swap in one statement, or in one transaction that locks the row; not SELECT, then UPDATE",
        locks: false,
        run: no_swap_is_lost,
    },
];

/// What every thread has found, each with its own handle.
pub(super) fn at_once<T: Send>(
    bench: &Bench<'_>,
    work: impl Fn(&super::bench::Handle<'_>) -> Checked<T> + Sync,
) -> Checked<Vec<T>> {
    let handles: Vec<_> = (0..THREADS).map(|_| bench.open()).collect();
    let barrier = Barrier::new(THREADS);
    let run = |handle| {
        barrier.wait();
        work(handle)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = handles.iter().map(|handle| scope.spawn(|| run(handle))).collect();
        let results = threads.into_iter().map(|thread| thread.join());
        results.map(|result| result.unwrap_or_else(|_| broken("the store panicked"))).collect()
    })
}

fn of_many_swaps_one_wins(bench: &Bench<'_>) -> Checked {
    let (ours, _theirs, key) = bench.fresh()?;
    let mut last = None;
    for _ in 0..10 {
        let won = at_once(bench, |handle| handle.swap(&key, last, Some(SECRET)))?;
        let mut won = won.into_iter().flatten();
        let (Some(winner), None) = (won.next(), won.next()) else {
            return broken("of swaps from one revision at the same time, none or several were Swapped");
        };
        ensure(ours.keeps(&key, winner, SECRET)?, "the entry has another revision than the swap that won")?;
        last = Some(winner);
    }
    Ok(())
}

fn no_swap_is_lost(bench: &Bench<'_>) -> Checked {
    const ROUNDS: usize = 10;
    let (ours, _theirs, key) = bench.fresh()?;
    at_once(bench, |handle| {
        let mut done = 0;
        // A store that returns Conflict for ever must not stop the suite.
        for _ in 0..1_000 * ROUNDS {
            if done == ROUNDS {
                return Ok(());
            }
            let entry = handle.load(&key)?;
            let text =
                entry.as_ref().map_or("", |entry| core::str::from_utf8(entry.value.expose_secret()).unwrap_or(""));
            let count = text.len();
            let next = "x".repeat(count + 1);
            let expected = entry.as_ref().map(|entry| entry.revision);
            done += usize::from(handle.swap(&key, expected, Some(&next))?.is_some());
        }
        broken("swaps are conflicts for ever")
    })?;
    let entry = ours.load(&key)?.ok_or(Trouble::Broken("the entry has gone".to_owned()))?;
    ensure(
        entry.value.expose_secret().len() == THREADS * ROUNDS,
        "swaps of several threads were lost, or were made twice",
    )
}
