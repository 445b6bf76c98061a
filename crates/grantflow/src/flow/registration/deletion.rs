//! The end of a registration (RFC 7592 §2.3).

use core::fmt;

use http::{Method, Request, Response, StatusCode};

use super::managed::Managed;
use super::registered::Registered;
use crate::call;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::{Error, UrlRole};

/// The end of a registration: the server forgets the client, and its secret and access token are over.
///
/// Every failure leaves it intact: a client can be deleted only once, so the same request does no harm. After a lost answer,
/// a 401 to the next one says that the client is gone. [`into_registered`](Self::into_registered) gives the client as it
/// was.
#[must_use = "run it, or take the registration back with into_registered()"]
pub struct RegistrationDeletion(Managed);

impl Registered {
    /// Deletes the client at the server (RFC 7592 §2.3). Tokens that it has may be over as well.
    ///
    /// # Errors
    /// [`Misuse::Registration`](crate::Misuse::Registration) if the server gave no place or no token for it, or a place at
    /// another origin; the registration is still intact.
    pub fn delete(self) -> Result<RegistrationDeletion, Failure<Self>> {
        Managed::new(self).map(RegistrationDeletion)
    }
}

impl RegistrationDeletion {
    /// The registered client as it was.
    pub fn into_registered(self) -> Registered {
        self.0.registered
    }
}

impl fmt::Debug for RegistrationDeletion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RegistrationDeletion").field(&self.0.registered).finish()
    }
}

impl Exchange for RegistrationDeletion {
    type Output = ();

    fn request(&self, _env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        Ok(self.0.request(Method::DELETE, None))
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        // RFC 7592 §2.3 has 204. An empty 200 says the same; a page with a 200 may come from anyone.
        let empty = response.body().as_ref().trim_ascii().is_empty();
        let success =
            if response.status() == StatusCode::OK && empty { StatusCode::OK } else { StatusCode::NO_CONTENT };
        match call::status(UrlRole::ClientConfiguration, env.now, success, &response) {
            Ok(()) => Ok(Step::Done(())),
            Err(no) => Err(no.replayable(self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer_to_replayable(sent, self))
    }
}
