//! Which module a path leads to, and whether it is below the one that names it.

use crate::ORDER;
use crate::source::{code, paths, words};

/// A path of the crate from its root, as seen from `module`. `None` for one of another crate.
pub(crate) fn absolute(path: &str, module: &[String]) -> Option<Vec<String>> {
    let mut names: Vec<String> = path.split("::").map(str::to_owned).collect();
    let mut from = match names[0].as_str() {
        "crate" => return Some(names.split_off(1)),
        "self" | "super" => module.to_vec(),
        _ => return None,
    };
    let ups = names.iter().take_while(|name| ["self", "super"].contains(&name.as_str())).count();
    let supers = names[..ups].iter().filter(|name| *name == "super").count();
    from.truncate(from.len().saturating_sub(supers));
    from.extend(names.split_off(ups));
    Some(from)
}

pub(crate) fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|(line, _)| line.contains(&module))
}

/// What a module uses that is not below it: paths from the crate's root.
pub(crate) fn violations(module: &str, code: &str) -> Vec<String> {
    let module: Vec<String> = module.split("::").map(str::to_owned).collect();
    let used = paths(code).into_iter().filter_map(|path| absolute(&path, &module));
    let wrong = used.filter(|used| !may_use(&module, used)).map(|used| used.join("::"));
    wrong.chain(hidden(code)).collect()
}

/// What would hide a path from this scanner: what is included is not read, and another name of the crate is not known.
pub(crate) fn hidden(code: &str) -> Vec<String> {
    let words = words(code);
    let hides = |three: &&[&str]| match three {
        ["#", "[", "path"] | ["extern", "crate", _] => true,
        [word, ..] => *word == "include!",
        [] => false,
    };
    words.windows(3).filter(hides).map(|three| three.join(" ")).collect()
}

pub(crate) fn may_use(module: &[String], used: &[String]) -> bool {
    // The crate's root itself.
    if used.is_empty() {
        return false;
    }
    if module[0] == used[0] {
        // `flow` itself is only a list: what matters is that no flow sees another one.
        return module[0] != "flow" || module.len() == 1 || module.get(1) == used.get(1);
    }
    // What has no rank is a name that `lib` exports, and comes from above as well.
    match (rank(&module[0]), rank(&used[0])) {
        (Some(own), Some(other)) => other < own,
        _ => false,
    }
}

#[test]
fn a_use_upwards_or_sideways_is_seen() {
    assert_eq!(violations("error", "use crate::wire::form;"), ["wire::form"]);
    assert_eq!(violations("wire::object", "let x = crate::token::f();\nuse crate::error::Violation;"), ["token::f"]);
    assert_eq!(violations("scope", "use crate::url::Issuer;"), ["url::Issuer"], "one line");
    assert_eq!(violations("call", "use crate::{error::{Error, Misuse}, flow::{code::X}};"), ["flow::code::X"]);
    assert_eq!(violations("call", "use crate::Tokens;"), ["Tokens"], "a name of lib's");
    assert_eq!(violations("call", "use crate::fuzz::wire;"), ["fuzz::wire"]);
    assert_eq!(
        violations("wire", "use super::client::Client;"),
        ["client::Client"],
        "`super` of a top module is the crate"
    );
    assert_eq!(violations("wire::form", "super::super::call::request()"), ["call::request"]);
    assert_eq!(violations("server::fields", "pub(in crate::flow) fn f() {}"), ["flow"]);
    assert_eq!(violations("error", "use crate::value::time as t;\nuse crate::{wire as w, value::secret};"), ["wire"]);

    assert!(violations("call", "use crate::error::Error;\nuse crate::call::x;\npub(crate) fn f() {}").is_empty());
    assert!(violations("wire::object", "use super::answer::Members;\nuse self::x::Y;").is_empty());
}

#[test]
fn a_path_in_a_body_is_seen_like_a_use() {
    for text in [
        "fn f() { g(crate::token::h()) }",
        "fn f() -> crate::token::Tokens { panic!() }",
        "fn f() { let x: Vec<crate::token::Tokens> = vec![]; }",
        "fn f<X>(x: X) where X: Into<super::super::token::T> {}",
        "fn f() { match x { crate::token::A { b, .. } => b } }",
        "fn f() { <crate::token::Tokens as Default>::default() }",
        "fn f() { crate :: token\n    ::h() }",
        "fn f() { use crate::token; token::h() }",
        "impl From<u8> for crate::token::Tokens {}",
        "#[derive(serde::Serialize)] struct X { #[serde(with = \"crate::token::seconds\")] x: u8 }",
        "macro_rules! m { () => { $crate::token::h() } }",
        "macro_rules! m { ($room:ident) => { crate::$room::h() } }",
        "const X: u8 = [crate::token::A][0];",
    ] {
        assert_eq!(violations("wire::form", &code(text)).len(), 1, "{text}");
    }
    let fine = "fn f() -> crate::error::Error { g(crate::value::secret::h(), super::json::read, self::x) }\n\
                #[serde(with = \"super::base64\")] // crate::token\nlet text = \"see crate::token for more\";";
    assert_eq!(violations("wire::form", &code(fine)), [""; 0]);
}

#[test]
fn what_would_hide_a_path_is_seen() {
    for text in [
        "use crate as own; fn f() { own::token::g() }",
        "use crate::{self as own}; fn f() { own::token::g() }",
        "extern crate self as own; fn f() { own::token::g() }",
        "#[path = \"../token/mod.rs\"] mod token;",
        "include!(\"../token.rs\");",
    ] {
        assert!(!violations("wire::form", &code(text)).is_empty(), "{text}");
    }
    for text in ["use super as own;", "use super::{self as own};"] {
        assert!(!violations("wire", &code(text)).is_empty(), "{text}");
    }
    // In a module that is written out in a file, `super` is read as the file's: never lower than it leads.
    for text in ["mod inner { use super::super::super::token; }", "mod inner { fn f() { crate::token::g() } }"] {
        assert_eq!(violations("wire::form", text).len(), 1, "{text}");
    }
    assert_eq!(violations("flow::code", "mod inner { use super::super::refresh::X; }").len(), 1);
    assert_eq!(violations("wire", &code("mod form;\n#[cfg(test)]\nmod tests { use super::*; }\n")), [""; 0]);
}

#[test]
fn a_flow_that_uses_another_is_seen() {
    for text in ["use crate::flow::code::CodeExchange;", "use super::code::CodeExchange;", "use super::*;"] {
        assert_eq!(violations("flow::refresh", text).len(), 1, "{text}");
    }
    assert_eq!(violations("flow::code::callback", "use super::super::refresh::X;"), ["flow::refresh::X"]);
    assert!(violations("flow::code::callback", "use super::Grant;\nuse crate::flow::code::stored::X;").is_empty());
}
