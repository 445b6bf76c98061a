//! What a session does for its source: it obtains an exchange, and waits between two polls.

use core::future::poll_fn;
use core::sync::atomic::Ordering;
use core::task::Poll;

use grantflow::{AnyExchange, Tokens};

use super::Inner;
use super::memory::Ticket;
use crate::renewal::Obtaining;
use crate::source::SourceError;
use crate::store::Later;

impl Inner {
    /// The exchange of the session's source, or an error when its time is over.
    pub(super) async fn obtained(&self, state: &Obtaining) -> Result<AnyExchange<Tokens>, SourceError> {
        let mut obtained = state.obtain(self.outside.now());
        let mut deadline = self.outside.wait(self.plan.policy.send_deadline);
        let late = || Err("the source took longer than the policy's send_deadline".into());
        poll_fn(|context| match obtained.as_mut().poll(context) {
            Poll::Ready(obtained) => Poll::Ready(obtained),
            Poll::Pending => deadline.as_mut().poll(context).map(|()| late()),
        })
        .await
    }

    /// Waits for the next poll. `false` if a login or a logout comes, which ends the polling.
    pub(super) async fn between_polls(&self, mut waited: Later<'_, ()>, ours: Option<Ticket>) -> bool {
        let _polls = Polls::begin(self);
        poll_fn(|context| {
            if self.memory().wish() > ours {
                return Poll::Ready(false);
            }
            waited.as_mut().poll(context).map(|()| self.memory().wish() <= ours)
        })
        .await
    }
}

/// Says that the flight waits between two polls, until it is dropped.
struct Polls<'a>(&'a Inner);

impl<'a> Polls<'a> {
    fn begin(inner: &'a Inner) -> Self {
        inner.polls.store(true, Ordering::SeqCst);
        Self(inner)
    }
}

impl Drop for Polls<'_> {
    fn drop(&mut self) {
        self.0.polls.store(false, Ordering::SeqCst);
    }
}
