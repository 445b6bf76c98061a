//! The secret canary: every `Debug`, `Display`, error and `source()` chain of every path, success and failure, is
//! searched for every secret that was used.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "Clippy sees tests only in functions marked as such, not in their helpers."
)]

use grantflow::{
    Authorization, Callback, Challenges, ClientCredentials, Discovery, ErrorCode, Exchange, Left, Message, Quirk,
    Redirect, ResourceDiscovery, Server, Step, StepUp, StepUpAttempts, Tokens, UnixTime,
};
use grantflow_testkit::{CallbackFault, Endpoint, Misbehaviour};
use search::{Canary, WINDOW, base64};
use world::World;

mod backchannel;
mod device;
mod endpoints;
mod exchange;
mod registration;
mod search;
mod world;

const SECRET: &str = "CANARY-client-secret+/=";
const REDIRECT_URI: &str = "https://app.example/cb";
const EXTRA: &str = "CANARY-xQ7zK2pW9vT4";

#[test]
fn the_search_finds_a_leak() {
    // A search that cannot find a leak proves nothing.
    for leak in [
        SECRET.to_owned(),
        format!("x={}", SECRET.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")),
        base64(SECRET),
        SECRET[5..5 + WINDOW].to_owned(),
        base64(SECRET)[..WINDOW].to_owned(),
    ] {
        let mut world = World::new(1);
        world.canary.display(&format!("an error that quotes {leak}"));
        assert_eq!(world.canary.leaks().len(), 1, "{leak}");
    }
    assert_eq!(base64("Man, any"), "TWFuLCBhbn"); // the last, incomplete digit is left out
}

#[test]
fn nothing_shows_where_all_goes_well() {
    for seed in 0..4 {
        let mut world = World::new(seed);
        let tokens = world.log_in().unwrap();
        let exchange = tokens.refresh().unwrap().param("x", EXTRA).unwrap();
        let tokens = world.run(exchange).unwrap();
        let client = world.client();
        world.run(ClientCredentials::new(&client).param("x", EXTRA).unwrap()).unwrap();
        let stored = tokens.into_stored();
        world.canary.debug(&stored);
        let (pending, _) = world.start(None);
        let stored = pending.into_stored();
        world.canary.debug(&stored);
        let (shown, secrets) = world.check();
        assert!(shown > 50 && secrets > 20, "the canary was shown {shown} texts and {secrets} secrets only");
    }
}

#[test]
fn nothing_shows_for_any_answer() {
    for (number, misbehaviour) in Misbehaviour::all().into_iter().enumerate() {
        let mut world = World::new(number as u64);
        let what = format!("{misbehaviour:?}");
        world.provider.knobs().misbehave(misbehaviour.clone());
        world.log_in();
        // The second login gets a good answer, its refresh a bad one.
        if let Some(tokens) = world.log_in() {
            world.provider.knobs().misbehave(misbehaviour.clone());
            if let Ok(exchange) = tokens.refresh()
                && let Err(Left::Intact(exchange) | Left::Unknown(exchange)) = world.run(exchange)
            {
                let tokens = exchange.into_tokens();
                world.canary.debug(&tokens);
            }
        }
        world.provider.knobs().misbehave(misbehaviour);
        let client = world.client();
        let _ = world.run(ClientCredentials::new(&client));
        let (shown, _) = world.check();
        assert!(shown > 20, "{what}: {shown}");
    }
}

#[test]
fn nothing_shows_for_any_callback() {
    for (number, fault) in CallbackFault::all().into_iter().enumerate() {
        let mut world = World::new(number as u64);
        let (pending, callback) = world.start(Some(fault));
        let verdict = pending.receive_url(&callback);
        world.canary.debug(&verdict);
        match &verdict {
            Callback::Rejected(rejection) => {
                world.canary.error(rejection);
                world.canary.debug(&rejection.untrusted_error());
            }
            Callback::Unrelated { why, .. } => world.canary.display(why),
            Callback::Denied(error) => world.canary.debug(error),
            Callback::Granted(_) => {}
        }
        world.check();
    }
    // A callback that quotes `state` in a wrong place.
    let mut world = World::new(7);
    let (pending, callback) = world.start(None);
    let state = callback.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let quoting =
        format!("{REDIRECT_URI}?error={state}&error_description={state}&error_uri={state}&iss={state}&state={state}");
    let verdict = pending.receive_url(&quoting);
    world.canary.debug(&verdict);
    let Callback::Rejected(rejection) = verdict else { panic!("the issuer was wrong") };
    world.canary.error(&rejection);
    world.check();
}

#[test]
fn nothing_shows_of_a_secret_that_comes_back_as_a_scope() {
    let mut world = World::new(4);
    let (pending, callback) = world.start(None);
    let Callback::Granted(exchange) = pending.receive_url(&callback) else { panic!("not granted") };
    let request = exchange.request(&mut world.env()).unwrap();
    world.canary.secrets_of(&request);
    // What a server that reflects the request would grant, in turn.
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(request.body().as_ref()).unwrap();
    let sent = |name: &str| pairs.iter().find(|(n, _)| n == name).unwrap().1.clone();
    let reflected = format!("read {SECRET} {} {}", sent("code"), sent("code_verifier"));
    let answer = |refresh: &str, scope: &str| {
        let body = serde_json::json!({
            "access_token": "reflected-access-token", "token_type": "Bearer", "refresh_token": refresh, "scope": scope,
        });
        http::Response::new(body.to_string())
    };
    let Ok(Step::Done(tokens)) = exchange.respond(&mut world.env(), answer("reflected-refresh", &reflected)) else {
        panic!("a scope is a scope")
    };
    world.canary.debug(&tokens);
    let tokens = tokens.refresh().unwrap();
    world.canary.debug(&tokens);
    // Then it is the requested scope, and the refresh token comes back in the same way.
    let refreshed = tokens.respond(&mut world.env(), answer("next", &format!("{reflected} reflected-refresh")));
    world.canary.secret("reflected-refresh");
    let Ok(Step::Done(tokens)) = refreshed else { panic!("a scope is a scope") };
    world.canary.debug(&tokens);
    world.canary.debug(&(tokens.scope(), tokens.scope().requested(), tokens.scope().explicit()));
    assert!(tokens.scope().requested().unwrap().contains(SECRET), "it is there for who asks");
    // Also when it is no longer known who wrote it.
    let client = world.client();
    let stored = tokens.into_stored();
    world.canary.debug(&stored);
    let restored = Tokens::from_stored(stored, &client).unwrap();
    world.canary.debug(&restored);
    world.canary.debug(&restored.scope());
    let narrower = restored.refresh().unwrap().scope(SECRET);
    assert!(narrower.is_ok(), "it is part of what was granted");
    world.check();
}

/// Documents are public, but one can quote what a program configured, such as a key in the query of an API's URL.
#[test]
fn nothing_shows_of_what_a_document_says() {
    let quoting = |name: &str, json: String| Misbehaviour::SetMember { name: name.to_owned(), json };
    let names = [
        "issuer",
        "token_endpoint",
        "jwks_uri",
        "scopes_supported",
        "service_documentation",
        "x",
        "resource",
        "authorization_servers",
        "resource_name",
    ];
    let quotes = names.iter().flat_map(|name| {
        // The place of an endpoint is shown, as if the caller had configured it; its query is not.
        let texts = [EXTRA.to_owned(), format!("https://as.example/x?{EXTRA}"), format!("https://as.example?{EXTRA}")];
        texts
            .into_iter()
            .flat_map(move |text| [quoting(name, format!("{text:?}")), quoting(name, format!("[{text:?}]"))])
    });
    let mut shown = 0;
    for fault in quotes
        .chain(Misbehaviour::all_at(Endpoint::ServerMetadata))
        .chain(Misbehaviour::all_at(Endpoint::ResourceMetadata))
    {
        let mut world = World::new(1);
        let api = format!("https://as.example/api/user?key={EXTRA}");
        let knobs = world.provider.knobs();
        knobs.challenge_names_metadata = true;
        knobs.misbehave_at(Endpoint::ServerMetadata, fault.clone());
        knobs.misbehave_at(Endpoint::ResourceMetadata, fault);
        world.find(Discovery::new("https://as.example").unwrap(), |canary, metadata| {
            canary.debug(&metadata.server());
            canary.debug(&metadata.issuer());
        });
        world.find(ResourceDiscovery::new(&api).unwrap(), |canary, resource| canary.debug(&resource));
        world.find(ResourceDiscovery::new("https://as.example/api/user").unwrap(), |canary, resource| {
            canary.debug(&resource);
            canary.debug(&resource.discovery(&resource.authorization_servers()[0]));
        });
        let refused = world.provider.handle(&http::Request::get(&api).body("").unwrap());
        let challenges = Challenges::of(refused.headers());
        let challenged = ResourceDiscovery::challenged(&api, &challenges).unwrap();
        world.find(challenged, |canary, resource| canary.debug(&resource));
        let elsewhere = format!("Bearer resource_metadata=\"https://other.example/{EXTRA}\"");
        let mut headers = http::HeaderMap::new();
        headers.insert("www-authenticate", elsewhere.parse().unwrap());
        let challenges = Challenges::of(&headers);
        world.canary.debug(&ResourceDiscovery::challenged(&api, &challenges));
        world.canary.debug(&ResourceDiscovery::challenged_to_any_origin(&api, &challenges));
        shown += world.check().0;
    }
    assert!(shown > 1000, "the canary was shown {shown} texts only");
}

/// A server that writes what it received, and what it gives, into every member and header that this library reads.
#[test]
fn nothing_shows_of_what_is_tolerated_rescued_or_refused() {
    let mut world = World::new(5);
    let old = "CANARY-old-refresh-token";
    let new = "CANARY-new-refresh-token";
    for secret in [old, new, "CANARY-access-token-9", "CANARY-id-token-9"] {
        world.canary.secret(secret);
    }
    let server = [
        Quirk::error_path("error.code", None),
        Quirk::error_path("message", Some("fine")),
        Quirk::error_code(Message::TokenAnswer, None, "dead", ErrorCode::InvalidGrant),
        Quirk::TokenType("user".to_owned()),
    ]
    .into_iter()
    .fold(world.server.clone(), |server, quirk| server.quirk(quirk).unwrap());
    world.canary.debug(&server);
    world.clients = vec![server.client("app").secret_post(SECRET).unwrap(); 2];
    let good = format!(
        r#"{{"access_token":"CANARY-access-token-9","token_type":"user","refresh_token":"{old}","id_token":"CANARY-id-token-9"}}"#
    );
    let told = format!("{SECRET} {old}");
    let answers = [
        // Tolerated.
        (200, good.replace('}', &format!(r#","scope":["{told}"],"expires_in":"{told}"}}"#))),
        (
            200,
            format!(
                r#"{{"access_token":"CANARY-access-token-9","token_type":"user","id_token":"é{told}","refresh_token":"\u0000{told}"}}"#
            ),
        ),
        // Rescued.
        (200, format!(r#"{{"access_token":"CANARY-access-token-9","token_type":"{told}","refresh_token":"{new}"}}"#)),
        (200, format!(r#"{{"access_token":"CANARY-access-token-9","refresh_token":"{new}","expires_in":1e999}}"#)),
        // Refused, in each way in which an error can be stated.
        (400, format!(r#"{{"error":{{"code":"{told}"}}}}"#)),
        (400, format!(r#"{{"message":"{told}"}}"#)),
        (400, r#"{"message":"dead"}"#.to_owned()),
        (404, format!(r#"{{"error":"{told}"}}"#)),
        (999, format!(r#"{{"error":"{told}"}}"#)),
        (403, String::new()),
        (302, String::new()),
        (200, format!("access_token=CANARY-access-token-9&refresh_token={new}")),
        (200, format!("\u{1f}\u{8b}{told}")),
        (200, good.replace('}', r#","message":"CANARY-access-token-9"}"#)),
    ];
    let mut shown_before = 0;
    for (status, body) in answers {
        let (pending, callback) = world.start(None);
        let Callback::Granted(exchange) = pending.receive_url(&callback) else { panic!("not granted") };
        let respond = |body: String| {
            http::Response::builder()
                .status(status)
                .header("location", format!("https://other.example/?t={SECRET}"))
                .header("content-encoding", SECRET)
                .body(body)
                .unwrap()
        };
        let login = exchange.respond(&mut world.env(), http::Response::new(good.clone()));
        let Ok(Step::Done(tokens)) = login else { panic!("the good answer was refused") };
        world.canary.debug(&tokens);
        let outcome = tokens.refresh().unwrap().respond(&mut world.env(), respond(body));
        match outcome {
            Ok(Step::Done(tokens)) => {
                world.canary.debug(&(&tokens, tokens.tolerated(), tokens.scope()));
                world.canary.debug(&tokens.into_stored());
            }
            Ok(Step::Again(_)) => panic!("this flow has one step"),
            Err(failure) => {
                world.canary.failure(&failure);
                match &failure.error {
                    grantflow::Error::Refused(refused) => {
                        world.canary.display(refused);
                        world.canary.display(&refused.next());
                    }
                    grantflow::Error::Protocol(broken) => world.canary.display(broken),
                    _ => {}
                }
                world.canary.debug(&failure.left);
                if let Left::Intact(exchange) | Left::Unknown(exchange) = failure.left {
                    world.canary.debug(&exchange);
                    world.canary.debug(&exchange.into_tokens());
                }
            }
        }
        assert!(world.canary.shown.len() > shown_before, "{status}: nothing was shown");
        shown_before = world.canary.shown.len();
    }
    world.check();
}

#[test]
fn nothing_shows_of_an_answer_that_an_adapter_hands_over() {
    let mut canary = Canary::default();
    canary.secret("adapter-access-token-1");
    canary.secret("adapter-refresh-token-2");
    let body =
        r#"{"access_token":"adapter-access-token-1","token_type":"Bearer","refresh_token":"adapter-refresh-token-2"}"#;
    let response = http::Response::new(grantflow::Body::from(body.as_bytes().to_vec()));
    canary.debug(&response);
    canary.debug(response.body());
    assert_eq!(response.body().as_ref(), body.as_bytes());
    assert_eq!(canary.leaks(), [""; 0]);
}

#[test]
fn nothing_shows_where_the_caller_is_at_fault() {
    let mut world = World::new(3);
    let client = world.client();
    let tokens = world.log_in().unwrap();
    let stored = serde_json::to_string(&tokens.into_stored()).unwrap();
    for damaged in
        [stored.replace("\"v\":1", "\"v\":9"), stored.replace("app", "apq"), stored.replacen("read", "raed", 1)]
    {
        let error = Tokens::from_stored(serde_json::from_str(&damaged).unwrap(), &client).unwrap_err();
        world.canary.error(&error);
        world.canary.secrets_of_answer(damaged.as_bytes());
    }
    for error in [
        world.server.client("app").secret_basic("").unwrap_err(),
        Server::new(&format!("http://as.example/{SECRET}"), "https://as.example/t").unwrap_err(),
        Authorization::new(&client, "https://app.example/#CANARY-client-secret+/=").unwrap_err(),
        Authorization::new(&client, REDIRECT_URI).unwrap().param("state", SECRET).unwrap_err(),
        Authorization::new(&client, REDIRECT_URI).unwrap().scope("\"CANARY-client-secret+/=").unwrap_err(),
    ] {
        world.canary.error(&error);
    }
    world.canary.debug(&grantflow::ClientSecret::from(SECRET));
    world.check();
}

#[test]
fn nothing_shows_of_tokens_from_elsewhere_and_of_doors() {
    const REFRESH: &str = "CANARY-refresh-0b9Yw4";
    const ACCESS: &str = "CANARY-access-7Hq2Lm";
    let mut world = World::new(4);
    for secret in [REFRESH, ACCESS] {
        world.canary.secret(secret);
    }
    let client = world.client();
    let at = UnixTime::from_secs(1_750_000_600);
    let builder = Tokens::of_refresh_token(&client, REFRESH).unwrap();
    world.canary.debug(&builder);
    let builder = builder.access_token(ACCESS, Some(at)).unwrap().scope("read").unwrap().resource("urn:a").unwrap();
    world.canary.debug(&builder);
    let tokens = builder.build();
    world.canary.debug(&tokens);
    world.use_token(&tokens);
    let stored = tokens.into_stored();
    world.canary.debug(&stored);
    let tokens = Tokens::from_stored(stored, &client).unwrap();
    // The server does not know it: the refusal, and what is left.
    let left = world.run(tokens.refresh().unwrap()).unwrap_err();
    assert!(matches!(left, Left::Spent), "{left:?}");

    let alone = Tokens::of_refresh_token(&client, REFRESH).unwrap().build();
    world.canary.error(&alone.bearer().unwrap_err());
    let builder = || Tokens::of_refresh_token(&client, REFRESH).unwrap();
    let line = |text: &str| format!("{text}\n");
    let plain = grantflow::PlainHttp::to("http://auth:8080").unwrap();
    world.canary.debug(&plain);
    for error in [
        Tokens::of_refresh_token(&client, line(REFRESH)).unwrap_err(),
        builder().access_token(line(ACCESS), None).unwrap_err(),
        builder().scope(&line(REFRESH)).unwrap_err(),
        builder().resource(&line(REFRESH)).unwrap_err(),
        world.server.clone().formerly(&format!("https://u:{SECRET}@as.example")).unwrap_err(),
        grantflow::PlainHttp::to(&format!("http://u:{ACCESS}@auth:8080")).unwrap_err(),
        plain.server_with_token_endpoint(&format!("http://other/{ACCESS}")).unwrap_err(),
        grantflow::RedirectUri::with_undotted_scheme(&format!("javascript://{ACCESS}")).unwrap_err(),
        world.server.clone().quirk(Quirk::renamed(Message::TokenRequest, "code_verifier", ACCESS)).unwrap_err(),
    ] {
        world.canary.error(&error);
    }

    // A grant without PKCE, and one with an empty secret.
    let refuses = world.server.clone().quirk(Quirk::RefusesPkce).unwrap();
    let with_secret = refuses.client("app").secret_post(SECRET).unwrap();
    world.canary.debug(&(&refuses, &with_secret));
    world.canary.error(&refuses.client("app").public().unwrap_err());
    let without_secret = world.server.client("app").empty_secret_basic().unwrap();
    world.canary.debug(&without_secret);
    for authorization in [
        Authorization::new(&with_secret, REDIRECT_URI).unwrap(),
        Authorization::new(&without_secret, REDIRECT_URI).unwrap(),
    ] {
        let Redirect { url, pending } = authorization.start(&mut world.env()).unwrap();
        let state = url.as_str().split("&state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        world.canary.secret(&state);
        let torn = format!("{REDIRECT_URI}?code={EXTRA}&sta\nte={state}");
        let callback = pending.receive_url(&torn);
        world.canary.debug(&callback);
        let Callback::Unrelated { pending, why } = callback else { panic!("{torn:?} was taken") };
        world.canary.display(&why);
        let callback = pending.receive_url(&format!("{REDIRECT_URI}?code={EXTRA}&state={state}\n"));
        world.canary.debug(&callback);
        assert!(matches!(callback, Callback::Granted(_)));
    }
    world.check();
}

/// An API that writes the token it got into every part of its challenges, and one of the token endpoint's.
#[test]
fn nothing_shows_of_what_an_api_quotes_in_its_challenges() {
    // An even seed: its tokens fit where a header takes a word.
    let mut world = World::new(4);
    let (pending, callback) = world.start(None);
    let Callback::Granted(exchange) = pending.receive_url(&callback) else { panic!("not granted") };
    let tokens = world.run(exchange).unwrap();
    let mut request = http::Request::get("https://as.example/api/user").body(()).unwrap();
    tokens.bearer().unwrap().authorize(&mut request).unwrap();
    let token = request.headers()["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
    world.canary.secret(&token);

    let authorization = Authorization::new(&world.client(), REDIRECT_URI).unwrap().scope("read").unwrap();
    for error in ["insufficient_scope", "insufficient_user_authentication", token.as_str()] {
        for broken in ["", ", x=\"", ", x\"", ", ???"] {
            let challenge = format!(
                "{token}, {token} {token}=x, Negotiate {token}, Bearer error=\"{error}\", error_description=\"{token}\", \
                 error_uri=\"{token}\", scope=\"{token}\", acr_values=\"{token}\", resource_metadata=\"{token}\", \
                 realm=\"{token}\", algs=\"{token}\"{broken}"
            );
            let response = http::Response::builder().status(401).header("www-authenticate", challenge);
            let response = response.body(r#"{"error":"invalid_client"}"#).unwrap();
            let challenges = Challenges::of(response.headers());
            world.canary.debug(&challenges);
            assert!(challenges.with_broken().count() >= 4);
            for challenge in challenges.with_broken() {
                world.canary.debug(challenge);
                world.canary.debug(&challenge.bearer());
                let error = challenge.bearer().and_then(|bearer| bearer.error());
                world.canary.debug(&error);
                world.canary.debug(&challenge.bearer().and_then(|bearer| bearer.scope()));
                if let Some(error) = error {
                    world.canary.display(&error);
                }
            }
            let step_up = StepUp::of(response.status(), response.headers());
            world.canary.debug(&step_up);
            if let Some(step_up) = step_up {
                let mut attempts = StepUpAttempts::new();
                let next = authorization.step_up(&step_up, tokens.scope(), &mut attempts).unwrap();
                world.canary.debug(&next);
                world.canary.debug(&attempts);
                let end = next.step_up(&step_up, tokens.scope(), &mut attempts).unwrap_err();
                world.canary.debug(&end);
                world.canary.display(&end);
            }
            let failure = ClientCredentials::new(&world.client()).respond(&mut world.env(), response).unwrap_err();
            world.canary.failure(&failure);
            world.canary.debug(&failure.error.answer().unwrap().challenges());
        }
    }
    assert_eq!(world.canary.leaks(), Vec::<&str>::new());
}
