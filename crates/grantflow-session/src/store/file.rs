//! Grants in files: for programs on one machine, any number of processes at a time.

use core::fmt;
use std::path::Path;
use std::time::SystemTime;

use crate::key::Key;
use crate::store::{Entry, Later, Lock, Revision, Store, StoreError, Swap, Value};

pub(super) mod fault;
pub(super) mod folder;
pub(super) mod format;
mod private;

use fault::{Fault, Problem};
use folder::{Folder, Kind, MAX_VALUE};
use format::Kept;

/// Keeps grants in a folder, each in a file of its own. **The files hold tokens in plain text**, and are open to their owner
/// alone.
///
/// For a key there are `<key>.grant`, the entry; `<key>.lock` and `<key>.swap`, which are empty, stay where they are, and
/// must not be removed while a program runs; and for moments `<key>.new`. A change is written to a new file that is made
/// durable and then takes the place of the old one in one step, so that a crash at any point leaves the one or the other.
/// What a crash leaves of a new file, the next change of that key removes. An entry that was removed leaves a line that
/// holds its revision and nothing else, so that no revision comes twice.
///
/// It is strict about what it opens. A file is refused that is a symbolic link or no plain file, that others may read or
/// write, that belongs to another user, that is larger than 1 MiB, or that is not, byte for byte, what was written for this
/// key. The error says how to mend it; nothing is mended in silence, since somebody may have read the tokens.
///
/// `load` and `compare_and_swap` do their work in the thread that polls them, for as long as the disk takes, typically some
/// milliseconds. A swap may wait for another process's swap of the same key, and gives up after ten seconds. `try_lock`
/// waits for nothing. The locks are `flock` (on Windows `LockFileEx`): they end with the process, and are for a local disk;
/// on a network file system, ask its manual whether they hold between machines.
///
/// Where there are no permission bits (Windows), files are as open as their folder: take one in the user's profile. There,
/// too, the folder is not made durable after a change, only the file.
pub struct FileStore {
    folder: Folder,
}

impl FileStore {
    /// A store in the folder `dir`, which is made (open to its owner alone) if there is none.
    ///
    /// The folder's place is settled now; a later change of the working directory does not move it. The folders above it are
    /// the caller's: nobody else should be able to rename it. A program that gives up privileges does so before this.
    ///
    /// # Errors
    /// If it cannot be made or written to, if it is a symbolic link or no folder, if others may write to it, if it belongs to
    /// neither this user nor the administrator, or if its file system has no permissions to give.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = Folder::open(dir.as_ref()).map_err(|fault| StoreError::new("open its folder", fault))?;
        Ok(Self { folder })
    }

    fn kept(&self, key: &Key) -> Result<Option<Kept>, Fault> {
        kept(&self.folder, key, Kind::Grant)
    }

    fn swap_now(&self, key: &Key, expected: Option<Revision>, new: Option<&Value>) -> Result<Swap, Fault> {
        let path = self.folder.file(key, Kind::Grant);
        let bytes = new.map(Value::expose_secret);
        let size = bytes.map_or(0, <[u8]>::len);
        if size > MAX_VALUE {
            return Err(Problem::ValueTooLarge(size, MAX_VALUE).at(&path));
        }
        let _exclusive = self.folder.exclusive(key)?;
        let kept = self.kept(key)?;
        let last = kept.as_ref().map(|kept| kept.revision);
        if kept.and_then(Kept::into_entry).map(|entry| entry.revision) != expected {
            return Ok(Swap::Conflict);
        }
        let revision = revision_after(last).ok_or(Problem::NoRevisionLeft.at(&path))?;
        let header = format::header(key.as_str(), revision, bytes);
        self.folder.replace(key, Kind::Grant, [header.as_bytes(), bytes.unwrap_or_default()])?;
        Ok(Swap::Swapped(revision))
    }
}

/// What the file of `key` says.
pub(super) fn kept(folder: &Folder, key: &Key, kind: Kind) -> Result<Option<Kept>, Fault> {
    let Some(bytes) = folder.read(key, kind)? else { return Ok(None) };
    let kept = format::read(key, &bytes).map_err(|damage| Problem::from(damage).at(&folder.file(key, kind)))?;
    Ok(Some(kept))
}

/// A revision that was never given before: more than the last one, and no less than the microseconds since the epoch. The
/// one holds when the clock goes back; the other when somebody deletes the file, or puts an older copy of it in its place.
pub(super) fn revision_after(last: Option<Revision>) -> Option<Revision> {
    let clock = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_micros());
    let clock = u64::try_from(clock).unwrap_or(0);
    let next = last.map_or(Some(1), |last| last.number().checked_add(1))?;
    Some(Revision::new(next.max(clock)))
}

impl Store for FileStore {
    fn load<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move {
            let kept = self.kept(key).map_err(|fault| StoreError::new("read an entry", fault))?;
            Ok(kept.and_then(Kept::into_entry))
        })
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<Revision>,
        new: Option<Value>,
    ) -> Later<'a, Result<Swap, StoreError>> {
        Box::pin(async move {
            self.swap_now(key, expected, new.as_ref()).map_err(|fault| StoreError::new("change an entry", fault))
        })
    }

    fn lock_dies_with_its_process(&self) -> bool {
        true
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Lock>, StoreError>> {
        Box::pin(async move {
            let held = self.folder.try_lock(key).map_err(|fault| StoreError::new("lock an entry", fault))?;
            Ok(held.map(Lock::new))
        })
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileStore({})", self.folder.path().display())
    }
}
