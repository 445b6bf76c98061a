//! `application/x-www-form-urlencoded` (RFC 6749 appendix B), strict both ways.
//!
//! `serde_urlencoded` turns bytes that are not UTF-8 into U+FFFD and accepts broken escapes. A `state` or a `code` must
//! not be changed by guessing, so this module decodes. It also encodes, because a request is written into one sized
//! buffer.

use std::borrow::Cow;

/// How a space is written.
#[derive(Clone, Copy)]
pub(crate) enum Space {
    /// `+`, as RFC 6749 appendix B has it: bodies and queries.
    Plus,
    /// `%20`, which both percent-decoding and form-decoding servers understand: Basic credentials.
    Percent,
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse it")]
const fn plain_bytes() -> [bool; 256] {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 256 {
        let byte = b as u8;
        table[b] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        b += 1;
    }
    table
}

/// The bytes that are not escaped: letters, digits, `-`, `.` and `_`. Both `~` and `*` are escaped, because RFC 3986
/// and the form encoding differ on them.
static PLAIN: [bool; 256] = plain_bytes();

#[allow(clippy::indexing_slicing, reason = "a byte indexes a table of 256")]
fn is_plain(b: u8) -> bool {
    PLAIN[usize::from(b)]
}

/// How many bytes `text` has in encoded form.
pub(crate) fn encoded_len(text: &str) -> usize {
    text.bytes().map(|b| if is_plain(b) { 1 } else { 3 }).sum()
}

/// Appends `text`, encoded.
pub(crate) fn encode_into(out: &mut String, text: &str, space: Space) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| !is_plain(b)) {
        let Some((plain, tail)) = rest.split_at_checked(at) else {
            // `at` moves over ASCII only, so it is always between two characters.
            return;
        };
        out.push_str(plain);
        let mut characters = tail.chars();
        let Some(character) = characters.next() else { return };
        escape(out, character, space);
        rest = characters.as_str();
    }
    out.push_str(rest);
}

fn escape(out: &mut String, character: char, space: Space) {
    if character == ' ' && matches!(space, Space::Plus) {
        out.push('+');
        return;
    }
    for b in character.encode_utf8(&mut [0; 4]).bytes() {
        out.push('%');
        for digit in [b >> 4, b & 15] {
            out.push(char::from_digit(digit.into(), 16).unwrap_or_default().to_ascii_uppercase());
        }
    }
}

/// `text`, encoded, for values that are encoded once and stored.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(encoded_len(text));
    encode_into(&mut out, text, Space::Plus);
    out
}

/// The pairs of a form, undecoded, in order. Empty segments are skipped; no `=` means an empty value.
pub(crate) fn raw_pairs(form: &str) -> impl Iterator<Item = (&str, &str)> {
    form.split('&')
        .filter(|segment| !segment.is_empty())
        .map(|segment| segment.split_once('=').unwrap_or((segment, "")))
}

/// `text`, decoded. `None` if an escape is broken or the result is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|b| matches!(b, b'%' | b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        out.push(match b {
            b'+' => b' ',
            b'%' => (hex(bytes.next()?)? << 4) | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6749_appendix_b() {
        assert_eq!(encode(" %&+£€"), "+%25%26%2B%C2%A3%E2%82%AC");
        assert_eq!(decode("+%25%26%2B%C2%A3%E2%82%AC").unwrap(), " %&+£€");
    }

    #[test]
    fn length_is_told_beforehand() {
        for text in ["", "abc", "a b&c=d", "£€😀", "~*!'()"] {
            let mut percent = String::new();
            encode_into(&mut percent, text, Space::Percent);
            assert_eq!(encoded_len(text), percent.len(), "{text}");
        }
    }

    #[test]
    fn broken_escapes_and_bad_utf8_are_not_guessed_at() {
        for bad in ["%", "%4", "%zz", "a%g0", "%ff", "%C2", "%+1"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn pairs_are_split_at_the_first_equals() {
        let pairs: Vec<_> = raw_pairs("a=b=c&&d&=e&").collect();
        assert_eq!(pairs, [("a", "b=c"), ("d", ""), ("", "e")]);
    }
}
