//! A provider that the documentation of `Quirk` names has a fixture; so a name that is added later needs one.

use std::collections::BTreeSet;

use super::{fixture, requests};

/// Words that begin with a capital and name no provider. A word that is missing here is taken for a provider's.
const WORDS: &[&str] = &[
    "A",
    "API",
    "An",
    "Basic",
    "Bearer",
    "Everything",
    "Give",
    "Harmless",
    "How",
    "Its",
    "JSON",
    "Of",
    "On",
    "RFC",
    "RFCs",
    "Scope",
    "The",
    "What",
    "Where",
    "Wherever",
    "Whether",
    "Without",
];

/// The documentation of everything that a server's settings can name, without what stands in code quotes and links.
fn documentation() -> String {
    let source = include_str!("../../../crates/grantflow/src/quirk.rs");
    let public = source.split("#[cfg(test)]").next().unwrap();
    let lines = public.lines().filter_map(|line| line.trim().strip_prefix("///"));
    let text = lines.collect::<Vec<_>>().join(" ");
    // Every second piece stands between quotes.
    text.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

/// Runs of words with a capital: `Amazon Cognito`, `eBay`.
fn capitalised(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut run: Vec<&str> = Vec::new();
    for word in text.split(' ').chain([""]) {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let bare = bare.strip_suffix("'s").unwrap_or(bare);
        let named = bare.chars().any(char::is_uppercase) && !WORDS.contains(&bare);
        if named {
            run.push(bare);
        }
        // A mark after a word ends a name; so does a word in small letters.
        let ends = !named || word.ends_with(|c: char| !c.is_alphanumeric()) || word.contains("'s");
        if ends && !run.is_empty() {
            names.insert(run.join(" "));
            run.clear();
        }
    }
    names
}

#[test]
fn every_provider_that_the_documentation_names_has_a_fixture() {
    let fixtures: BTreeSet<String> =
        fixture::all().into_iter().map(|fixture| fixture.provider).chain(requests::providers()).collect();
    let named = capitalised(&documentation());
    let missing: Vec<_> = named.iter().filter(|name| !fixtures.contains(*name)).collect();
    assert!(missing.is_empty(), "no fixture, and not in WORDS: {missing:?}");
    assert!(named.contains("Slack") && named.contains("Amazon Cognito"), "the documentation was not found: {named:?}");
}
