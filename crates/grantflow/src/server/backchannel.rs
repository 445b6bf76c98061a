//! What a server announces about backchannel authentication (OpenID CIBA §4).

use super::Server;
use crate::error::{BackchannelFault, Error, Misuse};

/// What the server says that it does not take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backchannel {
    no_poll: bool,
    no_ping: bool,
    pub(crate) no_user_code: bool,
}

impl Server {
    /// How this server delivers the result of a backchannel authentication (OpenID CIBA §4): `poll`, `ping`. A request for
    /// another way is then refused before it is sent. The list replaces the one in the server's metadata, for a server that
    /// can do more than it announces.
    #[must_use]
    pub fn backchannel_token_delivery_modes_supported(mut self, modes: &[&str]) -> Self {
        let backchannel = &mut self.announced.backchannel;
        (backchannel.no_poll, backchannel.no_ping) = (!modes.contains(&"poll"), !modes.contains(&"ping"));
        self
    }

    /// # Errors
    /// [`Misuse::Backchannel`] if the server announces other ways than this one to deliver the result.
    pub(crate) fn check_delivery(&self, by_ping: bool) -> Result<(), Error> {
        let Backchannel { no_poll, no_ping, .. } = self.announced.backchannel;
        match by_ping {
            true if no_ping => Err(Error::Misuse(Misuse::Backchannel(BackchannelFault::NoPing))),
            false if no_poll => Err(Error::Misuse(Misuse::Backchannel(BackchannelFault::NoPoll))),
            _ => Ok(()),
        }
    }
}
