//! Several processes on one store, step by step, in every order: renewals that are driven by hand, whole sessions
//! beside them, and a crash between any two steps. The server rotates, loses answers, revokes families on a replay, is
//! down for a time; clocks jump, and lease locks end before their holders do.
//!
//! `GRANTFLOW_MODEL_CASES` makes it longer.

mod ledger;
mod outcomes;
mod processes;

use std::collections::BTreeMap;
use std::sync::Mutex;

use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use grantflow_session::InDoubt;

use processes::System;

/// How many processes drive their renewals by hand, and how many are whole sessions.
const BY_HAND: usize = 3;
const SESSIONS: usize = 2;

/// The settings of a server and a policy.
#[derive(Clone, Debug, Default)]
struct Setup {
    /// How long the server accepts a used refresh token, in seconds.
    grace: u64,
    revokes_on_replay: bool,
    in_doubt: InDoubt,
    expires_in: u64,
    /// A lock ends some time after its holder's last chance to send, even if the holder is alive.
    lease: bool,
    /// There is a source of new tokens. Each of its exchanges is a code that can be used once.
    fed: bool,
}

/// The purpose of a procedure.
#[derive(Clone, Copy, Debug)]
enum Goal {
    Renew,
    /// The API has refused the known token.
    Refused,
    Login,
    LogOut,
}

/// The outcome of a step on a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    Works,
    /// It fails, and nothing is written.
    FailsBefore,
    /// It is written, and reported as failed.
    FailsAfter,
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Arrives,
    NotSent,
    RequestLost,
    AnswerLost,
    TooBusy,
    /// The server acts, and a gateway reports a failure.
    BadGateway,
    /// A gateway answers for a server that sees nothing.
    Down,
    /// It takes longer than this step.
    Slow,
}

#[derive(Clone, Debug)]
enum Action {
    Begin(usize, Goal),
    /// This many steps in a row.
    Steps(usize, usize, Disk, Way),
    /// Everything succeeds until new tokens are there; from then on the store fails this many times.
    SpoilTokens(usize, usize, Disk),
    Crash(usize),
    /// The oldest request in progress arrives; its sender may be gone.
    Arrive,
    /// A whole session is asked for a token.
    Ask(usize, [Way; 2]),
    /// Its API refuses its token, and it is asked again.
    AskAgain(usize, [Way; 2]),
    LogIn(usize),
    Restart(usize),
    /// From now on the server sees nothing, or sees again.
    Outage(bool),
    /// Another process has the lock of this process from now on.
    LeaseEnds(usize),
    RetryNow(usize),
    Clock(i64),
    RevokeEverything,
}

fn disk() -> impl Strategy<Value = Disk> {
    prop_oneof![12 => Just(Disk::Works), 1 => Just(Disk::FailsBefore), 1 => Just(Disk::FailsAfter)]
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![
        8 => Just(Way::Arrives),
        1 => Just(Way::NotSent),
        1 => Just(Way::RequestLost),
        2 => Just(Way::AnswerLost),
        1 => Just(Way::TooBusy),
        1 => Just(Way::BadGateway),
        1 => Just(Way::Down),
        3 => Just(Way::Slow),
    ]
}

fn ways() -> impl Strategy<Value = [Way; 2]> {
    [way(), way()]
}

struct Model;

impl ReferenceStateMachine for Model {
    type State = Setup;
    type Transition = Action;

    fn init_state() -> BoxedStrategy<Setup> {
        let grace = prop_oneof![Just(0), Just(60), Just(1_000_000)];
        let expires_in = prop_oneof![Just(10), Just(3600)];
        let in_doubt = prop_oneof![4 => Just(InDoubt::Heal), 1 => Just(InDoubt::Once), 1 => Just(InDoubt::Never)];
        (grace, any::<bool>(), in_doubt, expires_in, prop::bool::weighted(0.3), prop::bool::weighted(0.4))
            .prop_map(|(grace, revokes_on_replay, in_doubt, expires_in, lease, fed)| Setup {
                grace,
                revokes_on_replay,
                in_doubt,
                expires_in,
                lease,
                fed,
            })
            .boxed()
    }

    fn transitions(_: &Setup) -> BoxedStrategy<Action> {
        let goal = prop_oneof![
            10 => Just(Goal::Renew),
            10 => Just(Goal::Refused),
            2 => Just(Goal::Login),
            1 => Just(Goal::LogOut),
        ];
        let clock = prop_oneof![6 => 1..4000i64, 1 => 4000..100_000i64, 1 => -100_000..0i64];
        prop_oneof![
            16 => (0..BY_HAND, goal).prop_map(|(process, goal)| Action::Begin(process, goal)),
            40 => (0..BY_HAND, 1..9usize, disk(), way())
                .prop_map(|(process, times, disk, way)| Action::Steps(process, times, disk, way)),
            9 => (0..BY_HAND, 1..8usize, disk())
                .prop_map(|(process, times, disk)| Action::SpoilTokens(process, times, disk)),
            2 => (0..BY_HAND).prop_map(Action::Crash),
            2 => Just(Action::Arrive),
            4 => (0..SESSIONS, ways()).prop_map(|(session, ways)| Action::Ask(session, ways)),
            2 => (0..SESSIONS, ways()).prop_map(|(session, ways)| Action::AskAgain(session, ways)),
            4 => (0..SESSIONS).prop_map(Action::LogIn),
            1 => (0..SESSIONS).prop_map(Action::Restart),
            2 => prop::bool::weighted(0.4).prop_map(Action::Outage),
            3 => (0..BY_HAND).prop_map(Action::LeaseEnds),
            1 => (0..SESSIONS).prop_map(Action::RetryNow),
            5 => clock.prop_map(Action::Clock),
            1 => prop_oneof![5 => Just(Action::Arrive), 1 => Just(Action::RevokeEverything)],
        ]
        .boxed()
    }

    fn apply(setup: Setup, _: &Action) -> Setup {
        setup
    }
}

impl StateMachineTest for System {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(setup: &Setup) -> Self {
        Self::new(setup)
    }

    fn apply(mut system: Self, _: &Setup, action: Action) -> Self {
        system.act(action);
        system
    }

    fn check_invariants(system: &Self, _: &Setup) {
        system.check();
    }

    fn teardown(system: Self, _: Setup) {
        system.end();
    }
}

/// What has happened in all cases together.
static TALLY: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());

fn tally(what: &'static str) {
    *TALLY.lock().unwrap().entry(what).or_default() += 1;
}

#[test]
fn in_every_order_nothing_is_lost_and_nothing_is_sent_twice() {
    let cases = std::env::var("GRANTFLOW_MODEL_CASES").map_or(1000, |cases| cases.parse().unwrap());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    proptest!(config.clone(), |((setup, actions, seen) in Model::sequential_strategy(40..160))| {
        System::test_sequential(config.clone(), setup, actions, seen);
    });
    let tally = TALLY.lock().unwrap();
    println!("{tally:#?}");
    // A model in which nothing happens proves nothing.
    for what in [
        "refreshed",
        "adopted",
        "lost",
        "in doubt",
        "unknown",
        "not renewed",
        "not stored",
        "saved",
        "crashed on the way",
        "sent again in doubt",
        "healed",
        "in doubt at the end",
        "healed at the end",
        "a lease ended",
        "late",
        "of no use",
        "asked with a good token",
        "the source was asked",
        "the source served at the end",
    ] {
        assert!(tally.get(what).is_some_and(|times| *times > 2), "{what} hardly ever happened");
    }
}
