//! A private folder, and what happens to its files: lock, read, replace in one step.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::disk;
use super::fault::{Fault, Problem};
use super::format::MAX_HEADER;
use super::private::{self, Owner};
use super::rules::FolderRules;
use crate::key::Key;
use crate::store::{Revision, Value};

/// How long to wait for another process's swap: the disk writes of some entries.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is kept for a key, each in a separate file.
#[derive(Clone, Copy)]
pub(in crate::store) enum Kind {
    /// The entry.
    Grant,
    /// The entry of a key whose usual place holds another key's entry: the file system takes two keys that differ in
    /// case for one name.
    Apart,
    /// The mark of an entry that was kept elsewhere and removed.
    #[cfg_attr(not(feature = "keyring"), allow(dead_code, reason = "a keyring's"))]
    Gone,
    /// An entry that is being written. There is one at a time, under the lock of a swap.
    New,
    /// The lock that sessions hold.
    Lock,
    /// The lock of a swap: a session holds `Lock` while it swaps.
    Swap,
}

impl Kind {
    fn suffix(self) -> &'static str {
        match self {
            Self::Grant | Self::Apart => "grant",
            Self::Gone => "gone",
            Self::New => "new",
            Self::Lock => "lock",
            Self::Swap => "swap",
        }
    }
}

/// The content of a file.
pub(in crate::store) enum Reading {
    Nothing,
    Bytes(Zeroizing<Vec<u8>>),
    /// A file that must not be read. It may be replaced.
    Refused(Problem),
}

pub(in crate::store) struct Folder {
    path: PathBuf,
    owner: Owner,
}

/// An advisory lock. The file stays in place: removing or renaming a lock file would let two processes hold it.
pub(in crate::store) struct LockedFile(File);

impl Drop for LockedFile {
    fn drop(&mut self) {
        // Closing is not enough: a child process that was forked meanwhile has the file open too.
        let _ = self.0.unlock();
    }
}

impl Folder {
    pub(in crate::store) fn open(dir: &Path, rules: FolderRules) -> Result<Self, Fault> {
        // With a slash at its end, the name of a link means the link's target.
        let dir = &*dir.components().collect::<PathBuf>();
        let link = match fs::symlink_metadata(dir) {
            Ok(meta) if meta.file_type().is_symlink() && !rules.follows_link => {
                return Err(Problem::LinkedFolder.at(dir));
            }
            Ok(meta) if meta.file_type().is_symlink() => Some(meta),
            Ok(meta) if !meta.is_dir() => return Err(Problem::NotFolder.at(dir)),
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_folders(dir)?;
                None
            }
            Err(error) => return Err(Problem::Io("look at", error).at(dir)),
        };
        // A change of the working folder, or of a link above, must not move the store.
        let path = fs::canonicalize(dir).map_err(|error| Problem::Io("resolve", error).at(dir))?;
        let meta = fs::symlink_metadata(&path).map_err(|error| Problem::Io("look at", error).at(&path))?;
        if !meta.is_dir() {
            return Err(Problem::NotFolder.at(&path));
        }
        let owner = Owner::of_new_files(&path, rules)?;
        owner.check_folder(&meta).map_err(|problem| problem.at(&path))?;
        link.map_or(Ok(()), |link| owner.check_link(&link)).map_err(|problem| problem.at(dir))?;
        Ok(Self { path, owner })
    }

    pub(in crate::store) fn path(&self) -> &Path {
        &self.path
    }

    pub(in crate::store) fn file(&self, key: &Key, kind: Kind) -> PathBuf {
        let suffix = kind.suffix();
        // No two keys and kinds share a name: the text after the last dot is the kind, a key has no slash and does not
        // begin with a dot, and a plain key has no equals sign.
        self.path.join(match kind {
            Kind::Apart => format!("{key}={}.{suffix}", hash(key.as_str())),
            _ => format!("{key}.{suffix}"),
        })
    }

    /// Identifies the content in the place of `key`. It never equals the revision of a readable entry, because those
    /// are small numbers.
    pub(in crate::store) fn identity(&self, key: &Key, kind: Kind) -> Result<Revision, Fault> {
        let path = self.file(key, kind);
        self.check_in_place(&path)?;
        let meta = fs::symlink_metadata(&path).map_err(|error| Problem::Io("look at", error).at(&path))?;
        let digest = Sha256::digest(private::identity(&meta));
        Ok(Revision::unreadable(digest.first_chunk().copied().unwrap_or_default()))
    }

    /// The content of the file of `key`, if there is one.
    pub(in crate::store) fn read(&self, key: &Key, kind: Kind) -> Result<Reading, Fault> {
        let path = self.file(key, kind);
        let (mut file, length) = match self.open_checked(&path, OpenOptions::new().read(true)) {
            Ok(opened) => opened,
            Err(Problem::Io(_, error)) if error.kind() == io::ErrorKind::NotFound => return Ok(Reading::Nothing),
            Err(problem) if problem.is_of_what_is_there() => return Ok(Reading::Refused(problem)),
            Err(problem) => return Err(problem.at(&path)),
        };
        let most = Value::MAX + MAX_HEADER;
        let Some(length) = usize::try_from(length).ok().filter(|&length| length <= most) else {
            return Ok(Reading::Refused(Problem::TooLarge));
        };
        // One byte more, so that the vector never moves and leaves a copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
        let limit = u64::try_from(most + 1).unwrap_or(u64::MAX);
        (&mut file).take(limit).read_to_end(&mut bytes).map_err(|error| Problem::Io("read", error).at(&path))?;
        Ok(if bytes.len() > most { Reading::Refused(Problem::TooLarge) } else { Reading::Bytes(bytes) })
    }

    /// Replaces the file of `key` by `parts`, completely or not at all, and durably. Only under [`Folder::exclusive`].
    pub(in crate::store) fn replace(&self, key: &Key, kind: Kind, parts: [&[u8]; 2]) -> Result<(), Fault> {
        let new = self.file(key, Kind::New);
        self.sweep(&new)?;
        let written = self.write_new(&new, parts).map_err(|problem| problem.at(&new));
        let path = self.file(key, kind);
        let placed = written
            .and_then(|()| self.check_in_place(&path))
            .and_then(|()| disk::rename(&new, &path).map_err(|error| Problem::Io("replace", error).at(&path)));
        if let Err(fault) = placed {
            // The file holds tokens. The next swap would remove it too.
            let _ = disk::remove(&new);
            return Err(fault);
        }
        disk::sync_folder(&self.path).map_err(|error| Problem::NotDurable(error).at(&path))
    }

    /// Removes what a process that died during a swap has left. No other process writes it, because this one holds the
    /// lock.
    fn sweep(&self, new: &Path) -> Result<(), Fault> {
        self.check_in_place(new)?;
        match disk::remove(new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Problem::Io("remove", error).at(new)),
            _ => Ok(()),
        }
    }

    /// Refuses to replace a link or a device.
    fn check_in_place(&self, path: &Path) -> Result<(), Fault> {
        match fs::symlink_metadata(path) {
            Ok(meta) if meta.file_type().is_symlink() => Err(Problem::Symlink.at(path)),
            Ok(meta) if !meta.is_file() => Err(Problem::NotPlain.at(path)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Problem::Io("look at", error).at(path)),
            _ => Ok(()),
        }
    }

    fn write_new(&self, new: &Path, parts: [&[u8]; 2]) -> Result<(), Problem> {
        // `create_new` follows no link and sets the mode at once, so others can never read the file.
        let (mut file, _) = self.open_checked(new, OpenOptions::new().write(true).create_new(true))?;
        for part in parts {
            disk::write(&mut file, new, part).map_err(|error| Problem::Io("write", error))?;
        }
        disk::sync_file(&file, new).map_err(|error| Problem::Io("make durable", error))
    }

    /// The lock that sessions hold, unless another holder has it.
    pub(in crate::store) fn try_lock(&self, key: &Key) -> Result<Option<LockedFile>, Fault> {
        let path = self.file(key, Kind::Lock);
        self.lock_file(&path).and_then(try_hold).map_err(|problem| problem.at(&path))
    }

    /// The right to swap the entry of `key`, held for one disk write.
    pub(in crate::store) fn exclusive(&self, key: &Key) -> Result<LockedFile, Fault> {
        let path = self.file(key, Kind::Swap);
        let started = Instant::now();
        let mut wait = Duration::from_micros(50);
        loop {
            let held = self.lock_file(&path).and_then(try_hold).map_err(|problem| problem.at(&path))?;
            if let Some(held) = held {
                return Ok(held);
            }
            // Not the system's own wait, which has no end: a process that is stopped during a swap would stop all.
            if started.elapsed() > PATIENCE {
                return Err(Problem::Busy(PATIENCE.as_secs()).at(&path));
            }
            thread::sleep(wait);
            wait = (wait * 2).min(Duration::from_millis(5));
        }
    }

    fn lock_file(&self, path: &Path) -> Result<File, Problem> {
        let mut options = OpenOptions::new();
        let (file, meta) = open_plain(path, options.read(true).write(true).create(true).truncate(false))?;
        match self.owner.check_file(&meta) {
            // For example a copy of the folder from a backup. The file is empty, and a process without access can no
            // longer lock it.
            #[cfg(unix)]
            Err(Problem::FileOpenToOthers(_)) => private::shut(&file).map_err(|error| Problem::Io("chmod", error))?,
            checked => checked?,
        }
        Ok(file)
    }

    /// Opens a file, checks that it is a plain file of this user that no other account can open, and returns its
    /// length.
    fn open_checked(&self, path: &Path, options: &mut OpenOptions) -> Result<(File, u64), Problem> {
        let (file, meta) = open_plain(path, options)?;
        self.owner.check_file(&meta)?;
        Ok((file, meta.len()))
    }
}

/// Opens a file, if it is a plain file and not a link.
fn open_plain(path: &Path, options: &mut OpenOptions) -> Result<(File, Metadata), Problem> {
    private::options(options);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) => {
            // The system's error for a link that was not followed differs between systems; the file type does not.
            let is_link = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_symlink());
            return Err(if is_link { Problem::Symlink } else { Problem::Io("open", error) });
        }
    };
    private::refuse_link(path)?;
    let meta = file.metadata().map_err(|error| Problem::Io("look at", error))?;
    if meta.is_file() { Ok((file, meta)) } else { Err(Problem::NotPlain) }
}

/// Makes a folder and the missing folders above it. Each is durable when this returns: an entry is only as durable as
/// the name of every folder above it.
fn create_folders(dir: &Path) -> Result<(), Fault> {
    // The last parent of a relative path is the empty path, which is the working folder.
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && fs::symlink_metadata(path).is_err();
    let missing: Vec<_> = dir.ancestors().take_while(is_missing).collect();
    for path in missing.into_iter().rev() {
        match disk::create_folder(path) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
            created => created.map_err(|error| Problem::Io("create", error).at(path))?,
        }
        let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        disk::sync_folder(above).map_err(|error| Problem::Io("make durable", error).at(path))?;
    }
    Ok(())
}

/// Enough of a hash to tell a few keys apart.
fn hash(text: &str) -> String {
    let digest: [u8; 8] = Sha256::digest(text).first_chunk().copied().unwrap_or_default();
    format!("{:016x}", u64::from_be_bytes(digest))
}

fn try_hold(file: File) -> Result<Option<LockedFile>, Problem> {
    loop {
        return match file.try_lock() {
            Ok(()) => Ok(Some(LockedFile(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(TryLockError::Error(error)) => Err(Problem::Io("lock", error)),
        };
    }
}
