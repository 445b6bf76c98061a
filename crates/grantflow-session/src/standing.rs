//! The state of a session, and what that means for a caller: time in, decision out.

use core::time::Duration;

use grantflow::UnixTime;

use crate::error::{Cause, SessionError};
use crate::fresh::FreshToken;
use crate::policy::{Draw, Failed, HOUR, Policy, seconds};
use crate::renewal::{Doubt, Insist, Plan, Unsaved};

#[cfg(test)]
mod tests;

/// The state of a grant, as far as this process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Nothing is known yet: the store is read at the first call for a token.
    Unread,
    /// The token is good.
    Fresh,
    /// The token has to be renewed: it is nearly over, it is over, or an API refused it.
    Due,
    /// A renewal is in progress.
    Refreshing,
    /// The grant is gone: log in again.
    Lost,
    /// No answer to a refresh came that counts. The session repeats the refresh until the server gives a verdict, and
    /// uses the access token while it is good. A login also ends the doubt.
    InDoubt,
    /// The same, and the policy allows no further request: log in again.
    Unknown,
}

/// What a session remembers between two calls. The store is the truth; this is a copy.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    token: Option<FreshToken>,
    /// The token that an API refused. It must not be read from the store again.
    pub(crate) weary: Option<FreshToken>,
    pub(crate) unsaved: Option<Unsaved>,
    pub(crate) error: Option<SessionError>,
    /// How many renewals in a row have failed.
    failures: u32,
    /// No request is sent until then.
    pause: Option<Pause>,
    /// In doubt: the next request is sent when the access token is over, and not before.
    when_over: bool,
    /// When the store was last read during a pause.
    looked: Option<UnixTime>,
    /// The status and code of the server's refusal.
    words: Option<Words>,
    insist: Insist,
    refusals: Refusals,
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    until: UnixTime,
    length: Duration,
    /// The server asked for the pause.
    told: bool,
}

impl Pause {
    fn is_on(self, now: UnixTime) -> bool {
        // If the clock fell back, the pause would seem to have hardly begun.
        now < self.until && self.until.saturating_since(now) <= self.length.saturating_mul(2)
    }
}

#[derive(Debug)]
struct Words {
    words: (u16, String),
    since: UnixTime,
}

/// How often an API refuses tokens that the server has just issued.
#[derive(Debug, Default)]
struct Refusals {
    /// The token replaced one that an API refused.
    replaced: bool,
    /// How many in a row were refused in this way.
    row: u32,
}

/// A token that is refused this soon after it came was never of use.
const AT_ONCE: Duration = Duration::from_secs(60);
/// How often the store is read during a pause: another process may have renewed, or a person logged in.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// What to do for a caller.
#[derive(Debug)]
pub(crate) enum Advice {
    /// This token is good.
    Use(FreshToken),
    /// This token is usable, and should be renewed now.
    RenewAhead(FreshToken),
    /// There is no token until one is renewed.
    Renew,
    /// There is no token, and it is too early to ask the server again. The store may have one.
    Look(SessionError),
    /// There is no token, and it is too early to ask the server again.
    Wait(SessionError),
}

impl Standing {
    pub(crate) fn advice(&self, now: UnixTime, plan: &Plan) -> Advice {
        let paused = self.pause.is_some_and(|pause| pause.is_on(now));
        match &self.token {
            Some(token) if !token.is_due(now) && self.unsaved.is_none() => Advice::Use(token.clone()),
            Some(token) if !token.is_over(now) => {
                // A clock that went back makes a token due; a renewal that just failed makes the next one wait. Unsaved
                // tokens replace this token.
                if self.unsaved.is_none() && (paused || self.when_over || !plan.can_renew(token)) {
                    Advice::Use(token.clone())
                } else {
                    Advice::RenewAhead(token.clone())
                }
            }
            _ => match &self.error {
                Some(error) if paused && self.unsaved.is_none() => {
                    let recently = |at| now.saturating_since(at) < BETWEEN_LOOKS && at <= now;
                    let looked = self.looked.is_some_and(recently);
                    if looked { Advice::Wait(error.clone()) } else { Advice::Look(error.clone()) }
                }
                _ => Advice::Renew,
            },
        }
    }

    /// The known token, even if it is over or refused.
    pub(crate) fn latest(&self) -> Option<&FreshToken> {
        self.token.as_ref().or(self.weary.as_ref())
    }

    /// The token, if it is not over.
    pub(crate) fn usable(&self, now: UnixTime) -> Option<FreshToken> {
        self.token.as_ref().filter(|token| !token.is_over(now)).cloned()
    }

    pub(crate) fn state(&self, now: UnixTime, under_way: bool) -> State {
        match (&self.token, &self.error) {
            _ if under_way => State::Refreshing,
            (Some(token), _) if !token.is_due(now) && !token.is_over(now) => State::Fresh,
            (_, Some(SessionError::Lost { .. })) => State::Lost,
            (_, Some(SessionError::InDoubt { .. })) => State::InDoubt,
            (_, Some(SessionError::Unknown { .. })) => State::Unknown,
            (None, None | Some(SessionError::Empty)) if self.weary.is_none() => State::Unread,
            _ => State::Due,
        }
    }

    pub(crate) fn renewed(&mut self, token: FreshToken) {
        // A renewal in progress while an API refused the token may have found that same token.
        if !self.is_refused(&token) {
            let refusals = Refusals { replaced: self.weary.is_some(), row: self.refusals.row };
            *self = Self { token: Some(token), refusals, ..Self::default() };
        }
    }

    /// Whether nothing is known yet.
    pub(crate) fn is_unread(&self) -> bool {
        self.token.is_none() && self.weary.is_none() && self.unsaved.is_none()
    }

    /// A token from the store that is due. It is usable until it is over, if its renewal fails.
    pub(crate) fn remember(&mut self, token: FreshToken, now: UnixTime) {
        if self.is_unread() && token.is_due(now) && !token.is_over(now) {
            self.token = Some(token);
        }
    }

    /// Whether an API has refused this token.
    pub(crate) fn is_refused(&self, token: &FreshToken) -> bool {
        self.weary.as_ref().is_some_and(|weary| weary.is(token))
    }

    /// What the next renewal has to insist on. Returned once.
    pub(crate) fn insist(&mut self, now: UnixTime) -> Insist {
        let insist = core::mem::take(&mut self.insist);
        let has_none = self.usable(now).is_none();
        Insist { due_will_do: has_none, ..insist }
    }

    /// No request was sent, so the next renewal insists again.
    pub(crate) fn insist_again(&mut self, insist: Insist) {
        self.insist.now |= insist.now;
        self.insist.lost |= insist.lost;
    }

    /// The network is back: pauses end, except those that the server asked for.
    pub(crate) fn retry_now(&mut self) {
        self.pause = self.pause.filter(|pause| pause.told);
        self.insist.now = true;
    }

    /// A lost grant is asked for once more.
    pub(crate) fn retry_lost(&mut self) {
        self.insist.lost = true;
    }

    /// The store was read, and had nothing.
    pub(crate) fn looked(&mut self, now: UnixTime) {
        self.looked = Some(now);
    }

    pub(crate) fn not_renewed(
        &mut self,
        now: UnixTime,
        policy: &Policy,
        failure: NotRenewed,
        draw: Draw,
    ) -> SessionError {
        let NotRenewed { cause, retry_after, sent, useless } = failure;
        self.failures = self.failures.saturating_add(1);
        let same_for = self.same_words_for(now, &cause);
        if let Some(useless) = useless {
            self.token = None;
            self.weary = Some(useless);
        }
        let failed = Failed { times: self.failures, not_sent: !sent, same_for, retry_after };
        let length = policy.pause(failed, draw);
        self.paused(now, cause, length, retry_after.is_some_and(|told| told >= length))
    }

    /// Nothing was sent, and nothing may be sent until then.
    pub(crate) fn held_back(&mut self, now: UnixTime, until: UnixTime) -> SessionError {
        let length = until.saturating_since(now);
        if let Some(SessionError::InDoubt { retry_at, .. }) = &mut self.error {
            // This error says more.
            *retry_at = until;
            let error = self.error.clone().unwrap_or(SessionError::Empty);
            self.pause = Some(Pause { until, length, told: false });
            return error;
        }
        self.paused(now, Cause::HeldBack, length, false)
    }

    fn paused(&mut self, now: UnixTime, cause: Cause, length: Duration, told: bool) -> SessionError {
        let length = Duration::from_secs(seconds(length));
        let retry_at = now.saturating_add(length);
        self.pause = Some(Pause { until: retry_at, length, told });
        self.looked = Some(now);
        self.failed(SessionError::NotRenewed { cause, retry_at })
    }

    fn same_words_for(&mut self, now: UnixTime, cause: &Cause) -> Duration {
        let known = self.words.take();
        self.words = cause.words().map(|words| match known {
            Some(known) if known.words == words => Words { since: known.since.min(now), ..known },
            _ => Words { words, since: now },
        });
        self.words.as_ref().map_or(Duration::ZERO, |known| now.saturating_since(known.since))
    }

    pub(crate) fn in_doubt(&mut self, now: UnixTime, doubt: Doubt) -> SessionError {
        let Doubt { cause, since, sent, mut retry_at, waits_for_the_end, pause_ends: mut until, told } = doubt;
        self.when_over = waits_for_the_end;
        if cause.is_refused_answer() {
            // The same request with the same configuration brings the same answer.
            until = until.max(now.saturating_add(HOUR));
            retry_at = retry_at.max(until);
        }
        self.pause = Some(Pause { until, length: until.saturating_since(now), told });
        self.looked = Some(now);
        self.failed(SessionError::InDoubt { cause, since, sent, retry_at })
    }

    /// The token stays if it is not over: it was given for that time, and the loss of the grant does not change that.
    pub(crate) fn failed(&mut self, error: SessionError) -> SessionError {
        if matches!(error, SessionError::Lost { .. }) {
            // No request is sent for this grant any more, so each call may look for a login.
            self.pause = None;
        }
        self.error = Some(error.clone());
        error
    }

    /// An API refused the token. If it replaced another refused token and was refused at once, the next token is likely
    /// to be refused too, so a pause comes first.
    pub(crate) fn refuse(&mut self, token: &FreshToken, now: UnixTime, policy: &Policy) -> bool {
        if !self.token.as_ref().is_some_and(|known| known.is(token)) {
            return false;
        }
        self.weary = self.token.take();
        self.asks_before_its_end();
        let at_once = now.saturating_since(token.received_at()) < AT_ONCE;
        self.refusals.row = if self.refusals.replaced && at_once { self.refusals.row.saturating_add(1) } else { 0 };
        if self.refusals.row > 0 {
            let failed =
                Failed { times: self.refusals.row, not_sent: false, same_for: Duration::ZERO, retry_after: None };
            let length = policy.pause(failed, Draw(u32::MAX / 2));
            self.paused(now, Cause::OfNoUse, length, false);
        }
        true
    }
}

impl Standing {
    /// No token is left whose end the next request of a doubt would wait for.
    fn asks_before_its_end(&mut self) {
        self.when_over = false;
        if let (Some(SessionError::InDoubt { retry_at, .. }), Some(pause)) = (&mut self.error, self.pause) {
            *retry_at = pause.until.min(*retry_at);
        }
    }
}

/// A renewal that failed and used nothing up.
pub(crate) struct NotRenewed {
    pub(crate) cause: Cause,
    /// How long the server wants no request, if it said so.
    pub(crate) retry_after: Option<Duration>,
    /// Whether a request may have been sent.
    pub(crate) sent: bool,
    /// The token that came and is of no use.
    pub(crate) useless: Option<FreshToken>,
}
