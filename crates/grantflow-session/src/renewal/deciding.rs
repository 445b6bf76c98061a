//! Decides from the store's entry: use its token, send a request, repeat one, or wait.

use core::time::Duration;

use grantflow::{Env, UnixTime};

use super::feeding::{Place, feed_or, feed_or_lost};
use super::locking::{Locking, Releasing};
use super::writing::{Writing, Written};
use super::{Action, Course, Doubt, Outcome, Stored, TokenFrom, failed};
use crate::error::{Cause, Earlier, SessionError};
use crate::fresh::FreshToken;
use crate::policy::Draw;
use crate::record::{Loss, Lost, Mark, Record, TokenId, Verdict};
use crate::store::Revision;

/// What a record is good for in a course.
struct Seen {
    token: FreshToken,
    /// Neither an API nor the server has refused it or its refresh token.
    is_new: bool,
}

impl Seen {
    /// Whether it is usable now.
    fn is_usable(&self, now: UnixTime) -> bool {
        self.is_new && !self.token.is_over(now)
    }
}

/// Under the lock: decides what to do with the store's entry. `refused` names the tokens whose refresh token the server
/// has just refused.
pub(super) fn decide(
    course: Course,
    env: &mut Env<'_>,
    revision: Revision,
    record: Record,
    refused: Option<TokenId>,
) -> Action {
    let token = match course.fresh(&record) {
        Ok(token) => token,
        Err(fault) => return failed(SessionError::Record(fault)),
    };
    if record.nameless && !course.nameless {
        return Action::Write(Writing::new(course, Some(revision), Written::Named { record, refused }));
    }
    let is_new = course.weary() != Some(token.fingerprint()) && refused != Some(token.id());
    let seen = Seen { token, is_new };
    if seen.is_usable(env.now) && !seen.token.is_due(env.now) {
        return adopt(seen.token, record);
    }
    let place = Place { revision: Some(revision), base: Some(record.id) };
    if let Some(lost) = record.lost
        && !(course.insist().lost && seen.token.is_renewable())
    {
        return feed_or_lost(course, env, place, lost);
    }
    if refused == Some(record.id) {
        let verdict = Verdict::new(env.now, course.cause.as_ref().and_then(Cause::status));
        let lost = Lost { loss: Loss::Refused, verdict: Some(verdict) };
        return Action::Write(Writing::new(course, Some(revision), Written::Loss { record, lost }));
    }
    if !seen.token.is_renewable() {
        // Due, but not over and not refused: it is usable until it is over.
        let will_do = seen.is_usable(env.now);
        let lost = Lost { loss: Loss::NoRefreshToken, verdict: None };
        return feed_or(course, env, place, |_| if will_do { adopt(seen.token, record) } else { lost_already(lost) });
    }
    match record.mark {
        Some(mark) => marked(course, env, revision, record, mark, &seen),
        None => ask(course, env, revision, record),
    }
}

/// Requests with this refresh token may have been sent, and their answers are missing.
fn marked(
    mut course: Course,
    env: &mut Env<'_>,
    revision: Revision,
    record: Record,
    stored: Mark,
    seen: &Seen,
) -> Action {
    let now = env.now;
    let mark = stored.seen_at(now);
    let Some(rest) = mark.rest() else {
        // This process holds the lock. If the lock ends with its process, the sender is dead or has given up.
        let lost = course.plan.lock_dies_with_its_process || mark.lost_at().is_none_or(|lost_at| now >= lost_at);
        if !lost {
            let retry_at = mark.lost_at().unwrap_or(now);
            let doubt = Doubt { retry_at, pause_ends: retry_at, ..doubt(&course, &mark) };
            // Counts by this process's clock from now on; the sender's clock could make it wait too long.
            return if mark == stored {
                Action::Done(Outcome::InDoubt(doubt))
            } else {
                let record = record.with_mark(Some(mark));
                Action::Write(Writing::new(course, Some(revision), Written::Reclocked { record, doubt }))
            };
        }
        return doubtful(course, env, revision, record, mark, None);
    };
    if mark != stored {
        // The same mark by another clock: the wait for it has passed.
        if course.waited == Some(stored) {
            course.waited = Some(mark);
        }
        let record = record.with_mark(Some(mark));
        return Action::Write(Writing::new(course, Some(revision), Written::Doubt { record }));
    }
    if mark.sent >= course.plan.policy.in_doubt.most() {
        let place = Place { revision: Some(revision), base: Some(record.id) };
        return feed_or(course, env, place, |course| {
            let Doubt { cause, since, sent, .. } = doubt(&course, &mark);
            failed(SessionError::Unknown { cause, since, sent })
        });
    }
    // Revoking a family of tokens may end a good access token.
    if mark.early && seen.is_usable(now) {
        let doubt = doubt(&course, &mark);
        let retry_at = seen.token.end().map_or(doubt.retry_at, |end| end.max(doubt.retry_at));
        return Action::Done(Outcome::InDoubt(Doubt { retry_at, waits_for_the_end: true, ..doubt }));
    }
    // One early retry in a course, then an error. A pause of zero, or a store so slow that the pause is over when it is
    // written, would otherwise make this a loop of requests.
    if mark.early && course.cause.is_some() {
        return Action::Done(Outcome::InDoubt(doubt(&course, &mark)));
    }
    let left = rest.next.saturating_since(now);
    let passed = course.waited == Some(mark) || course.insist().now && !rest.told;
    if left.is_zero() || passed {
        return ask(course, env, revision, record);
    }
    // The mark holds whole seconds.
    let short = course.drawn.is_some() || left <= course.plan.policy.longest_early().max(Duration::from_secs(1));
    if mark.early || !short {
        return Action::Done(Outcome::InDoubt(doubt(&course, &mark)));
    }
    early_retry(course, mark, left)
}

/// The only wait that a caller has to accept: short, and without the lock.
fn early_retry(mut course: Course, mark: Mark, left: Duration) -> Action {
    let duration = course.drawn.take().unwrap_or(left);
    course.waited = Some(mark);
    let (doubt, patience) = (doubt(&course, &mark), course.plan.policy.early_retry);
    Releasing::and_wait(duration, Locking::in_doubt(course, doubt, patience))
}

/// The answer to the last request is missing. Writes that down, with the time of the next request.
pub(super) fn doubtful(
    mut course: Course,
    env: &mut Env<'_>,
    revision: Revision,
    record: Record,
    mark: Mark,
    cause: Option<Cause>,
) -> Action {
    let (retry_after, status) = (cause.as_ref().and_then(Cause::retry_after), cause.as_ref().and_then(Cause::status));
    // The same request would bring the same answer, so the early retry is not worth its risk.
    let early = mark.early || cause.as_ref().is_some_and(Cause::is_refused_answer);
    let (wait, told) = pause(&course, env, &mark, early, retry_after);
    // It is unknown when another process gave its request up. Its pause began at the latest when the request was sent.
    let from = if cause.is_some() { env.now } else { env.now.min(mark.left_by()) };
    course.drawn = (cause.is_some() && !told).then_some(wait);
    let mark = Mark { early, ..mark }.resting(from, wait, told, status);
    if cause.is_some() {
        course.cause = cause;
    }
    let record = record.with_mark(Some(mark));
    Action::Write(Writing::new(course, Some(revision), Written::Doubt { record }))
}

/// How long no request is sent, and whether the server asked for that.
pub(super) fn pause(
    course: &Course,
    env: &mut Env<'_>,
    mark: &Mark,
    early: bool,
    retry_after: Option<Duration>,
) -> (Duration, bool) {
    let (policy, draw) = (&course.plan.policy, Draw::of(env));
    let ours = if early {
        let age = env.now.saturating_since(mark.since);
        policy.in_doubt_pause(mark.sent.saturating_sub(1).max(1), age, draw)
    } else {
        policy.early(draw)
    };
    (ours.max(retry_after.unwrap_or_default()), retry_after.is_some_and(|told| told >= ours))
}

fn ask(mut course: Course, env: &mut Env<'_>, revision: Revision, record: Record) -> Action {
    course.insisted();
    let deadline = course.plan.policy.send_deadline;
    let mark = match record.mark {
        Some(mark) => mark.seen_at(env.now).again(env.now, deadline),
        None => Mark::first(env.now, deadline),
    };
    Action::Write(Writing::new(course, Some(revision), Written::Mark { record, mark }))
}

/// What is known about a doubt.
pub(super) fn doubt(course: &Course, mark: &Mark) -> Doubt {
    let cause = course.cause.clone().unwrap_or_else(|| Cause::Earlier(Earlier::sent(mark)));
    let rest = mark.rest();
    let pause_ends = rest.map_or(mark.at, |rest| rest.next);
    Doubt {
        cause,
        since: mark.since,
        sent: mark.sent,
        retry_at: pause_ends,
        waits_for_the_end: false,
        pause_ends,
        told: rest.is_some_and(|rest| rest.told),
    }
}

/// Without the lock: decides whether the store's entry is good enough.
pub(super) fn look(course: Course, env: &mut Env<'_>, record: Option<Record>, only: bool) -> Action {
    let nothing = |course| if only { Action::Done(Outcome::NothingNew) } else { Action::Lock(Locking::new(course)) };
    let Some(record) = record else { return nothing(course) };
    let Ok(token) = course.fresh(&record) else { return nothing(course) };
    let seen = Seen { is_new: course.weary() != Some(token.fingerprint()), token };
    let named = !record.nameless;
    if named && seen.is_usable(env.now) && (only || course.insist().due_will_do || !seen.token.is_due(env.now)) {
        return adopt(seen.token, record);
    }
    match record.mark {
        _ if only => match record.lost {
            Some(lost) if course.plan.feed.is_none() => lost_already(lost),
            _ => Action::Done(Outcome::NothingNew),
        },
        Some(mark) if mark.early => {
            let doubt = doubt(&course, &mark.seen_at(env.now));
            Action::Lock(Locking::in_doubt(course, doubt, Duration::ZERO))
        }
        _ => Action::Lock(Locking::new(course)),
    }
}

fn adopt(token: FreshToken, record: Record) -> Action {
    Action::Done(Outcome::Fresh { token, from: TokenFrom::Store, stored: Stored(record) })
}

pub(super) fn lost_already(lost: Lost) -> Action {
    let cause = lost.verdict.map(|verdict| Cause::Earlier(Earlier::refused(verdict)));
    failed(SessionError::Lost { loss: lost.loss, cause })
}
