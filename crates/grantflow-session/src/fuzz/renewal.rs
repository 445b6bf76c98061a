//! Bytes drive renewals and what sessions remember of them: two processes, a store that fails, a server that rotates, answers that
//! are lost or odd, clocks that jump. The oracle is the rule that **the store never says what is not so**.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use grantflow::{AccessToken, Body, EntropyFailed, Env, Sent, Tokens, UnixTime};
use http::{Request, Response};

use super::key;
use crate::error::{SessionError, Unanswered};
use crate::fresh::FreshToken;
use crate::policy::{Draw, InDoubt, Policy};
use crate::record::{Loss, Record, Stage};
use crate::renewal::{Next, Outcome, Plan, Renewal};
use crate::standing::{Advice, NotRenewed, Standing};
use crate::store::{Entry, Revision, StoreError, Value};

/// As many steps as a procedure may take, waits for a lock included.
const MOST_STEPS: u32 = 2000;
const START: u64 = 1_750_000_000;
const PROCESSES: usize = 2;

/// Runs what the bytes say.
pub fn renewal(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let setup = bytes.next();
    let mut world = World::new(setup);
    let mut processes: [Process; PROCESSES] = core::array::from_fn(|number| Process { number, ..Process::default() });
    world.login(&mut processes[0]);
    // More than this adds no state that less does not reach.
    for _ in 0..400 {
        if bytes.0.is_empty() {
            break;
        }
        let what = bytes.next();
        let at = usize::from(what >> 7);
        match what & 0x7f {
            0..=39 => world.ask(&mut processes, at),
            40..=99 => world.step(&mut processes, at, &mut bytes),
            100..=103 => processes[at] = Process { number: processes[at].number, ..Process::default() },
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
            121 => world.begin(&mut processes, at, |plan| Renewal::forget(plan)),
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
    next: Option<Next>,
    /// The access tokens that its API has refused.
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
    /// The refresh token that the server takes.
    valid: Option<String>,
    /// The refresh tokens that the server has refused.
    dead: BTreeSet<String>,
    /// By refresh token: how many requests have left, and were not told apart from harmless.
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
        run(&mut Env { now, rng: self })
    }

    /// A person logs in: whatever this process was at, it drops.
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

    fn begin(&mut self, processes: &mut [Process; PROCESSES], at: usize, make: impl FnOnce(Arc<Plan>) -> Next) {
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

    /// Nobody is told to wait for longer than a server may ask for.
    fn told(&self, error: &SessionError) {
        let (SessionError::NotRenewed { retry_at, .. } | SessionError::InDoubt { retry_at, .. }) = error else {
            return;
        };
        let wait = retry_at.saturating_since(self.time());
        assert!(wait <= Duration::from_secs(2 * 24 * 3600 + 3600), "{wait:?}");
    }

    /// Goes on until it is through, and all goes well.
    fn finish(&mut self, processes: &mut [Process; PROCESSES], at: usize) {
        // The other one is dead, or slow.
        self.holder = None;
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
            Next::Lock(state) if disk == 1 => state.failed(broken()),
            Next::Lock(state) => match self.holder {
                None => {
                    self.holder = Some(at);
                    state.locked()
                }
                Some(holder) if holder == at => state.locked(),
                Some(_) => state.busy(),
            },
            Next::Load(state) if disk == 1 => state.failed(broken()),
            Next::Load(state) => {
                let entry = self.store.clone();
                self.with_env(|env| state.loaded(env, entry))
            }
            Next::Write(state) => {
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
            Next::Send(state) => match self.with_env(|env| state.request(env)) {
                Err(why) => state.not_made(why),
                Ok(request) => {
                    let way = if bytes.0.is_empty() { 0 } else { bytes.next() };
                    match self.send(at, state.attempt(), &request, way) {
                        Ok(response) => self.with_env(|env| state.answered(env, response)),
                        Err(unanswered) => self.with_env(|env| state.unanswered(env, unanswered)),
                    }
                }
            },
            Next::Release(state) => {
                self.release(at);
                state.released()
            }
            Next::Wait(state) => {
                assert!(state.duration() <= Duration::from_secs(60), "{:?}", state.duration());
                self.now = self.now.saturating_add(state.duration().as_secs());
                state.waited()
            }
            Next::Done(outcome) => {
                self.settle(&mut processes[at], outcome);
                self.release(at);
                return;
            }
        };
        processes[at].next = Some(next);
    }

    /// What a session makes of an outcome.
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
            Outcome::Forgotten => *standing = Standing::default(),
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

    /// The record that is there.
    fn record(&self) -> Option<(Record, String)> {
        let record = Record::from_value(&self.store.as_ref()?.value, &key()).expect("what is stored can be read");
        let tokens = record.tokens(&self.plan.client).expect("and the tokens in it");
        let refresh = tokens.refresh_token().expect("a refresh token is never dropped").expose_secret().to_owned();
        Some((record, refresh))
    }

    fn send(
        &mut self,
        at: usize,
        attempt: u32,
        request: &Request<Body>,
        way: u8,
    ) -> Result<Response<Body>, Unanswered> {
        assert!(self.holder == Some(at) || self.lease, "sent without the lock");
        let form = core::str::from_utf8(request.body().as_ref()).expect("a form");
        let refresh =
            form.split('&').find_map(|pair| pair.strip_prefix("refresh_token=")).expect("its token").to_owned();
        let lost = |sent| Err(Unanswered { sent, cause: Arc::new(std::io::Error::other("no answer")) });
        if way % 20 == 1 {
            return lost(Sent::NotSent);
        }
        let open = self.open.entry(refresh.clone()).or_default();
        assert!(attempt > *open, "sent {open} times, and the mark says {attempt}");
        assert!(attempt <= self.plan.policy.in_doubt.most(), "more often than the policy says");
        *open += 1;
        if !self.lease {
            let (record, stored) = self.record().expect("a record");
            let sending =
                record.mark.is_some_and(|mark| matches!(mark.stage, Stage::Sending { .. }) && mark.sent == attempt);
            assert!(stored == refresh && sending, "sent without a mark");
        }
        match way % 20 {
            2 => lost(Sent::MaybeSent),
            3 => Ok(answer(502, "<h1>", None)),
            4 => Ok(answer(404, r#"{"error":"Not Found"}"#, None)),
            5 => Ok(answer(200, "<html>", None)),
            6 => Ok(answer(500, "", Some(u64::from(way)))),
            7 => {
                self.harmless(&refresh);
                Ok(answer(429, "", (way > 100).then_some(u64::from(way) * 1000)))
            }
            8 => {
                self.harmless(&refresh);
                Ok(answer(401, r#"{"error":"invalid_client"}"#, None))
            }
            9 => {
                let _ = self.token_answer(&refresh, "", "");
                lost(Sent::MaybeSent)
            }
            10 => Ok(self.token_answer(&refresh, r#","expires_in":0"#, r#""token_type":"Bearer","#)),
            // Refused, and the refresh token in it is not dropped.
            11 => Ok(self.token_answer(&refresh, "", "")),
            12 => Ok(self.token_answer(&refresh, r#","refresh_token":{"a":"b"}"#, r#""token_type":"Bearer","#)),
            // Verdicts are sometimes wrong.
            13 => {
                self.dead.insert(refresh);
                Ok(answer(400, r#"{"error":"invalid_grant"}"#, None))
            }
            _ => Ok(self.token_answer(&refresh, r#","expires_in":3600"#, r#""token_type":"Bearer","#)),
        }
    }

    fn harmless(&mut self, refresh: &str) {
        *self.open.get_mut(refresh).expect("it left") -= 1;
    }

    /// The server rotates what is valid, and refuses the rest.
    fn token_answer(&mut self, refresh: &str, members: &str, token_type: &str) -> Response<Body> {
        if self.valid.as_deref() != Some(refresh) {
            self.dead.insert(refresh.to_owned());
            return answer(400, r#"{"error":"invalid_grant"}"#, None);
        }
        self.issued += 1;
        let new = format!("rt-{}", self.issued);
        let own =
            if members.contains("refresh_token") { String::new() } else { format!(r#","refresh_token":"{new}""#) };
        self.valid = Some(new);
        let body = format!(r#"{{{token_type}"access_token":"at-{}"{members}{own}}}"#, self.issued);
        answer(200, &body, None)
    }

    /// The store never says what is not so.
    fn check(&mut self) {
        let Some((record, refresh)) = self.record() else { return };
        let open = self.open.get(&refresh).copied().unwrap_or(0);
        match record.lost {
            Some(lost) => {
                assert!(lost.loss == Loss::Refused && lost.verdict.is_some(), "{lost:?}");
                assert!(self.dead.contains(&refresh), "lost without a verdict");
            }
            None => {
                let sent = record.mark.map_or(0, |mark| mark.sent);
                assert!(sent >= open, "{open} requests may have left, and the store knows of {sent}");
            }
        }
        if let Some(rest) = record.mark.and_then(|mark| mark.rest()) {
            assert!(rest.wait <= Duration::from_secs(24 * 3600), "{rest:?}");
        }
        // The same id, the same tokens.
        let id = (record.id.grant, record.id.generation);
        let tokens = serde_json::to_string(&record.stored_tokens().expect("tokens")).expect("JSON");
        let known = self.generations.entry(id).or_insert_with(|| tokens.clone());
        assert_eq!(*known, tokens, "two tokens of one generation");
        // No going back to an earlier one.
        let latest = self.generations.range((id.0, 0)..=(id.0, u64::MAX)).next_back();
        assert_eq!(latest.map(|(id, _)| *id), Some(id), "an earlier generation came back");
    }
}

fn answer(status: u16, body: &str, retry_after: Option<u64>) -> Response<Body> {
    let mut response = Response::builder().status(status);
    if let Some(seconds) = retry_after {
        response = response.header("retry-after", seconds);
    }
    response.body(Body::from(body.as_bytes().to_vec())).expect("a response")
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
