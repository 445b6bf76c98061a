//! A grant that grantflow does not have: a voucher that can be used once. Everything else comes from the public API: the
//! client authentication, the request, the parsing, the errors, and what is left of the grant.

use core::fmt;

use grantflow::{Asked, Body, Client, Env, Error, Exchange, Failure, Sent, Step, Tokens};
use http::{Request, Response};

/// A voucher on its way to the token endpoint.
#[must_use = "run it to get the tokens"]
pub struct Voucher {
    asked: Asked,
    voucher: String,
}

impl Voucher {
    /// A voucher for this client, public or confidential.
    pub fn new(client: impl Into<Client>, voucher: &str) -> Self {
        Self { asked: Asked::new(client), voucher: voucher.to_owned() }
    }

    /// The scope to ask for.
    ///
    /// # Errors
    /// The errors of [`Asked::scope`].
    pub fn scope(mut self, scope: &str) -> Result<Self, Error> {
        self.asked.scope(scope)?;
        Ok(self)
    }

    /// A resource that the token is to be for.
    ///
    /// # Errors
    /// The errors of [`Asked::resource`].
    pub fn resource(mut self, resource: &str) -> Result<Self, Error> {
        self.asked.resource(resource)?;
        Ok(self)
    }
}

impl fmt::Debug for Voucher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Voucher").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl Exchange for Voucher {
    type Output = Tokens;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let fields = [("grant_type", "urn:example:voucher"), ("voucher", self.voucher.as_str())];
        self.asked.client().token_request(env, &fields, &self.asked)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        match self.asked.client().token_answer(env.now, &response, &self.asked) {
            Ok(tokens) => Ok(Step::Done(tokens)),
            Err(no) => Err(no.single_use(self)),
        }
    }

    fn unanswered(self, _: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(match sent {
            Sent::NotSent => Failure::intact(Error::NoAnswer(sent), self),
            Sent::MaybeSent => Failure::unknown(Error::NoAnswer(sent), self),
        })
    }
}
