//! Named leniency: a server's deviations from the RFCs, as values of its configuration. Nothing is detected.

use http::StatusCode;

use super::message::Message;
use crate::error::ErrorCode;

/// A deviation of a server from the protocol, on the caller's responsibility. Give it to
/// [`Server::quirk`](crate::Server::quirk).
///
/// Without one, everything is read and written as the RFCs have it. Harmless deviations need none: `expires_in` as
/// digits in a string, any 2xx status, an `error` in a 200, a JSON body under any content type. An optional member that
/// cannot be read costs only its own value: [`Tokens::tolerated`](crate::Tokens::tolerated).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quirk {
    /// Basic credentials are not form-encoded before base64, for servers that do not decode them (RFC 6749 §2.3.1
    /// demands the encoding). Amazon Cognito and Domino need it, and every server that compares the header with a
    /// string.
    UnencodedBasic,
    /// Scope tokens are separated by this character, in requests and in answers: `,` for Slack, Strava, Linear, TikTok,
    /// Todoist, Shopify, Instagram, WeChat and Stack Exchange. In every requested or granted scope, both this character
    /// and the space then end a token: `a,b` is two tokens in a request too.
    ///
    /// A `+` between scopes in the URLs of a server's documentation is a form-encoded space, and needs no quirk.
    ScopeSeparator(char),
    /// Scope tokens are separated by this character or by a space in answers; requests have spaces: `,` for GitHub and
    /// LinkedIn.
    AnswerScopeSeparator(char),
    /// An answer without `token_type` is a Bearer token's: LinkedIn, Weibo, Instagram, WeChat, Shopify, Mailchimp, Clover,
    /// Stack Exchange and Facebook's old API. A `token_type` that is `null` or empty counts as missing.
    MissingTokenType,
    /// This `token_type`, in any case, is the server's word for `Bearer`: `user` and `bot` for Slack, `User Access
    /// Token` and `Application Access Token` for eBay. May be given more than once. The caller is responsible for the
    /// fact that such a token needs no proof of a key; `dpop`, `pop`, `mac` and `N_A` say otherwise and are refused.
    TokenType(String),
    /// The token endpoint answers form-encoded: Facebook's old API, Stack Exchange.
    FormEncodedAnswer,
    /// The token endpoint takes its parameters as a JSON object: Notion, Clover, Looker, and TikTok for its business API.
    JsonRequestBody,
    /// The token is in an object inside the answer: `["authed_user"]` for Slack's user tokens, `["data"]` for TikTok's
    /// business API, `["data", "[0]"]` for Instagram: in a list, `[0]` is the first item. An answer without that object
    /// is an error; a token at the top is another token. Everything else is read from that object: members beside it, such
    /// as Slack's `team`, are dropped, and are not in [`Tokens::extra`](crate::Tokens::extra). Of what is
    /// outside of it, only an `error` counts.
    TokenPath(Vec<String>),
    /// A parameter or member has another name. Never `code_challenge`, `code_challenge_method`, `code_verifier`, `iss`
    /// and `error`, because that would turn a check off silently ([`Quirk::RefusesPkce`] does so by name for PKCE).
    RenamedParameter {
        /// The message.
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
    /// The server's word for an error: the answer is read as if it had the standard code. For GitHub, 200 with
    /// `bad_refresh_token` is `invalid_grant`; for LinkedIn's callback, `user_cancelled_login` is `access_denied`.
    ///
    /// A standard code can get another meaning in the answer to a refresh only, and only that of `invalid_grant`: for
    /// Atlassian, 403 with `unauthorized_client`. **This declares grants dead**: if the server also uses the word for
    /// another reason, people have to log in again without need.
    ErrorCode {
        /// The message: [`Message::TokenAnswer`] or [`Message::Callback`].
        on: Message,
        /// The only status, if it counts with one status only: a 2xx, 400, 401 or 403. A callback has none.
        status: Option<StatusCode>,
        /// The server's word, compared byte by byte.
        actual: String,
        /// Its meaning.
        standard: ErrorCode,
    },
    /// The token answer states its errors in another place than `error`: `error.code` for Facebook, `error_type` for Instagram,
    /// `errors[0].errorType` for Fitbit, `message` for Twitch, `errcode` for WeChat, `code` for TikTok's business API, `result`
    /// for Coros. May be given more than once.
    ///
    /// The value there is the error code, a number as it is written; map it with [`Quirk::ErrorCode`]. It also counts
    /// beside a token. Without a value or with `null` there, `error` counts as always.
    ErrorPath {
        /// Names from the outermost object inwards, separated by dots; `[0]` is the first item of a list. In a form, a
        /// single name.
        path: String,
        /// The value there that means "no error": `0` for TikTok, `0000` for Coros.
        none: Option<String>,
    },
    /// `scope` in the answer may be a list of strings: Twitch, and Linear for applications made before December 2023.
    ScopeList,
    /// The server refuses PKCE: LinkedIn, for clients with a secret. Neither challenge nor verifier is sent (RFC 7636
    /// §4.3, §4.5); `state` is, as always. A door: **only the client's secret then protects a code that is stolen on
    /// its way or injected into another login** (RFC 9700 §2.1.1 allows this for confidential clients). So the server
    /// has no [`public`](crate::ClientBuilder::public) clients, and a redirect URI must be `https`, off loopback (RFC
    /// 8252 §8.5).
    RefusesPkce,
    /// `client_id` is also in the body, beside Basic credentials (RFC 6749 §3.2.1), as Amazon Cognito documents it.
    /// Others refuse a request that names the client twice (RFC 6749 §2.3).
    ClientIdBesideBasic,
    /// Refreshes go to this URL, and not to the token endpoint: Figma, Clover. It is at the token endpoint's origin and has no
    /// query, so refresh tokens stay with their server.
    RefreshEndpoint(String),
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
