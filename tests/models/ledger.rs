//! Who has sent what and when, and what the server said to it.

use std::collections::{BTreeMap, BTreeSet};

use grantflow_session::InDoubt;
use grantflow_tests::world::{Kept, World};

#[derive(Default)]
pub(crate) struct Ledger {
    sent: BTreeMap<String, Sent>,
}

/// The requests with one refresh token.
#[derive(Default)]
struct Sent {
    /// How many have left and were not told apart from harmless.
    open: u32,
    /// When the last one left.
    last: u64,
    /// The clock went back since, or somebody said that the network is back: the next one may leave early.
    excused: bool,
}

impl Ledger {
    /// A request leaves with this token, and so many may have left by the mark in the store, if it is known. Says whether the
    /// token is in doubt.
    pub(crate) fn left(&mut self, token: &str, now: u64, mark: Option<u32>) -> bool {
        let sent = self.sent.entry(token.to_owned()).or_default();
        let again = sent.open > 0;
        if let Some(mark) = mark {
            assert!(mark > sent.open, "sent {} times before, and the mark says {mark}", sent.open);
        }
        // The first is the early retry; before the others lies a pause, doubled, of half its length at least.
        if sent.open > 1 && !sent.excused {
            let doubled = 1u64.checked_shl(sent.open - 2).unwrap_or(60).min(60);
            assert!(now >= sent.last + (doubled / 2).max(1), "{} s after {} requests", now - sent.last, sent.open);
        }
        *sent = Sent { open: sent.open + 1, last: now, excused: false };
        again
    }

    /// The sender was told that the server has not looked at it.
    pub(crate) fn harmless(&mut self, token: &str) {
        let sent = self.sent.get_mut(token).expect("it left");
        sent.open -= 1;
    }

    /// The next request may leave before its pause is over.
    pub(crate) fn excuse(&mut self) {
        self.sent.values_mut().for_each(|sent| sent.excused = true);
    }

    pub(crate) fn open(&self, token: &str) -> u32 {
        self.sent.get(token).map_or(0, |sent| sent.open)
    }

    /// No token was sent more often than the policy says, and the store knows of each request.
    pub(crate) fn check(&self, policy: InDoubt, kept: Option<&Kept>) {
        let most = most(policy);
        for (token, Sent { open, .. }) in &self.sent {
            assert!(*open <= most, "{token} was sent {open} times");
        }
        let Some(kept) = kept else { return };
        let Some(refresh) = &kept.refresh else { return };
        // No false certainty: what is stored says of every request that may matter that it has left.
        assert!(
            kept.lost || kept.sent >= self.open(refresh),
            "{} requests with {refresh} have left, and the store knows of {}",
            self.open(refresh),
            kept.sent
        );
    }
}

/// How many requests with one refresh token may leave and stay without an answer.
pub(crate) fn most(policy: InDoubt) -> u32 {
    match policy {
        InDoubt::Never => 1,
        InDoubt::Once => 2,
        _ => u32::MAX,
    }
}

/// The refresh tokens that the server has refused, whoever got to know it.
pub(crate) fn refused(world: &World) -> BTreeSet<String> {
    world.server(|server| {
        let refusals = server.hits("refresh_token").filter(|hit| !hit.issued);
        refusals.filter_map(|hit| hit.parameter("refresh_token").map(str::to_owned)).collect()
    })
}
