//! The profile of the Model Context Protocol with a session, over real HTTP on loopback: any number of concurrent calls
//! share one grant.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use grantflow::{Body, ClientMetadata, Env, Exchange, Failure, Issuer, UnixTime};
use grantflow_mcp::{
    Application, CallError, Called, Challenged, ClientChoice, Clients, Connection, Credentials, Error, Grant, Login,
    LoginReturn, NotCovered, Operation, Resource, ResourceSession, ResourceSessionError,
};
use grantflow_session::{MemoryStore, SessionError, Ureq};
use grantflow_testkit::{Client, Endpoint, Loopback};
use grantflow_ureq::{Agent, SysRng};
use http::{Request, Response};

const ID: &str = "editor";
const SECRET: &str = "the-secret";
const REDIRECT_URI: &str = "http://127.0.0.1:4711/callback";

/// An authorization server and an MCP server at one origin.
struct World {
    provider: Loopback,
    agent: Agent,
    clients: Clients,
}

impl World {
    fn new() -> Self {
        let provider = Loopback::start(|base_url| {
            let mut server = grantflow_testkit::Server::new(base_url);
            server.register(Client::confidential(ID, SECRET).redirect_uri(REDIRECT_URI));
            let knobs = server.knobs();
            knobs.challenge_names_metadata = true;
            knobs.resource_scopes_supported = vec!["read".to_owned()];
            server
        })
        .unwrap();
        provider.follow_system_clock(true);
        let mut clients = Clients::new();
        let issuer = Issuer::new(provider.base_url()).unwrap();
        clients.add(Credentials::beforehand(&issuer, ID).secret(SECRET));
        Self { provider, agent: Agent::new(), clients }
    }

    fn url(&self) -> String {
        self.provider.with(|server| server.resource_url())
    }

    fn run<X: Exchange>(&self, exchange: X) -> Result<X::Output, Failure<X, grantflow_ureq::Error>> {
        grantflow_ureq::run(&self.agent, exchange)
    }

    fn send(&self, request: Request<Body>) -> Response<Body> {
        grantflow_ureq::send(&self.agent, request).map_err(|unanswered| unanswered.error).unwrap()
    }

    fn login(&self, challenged: Challenged) -> Login {
        let servers = self.run(challenged).unwrap();
        let server = self.run(servers.choose(servers.only().unwrap()).unwrap()).unwrap();
        let choice =
            server.client(&Application::new(ClientMetadata::new()), &self.clients, REDIRECT_URI, grantflow_ureq::now());
        match choice.unwrap() {
            ClientChoice::Ready(login) => *login,
            other => panic!("{other:?}"),
        }
    }

    fn visit(&self, login: &Login) -> Grant {
        let start = login.start(&mut Env::new(grantflow_ureq::now(), &mut SysRng)).unwrap();
        let callback = self.provider.with(|server| server.visit(start.url.as_str())).unwrap();
        match start.pending.receive_url(&callback.url) {
            LoginReturn::Granted(exchange) => self.run(exchange).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// A session with the grant of a login.
    fn session(&self) -> ResourceSession {
        let grant = self.visit(&self.login(Resource::new(&self.url()).unwrap().first_contact().unwrap()));
        let session = grant.connection().session("ada", MemoryStore::new(), Ureq::new(self.agent.clone())).unwrap();
        session.prime_blocking(grant).unwrap();
        session
    }

    fn call(&self, session: &ResourceSession, operation: &mut Operation) -> Result<Called<Body>, CallError<()>> {
        let url = self.url();
        let request = || Request::get(&url).body(Body::default()).unwrap();
        pollster(session.call(operation, request, |request| async move { Ok(self.send(request)) }))
    }

    fn refreshes(&self) -> usize {
        self.provider.with(|server| server.hits("refresh_token").count())
    }
}

/// Over ureq every future is ready when the thread has done its work.
fn pollster<F: Future>(future: F) -> F::Output {
    ::pollster::block_on(future)
}

#[test]
fn concurrent_tool_calls_each_with_a_refresh_of_its_own_revoke_the_family() {
    const CALLS: usize = 12;
    let world = World::new();
    let session = world.session();
    // The API forgets the tokens: every call gets a 401 for the same token, at about the same time.
    world.provider.with(|server| server.revoke_access_tokens());
    let (barrier, answered) = (Barrier::new(CALLS), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..CALLS {
            scope.spawn(|| {
                barrier.wait();
                let called = world.call(&session, &mut Operation::new()).unwrap();
                let Called::Answered(answer) = called else { panic!("{called:?}") };
                assert_eq!(answer.status(), 200);
                answered.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(answered.load(Ordering::Relaxed), CALLS);
    assert_eq!(world.refreshes(), 1, "one refresh for all of them");
    let resource = world.url();
    world.provider.with(|server| {
        assert!(server.sent_twice(Endpoint::Token).is_none());
        assert!(server.hits("refresh_token").all(|hit| hit.resources == [resource.clone()]));
    });
    // A revoked family would take this token with it.
    let called = world.call(&session, &mut Operation::new()).unwrap();
    assert!(matches!(called, Called::Answered(answer) if answer.status() == 200));
}

#[test]
fn a_token_that_has_expired_is_renewed_before_the_call() {
    let world = World::new();
    world.provider.with(|server| server.knobs().expires_in = 1);
    let session = world.session();
    let until = session.expires_at().unwrap();
    while grantflow_ureq::now() <= until {
        thread::sleep(std::time::Duration::from_millis(50));
    }
    world.provider.with(|server| server.knobs().expires_in = 3600);
    let before = world.provider.with(|server| server.hits_at(Endpoint::Resource).count());
    let called = world.call(&session, &mut Operation::new()).unwrap();
    assert!(matches!(called, Called::Answered(answer) if answer.status() == 200));
    let calls = world.provider.with(|server| server.hits_at(Endpoint::Resource).count()) - before;
    assert_eq!((calls, world.refreshes()), (1, 1), "the API was not asked with the old token");
}

#[test]
fn a_step_up_of_a_session_unites_the_scopes() {
    let world = World::new();
    let session = world.session();
    world.provider.with(|server| server.knobs().required_scope = Some("write".to_owned()));
    let mut operation = Operation::new();
    let Called::LogIn(login) = world.call(&session, &mut operation).unwrap() else { panic!("no step-up") };
    session.prime_blocking(world.visit(&login)).unwrap();
    let called = world.call(&session, &mut operation).unwrap();
    assert!(matches!(called, Called::Answered(answer) if answer.status() == 200));
    let token = session.session().token_blocking().unwrap();
    assert_eq!(token.scope().effective().unwrap().as_str(), "read write");
    // The resource refuses what it was given: the operation ends.
    world.provider.with(|server| {
        server.knobs().narrow_scope = Some("read".to_owned());
        server.knobs().required_scope = Some("admin".to_owned());
    });
    let Called::LogIn(login) = world.call(&session, &mut operation).unwrap() else { panic!("no step-up") };
    session.prime_blocking(world.visit(&login)).unwrap();
    assert!(matches!(world.call(&session, &mut operation), Err(CallError::Profile(Error::NoStepUp(_)))));
}

#[test]
fn a_grant_that_is_lost_starts_again_from_the_challenge() {
    let world = World::new();
    let session = world.session();
    world.provider.with(|server| server.revoke_all());
    let called = world.call(&session, &mut Operation::new()).unwrap();
    let Called::StartAgain(challenged) = called else { panic!("{called:?}") };
    session.prime_blocking(world.visit(&world.login(*challenged))).unwrap();
    let called = world.call(&session, &mut Operation::new()).unwrap();
    assert!(matches!(called, Called::Answered(answer) if answer.status() == 200));
}

#[test]
fn an_empty_session_starts_at_the_resources_metadata() {
    let world = World::new();
    let full = world.session();
    let empty = full.connection().session("bob", MemoryStore::new(), Ureq::new(world.agent.clone())).unwrap();
    let before = world.provider.with(|server| server.hits_at(Endpoint::Resource).count());
    assert!(matches!(world.call(&empty, &mut Operation::new()), Ok(Called::StartAgain(_))));
    assert_eq!(world.provider.with(|server| server.hits_at(Endpoint::Resource).count()), before, "without a token");
}

#[test]
fn a_resource_that_refuses_every_token_ends_the_call() {
    let world = World::new();
    let session = world.session();
    let mut operation = Operation::new();
    let url = world.url();
    let mut sent = 0;
    let mut call = |operation: &mut Operation| {
        let request = || Request::get(&url).body(Body::default()).unwrap();
        pollster(session.call(operation, request, |_| {
            sent += 1;
            async { Ok::<_, ()>(Response::builder().status(401).body(()).unwrap()) }
        }))
    };
    assert!(matches!(call(&mut operation), Ok(Called::StartAgain(_))), "after one refresh");
    assert!(matches!(call(&mut operation), Err(CallError::Profile(Error::RefusedAgain))));
    assert_eq!(sent, 3);
}

#[test]
fn what_is_not_a_call_of_the_resource_gets_no_token() {
    let world = World::new();
    let session = world.session();
    for (url, why) in [
        (format!("{}/admin", world.provider.base_url()), NotCovered::OtherPath),
        ("https://other.example/api/user".to_owned(), NotCovered::OtherOrigin),
    ] {
        let mut request = Request::get(&url).body(()).unwrap();
        let error = session.authorize_blocking(&mut request).unwrap_err();
        assert!(matches!(error, ResourceSessionError::Profile(Error::NotCovered(found)) if found == why), "{error}");
        assert!(request.headers().is_empty());
    }
    let mut request = Request::get(world.url()).body(()).unwrap();
    session.authorize_blocking(&mut request).unwrap();
    assert!(request.headers()["authorization"].is_sensitive());
}

#[test]
fn a_session_takes_no_grant_of_another_resource_or_issuer() {
    let (world, other) = (World::new(), World::new());
    let session = world.session();
    let foreign = other.visit(&other.login(Resource::new(&other.url()).unwrap().first_contact().unwrap()));
    assert_ne!(
        foreign.connection().session_key("ada").unwrap(),
        session.connection().session_key("ada").unwrap(),
        "each issuer has its own entry"
    );
    let error = session.prime_blocking(foreign).unwrap_err();
    assert!(matches!(error, ResourceSessionError::Profile(Error::OtherIssuer { .. })), "{error}");
    // And of two accounts, each has its own.
    let keys = ["ada", "bob", ""].map(|account| session.connection().session_key(account).unwrap());
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
}

#[test]
fn a_connection_is_restored_at_the_next_start() {
    let world = World::new();
    let store = std::sync::Arc::new(MemoryStore::new());
    let grant = world.visit(&world.login(Resource::new(&world.url()).unwrap().first_contact().unwrap()));
    let session = grant.connection().session("ada", store.clone(), Ureq::new(world.agent.clone())).unwrap();
    let stored = serde_json::to_string(&grant.connection().to_stored()).unwrap();
    assert!(!stored.contains(SECRET));
    session.prime_blocking(grant).unwrap();
    drop(session);

    let connection = Connection::from_stored(&serde_json::from_str(&stored).unwrap(), &world.clients).unwrap();
    let session = connection.session("ada", store, Ureq::new(world.agent.clone())).unwrap();
    let called = world.call(&session, &mut Operation::new()).unwrap();
    assert!(matches!(called, Called::Answered(answer) if answer.status() == 200));
    assert!(Connection::from_stored(&serde_json::from_str(&stored).unwrap(), &Clients::new()).is_err());
}

#[test]
fn an_outage_is_an_error_and_no_reason_to_log_in() {
    let world = World::new();
    let session = world.session();
    world.provider.with(|server| {
        server.revoke_access_tokens();
        server.knobs().always.push(grantflow_testkit::Misbehaviour::Html { status: 502, acts: false });
    });
    let error = world.call(&session, &mut Operation::new()).unwrap_err();
    assert!(matches!(&error, CallError::Session(SessionError::InDoubt { .. })), "{error:?}");
    let never: UnixTime = UnixTime::from_secs(0);
    assert_ne!(session.expires_at(), Some(never));
}

#[test]
fn a_program_without_a_person_asks_for_a_new_token_whenever_one_is_due() {
    let world = World::new();
    let challenged = Resource::new(&world.url()).unwrap().first_contact().unwrap();
    let servers = world.run(challenged).unwrap();
    let server = world.run(servers.choose(servers.only().unwrap()).unwrap()).unwrap();
    let credentials = world.clients.iter().next().unwrap().clone();
    let first = server.client_credentials(&credentials).unwrap();
    let session = first.connection().session("robot", MemoryStore::new(), Ureq::new(world.agent.clone())).unwrap();
    let session = session.with(|session| {
        session.source(move |_: &mut Env<'_>| Ok(server.client_credentials(&credentials)?.into_exchange()))
    });
    for grants in 1..=2 {
        let called = world.call(&session, &mut Operation::new()).unwrap();
        assert!(matches!(called, Called::Answered(answer) if answer.status() == 200));
        let hits = world.provider.with(|server| server.hits("client_credentials").count());
        assert_eq!(hits, grants);
        if grants == 1 {
            world.provider.with(|server| server.revoke_access_tokens());
        }
    }
    let resource = world.url();
    world.provider.with(|server| {
        assert!(server.hits("client_credentials").all(|hit| hit.resources == [resource.clone()]));
    });
    // More scope is not to be had without a person.
    world.provider.with(|server| server.knobs().required_scope = Some("admin".to_owned()));
    assert!(matches!(world.call(&session, &mut Operation::new()), Err(CallError::Profile(Error::NoPerson))));
}
