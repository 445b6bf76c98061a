//! The reasons and demands of a server that refuses a request: `WWW-Authenticate` (RFC 9110 §11.6.1).
//!
//! ```text
//! WWW-Authenticate = #( auth-scheme [ 1*SP ( token68 / #( token BWS "=" BWS ( token / quoted-string ) ) ) ] )
//! ```
//!
//! Commas separate both challenges and parameters, so a line is read from left to right in one pass.

use core::fmt;

use http::{HeaderMap, header};
use zeroize::Zeroizing;

use crate::error::Answer;

mod read;
mod token;

pub use token::TokenChallenge;

/// The challenges of a response: the ways to authenticate that the server offers, and what was wrong with the request
/// (RFC 9110 §11.6.1).
///
/// # What is read
///
/// All `WWW-Authenticate` lines, in order, each separately: a parameter never belongs to a challenge on another line.
/// Names of schemes and of parameters are read in any case. Empty list elements are skipped. Blanks around `=` are read
/// (RFC 9110 §11.2 demands that). A line without commas between parameters or between challenges is read too, because
/// only one meaning is possible.
///
/// **A mistake loses only the challenge that has it.** [`iter`](Self::iter), [`bearer`](Self::bearer) and
/// [`dpop`](Self::dpop) leave that challenge out; the challenges before it stay. If the start of the next challenge cannot
/// be found (a quote that is not closed, a character that fits nowhere), the rest of the line is lost, too.
/// [`with_broken`](Self::with_broken) has the broken ones as well, with the parameters that could be read.
///
/// # Limits
///
/// The first 64 KiB of all lines together, 64 challenges and 256 parameters. Anything after a limit is ignored, and a
/// challenge that a limit cuts counts as broken.
///
/// # What is printed
///
/// A server can quote the request, including tokens. So `Debug` shows schemes and error codes that an RFC registers,
/// and counts the rest.
///
/// # Example
///
/// ```
/// use grantflow::{Challenges, ErrorCode};
///
/// let mut answer = http::Response::new(());
/// *answer.status_mut() = http::StatusCode::UNAUTHORIZED;
/// answer.headers_mut().insert(
///     http::header::WWW_AUTHENTICATE,
///     r#"Basic realm="api", Bearer error="invalid_token", resource_metadata="https://api.example/meta""#.parse()?,
/// );
///
/// let challenges = Challenges::of(answer.headers());
/// assert_eq!(challenges.iter().map(|challenge| challenge.scheme()).collect::<Vec<_>>(), ["basic", "bearer"]);
/// let bearer = challenges.bearer().next().ok_or("no Bearer challenge")?;
/// assert_eq!(bearer.error(), Some(ErrorCode::InvalidToken));
/// assert_eq!(bearer.untrusted_resource_metadata(), Some("https://api.example/meta"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Challenges(Vec<Challenge>);

impl Challenges {
    /// Reads the `WWW-Authenticate` lines of a response. Headers without such a line have no challenges. This never
    /// fails: see [what is read](Self#what-is-read).
    pub fn of(headers: &HeaderMap) -> Self {
        Self::read(headers.get_all(header::WWW_AUTHENTICATE).iter().map(http::HeaderValue::as_bytes))
    }

    pub(crate) fn read<'l>(lines: impl Iterator<Item = &'l [u8]>) -> Self {
        Self(read::read(lines))
    }

    /// The complete challenges, in the order in which the server wrote them.
    pub fn iter(&self) -> impl Iterator<Item = &Challenge> {
        self.0.iter().filter(|challenge| !challenge.broken)
    }

    /// All challenges, including [broken](Challenge::is_broken) ones. Use it if a parameter counts even beside a
    /// mistake of the server.
    pub fn with_broken(&self) -> impl Iterator<Item = &Challenge> {
        self.0.iter()
    }

    /// The complete challenges with the scheme `Bearer` (RFC 6750 §3).
    pub fn bearer(&self) -> impl Iterator<Item = TokenChallenge<'_>> {
        self.iter().filter_map(Challenge::bearer)
    }

    /// The complete challenges with the scheme `DPoP` (RFC 9449 §7.1).
    pub fn dpop(&self) -> impl Iterator<Item = TokenChallenge<'_>> {
        self.iter().filter_map(Challenge::dpop)
    }

    /// Whether there is no complete challenge.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl Answer {
    /// The challenges of a 401, from the first 1 KiB of all its `WWW-Authenticate` lines: how the server wants the
    /// client to authenticate (RFC 6749 §5.2). A challenge that was cut counts as broken. Any other answer has none.
    pub fn challenges(&self) -> Challenges {
        let mut challenges = Challenges::read(self.challenge_lines());
        if self.challenge_is_cut()
            && let Some(last) = challenges.0.last_mut()
        {
            last.broken = true;
        }
        challenges
    }
}

impl fmt::Debug for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenges ")?;
        f.debug_list().entries(&self.0).finish()
    }
}

/// One challenge: a scheme with its parameters, or with one token68 (RFC 9110 §11.3).
///
/// Names are in lower case. **The server or an attacker wrote every text**: escape it before you show it. Text that is
/// not UTF-8 is read as ISO-8859-1, as HTTP once defined it (RFC 9110 §5.5).
#[derive(Clone)]
pub struct Challenge {
    scheme: Box<str>,
    params: Vec<(Box<str>, Zeroizing<String>)>,
    token68: Option<Zeroizing<String>>,
    broken: bool,
}

impl Challenge {
    /// The scheme, in lower case: `bearer`, `dpop`, `basic`.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// `realm` (RFC 9110 §11.5): the server's name for the protected resources.
    pub fn realm(&self) -> Option<&str> {
        self.param("realm")
    }

    /// The value of a parameter, without quotes and escapes. The name is matched in any case. If the server wrote the
    /// parameter twice (RFC 9110 §11.2 forbids it), this is the last value; [`params`](Self::params) has both, and
    /// [`TokenChallenge`] ignores both.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All parameters as `(name, value)`, in the order in which the server wrote them. A name can occur twice.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|(name, value)| (&**name, value.as_str()))
    }

    /// A token68 instead of parameters (RFC 9110 §11.2), as in `Negotiate`.
    pub fn token68(&self) -> Option<&str> {
        self.token68.as_ref().map(|word| word.as_str())
    }

    /// Whether the server made a mistake in this challenge: parameters can be missing, and the others may mean
    /// something else.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// What it says about an access token, if its scheme is `Bearer` (RFC 6750 §3).
    pub fn bearer(&self) -> Option<TokenChallenge<'_>> {
        (&*self.scheme == "bearer").then_some(TokenChallenge(self))
    }

    /// What it says about an access token, if its scheme is `DPoP` (RFC 9449 §7.1).
    pub fn dpop(&self) -> Option<TokenChallenge<'_>> {
        (&*self.scheme == "dpop").then_some(TokenChallenge(self))
    }

    /// The value of a parameter that is there once. A duplicate has two values, and either could be meant.
    fn single(&self, name: &str) -> Option<&str> {
        let mut values = self.params().filter(|(known, _)| *known == name).map(|(_, value)| value);
        values.next().filter(|_| values.next().is_none())
    }
}

/// Schemes that may be printed: those of IANA's registry that clients meet. Any other word may come from a request.
const SCHEMES: [&str; 9] = ["basic", "bearer", "digest", "dpop", "gnap", "hoba", "mutual", "negotiate", "privatetoken"];

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = SCHEMES.iter().find(|known| **known == &*self.scheme).copied();
        write!(f, "Challenge {{ scheme: {}", scheme.unwrap_or("another"))?;
        if let Some(error) = self.bearer().or_else(|| self.dpop()).and_then(|token| token.error()) {
            write!(f, ", error: {error:?}")?;
        }
        let token68 = if self.token68.is_some() { ", token68" } else { "" };
        let broken = if self.broken { ", broken" } else { "" };
        write!(f, ", [{} parameters]{token68}{broken} }}", self.params.len())
    }
}
