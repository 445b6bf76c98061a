//! Our reader of token answers beside that of `oauth2` 5.0.0: every reason in the list has an answer that only it explains,
//! and generated answers differ for no other reason.

#[allow(dead_code, reason = "the corpus uses less of it")]
#[path = "mod.rs"]
mod differential;

use differential::{Case, Reason, compare};
use proptest::prelude::*;

/// For each reason, an answer that differs for this reason alone.
const EXAMPLES: [(Reason, &str); 22] = [
    (Reason::OtherSuccess, "201 application/json\n{\"access_token\":\"t\",\"token_type\":\"Bearer\"}"),
    (Reason::ContentType, "200 text/html\n{\"access_token\":\"t\",\"token_type\":\"Bearer\"}"),
    (Reason::LifetimeType, r#"{"access_token":"t","token_type":"Bearer","expires_in":"3600"}"#),
    (Reason::OptionalType, r#"{"access_token":"t","token_type":"Bearer","scope":["a"]}"#),
    (Reason::UnknownMember, r#"{"access_token":"t","token_type":"Bearer","x":1e999}"#),
    (Reason::ErrorBesideToken, r#"{"access_token":"t","token_type":"Bearer","error":"invalid_grant"}"#),
    (Reason::DoubledMember, r#"{"access_token":"t","token_type":"Bearer","id_token":"a","id_token":"b"}"#),
    (Reason::AccessTokenCharacters, r#"{"access_token":"t\u00e9","token_type":"Bearer"}"#),
    (Reason::TokenType, r#"{"access_token":"t","token_type":"mac"}"#),
    (Reason::TrailingBytes, r#"{"access_token":"t","token_type":"Bearer"}}"#),
    (Reason::ErrorWith200, r#"{"error":"bad_verification_code"}"#),
    (Reason::ErrorInPassing, "302 application/json\n{\"error\":\"invalid_grant\"}"),
    (Reason::TokenBesideError, "400 application/json\n{\"error\":\"invalid_grant\",\"access_token\":\"t\"}"),
    (Reason::EmptyCode, "400 application/json\n{\"error\":\"\"}"),
    (Reason::ListForObject, "400 application/json\n[\"invalid_grant\"]"),
    (Reason::TrailingBytesAfterError, "400 application/json\n{\"error\":\"invalid_grant\"}\n<!-- -->"),
    (Reason::Commentary, "400 application/json\n{\"error\":\"invalid_grant\",\"error_description\":{\"en\":\"no\"}}"),
    (Reason::ControlCharacter, "400 application/json\n{\"error\":\"invalid_grant\",\"error_description\":\"a\nb\"}"),
    // In Latin-1: see below.
    (Reason::Encoding, "400 application/json\n{\"error\":\"invalid_grant\",\"error_description\":\"#\"}"),
    (
        Reason::LongCode,
        "400 application/json\n{\"error\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
    ),
    (Reason::RefreshTokenCharacters, r#"{"access_token":"t","token_type":"Bearer","refresh_token":""}"#),
    (Reason::ScopeCharacters, r#"{"access_token":"t","token_type":"Bearer","scope":"a\tb"}"#),
];

fn bytes(reason: Reason, text: &str) -> Vec<u8> {
    let to_latin_1 = |b: u8| if b == b'#' && reason == Reason::Encoding { 0xe9 } else { b };
    text.bytes().map(to_latin_1).collect()
}

#[test]
fn each_reason_has_an_answer_that_only_it_explains() {
    let named: Vec<Reason> = EXAMPLES.iter().map(|(reason, _)| *reason).collect();
    assert_eq!(named, Reason::ALL, "an example for each, in order");
    for (reason, text) in EXAMPLES {
        let bytes = bytes(reason, text);
        compare(&bytes);
        let case = Case::of(&bytes);
        let differences = case.differences();
        let explained: Vec<Reason> = differences.iter().flat_map(|difference| case.explained(*difference)).collect();
        assert_eq!((differences.len(), explained), (1, vec![reason]), "{:?} and {:?}", case.ours, case.theirs);
    }
}

#[test]
fn ordinary_answers_are_read_alike() {
    for text in [
        r#"{"access_token":"t","token_type":"Bearer"}"#,
        r#" {"token_type":"bEARER","access_token":"t","expires_in":0,"refresh_token":"r","scope":"b a b","x":{"y":[1]}} "#,
        r#"{"access_token":"t","token_type":"DPoP","expires_in":null,"refresh_token":null,"scope":null}"#,
        r#"{"access_token":"t","token_type":"Bearer","scope":""}"#,
        r#"{"access\u005ftoken":"\u0074","token_type":"Bearer","expires_in":18446744073709551615}"#,
        "400 application/json\n{\"error\":\"invalid_grant\",\"error_description\":\"no\",\"error_uri\":null,\"x\":1e999}",
        "503 text/html\n<h1>not now</h1>",
        "400 application/json\n",
        "",
        "null",
        "{",
    ] {
        compare(text.as_bytes());
        assert_eq!(Case::of(text.as_bytes()).differences(), [], "{text}");
    }
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "scope",
        "id_token",
        "error",
        "error_description",
        "error_uri",
        "x",
        "access\\u005ftoken",
    ])
}

fn value() -> impl Strategy<Value = String> {
    let odd = [
        "null",
        "true",
        "0",
        "-0",
        "-1",
        "1.0",
        "1.5",
        "1e3",
        "1e-3",
        "1e999",
        "18446744073709551615",
        "18446744073709551616",
        "\"\"",
        "\" \"",
        "\"3600\"",
        "\"3600.5\"",
        "\"\\ud800\"",
        "\"a\\u0000\"",
        "\"a\nb\"",
        "\"\u{e9}\"",
        "\"a  b\"",
        "\"a\\\\b\"",
        "\"BEARER\"",
        "\"dpop\"",
        "\"N_A\"",
        "[]",
        "[\"a\",\"b\"]",
        "[1e999]",
        "{}",
        "{\"a\":{\"a\":1}}",
        "\"invalid_grant\"",
    ];
    prop_oneof![
        3 => Just("\"Bearer\"".to_owned()),
        3 => "\"[a-z]{1,6}\"",
        2 => "[0-9]{1,6}",
        5 => prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
        1 => (100..140usize).prop_map(|levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels))),
        1 => (100..150usize).prop_map(|length| format!("\"{}\"", "a".repeat(length))),
    ]
}

prop_compose! {
    fn answer()(
        status in prop_oneof![6 => Just(200u16), 4 => Just(400), 1 => prop::sample::select(vec![100, 201, 204, 302, 401, 429, 500, 503])],
        content_type in prop_oneof![6 => Just("application/json"), 1 => Just("text/html"), 1 => Just("APPLICATION/JSON; charset=utf-8"), 1 => Just("application/json; charset=\u{fc}tf-8")],
        members in prop_oneof![
            Just(vec![("access_token", "\"t\"".to_owned()), ("token_type", "\"Bearer\"".to_owned())]),
            Just(vec![("error", "\"invalid_grant\"".to_owned())]),
            Just(vec![]),
        ],
        more in prop::collection::vec((name(), value()), 0..4),
        around in prop_oneof![8 => Just(("{", "}")), 1 => Just(("[", "]")), 1 => Just(("{", "} x")), 1 => Just(("\u{feff}{", "}")), 1 => Just(("{", ""))],
    ) -> Vec<u8> {
        let all: Vec<String> = members.iter().chain(&more).map(|(name, value)| match around.0 {
            "[" => value.clone(),
            _ => format!("\"{name}\":{value}"),
        }).collect();
        format!("{status} {content_type}\n{}{}{}", around.0, all.join(","), around.1).into_bytes()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_answers_differ_for_no_other_reason(answer in answer()) {
        compare(&answer);
    }

    #[test]
    fn spoiled_answers_differ_for_no_other_reason(
        answer in answer(),
        spoils in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..3),
    ) {
        let mut answer = answer;
        for (at, byte) in spoils {
            let at = at.index(answer.len());
            answer[at] = byte;
        }
        compare(&answer);
    }

    #[test]
    fn any_bytes_differ_for_no_other_reason(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        compare(&bytes);
    }
}
