#![no_main]

use libfuzzer_sys::fuzz_target;

// The body, and what it checks: tests/src/flow_model.rs.
fuzz_target!(|bytes: &[u8]| grantflow_tests::flow_model::run(bytes));
