//! What is kept, and under which revision.

use super::Check;
use super::bench::{Bench, Checked, SECRET, broken, ensure};
use crate::store::Value;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "keeps_what_it_is_given",
        rule: "what compare_and_swap has answered Swapped to, every later load sees, through every handle",
        mend: "write before you answer, and read what was written, not a copy that is older",
        locks: false,
        run: keeps_what_it_is_given,
    },
    Check {
        name: "creates_only_where_nothing_is",
        rule: "an expected revision of None means that there is no entry; where there is one, it is a Conflict and nothing changes",
        mend: "INSERT … ON CONFLICT DO NOTHING, and look whether a row was changed; never an upsert",
        locks: false,
        run: creates_only_where_nothing_is,
    },
    Check {
        name: "replaces_only_what_is_expected",
        rule: "a swap that expects another revision than the entry's is a Conflict and changes nothing",
        mend: "UPDATE … WHERE key = ? AND revision = ?, and look whether a row was changed",
        locks: false,
        run: replaces_only_what_is_expected,
    },
    Check {
        name: "removes_only_what_is_expected",
        rule: "a value of None removes the entry of the expected revision, and no other",
        mend: "DELETE … WHERE key = ? AND revision = ? (or mark the row as removed), and look whether a row was changed",
        locks: false,
        run: removes_only_what_is_expected,
    },
    Check {
        name: "replaces_nothing_where_nothing_is",
        rule: "a swap that expects a revision where there is no entry is a Conflict and creates nothing",
        mend: "do not insert where a revision was expected: somebody has logged out",
        locks: false,
        run: replaces_nothing_where_nothing_is,
    },
    Check {
        name: "every_change_has_a_new_revision",
        rule: "every change gives the entry a revision that it never had, also where the bytes are the same",
        mend: "count the changes; a hash of the value is no revision",
        locks: false,
        run: every_change_has_a_new_revision,
    },
    Check {
        name: "no_revision_comes_twice",
        rule: "an entry that was removed and made anew has a revision that no earlier one had",
        mend: "take revisions from a sequence, or keep the row of a removed entry with its last revision",
        locks: false,
        run: no_revision_comes_twice,
    },
    Check {
        name: "keeps_bytes_exactly",
        rule: "a value comes back byte for byte, the empty one too",
        mend: "keep it as bytes (BLOB, BYTEA), not as text that is trimmed, folded or converted",
        locks: false,
        run: keeps_bytes_exactly,
    },
    Check {
        name: "keeps_large_values",
        rule: "a value of 2 MiB comes back whole: a token answer of 1 MiB, as JSON writes it (Suite::largest for stores of small grants)",
        mend: "take a column without a limit, and raise the limit on a statement's size",
        locks: false,
        run: keeps_large_values,
    },
    Check {
        name: "keys_do_not_mix",
        rule: "every key has an entry of its own, whatever its case and its characters",
        mend: "compare keys byte for byte (a binary collation), whole, and escape what a name or a pattern gives a meaning to",
        locks: false,
        run: keys_do_not_mix,
    },
    Check {
        name: "survives_reopening",
        rule: "what compare_and_swap has answered Swapped to is there when the store is opened again, and so is a removal",
        mend: "commit before you answer; keep the last revision of a removed entry where it survives too",
        locks: false,
        run: survives_reopening,
    },
    Check {
        name: "errors_show_no_value",
        rule: "an error never holds what is kept: it ends in logs",
        mend: "do not pass on a driver's error that quotes the statement's parameters; say what failed and where",
        locks: false,
        run: errors_show_no_value,
    },
];

fn keeps_what_it_is_given(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    ensure(ours.load(&key)?.is_none(), "there is an entry that nobody has made")?;
    let first = ours.put(&key, None, Some(SECRET))?;
    ensure(ours.keeps(&key, first, SECRET)?, "load gave another value or revision than the swap that made the entry")?;
    ensure(theirs.keeps(&key, first, SECRET)?, "another handle on the store gave another value or revision")?;
    let other = format!("{SECRET} 2");
    let second = theirs.put(&key, Some(first), Some(&other))?;
    ensure(ours.keeps(&key, second, &other)?, "one handle does not see what another has changed")
}

fn creates_only_where_nothing_is(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let first = ours.put(&key, None, Some(SECRET))?;
    for handle in [&ours, &theirs] {
        ensure(handle.swap(&key, None, Some("other"))?.is_none(), "an entry was made where there was one")?;
        ensure(handle.swap(&key, None, None)?.is_none(), "an entry was removed by who expected none")?;
    }
    ensure(ours.keeps(&key, first, SECRET)?, "the answer was Conflict, and the entry has changed")
}

fn replaces_only_what_is_expected(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let first = ours.put(&key, None, Some(SECRET))?;
    let second = ours.put(&key, Some(first), Some(SECRET))?;
    for handle in [&ours, &theirs] {
        ensure(handle.swap(&key, Some(first), Some("late"))?.is_none(), "an older revision was taken for the entry's")?;
    }
    let never = crate::store::Revision::new(second.number().wrapping_add(1));
    ensure(
        ours.swap(&key, Some(never), Some("early"))?.is_none(),
        "a revision that the entry has not yet was taken for its own",
    )?;
    ensure(ours.keeps(&key, second, SECRET)?, "the answer was Conflict, and the entry has changed")
}

fn removes_only_what_is_expected(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let first = ours.put(&key, None, Some(SECRET))?;
    let second = ours.put(&key, Some(first), Some(SECRET))?;
    ensure(theirs.swap(&key, Some(first), None)?.is_none(), "an entry was removed by who expected an older revision")?;
    ensure(ours.keeps(&key, second, SECRET)?, "the answer was Conflict, and the entry has changed")?;
    theirs.put(&key, Some(second), None)?;
    ensure(ours.load(&key)?.is_none(), "an entry that was removed is still there")
}

fn replaces_nothing_where_nothing_is(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let first = ours.put(&key, None, Some(SECRET))?;
    let gone = ours.put(&key, Some(first), None)?;
    for expected in [first, gone] {
        ensure(theirs.swap(&key, Some(expected), Some("late"))?.is_none(), "an entry came back that was removed")?;
        ensure(theirs.swap(&key, Some(expected), None)?.is_none(), "an entry was removed twice")?;
    }
    ensure(ours.load(&key)?.is_none(), "the answer was Conflict, and there is an entry")
}

fn every_change_has_a_new_revision(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let mut seen = vec![ours.put(&key, None, Some(SECRET))?];
    for round in 0..8 {
        let handle = if round % 2 == 0 { &ours } else { &theirs };
        let last = seen.last().copied();
        // The same bytes, and others, and the same as before those.
        let text = if round % 3 == 2 { "other" } else { SECRET };
        let next = handle.put(&key, last, Some(text))?;
        ensure(!seen.contains(&next), "two changes have one revision")?;
        seen.push(next);
    }
    Ok(())
}

fn no_revision_comes_twice(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let made = ours.put(&key, None, Some(SECRET))?;
        ensure(!seen.contains(&made), "an entry that was made anew has the revision of an old one")?;
        for old in &seen {
            let swapped = theirs.swap(&key, Some(*old), Some("late"))?;
            ensure(swapped.is_none(), "an entry that was made anew was taken for an old one")?;
        }
        seen.push(made);
        theirs.put(&key, Some(made), None)?;
    }
    Ok(())
}

fn keeps_bytes_exactly(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let ascii: String = (1u8..=127).map(char::from).collect();
    let all = format!("{SECRET}\r\n\t \u{e4}e\u{301}\u{5929}\u{1f600}\u{feff}'\"\\%_$1?:x--;{ascii}");
    let mut last = None;
    for text in [all.as_str(), "", " ", "\n", "  x  ", "{\"a\":1.0}", "null", "0", "\\x00"] {
        let revision = ours.put(&key, last, Some(text))?;
        ensure(theirs.load(&key)?.is_some(), "a value that is short or empty is taken for none")?;
        ensure(theirs.keeps(&key, revision, text)?, "a value came back with other bytes")?;
        last = Some(revision);
    }
    Ok(())
}

fn keeps_large_values(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let mut text = String::with_capacity(bench.0.largest);
    while text.len() + SECRET.len() < bench.0.largest {
        text.push_str(SECRET);
    }
    let revision = ours.put(&key, None, Some(&text))?;
    ensure(theirs.keeps(&key, revision, &text)?, "a large value did not come back whole")?;
    ours.put(&key, Some(revision), None).map(drop)
}

fn keys_do_not_mix(bench: &Bench<'_>) -> Checked {
    let (ours, theirs) = (bench.open(), bench.open());
    let keys = bench.keys()?;
    for key in &keys {
        ours.clear(key)?;
    }
    let text = |key: &crate::key::Key| format!("{SECRET} of {key}");
    let mut revisions = Vec::new();
    for key in &keys {
        let Some(revision) = ours.swap(key, None, Some(&text(key)))? else {
            return broken(format!("there is an entry under {key} already, which is another key's"));
        };
        revisions.push(revision);
    }
    let mut kept: Vec<_> = keys.iter().zip(revisions).collect();
    while let Some((key, revision)) = kept.pop() {
        ensure(theirs.keeps(key, revision, &text(key))?, "one key has the entry of another")?;
        theirs.put(key, Some(revision), None)?;
        for (key, revision) in &kept {
            ensure(ours.keeps(key, *revision, &text(key))?, "to remove one key's entry has changed another's")?;
        }
    }
    Ok(())
}

fn survives_reopening(bench: &Bench<'_>) -> Checked {
    let key = bench.key()?;
    let first = {
        let (ours, theirs, key) = bench.fresh()?;
        drop(theirs);
        ours.put(&key, None, Some(SECRET))?
    };
    let gone = {
        let again = bench.open();
        ensure(
            again.keeps(&key, first, SECRET)?,
            "an entry has another value or revision when the store is opened again",
        )?;
        again.put(&key, Some(first), None)?
    };
    let again = bench.open();
    ensure(again.load(&key)?.is_none(), "a removed entry is there when the store is opened again")?;
    let made = again.put(&key, None, Some(SECRET))?;
    ensure(made != first && made != gone, "a revision comes twice when the store is opened again")?;
    again.put(&key, Some(made), None).map(drop)
}

fn errors_show_no_value(bench: &Bench<'_>) -> Checked {
    let (ours, _theirs, key) = bench.fresh()?;
    // It may be kept, or refused as too large, or as one that is there already. No error may quote it.
    let mut text = SECRET.repeat(Value::MAX / SECRET.len() + 1);
    ours.try_swap(&key, None, &text)?;
    ours.clear(&key)?;
    text.truncate(SECRET.len());
    ours.try_swap(&key, None, &text)?;
    ours.try_swap(&key, None, &text)?;
    ours.clear(&key)
}
