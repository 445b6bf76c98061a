#![no_main]

use libfuzzer_sys::fuzz_target;

// The body, and what it checks. It is one of the core's tests, because it needs the testkit, which the core must not
// know.
#[path = "../../crates/grantflow/tests/properties/flow_model/mod.rs"]
mod flow_model;

fuzz_target!(|bytes: &[u8]| flow_model::run(bytes));
