//! What manifests and `cargo tree` say.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::root;

/// The tables of a manifest, each with its keys and their values. Enough of TOML for manifests that are written by hand.
pub(crate) fn tables(manifest: &str) -> BTreeMap<&str, BTreeMap<&str, &str>> {
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
pub(crate) fn dependencies<'m>(manifest: &'m str, kinds: &[&str]) -> BTreeSet<&'m str> {
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
pub(crate) fn tree(package: &str, more: &[&str]) -> BTreeSet<String> {
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

pub(crate) fn names(tree: &BTreeSet<String>) -> BTreeSet<&str> {
    tree.iter().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn the_tables_of_a_manifest_are_read() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\nhttp.workspace = true\n# no = 1\n[dependencies.a]\nversion = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n[dev-dependencies]\ngrantflow = { path = \"..\" }\n";
    assert_eq!(dependencies(manifest, &["dependencies"]), BTreeSet::from(["a", "http", "libc"]));
    assert_eq!(dependencies(manifest, &["dev-dependencies"]), BTreeSet::from(["grantflow"]));
    assert_eq!(tables(manifest)["package"], BTreeMap::from([("name", "\"x\"")]));
}
