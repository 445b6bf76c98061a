//! The documentation of the quirks names exactly the providers whose fixtures prove it. So a name that is added later
//! needs a fixture, and a fixture that needs a quirk has its provider named there.

use std::collections::{BTreeMap, BTreeSet};

use grantflow::Quirk;

use super::{fixture, requests};

/// Words that begin with a capital and name no provider. A word that is missing here is taken for a provider's name.
const WORDS: &[&str] = &[
    "A",
    "API",
    "An",
    "As",
    "Basic",
    "Bearer",
    "CIBA",
    "December",
    "Errors",
    "Everything",
    "For",
    "Give",
    "Harmless",
    "How",
    "In",
    "It",
    "Its",
    "JSON",
    "May",
    "Names",
    "Neither",
    "None",
    "Never",
    "Of",
    "On",
    "OpenID",
    "Others",
    "PKCE",
    "RFC",
    "RFCs",
    "Refreshes",
    "Scope",
    "So",
    "The",
    "This",
    "URI",
    "URL",
    "URLs",
    "What",
    "Where",
    "Wherever",
    "Whether",
    "With",
    "Without",
];

/// The documentation of each variant of `Quirk` and `Message` with that of its fields, without the text in code quotes.
fn documentation() -> BTreeMap<String, String> {
    let sources = [
        ("Quirk", include_str!("../../../src/server/quirk.rs")),
        ("Message", include_str!("../../../src/server/message.rs")),
    ];
    let mut variants: BTreeMap<String, String> = BTreeMap::new();
    for (name, source) in sources {
        let (_, body) = source.split_once(&format!("pub enum {name} {{\n")).unwrap();
        let (mut waiting, mut current) = (String::new(), String::new());
        for line in body.split("\n}\n").next().unwrap().lines() {
            let (indent, line) = (line.len() - line.trim_start().len(), line.trim());
            match line.strip_prefix("///") {
                Some(doc) if indent == 4 => waiting.push_str(doc),
                Some(doc) => variants.get_mut(&current).unwrap().push_str(doc),
                None if indent == 4 && line.starts_with(char::is_uppercase) => {
                    let variant: String = line.chars().take_while(char::is_ascii_alphanumeric).collect();
                    current = format!("{name}::{variant}");
                    variants.insert(current.clone(), std::mem::take(&mut waiting));
                }
                None => {}
            }
        }
    }
    // Every second piece is between quotes.
    variants.values_mut().for_each(|text| *text = text.split('`').step_by(2).collect::<Vec<_>>().join(" "));
    variants
}

/// Runs of words with a capital: `Amazon Cognito`, `eBay`.
fn capitalised(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut run: Vec<&str> = Vec::new();
    for word in text.split(' ').chain([""]) {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let bare = bare.strip_suffix("'s").unwrap_or(bare);
        // A path belongs to a link.
        let named = bare.chars().any(char::is_uppercase) && !bare.contains("::") && !WORDS.contains(&bare);
        if named {
            run.push(bare);
        }
        // A punctuation mark after a word ends a name, and so does a word in small letters.
        let ends = !named || word.ends_with(|c: char| !c.is_alphanumeric()) || word.ends_with("'s");
        if ends && !run.is_empty() {
            names.insert(run.join(" "));
            run.clear();
        }
    }
    names
}

/// Where the documentation has to name a provider that needs this quirk.
fn place(quirk: &Quirk) -> String {
    match quirk {
        Quirk::RenamedParameter { on, .. } => format!("Message::{on:?}"),
        other => fixture::name(other),
    }
}

/// The quirks that each provider's fixtures need.
fn needed() -> BTreeMap<String, BTreeSet<String>> {
    let mut needed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let answers = fixture::all().into_iter().map(|fixture| (fixture.provider.clone(), fixture.quirks()));
    for (provider, quirks) in answers.chain(requests::quirks_by_provider()) {
        // A code in another place is seldom a standard one: `ErrorPath` says that it is mapped then.
        let elsewhere = quirks.iter().any(|quirk| matches!(quirk, Quirk::ErrorPath { .. }));
        let quirks = quirks.iter().filter(|quirk| !(elsewhere && matches!(quirk, Quirk::ErrorCode { .. })));
        needed.entry(provider).or_default().extend(quirks.map(place));
    }
    // The fixtures are token answers. Google's documented device answer is read in `device/answers.rs`, with and without it.
    needed.entry("Google".to_owned()).or_default().insert("Message::DeviceAuthorizationAnswer".to_owned());
    needed
}

#[test]
fn every_provider_that_the_documentation_of_a_quirk_names_needs_it_in_a_fixture() {
    let needed = needed();
    let mut named = 0;
    for (variant, text) in documentation() {
        for provider in capitalised(&text) {
            let quirks = needed.get(&provider);
            let quirks = quirks.unwrap_or_else(|| panic!("{provider}, at {variant}: no fixture, and not in WORDS"));
            assert!(quirks.contains(&variant), "{provider} is named at {variant}, and no fixture of it needs that");
            named += 1;
        }
    }
    assert!(named > 40, "{named} names: the documentation was not found");
}

#[test]
fn every_provider_whose_fixture_needs_a_quirk_is_named_in_its_documentation() {
    let documentation = documentation();
    for (provider, quirks) in needed() {
        for variant in quirks {
            let text = documentation.get(&variant).unwrap_or_else(|| panic!("{variant} has no documentation"));
            assert!(capitalised(text).contains(&provider), "{variant} does not name {provider}");
        }
    }
}

#[test]
fn every_provider_that_the_door_for_an_empty_secret_names_has_such_a_request() {
    let source = include_str!("../../../src/client/builder.rs");
    let before = source.split("pub fn empty_secret_basic").next().unwrap();
    let docs: Vec<&str> = before.lines().rev().skip(1).map_while(|line| line.trim().strip_prefix("///")).collect();
    let text = docs.into_iter().rev().collect::<String>();
    let plain = text.split('`').step_by(2).collect::<Vec<_>>().join(" ");
    assert_eq!(capitalised(&plain), requests::with_empty_secret());
}
