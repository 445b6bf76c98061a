//! Every flow that gives tokens can feed a session: one table, and the same checks for each row.

use grantflow::{
    AnyExchange, Assertion, AssertionGrant, BackchannelRequest, Client, ClientCredentials, ConfidentialClient,
    DeviceRequest, Env, Exchange as _, ExtensionGrant, IdentityAssertionRequest, SecurityToken, Server, TokenExchange,
    Tokens,
};
use grantflow_session::{Outside as _, Session, SessionError, SourceError, State};
use grantflow_testkit::Endpoint;
use grantflow_tests::world::*;

const VOUCHER: &str = "urn:example:grant-type:voucher";
const ISSUER: &str = "https://as.example";

type Made = Result<AnyExchange<Tokens>, SourceError>;

struct Row {
    name: &'static str,
    make: fn(&World, &ConfidentialClient) -> Made,
    /// How many requests it takes.
    requests: usize,
}

const ROWS: [Row; 11] = [
    Row { name: "client credentials", make: client_credentials, requests: 1 },
    Row { name: "authorization code", make: code, requests: 1 },
    Row { name: "device authorization", make: device, requests: 2 },
    Row { name: "token exchange", make: token_exchange, requests: 1 },
    Row { name: "JWT assertion", make: jwt_assertion, requests: 1 },
    Row { name: "SAML assertion", make: saml_assertion, requests: 1 },
    Row { name: "identity assertion, a chain of two", make: identity_assertion, requests: 2 },
    Row { name: "extension grant", make: extension, requests: 1 },
    Row { name: "extension grant that may be repeated", make: replayable_extension, requests: 1 },
    Row { name: "backchannel authentication", make: backchannel, requests: 2 },
    Row { name: "client credentials, then a token exchange", make: delegation, requests: 2 },
];

fn client_credentials(_: &World, client: &ConfidentialClient) -> Made {
    Ok(AnyExchange::new(ClientCredentials::new(client).scope("read")?))
}

fn code(world: &World, client: &ConfidentialClient) -> Made {
    Ok(AnyExchange::new(world.code(client)))
}

fn device(_: &World, client: &ConfidentialClient) -> Made {
    Ok(AnyExchange::new(DeviceRequest::new(client)?.scope("read")?.then(|grant, _| Ok(grant))))
}

fn token_exchange(world: &World, client: &ConfidentialClient) -> Made {
    let subject = SecurityToken::id_token(world.server(|server| server.sign_jwt(ID, "ada")))?;
    Ok(AnyExchange::new(TokenExchange::new(client, subject).scope("read")?.for_access_token()))
}

fn jwt_assertion(world: &World, client: &ConfidentialClient) -> Made {
    let assertion = Assertion::jwt(world.server(|server| server.sign_jwt(ISSUER, "ada")))?;
    Ok(AnyExchange::new(AssertionGrant::new(client, assertion).scope("read")?))
}

fn saml_assertion(world: &World, client: &ConfidentialClient) -> Made {
    let assertion = Assertion::saml2_xml(world.server(|server| server.sign_saml2(ISSUER, "ada")))?;
    Ok(AnyExchange::new(AssertionGrant::new(client, assertion).scope("read")?))
}

fn identity_assertion(world: &World, client: &ConfidentialClient) -> Made {
    let subject = SecurityToken::id_token(world.server(|server| server.sign_jwt(ID, "ada")))?;
    let request = IdentityAssertionRequest::new(client, subject, client)?.scope("read")?;
    Ok(AnyExchange::new(request.then(|assertion, _| Ok(assertion.grant()))))
}

fn extension(_: &World, client: &ConfidentialClient) -> Made {
    Ok(AnyExchange::new(ExtensionGrant::new(client, VOUCHER)?.param("voucher", "V-1")?.scope("read")?))
}

fn replayable_extension(_: &World, client: &ConfidentialClient) -> Made {
    let grant = ExtensionGrant::new(client, VOUCHER)?.param("voucher", "V-1")?.scope("read")?;
    Ok(AnyExchange::new(grant.replayable()))
}

fn backchannel(_: &World, client: &ConfidentialClient) -> Made {
    let request = BackchannelRequest::with_login_hint(client, "ada@example.com")?.scope("openid read")?;
    Ok(AnyExchange::new(request.then(|grant, _| Ok(grant))))
}

/// A program's own token is the subject of the exchange.
fn delegation(_: &World, client: &ConfidentialClient) -> Made {
    let (first, of) = (ClientCredentials::new(client).scope("read")?, Client::from(client));
    Ok(AnyExchange::new(first.then(move |tokens: Tokens, _| {
        let subject = SecurityToken::access_token(tokens.bearer()?.expose_secret())?;
        Ok(TokenExchange::new(&of, subject).scope("read")?.for_access_token())
    })))
}

/// A world with people who decide at the first poll, and a session of this row.
struct Fed {
    world: World,
    store: FaultyStore,
    client: ConfidentialClient,
    asked: Asked,
    row: &'static Row,
}

impl Fed {
    fn new(row: &'static Row) -> Self {
        let world = World::new();
        let [token, device, backchannel] = world.server(|server| {
            server.register(
                grantflow_testkit::Client::confidential(ID, SECRET)
                    .redirect_uri(REDIRECT_URI)
                    .scope("openid read write"),
            );
            let knobs = server.knobs();
            knobs.decide_at_poll = Some(1);
            knobs.extension_grant = Some(VOUCHER.to_owned());
            knobs.issue_refresh_token = false;
            [Endpoint::Token, Endpoint::DeviceAuthorization, Endpoint::BackchannelAuthentication]
                .map(|endpoint| server.endpoint_url(endpoint))
        });
        let authorize = world.server(|server| server.authorize_url());
        let server = Server::new(&authorize, &token).unwrap().issuer(ISSUER).unwrap();
        let server = server.device_authorization_endpoint(&device).unwrap();
        let server = server.backchannel_authentication_endpoint(&backchannel).unwrap();
        let client = server.client(ID).secret_post(SECRET).unwrap();
        Self { store: world.store(), client, asked: Asked::default(), row, world }
    }

    fn session(&self) -> Session {
        let (world, client, asked, row) = (self.world.clone(), self.client.clone(), self.asked.clone(), self.row);
        let session = Session::new(&client, key(), self.store.as_store(), world.clone()).policy(plain_policy());
        session.source(move |_: &mut Env<'_>| {
            asked.again();
            (row.make)(&world, &client)
        })
    }
}

fn for_each(check: impl Fn(Fed, &str)) {
    for row in &ROWS {
        println!("{}", row.name);
        check(Fed::new(row), row.name);
    }
}

#[test]
fn each_flow_gives_the_first_token_and_the_next_ones() {
    for_each(|fed, name| {
        let session = fed.session();
        assert_eq!(session.state(), State::Unread);
        let first = session.token_blocking().unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(fed.store.kept().unwrap().access, access(&first), "{name}: stored");
        assert_eq!((fed.asked.times(), fed.world.sent().len()), (1, fed.row.requests), "{name}");
        // After a restart, and for an async caller.
        let restarted = fed.session();
        assert_eq!(access(&pollster::block_on(restarted.token()).unwrap()), access(&first), "{name}");
        fed.world.advance(LIFE);
        let second = pollster::block_on(restarted.token()).unwrap();
        assert_ne!(access(&second), access(&first), "{name}");
        assert_eq!(fed.asked.times(), 2, "{name}: the source is asked again");
        fed.world.advance(LIFE);
        assert!(session.token_blocking().is_ok(), "{name}");
        assert_eq!(fed.world.refreshes(), 0, "{name}");
    });
}

#[test]
fn each_flow_that_gives_a_refresh_token_is_refreshed_first() {
    for_each(|fed, name| {
        fed.world.server(|server| {
            server.knobs().issue_refresh_token = true;
            server.knobs().refresh_token_without_person = true;
        });
        let session = fed.session();
        session.token_blocking().unwrap();
        let has_refresh_token = fed.store.kept().unwrap().refresh.is_some();
        fed.world.advance(LIFE);
        session.token_blocking().unwrap();
        let (asked, refreshes) = if has_refresh_token { (1, 1) } else { (2, 0) };
        assert_eq!((fed.asked.times(), fed.world.refreshes()), (asked, refreshes), "{name}");
        // Refused for good: the source serves in the same call.
        fed.world.server(|server| server.revoke_all());
        fed.world.advance(LIFE);
        assert!(session.token_blocking().is_ok(), "{name}");
        assert_eq!(fed.asked.times(), asked + 1, "{name}");
    });
}

/// Each request of an exchange meets this once; afterwards all is well.
fn after(net: &Net, check: impl Fn(&Fed, &str, Result<(), SessionError>)) {
    for_each(|fed, name| {
        for at in 0..fed.row.requests {
            let fed = Fed::new(fed.row);
            fed.world.network((0..at).map(|_| Net::Fine).chain([net.clone()]));
            let session = fed.session();
            let result = session.token_blocking().map(drop);
            if let Err(error) = &result {
                assert!(matches!(error, SessionError::NotRenewed { .. }), "{name}, request {at}: {error:?}");
                assert_ne!(session.state(), State::Lost, "{name}");
                assert!(fed.store.entry().is_none(), "{name}: nothing is stored of it");
            }
            check(&fed, name, result);
            fed.world.advance(60);
            assert!(session.token_blocking().is_ok(), "{name}, request {at}: no token after {net:?}");
            assert_eq!(fed.store.kept().unwrap().sent, 0, "{name}");
        }
    });
}

#[test]
fn a_lost_answer_a_gateway_and_a_refused_connection_cost_each_flow_a_pause_at_most() {
    for net in [
        Net::LoseRequest,
        Net::LoseAnswer,
        Net::NotSent,
        Net::Gateway(502, None),
        Net::GatewayAfter(502),
        Net::Gateway(404, None),
        Net::Gateway(200, None),
    ] {
        after(&net, |_, _, _| {});
    }
}

#[test]
fn a_retry_after_counts_for_each_flow() {
    after(&Net::Gateway(503, Some(40)), |fed, name, result| {
        if let Err(SessionError::NotRenewed { retry_at, .. }) = result {
            assert_eq!(retry_at, fed.world.now().saturating_add(std::time::Duration::from_secs(40)), "{name}");
        } else {
            // A poll has waited inside of its exchange.
            assert!(fed.world.log().contains(&Did::Wait(std::time::Duration::from_secs(40))), "{name}");
        }
    });
}

#[test]
fn a_verdict_is_final_for_no_flow() {
    for body in [r#"{"error":"invalid_grant"}"#, r#"{"error":"invalid_client"}"#, r#"{"error":"access_denied"}"#] {
        after(&Net::Says(400, body), |fed, name, result| {
            assert!(result.is_err(), "{name}");
            assert_eq!(fed.asked.times(), 1, "{name}");
        });
    }
}

#[test]
fn a_logout_removes_the_tokens_of_each_flow() {
    for_each(|fed, name| {
        let session = fed.session();
        session.token_blocking().unwrap();
        session.forget_blocking().unwrap();
        assert!(fed.store.entry().is_none() && session.peek().is_none(), "{name}");
        assert_eq!(fed.asked.times(), 1, "{name}");
    });
}

#[test]
fn two_processes_cause_one_exchange_of_each_flow() {
    for_each(|fed, name| {
        fed.world.waits(Waits::Nap);
        fed.world.server(|server| server.knobs().enforce_interval = false);
        let sessions = [fed.session(), fed.session()];
        std::thread::scope(|scope| {
            for caller in 0..8 {
                let session = &sessions[caller % 2];
                scope.spawn(move || session.token_blocking().unwrap());
            }
        });
        assert_eq!((fed.asked.times(), fed.world.sent().len()), (1, fed.row.requests), "{name}");
    });
}

#[test]
fn nothing_that_is_printed_shows_what_a_source_sends() {
    for_each(|fed, name| {
        let shown = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let told = std::sync::Arc::clone(&shown);
        let session = fed.session().observer(move |event: &grantflow_session::Event<'_>| {
            told.lock().unwrap().push_str(&format!("{event:?} {event:#?}"));
        });
        fed.world.network([Net::Says(400, r#"{"error":"invalid_request"}"#)]);
        let error = session.token_blocking().unwrap_err();
        fed.world.advance(60);
        let token = session.token_blocking().unwrap();
        let shown = format!("{} {error} {error:?} {error:#?} {session:?} {token:?}", shown.lock().unwrap());
        let secrets = fed.world.server(|server| {
            let names = ["code", "assertion", "subject_token", "device_code", "auth_req_id", "voucher"];
            let all = server.log().iter().flat_map(|hit| names.map(|name| hit.parameter(name).map(str::to_owned)));
            all.flatten().chain([access(&token), SECRET.to_owned()]).collect::<Vec<_>>()
        });
        for secret in secrets {
            assert!(!shown.contains(&secret), "{name}: {secret} was printed");
        }
    });
}

#[test]
fn a_new_flow_that_gives_tokens_has_a_row() {
    // The flows that run to tokens, as the architecture's table has them. Step-up and pushed requests end in a code.
    let table = include_str!("../../ARCHITECTURE.md");
    let flows: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("`flow/") && line.contains("→ `Tokens`"))
        .filter_map(|line| line.split('|').nth(1).map(str::trim))
        .collect();
    let mut rows: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
    rows.push("refresh");
    for flow in &flows {
        let known = rows.iter().any(|row| row.split(',').next().is_some_and(|row| flow.starts_with(row)));
        let assertions = flow.starts_with("assertion") && rows.contains(&"JWT assertion");
        assert!(known || assertions, "{flow} has no row here: {rows:?}");
    }
    assert!(flows.len() >= 4, "{flows:?}");
}
