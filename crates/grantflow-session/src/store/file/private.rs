//! Who may open a file: permission bits and owners, where the system has them.

#[cfg(unix)]
pub(super) use unix::{Owner, create_folder, options, refuse_link};

#[cfg(not(unix))]
pub(super) use elsewhere::{Owner, create_folder, options, refuse_link};

#[cfg(unix)]
mod unix {
    use std::fs::{self, DirBuilder, Metadata, OpenOptions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
    use std::path::Path;
    use std::process;
    use std::sync::atomic::{AtomicU64, Ordering};

    use crate::store::file::fault::{Fault, Problem};

    /// The user as whom this process writes.
    pub(in crate::store::file) struct Owner(u32);

    impl Owner {
        /// Makes an empty file, looks whose it is, and removes it. The system's own answer (`geteuid`) needs unsafe code, and
        /// is not the one that counts on a network file system. A folder that cannot be written to shows here, and not
        /// when the first token is to be kept.
        pub(in crate::store::file) fn of_new_files(folder: &Path) -> Result<Self, Fault> {
            static COUNT: AtomicU64 = AtomicU64::new(0);
            // A key does not begin with a dot.
            let name = format!(".probe-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = folder.join(name);
            // One of a process with our number that died here.
            let _ = fs::remove_file(&path);
            let file = options(OpenOptions::new().write(true).create_new(true)).open(&path);
            let meta = file.and_then(|file| file.metadata());
            let _ = fs::remove_file(&path);
            let meta = meta.map_err(|error| Problem::Io("write to", error).at(folder))?;
            match meta.mode() & 0o777 {
                mode if mode & 0o077 == 0 => Ok(Self(meta.uid())),
                mode => Err(Problem::NoPermissions(mode).at(folder)),
            }
        }

        pub(in crate::store::file) fn check_file(&self, meta: &Metadata) -> Result<(), Problem> {
            if meta.uid() != self.0 {
                return Err(Problem::OtherOwner(meta.uid(), self.0));
            }
            match meta.mode() & 0o777 {
                mode if mode & 0o077 == 0 => Ok(()),
                mode => Err(Problem::FileOpenToOthers(mode)),
            }
        }

        /// That others can read the names in it is let pass: the files are shut.
        pub(in crate::store::file) fn check_folder(&self, meta: &Metadata) -> Result<(), Problem> {
            // The administrator can do anything anyway.
            if meta.uid() != self.0 && meta.uid() != 0 {
                return Err(Problem::OtherOwner(meta.uid(), self.0));
            }
            match meta.mode() & 0o777 {
                mode if mode & 0o022 == 0 => Ok(()),
                mode => Err(Problem::FolderOpenToOthers(mode)),
            }
        }
    }

    pub(in crate::store::file) fn create_folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    /// No link is followed, a pipe does not stop us, and a new file is open to its owner alone: a umask only takes bits away.
    pub(in crate::store::file) fn options(options: &mut OpenOptions) -> &mut OpenOptions {
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
    }

    /// The system has refused it already.
    pub(in crate::store::file) fn refuse_link(_path: &Path) -> Result<(), Problem> {
        Ok(())
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::fs::{self, Metadata, OpenOptions};
    use std::io;
    use std::path::Path;

    use crate::store::file::fault::{Fault, Problem};

    /// What a file inherits from its folder decides; a profile's own folders are shut.
    pub(in crate::store::file) struct Owner;

    impl Owner {
        pub(in crate::store::file) fn of_new_files(_folder: &Path) -> Result<Self, Fault> {
            Ok(Self)
        }

        pub(in crate::store::file) fn check_file(&self, _meta: &Metadata) -> Result<(), Problem> {
            Ok(())
        }

        pub(in crate::store::file) fn check_folder(&self, _meta: &Metadata) -> Result<(), Problem> {
            Ok(())
        }
    }

    pub(in crate::store::file) fn create_folder(path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    pub(in crate::store::file) fn options(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(in crate::store::file) fn refuse_link(path: &Path) -> Result<(), Problem> {
        match fs::symlink_metadata(path) {
            Ok(meta) if meta.file_type().is_symlink() => Err(Problem::Symlink),
            _ => Ok(()),
        }
    }
}
