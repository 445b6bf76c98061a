//! Backchannel authentication (OpenID CIBA Core 1.0): a person approves, for example on their phone, what a client elsewhere
//! wants to do. The client polls for the result, or gets a ping and then asks for it.
//!
//! ```text
//! BackchannelRequest ──run──▶ BackchannelGrant ──run──▶ Tokens         OpenID CIBA §7; §10.1, §11, RFC 6749 §5.1
//!                               │   ▲  │    ▲
//!                               │   │  └────┘ receive(&Notification)   §10.2: after a ping, a poll is due at once
//!                               │   └─from_stored── StoredBackchannel  after a restart
//!                               └─into_stored──────────────▲
//! ```
//!
//! ```
//! use grantflow::{BackchannelRequest, Env, Exchange, Notification, Notified, Server, Step, UnixTime};
//! # use grantflow_testkit as testkit;
//! # struct Dice(u8);
//! # impl grantflow::Entropy for Dice {
//! #     fn fill(&mut self, bytes: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
//! #         bytes.iter_mut().for_each(|byte| { self.0 = self.0.wrapping_mul(5).wrapping_add(1); *byte = self.0; });
//! #         Ok(())
//! #     }
//! # }
//! # let mut provider = testkit::Server::new("https://as.example");
//! # let bank = testkit::Client::confidential("bank", "s3cret").scope("openid payments");
//! # provider.register(bank.ping_at("https://bank.example/pings"));
//! # let mut rng = Dice(1);
//!
//! let server = Server::with_token_endpoint(&provider.token_url())?
//!     .backchannel_authentication_endpoint(&provider.endpoint_url(testkit::Endpoint::BackchannelAuthentication))?;
//! let client = server.client("bank").secret_basic("s3cret")?;
//!
//! // 1. The client asks for this person's decision, and for a ping.
//! let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
//! let request = BackchannelRequest::with_login_hint(&client, "ada@example.com")?
//!     .scope("openid payments")?
//!     .binding_message("W4SCT")?
//!     .ping(&mut env)?;
//! let response = provider.handle(&request.request(&mut env)?);
//! let Step::Done(grant) = request.respond(&mut env, response)? else { unreachable!("this flow has one step") };
//!
//! // 2. The person agrees on the phone, and the server sends the ping.
//! assert!(provider.approve_request("ada@example.com"));
//! let ping = provider.take_pings().remove(0);
//! let Notified::Ready(grant) = grant.receive(&Notification::read(&ping)?) else { unreachable!("the server sent it") };
//!
//! // 3. The client asks for the tokens. Without a ping, it does this again and again; `rest` says how long to wait before
//! //    each request. An adapter does that.
//! let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
//! assert!(grant.rest(env.now).is_zero());
//! let response = provider.handle(&grant.request(&mut env)?);
//! let Step::Done(tokens) = grant.respond(&mut env, response)? else { unreachable!("the person has decided") };
//! assert!(tokens.scope().is_narrowed() == Some(false));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod grant;
mod notification;
mod request;
mod stored;

pub use grant::BackchannelGrant;
pub use notification::{Notification, NotificationFault, Notified};
pub use request::BackchannelRequest;
pub use stored::StoredBackchannel;
