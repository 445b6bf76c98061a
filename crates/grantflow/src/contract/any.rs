//! An exchange of any type.

use core::any::Any;
use core::fmt;
use core::time::Duration;

use http::{Request, Response};

use super::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::Error;
use crate::value::time::UnixTime;
use erased::Erased;

/// An exchange of any type with the output `T`: for code that stores a plan and does not care which flow it is.
///
/// It is an [`Exchange`] itself: every loop runs it, and a failure leaves an `AnyExchange` again.
/// [`downcast`](Self::downcast) returns the exchange in it.
///
/// ```
/// use grantflow::{AnyExchange, ClientCredentials, Server, Tokens};
///
/// let client = Server::with_token_endpoint("https://as.example/token")?.client("robot").secret_basic("s3cret")?;
/// let plan: AnyExchange<Tokens> = AnyExchange::new(ClientCredentials::new(&client).scope("clubs")?);
///
/// let exchange = plan.downcast::<ClientCredentials>().expect("it is what was put in");
/// # let _ = exchange;
/// # Ok::<(), grantflow::Error>(())
/// ```
#[must_use = "it holds an exchange: run it, or take the exchange out with downcast()"]
pub struct AnyExchange<T: 'static>(Box<dyn Erased<T>>);

impl<T: 'static> AnyExchange<T> {
    /// Erases the type of an exchange.
    pub fn new<X: Exchange<Output = T> + Send + 'static>(exchange: X) -> Self {
        Self(Box::new(exchange))
    }

    /// The exchange in it.
    ///
    /// # Errors
    /// This value, unchanged, if it holds an exchange of another type.
    pub fn downcast<X: Exchange<Output = T> + Send + 'static>(self) -> Result<X, Self> {
        let any: &dyn Any = &*self.0;
        if !any.is::<X>() {
            return Err(self);
        }
        let any: Box<dyn Any> = self.0;
        match any.downcast::<X>() {
            Ok(exchange) => Ok(*exchange),
            Err(_) => unreachable!("the type was compared just now"),
        }
    }
}

impl<T: 'static> Exchange for AnyExchange<T> {
    type Output = T;

    fn rest(&self, now: UnixTime) -> Duration {
        self.0.rest(now)
    }

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        self.0.request(env)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let (parts, body) = response.into_parts();
        self.0.respond(env, Response::from_parts(parts, body.as_ref()))
    }

    fn unanswered(self, env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        self.0.unanswered(env, sent)
    }
}

impl<T: 'static> fmt::Debug for AnyExchange<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyExchange({})", self.0.name())
    }
}

/// In a separate module: here the names of its methods would hide those of [`Exchange`].
mod erased {
    use core::any::{Any, type_name};
    use core::time::Duration;

    use http::{Request, Response};

    use super::AnyExchange;
    use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
    use crate::error::Error;
    use crate::value::time::UnixTime;

    type Outcome<T> = Result<Step<AnyExchange<T>>, Failure<AnyExchange<T>>>;

    /// An [`Exchange`] that can be a trait object.
    pub(super) trait Erased<T: 'static>: Any + Send {
        fn name(&self) -> &'static str;
        fn rest(&self, now: UnixTime) -> Duration;
        fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error>;
        fn respond(self: Box<Self>, env: &mut Env<'_>, response: Response<&[u8]>) -> Outcome<T>;
        fn unanswered(self: Box<Self>, env: &mut Env<'_>, sent: Sent) -> Outcome<T>;
    }

    impl<T: 'static, X: Exchange<Output = T> + Send + 'static> Erased<T> for X {
        fn name(&self) -> &'static str {
            type_name::<X>()
        }

        fn rest(&self, now: UnixTime) -> Duration {
            Exchange::rest(self, now)
        }

        fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
            Exchange::request(self, env)
        }

        fn respond(self: Box<Self>, env: &mut Env<'_>, response: Response<&[u8]>) -> Outcome<T> {
            erase(Exchange::respond(*self, env, response))
        }

        fn unanswered(self: Box<Self>, env: &mut Env<'_>, sent: Sent) -> Outcome<T> {
            erase(Exchange::unanswered(*self, env, sent))
        }
    }

    fn erase<T: 'static, X: Exchange<Output = T> + Send + 'static>(outcome: Result<Step<X>, Failure<X>>) -> Outcome<T> {
        match outcome {
            Ok(Step::Done(output)) => Ok(Step::Done(output)),
            Ok(Step::Again(exchange)) => Ok(Step::Again(AnyExchange::new(exchange))),
            Err(failure) => Err(failure.map_left(AnyExchange::new)),
        }
    }
}
