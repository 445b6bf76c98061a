//! A store for logins that wait for their callback: put once, taken once, by the browser that started them.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use grantflow::{PendingKey, StoredCallback, UnixTime};
use sha2::{Digest as _, Sha256};

use crate::store::{Later, StoreError};
use crate::sync::{Mutex, lock};

mod through;

/// Keeps pending callbacks until the person comes back. With a database, logins survive a restart, and any process of a
/// service can receive the callback.
///
/// There is no way to look without taking: `state` is good for one answer, even if two come at the same moment.
pub trait PendingStore: Send + Sync {
    /// Keeps `stored` for the browser session `browser` under `key`, and replaces an earlier one.
    ///
    /// `browser` tells this browser from every other: the session's id behind its cookie, never a constant, never
    /// something that a request may choose freely. An empty one is an error.
    fn put<'a>(
        &'a self,
        browser: &'a str,
        key: &'a PendingKey,
        stored: StoredCallback,
        now: UnixTime,
    ) -> Later<'a, Result<(), StoreError>>;

    /// Takes what `browser` has put under `key`, unless its time is over, in one step: of two callers, one gets it.
    /// With another browser's id it returns nothing and takes nothing.
    fn take<'a>(
        &'a self,
        browser: &'a str,
        key: &'a PendingKey,
        now: UnixTime,
    ) -> Later<'a, Result<Option<StoredCallback>, StoreError>>;

    /// Moves the waiting logins of `from` to `to`, in one step. A browser gets another session id at every login;
    /// without this, a login in progress in another tab would be lost. An empty `to` is an error.
    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Later<'a, Result<(), StoreError>>;
}

/// Keeps pending callbacks in memory: at most a given number, each for at most a given time. Clones share their
/// content. For one process; a login that waits when the process ends has to be started again.
///
/// **A login is taken only by the browser that put it.** A store that all browsers share by `state` alone makes `state`
/// worthless: an attacker starts a login and lets the victim's browser finish it (CVE-2025-68158 and others). So the
/// browser session is part of the place. Its id is kept as a hash.
///
/// **A flood of starts needs no more memory, and harms others as little as possible.** If a browser has
/// [`PER_BROWSER`](PendingLogins::PER_BROWSER) logins waiting, another one drops its own oldest: one browser takes no
/// place of another. If all places are taken, by an attacker who comes as a new browser each time, the oldest of all is
/// dropped. A login then survives for `capacity / (starts in a second)` seconds. With 100,000 places and 1,000 starts a
/// second a person has 100 seconds; after that, the person starts again. Refusing new logins would exclude all people
/// until the flood expires. Dropping one at random would also hit people who come back at once. More places, and a
/// limit on starts by network address, give more time.
///
/// The lifetime of a login is counted by what the clock goes forward, so a clock that is set back makes no login wait
/// longer. A clock that jumps ahead ends the waiting logins.
///
/// The next call of any kind drops expired logins and wipes their secrets. If there may be no call for a long time,
/// call [`sweep`](PendingLogins::sweep) by a timer.
///
/// ```
/// # use std::time::Duration;
/// # use grantflow::{Authorization, Env, Redirect, Server, UnixTime, callback_key};
/// # use grantflow_session::PendingLogins;
/// # let mut rng = getrandom::SysRng;
/// # let now = UnixTime::from_secs(1_000);
/// let client = Server::new("https://as.example/authorize", "https://as.example/token")?.client("my-id").public()?;
/// let logins = PendingLogins::new(100_000, Duration::from_secs(600));
///
/// # let mut env = Env::new(now, &mut rng);
/// let Redirect { url, pending } = Authorization::new(&client, "https://app.example/callback")?.start(&mut env)?;
/// logins.put("ada's session", &pending.key(), pending.into_stored(), now)?;
/// # let state = url.as_str().split("state=").nth(1).unwrap().split('&').next().unwrap();
///
/// # let callback: http::Uri = format!("https://app.example/callback?code=c&state={state}").parse()?;
/// let key = callback_key(&callback).ok_or("not a callback of ours")?;
/// assert!(logins.take("mallory's session", &key, now).is_none());
/// assert!(logins.take("ada's session", &key, now).is_some());
/// assert!(logins.take("ada's session", &key, now).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PendingLogins {
    kept: Arc<Mutex<Kept>>,
    capacity: usize,
    lifetime: Duration,
}

/// Half a SHA-256: nobody can find a second text with the same half, and a place stays small.
type Hash = [u8; 16];

/// The browser, then the login: the logins of a browser are adjacent.
type Place = (Hash, Hash);

#[derive(Default)]
struct Kept {
    logins: BTreeMap<Place, Login>,
    /// The oldest first. All have the same lifetime, so the first one also expires first.
    ages: BTreeMap<u64, Place>,
    started: u64,
    time: Passed,
}

/// How much time has passed, by a clock that may be set back. It counts only what the clock goes forward. A clock that
/// was ahead when a login began, or that falls back while it waits, makes no login wait longer.
#[derive(Default)]
struct Passed {
    /// The last reading of the clock.
    clock: Option<UnixTime>,
    seconds: u64,
}

/// How far a clock may seem to fall back if one thread reads it before another and arrives later.
const OUT_OF_TURN: Duration = Duration::from_secs(10);

impl Passed {
    fn until(&mut self, now: UnixTime) -> u64 {
        let clock = *self.clock.get_or_insert(now);
        if now > clock || clock.saturating_since(now) > OUT_OF_TURN {
            self.seconds = self.seconds.saturating_add(now.saturating_since(clock).as_secs());
            self.clock = Some(now);
        }
        self.seconds
    }
}

struct Login {
    number: u64,
    /// In seconds that have passed.
    until: u64,
    /// Boxed, because a tree's nodes have unused room.
    stored: Box<StoredCallback>,
}

impl PendingLogins {
    /// How many logins one browser session can have waiting: tabs and abandoned attempts.
    pub const PER_BROWSER: usize = 16;

    /// Has room for `capacity` logins (at least one) and keeps each for `lifetime` (whole seconds). That is the time
    /// that a person may take at the server, for example ten minutes.
    pub fn new(capacity: usize, lifetime: Duration) -> Self {
        Self { kept: Arc::default(), capacity: capacity.max(1), lifetime }
    }

    /// Keeps `stored` for `browser` under `key`, as [`PendingStore::put`] says.
    ///
    /// # Errors
    /// If `browser` is empty: people without a session would share one.
    pub fn put(
        &self,
        browser: &str,
        key: &PendingKey,
        stored: StoredCallback,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        check_browser(browser)?;
        let place = place(browser, key);
        let stored = Box::new(stored);
        // Dropped logins are wiped after the lock is released.
        let mut dropped = Vec::new();
        let mut kept = lock(&self.kept);
        let until = kept.expire(now, &mut dropped).saturating_add(self.lifetime.as_secs());
        dropped.extend(kept.remove(&place));
        if let Some(oldest) = kept.oldest_of_full(place.0) {
            dropped.extend(kept.remove(&oldest));
        }
        while kept.logins.len() >= self.capacity {
            let Some((_, oldest)) = kept.ages.pop_first() else { break };
            dropped.extend(kept.logins.remove(&oldest));
        }
        kept.started += 1;
        let number = kept.started;
        kept.ages.insert(number, place);
        kept.logins.insert(place, Login { number, until, stored });
        drop(kept);
        Ok(())
    }

    /// Takes what `browser` has put under `key`, as [`PendingStore::take`] says.
    pub fn take(&self, browser: &str, key: &PendingKey, now: UnixTime) -> Option<StoredCallback> {
        let place = place(browser, key);
        let mut dropped = Vec::new();
        let mut kept = lock(&self.kept);
        kept.expire(now, &mut dropped);
        let taken = kept.remove(&place);
        drop(kept);
        taken.map(|login| *login.stored)
    }

    /// Moves the waiting logins of `from` to `to`, as [`PendingStore::rename`] says. If `to` has logins waiting
    /// already, it keeps the latest [`PER_BROWSER`](PendingLogins::PER_BROWSER) of all.
    ///
    /// # Errors
    /// If `to` is empty.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        check_browser(to)?;
        let (from, to) = (hash(from), hash(to));
        let mut dropped = Vec::new();
        let mut kept = lock(&self.kept);
        let places: Vec<Place> = kept.of(from).map(|(place, _)| *place).collect();
        for place in places.into_iter().filter(|_| from != to) {
            let Some(login) = kept.remove(&place) else { continue };
            let place = (to, place.1);
            dropped.extend(kept.remove(&place));
            kept.ages.insert(login.number, place);
            kept.logins.insert(place, login);
        }
        while kept.of(to).count() > Self::PER_BROWSER {
            let oldest = kept.of(to).min_by_key(|(_, login)| login.number).map(|(place, _)| *place);
            dropped.extend(oldest.and_then(|oldest| kept.remove(&oldest)));
        }
        drop(kept);
        Ok(())
    }

    /// Drops expired logins.
    pub fn sweep(&self, now: UnixTime) {
        let mut dropped = Vec::new();
        lock(&self.kept).expire(now, &mut dropped);
    }

    /// How many logins are waiting, including expired ones that no call has dropped yet.
    pub fn waiting(&self) -> usize {
        lock(&self.kept).logins.len()
    }
}

impl Kept {
    /// Drops expired logins and returns how much time has passed. Each login is dropped once, so a call pays for what
    /// others have put, and never looks at a login that still waits.
    fn expire(&mut self, now: UnixTime, dropped: &mut Vec<Login>) -> u64 {
        let passed = self.time.until(now);
        while let Some(oldest) = self.ages.first_entry() {
            if self.logins.get(oldest.get()).is_some_and(|login| passed < login.until) {
                break;
            }
            dropped.extend(self.logins.remove(&oldest.remove()));
        }
        passed
    }

    fn remove(&mut self, place: &Place) -> Option<Login> {
        let login = self.logins.remove(place)?;
        self.ages.remove(&login.number);
        Some(login)
    }

    /// The logins of a browser.
    fn of(&self, browser: Hash) -> impl Iterator<Item = (&Place, &Login)> {
        self.logins.range((browser, [0; 16])..=(browser, [u8::MAX; 16]))
    }

    /// The oldest login of a browser that has no room for another.
    fn oldest_of_full(&self, browser: Hash) -> Option<Place> {
        if self.of(browser).count() < PendingLogins::PER_BROWSER {
            return None;
        }
        self.of(browser).min_by_key(|(_, login)| login.number).map(|(place, _)| *place)
    }
}

fn check_browser(browser: &str) -> Result<(), StoreError> {
    if browser.is_empty() {
        let why = "the browser's session id is empty: give each browser a session before its login starts";
        return Err(StoreError::new("keep a pending login", why));
    }
    Ok(())
}

fn place(browser: &str, key: &PendingKey) -> Place {
    (hash(browser), hash(key.as_str()))
}

fn hash(text: &str) -> Hash {
    let digest: [u8; 32] = Sha256::digest(text).into();
    digest.first_chunk().copied().unwrap_or_default()
}

impl PendingStore for PendingLogins {
    fn put<'a>(
        &'a self,
        browser: &'a str,
        key: &'a PendingKey,
        stored: StoredCallback,
        now: UnixTime,
    ) -> Later<'a, Result<(), StoreError>> {
        Box::pin(async move { PendingLogins::put(self, browser, key, stored, now) })
    }

    fn take<'a>(
        &'a self,
        browser: &'a str,
        key: &'a PendingKey,
        now: UnixTime,
    ) -> Later<'a, Result<Option<StoredCallback>, StoreError>> {
        Box::pin(async move { Ok(PendingLogins::take(self, browser, key, now)) })
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> Later<'a, Result<(), StoreError>> {
        Box::pin(async move { PendingLogins::rename(self, from, to) })
    }
}

impl fmt::Debug for PendingLogins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PendingLogins([{} of {} waiting])", self.waiting(), self.capacity)
    }
}

#[cfg(test)]
mod tests;
