//! The device authorization grant (RFC 8628): a person with a browser on another device approves a device without one.
//!
//! ```text
//! DeviceRequest ──run──▶ DeviceGrant ──run──▶ Tokens             RFC 8628 §3.1, §3.2; §3.4, §3.5
//!                          │      ▲
//!                          │      └─from_stored── StoredDevice   after a restart
//!                          └─into_stored─────────────▲
//! ```
//!
//! ```
//! use grantflow::{DeviceRequest, Env, Exchange, Server, Step, UnixTime};
//! # use grantflow_testkit as testkit;
//! # struct NoRandom;
//! # impl grantflow::Entropy for NoRandom {
//! #     fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
//! # }
//! # let mut provider = testkit::Server::new("https://as.example");
//! # provider.register(testkit::Client::public("tv").scope("read"));
//! # let mut rng = NoRandom;
//!
//! let server = Server::with_token_endpoint(&provider.token_url())?
//!     .device_authorization_endpoint(&provider.endpoint_url(testkit::Endpoint::DeviceAuthorization))?;
//! let client = server.client("tv").public()?;
//!
//! // 1. The device asks for a code.
//! let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
//! let request = DeviceRequest::new(&client)?.scope("read")?;
//! let response = provider.handle(&request.request(&mut env)?);
//! let Step::Done(mut grant) = request.respond(&mut env, response)? else { unreachable!("this flow has one step") };
//!
//! // 2. It shows the code, and the page where to enter it.
//! println!("Go to {} and enter {}", grant.verification_uri(), grant.user_code());
//! let code = grant.user_code().to_owned();
//!
//! // 3. It asks for tokens until the person has decided. `rest` says how long to wait before each request; an adapter
//! //    does all of this.
//! let tokens = loop {
//!     provider.advance(grant.rest(UnixTime::from_secs(provider.now())).as_secs());
//!     let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
//!     let response = provider.handle(&grant.request(&mut env)?);
//!     match grant.respond(&mut env, response)? {
//!         Step::Done(tokens) => break tokens,
//!         Step::Again(waiting) => grant = waiting,
//!     }
//!     assert!(provider.approve(&code));
//! };
//! assert!(tokens.refresh_token().is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod grant;
mod request;
mod stored;

pub use grant::DeviceGrant;
pub use request::DeviceRequest;
pub use stored::StoredDevice;
