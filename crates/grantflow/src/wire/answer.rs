//! A token endpoint's answer, from its bytes to checked values (RFC 6749 §5.1, §5.2).
//!
//! The content type is not looked at, for servers write tokens under any or none: a body is JSON, or what a quirk says.

use std::borrow::Cow;

use super::{form, json};
use crate::error::{Member, Violation};

mod extra;
mod members;
mod place;
mod token;

pub(crate) use extra::Extra;
pub(crate) use members::{Members, Optional, Scalar};
pub(crate) use place::{ErrorPlace, list_item};
pub(crate) use token::{TokenAnswer, TokenKind};

/// How an answer is read: the server's quirks, as far as they bear on it.
pub(crate) struct Rules<'r> {
    pub(crate) names: json::Names<'r>,
    pub(crate) path: &'r [String],
    pub(crate) errors: &'r [ErrorPlace],
    pub(crate) token_types: &'r [Box<str>],
    pub(crate) form: bool,
    pub(crate) missing_token_type: bool,
    pub(crate) null_is_absent: bool,
    pub(crate) scope_list: bool,
}

/// What an answer says, whatever its status.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    Token(TokenAnswer<'a>),
    Error(StatedError<'a>),
}

/// An error as it is written.
#[derive(Debug)]
pub(crate) struct StatedError<'a> {
    pub(crate) code: Cow<'a, str>,
    pub(crate) description: Option<Cow<'a, str>>,
    pub(crate) uri: Option<Cow<'a, str>>,
}

/// An answer that says nothing that can be used.
#[derive(Debug)]
pub(crate) struct Unread<'a> {
    pub(crate) violation: Violation,
    /// Whether the body ends before the message does.
    pub(crate) cut: bool,
    /// Whether there is an access token or a refresh token in it.
    pub(crate) holds_token: bool,
    /// The refresh token, where it can be read and the fault lies in another member of the token answer.
    pub(crate) refresh_token: Option<Cow<'a, str>>,
}

impl From<Violation> for Unread<'_> {
    fn from(violation: Violation) -> Self {
        Self { violation, cut: violation == Violation::EmptyBody, holds_token: false, refresh_token: None }
    }
}

/// Reads a token endpoint's body.
#[inline(always)]
pub(crate) fn read<'a>(body: &'a [u8], rules: &Rules<'_>) -> Result<Content<'a>, Unread<'a>> {
    match core::str::from_utf8(body) {
        Ok(text) => read_text(text, rules),
        Err(error) => not_utf8(body, error, rules),
    }
}

#[inline(always)]
fn read_text<'a>(text: &'a str, rules: &Rules<'_>) -> Result<Content<'a>, Unread<'a>> {
    let mut members = Members::default();
    if rules.form && !text.trim_ascii_start().starts_with('{') {
        form_members(text, rules.names, &mut members)?;
        return judge_other(&mut members, None, rules);
    }
    if !rules.errors.is_empty() {
        return with_error_places(text, rules);
    }
    parse(text, rules, |members| members.states_error(rules), &mut members)?;
    judge(&mut members, None, rules)
}

/// What is not UTF-8 is neither JSON nor a form. But a description never costs the error that it explains, and some servers
/// write descriptions in another encoding.
#[cold]
fn not_utf8<'a>(body: &[u8], error: core::str::Utf8Error, rules: &Rules<'_>) -> Result<Content<'a>, Unread<'a>> {
    let owned = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
    if let Ok(Content::Error(StatedError { code, description, uri })) = read_text(&String::from_utf8_lossy(body), rules)
        && !code.contains(char::REPLACEMENT_CHARACTER)
    {
        let code = Cow::Owned(code.into_owned());
        return Ok(Content::Error(StatedError { code, description: owned(description), uri: owned(uri) }));
    }
    let good = body.get(..error.valid_up_to()).unwrap_or_default();
    let line_start = good.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let violation = if rules.form && !good.trim_ascii_start().starts_with(b"{") {
        Violation::NotForm
    } else {
        Violation::NotJson {
            line: good.iter().filter(|b| **b == b'\n').count() + 1,
            column: good.len() - line_start + 1,
        }
    };
    // A character that only lacks its end was cut.
    Err(Unread { cut: error.error_len().is_none(), ..violation.into() })
}

/// Reads a body of a server that states its errors elsewhere.
#[cold]
fn with_error_places<'a>(text: &'a str, rules: &Rules<'_>) -> Result<Content<'a>, Unread<'a>> {
    let mut word = None;
    let mut silent = false;
    for place in rules.errors {
        let found = place::word_at(text, &place.path).map_err(|()| Violation::WrongType(Member::Error))?;
        let Some(found) = found else { continue };
        if place.none.as_deref() == Some(&*found) {
            // It lies in `error`, and says that there is none.
            silent |= place.starts_at(Member::Error, rules.names);
        } else if word.is_none() {
            word = Some(found);
        }
    }
    let mut members = Members::default();
    let states_error = |members: &Members<'a>| !silent && word.is_none() && members.states_error(rules);
    match parse(text, rules, states_error, &mut members) {
        // Beside an error, nothing need be at the token's path.
        Err(Unread { violation: Violation::TokenPath, .. }) if word.is_some() => {}
        other => other?,
    }
    if silent {
        members.take(Member::Error);
    }
    judge_other(&mut members, word, rules)
}

/// [`judge`] for what is no plain JSON answer.
#[cold]
fn judge_other<'a>(
    members: &mut Members<'a>,
    word: Option<Cow<'a, str>>,
    rules: &Rules<'_>,
) -> Result<Content<'a>, Unread<'a>> {
    judge(members, word, rules)
}

/// Parses JSON. What serde_json cannot hold, a text with half a surrogate or a number out of range, is read once more, so that
/// it costs only its own member.
fn parse<'a>(
    text: &'a str,
    rules: &Rules<'_>,
    states_error: impl Fn(&Members<'a>) -> bool,
    members: &mut Members<'a>,
) -> Result<(), Unread<'a>> {
    match json::parse::<false>(text, rules.path, rules.names, &states_error, members) {
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
    fault: json::Fault,
) -> Result<(), Unread<'a>> {
    let refused = Unread { cut: fault.cut, ..fault.violation.into() };
    if fault.cut || !matches!(fault.violation, Violation::NotJson { .. }) {
        return Err(refused);
    }
    *members = Members::default();
    if json::parse::<true>(text, rules.path, rules.names, &states_error, members).is_err() {
        return Err(refused);
    }
    match members.out_of_range() {
        // One reader takes it for infinity and another for no JSON (RFC 8259 §6): it is not guessed at.
        Some(member) if !states_error(members) => {
            let rescuable = member.is_of_token_answer();
            Err(Unread { cut: false, ..unusable(members, fault.violation, rescuable, rules) })
        }
        _ => Ok(()),
    }
}

/// What members say; `word` is an error code that was found elsewhere.
#[inline(always)]
fn judge<'a>(
    members: &mut Members<'a>,
    word: Option<Cow<'a, str>>,
    rules: &Rules<'_>,
) -> Result<Content<'a>, Unread<'a>> {
    if word.is_some() || members.states_error(rules) {
        let holds_token = members.has_token();
        return match error(members, word, holds_token) {
            Ok(error) => Ok(Content::Error(error)),
            Err(violation) => Err(Unread { holds_token, ..violation.into() }),
        };
    }
    if let Some(violation) = members.violation.or_else(|| members.doubled().map(Violation::Duplicate)) {
        let rescuable = violation.member().is_some_and(Member::is_of_token_answer);
        return Err(unusable(members, violation, rescuable, rules));
    }
    let no_token = !members.has_token();
    match token::read(members, rules) {
        Ok(answer) => Ok(Content::Token(answer)),
        Err(violation) if no_token => Err(violation.into()),
        Err(violation) => Err(Unread { holds_token: true, ..unusable(members, violation, true, rules) }),
    }
}

/// A token answer that is refused; its refresh token outlives it if nothing speaks against that.
#[cold]
fn unusable<'a>(members: &mut Members<'a>, violation: Violation, rescuable: bool, rules: &Rules<'_>) -> Unread<'a> {
    let holds_token = members.has_token();
    let doubled = Member::ALL
        .into_iter()
        .any(|member| members.is_doubled(member) && (member == Member::RefreshToken || !member.is_of_token_answer()));
    let rescued = rescuable && !doubled && members.violation.is_none() && !members.states_error(rules);
    let refresh_token = members.optional(Member::RefreshToken, rules).value().filter(|_| rescued);
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
        return Err(Violation::Duplicate(Member::Error));
    }
    let code = match (word, members.take(Member::Error)) {
        (Some(code), _) | (None, Some(Scalar::Text(code))) if !code.is_empty() => code,
        (Some(_), _) | (None, Some(Scalar::Text(_))) => return Err(Violation::Empty(Member::Error)),
        _ => return Err(Violation::WrongType(Member::Error)),
    };
    let description = members.commentary(Member::ErrorDescription);
    let uri = members.commentary(Member::ErrorUri);
    Ok(StatedError { code, description, uri })
}

fn form_members<'a>(text: &'a str, names: json::Names<'_>, members: &mut Members<'a>) -> Result<(), Violation> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(Violation::EmptyBody);
    }
    let mut unknown = String::new();
    for (raw_name, raw_value) in form::raw_pairs(text) {
        let name = form::decode(raw_name).ok_or(Violation::NotForm)?;
        match json::member(names, &name) {
            Some(member) => match form::decode(raw_value) {
                Some(value) => members.put(member, Scalar::Text(value)),
                // What may be missing costs only itself.
                None if member.may_be_missing() => members.put(member, Scalar::Other),
                None => return Err(Violation::NotForm),
            },
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
