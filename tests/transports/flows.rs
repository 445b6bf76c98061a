//! The three flows, from their start to their end.

use grantflow::{
    Authorization, AuthorizationDetails, Callback, ClientCredentials, Env, ErrorCode, Exchange, Left, Next,
    PendingCallback, ResponseMode, Tokens,
};
use grantflow_testkit::Decision;
use grantflow_tests::support::transport::SysRng;

use super::Body;
use super::world::*;

pub(crate) const BODIES: &[(&str, Body)] = &[
    ("the code flow ends in tokens, and the token is good at the API", code),
    ("the code flow by form post", form_post),
    ("the code flow of a public client", public),
    ("authorization details are granted, and a token is for a part of the grant", for_what),
    ("a code that was sent by hand is refused the second time, and its tokens are dead", replayed_code),
    ("a code without its verifier is of no use", stolen_code),
    ("a pending grant is stored, and continues in another process", stored_pending),
    ("a refresh rotates", refresh),
    ("a spent refresh token is refused, and its family is dead", replayed_refresh),
    ("a refresh for less scope gets less", narrower),
    ("a refresh without rotation keeps its token", no_rotation),
    ("client credentials give a token, as often as they are sent", credentials),
    ("client credentials with a scope that is not allowed stay intact", credentials_bad_scope),
    ("a denial is a denial, and nothing is sent", denied),
    ("one flow continues as another", then),
    ("where the second of two fails, it is what is left", then_fails),
];

fn code(world: &World) {
    let tokens = world.log_in(&world.client());
    assert_eq!(tokens.scope().effective().unwrap().as_str(), SCOPE);
    let lifetime = std::time::Duration::from_secs(3600);
    assert_eq!(tokens.expires_at(), Some(tokens.received_at().saturating_add(lifetime)));
    assert!(tokens.refresh_token().is_some());
    let (status, text) = world.ask_the_api(&tokens);
    assert_eq!(status, 200);
    assert!(text.contains("ada"), "{text}");
    let provider = world.provider();
    let hit = provider.hits("authorization_code").next().unwrap();
    assert_eq!((hit.method.as_str(), hit.path.as_str(), hit.query.as_deref()), ("POST", "/api/access_token", None));
    assert_eq!(hit.parameter("redirect_uri"), Some(REDIRECT_URI));
    assert_eq!(hit.parameter("code_verifier").map(str::len), Some(43));
    for (header, value) in [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "application/json"),
        ("accept-encoding", "identity"),
    ] {
        assert_eq!(hit.headers.get(header).unwrap(), value);
        assert_eq!(hit.headers.get_all(header).iter().count(), 1, "{header}");
    }
}

fn for_what(world: &World) {
    const DETAILS: &str = r#"[{"type":"pay","amount":"7 €","to":"A&B"}]"#;
    let details = AuthorizationDetails::from_json(DETAILS).unwrap();
    let authorization = Authorization::new(&world.client(), REDIRECT_URI)
        .and_then(|authorization| authorization.scope(SCOPE))
        .and_then(|authorization| authorization.authorization_details(details.clone()))
        .and_then(|authorization| authorization.resource("https://a.example/"))
        .and_then(|authorization| authorization.resource("urn:b"))
        .unwrap();
    let exchange = world.granted(&authorization);
    let tokens = world.run(exchange.resource("urn:b").unwrap()).unwrap();
    assert_eq!(tokens.authorization_details().granted().unwrap().types().collect::<Vec<_>>(), ["pay"]);
    let refresh = tokens.refresh().unwrap().authorization_details(details).unwrap();
    let tokens = world.run(refresh).unwrap();
    assert_eq!(tokens.resources(), ["urn:b"]);
    let provider = world.provider();
    let hit = provider.hits("refresh_token").next().unwrap();
    assert_eq!(
        (hit.resources.as_slice(), hit.parameter("authorization_details")),
        (&["urn:b".to_owned()][..], Some(DETAILS))
    );
}

fn form_post(world: &World) {
    let authorization = Authorization::new(&world.client(), REDIRECT_URI)
        .unwrap()
        .scope(SCOPE)
        .unwrap()
        .response_mode(ResponseMode::FormPost);
    let tokens = world.run(world.granted(&authorization)).unwrap();
    assert_eq!(world.ask_the_api(&tokens).0, 200);
}

fn public(world: &World) {
    let client = world.server().client(PUBLIC_ID).public().unwrap();
    let tokens = world.log_in(&client);
    let tokens = world.run(tokens.refresh().unwrap()).unwrap();
    assert_eq!(world.ask_the_api(&tokens).0, 200);
}

fn replayed_code(world: &World) {
    let exchange = world.code(&world.client());
    // Only by hand can a code be sent twice.
    let request = exchange.request(&mut Env::new(world.now(), &mut SysRng)).unwrap();
    let first = world.send(request).unwrap();
    assert_eq!(first.status(), 200);
    let failure = world.run(exchange).unwrap_err();
    let error = failure.error.oauth().unwrap();
    assert_eq!((error.code(), error.next()), (Some(&ErrorCode::InvalidGrant), Next::Reauthorize));
    assert!(matches!(failure.left, Left::Spent), "{error}");
    let first: serde_json::Value = serde_json::from_slice(first.body().as_ref()).unwrap();
    let stolen = http::Request::get(world.provider().resource_url())
        .header("authorization", format!("Bearer {}", first["access_token"].as_str().unwrap()))
        .body(grantflow::Body::default())
        .unwrap();
    assert_eq!(world.send(stolen).unwrap().status(), 401, "the tokens of a code that came twice live on");
}

fn stolen_code(world: &World) {
    // Two people, and the callback of one in the browser of the other: the state does not match.
    let authorization = Authorization::new(&world.client(), REDIRECT_URI).unwrap().scope(SCOPE).unwrap();
    let mut rng = SysRng;
    let mut env = Env::new(world.now(), &mut rng);
    let (one, other) = (authorization.start(&mut env).unwrap(), authorization.start(&mut env).unwrap());
    let callback = world.provider().visit(one.url.as_str()).unwrap();
    let Callback::Unrelated { pending, .. } = other.pending.receive(&callback.url.parse().unwrap()) else {
        panic!("another person's callback was accepted")
    };
    // And with force: the verifier does not match either.
    let state = |url: &str| url.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let forged = callback.url.replace(&state(one.url.as_str()), &state(other.url.as_str()));
    let Callback::Granted(exchange) = pending.receive(&forged.parse().unwrap()) else { panic!("not granted") };
    let failure = world.run(exchange).unwrap_err();
    assert_eq!(failure.error.oauth().unwrap().code(), Some(&ErrorCode::InvalidGrant));
    assert!(matches!(failure.left, Left::Spent));
}

fn stored_pending(world: &World) {
    let authorization = Authorization::new(&world.client(), REDIRECT_URI).unwrap().scope(SCOPE).unwrap();
    let start = authorization.start(&mut Env::new(world.now(), &mut SysRng)).unwrap();
    let stored = serde_json::to_string(&start.pending.into_stored()).unwrap();
    let callback = world.provider().visit(start.url.as_str()).unwrap();
    let pending = PendingCallback::from_stored(serde_json::from_str(&stored).unwrap(), &world.client()).unwrap();
    let Callback::Granted(exchange) = pending.receive(&callback.url.parse().unwrap()) else { panic!("not granted") };
    world.run(exchange).unwrap();
}

fn refresh(world: &World) {
    let client = world.client();
    let tokens = world.log_in(&client);
    let stored = serde_json::to_string(&tokens.into_stored()).unwrap();
    let mut tokens = Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &client).unwrap();
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(tokens.refresh_token().unwrap().expose_secret().to_owned());
        tokens = world.run(tokens.refresh().unwrap()).unwrap();
        assert!(!seen.contains(&tokens.refresh_token().unwrap().expose_secret().to_owned()), "it did not rotate");
        assert!(tokens.scope().is_narrowed() == Some(false));
    }
    assert_eq!(world.hits("refresh_token"), 5);
    assert_eq!(world.ask_the_api(&tokens).0, 200);
}

fn replayed_refresh(world: &World) {
    let client = world.client();
    let stored = serde_json::to_string(&world.log_in(&client).into_stored()).unwrap();
    let restore = || Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &client).unwrap().refresh().unwrap();
    let newer = world.run(restore()).unwrap();
    for exchange in [restore(), newer.refresh().unwrap()] {
        let failure = world.run(exchange).unwrap_err();
        let error = failure.error.oauth().unwrap();
        assert_eq!((error.code(), error.next()), (Some(&ErrorCode::InvalidGrant), Next::Reauthorize));
        assert!(matches!(failure.left, Left::Spent), "{error}");
    }
}

fn narrower(world: &World) {
    let tokens = world.log_in(&world.client());
    let tokens = world.run(tokens.refresh().unwrap().scope("read").unwrap()).unwrap();
    assert_eq!(tokens.scope().effective().unwrap().as_str(), "read");
    assert!(world.ask_the_api(&tokens).1.contains("\"read\""));
}

fn no_rotation(world: &World) {
    world.provider().knobs().rotate = false;
    let tokens = world.log_in(&world.client());
    let old = tokens.refresh_token().unwrap().expose_secret().to_owned();
    let tokens = world.run(tokens.refresh().unwrap()).unwrap();
    assert_eq!(tokens.refresh_token().unwrap().expose_secret(), old);
}

fn credentials(world: &World) {
    let exchange = ClientCredentials::new(&world.client()).scope("read").unwrap();
    for _ in 0..2 {
        let tokens = world.run(exchange.clone()).unwrap();
        assert!(tokens.refresh_token().is_none() && tokens.scope().is_narrowed() == Some(false));
        assert_eq!(world.ask_the_api(&tokens).0, 200);
    }
    assert_eq!(world.hits("client_credentials"), 2);
}

fn credentials_bad_scope(world: &World) {
    let exchange = ClientCredentials::new(&world.client()).scope("admin").unwrap();
    let failure = world.run(exchange).unwrap_err();
    let error = failure.error.oauth().unwrap();
    assert_eq!((error.code(), error.next()), (Some(&ErrorCode::InvalidScope), Next::FixConfiguration));
    assert!(matches!(failure.left, Left::Intact(_)));
}

fn denied(world: &World) {
    world.provider().knobs().decision = Decision::Deny;
    let authorization = Authorization::new(&world.client(), REDIRECT_URI).unwrap();
    match world.verdict(&authorization) {
        Callback::Denied(error) => assert_eq!(*error.code(), ErrorCode::AccessDenied),
        other => panic!("not denied: {other:?}"),
    }
    assert_eq!(world.hits("authorization_code"), 0);
}

fn then(world: &World) {
    let exchange = world.code(&world.client()).then(|tokens, _| tokens.refresh().map_err(Into::into));
    let tokens = world.run(exchange).unwrap();
    assert_eq!(world.ask_the_api(&tokens).0, 200);
    assert_eq!((world.hits("authorization_code"), world.hits("refresh_token")), (1, 1));
}

fn then_fails(world: &World) {
    use grantflow_testkit::Misbehaviour;
    let exchange = world.code(&world.client()).then(|tokens, _| tokens.refresh().map_err(Into::into));
    let expires = Misbehaviour::expires_in("60");
    world.provider().knobs().misbehave(expires).misbehave(Misbehaviour::Lost { acts: false });
    let failure = world.run(exchange).unwrap_err();
    assert!(failure.error.is_transport(), "{}", failure.error);
    let Left::Unknown(both) = failure.left else { panic!("{}", name(&failure.left)) };
    let refresh = both.into_second().expect("the first one is through");
    world.run(refresh).unwrap();
}
