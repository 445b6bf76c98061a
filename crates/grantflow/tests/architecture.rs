//! The rules of the house that a compiler does not check: which module uses which, and what the core may not use.
//!
//! It uses std only, and no parser: comments, strings and tests are blanked out, and the rest is read word by word. The
//! scanner has its own tests, on invented sources, because a check that cannot fail proves nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "Clippy sees tests only in functions marked as such, not in their helpers; and the core's bans are the core's."
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The core's modules, from the bottom up, each line with the reason for its place. A module uses those of earlier
/// lines, and itself. Modules of one line do not use each other.
const ORDER: [(&[&str], &str); 12] = [
    (&["value"], "values that know nothing of OAuth"),
    (&["error"], "every fault has its type here, so it is below everything that can fail"),
    (&["wire"], "bytes to values and back; it may only say what is wrong with them, and read dates"),
    (&["scope", "url"], "values that are checked once, when they are made; a redirect URI is encoded by wire"),
    (&["contract"], "the contract: an adapter needs nothing above it"),
    (&["server"], "where: endpoints, issuer and quirks; the messages, and what the server calls their parameters"),
    (&["client"], "who: a client belongs to a server"),
    (&["answer"], "what an answer says, read as the server's quirks have it; each has its own table of members"),
    (&["token"], "what a grant gives, with the client that it was given to"),
    (&["call"], "one request to an endpoint, and what its answer means: all that the flows have in common"),
    (&["flow"], "the flows, one file or folder each; none uses another"),
    (&["lib"], "the names"),
];

/// Modules of std that the core may not name, and why.
const BANNED_MODULES: [(&str, &str); 9] = [
    ("net", "sockets are an adapter's"),
    ("fs", "files are the caller's"),
    ("env", "configuration comes in as values"),
    ("process", "the core starts nothing"),
    ("thread", "the core has no threads"),
    ("time", "time comes in with Env; Duration is core's"),
    ("io", "the core reads and writes nothing"),
    ("os", "it has sockets and files too, and is another on every system"),
    ("*", "it would bring in all of these"),
];

/// Words that the core may not use, and why.
const BANNED_WORDS: [(&str, &str); 8] = [
    ("tokio", "the core knows no runtime"),
    ("async", "the core has no colour"),
    ("await", "the core has no colour"),
    ("println!", "the core prints nothing"),
    ("print!", "the core prints nothing"),
    ("eprintln!", "the core prints nothing"),
    ("eprint!", "the core prints nothing"),
    ("dbg!", "the core prints nothing"),
];

/// Words that no crate may contain, not even in a comment or a test.
const UNFINISHED: [&str; 4] = ["todo!", "unimplemented!", "#[ignore", "```ignore"];

/// The whole list: another dependency is a decision, to be made here and in docs/decisions.md.
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

/// Crates in the core's tree, procedural macros and the core itself included.
const LARGEST_TREE: usize = 33;

/// Lines of a file without its tests. The design wants about 400.
const LONGEST: usize = 450;

// ---- The files ----

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Rust files of a folder and those below it, by their path from the root.
fn sources(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let inside = path.strip_prefix(root()).unwrap().to_path_buf();
        if path.is_dir() {
            found.extend(sources(inside));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(inside);
        }
    }
    found.sort();
    found
}

/// The code that users get of every crate, including examples: everything except test files.
fn product_code() -> Vec<PathBuf> {
    let of_tests =
        |file: &Path| file.components().any(|name| name.as_os_str() == "tests") || file.ends_with("tests.rs");
    let files: Vec<_> = sources("crates").into_iter().filter(|file| !of_tests(file)).collect();
    for kind in ["grantflow/src", "grantflow-session/src", "grantflow-ureq/examples"] {
        let folder = Path::new("crates").join(kind);
        assert!(files.iter().any(|file| file.starts_with(&folder)), "nothing of {kind} was found");
    }
    files
}

/// The core's modules: path of the file, path of the module, code. Without the fuzz targets' bodies, which are not part
/// of the API: they stand above `lib` and may use anything.
fn core_modules() -> Vec<(PathBuf, Vec<String>, String)> {
    let files = sources("crates/grantflow/src").into_iter().map(|file| {
        let module = module(file.strip_prefix("crates/grantflow/src").unwrap());
        let code = code(&read(&file));
        (file, module, code)
    });
    let modules: Vec<_> = files.filter(|(_, module, _)| module[0] != "fuzz").collect();
    assert!(modules.len() > 20, "most of the core was not found");
    modules
}

/// `flow/code/mod.rs` is `flow::code`, `error/violation.rs` is `error::violation`.
fn module(inside: &Path) -> Vec<String> {
    let mut names: Vec<_> = inside.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    let last = names.pop().unwrap();
    if last != "mod.rs" {
        names.push(last.trim_end_matches(".rs").to_owned());
    }
    names
}

// ---- The scanner ----

/// Only the code, line for line: comments, contents of strings and test-only code are blanked out.
fn code(text: &str) -> String {
    let mut code = blanked(text);
    while let Some(range) = test_item(&code) {
        let blank: String = code[range.clone()].chars().map(|c| if c == '\n' { c } else { ' ' }).collect();
        code.replace_range(range, &blank);
    }
    code
}

/// The length of a file without its tests.
fn lines_without_tests(text: &str) -> usize {
    let mut code = blanked(text);
    while let Some(range) = test_item(&code) {
        code.replace_range(range, "");
    }
    code.trim_end().lines().count()
}

/// The text without comments and with empty strings and characters. Lines keep their places. A string that is a path
/// stays too, without its quotes: serde's attributes name functions in that way.
fn blanked(text: &str) -> String {
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
fn raw_string(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let fence = inside.len() - inside.trim_start_matches('#').len();
    let opened = text.len() - inside.len() + fence + 1;
    let end = format!("\"{}", "#".repeat(fence));
    inside[fence..].starts_with('"').then(|| text[opened..].find(&end).map_or(text.len(), |at| opened + at + end.len()))
}

/// The length of a quoted text, including both quotes.
fn quoted(text: &str, quote: char) -> Option<usize> {
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

/// The content of a string, if that is a path of the crate.
fn path_in(string: &str) -> Option<&str> {
    let inside = string.trim_matches('"');
    let rooted = ["crate::", "super::", "self::"].iter().any(|root| inside.starts_with(root));
    (rooted && inside.chars().all(|c| c.is_alphanumeric() || "_:".contains(c))).then_some(inside)
}

/// The length of a character literal that starts here. A lifetime is not one: its quote is not closed after one
/// character.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.strip_prefix('\'')?.chars();
    match (chars.next()?, chars.next()) {
        ('\\', _) => quoted(text, '\''),
        (c, Some('\'')) => Some(c.len_utf8() + 2),
        _ => None,
    }
}

/// Where the first test-only item is.
fn test_item(blanked: &str) -> Option<std::ops::Range<usize>> {
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
fn words(code: &str) -> Vec<&str> {
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

/// Every path that starts at `crate`, `super`, `self` or `std`, written in full: `use crate::{a::B, c}` is
/// `crate::a::B`, `crate::c`. `use crate as x` is `crate::*`, because `x::a` may follow.
fn paths(code: &str) -> BTreeSet<String> {
    let words = words(code);
    let mut found = BTreeSet::new();
    for (at, word) in words.iter().enumerate() {
        let root = ["crate", "super", "self", "std"].contains(word);
        if root && at > 0 && words[at - 1] == "use" && words.get(at + 1) == Some(&"as") {
            found.insert(format!("{word}::*"));
        }
        let rooted = root && words.get(at + 1) == Some(&"::");
        // `super::super::x` is one path; `::std::x` also belongs to std.
        let goes_on = at > 1 && words[at - 1] == "::" && is_name(words[at - 2]);
        if rooted && !goes_on {
            spell_out(&words, at, "", &mut found);
        }
    }
    found
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$')
}

/// Follows a path from the word `at`, into the groups of a `use`. Returns where it ends.
fn spell_out(words: &[&str], mut at: usize, before: &str, found: &mut BTreeSet<String>) -> usize {
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

/// A path of the crate from its root, as seen from `module`. `None` for a path of another crate.
fn absolute(path: &str, module: &[String]) -> Option<Vec<String>> {
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

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|(line, _)| line.contains(&module))
}

/// The paths that a module uses although they are not below it, from the crate's root.
fn violations(module: &str, code: &str) -> Vec<String> {
    let module: Vec<String> = module.split("::").map(str::to_owned).collect();
    let used = paths(code).into_iter().filter_map(|path| absolute(&path, &module));
    let wrong = used.filter(|used| !may_use(&module, used)).map(|used| used.join("::"));
    wrong.chain(hidden(code)).collect()
}

/// Code that would hide a path from this scanner. `super` means another module inside of an inline module; included
/// files are not read; and another name of the crate is not recognised.
fn hidden(code: &str) -> Vec<String> {
    let words = words(code);
    let hides = |three: &&[&str]| match three {
        ["mod", _, "{"] | ["#", "[", "path"] | ["extern", "crate", _] => true,
        [word, ..] => *word == "include!",
        [] => false,
    };
    words.windows(3).filter(hides).map(|three| three.join(" ")).collect()
}

fn may_use(module: &[String], used: &[String]) -> bool {
    // The crate's root itself.
    if used.is_empty() {
        return false;
    }
    if module[0] == used[0] {
        // `flow` itself is only a list: what counts is that no flow uses another.
        return module[0] != "flow" || module.len() == 1 || module.get(1) == used.get(1);
    }
    // A path without a rank is a name that `lib` exports, so it comes from above too.
    match (rank(&module[0]), rank(&used[0])) {
        (Some(own), Some(other)) => other < own,
        _ => false,
    }
}

/// What the code uses of the outside world, and why it may not.
fn outside_world(code: &str) -> Vec<String> {
    let modules = paths(code).into_iter().filter_map(|path| {
        let name = path.split("::").nth(1)?;
        let (_, why) = BANNED_MODULES.iter().find(|(banned, _)| path.starts_with("std::") && *banned == name)?;
        Some(format!("{path}: {why}"))
    });
    let words = words(code).into_iter().filter_map(|word| {
        let (_, why) = BANNED_WORDS.iter().find(|(banned, _)| *banned == word)?;
        Some(format!("{word}: {why}"))
    });
    modules.chain(words).collect()
}

/// Public enums that do not say whether they may get more variants.
fn silent_enums(code: &str) -> Vec<&str> {
    let lines: Vec<&str> = code.lines().collect();
    let enums = lines.iter().enumerate().filter(|(_, line)| line.starts_with("pub enum "));
    let silent = enums.filter(|(at, _)| {
        let mut attributes = lines[..*at].iter().rev().take_while(|line| !line.ends_with(['}', ';']));
        !attributes.any(|line| line.contains("non_exhaustive") || line.contains("reason = "))
    });
    silent.map(|(_, line)| line.trim_end_matches(" {")).collect()
}

/// The languages of the code blocks in a file's opening documentation, and their contents.
fn opening_blocks(text: &str) -> Vec<(&str, String)> {
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

/// The tables of a manifest, each with its keys and values. It reads enough of TOML for manifests that are written by
/// hand.
fn tables(manifest: &str) -> BTreeMap<&str, BTreeMap<&str, &str>> {
    let mut tables: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    let mut table = "";
    for line in manifest.lines().filter(|line| !line.starts_with('#')) {
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_end_matches(']').trim_matches('[');
            tables.entry(table).or_default();
        } else if let Some((key, value)) = line.split_once('=') {
            tables.entry(table).or_default().insert(key.trim(), value.trim());
        }
    }
    tables
}

/// The names under which a manifest depends on others, in tables whose kind is `dependencies`, `dev-dependencies`, ….
fn dependencies<'m>(manifest: &'m str, kinds: &[&str]) -> BTreeSet<&'m str> {
    let mut names = BTreeSet::new();
    for (table, keys) in tables(manifest) {
        for kind in kinds {
            // `[dependencies]` and `[target.'cfg(unix)'.dependencies]`, or `[dependencies.name]`.
            if table == *kind || table.strip_suffix(kind).is_some_and(|before| before.ends_with('.')) {
                names.extend(keys.keys().map(|key| key.split('.').next().unwrap_or_default()));
            } else if let Some((before, name)) = table.rsplit_once('.')
                && (before == *kind || before.strip_suffix(kind).is_some_and(|start| start.ends_with('.')))
            {
                names.insert(name);
            }
        }
    }
    names
}

/// The lines of `cargo tree`, each crate and version once.
fn tree(package: &str, more: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| env!("CARGO").to_owned());
    let output = Command::new(cargo)
        .args(["tree", "--prefix", "none", "--no-dedupe", "--locked", "--offline", "-p", package])
        .args(more)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let lines: BTreeSet<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert!(names(&lines).contains(package) && names(&lines).contains("http"), "this is no tree: {lines:?}");
    lines
}

fn names(tree: &BTreeSet<String>) -> BTreeSet<&str> {
    tree.iter().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty()).collect()
}

// ---- The rules ----

#[test]
fn modules_use_only_what_is_below_them() {
    for (file, module, code) in core_modules() {
        // `lib` comes last and names everything.
        if module != ["lib"] {
            let wrong = violations(&module.join("::"), &code);
            assert!(wrong.is_empty(), "{} uses {wrong:?}, which are not below it", file.display());
        }
    }
}

#[test]
fn every_module_has_a_place_and_every_place_a_module() {
    let placed: BTreeSet<String> = ORDER.iter().flat_map(|(line, _)| *line).map(|name| (*name).to_owned()).collect();
    let found: BTreeSet<String> = core_modules().into_iter().map(|(_, module, _)| module[0].clone()).collect();
    assert_eq!(found, placed);
}

#[test]
fn each_flow_opens_with_its_states_and_an_example() {
    let list = code(&read("crates/grantflow/src/flow/mod.rs"));
    let words = words(&list);
    let flows: Vec<&str> = words.windows(2).filter(|pair| pair[0] == "mod").map(|pair| pair[1]).collect();
    assert!(flows.contains(&"code") && flows.contains(&"refresh"), "these are not the flows: {flows:?}");
    for flow in flows {
        let folder = Path::new("crates/grantflow/src/flow").join(flow);
        let file = if root().join(&folder).is_dir() { folder.join("mod.rs") } else { folder.with_extension("rs") };
        let text = read(file);
        let blocks = opening_blocks(&text);
        let graph = blocks.iter().find(|(language, _)| *language == "text");
        let graph = &graph.unwrap_or_else(|| panic!("{flow} has no state graph")).1;
        assert!(graph.contains('▶') && graph.contains("RFC "), "{flow}: its graph has no arrow, or names no RFC");
        // A block with a word after its fence is text, or is not run.
        let runs = blocks.iter().any(|(language, example)| language.is_empty() && example.contains("assert"));
        assert!(runs, "{flow} has no doctest that checks anything");
    }
}

#[test]
fn the_core_touches_nothing_of_the_outside_world() {
    for (file, _, code) in core_modules() {
        let named = outside_world(&code);
        assert!(named.is_empty(), "{} names {named:?}", file.display());
    }
}

#[test]
fn clippy_bans_what_a_banned_module_is_for() {
    // clippy knows these by their full path and finds them under any other name too.
    let bans = read("crates/grantflow/clippy.toml");
    for (module, _) in BANNED_MODULES.iter().filter(|(module, _)| *module != "*") {
        assert!(bans.contains(&format!("\"std::{module}::")), "nothing of std::{module} is banned");
    }
    let banned: Vec<&str> = bans.split("path = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for path in [
        "std::env::vars",
        "std::env::args_os",
        "std::env::current_dir",
        "std::fs::OpenOptions",
        "std::fs::remove_file",
        "std::os::unix::net::UnixStream",
        "std::process::Command",
    ] {
        assert!(banned.contains(&path), "{path} is not banned");
    }
    assert_eq!(banned.iter().collect::<BTreeSet<_>>().len(), banned.len(), "something is banned twice");
}

#[test]
fn nothing_is_unfinished() {
    // This file names the words that it searches.
    for file in sources("crates").into_iter().filter(|file| !file.ends_with("grantflow/tests/architecture.rs")) {
        let text = read(&file);
        let found: Vec<_> = UNFINISHED.iter().filter(|mark| text.contains(**mark)).collect();
        assert!(found.is_empty(), "{} has {found:?}", file.display());
    }
}

#[test]
fn no_file_is_too_long() {
    let files = product_code().into_iter().map(|file| (lines_without_tests(&read(&file)), file));
    let mut files: Vec<_> = files.collect();
    files.sort();
    // Shown with --nocapture, to find the next file to split.
    for (lines, file) in files.iter().rev().take(3) {
        println!("{lines} {}", file.display());
    }
    let (lines, file) = files.last().unwrap();
    assert!(*lines <= LONGEST, "{} has {lines} lines without its tests: split it by state", file.display());
}

#[test]
fn the_core_depends_on_what_was_decided() {
    let manifest = read("crates/grantflow/Cargo.toml");
    assert_eq!(dependencies(&manifest, &["dependencies"]), BTreeSet::from(DEPENDENCIES));
    assert!(dependencies(&manifest, &["build-dependencies"]).is_empty(), "the core has no build script");
}

#[test]
fn the_tree_below_the_core_is_small() {
    let tree = tree("grantflow", &["-e", "normal"]);
    assert!(tree.len() <= LARGEST_TREE, "{} crates, the core included: {tree:#?}", tree.len());
    for heavy in ["url", "rand", "chrono"] {
        assert!(!names(&tree).contains(heavy), "{heavy} is in the core's tree");
    }
}

#[test]
fn the_cores_tests_need_no_sockets() {
    let tree = tree("grantflow", &["-e", "normal,dev,build"]);
    assert!(names(&tree).contains("proptest"), "these are not the tests' dependencies: {tree:#?}");
    for heavy in ["tokio", "hyper", "ureq", "reqwest", "tower", "axum", "rustls", "trybuild"] {
        assert!(!names(&tree).contains(heavy), "the core's tests wait for {heavy} to be built");
    }
}

#[test]
fn the_testkit_does_not_know_the_core() {
    // A server that shared code with the client would share its mistakes.
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let manifest = read("crates/grantflow-testkit/Cargo.toml");
    let ours: Vec<_> =
        dependencies(&manifest, &kinds).into_iter().filter(|name| name.starts_with("grantflow")).collect();
    assert!(ours.is_empty(), "the testkit depends on {ours:?}");
    // Not under another name either, and not through other crates.
    assert!(!names(&tree("grantflow-testkit", &["-e", "all", "--all-features"])).contains("grantflow"));
}

#[test]
fn every_crate_has_the_workspaces_lints() {
    let manifest = read("Cargo.toml");
    let workspace = tables(&manifest);
    assert_eq!(workspace["workspace.lints.rust"].get("unsafe_code"), Some(&"\"forbid\""));
    assert_eq!(workspace["workspace.lints.rust"].get("missing_docs"), Some(&"\"warn\""));
    for lint in ["unwrap_used", "expect_used", "panic", "indexing_slicing", "todo", "unimplemented", "dbg_macro"] {
        assert_eq!(workspace["workspace.lints.clippy"].get(lint), Some(&"\"deny\""), "{lint}");
    }
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let manifest = entry.unwrap().path().join("Cargo.toml");
        let text = read(&manifest);
        let lints = tables(&text).remove("lints").unwrap_or_default();
        assert_eq!(lints, BTreeMap::from([("workspace", "true")]), "{}", manifest.display());
    }
}

#[test]
fn every_public_enum_says_whether_it_may_grow() {
    for name in [
        "grantflow",
        "grantflow-async",
        "grantflow-loopback",
        "grantflow-reqwest",
        "grantflow-session",
        "grantflow-tower",
        "grantflow-transport",
        "grantflow-ureq",
    ] {
        let folder = format!("crates/{name}/src");
        for file in sources(folder) {
            let code = code(&read(&file));
            let silent = silent_enums(&code);
            assert!(
                silent.is_empty(),
                "{}: {silent:?} are neither #[non_exhaustive] nor whole for a reason",
                file.display()
            );
        }
    }
}

// ---- The scanner sees what is wrong ----

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
        "mod inner { use super::super::x; }",
        "#[path = \"../token/mod.rs\"] mod token;",
        "include!(\"../token.rs\");",
    ] {
        assert!(!violations("wire::form", &code(text)).is_empty(), "{text}");
    }
    for text in ["use super as own;", "use super::{self as own};"] {
        assert!(!violations("wire", &code(text)).is_empty(), "{text}");
    }
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

#[test]
fn what_the_core_may_not_touch_is_seen() {
    for text in [
        "use std::net::TcpStream;",
        "use std::{borrow::Cow, fs::{self, File}};",
        "::std::env::var(x)",
        "std::os::unix::net::UnixStream::connect(x)",
        "use std::os::fd::AsRawFd;",
        "use std::time::Duration;",
        "use std::*;",
        "use std as s;",
        "fn f() { if x { std::fs::read(x) } }",
        "async fn f() {}",
        "x.await",
        "tokio::spawn(x)",
        "println!()",
        "dbg!(x)",
    ] {
        assert!(!outside_world(&code(text)).is_empty(), "{text}");
    }
    let fine =
        "use core::time::Duration;\nuse std::sync::Arc;\n// std::fs, println!\nlet io = \"std::io, tokio\"; a != b";
    assert_eq!(outside_world(&code(fine)), [""; 0]);
}

#[test]
fn comments_strings_and_tests_are_not_code() {
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
fn blocks_and_tables_are_read() {
    let text = "//! A flow.\n//! ```text\n//! A ─▶ B\n//! ```\n//! ```no_run\n//! f();\n//! ```\nfn f() {}\n//! ```\n";
    assert_eq!(opening_blocks(text), [("text", " A ─▶ B\n".to_owned()), ("no_run", " f();\n".to_owned())]);

    let manifest = "[package]\nname = \"x\"\n[dependencies]\nhttp.workspace = true\n# no = 1\n[dependencies.a]\nversion = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n[dev-dependencies]\ngrantflow = { path = \"..\" }\n";
    assert_eq!(dependencies(manifest, &["dependencies"]), BTreeSet::from(["a", "http", "libc"]));
    assert_eq!(dependencies(manifest, &["dev-dependencies"]), BTreeSet::from(["grantflow"]));
    assert_eq!(tables(manifest)["package"], BTreeMap::from([("name", "\"x\"")]));
}
