//! OAuth 2 client flows as typestate, without I/O.
//!
//! Each flow is a chain of states. A state is a type; a step consumes one and gives the next. A state that needs the
//! server gives an `http::Request` and takes the `http::Response`: any HTTP stack, blocking or async, can carry them.
//! The core has no socket, no clock and no entropy, so every flow runs in a test, in virtual time.
//!
//! ```
//! use grantflow::{Authorization, Callback, Redirect, Server};
//! # fn example(env: &mut grantflow::Env<'_>, their_return: &http::Uri) -> Result<(), grantflow::Error> {
//! let server = Server::new("https://api.trackmania.com/oauth/authorize", "https://api.trackmania.com/api/access_token")?;
//! let client = server.client("my-id").secret_post("my-secret")?;
//!
//! // PKCE S256 and state are always on.
//! let Redirect { url, pending } = Authorization::new(&client, "https://app.example/callback")?
//!     .scope("read_favorite write_favorite")?
//!     .start(env)?;
//! println!("Location: {}", url.as_str());
//!
//! match pending.receive(their_return) {
//!     Callback::Granted(exchange) => { /* grantflow_ureq::run(&agent, exchange)? gives the tokens */ }
//!     Callback::Denied(refusal) => { /* the person or the server said no */ }
//!     Callback::Unrelated { pending, why } => { /* not ours: keep waiting, nothing is lost */ }
//!     Callback::Rejected(rejection) => { /* ours, but wrong: start again */ }
//! }
//! # Ok(()) }
//! ```
//!
//! # The flows
//!
//! | flow | states | RFC |
//! |---|---|---|
//! | authorization code + PKCE | [`Authorization`] → [`Redirect`] → [`PendingCallback`] → [`Callback`] → [`CodeExchange`] → [`Tokens`] | 6749 §4.1, 7636, 9207 |
//! | refresh | [`Tokens`] → [`RefreshExchange`] → [`Tokens`] | 6749 §6 |
//! | client credentials | [`ClientCredentials`] → [`Tokens`] | 6749 §4.4 |
//! | device authorization | [`DeviceRequest`] → [`DeviceGrant`] → [`Tokens`] | 8628 |
//! | server metadata | [`Discovery`] → [`ServerMetadata`] → [`Server`] | 8414, OpenID Connect Discovery |
//! | resource metadata | [`ResourceDiscovery`] → [`ResourceMetadata`] → [`Discovery`] | 9728 |
//! | step-up | an API's 401 or 403 → [`StepUp`] → [`Authorization`] | 6750 §3.1, 9470 |
//! | pushed authorization request | [`Authorization`] → [`PushedAuthorization`] → [`Redirect`] | 9126 |
//! | token exchange | [`TokenExchange`] → [`Exchanged`] | 8693 |
//! | assertion grants | [`Assertion`] → [`AssertionGrant`] → [`Tokens`] | 7521 §4.1, 7523 §2.1, 7522 §2.1 |
//! | identity assertion | [`IdentityAssertionRequest`] → [`IdentityAssertion`] → [`AssertionGrant`] → [`Tokens`] | 8693, 7523, draft |
//! | extension grants | [`ExtensionGrant`] → [`Tokens`] | 6749 §4.5 |
//! | registration | [`Registration`] → [`Registered`] → [`Client`] | 7591 |
//! | registration management | [`Registered`] → [`RegistrationRead`], [`RegistrationUpdate`] → [`Registered`]; [`RegistrationDeletion`] → `()` | 7592 |
//! | introspection | [`Introspection`] → [`Introspected`] | 7662 |
//! | revocation | [`Tokens`] → [`Revocation`] → `()` | 7009 |
//! | backchannel authentication | [`BackchannelRequest`] → [`BackchannelGrant`] → [`Tokens`] | OpenID CIBA, poll and ping |
//!
//! When an API refuses a token, [`Challenges`] are its reasons, and [`StepUp`] is what it wants
//! ([`Authorization::step_up`]; RFC 6750 §3, 9470).
//!
//! A client that needs no registration has a [`ClientIdDocument`] (OAuth Client ID Metadata Document).
//!
//! There is no implicit grant, no password grant and no PKCE `plain`: the API cannot express them.
//!
//! # Running a state
//!
//! A type that implements [`Exchange`] needs a round trip to continue. An adapter crate runs it
//! (`grantflow_ureq::run`), [`drive`] runs it over closures, or you call [`Exchange::request`] and
//! [`Exchange::respond`] yourself. If it fails, [`Failure`] says what is [`Left`] of the grant: nothing, all of it, or
//! unknown.
//!
//! # What an answer may lack
//!
//! An optional member of a token answer that cannot be read costs its own value, not the grant: [`Tokens::tolerated`] names
//! it. What makes a token secure is never tolerated. A server that deviates further needs a [`Quirk`]; the error names it.

mod value;

mod error;

mod wire;

mod details;
mod scope;
mod url;

mod contract;

mod server;

mod client;

mod answer;

mod token;

mod call;

mod flow;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;

pub use call::{Asked, NotGranted};
pub use client::{
    ApplicationType, Client, ClientBuilder, ClientIdDocument, ClientMetadata, ConfidentialClient, PublicClient,
    UnidentifiedClient,
};
pub use contract::{
    AnyExchange, Body, Entropy, EntropyFailed, Env, Exchange, Failure, Left, Sent, Step, Then, Wait, drive,
};
pub use details::{AuthorizationDetails, GrantedDetails};
pub use error::{
    Answer, AuthorizeFault, BackchannelFault, ClientMetadataFault, DetailsFault, DetailsMember, Error, ErrorCode,
    ErrorResponse, Meaning, MetadataFault, Mismatch, Misuse, Next, OtherIssuer, ProtocolError, Refused,
    RegistrationFault, StoredFault, UrlFault, UrlRole, Violation,
};
pub use flow::assertion::{AssertionGrant, IdentityAssertion, IdentityAssertionRequest};
pub use flow::backchannel::{
    BackchannelGrant, BackchannelRequest, Notification, NotificationFault, Notified, StoredBackchannel,
};
pub use flow::client_credentials::ClientCredentials;
pub use flow::code::{
    Authorization, AuthorizationUrl, Begun, Callback, CodeExchange, NoStepUp, NotOurs, PendingCallback,
    PushedAuthorization, Redirect, Rejection, RejectionReason, ResponseMode, StepUp, StepUpAttempts, StoredCallback,
    callback_key, callback_key_in_form,
};
pub use flow::device::{DeviceGrant, DeviceRequest, StoredDevice};
pub use flow::extension::ExtensionGrant;
pub use flow::introspection::{ActiveToken, Introspected, Introspection};
pub use flow::metadata::{Discovery, ServerMetadata, WellKnown};
pub use flow::refresh::RefreshExchange;
pub use flow::registration::{
    Registered, Registration, RegistrationDeletion, RegistrationRead, RegistrationUpdate, StoredRegistration,
};
pub use flow::resource_metadata::{ResourceDiscovery, ResourceMetadata};
pub use flow::revocation::Revocation;
pub use flow::token_exchange::{AccessTokenExchange, TokenExchange};
pub use scope::{GrantedScope, Scope};
pub use server::{Message, Quirk, Server};
pub use token::{
    AccessToken, Assertion, BearerToken, DpopToken, Exchanged, IssuedToken, SecurityToken, StoredTokens, TokenTypeHint,
    TokenTypeIdentifier, Tokens, TokensBuilder,
};
pub use url::{Issuer, PlainHttp, RedirectUri};
pub use value::key::PendingKey;
pub use value::secret::{ClientSecret, RefreshToken, UnverifiedIdToken};
pub use value::time::UnixTime;
pub use wire::challenge::{Challenge, Challenges, TokenChallenge};
