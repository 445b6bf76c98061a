//! Changes of the disk, one step at a time, because the order of the steps decides what survives a power failure.
//!
//! In tests, each step is recorded and can be made to fail.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use super::private;

pub(super) fn write(file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    step("write", path)?;
    file.write_all(bytes)
}

/// Makes the content of a file durable.
pub(super) fn sync_file(file: &File, path: &Path) -> io::Result<()> {
    step("sync", path)?;
    file.sync_all()
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step("rename", to)?;
    fs::rename(from, to)
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    step("remove", path)?;
    fs::remove_file(path)
}

/// Makes a folder that is open to its owner alone. The one above it must exist.
pub(super) fn create_folder(path: &Path) -> io::Result<()> {
    step("create", path)?;
    private::create_folder(path)
}

/// Makes the list of a folder's files and folders durable.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    step("sync folder", folder)?;
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file. The file itself is durable.
#[cfg(not(unix))]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    step("sync folder", folder)
}

#[cfg(not(test))]
fn step(_what: &str, _path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use tests::step;

#[cfg(test)]
pub(super) mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    thread_local! {
        static STEPS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
        static FAILS: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    pub(super) fn step(what: &str, path: &Path) -> io::Result<()> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let step = format!("{what} {name}");
        let fails = FAILS.get() == Some(step.as_str());
        STEPS.with_borrow_mut(|steps| steps.push(step));
        if fails { Err(io::Error::other("made to fail")) } else { Ok(()) }
    }

    /// The steps of `work` on the disk in this thread, and its result.
    pub(in crate::store::file) fn watched<T>(work: impl FnOnce() -> T) -> (Vec<String>, T) {
        STEPS.take();
        let result = work();
        (STEPS.take(), result)
    }

    /// Like `watched`; the step `fails` fails.
    pub(in crate::store::file) fn failing<T>(fails: &'static str, work: impl FnOnce() -> T) -> (Vec<String>, T) {
        FAILS.set(Some(fails));
        let watched = watched(work);
        FAILS.set(None);
        watched
    }

    /// The kernel reports that it cannot make this device durable. Only code that asks it gets the error.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_is_asked_to_make_it_durable() {
        let null = Path::new("/dev/null");
        let file = File::open(null).unwrap();
        assert_eq!(sync_file(&file, null).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(sync_folder(null).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
