//! The bodies of the fuzz targets: each takes any bytes and checks more than the absence of panics.
//!
//! They are here, and not in `fuzz/`, because they use private items; the ordinary tests replay the committed corpus
//! through them. An oracle never asks the code that it judges: it has its own naive reader, or serde's. If possible, it
//! says both what must be refused and what must be accepted, because a parser that refuses everything is safe and
//! useless.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "an oracle reports by a panic, and only fuzzers and tests link this module"
)]

use std::borrow::Cow;

use http::Response;

use crate::{
    Authorization, Callback, Client, CodeExchange, EntropyFailed, Env, Exchange, PendingCallback, PublicClient,
    Redirect, Server, Tokens, UnixTime,
};

mod answer;
mod backchannel;
mod callback;
mod challenge;
mod details;
mod device;
mod introspection;
mod metadata;
mod polling;
mod pushed;
mod registration;
mod retry_after;
mod stored_state;
mod token_error;
mod token_exchange;
mod token_response;
mod url;
mod well_known;
mod wire;

pub use backchannel::{backchannel, notification};
pub use callback::callback;
pub use challenge::challenge;
pub use details::authorization_details;
pub use device::device;
pub use introspection::introspection;
pub use metadata::{metadata, resource_metadata};
pub use pushed::pushed;
pub use registration::registration;
pub use retry_after::retry_after;
pub use stored_state::stored_state;
pub use token_error::token_error;
pub use token_exchange::token_exchange;
pub use token_response::token_response;
pub use url::url;
pub use well_known::well_known_url;
pub use wire::{basic, form};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const ISSUER: &str = "https://as.example";
const REDIRECT_URI: &str = "https://app.example/cb";
/// The code of the grants that are made here; long, so that a leak is found.
const CODE: &str = "c0de-of-the-oracle";

/// The statuses that the first byte of an answer chooses. The order is part of the committed inputs.
const STATUSES: [u16; 16] = [200, 201, 204, 299, 302, 307, 400, 401, 403, 404, 429, 500, 501, 502, 503, 100];

/// Bytes that count up: the same in every run, and no two blocks alike.
pub(crate) struct Counting(pub(crate) u8);

impl crate::Entropy for Counting {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        for b in bytes {
            self.0 = self.0.wrapping_add(1);
            *b = self.0;
        }
        Ok(())
    }
}

fn server() -> Server {
    Server::new("https://as.example/authorize", "https://as.example/token").unwrap()
}

fn client(server: &Server) -> PublicClient {
    server.client("app").public().unwrap()
}

/// A pending grant, and its state. Each call returns the same.
fn pending(client: impl Into<Client>) -> (PendingCallback, String) {
    let mut rng = Counting(0);
    let mut env = Env::new(NOW, &mut rng);
    let Redirect { url, pending } =
        Authorization::new(client, REDIRECT_URI).unwrap().scope("read write").unwrap().start(&mut env).unwrap();
    let state = url.as_str().split("&state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    (pending, state)
}

fn exchange(client: impl Into<Client>) -> CodeExchange {
    let (pending, state) = pending(client);
    match pending.receive_url(&format!("{REDIRECT_URI}?code={CODE}&state={state}")) {
        Callback::Granted(exchange) => exchange,
        other => panic!("the good callback was not granted: {other:?}"),
    }
}

fn respond(exchange: CodeExchange, response: Response<&[u8]>) -> Result<Tokens, crate::Failure<CodeExchange>> {
    let mut rng = Counting(0);
    match exchange.respond(&mut Env::new(NOW, &mut rng), response)? {
        crate::Step::Done(tokens) => Ok(tokens),
        crate::Step::Again(_) => panic!("a code exchange asked to be run again"),
    }
}

/// An error and all its causes, printed in every way.
fn printed(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        text += &format!("{error} {error:?} {error:#?} ");
        next = error.source();
    }
    text
}

/// Form decoding, written in a slow way, for the oracle.
fn naive_decode(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [a, b, after @ ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                let digits: Cow<'_, str> = String::from_utf8_lossy(&tail[..2]);
                out.push(u8::from_str_radix(&digits, 16).ok()?);
                rest = after;
            }
            (b'%', _) => return None,
            (b'+', _) => {
                out.push(b' ');
                rest = tail;
            }
            (other, _) => {
                out.push(*other);
                rest = tail;
            }
        }
    }
    String::from_utf8(out).ok()
}
