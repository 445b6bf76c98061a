#![no_main]

use libfuzzer_sys::fuzz_target;

// The body, and what it checks: crates/grantflow-session/src/fuzz/renewal.rs.
fuzz_target!(|bytes: &[u8]| grantflow_session::fuzz::renewal(bytes));
