//! Grants in files, for programs on one machine, with any number of processes at a time.

use core::fmt;
use std::path::Path;
use std::time::SystemTime;

use crate::key::Key;
use crate::store::{Entry, Later, Lock, Revision, Store, StoreError, Swap, Value};

mod disk;
pub(super) mod fault;
pub(super) mod folder;
pub(super) mod format;
mod private;
mod rules;
#[cfg(test)]
mod tests;

pub use rules::FolderRules;

use fault::{Fault, Problem};
use folder::{Folder, Kind, Reading};
use format::{Damage, Kept};

/// Keeps grants in a folder, each in a separate file. **The files hold tokens in plain text**, and are open to their
/// owner alone.
///
/// Each key has `<key>.grant`, the entry; `<key>.lock` and `<key>.swap`, which are empty, stay in place, and must not
/// be removed while a program runs; and for moments `<key>.new`. A change is written to a new file. The file is made
/// durable and then replaces the old one in one step, so a crash at any point leaves one of the two. The next change of
/// a key removes what a crash has left of a new file. A removed entry leaves one line with its revision, so no revision
/// is used twice.
///
/// It is strict about what it opens. It refuses a file that is a symbolic link or not a plain file, that others may
/// read or write, that belongs to another user, that is larger than [`Value::MAX`], or that is not, byte for byte, what
/// was written for this key. The error says how to repair it. Such an entry is not repaired silently, because another
/// account may have read the tokens. A login replaces it and a logout removes it ([`StoreError::unreadable`]), except
/// for links, folders and devices, which a person has to look at. A lock file holds nothing, so one that others may
/// open is closed to them silently.
///
/// Two keys never share a file. If the file system takes `Ada` and `ada` for one name, the second of them gets a name
/// with a hash. The two then share a lock, which costs one of them a wait.
///
/// `load` and `compare_and_swap` work in the thread that polls them, as long as the disk takes, typically some
/// milliseconds. A swap may wait for another process's swap of the same key, and gives up after ten seconds. `try_lock`
/// never waits. The locks are `flock` (on Windows `LockFileEx`): they end with the process, and are for a local disk.
/// For a network file system, its manual says whether they hold between machines.
///
/// Without permission bits (Windows), files are as open as their folder: use one in the user's profile. There, the
/// folder is not made durable after a change, only the file.
pub struct FileStore {
    folder: Folder,
}

impl FileStore {
    /// A store in the folder `dir`, which is created (open to its owner alone) if it does not exist.
    ///
    /// The folder's place is fixed now; a later change of the working directory does not move it. The folders above it
    /// are the caller's: no other account should be able to rename it. A program that gives up privileges must do so
    /// before this.
    ///
    /// If it cannot be created or written to, if it is a symbolic link or not a folder, if others may write to it, if
    /// it belongs to neither this user nor the administrator, or if its file system has no permissions.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(dir, FolderRules::strict())
    }

    /// Like [`open`](FileStore::open), with other rules. Every rule that is not strict lowers a guard and has its
    /// price.
    ///
    /// # Errors
    /// The errors of [`open`](FileStore::open), except for what the rules allow.
    pub fn open_with(dir: impl AsRef<Path>, rules: FolderRules) -> Result<Self, StoreError> {
        let folder = Folder::open(dir.as_ref(), rules).map_err(|fault| StoreError::new("open its folder", fault))?;
        Ok(Self { folder })
    }

    /// The content under `key`, and in which of its two places it is.
    fn found(&self, key: &Key) -> Result<(Kind, Found), Fault> {
        // A key that was once put apart stays there, so that nothing is lost when the other one goes.
        match found(&self.folder, key, Kind::Apart)? {
            Found::Nothing => {}
            apart => return Ok((Kind::Apart, apart)),
        }
        match found(&self.folder, key, Kind::Grant)? {
            Found::OtherCase => Ok((Kind::Apart, Found::Nothing)),
            found => Ok((Kind::Grant, found)),
        }
    }

    fn swap_now(&self, key: &Key, expected: Option<Revision>, new: Option<&Value>) -> Result<Swap, Fault> {
        let bytes = new.map(Value::expose_secret);
        let size = bytes.map_or(0, <[u8]>::len);
        if size > Value::MAX {
            return Err(Problem::ValueTooLarge(size, Value::MAX).at(&self.folder.file(key, Kind::Grant)));
        }
        let _exclusive = self.folder.exclusive(key)?;
        let (kind, found) = self.found(key)?;
        let last = found.last();
        if let Some(conflict) = found.conflict(expected) {
            return conflict;
        }
        let path = self.folder.file(key, kind);
        let revision = revision_after(last).ok_or(Problem::NoRevisionLeft.at(&path))?;
        let header = format::header(key.as_str(), revision, bytes);
        self.folder.replace(key, kind, [header.as_bytes(), bytes.unwrap_or_default()])?;
        Ok(Swap::Swapped(revision))
    }
}

/// The content of a place.
pub(super) enum Found {
    Nothing,
    Kept(Kept),
    /// The entry of a key that differs only in case. It must not be touched.
    OtherCase,
    /// An entry that is not trusted. A caller that knows this revision may replace it.
    Unreadable(Fault, Revision),
}

impl Found {
    /// The last known revision.
    pub(super) fn last(&self) -> Option<Revision> {
        match self {
            Self::Kept(kept) => Some(kept.revision),
            Self::Nothing | Self::OtherCase | Self::Unreadable(..) => None,
        }
    }

    /// Why a swap that expects this revision is not made, if it is not.
    fn conflict(self, expected: Option<Revision>) -> Option<Result<Swap, Fault>> {
        let revision = match self {
            Self::Unreadable(_, revision) if Some(revision) == expected => return None,
            Self::Unreadable(fault, _) => return Some(Err(fault)),
            Self::Kept(kept) => kept.into_entry().map(|entry| entry.revision),
            Self::Nothing | Self::OtherCase => None,
        };
        (revision != expected).then_some(Ok(Swap::Conflict))
    }

    /// The entry, or why the content is not an entry.
    fn into_entry(self, doing: &'static str) -> Result<Option<Entry>, StoreError> {
        match self {
            Self::Nothing | Self::OtherCase => Ok(None),
            Self::Kept(kept) => Ok(kept.into_entry()),
            Self::Unreadable(fault, revision) => Err(StoreError::unreadable(doing, fault, revision)),
        }
    }
}

/// The content of a place of `key`.
pub(super) fn found(folder: &Folder, key: &Key, kind: Kind) -> Result<Found, Fault> {
    let problem = match folder.read(key, kind)? {
        Reading::Nothing => return Ok(Found::Nothing),
        Reading::Refused(problem) => problem,
        Reading::Bytes(bytes) => match format::read(key, &bytes) {
            Ok(kept) => return Ok(Found::Kept(kept)),
            Err(Damage::OtherCase) => return Ok(Found::OtherCase),
            Err(damage) => Problem::from(damage),
        },
    };
    let fault = problem.at(&folder.file(key, kind));
    Ok(match folder.identity(key, kind) {
        Ok(revision) => Found::Unreadable(fault, revision),
        // It has been removed since, or it may not be replaced.
        Err(_) => return Err(fault),
    })
}

/// A revision that was never used: greater than the last one, and at least the microseconds since the epoch. The first
/// rule holds when the clock goes back; the second when the file is deleted or replaced by an older copy.
pub(super) fn revision_after(last: Option<Revision>) -> Option<Revision> {
    let clock = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_micros());
    let clock = u64::try_from(clock).unwrap_or(0);
    let next = last.map_or(Some(1), |last| last.number().checked_add(1))?;
    Some(Revision::new(next.max(clock)))
}

impl Store for FileStore {
    fn load<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move {
            let (_, found) = self.found(key).map_err(|fault| StoreError::new("read an entry", fault))?;
            found.into_entry("read an entry")
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
