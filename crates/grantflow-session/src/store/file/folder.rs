//! A folder that is ours alone, and what happens to files in it: locked, read, replaced in one step.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::fault::{Fault, Problem};
use super::format::MAX_HEADER;
use super::private::{self, Owner};
use crate::key::Key;

/// The most bytes that an entry holds.
pub(in crate::store) const MAX_VALUE: usize = 1 << 20;

/// How long to wait for a sibling that is in the middle of a swap: the disk writes of some entries.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is kept for a key, each in a file of its own.
#[derive(Clone, Copy)]
pub(in crate::store) enum Kind {
    /// The entry.
    Grant,
    /// The mark of an entry that was kept elsewhere, and removed.
    #[cfg_attr(not(feature = "keyring"), allow(dead_code, reason = "a keyring's"))]
    Gone,
    /// An entry that is being written. There is one at a time, under the lock of a swap.
    New,
    /// The lock that sessions hold.
    Lock,
    /// The lock of a swap: a session holds the other one while it swaps.
    Swap,
}

impl Kind {
    fn suffix(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Gone => "gone",
            Self::New => "new",
            Self::Lock => "lock",
            Self::Swap => "swap",
        }
    }
}

pub(in crate::store) struct Folder {
    path: PathBuf,
    owner: Owner,
}

/// An advisory lock. The file stays where it is: who removes or renames a lock file lets two hold it.
pub(in crate::store) struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // Closing would do, but for a child process that was forked meanwhile and has the file open too.
        let _ = self.0.unlock();
    }
}

impl Folder {
    pub(in crate::store) fn open(dir: &Path) -> Result<Self, Fault> {
        let is_new = match fs::symlink_metadata(dir) {
            Ok(meta) if meta.file_type().is_symlink() => return Err(Problem::Symlink.at(dir)),
            Ok(meta) if !meta.is_dir() => return Err(Problem::NotFolder.at(dir)),
            Ok(_) => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(Problem::Io("look at", error).at(dir)),
        };
        if is_new {
            private::create_folder(dir).map_err(|error| Problem::Io("create", error).at(dir))?;
        }
        // A working folder that changes, or a link above that does, must not move the store.
        let path = fs::canonicalize(dir).map_err(|error| Problem::Io("resolve", error).at(dir))?;
        if let (true, Some(parent)) = (is_new, path.parent()) {
            sync_folder(parent).map_err(|error| Problem::Io("make durable", error).at(dir))?;
        }
        let owner = Owner::of_new_files(&path)?;
        let meta = fs::symlink_metadata(&path).map_err(|error| Problem::Io("look at", error).at(&path))?;
        owner.check_folder(&meta).map_err(|problem| problem.at(&path))?;
        Ok(Self { path, owner })
    }

    pub(in crate::store) fn path(&self) -> &Path {
        &self.path
    }

    pub(in crate::store) fn file(&self, key: &Key, kind: Kind) -> PathBuf {
        // No two keys and kinds meet: what follows the last dot is the kind, and a key has no slash and no dot in front.
        self.path.join(format!("{key}.{}", kind.suffix()))
    }

    /// What is in the file of `key`, if there is one.
    pub(in crate::store) fn read(&self, key: &Key, kind: Kind) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        let path = self.file(key, kind);
        let (mut file, length) = match self.open_checked(&path, OpenOptions::new().read(true)) {
            Ok(opened) => opened,
            Err(Problem::Io(_, error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(problem) => return Err(problem.at(&path)),
        };
        let most = MAX_VALUE + MAX_HEADER;
        let length = usize::try_from(length).ok().filter(|&length| length <= most);
        let length = length.ok_or(Problem::TooLarge.at(&path))?;
        // One more, so that the vector never moves and leaves a copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
        let limit = u64::try_from(most + 1).unwrap_or(u64::MAX);
        (&mut file).take(limit).read_to_end(&mut bytes).map_err(|error| Problem::Io("read", error).at(&path))?;
        if bytes.len() > most { Err(Problem::TooLarge.at(&path)) } else { Ok(Some(bytes)) }
    }

    /// Puts `parts` in the place of the file of `key`: all of it or nothing, and durably. Only under [`Folder::exclusive`].
    pub(in crate::store) fn replace(&self, key: &Key, kind: Kind, parts: [&[u8]; 2]) -> Result<(), Fault> {
        let new = self.file(key, Kind::New);
        self.sweep(&new)?;
        let written = self.write_new(&new, parts).map_err(|problem| problem.at(&new));
        let path = self.file(key, kind);
        let placed = written
            .and_then(|()| self.check_in_place(&path))
            .and_then(|()| fs::rename(&new, &path).map_err(|error| Problem::Io("replace", error).at(&path)));
        if let Err(fault) = placed {
            // The next swap would do it too.
            let _ = fs::remove_file(&new);
            return Err(fault);
        }
        sync_folder(&self.path).map_err(|error| Problem::NotDurable(error).at(&path))
    }

    /// Removes what a process that died in the middle of a swap has left. Nobody else is writing it: the lock is ours.
    fn sweep(&self, new: &Path) -> Result<(), Fault> {
        self.check_in_place(new)?;
        match fs::remove_file(new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Problem::Io("remove", error).at(new)),
            _ => Ok(()),
        }
    }

    /// Refuses to put anything in the place of a link or a device that somebody has put there.
    fn check_in_place(&self, path: &Path) -> Result<(), Fault> {
        match fs::symlink_metadata(path) {
            Ok(meta) if meta.file_type().is_symlink() => Err(Problem::Symlink.at(path)),
            Ok(meta) if !meta.is_file() => Err(Problem::NotPlain.at(path)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Problem::Io("look at", error).at(path)),
            _ => Ok(()),
        }
    }

    fn write_new(&self, new: &Path, parts: [&[u8]; 2]) -> Result<(), Problem> {
        // `create_new` follows no link, and the mode is there from the first moment: at no time can others read it.
        let (mut file, _) = self.open_checked(new, OpenOptions::new().write(true).create_new(true))?;
        for part in parts {
            file.write_all(part).map_err(|error| Problem::Io("write", error))?;
        }
        file.sync_all().map_err(|error| Problem::Io("make durable", error))
    }

    /// The lock that sessions hold, unless somebody has it.
    pub(in crate::store) fn try_lock(&self, key: &Key) -> Result<Option<Held>, Fault> {
        let path = self.file(key, Kind::Lock);
        self.lock_file(&path).and_then(try_hold).map_err(|problem| problem.at(&path))
    }

    /// The right to swap the entry of `key`: held for the time of one disk write.
    pub(in crate::store) fn exclusive(&self, key: &Key) -> Result<Held, Fault> {
        let path = self.file(key, Kind::Swap);
        let started = Instant::now();
        let mut wait = Duration::from_micros(50);
        loop {
            let held = self.lock_file(&path).and_then(try_hold).map_err(|problem| problem.at(&path))?;
            if let Some(held) = held {
                return Ok(held);
            }
            // Not the system's own waiting: that has no end, and a process that is stopped in mid-swap would stop us all.
            if started.elapsed() > PATIENCE {
                return Err(Problem::Busy(PATIENCE.as_secs()).at(&path));
            }
            thread::sleep(wait);
            wait = (wait * 2).min(Duration::from_millis(5));
        }
    }

    fn lock_file(&self, path: &Path) -> Result<File, Problem> {
        let mut options = OpenOptions::new();
        self.open_checked(path, options.read(true).write(true).create(true).truncate(false)).map(|(file, _)| file)
    }

    /// Opens a file, checks that it is a plain one of ours that nobody else can open, and gives its length.
    fn open_checked(&self, path: &Path, options: &mut OpenOptions) -> Result<(File, u64), Problem> {
        private::options(options);
        let file = match options.open(path) {
            Ok(file) => file,
            Err(error) => {
                // The system's word for a link that was not followed differs; what stands there does not.
                let is_link = fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_symlink());
                return Err(if is_link { Problem::Symlink } else { Problem::Io("open", error) });
            }
        };
        private::refuse_link(path)?;
        let meta = file.metadata().map_err(|error| Problem::Io("look at", error))?;
        if !meta.is_file() {
            return Err(Problem::NotPlain);
        }
        self.owner.check_file(&meta)?;
        Ok((file, meta.len()))
    }
}

fn try_hold(file: File) -> Result<Option<Held>, Problem> {
    loop {
        return match file.try_lock() {
            Ok(()) => Ok(Some(Held(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(TryLockError::Error(error)) => Err(Problem::Io("lock", error)),
        };
    }
}

/// Makes a rename in a folder durable.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file; the file itself is durable.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
