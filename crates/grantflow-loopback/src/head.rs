//! The head of a request, read from bytes (RFC 9112 §2 to §6): only what the listener needs.
//!
//! Strict where two readers could differ (framing, `Host`, line ends), tolerant of what servers write into a redirect:
//! a target may hold characters that RFC 3986 wants escaped, and they are escaped here.

use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Uri};

/// The longest head. Browsers send up to 20 kB of cookies that other programs on this host have set.
pub(crate) const MAX_HEAD: usize = 64 * 1024;
/// The longest body: what the core reads of a callback.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// What a request says about itself. It has no `Debug`, because the target holds code and state.
pub(crate) struct Head {
    pub(crate) method: Method,
    /// Path and query, without an authority.
    pub(crate) target: Uri,
    /// The host that the request names: the authority of an absolute target (RFC 9112 §3.2.2), else `Host`. Only
    /// HTTP/1.0 may omit it.
    pub(crate) authority: Option<String>,
    pub(crate) body_len: usize,
    pub(crate) content_type: Option<HeaderValue>,
    /// The visitor waits for a `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    pub(crate) expects_continue: bool,
}

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not HTTP, or a head that can be read in more than one way.
    Malformed,
    /// More than [`MAX_HEAD`].
    HeadTooLong,
    /// More than [`MAX_BODY`].
    BodyTooLong,
    /// A body without an announced length.
    NoLength,
    /// Another version than HTTP/1.
    Version,
}

/// Collects a head that comes in pieces. Each byte is read a fixed number of times, in pieces of any size.
#[derive(Default)]
pub(crate) struct HeadReader {
    bytes: Vec<u8>,
    /// The number of bytes of empty lines before the first byte.
    skipped: usize,
    /// The last of them is a CR, which only an LF may follow.
    after_cr: bool,
    /// How far the end of the head was searched.
    searched: usize,
}

impl HeadReader {
    /// Takes the next piece. Returns the complete head, and the bytes that follow it.
    pub(crate) fn take(&mut self, mut piece: &[u8]) -> Result<Option<(Head, Vec<u8>)>, Refusal> {
        // RFC 9112 §2.2: empty lines before a request are skipped. A CR alone is not a line end.
        while let ([], [first, rest @ ..]) = (&*self.bytes, piece) {
            match (first, self.after_cr) {
                (b'\n', _) => self.after_cr = false,
                (b'\r', false) => self.after_cr = true,
                (_, true) => return Err(Refusal::Malformed),
                (_, false) => break,
            }
            self.skipped += 1;
            piece = rest;
        }
        self.bytes.extend_from_slice(piece);
        // A TLS greeting has no line ends. Its first byte identifies it, so there is no need to wait for more.
        if self.bytes.first().is_some_and(|b| !is_token_byte(*b)) {
            return Err(Refusal::Malformed);
        }
        let Some(end) = end_of_head(&self.bytes, self.searched) else {
            // The end may begin in the last two bytes.
            self.searched = self.bytes.len().saturating_sub(2);
            let is_long = self.skipped + self.bytes.len() > MAX_HEAD;
            return if is_long { Err(Refusal::HeadTooLong) } else { Ok(None) };
        };
        if self.skipped + end > MAX_HEAD {
            return Err(Refusal::HeadTooLong);
        }
        let after = self.bytes.split_off(end);
        Ok(Some((parse(&self.bytes)?, after)))
    }
}

/// Where the first empty line ends, looking from `from`.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|b| *b == b'\n')? + 1;
        match bytes.get(at..)? {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            _ => {}
        }
    }
}

/// Parses a complete head, including its empty line.
fn parse(head: &[u8]) -> Result<Head, Refusal> {
    // RFC 9112 §2.2: a lone LF ends a line too; a CR elsewhere does not, and is refused.
    let mut lines = head.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let (method, target, version) = request_line(lines.next().unwrap_or_default())?;
    let mut fields = Fields::default();
    for line in lines.take_while(|line| !line.is_empty()) {
        fields.take(line)?;
    }
    let host = match (fields.hosts, version) {
        (1, _) => fields.host,
        (0, Version::Http10) => None,
        // RFC 9112 §3.2.
        _ => return Err(Refusal::Malformed),
    };
    let (target, authority) = split_target(target)?;
    let body_len = match (fields.length, fields.is_encoded) {
        (Some(_), true) => return Err(Refusal::Malformed),
        (None, true) => return Err(Refusal::NoLength),
        (length, false) => length.unwrap_or(0),
    };
    Ok(Head {
        method,
        target,
        authority: authority.or(host),
        body_len,
        content_type: fields.content_type,
        expects_continue: fields.expects_continue,
    })
}

#[derive(Clone, Copy)]
enum Version {
    Http10,
    Http11,
}

/// `method SP request-target SP HTTP-version` (RFC 9112 §3).
fn request_line(line: &[u8]) -> Result<(Method, &[u8], Version), Refusal> {
    let mut parts = line.split(|b| *b == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::Malformed);
    };
    let version = match version {
        b"HTTP/1.0" => Version::Http10,
        // RFC 9110 §2.5: a higher minor version is read as the highest known one.
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Version::Http11,
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => return Err(Refusal::Version),
        _ => return Err(Refusal::Malformed),
    };
    let method = Method::from_bytes(method).map_err(|_| Refusal::Malformed)?;
    Ok((method, target, version))
}

/// The relevant header fields.
#[derive(Default)]
struct Fields {
    hosts: usize,
    host: Option<String>,
    length: Option<usize>,
    is_encoded: bool,
    content_type: Option<HeaderValue>,
    expects_continue: bool,
}

impl Fields {
    /// `field-name ":" OWS field-value OWS` (RFC 9112 §5). A line that continues the one before is refused.
    fn take(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let colon = line.iter().position(|b| *b == b':').ok_or(Refusal::Malformed)?;
        let (name, value) = (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default());
        let value = value.trim_ascii();
        let is_clean = value.iter().all(|b| *b == b'\t' || !b.is_ascii_control());
        if name.is_empty() || !name.iter().copied().all(is_token_byte) || !is_clean {
            return Err(Refusal::Malformed);
        }
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts += 1;
            self.host = Some(String::from_utf8_lossy(value).into_owned());
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = content_length(value)?;
            if self.length.is_some_and(|before| before != length) {
                return Err(Refusal::Malformed);
            }
            self.length = Some(length);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.is_encoded = true;
        } else if name.eq_ignore_ascii_case(b"content-type") {
            // Two of them have no meaning.
            self.content_type = match self.content_type {
                None => HeaderValue::from_bytes(value).ok(),
                Some(_) => return Err(Refusal::Malformed),
            };
        } else if name.eq_ignore_ascii_case(b"expect") {
            self.expects_continue = value.eq_ignore_ascii_case(b"100-continue");
        }
        Ok(())
    }
}

fn content_length(value: &[u8]) -> Result<usize, Refusal> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Malformed);
    }
    let digits = value.iter().map(|b| usize::from(b - b'0'));
    // It stops growing when it is too long, so every number can be read.
    let length = digits.fold(0, |length: usize, digit| (length * 10 + digit).min(MAX_BODY + 1));
    if length > MAX_BODY { Err(Refusal::BodyTooLong) } else { Ok(length) }
}

/// A target in origin form or absolute form (RFC 9112 §3.2), as path and query, and its authority if it has one.
fn split_target(target: &[u8]) -> Result<(Uri, Option<String>), Refusal> {
    const SCHEME: &[u8] = b"http://";
    if target.starts_with(b"/") {
        return Ok((escaped(b"", target)?, None));
    }
    let is_absolute = target.get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME));
    if !is_absolute {
        // `*` and `host:port` are for servers and proxies; other schemes are not supported.
        return Err(Refusal::Malformed);
    }
    let rest = target.get(SCHEME.len()..).unwrap_or_default();
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
    let (authority, place) = rest.split_at_checked(end).unwrap_or_default();
    let slash: &[u8] = if place.starts_with(b"/") { b"" } else { b"/" };
    Ok((escaped(slash, place)?, Some(String::from_utf8_lossy(authority).into_owned())))
}

/// Escapes what RFC 3986 does not allow in path and query: servers write `<` and Latin-1 into `error_description`.
/// Characters that cannot be in a target at all (controls, `#`) are refused.
fn escaped(start: &[u8], place: &[u8]) -> Result<Uri, Refusal> {
    let mut text = String::with_capacity(start.len() + place.len());
    for b in start.iter().chain(place).copied() {
        match b {
            b'#' | 0..=b' ' | 0x7f => return Err(Refusal::Malformed),
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80.. => {
                text.push('%');
                for digit in [b >> 4, b & 15] {
                    text.push(char::from_digit(digit.into(), 16).unwrap_or_default().to_ascii_uppercase());
                }
            }
            _ => text.push(char::from(b)),
        }
    }
    PathAndQuery::try_from(text).map(Uri::from).map_err(|_| Refusal::Malformed)
}

/// RFC 9110 §5.6.2.
fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

#[cfg(test)]
mod tests;
