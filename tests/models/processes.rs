//! The processes: some drive their renewals by hand, so that anything can come between two steps; some are whole sessions.

use std::collections::VecDeque;
use std::sync::Arc;

use grantflow::{Body, Env, Sent};
use grantflow_session::renewal::{Next, NotMade, Outcome, Plan, Renewal, Source, Unsaved};
use grantflow_session::{
    FreshToken, InDoubt, Lock, Loss, MemoryStore, Outside, Policy, Session, SessionError, Store, StoreError, Swap,
};
use grantflow_tests::world::{
    AsStore, Did, Kept, Leased, Net, World, access, key, plain_policy, refresh_token_in, unanswered,
};
use http::{Request, Response};

use crate::ledger::{Ledger, most, refused};
use crate::{Action, BY_HAND, Disk, Goal, SESSIONS, Setup, Way, tally};

pub(crate) struct System {
    world: World,
    store: MemoryStore,
    plan: Arc<Plan>,
    policy: Policy,
    in_doubt: InDoubt,
    lease: bool,
    /// The server sees nothing.
    down: bool,
    /// Which sessions were told that the network is back.
    hurries: [bool; SESSIONS],
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
    /// When its last request left.
    sent_at: u64,
    /// It was not the first with its token.
    again: bool,
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
        policy.in_doubt = setup.in_doubt;
        let plan = Plan::refresh(&world.client(), key(), policy.clone()).lock_dies_with_its_process(!setup.lease);
        let sessions = (0..SESSIONS).map(|_| session(&world, &store, &policy, setup.lease)).collect::<Vec<_>>();
        sessions[0].prime_blocking(world.login()).unwrap();
        Self {
            world,
            store,
            plan,
            policy,
            in_doubt: setup.in_doubt,
            lease: setup.lease,
            down: false,
            hurries: [false; SESSIONS],
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
                // Through a look, lock, reading, mark and request, at most.
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
            Action::Restart(at) => {
                self.sessions[at] = session(&self.world, &self.store, &self.policy, self.lease);
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
        process.course =
            Some(Course { next, lock: None, sent_at: 0, again: false, goal, waits_for: None, brought: None, saves });
    }

    fn step(&mut self, at: usize, disk: Disk, way: Way) {
        let Some(mut course) = self.by_hand[at].course.take() else { return };
        let (lease, now) = (self.lease, self.world.now().as_secs());
        let way = if self.down && way != Way::NotSent { Way::Down } else { way };
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
                    // Out of patience; the request may still arrive.
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
                        let token = refresh_token_in(&request).unwrap();
                        course.sent_at = now;
                        if way != Way::NotSent {
                            // Under a lease, somebody else may have changed the entry since.
                            let kept = self.kept().filter(|kept| kept.refresh.as_ref() == Some(&token) && !kept.lost);
                            assert!(kept.is_some() || lease, "sent without a mark");
                            course.again = self.ledger.left(&token, now, kept.map(|kept| kept.sent));
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
            if course.again
                && course.brought.is_some()
                && matches!(outcome, Outcome::Fresh { source: Source::Server, .. })
            {
                tally("healed");
            }
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
                if let Some(brought) = brought.as_ref().filter(|_| !self.lease) {
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
                if let Some(brought) = &brought {
                    // Over when it came; the refresh token beside it is not.
                    tally("of no use");
                    assert_eq!(stored.as_ref(), Some(brought), "the rotated token is not what is stored");
                }
            }
            Outcome::InDoubt(doubt) => {
                tally("in doubt");
                assert_eq!(brought, None);
                assert!(doubt.sent > 0 && doubt.sent <= most(self.in_doubt).max(2));
            }
            Outcome::Forgotten => {
                tally("logged out");
                self.chosen += 1;
                assert!(kept.is_none());
                *process = Process::default();
            }
            Outcome::Failed(error) => {
                assert!(brought.is_none() || self.lease, "{error:?}: the rotated token is lost");
                self.failed(&error, kept.as_ref());
            }
            _ => panic!("an outcome that the model does not know"),
        }
    }

    fn failed(&self, error: &SessionError, kept: Option<&Kept>) {
        match error {
            SessionError::Empty => {
                tally("empty");
                assert!(kept.is_none());
            }
            SessionError::Lost { loss, .. } => {
                tally("lost");
                assert_eq!(*loss, Loss::Refused);
                let refresh = kept.and_then(|kept| kept.refresh.clone()).expect("it is still there");
                assert!(refused(&self.world).contains(&refresh), "lost, and the server has not refused it");
            }
            SessionError::Unknown { sent, .. } => {
                tally("unknown");
                let kept = kept.expect("it is still there");
                assert!(*sent >= most(self.in_doubt) && !kept.lost, "unknown without a mark");
                assert!(kept.sent == *sent || self.lease, "{} {sent}", kept.sent);
            }
            SessionError::InDoubt { sent, .. } => {
                tally("in doubt");
                assert!(*sent > 0 && *sent <= most(self.in_doubt).max(2));
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
        if self.hurries[at] {
            self.ledger.excuse();
        }
        if !self.down {
            self.world.network(nets.iter().cloned());
        }
        self.world.clear();
        let before = self.kept();
        let good = self.sessions[at].peek().is_some() && self.sessions[at].unsaved().is_none();
        let result = self.sessions[at].token_blocking();
        if good {
            // Whatever becomes of the grant meanwhile.
            assert!(result.is_ok(), "a good token was withheld: {result:?}");
            let waited = self.world.log().iter().any(|did| matches!(did, Did::Wait(_)));
            assert!(!waited, "a caller with a good token waited: {:?}", self.world.log());
            tally("asked with a good token");
        }
        // Which way each request went.
        let mut nets = nets.into_iter();
        let mut sent_at = self.world.sent_at().into_iter();
        for did in self.world.log() {
            let Did::Send(Some(token)) = did else { continue };
            let net = nets.find(|net| !matches!(net, Net::NotSent)).unwrap_or(Net::Fine);
            if self.ledger.left(&token, sent_at.next().unwrap(), None) {
                tally("sent again in doubt");
            }
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
        self.ledger.check(self.in_doubt, kept.as_ref());
        let on_the_way =
            self.by_hand.iter().filter(|process| matches!(&process.course, Some(Course { lock: Some(_), .. }))).count();
        assert!(on_the_way <= 1, "{on_the_way} hold the lock");
        let now = self.world.now().as_secs();
        let is_sending = |course: &Course| {
            course.waits_for.is_some() && !(self.lease && course.sent_at.saturating_add(STACK_DEADLINE) < now)
        };
        let sending = self.by_hand.iter().filter(|process| process.course.as_ref().is_some_and(is_sending)).count();
        assert!(sending <= 1, "{sending} refreshes of one grant at a time");
    }

    /// All processes die. Whoever comes next finds a grant that is good, or one of which it is known that it may not be.
    pub(crate) fn end(mut self) {
        tally("cases");
        self.by_hand.clear();
        self.sessions.clear();
        self.world.network_always(Net::Fine);
        self.world.advance(10_000_000);
        let before = self.kept();
        let untouched = before.as_ref().is_some_and(|kept| {
            kept.sent == 0 && !kept.lost && kept.refresh.as_ref().is_some_and(|refresh| self.ledger.open(refresh) == 0)
        });
        self.world.clear();
        let session = session(&self.world, &self.store, &self.policy.clone().in_doubt(InDoubt::Heal), self.lease);
        if before.as_ref().is_some_and(|kept| kept.sent > 0) {
            tally("in doubt at the end");
        }
        let result = session.token_blocking();
        let sent = self.world.sent().len();
        match (&before, &result) {
            (None, Err(SessionError::Empty)) => assert_eq!(sent, 0),
            (Some(_), Ok(_)) => tally("good at the end"),
            // The server gave a verdict; nothing else ends a grant.
            (Some(kept), Err(SessionError::Lost { .. })) => {
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

/// The HTTP stack gives up after so many seconds.
const STACK_DEADLINE: u64 = 30;

fn session(world: &World, store: &MemoryStore, policy: &Policy, lease: bool) -> Session {
    let client = world.client();
    let session = if lease {
        Session::new(&client, key(), Leased::over(store), world.clone())
    } else {
        Session::new(&client, key(), store.clone(), world.clone())
    };
    session.policy(policy.clone())
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
        Way::Down => Net::Gateway(502, None),
    }
}

fn refresh_token_of(answer: &Response<Body>) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(answer.body().as_ref()).ok()?;
    json["refresh_token"].as_str().map(str::to_owned)
}
