//! The counts of an operation, and how they are written.

use std::fmt;

/// The counts of an operation, and their bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    pub(crate) instructions: u64,
    /// Allocations and reallocations.
    pub(crate) allocations: u64,
}

impl Figure {
    pub(crate) const fn new(instructions: u64, allocations: u64) -> Self {
        Self { instructions, allocations }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", grouped(self.instructions), self.allocations)
    }
}

/// Thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    match number {
        0..=999 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    }
}
