//! The credentials of a registration never reach another issuer or another origin: no metadata, no answer and no order of the
//! requests changes that.

use grantflow::{
    ClientCredentials, ClientMetadata, Discovery, Env, Error, Exchange, Left, Registered, Registration, Server, Step,
    UnixTime,
};
use http::{Request, Response};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::Dice;

const NOW: UnixTime = UnixTime::from_secs(1_750_000_000);
const ISSUER: &str = "https://as.example/tenant";
const SECRET: &str = "s3cret-of-the-registered-client";
const TOKEN: &str = "t0ken-of-the-registration";
const INITIAL: &str = "initial-access-token";

/// The places that a document or an answer names: good ones, bad ones, and almost good ones.
fn places() -> impl Strategy<Value = String> {
    let hosts = prop_oneof![
        Just("as.example".to_owned()),
        Just("AS.example:443".to_owned()),
        Just("api.example".to_owned()),
        Just("evil.example".to_owned()),
        Just("as.example.evil.example".to_owned()),
        Just("as.example@evil.example".to_owned()),
        Just("evil@as.example".to_owned()),
        Just("as.example:8443".to_owned()),
        Just("as.example.".to_owned()),
        Just("127.0.0.1".to_owned()),
        Just("localhost:1".to_owned()),
        "[a-z.:@%\\[\\]0-9]{1,20}",
    ];
    let schemes = prop_oneof![4 => Just("https://"), 1 => Just("http://"), 1 => Just("//"), 1 => Just("javascript:"), 1 => Just("")];
    let paths = prop_oneof![
        Just("/register"),
        Just("/register/c?x=as.example"),
        Just(""),
        Just("\\@as.example"),
        Just("#as.example")
    ];
    (schemes, hosts, paths).prop_map(|(scheme, host, path)| format!("{scheme}{host}{path}"))
}

/// Scheme, host and port of a URL, read in a simple way: only for URLs that were sent.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("an absolute URL");
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap().to_ascii_lowercase();
    assert!(!authority.contains('@'), "{url}");
    let default = if scheme == "https" { ":443" } else { ":80" };
    format!("{scheme}://{}", authority.strip_suffix(default).unwrap_or(&authority))
}

/// The server as its metadata says, if the document can be used.
fn server(registration: &str, token: &str) -> Option<Server> {
    let document = json!({ "issuer": ISSUER, "registration_endpoint": registration, "token_endpoint": token });
    Discovery::new(ISSUER).unwrap().read(&document.to_string()).ok()?.server().ok()
}

/// Checks where the credentials in a request go.
fn check(request: &Request<grantflow::Body>, registration: &str) {
    let to = origin(&request.uri().to_string());
    let header = request.headers().get("authorization").map_or("", |value| value.to_str().unwrap());
    let body = String::from_utf8_lossy(request.body().as_ref()).into_owned();
    let at_home = to == origin(ISSUER) || to == origin(registration);
    assert!(
        !header.contains(TOKEN) && !body.contains(TOKEN) && !body.contains(SECRET) || at_home,
        "credentials to {to}"
    );
    assert!(!header.contains(INITIAL) || to == origin(registration), "the initial access token to {to}");
    assert!(to.starts_with("https://"), "credentials in plain text to {to}");
}

fn answer<X: Exchange>(exchange: X, status: u16, body: &Value) -> Result<X::Output, Left<X>> {
    let response = Response::builder().status(status).body(body.to_string()).unwrap();
    match exchange.respond(&mut Env::new(NOW, &mut Dice(1)), response) {
        Ok(Step::Done(output)) => Ok(output),
        Ok(Step::Again(_)) => panic!("it has one step"),
        Err(failure) => Err(failure.left),
    }
}

fn request(exchange: &impl Exchange) -> Request<grantflow::Body> {
    exchange.request(&mut Env::new(NOW, &mut Dice(1))).unwrap()
}

/// What the server says of the client.
fn information(place: &str) -> Value {
    json!({
        "client_id": "c", "client_secret": SECRET, "registration_access_token": TOKEN, "registration_client_uri": place,
        "token_endpoint_auth_method": "client_secret_post",
    })
}

fn back<X>(left: Left<X>, into: impl FnOnce(X) -> Registered) -> Registered {
    match left {
        Left::Intact(exchange) | Left::Unknown(exchange) => into(*exchange),
        Left::Spent => panic!("the registration is lost"),
    }
}

/// One request about the registration, answered with this place; the registration after it.
fn managed(registered: Registered, how: u8, status: u16, place: &str, registration: &str) -> Registered {
    let answers = information(place);
    match how % 3 {
        0 => match registered.read() {
            Ok(read) => {
                check(&request(&read), registration);
                answer(read, status, &answers).unwrap_or_else(|left| back(left, |read| read.into_registered()))
            }
            Err(failure) => back(failure.left, |registered| registered),
        },
        1 => match registered.update(ClientMetadata::new().client_uri("https://evil.example").unwrap()) {
            Ok(update) => {
                check(&request(&update), registration);
                answer(update, status, &answers).unwrap_or_else(|left| back(left, |update| update.into_registered()))
            }
            Err(failure) => back(failure.left, |registered| registered),
        },
        _ => match registered.delete() {
            Ok(deletion) => {
                check(&request(&deletion), registration);
                deletion.into_registered()
            }
            Err(failure) => back(failure.left, |registered| registered),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn registration_credentials_never_reach_another_issuer(
        registration in prop_oneof![3 => Just("https://api.example/register".to_owned()), 1 => places()],
        token in prop_oneof![3 => Just("https://as.example/token".to_owned()), 1 => places()],
        first in places(),
        later in prop::collection::vec((any::<u8>(), prop_oneof![Just(200u16), Just(201), Just(400), Just(302)], places()), 0..6),
        another in places(),
    ) {
        let Some(server) = server(&registration, &token) else { return Ok(()) };
        let metadata = ClientMetadata::new()
            .grant_types(&["client_credentials"])
            .and_then(|new| new.client_uri("https://evil.example"))
            .unwrap();
        let exchange = Registration::new(&server, metadata).unwrap().initial_access_token(INITIAL).unwrap();
        check(&request(&exchange), &registration);
        let Ok(mut registered) = answer(exchange, 201, &information(&first)) else { panic!("a plain answer was refused") };
        for (how, status, place) in later {
            registered = managed(registered, how, status, &place, &registration);
            let stored = serde_json::to_string(&registered.into_stored()).unwrap();
            registered = Registered::from_stored(serde_json::from_str(&stored).unwrap(), &server).unwrap();
        }
        // The secret goes to the token endpoint of a server of this issuer.
        let client = registered.confidential_client(&server).unwrap();
        let sent = request(&ClientCredentials::new(&client));
        prop_assert_eq!(origin(&sent.uri().to_string()), origin(&token));
        // No other server gets it, wherever its endpoints are.
        let elsewhere = Server::with_token_endpoint("https://as.example/token").unwrap();
        if let Ok(other) = elsewhere.issuer(&another) {
            let is_own = matches!(another.as_str(), ISSUER);
            let refused = matches!(registered.client(&other), Err(Error::OtherIssuer(_)));
            prop_assert_eq!(refused, !is_own, "{}", another);
            let stored = serde_json::to_string(&registered.into_stored()).unwrap();
            let restored = Registered::from_stored(serde_json::from_str(&stored).unwrap(), &other);
            prop_assert_eq!(matches!(restored, Err(Error::OtherIssuer(_))), !is_own, "{}", another);
        }
    }

    #[test]
    fn any_metadata_is_read_back_as_it_was_given(name in "\\PC{1,40}", value in any::<String>(), number in any::<i64>()) {
        let metadata = ClientMetadata::new().redirect_uri("https://app.example/cb").unwrap();
        let Ok(metadata) = metadata.member(&name, &json!({ "text": value, "number": number })) else {
            // Blank, or a member that has a method.
            let plain = name.split('#').next().unwrap().trim().to_ascii_lowercase();
            prop_assert!(plain.is_empty() || plain.contains('_') || ["scope", "contacts", "jwks"].contains(&plain.as_str()));
            return Ok(());
        };
        let read: Value = serde_json::from_str(&metadata.to_json()).unwrap();
        prop_assert_eq!(&read[&name], &json!({ "text": value, "number": number }));
        prop_assert_eq!(&read["redirect_uris"], &json!(["https://app.example/cb"]));
    }
}
