use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// Header values and what a whole parser makes of them: `expected` is absent where it must refuse the value. From the
/// tests of w3ap (MIT), without their texts.
const VECTORS: &str = include_str!("../../../tests/vectors/www_authenticate.json");

#[derive(Deserialize)]
struct Vector {
    header: String,
    expected: Option<Vec<Expected>>,
}

#[derive(Deserialize)]
struct Expected {
    scheme: String,
    parameters: BTreeMap<String, String>,
}

#[test]
fn vectors() {
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(vectors.len(), 54);
    let mut positive = 0;
    for Vector { header, expected } in vectors {
        let expected = expected.unwrap_or_default().iter().any(|challenge| {
            challenge.scheme == "bearer"
                && challenge.parameters.get("error").is_some_and(|code| code == "invalid_token")
        });
        positive += u32::from(expected);
        assert_eq!(says_invalid_token(header.as_bytes()), expected, "{header:?}");
        crate::fuzz::challenge(header.as_bytes());
        // The same words, were they Bearer's and about a token, must be found wherever the grammar lets them be.
        let ours = header.replace("Scheme", "bearer").replace("realm", "error").replace("foo", "invalid_token");
        crate::fuzz::challenge(ours.as_bytes());
    }
    assert_eq!(positive, 3);
}

#[test]
fn what_servers_send() {
    for line in [
        r#"Bearer error="invalid_token""#,
        r#"bearer error=invalid_token"#,
        r#"BEARER ERROR="invalid_token""#,
        r#"Bearer realm="api", error="invalid_token", error_description="The access token expired""#,
        r#"Bearer realm="a, Basic b=\"c\"", scope="x y", error="invalid_token""#,
        r#"Basic realm="x", Bearer error="invalid_token""#,
        r#"Bearer realm="x", error="invalid_token", Basic realm="y""#,
        r#"Negotiate YII/wY==, Bearer error="invalid_token""#,
        r#"DPoP algs="ES256", error="use_dpop_nonce", Bearer error="invalid_token""#,
        r#"Bearer   error = "invalid_token" ,"#,
        r#",, Bearer error="inv\alid_token""#,
        "\tBearer\terror=invalid_token\t",
        // No commas, be it between parameters or between challenges.
        r#"Bearer realm="x" error="invalid_token" error_description="gone""#,
        r#"Basic realm="x" Bearer error="invalid_token" Digest nonce="y""#,
        r#"Bearer, error="invalid_token""#,
        // Quotes inside quotes, unescaped, in the text for people.
        r#"Bearer error="invalid_token", error_description="The token "abc" is over""#,
        r#"Bearer error="invalid_token", ???"#,
    ] {
        assert!(says_invalid_token(line.as_bytes()), "{line}");
    }
    for line in [
        "",
        ",",
        "Bearer",
        r#"Bearer realm="api""#,
        r#"Basic realm="x", error="invalid_token""#,
        r#"Bearer error="insufficient_scope", scope="write""#,
        r#"Bearer error="invalid_tokens""#,
        r#"Bearer error="invalid_toke""#,
        r#"Bearer error="Invalid_Token""#,
        r#"Bearer error='invalid_token'"#,
        r#"Bearer error=invalid_token/2"#,
        r#"Bearer error="invalid_token"2"#,
        r#"Bearer error="invalid_token"#,
        r#"Bearer error="invalid_token\"#,
        r#"Bearer error=="#,
        r#"Bearer x_error="invalid_token""#,
        r#"Bearer realm="error=invalid_token""#,
        r#"Bearer realm="Bearer error=\"invalid_token\"""#,
        r#"Bearers error="invalid_token""#,
        r#"Bearer error="invalid_token", error="expired""#,
        r#"Bearer error="expired", error="invalid_token""#,
        // Of another scheme, or of none.
        r#"DPoP error="invalid_token""#,
        r#"Bearer realm="x", DPoP error="invalid_token""#,
        r#"error="invalid_token""#,
        r#"invalid_token"#,
        r#"??? Bearer error="invalid_token""#,
    ] {
        assert!(!says_invalid_token(line.as_bytes()), "{line}");
    }
}

#[test]
fn a_challenge_is_not_read_across_lines_and_counts_with_a_401_only() {
    let headers = |lines: &[&'static str]| {
        lines.iter().map(|line| (WWW_AUTHENTICATE, http::HeaderValue::from_static(line))).collect::<HeaderMap>()
    };
    let both = headers(&["Basic realm=\"x\"", "Bearer error=\"invalid_token\""]);
    assert!(refuses_token(StatusCode::UNAUTHORIZED, &both));
    for status in
        [StatusCode::OK, StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST, StatusCode::PROXY_AUTHENTICATION_REQUIRED]
    {
        assert!(!refuses_token(status, &both), "{status}");
    }
    assert!(!refuses_token(StatusCode::UNAUTHORIZED, &headers(&["Bearer realm=\"x\"", "error=\"invalid_token\""])));
    assert!(!refuses_token(StatusCode::UNAUTHORIZED, &HeaderMap::new()));
}

/// A challenge as a server means it.
#[derive(Debug, Clone)]
struct Meant {
    scheme: String,
    parameters: Vec<(String, String)>,
}

fn meant() -> impl Strategy<Value = Meant> {
    let scheme = prop_oneof![Just("Bearer".to_owned()), "[bB][eE][aA][rR][eE][rR]", "[A-Za-z][A-Za-z0-9-]{0,8}"];
    let name = prop_oneof![Just("error".to_owned()), Just("realm".to_owned()), "[a-z_]{1,6}"];
    let value = prop_oneof![Just("invalid_token".to_owned()), "[a-z_]{0,12}", "[ -~\\t]{0,12}"];
    (scheme, proptest::collection::vec((name, value), 1..4))
        .prop_map(|(scheme, parameters)| Meant { scheme, parameters })
}

/// `style` chooses between the ways of writing the same thing.
fn written(challenges: &[Meant], style: &mut impl FnMut() -> bool) -> String {
    let mut line = String::new();
    for challenge in challenges {
        if !line.is_empty() {
            line.push_str(if style() { ", " } else { ",,\t," });
        }
        line.push_str(&challenge.scheme);
        line.push_str(if style() { " " } else { "   " });
        for (at, (name, value)) in challenge.parameters.iter().enumerate() {
            if at > 0 {
                line.push_str(if style() { ", " } else { " ," });
            }
            line.push_str(name);
            line.push_str(if style() { "=" } else { " = " });
            if !value.is_empty() && value.bytes().all(is_token) && style() {
                line.push_str(value);
                continue;
            }
            line.push('"');
            for character in value.chars() {
                if matches!(character, '"' | '\\') || style() {
                    line.push('\\');
                }
                line.push(character);
            }
            line.push('"');
        }
    }
    line
}

proptest! {
    #[test]
    fn what_is_written_by_the_grammar_is_read(challenges in proptest::collection::vec(meant(), 0..4), styles: u64) {
        let mut styles = styles;
        let line = written(&challenges, &mut || {
            styles = styles.rotate_left(1);
            styles & 1 == 0
        });
        let expected = challenges.iter().any(|challenge| {
            let errors: Vec<_> = challenge.parameters.iter().filter(|(name, _)| name == "error").collect();
            challenge.scheme.eq_ignore_ascii_case("bearer") && errors.len() == 1 && errors[0].1 == "invalid_token"
        });
        prop_assert_eq!(says_invalid_token(line.as_bytes()), expected, "{}", line);
        crate::fuzz::challenge(line.as_bytes());
    }

    #[test]
    fn anything_is_read_without_harm(
        line in proptest::collection::vec(
            prop_oneof![
                Just(b"Bearer".to_vec()), Just(b"error".to_vec()), Just(b"invalid_token".to_vec()), Just(b"=".to_vec()),
                Just(b"\"".to_vec()), Just(b",".to_vec()), Just(b" ".to_vec()), Just(b"\\".to_vec()), any::<u8>().prop_map(|b| vec![b]),
            ],
            0..24,
        )
    ) {
        crate::fuzz::challenge(&line.concat());
    }
}

/// The time grows with the length, not with its square: a quadratic reader would take minutes for these.
#[test]
fn long_lines_take_no_longer_than_they_must() {
    for piece in ["a ", "a=", "a= ", "\"", "\\", ",", " ", "a,", "Bearer ", "a=\"", "/", "a=b "] {
        let line = piece.repeat((1 << 21) / piece.len());
        assert!(!says_invalid_token(line.as_bytes()));
    }
}
