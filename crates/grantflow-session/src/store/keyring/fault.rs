//! What can go wrong with a keyring. No foreign error is kept: some hold the bytes that they could not make sense of, and
//! print them.

use keyring_core::Error as KeyringError;

use crate::store::file::fault::Fault as FolderFault;
use crate::store::file::format::Damage;

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(
        "it holds at most {most} bytes here, and this entry has {size}; the old one is still there: use a FileStore"
    )]
    TooLarge { size: usize, most: usize },
    #[error("it takes no {0} of more than {1} characters; take a shorter service name or key")]
    NameTooLong(String, u32),
    #[error("it did not let us in: {0}; is it locked?")]
    Shut(String),
    #[error("{0}")]
    Failed(String),
    #[error("what is there is not what was written")]
    NotOurs,
    #[error("several items answer to this service and key; delete all but one")]
    Ambiguous,
    #[cfg(not(any(
        target_os = "macos",
        target_os = "windows",
        all(unix, not(any(target_os = "ios", target_os = "android")))
    )))]
    #[error("this system has none that is known here; give one to KeyringStore::open_in")]
    NoSystem,
    #[error("its client panicked")]
    Broken,
    #[error("the item's revision is the last there is; delete it and log in again")]
    NoRevisionLeft,
    #[error("the item: {0}")]
    Format(Damage),
    #[error(transparent)]
    Folder(#[from] FolderFault),
}

impl Fault {
    /// What a keyring's error says, where `size` bytes were to be kept.
    pub(super) fn of(error: &KeyringError, size: usize) -> Self {
        match error {
            KeyringError::TooLong(_, most) if usize::try_from(*most).is_ok_and(|most| size > most) => {
                Self::TooLarge { size, most: usize::try_from(*most).unwrap_or(usize::MAX) }
            }
            KeyringError::TooLong(what, most) => Self::NameTooLong(what.clone(), *most),
            KeyringError::NoStorageAccess(why) => Self::Shut(why.to_string()),
            KeyringError::PlatformFailure(why) => Self::Failed(why.to_string()),
            KeyringError::Invalid(what, why) => Self::Failed(format!("the {what}: {why}")),
            KeyringError::NotSupportedByStore(why) | KeyringError::BadStoreFormat(why) => Self::Failed(why.clone()),
            KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) => Self::NotOurs,
            KeyringError::Ambiguous(_) => Self::Ambiguous,
            KeyringError::NoEntry => Self::Failed("there is no such item".to_owned()),
            // More may come; what they hold is not known.
            _ => Self::Failed("it failed in a way that is not known here".to_owned()),
        }
    }
}
