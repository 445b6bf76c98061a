//! What a caller gives stays in its place: no tenant and no shop can name another host.

use grantflow_providers::{Error, Kind, Preset};
use proptest::prelude::*;

use crate::support::{client, servers, token_request};

/// What an attacker would type.
const HOSTILE: &[&str] = &[
    "",
    ".",
    "..",
    "/",
    "//",
    "//evil.example",
    "evil.example/",
    "a/b",
    "../..",
    "a/../../b",
    "a?b",
    "a#b",
    "a&b=c",
    "a@b",
    "@evil.example",
    "evil.example:8443",
    "a:b@c",
    "a b",
    "a\tb",
    "a\nb",
    "a\r\nHost: evil.example",
    "a\\b",
    "\\\\evil.example",
    "%2f",
    "%2e%2e",
    "a%00",
    "a\0b",
    "ä",
    "a{tenant}",
    "{base}",
    "https://evil.example",
    "javascript:alert(1)",
    "127.0.0.1",
    "[::1]",
    "localhost",
    "2130706433",
    "0x7f.1",
    "a;b",
    "a'b",
    "a\"b",
    "<a>",
    "a,b",
    "a|b",
    "a^b",
    "a`b",
    "$(a)",
    "*",
    "-a",
    "a-",
    ".a",
    "a.",
    "a..b",
    "evil.example.",
    "\u{202e}a",
    "a\u{200b}",
];

/// The host that the token request goes to, or the refusal.
fn token_host(preset: &Preset, values: &[&str]) -> Result<String, Error> {
    let server = preset.server(values)?;
    let request = token_request(&client(preset, &server));
    Ok(request.uri().host().unwrap().to_owned())
}

/// Whether a value may decide the host of a preset by itself.
fn chooses_host(preset: &Preset) -> bool {
    preset.inputs.iter().any(|input| matches!(input.kind, Kind::Host | Kind::Base))
}

fn with(preset: &'static Preset, at: usize, value: &str) -> Result<String, Error> {
    let mut values: Vec<&str> = preset.inputs.iter().map(|input| input.example).collect();
    values[at] = value;
    token_host(preset, &values)
}

/// The end of the host that a preset names, after its placeholder.
fn fixed_end(preset: &Preset) -> String {
    let host = preset.token.strip_prefix("https://").unwrap().split('/').next().unwrap();
    host.rsplit('}').next().unwrap().to_owned()
}

fn check(preset: &'static Preset, at: usize, value: &str) {
    let Ok(host) = with(preset, at, value) else { return };
    let what = format!("{}: {value:?} leads to {host}", preset.id);
    match preset.inputs[at].kind {
        Kind::Host => assert_eq!(host, value, "{what}"),
        Kind::Base => assert!(value.contains(&host), "{what}"),
        Kind::HostUnder(domains) => {
            assert!(host == value && domains.iter().any(|domain| host.ends_with(&format!(".{domain}"))), "{what}");
        }
        Kind::OneOf(words) => assert!(words.contains(&value), "{what}"),
        // A label stands before the rest of the host, and a segment is not in it at all.
        _ if chooses_host(preset) => assert_eq!(Ok(host), with(preset, at, preset.inputs[at].example).map_err(|_| ())),
        _ => assert!(host.ends_with(&fixed_end(preset)), "{what}"),
    }
}

#[test]
fn hostile_values_name_no_other_host() {
    for preset in grantflow_providers::all() {
        for at in 0..preset.inputs.len() {
            for value in HOSTILE {
                check(preset, at, value);
            }
        }
    }
}

#[test]
fn what_leaves_its_part_of_the_url_is_refused_by_name() {
    for preset in grantflow_providers::all() {
        for (at, input) in preset.inputs.iter().enumerate() {
            for value in ["", "..", "a/../b", "a?b", "a#b", "u@a.example", "a b", "a\\b", "%2e", "ä", "a\nb"] {
                let error = with(preset, at, value).unwrap_err();
                let text = error.to_string();
                assert!(matches!(error, Error::Input { .. }), "{}: {value:?}: {text}", preset.id);
                assert!(
                    text.contains(input.name) && text.contains(preset.id) && text.contains(input.example),
                    "{text}"
                );
                assert!(value.len() < 3 || !text.contains(value), "the value is repeated: {text}");
            }
        }
    }
}

#[test]
fn each_input_needs_one_value() {
    for preset in grantflow_providers::all() {
        let mut values: Vec<&str> = preset.inputs.iter().map(|input| input.example).collect();
        values.push("more");
        let error = preset.server(&values).unwrap_err();
        assert!(matches!(error, Error::Inputs { expected, .. } if expected == preset.inputs.len()), "{}", preset.id);
        assert!(error.to_string().contains(preset.id));
        if !preset.inputs.is_empty() {
            assert!(matches!(preset.server(&[]), Err(Error::Inputs { .. })), "{}", preset.id);
        }
    }
}

#[test]
fn a_base_off_loopback_is_https() {
    assert!(grantflow_providers::keycloak("http://localhost:8080", "r").is_ok());
    assert!(grantflow_providers::keycloak("http://[::1]:8080/auth", "r").is_ok());
    let error = grantflow_providers::keycloak("http://sso.example", "r").unwrap_err();
    assert!(matches!(error, Error::Server(_)), "{error}");
}

#[test]
fn examples_fit() {
    // `servers` panics otherwise.
    assert_eq!(servers().count(), grantflow_providers::all().count());
}

proptest! {
    #[test]
    fn no_value_names_another_host(value in ".{0,40}|[a-z0-9.:/@?#%\\\\-]{0,40}|[a-z.-]{1,20}", preset in 0usize..1000, at in 0usize..2) {
        let presets: Vec<&'static Preset> = grantflow_providers::all().filter(|preset| !preset.inputs.is_empty()).collect();
        let preset = presets[preset % presets.len()];
        check(preset, at % preset.inputs.len(), &value);
    }
}
