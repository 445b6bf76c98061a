//! What a step may use of the outside world.

use core::fmt;

use rand_core::TryCryptoRng;

use crate::value::time::UnixTime;

/// What a step may use of the outside world: the time, and entropy.
///
/// ```
/// use grantflow::{Env, UnixTime};
///
/// let mut rng = getrandom::SysRng;
/// let mut env = Env::new(UnixTime::from_secs(1_764_320_000), &mut rng);
/// # let _ = &mut env;
/// ```
#[non_exhaustive]
pub struct Env<'a> {
    /// The time now. For [`Exchange::respond`](crate::Exchange::respond), use the time when the response arrives:
    /// lifetimes count from it.
    pub now: UnixTime,
    /// A source of unpredictable bytes.
    pub rng: &'a mut dyn Entropy,
}

impl<'a> Env<'a> {
    /// The outside world at this time, with this source of unpredictable bytes.
    pub fn new(now: UnixTime, rng: &'a mut dyn Entropy) -> Self {
        Self { now, rng }
    }
}

impl fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Env {{ now: {:?} }}", self.now)
    }
}

/// A source of unpredictable bytes that may fail. Every `rand_core` 0.10 `TryCryptoRng` is one.
pub trait Entropy {
    /// Fills `bytes` with unpredictable bytes.
    ///
    /// # Errors
    /// If the source has none; then nothing is sent, and no weaker source is used.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed>;
}

/// The source of entropy has no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source of entropy failed")]
#[allow(clippy::exhaustive_structs, reason = "there is nothing to add: the source reports why it failed")]
pub struct EntropyFailed;

impl<R: TryCryptoRng + ?Sized> Entropy for R {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        self.try_fill_bytes(bytes).map_err(|_| EntropyFailed)
    }
}
