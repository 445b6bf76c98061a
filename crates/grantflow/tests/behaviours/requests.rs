//! Requests: PKCE and state always, every parameter once, the endpoint's own query kept, one client authentication.

use std::collections::HashSet;

use grantflow::{Authorization, ClientCredentials, Error, Message, Misuse, Quirk, Server};

use crate::support::*;

#[test]
fn pkce_and_state_are_always_on_and_never_the_same() {
    let mut world = World::new();
    let authorization = world.authorization();
    let (mut states, mut challenges) = (HashSet::new(), HashSet::new());
    for _ in 0..100 {
        let url = world.start(&authorization).url;
        assert_eq!(parameter(url.as_str(), "code_challenge_method"), "S256");
        let (state, challenge) = (parameter(url.as_str(), "state"), parameter(url.as_str(), "code_challenge"));
        assert_eq!((state.len(), challenge.len()), (43, 43));
        assert!(states.insert(state) && challenges.insert(challenge), "a value was used twice");
    }
}

#[test]
fn an_endpoints_own_query_is_kept() {
    for (endpoint, start) in [
        ("https://as.example/a?tenant=x", "https://as.example/a?tenant=x&response_type=code"),
        ("https://as.example/a?", "https://as.example/a?response_type=code"),
        ("https://as.example/a?t&", "https://as.example/a?t&response_type=code"),
        ("https://as.example", "https://as.example?response_type=code"),
    ] {
        let server = Server::new(endpoint, "https://as.example/t?tenant=y%20z").unwrap();
        let client = server.client("a&b=c").public().unwrap();
        let mut world = World::new();
        let start_of = world.start(&Authorization::new(&client, REDIRECT_URI).unwrap());
        assert!(start_of.url.as_str().starts_with(start), "{}", start_of.url.as_str());
        assert_eq!(parameter(start_of.url.as_str(), "client_id"), "a&b=c");
        let state = parameter(start_of.url.as_str(), "state");
        let exchange = granted(start_of.pending.receive_url(&format!("{REDIRECT_URI}?code=a&state={state}")));
        assert_eq!(world.request(&exchange).uri(), "https://as.example/t?tenant=y%20z");
    }
}

#[test]
fn extra_parameters_go_out_as_they_were_given() {
    let mut world = World::new();
    let authorization = world
        .authorization()
        .param("prompt", "consent")
        .unwrap()
        .param("audience", "https://api.example/?a=b&c")
        .unwrap();
    let url = world.start(&authorization).url;
    assert!(
        url.as_str().ends_with("&prompt=consent&audience=https%3A%2F%2Fapi.example%2F%3Fa%3Db%26c"),
        "{}",
        url.as_str()
    );

    let exchange = world.exchange().param("x", "1 2").unwrap();
    let request = world.request(&exchange);
    assert!(body(&request).contains("&x=1+2&client_id="), "{}", body(&request));
    let tokens = world.run(exchange).unwrap();
    let exchange = tokens.refresh().unwrap().param("y", "ü").unwrap();
    assert_eq!(parameter(&body(&world.request(&exchange)), "y"), "ü");
    let credentials = ClientCredentials::new(&world.client).param("audience", "a").unwrap();
    assert_eq!(parameter(&body(&world.request(&credentials)), "audience"), "a");
}

#[test]
fn reserved_and_repeated_parameters_are_refused_and_nothing_is_lost() {
    let world = World::new();
    for name in [
        "",
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
        "response_mode",
        "resource",
        "request",
        "request_uri",
        "client_secret",
    ] {
        // A server that is careless about names reads the others as the first.
        for like in [name.to_owned(), name.to_uppercase(), format!(" {name}"), format!("{name}\t")] {
            let refused = world.authorization().param(&like, "x").unwrap_err();
            assert!(matches!(refused, Error::Misuse(Misuse::ReservedParameter)), "{like:?}");
        }
    }
    let twice = world.authorization().param("prompt", "a").unwrap().param("prompt", "b").unwrap_err();
    assert!(matches!(twice, Error::Misuse(Misuse::DuplicateParameter)));

    for name in [
        "grant_type",
        "client_id",
        "client_secret",
        "code",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "scope",
        "client_assertion",
        "assertion",
        "password",
    ] {
        let mut world = World::new();
        assert!(ClientCredentials::new(&world.client).param(name, "x").is_err(), "{name}");
        let failure = world.exchange().param(name, "x").unwrap_err();
        let grantflow::Left::Intact(exchange) = failure.left else { panic!("{name} cost the code") };
        let tokens = world.run(*exchange).unwrap();
        let failure = tokens.refresh().unwrap().param(name, "x").unwrap_err();
        let grantflow::Left::Intact(exchange) = failure.left else { panic!("{name} cost the refresh token") };
        assert!(world.run(*exchange).is_ok());
    }
}

#[test]
fn a_parameter_of_the_endpoints_own_query_is_not_given_again() {
    let own = "?prompt=login&audi%65nce=a";
    let server = Server::new(&format!("https://as.example/a{own}"), &format!("https://as.example/t{own}")).unwrap();
    let client = server.client(ID).secret_post(SECRET).unwrap();
    let is_twice = |error: &Error| matches!(error, Error::Misuse(Misuse::DuplicateParameter));
    for name in ["prompt", "audience"] {
        let mut world = World::new();
        let authorization = || Authorization::new(&client, REDIRECT_URI).unwrap();
        assert!(is_twice(&authorization().param(name, "x").unwrap_err()), "{name}");
        assert!(is_twice(&ClientCredentials::new(&client).param(name, "x").unwrap_err()), "{name}");

        let start = world.start(&authorization());
        let state = parameter(start.url.as_str(), "state");
        let exchange = granted(start.pending.receive_url(&format!("{REDIRECT_URI}?code=a&state={state}")));
        let failure = exchange.param(name, "x").unwrap_err();
        assert!(is_twice(&failure.error), "{name}");
        let grantflow::Left::Intact(exchange) = failure.left else { panic!("{name} cost the code") };
        let answer = r#"{"access_token":"t","token_type":"bearer","refresh_token":"r"}"#;
        let tokens = world.answer(*exchange, json(200, answer)).unwrap();
        let failure = tokens.refresh().unwrap().param(name, "x").unwrap_err();
        assert!(is_twice(&failure.error) && matches!(failure.left, grantflow::Left::Intact(_)), "{name}");
        // Each endpoint has its own query.
        assert!(world.authorization().param(name, "x").is_ok() && world.exchange().param(name, "x").is_ok());
    }
}

#[test]
fn no_parameter_is_ever_there_twice() {
    let mut world = World::new();
    let server = Server::new(
        &format!("{}?own=1&other=2", world.provider.authorize_url()),
        &format!("{}?own=1&other=2", world.provider.token_url()),
    );
    world.client = server.unwrap().client(ID).secret_post(SECRET).unwrap();
    let authorization = world.authorization().param("prompt", "none").unwrap().resource("urn:a").unwrap();
    let url = world.start(&authorization).url;
    let exchange = world.exchange_of(&authorization);
    // The server sees the body and the endpoint's query.
    let sent = |request: &http::Request<grantflow::Body>| {
        format!("{}&{}", request.uri().query().unwrap_or_default(), body(request))
    };
    let code_request = sent(&world.request(&exchange));
    let tokens = world.run(exchange).unwrap();
    let refresh = tokens.refresh().unwrap().scope("read").unwrap();
    for text in [url.as_str().to_owned(), code_request, sent(&world.request(&refresh))] {
        let names: Vec<String> = pairs(&text).into_iter().map(|(name, _)| name).collect();
        let different: HashSet<&String> = names.iter().collect();
        assert_eq!(names.len(), different.len(), "{text}");
    }
}

#[test]
fn resources_go_with_every_request_of_the_grant() {
    let mut world = World::new();
    let authorization = world.authorization().resource("https://a.example/").unwrap().resource("urn:b").unwrap();
    assert!(world.authorization().resource("urn:b").unwrap().resource("urn:b").is_err());
    let exchange = world.exchange_of(&authorization);
    let tokens = world.run(exchange).unwrap();
    world.run(tokens.refresh().unwrap()).unwrap();
    for hit in
        world.provider.log().iter().filter(|hit| hit.path.ends_with("access_token") || hit.path.ends_with("authorize"))
    {
        assert_eq!(hit.resources, ["https://a.example/", "urn:b"], "{}", hit.path);
    }
}

#[test]
fn each_client_authenticates_in_exactly_one_way() {
    use grantflow_testkit::ClientAuth;
    let mut world = World::new();
    world.provider.register(grantflow_testkit::Client::public("app").redirect_uri(REDIRECT_URI).scope(SCOPE));
    let server = Server::new(&world.provider.authorize_url(), &world.provider.token_url()).unwrap();
    let clients: [(grantflow::Client, ClientAuth); 3] = [
        ((&server.client(ID).secret_post(SECRET).unwrap()).into(), ClientAuth::Post),
        ((&server.client(ID).secret_basic(SECRET).unwrap()).into(), ClientAuth::Basic),
        ((&server.client("app").public().unwrap()).into(), ClientAuth::Public),
    ];
    for (client, auth) in clients {
        let authorization = Authorization::new(&client, REDIRECT_URI).unwrap().scope(SCOPE).unwrap();
        let exchange = world.exchange_of(&authorization);
        let request = world.request(&exchange);
        let in_header = request.headers().contains_key("authorization");
        let text = body(&request);
        assert_eq!(in_header, auth == ClientAuth::Basic);
        assert_eq!(text.contains("client_secret="), auth == ClientAuth::Post);
        assert_eq!(text.contains("client_id="), auth != ClientAuth::Basic, "Basic sends the id in the header only");
        assert!(
            request.headers().values().all(|value| value.is_sensitive() || !value.as_bytes().starts_with(b"Basic"))
        );
        let tokens = world.run(exchange).unwrap();
        world.run(tokens.refresh().unwrap()).unwrap();
        let hits = world.provider.log().iter().rev().take(2);
        assert!(hits.clone().all(|hit| hit.auth == auth && hit.status == Some(200)));
    }
}

#[test]
fn the_same_entropy_and_clock_make_the_same_requests() {
    let run = || {
        let mut world = World::new();
        let (pending, url) = world.pending();
        let state = parameter(&url, "state");
        let exchange = granted(pending.receive_url(&format!("{REDIRECT_URI}?code=a&state={state}")));
        let request = body(&world.request(&exchange));
        // A request can be made again, and does not change the state.
        assert_eq!(request, body(&world.request(&exchange)));
        (url, request)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_url_that_is_shown_holds_nothing_that_a_shell_could_act_on() {
    let mut world = World::new();
    let authorization = world.authorization().param("$(id)", "`id`; \"x\" 'y' <z> \r\n\0 é").unwrap();
    let url = world.start(&authorization).url;
    assert!(url.as_str().starts_with("https://"));
    assert!(
        url.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/?@&+,=%".contains(&b)),
        "{}",
        url.as_str()
    );
    assert!(!url.as_str().contains(SECRET));
    // The endpoint cannot bring it in either.
    for character in "!$'()*;[]`\"<>\\^{|} \r\n\0".chars() {
        for place in ["/a", "/a?x="] {
            let endpoint = format!("https://as.example{place}{character}x");
            assert!(Server::new(&endpoint, "https://as.example/t").is_err(), "{character:?} in {place}");
        }
    }
    assert!(Server::new("http://[::1]:8080/~me/a@b,c+d?x=y,z%27", "http://[::1]/t").is_ok());
}

#[test]
fn states_are_small_enough_to_be_moved() {
    assert!(std::mem::size_of::<grantflow::CodeExchange>() <= 256);
    assert!(std::mem::size_of::<grantflow::Failure<grantflow::CodeExchange>>() <= 40);
}

#[test]
fn the_redirect_uri_of_a_request_can_be_changed_and_is_checked_again() {
    let mut world = World::new();
    let first = world.authorization().param("prompt", "login").unwrap();
    let second = first.clone().redirect_uri("http://127.0.0.1:4711/cb").unwrap();
    let url = world.start(&second).url.as_str().to_owned();
    assert_eq!(parameter(&url, "redirect_uri"), "http://127.0.0.1:4711/cb");
    assert_eq!((parameter(&url, "prompt"), parameter(&url, "scope")), ("login".to_owned(), SCOPE.to_owned()));
    for bad in ["http://app.example/cb", "not absolute", "https://app.example/cb#x", "https://app.example/cb?state=1"] {
        assert!(matches!(first.clone().redirect_uri(bad), Err(Error::Misuse(Misuse::Url { .. }))), "{bad}");
    }
    // Without PKCE, another program on the person's machine could receive the code.
    let world = World::with(|server| server.quirk(Quirk::RefusesPkce).unwrap());
    let moved = world.authorization().redirect_uri("http://127.0.0.1:4711/cb");
    assert!(matches!(moved, Err(Error::Misuse(Misuse::Quirk(_)))), "{moved:?}");
    let renamed = Quirk::renamed(Message::Callback, "code", "auth_code");
    let world = World::with(|server| server.quirk(renamed).unwrap());
    let taken = world.authorization().redirect_uri("https://app.example/cb?auth_code=1");
    assert!(matches!(taken, Err(Error::Misuse(Misuse::Url { .. }))), "{taken:?}");
}
