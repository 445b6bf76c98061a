//! How a registered client authenticates: as the server says, else as was asked, else as the server announces.

use grantflow::{ClientMetadata, Error, Misuse, Quirk, Registration, RegistrationFault};

use super::*;

/// The method of the client, `Debug` says it.
fn method(registered: &Registered, server: &Server) -> Result<String, RegistrationFault> {
    match registered.client(server) {
        Ok(client) => {
            let shown = format!("{client:?}");
            Ok(shown.split("auth: ").nth(1).unwrap().split(',').next().unwrap().to_owned())
        }
        Err(Error::Misuse(Misuse::Registration(fault))) => Err(fault),
        Err(other) => panic!("{other}"),
    }
}

fn told(server: &Server, asked: Option<&str>, answer: &Value) -> Registered {
    let metadata = asked.map_or(app(), |method| app().token_endpoint_auth_method(method).unwrap());
    let registration = Registration::new(server, metadata).unwrap();
    World::new().answer(registration, json(201, &answer.to_string())).unwrap()
}

#[test]
fn the_returned_method_wins_then_the_asked_one_then_the_announced_one() {
    let (_, server) = registering();
    let announces = |methods: &[&str]| server.clone().token_endpoint_auth_methods_supported(methods);
    let (basic, post, none) = ("client_secret_basic", "client_secret_post", "none");
    let both = &[basic, post, none][..];
    let jwt = "private_key_jwt";
    for (announced, asked, returned, secret, expected) in [
        (both, Some(basic), Some(post), true, Ok(post)),
        (both, Some(post), Some(basic), true, Ok(basic)),
        // A secret is not sent to a server that said `none`.
        (both, Some(basic), Some(none), true, Ok(none)),
        (both, Some(none), Some(none), false, Ok(none)),
        (both, Some(none), Some(basic), true, Ok(basic)),
        (both, Some(none), Some(basic), false, Err(RegistrationFault::NoSecret)),
        (both, Some(post), None, true, Ok(post)),
        // A server that gives a secret has not registered `none`.
        (both, Some(none), None, true, Ok(basic)),
        (&[post], Some(none), None, true, Ok(post)),
        (both, Some(basic), None, false, Err(RegistrationFault::NoSecret)),
        (both, None, None, true, Ok(basic)),
        (both, None, None, false, Ok(none)),
        (&[post], None, None, true, Ok(post)),
        (&[jwt, post], None, None, true, Ok(post)),
        (&[basic], None, None, true, Ok(basic)),
        (&[], None, None, true, Ok(basic)),
        // The registration says more than the metadata.
        (&[basic], Some(basic), Some(post), true, Ok(post)),
        (&[post], None, Some(basic), true, Ok(basic)),
        (both, Some(basic), Some(jwt), true, Err(RegistrationFault::AuthMethod)),
        (both, Some(jwt), None, true, Err(RegistrationFault::AuthMethod)),
        (both, Some(basic), Some("tls_client_auth"), false, Err(RegistrationFault::AuthMethod)),
        (both, Some(basic), Some("client_secret_jwt"), true, Err(RegistrationFault::AuthMethod)),
        (both, Some(basic), Some("Client_Secret_Basic"), true, Err(RegistrationFault::AuthMethod)),
        (both, Some(basic), Some("NONE"), false, Err(RegistrationFault::AuthMethod)),
    ] {
        let server = announces(announced);
        let mut answer = json!({ "client_id": "c" });
        if let Some(returned) = returned {
            answer["token_endpoint_auth_method"] = returned.into();
        }
        if secret {
            answer["client_secret"] = SECRET.into();
        }
        let registered = told(&server, asked, &answer);
        let found = method(&registered, &server);
        assert_eq!(found.as_deref(), expected.as_ref().copied(), "{announced:?} {asked:?} {returned:?} {secret}");
    }
}

#[test]
fn a_server_without_announced_methods_takes_basic() {
    let server = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    let server = server.issuer(ISSUER).unwrap().registration_endpoint("https://as.example/register").unwrap();
    let registered = told(&server, None, &json!({ "client_id": "c", "client_secret": SECRET }));
    assert_eq!(method(&registered, &server).as_deref(), Ok("client_secret_basic"));
}

#[test]
fn a_client_that_this_library_cannot_be_is_still_registered() {
    let (mut provider, server) = registering();
    provider.knobs().registered_auth_method = Some("private_key_jwt".to_owned());
    let registered = registered(&mut provider, &server);
    let error = registered.client(&server).unwrap_err();
    assert!(error.to_string().contains("the client is registered"), "{error}");
    assert!(!error.to_string().contains("private_key_jwt"), "the server wrote it");
    assert_eq!(registered.token_endpoint_auth_method(), Some("private_key_jwt"));
    // Nothing is lost: the client can be changed, or deleted.
    provider.knobs().registered_auth_method = None;
    let changes = ClientMetadata::new().token_endpoint_auth_method("client_secret_post").unwrap();
    let registered = run_to_its_end(&mut provider, registered.update(changes).unwrap()).0.unwrap();
    assert!(registered.client(&server).is_ok());
    run_to_its_end(&mut provider, registered.delete().unwrap()).0.unwrap();
}

#[test]
fn a_public_client_at_a_server_without_pkce_is_refused_as_everywhere() {
    let server = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    let server = server.issuer(ISSUER).unwrap().registration_endpoint("https://as.example/register").unwrap();
    let registered = told(&server, Some("none"), &json!({ "client_id": "c" }));
    let server = server.quirk(Quirk::RefusesPkce).unwrap();
    assert!(matches!(registered.client(&server), Err(Error::Misuse(Misuse::Quirk(_)))));
}
