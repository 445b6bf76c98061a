//! What the model remembers from outside of the client: what may be sent, what was sent, what is secret, what was
//! printed.

use std::collections::{HashMap, HashSet};
use std::fmt::{Debug, Write as _};

use grantflow_testkit::{ClientAuth, Endpoint, Hit, s256};

/// Shorter texts occur by accident.
const SHORTEST_SECRET: usize = 6;

#[derive(Default)]
pub(super) struct Ledger {
    /// How often each code and refresh token may have been sent so far.
    allowed: HashMap<String, usize>,
    sent: HashMap<String, usize>,
    /// The challenge with which each code was requested.
    challenges: HashMap<String, String>,
    hits_seen: usize,
    secrets: HashSet<String>,
    shown: String,
}

impl Ledger {
    pub(super) fn secret(&mut self, text: &str) {
        if text.len() >= SHORTEST_SECRET {
            self.secrets.insert(text.to_owned());
        }
    }

    /// A code came from a callback: it may be sent once.
    pub(super) fn code(&mut self, code: &str, challenge: String) {
        self.secret(code);
        self.challenges.insert(code.to_owned(), challenge);
        self.allow(code);
    }

    /// This code or refresh token may be sent once more.
    pub(super) fn allow(&mut self, grant: &str) {
        *self.allowed.entry(grant.to_owned()).or_default() += 1;
    }

    pub(super) fn show(&mut self, value: &dyn Debug) {
        let _ = writeln!(self.shown, "{value:?}\n{value:#?}");
    }

    /// An error, with all its causes.
    pub(super) fn show_error(&mut self, error: &dyn std::error::Error) {
        let mut next = Some(error);
        while let Some(error) = next {
            let _ = writeln!(self.shown, "{error}\n{error:?}\n{error:#?}");
            next = error.source();
        }
    }

    /// Checks what the server has seen since the last check.
    pub(super) fn check(&mut self, log: &[Hit], client_id: &str, auth: ClientAuth) {
        for hit in &log[self.hits_seen..] {
            if hit.grant_type.is_some() {
                assert_eq!(hit.auth, auth, "authenticated in another way than was configured");
                assert_eq!(hit.client_id.as_deref(), Some(client_id));
                assert_eq!(hit.query, None, "parameters of a token request in its URL");
            }
            if matches!(hit.endpoint, Some(Endpoint::PushedAuthorization | Endpoint::Revocation)) {
                assert_eq!((hit.auth, hit.client_id.as_deref()), (auth, Some(client_id)), "another client");
            }
            for name in ["code", "refresh_token"] {
                let Some(grant) = hit.parameter(name) else { continue };
                let times = self.sent.entry(grant.to_owned()).or_default();
                *times += 1;
                let allowed = self.allowed.get(grant).copied().unwrap_or_default();
                assert!(*times <= allowed, "a {name} was sent {times} times, and may be {allowed} times");
            }
            let code = hit.parameter("code").unwrap_or_default();
            match hit.parameter("code_verifier") {
                Some(verifier) => {
                    assert_eq!(self.challenges.get(code), Some(&s256(verifier)), "a verifier with another's code");
                    self.secret(verifier);
                }
                None => assert!(code.is_empty(), "a code without its verifier"),
            }
        }
        self.hits_seen = log.len();
    }

    /// Searches everything that was printed, once for all secrets: by their first bytes.
    pub(super) fn check_shown(&self) {
        let shown = self.shown.as_bytes();
        let mut by_head: HashMap<&[u8], Vec<&[u8]>> = HashMap::new();
        for secret in &self.secrets {
            by_head.entry(&secret.as_bytes()[..SHORTEST_SECRET]).or_default().push(secret.as_bytes());
        }
        // Most places are no head of a secret: a bit for the first two bytes spares the look.
        let mut starts = vec![false; 1 << 16];
        by_head.keys().for_each(|head| starts[usize::from(head[0]) << 8 | usize::from(head[1])] = true);
        for (at, head) in shown.windows(SHORTEST_SECRET).enumerate() {
            if !starts[usize::from(head[0]) << 8 | usize::from(head[1])] {
                continue;
            }
            for secret in by_head.get(head).into_iter().flatten() {
                assert!(!shown[at..].starts_with(secret), "a secret was printed");
            }
        }
    }
}
