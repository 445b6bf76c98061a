//! Who may open a file: permission bits and owners, if the system has them.

#[cfg(unix)]
pub(super) use unix::{Owner, create_folder, identity, options, refuse_link, shut};

#[cfg(not(unix))]
pub(super) use elsewhere::{Owner, create_folder, identity, options, refuse_link, shut};

#[cfg(unix)]
mod unix {
    use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
    use std::path::Path;
    use std::process;
    use std::sync::atomic::{AtomicU64, Ordering};

    use crate::store::file::fault::{Fault, Problem};
    use crate::store::file::rules::FolderRules;

    /// The user as whom this process writes, and who else has access.
    pub(in crate::store::file) struct Owner {
        user: u32,
        rules: FolderRules,
    }

    impl Owner {
        /// Makes an empty file, reads its owner, and removes it. The system's own answer (`geteuid`) needs unsafe code,
        /// and is not the one that counts on a network file system. A folder that cannot be written to is found here,
        /// and not when the first token has to be stored.
        pub(in crate::store::file) fn of_new_files(folder: &Path, rules: FolderRules) -> Result<Self, Fault> {
            static COUNT: AtomicU64 = AtomicU64::new(0);
            // A key does not begin with a dot.
            let name = format!(".probe-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = folder.join(name);
            // A file of a process with our number that died here.
            let _ = fs::remove_file(&path);
            let file = options(OpenOptions::new().write(true).create_new(true)).open(&path);
            let meta = file.and_then(|file| file.metadata());
            let _ = fs::remove_file(&path);
            let meta = meta.map_err(|error| Problem::Io("write to", error).at(folder))?;
            match meta.mode() & 0o777 {
                mode if mode & shut_out(rules) == 0 => Ok(Self { user: meta.uid(), rules }),
                mode => Err(Problem::NoPermissions(mode).at(folder)),
            }
        }

        pub(in crate::store::file) fn check_file(&self, meta: &Metadata) -> Result<(), Problem> {
            if meta.uid() != self.user {
                return Err(Problem::OtherOwner(meta.uid(), self.user));
            }
            match meta.mode() & 0o777 {
                mode if mode & shut_out(self.rules) == 0 => Ok(()),
                mode => Err(Problem::FileOpenToOthers(mode)),
            }
        }

        /// Others may read the names in the folder: the files themselves are closed to them.
        pub(in crate::store::file) fn check_folder(&self, meta: &Metadata) -> Result<(), Problem> {
            // The administrator can do anything anyway.
            if meta.uid() != self.user && meta.uid() != 0 {
                return Err(Problem::OtherOwner(meta.uid(), self.user));
            }
            match meta.mode() & 0o777 {
                mode if mode & 0o022 & shut_out(self.rules) == 0 => Ok(()),
                mode if mode & 0o002 == 0 => Err(Problem::FolderOpenToGroup(mode)),
                mode => Err(Problem::FolderOpenToOthers(mode)),
            }
        }

        /// A person who may change a link decides where the store is.
        pub(in crate::store::file) fn check_link(&self, meta: &Metadata) -> Result<(), Problem> {
            match meta.uid() {
                user if user == self.user || user == 0 => Ok(()),
                user => Err(Problem::LinkOfOther(user, self.user)),
            }
        }
    }

    /// The permissions that no file may have.
    const fn shut_out(rules: FolderRules) -> u32 {
        if rules.trusts_group { 0o007 } else { 0o077 }
    }

    /// Closes a file of this user to all others.
    pub(in crate::store::file) fn shut(file: &File) -> io::Result<()> {
        file.set_permissions(Permissions::from_mode(0o600))
    }

    /// A text that changes when a file is replaced or changed.
    pub(in crate::store::file) fn identity(meta: &Metadata) -> String {
        let (changed, nanoseconds) = (meta.ctime(), meta.ctime_nsec());
        let (written, and) = (meta.mtime(), meta.mtime_nsec());
        let (device, number, length) = (meta.dev(), meta.ino(), meta.len());
        format!("{device} {number} {length} {:o} {} {changed} {nanoseconds} {written} {and}", meta.mode(), meta.uid())
    }

    pub(in crate::store::file) fn create_folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    /// Follows no link, does not wait for a pipe, and makes a new file open to its owner alone: a umask only removes
    /// permissions.
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
    use std::fs::{self, File, Metadata, OpenOptions};
    use std::io;
    use std::path::Path;

    use crate::store::file::fault::{Fault, Problem};
    use crate::store::file::rules::FolderRules;

    /// A file inherits its access from its folder; the folders of a profile are closed to others.
    pub(in crate::store::file) struct Owner;

    impl Owner {
        pub(in crate::store::file) fn of_new_files(_folder: &Path, _rules: FolderRules) -> Result<Self, Fault> {
            Ok(Self)
        }

        pub(in crate::store::file) fn check_file(&self, _meta: &Metadata) -> Result<(), Problem> {
            Ok(())
        }

        pub(in crate::store::file) fn check_folder(&self, _meta: &Metadata) -> Result<(), Problem> {
            Ok(())
        }

        pub(in crate::store::file) fn check_link(&self, _meta: &Metadata) -> Result<(), Problem> {
            Ok(())
        }
    }

    pub(in crate::store::file) fn shut(_file: &File) -> io::Result<()> {
        Ok(())
    }

    pub(in crate::store::file) fn identity(meta: &Metadata) -> String {
        format!("{} {:?} {:?}", meta.len(), meta.modified().ok(), meta.created().ok())
    }

    pub(in crate::store::file) fn create_folder(path: &Path) -> io::Result<()> {
        fs::create_dir(path)
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
