//! What is sent: one hint, the scope `openid`, and parameters that were checked when they were given.

use super::*;

use grantflow::AuthorizationDetails;

fn sent(request: &BackchannelRequest) -> String {
    body(&request.request(&mut Env::new(NOW, &mut Dice(1))).unwrap())
}

#[test]
fn each_hint_is_sent_under_its_name_and_alone() {
    let (provider, client) = world();
    let hints = ["login_hint", "id_token_hint", "login_hint_token"];
    for (at, request) in [
        BackchannelRequest::with_login_hint(&client, "ada@example.com"),
        BackchannelRequest::with_id_token_hint(&client, "ada@example.com"),
        BackchannelRequest::with_login_hint_token(&client, "ada@example.com"),
    ]
    .into_iter()
    .enumerate()
    {
        let request = request.unwrap().request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri().to_string(), provider.endpoint_url(Endpoint::BackchannelAuthentication));
        let text = body(&request);
        for (other, name) in hints.iter().enumerate() {
            let expected = if other == at { "ada@example.com" } else { "" };
            assert_eq!(parameter(&text, name), expected, "{text}");
        }
    }
}

#[test]
fn a_second_hint_cannot_be_smuggled_in() {
    let (_, client) = world();
    for name in [
        "login_hint",
        "id_token_hint",
        "login_hint_token",
        "LOGIN_HINT",
        " login_hint",
        "scope",
        "client_notification_token",
        "binding_message",
        "user_code",
        "requested_expiry",
        "acr_values",
        "resource",
        "request",
        "client_id",
        "client_secret",
        "authorization_details",
    ] {
        let error = request(&client).param(name, "x").unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::ReservedParameter)), "{name}: {error}");
    }
    let error = request(&client).param("a", "1").unwrap().param("a", "2").unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::DuplicateParameter)), "{error}");
    // Nor by the endpoint's own query.
    let server = Server::with_token_endpoint("https://as.example/token").unwrap();
    assert!(server.clone().backchannel_authentication_endpoint("https://as.example/bc?login_hint=eve").is_err());
    assert!(server.backchannel_authentication_endpoint("https://as.example/bc?tenant=a").is_ok());
}

#[test]
fn an_empty_hint_names_nobody() {
    let (_, client) = world();
    for hint in ["", " ", "\t\n"] {
        assert_eq!(fault(BackchannelRequest::with_login_hint(&client, hint)), BackchannelFault::Hint);
        assert_eq!(fault(BackchannelRequest::with_id_token_hint(&client, hint)), BackchannelFault::Hint);
        assert_eq!(fault(BackchannelRequest::with_login_hint_token(&client, hint)), BackchannelFault::Hint);
    }
}

#[test]
fn openid_is_asked_for_in_every_case() {
    let (_, client) = world();
    let plain = BackchannelRequest::with_login_hint(&client, "ada").unwrap();
    assert_eq!(parameter(&sent(&plain), "scope"), "openid");
    for (given, expected) in [
        ("payments", "openid payments"),
        ("openid payments", "openid payments"),
        ("payments openid", "payments openid"),
        ("openid", "openid"),
        ("openidx", "openid openidx"),
    ] {
        let request = BackchannelRequest::with_login_hint(&client, "ada").unwrap().scope(given).unwrap();
        assert_eq!(parameter(&sent(&request), "scope"), expected);
        let grant = grant_by(request, 60, 5);
        let Ok(Step::Done(tokens)) = grant.respond(&mut Env::new(after(5), &mut Dice(1)), tokens().unwrap()) else {
            panic!("these are tokens")
        };
        assert_eq!(tokens.scope().requested().unwrap().as_str(), expected);
    }
    assert!(matches!(request(&client).scope("a\"b").unwrap_err(), Error::Misuse(Misuse::Scope)));
}

#[test]
fn what_the_caller_asks_for_is_sent_and_checked() {
    let (_, client) = world();
    let details = AuthorizationDetails::from_json(r#"[{"type":"payment"}]"#).unwrap();
    let request = request(&client)
        .binding_message("W4SCT")
        .and_then(|request| request.user_code("1 2&3"))
        .and_then(|request| request.requested_expiry(Duration::from_millis(120_900)))
        .and_then(|request| request.acr_values("urn:a  urn:b "))
        .and_then(|request| request.resource("https://api.example/v1"))
        .and_then(|request| request.authorization_details(details))
        .and_then(|request| request.param("ui_locales", "de fr"))
        .unwrap();
    let text = sent(&request);
    for (name, value) in [
        ("login_hint", "ada"),
        ("scope", "openid payments"),
        ("binding_message", "W4SCT"),
        ("user_code", "1 2&3"),
        ("requested_expiry", "120"),
        ("acr_values", "urn:a urn:b"),
        ("resource", "https://api.example/v1"),
        ("authorization_details", r#"[{"type":"payment"}]"#),
        ("ui_locales", "de fr"),
        ("client_notification_token", ""),
    ] {
        assert_eq!(parameter(&text, name), value, "{text}");
    }
    let grant = grant_by(request, 60, 5);
    let poll = body(&grant.request(&mut Env::new(after(5), &mut Dice(1))).unwrap());
    assert_eq!(parameter(&poll, "resource"), "https://api.example/v1", "RFC 8707 §2.2");
    for name in ["scope", "login_hint", "user_code", "ui_locales"] {
        assert_eq!(parameter(&poll, name), "", "{poll}");
    }
}

#[test]
fn a_message_that_people_cannot_compare_is_refused() {
    let (_, client) = world();
    let longest = "é".repeat(256);
    for good in ["W4SCT", "1", "Paiement de 3,50 €", "支付", longest.as_str(), "a b"] {
        let request = request(&client).binding_message(good).unwrap();
        assert_eq!(parameter(&sent(&request), "binding_message"), good);
    }
    let too_long = "a".repeat(257);
    for bad in [
        "",
        " ",
        "\u{a0}",
        "two\nlines",
        "a\tb",
        "bell\u{7}",
        "\u{202e}evil",
        "a\u{2028}b",
        "a\u{200b}b",
        "\u{feff}a",
        "a\u{2066}b",
        "a\u{85}b",
        too_long.as_str(),
    ] {
        assert_eq!(fault(request(&client).binding_message(bad)), BackchannelFault::BindingMessage, "{bad:?}");
    }
}

#[test]
fn other_values_that_no_server_can_take_are_refused() {
    let (_, client) = world();
    let request = || request(&client);
    let long = "1".repeat(1025);
    for bad in ["", "12\n34", "\u{0}", long.as_str()] {
        assert_eq!(fault(request().user_code(bad)), BackchannelFault::UserCode, "{bad:?}");
    }
    for lifetime in [Duration::ZERO, Duration::from_millis(999)] {
        assert_eq!(fault(request().requested_expiry(lifetime)), BackchannelFault::RequestedExpiry);
    }
    for bad in ["", " ", "urn:é", "a\tb", "a\nb"] {
        assert_eq!(fault(request().acr_values(bad)), BackchannelFault::AcrValues, "{bad:?}");
    }
    assert!(request().resource("not a uri").is_err());
    assert!(request().requested_expiry(Duration::MAX).is_ok());
}

#[test]
fn a_ping_has_a_token_of_256_bits_that_no_other_has() {
    let (_, client) = world();
    let token = |seed| parameter(&sent(&pinged(&client, seed)), "client_notification_token");
    let first = token(1);
    assert_eq!(first.len(), 43);
    assert!(first.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{first}");
    assert_ne!(first, token(2));
    // The same request asks with the same token, also when it is sent again.
    let request = pinged(&client, 1);
    assert_eq!(sent(&request), sent(&request));

    struct Broken(u8);
    impl grantflow::Entropy for Broken {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
            bytes.fill(self.0);
            if self.0 == 0 { Err(grantflow::EntropyFailed) } else { Ok(()) }
        }
    }
    for source in [0, 7] {
        let error = super::request(&client).ping(&mut Env::new(NOW, &mut Broken(source))).unwrap_err();
        assert!(matches!(error, Error::Entropy), "{error}");
    }
}

#[test]
fn a_token_that_the_caller_made_must_be_a_long_bearer_token() {
    let (_, client) = world();
    let longest = "a".repeat(1024);
    for good in ["0123456789abcdef012345", "AbC-._~+/0123456789abcdef==", longest.as_str()] {
        let request = request(&client).ping_with_token(good).unwrap();
        assert_eq!(parameter(&sent(&request), "client_notification_token"), good);
    }
    let too_long = "a".repeat(1025);
    let padded = format!("{}==", "a".repeat(1023));
    for bad in [
        "",
        "0123456789abcdef01234",
        "0123456789abcdef 01234567",
        "0123456789abcdef=01234567",
        "0123456789abcdef01234é",
        "=====================================",
        "a=====================================",
        "0123456789abcdef\n01234567",
        too_long.as_str(),
        padded.as_str(),
    ] {
        assert_eq!(fault(request(&client).ping_with_token(bad)), BackchannelFault::NotificationToken, "{bad:?}");
    }
}

#[test]
fn every_way_to_authenticate_works_at_the_endpoint() {
    let (mut provider, _) = world();
    for (client, seen) in [
        (server_of(&provider).client(BANK).secret_basic(SECRET).unwrap(), testkit::ClientAuth::Basic),
        (server_of(&provider).client(BANK).secret_post(SECRET).unwrap(), testkit::ClientAuth::Post),
    ] {
        let _grant = granted(&mut provider, request(&client));
        assert_eq!(provider.hits_at(Endpoint::BackchannelAuthentication).last().unwrap().auth, seen);
    }
}

#[test]
fn a_server_without_the_endpoint_is_an_error_before_anything_is_sent() {
    let server = Server::with_token_endpoint("https://as.example/token").unwrap();
    let client = server.client(BANK).secret_basic(SECRET).unwrap();
    let error = BackchannelRequest::with_login_hint(&client, "ada").unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::NoEndpoint(_))), "{error}");
    assert!(error.to_string().contains("no backchannel authentication endpoint"), "{error}");
}

#[test]
fn its_debug_shows_neither_the_person_nor_a_secret() {
    let (_, client) = world();
    let request = pinged(&client, 1).user_code("4711").unwrap().binding_message("to-eve").unwrap();
    let token = parameter(&sent(&request), "client_notification_token");
    let shown = format!("{request:?}");
    for hidden in ["ada", "4711", "to-eve", token.as_str(), SECRET] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    assert!(shown.contains("login_hint"), "{shown}");
}
