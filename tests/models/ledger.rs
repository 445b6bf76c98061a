//! Who sent what and when, and the server's answers.

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
    /// How many were sent without a proof that they did no harm.
    open: u32,
    /// When the last one was sent.
    last: u64,
    /// The clock went back since, or a caller said that the network is back: the next one may be sent early.
    excused: bool,
}

impl Ledger {
    /// Records a request with this token; the mark in the store says how many may have been sent, if it is known.
    /// Returns whether the token is in doubt.
    pub(crate) fn left(&mut self, token: &str, now: u64, mark: Option<u32>) -> bool {
        let sent = self.sent.entry(token.to_owned()).or_default();
        let again = sent.open > 0;
        if let Some(mark) = mark {
            assert!(mark > sent.open, "sent {} times before, and the mark says {mark}", sent.open);
        }
        // The first is the early retry; before each other one is a pause, doubled, of at least half its length.
        if sent.open > 1 && !sent.excused {
            let doubled = 1u64.checked_shl(sent.open - 2).unwrap_or(60).min(60);
            assert!(now >= sent.last + (doubled / 2).max(1), "{} s after {} requests", now - sent.last, sent.open);
        }
        *sent = Sent { open: sent.open + 1, last: now, excused: false };
        again
    }

    /// The sender learned that the server looked at nothing.
    pub(crate) fn harmless(&mut self, token: &str) {
        let sent = self.sent.get_mut(token).expect("it left");
        sent.open -= 1;
    }

    /// The next request may be sent before its pause is over.
    pub(crate) fn excuse(&mut self) {
        self.sent.values_mut().for_each(|sent| sent.excused = true);
    }

    pub(crate) fn open(&self, token: &str) -> u32 {
        self.sent.get(token).map_or(0, |sent| sent.open)
    }

    /// Checks that no token was sent more often than the policy says, and that the store knows of each request.
    pub(crate) fn check(&self, policy: InDoubt, kept: Option<&Kept>) {
        let most = most(policy);
        for (token, Sent { open, .. }) in &self.sent {
            assert!(*open <= most, "{token} was sent {open} times");
        }
        let Some(kept) = kept else { return };
        let Some(refresh) = &kept.refresh else { return };
        // The store says of every request that may matter that it was sent.
        assert!(
            kept.lost || kept.sent >= self.open(refresh),
            "{} requests with {refresh} have left, and the store knows of {}",
            self.open(refresh),
            kept.sent
        );
    }
}

/// How many requests with one refresh token may be sent and stay without an answer.
pub(crate) fn most(policy: InDoubt) -> u32 {
    match policy {
        InDoubt::Never => 1,
        InDoubt::Once => 2,
        _ => u32::MAX,
    }
}

/// The refresh tokens that the server has refused, even if no process learned of it.
pub(crate) fn refused(world: &World) -> BTreeSet<String> {
    world.server(|server| {
        let refusals = server.hits("refresh_token").filter(|hit| !hit.issued);
        refusals.filter_map(|hit| hit.parameter("refresh_token").map(str::to_owned)).collect()
    })
}
