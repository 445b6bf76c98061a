//! Grants for which a client polls until a person has decided: the device grant (RFC 8628) and backchannel authentication
//! (OpenID CIBA).

use crate::answer::Answer;
use crate::call::Refusal;
use crate::client::Client;
use crate::grants::{Family, Login};
use crate::knobs::Decision;
use crate::server::Server;

/// The interval of an answer that names none, and by how much `slow_down` lengthens an interval, in seconds (RFC 8628
/// sections 3.2 and 3.5, OpenID CIBA sections 7.3 and 11).
pub(crate) const INTERVAL: u64 = 5;

/// A grant that waits for a person's decision.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    client_id: String,
    scope: String,
    pub(crate) family: Family,
    expires_at: u64,
    /// How many seconds must pass between polls.
    interval: u64,
    polls: u64,
    /// When the client got its code or, later, when it polled last.
    last: u64,
    decision: Option<Decision>,
    decided_at: u64,
    spent: bool,
}

impl Waiting {
    pub(crate) fn new(client: &Client, scope: String, family: Family, now: u64, times: (u64, Option<u64>)) -> Waiting {
        let (lifetime, interval) = times;
        Waiting {
            client_id: client.id.clone(),
            scope,
            family,
            expires_at: now.saturating_add(lifetime),
            interval: interval.unwrap_or(INTERVAL),
            polls: 0,
            last: now,
            decision: None,
            decided_at: now,
            spent: false,
        }
    }

    pub(crate) fn decide(&mut self, decision: Decision, now: u64) {
        self.decision = Some(decision);
        self.decided_at = now;
    }

    pub(crate) fn is_pending(&self, now: u64) -> bool {
        self.decision.is_none() && now < self.expires_at
    }

    pub(crate) fn is_decided(&self) -> bool {
        self.decision.is_some()
    }
}

impl Server {
    /// A poll of the token endpoint (RFC 8628 sections 3.4 and 3.5, OpenID CIBA sections 10.1 and 11). `waiting` is what the
    /// client's code stands for.
    pub(crate) fn poll(
        &mut self,
        client: &Client,
        waiting: impl FnOnce(&mut Server) -> Option<&mut Waiting>,
    ) -> Result<Answer, Refusal> {
        let refuse = |error, why| Err((error, why));
        let (now, at, enforced) = (self.now, self.knobs.decide_at_poll, self.knobs.enforce_interval);
        let decision = self.knobs.decision.clone();
        let Some(waiting) = waiting(self).filter(|waiting| waiting.client_id == client.id) else {
            return refuse("invalid_grant", "the code is not known");
        };
        if waiting.spent {
            return refuse("invalid_grant", "the code was used before");
        }
        if waiting.expires_at <= now {
            return refuse("expired_token", "the code has expired");
        }
        waiting.polls += 1;
        if waiting.decision.is_none() && at.is_some_and(|at| at <= waiting.polls) {
            waiting.decide(decision, now);
        }
        let early = now < waiting.last.saturating_add(waiting.interval);
        waiting.last = now;
        match &waiting.decision {
            None if early && enforced => {
                waiting.interval = waiting.interval.saturating_add(INTERVAL);
                refuse("slow_down", "polled too soon")
            }
            None => refuse("authorization_pending", "the person has not decided yet"),
            Some(Decision::Deny) => refuse("access_denied", "the person said no"),
            Some(Decision::Fail(error)) => Ok(Answer::refusal(400, error, "the test wants it so")),
            Some(Decision::Approve) => {
                waiting.spent = true;
                let (scope, family) = (waiting.scope.clone(), waiting.family);
                // The person logged in to decide.
                let login = Login { at: waiting.decided_at, acr: None };
                self.grants.logged_in(family, login);
                Ok(Answer::json(200, self.issue_with_refresh(client, &scope, family)))
            }
        }
    }
}
