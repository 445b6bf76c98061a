//! The misbehaviours worth a test: lists of them, by number, and for any bytes.

use std::collections::BTreeSet;

use crate::endpoint::Endpoint;
use crate::misbehaviour::Misbehaviour;
use crate::oddities::{CHALLENGES, errors, misspellings, odd_members};

use Misbehaviour as M;

impl Misbehaviour {
    /// Every kind, with parameters worth a test of token answers. Sizes stay within a few megabytes, so that a test can
    /// try them all.
    pub fn all() -> Vec<M> {
        let text = str::to_owned;
        let mut all = vec![
            M::RemoveMember(text("access_token")),
            M::RemoveMember(text("token_type")),
            M::RemoveMember(text("expires_in")),
            M::RemoveMember(text("refresh_token")),
            M::RemoveMember(text("scope")),
            M::error_beside_token("invalid_grant"),
            M::Nest { path: vec![text("authed_user")], decoy: true },
            M::Nest { path: vec![text("data"), text("token")], decoy: false },
            M::Status(201),
            M::Status(206),
            M::Status(400),
            M::ContentType(None),
            M::ContentType(Some(text("text/html"))),
            M::ContentType(Some(text("application/json; charset=utf-16"))),
            M::FormEncoded,
            M::Array,
            M::Bom,
            M::NotUtf8,
            M::Huge { size: 2 << 20 },
            M::Deep { depth: 100_000 },
        ];
        for (name, json) in ODD_MEMBERS {
            all.push(M::set(name, json));
        }
        all.push(M::remove("issued_token_type"));
        for name in ["access_token", "token_type", "expires_in", "scope", "issued_token_type"] {
            all.push(M::DuplicateMember { name: text(name), json: text("\"again\"") });
        }
        for (from, to) in
            [("access_token", "accessToken"), ("access_token", "token"), ("expires_in", "expires"), ("scope", "scopes")]
        {
            all.push(M::RenameMember { from: text(from), to: text(to) });
        }
        for keep in [0, 1, 20] {
            for announced in [false, true] {
                all.push(M::CutShort { keep, announced });
            }
        }
        for acts in [false, true] {
            all.push(M::Lost { acts });
            for (status, code) in [
                (200, "invalid_grant"),
                (400, "invalid_grant"),
                (400, ""),
                (401, "invalid_client"),
                (403, "made_up\u{1b}[31m\r\n"),
                (500, "server_error"),
            ] {
                all.push(M::Error { status, code: text(code), description: None, acts });
            }
            for status in [400, 500] {
                all.push(M::Reflect { status, acts });
            }
            for status in [200, 400, 404, 500, 502] {
                all.push(M::Html { status, acts });
            }
            for status in [200, 204, 304, 400, 500] {
                all.push(M::Empty { status, acts });
            }
            for status in [301, 302, 303, 307, 308] {
                all.push(M::Redirect { status, location: text("https://elsewhere.example/token"), acts });
            }
            for status in [429, 503] {
                for value in RETRY_AFTER {
                    all.push(M::RetryAfter { status, value: text(value), acts });
                }
            }
            for body in ["null", "\"x\"", "{}", "{", "{\"access_token\":\"x\"}"] {
                all.push(M::Raw {
                    status: 200,
                    headers: vec![(text("content-type"), text("application/json"))],
                    body: body.as_bytes().to_vec(),
                    acts,
                });
            }
        }
        all
    }

    /// Every kind, with parameters worth a test of this endpoint's answers: members that are missing or doubled, values
    /// that real servers send or that a client must refuse, and what can go wrong with any answer. At the token
    /// endpoint it is [`Misbehaviour::all`].
    pub fn all_at(endpoint: Endpoint) -> Vec<M> {
        if endpoint == Endpoint::Token {
            return M::all();
        }
        let mut all = Vec::new();
        for name in members(endpoint) {
            all.push(M::remove(name));
            all.push(M::duplicate(name, "\"again\""));
            all.push(M::append(name, "1"));
        }
        all.extend(odd_members(endpoint).iter().map(|(name, json)| M::set(name, json)));
        all.extend(misspellings(endpoint).iter().map(|(from, to)| M::rename(from, to)));
        all.extend(errors(endpoint).iter().map(|(status, code)| M::error(*status, code)));
        all.extend([false, true].map(|acts| M::Html { status: 503, acts }));
        if endpoint == Endpoint::Resource {
            all.extend(CHALLENGES.iter().flat_map(|texts| [401, 403].map(|status| M::challenges(status, texts))));
        }
        // The good answers of all other endpoints have this status.
        let is_created = matches!(endpoint, Endpoint::PushedAuthorization | Endpoint::Registration);
        all.extend(is_created.then_some(M::Status(200)));
        if endpoint == Endpoint::ClientConfiguration {
            all.push(M::Empty { status: 405, acts: false });
            all.push(M::challenges(401, &["Bearer error=\"invalid_token\""]));
        }
        all.extend(M::all().into_iter().filter(|how| !how.is_about_token_members()));
        all
    }

    /// Answers to a poll of the device grant (RFC 8628 section 3.5): some after which a client polls again, and some
    /// after which it must stop. Use one with [`Knobs::misbehave`](crate::Knobs::misbehave), or with
    /// [`Knobs::always_at`](crate::Knobs::always_at) to keep a client waiting.
    pub fn polls() -> Vec<M> {
        let mut all = Vec::new();
        for code in ["authorization_pending", "slow_down", "expired_token", "access_denied", "invalid_grant", "x"] {
            all.extend([200, 400, 401, 403, 429, 503].map(|status| M::error(status, code)));
        }
        for code in ["authorization_pending", "slow_down"] {
            for retry_after in RETRY_AFTER {
                all.extend([400, 429, 503].map(|status| M::error_with_retry_after(status, code, retry_after)));
            }
            // A client must not use a token beside an error.
            let both = format!("{{\"access_token\":\"x\",\"token_type\":\"Bearer\",\"error\":\"{code}\"}}");
            all.extend([200, 400].map(|status| M::json(status, &both)));
        }
        for value in RETRY_AFTER {
            all.extend([429, 503].map(|status| M::RetryAfter { status, value: value.to_owned(), acts: false }));
        }
        all.push(M::Html { status: 502, acts: false });
        all.push(M::Lost { acts: false });
        all.push(M::Lost { acts: true });
        all
    }

    /// Whether this is about members that only token answers have.
    fn is_about_token_members(&self) -> bool {
        matches!(
            self,
            M::SetMember { .. }
                | M::RemoveMember(_)
                | M::DuplicateMember { .. }
                | M::RenameMember { .. }
                | M::AppendToMember { .. }
                | M::Nest { .. }
        )
    }

    /// One of [`Misbehaviour::all`]; every number gives one.
    pub fn from_index(index: usize) -> M {
        M::from_index_at(Endpoint::Token, index)
    }

    /// One of [`Misbehaviour::all_at`] for this endpoint; every number gives one.
    pub fn from_index_at(endpoint: Endpoint, index: usize) -> M {
        let all = M::all_at(endpoint);
        let index = index % all.len().max(1);
        all.into_iter().nth(index).unwrap_or(M::Bom)
    }

    /// A misbehaviour of the token endpoint for any bytes, for fuzzers: the first two choose, the others are statuses,
    /// texts and bodies.
    ///
    /// ```
    /// use grantflow_testkit::Misbehaviour;
    ///
    /// assert_eq!(Misbehaviour::from_bytes(b""), Misbehaviour::from_bytes(b"\0\0"));
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> M {
        M::from_bytes_at(Endpoint::Token, bytes)
    }

    /// As [`Misbehaviour::from_bytes`], with the members of this endpoint's answers.
    pub fn from_bytes_at(endpoint: Endpoint, bytes: &[u8]) -> M {
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let rest = bytes.get(4..).unwrap_or_default();
        let text = String::from_utf8_lossy(rest).into_owned();
        let acts = byte(2) & 1 == 0;
        // 200 to 599: a 1xx is no final answer.
        let status = 200 + u16::from_be_bytes([byte(2), byte(3)]) % 400;
        let members = members(endpoint);
        let member = members.get(usize::from(byte(1)) % members.len().max(1)).copied().unwrap_or_default().to_owned();
        match byte(0) % 16 {
            0..6 => M::from_index_at(endpoint, usize::from(byte(0) / 16) << 8 | usize::from(byte(1))),
            6 | 7 => M::SetMember { name: member, json: text },
            8 => M::DuplicateMember { name: member, json: text },
            9 => M::RenameMember { from: member, to: text },
            10 => M::ContentType(Some(text)),
            11 => M::CutShort { keep: usize::from(byte(1)), announced: acts },
            12 => M::Error { status, code: text, description: None, acts },
            13 => M::RetryAfter { status, value: text, acts },
            14 => M::Redirect { status, location: text, acts },
            _ => M::Raw {
                status,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: rest.to_vec(),
                acts,
            },
        }
    }
}

/// The names of the members that this endpoint's answers may have, each once.
fn members(endpoint: Endpoint) -> Vec<&'static str> {
    if endpoint == Endpoint::Token {
        return MEMBERS.to_vec();
    }
    let names: BTreeSet<_> = odd_members(endpoint).into_iter().map(|(name, _)| name).collect();
    names.into_iter().collect()
}

const MEMBERS: [&str; 8] = [
    "access_token",
    "token_type",
    "expires_in",
    "refresh_token",
    "scope",
    "error",
    "error_description",
    "issued_token_type",
];

const RETRY_AFTER: [&str; 6] = ["5", "0", "-1", "100000000000000000000", "Fri, 31 Dec 1999 23:59:59 GMT", "soon"];

/// Values that real servers send or that a client must refuse.
const ODD_MEMBERS: [(&str, &str); 33] = [
    ("expires_in", "\"3600\""),
    ("expires_in", "\"\""),
    ("expires_in", "3600.0"),
    ("expires_in", "0"),
    ("expires_in", "-1"),
    ("expires_in", "null"),
    ("expires_in", "1e400"),
    ("expires_in", "18446744073709551615"),
    ("expires_in", "18446744073709551616"),
    ("expires_in", "{}"),
    ("token_type", "\"bearer\""),
    ("token_type", "\"N_A\""),
    ("token_type", "\"User Access Token\""),
    ("token_type", "\"\""),
    ("token_type", "null"),
    ("access_token", "\"\""),
    ("access_token", "null"),
    ("access_token", "\"a\\r\\nb: c\""),
    ("access_token", "42"),
    ("refresh_token", "\"\""),
    ("refresh_token", "null"),
    ("scope", "[\"read\",\"write\"]"),
    ("scope", "null"),
    ("error_description", "42"),
    ("token_type", "\"n_a\""),
    ("issued_token_type", "\"urn:ietf:params:oauth:token-type:access_token\""),
    ("issued_token_type", "\"urn:ietf:params:oauth:token-type:refresh_token\""),
    ("issued_token_type", "\"urn:ietf:params:oauth:token-type:jwt\""),
    ("issued_token_type", "\"access_token\""),
    ("issued_token_type", "\"\""),
    ("issued_token_type", "\"\\ud800\""),
    ("issued_token_type", "null"),
    ("issued_token_type", "[\"urn:x:y\"]"),
];
