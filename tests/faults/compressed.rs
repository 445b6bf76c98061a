//! Answers that are compressed without a request. ureq's own feature for it is on in these tests, as in a program in
//! which another crate turned it on, so ureq undoes them in any case. reqwest's own feature is on too, and has no
//! effect.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("a compressed answer is read where that was asked for, and is no verdict elsewhere", a_compressed_answer),
    ("a compressed verdict likewise", a_compressed_verdict),
    ("a compressed answer that was cut or damaged is no verdict", one_that_breaks_off_or_is_damaged),
    ("an unknown compression is no verdict", a_compression_that_nobody_knows),
];

/// Whether the adapters' feature `gzip` is on.
const UNDOES: bool = cfg!(feature = "gzip");

pub(crate) fn gzip(body: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: &str) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn encoded(status: u16, coding: &str, body: &[u8]) -> Fault {
    Fault::response(status, &[("content-type", "application/json"), ("content-encoding", coding)], body)
}

/// The expected result for an answer that can be decompressed.
fn undone(transport: Transport, by_ureq_too: bool, then: Expect) -> Expect {
    if UNDOES || (by_ureq_too && transport == Transport::Ureq) { then } else { Expect::Unknown }
}

fn a_compressed_answer(transport: Transport) {
    meet(transport, "gzip", encoded(200, "gzip", &gzip(GOOD)), undone(transport, true, Expect::Tokens));
    meet(transport, "x-gzip", encoded(200, "x-gzip", &gzip(GOOD)), undone(transport, false, Expect::Tokens));
    // A gateway removed the header, and left the body.
    meet(transport, "no coding", encoded(200, "identity", &gzip(GOOD)), undone(transport, false, Expect::Tokens));
    meet(transport, "deflate", encoded(200, "deflate", &zlib(GOOD)), undone(transport, false, Expect::Tokens));
    meet(transport, "identity", encoded(200, "identity", GOOD.as_bytes()), Expect::Tokens);
}

fn a_compressed_verdict(transport: Transport) {
    let refused = gzip(r#"{"error":"invalid_grant"}"#);
    meet(transport, "gzip", encoded(400, "gzip", &refused), undone(transport, true, Expect::Spent));
}

fn one_that_breaks_off_or_is_damaged(transport: Transport) {
    let whole = gzip(GOOD);
    let mut damaged = whole.clone();
    let checksum = damaged.len() - 6;
    damaged[checksum] ^= 1;
    for (what, coding, body) in [
        ("half of it", "gzip", &whole[..whole.len() / 2]),
        ("its checksum is missing", "gzip", &whole[..whole.len() - 8]),
        ("its head alone", "gzip", &whole[..10]),
        ("a wrong checksum", "gzip", &damaged),
        ("half of it, zlib", "deflate", &zlib(GOOD)[..40]),
    ] {
        for error in meet(transport, what, encoded(200, coding, body), Expect::Unknown) {
            if UNDOES && transport != Transport::Ureq {
                assert!(error.is_undecodable(), "{what}: {error}");
                assert!(error.to_string().contains("HTTP 200"), "{what}: {error}");
            }
        }
    }
}

fn a_compression_that_nobody_knows(transport: Transport) {
    for coding in ["br", "zstd", "gzip, gzip", "compress"] {
        // The bytes do not matter: these are neither brotli nor zstd.
        meet(transport, coding, encoded(200, coding, &gzip(GOOD)), Expect::Unknown);
    }
}
