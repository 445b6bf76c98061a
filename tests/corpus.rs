//! Replays every committed input of the fuzz targets of other crates than the core on the current compiler, so that
//! what fuzzing found stays found.

#[allow(dead_code, unused_imports, reason = "the test `differential` uses more of it")]
mod differential;

use std::fs;
use std::path::Path;

/// A target's name, and its body.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 5] = [
    ("mcp", grantflow_mcp::fuzz::mcp),
    ("session_record", grantflow_session::fuzz::record),
    ("renewal", grantflow_session::fuzz::renewal),
    ("differential", differential::compare),
    ("request_head", grantflow_loopback::fuzz::request_head),
];

fn fuzz_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

#[test]
fn every_input_of_every_target_passes() {
    for (name, body) in TARGETS {
        let folder = fuzz_folder().join("corpus").join(name);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut inputs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        inputs.sort();
        assert!(inputs.len() >= 5, "{name} has {} inputs: the corpus is missing", inputs.len());
        for input in &inputs {
            // Printed only if the body panics: then this is the input to look at.
            println!("{name}: {}", input.display());
            body(&fs::read(input).unwrap());
        }
        println!("{name}: {} inputs", inputs.len());
    }
}

#[test]
fn every_target_is_replayed() {
    let mut targets = Vec::new();
    for target in fs::read_dir(fuzz_folder().join("fuzz_targets")).unwrap() {
        let path = target.unwrap().path();
        // The others belong to the core, which replays them itself.
        if fs::read_to_string(&path).unwrap().contains("grantflow_") {
            targets.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    targets.sort();
    let mut replayed: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    replayed.sort_unstable();
    assert_eq!(targets, replayed);
}
