//! Presets for [`grantflow`]: OAuth 2 providers, as data with their sources.
//!
//! A function for each provider gives its [`Server`](grantflow::Server), with everything that a program must not forget:
//! endpoints, scope separator, required parameters, methods of client authentication, quirks, and the origins of its API.
//!
//! ```
//! use grantflow::Authorization;
//!
//! let server = grantflow_providers::github()?;
//! let client = server.client("my-id").secret_post("my-secret")?;
//! let authorization = Authorization::new(&client, "https://app.example/callback")?.scope("repo user")?;
//! # let _ = authorization;
//!
//! // Where each customer has a separate host or tenant, the function takes it and checks it.
//! let tenant = grantflow_providers::microsoft_entra("contoso.onmicrosoft.com")?;
//! assert!(grantflow_providers::microsoft_entra("evil.example/x").is_err());
//! # let _ = tenant;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is known, and how well
//!
//! Each preset is a [`Preset`]: plain data, with a link to the provider's documentation, the day on which the two were compared, and
//! notes on what does not work. The service itself was never asked. Endpoints, methods and parameters are **documented only**.
//! [`Preset::answer`] and [`Preset::error`] say whether the tests read an example of the documentation, an answer that somebody
//! recorded, or those of the provider's own software, which runs there. [`all`] gives all presets, Trackmania first.
//!
//! # Doors
//!
//! A preset whose name does not say so opens no door that takes a protection away (`SECURITY.md` of grantflow has the list): with
//! `linkedin_without_pkce`, nothing but the client's secret protects a stolen code. Quirks that only read what a provider documents,
//! such as its word for an error, are in the data of each preset.

mod developer;
mod error;
mod identity;
mod input;
mod messengers;
mod money;
mod play;
mod preset;
mod social;
mod work;

pub use developer::*;
pub use error::Error;
pub use identity::*;
pub use input::{Input, Kind};
pub use messengers::*;
pub use money::*;
pub use play::*;
pub use preset::{Authentication, Evidence, Pkce, Preset};
pub use social::*;
pub use work::*;

/// All presets, in groups, Trackmania first.
pub fn all() -> impl Iterator<Item = &'static Preset> {
    [play::ALL, social::ALL, messengers::ALL, identity::ALL, developer::ALL, work::ALL, money::ALL]
        .into_iter()
        .flatten()
}
