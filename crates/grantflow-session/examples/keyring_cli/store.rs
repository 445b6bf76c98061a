//! Where the grant is kept: in the keyring, or in a file on machines without one.

use std::path::PathBuf;
use std::{env, fs};

use grantflow_session::{Entry, FileStore, Key, KeyringStore, Later, Lock, Revision, Store, StoreError, Swap, Value};

use crate::Outcome;
use crate::options::{Options, Place};

/// The name of the keyring's item and of the folder.
const SERVICE: &str = "grantflow-keyring-cli";

/// One of two stores, as a store.
pub(crate) enum Kept {
    Keyring(KeyringStore),
    File(FileStore),
}

/// No keyring, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no keyring here\n\n  \
     On a desktop: log in to it, or start its keyring (GNOME Keyring, KeePassXC, KDE Wallet).\n  \
     On a machine without one: --store file keeps the grant in a file that only you can read.\n"
)]
struct NoKeyring(#[source] StoreError);

impl Kept {
    pub(crate) fn open(options: &Options) -> Outcome<Self> {
        let folder = match &options.folder {
            Some(folder) => folder.clone(),
            None => default_folder()?,
        };
        Ok(match options.place {
            Place::Keyring => Self::Keyring(KeyringStore::open(SERVICE, folder).map_err(NoKeyring)?),
            Place::File => Self::File(FileStore::open(folder)?),
        })
    }

    fn store(&self) -> &dyn Store {
        match self {
            Self::Keyring(store) => store,
            Self::File(store) => store,
        }
    }
}

impl Store for Kept {
    fn load<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Entry>, StoreError>> {
        self.store().load(key)
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<Revision>,
        new: Option<Value>,
    ) -> Later<'a, Result<Swap, StoreError>> {
        self.store().compare_and_swap(key, expected, new)
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Lock>, StoreError>> {
        self.store().try_lock(key)
    }
}

/// Every run of the tool must find the same folder, because it has the locks.
fn default_folder() -> Outcome<PathBuf> {
    let home = env::home_dir().ok_or("there is no home folder; name another with --folder")?;
    let state = if cfg!(windows) {
        home.join("AppData").join("Local")
    } else if cfg!(target_os = "macos") {
        home.join("Library").join("Application Support")
    } else {
        let named = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
        named.unwrap_or_else(|| home.join(".local").join("state"))
    };
    fs::create_dir_all(&state)?;
    Ok(state.join(SERVICE))
}
