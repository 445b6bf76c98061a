//! What a 401 says about the token (RFC 9110 §11.6.1, RFC 6750 §3).
//!
//! ```text
//! WWW-Authenticate = #( auth-scheme [ 1*SP ( token68 / #( token BWS "=" BWS ( token / quoted-string ) ) ) ] )
//! ```
//!
//! Commas separate challenges and parameters alike, so a header is read from left to right in one pass, without going back
//! by more than a word, and nothing is copied. What real servers leave out is not missed: commas, and quotes around what needs
//! none. From a byte on that fits nowhere, the rest of a line is not believed; what stands before it is.

#[cfg(test)]
mod tests;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};

/// Whether an API refused the token as such: a 401 with a Bearer challenge that says `invalid_token`.
pub(super) fn refuses_token(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::UNAUTHORIZED
        && headers.get_all(WWW_AUTHENTICATE).iter().any(|line| says_invalid_token(line.as_bytes()))
}

/// Whether one `WWW-Authenticate` line holds a Bearer challenge with `error="invalid_token"`.
pub(crate) fn says_invalid_token(line: &[u8]) -> bool {
    let mut rest = Rest(line);
    let mut challenge = Challenge::default();
    loop {
        rest.skip(|b| is_space(b) || b == b',');
        let name = rest.take(is_token);
        // The end, or what fits nowhere.
        if name.is_empty() {
            return challenge.says_so();
        }
        let after_name = rest;
        rest.skip(is_space);
        if !rest.take_one(b'=') {
            // No parameter, so a scheme: the challenge before it is complete.
            if challenge.says_so() {
                return true;
            }
            if !after_name.is_boundary() {
                return false;
            }
            challenge = Challenge { bearer: name.eq_ignore_ascii_case(b"bearer"), errors: 0, invalid_token: false };
            rest.skip_token68();
            continue;
        }
        rest.skip(is_space);
        let Some(is_invalid_token) = rest.take_value() else { return challenge.says_so() };
        // A value that goes on is another value.
        if !rest.is_boundary() {
            return challenge.says_so();
        }
        if name.eq_ignore_ascii_case(b"error") {
            challenge.errors += 1;
            challenge.invalid_token = is_invalid_token;
        }
    }
}

const INVALID_TOKEN: &[u8] = b"invalid_token";

/// What has been read of a challenge.
#[derive(Default)]
struct Challenge {
    bearer: bool,
    errors: usize,
    invalid_token: bool,
}

impl Challenge {
    /// A challenge with two errors (RFC 6750 §3 forbids it) says nothing.
    fn says_so(&self) -> bool {
        self.bearer && self.errors == 1 && self.invalid_token
    }
}

/// What is left of a line.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, is: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|b| !is(*b)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at_checked(end).unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }

    fn skip(&mut self, is: impl Fn(u8) -> bool) {
        self.take(is);
    }

    fn take_one(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Whether a word ends here.
    fn is_boundary(&self) -> bool {
        self.0.first().is_none_or(|b| is_space(*b) || *b == b',')
    }

    /// Skips credentials in one word, which only the end of the challenge may follow: otherwise it is a parameter's name.
    fn skip_token68(&mut self) {
        let mut ahead = *self;
        ahead.skip(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
        ahead.skip(|b| b == b'=');
        ahead.skip(is_space);
        if ahead.0.first().is_none_or(|b| *b == b',') {
            *self = ahead;
        }
    }

    /// A parameter's value: whether it is `invalid_token`. `None` if there is none, or no end to it.
    fn take_value(&mut self) -> Option<bool> {
        if !self.take_one(b'"') {
            let value = self.take(is_token);
            return (!value.is_empty()).then_some(value == INVALID_TOKEN);
        }
        let (mut expected, mut equal) = (INVALID_TOKEN, true);
        loop {
            let (mut first, mut rest) = self.0.split_first()?;
            let is_end = *first == b'"';
            if *first == b'\\' {
                (first, rest) = rest.split_first()?;
            }
            self.0 = rest;
            if is_end {
                return Some(equal && expected.is_empty());
            }
            match expected.split_first() {
                Some((next, after)) if next == first => expected = after,
                _ => equal = false,
            }
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
