//! A preset opens no door that takes a protection away, unless its name says so.

use grantflow::{ErrorCode, Message, Quirk};
use grantflow_providers::Preset;

/// What the name of a preset with this quirk has to contain. `None` for quirks that only write or read what the provider
/// documents: its names, separators and words. A new quirk has to be judged here first.
fn word(quirk: &Quirk) -> Option<&'static str> {
    match quirk {
        Quirk::RefusesPkce => Some("without_pkce"),
        Quirk::ClientIdBesideBasic => Some("client_id_twice"),
        Quirk::ZeroLifetimeIsNever => Some("zero_is_never"),
        // A standard code that is said to end a grant: others would have to log in again without need.
        Quirk::ErrorCode { on: Message::TokenAnswer, actual, .. } if is_standard(actual) => Some("ends_grants"),
        Quirk::UnencodedBasic
        | Quirk::ScopeSeparator(_)
        | Quirk::AnswerScopeSeparator(_)
        | Quirk::MissingTokenType
        | Quirk::TokenType(_)
        | Quirk::FormEncodedAnswer
        | Quirk::JsonRequestBody
        | Quirk::TokenPath(_)
        | Quirk::RenamedParameter { .. }
        | Quirk::NullIsAbsent
        | Quirk::ErrorCode { .. }
        | Quirk::ErrorPath { .. }
        | Quirk::ScopeList
        | Quirk::RefreshEndpoint(_) => None,
        other => panic!("{other:?} is not judged: does it take a protection away?"),
    }
}

/// The codes that RFC 6749 §5.2 and RFC 8707 §2 register for token answers.
fn is_standard(word: &str) -> bool {
    let registered = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_target",
        "access_denied",
        "server_error",
        "temporarily_unavailable",
    ];
    registered.contains(&word)
}

fn silent_doors(id: &str, quirks: &[Quirk]) -> Vec<&'static str> {
    quirks.iter().filter_map(word).filter(|word| !id.contains(word)).collect()
}

#[test]
fn no_preset_opens_a_door_silently() {
    for preset in grantflow_providers::all() {
        let silent = silent_doors(preset.id, &(preset.quirks)());
        assert!(silent.is_empty(), "{} has to have {silent:?} in its name", preset.id);
    }
}

#[test]
fn the_check_sees_every_door() {
    let remapped = Quirk::error_code(Message::TokenAnswer, None, "unauthorized_client", ErrorCode::InvalidGrant);
    for (quirk, word) in [
        (Quirk::RefusesPkce, "without_pkce"),
        (Quirk::ClientIdBesideBasic, "client_id_twice"),
        (Quirk::ZeroLifetimeIsNever, "zero_is_never"),
        (remapped, "ends_grants"),
    ] {
        assert_eq!(silent_doors("some_provider", std::slice::from_ref(&quirk)), [word]);
        assert!(silent_doors(&format!("some_provider_{word}"), &[quirk]).is_empty());
    }
}

/// And vice versa: a name that warns of nothing would teach people to ignore it.
#[test]
fn no_name_warns_of_a_door_that_is_shut() {
    for preset in grantflow_providers::all() {
        let opened: Vec<&str> = (preset.quirks)().iter().filter_map(word).collect();
        for word in ["without_pkce", "client_id_twice", "zero_is_never", "ends_grants"] {
            assert_eq!(preset.id.contains(word), opened.contains(&word), "{}", preset.id);
        }
    }
}

/// A server of a preset is what the core makes of `https` URLs: no plain `http`, no earlier address, no other door of `Server`.
#[test]
fn the_crate_names_no_other_door() {
    let sources =
        [include_str!("../../src/preset.rs"), include_str!("../../src/input.rs"), include_str!("../../src/lib.rs")];
    for source in sources {
        for door in ["PlainHttp", "formerly", "empty_secret_basic(", "entra_tenants", "of_refresh_token", "undotted"] {
            assert!(!source.contains(door), "{door}");
        }
    }
}

/// A word that is mapped to `invalid_grant` ends grants, so it is in a fixture, with its source.
#[test]
fn every_word_that_ends_a_grant_has_a_source() {
    for preset in grantflow_providers::all() {
        for quirk in (preset.quirks)() {
            let Quirk::ErrorCode { actual, standard: ErrorCode::InvalidGrant, .. } = quirk else { continue };
            assert!(is_in_a_fixture(preset, &actual), "{}: {actual}", preset.id);
        }
    }
}

fn is_in_a_fixture(preset: &Preset, word: &str) -> bool {
    let path = format!("{}/tests/fixtures/{}.json", env!("CARGO_MANIFEST_DIR"), preset.id);
    std::fs::read_to_string(path).is_ok_and(|text| text.contains(word))
}
