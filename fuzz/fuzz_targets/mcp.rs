#![no_main]

use libfuzzer_sys::fuzz_target;

// The body, and what it checks: crates/grantflow-mcp/src/fuzz.rs.
fuzz_target!(|bytes: &[u8]| grantflow_mcp::fuzz::mcp(bytes));
