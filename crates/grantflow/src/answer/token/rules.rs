//! How a server's quirks change the reading of its token answers.

use super::members::Member;
use crate::server::{ErrorPlace, Quirks};
use crate::wire::object;

/// How a token answer is read: the server's quirks that concern it.
pub(crate) struct Rules<'r> {
    pub(crate) names: object::Names<'r, Member>,
    pub(crate) path: &'r [String],
    pub(crate) errors: &'r [ErrorPlace],
    pub(crate) token_types: &'r [Box<str>],
    pub(crate) form: bool,
    pub(crate) missing_token_type: bool,
    pub(crate) null_is_absent: bool,
    pub(crate) scope_list: bool,
}

impl<'r> Rules<'r> {
    /// The rules of a server; `renamed` finds a member by the server's name for it.
    pub(crate) fn of(quirks: &'r Quirks, renamed: &'r dyn Fn(&str) -> Option<Member>) -> Self {
        Self {
            names: quirks.rename_any().then_some(renamed),
            path: &quirks.token_path,
            errors: &quirks.error_paths,
            token_types: &quirks.token_types,
            form: quirks.form_encoded_answer,
            missing_token_type: quirks.missing_token_type,
            null_is_absent: quirks.null_is_absent,
            scope_list: quirks.scope_list,
        }
    }
}
