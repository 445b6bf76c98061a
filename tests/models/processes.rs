//! The processes: some drive their renewals by hand, so that anything can come between two steps; some are whole sessions.

use std::collections::VecDeque;
use std::sync::Arc;

use grantflow::{Body, Env, Sent};
use grantflow_session::renewal::{Next, Outcome, Plan, Renewal, Source, Unsaved};
use grantflow_session::{
    FreshToken, Lock, Loss, MemoryStore, Outside, Policy, Session, SessionError, Store, StoreError, Swap,
};
use grantflow_tests::world::{AsStore, Did, Kept, Net, World, access, key, plain_policy, refresh_token_in, unanswered};
use http::{Request, Response};

use crate::ledger::{Ledger, refused};
use crate::{Action, BY_HAND, Disk, Goal, SESSIONS, Setup, Way, tally};

pub(crate) struct System {
    world: World,
    store: MemoryStore,
    plan: Arc<Plan>,
    policy: Policy,
    retries: u32,
    by_hand: Vec<Process>,
    sessions: Vec<Session>,
    ledger: Ledger,
    under_way: VecDeque<Transit>,
    next_transit: u64,
    /// Counts logins and logouts: what they replace is not lost.
    chosen: u64,
}

/// A request on its way. Its sender may be gone.
struct Transit {
    number: u64,
    request: Request<Body>,
}

#[derive(Default)]
struct Process {
    known: Option<FreshToken>,
    unsaved: Option<Held>,
    course: Option<Course>,
}

struct Held {
    unsaved: Unsaved,
    /// The refresh token in it.
    refresh: String,
    chosen: u64,
}

struct Course {
    next: Next,
    lock: Option<Lock>,
    goal: &'static str,
    /// The number of the request that is under way, and its answer once it has arrived.
    waits_for: Option<(u64, Option<Response<Body>>)>,
    /// The refresh token that an answer brought.
    brought: Option<String>,
    /// Of a save: what the process had in hand.
    saves: Option<(String, u64)>,
}

impl System {
    pub(crate) fn new(setup: &Setup) -> Self {
        let world = World::new();
        world.server(|server| {
            server.knobs().refresh_grace = setup.grace;
            server.knobs().revoke_on_replay = setup.revokes_on_replay;
            server.knobs().expires_in = setup.expires_in;
        });
        let store = MemoryStore::new();
        let mut policy = plain_policy();
        policy.retries_after_unknown = setup.retries;
        let plan = Plan::refresh(&world.client(), policy.clone());
        let sessions: Vec<Session> = (0..SESSIONS).map(|_| world.session_with(&store, policy.clone())).collect();
        sessions[0].prime_blocking(world.login()).unwrap();
        Self {
            world,
            store,
            plan,
            policy,
            retries: setup.retries,
            by_hand: (0..BY_HAND).map(|_| Process::default()).collect(),
            sessions,
            ledger: Ledger::default(),
            under_way: VecDeque::new(),
            next_transit: 0,
            chosen: 0,
        }
    }

    fn kept(&self) -> Option<Kept> {
        let entry = pollster::block_on(self.store.as_store().load(&key())).unwrap();
        entry.map(|entry| Kept::of(&entry.value))
    }

    pub(crate) fn act(&mut self, action: Action) {
        tally("steps");
        match action {
            Action::Begin(process, goal) => self.begin(process, goal),
            Action::Steps(process, times, disk, way) => {
                for _ in 0..times {
                    self.step(process, disk, way);
                    self.check();
                }
            }
            Action::SpoilTokens(process, times, disk) => {
                let disk = if disk == Disk::Works { Disk::FailsBefore } else { disk };
                // Through lock, reading, mark and request, at most.
                for _ in 0..4 {
                    if self.by_hand[process].course.as_ref().is_some_and(|course| course.brought.is_none()) {
                        self.step(process, Disk::Works, Way::Arrives);
                        self.check();
                    }
                }
                for _ in 0..times {
                    if self.by_hand[process].course.as_ref().is_some_and(|course| course.brought.is_some()) {
                        self.step(process, disk, Way::Arrives);
                        self.check();
                    }
                }
            }
            Action::Crash(process) => {
                let gone = std::mem::take(&mut self.by_hand[process]);
                tally(if gone.course.is_some() { "crashed on the way" } else { "crashed" });
            }
            Action::Arrive => self.arrive(),
            Action::Ask(session, ways) => self.ask(session, ways),
            Action::AskAgain(session, ways) => {
                if let Some(token) = self.sessions[session].peek() {
                    self.sessions[session].refused(&token);
                }
                self.ask(session, ways);
            }
            Action::LogIn(session) => {
                if self.sessions[session].prime_blocking(self.world.login()).is_ok() {
                    self.chosen += 1;
                }
            }
            Action::Restart(session) => {
                self.sessions[session] = self.world.session_with(&self.store, self.policy.clone());
            }
            Action::Clock(seconds) => {
                let now = self.world.now().as_secs();
                self.world.set_now(now.saturating_add_signed(seconds));
            }
            Action::RevokeEverything => self.world.server(|server| server.revoke_all()),
        }
    }

    fn begin(&mut self, process: usize, goal: Goal) {
        let world = &self.world;
        let process = &mut self.by_hand[process];
        if process.course.is_some() {
            return;
        }
        let plan = Arc::clone(&self.plan);
        let mut saves = None;
        let (next, goal) = match goal {
            Goal::Login => (Renewal::prime(plan, world.login()).unwrap(), "login"),
            Goal::LogOut => (Renewal::forget(plan), "logout"),
            _ if process.unsaved.is_some() => {
                let held = process.unsaved.as_ref().unwrap();
                saves = Some((held.refresh.clone(), held.chosen));
                (Renewal::save(plan, held.unsaved.clone()), "save")
            }
            Goal::Renew => (Renewal::of(plan, None), "renew"),
            Goal::Refused => (Renewal::of(plan, process.known.as_ref()), "renew"),
        };
        process.course = Some(Course { next, lock: None, goal, waits_for: None, brought: None, saves });
    }

    fn step(&mut self, at: usize, disk: Disk, way: Way) {
        let Some(mut course) = self.by_hand[at].course.take() else { return };
        let store = self.store.as_store();
        let key = key();
        let mut dice = self.world.clone();
        let mut env = Env { now: self.world.now(), rng: &mut dice };
        course.next = match course.next {
            Next::Lock(state) => match disk {
                Disk::Works => match pollster::block_on(store.try_lock(&key)).unwrap() {
                    Some(lock) => {
                        assert!(course.lock.replace(lock).is_none());
                        state.locked()
                    }
                    None => state.busy(),
                },
                _ => state.failed(broken()),
            },
            Next::Load(state) => match disk {
                Disk::Works => state.loaded(&mut env, pollster::block_on(store.load(&key)).unwrap()),
                _ => state.failed(broken()),
            },
            Next::Write(state) => {
                assert!(course.lock.is_some(), "written without the lock");
                let value = state.value().unwrap();
                if disk == Disk::FailsBefore {
                    state.failed(broken())
                } else {
                    let swap = pollster::block_on(store.compare_and_swap(&key, state.expected(), value)).unwrap();
                    match swap {
                        _ if disk == Disk::FailsAfter => state.failed(broken()),
                        Swap::Swapped(revision) => state.written(&mut env, revision),
                        Swap::Conflict => state.conflict(),
                    }
                }
            }
            Next::Wait(state) => {
                self.world.advance(state.duration().as_secs());
                state.waited()
            }
            Next::Send(state) => {
                assert!(course.lock.is_some(), "sent without the lock");
                match course.waits_for.take() {
                    Some((_, Some(answer))) if way != Way::AnswerLost => {
                        course.brought = refresh_token_of(&answer);
                        state.answered(&mut env, answer)
                    }
                    // Out of patience; the request may still arrive.
                    Some(_) => state.unanswered(&mut env, unanswered(Sent::MaybeSent, "timeout")),
                    None => {
                        let request = state.request(&mut env).unwrap();
                        let token = refresh_token_in(&request).unwrap();
                        if way != Way::NotSent {
                            self.ledger.left(&token);
                        }
                        match way {
                            Way::NotSent => state.unanswered(&mut env, unanswered(Sent::NotSent, "refused")),
                            Way::RequestLost => state.unanswered(&mut env, unanswered(Sent::MaybeSent, "reset")),
                            Way::Arrives | Way::AnswerLost | Way::BadGateway => {
                                let answer = self.world.serve(&request).unwrap();
                                match way {
                                    Way::Arrives => {
                                        course.brought = refresh_token_of(&answer);
                                        state.answered(&mut env, answer)
                                    }
                                    Way::AnswerLost => state.unanswered(&mut env, unanswered(Sent::MaybeSent, "reset")),
                                    _ => state.answered(&mut env, page(502)),
                                }
                            }
                            Way::TooBusy => {
                                self.ledger.harmless(&token);
                                state.answered(&mut env, page(429))
                            }
                            Way::Slow => {
                                self.next_transit += 1;
                                self.under_way.push_back(Transit { number: self.next_transit, request });
                                course.waits_for = Some((self.next_transit, None));
                                Next::Send(state)
                            }
                        }
                    }
                }
            }
            Next::Done(_) => unreachable!("it was taken when it came"),
        };
        if let Next::Done(outcome) = course.next {
            let saves = course.saves.take();
            self.done(at, outcome, course.goal, course.brought.take(), saves);
            // Given back after the process has settled what it knows.
            drop(course.lock);
        } else {
            self.by_hand[at].course = Some(course);
        }
    }

    fn arrive(&mut self) {
        let Some(transit) = self.under_way.pop_front() else { return };
        let answer = self.world.serve(&transit.request);
        for process in &mut self.by_hand {
            if let Some(Course { waits_for: Some((number, slot)), .. }) = &mut process.course
                && *number == transit.number
            {
                *slot = answer;
                return;
            }
        }
        tally("arrived after its sender had gone");
    }

    fn done(
        &mut self,
        at: usize,
        outcome: Outcome,
        goal: &'static str,
        brought: Option<String>,
        saves: Option<(String, u64)>,
    ) {
        let kept = self.kept();
        let now = self.world.now();
        let process = &mut self.by_hand[at];
        let stored = kept.as_ref().and_then(|kept| kept.refresh.clone());
        match outcome {
            Outcome::Fresh { token, source, .. } => {
                let kept = kept.as_ref().expect("what is given out is stored");
                assert_eq!(kept.access, access(&token), "what is given out is what is stored");
                assert_eq!(kept.sent, if source == Source::Store { kept.sent } else { 0 });
                if source == Source::Store || goal == "save" && brought.is_none() {
                    assert!(token.expires_at().is_none_or(|end| now < end), "a token that is over was given out");
                }
                if let Some(brought) = &brought {
                    assert_eq!(stored.as_ref(), Some(brought), "the rotated token is not what is stored");
                }
                tally(match (goal, source) {
                    ("save", Source::Server) if brought.is_none() => "saved",
                    (_, Source::Server) => "refreshed",
                    (_, Source::Store) => "adopted",
                    _ => "logged in",
                });
                if goal == "login" {
                    self.chosen += 1;
                }
                if let Some((refresh, chosen)) = saves {
                    let superseded = stored.as_ref() != Some(&refresh) && brought.is_none();
                    assert!(
                        !superseded || self.chosen > chosen || source == Source::Store,
                        "unsaved tokens were dropped"
                    );
                }
                *process = Process { known: Some(token), ..Process::default() };
            }
            Outcome::NotStored { unsaved, .. } => {
                tally("not stored");
                let text = serde_json::to_value(unsaved.expose_tokens().unwrap()).unwrap();
                let refresh = text["refresh_token"].as_str().unwrap().to_owned();
                if let Some(brought) = &brought {
                    assert_eq!(*brought, refresh, "the rotated token is in nobody's hand");
                }
                let chosen = saves.map_or(self.chosen, |(_, chosen)| chosen);
                process.unsaved = Some(Held { unsaved, refresh, chosen });
            }
            Outcome::NotRenewed { .. } => {
                tally("not renewed");
                assert_eq!(brought, None);
                if let Some(token) = self.ledger_token(&stored) {
                    // The server has not looked at it, or it never left.
                    let open = self.ledger.open(&token);
                    let known = kept.as_ref().unwrap().sent;
                    assert!(open <= known, "{open} {known}");
                }
            }
            Outcome::Forgotten => {
                tally("logged out");
                self.chosen += 1;
                assert!(kept.is_none());
                *process = Process::default();
            }
            Outcome::Failed(error) => {
                assert_eq!(brought, None, "{error:?}: the rotated token is lost");
                self.failed(&error, kept.as_ref());
            }
            _ => panic!("an outcome that the model does not know"),
        }
    }

    fn ledger_token(&self, stored: &Option<String>) -> Option<String> {
        stored.clone()
    }

    fn failed(&self, error: &SessionError, kept: Option<&Kept>) {
        match error {
            SessionError::Empty => {
                tally("empty");
                assert!(kept.is_none());
            }
            SessionError::Lost(loss) => {
                tally("lost");
                assert_eq!(*loss, Loss::Refused);
                let refresh = kept.and_then(|kept| kept.refresh.clone()).expect("it is still there");
                assert!(refused(&self.world).contains(&refresh), "lost, and the server has not refused it");
            }
            SessionError::Unknown => {
                tally("unknown");
                let kept = kept.expect("it is still there");
                assert!(kept.sent > self.retries && !kept.lost, "unknown without a mark");
            }
            SessionError::NotRenewed { .. } => tally("not renewed"),
            SessionError::Store(_) => tally("the store failed"),
            SessionError::Busy => tally("busy"),
            other => panic!("{other:?}"),
        }
    }

    /// Asks a session, with so many ways for its requests to go.
    fn ask(&mut self, at: usize, ways: [Way; 2]) {
        let nets: Vec<Net> = ways.iter().map(|way| net(*way)).collect();
        self.world.network(nets.iter().cloned());
        self.world.clear();
        let before = self.kept();
        let result = self.sessions[at].token_blocking();
        // Which way each request went.
        let mut nets = nets.into_iter();
        for did in self.world.log() {
            let Did::Send(Some(token)) = did else { continue };
            let net = nets.find(|net| !matches!(net, Net::NotSent)).unwrap_or(Net::Fine);
            self.ledger.left(&token);
            if matches!(net, Net::Gateway(429, _)) {
                self.ledger.harmless(&token);
            }
        }
        self.world.forget_network();
        let kept = self.kept();
        match result {
            Ok(token) => {
                tally("given by a session");
                assert!(token.expires_at().is_none_or(|end| self.world.now() < end), "over");
                let generation = |kept: &Option<Kept>| kept.as_ref().map(|kept| kept.generation);
                if generation(&before) != generation(&kept) {
                    assert_eq!(kept.map(|kept| kept.access), Some(access(&token)));
                }
            }
            // It may remember a failure, while somebody else has changed the store since.
            Err(SessionError::NotRenewed { .. }) => tally("not renewed"),
            Err(error) => self.failed(&error, kept.as_ref()),
        }
    }

    pub(crate) fn check(&self) {
        let kept = self.kept();
        self.ledger.check(self.retries, kept.as_ref());
        let on_the_way =
            self.by_hand.iter().filter(|process| matches!(&process.course, Some(Course { lock: Some(_), .. }))).count();
        assert!(on_the_way <= 1, "{on_the_way} hold the lock");
        let sending = self
            .by_hand
            .iter()
            .filter(|process| matches!(&process.course, Some(Course { waits_for: Some(_), .. })))
            .count();
        assert!(sending <= 1, "{sending} refreshes of one grant at a time");
    }

    /// All processes die. Whoever comes next finds a grant that is good, or one of which it is known that it may not be.
    pub(crate) fn end(mut self) {
        tally("cases");
        self.by_hand.clear();
        self.sessions.clear();
        self.world.advance(10_000_000);
        let before = self.kept();
        let untouched = before.as_ref().is_some_and(|kept| {
            kept.sent == 0 && !kept.lost && kept.refresh.as_ref().is_some_and(|refresh| self.ledger.open(refresh) == 0)
        });
        self.world.clear();
        let session = self.world.session_with(&self.store, self.policy.clone());
        let result = session.token_blocking();
        let sent = self.world.sent().len();
        match (&before, &result) {
            (None, Err(SessionError::Empty)) => assert_eq!(sent, 0),
            (Some(_), Ok(_)) => tally("good at the end"),
            (Some(kept), Err(SessionError::Unknown)) => assert!(kept.sent > self.retries && sent == 0),
            (Some(kept), Err(SessionError::Lost(_))) => {
                assert!(kept.lost || sent == 1);
                let revoked = refused(&self.world).contains(kept.refresh.as_ref().unwrap());
                assert!(revoked, "lost, and the server has not refused it");
                if untouched {
                    tally("revoked behind our back");
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

fn broken() -> StoreError {
    StoreError::new("do it", std::io::Error::other("the disk is full"))
}

fn page(status: u16) -> Response<Body> {
    Response::builder().status(status).body(Body::from(b"<h1>not now</h1>".to_vec())).unwrap()
}

fn net(way: Way) -> Net {
    match way {
        Way::Arrives | Way::Slow => Net::Fine,
        Way::NotSent => Net::NotSent,
        Way::RequestLost => Net::LoseRequest,
        Way::AnswerLost => Net::LoseAnswer,
        Way::TooBusy => Net::Gateway(429, None),
        Way::BadGateway => Net::GatewayAfter(502),
    }
}

fn refresh_token_of(answer: &Response<Body>) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(answer.body().as_ref()).ok()?;
    json["refresh_token"].as_str().map(str::to_owned)
}
