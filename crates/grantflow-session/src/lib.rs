//! Keeps OAuth 2 tokens fresh, and loses none.
//!
//! A program asks a [`Session`] for a valid token: from a thousand tasks at once, for months, across restarts. The
//! session renews ahead of expiry, once for all callers. A rotated refresh token is durable before any caller sees the
//! access token that came with it.
//!
//! ```
//! # struct Nowhere;
//! # impl grantflow_session::Outside for Nowhere {
//! #     fn now(&self) -> grantflow::UnixTime { grantflow::UnixTime::from_secs(1_750_000_000) }
//! #     fn fill(&self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
//! #     fn wait(&self, _: std::time::Duration) -> grantflow_session::Later<'_, ()> { Box::pin(async {}) }
//! #     fn send(&self, _: http::Request<grantflow::Body>)
//! #         -> grantflow_session::Later<'_, Result<http::Response<grantflow::Body>, grantflow_session::Unanswered>> {
//! #         let answer = br#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#.to_vec();
//! #         Box::pin(async { Ok(http::Response::new(answer.into())) })
//! #     }
//! # }
//! # let outside = Nowhere;
//! use grantflow::{ClientCredentials, Server};
//! use grantflow_session::{Key, MemoryStore, Session};
//!
//! let client = Server::with_token_endpoint("https://as.example/token")?.client("robot").secret_post("s3cret")?;
//! let grant = ClientCredentials::new(&client).scope("clubs")?;
//!
//! // `outside` is the clock, the entropy and the HTTP stack: `Ureq`, `Reqwest` or `Tower`, by feature, or your own.
//! let session = Session::client_credentials(grant, Key::new("clubs")?, MemoryStore::new(), outside);
//!
//! let token = session.token_blocking()?;          // or session.token().await
//! let mut request = http::Request::get("https://api.example/clubs").body(())?;
//! token.authorize(&mut request)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it promises
//!
//! - **Fresh**: a token is renewed ahead of its expiry, by a margin of at most half its lifetime and some jitter, in
//!   the background if there is one. **No caller waits while the token is good.** A token that is over is renewed once
//!   for all waiting callers.
//! - **Single flight**: any number of callers, blocking or async, cause one request. A caller that goes away cancels
//!   nothing. Across processes, the [`Store`]'s lock ensures this.
//! - **Persist before use**: a mark that a refresh has begun is durable before its request is sent, and the new tokens
//!   are durable before any caller gets them. Whenever the process dies, the store holds the old tokens, the new
//!   tokens, or the old tokens with the mark. The mark means that the outcome is unknown, and the session says so.
//! - **No answer is no verdict** ([`Policy`]): after a missing answer, or one that proves nothing, the grant is in
//!   doubt ([`SessionError::InDoubt`]). The session reads the store again, because another process may have newer
//!   tokens. Then it asks the server again, after pauses that all processes share, until the server gives a verdict.
//!   The access token is used as long as it is good. [`InDoubt`] has stricter choices.
//! - **`invalid_grant`** first causes another read of the store, and the session takes over a newer token of another
//!   process. Only then is the grant lost.
//! - **A server that is down** gets no requests for a while, longer each time. Callers get the error at once. A renewal
//!   without a usable token counts as a failure. [`Session::retry_now`] says that the network is back.
//! - **Every error and every event has its cause**: what became of the last request, with the wrong member and the
//!   quirk that would read it ([`SessionError::cause`]).
//! - **A store that fails** to take new tokens causes an error, and the session still has the tokens
//!   ([`Session::unsaved`]). A login is kept from the call until it is stored, even if its caller goes away.
//! - **A thread that waits** gets a token or a clear error, in every kind of runtime and without one
//!   ([`Outside::block_on`]).
//!
//! # Where things are kept
//!
//! In a [`Store`]: [`MemoryStore`], [`FileStore`], the system's keyring (feature `keyring`), or your own. The suite
//! `testing` (feature `testing`) checks a store. A database takes its lock as a [`Lease`]. A login in progress is kept
//! in [`PendingLogins`]; the only way to read one is to take it.

// The example of an own store is tested here too.
#[cfg(test)]
extern crate self as grantflow_session;

#[cfg(any(feature = "ureq", feature = "reqwest", feature = "tower", test))]
pub mod authorize;
#[cfg(any(feature = "fuzzing", test))]
#[doc(hidden)]
pub mod fuzz;

#[cfg(any(feature = "testing", test))]
pub mod testing;

mod breaker;
mod key;
mod store;
mod sync;

mod error;
mod flight;
mod fresh;
mod observe;
mod outside;
mod pending;
mod policy;
mod record;
pub mod renewal;
mod session;
mod source;
mod standing;

pub use breaker::Breaker;
pub use error::{CannotBlock, Cause, Earlier, SessionError, Unanswered};
pub use fresh::FreshToken;
pub use key::{InvalidKey, Key};
pub use observe::{Event, Observer};
pub use outside::Outside;
#[cfg(all(feature = "reqwest", not(all(target_arch = "wasm32", target_os = "unknown"))))]
pub use outside::reqwest::Reqwest;
#[cfg(feature = "tower")]
pub use outside::tower::Tower;
#[cfg(feature = "ureq")]
pub use outside::ureq::Ureq;
pub use pending::{PendingLogins, PendingStore};
pub use policy::{InDoubt, Policy};
pub use record::{Loss, RecordFault};
pub use session::Session;
pub use source::{AsyncSource, Source, SourceError};
pub use standing::State;
#[cfg(feature = "keyring")]
pub use store::KeyringStore;
pub use store::{
    Entry, FileStore, FolderRules, Later, Lease, Leases, Lock, MemoryStore, Revision, Store, StoreError, Swap, Value,
};
