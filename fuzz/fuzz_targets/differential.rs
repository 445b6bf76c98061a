#![no_main]

use libfuzzer_sys::fuzz_target;

// The body, with the list of reasons. It is one of the tests of `grantflow_tests`, because it needs oauth2, which the core
// must not know.
#[path = "../../tests/differential/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the test `differential` uses more of it")]
mod differential;

fuzz_target!(|bytes: &[u8]| differential::compare(bytes));
