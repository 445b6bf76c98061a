//! What was printed, searched for every secret.

use std::collections::HashSet;
use std::error::Error;
use std::fmt::{Debug, Display};

use grantflow::Failure;

/// How many bytes of a secret count as a leak.
pub(crate) const WINDOW: usize = 8;

/// Everything that was printed, and everything that must not be in it.
#[derive(Default)]
pub(crate) struct Canary {
    pub(crate) shown: Vec<String>,
    pub(crate) secrets: Vec<String>,
    /// Every piece of [`WINDOW`] bytes of the secrets: a shortened secret is a leak too.
    pieces: HashSet<Vec<u8>>,
}

impl Canary {
    pub(crate) fn debug(&mut self, value: &dyn Debug) {
        self.shown.push(format!("{value:?}"));
        self.shown.push(format!("{value:#?}"));
    }

    pub(crate) fn display(&mut self, value: &dyn Display) {
        self.shown.push(format!("{value} {value:#}"));
    }

    pub(crate) fn error(&mut self, error: &(dyn Error + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.debug(&error);
            self.display(&error);
            next = error.source();
        }
    }

    pub(crate) fn failure<X>(&mut self, failure: &Failure<X>) {
        self.debug(failure);
        self.display(failure);
        self.error(&failure.error);
        if let grantflow::Error::Refused(refused) = &failure.error {
            self.debug(refused.response());
            self.display(refused.response().code());
        }
        if let Some(answer) = failure.error.answer() {
            self.debug(answer);
        }
    }

    /// A secret, in the forms in which it is sent.
    pub(crate) fn secret(&mut self, text: &str) {
        if text.len() >= 6 {
            let percent: String = text
                .bytes()
                .map(|b| {
                    if b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.' {
                        (b as char).to_string()
                    } else {
                        format!("%{b:02X}")
                    }
                })
                .collect();
            for shape in [text.to_owned(), percent, base64(text)] {
                self.pieces.extend(shape.as_bytes().windows(WINDOW).map(<[u8]>::to_vec));
                self.secrets.push(shape);
            }
        }
    }

    /// Whether a secret is in it, or a piece of one.
    pub(crate) fn leaks_in(&self, shown: &str) -> bool {
        self.secrets.iter().any(|secret| shown.contains(secret.as_str()))
            || shown.as_bytes().windows(WINDOW).any(|piece| self.pieces.contains(piece))
    }

    /// The values in a request's form, by name. All of them were sent, so all of them could leak.
    pub(crate) fn secrets_of(&mut self, request: &http::Request<grantflow::Body>) {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(request.body().as_ref()).unwrap();
        for (name, value) in pairs {
            let secret = [
                "client_secret",
                "code",
                "code_verifier",
                "device_code",
                "refresh_token",
                "state",
                "token",
                "x",
                "subject_token",
                "actor_token",
                "assertion",
                "auth_req_id",
                "client_notification_token",
                "login_hint",
                "user_code",
                "binding_message",
            ];
            if secret.contains(&name.as_str()) {
                self.secret(&value);
            }
        }
        if let Some(header) = request.headers().get("authorization") {
            self.secret(header.to_str().unwrap().trim_start_matches("Basic "));
        }
        // A URI is for everyone to see.
        let uri = request.uri().to_string();
        assert!(!self.leaks_in(&uri), "a secret in a URI");
    }

    pub(crate) fn secrets_of_answer(&mut self, body: &[u8]) {
        if let Ok(answer) = serde_json::from_slice::<serde_json::Value>(body) {
            for name in ["access_token", "refresh_token", "id_token", "device_code", "user_code", "auth_req_id"] {
                if let Some(text) = answer[name].as_str() {
                    self.secret(text);
                }
            }
        }
    }

    pub(crate) fn leaks(&self) -> Vec<&str> {
        self.shown.iter().filter(|shown| self.leaks_in(shown)).map(String::as_str).collect()
    }
}

/// Base64 without its padding, as a reader of a log would find it.
pub(crate) fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = text.bytes().flat_map(|b| (0..8).rev().map(move |bit| b >> bit & 1)).collect();
    bits.chunks_exact(6).map(|six| DIGITS[six.iter().fold(0, |n, bit| n << 1 | usize::from(*bit))] as char).collect()
}
