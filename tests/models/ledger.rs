//! Who has sent what, and what the server said to it.

use std::collections::{BTreeMap, BTreeSet};

use grantflow_tests::world::{Kept, World};

#[derive(Default)]
pub(crate) struct Ledger {
    /// By refresh token: how many requests have left and were not told apart from harmless.
    open: BTreeMap<String, u32>,
}

impl Ledger {
    /// A request left with this token.
    pub(crate) fn left(&mut self, token: &str) {
        *self.open.entry(token.to_owned()).or_default() += 1;
    }

    /// The sender was told that the server has not looked at it.
    pub(crate) fn harmless(&mut self, token: &str) {
        *self.open.get_mut(token).expect("it left") -= 1;
    }

    pub(crate) fn open(&self, token: &str) -> u32 {
        self.open.get(token).copied().unwrap_or(0)
    }

    /// No token was sent more often than the policy says.
    pub(crate) fn check(&self, retries: u32, kept: Option<&Kept>) {
        for (token, sent) in &self.open {
            assert!(*sent <= 1 + retries, "{token} was sent {sent} times");
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

/// The refresh tokens that the server has refused, whoever got to know it.
pub(crate) fn refused(world: &World) -> BTreeSet<String> {
    world.server(|server| {
        let refusals = server.hits("refresh_token").filter(|hit| !hit.issued);
        refusals.filter_map(|hit| hit.parameter("refresh_token").map(str::to_owned)).collect()
    })
}
