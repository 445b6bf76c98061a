//! What the end of each procedure must be, and what must always hold.

use std::collections::BTreeSet;

use grantflow_session::renewal::{Outcome, TokenFrom};
use grantflow_session::{InDoubt, Loss, Outside as _, SessionError};
use grantflow_tests::world::{Did, Kept, Net, access};

use crate::ledger::{most, refused};
use crate::processes::{Course, InHand, STACK_DEADLINE, System, net, session};
use crate::{Way, tally};

impl System {
    pub(crate) fn done(
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
            Outcome::Fresh { token, from, .. } => {
                let kept = kept.as_ref().expect("what is given out is stored");
                assert_eq!(kept.access, access(&token), "what is given out is what is stored");
                assert_eq!(kept.sent, if from == TokenFrom::Store { kept.sent } else { 0 });
                if from == TokenFrom::Store || goal == "save" && brought.is_none() {
                    assert!(token.expires_at().is_none_or(|end| now < end), "a token that is over was given out");
                }
                if let Some(brought) = brought.as_ref().filter(|_| !self.lease) {
                    assert_eq!(stored.as_ref(), Some(brought), "the rotated token is not what is stored");
                }
                tally(match (goal, from) {
                    ("save", TokenFrom::Server) if brought.is_none() => "saved",
                    (_, TokenFrom::Server) => "refreshed",
                    (_, TokenFrom::Store) => "adopted",
                    _ => "logged in",
                });
                if goal == "login" {
                    self.chosen += 1;
                }
                if let Some((refresh, chosen)) = saves {
                    let superseded = stored.as_ref() != Some(&refresh) && brought.is_none();
                    assert!(
                        !superseded || self.chosen > chosen || from == TokenFrom::Store,
                        "unsaved tokens were dropped"
                    );
                }
                process.knows(Some(token));
            }
            Outcome::NotStored { unsaved, .. } => {
                tally("not stored");
                let text = serde_json::to_value(unsaved.expose_tokens().unwrap()).unwrap();
                let refresh = text["refresh_token"].as_str().unwrap().to_owned();
                if let Some(brought) = &brought {
                    assert_eq!(*brought, refresh, "no process has the rotated token");
                }
                let chosen = saves.map_or(self.chosen, |(_, chosen)| chosen);
                process.unsaved = Some(InHand { unsaved, refresh, chosen });
            }
            Outcome::NotRenewed { .. } => {
                tally("not renewed");
                if let Some(brought) = &brought {
                    // It was over when it came; its refresh token is still good.
                    tally("of no use");
                    assert!(stored.as_ref() == Some(brought) || self.lease, "the rotated token is not what is stored");
                }
            }
            Outcome::InDoubt(doubt) => {
                tally("in doubt");
                // Under a lease, a login may have replaced its tokens.
                assert!(brought.is_none() || self.lease);
                assert!(doubt.sent > 0 && doubt.sent <= most(self.in_doubt).max(2));
            }
            Outcome::Forgotten { .. } => {
                tally("logged out");
                self.chosen += 1;
                assert!(kept.is_none());
                process.knows(None);
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
            SessionError::Lost { .. } | SessionError::Unknown { .. } if self.fed => {
                panic!("given up, and there is a source: {error:?}")
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

    /// Asks a session, with these outcomes for its requests.
    pub(crate) fn ask(&mut self, at: usize, ways: [Way; 2]) {
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
            assert!(result.is_ok(), "a good token was withheld: {result:?}");
            let waited = self.world.log().iter().any(|did| matches!(did, Did::Wait(_)));
            assert!(!waited, "a caller with a good token waited: {:?}", self.world.log());
            tally("asked with a good token");
        }
        // The outcome of each request.
        let mut nets = nets.into_iter();
        let mut sent_at = self.world.sent_at().into_iter();
        for did in self.world.log() {
            let Did::Send(token) = did else { continue };
            let net = nets.find(|net| !matches!(net, Net::NotSent)).unwrap_or(Net::Fine);
            let sent_at = sent_at.next().unwrap();
            let Some(token) = token else {
                assert!(self.fed, "sent without a refresh token");
                tally("the source was asked");
                continue;
            };
            if self.ledger.left(&token, sent_at, None) {
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
            // It may remember a failure although the store has changed since.
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
        let codes = self.world.codes_seen();
        let different: BTreeSet<&String> = codes.iter().collect();
        assert_eq!(different.len(), codes.len(), "an exchange of the source was sent again after it may have arrived");
        let is_sending = |course: &Course| {
            // Without a mark, the end of a lease lets another process ask its own source.
            course.waits_for.is_some()
                && !(self.lease && course.feeds)
                && !(self.lease && course.sent_at.saturating_add(STACK_DEADLINE) < now)
        };
        let sending = self.by_hand.iter().filter(|process| process.course.as_ref().is_some_and(is_sending)).count();
        assert!(sending <= 1, "{sending} refreshes of one grant at a time");
    }

    /// All processes die. The next one finds a good grant, or one that is known to be in doubt.
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
        let session =
            session(&self.world, &self.store, &self.policy.clone().in_doubt(InDoubt::Heal), self.lease, self.fed);
        if before.as_ref().is_some_and(|kept| kept.sent > 0) {
            tally("in doubt at the end");
        }
        let result = session.token_blocking();
        let sent = self.world.sent().len();
        match (&before, &result) {
            (_, Ok(_)) if self.fed => {
                let dead = before.as_ref().is_none_or(|kept| kept.lost);
                assert!(!dead || sent == 1, "one request: the source's");
                tally(if dead { "the source served at the end" } else { "good at the end" });
            }
            (None, Err(SessionError::Empty)) => assert_eq!(sent, 0),
            (Some(kept), Ok(_)) => {
                tally(if kept.sent > 0 { "healed at the end" } else { "good at the end" });
            }
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
