//! Rust, read word by word: comments, strings and tests are blanked out first.

use std::collections::BTreeSet;

/// The code alone, line for line: comments, what strings hold and what is compiled for tests only are blanked out.
pub(crate) fn code(text: &str) -> String {
    let mut code = blanked(text);
    while let Some(range) = test_item(&code) {
        let blank: String = code[range.clone()].chars().map(|c| if c == '\n' { c } else { ' ' }).collect();
        code.replace_range(range, &blank);
    }
    code
}

/// How long a file is without its tests.
pub(crate) fn lines_without_tests(text: &str) -> usize {
    let mut code = blanked(text);
    while let Some(range) = test_item(&code) {
        code.replace_range(range, "");
    }
    code.trim_end().lines().count()
}

/// The text with comments gone and strings and characters empty. Lines stay where they are. A string that is a path stays
/// too, without its quotes: serde's attributes name functions that way.
pub(crate) fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_a_name = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let (skipped, shown) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), "")
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), "")
        } else if let Some(len) = raw_string(rest).filter(|_| !after_a_name) {
            (len, "\"\"")
        } else if first == '"' {
            let len = quoted(rest, '"').unwrap_or(rest.len());
            (len, path_in(&rest[..len]).unwrap_or("\"\""))
        } else if let Some(len) = character(rest) {
            (len, "''")
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        out.push_str(shown);
        out.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
        rest = &rest[skipped..];
    }
    out
}

/// The length of a raw string that starts here.
pub(crate) fn raw_string(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let fence = inside.len() - inside.trim_start_matches('#').len();
    let opened = text.len() - inside.len() + fence + 1;
    let end = format!("\"{}", "#".repeat(fence));
    inside[fence..].starts_with('"').then(|| text[opened..].find(&end).map_or(text.len(), |at| opened + at + end.len()))
}

/// The length of what stands between two quotes, with both of them.
pub(crate) fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// What a string holds, if that is a path of the crate.
pub(crate) fn path_in(string: &str) -> Option<&str> {
    let inside = string.trim_matches('"');
    let rooted = ["crate::", "super::", "self::"].iter().any(|root| inside.starts_with(root));
    (rooted && inside.chars().all(|c| c.is_alphanumeric() || "_:".contains(c))).then_some(inside)
}

/// The length of a character literal that starts here. A lifetime is none: its quote is not closed after one character.
pub(crate) fn character(text: &str) -> Option<usize> {
    let mut chars = text.strip_prefix('\'')?.chars();
    match (chars.next()?, chars.next()) {
        ('\\', _) => quoted(text, '\''),
        (c, Some('\'')) => Some(c.len_utf8() + 2),
        _ => None,
    }
}

/// Where the first item stands that is compiled for tests only.
pub(crate) fn test_item(blanked: &str) -> Option<std::ops::Range<usize>> {
    let start = blanked.find("#[cfg(test)]")?;
    let mut depth = 0usize;
    for (at, c) in blanked[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && (c == '}' || c == ';') {
            return Some(start..start + at + 1);
        }
    }
    Some(start..blanked.len())
}

/// Names, `::`, and everything else character by character. A macro keeps its `!`, and what a macro is given its `$`.
pub(crate) fn words(code: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let sigil = usize::from(first == '$' && !rest.starts_with("$crate"));
        let name = sigil + rest[sigil..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len() - sigil);
        let len = match name {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            _ if rest[name..].starts_with('!') && !rest[name..].starts_with("!=") => name + 1,
            _ => name,
        };
        words.push(&rest[..len]);
        rest = rest[len..].trim_start();
    }
    words
}

pub(crate) fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$')
}

/// Every path that starts at `crate`, `super`, `self` or `std`, spelt out: `use crate::{a::B, c}` is `crate::a::B`, `crate::c`.
/// `use crate as x` is `crate::*`, because `x::a` may follow.
pub(crate) fn paths(code: &str) -> BTreeSet<String> {
    let words = words(code);
    let mut found = BTreeSet::new();
    for (at, word) in words.iter().enumerate() {
        let root = ["crate", "super", "self", "std"].contains(word);
        if root && at > 0 && words[at - 1] == "use" && words.get(at + 1) == Some(&"as") {
            found.insert(format!("{word}::*"));
        }
        let rooted = root && words.get(at + 1) == Some(&"::");
        // `super::super::x` is one path; `::std::x` is std's all the same.
        let goes_on = at > 1 && words[at - 1] == "::" && is_name(words[at - 2]);
        if rooted && !goes_on {
            spell_out(&words, at, "", &mut found);
        }
    }
    found
}

/// Follows a path from the word `at`, into the groups of a `use`. Gives where it ends.
pub(crate) fn spell_out(words: &[&str], mut at: usize, before: &str, found: &mut BTreeSet<String>) -> usize {
    if words[at] == "{" {
        at += 1;
        while words[at] != "}" {
            at = if words[at] == "," { at + 1 } else { spell_out(words, at, before, found) };
        }
        return at + 1;
    }
    let path = format!("{before}{}", words[at]);
    at += 1;
    let goes_on = words.get(at) == Some(&"::")
        && words.get(at + 1).is_some_and(|next| is_name(next) || ["{", "*"].contains(next));
    if goes_on {
        return spell_out(words, at + 1, &format!("{path}::"), found);
    }
    found.insert(path);
    if words.get(at) == Some(&"as") { at + 2 } else { at }
}

/// Public enums that do not say whether they may grow.
pub(crate) fn silent_enums(code: &str) -> Vec<&str> {
    let lines: Vec<&str> = code.lines().collect();
    let enums = lines.iter().enumerate().filter(|(_, line)| line.starts_with("pub enum "));
    let silent = enums.filter(|(at, _)| {
        let mut attributes = lines[..*at].iter().rev().take_while(|line| !line.ends_with(['}', ';']));
        !attributes.any(|line| line.contains("non_exhaustive") || line.contains("reason = "))
    });
    silent.map(|(_, line)| line.trim_end_matches(" {")).collect()
}

/// The languages of the code blocks in a file's opening documentation, and what each holds.
pub(crate) fn opening_blocks(text: &str) -> Vec<(&str, String)> {
    let mut blocks: Vec<(&str, String)> = Vec::new();
    let mut open = false;
    for line in text.lines().map_while(|line| line.strip_prefix("//!")) {
        match line.trim().strip_prefix("```") {
            Some(language) if !open => {
                blocks.push((language, String::new()));
                open = true;
            }
            Some(_) => open = false,
            None if open => blocks.last_mut().unwrap().1.extend([line, "\n"]),
            None => {}
        }
    }
    blocks
}

#[test]
fn comments_strings_and_tests_are_no_code() {
    assert_eq!(code("a /* crate::x */ b // crate::y\nc").split_whitespace().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(
        code(r####"f("\"crate::x", r#"a"crate::y"#, b'{', '"', '\'') + g::<'a>()"####),
        r#"f("", "", b'', '', '') + g::<'a>()"#
    );
    let tests = "a\n#[cfg(test)]\nmod tests {\n    use crate::flow; const B: char = '}';\n}\nuse crate::token;\n";
    assert_eq!(code(tests).split_whitespace().collect::<Vec<_>>(), ["a", "use", "crate::token;"]);
    assert_eq!(code(tests).lines().count(), tests.lines().count());
    assert_eq!(lines_without_tests("a\n\n#[cfg(test)]\nmod tests {\n    b\n}\n"), 1);
    assert_eq!(lines_without_tests("a\n// one\n/* two\nthree */\nb\n"), 5);
}

#[test]
fn an_enum_that_does_not_say_is_seen() {
    let said = "#[derive(Debug)]\n#[non_exhaustive]\npub enum A {\n}\n";
    let reason = "#[allow(\n    clippy::exhaustive_enums,\n    reason = \"\"\n)]\npub enum B {\n}\n";
    assert!(silent_enums(&format!("{said}\n{reason}")).is_empty());
    assert_eq!(silent_enums("#[non_exhaustive]\npub struct D;\npub enum E {}\n"), ["pub enum E {}"]);
    assert_eq!(silent_enums(&format!("{said}\n#[derive(Debug)]\npub enum C {{\n}}\n")), ["pub enum C"]);
}

#[test]
fn code_blocks_are_read() {
    let text = "//! A flow.\n//! ```text\n//! A ─▶ B\n//! ```\n//! ```no_run\n//! f();\n//! ```\nfn f() {}\n//! ```\n";
    assert_eq!(opening_blocks(text), [("text", " A ─▶ B\n".to_owned()), ("no_run", " f();\n".to_owned())]);
}
