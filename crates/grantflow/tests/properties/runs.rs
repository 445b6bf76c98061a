//! Many runs of the model of whole flows, with random bytes.
//!
//! `GRANTFLOW_FLOW_MODEL_RUNS` is their number, and `GRANTFLOW_FLOW_MODEL_SEED` where they begin. With `--nocapture` the
//! counts are printed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::flow_model;

/// What the server must have seen: each flow's grant or endpoint, by a part of its name.
const FLOWS: [&str; 17] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "device_code",
    "token-exchange",
    "jwt-bearer",
    "saml2-bearer",
    "voucher",
    "ciba",
    "DeviceAuthorization",
    "BackchannelAuthentication",
    "PushedAuthorization",
    "Introspection",
    "Revocation",
    "Metadata",
    "Registration",
    "step-up",
];

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// SplitMix64: the bytes of a run depend on its number alone, so a run that fails can be repeated.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn bytes(run: u64) -> Vec<u8> {
    let mut state = run.wrapping_mul(0x2545_f491_4f6c_dd1d);
    let length = (next(&mut state) % 97) as usize;
    (0..length).map(|_| (next(&mut state) >> 24) as u8).collect()
}

#[test]
fn random_runs_end_well_or_clearly_and_reach_every_flow() {
    let (runs, first) = (number("GRANTFLOW_FLOW_MODEL_RUNS", 500), number("GRANTFLOW_FLOW_MODEL_SEED", 0));
    let (start, mut told) = (Instant::now(), Instant::now());
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    for run in first..first.saturating_add(runs) {
        let bytes = bytes(run);
        let seen = std::panic::catch_unwind(|| flow_model::seen(&bytes))
            .unwrap_or_else(|_| panic!("run {run} failed, with the bytes {bytes:?}"));
        for (name, count) in seen {
            *all.entry(name).or_default() += count;
        }
        if told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            println!("{} runs in {:?}: {all:?}", run + 1 - first, start.elapsed());
        }
    }
    println!("{runs} runs in {:?}: {all:#?}", start.elapsed());
    for flow in FLOWS {
        let count: u64 = all.iter().filter(|(name, _)| name.contains(flow)).map(|(_, count)| count).sum();
        assert!(count >= 1, "{flow} was reached {count} times in {runs} runs: {all:#?}");
    }
}
