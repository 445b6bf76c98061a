//! No answer of any server makes a preset panic, and no answer without a token gives one.

use grantflow::{ClientCredentials, Env, Exchange, Step};
use http::Response;
use proptest::prelude::*;

use crate::support::{Dice, NOW, client, servers};

/// Bytes, or JSON out of the names and shapes that presets look for.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(vec![
        "access_token",
        "token_type",
        "expires_in",
        "expires",
        "refresh_token",
        "scope",
        "scopes",
        "permissions",
        "error",
        "errors",
        "error_type",
        "error_description",
        "errcode",
        "code",
        "message",
        "status",
        "result",
        "data",
        "authed_user",
        "ok",
        "ECODE",
        "resource",
        "errorType",
    ]);
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("0".to_owned()),
        Just("-1".to_owned()),
        Just("1e400".to_owned()),
        Just("\"\"".to_owned()),
        Just("\"bearer\"".to_owned()),
        Just("\"invalid_grant\"".to_owned()),
        Just("\"0000\"".to_owned()),
        Just("\"a,b c\"".to_owned()),
        "\"[a-z ]{0,8}\"",
        "[0-9]{1,20}",
    ];
    let json = leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec((name.clone(), inner.clone()), 0..6).prop_map(|members| {
                let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
            prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(","))),
        ]
    });
    prop_oneof![json.prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn every_preset_reads_every_answer_without_a_panic(
        body in body(),
        status in prop::sample::select(vec![200u16, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503]),
    ) {
        for (preset, server) in servers() {
            let exchange = ClientCredentials::new(&client(preset, &server));
            let response = Response::builder().status(status).body(body.clone()).unwrap();
            let read = exchange.respond(&mut Env::new(NOW, &mut Dice(1)), response);
            if let Ok(Step::Done(tokens)) = read {
                prop_assert!((200..300).contains(&status), "{}: a token with {status}", preset.id);
                prop_assert!(String::from_utf8_lossy(&body).contains("access_token"), "{}: a token from nowhere", preset.id);
                prop_assert!(!tokens.bearer().unwrap().expose_secret().is_empty());
            }
        }
    }
}
