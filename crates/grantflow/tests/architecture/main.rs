//! The house rules that a compiler does not check: which module uses which, and what the core may not touch.
//!
//! std only, and no parser: comments, strings and tests are blanked out, and what is left is read word by word. The
//! scanner is tested too, on made-up sources, because a check that cannot fail proves nothing.
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

use manifests::{dependencies, names, tables, tree};
use outside::outside_world;
use rooms::violations;
use source::{code, lines_without_tests, opening_blocks, silent_enums, words};

mod manifests;
mod outside;
mod rooms;
mod source;

/// The core's modules, from the bottom up, each line with the reason for its place. A module uses those of earlier lines,
/// and itself. What stands on one line does not use each other.
const ORDER: [(&[&str], &str); 12] = [
    (&["value"], "values that know nothing of OAuth"),
    (&["error"], "all that can go wrong is said in its terms, so it stands below all that can go wrong"),
    (&["wire"], "bytes to values and back; it may only say what is wrong with them, and read dates"),
    (
        &["details", "scope", "url"],
        "values that are checked once, when they are made; a redirect URI is encoded by wire",
    ),
    (&["contract"], "the contract: a crate that carries requests needs nothing above it"),
    (&["server"], "where: endpoints, issuer and quirks; the messages, and what the server calls their parameters"),
    (&["client"], "who: a client belongs to a server"),
    (&["answer"], "what an answer says, read as the server's quirks have it; each has its own table of members"),
    (&["token"], "what a grant gives, with the client that it was given to"),
    (&["call"], "one request to an endpoint, and what its answer means: all that the flows have in common"),
    (&["flow"], "the flows, one file or folder each; none uses another"),
    (&["lib"], "the names"),
];

/// What no crate may hold, not even in a comment or a test.
const UNFINISHED: [&str; 4] = ["todo!", "unimplemented!", "#[ignore", "```ignore"];

/// The whole list: a dependency more is a decision, to be made here and in docs/decisions.md.
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

/// Lines of a file of product code, without its tests.
const LONGEST: usize = 400;

/// Lines of a file that holds tests only.
const LONGEST_TEST: usize = 500;

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

/// Whether a file holds tests only, so that users get nothing of it.
fn is_test(file: &Path) -> bool {
    file.components().any(|name| name.as_os_str() == "tests") || file.ends_with("tests.rs")
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
        let names_a_standard = ["RFC ", "OpenID CIBA "].iter().any(|name| graph.contains(name));
        assert!(graph.contains('▶') && names_a_standard, "{flow}: its graph has no arrow, or names no standard");
        // One with a word after its fence is text, or is not run.
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
fn nothing_is_unfinished() {
    // This file names what it looks for.
    for file in sources("crates").into_iter().filter(|file| !file.ends_with("grantflow/tests/architecture/main.rs")) {
        let text = read(&file);
        let found: Vec<_> = UNFINISHED.iter().filter(|mark| text.contains(**mark)).collect();
        assert!(found.is_empty(), "{} has {found:?}", file.display());
    }
}

#[test]
fn no_file_wants_a_scroll_map() {
    let (tests, product): (Vec<_>, Vec<_>) = sources("crates").into_iter().partition(|file| is_test(file));
    for (files, longest, folders) in [
        (product, LONGEST, ["grantflow/src", "grantflow-session/src", "grantflow-ureq/examples"]),
        (tests, LONGEST_TEST, ["grantflow/tests", "grantflow-testkit/tests", "grantflow-session/src"]),
    ] {
        for folder in folders {
            let folder = Path::new("crates").join(folder);
            assert!(files.iter().any(|file| file.starts_with(&folder)), "nothing of {} was read", folder.display());
        }
        let mut files: Vec<_> = files.into_iter().map(|file| (lines_without_tests(&read(&file)), file)).collect();
        files.sort();
        // Shown with --nocapture: what to split next.
        for (lines, file) in files.iter().rev().take(3) {
            println!("{lines} {}", file.display());
        }
        let (lines, file) = files.last().unwrap();
        assert!(*lines <= longest, "{} has {lines} lines, without tests in it: split it by state", file.display());
    }
}

#[test]
fn the_core_depends_on_what_was_decided() {
    let manifest = read("crates/grantflow/Cargo.toml");
    assert_eq!(dependencies(&manifest, &["dependencies"]), BTreeSet::from(DEPENDENCIES));
    assert!(dependencies(&manifest, &["build-dependencies"]).is_empty(), "the core builds no programs");
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
    // A server that shared code with the client would share its bugs.
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let manifest = read("crates/grantflow-testkit/Cargo.toml");
    let ours: Vec<_> =
        dependencies(&manifest, &kinds).into_iter().filter(|name| name.starts_with("grantflow")).collect();
    assert!(ours.is_empty(), "the testkit depends on {ours:?}");
    // Not by another name either, nor through others.
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
        "grantflow-mcp",
        "grantflow-providers",
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

#[test]
fn presets_are_data_over_the_core_alone() {
    let manifest = read("crates/grantflow-providers/Cargo.toml");
    assert_eq!(dependencies(&manifest, &["dependencies", "build-dependencies"]), BTreeSet::from(["grantflow"]));
    let (own, core) = (tree("grantflow-providers", &["-e", "normal"]), tree("grantflow", &["-e", "normal"]));
    let more: Vec<_> = names(&own).difference(&names(&core)).copied().collect();
    assert_eq!(more, ["grantflow-providers"]);
}

/// The public seam is enough for a whole grant: an invented one, in a crate that uses only the core.
#[test]
fn a_grant_of_another_crate_is_small() {
    let manifest = read("tests/own_grant/Cargo.toml");
    assert_eq!(dependencies(&manifest, &["dependencies"]), BTreeSet::from(["grantflow", "http"]));
    assert!(!manifest.contains("features"), "it takes the core as everybody gets it");
    let files = sources("tests/own_grant/src");
    assert_eq!(files.len(), 1, "it is one file: {files:?}");
    let code = read(&files[0]);
    assert!(code.lines().count() < 80, "{} lines", code.lines().count());
    assert!(code.contains("impl Exchange for ") && !code.contains("grantflow::fuzz"));
}
