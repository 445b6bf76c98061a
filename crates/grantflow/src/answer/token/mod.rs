//! A token endpoint's answer, from its bytes to checked values (RFC 6749 §5.1, §5.2).
//!
//! The content type is ignored, because servers write tokens under any or none: a body is JSON, or what a quirk says.

use std::borrow::Cow;

use crate::error::Violation;
use crate::wire::form;
use crate::wire::object::{self, Extra, Scalar, Table as _};
use crate::wire::path;

mod checked;
mod issued;
mod members;
mod nested;
mod rules;

pub(crate) use checked::{IssuedKind, Kind, TokenAnswer, TokenKind};
pub(crate) use issued::issued_token_type;
pub(crate) use members::Member;
pub(crate) use rules::Rules;

use members::{Members, has_token, states_error};

/// What an answer says. Its status is handled elsewhere.
#[derive(Debug)]
pub(crate) enum Content<'a, K = TokenKind> {
    Token(TokenAnswer<'a, K>),
    Error(StatedError<'a>),
}

/// An error as it is written.
#[derive(Debug)]
pub(crate) struct StatedError<'a> {
    pub(crate) code: Cow<'a, str>,
    pub(crate) description: Option<Cow<'a, str>>,
    pub(crate) uri: Option<Cow<'a, str>>,
}

/// An answer without usable content.
#[derive(Debug)]
pub(crate) struct Unread<'a> {
    pub(crate) violation: Violation,
    /// Whether the body ends before the message does.
    pub(crate) cut: bool,
    /// Whether there is an access token or a refresh token in it.
    pub(crate) holds_token: bool,
    /// The refresh token, if it can be read and the fault is in another member of the token answer.
    pub(crate) refresh_token: Option<Cow<'a, str>>,
}

impl From<Violation> for Unread<'_> {
    fn from(violation: Violation) -> Self {
        Self { violation, cut: violation == Violation::EmptyBody, holds_token: false, refresh_token: None }
    }
}

/// Reads a token endpoint's body.
#[inline(always)]
pub(crate) fn read<'a, K: Kind>(body: &'a [u8], rules: &Rules<'_>) -> Result<Content<'a, K>, Unread<'a>> {
    match core::str::from_utf8(body) {
        Ok(text) => read_text(text, rules),
        Err(error) => Err(not_utf8(body, error, rules)),
    }
}

#[inline(always)]
fn read_text<'a, K: Kind>(text: &'a str, rules: &Rules<'_>) -> Result<Content<'a, K>, Unread<'a>> {
    let is_form = rules.form && !text.trim_ascii_start().starts_with('{');
    if !rules.errors.is_empty() {
        return with_error_places(text, rules, is_form);
    }
    let mut members = Members::default();
    if is_form {
        form_members(text, rules.names, &mut members)?;
        return judge_other(&mut members, None, rules);
    }
    parse(text, rules, |members| states_error(members, rules.null_is_absent), &mut members)?;
    judge(&mut members, None, rules)
}

/// The error of an answer that [`read`] could not read. A description never costs the error that it explains, and some
/// servers write descriptions in another encoding, or with line breaks. So a body that is not JSON for one of these
/// reasons is read for an error, and for nothing else.
#[cold]
pub(crate) fn error_in_unread<'a>(
    body: &[u8],
    rules: &Rules<'_>,
    unread: Unread<'a>,
) -> Result<StatedError<'static>, Unread<'a>> {
    if !matches!(unread.violation, Violation::NotJson { .. } | Violation::NotForm) {
        return Err(unread);
    }
    let owned = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
    match read_text::<TokenKind>(&without_controls(&String::from_utf8_lossy(body)), rules) {
        Ok(Content::Error(StatedError { code, description, uri })) if !code.contains(char::REPLACEMENT_CHARACTER) => {
            let code = Cow::Owned(code.into_owned());
            Ok(StatedError { code, description: owned(description), uri: owned(uri) })
        }
        _ => Err(Unread { holds_token: unread.holds_token || is_token_answer(body), ..unread }),
    }
}

/// Whether a body that is not JSON is still a token answer: a form without its quirk, or JSON behind a byte order mark.
/// Then the server has granted something, and the same request must not follow.
fn is_token_answer(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let Ok(text) = core::str::from_utf8(body) else { return false };
    let mut members = Members::default();
    let read = if text.trim_ascii_start().starts_with('{') {
        object::read::<Member, false>(text, None, None, &mut members).is_ok()
    } else {
        form_members(text, None, &mut members).is_ok()
    };
    read && has_token(&members)
}

/// A JSON text with U+FFFD for each control character inside of quotes, where none is allowed (RFC 8259 §7).
fn without_controls(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let readable = |c: char| {
        let is_control = quoted && c < ' ';
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        if is_control { char::REPLACEMENT_CHARACTER } else { c }
    };
    text.chars().map(readable).collect()
}

/// A body that stops being UTF-8 also stops being JSON or a form.
#[cold]
fn not_utf8(body: &[u8], error: core::str::Utf8Error, rules: &Rules<'_>) -> Unread<'static> {
    let good = body.get(..error.valid_up_to()).unwrap_or_default();
    let unparsed = object::not_utf8(body, error);
    let is_form = rules.form && !good.trim_ascii_start().starts_with(b"{");
    Unread { cut: unparsed.cut, ..if is_form { Violation::NotForm } else { unparsed.violation }.into() }
}

/// Reads a body of a server that states its errors in other places.
#[cold]
fn with_error_places<'a, K: Kind>(
    text: &'a str,
    rules: &Rules<'_>,
    is_form: bool,
) -> Result<Content<'a, K>, Unread<'a>> {
    let word_at = if is_form { path::word_in_form } else { path::word_at };
    let mut word = None;
    let mut silent = false;
    for place in rules.errors {
        let found = word_at(text, &place.path).map_err(|()| Violation::WrongType("error"))?;
        let Some(found) = found else { continue };
        if place.none.as_deref() == Some(&*found) {
            // It is inside of `error`, and says that there is none.
            silent |= object::member(rules.names, place.path.first()) == Some(Member::Error);
        } else if word.is_none() {
            word = Some(found);
        }
    }
    let mut members = Members::default();
    let states_error = |members: &Members<'a>| !silent && word.is_none() && states_error(members, rules.null_is_absent);
    let read = if is_form {
        form_members(text, rules.names, &mut members).map_err(Unread::from)
    } else {
        parse(text, rules, states_error, &mut members)
    };
    match read {
        // Beside an error, the token's path may lead to nothing.
        Err(Unread { violation: Violation::TokenPath, .. }) if word.is_some() => {}
        other => other?,
    }
    if silent {
        members.take(Member::Error);
    }
    judge_other(&mut members, word, rules)
}

/// [`judge`] for a body that is not a plain JSON answer.
#[cold]
fn judge_other<'a, K: Kind>(
    members: &mut Members<'a>,
    word: Option<Cow<'a, str>>,
    rules: &Rules<'_>,
) -> Result<Content<'a, K>, Unread<'a>> {
    judge(members, word, rules)
}

/// Parses JSON. What serde_json cannot hold, a text with half a surrogate or a number out of range, is read once more, so that
/// it costs only its own member.
#[inline]
fn parse<'a>(
    text: &'a str,
    rules: &Rules<'_>,
    states_error: impl Fn(&Members<'a>) -> bool,
    members: &mut Members<'a>,
) -> Result<(), Unread<'a>> {
    match nested::read::<false>(text, rules.path, rules.names, &states_error, members) {
        Ok(()) => Ok(()),
        Err(fault) => parse_carefully(text, rules, states_error, members, fault),
    }
}

#[cold]
fn parse_carefully<'a>(
    text: &'a str,
    rules: &Rules<'_>,
    states_error: impl Fn(&Members<'a>) -> bool,
    members: &mut Members<'a>,
    fault: object::Unparsed,
) -> Result<(), Unread<'a>> {
    let refused = Unread { cut: fault.cut, ..fault.violation.into() };
    if fault.cut || !matches!(fault.violation, Violation::NotJson { .. }) {
        return Err(refused);
    }
    *members = Members::default();
    if nested::read::<true>(text, rules.path, rules.names, &states_error, members).is_err() {
        return Err(refused);
    }
    match members.out_of_range() {
        // JSON readers differ between infinity and an error (RFC 8259 §6), so this is not guessed.
        Some(member) if !states_error(members) => {
            let rescuable = member.is_of_token_answer();
            Err(Unread { cut: false, ..unusable(members, fault.violation, rescuable, rules) })
        }
        _ => Ok(()),
    }
}

/// Judges the members; `word` is an error code from another place.
#[inline(always)]
fn judge<'a, K: Kind>(
    members: &mut Members<'a>,
    word: Option<Cow<'a, str>>,
    rules: &Rules<'_>,
) -> Result<Content<'a, K>, Unread<'a>> {
    if word.is_some() || states_error(members, rules.null_is_absent) {
        let holds_token = has_token(members);
        return match error(members, word, holds_token) {
            Ok(error) => Ok(Content::Error(error)),
            Err(violation) => Err(Unread { holds_token, ..violation.into() }),
        };
    }
    if let Some(violation) =
        members.violation.or_else(|| members.doubled().map(|member| Violation::Duplicate(member.name())))
    {
        let rescuable = violation.member().and_then(Member::named).is_some_and(Member::is_of_token_answer);
        return Err(unusable(members, violation, rescuable, rules));
    }
    match checked::read(members, rules) {
        Ok(answer) => Ok(Content::Token(answer)),
        Err(violation) => {
            // A readable access token has been taken from its slot.
            let is_taken =
                members.get(Member::AccessToken).is_none() && violation != Violation::Missing("access_token");
            match is_taken || has_token(members) {
                true => Err(Unread { holds_token: true, ..unusable(members, violation, true, rules) }),
                false => Err(violation.into()),
            }
        }
    }
}

/// A token answer that is refused. Its refresh token is kept if nothing contradicts it.
#[cold]
fn unusable<'a>(members: &mut Members<'a>, violation: Violation, rescuable: bool, rules: &Rules<'_>) -> Unread<'a> {
    let holds_token = has_token(members);
    let doubled = Member::ALL
        .iter()
        .any(|member| members.is_doubled(*member) && (*member == Member::RefreshToken || !member.is_of_token_answer()));
    let rescued = rescuable && !doubled && members.violation.is_none() && !states_error(members, rules.null_is_absent);
    let refresh_token = members.optional(Member::RefreshToken, rules.null_is_absent).value().filter(|_| rescued);
    Unread { holds_token, refresh_token, ..violation.into() }
}

#[inline(always)]
fn error<'a>(
    members: &mut Members<'a>,
    word: Option<Cow<'a, str>>,
    holds_token: bool,
) -> Result<StatedError<'a>, Violation> {
    if holds_token {
        return Err(Violation::TokenAndError);
    }
    if members.is_doubled(Member::Error) {
        return Err(Violation::Duplicate("error"));
    }
    let code = match (word, members.take(Member::Error)) {
        (Some(code), _) | (None, Some(Scalar::Text(code))) if !code.is_empty() => code,
        (Some(_), _) | (None, Some(Scalar::Text(_))) => return Err(Violation::Empty("error")),
        _ => return Err(Violation::WrongType("error")),
    };
    let description = members.commentary(Member::ErrorDescription);
    let uri = members.commentary(Member::ErrorUri);
    Ok(StatedError { code, description, uri })
}

fn form_members<'a>(
    text: &'a str,
    names: object::Names<'_, Member>,
    members: &mut Members<'a>,
) -> Result<(), Violation> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(Violation::EmptyBody);
    }
    let mut unknown = String::new();
    for (raw_name, raw_value) in form::raw_pairs(text) {
        // A name that cannot be decoded has no meaning.
        match form::decode(raw_name).and_then(|name| object::member(names, &name)) {
            // A value that cannot be decoded is as odd as one of a wrong type in JSON.
            Some(member) => members.put(member, form::decode(raw_value).map_or(Scalar::Other, Scalar::Text)),
            None => {
                if !unknown.is_empty() {
                    unknown.push('&');
                }
                unknown.push_str(raw_name);
                unknown.push('=');
                unknown.push_str(raw_value);
            }
        }
    }
    members.extra = Extra::form(unknown);
    Ok(())
}

#[cfg(test)]
mod tests;
