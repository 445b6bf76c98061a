//! The house rules that a compiler does not check: which module uses which, and what the core may not touch.
//!
//! std only, and no parser: it reads the lines, which is enough for code that `cargo fmt` has laid out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The core's modules, from the bottom up. A module uses those of earlier lines, and itself. What stands on one line does
/// not use each other. Why this order: see ARCHITECTURE.md.
const ORDER: [&[&str]; 14] = [
    &["time", "secret"],
    &["error"],
    &["wire"],
    &["scope", "endpoint"],
    &["exchange"],
    &["quirk"],
    &["params", "pkce"],
    &["server"],
    &["client"],
    &["token"],
    &["call"],
    &["flow"],
    &["lib"],
    &["fuzz"],
];

/// What the core may not name at all, and whose business it is.
const BANNED: [(&str, &str); 13] = [
    ("std::net", "sockets are an adapter's"),
    ("std::fs", "files are the caller's"),
    ("std::env", "configuration comes in as values"),
    ("std::process", "the core starts nothing"),
    ("std::thread", "the core has no threads"),
    ("std::time", "time comes in with Env; Duration is core's"),
    ("std::io", "the core talks to nobody"),
    ("tokio", "the core knows no runtime"),
    ("async fn", "the core has no colour"),
    ("println!", "the core talks to nobody"),
    ("todo!", "unfinished"),
    ("unimplemented!", "unfinished"),
    ("#[ignore", "a test that does not run proves nothing"),
];

/// The whole list: a dependency more is a decision, to be made here and in ARCHITECTURE.md.
const DEPENDENCIES: [&str; 10] = [
    "base64ct",
    "http",
    "rand_core",
    "serde",
    "serde_json",
    "serde_urlencoded",
    "sha2",
    "subtle",
    "thiserror",
    "zeroize",
];

/// Lines of a file without its tests. The design wants about 400.
const LONGEST: usize = 450;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code alone: no tests, no comments, so no doctests either.
fn code(text: &str) -> String {
    let without_tests = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    without_tests.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The top-level module that a file of the core belongs to.
fn module(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("crates/grantflow/src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn rank(module: &str) -> usize {
    ORDER.iter().position(|line| line.contains(&module)).unwrap_or_else(|| panic!("{module} has no place in ORDER"))
}

/// What a module names of the crate: `crate::name::…` and, inside `use crate::{…}`, the names of the list.
fn used(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        if let Some(list) = after.strip_prefix('{') {
            let list = list.split("};").next().unwrap_or_default();
            names.extend(list.split(',').map(|item| word(item.trim())));
        } else {
            names.insert(word(after));
        }
    }
    names.remove("");
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Uses that go upwards or sideways.
fn violations(module: &str, code: &str) -> Vec<String> {
    used(code)
        .into_iter()
        // A capital letter is a name that lib.rs exports: only `fuzz`, which comes after it, may use those.
        .filter(|name| name != module && (name.starts_with(char::is_uppercase) || rank(name) >= rank(module)))
        .filter(|_| module != "fuzz" && module != "lib")
        .collect()
}

#[test]
fn modules_use_only_what_is_below_them() {
    for file in sources(&root().join("crates/grantflow/src")) {
        let text = code(&fs::read_to_string(&file).unwrap());
        let wrong = violations(&module(&file), &text);
        assert!(wrong.is_empty(), "{} uses {wrong:?}, which are not below it", file.display());
    }
}

#[test]
fn the_scanner_sees_a_violation() {
    assert_eq!(violations("error", "use crate::wire::form;"), ["wire"]);
    assert_eq!(violations("wire", "let x = crate::token::f();\nuse crate::error::Member;"), ["token"]);
    assert_eq!(violations("scope", "use crate::endpoint::Issuer;"), ["endpoint"]);
    assert_eq!(violations("call", "use crate::{error::Error, flow::x};"), ["flow"]);
    assert_eq!(violations("call", "use crate::Tokens;"), ["Tokens"]);
    assert!(violations("call", "use crate::error::Error;\nuse crate::call::x;").is_empty());
    assert_eq!(code("a\n// crate::flow\n#[cfg(test)]\nmod tests {\n use crate::flow;"), "a");
}

#[test]
fn no_flow_uses_another() {
    let folder = root().join("crates/grantflow/src/flow");
    let flows = ["client_credentials", "code", "refresh"];
    for file in sources(&folder).into_iter().filter(|file| !file.ends_with("mod.rs") || file.parent() != Some(&*folder))
    {
        let inside =
            file.strip_prefix(&folder).unwrap().components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let own = inside.trim_end_matches(".rs").to_owned();
        assert!(flows.contains(&&*own), "{own} is a new flow: name it here, and in ARCHITECTURE.md");
        let text = code(&fs::read_to_string(&file).unwrap());
        for other in flows.iter().filter(|flow| **flow != own) {
            assert!(!text.contains(&format!("flow::{other}")), "{} uses the flow {other}", file.display());
        }
    }
}

#[test]
fn each_flow_opens_with_its_states_and_an_example() {
    for flow in ["code/mod.rs", "refresh.rs", "client_credentials.rs"] {
        let text = fs::read_to_string(root().join("crates/grantflow/src/flow").join(flow)).unwrap();
        let opening: String = text.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n");
        assert!(opening.contains("```text") && opening.contains('─'), "{flow} has no state graph");
        assert!(opening.contains("RFC 6749 §"), "{flow} names no section");
        assert!(opening.contains("//! ```\n"), "{flow} has no doctest");
    }
}

#[test]
fn the_core_touches_nothing_of_the_outside_world() {
    for file in sources(&root().join("crates/grantflow/src")) {
        let text = code(&fs::read_to_string(&file).unwrap());
        for (banned, why) in BANNED {
            assert!(!text.contains(banned), "{} names {banned}: {why}", file.display());
        }
    }
}

#[test]
fn no_file_wants_a_scroll_map() {
    for folder in ["grantflow", "grantflow-ureq", "grantflow-testkit"] {
        for file in sources(&root().join("crates").join(folder).join("src")) {
            let lines =
                fs::read_to_string(&file).unwrap().split("\n#[cfg(test)]\nmod tests {").next().unwrap().lines().count();
            assert!(lines <= LONGEST, "{} has {lines} lines: split it by state", file.display());
        }
    }
}

/// The names of a manifest's table.
fn table(manifest: &str, name: &str) -> Vec<String> {
    let from = manifest.split(&format!("[{name}]\n")).nth(1).unwrap_or_default();
    let lines = from.lines().take_while(|line| !line.starts_with('['));
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split(['.', ' ', '=']).next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_core_depends_on_what_was_decided() {
    let manifest = fs::read_to_string(root().join("crates/grantflow/Cargo.toml")).unwrap();
    assert_eq!(table(&manifest, "dependencies"), DEPENDENCIES);
    let testkit = fs::read_to_string(root().join("crates/grantflow-testkit/Cargo.toml")).unwrap();
    assert!(!testkit.contains("grantflow ") && !testkit.contains("grantflow."), "the testkit must not know the core");
}

#[test]
fn the_tree_below_the_core_is_small() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let arguments = ["tree", "-p", "grantflow", "-e", "normal", "--prefix", "none", "--no-dedupe", "--locked"];
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let crates: BTreeSet<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains("grantflow") && crates.contains("http"), "this is no tree: {crates:?}");
    assert!(crates.len() <= 33, "{} crates, the core included: {crates:?}", crates.len());
    for heavy in ["url", "rand", "chrono"] {
        assert!(!crates.contains(heavy), "{heavy} is in the core's tree");
    }
}

#[test]
fn every_crate_has_the_workspaces_lints() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for lint in [
        "unsafe_code = \"forbid\"",
        "missing_docs = \"warn\"",
        "unwrap_used = \"deny\"",
        "expect_used = \"deny\"",
        "panic = \"deny\"",
        "indexing_slicing = \"deny\"",
    ] {
        assert!(workspace.contains(lint), "{lint} is gone");
    }
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let manifest = entry.unwrap().path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        assert!(text.contains("[lints]\nworkspace = true"), "{} has lints of its own", manifest.display());
    }
}

#[test]
fn every_public_enum_says_whether_it_may_grow() {
    for file in sources(&root().join("crates/grantflow/src")) {
        let text = code(&fs::read_to_string(&file).unwrap());
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("pub enum ")) {
            let attributes = lines[..at]
                .iter()
                .rev()
                .take_while(|line| line.starts_with("#[") || line.starts_with("    ") || line.starts_with(")]"));
            let said = attributes.clone().any(|line| line.contains("non_exhaustive") || line.contains("reason = "));
            assert!(said, "{}: {line} is neither #[non_exhaustive] nor exhaustive for a reason", file.display());
        }
    }
}
