//! Bytes drive renewals and what sessions remember of them: two processes, a store that fails, a server that rotates,
//! answers that are lost or odd, clocks that jump. The oracle is the rule that **the store never says anything
//! untrue**.

mod server;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use grantflow::{AccessToken, EntropyFailed, Env, Tokens, UnixTime};

use super::key;
use crate::error::SessionError;
use crate::fresh::FreshToken;
use crate::policy::{Draw, InDoubt, Policy};
use crate::renewal::{Action, Outcome, Plan, Renewal};
use crate::standing::{Advice, NotRenewed, Standing};
use crate::store::{Entry, Revision, StoreError, Value};

/// The greatest number of steps of a procedure, waits for a lock included.
const MOST_STEPS: u32 = 2000;
const START: u64 = 1_750_000_000;
const PROCESSES: usize = 2;

/// Runs the operations that the bytes describe.
pub fn renewal(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let setup = bytes.next();
    let mut world = World::new(setup);
    let mut processes: [Process; PROCESSES] = core::array::from_fn(|number| Process { number, ..Process::default() });
    world.login(&mut processes[0]);
    // More steps reach no further states.
    for _ in 0..400 {
        if bytes.0.is_empty() {
            break;
        }
        let what = bytes.next();
        let at = usize::from(what >> 7);
        match what & 0x7f {
            0..=39 => world.ask(&mut processes, at),
            40..=99 => world.step(&mut processes, at, &mut bytes),
            100..=103 => {
                world.release(at);
                processes[at] = Process { number: at, ..Process::default() };
            }
            104..=111 => world.now = world.now.saturating_add(1 << (bytes.next() % 18)),
            112..=113 => world.now = world.now.saturating_sub(1 << (bytes.next() % 18)),
            114 => world.holder = world.holder.filter(|_| !world.lease),
            115..=117 => {
                if let Some(token) = processes[at].standing.usable(world.time()) {
                    let now = world.time();
                    assert!(processes[at].standing.refuse(&token, now, &world.plan.policy));
                    processes[at].refused.insert(text(&token));
                }
            }
            118 => processes[at].standing.retry_now(),
            119 => processes[at].standing.retry_lost(),
            120 => world.login(&mut processes[at]),
            121 => world.begin(&mut processes, at, Renewal::forget),
            122 => world.valid = None,
            _ => world.finish(&mut processes, at),
        }
        world.check();
    }
    for at in 0..PROCESSES {
        world.finish(&mut processes, at);
        world.check();
    }
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }
}

#[derive(Default)]
struct Process {
    number: usize,
    standing: Standing,
    next: Option<Action>,
    /// The access tokens that the API has refused.
    refused: BTreeSet<String>,
}

struct World {
    plan: Arc<Plan>,
    lease: bool,
    now: u64,
    store: Option<Entry>,
    revisions: u64,
    holder: Option<usize>,
    dice: u32,
    issued: u32,
    /// The refresh token that the server accepts.
    valid: Option<String>,
    /// The refresh tokens that the server has refused.
    dead: BTreeSet<String>,
    /// For each refresh token: how many requests have been sent without a proof that they did no harm.
    open: BTreeMap<String, u32>,
    /// The last generation of each grant, and its tokens.
    generations: BTreeMap<(u64, u64), String>,
}

impl grantflow::Entropy for World {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        for byte in bytes {
            self.dice = self.dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (self.dice >> 24) as u8;
        }
        Ok(())
    }
}

impl World {
    fn new(setup: u8) -> Self {
        let server = grantflow::Server::with_token_endpoint("https://as.example/token").expect("a server");
        let client = server.client("app").secret_post("hush").expect("a client");
        let in_doubt = [InDoubt::Heal, InDoubt::Heal, InDoubt::Once, InDoubt::Never][usize::from(setup & 3)];
        let lease = setup & 4 != 0;
        let plan =
            Plan::refresh(&client, key(), Policy::default().in_doubt(in_doubt)).lock_dies_with_its_process(!lease);
        Self {
            plan,
            lease,
            now: START,
            store: None,
            revisions: 0,
            holder: None,
            dice: u32::from(setup),
            issued: 0,
            valid: None,
            dead: BTreeSet::new(),
            open: BTreeMap::new(),
            generations: BTreeMap::new(),
        }
    }

    fn time(&self) -> UnixTime {
        UnixTime::from_secs(self.now)
    }

    fn with_env<T>(&mut self, run: impl FnOnce(&mut Env<'_>) -> T) -> T {
        let now = self.time();
        run(&mut Env::new(now, self))
    }

    /// A person logs in: this process drops its current work.
    fn login(&mut self, process: &mut Process) {
        self.issued += 1;
        let refresh = format!("rt-{}", self.issued);
        self.valid = Some(refresh.clone());
        let tokens: Tokens = Tokens::of_refresh_token(&self.plan.client, &refresh)
            .and_then(|tokens| {
                let end = UnixTime::from_secs(self.now.saturating_add(3600));
                tokens.access_token(format!("at-{}", self.issued), Some(end))
            })
            .map(|tokens| tokens.build())
            .expect("tokens");
        self.release(process.number);
        process.next = Some(Renewal::prime(Arc::clone(&self.plan), tokens).expect("our client's"));
    }

    fn begin(&mut self, processes: &mut [Process; PROCESSES], at: usize, make: impl FnOnce(Arc<Plan>) -> Action) {
        if processes[at].next.is_none() {
            processes[at].next = Some(make(Arc::clone(&self.plan)));
        }
    }

    fn release(&mut self, number: usize) {
        self.holder.take_if(|holder| *holder == number);
    }

    /// What a session does for a caller.
    fn ask(&mut self, processes: &mut [Process; PROCESSES], at: usize) {
        let now = self.time();
        let plan = Arc::clone(&self.plan);
        let process = &mut processes[at];
        match process.standing.advice(now, &plan) {
            Advice::Use(token) => {
                assert!(!token.is_over(now), "a token that is over was given out");
                assert!(!process.refused.contains(&text(&token)), "a refused token was given out");
            }
            Advice::Wait(error) => self.told(&error),
            Advice::Look(error) => {
                self.told(&error);
                let weary = process.standing.weary.clone();
                process.next.get_or_insert_with(|| Renewal::look(plan, weary.as_ref()));
            }
            Advice::RenewAhead(_) | Advice::Renew => {
                if process.next.is_none() {
                    let (weary, unsaved) = (process.standing.weary.clone(), process.standing.unsaved.clone());
                    let insist = process.standing.insist(now);
                    process.next = Some(match unsaved {
                        Some(unsaved) => Renewal::save(plan, unsaved),
                        None => Renewal::insisting(plan, weary.as_ref(), insist),
                    });
                }
            }
        }
    }

    /// No caller is told to wait longer than a server may ask for.
    fn told(&self, error: &SessionError) {
        let (SessionError::NotRenewed { retry_at, .. } | SessionError::InDoubt { retry_at, .. }) = error else {
            return;
        };
        let wait = retry_at.saturating_since(self.time());
        assert!(wait <= Duration::from_secs(2 * 24 * 3600 + 3600), "{wait:?}");
    }

    /// Continues to the end, with every step succeeding.
    fn finish(&mut self, processes: &mut [Process; PROCESSES], at: usize) {
        // The other process dies, and its lock with it; if the lock is a lease, the other process is slow.
        if let Some(other) = self.holder.take_if(|holder| *holder != at)
            && !self.lease
        {
            processes[other] = Process { number: other, ..Process::default() };
        }
        for _ in 0..MOST_STEPS {
            if processes[at].next.is_none() {
                return;
            }
            self.step(processes, at, &mut Bytes(&[]));
        }
        panic!("it does not end: {:?}", processes[at].next);
    }

    fn step(&mut self, processes: &mut [Process; PROCESSES], at: usize, bytes: &mut Bytes<'_>) {
        let Some(next) = processes[at].next.take() else { return };
        let disk = if bytes.0.is_empty() { 0 } else { bytes.next() % 16 };
        let next = match next {
            Action::Lock(state) if disk == 1 => state.failed(broken()),
            Action::Lock(state) => match self.holder {
                None => {
                    self.holder = Some(at);
                    state.locked()
                }
                Some(holder) if holder == at => state.locked(),
                Some(_) => state.busy(),
            },
            Action::Load(state) if disk == 1 => state.failed(broken()),
            Action::Load(state) => {
                let entry = self.store.clone();
                self.with_env(|env| state.loaded(env, entry))
            }
            Action::Write(state) => {
                let (expected, value) = (state.expected(), state.value().expect("it can be written"));
                if disk == 1 {
                    state.failed(broken())
                } else {
                    let written = self.write(at, expected, value);
                    match written {
                        _ if disk == 2 => state.failed(broken()),
                        Some(revision) => self.with_env(|env| state.written(env, revision)),
                        None => state.conflict(),
                    }
                }
            }
            Action::Send(state) => match self.with_env(|env| state.request(env)) {
                Err(why) => state.not_made(why),
                Ok(request) => {
                    let way = if bytes.0.is_empty() { 0 } else { bytes.next() };
                    match self.send(at, state.attempt(), &request, way) {
                        Ok(response) => self.with_env(|env| state.answered(env, response)),
                        Err(unanswered) => self.with_env(|env| state.unanswered(env, unanswered)),
                    }
                }
            },
            Action::Obtain(_) => unreachable!("this plan has no such source"),
            Action::Release(state) => {
                self.release(at);
                state.released()
            }
            Action::Wait(state) => {
                assert!(state.duration() <= Duration::from_secs(60), "{:?}", state.duration());
                self.now = self.now.saturating_add(state.duration().as_secs());
                state.waited()
            }
            Action::Done(outcome) => {
                self.settle(&mut processes[at], outcome);
                self.release(at);
                return;
            }
        };
        processes[at].next = Some(next);
    }

    /// What a session does with an outcome.
    fn settle(&mut self, process: &mut Process, outcome: Outcome) {
        let now = self.time();
        let standing = &mut process.standing;
        match outcome {
            Outcome::Fresh { token, .. } => {
                standing.unsaved = None;
                standing.renewed(token);
            }
            Outcome::NotRenewed { cause, retry_after, sent, useless } => {
                standing.unsaved = None;
                let failure = NotRenewed { cause, retry_after, sent, useless };
                let error = standing.not_renewed(now, &self.plan.policy, failure, Draw(self.dice));
                self.told(&error);
            }
            Outcome::InDoubt(doubt) => {
                assert!(doubt.sent > 0);
                let error = standing.in_doubt(now, doubt);
                assert!(standing.usable(now).is_some() || matches!(&error, SessionError::InDoubt { .. }));
            }
            Outcome::NothingNew => standing.looked(now),
            Outcome::NotStored { unsaved, .. } => standing.unsaved = Some(unsaved),
            Outcome::Forgotten { .. } => *standing = Standing::default(),
            Outcome::Failed(error) => {
                if let SessionError::Unknown { sent, .. } = error {
                    assert!(sent >= self.plan.policy.in_doubt.most(), "given up for lack of an answer");
                }
                standing.failed(error);
            }
        }
    }

    fn write(&mut self, at: usize, expected: Option<Revision>, value: Option<Value>) -> Option<Revision> {
        assert!(self.holder == Some(at) || self.lease, "written without the lock");
        if self.store.as_ref().map(|entry| entry.revision) != expected {
            return None;
        }
        self.revisions += 1;
        let revision = Revision::new(self.revisions);
        self.store = value.map(|value| Entry { revision, value });
        Some(revision)
    }
}

fn text(token: &FreshToken) -> String {
    match token.access_token() {
        AccessToken::Bearer(token) => token.expose_secret().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn broken() -> StoreError {
    StoreError::new("do it", std::io::Error::other("the disk is full"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            super::renewal(&bytes);
        }
    }
}
