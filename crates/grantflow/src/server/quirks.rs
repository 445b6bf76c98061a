//! A server's quirks, prepared for writing requests and reading answers.

use std::borrow::Cow;

use http::StatusCode;

use super::message::{AUDIENCE, FRONT_CHANNEL, Message, NEVER_RENAMED};
use super::quirk::Quirk;
use crate::error::{Error, ErrorCode, Misuse, verdict};
use crate::scope::Scope;
use crate::url::Endpoint;
use crate::wire::path::Path;

/// A server's quirks, prepared for use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quirks {
    pub(crate) unencoded_basic: bool,
    pub(crate) json_request_body: bool,
    pub(crate) refuses_pkce: bool,
    pub(crate) client_id_beside_basic: bool,
    /// Set by [`Server::quirk`](super::Server::quirk), which knows the token endpoint.
    pub(crate) refresh_endpoint: Option<Box<Endpoint>>,
    scope_separator: Option<char>,
    answer_scope_separator: Option<char>,
    pub(crate) missing_token_type: bool,
    pub(crate) form_encoded_answer: bool,
    pub(crate) null_is_absent: bool,
    pub(crate) scope_list: bool,
    pub(crate) zero_lifetime_is_never: bool,
    pub(crate) token_path: Vec<String>,
    pub(crate) token_types: Vec<Box<str>>,
    pub(crate) error_paths: Vec<ErrorPlace>,
    error_codes: Vec<MappedCode>,
    renamed: Vec<Renamed>,
}

/// The place of an error code in a body, and the value there that means "no error".
#[derive(Debug, Clone)]
pub(crate) struct ErrorPlace {
    pub(crate) path: Path,
    pub(crate) none: Option<Box<str>>,
}

#[derive(Debug, Clone)]
struct MappedCode {
    on: Message,
    status: Option<StatusCode>,
    actual: Box<str>,
    standard: ErrorCode,
    /// In the answer to a refresh only.
    refresh_only: bool,
}

#[derive(Debug, Clone)]
struct Renamed {
    on: Message,
    standard: &'static str,
    actual: Box<str>,
}

impl Quirks {
    pub(crate) fn add(&mut self, quirk: Quirk) -> Result<(), Error> {
        let refuse = |why| Err(Error::Misuse(Misuse::Quirk(why)));
        match quirk {
            Quirk::UnencodedBasic => self.unencoded_basic = true,
            Quirk::ScopeSeparator(separator) | Quirk::AnswerScopeSeparator(separator)
                if !separator.is_ascii_punctuation() || matches!(separator, '"' | '\\') =>
            {
                return refuse("a scope separator is a punctuation mark other than quote and backslash");
            }
            Quirk::ScopeSeparator(separator) => self.scope_separator = Some(separator),
            Quirk::AnswerScopeSeparator(separator) => self.answer_scope_separator = Some(separator),
            Quirk::MissingTokenType => self.missing_token_type = true,
            Quirk::FormEncodedAnswer => self.form_encoded_answer = true,
            Quirk::JsonRequestBody => self.json_request_body = true,
            Quirk::TokenPath(path) => {
                if path.is_empty() {
                    return refuse("a token path needs at least one key");
                }
                self.token_path = path;
            }
            Quirk::RenamedParameter { on, standard, actual } => self.rename(on, &standard, &actual)?,
            Quirk::NullIsAbsent => self.null_is_absent = true,
            Quirk::ZeroLifetimeIsNever => self.zero_lifetime_is_never = true,
            Quirk::ScopeList => self.scope_list = true,
            Quirk::TokenType(word) => {
                let standard =
                    ["dpop", "pop", "mac", "n_a"].iter().any(|other| word.trim().eq_ignore_ascii_case(other));
                if standard || word.trim().is_empty() {
                    return refuse(
                        "this token type cannot stand for Bearer: dpop, pop, mac, N_A and the empty text have other meanings",
                    );
                }
                self.token_types.push(word.into());
            }
            Quirk::ErrorCode { on, status, actual, standard } => self.map_code(on, status, &actual, standard)?,
            Quirk::ErrorPath { path, none } => match Path::new(&path) {
                Some(path)
                    if self
                        .error_paths
                        .iter()
                        .any(|known| (&known.path, known.none.as_deref()) == (&path, none.as_deref())) =>
                {
                    return refuse("this error path was given already");
                }
                Some(path) => self.error_paths.push(ErrorPlace { path, none: none.map(Into::into) }),
                None => {
                    return refuse("an error path is names separated by dots, such as error.code or errors[0].type");
                }
            },
            Quirk::RefusesPkce => self.refuses_pkce = true,
            Quirk::RefreshEndpoint(_) => {}
            Quirk::ClientIdBesideBasic => self.client_id_beside_basic = true,
        }
        if self.scope_separator.is_some() && self.answer_scope_separator.is_some() {
            return refuse("one separator is for requests and answers, the other for answers only: give one of them");
        }
        if self.form_encoded_answer && !self.token_path.is_empty() {
            return refuse("a form-encoded answer has no objects that a token path could lead into");
        }
        Ok(())
    }

    fn map_code(
        &mut self,
        on: Message,
        status: Option<StatusCode>,
        actual: &str,
        standard: ErrorCode,
    ) -> Result<(), Error> {
        let refuse = |why| Err(Error::Misuse(Misuse::Quirk(why)));
        let registered = ErrorCode::new(actual).is_of_grants();
        match on {
            Message::TokenAnswer if !status.is_none_or(verdict::is_spoken) => {
                return refuse("no token endpoint uses this status for errors: give a 2xx, 400, 401 or 403, or none");
            }
            Message::Callback if status.is_some() => return refuse("a callback has no status: give none"),
            Message::Callback if registered => {
                return refuse("in a callback, a standard code cannot get another meaning");
            }
            Message::TokenAnswer if registered && standard != ErrorCode::InvalidGrant => {
                return refuse(
                    "a standard code can be mapped to invalid_grant only, and then counts on a refresh only",
                );
            }
            Message::TokenAnswer | Message::Callback => {}
            _ => return refuse("errors are stated in the callback and in the token answer only"),
        }
        if actual.is_empty() || matches!(standard, ErrorCode::Other(_) | ErrorCode::UseDpopNonce) {
            return refuse("an error code is mapped from a word to a standard code other than use_dpop_nonce");
        }
        if self.error_codes.iter().any(|known| (known.on, known.status, &*known.actual) == (on, status, actual)) {
            return refuse("this error code was mapped already");
        }
        let mapped = MappedCode { on, status, actual: actual.into(), standard, refresh_only: registered };
        // A mapping for one status comes before the mapping for all.
        let at = if status.is_some() { 0 } else { self.error_codes.len() };
        self.error_codes.insert(at, mapped);
        Ok(())
    }

    /// The meaning of the server's word for an error. A callback has no status.
    #[inline]
    pub(crate) fn error_code(&self, on: Message, refresh: bool, status: Option<StatusCode>, word: &str) -> ErrorCode {
        let fits = |mapped: &&MappedCode| {
            mapped.on == on
                && *mapped.actual == *word
                && (mapped.status.is_none() || mapped.status == status)
                && (refresh || !mapped.refresh_only)
        };
        match self.error_codes.iter().find(fits) {
            Some(mapped) => mapped.standard.clone(),
            None => ErrorCode::new(word),
        }
    }

    fn rename(&mut self, on: Message, standard: &str, actual: &str) -> Result<(), Error> {
        let refuse = |why| Err(Error::Misuse(Misuse::Quirk(why)));
        let unreserved = (on == Message::TokenRequest).then_some(AUDIENCE);
        let Some(standard) = on.names().chain(unreserved).find(|name| *name == standard) else {
            return refuse("this standard name has no meaning in this message");
        };
        if NEVER_RENAMED.contains(&standard) {
            return refuse(
                "PKCE, iss and error have the same name everywhere: with another name, a check would be off silently",
            );
        }
        if actual.is_empty() || !actual.bytes().all(|b| b.is_ascii_graphic()) {
            return refuse("a parameter's name is printable ASCII");
        }
        let is_refused = on == Message::Callback && FRONT_CHANNEL.contains(&actual);
        if is_refused || self.is_reserved(on, actual) || self.name(on, standard) != standard {
            return refuse("this name is taken, or the parameter was renamed already");
        }
        self.renamed.push(Renamed { on, standard, actual: actual.into() });
        Ok(())
    }

    /// Whether any parameter has another name.
    pub(crate) fn rename_any(&self) -> bool {
        !self.renamed.is_empty()
    }

    /// Whether `name` is known in this message, as a standard name or as a new one.
    pub(crate) fn is_reserved(&self, on: Message, name: &str) -> bool {
        on.names().any(|known| known == name) || self.is_new_name(on, name)
    }

    /// Whether a server that is careless about names could read `name` as one that [`Self::is_reserved`]: in another case, or
    /// with blanks around it.
    pub(crate) fn is_like_reserved(&self, on: Message, name: &str) -> bool {
        let is_like = |known: &str| known.eq_ignore_ascii_case(name.trim());
        on.names().any(is_like) || self.renamed.iter().any(|r| r.on == on && is_like(&r.actual))
    }

    /// Whether `name` is the server's own name for a parameter of this message.
    pub(crate) fn is_new_name(&self, on: Message, name: &str) -> bool {
        self.renamed.iter().any(|r| r.on == on && *r.actual == *name)
    }

    /// The server's own name for a parameter, if it has one.
    pub(crate) fn renaming(&self, on: Message, standard: &str) -> Option<&str> {
        self.renamed.iter().find(|r| r.on == on && r.standard == standard).map(|r| &*r.actual)
    }

    /// The server's name for a parameter.
    pub(crate) fn name<'n>(&'n self, on: Message, standard: &'n str) -> &'n str {
        self.renaming(on, standard).unwrap_or(standard)
    }

    /// The standard name for the server's name `actual`, if it is known at all.
    pub(crate) fn standard<'n>(&self, on: Message, actual: &'n str) -> Option<&'n str> {
        if self.renamed.is_empty() {
            return Some(actual);
        }
        if let Some(renamed) = self.renamed.iter().find(|r| r.on == on && *r.actual == *actual) {
            return Some(renamed.standard);
        }
        let moved_away = self.renamed.iter().any(|r| r.on == on && r.standard == actual);
        if moved_away { None } else { Some(actual) }
    }

    /// The separator of scope tokens in an answer.
    pub(crate) fn answer_scope_separator(&self) -> char {
        self.answer_scope_separator.or(self.scope_separator).unwrap_or(' ')
    }

    /// A requested scope, with the tokens that this server will see in it.
    ///
    /// # Errors
    /// [`Misuse::Scope`] if it consists of separators.
    pub(crate) fn tokens_of(&self, scope: Scope) -> Result<Scope, Error> {
        match self.scope_separator {
            None => Ok(scope),
            Some(separator) => scope.split_at(separator),
        }
    }

    /// A scope as the server wants it written.
    pub(crate) fn write_scope<'s>(&self, scope: &'s Scope) -> Cow<'s, str> {
        match self.scope_separator {
            None => Cow::Borrowed(scope.as_str()),
            Some(separator) => Cow::Owned(scope.as_str().replace(' ', separator.encode_utf8(&mut [0; 4]))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renaming_takes_the_old_name_away() {
        let mut quirks = Quirks::default();
        quirks.add(Quirk::renamed(Message::TokenAnswer, "access_token", "accessToken")).unwrap();
        assert_eq!(quirks.standard(Message::TokenAnswer, "accessToken"), Some("access_token"));
        assert_eq!(quirks.standard(Message::TokenAnswer, "access_token"), None);
        assert_eq!(quirks.standard(Message::TokenAnswer, "scope"), Some("scope"));
        assert_eq!(quirks.name(Message::TokenAnswer, "access_token"), "accessToken");
    }

    #[test]
    fn contradictions_are_refused() {
        let refused = |quirks: &[Quirk]| {
            let mut all = Quirks::default();
            quirks.iter().try_for_each(|quirk| all.add(quirk.clone())).is_err()
        };
        let client_key = Quirk::renamed(Message::AuthorizationRequest, "client_id", "client_key");
        assert!(!refused(std::slice::from_ref(&client_key)));
        assert!(refused(&[client_key.clone(), client_key.clone()]));
        assert!(refused(&[client_key, Quirk::renamed(Message::AuthorizationRequest, "state", "client_key")]));
        assert!(refused(&[Quirk::renamed(Message::TokenRequest, "nonsense", "x")]));
        assert!(refused(&[Quirk::renamed(Message::TokenRequest, "code", "")]));
        assert!(refused(&[Quirk::renamed(Message::TokenRequest, "code", "scope")]));
        for (on, guard) in [
            (Message::AuthorizationRequest, "code_challenge"),
            (Message::AuthorizationRequest, "code_challenge_method"),
            (Message::TokenRequest, "code_verifier"),
            (Message::Callback, "iss"),
            (Message::Callback, "error"),
            (Message::TokenAnswer, "error"),
        ] {
            assert!(refused(&[Quirk::renamed(on, guard, "x")]), "{guard}");
        }
        for token in FRONT_CHANNEL {
            assert!(refused(&[Quirk::renamed(Message::Callback, "code", token)]), "{token}");
            assert!(refused(&[Quirk::renamed(Message::Callback, "error_uri", token)]), "{token}");
        }
        assert!(refused(&[Quirk::ScopeSeparator('a')]));
        assert!(refused(&[Quirk::ScopeSeparator('"')]));
        assert!(refused(&[Quirk::AnswerScopeSeparator('a')]));
        assert!(refused(&[Quirk::ScopeSeparator(','), Quirk::AnswerScopeSeparator(',')]));
        assert!(refused(&[Quirk::TokenPath(Vec::new())]));
        assert!(refused(&[Quirk::FormEncodedAnswer, Quirk::token_path(&["a"])]));
    }
}
