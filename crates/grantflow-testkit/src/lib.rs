//! An OAuth 2 authorization server for tests, as a plain function over [`http`] types: no sockets, no clock, no random
//! numbers, no dependency on any OAuth client. It behaves well until a knob says otherwise.
//!
//! A test of an application, or of an OAuth client, drives it through four calls:
//!
//! - [`Server::register`] a [`Client`],
//! - [`Server::visit`] the authorization URL as a browser would, which gives the [`Callback`],
//! - [`Server::handle`] the requests to the token endpoint, the protected resource and all other endpoints,
//! - look into [`Server::log`] for what was sent, and how often.
//!
//! ```
//! use grantflow_testkit::{Client, Misbehaviour, Server, s256};
//! use http::Request;
//!
//! let mut server = Server::new("https://as.example");
//! server.register(Client::public("app").redirect_uri("http://127.0.0.1/cb").scope("read write"));
//!
//! // The person opens the URL, agrees, and the browser comes back.
//! let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
//! let url = format!(
//!     "{}?response_type=code&client_id=app&redirect_uri=http://127.0.0.1:4711/cb&state=xyz&scope=read\
//!      &code_challenge={}&code_challenge_method=S256",
//!     server.authorize_url(),
//!     s256(verifier),
//! );
//! let callback = server.visit(&url)?;
//! assert_eq!(callback.parameter("state").as_deref(), Some("xyz"));
//! assert_eq!(callback.parameter("iss").as_deref(), Some(server.issuer()));
//! let code = callback.parameter("code").unwrap_or_default();
//!
//! // The first attempt meets a gateway that is down; the server never saw it.
//! server.knobs().misbehave(Misbehaviour::Html { status: 502, acts: false });
//! let request = Request::post(server.token_url())
//!     .header("content-type", "application/x-www-form-urlencoded")
//!     .body(format!(
//!         "grant_type=authorization_code&client_id=app&redirect_uri=http://127.0.0.1:4711/cb\
//!          &code={code}&code_verifier={verifier}"
//!     ))?;
//! assert_eq!(server.handle(&request).status(), 502);
//! assert_eq!(server.handle(&request).status(), 200);
//! assert_eq!(server.hits("authorization_code").filter(|hit| hit.issued).count(), 1);
//!
//! // A code sent again is refused, and the tokens that it gave are revoked.
//! assert_eq!(server.handle(&request).status(), 400);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does well
//!
//! - The code grant with PKCE, `iss` in the callback (RFC 9207), the response modes `query` and `form_post`, and
//!   requests that are [pushed](Endpoint::PushedAuthorization) first (RFC 9126).
//! - The [device grant](Endpoint::DeviceAuthorization) (RFC 8628): [`Server::approve`] is the person.
//! - [Backchannel authentication](Endpoint::BackchannelAuthentication) (OpenID CIBA), with polls and pings:
//!   [`Server::approve_request`] is the person, and [`Server::take_pings`] the way of a ping.
//! - Refresh tokens with rotation, revoked as a family when a spent one comes again; client credentials.
//! - Token exchange (RFC 8693), assertion grants (RFC 7523, RFC 7522) with assertions that [`Server::sign_jwt`] makes, and
//!   the identity assertions of one server at another; an extension grant by [`Knobs::extension_grant`].
//! - Basic, body and no client authentication, the same at every endpoint. It takes note of
//!   `resource` parameters (RFC 8707).
//! - [Introspection](Endpoint::Introspection) (RFC 7662) and [revocation](Endpoint::Revocation) (RFC 7009).
//! - [Registration](Endpoint::Registration) (RFC 7591) and [its management](Endpoint::ClientConfiguration) (RFC 7592), and
//!   clients that are known by [a document](Server::publish) (OAuth Client ID Metadata Document).
//! - [Metadata of the server](Endpoint::ServerMetadata) (RFC 8414, OpenID Connect Discovery) and
//!   [of the resource](Endpoint::ResourceMetadata) (RFC 9728), which follow the knobs.
//! - A resource that takes Bearer tokens (RFC 6750) and may demand a scope or another login (RFC 9470).
//!
//! Requests are read strictly: duplicated parameters, two ways of authentication at once, unregistered redirect URIs
//! and polls that come too soon are refused. [`Endpoint`] lists the endpoints.
//!
//! # What it does badly
//!
//! What the test tells it: [`Knobs`] has the settings of honest but unusual servers, [`Misbehaviour`] says how an
//! endpoint's answer goes wrong, and [`CallbackFault`] says how a callback goes wrong. Fuzzers and property tests can
//! make the latter two from numbers. [`Server::counts`], [`Server::sent_twice`] and [`Server::after_misbehaviour`] tell
//! what a client did.
//!
//! # What it is not
//!
//! A server for anything but tests. Its codes and tokens can be guessed, it compares secrets in variable time, and its
//! log keeps them all.
//!
//! # Over HTTP
//!
//! With the feature `loopback`, `Loopback` serves it on `127.0.0.1`.

mod answer;
mod assertion;
mod auth;
mod authorize;
mod backchannel;
mod call;
mod callback;
mod client;
mod details;
mod device;
mod endpoint;
mod exchange;
mod faults;
mod form;
mod grants;
mod hit;
mod introspection;
mod knobs;
#[cfg(feature = "loopback")]
mod loopback;
mod metadata;
mod misbehaviour;
mod oddities;
mod poll;
mod pushed;
mod registration;
mod repertoire;
mod resource;
mod revocation;
mod server;
mod token;

pub use callback::{Callback, CallbackFault, VisitError};
pub use client::{Client, Grant};
pub use endpoint::Endpoint;
pub use grants::s256;
pub use hit::{ClientAuth, Hit};
pub use knobs::{Decision, Knobs};
#[cfg(feature = "loopback")]
pub use loopback::Loopback;
pub use misbehaviour::Misbehaviour;
pub use server::Server;
