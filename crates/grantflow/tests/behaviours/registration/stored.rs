//! A registered client is kept under its issuer.

use grantflow::{StoredFault, StoredRegistration};

use super::*;

fn text(registered: Registered) -> String {
    serde_json::to_string(&registered.into_stored()).unwrap()
}

fn restored(text: &str, server: &Server) -> Result<Registered, Error> {
    Registered::from_stored(serde_json::from_str(text).unwrap(), server)
}

#[test]
fn everything_comes_back() {
    let (mut provider, server) = registering();
    provider.knobs().client_secret_lifetime = Some(600);
    let changed = testkit::Misbehaviour::set("redirect_uris", "[\"https://app.example/other\"]");
    provider.knobs().misbehave_at(Endpoint::Registration, changed);
    provider.knobs().misbehave_at(Endpoint::Registration, testkit::Misbehaviour::set("scope", "42"));
    let metadata = app().token_endpoint_auth_method("client_secret_post").unwrap();
    for expected in [&[][..], &["scope"]] {
        let registration = Registration::new(&server, metadata.clone()).unwrap();
        let registered = run_to_its_end(&mut provider, registration).0.unwrap();
        assert_eq!(registered.tolerated(), expected);
        let before = format!("{registered:?} {:?}", registered.dropped_redirect_uris().collect::<Vec<_>>());
        let request = |registered: Registered| {
            let update = registered.update(ClientMetadata::new()).unwrap();
            let request = World::new().request(&update);
            (format!("{request:?}"), body(&request), update.into_registered())
        };
        let (shown, sent, registered) = request(registered);
        let text = text(registered);
        let registered = restored(&text, &server).unwrap();
        assert_eq!(registered.tolerated(), expected);
        assert_eq!(before, format!("{registered:?} {:?}", registered.dropped_redirect_uris().collect::<Vec<_>>()));
        let (shown_again, sent_again, registered) = request(registered);
        assert_eq!((shown, sent), (shown_again, sent_again));
        assert_eq!(self::text(registered), text);
    }
}

#[test]
fn no_other_issuer_gets_the_credentials() {
    let (mut provider, server) = registering();
    let registered = registered(&mut provider, &server);
    let other = server.clone().issuer("https://evil.example").unwrap();
    let said = |error: Error| match &error {
        Error::OtherIssuer(issuers) => {
            assert_eq!((issuers.expected(), issuers.received()), (ISSUER, "https://evil.example"));
            let text = error.to_string();
            assert!(text.contains(ISSUER) && text.contains("https://evil.example"), "{text}");
            assert_eq!(error.next(), grantflow::Next::FixCaller);
        }
        other => panic!("{other}"),
    };
    said(registered.client(&other).unwrap_err());
    said(registered.confidential_client(&other).unwrap_err());
    let text = text(registered);
    said(restored(&text, &other).unwrap_err());
    let nameless = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    assert!(matches!(restored(&text, &nameless), Err(Error::Misuse(Misuse::NoIssuer))));
    // Only the issuer counts: endpoints move.
    let moved = Server::new("https://as.example/a2", "https://tokens.example/t2").unwrap().issuer(ISSUER).unwrap();
    let registered = restored(&text, &moved).unwrap();
    assert!(registered.client(&moved).is_ok() && registered.is_manageable());
    let spelt = moved.issuer("https://AS.example:443/").unwrap();
    assert!(restored(&text, &spelt).is_ok(), "the same URL");
    for other in ["https://as.example/tenant", "http://127.0.0.1", "https://as.example:444"] {
        let other = server.clone().issuer(other).unwrap();
        assert!(matches!(restored(&text, &other), Err(Error::OtherIssuer(_))));
    }
}

#[test]
fn a_restored_client_is_managed_only_where_its_server_is() {
    let server = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    let server = server.issuer(ISSUER).unwrap().registration_endpoint("https://api.example/register").unwrap();
    let answer =
        r#"{"client_id":"c","registration_access_token":"t","registration_client_uri":"https://api.example/c"}"#;
    let registered = World::new().answer(registration(&server), json(201, answer)).unwrap();
    assert!(registered.is_manageable());
    let text = text(registered);
    // The server has moved its registration endpoint: the token does not follow an old place.
    let moved = server.clone().registration_endpoint("https://new.example/register").unwrap();
    let registered = restored(&text, &moved).unwrap();
    assert!(!registered.is_manageable());
    // Nothing is lost.
    assert!(restored(&self::text(registered), &server).unwrap().is_manageable());
}

#[test]
fn no_byte_of_it_can_change_unseen() {
    let (mut provider, server) = registering();
    let text = text(registered(&mut provider, &server));
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
        let Ok(stored) = serde_json::from_slice::<StoredRegistration>(&changed) else { continue };
        assert!(Registered::from_stored(stored, &server).is_err(), "byte {at}");
    }
    let newer = text.replacen("\"v\":1", "\"v\":2", 1);
    let error = restored(&newer, &server).unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::Stored(StoredFault::Version))), "{error}");
    let other = text.replacen("\"registration\"", "\"device\"", 1);
    let error = restored(&other, &server).unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::Stored(StoredFault::Damaged))), "{error}");
    let empty = Registered::from_stored(StoredRegistration::default(), &server).unwrap_err();
    assert!(matches!(empty, Error::Misuse(Misuse::Stored(StoredFault::Version))), "{empty}");
}
