//! What a session keeps in its store, as text.
//!
//! ```text
//! grantflow-session 1 <first half of the SHA-256 of what follows, base64url>
//! {"grant":15793821,"generation":7,"begun":{"at":1750000000,"sent":1},"tokens":{…}}
//! ```

use base64ct::{Base64UrlUnpadded, Encoding as _};
use grantflow::{Client, StoredTokens, Tokens};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::store::Value;

const MAGIC: &str = "grantflow-session ";
const VERSION: &str = "1";

/// A grant, and how its renewal stands. Whatever moment a process dies in, one of these is in the store.
#[derive(Clone)]
pub(crate) struct Record {
    /// Which tokens these are, whatever is marked on them.
    pub(crate) id: TokenId,
    /// The tokens, as [`StoredTokens`] in JSON; with a version and a checksum of their own.
    tokens: Zeroizing<String>,
    /// A renewal has begun. Written before its request leaves, gone with the tokens that it brings.
    pub(crate) begun: Option<Begun>,
    /// The grant is gone, and why.
    pub(crate) lost: Option<Loss>,
}

/// Tells tokens from others under the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenId {
    /// Out of what a login brought, and carried along by all renewals since. 0 where nobody logs in.
    pub(crate) grant: u64,
    /// Counts the tokens of a grant, not the writes. The time is in it, for people who look.
    pub(crate) generation: u64,
}

/// The mark of a renewal that has begun and, as far as the store knows, has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// When its last request was about to leave, in seconds since the epoch.
    pub(crate) at: u64,
    /// How many requests may have left.
    pub(crate) sent: u32,
}

/// Why a grant is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Loss {
    /// The server refused the refresh token: it was revoked, it expired, or somebody used it (RFC 6749 §5.2).
    Refused,
    /// The access token is over, and there is no refresh token.
    NoRefreshToken,
}

/// Why a stored grant was not believed.
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
    #[error("it belongs to another client or server: open the session with the one that it was stored for")]
    OtherClient,
}

#[derive(Serialize)]
struct Out<'a> {
    grant: u64,
    generation: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    begun: Option<Begun>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<Loss>,
    tokens: &'a RawValue,
}

#[derive(Deserialize)]
struct In<'a> {
    #[serde(default)]
    grant: u64,
    generation: u64,
    begun: Option<Begun>,
    lost: Option<Loss>,
    #[serde(borrow)]
    tokens: &'a RawValue,
}

impl Record {
    /// New tokens.
    pub(crate) fn new(id: TokenId, tokens: Tokens) -> Result<Self, RecordFault> {
        let text = serde_json::to_string(&tokens.into_stored()).map_err(|_| RecordFault::Damaged)?;
        Ok(Self { id, tokens: Zeroizing::new(text), begun: None, lost: None })
    }

    /// The tokens of a login: a grant begins.
    pub(crate) fn login(tokens: Tokens) -> Result<Self, RecordFault> {
        let mut record = Self::new(TokenId { grant: 0, generation: 0 }, tokens)?;
        // No two logins bring the same tokens, and a hash of them gives nothing away. A number that is counted would begin
        // again after a logout, and a clock goes back.
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

    pub(crate) fn with_mark(mut self, begun: Option<Begun>) -> Self {
        self.begun = begun;
        self
    }

    pub(crate) fn with_loss(mut self, loss: Loss) -> Self {
        self.lost = Some(loss);
        self
    }

    pub(crate) fn to_value(&self) -> Result<Value, RecordFault> {
        let tokens: &RawValue = serde_json::from_str(&self.tokens).map_err(|_| RecordFault::Damaged)?;
        let TokenId { grant, generation } = self.id;
        let out = Out { grant, generation, begun: self.begun, lost: self.lost, tokens };
        // Of its full size from the start: a buffer that grows leaves secrets behind.
        let mut text = Zeroizing::new(Vec::with_capacity(self.tokens.len() + 256));
        serde_json::to_writer(&mut *text, &out).map_err(|_| RecordFault::Damaged)?;
        let head = format!("{MAGIC}{VERSION} {}\n", sum(&text));
        let mut value = Vec::with_capacity(head.len() + text.len());
        value.extend_from_slice(head.as_bytes());
        value.extend_from_slice(&text);
        Ok(Value::new(value))
    }

    pub(crate) fn from_value(value: &Value) -> Result<Self, RecordFault> {
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
        let tokens = Zeroizing::new(read.tokens.get().to_owned());
        let id = TokenId { grant: read.grant, generation: read.generation };
        Ok(Self { id, tokens, begun: read.begun, lost: read.lost })
    }
}

/// Finds damage, not forgery: who can write the store holds the grant anyway.
fn sum(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(Sha256::digest(bytes).get(..16).unwrap_or_default())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const ID: TokenId = TokenId { grant: 5, generation: 7 };

    pub(crate) fn client() -> Client {
        let server = grantflow::Server::with_token_endpoint("https://as.example/token").unwrap();
        (&server.client("robot").secret_basic("s3cret").unwrap()).into()
    }

    fn tokens() -> Tokens {
        use grantflow::Exchange as _;
        struct None;
        impl grantflow::Entropy for None {
            fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
                Err(grantflow::EntropyFailed)
            }
        }
        let server = grantflow::Server::with_token_endpoint("https://as.example/token").unwrap();
        let client = server.client("robot").secret_basic("s3cret").unwrap();
        let mut env = grantflow::Env { now: grantflow::UnixTime::from_secs(1_750_000_000), rng: &mut None };
        let body = r#"{"access_token":"at-1","token_type":"Bearer","expires_in":60}"#;
        match grantflow::ClientCredentials::new(&client).respond(&mut env, http::Response::new(body)) {
            Ok(grantflow::Step::Done(tokens)) => tokens,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_record_is_read_back_with_its_marks() {
        let begun = Some(Begun { at: 5, sent: 1 });
        let record = Record::new(ID, tokens()).unwrap().with_mark(begun).with_loss(Loss::Refused);
        let read = Record::from_value(&record.to_value().unwrap()).unwrap();
        assert_eq!((read.id, read.begun, read.lost), (ID, begun, Some(Loss::Refused)));
        assert_eq!(read.tokens(&client()).unwrap().bearer().unwrap().expose_secret(), "at-1");
    }

    #[test]
    fn a_flipped_byte_is_found_wherever_it_is() {
        let value = Record::new(ID, tokens()).unwrap().to_value().unwrap();
        for at in 0..value.expose_secret().len() {
            for bit in [1, 32] {
                let mut bytes = value.expose_secret().to_vec();
                bytes[at] ^= bit;
                assert!(Record::from_value(&Value::new(bytes)).is_err(), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let value = Record::new(ID, tokens()).unwrap().to_value().unwrap();
        let text = core::str::from_utf8(value.expose_secret()).unwrap();
        let newer = text.replacen("session 1 ", "session 2 ", 1);
        assert_eq!(Record::from_value(&Value::new(newer.into_bytes())).err(), Some(RecordFault::Version));
        for damaged in ["", "\n", "grantflow-session 1\n{}", &text[1..], &text[..text.len() - 1]] {
            let value = Value::new(damaged.as_bytes().to_vec());
            assert_eq!(Record::from_value(&value).err(), Some(RecordFault::Damaged), "{damaged:?}");
        }
    }
}
