//! The authorization profile of the Model Context Protocol.

mod authorization_server;
mod challenged;
mod client;
mod connection;
mod demand;
mod error;
mod exchange;
mod extensions;
mod grant;
mod login;
mod place;
mod resource;
mod sealed;
mod servers;
#[cfg(feature = "session")]
mod session;

pub use authorization_server::AuthorizationServer;
pub use challenged::Challenged;
pub use client::{Application, ClientChoice, ClientKind, Clients, Credentials, NeedsClient, StoredClients};
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
