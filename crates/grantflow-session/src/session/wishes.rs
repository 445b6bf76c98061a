//! Logins and logouts: noted at the call, and carried out by the flight, even if their caller goes away.

use core::future::poll_fn;
use core::pin::pin;
use core::sync::atomic::Ordering;
use core::task::Poll;
use std::sync::Arc;

use grantflow::Tokens;

use super::memory::{Taken, Ticket};
use super::waiting::{Patient, carry_out_wishes, in_background};
use super::work::{End, Landed};
use super::{Renewed, Session};
use crate::error::SessionError;
use crate::fresh::FreshToken;
use crate::renewal::Unsaved;
use crate::sync::{Mutex, lock};

impl Session {
    /// Stores the tokens of a login in place of what is there, and uses them. It also replaces a damaged entry.
    ///
    /// From the call until they are stored, [`Session::unsaved`] returns them, and no caller gets a token of the grant
    /// that they replace. A later login replaces them, and a later [`Session::forget`] removes them. A renewal in
    /// progress ends first.
    ///
    /// # When it is dropped
    ///
    /// Dropping the future, even before it is polled, drops the wait and not the login. The background stores the
    /// login, if there is one, or else the next call of [`Session::token`] or [`Session::finish`].
    ///
    /// # Errors
    /// [`SessionError::Record`] if they belong to another client; then they are not taken. [`SessionError::Store`],
    /// [`SessionError::NotStored`], [`SessionError::Busy`], [`SessionError::Contended`]: [`Session::unsaved`] returns
    /// them, and the next call of [`Session::token`] tries again.
    pub fn prime(&self, tokens: Tokens) -> impl Future<Output = Result<FreshToken, SessionError>> + Send + '_ {
        let login = Unsaved::login(&self.inner.plan, tokens);
        let ticket = login.map(|login| self.inner.memory_mut().log_in(login)).map_err(SessionError::Record);
        let wished = ticket.as_ref().ok().map(|ticket| Wished::new(self, *ticket));
        async move {
            let result = self.store_login(ticket?).await;
            wished.into_iter().for_each(Wished::told);
            result
        }
    }

    /// Like [`Session::prime`], for blocking code.
    ///
    /// # Errors
    /// The errors of [`Session::prime`], and [`SessionError::CannotBlock`], with the login unsaved.
    pub fn prime_blocking(&self, tokens: Tokens) -> Result<FreshToken, SessionError> {
        self.block_on(self.prime(tokens))?
    }

    /// Logs out: removes the grant from the store and from memory, including an unsaved login. It also removes a
    /// damaged entry. It does not revoke the grant at the server: [`Session::forget_and_take`] returns what a revocation
    /// needs.
    ///
    /// A renewal in progress ends first, and its tokens are removed too. Tokens that callers have already stay valid.
    ///
    /// # When it is dropped
    ///
    /// After the first poll, dropping the future drops the wait and not the logout. The logout continues in the
    /// background, if there is one, or else with the next call of [`Session::token`] or [`Session::finish`]. Before the
    /// first poll it has not begun.
    ///
    /// # Errors
    /// [`SessionError::Store`], [`SessionError::Busy`], [`SessionError::Contended`]; then the grant is still there.
    pub async fn forget(&self) -> Result<(), SessionError> {
        self.log_out(None).await
    }

    /// Like [`Session::forget`], and returns the tokens that it has removed: those of the store, and those that were not
    /// stored yet. So a program can revoke them at the server (RFC 7009), which ends the grant there too.
    ///
    /// ```no_run
    /// # async fn example(session: grantflow_session::Session) -> Result<(), Box<dyn std::error::Error>> {
    /// for tokens in session.forget_and_take().await? {
    ///     let revocation = tokens.revoke()?;
    ///     // grantflow_reqwest::run(&agent, revocation).await?; if the server cannot be reached, `Left::Intact` has it
    /// #   let _ = revocation;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// There are none if nothing was stored, if the entry could not be read, or if it belongs to another client. After a
    /// dropped future the tokens are gone, as after [`Session::forget`].
    ///
    /// # Errors
    /// The errors of [`Session::forget`]; then the grant is still there.
    pub async fn forget_and_take(&self) -> Result<Vec<Tokens>, SessionError> {
        let taken = Arc::new(Mutex::new(Vec::new()));
        self.log_out(Some(&taken)).await?;
        let taken = core::mem::take(&mut *lock(&taken));
        Ok(taken.iter().filter_map(|taken| taken.tokens(&self.inner.plan)).collect())
    }

    /// Like [`Session::forget_and_take`], for blocking code.
    ///
    /// # Errors
    /// The errors of [`Session::forget`], and [`SessionError::CannotBlock`].
    pub fn forget_and_take_blocking(&self) -> Result<Vec<Tokens>, SessionError> {
        self.block_on(self.forget_and_take())?
    }

    async fn log_out(&self, taker: Option<&Arc<Mutex<Vec<Taken>>>>) -> Result<(), SessionError> {
        let ticket = self.inner.memory_mut().log_out(taker);
        let wished = Wished::new(self, ticket);
        loop {
            let _ = self.fly().await;
            let ended = self.inner.memory().logout_ended(ticket);
            if let Some(result) = ended {
                wished.told();
                return result;
            }
        }
    }

    /// Like [`Session::forget`], for blocking code.
    ///
    /// # Errors
    /// The errors of [`Session::forget`], and [`SessionError::CannotBlock`].
    pub fn forget_blocking(&self) -> Result<(), SessionError> {
        self.block_on(self.forget())?
    }

    /// Brings work in progress to its end: a renewal in the background, and a login or a logout whose caller has gone.
    /// Then it tries once more to store [unsaved](Session::unsaved) tokens. Call it before the program ends: a renewal
    /// that is cut off leaves its grant in doubt, and unsaved tokens are in memory only.
    pub async fn finish(&self) {
        if self.flight.is_inside() {
            return;
        }
        let _patient = Patient::new(&self.inner);
        while self.flight.is_under_way() {
            let mut flight = pin!(self.fly());
            let ends = poll_fn(|context| match flight.as_mut().poll(context) {
                // Nothing is lost between two polls, and a person may take minutes to approve.
                Poll::Pending if self.inner.polls.load(Ordering::SeqCst) => Poll::Ready(false),
                pending_or_not => pending_or_not.map(|_| true),
            });
            if !ends.await {
                return;
            }
        }
        carry_out_wishes(&self.flight, &self.inner).await;
        let has_unsaved = self.inner.memory().has_unsaved();
        if has_unsaved {
            let _ = self.fly().await;
        }
    }

    /// Like [`Session::finish`], for blocking code.
    ///
    /// # Errors
    /// [`SessionError::CannotBlock`].
    pub fn finish_blocking(&self) -> Result<(), SessionError> {
        let waits = self.inner.memory().wish().is_some() || self.inner.memory().has_unsaved();
        if waits || self.flight.is_under_way() { self.block_on(self.finish()) } else { Ok(()) }
    }

    async fn store_login(&self, ticket: Ticket) -> Renewed {
        loop {
            let landed = self.fly().await;
            match landed {
                Some(Landed { wish, end: End::Token(token) }) if wish == Some(ticket) => return Ok(token),
                Some(Landed { wish, end: End::Failed(error) }) if wish == Some(ticket) => return Err(error),
                // Earlier work has ended, or a plug panicked on another caller's thread.
                _ if self.inner.memory().awaits_login(ticket) => {}
                // It is stored, or a later login or logout replaced it: the current token decides.
                _ => return Box::pin(self.token()).await,
            }
        }
    }
}

/// A login or a logout whose caller may go away; then the background continues it.
pub(super) struct Wished {
    session: Session,
    ticket: Option<Ticket>,
}

impl Wished {
    pub(super) fn new(session: &Session, ticket: Ticket) -> Self {
        Self { session: session.clone(), ticket: Some(ticket) }
    }

    /// Its caller knows the outcome.
    pub(super) fn told(mut self) {
        self.ticket = None;
    }
}

impl Drop for Wished {
    fn drop(&mut self) {
        let Session { inner, flight } = &self.session;
        if self.ticket.is_some_and(|ticket| inner.memory().awaits(ticket)) && !flight.is_inside() {
            let _ = in_background(flight, inner, None);
        }
    }
}
