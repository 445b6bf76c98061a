//! The order of the steps on the disk, and what is left when one of them fails.
#![cfg(unix)]

use std::fs;

use pollster::block_on;

use super::disk::tests::{failing, watched};
use super::*;

fn key() -> Key {
    Key::new("ada").unwrap()
}

fn swap(store: &FileStore, expected: Option<Revision>, text: &str) -> Result<Swap, String> {
    let value = Value::new(text.as_bytes().to_vec());
    let swap = block_on(store.compare_and_swap(&key(), expected, Some(value)));
    swap.map_err(|error| std::error::Error::source(&error).unwrap().to_string())
}

fn swapped(swap: Result<Swap, String>) -> Option<Revision> {
    match swap {
        Ok(Swap::Swapped(revision)) => Some(revision),
        other => panic!("{other:?}"),
    }
}

fn text(store: &FileStore) -> String {
    let entry = block_on(store.load(&key())).unwrap().unwrap();
    String::from_utf8(entry.value.expose_secret().to_vec()).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_durable_before_it_takes_its_place_and_the_folder_before_the_swap_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::open(dir.path().join("grants")).unwrap();
    let change =
        ["remove ada.new", "write ada.new", "write ada.new", "sync ada.new", "rename ada.grant", "sync folder grants"];
    let (steps, first) = watched(|| swap(&store, None, "one"));
    assert_eq!(steps, change);
    let (steps, second) = watched(|| swap(&store, swapped(first), "two"));
    assert_eq!(steps, change);
    let (steps, removed) = watched(|| block_on(store.compare_and_swap(&key(), swapped(second), None)));
    assert_eq!(steps, change, "a removal is a change like every other");
    assert!(matches!(removed, Ok(Swap::Swapped(_))));
}

#[test]
fn every_new_folder_is_durable_in_the_one_above_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("there")).unwrap();
    let deep = dir.path().join("there/new/and/deep");
    let (steps, opened) = watched(|| FileStore::open(&deep));
    opened.unwrap();
    let above = ["create new", "sync folder there", "create and", "sync folder new", "create deep", "sync folder and"];
    assert_eq!(steps, above);
    let (steps, opened) = watched(|| FileStore::open(&deep));
    opened.unwrap();
    assert_eq!(steps, [""; 0], "nothing is new");

    for step in above {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("there")).unwrap();
        let (_, opened) = failing(step, || FileStore::open(dir.path().join("there/new/and/deep")));
        assert!(opened.is_err(), "{step}");
    }
}

#[test]
fn a_write_that_fails_leaves_the_old_entry_and_nothing_else() {
    for fails in ["write ada.new", "sync ada.new", "rename ada.grant"] {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::open(dir.path()).unwrap();
        let (_, first) = failing(fails, || swap(&store, None, "SECRET"));
        assert!(first.unwrap_err().contains("made to fail"), "{fails}");
        assert_eq!(names(dir.path()), ["ada.swap"], "{fails}: no token is left behind");

        let first = swapped(swap(&store, None, "one"));
        let (_, second) = failing(fails, || swap(&store, first, "SECRET"));
        assert!(second.unwrap_err().contains("made to fail"), "{fails}");
        assert_eq!(names(dir.path()), ["ada.grant", "ada.swap"], "{fails}: no token is left behind");
        assert_eq!(text(&store), "one", "{fails}");
        assert!(swapped(swap(&store, first, "two")) > first, "{fails}: and the next goes on");
    }
}

#[test]
fn a_change_that_may_not_survive_a_power_failure_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::open(dir.path().join("grants")).unwrap();
    let (_, swap) = failing("sync folder grants", || swap(&store, None, "one"));
    let error = swap.unwrap_err();
    assert!(error.contains("may not survive a power failure; read it again"), "{error}");
    assert_eq!(names(&dir.path().join("grants")), ["ada.grant", "ada.swap"]);
}
