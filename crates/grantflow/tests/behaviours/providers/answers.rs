//! Every documented answer: with exactly its quirks it gives its content; without any one of them it does not.

use std::collections::BTreeSet;

use grantflow::Quirk;

use super::fixture::{self, Fixture, Outcome};

#[test]
fn every_documented_answer_gives_what_it_holds() {
    for fixture in fixture::all().iter().chain(&fixture::kinds()) {
        fixture.check(&fixture.quirks());
    }
}

/// A quirk that changes neither a request nor an answer is a false claim of the documentation.
#[test]
fn every_quirk_is_needed() {
    for fixture in fixture::all().iter().chain(&fixture::kinds()) {
        let quirks = fixture.quirks();
        let (whole, requests) = (fixture.read(&quirks).0, fixture.requests(&quirks));
        for (quirk, others) in left_out(&quirks) {
            let changes = fixture.read(&others).0 != whole || fixture.requests(&others) != requests;
            assert!(changes, "{} without {quirk:?}: nothing changes", fixture.name());
        }
    }
}

/// An answer that is refused without a quirk, or whose code then has no meaning, names the quirk.
#[test]
fn an_error_names_the_quirk_that_would_read_the_answer() {
    let all = fixture::all();
    let mut named = BTreeSet::new();
    for fixture in &all {
        let quirks = fixture.quirks();
        // If one answer can be read in two ways, either may be named.
        let ways: Vec<Quirk> =
            all.iter().filter(|other| other.body() == fixture.body()).flat_map(Fixture::quirks).collect();
        for (quirk, others) in left_out(&quirks) {
            let (outcome, error) = fixture.read(&others);
            let Some(error) = error else { continue };
            let speechless = matches!(outcome, Outcome::Unreadable { .. } | Outcome::Refused { left: "unknown", .. });
            if !speechless || outcome == fixture.read(&quirks).0 {
                continue;
            }
            let text = error.to_string();
            let found = ways.iter().map(fixture::name).find(|name| text.contains(&format!("`{name}`")));
            named.insert(found.unwrap_or_else(|| panic!("{} without {quirk:?}: {text}", fixture.name())));
        }
    }
    let expected = [
        "Quirk::ErrorCode",
        "Quirk::ErrorPath",
        "Quirk::FormEncodedAnswer",
        "Quirk::MissingTokenType",
        "Quirk::RenamedParameter",
        "Quirk::TokenPath",
        "Quirk::TokenType",
    ];
    assert_eq!(named.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// A quirk for the server's refusals does no harm to its tokens, and vice versa.
#[test]
fn what_the_same_server_needs_elsewhere_changes_nothing() {
    let mut tried = 0;
    for fixture in fixture::all().iter().chain(&fixture::kinds()) {
        let quirks = fixture.quirks();
        let together: Vec<Quirk> = quirks.iter().cloned().chain(fixture.also()).collect();
        assert_eq!(fixture.read(&together).0, fixture.read(&quirks).0, "{}", fixture.name());
        tried += usize::from(together.len() > quirks.len());
    }
    assert!(tried >= 10, "{tried}");
}

/// Each quirk, with the list of the others.
fn left_out(quirks: &[Quirk]) -> Vec<(Quirk, Vec<Quirk>)> {
    let without = |at: usize| {
        let mut others = quirks.to_vec();
        (others.remove(at), others)
    };
    (0..quirks.len()).map(without).collect()
}

#[test]
fn every_fixture_says_where_it_comes_from() {
    for fixture in fixture::all() {
        let what = fixture.name();
        assert!(fixture.url.starts_with("https://"), "{what}");
        assert!(["documented", "recorded"].contains(&fixture.source_kind.as_str()), "{what}");
        assert!(fixture.source.len() > 20 && fixture.looked_up.starts_with("20"), "{what}");
        assert!(fixture.status_note.as_ref().is_none_or(|note| !note.is_empty()), "{what}");
    }
}
