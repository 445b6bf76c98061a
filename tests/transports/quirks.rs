//! Servers that deviate: refused without a quirk, read with the quirk that names the deviation.

use grantflow::{ClientCredentials, Message, Quirk, Server, Tokens, Violation};
use grantflow_testkit::{Misbehaviour, Server as Provider};

use super::Body;
use super::world::*;

pub(crate) const BODIES: &[(&str, Body)] = &[
    ("a form-encoded answer", form_encoded),
    ("a JSON request", json_request),
    ("a token inside an object", token_path),
    ("a member with another name", renamed),
    ("no token type", no_token_type),
    ("a word for Bearer", word_for_bearer),
    ("scopes between commas", commas),
    ("a scope that is null", null),
    ("a scope that is a list", list),
];

/// Refused without the quirk, read with it, by every flow.
fn needs(world: &World, turn: impl Fn(&mut Provider), quirk: Quirk, refused: Option<Violation>) {
    turn(&mut world.provider());
    let client = |server: Server| server.client(ID).secret_post(SECRET).unwrap();
    let plain = client(world.server());
    if let Some(violation) = refused {
        let failure = world.run(ClientCredentials::new(&plain)).unwrap_err();
        match failure.error.oauth() {
            Some(grantflow::Error::Protocol(broken)) => assert_eq!(broken.violation(), violation),
            other => panic!("{other:?}"),
        }
    }
    let client = client(world.server().quirk(quirk).unwrap());
    let tokens = world.run(world.log_in(&client).refresh().unwrap()).unwrap();
    check(world, &tokens);
    check(world, &world.run(ClientCredentials::new(&client).scope(SCOPE).unwrap()).unwrap());
}

fn check(world: &World, tokens: &Tokens) {
    assert_eq!(tokens.scope().effective().unwrap().as_str(), SCOPE);
    assert_eq!(world.ask_the_api(tokens).0, 200);
}

fn always(world: &World, how: Misbehaviour, quirk: Quirk, refused: Option<Violation>) {
    needs(world, |provider| provider.knobs().always = vec![how.clone()], quirk, refused);
}

/// A scope that is unknown without the quirk, and read with it.
fn unknown_without(world: &World, how: Misbehaviour, quirk: Quirk) {
    world.provider().knobs().always = vec![how.clone()];
    let client = world.server().client(ID).secret_post(SECRET).unwrap();
    let tokens = world.run(ClientCredentials::new(&client).scope(SCOPE).unwrap()).unwrap();
    assert_eq!((tokens.scope().is_narrowed(), tokens.tolerated()), (None, &["scope"][..]));
    always(world, how, quirk, None);
}

fn word_for_bearer(world: &World) {
    let word = Misbehaviour::SetMember { name: "token_type".to_owned(), json: "\"user\"".to_owned() };
    always(world, word, Quirk::TokenType("user".to_owned()), Some(Violation::UnknownTokenType));
}

fn form_encoded(world: &World) {
    let violation = Violation::NotJson { line: 1, column: 1 };
    always(world, Misbehaviour::FormEncoded, Quirk::FormEncodedAnswer, Some(violation));
}

fn json_request(world: &World) {
    let turn = |provider: &mut Provider| {
        provider.knobs().accept_form = false;
        provider.knobs().accept_json = true;
    };
    needs(world, turn, Quirk::JsonRequestBody, None);
    let provider = world.provider();
    assert!(provider.hits("refresh_token").all(|hit| hit.headers["content-type"] == "application/json"));
}

fn token_path(world: &World) {
    let nest = Misbehaviour::Nest { path: vec!["data".to_owned(), "token".to_owned()], decoy: false };
    let missing = Violation::Missing("access_token");
    always(world, nest, Quirk::token_path(&["data", "token"]), Some(missing));
}

fn renamed(world: &World) {
    let rename = Misbehaviour::RenameMember { from: "access_token".to_owned(), to: "accessToken".to_owned() };
    let quirk = Quirk::renamed(Message::TokenAnswer, "access_token", "accessToken");
    always(world, rename, quirk, Some(Violation::Missing("access_token")));
}

fn no_token_type(world: &World) {
    let remove = Misbehaviour::RemoveMember("token_type".to_owned());
    let missing = Violation::Missing("token_type");
    always(world, remove, Quirk::MissingTokenType, Some(missing));
}

fn commas(world: &World) {
    // The answer only: the testkit reads spaces.
    let tokens = {
        world.provider().knobs().scope_separator = ",".to_owned();
        let server = world.server().quirk(Quirk::ScopeSeparator(',')).unwrap();
        world.run(ClientCredentials::new(&server.client(ID).secret_post(SECRET).unwrap())).unwrap()
    };
    check(world, &tokens);
}

fn null(world: &World) {
    let null = Misbehaviour::SetMember { name: "scope".to_owned(), json: "null".to_owned() };
    unknown_without(world, null, Quirk::NullIsAbsent);
}

fn list(world: &World) {
    let list = Misbehaviour::SetMember { name: "scope".to_owned(), json: r#"["read","write"]"#.to_owned() };
    unknown_without(world, list, Quirk::ScopeList);
}
