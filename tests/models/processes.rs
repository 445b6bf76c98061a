//! The processes: some drive their renewals by hand, so that anything can come between two steps; some are whole
//! sessions.

use std::collections::VecDeque;
use std::sync::Arc;

use grantflow::{Body, Env, Sent};
use grantflow_session::renewal::{Action as Next, NotMade, Outcome, Plan, Renewal, TokenFrom, Unsaved};
use grantflow_session::{FreshToken, InDoubt, Lock, MemoryStore, Outside, Policy, Session, Store, StoreError, Swap};
use grantflow_tests::world::{
    AsStore, Asked, Kept, Leased, Net, World, key, plain_policy, refresh_token_in, unanswered,
};
use http::{Request, Response};

use crate::ledger::{Ledger, most};
use crate::{Action, BY_HAND, Disk, Goal, SESSIONS, Setup, Way, tally};

pub(crate) struct System {
    pub(crate) world: World,
    pub(crate) store: MemoryStore,
    /// Whether the sessions and the plans have a source.
    pub(crate) fed: bool,
    pub(crate) policy: Policy,
    pub(crate) in_doubt: InDoubt,
    pub(crate) lease: bool,
    /// The server sees nothing.
    pub(crate) down: bool,
    /// Which sessions were told that the network is back.
    pub(crate) hurries: [bool; SESSIONS],
    pub(crate) by_hand: Vec<Process>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) ledger: Ledger,
    pub(crate) under_way: VecDeque<Transit>,
    pub(crate) next_transit: u64,
    /// Counts logins and logouts: what they replace is not lost.
    pub(crate) chosen: u64,
}

/// A request in progress. Its sender may be gone.
pub(crate) struct Transit {
    pub(crate) number: u64,
    pub(crate) request: Request<Body>,
}

pub(crate) struct Process {
    /// With the process's own source, and what waits of it.
    pub(crate) plan: Arc<Plan>,
    pub(crate) known: Option<FreshToken>,
    pub(crate) unsaved: Option<InHand>,
    pub(crate) course: Option<Course>,
}

pub(crate) struct InHand {
    pub(crate) unsaved: Unsaved,
    /// The refresh token in it.
    pub(crate) refresh: String,
    pub(crate) chosen: u64,
}

pub(crate) struct Course {
    pub(crate) next: Next,
    pub(crate) lock: Option<Lock>,
    /// When its last request was sent.
    pub(crate) sent_at: u64,
    /// It was not the first request with its token.
    pub(crate) again: bool,
    /// Its last request was an exchange of the source.
    pub(crate) feeds: bool,
    pub(crate) goal: &'static str,
    /// The number of the request in progress, and its answer after it has arrived.
    pub(crate) waits_for: Option<(u64, Option<Response<Body>>)>,
    /// The refresh token of an answer.
    pub(crate) brought: Option<String>,
    /// For a save: the tokens that the process had.
    pub(crate) saves: Option<(String, u64)>,
}

impl System {
    pub(crate) fn new(setup: &Setup) -> Self {
        let world = World::new();
        world.server(|server| {
            server.knobs().refresh_grace = setup.grace;
            server.knobs().revoke_on_replay = setup.revokes_on_replay;
            server.knobs().expires_in = setup.expires_in;
            server.knobs().code_lifetime = 600;
        });
        let store = MemoryStore::new();
        let mut policy = plain_policy();
        policy.in_doubt = setup.in_doubt;
        let by_hand = (0..BY_HAND).map(|_| Process::new(&world, &policy, setup)).collect();
        let sessions =
            (0..SESSIONS).map(|_| session(&world, &store, &policy, setup.lease, setup.fed)).collect::<Vec<_>>();
        sessions[0].prime_blocking(world.login()).unwrap();
        Self {
            world,
            store,
            fed: setup.fed,
            policy,
            in_doubt: setup.in_doubt,
            lease: setup.lease,
            down: false,
            hurries: [false; SESSIONS],
            by_hand,
            sessions,
            ledger: Ledger::default(),
            under_way: VecDeque::new(),
            next_transit: 0,
            chosen: 0,
        }
    }

    fn setup(&self) -> Setup {
        Setup { lease: self.lease, fed: self.fed, in_doubt: self.in_doubt, ..Setup::default() }
    }

    pub(crate) fn kept(&self) -> Option<Kept> {
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
                // At most through a look, lock, read, mark and request.
                for _ in 0..5 {
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
                let new = Process::new(&self.world, &self.policy, &self.setup());
                let gone = std::mem::replace(&mut self.by_hand[process], new);
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
            Action::Restart(at) => {
                self.sessions[at] = session(&self.world, &self.store, &self.policy, self.lease, self.fed);
            }
            Action::Clock(seconds) => {
                if seconds < 0 {
                    self.ledger.excuse();
                }
                let now = self.world.now().as_secs();
                self.world.set_now(now.saturating_add_signed(seconds));
            }
            Action::Outage(down) => {
                self.down = down;
                self.world.network_always(if down { Net::Gateway(502, None) } else { Net::Fine });
            }
            Action::LeaseEnds(process) => {
                let course = self.by_hand[process].course.as_mut().filter(|_| self.lease);
                if course.is_some_and(|course| course.lock.take().is_some()) {
                    tally("a lease ended");
                }
            }
            Action::RetryNow(session) => {
                self.hurries[session] = true;
                self.sessions[session].retry_now();
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
        let plan = Arc::clone(&process.plan);
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
        let (lock, sent_at, again, feeds, waits_for, brought) = (None, 0, false, false, None, None);
        process.course = Some(Course { next, lock, sent_at, again, feeds, goal, waits_for, brought, saves });
    }

    fn step(&mut self, at: usize, disk: Disk, way: Way) {
        let Some(mut course) = self.by_hand[at].course.take() else { return };
        let (lease, now) = (self.lease, self.world.now().as_secs());
        let way = if self.down && way != Way::NotSent { Way::Down } else { way };
        let store = self.store.as_store();
        let key = key();
        let mut dice = self.world.clone();
        let mut env = Env::new(self.world.now(), &mut dice);
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
                assert!(course.lock.is_some() || lease, "written without the lock");
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
                self.world.advance(state.duration().as_millis().div_ceil(1000) as u64);
                state.waited()
            }
            Next::Release(state) => {
                course.lock = None;
                state.released()
            }
            Next::Send(state) => {
                assert!(course.lock.is_some() || lease, "sent without the lock");
                let late = lease && course.sent_at.saturating_add(STACK_DEADLINE) < now;
                match course.waits_for.take() {
                    Some((_, Some(answer))) if way != Way::AnswerLost && !late => {
                        course.brought = refresh_token_of(&answer);
                        state.answered(&mut env, answer)
                    }
                    // Patience is over; the request may still arrive.
                    Some(_) => state.unanswered(&mut env, unanswered(Sent::MaybeSent, "timeout")),
                    None => {
                        let request = match state.request(&mut env) {
                            Ok(request) => request,
                            Err(why) => {
                                assert!(matches!(why, NotMade::Late), "{why:?}");
                                tally("late");
                                course.next = state.not_made(why);
                                self.by_hand[at].course = Some(course);
                                return;
                            }
                        };
                        let token = refresh_token_in(&request);
                        course.sent_at = now;
                        course.feeds = token.is_none();
                        if course.feeds {
                            assert!(self.fed, "sent without a refresh token");
                            let kept = self.kept();
                            let has_better = kept.is_some_and(|kept| {
                                !kept.lost && kept.refresh.is_some() && kept.sent < most(self.in_doubt)
                            });
                            assert!(!has_better || lease, "the source was asked before the refresh token");
                            tally("the source was asked");
                        }
                        if let Some(token) = token.as_ref().filter(|_| way != Way::NotSent) {
                            // Under a lease, another process may have changed the entry since.
                            let kept = self.kept().filter(|kept| kept.refresh.as_ref() == Some(token) && !kept.lost);
                            assert!(kept.is_some() || lease, "sent without a mark");
                            course.again = self.ledger.left(token, now, kept.map(|kept| kept.sent));
                            if course.again {
                                tally("sent again in doubt");
                            }
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
                            Way::Down => state.answered(&mut env, page(502)),
                            Way::TooBusy => {
                                token.iter().for_each(|token| self.ledger.harmless(token));
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
            Next::Obtain(_) => unreachable!("no process has such a source"),
            Next::Done(_) => unreachable!("it was taken when it came"),
        };
        if let Next::Done(outcome) = course.next {
            let saves = course.saves.take();
            if course.again
                && course.brought.is_some()
                && matches!(outcome, Outcome::Fresh { from: TokenFrom::Server, .. })
            {
                tally("healed");
            }
            self.done(at, outcome, course.goal, course.brought.take(), saves);
            // Released after the process has updated its own copy.
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
}

/// The HTTP stack gives up after this many seconds.
pub(crate) const STACK_DEADLINE: u64 = 30;

pub(crate) fn session(world: &World, store: &MemoryStore, policy: &Policy, lease: bool, fed: bool) -> Session {
    let client = world.client();
    let session = if lease {
        Session::new(&client, key(), Leased::over(store), world.clone())
    } else {
        Session::new(&client, key(), store.clone(), world.clone())
    };
    let session = session.policy(policy.clone());
    if fed { session.source(world.codes(&Asked::default())) } else { session }
}

impl Process {
    fn new(world: &World, policy: &Policy, setup: &Setup) -> Self {
        let plan = Plan::refresh(&world.client(), key(), policy.clone()).lock_dies_with_its_process(!setup.lease);
        let plan = if setup.fed { plan.source(world.codes(&Asked::default())) } else { plan };
        Self { plan, known: None, unsaved: None, course: None }
    }

    /// The process ends its work and knows this.
    pub(crate) fn knows(&mut self, known: Option<FreshToken>) {
        (self.known, self.unsaved, self.course) = (known, None, None);
    }
}

fn broken() -> StoreError {
    StoreError::new("do it", std::io::Error::other("the disk is full"))
}

fn page(status: u16) -> Response<Body> {
    Response::builder().status(status).body(Body::from(b"<h1>not now</h1>".to_vec())).unwrap()
}

pub(crate) fn net(way: Way) -> Net {
    match way {
        Way::Arrives | Way::Slow => Net::Fine,
        Way::NotSent => Net::NotSent,
        Way::RequestLost => Net::LoseRequest,
        Way::AnswerLost => Net::LoseAnswer,
        Way::TooBusy => Net::Gateway(429, None),
        Way::BadGateway => Net::GatewayAfter(502),
        Way::Down => Net::Gateway(502, None),
    }
}

fn refresh_token_of(answer: &Response<Body>) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(answer.body().as_ref()).ok()?;
    json["refresh_token"].as_str().map(str::to_owned)
}
