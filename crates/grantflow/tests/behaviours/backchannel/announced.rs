//! What the server's metadata says about backchannel authentication is obeyed before anything is sent.

use super::*;

use grantflow::Discovery;

const BASE: &str = r#""issuer":"https://as.example","token_endpoint":"https://as.example/token",
    "backchannel_authentication_endpoint":"https://as.example/bc""#;

fn client_by(members: &str) -> ConfidentialClient {
    let document = format!("{{{BASE}{members}}}");
    let metadata = Discovery::new(ISSUER).unwrap().read(&document).unwrap();
    metadata.server().unwrap().client(BANK).secret_basic(SECRET).unwrap()
}

fn sends(request: &BackchannelRequest) -> Result<(), Error> {
    request.request(&mut Env::new(NOW, &mut Dice(1))).map(drop)
}

fn pings(client: &ConfidentialClient) -> Result<BackchannelRequest, Error> {
    request(client).ping(&mut Env::new(NOW, &mut Dice(1)))
}

#[test]
fn the_endpoint_comes_from_the_metadata() {
    let (mut provider, _) = world();
    let at = provider.endpoint_url(Endpoint::ServerMetadata);
    let response = provider.handle(&http::Request::get(at).body("").unwrap());
    let metadata = Discovery::new(ISSUER).unwrap().read(std::str::from_utf8(response.body()).unwrap()).unwrap();
    let modes = metadata.backchannel_token_delivery_modes_supported().unwrap();
    assert_eq!(modes, ["poll", "ping"]);
    assert_eq!(metadata.backchannel_user_code_parameter_supported(), Some(false));
    let client = metadata.server().unwrap().client(BANK).secret_basic(SECRET).unwrap();
    let _grant = granted(&mut provider, request(&client));
}

#[test]
fn a_mode_that_is_not_listed_is_refused_before_anything_is_sent() {
    for (modes, poll, ping) in [
        (r#"["poll"]"#, true, false),
        (r#"["ping"]"#, false, true),
        (r#"["poll","ping","push"]"#, true, true),
        (r#"["push"]"#, false, false),
        ("[]", false, false),
        // By RFC 8414 §3.2, names are compared exactly.
        (r#"["Poll","PING"]"#, false, false),
    ] {
        let client = client_by(&format!(r#","backchannel_token_delivery_modes_supported":{modes}"#));
        match sends(&request(&client)) {
            Ok(()) => assert!(poll, "{modes}"),
            failed => {
                assert!(!poll, "{modes}");
                assert_eq!(fault(failed), BackchannelFault::NoPoll);
            }
        }
        match pings(&client) {
            Ok(request) => assert!(ping && sends(&request).is_ok(), "{modes}"),
            failed => {
                assert!(!ping, "{modes}");
                assert_eq!(fault(failed), BackchannelFault::NoPing);
            }
        }
        let own = request(&client).ping_with_token("0123456789abcdef0123456789");
        assert_eq!(own.is_ok(), ping, "{modes}");
    }
    // A server that says nothing, or nothing that can be read, may have every mode.
    for unsaid in [
        "",
        r#","backchannel_token_delivery_modes_supported":null"#,
        r#","backchannel_token_delivery_modes_supported":"ping""#,
    ] {
        let client = client_by(unsaid);
        assert!(sends(&request(&client)).is_ok() && pings(&client).is_ok(), "{unsaid}");
    }
}

#[test]
fn the_error_says_what_to_configure() {
    let client = client_by(r#","backchannel_token_delivery_modes_supported":["push"]"#);
    let text = sends(&request(&client)).unwrap_err().to_string();
    assert!(text.contains("register the client for ping") && text.contains("pushes are not taken"), "{text}");
    let text = pings(&client).unwrap_err().to_string();
    assert!(text.contains("backchannel_token_delivery_modes_supported"), "{text}");
    // The list can be corrected by hand.
    let server = client_by(r#","backchannel_token_delivery_modes_supported":["poll"]"#);
    let server = grantflow::Client::from(&server).server().clone();
    let server = server.backchannel_token_delivery_modes_supported(&["poll", "ping"]);
    assert!(pings(&server.client(BANK).secret_basic(SECRET).unwrap()).is_ok());
}

#[test]
fn a_persons_code_is_not_sent_to_a_server_that_says_that_it_takes_none() {
    let no = client_by(r#","backchannel_user_code_parameter_supported":false"#);
    assert_eq!(fault(request(&no).user_code("4711")), BackchannelFault::NoUserCode);
    assert!(sends(&request(&no)).is_ok());
    for other in ["", "true", "null", "\"false\"", "0"] {
        let said = format!(r#","backchannel_user_code_parameter_supported":{other}"#);
        let client = client_by(if other.is_empty() { "" } else { &said });
        assert!(request(&client).user_code("4711").is_ok(), "{other}");
    }
}

#[test]
fn a_client_that_authenticates_in_another_way_is_refused() {
    let document = format!(r#"{{{BASE},"token_endpoint_auth_methods_supported":["client_secret_post"]}}"#);
    let server = Discovery::new(ISSUER).unwrap().read(&document).unwrap().server().unwrap();
    assert!(matches!(server.client(BANK).secret_basic(SECRET), Err(Error::Misuse(Misuse::AuthMethod(_)))));
    assert!(sends(&request(&server.client(BANK).secret_post(SECRET).unwrap())).is_ok());
}
