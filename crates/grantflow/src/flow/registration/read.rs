//! Reading a registration (RFC 7592 §2.1).

use core::fmt;

use http::{Method, Request, Response, StatusCode};

use super::managed::Managed;
use super::registered::Registered;
use crate::answer::registration;
use crate::call;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::{Error, UrlRole};

/// A request for what the server has registered. It gives the [`Registered`] client with what is current: **store it
/// again**, because the server may have given new credentials.
///
/// Every failure leaves it intact, and [`into_registered`](Self::into_registered) gives the client as it was. A 401 says
/// that its access token is not valid any more, or that the client is gone. A server that gives a new access token with
/// each answer may have done so in an answer that was lost: then the old one gets a 401.
#[must_use = "run it, or take the registration back with into_registered()"]
pub struct RegistrationRead(Managed);

impl Registered {
    /// Asks the server what is registered, and for the current credentials (RFC 7592 §2.1).
    ///
    /// # Errors
    /// [`Misuse::Registration`](crate::Misuse::Registration) if the server gave no place or no token for it, or a place at
    /// another origin; the registration is still intact.
    pub fn read(self) -> Result<RegistrationRead, Failure<Self>> {
        Managed::new(self).map(RegistrationRead)
    }
}

impl RegistrationRead {
    /// The registered client as it was.
    pub fn into_registered(self) -> Registered {
        self.0.registered
    }
}

impl fmt::Debug for RegistrationRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RegistrationRead").field(&self.0.registered).finish()
    }
}

impl Exchange for RegistrationRead {
    type Output = Registered;

    fn request(&self, _env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        Ok(self.0.request(Method::GET, None))
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let (role, ok) = (UrlRole::ClientConfiguration, StatusCode::OK);
        let own_id = Some(&*self.0.registered.client_id);
        match call::object(role, env.now, ok, None, &response, |members| registration::read(members, own_id)) {
            Ok(answer) => Ok(Step::Done(self.0.registered.told(answer, None))),
            Err(no) => Err(no.replayable(self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer_to_replayable(sent, self))
    }
}
