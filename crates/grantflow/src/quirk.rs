//! Named leniency: how a server deviates from the RFCs, as values of its configuration. Nothing is detected.

use std::borrow::Cow;

use http::StatusCode;

use crate::error::{Error, ErrorCode, Member, Misuse, verdict};
use crate::scope::Scope;
use crate::wire::answer::{ErrorPlace, Rules};

/// A deviation of a server from the protocol, which the caller vouches for. Give it to [`Server::quirk`](crate::Server::quirk).
///
/// Without one, everything is read and written as the RFCs have it. Harmless deviations need none: `expires_in` as
/// digits in a string, any 2xx status, an `error` in a 200, a JSON body under any content type. An optional member that
/// cannot be read costs only its own value: [`Tokens::tolerated`](crate::Tokens::tolerated).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quirk {
    /// Basic credentials are not form-encoded before base64, for servers that do not decode them (RFC 6749 §2.3.1 has
    /// them encoded). Amazon Cognito and Domino need it, and every server that compares the header with a string.
    UnencodedBasic,
    /// Scope tokens are separated by this character, in requests and in answers: `,` for Slack, Strava, Linear, TikTok,
    /// Todoist, Shopify, Instagram, WeChat and Stack Exchange. Wherever a scope is given or granted, both this character and
    /// the space then end a token: `a,b` is two tokens when it is asked for, too.
    ///
    /// A `+` between scopes in the URLs of a server's documentation is a form-encoded space, and needs no quirk.
    ScopeSeparator(char),
    /// Scope tokens are separated by this character or by a space in answers; requests have spaces: `,` for GitHub and
    /// LinkedIn.
    AnswerScopeSeparator(char),
    /// An answer without `token_type` is a Bearer token's: LinkedIn, Weibo, Instagram, WeChat, Shopify, Mailchimp, Clover,
    /// Stack Exchange and Facebook's old API. A `token_type` that is `null` or empty counts as missing.
    MissingTokenType,
    /// This `token_type`, in any case, is the server's word for `Bearer`: `user` and `bot` for Slack, `User Access Token` and
    /// `Application Access Token` for eBay. May be given more than once. The caller vouches that such a token needs no proof of
    /// a key; `dpop`, `pop`, `mac`
    /// and `N_A` say otherwise and are refused.
    TokenType(String),
    /// The token endpoint answers form-encoded: Facebook's old API, Stack Exchange.
    FormEncodedAnswer,
    /// The token endpoint takes its parameters as a JSON object: Notion, Clover, Looker, and TikTok for its business API.
    JsonRequestBody,
    /// The token lies in an object inside the answer: `["authed_user"]` for Slack's user tokens, `["data"]` for TikTok's
    /// business API, `["data", "[0]"]` for Instagram: where a list is, `[0]` is its first item. An answer without that object
    /// is an error; the token at the top, if there is one, is another's. Everything else is
    /// read from that object too: members beside it, such as Slack's `team`, are dropped, and are not in
    /// [`Tokens::extra`](crate::Tokens::extra). Of what stands further out only an `error` counts.
    TokenPath(Vec<String>),
    /// A parameter or member has another name. Never `code_challenge`, `code_challenge_method`, `code_verifier`, `iss` and
    /// `error`: that would switch a guard off without a word ([`Quirk::RefusesPkce`] is the word for PKCE).
    RenamedParameter {
        /// Where.
        on: Message,
        /// Its standard name.
        standard: String,
        /// The server's name for it.
        actual: String,
    },
    /// A member of the token answer that is `null` counts as absent, `error` beside a token too: Mailchimp's `scope`. A `scope`
    /// that is `null` then means "as requested".
    NullIsAbsent,
    /// An `expires_in` of 0 means that the access token does not expire: Mailchimp. Without this, it has expired.
    ZeroLifetimeIsNever,
    /// The server's word for an error: with it, the answer is read as if it held the standard code. For GitHub, 200 with
    /// `bad_refresh_token` is `invalid_grant`; for LinkedIn's callback, `user_cancelled_login` is `access_denied`.
    ///
    /// A code that is standard by itself can be given another meaning in the answer to a refresh only, and only that of
    /// `invalid_grant`: for Atlassian, 403 with `unauthorized_client`. **This declares grants dead**: if the server also says
    /// the word for another reason, people have to log in again that need not.
    ErrorCode {
        /// Where: [`Message::TokenAnswer`] or [`Message::Callback`].
        on: Message,
        /// With which status only; one that errors are stated with: a 2xx, 400, 401 or 403. A callback has none.
        status: Option<StatusCode>,
        /// The server's word, compared byte by byte.
        actual: String,
        /// What it means.
        standard: ErrorCode,
    },
    /// The token answer states its errors in another place than `error`: `error.code` for Facebook, `error_type` for Instagram,
    /// `errors[0].errorType` for Fitbit, `message` for Twitch, `errcode` for WeChat, `code` for TikTok's business API, `result`
    /// for Coros. May be given more than once.
    ///
    /// What is there is the error code, a number as it is written; map it with [`Quirk::ErrorCode`]. It counts beside a token
    /// too. Where nothing or `null` is there, `error` counts as always.
    ErrorPath {
        /// Names from the outermost object inwards, separated by dots; `[0]` is the first item of a list. In a form, a
        /// name by itself.
        path: String,
        /// The word there that says that there is no error: `0` for TikTok, `0000` for Coros.
        none: Option<String>,
    },
    /// `scope` in the answer may be a list of strings: Twitch, and Linear for applications made before December 2023.
    ScopeList,
    /// The server refuses PKCE: LinkedIn, of clients with a secret. Neither challenge nor verifier is sent (RFC 7636 §4.3,
    /// §4.5); `state` is, as always. A door: **a code that is stolen on its way, or injected into another login, is then
    /// protected by the client's secret alone** (RFC 9700 §2.1.1 lets confidential clients). So the server has no
    /// [`public`](crate::ClientBuilder::public) clients, and a redirect URI must be `https`, off loopback (RFC 8252 §8.5).
    RefusesPkce,
    /// `client_id` stands in the body beside Basic credentials, too (RFC 6749 §3.2.1), as Amazon Cognito documents it. Others
    /// refuse a request that names the client twice (RFC 6749 §2.3).
    ClientIdBesideBasic,
}

impl Quirk {
    /// [`Quirk::TokenPath`], from borrowed keys.
    pub fn token_path(keys: &[&str]) -> Self {
        Self::TokenPath(keys.iter().map(|key| (*key).to_owned()).collect())
    }

    /// [`Quirk::ErrorCode`], from borrowed text.
    pub fn error_code(on: Message, status: Option<StatusCode>, actual: &str, standard: ErrorCode) -> Self {
        Self::ErrorCode { on, status, actual: actual.to_owned(), standard }
    }

    /// [`Quirk::ErrorPath`], from borrowed text.
    pub fn error_path(path: &str, none: Option<&str>) -> Self {
        Self::ErrorPath { path: path.to_owned(), none: none.map(str::to_owned) }
    }

    /// [`Quirk::RenamedParameter`], from borrowed names.
    pub fn renamed(on: Message, standard: &str, actual: &str) -> Self {
        Self::RenamedParameter { on, standard: standard.to_owned(), actual: actual.to_owned() }
    }
}

/// A message of the protocol in which a parameter can have another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// The authorization request (RFC 6749 §4.1.1): `client_key` for TikTok, `appid` for WeChat,
    /// `application_id` for Amazon Selling Partner.
    AuthorizationRequest,
    /// The authorization response (RFC 6749 §4.1.2): `spapi_oauth_code` for Amazon Selling Partner.
    Callback,
    /// The token request (RFC 6749 §4.1.3): `client_key` for TikTok, `auth_code` for its business API, `secret` for WeChat.
    TokenRequest,
    /// The token answer (RFC 6749 §5.1): `accessToken` for PlentyMarkets, `expires` for Stack Exchange and Facebook's old API,
    /// `permissions` for Instagram.
    TokenAnswer,
}

impl Message {
    /// The names that have a meaning there. On requests, no caller may give them as extra parameters.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::AuthorizationRequest => &[
                "response_type",
                "client_id",
                "redirect_uri",
                "scope",
                "state",
                "code_challenge",
                "code_challenge_method",
                "response_mode",
                "resource",
                "request",
                "request_uri",
                "client_secret",
            ],
            Self::Callback => &["code", "state", "iss", "error", "error_description", "error_uri"],
            Self::TokenRequest => &[
                "grant_type",
                "client_id",
                "client_secret",
                "code",
                "redirect_uri",
                "code_verifier",
                "refresh_token",
                "scope",
                "resource",
                "client_assertion",
                "client_assertion_type",
                "assertion",
                "device_code",
                "username",
                "password",
            ],
            Self::TokenAnswer => &[
                "access_token",
                "token_type",
                "expires_in",
                "refresh_token",
                "scope",
                "id_token",
                "error",
                "error_description",
                "error_uri",
            ],
        }
    }
}

/// What no quirk renames, in no message. No server is known that does, and a guard that waits for a name that nobody sends
/// is no guard.
const NEVER_RENAMED: [&str; 5] = ["code_challenge", "code_challenge_method", "code_verifier", "iss", "error"];

/// What a callback must not have (RFC 6749 §4.2.2, OpenID Connect Core §3.3.2.5, JARM §2): a parameter that is called so is
/// refused, so none is read under such a name.
pub(crate) const FRONT_CHANNEL: [&str; 4] = ["access_token", "id_token", "token_type", "response"];

/// A server's quirks, laid out for use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quirks {
    pub(crate) unencoded_basic: bool,
    pub(crate) json_request_body: bool,
    pub(crate) refuses_pkce: bool,
    pub(crate) client_id_beside_basic: bool,
    scope_separator: Option<char>,
    answer_scope_separator: Option<char>,
    missing_token_type: bool,
    form_encoded_answer: bool,
    null_is_absent: bool,
    scope_list: bool,
    pub(crate) zero_lifetime_is_never: bool,
    token_path: Vec<String>,
    token_types: Vec<Box<str>>,
    error_paths: Vec<ErrorPlace>,
    error_codes: Vec<MappedCode>,
    renamed: Vec<Renamed>,
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
                        "this token type is no word for Bearer: dpop, pop, mac, N_A and nothing have other meanings",
                    );
                }
                self.token_types.push(word.into());
            }
            Quirk::ErrorCode { on, status, actual, standard } => self.map_code(on, status, &actual, standard)?,
            Quirk::ErrorPath { path, none } => match ErrorPlace::new(&path, none.as_deref()) {
                Some(place) if self.error_paths.contains(&place) => return refuse("this error path was given already"),
                Some(place) => self.error_paths.push(place),
                None => {
                    return refuse("an error path is names separated by dots, such as error.code or errors[0].type");
                }
            },
            Quirk::RefusesPkce => self.refuses_pkce = true,
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
        let known = ErrorCode::new(actual);
        // A resource's word means nothing at a token endpoint, so a server may use it there as a word of its own.
        let registered = !matches!(known, ErrorCode::Other(_)) && !known.is_of_a_resource();
        match on {
            Message::TokenAnswer if !status.is_none_or(verdict::is_spoken) => {
                return refuse(
                    "no token endpoint states an error with this status: give a 2xx, 400, 401 or 403, or none",
                );
            }
            Message::Callback if status.is_some() => return refuse("a callback has no status: give none"),
            Message::Callback if registered => return refuse("in a callback, a standard code means what it says"),
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
        // The one for a status comes before the one for all.
        let at = if status.is_some() { 0 } else { self.error_codes.len() };
        self.error_codes.insert(at, mapped);
        Ok(())
    }

    /// What the server's word for an error means. A callback has no status.
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
        let Some(standard) = on.names().iter().find(|name| **name == standard) else {
            return refuse("this standard name has no meaning in this message");
        };
        if NEVER_RENAMED.contains(standard) {
            return refuse(
                "PKCE, iss and error have the same name everywhere: under another one, a guard is off and nobody notices",
            );
        }
        if actual.is_empty() || !actual.bytes().all(|b| b.is_ascii_graphic()) {
            return refuse("a parameter's name is printable ASCII");
        }
        let is_refused = on == Message::Callback && FRONT_CHANNEL.contains(&actual);
        if is_refused || self.is_reserved(on, actual) || self.name(on, standard) != *standard {
            return refuse("this name is taken, or the parameter was renamed already");
        }
        self.renamed.push(Renamed { on, standard, actual: actual.into() });
        Ok(())
    }

    /// Whether any parameter has another name.
    pub(crate) fn rename_any(&self) -> bool {
        !self.renamed.is_empty()
    }

    /// Whether `name` has a meaning in this message, be it by the standard or by a new name.
    pub(crate) fn is_reserved(&self, on: Message, name: &str) -> bool {
        on.names().contains(&name) || self.renamed.iter().any(|r| r.on == on && *r.actual == *name)
    }

    /// The server's name for a parameter, where it has one of its own.
    pub(crate) fn renaming(&self, on: Message, standard: &str) -> Option<&str> {
        self.renamed.iter().find(|r| r.on == on && r.standard == standard).map(|r| &*r.actual)
    }

    /// The server's name for a parameter.
    pub(crate) fn name<'n>(&'n self, on: Message, standard: &'n str) -> &'n str {
        self.renaming(on, standard).unwrap_or(standard)
    }

    /// The standard name of what the server calls `actual`, if it has a meaning at all.
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

    /// What separates scope tokens in an answer.
    pub(crate) fn answer_scope_separator(&self) -> char {
        self.answer_scope_separator.or(self.scope_separator).unwrap_or(' ')
    }

    /// A scope that is to be asked for, with the tokens that this server will see in it.
    ///
    /// # Errors
    /// [`Misuse::Scope`] if it is nothing but separators.
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

    /// How this server's answers are read; `renamed` is [`Self::member`].
    pub(crate) fn rules<'r>(&'r self, renamed: &'r dyn Fn(&str) -> Option<Member>) -> Rules<'r> {
        Rules {
            names: self.rename_any().then_some(renamed),
            path: &self.token_path,
            errors: &self.error_paths,
            token_types: &self.token_types,
            form: self.form_encoded_answer,
            missing_token_type: self.missing_token_type,
            null_is_absent: self.null_is_absent,
            scope_list: self.scope_list,
        }
    }

    /// The member of the token answer that the server calls `name`.
    pub(crate) fn member(&self, name: &str) -> Option<Member> {
        Member::named(self.standard(Message::TokenAnswer, name)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renaming_takes_the_old_name_away() {
        let mut quirks = Quirks::default();
        quirks.add(Quirk::renamed(Message::TokenAnswer, "access_token", "accessToken")).unwrap();
        assert_eq!(quirks.member("accessToken"), Some(Member::AccessToken));
        assert_eq!(quirks.member("access_token"), None);
        assert_eq!(quirks.member("scope"), Some(Member::Scope));
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
