//! Sessions, from outside: one file per behaviour. The world and the store are those of `grantflow_tests::world`.

mod cancelled;
mod clock;
mod durable;
mod fresh;
mod in_doubt;
mod log_out;
mod lost;
mod many;
mod mixed;
mod observed;
mod records;
mod refused;
mod robot;
mod store_fails;
mod unanswered;
