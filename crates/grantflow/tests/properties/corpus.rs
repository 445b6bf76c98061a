//! Replays every committed input of the core's fuzz targets on the current compiler, so that what fuzzing found stays
//! found.

use std::fs;
use std::path::Path;

/// A target's name, and its body.
type Target = (&'static str, fn(&[u8]));

const TARGETS: &[Target] = &[
    ("backchannel", grantflow::fuzz::backchannel),
    ("notification", grantflow::fuzz::notification),
    ("device", grantflow::fuzz::device),
    ("challenge", grantflow::fuzz::challenge),
    ("callback", grantflow::fuzz::callback),
    ("token_response", grantflow::fuzz::token_response),
    ("token_error", grantflow::fuzz::token_error),
    ("form", grantflow::fuzz::form),
    ("basic", grantflow::fuzz::basic),
    ("url", grantflow::fuzz::url),
    ("retry_after", grantflow::fuzz::retry_after),
    ("stored_state", grantflow::fuzz::stored_state),
    ("metadata", grantflow::fuzz::metadata),
    ("resource_metadata", grantflow::fuzz::resource_metadata),
    ("well_known_url", grantflow::fuzz::well_known_url),
    ("pushed", grantflow::fuzz::pushed),
    ("registration", grantflow::fuzz::registration),
    ("introspection", grantflow::fuzz::introspection),
    ("authorization_details", grantflow::fuzz::authorization_details),
    ("token_exchange", grantflow::fuzz::token_exchange),
    ("flow_model", crate::flow_model::run),
];

fn fuzz_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

#[test]
fn every_input_of_every_target_passes() {
    for (name, body) in TARGETS.iter().copied() {
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
        // Targets of other crates are replayed in the workspace's `tests`.
        if !fs::read_to_string(&path).unwrap().contains("grantflow_") {
            targets.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    targets.sort();
    let mut replayed: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    replayed.sort_unstable();
    assert_eq!(targets, replayed);
}

/// A flow that the corpus does not reach is one in which nothing was ever found.
#[test]
fn the_flow_models_inputs_reach_every_flow() {
    let folder = fuzz_folder().join("corpus/flow_model");
    let mut all = [0; 13];
    for input in fs::read_dir(folder).unwrap() {
        let reached = crate::flow_model::reached(&fs::read(input.unwrap().path()).unwrap());
        let robots = [reached.credentials, reached.chains, reached.broken_chains];
        let others =
            [reached.found, reached.pushed, reached.described, reached.revoked, reached.devices, reached.backchannel];
        let traded = [reached.exchanged, reached.asserted, reached.vouched, reached.registered];
        let found = [robots.as_slice(), &others, &traded].concat();
        all = std::array::from_fn(|i| all[i] + found[i]);
    }
    assert!(
        all.iter().all(|count| *count >= 5),
        "credentials, chains, broken chains, documents, pushed, described, revoked, devices, backchannel, exchanged, \
         asserted, vouched, registered: {all:?}"
    );
}
