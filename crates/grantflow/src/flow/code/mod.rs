//! The authorization code grant with PKCE (RFC 6749 §4.1, RFC 7636, RFC 9207).
//!
//! ```text
//! Authorization ──push──▶ PushedAuthorization ──run──▶ Redirect           RFC 9126 §2
//! Authorization ──start──▶ Redirect { url, pending: PendingCallback }     RFC 6749 §4.1.1, RFC 7636 §4.3
//!                                            │
//!                     PendingCallback ──receive──▶ Callback               RFC 6749 §4.1.2, RFC 9207 §2.4
//!                        ▲    │                      ├─ Granted(CodeExchange)
//!                        │    └─into_stored─▶ …      ├─ Denied(ErrorResponse)
//!                        │         from_stored       ├─ Unrelated { pending, why }
//!                        └──────────────────────────◀┘
//!                                                    └─ Rejected(Rejection)
//!                     CodeExchange ──run──▶ Tokens                        RFC 6749 §4.1.3, §4.1.4, RFC 7636 §4.5
//! ```
//!
//! If an API wants more than the token gives, `step_up` makes another [`Authorization`] (RFC 9470).
//!
//! From end to end, against the testkit's server:
//!
//! ```
//! use grantflow::{Authorization, Callback, Env, Exchange, PendingCallback, Redirect, Server, Step, UnixTime, callback_key};
//! # use grantflow_testkit as testkit;
//! # let mut provider = testkit::Server::new("https://as.example");
//! # provider.register(testkit::Client::confidential("my-id", "my-secret").redirect_uri("https://app.example/cb").scope("read write"));
//! # struct Dice(u8);
//! # impl grantflow::Entropy for Dice {
//! #     fn fill(&mut self, bytes: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
//! #         for b in bytes { self.0 = self.0.wrapping_mul(7).wrapping_add(3); *b = self.0; }
//! #         Ok(())
//! #     }
//! # }
//! # let mut rng = Dice(1);
//! # let now = UnixTime::from_secs(provider.now());
//!
//! // 1. Where, and who.
//! let server = Server::new(&provider.authorize_url(), &provider.token_url())?;
//! let client = server.client("my-id").secret_post("my-secret")?;
//!
//! // 2. Send the person away, and keep what the callback will be checked against: in this browser's session.
//! let mut env = Env::new(now, &mut rng);
//! let Redirect { url, pending } =
//!     Authorization::new(&client, "https://app.example/cb")?.scope("read write")?.start(&mut env)?;
//! let key = pending.key();
//! let kept = serde_json::to_string(&pending.into_stored())?;
//!
//! // 3. They come back.
//! # let request_uri = provider.visit(url.as_str())?.request()?.uri().clone();
//! assert_eq!(callback_key(&request_uri).as_ref(), Some(&key));
//! let pending = PendingCallback::from_stored(serde_json::from_str(&kept)?, &client)?;
//! let Callback::Granted(exchange) = pending.receive(&request_uri) else { panic!("not granted") };
//!
//! // 4. Any HTTP stack carries the request.
//! let response = provider.handle(&exchange.request(&mut env)?);
//! let Step::Done(tokens) = exchange.respond(&mut env, response)? else { unreachable!("this flow has one step") };
//! assert!(tokens.refresh_token().is_some());
//!
//! // 5. The token goes out in a header, and nowhere else.
//! let mut call = http::Request::get("https://as.example/api/user").body(Vec::new())?;
//! tokens.bearer()?.authorize(&mut call)?;
//! assert_eq!(provider.handle(&call).status(), 200);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authorization;
mod callback;
mod exchange;
mod pkce;
mod pushed;
mod received;
mod rejection;
mod response_mode;
mod step_up;
mod stored;

pub use authorization::{Authorization, AuthorizationUrl, Redirect};
pub use callback::{Callback, NotOurs, PendingCallback};
pub use exchange::CodeExchange;
pub use pushed::{Begun, PushedAuthorization};
pub use received::{callback_key, callback_key_in_form};
pub use rejection::{Rejection, RejectionReason};
pub use response_mode::ResponseMode;
pub use step_up::{NoStepUp, StepUp, StepUpAttempts};
pub use stored::StoredCallback;

use crate::client::Client;
use crate::scope::Scope;
use crate::url::RedirectUri;
use pkce::Verifier;

/// Whether a grant may omit PKCE: only if the server refuses it, by name, and only with a redirect URI that no other
/// program on the person's machine can receive (RFC 8252 §8.5).
fn pkce_may_be_left_out(client: &Client, redirect_uri: &RedirectUri) -> bool {
    client.data().server.quirks().refuses_pkce && redirect_uri.is_remote()
}

/// The values that a grant keeps from its first request to its last.
#[derive(Debug)]
struct Grant {
    client: Client,
    redirect_uri: RedirectUri,
    /// `None` at a server that refuses PKCE.
    verifier: Option<Verifier>,
    scope: Option<Scope>,
    resources: Vec<String>,
}
