//! Our reader of token answers beside that of `oauth2` 5.0.0: a written list of reasons for which they may differ, and a
//! panic for everything else. The fuzz target `differential` includes this folder.

mod compare;
mod reasons;
mod shape;

pub use compare::{Case, compare};
pub use reasons::Reason;
