//! Entries and their revisions.

use super::Check;
use super::bench::{Bench, Checked, SECRET, broken, ensure};
use crate::store::Value;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "keeps_what_it_is_given",
        rule: "after compare_and_swap has returned Swapped, every later load sees the change, through every handle",
        mend: "write before you return, and read what was written, not an older copy",
        locks: false,
        run: keeps_what_it_is_given,
    },
    Check {
        name: "creates_only_where_nothing_is",
        rule: "an expected revision of None means that there is no entry; if there is one, the answer is Conflict and nothing changes",
        mend: "INSERT … ON CONFLICT DO NOTHING, and check whether a row was changed; never an upsert",
        locks: false,
        run: creates_only_where_nothing_is,
    },
    Check {
        name: "replaces_only_what_is_expected",
        rule: "a swap that expects a revision other than the entry's is a Conflict and changes nothing",
        mend: "UPDATE … WHERE key = ? AND revision = ?, and check whether a row was changed",
        locks: false,
        run: replaces_only_what_is_expected,
    },
    Check {
        name: "removes_only_what_is_expected",
        rule: "a value of None removes the entry if it has the expected revision, and no other entry",
        mend: "DELETE … WHERE key = ? AND revision = ? (or mark the row as removed), and check whether a row was changed",
        locks: false,
        run: removes_only_what_is_expected,
    },
    Check {
        name: "replaces_nothing_where_nothing_is",
        rule: "a swap that expects a revision is a Conflict if there is no entry, and creates nothing",
        mend: "do not insert if a revision was expected: the person has logged out",
        locks: false,
        run: replaces_nothing_where_nothing_is,
    },
    Check {
        name: "every_change_has_a_new_revision",
        rule: "every change gives the entry a revision that it never had, even if the bytes are the same",
        mend: "count the changes; a hash of the value is not a revision",
        locks: false,
        run: every_change_has_a_new_revision,
    },
    Check {
        name: "no_revision_comes_twice",
        rule: "an entry that was removed and made again has a revision that no earlier one had",
        mend: "take revisions from a sequence, or keep the row of a removed entry with its last revision",
        locks: false,
        run: no_revision_comes_twice,
    },
    Check {
        name: "keeps_bytes_exactly",
        rule: "a value is read back byte for byte, even an empty one",
        mend: "keep it as bytes (BLOB, BYTEA), not as text that is trimmed, folded or converted",
        locks: false,
        run: keeps_bytes_exactly,
    },
    Check {
        name: "keeps_large_values",
        rule: "a value of 2 MiB is read back complete: a token answer of 1 MiB, as JSON writes it (Suite::largest for stores of small grants)",
        mend: "use a column without a limit, and raise the limit of a statement's size",
        locks: false,
        run: keeps_large_values,
    },
    Check {
        name: "keys_do_not_mix",
        rule: "every key has a separate entry, also if keys differ only in case or in unusual characters",
        mend: "compare whole keys byte for byte (a binary collation), and escape the characters that have a meaning in a name or a pattern",
        locks: false,
        run: keys_do_not_mix,
    },
    Check {
        name: "survives_reopening",
        rule: "a change or a removal that returned Swapped is there when the store is opened again",
        mend: "commit before you return; store the last revision of a removed entry as durably as the entry",
        locks: false,
        run: survives_reopening,
    },
    Check {
        name: "errors_show_no_value",
        rule: "an error never shows a value, because errors end in logs",
        mend: "do not pass on a driver's error that quotes the statement's parameters; say what failed and where",
        locks: false,
        run: errors_show_no_value,
    },
];

fn keeps_what_it_is_given(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    ensure(ours.load(&key)?.is_none(), "there is an entry that was never made")?;
    let first = ours.put(&key, None, Some(SECRET))?;
    ensure(ours.keeps(&key, first, SECRET)?, "load gave another value or revision than the swap that made the entry")?;
    ensure(theirs.keeps(&key, first, SECRET)?, "another handle on the store gave another value or revision")?;
    let other = format!("{SECRET} 2");
    let second = theirs.put(&key, Some(first), Some(&other))?;
    ensure(ours.keeps(&key, second, &other)?, "one handle does not see the change of another")
}

fn creates_only_where_nothing_is(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let first = ours.put(&key, None, Some(SECRET))?;
    for handle in [&ours, &theirs] {
        ensure(handle.swap(&key, None, Some("other"))?.is_none(), "an entry was made although there was one")?;
        ensure(handle.swap(&key, None, None)?.is_none(), "a swap that expected no entry removed one")?;
    }
    ensure(ours.keeps(&key, first, SECRET)?, "the answer was Conflict, and the entry has changed")
}

fn replaces_only_what_is_expected(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let first = ours.put(&key, None, Some(SECRET))?;
    let second = ours.put(&key, Some(first), Some(SECRET))?;
    for handle in [&ours, &theirs] {
        ensure(
            handle.swap(&key, Some(first), Some("late"))?.is_none(),
            "an older revision was accepted as the entry's",
        )?;
    }
    let never = crate::store::Revision::new(second.number().wrapping_add(1));
    ensure(
        ours.swap(&key, Some(never), Some("early"))?.is_none(),
        "a revision that the entry does not have yet was accepted",
    )?;
    ensure(ours.keeps(&key, second, SECRET)?, "the answer was Conflict, and the entry has changed")
}

fn removes_only_what_is_expected(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let first = ours.put(&key, None, Some(SECRET))?;
    let second = ours.put(&key, Some(first), Some(SECRET))?;
    ensure(
        theirs.swap(&key, Some(first), None)?.is_none(),
        "a swap that expected an older revision removed the entry",
    )?;
    ensure(ours.keeps(&key, second, SECRET)?, "the answer was Conflict, and the entry has changed")?;
    theirs.put(&key, Some(second), None)?;
    ensure(ours.load(&key)?.is_none(), "an entry that was removed is still there")
}

fn replaces_nothing_where_nothing_is(bench: &Bench<'_>) -> Checked {
    let (ours, theirs, key) = bench.fresh()?;
    let first = ours.put(&key, None, Some(SECRET))?;
    let gone = ours.put(&key, Some(first), None)?;
    for expected in [first, gone] {
        ensure(theirs.swap(&key, Some(expected), Some("late"))?.is_none(), "a removed entry came back")?;
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
        // The same bytes, other bytes, and the first bytes again.
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
        ensure(!seen.contains(&made), "an entry that was made again has the revision of an old one")?;
        for old in &seen {
            let swapped = theirs.swap(&key, Some(*old), Some("late"))?;
            ensure(swapped.is_none(), "an entry that was made again was taken for an old one")?;
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
        ensure(theirs.load(&key)?.is_some(), "a short or empty value is read as no entry")?;
        ensure(theirs.keeps(&key, revision, text)?, "a value was read back with other bytes")?;
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
    ensure(theirs.keeps(&key, revision, &text)?, "a large value was not read back completely")?;
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
            return broken(format!("there is an entry under {key} already, which belongs to another key"));
        };
        revisions.push(revision);
    }
    let mut kept: Vec<_> = keys.iter().zip(revisions).collect();
    while let Some((key, revision)) = kept.pop() {
        ensure(theirs.keeps(key, revision, &text(key))?, "one key has the entry of another")?;
        theirs.put(key, Some(revision), None)?;
        for (key, revision) in &kept {
            ensure(ours.keeps(key, *revision, &text(key))?, "removing one key's entry changed another's")?;
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
    ensure(made != first && made != gone, "a revision is used twice after the store is opened again")?;
    again.put(&key, Some(made), None).map(drop)
}

fn errors_show_no_value(bench: &Bench<'_>) -> Checked {
    let (ours, _theirs, key) = bench.fresh()?;
    // It may be kept, or refused as too large or as already there. No error may quote it.
    let mut text = SECRET.repeat(Value::MAX / SECRET.len() + 1);
    ours.try_swap(&key, None, &text)?;
    ours.clear(&key)?;
    text.truncate(SECRET.len());
    ours.try_swap(&key, None, &text)?;
    ours.try_swap(&key, None, &text)?;
    ours.clear(&key)
}
