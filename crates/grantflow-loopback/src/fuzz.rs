//! The body of the fuzz target: it takes any bytes, and checks more than the absence of panics.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "an oracle reports by a panic, and only fuzzers and tests link this module"
)]

use crate::head::{Head, HeadReader, MAX_BODY, MAX_HEAD, Refusal};

/// A request's head. The first byte decides the pieces in which it comes, which must not matter. A plain reader that
/// follows RFC 9112 strictly must agree with the result.
pub fn request_head(bytes: &[u8]) {
    let Some((size, bytes)) = bytes.split_first() else { return };
    let whole = read(bytes, bytes.len().max(1));
    let pieces = read(bytes, usize::from(*size).max(1));
    match (&whole, &pieces) {
        (Ok(None), Ok(None)) => assert!(bytes.len() <= MAX_HEAD),
        (Ok(Some((a, rest))), Ok(Some((b, same)))) => {
            assert_eq!((said(a), rest), (said(b), same), "the pieces matter");
            judge(bytes, a, rest);
        }
        (Err(a), Err(b)) => assert_eq!(a, b, "the pieces matter"),
        _ => panic!("the pieces matter"),
    }
    if let Some((target, len)) = strict(bytes) {
        let (head, rest) = whole.ok().flatten().expect("what the RFC allows is read");
        assert_eq!((head.target.to_string(), rest.len()), (target, bytes.len() - len));
    }
}

type Read = Result<Option<(Head, Vec<u8>)>, Refusal>;

/// Reads pieces of this size, as a connection gives them, and collects what follows the head.
fn read(bytes: &[u8], size: usize) -> Read {
    let mut reader = HeadReader::default();
    let mut pieces = bytes.chunks(size);
    while let Some(piece) = pieces.next() {
        if let Some((head, rest)) = reader.take(piece)? {
            return Ok(Some((head, [rest, pieces.flatten().copied().collect()].concat())));
        }
    }
    Ok(None)
}

fn said(head: &Head) -> (String, String, Option<String>, usize, bool) {
    let content_type = head.content_type.as_ref().map(|value| value.as_bytes().escape_ascii().to_string());
    let method = format!("{} {content_type:?}", head.method);
    (method, head.target.to_string(), head.authority.clone(), head.body_len, head.expects_continue)
}

/// Compares what was accepted with the bytes.
fn judge(bytes: &[u8], head: &Head, rest: &[u8]) {
    assert!(bytes.ends_with(rest) && bytes.len() - rest.len() <= MAX_HEAD && head.body_len <= MAX_BODY);
    let text = &bytes[..bytes.len() - rest.len()];
    assert!(text.ends_with(b"\n\n") || text.ends_with(b"\n\r\n"), "a head ends with an empty line");
    let line = text.split(|b| *b == b'\n').find(|line| !line.is_empty() && *line != b"\r").expect("a request line");
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let parts: Vec<&[u8]> = line.split(|b| *b == b' ').collect();
    assert!(parts.len() == 3 && parts[2].starts_with(b"HTTP/1."));
    assert_eq!(parts[0], head.method.as_str().as_bytes());

    // The decoded target equals the decoded bytes, and is a path.
    let place = match parts[1] {
        target if target.starts_with(b"/") => target.to_vec(),
        target => {
            let after = &target[b"http://".len()..];
            let at = after.iter().position(|b| b"/?".contains(b)).unwrap_or(after.len());
            let slash: &[u8] = if after[at..].starts_with(b"/") { b"" } else { b"/" };
            [slash, &after[at..]].concat()
        }
    };
    let target = head.target.to_string();
    assert!(target.starts_with('/') && target.is_ascii() && head.target.authority().is_none());
    assert!(!target.bytes().any(|b| b <= b' ' || b"\"<>#\\^`{|}\x7f".contains(&b)), "{target}");
    assert_eq!(decoded(target.as_bytes()), decoded(&place));
}

/// Undoes percent escapes once; broken ones stay.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let digits = text.get(at + 1..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        match digits {
            Some(digits) if text[at] == b'%' => {
                out.push(u8::from_str_radix(core::str::from_utf8(digits).unwrap(), 16).unwrap());
                at += 3;
            }
            _ => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

/// Target and length of a GET that follows RFC 9112 and RFC 3986 strictly, with fields that have only one reading.
fn strict(bytes: &[u8]) -> Option<(String, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let text = core::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = text.split("\r\n");
    let target = lines.next()?.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=".contains(&b);
    let mut hosts = 0;
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        let is_plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic());
        if !is_plain || !value.bytes().all(|b| b.is_ascii_graphic()) {
            return None;
        }
        match name.to_ascii_lowercase().as_str() {
            "host" => hosts += 1,
            name if name.starts_with("content") || name.starts_with("transfer") => return None,
            _ => {}
        }
    }
    let is_good = target.starts_with('/') && target.bytes().all(allowed) && hosts == 1 && end + 4 <= MAX_HEAD;
    is_good.then(|| (target.to_owned(), end + 4))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            super::request_head(&bytes);
        }

        #[test]
        fn heads_with_odd_parts(
            size: u8,
            before in prop_oneof![Just(""), Just("\r\n"), Just("\n\n"), Just(" ")],
            method in prop_oneof![4 => Just("GET"), 1 => Just("POST"), 1 => Just("HEAD"), 1 => Just("g et"), 1 => Just("")],
            target in prop_oneof!["/[ -~]{0,8}", "http://[a-z.:0-9]{0,8}[/?]?[ -~]{0,6}", "/[a-z/?&=%é<#]{0,12}", "[ -~]{0,4}"],
            version in prop_oneof![6 => Just("HTTP/1.1"), 2 => Just("HTTP/1.0"), 1 => Just("HTTP/2.0"), 1 => Just("")],
            fields in proptest::collection::vec(prop_oneof![
                3 => Just("Host: a".to_owned()), 1 => "Content-Length: [0-9, -]{0,7}", 1 => Just("Transfer-Encoding: chunked".to_owned()),
                2 => "[A-Za-z]{1,4}: [!-~]{0,8}", 1 => "[ -~\r\t]{0,10}",
            ], 0..4),
            end in prop_oneof![Just("\r\n"), Just("\n")],
            after in "[a-z\r\n]{0,6}",
        ) {
            let lines: String = fields.iter().map(|field| format!("{field}{end}")).collect();
            let head = format!("{before}{method} {target} {version}{end}{lines}{end}{after}");
            super::request_head(&[&[size], head.as_bytes()].concat());
        }
    }
}
