//! What each provider documents, read by grantflow with the preset of that provider: one test for each answer and each error.
//!
//! libtest-mimic gives each fixture a separate test, so that the output names them and their sources.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "Clippy sees tests only in functions marked as such, and these are none."
)]

use std::collections::BTreeSet;

use fixture::{Fixture, Kind};
use grantflow_providers::Evidence;
use libtest_mimic::{Arguments, Failed, Trial};

mod fixture;

/// How many providers have to have a documented answer, and how many a documented error. Recorded ones come on top.
const AT_LEAST: usize = 40;

fn main() -> std::process::ExitCode {
    let fixtures: &'static [Fixture] = Vec::leak(fixture::all());
    let mut trials: Vec<Trial> = fixtures
        .iter()
        .map(|fixture| Trial::test(fixture.name(), move || fixture.check().map_err(Failed::from)))
        .collect();
    for kind in [Kind::Answer, Kind::Error] {
        let of_kind =
            fixtures.iter().filter(|fixture| fixture.kind == kind && fixture.text.source_kind == "documented");
        let providers: BTreeSet<&str> = of_kind.map(|fixture| fixture.preset.id).collect();
        let name = format!("{} providers document an {}: at least {AT_LEAST}", providers.len(), kind.word());
        trials.push(Trial::test(name, move || {
            if providers.len() >= AT_LEAST { Ok(()) } else { Err(format!("only {}", providers.len()).into()) }
        }));
    }
    trials.push(Trial::test("each fixture names its source", move || sources(fixtures).map_err(Failed::from)));
    trials.push(Trial::test("each preset claims the evidence that is here", move || {
        evidence(fixtures).map_err(Failed::from)
    }));
    trials.push(Trial::test("each quirk of a preset is needed", move || needed(fixtures).map_err(Failed::from)));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A quirk that changes no request and no reading of a fixture would be a claim without a proof.
fn needed(fixtures: &[Fixture]) -> Result<(), String> {
    let mut idle = Vec::new();
    for preset in grantflow_providers::all() {
        let own: Vec<&Fixture> = fixtures.iter().filter(|fixture| fixture.preset.id == preset.id).collect();
        let all = (preset.quirks)();
        for at in 0..all.len() {
            let mut others = all.clone();
            let quirk = format!("{:?}", others.remove(at));
            let changes = fixture::requests(preset, others.clone()) != fixture::requests(preset, all.clone())
                || own.iter().any(|fixture| fixture.read(others.clone()) != fixture.read(all.clone()));
            if !changes {
                idle.push(format!("{}: {quirk}", preset.id));
            }
        }
    }
    if idle.is_empty() { Ok(()) } else { Err(format!("these change nothing:\n{}", idle.join("\n"))) }
}

fn sources(fixtures: &[Fixture]) -> Result<(), String> {
    for fixture in fixtures {
        let text = &fixture.text;
        let named = text.url.starts_with("https://")
            && text.source.len() > 20
            && ["documented", "recorded"].contains(&text.source_kind.as_str())
            && text.looked_up.starts_with("20")
            && text.status_note.as_ref().is_none_or(|note| !note.is_empty());
        if !named {
            return Err(format!("{} has no source", fixture.name()));
        }
    }
    Ok(())
}

/// The presets that `tests/peers/presets.rs` of this repository uses against real servers.
const RUN_HERE: [&str; 1] = ["keycloak"];

/// A preset says "server" if its server runs in the tests, "documented" if an example of the documentation is here, "recorded" if only a recorded one is, and "unknown" if
/// none is.
fn evidence(fixtures: &[Fixture]) -> Result<(), String> {
    for preset in grantflow_providers::all() {
        for (kind, claimed) in [(Kind::Answer, preset.answer), (Kind::Error, preset.error)] {
            let own = fixtures.iter().filter(|fixture| fixture.kind == kind && fixture.preset.id == preset.id);
            let sources: BTreeSet<&str> = own.map(|fixture| fixture.text.source_kind.as_str()).collect();
            let found = match (sources.contains("documented"), sources.contains("recorded")) {
                _ if RUN_HERE.contains(&preset.id) => Evidence::Server,
                (true, _) => Evidence::Documented,
                (false, true) => Evidence::Recorded,
                (false, false) => Evidence::Unknown,
            };
            if claimed != found {
                return Err(format!("{} claims {claimed:?} for its {}, but it is {found:?}", preset.id, kind.word()));
            }
        }
    }
    Ok(())
}
