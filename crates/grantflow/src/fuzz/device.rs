//! The device grant: the codes are the ones in the answer, no poll is early, and polling ends.

use http::Response;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::raw_members;
use super::polling::{self, INTERVAL, LIFETIME, form};
use super::{Counting, NOW, STATUSES, printed};
use crate::{
    Client, DeviceGrant, DeviceRequest, Env, Error, Exchange, Failure, Left, Server, Step, StoredDevice, UnixTime,
};

const MEMBERS: [&str; 6] =
    ["device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"];
/// What is polled with; long, so that it is found where it must not be.
const DEVICE_CODE: &str = "device-c0de-of-the-oracle";

/// Parts that a zero byte ends. The first is the answer to the device's request, each later one the answer to a poll; a part's
/// first byte chooses its status and what else happens.
pub fn device(bytes: &[u8]) {
    let mut parts = bytes.split(|b| *b == 0);
    let (chooser, body) = parts.next().and_then(|part| part.split_first()).unwrap_or((&0, &[]));
    answer(STATUSES[usize::from(chooser % 16)], body);
    polls(parts);
}

fn client() -> Client {
    let server = Server::with_token_endpoint("https://as.example/token").unwrap();
    let server = server.device_authorization_endpoint("https://as.example/device_authorization").unwrap();
    Client::from(&server.client("tv").public().unwrap())
}

fn asked(status: u16, body: &[u8]) -> Result<DeviceGrant, Failure<DeviceRequest>> {
    let response = Response::builder().status(status).body(body).unwrap();
    match DeviceRequest::new(client()).unwrap().respond(&mut Env::new(NOW, &mut Counting(0)), response)? {
        Step::Done(grant) => Ok(grant),
        Step::Again(_) => panic!("a device request has one step"),
    }
}

fn answer(status: u16, body: &[u8]) {
    let grant = match asked(status, body) {
        Ok(grant) => grant,
        Err(failure) => {
            assert!(!is_plain(status, body), "a plain answer was refused: {}", failure.error);
            assert!(matches!(failure.left, Left::Intact(_)), "a request that does no harm was used up");
            // An interim answer is not the server's: the caller has to wait for the final one.
            let interim = (100..200).contains(&status) && matches!(failure.error, Error::Misuse(_));
            let stated = matches!(failure.error, Error::Protocol(_) | Error::Refused(_) | Error::Unavailable(_));
            assert!(interim || stated);
            printed(&failure);
            return;
        }
    };
    assert_eq!(status, 200);
    let members = raw_members(core::str::from_utf8(body).unwrap()).expect("what is no JSON object has no code");
    assert!(members.iter().all(|(name, _)| name != "error"), "a code beside an error");
    let raw = |name: &str| {
        let mut all = members.iter().filter(|(member, _)| member == name);
        let first = all.next().map(|(_, json)| *json);
        assert!(all.next().is_none(), "{name} was there twice");
        first.map(RawValue::get)
    };
    let text = |name: &str| raw(name).and_then(|json| serde_json::from_str::<String>(json).ok());
    let request = grant.request(&mut Env::new(UnixTime::from_secs(u64::MAX), &mut Counting(0))).unwrap();
    let form: Vec<(String, String)> = form(request.body().as_ref());
    let sent = form.iter().find(|(name, _)| name == "device_code").map(|(_, value)| value.clone());
    assert_eq!(sent, text("device_code"));
    assert_eq!(Some(grant.user_code()), text("user_code").as_deref());
    assert_eq!(Some(grant.verification_uri()), text("verification_uri").as_deref());
    if let Some(complete) = grant.verification_uri_complete() {
        assert_eq!(Some(complete), text("verification_uri_complete").as_deref());
    }
    for shown in [Some(grant.user_code()), Some(grant.verification_uri()), grant.verification_uri_complete()] {
        let shown = shown.unwrap_or("-");
        assert!(!shown.trim().is_empty() && shown.bytes().all(|b| (b' '..=b'~').contains(&b)), "{shown:?} is shown");
    }
    for page in [Some(grant.verification_uri()), grant.verification_uri_complete()].into_iter().flatten() {
        let scheme = page.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let on_loopback = || {
            ["127.", "[::1]", "localhost"]
                .iter()
                .any(|host| page.get(7..).is_some_and(|rest| rest.to_ascii_lowercase().starts_with(host)))
        };
        assert!(
            scheme.as_deref() == Some("https") || scheme.as_deref() == Some("http") && on_loopback(),
            "a person is sent to {page}"
        );
    }
    let lifetime = grant.expires_at().saturating_since(NOW);
    polling::is_said(grant.interval(), raw("interval"), lifetime);
    assert_eq!(grant.rest(NOW), grant.interval());
}

/// An answer without any fault: the members of the RFC's example, with plain values.
fn is_plain(status: u16, body: &[u8]) -> bool {
    let Some(members) = core::str::from_utf8(body).ok().and_then(raw_members) else { return false };
    if status != 200 || members.len() > MEMBERS.len() {
        return false;
    }
    let mut seen = Vec::new();
    for (name, json) in members {
        if seen.contains(&name) {
            return false;
        }
        let value: Value = serde_json::from_str(json.get()).unwrap_or(Value::Null);
        let is_word = value.as_str().is_some_and(|text| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
        let path = value.as_str().and_then(|text| text.strip_prefix("https://as.example/"));
        let is_page = path.is_some_and(|path| path.bytes().all(|b| b.is_ascii_alphanumeric()));
        let seconds = value.as_u64().unwrap_or(0);
        let good = match name.as_str() {
            "device_code" | "user_code" => is_word,
            "verification_uri" | "verification_uri_complete" => is_page,
            "expires_in" => (3600..1_000_000).contains(&seconds),
            "interval" => (1..=3600).contains(&seconds),
            _ => false,
        };
        if !good {
            return false;
        }
        seen.push(name);
    }
    ["device_code", "user_code", "verification_uri", "expires_in"].iter().all(|name| seen.iter().any(|it| it == name))
}

fn polls<'b>(answers: impl Iterator<Item = &'b [u8]>) {
    let good = format!(
        r#"{{"device_code":"{DEVICE_CODE}","user_code":"WDJB-MJHT","verification_uri":"https://as.example/device",
        "expires_in":{LIFETIME},"interval":{INTERVAL}}}"#
    );
    let grant = asked(200, good.as_bytes()).unwrap();
    let stored = |grant, clock, chooser| (if chooser & 0x80 == 0 { grant } else { restored(grant, clock) }, false);
    let ends = ["access_denied", "expired_token", "invalid_grant"];
    polling::run(grant, answers, DEVICE_CODE, &ends, DeviceGrant::interval, stored);
}

/// Stored, read and restored: nothing is lost, and no code is shown.
fn restored(grant: DeviceGrant, clock: UnixTime) -> DeviceGrant {
    let before = (grant.interval(), grant.rest(clock), grant.expires_at(), grant.user_code().to_owned());
    let stored = grant.into_stored();
    assert!(!format!("{stored:?}").contains(DEVICE_CODE), "the code was printed");
    let text = serde_json::to_string(&stored).unwrap();
    let stored: StoredDevice = serde_json::from_str(&text).unwrap();
    let grant = DeviceGrant::from_stored(stored, client()).unwrap();
    assert_eq!(before, (grant.interval(), grant.rest(clock), grant.expires_at(), grant.user_code().to_owned()));
    grant
}
