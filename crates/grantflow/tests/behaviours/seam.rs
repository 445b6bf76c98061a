//! What a grant of another crate may put into a token request.

use grantflow::{Asked, Client, Error, Message, Misuse, Quirk, Server};

use crate::support::*;

const GRANT: (&str, &str) = ("grant_type", "urn:example:voucher");

fn client(url: &str, renamed: &[(&str, &str)]) -> Client {
    let server = Server::with_token_endpoint(url).unwrap();
    let server = renamed.iter().fold(server, |server, (standard, actual)| {
        server.quirk(Quirk::renamed(Message::TokenRequest, standard, actual)).unwrap()
    });
    Client::from(&server.client("robot").secret_post("s3cret").unwrap())
}

fn body(client: &Client, fields: &[(&str, &str)], asked: &Asked) -> Result<String, Error> {
    let mut rng = Dice(1);
    let mut env = grantflow::Env::new(grantflow::UnixTime::from_secs(1_700_000_000), &mut rng);
    let request = client.token_request(&mut env, fields, asked)?;
    Ok(String::from_utf8(request.into_body().into()).unwrap())
}

fn is_reserved(result: Result<String, Error>) -> bool {
    matches!(result, Err(Error::Misuse(Misuse::ReservedParameter)))
}

#[test]
fn a_servers_own_name_for_a_parameter_is_no_field() {
    let renamed =
        [("client_id", "client_key"), ("client_secret", "secret"), ("scope", "permissions"), ("code", "ticket")];
    let client = client("https://as.example/token", &renamed);
    let asked = Asked::new(client.clone());
    for name in ["client_key", "secret", "permissions", "ticket"] {
        assert!(is_reserved(body(&client, &[GRANT, (name, "x")], &asked)), "{name}");
    }
    let sent = body(&client, &[GRANT, ("code", "x")], &asked).unwrap();
    assert_eq!(sent, "grant_type=urn%3Aexample%3Avoucher&ticket=x&client_key=robot&secret=s3cret");
}

#[test]
fn what_was_asked_for_at_another_server_is_checked_again() {
    let other = client("https://other.example/token", &[]);
    let mut asked = Asked::new(other);
    asked.param("client_key", "mallory").unwrap();
    let renamed = client("https://as.example/token", &[("client_id", "client_key")]);
    assert!(is_reserved(body(&renamed, &[GRANT], &asked)));
    let with_query = client("https://as.example/token?client_key=1", &[]);
    let result = body(&with_query, &[GRANT], &asked);
    assert!(matches!(result, Err(Error::Misuse(Misuse::DuplicateParameter))), "{result:?}");
}

#[test]
fn removed_grants_and_reserved_names_are_refused_in_any_case() {
    let client = client("https://as.example/token", &[]);
    let asked = Asked::new(client.clone());
    for grant in ["Password", "PASSWORD", " password", "password\t", "Implicit", " "] {
        assert!(is_reserved(body(&client, &[("grant_type", grant)], &asked)), "{grant:?}");
    }
    for name in ["Client_Id", "CLIENT_SECRET", "Scope", "Username", "PassWord", " client_id", "scope\t", " "] {
        assert!(is_reserved(body(&client, &[GRANT, (name, "x")], &asked)), "{name}");
    }
    let twice = body(&client, &[GRANT, ("Grant_Type", "password")], &asked);
    assert!(matches!(twice, Err(Error::Misuse(Misuse::DuplicateParameter))), "{twice:?}");
}

/// Else a code could be exchanged without the checks of a callback, and a refresh token could be sent twice.
#[test]
fn a_grant_that_has_a_flow_here_is_not_built_beside_it() {
    let client = client("https://as.example/token", &[]);
    let asked = Asked::new(client.clone());
    let grants = [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
    ];
    for grant in grants {
        assert!(is_reserved(body(&client, &[("grant_type", grant), ("code", "x")], &asked)), "{grant}");
    }
}
