//! What can go wrong with a keyring. No error of another crate is kept: some hold and print the bytes that they could
//! not decode.

use keyring_core::Error as KeyringError;

use crate::store::file::fault::Fault as FolderFault;
use crate::store::file::format::Damage;

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(
        "it holds at most {most} bytes here, and this entry has {size}; the old one is still there: use a FileStore"
    )]
    TooLarge { size: usize, most: usize },
    #[error("the {0} has more than {1} characters, which is the most that it takes: use a shorter service name or key")]
    NameTooLong(String, u32),
    #[error("it refused access: {0}; if it is locked, unlock it")]
    Shut(String),
    #[error("{0}")]
    Failed(String),
    #[error("the item is not what this store wrote: log in again, which replaces it")]
    NotOurs,
    #[error("several items have this service and key: delete all but one")]
    Ambiguous,
    #[cfg(not(any(
        target_os = "macos",
        target_os = "windows",
        all(unix, not(any(target_os = "ios", target_os = "android")))
    )))]
    #[error("no keyring of this system is supported: give one to KeyringStore::open_in")]
    NoSystem,
    #[error("its client panicked")]
    Broken,
    #[error("the item's revision is the greatest possible one: delete it and log in again")]
    NoRevisionLeft,
    #[error("the item: {0}")]
    Format(Damage),
    #[error(transparent)]
    Folder(#[from] FolderFault),
}

impl Fault {
    /// The fault of a keyring's error, when `size` bytes were to be stored.
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
            // Later versions may add errors. Their content is not known, so they are not printed.
            _ => Self::Failed("it failed with an error that this version does not know".to_owned()),
        }
    }
}
