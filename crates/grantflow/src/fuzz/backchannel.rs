//! Backchannel authentication: the id is the one in the answer, no poll is early except after a ping, and polling ends; a
//! request that may have reached a person is never called intact.

use http::{Request, Response};
use serde_json::value::RawValue;

use super::answer::raw_members;
use super::polling::{self, INTERVAL, LIFETIME, form};
use super::{Counting, NOW, STATUSES, printed};
use crate::{
    BackchannelGrant, BackchannelRequest, ConfidentialClient, Env, Error, Exchange, Failure, Left, Meaning,
    Notification, Notified, Server, Step, StoredBackchannel, UnixTime,
};

/// What is polled with; long, so that it is found where it must not be.
const AUTH_REQ_ID: &str = "auth-req-1d-of-the-oracle";
const TOKEN: &str = "notificati0n-token-of-the-oracle";
const SECRET: &str = "client-secret-of-the-oracle";

/// Parts that a zero byte ends. The first is the answer to the request, each later one the answer to a poll; a part's first
/// byte chooses its status and what else happens, such as a ping before the poll.
pub fn backchannel(bytes: &[u8]) {
    let mut parts = bytes.split(|b| *b == 0);
    let (chooser, body) = parts.next().and_then(|part| part.split_first()).unwrap_or((&0, &[]));
    answer(STATUSES[usize::from(chooser % 16)], body);
    polls(parts);
}

/// A request whose headers are chosen by the first byte; the rest is its body.
pub fn notification(bytes: &[u8]) {
    let (chooser, body) = bytes.split_first().unwrap_or((&0, &[]));
    let request = ping(*chooser, body);
    let text = core::str::from_utf8(body).ok().and_then(raw_members);
    let only = |name: &str| {
        let mut all = text.iter().flatten().filter(|(member, _)| member == name).map(|(_, json)| json.get());
        (all.next(), all.next())
    };
    let is_push = ["access_token", "refresh_token", "id_token", "error"].iter().any(|name| only(name).0.is_some());
    let id = match only("auth_req_id") {
        (Some(json), None) => serde_json::from_str::<String>(json).ok(),
        _ => None,
    };
    let id = id.filter(|id| id.bytes().all(|b| (b' '..=b'~').contains(&b)) && !id.trim().is_empty());
    // With these headers it is a notification, if its body is one.
    let has_good_headers = chooser & 0x1f < 4;
    match Notification::read(&request) {
        Err(fault) => {
            assert!(!(has_good_headers && !is_push && id.is_some()), "a good notification was refused: {fault}");
            assert!(fault.response().status().is_client_error());
            assert!(!format!("{fault} {fault:?}").contains(TOKEN));
        }
        Ok(notification) => {
            let id = id.expect("a notification without exactly one id");
            assert!(!is_push, "tokens that the server pushes are taken for a ping");
            let shown = format!("{notification:?} {}", notification.key());
            assert!(!shown.contains(TOKEN), "the token was printed");
            assert_eq!(notification.key() == granted(AUTH_REQ_ID).key(), id == AUTH_REQ_ID);
            let has_token = chooser & 0x1f < 3;
            let before = granted(AUTH_REQ_ID).rest(NOW);
            match granted(AUTH_REQ_ID).receive(&notification) {
                Notified::Ready(grant) => {
                    assert!(id == AUTH_REQ_ID && has_token, "a foreign notification counts");
                    assert!(grant.rest(NOW).is_zero());
                }
                Notified::Unrelated { grant, why } => {
                    assert!(!(id == AUTH_REQ_ID && has_token), "the grant's own notification does not count: {why}");
                    assert_eq!((grant.rest(NOW), why.response().status().as_u16()), (before, 401));
                }
            }
        }
    }
}

fn ping(chooser: u8, body: &[u8]) -> Request<Vec<u8>> {
    let good = format!("Bearer {TOKEN}");
    let (authorization, content_type) = match chooser & 0x1f {
        0 => (good, "application/json"),
        1 => (format!("bearer  {TOKEN} "), "Application/Json; charset=utf-8"),
        2 => (good, ""),
        3 => (format!("Bearer {TOKEN}A"), "application/json"),
        4 => (good, "text/plain"),
        5 => ("Bearer".to_owned(), "application/json"),
        6 => (format!("Basic {TOKEN}"), "application/json"),
        7 => (format!("Bearer {TOKEN},"), "application/json"),
        _ => (String::new(), "application/json"),
    };
    let method = if chooser & 0x1f == 9 { "PUT" } else { "POST" };
    let mut request = Request::builder().method(method).uri("/pings");
    for (name, value) in [("authorization", authorization.as_str()), ("content-type", content_type)] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    request.body(body.to_vec()).unwrap()
}

fn client() -> ConfidentialClient {
    let server = Server::with_token_endpoint("https://as.example/token").unwrap();
    let server = server.backchannel_authentication_endpoint("https://as.example/backchannel").unwrap();
    server.client("bank").secret_post(SECRET).unwrap()
}

fn asked(status: u16, body: &[u8]) -> Result<BackchannelGrant, Failure<BackchannelRequest>> {
    let response = Response::builder().status(status).body(body).unwrap();
    let request = BackchannelRequest::with_login_hint(&client(), "ada").unwrap().ping_with_token(TOKEN).unwrap();
    match request.respond(&mut Env::new(NOW, &mut Counting(0)), response)? {
        Step::Done(grant) => Ok(grant),
        Step::Again(_) => panic!("a backchannel request has one step"),
    }
}

fn granted(id: &str) -> BackchannelGrant {
    let good = format!(r#"{{"auth_req_id":"{id}","expires_in":{LIFETIME},"interval":{INTERVAL}}}"#);
    asked(200, good.as_bytes()).unwrap()
}

fn answer(status: u16, body: &[u8]) {
    let grant = match asked(status, body) {
        Ok(grant) => grant,
        Err(failure) => {
            assert!(!is_plain(status, body), "a plain answer was refused: {}", failure.error);
            let text = printed(&failure);
            assert!(!text.contains(TOKEN) && !text.contains(SECRET), "a secret was printed");
            let refused = match &failure.error {
                Error::Refused(refused) => refused.meaning() != Meaning::Nothing,
                _ => false,
            };
            match failure.left {
                Left::Intact(_) => assert!(refused || status == 429, "nothing says that nobody was asked"),
                Left::Unknown(_) => assert!(!refused, "the server has refused it"),
                Left::Spent => panic!("a request was used up"),
            }
            return;
        }
    };
    assert_eq!(status, 200);
    let members = raw_members(core::str::from_utf8(body).unwrap()).expect("what is no JSON object has no id");
    assert!(members.iter().all(|(name, _)| name != "error"), "an id beside an error");
    let raw = |name: &str| {
        let mut all = members.iter().filter(|(member, _)| member == name);
        let first = all.next().map(|(_, json)| *json);
        assert!(all.next().is_none(), "{name} was there twice");
        first.map(RawValue::get)
    };
    let request = grant.request(&mut Env::new(UnixTime::from_secs(u64::MAX), &mut Counting(0))).unwrap();
    let sent = form(request.body().as_ref()).into_iter().find(|(name, _)| name == "auth_req_id");
    let id = raw("auth_req_id").and_then(|json| serde_json::from_str::<String>(json).ok());
    assert_eq!(sent.map(|(_, value)| value), id);
    let lifetime = grant.expires_at().saturating_since(NOW);
    polling::is_said(grant.interval(), raw("interval"), lifetime);
    assert_eq!(grant.rest(NOW), grant.interval());
}

/// An answer without any fault: the members of the standard, with plain values.
fn is_plain(status: u16, body: &[u8]) -> bool {
    let Some(members) = core::str::from_utf8(body).ok().and_then(raw_members) else { return false };
    let names = ["auth_req_id", "expires_in", "interval"];
    let each_once = names.map(|name| members.iter().filter(|(member, _)| member == name).count());
    let good = |(name, json): &(String, &RawValue)| {
        let value: serde_json::Value = serde_json::from_str(json.get()).unwrap_or_default();
        let seconds = value.as_u64().unwrap_or(0);
        match name.as_str() {
            "auth_req_id" => value.as_str().is_some_and(|id| {
                !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
            }),
            "expires_in" => (3600..1_000_000).contains(&seconds),
            "interval" => (1..=3600).contains(&seconds),
            _ => false,
        }
    };
    status == 200 && matches!(each_once, [1, 1, 0 | 1]) && members.iter().all(good)
}

fn polls<'b>(answers: impl Iterator<Item = &'b [u8]>) {
    let ends = ["access_denied", "expired_token", "invalid_grant", "transaction_failed"];
    let before = |grant, clock, chooser: u8| match chooser & 0x80 {
        0 => (grant, false),
        _ => (pinged(restored(grant, clock)), true),
    };
    polling::run(granted(AUTH_REQ_ID), answers, AUTH_REQ_ID, &ends, BackchannelGrant::interval, before);
}

fn pinged(grant: BackchannelGrant) -> BackchannelGrant {
    let body = format!(r#"{{"auth_req_id":"{AUTH_REQ_ID}"}}"#);
    match grant.receive(&Notification::read(&ping(0, body.as_bytes())).unwrap()) {
        Notified::Ready(grant) => grant,
        Notified::Unrelated { why, .. } => panic!("{why}"),
    }
}

/// Stored, read and restored: nothing is lost, and no secret is shown.
fn restored(grant: BackchannelGrant, clock: UnixTime) -> BackchannelGrant {
    let seen = |grant: &BackchannelGrant| (grant.interval(), grant.rest(clock), grant.expires_at(), grant.key());
    let before = seen(&grant);
    let stored = grant.into_stored();
    let shown = format!("{stored:?}");
    assert!(!shown.contains(AUTH_REQ_ID) && !shown.contains(TOKEN), "a secret was printed");
    let text = serde_json::to_string(&stored).unwrap();
    let stored: StoredBackchannel = serde_json::from_str(&text).unwrap();
    let grant = BackchannelGrant::from_stored(stored, &client()).unwrap();
    assert_eq!(before, seen(&grant));
    grant
}
