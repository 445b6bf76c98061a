#![no_main]

use libfuzzer_sys::fuzz_target;

// The body, and what it checks: crates/grantflow/src/fuzz.
fuzz_target!(|bytes: &[u8]| grantflow::fuzz::registration(bytes));
