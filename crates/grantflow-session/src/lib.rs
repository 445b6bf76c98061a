//! Keeps OAuth 2 tokens fresh, and loses none.

mod key;
mod store;
mod sync;

mod error;
mod flight;
mod fresh;
mod observe;
mod outside;
mod policy;
mod record;
pub mod renewal;
mod session;
mod standing;

pub use error::{Cause, SessionError, Unanswered};
pub use fresh::FreshToken;
pub use key::{InvalidKey, Key};
pub use observe::{Event, Observer};
pub use outside::Outside;
pub use policy::Policy;
pub use record::{Loss, RecordFault};
pub use session::Session;
pub use standing::State;
pub use store::{Entry, Later, Lock, MemoryStore, Revision, Store, StoreError, Swap, Value};
