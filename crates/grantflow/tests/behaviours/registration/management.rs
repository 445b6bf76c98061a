//! Reading, changing and deleting a registration.

use grantflow::{Left, RegistrationFault};

use super::*;

#[test]
fn an_update_sends_all_that_the_server_registered_with_the_changes_in_their_places() {
    let (mut provider, server) = registering();
    let metadata = app()
        .logo_uri("https://app.example/logo.png")
        .and_then(|new| new.client_name_in("ja", "クラブ"))
        .and_then(|new| new.jwks_uri("https://app.example/keys"))
        .and_then(|new| new.member("default_max_age", &json!({ "deep": [1e300, null] })))
        .unwrap();
    let registered = run_to_its_end(&mut provider, Registration::new(&server, metadata).unwrap()).0.unwrap();
    let id = registered.client_id().to_owned();
    let changes = ClientMetadata::new()
        .client_name("Other")
        .and_then(|new| new.jwks(&json!({ "keys": [] })))
        .and_then(|new| new.member("new", &true))
        .unwrap();
    let update = registered.update(changes).unwrap().remove("client_name#ja").unwrap();
    let request = World::new().request(&update);
    assert_eq!(request.method(), Method::PUT);
    assert_eq!(request.headers()["content-type"], "application/json");
    assert!(request.headers()["authorization"].to_str().unwrap().starts_with("Bearer rat-"));
    let mut members = sent(&update);
    let secret = members.as_object_mut().unwrap().remove("client_secret").unwrap();
    assert!(secret.as_str().unwrap().starts_with("secret-"));
    let expected = json!({
        "client_id": id,
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "application_type": "web",
        "client_name": "Other",
        "logo_uri": "https://app.example/logo.png",
        "jwks": { "keys": [] },
        "default_max_age": { "deep": [1e300, null] },
        "new": true,
    });
    assert_eq!(members, expected);
    let registered = run_to_its_end(&mut provider, update).0.unwrap();
    assert_eq!(registered.client_name(), Some("Other"));
    assert_eq!(registered.client_id(), id);
    // The kind of program follows from new redirect URIs.
    let moved = ClientMetadata::new().redirect_uri("http://127.0.0.1/cb").unwrap();
    let registered = run_to_its_end(&mut provider, registered.update(moved).unwrap()).0.unwrap();
    let all: std::collections::BTreeMap<String, Value> = registered.metadata().unwrap();
    assert_eq!(all["application_type"], "native");
    assert!(registered.dropped_redirect_uris().next().is_none());
}

#[test]
fn a_change_replaces_what_would_contradict_it() {
    let answer = format!(
        r#"{{"client_id":"c",{WAY},"grant_types":["client_credentials"],"response_types":[],"client_name#ja":"a",
        "jwks":{{"keys":[]}},"scope":"read"}}"#
    );
    let mine = || answered(201, &answer).unwrap();
    let change = |changes: ClientMetadata| sent(&mine().update(changes).unwrap());
    let to_codes = change(ClientMetadata::new().grant_types(&["authorization_code"]).unwrap());
    assert_eq!(
        (&to_codes["grant_types"], &to_codes["response_types"]),
        (&json!(["authorization_code"]), &json!(["code"]))
    );
    let to_devices =
        change(ClientMetadata::new().grant_types(&["urn:ietf:params:oauth:grant-type:device_code"]).unwrap());
    assert_eq!(to_devices["response_types"], json!([]));
    let renamed = change(ClientMetadata::new().client_name_in("JA", "b").unwrap());
    assert_eq!((renamed.get("client_name#ja"), &renamed["client_name#JA"]), (None, &json!("b")));
    let moved = change(ClientMetadata::new().jwks_uri("https://app.example/keys").unwrap());
    assert_eq!((moved.get("jwks"), &moved["jwks_uri"]), (None, &json!("https://app.example/keys")));
    assert_eq!(moved["scope"], "read");
}

#[test]
fn a_doubled_member_of_the_server_is_not_sent_back() {
    let answer = r#"{"client_id":"c","registration_access_token":"t",
        "registration_client_uri":"https://as.example/c","a":1,"b":1,"b":2,"client_id_issued_at":5}"#;
    let update = answered(201, answer).unwrap().update(ClientMetadata::new()).unwrap();
    assert_eq!(sent(&update), json!({ "client_id": "c", "a": 1 }));
}

#[test]
fn new_credentials_take_the_place_of_the_old_ones_in_every_answer() {
    let (mut provider, server) = registering();
    provider.knobs().rotate_registration = true;
    provider.knobs().client_secret_lifetime = Some(600);
    let mut registered = registered(&mut provider, &server);
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..4 {
        let expires = registered.secret_expires_at().unwrap();
        assert_eq!(expires.as_secs(), provider.now() + 600);
        let update = registered.update(ClientMetadata::new()).unwrap();
        assert!(seen.insert(sent(&update)["client_secret"].to_string()), "an old secret");
        let token = World::new().request(&update).headers()["authorization"].to_str().unwrap().to_owned();
        assert!(seen.insert(token), "an old access token");
        let ran = if round % 2 == 0 {
            run_to_its_end(&mut provider, update).0.unwrap()
        } else {
            run_to_its_end(&mut provider, update.into_registered().read().unwrap()).0.unwrap()
        };
        registered = ran;
    }
    run_to_its_end(&mut provider, registered.delete().unwrap()).0.unwrap();
}

/// What a read that answers this gives.
fn read(answer: &str) -> Registered {
    let good = r#"{"client_id":"c","client_secret":"s3cret","client_secret_expires_at":1893456000,"client_id_issued_at":7,
        "registration_access_token":"t0ken","registration_client_uri":"https://as.example/register/c","client_name":"Clubs",
        "token_endpoint_auth_method":"client_secret_post"}"#;
    World::new().answer(answered(201, good).unwrap().read().unwrap(), json(200, answer)).unwrap()
}

#[test]
fn what_an_answer_leaves_out_stays_as_it_was() {
    for answer in ["{}", r#"{"client_id":"c"}"#, r#"{"client_id":""}"#, r#"{"client_secret":null}"#] {
        let registered = read(answer);
        assert_eq!(registered.secret_expires_at().unwrap().as_secs(), 1_893_456_000, "{answer}");
        assert_eq!(registered.issued_at().unwrap().as_secs(), 7);
        assert_eq!(registered.client_name(), Some("Clubs"));
        assert!(registered.has_secret() && registered.is_manageable());
        assert_eq!(registered.token_endpoint_auth_method(), Some("client_secret_post"));
    }
    // The server says what is registered now: a name that it leaves out is gone, and the method stays.
    let registered = read(r#"{"client_id":"c","scope":"read"}"#);
    assert_eq!((registered.client_name(), registered.scope()), (None, Some("read")));
    let (_, server) = registering();
    assert!(format!("{:?}", registered.client(&server).unwrap()).contains("client_secret_post"));
    // A new secret does not have the old one's end.
    let registered = read(r#"{"client_id":"c","client_secret":"new"}"#);
    assert_eq!((registered.has_secret(), registered.secret_expires_at()), (true, None));
    let registered = read(r#"{"client_id":"c","client_secret":"s3cret"}"#);
    assert_eq!(registered.secret_expires_at().unwrap().as_secs(), 1_893_456_000);
}

#[test]
fn a_client_that_became_public_keeps_its_secret_to_itself() {
    let registered = read(r#"{"client_id":"c","token_endpoint_auth_method":"none"}"#);
    let (_, server) = registering();
    assert!(format!("{:?}", registered.client(&server).unwrap()).contains("auth: none"));
    let update = registered.update(ClientMetadata::new()).unwrap();
    assert_eq!(sent(&update), json!({ "client_id": "c", "token_endpoint_auth_method": "none" }));
}

#[test]
fn an_answer_about_another_client_is_refused() {
    let mine = || answered(201, &format!(r#"{{"client_id":"c",{WAY}}}"#)).unwrap();
    let failure =
        World::new().answer(mine().read().unwrap(), json(200, r#"{"client_id":"d","client_secret":"x"}"#)).unwrap_err();
    assert_eq!(violation(&failure), grantflow::Violation::OtherClient);
    let registered = intact(failure, "client configuration endpoint", "another client").into_registered();
    assert_eq!((registered.client_id(), registered.has_secret()), ("c", false));
}

const WAY: &str = r#""registration_access_token":"t","registration_client_uri":"https://as.example/register/c""#;

#[test]
fn a_client_that_cannot_be_managed_is_given_back() {
    for (answer, fault) in [
        (r#"{"client_id":"c"}"#.to_owned(), RegistrationFault::NotManageable),
        (r#"{"client_id":"c","registration_access_token":"t"}"#.to_owned(), RegistrationFault::NotManageable),
        (
            r#"{"client_id":"c","registration_client_uri":"https://as.example/register/c"}"#.to_owned(),
            RegistrationFault::NotManageable,
        ),
        (
            r#"{"client_id":"c","registration_access_token":"t","registration_client_uri":"https://evil.example/c"}"#
                .to_owned(),
            RegistrationFault::OtherOrigin,
        ),
    ] {
        let registered = answered(201, &answer).unwrap();
        assert!(!registered.is_manageable());
        let back = |failure: Failure<Registered>| {
            assert!(matches!(failure.error, Error::Misuse(Misuse::Registration(found)) if found == fault), "{failure}");
            let Left::Intact(registered) = failure.left else { panic!("the registration is lost") };
            *registered
        };
        let registered = back(registered.read().unwrap_err());
        let registered = back(registered.update(ClientMetadata::new()).unwrap_err());
        let registered = back(registered.delete().unwrap_err());
        assert_eq!(registered.client_id(), "c");
    }
}

/// Ory Hydra refuses a change that has the secret in it, and does not tell the secret again.
#[test]
fn a_change_without_the_secret_keeps_it() {
    let good = format!(r#"{{"client_id":"c","client_secret":"s3cret",{WAY}}}"#);
    let changes = || ClientMetadata::new().client_name("Other").unwrap();
    let with = answered(201, &good).unwrap().update(changes()).unwrap();
    assert_eq!(sent(&with), json!({ "client_id": "c", "client_secret": "s3cret", "client_name": "Other" }));
    let without = with.without_secret();
    assert_eq!(sent(&without), json!({ "client_id": "c", "client_name": "Other" }));
    let answer = json(200, r#"{"client_id":"c","client_name":"Other"}"#);
    let registered = World::new().answer(without, answer).unwrap();
    let next = registered.update(changes()).unwrap();
    assert_eq!(sent(&next)["client_secret"], "s3cret");
}

#[test]
fn a_change_that_cannot_be_sent_leaves_the_registration() {
    let mine = || answered(201, &format!(r#"{{"client_id":"c",{WAY}}}"#)).unwrap();
    let contradiction = ClientMetadata::new()
        .response_types(&["code"])
        .and_then(|new| new.grant_types(&["client_credentials"]))
        .unwrap();
    let failure = mine().update(contradiction).unwrap_err();
    assert!(matches!(failure.left, Left::Intact(_)));
    for name in ["client_id", "client_secret", "registration_access_token", "client_id_issued_at"] {
        let failure = mine().update(ClientMetadata::new()).unwrap().remove(name).unwrap_err();
        assert!(matches!(failure.left, Left::Intact(_)), "{name}");
    }
}

#[test]
fn an_update_that_is_answered_by_the_id_alone_was_taken_as_it_was_sent() {
    let (_, server) = registering();
    let good = format!(
        r#"{{"client_id":"c","client_secret":"s3cret",{WAY},"client_name":"Clubs",
        "token_endpoint_auth_method":"client_secret_basic"}}"#
    );
    for answer in [r#"{"client_id":"c"}"#, r#"{"client_id":"c","client_secret":"new"}"#] {
        let changes = ClientMetadata::new()
            .client_name("Other")
            .and_then(|new| new.token_endpoint_auth_method("client_secret_post"))
            .unwrap();
        let update = answered(201, &good).unwrap().update(changes).unwrap();
        let registered = World::new().answer(update, json(200, answer)).unwrap();
        let registered = Registered::from_stored(registered.into_stored(), &server).unwrap();
        assert_eq!(registered.token_endpoint_auth_method(), Some("client_secret_post"), "{answer}");
        let next = sent(&registered.update(ClientMetadata::new().scope("read").unwrap()).unwrap());
        assert_eq!(
            (&next["client_name"], &next["token_endpoint_auth_method"]),
            (&json!("Other"), &json!("client_secret_post"))
        );
    }
}

#[test]
fn a_removed_method_is_the_default_again() {
    let (_, server) = registering();
    let good = format!(
        r#"{{"client_id":"c","client_secret":"s3cret",{WAY},"token_endpoint_auth_method":"client_secret_post"}}"#
    );
    let update = answered(201, &good).unwrap().update(ClientMetadata::new()).unwrap();
    let update = update.remove("token_endpoint_auth_method").unwrap();
    let registered = World::new().answer(update, json(200, r#"{"client_id":"c","scope":"read"}"#)).unwrap();
    let client = registered.client(&server).unwrap();
    assert!(format!("{client:?}").contains("client_secret_basic"), "{client:?}");
}

#[test]
fn what_follows_from_a_change_can_be_left_out() {
    let good = format!(r#"{{"client_id":"c",{WAY}}}"#);
    let moved = ClientMetadata::new().redirect_uri("https://app.example/new").unwrap();
    let update = answered(201, &good).unwrap().update(moved).unwrap().remove("application_type").unwrap();
    assert!(sent(&update).get("application_type").is_none());
}
