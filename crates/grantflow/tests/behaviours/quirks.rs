//! Each quirk: refused without it, read or written with it. Nothing is detected.

use grantflow::{Authorization, Callback, Error, Message, Misuse, Quirk, Server, Tokens, UrlFault, Violation};

use crate::support::*;

/// The result of a token answer for a client with these quirks.
fn answer(quirks: &[Quirk], body: &str) -> Result<Tokens, Error> {
    let mut world =
        World::with(|server| quirks.iter().fold(server, |server, quirk| server.quirk(quirk.clone()).unwrap()));
    let exchange = world.exchange();
    world.answer(exchange, json(200, body)).map_err(Into::into)
}

fn violation(result: Result<Tokens, Error>) -> Violation {
    match result.unwrap_err() {
        Error::Protocol(broken) => broken.violation(),
        other => panic!("{other}"),
    }
}

fn access(tokens: &Tokens) -> &str {
    tokens.bearer().unwrap().expose_secret()
}

#[test]
fn basic_credentials_are_encoded_unless_the_server_does_not_decode() {
    let header = |quirk: Option<Quirk>| {
        let server = Server::with_token_endpoint("https://as.example/token").unwrap();
        let server = quirk.into_iter().fold(server, |server, quirk| server.quirk(quirk).unwrap());
        let client = server.client("a b").secret_basic("c+d:e").unwrap();
        let request = World::new().request(&grantflow::ClientCredentials::new(&client));
        request.headers()["authorization"].to_str().unwrap().to_owned()
    };
    // "a%20b:c%2Bd%3Ae" and "a b:c+d:e"
    assert_eq!(header(None), "Basic YSUyMGI6YyUyQmQlM0Fl");
    assert_eq!(header(Some(Quirk::UnencodedBasic)), "Basic YSBiOmMrZDpl");

    let server = Server::with_token_endpoint("https://as.example/token").unwrap().quirk(Quirk::UnencodedBasic).unwrap();
    for (id, secret) in [("a:b", "c"), ("a", "b\n")] {
        assert!(matches!(server.client(id).secret_basic(secret), Err(Error::Misuse(Misuse::Quirk(_)))), "{id}");
    }

    let mut world = World::new();
    world.provider.knobs().raw_basic = true;
    world.provider.register(grantflow_testkit::Client::confidential("raw id", "p%3A+s").scope("read"));
    let run = |world: &mut World, quirk: Option<Quirk>| {
        let server = Server::with_token_endpoint(&world.provider.token_url()).unwrap();
        let server = quirk.into_iter().fold(server, |server, quirk| server.quirk(quirk).unwrap());
        let client = server.client("raw id").secret_basic("p%3A+s").unwrap();
        world.run(grantflow::ClientCredentials::new(&client)).is_ok()
    };
    assert!(!run(&mut world, None));
    assert!(run(&mut world, Some(Quirk::UnencodedBasic)));
}

#[test]
fn a_refresh_endpoint_gets_refreshes_and_nothing_else() {
    let server = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    let server = server.quirk(Quirk::RefreshEndpoint("https://as.example/oauth/refresh".to_owned())).unwrap();
    let client = server.client("a").secret_post("b").unwrap();
    let mut world = World::new();
    let refresh = || Tokens::of_refresh_token(&client, "r").unwrap().build().refresh().unwrap();
    let request = world.request(&refresh());
    assert_eq!(request.uri(), "https://as.example/oauth/refresh");
    assert_eq!(body(&request), "grant_type=refresh_token&refresh_token=r&client_id=a&client_secret=b");
    let narrower = refresh().scope("read").unwrap();
    assert_eq!(world.request(&narrower).uri(), "https://as.example/oauth/refresh");
    let other = grantflow::ClientCredentials::new(&client);
    assert_eq!(world.request(&other).uri(), "https://as.example/token");

    // What is stored belongs to the token endpoint, with and without the quirk.
    let stored = Tokens::of_refresh_token(&client, "r").unwrap().build().into_stored();
    let plain = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    let plain = plain.client("a").secret_post("b").unwrap();
    let tokens = Tokens::from_stored(stored, &plain).unwrap();
    assert_eq!(world.request(&tokens.refresh().unwrap()).uri(), "https://as.example/token");
}

#[test]
fn a_refresh_endpoint_is_at_the_token_endpoints_origin() {
    let refused = |url: &str| {
        let server = Server::with_token_endpoint("https://as.example/token").unwrap();
        server.quirk(Quirk::RefreshEndpoint(url.to_owned())).unwrap_err()
    };
    for elsewhere in ["https://evil.example/refresh", "https://as.example:8443/refresh", "https://sub.as.example/r"] {
        assert!(matches!(refused(elsewhere), Error::Misuse(Misuse::Quirk(_))), "{elsewhere}");
    }
    for (url, fault) in [
        ("http://as.example/refresh", UrlFault::Insecure),
        ("/refresh", UrlFault::Relative),
        ("https://as.example/refresh#x", UrlFault::Fragment),
        ("https://as.example/refresh?a=b", UrlFault::Query),
        ("https://u@as.example/refresh", UrlFault::UserInfo),
    ] {
        assert!(matches!(refused(url), Error::Misuse(Misuse::Url { fault: found, .. }) if found == fault), "{url}");
    }
    let server = Server::with_token_endpoint("https://as.example/token").unwrap();
    assert!(server.quirk(Quirk::RefreshEndpoint("https://AS.example:443/refresh".to_owned())).is_ok());
}

#[test]
fn a_scope_separator_is_for_requests_and_answers() {
    let mut world = World::with(|server| server.quirk(Quirk::ScopeSeparator(',')).unwrap());
    let url = world.start(&world.authorization()).url;
    assert_eq!(parameter(url.as_str(), "scope"), "read,write");
    let body_of = |world: &mut World, tokens: Tokens| {
        body(&world.request(&tokens.refresh().unwrap().scope("read write").unwrap()))
    };

    let text = r#"{"access_token":"t","token_type":"bearer","refresh_token":"r","scope":"read,write"}"#;
    let tokens = answer(&[Quirk::ScopeSeparator(',')], text).unwrap();
    assert!(tokens.scope().is_narrowed() == Some(false) && tokens.scope().explicit().unwrap().contains("write"));
    assert_eq!(parameter(&body_of(&mut world, tokens), "scope"), "read,write");
    // Requested in the server's way, it is the same scope.
    let asked = world.authorization().scope("read,write").unwrap();
    let url = world.start(&asked).url;
    assert_eq!(parameter(url.as_str(), "scope"), "read,write");
    let exchange = world.exchange_of(&asked);
    let tokens = world.answer(exchange, json(200, text)).unwrap();
    assert!(
        tokens.scope().is_narrowed() == Some(false) && tokens.scope().is_widened() == Some(false),
        "{:?}",
        tokens.scope()
    );
    let refresh = tokens.refresh().unwrap().scope("write,read").unwrap();
    assert_eq!(parameter(&body(&world.request(&refresh)), "scope"), "write,read");
    let credentials = grantflow::ClientCredentials::new(&world.client).scope("read,write").unwrap();
    assert_eq!(parameter(&body(&world.request(&credentials)), "scope"), "read,write");
    let tokens = world.answer(credentials, json(200, text)).unwrap();
    assert!(tokens.scope().is_narrowed() == Some(false) && tokens.scope().requested().unwrap().contains("write"));
    assert!(matches!(world.authorization().scope(","), Err(Error::Misuse(Misuse::Scope))), "nothing is left");

    let strict = answer(&[], text).unwrap();
    assert_eq!(strict.scope().is_narrowed(), Some(true), "without the quirk it is one token with a comma in it");
}

#[test]
fn a_scope_separator_of_answers_leaves_requests_alone() {
    let mut world = World::with(|server| server.quirk(Quirk::AnswerScopeSeparator(',')).unwrap());
    let authorization = world.authorization();
    let url = world.start(&authorization).url;
    assert_eq!(parameter(url.as_str(), "scope"), "read write");
    let exchange = world.exchange_of(&authorization);
    let text = r#"{"access_token":"t","token_type":"bearer","refresh_token":"r","scope":"write,read"}"#;
    let tokens = world.answer(exchange, json(200, text)).unwrap();
    assert_eq!((tokens.scope().is_narrowed(), tokens.scope().is_widened()), (Some(false), Some(false)));
    let refresh = tokens.refresh().unwrap().scope("read write").unwrap();
    assert_eq!(parameter(&body(&world.request(&refresh)), "scope"), "read write");
    // A token with a comma in it is sent as it is.
    let url = world.start(&world.authorization().scope("a,b").unwrap()).url;
    assert_eq!(parameter(url.as_str(), "scope"), "a,b");
    let strict = answer(&[], text).unwrap();
    assert_eq!(strict.scope().is_narrowed(), Some(true), "without the quirk it is one token with a comma in it");
}

#[test]
fn a_missing_token_type_is_bearer_where_the_caller_vouches_for_it() {
    let text = r#"{"access_token":"t","expires_in":5184000}"#;
    assert_eq!(violation(answer(&[], text)), Violation::Missing("token_type"));
    assert_eq!(access(&answer(&[Quirk::MissingTokenType], text).unwrap()), "t");
    // A type that is present must still be understood.
    let odd = r#"{"access_token":"t","token_type":"mac"}"#;
    assert_eq!(violation(answer(&[Quirk::MissingTokenType], odd)), Violation::UnknownTokenType);
}

#[test]
fn a_form_encoded_answer_is_read_with_its_errors_and_its_rest() {
    let text = "access_token=a%2Bb&token_type=bearer&scope=read&expires_in=60&site=x%20y&n=7";
    assert!(matches!(violation(answer(&[], text)), Violation::NotJson { .. }));
    let quirks = [Quirk::FormEncodedAnswer];
    let tokens = answer(&quirks, text).unwrap();
    assert_eq!((access(&tokens), tokens.expires_at().unwrap().saturating_since(NOW).as_secs()), ("a+b", 60));
    #[derive(serde::Deserialize)]
    struct Rest {
        site: String,
        n: u64,
    }
    let rest: Rest = tokens.extra().unwrap();
    assert_eq!((rest.site.as_str(), rest.n), ("x y", 7));
    let refused = answer(&quirks, "error=bad_verification_code&error_description=The+code+is+wrong").unwrap_err();
    assert_eq!(refused.code().unwrap().as_str(), "bad_verification_code");
    assert_eq!(
        violation(answer(&quirks, "access_token=a&access_token=b&token_type=bearer")),
        Violation::Duplicate("access_token")
    );
    assert_eq!(violation(answer(&quirks, "access_token=%ff&token_type=bearer")), Violation::WrongType("access_token"));
    // The other members of a form are stored as a form.
    let world = World::with(|server| server.quirk(Quirk::FormEncodedAnswer).unwrap());
    let tokens = Tokens::from_stored(answer(&quirks, text).unwrap().into_stored(), &world.client).unwrap();
    assert_eq!(tokens.extra::<Rest>().unwrap().n, 7);
}

#[test]
fn a_json_request_body_has_the_same_parameters() {
    let mut world = World::with(|server| server.quirk(Quirk::JsonRequestBody).unwrap());
    world.provider.knobs().accept_form = false;
    let plain = World::new().exchange();
    assert!(world.run(plain).is_err(), "this server takes no form");
    world.provider.knobs().accept_json = true;
    let authorization = world.authorization().resource("urn:a").unwrap().resource("urn:b").unwrap();
    let exchange = world.exchange_of(&authorization).param("quote", "\"\\\n").unwrap();
    let request = world.request(&exchange);
    assert_eq!(request.headers()["content-type"], "application/json");
    let value: serde_json::Value = serde_json::from_slice(request.body().as_ref()).unwrap();
    assert_eq!(value["grant_type"], "authorization_code");
    assert_eq!(
        (&value["client_id"], &value["client_secret"], &value["quote"]),
        (&ID.into(), &SECRET.into(), &"\"\\\n".into())
    );
    assert_eq!(value["resource"], serde_json::json!(["urn:a", "urn:b"]));
    let tokens = world.run(exchange).unwrap();
    assert!(world.run(tokens.refresh().unwrap()).is_ok());
}

#[test]
fn a_token_path_leads_in_and_a_miss_is_an_error() {
    // The shape of Slack's documented answer: the token at the top belongs to the bot.
    let slack = r#"{"ok":true,"access_token":"xoxb","token_type":"bot","scope":"commands","team":{"id":"T9TK3CUKW"},"authed_user":{"access_token":"xoxp-1234","id":"U1234","scope":"chat:write","token_type":"user"}}"#;
    let quirk = [Quirk::token_path(&["authed_user"]), Quirk::TokenType("user".to_owned())];
    let tokens = answer(&quirk, slack).unwrap();
    assert_eq!(access(&tokens), "xoxp-1234");
    let rest: serde_json::Map<String, serde_json::Value> = tokens.extra().unwrap();
    assert_eq!(rest["id"], "U1234");
    assert!(!rest.contains_key("ok") && !rest.contains_key("team"), "what stands further out is not kept");
    for miss in [
        r#"{"access_token":"bot","token_type":"Bearer"}"#,
        r#"{"access_token":"bot","token_type":"Bearer","authed_user":null}"#,
        r#"{"access_token":"bot","token_type":"Bearer","authed_user":"x"}"#,
        r#"{"authed_user":{"access_token":"a","token_type":"Bearer"},"authed_user":{"access_token":"b","token_type":"Bearer"}}"#,
    ] {
        assert_eq!(violation(answer(&quirk, miss)), Violation::TokenPath, "{miss}");
    }
    let refused = answer(&quirk, r#"{"ok":false,"error":"invalid_code"}"#).unwrap_err();
    assert_eq!(refused.code().unwrap().as_str(), "invalid_code");
    // Inside of a list, as Instagram documents it; in an object, `[0]` is a name.
    let list = [Quirk::token_path(&["data", "[1]", "[0]"])];
    let text = r#"{"data":[{"access_token":"a"},{"[0]":{"access_token":"t","token_type":"bearer"}}]}"#;
    assert_eq!(access(&answer(&list, text).unwrap()), "t");
    for miss in [
        r#"{"data":[{"[0]":{"access_token":"t","token_type":"bearer"}}]}"#,
        r#"{"data":[]}"#,
        r#"{"data":[1,2]}"#,
        r#"{"data":{"[0]":{"access_token":"t","token_type":"bearer"}}}"#,
        r#"{"data":[{},[7]],"access_token":"t","token_type":"bearer"}"#,
    ] {
        assert_eq!(violation(answer(&list, miss)), Violation::TokenPath, "{miss}");
    }
    let error = answer(&list, r#"{"error":"invalid_grant","data":[]}"#).unwrap_err();
    assert_eq!(error.code().unwrap().as_str(), "invalid_grant");
    let deep =
        answer(&[Quirk::token_path(&["a", "b"])], r#"{"a":{"b":{"access_token":"t","token_type":"bearer"}}}"#).unwrap();
    assert_eq!(access(&deep), "t");
}

#[test]
fn renamed_parameters_go_out_and_come_in_under_their_names() {
    let world = || {
        World::with(|server| {
            [
                Quirk::renamed(Message::AuthorizationRequest, "client_id", "client_key"),
                Quirk::renamed(Message::Callback, "code", "spapi_oauth_code"),
                Quirk::renamed(Message::TokenRequest, "client_id", "app&id"),
                Quirk::renamed(Message::TokenRequest, "client_secret", "secret"),
                Quirk::renamed(Message::TokenRequest, "code", "auth_code"),
                Quirk::renamed(Message::TokenAnswer, "access_token", "accessToken"),
                Quirk::renamed(Message::TokenAnswer, "expires_in", "expires"),
            ]
            .into_iter()
            .fold(server, |server, quirk| server.quirk(quirk).unwrap())
        })
    };
    let mut world = world();
    let (pending, url) = world.pending();
    assert_eq!((parameter(&url, "client_key"), parameter(&url, "client_id")), (ID.to_owned(), String::new()));
    let state = parameter(&url, "state");
    let exchange =
        granted(pending.receive_url(&format!("{REDIRECT_URI}?spapi_oauth_code=c&state={state}&code=ignored")));
    let text = body(&world.request(&exchange));
    assert_eq!(
        (parameter(&text, "auth_code"), parameter(&text, "app&id"), parameter(&text, "secret")),
        ("c".into(), ID.into(), SECRET.into())
    );
    assert!(parameter(&text, "code").is_empty() && parameter(&text, "client_secret").is_empty());
    let answer = r#"{"accessToken":"t","token_type":"Bearer","expires":60,"access_token":"decoy"}"#;
    let tokens = world.answer(exchange, json(200, answer)).unwrap();
    assert_eq!((access(&tokens), tokens.expires_at().unwrap().saturating_since(NOW).as_secs()), ("t", 60));

    // So the redirect URI's own query may not have it, in any spelling.
    for own in ["spapi_oauth_code=1", "sp%61pi_oauth_code"] {
        let refused = Authorization::new(&world.client, &format!("{REDIRECT_URI}?{own}")).unwrap_err();
        let reserved = UrlFault::ReservedParameter;
        assert!(matches!(refused, Error::Misuse(Misuse::Url { fault, .. }) if fault == reserved), "{own}: {refused}");
    }
    // A new name is reserved too, and the standard name in the callback no longer has a meaning.
    let refused = Authorization::new(&world.client, REDIRECT_URI).unwrap().param("client_key", "x").unwrap_err();
    assert!(matches!(refused, Error::Misuse(Misuse::ReservedParameter)));
    let (pending, url) = world.pending();
    let state = parameter(&url, "state");
    assert!(matches!(pending.receive_url(&format!("{REDIRECT_URI}?code=c&state={state}")), Callback::Rejected(_)));
}

#[test]
fn null_and_lists_are_read_where_the_caller_vouches_for_them() {
    let null = r#"{"access_token":"t","token_type":"bearer","expires_in":0,"scope":null,"refresh_token":null}"#;
    let unsure = answer(&[], null).unwrap();
    assert_eq!((unsure.tolerated(), unsure.scope().effective()), (&["refresh_token", "scope"][..], None));
    let tokens = answer(&[Quirk::NullIsAbsent], null).unwrap();
    assert_eq!((tokens.tolerated(), tokens.scope().is_narrowed()), (&[][..], Some(false)));
    assert!(tokens.scope().explicit().is_none() && tokens.refresh_token().is_none());
    let error =
        r#"{"error":null,"access_token":"t","token_type":"bearer","data":{"access_token":"u","token_type":"bearer"}}"#;
    assert_eq!(violation(answer(&[], error)), Violation::TokenAndError);
    assert_eq!(access(&answer(&[Quirk::NullIsAbsent], error).unwrap()), "t");
    let path = Quirk::token_path(&["data"]);
    assert_eq!(violation(answer(std::slice::from_ref(&path), error)), Violation::WrongType("error"));
    assert_eq!(access(&answer(&[Quirk::NullIsAbsent, path], error).unwrap()), "u");
    assert!(matches!(answer(&[Quirk::NullIsAbsent], r#"{"error":null}"#), Err(Error::Protocol(_))), "and no token");
    let list = r#"{"access_token":"t","token_type":"bearer","scope":["read","write"]}"#;
    assert_eq!(answer(&[], list).unwrap().scope().is_narrowed(), None);
    assert_eq!(answer(&[Quirk::ScopeList], list).unwrap().scope().is_narrowed(), Some(false));
    let odd = answer(&[Quirk::ScopeList], r#"{"access_token":"t","token_type":"bearer","scope":["read",1]}"#).unwrap();
    assert!(odd.scope().is_unreadable() && odd.tolerated() == ["scope"]);
}

#[test]
fn a_word_for_bearer_is_read_where_the_caller_vouches_for_it() {
    let of = |word: &str| format!(r#"{{"access_token":"t","token_type":"{word}"}}"#);
    let words = [Quirk::TokenType("user".into()), Quirk::TokenType("User Access Token".into())];
    for word in ["user", "USER", "user access token", "Bearer"] {
        assert_eq!(access(&answer(&words, &of(word)).unwrap()), "t", "{word}");
    }
    for other in ["bot", "mac", "users", "user ", "n_a", "N_A", "pop"] {
        assert_eq!(violation(answer(&words, &of(other))), Violation::UnknownTokenType, "{other}");
    }
    assert_eq!(violation(answer(&[], &of("user"))), Violation::UnknownTokenType);
    assert!(matches!(answer(&words, &of("DPoP")).unwrap().access_token(), grantflow::AccessToken::Dpop(_)));
    let server = || Server::with_token_endpoint("https://as.example/token").unwrap();
    for bad in ["dpop", "DPoP", "pop", "PoP", "mac", "MAC", "N_A", "n_a", "", " ", " dpop", "mac "] {
        let refused = server().quirk(Quirk::TokenType(bad.into()));
        assert!(matches!(refused, Err(Error::Misuse(Misuse::Quirk(_)))), "{bad:?}");
    }
}

#[test]
fn a_lifetime_of_zero_is_over_unless_the_server_means_never() {
    for zero in ["0", "\"0\"", "-0"] {
        let text = format!(r#"{{"access_token":"t","token_type":"bearer","expires_in":{zero}}}"#);
        let tokens = answer(&[], &text).unwrap();
        assert!(tokens.is_expired(NOW) && tokens.expires_at() == Some(NOW), "{zero}");
        let tokens = answer(&[Quirk::ZeroLifetimeIsNever], &text).unwrap();
        assert_eq!((tokens.expires_at(), tokens.tolerated()), (None, &[][..]), "{zero}");
    }
    let text = r#"{"access_token":"t","token_type":"bearer","expires_in":1}"#;
    assert!(answer(&[Quirk::ZeroLifetimeIsNever], text).unwrap().expires_at().is_some());
}

#[test]
fn a_quirk_changes_nothing_else() {
    // Each quirk, with a server that does not deviate.
    for quirk in [
        Quirk::MissingTokenType,
        Quirk::FormEncodedAnswer,
        Quirk::NullIsAbsent,
        Quirk::ScopeList,
        Quirk::UnencodedBasic,
    ] {
        let mut world = World::with(|server| server.quirk(quirk).unwrap());
        let exchange = world.exchange();
        assert!(world.request(&exchange).body().as_ref().starts_with(b"grant_type="));
        assert!(world.run(exchange).is_ok());
    }
}
