//! One request to an endpoint, and what its answer means: the common part of all flows.

mod asked;
pub(crate) mod document;
mod exchange;
mod narrowed;
mod not_granted;
mod object;
mod polling;
mod received;
mod request;
mod seam;
mod token;
mod waiting;

pub use asked::Asked;
pub(crate) use exchange::Exchanging;
pub(crate) use narrowed::Narrowed;
pub use not_granted::NotGranted;
pub(crate) use not_granted::{no_answer, no_answer_to_replayable};
pub(crate) use object::{object, status};
pub(crate) use polling::Polling;
pub(crate) use request::{bearer, get, json, post, refresh as refresh_request, token as token_request, with_target};
pub(crate) use seam::is_refused_grant;
pub(crate) use token::{Grant, token_answer};
pub(crate) use waiting::Waiting;
