//! Runs grantflow's flows over your own async HTTP stack, given as closures. No runtime, no timer, no sockets.
//!
//! ```
//! use std::time::Duration;
//!
//! use grantflow::{Body, ClientCredentials, Sent, Server, UnixTime};
//! use grantflow_async::{Held, drive};
//! # struct NoRandom;
//! # impl grantflow::Entropy for NoRandom {
//! #     fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
//! # }
//!
//! type Error = Box<dyn std::error::Error + Send + Sync>;
//!
//! async fn my_stack(request: http::Request<Body>) -> Result<http::Response<Vec<u8>>, (Sent, Error)> {
//!     assert_eq!(request.uri(), "https://as.example/token");
//!     Ok(http::Response::new(br#"{"access_token":"t","token_type":"Bearer","expires_in":60}"#.to_vec()))
//! }
//!
//! # async fn example() -> Result<(), Error> {
//! let client = Server::with_token_endpoint("https://as.example/token")?.client("robot").secret_post("s3cret")?;
//! let mut held = Held::new(ClientCredentials::new(&client));
//! let tokens = drive(
//!     &mut held,
//!     &mut NoRandom, // this flow draws nothing
//!     || UnixTime::from_secs(1_700_000_000),
//!     |_: Duration| async { /* the timer of your runtime */ },
//!     || async { Ok(()) },
//!     |(), request| my_stack(request),
//! )
//! .await
//! .map_err(grantflow::Failure::into_error)?;
//! assert_eq!(tokens.expires_at(), Some(UnixTime::from_secs(1_700_000_060)));
//! # Ok(())
//! # }
//! # pollster::block_on(example()).unwrap();
//! ```
//!
//! The core has a blocking loop and no async one: a rule keeps it free of async code. So the async loop is here, once
//! for every stack: `grantflow-reqwest` and `grantflow-tower` are closures for [`drive`]. Use one of those if it fits.
//!
//! The loop ensures:
//! - The request is made when the stack is ready for it, so its times are fresh.
//! - A future may be dropped at any time. The exchange is not in the future but in a [`Held`], which the caller keeps,
//!   and which knows whether the request may have been sent.
//! - A [`Held`] whose request may have been sent is not sent again, unless its flow says that this is harmless.
//! - The future is `Send` if everything that it is given is.
//! - A flow that continues at once, over a stack that is always ready, lets other tasks run.

mod drive;
mod give_way;
mod held;

pub use drive::drive;
pub use give_way::give_way;
pub use held::{Held, Interrupted};
