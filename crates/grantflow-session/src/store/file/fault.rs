//! What can be wrong with a file or a folder, and how to repair it.

use std::io;
use std::path::{Path, PathBuf};

use super::format::Damage;

/// A problem and its path.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub(in crate::store) struct Fault {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum Problem {
    #[error("cannot {0} it: {1}")]
    Io(&'static str, io::Error),
    #[error("it is a symbolic link, which is not followed: put a file there, or name the file that the link leads to")]
    Symlink,
    #[error(
        "it is a symbolic link, which is not followed: name the folder that it leads to (FolderRules::dangerously_follow_link follows it, at a price)"
    )]
    LinkedFolder,
    #[cfg(unix)]
    #[error(
        "it is a symbolic link of user {0}, who is neither user {1} nor the administrator: name the folder that it leads to"
    )]
    LinkOfOther(u32, u32),
    #[error("it is not a plain file")]
    NotPlain,
    #[error("it is not a folder")]
    NotFolder,
    #[cfg(unix)]
    #[error(
        "others may read or write it (mode {0:03o}): log in again, which replaces it, or chmod 600 it if no other account has read its tokens"
    )]
    FileOpenToOthers(u32),
    #[cfg(unix)]
    #[error("others may write to it (mode {0:03o}) and put their files there: chmod 700 it, or use another folder")]
    FolderOpenToOthers(u32),
    #[cfg(unix)]
    #[error(
        "others may write to it, namely its group (mode {0:03o}): chmod 700 it, or use another folder (FolderRules::dangerously_trust_group allows it, at a price)"
    )]
    FolderOpenToGroup(u32),
    #[cfg(unix)]
    #[error("it belongs to user {0}, and this process writes as user {1}: chown it, or use another folder")]
    OtherOwner(u32, u32),
    #[cfg(unix)]
    #[error("every new file there is open to others (mode {0:03o}): use a folder on another file system")]
    NoPermissions(u32),
    #[error("it is larger than an entry may be, and nothing was read from it: log in again, which replaces it")]
    TooLarge,
    #[error("the value has {0} bytes, and an entry holds at most {1}; nothing was written")]
    ValueTooLarge(usize, usize),
    #[error(transparent)]
    Format(#[from] Damage),
    #[error(
        "another process has held it for more than {0} seconds; nothing was written: look for a stopped process, and end or continue it"
    )]
    Busy(u64),
    #[error("it was changed, but the change may not survive a power failure; read it again: {0}")]
    NotDurable(io::Error),
    #[error("its revision is the greatest possible one: delete it and log in again")]
    NoRevisionLeft,
}

impl Problem {
    /// Whether the fault is in the content, so that something else may replace it. A person has to look at a link or a
    /// folder in this place.
    pub(in crate::store) fn is_of_what_is_there(&self) -> bool {
        match self {
            #[cfg(unix)]
            Self::FileOpenToOthers(_) | Self::OtherOwner(..) => true,
            Self::TooLarge => true,
            Self::Io(_, error) => error.kind() == io::ErrorKind::PermissionDenied,
            Self::Format(damage) => !matches!(damage, Damage::OtherCase),
            _ => false,
        }
    }

    pub(in crate::store) fn at(self, path: &Path) -> Fault {
        Fault { path: path.to_owned(), problem: self }
    }
}
