//! Sessions, from outside: one file per behaviour. The world and the store are those of `grantflow_tests::world`.

mod ahead;
mod breaker;
mod cancelled;
mod clock;
mod doubt_edges;
mod durable;
mod failures;
mod fresh;
mod in_doubt;
mod log_out;
mod logins;
mod lost;
mod many;
mod mixed;
mod observed;
mod outages;
mod plugs;
mod records;
mod reenter;
mod refused;
mod rescued;
mod robot;
mod store_fails;
mod unanswered;
mod useless;
mod wishes;
