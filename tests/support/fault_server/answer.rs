//! Correct HTTP, to start from.

/// The content type that a token answer should have.
pub(super) const JSON: (&str, &str) = ("Content-Type", "application/json");
pub(super) const NO_STORE: (&str, &str) = ("Cache-Control", "no-store");
pub(super) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A correct answer.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8], connection: &str) -> Vec<u8> {
    let length = body.len().to_string();
    let mut all = headers.to_vec();
    all.push(("Connection", connection));
    // RFC 9110, section 8.6: 1xx and 204 must not have one.
    if status >= 200 && status != 204 {
        all.push(("Content-Length", &length));
    }
    [&*head(status, &all), body].concat()
}

/// A status line and headers, as they are.
pub(super) fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Test\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// In two chunks, if there is enough for two.
pub(super) fn chunked(body: &[u8]) -> Vec<u8> {
    let (first, second) = body.split_at(body.len() / 2);
    let mut out = Vec::new();
    for chunk in [first, second].into_iter().filter(|chunk| !chunk.is_empty()) {
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(LAST_CHUNK);
    out
}
