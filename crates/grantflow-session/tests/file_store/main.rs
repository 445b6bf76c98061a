//! The file store and what can happen to its files: other users, links, torn writes, other processes, and processes
//! that are killed.
//!
//! Other processes are this program again; a variable tells them their part.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy spares test functions, not what they share"
)]

mod keeps;
mod processes;
mod refused;

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use grantflow_session::{FileStore, FolderRules, Key, Lock, Revision, Store, StoreError, Swap, Value};
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

/// What failed, and why.
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
