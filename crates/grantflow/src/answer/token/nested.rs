//! Token answers that are nested in a body, as [`Quirk::TokenPath`](crate::Quirk::TokenPath) says.

use super::members::{Member, Members, keep_error_only};
use crate::error::Violation;
use crate::wire::object::{self, Names, Unparsed};
use crate::wire::path::list_item;

/// Reads the object at `path` in `body`; an empty path is the body itself.
///
/// An OAuth error on the way to the path counts: servers that nest their tokens state errors at the top. `states_error`
/// distinguishes one from a member that the server's quirks make meaningless.
#[inline]
pub(super) fn read<'a, const CAREFUL: bool>(
    body: &'a str,
    path: &[String],
    names: Names<'_, Member>,
    states_error: &impl Fn(&Members<'a>) -> bool,
    members: &mut Members<'a>,
) -> Result<(), Unparsed> {
    match path.split_first() {
        None => object::read::<Member, CAREFUL>(body, None, names, members).map(|_| ()),
        Some((first, rest)) => read_inside::<CAREFUL>(body, first, rest, names, states_error, members),
    }
}

fn read_inside<'a, const CAREFUL: bool>(
    body: &'a str,
    first: &str,
    rest: &[String],
    names: Names<'_, Member>,
    states_error: &impl Fn(&Members<'a>) -> bool,
    members: &mut Members<'a>,
) -> Result<(), Unparsed> {
    let inner = object::read::<Member, CAREFUL>(body, Some(first), names, members)?;
    keep_error_only(members);
    if members.violation.is_some() || members.doubled().is_some() || states_error(members) {
        return Ok(());
    }
    let mut inner = inner.ok_or(Violation::TokenPath)?.get();
    let mut rest = rest;
    while let Some((step, further)) = rest.split_first()
        && let Some(at) = list_index(step)
        && inner.starts_with('[')
    {
        inner = list_item(inner, at).ok_or(Violation::TokenPath)?;
        rest = further;
    }
    *members = Members::default();
    read::<CAREFUL>(inner, rest, names, states_error, members).map_err(|fault| match fault.violation {
        Violation::NotAnObject => Violation::TokenPath.into(),
        _ => fault,
    })
}

/// `[0]` is the first item of a list.
fn list_index(step: &str) -> Option<usize> {
    let digits = step.strip_prefix('[')?.strip_suffix(']')?;
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::object::{Scalar, Table as _};

    fn parse_top(body: &str) -> Result<Members<'_>, Violation> {
        parse_at(body, &[])
    }

    fn parse_at<'a>(body: &'a str, path: &[String]) -> Result<Members<'a>, Violation> {
        let mut members = Members::default();
        let states_error = |members: &Members<'_>| members.get(Member::Error).is_some();
        read::<false>(body, path, None, &states_error, &mut members).map_err(|fault| fault.violation)?;
        match members.violation.or_else(|| members.doubled().map(|member| Violation::Duplicate(member.name()))) {
            Some(violation) => Err(violation),
            None => Ok(members),
        }
    }

    #[test]
    fn only_an_object_is_an_object() {
        for bad in ["[]", "[\"tok\"]", "null", "\"x\"", "1", "true"] {
            assert_eq!(parse_top(bad).unwrap_err(), Violation::NotAnObject, "{bad}");
        }
        assert!(parse_top("{}").is_ok());
    }

    #[test]
    fn what_is_not_json_says_where() {
        for bad in [
            "{",
            "{}x",
            "{\"a\":}",
            "\u{feff}{}",
            "{\"a\":1,}",
            "<html>",
            "{\"expires_in\":1e999}",
            "{\"error\":\"\u{1}\"}",
        ] {
            assert!(matches!(parse_top(bad), Err(Violation::NotJson { .. })), "{bad}");
        }
        assert_eq!(parse_top(" \r\n").unwrap_err(), Violation::EmptyBody);
    }

    #[test]
    fn a_duplicate_is_found_however_it_is_spelt() {
        let twice = parse_top(r#"{"access_token":"a","access\u005ftoken":"b"}"#);
        assert_eq!(twice.unwrap_err(), Violation::Duplicate("access_token"));
    }

    #[test]
    fn the_rest_is_kept_raw() {
        let members = parse_top(r#"{"b":[1.50, {"c":null}],"access_token":"a","q\"\n":true}"#).unwrap();
        assert_eq!(members.extra.text(), r#"{"b":[1.50, {"c":null}],"q\"\n":true}"#);
    }

    #[test]
    fn a_million_levels_are_skipped() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let (open, close) = (open.repeat(1_000_000), close.repeat(1_000_000));
            for member in ["zzz", "scope", "expires_in", "error"] {
                let deep = format!("{{\"{member}\":{open}1{close}}}");
                assert!(parse_top(&deep).is_ok());
            }
        }
    }

    #[test]
    fn a_path_leads_in_and_a_miss_is_no_fallback() {
        let body = r#"{"access_token":"outer","a":{"b":{"access_token":"inner"}}}"#;
        let path = |keys: &[&str]| keys.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>();
        let mut found = parse_at(body, &path(&["a", "b"])).unwrap();
        assert!(matches!(found.take(Member::AccessToken), Some(Scalar::Text(t)) if t == "inner"));
        for miss in [&["x"][..], &["a", "x"], &["access_token", "x"], &["a", "b", "access_token"]] {
            assert_eq!(parse_at(body, &path(miss)).unwrap_err(), Violation::TokenPath, "{miss:?}");
        }
        let refused = parse_at(r#"{"ok":false,"error":"no","a":{}}"#, &path(&["a"])).unwrap();
        assert!(refused.get(Member::Error).is_some());
        let twice = parse_at(r#"{"a":{"access_token":"1"},"a":{"access_token":"2"}}"#, &path(&["a"]));
        assert_eq!(twice.unwrap_err(), Violation::TokenPath);
    }
}
