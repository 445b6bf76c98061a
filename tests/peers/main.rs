//! Real servers from elsewhere: npm's oidc-provider, django-oauth-toolkit in both its modes and authlib, used over HTTP
//! by the core and each adapter.
//!
//! Servers that this machine cannot run, without Node.js or Python, are listed as ignored, with the reason; in CI that
//! fails. (libtest cannot decide this at run time; libtest-mimic can.)

mod assertion;
mod atproto;
mod backchannel;
mod challenges;
mod code;
mod device;
mod discovery;
mod django_oauth_toolkit;
mod given_up;
mod hydra;
mod idpyoidc;
mod keycloak;
mod oidc_provider;
mod person;
mod presets;
mod pushed;
mod registration;
mod sessions;
mod spring;
mod targets;
mod token_exchange;
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use grantflow_tests::support::peer::{self, Kind, StartError};
use grantflow_tests::support::transport::Transport;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::world::{Check, Row, World};

/// The checks, by what they are about.
const CHECKS: &[&[Row]] = &[
    &code::CHECKS,
    &discovery::CHECKS,
    &challenges::CHECKS,
    &given_up::CHECKS,
    &device::CHECKS,
    &backchannel::CHECKS,
    &presets::CHECKS,
    &pushed::CHECKS,
    &token_exchange::CHECKS,
    &assertion::CHECKS,
    &registration::CHECKS,
    &sessions::CHECKS,
    &targets::CHECKS,
    &oidc_provider::CHECKS,
    &django_oauth_toolkit::CHECKS,
    &idpyoidc::CHECKS,
    &hydra::CHECKS,
    &atproto::CHECKS,
    &keycloak::CHECKS,
    &spring::CHECKS,
];

/// Most trials wait for the other side, not for this machine.
const AT_A_TIME: usize = 8;
/// For a server that has nothing left to do.
const END: Duration = Duration::from_secs(60);

/// Every check for every server that it is for, over every transport.
fn checks(kind: Kind) -> impl Iterator<Item = (String, Transport, Check)> {
    let rows = CHECKS.iter().copied().flatten().filter(move |row| row.on.contains(&kind));
    rows.flat_map(move |row| {
        Transport::ALL
            .map(|transport| (format!("{}: {}: {}", transport.name(), kind.name(), row.name), transport, row.check))
    })
}

/// The check that a process ends. It starts another one for that, and uses no transport.
fn end_name(kind: Kind) -> Option<String> {
    (kind.runs_as() == kind).then(|| format!("{}: it ends when the tests do", kind.name()))
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_A_TIME);
    if arguments.list {
        let names = Kind::ALL.into_iter().flat_map(|kind| checks(kind).map(|(name, ..)| name).chain(end_name(kind)));
        return libtest_mimic::run(&arguments, names.map(|name| Trial::test(name, || Ok(()))).collect()).exit_code();
    }
    // A server that no wanted trial needs does not have to exist.
    let wanted = |name: &str| arguments.filter.as_deref().is_none_or(|filter| name.contains(filter));
    let kinds = Kind::ALL.into_iter().filter(|kind| {
        checks(*kind).any(|(name, ..)| wanted(&name)) || end_name(*kind).is_some_and(|name| wanted(&name))
    });
    let kinds: Vec<_> = kinds.collect();
    // In parallel, because installing one takes seconds.
    let processes = Kind::ALL.into_iter().filter(|process| kinds.iter().any(|kind| kind.runs_as() == *process));
    let starting: Vec<_> = processes.map(|kind| (kind, thread::spawn(move || peer::start(kind)))).collect();
    let trials = starting.into_iter().flat_map(|(process, peer)| {
        let died = |_| Err(StartError::Failed("the thread that starts it panicked".to_owned()));
        let peer = peer.join().unwrap_or_else(died);
        let here = kinds.iter().filter(move |kind| kind.runs_as() == process);
        here.flat_map(move |kind| trials(*kind, peer.as_ref().map(|peer| peer.seen_as(*kind)).map_err(Clone::clone)))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn trials(kind: Kind, peer: Result<peer::Peer, StartError>) -> Vec<Trial> {
    match peer {
        Ok(peer) => {
            let peer = Arc::new(peer);
            let trial = |(name, transport, check): (String, Transport, Check)| {
                let world = World::new(Arc::clone(&peer), transport);
                Trial::test(name, move || check(&world).map_err(|error| world.failure(&error.to_string())))
            };
            let end = end_name(kind).map(|name| Trial::test(name, move || ends(kind)));
            checks(kind).map(trial).chain(end).collect()
        }
        Err(StartError::Missing { reason }) if kind.may_be_missing() || !peer::in_ci() => {
            eprintln!("{} is missing, so its tests are ignored: {reason}", kind.name());
            let names = checks(kind).map(|(name, ..)| name).chain(end_name(kind));
            names.map(|name| Trial::test(name, || Ok(())).with_ignored_flag(true).with_kind(reason.clone())).collect()
        }
        Err(error) => {
            // Each fails, so that no filter hides it. The first has the server's log.
            let names = checks(kind).map(|(name, ..)| name).chain(end_name(kind));
            let rest = names.map(|name| Trial::test(name, || Err(Failed::from("its server did not start"))));
            let text = error.to_string();
            let first = Trial::test(format!("{}: it starts", kind.name()), move || Err(Failed::from(text)));
            [first].into_iter().chain(rest).collect()
        }
    }
}

/// A test that is killed cannot stop its servers, but its end of the pipe is closed.
fn ends(kind: Kind) -> Result<(), Failed> {
    let status = peer::start(kind)?.hang_up(END)?;
    if status.success() { Ok(()) } else { Err(format!("it ended with {status}").into()) }
}
