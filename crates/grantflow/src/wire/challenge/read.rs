//! Reads lines as challenges.

use zeroize::Zeroizing;

use super::Challenge;

/// How many bytes are read in all lines together.
const MAX_BYTES: usize = 64 * 1024;
const MAX_CHALLENGES: usize = 64;
/// How many parameters are read in all challenges together.
const MAX_PARAMS: usize = 256;

pub(super) fn read<'l>(lines: impl Iterator<Item = &'l [u8]>) -> Vec<Challenge> {
    let mut reader = Reader { challenges: Vec::new(), params_left: MAX_PARAMS };
    let mut left = MAX_BYTES;
    for line in lines {
        let within = line.get(..left).unwrap_or(line);
        left -= within.len();
        let is_cut = within.len() < line.len();
        let before = reader.challenges.len();
        let ended = reader.line(within);
        if is_cut && let Some(last) = reader.challenges.iter_mut().skip(before).next_back() {
            last.broken = true;
        }
        if is_cut || ended == Ended::AtALimit {
            break;
        }
    }
    reader.challenges
}

/// Why the reading of a line has ended.
#[derive(PartialEq, Eq)]
enum Ended {
    /// The line has ended, or the rest cannot be read.
    Here,
    /// A limit is reached: no other line is read.
    AtALimit,
}

struct Reader {
    challenges: Vec<Challenge>,
    params_left: usize,
}

/// The place of a parameter.
enum Place {
    /// There is no challenge on this line yet.
    Nowhere,
    /// The current challenge has only its scheme, without a blank after it: the grammar allows no parameter next.
    AfterBareScheme,
    /// A token68 was read: the grammar allows no parameter next.
    AfterToken68,
    /// In the current challenge.
    Inside,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Ended {
        let mut rest = Rest(line);
        let mut place = Place::Nowhere;
        loop {
            rest.skip(|b| is_blank(b) || b == b',');
            if rest.0.is_empty() {
                return Ended::Here;
            }
            let name = rest.take(is_token);
            let mut ahead = rest;
            ahead.skip(is_blank);
            if !name.is_empty() && ahead.take_one(b'=') {
                ahead.skip(is_blank);
                rest = ahead;
                match self.param(name, &mut rest, &place) {
                    Ok(()) => continue,
                    Err(ended) => return self.broken_off(&place, ended),
                }
            }
            // Not a parameter, so a scheme.
            if name.is_empty() || !rest.is_boundary() {
                return self.broken_off(&place, Ended::Here);
            }
            if self.challenges.len() == MAX_CHALLENGES {
                return Ended::AtALimit;
            }
            let blank = rest.0.first().is_some_and(|b| is_blank(*b));
            let token68 = if blank { rest.take_token68() } else { None };
            place = match &token68 {
                Some(_) => Place::AfterToken68,
                None if blank => Place::Inside,
                None => Place::AfterBareScheme,
            };
            self.challenges.push(Challenge {
                scheme: lower(name),
                params: Vec::new(),
                token68: token68.map(|word| text(word.to_vec())),
                broken: false,
            });
        }
    }

    /// Marks the current challenge, if there is one, as broken.
    fn broken_off(&mut self, place: &Place, ended: Ended) -> Ended {
        if !matches!(place, Place::Nowhere)
            && let Some(challenge) = self.challenges.last_mut()
        {
            challenge.broken = true;
        }
        ended
    }

    /// Reads a value, and adds it in its place.
    fn param(&mut self, name: &[u8], rest: &mut Rest<'_>, place: &Place) -> Result<(), Ended> {
        let value = rest.take_value().ok_or(Ended::Here)?;
        // A value that continues is another value.
        if !rest.is_boundary() {
            return Err(Ended::Here);
        }
        let challenge = match (place, self.challenges.last_mut()) {
            (Place::Nowhere, _) | (_, None) => return Ok(()),
            (_, Some(challenge)) => challenge,
        };
        if self.params_left == 0 {
            return Err(Ended::AtALimit);
        }
        self.params_left -= 1;
        challenge.broken |= !value.by_the_grammar || !matches!(place, Place::Inside);
        challenge.params.push((lower(name), text(value.bytes)));
        Ok(())
    }
}

struct Value {
    bytes: Vec<u8>,
    by_the_grammar: bool,
}

/// The rest of a line.
#[derive(Clone, Copy)]
struct Rest<'l>(&'l [u8]);

impl<'l> Rest<'l> {
    fn take(&mut self, is: impl Fn(u8) -> bool) -> &'l [u8] {
        let end = self.0.iter().position(|b| !is(*b)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at_checked(end).unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }

    fn skip(&mut self, is: impl Fn(u8) -> bool) {
        self.take(is);
    }

    fn take_one(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Whether a word ends here.
    fn is_boundary(&self) -> bool {
        self.0.first().is_none_or(|b| is_blank(*b) || *b == b',')
    }

    /// A token68, which only the end of the challenge may follow: otherwise it is a parameter's name.
    fn take_token68(&mut self) -> Option<&'l [u8]> {
        let mut ahead = *self;
        ahead.skip(is_blank);
        let from = ahead.0;
        ahead.skip(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
        let is_empty = ahead.0.len() == from.len();
        ahead.skip(|b| b == b'=');
        let word = from.get(..from.len() - ahead.0.len()).unwrap_or_default();
        ahead.skip(is_blank);
        if is_empty || ahead.0.first().is_some_and(|b| *b != b',') {
            return None;
        }
        *self = ahead;
        Some(word)
    }

    /// A parameter's value, without quotes and escapes. `None` if there is none, or if it has no end.
    fn take_value(&mut self) -> Option<Value> {
        if self.take_one(b'"') {
            return self.take_quoted().map(|bytes| Value { bytes, by_the_grammar: true });
        }
        // Some servers write a URL without quotes.
        let word = self.take(|b| !is_blank(b) && !matches!(b, b',' | b'"' | b'\\'));
        let by_the_grammar = word.iter().all(|b| is_token(*b));
        (!word.is_empty()).then(|| Value { bytes: word.to_vec(), by_the_grammar })
    }

    /// The rest of a `quoted-string` (RFC 9110 §5.6.4), after its first quote.
    fn take_quoted(&mut self) -> Option<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::new());
        loop {
            bytes.extend_from_slice(self.take(|b| !matches!(b, b'"' | b'\\')));
            if self.take_one(b'"') {
                return Some(core::mem::take(&mut *bytes));
            }
            // The next byte is a backslash, or the line ends.
            let (escaped, rest) = self.0.get(1..)?.split_first()?;
            bytes.push(*escaped);
            self.0 = rest;
        }
    }
}

fn lower(name: &[u8]) -> Box<str> {
    name.iter().map(|b| char::from(b.to_ascii_lowercase())).collect()
}

/// UTF-8, or else ISO-8859-1, in which every byte is a character.
fn text(bytes: Vec<u8>) -> Zeroizing<String> {
    Zeroizing::new(String::from_utf8(bytes).unwrap_or_else(|error| {
        let bytes = Zeroizing::new(error.into_bytes());
        bytes.iter().map(|b| char::from(*b)).collect()
    }))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
