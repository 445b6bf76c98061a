//! For flows of other crates: this crate's request building, client authentication, parsing and errors.

use http::{Request, Response};

use super::asked::Asked;
use super::not_granted::NotGranted;
use super::request;
use super::token::{Grant, token_answer};
use crate::client::Client;
use crate::contract::{Body, Env};
use crate::error::{Error, Misuse};
use crate::server::fields::Field;
use crate::server::{CLIENT, Message};
use crate::token::{Tokens, check_identity};
use crate::value::time::UnixTime;

/// Grants that must not be built: two are removed (RFC 9700 §2.1.2, §2.4), and the others have a flow here, whose checks
/// would be left out.
const REFUSED: [&str; 10] = [
    "password",
    "implicit",
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:openid:params:grant-type:ciba",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
];

/// Parameters that no grant has: [`Asked`] has three of them, and the other two belong to removed grants.
const NOT_ITS_OWN: [&str; 5] = ["scope", "resource", "authorization_details", "username", "password"];

/// Whether a grant type is not built here: it is empty, removed, or has a flow. Some servers read it in any case.
pub(crate) fn is_refused_grant(grant_type: &str) -> bool {
    let grant_type = grant_type.trim();
    grant_type.is_empty() || REFUSED.iter().any(|refused| refused.eq_ignore_ascii_case(grant_type))
}

impl Client {
    /// A token request (RFC 6749 §3.2) for your own grant: POST, the grant's parameters with `grant_type` in the body,
    /// this client's authentication, and what is asked for.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`] for a name that authenticates the client or belongs to [`Asked`], in any case, for the
    /// new name of a parameter that the server's quirks rename (give the standard name), for a missing or empty
    /// `grant_type`, for the removed grants (`password`, `implicit`), and for grants that have a flow here;
    /// [`Misuse::DuplicateParameter`].
    ///
    /// ```
    /// use grantflow::{
    ///     Asked, Body, Client, Env, Error, Exchange, Failure, Meaning, Sent, Step, Tokens, UnixTime,
    /// };
    /// use http::{Request, Response};
    ///
    /// /// A grant that an extension defines: a voucher that can be used once.
    /// struct Voucher { asked: Asked, voucher: String }
    ///
    /// impl Exchange for Voucher {
    ///     type Output = Tokens;
    ///
    ///     fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
    ///         let fields = [("grant_type", "urn:example:voucher"), ("voucher", &self.voucher)];
    ///         self.asked.client().token_request(env, &fields, &self.asked)
    ///     }
    ///
    ///     fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
    ///         match self.asked.client().token_answer(env.now, &response, &self.asked) {
    ///             Ok(tokens) => Ok(Step::Done(tokens)),
    ///             Err(no) => Err(no.single_use(self)),
    ///         }
    ///     }
    ///
    ///     fn unanswered(self, _: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
    ///         Err(match sent {
    ///             Sent::NotSent => Failure::intact(Error::NoAnswer(sent), self),
    ///             Sent::MaybeSent => Failure::unknown(Error::NoAnswer(sent), self),
    ///         })
    ///     }
    /// }
    /// # let server = grantflow::Server::with_token_endpoint("https://as.example/token")?;
    /// # let client = server.client("robot").secret_post("s3cret")?;
    /// # struct NoRandom;
    /// # impl grantflow::Entropy for NoRandom {
    /// #     fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
    /// # }
    /// # let mut rng = NoRandom;
    /// # let mut env = Env::new(UnixTime::from_secs(1_700_000_000), &mut rng);
    ///
    /// let mut asked = Asked::new(&client);
    /// asked.scope("clubs")?;
    /// let exchange = Voucher { asked, voucher: "V-1".to_owned() };
    /// let request = exchange.request(&mut env)?;
    /// let body = String::from_utf8(request.into_body().into())?;
    /// assert_eq!(
    ///     body,
    ///     "grant_type=urn%3Aexample%3Avoucher&voucher=V-1&scope=clubs&client_id=robot&client_secret=s3cret"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn token_request(
        &self,
        env: &mut Env<'_>,
        fields: &[(&str, &str)],
        asked: &Asked,
    ) -> Result<Request<Body>, Error> {
        self.check_fields(fields, asked)?;
        let fields: Vec<Field<'_>> = fields.iter().map(|(name, value)| Field::new(name, value)).collect();
        asked.with(&fields, |all| request::token(self.data(), env, all, &asked.extra))
    }

    /// Reads the answer to a [`token_request`](Self::token_request), which arrived at `now` (RFC 6749 §5.1, §5.2).
    ///
    /// # Errors
    /// [`NotGranted`]: why, and what it means for the grant.
    pub fn token_answer<B: AsRef<[u8]>>(
        &self,
        now: UnixTime,
        response: &Response<B>,
        asked: &Asked,
    ) -> Result<Tokens, NotGranted> {
        token_answer(self.data(), now, Grant::Other, response, |answer| {
            check_identity(&answer, asked.scope.as_ref())?;
            Ok(Tokens::new(self.clone(), answer, asked.scope.clone(), asked.resources.clone(), now))
        })
    }

    pub(crate) fn check_fields(&self, fields: &[(&str, &str)], asked: &Asked) -> Result<(), Error> {
        let (server, on) = (self.server(), Message::TokenRequest);
        // Some servers read names in any case.
        let is_one_of = |names: &[&str], text: &str| names.iter().any(|known| known.eq_ignore_ascii_case(text));
        let reserved = |(name, _): &(&str, &str)| {
            let (renamed, name) = (server.quirks().is_new_name(on, name), name.trim());
            name.is_empty() || renamed || is_one_of(&CLIENT, name) || is_one_of(&NOT_ITS_OWN, name)
        };
        let grant_type = fields.iter().find(|(name, _)| *name == "grant_type").map(|(_, value)| value.trim());
        // `asked` may have been made for a client of another server.
        let foreign = |(name, _): (&str, &str)| server.quirks().is_like_reserved(on, name);
        if fields.iter().any(reserved) || grant_type.is_none_or(is_refused_grant) || asked.extra.iter().any(foreign) {
            return Err(Error::Misuse(Misuse::ReservedParameter));
        }
        for (at, (name, _)) in fields.iter().enumerate() {
            let before = fields.iter().take(at).any(|(known, _)| known.eq_ignore_ascii_case(name));
            if before || asked.extra.has(name) || server.has_in_query(on, name) {
                return Err(Error::Misuse(Misuse::DuplicateParameter));
            }
        }
        if asked.extra.iter().any(|(name, _)| server.has_in_query(on, name)) {
            return Err(Error::Misuse(Misuse::DuplicateParameter));
        }
        Ok(())
    }
}
