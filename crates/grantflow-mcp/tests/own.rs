//! This crate is built as any crate outside of this workspace could be: from public items of `grantflow`, and from nothing
//! else of ours.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "Clippy does not see that these are tests."
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// Our crates in the tree below this one.
fn ours(more: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--prefix", "none", "--no-dedupe", "--locked", "--offline", "-e", "normal,build"])
        .args(more)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("serde_json v"), "this is no tree: {tree}");
    tree.lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| name.starts_with("grantflow"))
        .map(str::to_owned)
        .collect()
}

fn without_comments(text: &str) -> String {
    text.lines().flat_map(|line| [line.split("//").next().unwrap_or_default(), "\n"]).collect()
}

/// The sources, without comments.
fn code() -> String {
    let mut folders = vec![root().join("src")];
    let mut code = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                code.push_str(&without_comments(&fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(code.contains("pub struct Grant "), "these are not the sources");
    code
}

/// Every word that begins with the name of one of our crates, with the path after it.
fn paths(code: &str) -> BTreeSet<String> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = code.split(|c: char| !is_path(c)).map(|word| word.trim_start_matches(':'));
    words.filter(|word| word.starts_with("grantflow")).map(str::to_owned).collect()
}

#[test]
fn by_default_it_depends_on_nothing_else_of_ours() {
    assert_eq!(ours(&[]), ["grantflow", "grantflow-mcp"].map(str::to_owned).into());
    let with_session = ours(&["--features", "session"]);
    assert_eq!(with_session, ["grantflow", "grantflow-mcp", "grantflow-session"].map(str::to_owned).into());
    // No hidden items either: it takes the core as everybody gets it.
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let line = manifest.lines().find(|line| line.starts_with("grantflow.")).unwrap();
    assert_eq!(line, "grantflow.workspace = true");
    let workspace = fs::read_to_string(root().join("../../Cargo.toml")).unwrap();
    let line = workspace.lines().find(|line| line.starts_with("grantflow = ")).unwrap();
    assert!(!line.contains("features"), "{line}");
}

#[test]
fn the_sources_name_public_items_of_the_core_only() {
    let code = code();
    let paths = paths(&code);
    assert!(paths.contains("grantflow::Error"), "no path was read: {paths:?}");
    for path in &paths {
        let parts: Vec<&str> = path.split("::").collect();
        assert!(matches!(parts[0], "grantflow" | "grantflow_session"), "{path}");
        assert_ne!(parts.get(1), Some(&"fuzz"), "{path} is not part of the public API");
        // An item is named at the root of its crate: modules of the core are private.
        let item = parts.get(1).copied().unwrap_or_default();
        assert!(item.is_empty() || item.starts_with(char::is_uppercase), "{path} is no item at the root");
    }
    assert!(!code.contains("include!") && !code.contains("#[path"), "a source of another crate was taken in");
    // Without the feature, there is no session.
    let session = without_comments(&fs::read_to_string(root().join("src/session.rs")).unwrap());
    assert!(session.contains("grantflow_session"));
    assert_eq!(code.matches("grantflow_session").count(), session.matches("grantflow_session").count());
}

#[test]
fn the_scanner_sees_what_it_must_refuse() {
    let found = paths("use grantflow::fuzz::url; ::grantflow_async::drive(x); let a = grantflow::Error::Expired;");
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.contains("grantflow::fuzz::url") && found.contains("grantflow_async::drive"));
}
