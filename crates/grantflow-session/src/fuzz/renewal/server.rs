//! The server, the way to it, and the oracle that compares what they have seen with the store's content.

use core::time::Duration;
use std::sync::Arc;

use grantflow::{Body, Sent};
use http::{Request, Response};

use super::World;
use crate::error::Unanswered;
use crate::fuzz::key;
use crate::record::{Loss, Record, Stage};

impl World {
    /// The stored record.
    fn record(&self) -> Option<(Record, String)> {
        let record = Record::from_value(&self.store.as_ref()?.value, &key()).expect("what is stored can be read");
        let tokens = record.tokens(&self.plan.client).expect("and the tokens in it");
        let refresh = tokens.refresh_token().expect("a refresh token is never dropped").expose_secret().to_owned();
        Some((record, refresh))
    }

    pub(super) fn send(
        &mut self,
        at: usize,
        attempt: u32,
        request: &Request<Body>,
        way: u8,
    ) -> Result<Response<Body>, Unanswered> {
        assert!(self.holder == Some(at) || self.lease, "sent without the lock");
        let form = core::str::from_utf8(request.body().as_ref()).expect("a form");
        let refresh =
            form.split('&').find_map(|pair| pair.strip_prefix("refresh_token=")).expect("its token").to_owned();
        let lost = |sent| Err(Unanswered { sent, cause: Arc::new(std::io::Error::other("no answer")) });
        if way % 20 == 1 {
            return lost(Sent::NotSent);
        }
        let open = self.open.entry(refresh.clone()).or_default();
        assert!(attempt > *open, "sent {open} times, and the mark says {attempt}");
        assert!(attempt <= self.plan.policy.in_doubt.most(), "more often than the policy says");
        *open += 1;
        if !self.lease {
            let (record, stored) = self.record().expect("a record");
            let sending =
                record.mark.is_some_and(|mark| matches!(mark.stage, Stage::Sending { .. }) && mark.sent == attempt);
            assert!(stored == refresh && sending, "sent without a mark");
        }
        match way % 20 {
            2 => lost(Sent::MaybeSent),
            3 => Ok(answer(502, "<h1>", None)),
            4 => Ok(answer(404, r#"{"error":"Not Found"}"#, None)),
            5 => Ok(answer(200, "<html>", None)),
            6 => Ok(answer(500, "", Some(u64::from(way)))),
            7 => {
                self.harmless(&refresh);
                Ok(answer(429, "", (way > 100).then_some(u64::from(way) * 1000)))
            }
            8 => {
                self.harmless(&refresh);
                Ok(answer(401, r#"{"error":"invalid_client"}"#, None))
            }
            9 => {
                let open = self.open.get(&refresh).copied().unwrap_or_default();
                let _ = self.token_answer(&refresh, "", "");
                self.open.insert(refresh, open);
                lost(Sent::MaybeSent)
            }
            10 => Ok(self.token_answer(&refresh, r#","expires_in":0"#, r#""token_type":"Bearer","#)),
            // Refused, but its refresh token is kept.
            11 => Ok(self.token_answer(&refresh, "", "")),
            12 => Ok(self.token_answer(&refresh, r#","refresh_token":{"a":"b"}"#, r#""token_type":"Bearer","#)),
            // Verdicts are sometimes wrong.
            13 => Ok(self.verdict(&refresh)),
            _ => Ok(self.token_answer(&refresh, r#","expires_in":3600"#, r#""token_type":"Bearer","#)),
        }
    }

    fn harmless(&mut self, refresh: &str) {
        *self.open.get_mut(refresh).expect("it left") -= 1;
    }

    /// It decides what was sent before.
    fn verdict(&mut self, refresh: &str) -> Response<Body> {
        self.dead.insert(refresh.to_owned());
        self.open.remove(refresh);
        answer(400, r#"{"error":"invalid_grant"}"#, None)
    }

    /// The server rotates what is valid, and refuses the rest.
    fn token_answer(&mut self, refresh: &str, members: &str, token_type: &str) -> Response<Body> {
        if self.valid.as_deref() != Some(refresh) {
            return self.verdict(refresh);
        }
        self.issued += 1;
        let new = format!("rt-{}", self.issued);
        let own =
            if members.contains("refresh_token") { String::new() } else { format!(r#","refresh_token":"{new}""#) };
        self.valid = Some(new);
        let body = format!(r#"{{{token_type}"access_token":"at-{}"{members}{own}}}"#, self.issued);
        answer(200, &body, None)
    }

    /// Checks that the store says nothing untrue.
    pub(super) fn check(&mut self) {
        let Some((record, refresh)) = self.record() else { return };
        let open = self.open.get(&refresh).copied().unwrap_or(0);
        match record.lost {
            Some(lost) => {
                assert!(lost.loss == Loss::Refused && lost.verdict.is_some(), "{lost:?}");
                assert!(self.dead.contains(&refresh), "lost without a verdict");
            }
            None => {
                let sent = record.mark.map_or(0, |mark| mark.sent);
                assert!(sent >= open, "{open} requests may have left, and the store knows of {sent}");
            }
        }
        if let Some(rest) = record.mark.and_then(|mark| mark.rest()) {
            assert!(rest.wait <= Duration::from_secs(24 * 3600), "{rest:?}");
        }
        // The same id means the same tokens.
        let id = (record.id.grant, record.id.generation);
        let tokens = serde_json::to_string(&record.stored_tokens().expect("tokens")).expect("JSON");
        let known = self.generations.entry(id).or_insert_with(|| tokens.clone());
        assert_eq!(*known, tokens, "two tokens of one generation");
        // No earlier generation comes back.
        let latest = self.generations.range((id.0, 0)..=(id.0, u64::MAX)).next_back();
        assert_eq!(latest.map(|(id, _)| *id), Some(id), "an earlier generation came back");
    }
}

fn answer(status: u16, body: &str, retry_after: Option<u64>) -> Response<Body> {
    let mut response = Response::builder().status(status);
    if let Some(seconds) = retry_after {
        response = response.header("retry-after", seconds);
    }
    response.body(Body::from(body.as_bytes().to_vec())).expect("a response")
}
