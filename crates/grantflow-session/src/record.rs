//! What a session keeps in its store, as text.
//!
//! ```text
//! grantflow-session 1 <first half of the SHA-256 of what follows, base64url>
//! {"key":"ada","grant":15793821,"generation":7,"begun":{"at":1750000000,"sent":1,"deadline":60},"tokens":{…}}
//! ```
//!
//! Version 1 has grown: older versions ignore members that they do not know, and members that they did not write have
//! defaults. So processes of both can share a store while one replaces the other.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use grantflow::{Client, StoredTokens, Tokens, UnixTime};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::key::Key;
use crate::store::Value;

mod mark;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use mark::Mark;
#[cfg(any(feature = "fuzzing", test))]
pub(crate) use mark::Stage;

const MAGIC: &str = "grantflow-session ";
const VERSION: &str = "1";

/// A grant, and the state of its renewal. If a process dies, at any moment, the store holds one of these.
#[derive(Clone)]
pub(crate) struct Record {
    /// The name of these tokens, independent of their mark.
    pub(crate) id: TokenId,
    /// The tokens, as [`StoredTokens`] in JSON, which has its own version and checksum.
    tokens: Zeroizing<String>,
    /// A renewal has begun. Written before its request is sent; the tokens of the answer replace it.
    pub(crate) mark: Option<Mark>,
    /// The grant is gone, and why.
    pub(crate) lost: Option<Lost>,
    /// An older version stored it, without the name of its entry.
    pub(crate) nameless: bool,
}

/// Tells tokens under one key apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenId {
    /// A hash of the login's tokens, which all renewals keep. 0 if there is no login.
    pub(crate) grant: u64,
    /// Counts the tokens of a grant, not the writes. It contains the time, for people who look.
    pub(crate) generation: u64,
}

/// Why a grant is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Loss {
    /// The server refused the refresh token: it was revoked, it expired, or it was used up (RFC 6749 §5.2).
    Refused,
    /// The access token is over, and there is no refresh token.
    NoRefreshToken,
}

/// A lost grant, and the verdict that ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) loss: Loss,
    pub(crate) verdict: Option<Verdict>,
}

/// The server's answer, and when it came. The code is not stored: only `invalid_grant`, or a code that a quirk maps to
/// it, is a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
}

impl Verdict {
    pub(crate) fn new(at: UnixTime, status: Option<u16>) -> Self {
        Self { at: at.as_secs(), status }
    }

    pub(crate) fn at(&self) -> UnixTime {
        UnixTime::from_secs(self.at)
    }
}

/// Why a stored grant was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// Another version wrote it.
    #[error("another version of this library wrote it: run that version, or log in again")]
    Version,
    /// A byte of it was changed or lost.
    #[error("it is damaged: restore it from a copy, or log in again")]
    Damaged,
    /// It belongs to another client, issuer or token endpoint.
    #[error("it belongs to another client or server: use it in a session of the client that it was issued to")]
    OtherClient,
    /// It was stored under another key: the store has mixed its entries, and this grant may be another person's.
    #[error("it was stored under another key: the store has mixed its entries; find out why, then log in again")]
    OtherKey,
}

#[derive(Serialize)]
struct Out<'a> {
    key: &'a str,
    grant: u64,
    generation: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    begun: Option<mark::Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<Loss>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    tokens: &'a RawValue,
}

#[derive(Deserialize)]
struct In<'a> {
    #[serde(borrow)]
    key: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    grant: u64,
    generation: u64,
    begun: Option<mark::Text>,
    lost: Option<Loss>,
    verdict: Option<Verdict>,
    #[serde(borrow)]
    tokens: &'a RawValue,
}

impl Record {
    /// New tokens.
    pub(crate) fn new(id: TokenId, tokens: Tokens) -> Result<Self, RecordFault> {
        let text = serde_json::to_string(&tokens.into_stored()).map_err(|_| RecordFault::Damaged)?;
        Ok(Self { id, tokens: Zeroizing::new(text), mark: None, lost: None, nameless: false })
    }

    /// The tokens of a login: a grant begins.
    pub(crate) fn login(tokens: Tokens) -> Result<Self, RecordFault> {
        let mut record = Self::new(TokenId { grant: 0, generation: 0 }, tokens)?;
        // No two logins bring the same tokens, and a hash of them reveals nothing. A counter would begin again after a
        // logout, and a clock goes back.
        let digest: [u8; 32] = Sha256::digest(&*record.tokens).into();
        let half = digest.first_chunk().copied().unwrap_or_default();
        record.id.grant = u64::from_be_bytes(half);
        Ok(record)
    }

    /// The tokens in the form that the core stores.
    pub(crate) fn stored_tokens(&self) -> Result<StoredTokens, RecordFault> {
        serde_json::from_str(&self.tokens).map_err(|_| RecordFault::Damaged)
    }

    /// The tokens, for the client that they were issued to.
    pub(crate) fn tokens(&self, client: &Client) -> Result<Tokens, RecordFault> {
        use grantflow::{Error, Misuse, StoredFault};
        Tokens::from_stored(self.stored_tokens()?, client).map_err(|error| match error {
            Error::Misuse(Misuse::Stored(StoredFault::OtherClient)) => RecordFault::OtherClient,
            Error::Misuse(Misuse::Stored(StoredFault::Version)) => RecordFault::Version,
            _ => RecordFault::Damaged,
        })
    }

    pub(crate) fn with_generation(mut self, generation: u64) -> Self {
        self.id.generation = generation;
        self
    }

    pub(crate) fn with_mark(mut self, mark: Option<Mark>) -> Self {
        self.mark = mark;
        self
    }

    pub(crate) fn with_loss(mut self, lost: Option<Lost>) -> Self {
        self.lost = lost;
        self
    }

    /// The text of an entry under `key`.
    pub(crate) fn to_value(&self, key: &Key) -> Result<Value, RecordFault> {
        let tokens: &RawValue = serde_json::from_str(&self.tokens).map_err(|_| RecordFault::Damaged)?;
        let TokenId { grant, generation } = self.id;
        let (begun, lost) = (self.mark.map(mark::Text::from), self.lost.map(|lost| lost.loss));
        let verdict = self.lost.and_then(|lost| lost.verdict);
        let out = Out { key: key.as_str(), grant, generation, begun, lost, verdict, tokens };
        // Allocated in full size: a buffer that grows leaves secrets behind.
        let mut text = Zeroizing::new(Vec::with_capacity(self.tokens.len() + Key::MAX + 512));
        serde_json::to_writer(&mut *text, &out).map_err(|_| RecordFault::Damaged)?;
        let head = format!("{MAGIC}{VERSION} {}\n", sum(&text));
        let mut value = Vec::with_capacity(head.len() + text.len());
        value.extend_from_slice(head.as_bytes());
        value.extend_from_slice(&text);
        Ok(Value::new(value))
    }

    /// Reads an entry under `key`. An entry of an older version, which does not name its key, is accepted.
    pub(crate) fn from_value(value: &Value, key: &Key) -> Result<Self, RecordFault> {
        let text = core::str::from_utf8(value.expose_secret()).map_err(|_| RecordFault::Damaged)?;
        let (head, body) = text.split_once('\n').ok_or(RecordFault::Damaged)?;
        let (version, expected) =
            head.strip_prefix(MAGIC).and_then(|head| head.split_once(' ')).ok_or(RecordFault::Damaged)?;
        if version != VERSION {
            let is_number = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
            return Err(if is_number { RecordFault::Version } else { RecordFault::Damaged });
        }
        if expected != sum(body.as_bytes()) {
            return Err(RecordFault::Damaged);
        }
        let read: In<'_> = serde_json::from_str(body).map_err(|_| RecordFault::Damaged)?;
        if read.key.as_ref().is_some_and(|stored| *stored != key.as_str()) {
            return Err(RecordFault::OtherKey);
        }
        let tokens = Zeroizing::new(read.tokens.get().to_owned());
        let id = TokenId { grant: read.grant, generation: read.generation };
        let lost = read.lost.map(|loss| Lost { loss, verdict: read.verdict });
        Ok(Self { id, tokens, mark: read.begun.map(Mark::from), lost, nameless: read.key.is_none() })
    }
}

/// Finds damage, not forgery: anyone who can write the store has the grant.
fn sum(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(Sha256::digest(bytes).get(..16).unwrap_or_default())
}
