//! `WWW-Authenticate`: a list of challenges by the grammar is read as that list, and everything that is read was
//! written.

use crate::wire::challenge::{Challenge, Challenges};

/// A challenge as the oracle reads it: scheme, parameters, token68.
type Read = (String, Vec<(String, String)>, Option<String>);

/// Any bytes, as header lines.
pub fn challenge(bytes: &[u8]) {
    let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
    let all = read(&lines);
    let mut one_by_one = Vec::new();
    for line in &lines {
        one_by_one.extend(read(&[line]).with_broken().map(taken));
        one_line(line);
    }
    // The limits apply to all lines together.
    if bytes.len() < 200 {
        assert_eq!(all.with_broken().map(taken).collect::<Vec<_>>(), one_by_one, "a line was not read by itself");
    }
    assert!(all.with_broken().count() <= 64 && all.with_broken().map(|c| c.params().count()).sum::<usize>() <= 256);
    nothing_is_printed(&all);
}

fn read(lines: &[&[u8]]) -> Challenges {
    Challenges::read(lines.iter().copied())
}

fn taken(challenge: &Challenge) -> Read {
    let params = challenge.params().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (challenge.scheme().to_owned(), params, challenge.token68().map(str::to_owned))
}

fn one_line(line: &[u8]) {
    let challenges = read(&[line]);
    let all: Vec<Read> = challenges.with_broken().map(taken).collect();
    let whole: Vec<Read> = challenges.iter().map(taken).collect();
    let shown = line.escape_ascii().to_string();

    for (scheme, params, token68) in &all {
        assert!(written(line, scheme), "a scheme that is not in {shown}");
        for (name, value) in params {
            assert!(written(line, name) && written(line, value), "a parameter that is not in {shown}");
        }
        assert!(token68.as_ref().is_none_or(|word| written(line, word)), "a word that is not in {shown}");
    }
    for challenge in challenges.iter() {
        assert!(challenge.token68().is_none() || challenge.params().next().is_none(), "both in {shown}");
        for (name, _) in challenge.params() {
            assert!(challenge.param(&name.to_uppercase()).is_some());
        }
    }

    // Empty list elements change nothing.
    assert_eq!(read(&[&[b" ,\t", line].concat()]).iter().map(taken).collect::<Vec<_>>(), whole, "{shown}");
    // If all the parameters fit, the next challenge fits too.
    if let Some(expected) = by_the_letter(line)
        && line.len() < 400
    {
        assert_eq!(whole, expected, "{shown}");
        assert_eq!(all, whole, "called broken: {shown}");
        for follows in ["Basic realm=\"x\"", "Negotiate abc==", "Bearer error=\"invalid_token\", scope=x"] {
            let both = read(&[&[line, b", ", follows.as_bytes()].concat()]);
            let mut both: Vec<Read> = both.iter().map(taken).collect();
            assert_eq!(both.pop(), read(&[follows.as_bytes()]).iter().map(taken).next(), "{shown}, {follows}");
            assert_eq!(both, expected, "{shown}, {follows}");
        }
    }
}

/// Whether the line contains a text that was read, in any case, with or without backslashes before its characters.
fn written(line: &[u8], text: &str) -> bool {
    let plain = |text: &[u8]| -> Vec<u8> {
        text.iter().filter(|b| **b != b'\\').map(u8::to_ascii_lowercase).collect::<Vec<_>>()
    };
    let line = plain(line);
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or_default()).collect();
    [text.as_bytes(), &latin].iter().any(|text| {
        let text = plain(text);
        text.is_empty() || line.windows(text.len()).any(|window| window == text)
    })
}

/// `Debug` shows only words of RFCs.
fn nothing_is_printed(challenges: &Challenges) {
    const WORDS: [&str; 19] = [
        "Challenges",
        "Challenge",
        "scheme",
        "error",
        "parameters",
        "token",
        "broken",
        "Other",
        "bytes",
        "another",
        "basic",
        "bearer",
        "digest",
        "dpop",
        "gnap",
        "hoba",
        "mutual",
        "negotiate",
        "privatetoken",
    ];
    let shown = format!("{challenges:?} {challenges:#?}");
    for word in shown.split(|c: char| !c.is_ascii_alphabetic() && c != '_').filter(|word| !word.is_empty()) {
        let registered = || !matches!(crate::ErrorCode::new(word), crate::ErrorCode::Other(_));
        assert!(WORDS.contains(&word) || registered(), "{word} is printed");
    }
    assert!(shown.is_ascii());
}

/// The list by the grammar of RFC 9110, by splitting the line repeatedly. `None` if it is not a list of challenges.
fn by_the_letter(line: &[u8]) -> Option<Vec<Read>> {
    let (mut quoted, mut escaped) = (false, false);
    let elements: Vec<&[u8]> = line
        .split(|byte| {
            let was_escaped = core::mem::take(&mut escaped);
            match byte {
                _ if was_escaped => {}
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ => {}
            }
            *byte == b',' && !quoted
        })
        .map(trim)
        .filter(|element| !element.is_empty())
        .collect();
    // And whether parameters may follow.
    let mut challenges: Vec<(Read, bool)> = Vec::new();
    for element in elements {
        if let Some(parameter) = parameter(element) {
            let ((_, parameters, _), open) = challenges.last_mut()?;
            if !*open {
                return None;
            }
            parameters.push(parameter);
            continue;
        }
        let end = element.iter().position(|b| *b == b' ').unwrap_or(element.len());
        let (scheme, rest) = (&element[..end], trim(&element[end..]));
        if !token(scheme) {
            return None;
        }
        let mut challenge = ((lower(scheme), Vec::new(), None), false);
        if let Some(parameter) = parameter(rest) {
            challenge.1 = true;
            challenge.0.1.push(parameter);
        } else if token68(rest) {
            challenge.0.2 = Some(decoded(rest));
        } else if !rest.is_empty() {
            return None;
        }
        challenges.push(challenge);
    }
    Some(challenges.into_iter().map(|(challenge, _)| challenge).collect())
}

/// `token BWS "=" BWS ( token / quoted-string )`, the name in lower case and the value without its quotes.
fn parameter(element: &[u8]) -> Option<(String, String)> {
    let equals = element.iter().position(|b| *b == b'=')?;
    let (name, value) = (trim(&element[..equals]), trim(&element[equals + 1..]));
    if !token(name) {
        return None;
    }
    if token(value) {
        return Some((lower(name), decoded(value)));
    }
    let mut inside = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?.iter();
    let mut text = Vec::new();
    while let Some(byte) = inside.next() {
        match byte {
            b'"' => return None,
            b'\\' => text.push(*inside.next()?),
            _ => text.push(*byte),
        }
    }
    Some((lower(name), decoded(&text)))
}

fn token68(text: &[u8]) -> bool {
    let end = text.iter().position(|b| *b == b'=').unwrap_or(text.len());
    end > 0
        && text[..end].iter().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(b))
        && text[end..].iter().all(|b| *b == b'=')
}

fn token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| b.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(b))
}

fn trim(text: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = text.iter().position(|b| !blank(b)).unwrap_or(text.len());
    let end = text.iter().rposition(|b| !blank(b)).map_or(start, |last| last + 1);
    &text[start..end]
}

fn lower(name: &[u8]) -> String {
    decoded(name).to_ascii_lowercase()
}

fn decoded(text: &[u8]) -> String {
    match core::str::from_utf8(text) {
        Ok(text) => text.to_owned(),
        Err(_) => text.iter().map(|b| *b as char).collect(),
    }
}
