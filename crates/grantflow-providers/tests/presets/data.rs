//! Every preset is whole, and every function has one.

use std::collections::BTreeSet;
use std::path::Path;

use grantflow_providers::{Authentication, Kind, Pkce, Preset};

use crate::support::servers;

fn sources() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn there_are_at_least_forty_and_trackmania_comes_first() {
    let ids: Vec<&str> = grantflow_providers::all().map(|preset| preset.id).collect();
    assert!(ids.len() >= 40, "{}", ids.len());
    assert_eq!(ids[0], "trackmania");
    assert_eq!(BTreeSet::from_iter(&ids).len(), ids.len(), "an id stands twice");
    let names: BTreeSet<&str> = grantflow_providers::all().map(|preset| preset.name).collect();
    assert_eq!(names.len(), ids.len(), "a name stands twice");
}

#[test]
fn every_function_makes_the_server_of_its_own_preset() {
    let sources = sources();
    let mut functions = 0;
    for (at, _) in sources.match_indices("-> Result<Server, Error> {\n") {
        let line = sources[..at].rsplit('\n').next().unwrap();
        let Some(name) = line.strip_prefix("pub fn ").and_then(|rest| rest.split('(').next()) else { continue };
        let body = sources[at..].split('\n').nth(1).unwrap().trim();
        assert!(body.starts_with(&format!("{}.server(&[", name.to_uppercase())), "{name}: {body}");
        assert!(
            sources.contains(&format!("pub const {}: Preset = Preset {{\n    id: \"{name}\",", name.to_uppercase()))
        );
        assert!(grantflow_providers::all().any(|preset| preset.id == name), "{name} is not in all()");
        functions += 1;
    }
    assert_eq!(functions, grantflow_providers::all().count());
}

#[test]
fn every_preset_says_where_it_comes_from() {
    for preset in grantflow_providers::all() {
        let what = preset.id;
        assert!(preset.documentation.starts_with("https://"), "{what}");
        let day: Vec<&str> = preset.checked_on.split('-').collect();
        assert_eq!(day.iter().map(|part| part.len()).collect::<Vec<_>>(), [4, 2, 2], "{what}");
        assert!(day.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())), "{what}");
        assert!(!preset.authentication.is_empty(), "{what}");
        assert!(preset.authentication[0] != Authentication::Public, "{what}: the first method has a secret");
        for note in preset.notes {
            assert!(note.ends_with('.') && note.starts_with(|c: char| c.is_uppercase()), "{what}: {note}");
        }
    }
}

/// All URLs of a preset, with their placeholders.
fn urls(preset: &Preset) -> Vec<&'static str> {
    let some = [
        preset.issuer,
        preset.authorization,
        preset.device_authorization,
        preset.pushed_authorization_request,
        preset.introspection,
        preset.revocation,
    ];
    some.into_iter().flatten().chain([preset.token]).chain(preset.api.iter().copied()).collect()
}

#[test]
fn every_url_is_https_and_every_placeholder_has_an_input() {
    for preset in grantflow_providers::all() {
        let mut used = BTreeSet::new();
        for url in urls(preset) {
            let at_base = preset.inputs.iter().any(|input| input.kind == Kind::Base && url.starts_with("{base}"));
            assert!(url.starts_with("https://") || at_base, "{}: {url}", preset.id);
        }
        for text in urls(preset).into_iter().chain(preset.authorization_query) {
            for piece in text.split('{').skip(1) {
                let name = piece.split('}').next().unwrap();
                assert!(preset.inputs.iter().any(|input| input.name == name), "{}: {text}", preset.id);
                used.insert(name);
            }
        }
        assert_eq!(used.len(), preset.inputs.len(), "{}: an input is not used", preset.id);
    }
}

/// An example would be refused, or a URL, or a quirk: then no program could use the preset at all.
#[test]
fn every_preset_makes_a_server() {
    assert!(servers().count() >= 40);
}

#[test]
fn pkce_is_refused_where_the_quirk_says_so() {
    for preset in grantflow_providers::all() {
        let refused = (preset.quirks)().contains(&grantflow::Quirk::RefusesPkce);
        assert_eq!(refused, preset.pkce == Pkce::Refused, "{}", preset.id);
    }
}
