//! The outside world: ureq, with a clock that the example sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use grantflow::{Body, EntropyFailed, UnixTime};
use grantflow_session::{Later, Unanswered, Ureq};
use http::{Request, Response};

/// A clock that shows the time that it was set to. Clones are one clock.
#[derive(Clone)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(grantflow_testkit::Server::START)))
    }

    pub(crate) fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::SeqCst);
    }
}

/// [`Ureq`] with that clock. A real service uses `Ureq` as it is.
pub(crate) struct Outside {
    ureq: Ureq,
    clock: Clock,
}

impl Outside {
    pub(crate) fn new(clock: &Clock) -> Self {
        Self { ureq: Ureq::new(grantflow_ureq::Agent::new()), clock: clock.clone() }
    }
}

impl grantflow_session::Outside for Outside {
    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        self.ureq.fill(bytes)
    }

    fn wait(&self, duration: Duration) -> Later<'_, ()> {
        Box::pin(async move { self.clock.advance(duration) })
    }

    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        self.ureq.send(request)
    }
}
