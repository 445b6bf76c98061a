//! Point 5: who the program is at an authorization server.

mod application;
mod choice;
mod clients;
mod credentials;
mod redirect;
mod registration;

pub use application::Application;
pub(crate) use choice::choose;
pub use choice::{ClientChoice, NeedsClient};
pub use clients::{Clients, StoredClients};
pub use credentials::{ClientKind, Credentials};
pub(crate) use redirect::allows;
pub use registration::{ClientRegistration, NewClient};

use grantflow::Issuer;

/// The client that a program had for a resource before.
#[derive(Clone, Debug)]
pub(crate) struct Former {
    pub(crate) issuer: Issuer,
    pub(crate) kind: ClientKind,
}
