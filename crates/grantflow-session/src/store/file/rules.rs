//! Which folders a store accepts.

/// Which folders a store accepts. The default is [`FolderRules::strict`]; every other rule lowers a guard.
///
/// ```no_run
/// use grantflow_session::{FileStore, FolderRules};
///
/// // A volume of Kubernetes with an `fsGroup`: mode 2770, and files that the kubelet opens to the group at every start.
/// let store = FileStore::open_with("/data", FolderRules::strict().dangerously_trust_group())?;
/// # Ok::<(), grantflow_session::StoreError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub struct FolderRules {
    pub(super) follows_link: bool,
    #[cfg_attr(not(unix), allow(dead_code, reason = "there are no groups"))]
    pub(super) trusts_group: bool,
}

impl FolderRules {
    /// Accepts the folder itself and no link to one, if only its owner may write to it; and no file that is open to
    /// others.
    pub const fn strict() -> Self {
        Self { follows_link: false, trusts_group: false }
    }

    /// Follows the folder's name if it is a symbolic link of this user or of the administrator (`..data` in a volume of
    /// Kubernetes, or a link of a dotfiles manager). The folder that it leads to has to satisfy all other rules. The
    /// store stays in that folder when the link is changed later.
    ///
    /// **The price:** anyone who can change the link before the program starts decides where the tokens are written,
    /// and which grant the program uses. Opening the folder by its own name needs no door.
    pub const fn dangerously_follow_link(self) -> Self {
        Self { follows_link: true, ..self }
    }

    /// Accepts a folder that its group may write to, and files in it that their group may read and write (modes 770,
    /// 2770 and 660). New files are still open to their owner alone. Accounts outside of the group are kept out as
    /// always.
    ///
    /// **The price:** every process of that group can read the tokens of a file that was opened to it, and can replace
    /// every grant by another one, so that your program acts for another person. Give the group to no other account. A
    /// folder below this one, which the store creates and only its owner can enter, needs no door, unless something
    /// opens it again.
    ///
    /// Without groups (Windows), it changes nothing.
    pub const fn dangerously_trust_group(self) -> Self {
        Self { trusts_group: true, ..self }
    }
}
