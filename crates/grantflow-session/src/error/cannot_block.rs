//! A thread that cannot wait.

/// A thread cannot wait for the work of an [`Outside`](crate::Outside): why, and what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("this thread cannot wait for a token: {why}")]
pub struct CannotBlock {
    why: &'static str,
}

impl CannotBlock {
    /// `why` completes the sentence "this thread cannot wait for a token: …", and should say what to do.
    pub const fn new(why: &'static str) -> Self {
        Self { why }
    }
}
