//! Bytes to values and back. Every function here is pure, bounded, and fuzzed.

pub(crate) mod basic;
pub(crate) mod challenge;
pub(crate) mod checksum;
pub(crate) mod form;
pub(crate) mod object;
pub(crate) mod path;
pub(crate) mod retry_after;
