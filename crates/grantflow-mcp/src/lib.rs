//! The authorization profile of the Model Context Protocol (revision 2026-07-28), as typestate, without I/O: from the 401 of
//! an MCP server to a token, a step-up and a refresh.
//!
//! Every state that needs a server is a [`grantflow::Exchange`], so each adapter of grantflow runs it, and so does a loop by
//! hand over any HTTP stack. Only public items of `grantflow` are used.
//!
//! ```text
//! Resource ──first_contact, refused──▶ Challenged                        RFC 6750 §3, RFC 9728 §5.1
//! Challenged ──run──▶ AuthorizationServers                               RFC 9728 §3
//! AuthorizationServers ──choose──▶ ServerDiscovery ──run──▶ AuthorizationServer      RFC 8414 §3
//! AuthorizationServer ──client──▶ ClientChoice                           RFC 7636 is announced, or it is refused
//!                                   ├─ Ready(Login)
//!                                   ├─ Register(ClientRegistration) ──run──▶ NewClient ──login──▶ Login      RFC 7591
//!                                   └─ NeedsClient ──with──▶ Login
//! Login ──start──▶ LoginRedirect { url, pending: PendingLogin }          RFC 6749 §4.1.1, RFC 8707 §2.1
//! Login ──begin──▶ LoginPush ──run──▶ LoginRedirect                      RFC 9126 §2
//! PendingLogin ──receive──▶ LoginReturn::Granted(GrantExchange)          RFC 9207 §2.4
//!      ▲  └─into_stored─▶ StoredLogin ──┐
//!      └────────────────from_stored─────┘
//! GrantExchange ──run──▶ Grant                                           RFC 8707 §2.2
//! Grant ──refresh──▶ GrantExchange                                       RFC 6749 §6
//! Grant ──demand──▶ Demand                                               RFC 6750 §3.1, RFC 9470
//!                     ├─ Nothing
//!                     ├─ Refresh { otherwise: Challenged }
//!                     ├─ LogIn(Login)
//!                     └─ StartAgain(Challenged)
//! ```
//!
//! # From end to end
//!
//! ```
//! use grantflow::{ClientMetadata, Env};
//! use grantflow_mcp::{Application, ClientChoice, Clients, Credentials, Demand, LoginReturn, Operation, Resource};
//! # use grantflow::{Exchange, Issuer, Step, UnixTime};
//! # use grantflow_testkit as testkit;
//! # struct Dice(u8);
//! # impl grantflow::Entropy for Dice {
//! #     fn fill(&mut self, bytes: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
//! #         for b in bytes { self.0 = self.0.wrapping_mul(7).wrapping_add(3); *b = self.0; }
//! #         Ok(())
//! #     }
//! # }
//! # fn run<X: Exchange>(server: &mut testkit::Server, env: &mut Env<'_>, mut exchange: X) -> Result<X::Output, grantflow::Error> {
//! #     loop {
//! #         let response = server.handle(&exchange.request(env)?);
//! #         match exchange.respond(env, response)? {
//! #             Step::Done(output) => return Ok(output),
//! #             Step::Again(next) => exchange = next,
//! #         }
//! #     }
//! # }
//! # let mut server = testkit::Server::new("https://mcp.example");
//! # server.register(testkit::Client::public("editor").redirect_uri("http://127.0.0.1/callback").scope("read write"));
//! # server.knobs().resource_scopes_supported = vec!["read".to_owned()];
//! # let mut rng = Dice(1);
//! # let now = UnixTime::from_secs(server.now());
//! # let mut env = Env::new(now, &mut rng);
//! // What the program is, what it has stored, and where it wants to go.
//! let application = Application::new(ClientMetadata::new().client_name("Editor")?);
//! let mut clients = Clients::new();
//! # let issuer = Issuer::new("https://mcp.example")?;
//! clients.add(Credentials::beforehand(&issuer, "editor"));
//! let resource = Resource::new("https://mcp.example/api/user")?;
//!
//! // The MCP server refuses a request, and its metadata names its authorization server. `run` is that of any adapter.
//! let refused = server.handle(&http::Request::get(resource.url()).body("")?);
//! let challenged = resource.refused(refused.status(), refused.headers())?.ok_or("it needs no token")?;
//! let servers = run(&mut server, &mut env, challenged)?;
//! let chosen = servers.only().ok_or("several: ask the person which")?;
//! let authorization_server = run(&mut server, &mut env, servers.choose(chosen)?)?;
//!
//! // The person logs in there.
//! let redirect_uri = "http://127.0.0.1:4711/callback";
//! let login = match authorization_server.client(&application, &clients, redirect_uri, now)? {
//!     ClientChoice::Ready(login) => login,
//!     ClientChoice::Register(registration) => {
//!         let new = run(&mut server, &mut env, *registration)?;
//!         clients.add(new.credentials().clone()); // and store them
//!         Box::new(new.login()?)
//!     }
//!     _ => return Err("ask the person for a client id".into()),
//! };
//! let redirect = login.start(&mut env)?;
//! let callback = server.visit(redirect.url.as_str())?;
//! let LoginReturn::Granted(exchange) = redirect.pending.receive_url(&callback.url) else { panic!("not granted") };
//! let grant = run(&mut server, &mut env, exchange)?;
//!
//! // The token goes into requests to this resource only.
//! let mut request = http::Request::get(resource.url()).body(Vec::new())?;
//! grant.authorize(&mut request)?;
//! assert_eq!(server.handle(&request).status(), 200);
//!
//! // Later, the server refuses it: what now?
//! # server.revoke_access_tokens();
//! let answer = server.handle(&request);
//! let grant = match grant.demand(answer.status(), answer.headers(), &mut Operation::new())? {
//!     Demand::Nothing => grant,
//!     Demand::Refresh { .. } => run(&mut server, &mut env, grant.refresh()?)?,
//!     Demand::LogIn(login) => { /* more scope: send the person there again */ return Ok(()) }
//!     Demand::StartAgain(challenged) => { /* run it, as above */ return Ok(()) }
//! };
//! # let mut request = http::Request::get(resource.url()).body(Vec::new())?;
//! # grant.authorize(&mut request)?;
//! # assert_eq!(server.handle(&request).status(), 200);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a client owes, and where it is here
//!
//! | | what | where |
//! |---|---|---|
//! | 1 | the challenge names metadata and scope | [`Resource::refused`], [`Resource::first_contact`] |
//! | 2 | the resource's metadata describes it; among several servers the caller chooses | [`Challenged`], [`AuthorizationServers`] |
//! | 3 | the server's metadata, from three places in order, byte for byte of its issuer | [`ServerDiscovery`] |
//! | 4 | PKCE with S256 is announced | [`AuthorizationServer::client`], [`Error::NoPkce`] |
//! | 5 | the client: registered beforehand, a metadata document, registered by itself, else the person is asked | [`ClientChoice`], [`Clients`] |
//! | 6 | the scope: of the challenge, else of the resource, else none | [`Login`], [`Login::offline_access`] |
//! | 7 | `resource` is in every request for a token | [`Login`], [`GrantExchange`] |
//! | 8 | `iss` is recorded, and compared before anything else | [`PendingLogin`] |
//! | 9 | the token goes to its resource only | [`Grant::authorize`], [`Resource::covers`] |
//! | 10 | a 403 asks for the union of scopes, a few times | [`Grant::demand`], [`Operation`] |
//! | 11 | a 401 asks for a refresh, then for a new grant | [`Demand::Refresh`], [`Demand::StartAgain`] |
//!
//! Extensions: [`AuthorizationServer::client_credentials`], [`AuthorizationServer::enterprise_managed`],
//! [`AuthorizationServer::workload_identity`].
//!
//! # What is stored
//!
//! [`StoredLogin`], [`StoredGrant`], [`StoredConnection`] and [`StoredAuthorizationServer`] are bound to their issuer and their resource, and hold no
//! credentials. [`Clients`] keeps credentials under the issuer that gave them, and **never gives them to another one**.
//!
//! # Doors
//!
//! Each lowers a guard, and is named so that a reviewer sees it: [`Resource::allow_origin_as_issuer`] and
//! [`Resource::allow_default_endpoints`] for servers of older revisions, [`Resource::allow_metadata_at_any_origin`],
//! [`Resource::allow_token_at_whole_origin`].
//!
//! # Concurrent calls
//!
//! If several calls refresh one grant at the same time, a server that rotates refresh tokens revokes it. The feature
//! `session` has `ResourceSession`, which shares one grant between any number of calls.

mod authorization_server;
mod challenged;
mod client;
mod connection;
mod demand;
mod error;
mod exchange;
mod extensions;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod grant;
mod login;
mod place;
mod resource;
mod sealed;
mod servers;
#[cfg(feature = "session")]
mod session;

pub use authorization_server::{AuthorizationServer, StoredAuthorizationServer};
pub use challenged::Challenged;
pub use client::{
    Application, ClientChoice, ClientKind, ClientRegistration, Clients, Credentials, NeedsClient, NewClient,
    StoredClients,
};
pub use connection::{Connection, StoredConnection};
pub use demand::{Demand, Operation};
pub use error::{AuthenticationFault, Error, NotCovered, StoredFault};
pub use exchange::GrantExchange;
pub use grant::{Grant, StoredGrant};
pub use login::{Login, LoginBegun, LoginPush, LoginRedirect, LoginReturn, PendingLogin, StoredLogin};
pub use resource::Resource;
pub use servers::{AuthorizationServers, ServerDiscovery};
#[cfg(feature = "session")]
pub use session::{CallError, Called, ResourceSession, ResourceSessionError, SessionDemand};
