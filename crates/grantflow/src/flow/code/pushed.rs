//! The authorization request, pushed (RFC 9126): the client sends it to the server, and the browser carries only a
//! reference to it.

use core::fmt;

use http::{Request, Response, StatusCode};
use zeroize::Zeroizing;

use super::authorization::{Authorization, AuthorizationUrl, Drawn, Redirect};
use crate::answer::pushed;
use crate::call;
use crate::client::authorization_url;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::{Error, UrlRole};
use crate::server::fields::{Field, Params};
use crate::server::{EndpointKind, Message};

/// An authorization request that will be pushed to the server (RFC 9126 §2.1). Its output is a [`Redirect`], whose URL
/// has `client_id` and `request_uri` and nothing else (§4). Send the person there soon, because the reference expires,
/// often within a minute.
///
/// Every failure leaves it intact: an unused request does no harm. Sent again, it has the same `state` and the same
/// PKCE challenge.
#[must_use = "run it to get the URL to send the person to"]
pub struct PushedAuthorization {
    authorization: Authorization,
    secrets: Drawn,
}

/// A grant that has begun: send the person to its URL, or push the request first.
#[must_use = "send the person to the URL, or run the exchange first"]
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a request is pushed, or it is not")]
#[allow(clippy::large_enum_variant, reason = "it is matched at once, and a box would cost more than it saves")]
pub enum Begun {
    /// Send the person to its URL.
    Redirect(Redirect),
    /// Run it: its output is the [`Redirect`].
    Push(PushedAuthorization),
}

impl Authorization {
    /// Starts a grant by pushing the request (RFC 9126), so that no one can read or change it in the browser. Draws
    /// `state` and the PKCE verifier.
    ///
    /// # Errors
    /// [`Misuse::NoEndpoint`](crate::Misuse::NoEndpoint) if the server has no pushed authorization request endpoint;
    /// [`Misuse::ReservedParameter`](crate::Misuse::ReservedParameter) or
    /// [`Misuse::DuplicateParameter`](crate::Misuse::DuplicateParameter) if an extra parameter may be in the URL and not in the
    /// pushed request, because the server's quirks or the endpoint's own query have the name; [`Error::Entropy`]. Nothing is
    /// sent.
    pub fn push(&self, env: &mut Env<'_>) -> Result<PushedAuthorization, Error> {
        let server = self.client.server();
        server.needed(EndpointKind::PushedAuthorizationRequest)?;
        // They were checked for the URL only. This message reserves other names.
        let mut checked = Params::default();
        for (name, value) in self.extra.iter() {
            server.add_param(Message::PushedAuthorizationRequest, &mut checked, name, value)?;
        }
        Ok(PushedAuthorization { secrets: self.draw(env)?, authorization: self.clone() })
    }

    /// Starts a grant as the server demands: by [`push`](Self::push) if it
    /// [requires](crate::Server::requires_pushed_authorization_requests) pushed requests, else by
    /// [`start`](Self::start). For programs that support any server by its metadata.
    ///
    /// # Errors
    /// The errors of [`push`](Self::push) and [`start`](Self::start).
    ///
    /// ```
    /// use grantflow::{Authorization, Begun, Callback, Env, Exchange, Server, Step, UnixTime};
    /// # use grantflow_testkit as testkit;
    /// # struct Counting(u8);
    /// # impl grantflow::Entropy for Counting {
    /// #     fn fill(&mut self, bytes: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
    /// #         for b in bytes { self.0 = self.0.wrapping_mul(7).wrapping_add(3); *b = self.0; }
    /// #         Ok(())
    /// #     }
    /// # }
    /// # let mut provider = testkit::Server::new("https://as.example");
    /// # provider.register(testkit::Client::public("app").redirect_uri("https://app.example/cb").scope("read"));
    /// # provider.knobs().require_pushed_authorization_requests = true;
    /// # let mut rng = Counting(1);
    /// # let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
    /// let server = Server::new(&provider.authorize_url(), &provider.token_url())?
    ///     .pushed_authorization_request_endpoint(&provider.endpoint_url(testkit::Endpoint::PushedAuthorization))?
    ///     .require_pushed_authorization_requests();
    /// let authorization = Authorization::new(&server.client("app").public()?, "https://app.example/cb")?.scope("read")?;
    ///
    /// let redirect = match authorization.begin(&mut env)? {
    ///     Begun::Redirect(redirect) => redirect,
    ///     Begun::Push(exchange) => {
    ///         let response = provider.handle(&exchange.request(&mut env)?);
    ///         let Step::Done(redirect) = exchange.respond(&mut env, response)? else { unreachable!("it has one step") };
    ///         redirect
    ///     }
    /// };
    /// assert!(redirect.url.as_str().starts_with("https://as.example/oauth/authorize?client_id=app&request_uri=urn"));
    ///
    /// // From here on, it is as any login.
    /// let callback = provider.visit(redirect.url.as_str())?;
    /// assert!(matches!(redirect.pending.receive_url(&callback.url), Callback::Granted(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn begin(&self, env: &mut Env<'_>) -> Result<Begun, Error> {
        if self.client.server().requires_pushed_authorization_requests() {
            self.push(env).map(Begun::Push)
        } else {
            self.start(env).map(Begun::Redirect)
        }
    }
}

impl PushedAuthorization {
    /// The URL for the person, with the reference to the pushed request.
    fn url(&self, request_uri: &str) -> AuthorizationUrl {
        let data = self.authorization.client.data();
        let own = [Field::new("client_id", &data.id), Field::new("request_uri", request_uri)];
        let server = &data.server;
        // It existed when the authorization request was made.
        let url = server.authorization_endpoint().map(|endpoint| authorization_url(server, endpoint, &own));
        AuthorizationUrl(Zeroizing::new(url.unwrap_or_default()))
    }
}

impl fmt::Debug for PushedAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushedAuthorization").field("authorization", &self.authorization).finish_non_exhaustive()
    }
}

impl Exchange for PushedAuthorization {
    type Output = Redirect;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let data = self.authorization.client.data();
        // RFC 9126 §2.1 demands it in the body, with every client authentication.
        let named = data.auth.names_the_client(data.server.quirks());
        let id = (!named).then(|| Field::new("client_id", &data.id));
        let (to, on) = (EndpointKind::PushedAuthorizationRequest, Message::PushedAuthorizationRequest);
        self.authorization.with_fields(&self.secrets, |all| {
            let response_type = Field::plain("response_type", "code");
            let fields: Vec<Field<'_>> = core::iter::once(response_type).chain(all.iter()).chain(id).collect();
            call::post(data, env, to, on, &fields, &self.authorization.extra)
        })
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let (role, created) = (UrlRole::PushedAuthorizationRequest, StatusCode::CREATED);
        match call::object(role, env.now, created, None, &response, |mut members| pushed::read(&mut members)) {
            Ok(request_uri) => {
                let url = self.url(&request_uri);
                Ok(Step::Done(self.authorization.redirect(url, self.secrets)))
            }
            Err(no) => Err(no.replayable(self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer_to_replayable(sent, self))
    }
}
