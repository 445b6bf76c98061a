//! How a session stands, and what that means for who asks: time in, decision out.

use core::time::Duration;

use grantflow::UnixTime;

use crate::error::{Cause, SessionError};
use crate::fresh::FreshToken;
use crate::policy::Policy;
use crate::renewal::{Plan, Unsaved};

/// How a grant stands, as far as this process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Nothing is known yet: the store is read when somebody asks for a token.
    Unread,
    /// The token is good.
    Fresh,
    /// The token is to be renewed: it is about to be over, it is over, or an API refused it.
    Due,
    /// A renewal is under way.
    Refreshing,
    /// The grant is gone: log in again.
    Lost,
    /// The answer to a refresh never came, and the policy's retries are used up: log in again.
    Unknown,
}

/// What a session remembers between two questions. The store is the truth; this is a copy.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    token: Option<FreshToken>,
    /// The token that an API refused: not to be taken out of the store again.
    pub(crate) weary: Option<FreshToken>,
    pub(crate) unsaved: Option<Unsaved>,
    pub(crate) error: Option<SessionError>,
    /// How many renewals in a row came to nothing.
    failures: u32,
    /// Until then, the server is left alone, for so long.
    pause: Option<(UnixTime, Duration)>,
}

/// What to do for a caller.
#[derive(Debug)]
pub(crate) enum Advice {
    /// This token is good.
    Use(FreshToken),
    /// This token will do; it is time to renew it.
    RenewAhead(FreshToken),
    /// There is no token until one is renewed.
    Renew,
    /// There is none, and it is too early to ask the server again.
    Wait(SessionError),
}

impl Standing {
    pub(crate) fn advice(&self, now: UnixTime, plan: &Plan) -> Advice {
        // By a clock that fell back since, it would seem to have hardly begun.
        let paused = self
            .pause
            .is_some_and(|(until, pause)| now < until && until.saturating_since(now) <= pause.saturating_mul(2));
        match &self.token {
            Some(token) if !token.is_due(now) && self.unsaved.is_none() => Advice::Use(token.clone()),
            Some(token) if !token.is_over(now) => {
                // A clock that went back makes a token due; a renewal that just failed makes the next one wait. What is
                // unsaved stands in the place of this token.
                if self.unsaved.is_none() && (paused || !plan.can_renew(token)) {
                    Advice::Use(token.clone())
                } else {
                    Advice::RenewAhead(token.clone())
                }
            }
            _ => match &self.error {
                Some(error) if paused => Advice::Wait(error.clone()),
                _ => Advice::Renew,
            },
        }
    }

    /// The token, if it is not over.
    pub(crate) fn usable(&self, now: UnixTime) -> Option<FreshToken> {
        self.token.as_ref().filter(|token| !token.is_over(now)).cloned()
    }

    pub(crate) fn state(&self, now: UnixTime, under_way: bool) -> State {
        match (&self.token, &self.error) {
            _ if under_way => State::Refreshing,
            (Some(token), _) if !token.is_due(now) && !token.is_over(now) => State::Fresh,
            (_, Some(SessionError::Lost(_))) => State::Lost,
            (_, Some(SessionError::Unknown)) => State::Unknown,
            (None, None | Some(SessionError::Empty)) if self.weary.is_none() => State::Unread,
            _ => State::Due,
        }
    }

    pub(crate) fn renewed(&mut self, token: FreshToken) {
        // A renewal that was under way when an API refused the token may have found that very token.
        if !self.is_refused(&token) {
            *self = Self { token: Some(token), ..Self::default() };
        }
    }

    /// Whether nothing is known yet.
    pub(crate) fn is_unread(&self) -> bool {
        self.token.is_none() && self.weary.is_none() && self.unsaved.is_none()
    }

    /// A token that was found in the store and is due: good until it is over, should its renewal fail.
    pub(crate) fn remember(&mut self, token: FreshToken, now: UnixTime) {
        if self.is_unread() && token.is_due(now) && !token.is_over(now) {
            self.token = Some(token);
        }
    }

    /// The token that is not to be taken out of the store again: an API refused it, or it is due. Read anew, with another draw
    /// of the jitter, it might seem good for a while.
    pub(crate) fn unwanted(&self, now: UnixTime) -> Option<FreshToken> {
        self.weary.clone().or_else(|| self.token.clone().filter(|token| token.is_due(now)))
    }

    /// Whether an API has refused this token.
    pub(crate) fn is_refused(&self, token: &FreshToken) -> bool {
        self.weary.as_ref().is_some_and(|weary| weary.is(token))
    }

    pub(crate) fn not_renewed(
        &mut self,
        now: UnixTime,
        policy: &Policy,
        cause: Cause,
        retry_after: Option<Duration>,
    ) -> SessionError {
        self.failures = self.failures.saturating_add(1);
        let pause = policy.pause(self.failures, retry_after);
        let retry_at = now.saturating_add(pause);
        self.pause = Some((retry_at, pause));
        self.failed(SessionError::NotRenewed { cause, retry_at })
    }

    /// The token stays, if it is not over: whatever became of the grant, it was given for that long.
    pub(crate) fn failed(&mut self, error: SessionError) -> SessionError {
        self.error = Some(error.clone());
        error
    }

    pub(crate) fn refuse(&mut self, token: &FreshToken) -> bool {
        let current = self.token.as_ref().is_some_and(|known| known.is(token));
        if current {
            self.weary = self.token.take();
        }
        current
    }
}
