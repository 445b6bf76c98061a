//! Dynamic client registration (RFC 7591), and what a client can do with its registration (RFC 7592).
//!
//! ```text
//! Registration ──run──▶ Registered ──client──▶ Client                          RFC 7591 §3
//!                        │ ▲  │  ▲
//!                        │ │  │  └─from_stored── StoredRegistration            after a restart
//!                        │ │  └─into_stored───────────▲
//!                        │ └──run── RegistrationRead, RegistrationUpdate       RFC 7592 §2.1, §2.2
//!                        ├─read, update─────────▲
//!                        └─delete─▶ RegistrationDeletion ──run──▶ ()           RFC 7592 §2.3
//! ```
//!
//! ```
//! use grantflow::{ClientMetadata, Discovery, Env, Exchange, Registered, Registration, Step, UnixTime};
//! # use grantflow_testkit as testkit;
//! # struct NoRandom;
//! # impl grantflow::Entropy for NoRandom {
//! #     fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
//! # }
//! # let mut provider = testkit::Server::new("https://as.example");
//! # let mut rng = NoRandom;
//! # let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
//! # fn run<X: Exchange>(
//! #     mut exchange: X, provider: &mut testkit::Server, env: &mut Env<'_>,
//! # ) -> Result<X::Output, grantflow::Error> {
//! #     loop {
//! #         let response = provider.handle(&exchange.request(env)?);
//! #         match exchange.respond(env, response)? {
//! #             Step::Done(output) => return Ok(output),
//! #             Step::Again(again) => exchange = again,
//! #         }
//! #     }
//! # }
//!
//! // 1. The server says where clients register.
//! let server = run(Discovery::new("https://as.example")?, &mut provider, &mut env)?.server()?;
//!
//! // 2. The program registers itself, and stores what it gets under the server's issuer. `run` is an adapter's.
//! let metadata = ClientMetadata::new()
//!     .client_name("Club Manager")?
//!     .redirect_uri("https://app.example/callback")?
//!     .grant_types(&["authorization_code", "refresh_token"])?;
//! let registered = run(Registration::new(&server, metadata)?, &mut provider, &mut env)?;
//! let stored = registered.into_stored();
//!
//! // 3. Later: the client, which authenticates as the server registered it.
//! let registered = Registered::from_stored(stored, &server)?;
//! let client = registered.client(&server)?;
//! # let _ = client;
//!
//! // 4. The program changes its name. The server may have given new credentials, so they are stored again.
//! let changes = ClientMetadata::new().client_name("Clubs")?;
//! let registered = run(registered.update(changes)?, &mut provider, &mut env)?;
//! assert_eq!(registered.client_name(), Some("Clubs"));
//!
//! // 5. It is not used any more.
//! run(registered.delete()?, &mut provider, &mut env)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod deletion;
mod managed;
mod read;
mod registered;
mod request;
mod stored;
mod update;

pub use deletion::RegistrationDeletion;
pub use read::RegistrationRead;
pub use registered::Registered;
pub use request::Registration;
pub use stored::StoredRegistration;
pub use update::RegistrationUpdate;
