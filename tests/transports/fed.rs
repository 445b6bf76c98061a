//! Sessions with a source, over every transport: the exchange polls, in real time, or needs another session's token.

use std::time::{Duration, Instant};

use grantflow::{
    AnyExchange, Client, ConfidentialClient, DeviceRequest, Env, Exchange as _, SecurityToken, TokenExchange,
};
use grantflow_session::{Event, FreshToken, Session, SessionError};
use grantflow_testkit::{Endpoint, Loopback, Misbehaviour, Server};
use grantflow_tests::support::transport::{self, Transport};

use super::TransportBody;

const ID: &str = "till";
const SECRET: &str = "hush";

pub(crate) const BODIES: &[(&str, TransportBody)] = &[
    ("a session is fed by a device that polls", polls),
    ("a session goes on with its polls after answers that fail", fails),
    ("a session is fed by another session's token", delegated),
    ("a hundred callers wait for one exchange of a source", many),
];

/// A server that is up. The person decides at the second poll.
fn provider() -> Loopback {
    Loopback::start(|base_url| {
        let mut server = Server::new(base_url);
        server.register(grantflow_testkit::Client::confidential(ID, SECRET).scope("read"));
        let knobs = server.knobs();
        (knobs.device_interval, knobs.enforce_interval, knobs.decide_at_poll) = (Some(1), false, Some(2));
        server
    })
    .unwrap()
}

fn client(provider: &Loopback) -> ConfidentialClient {
    let [token, device] =
        [Endpoint::Token, Endpoint::DeviceAuthorization].map(|endpoint| provider.server().endpoint_url(endpoint));
    let server = grantflow::Server::with_token_endpoint(&token).unwrap();
    server.device_authorization_endpoint(&device).unwrap().client(ID).secret_post(SECRET).unwrap()
}

fn with_devices(transport: Transport, client: &ConfidentialClient) -> Session {
    let of = Client::from(client);
    transport::session(transport, client).source(move |_: &mut Env<'_>| {
        let request = DeviceRequest::new(&of)?.scope("read")?;
        Ok(AnyExchange::new(request.then(|grant, _| Ok(grant))))
    })
}

fn token(transport: Transport, session: &Session) -> Result<FreshToken, SessionError> {
    match transport {
        Transport::Ureq => session.token_blocking(),
        Transport::Reqwest | Transport::Tower => transport::block_on(session.token()),
    }
}

fn polls(transport: Transport) {
    let provider = provider();
    let session = with_devices(transport, &client(&provider));
    let started = Instant::now();
    let first = token(transport, &session).unwrap();
    assert!(started.elapsed() >= Duration::from_secs(2), "it polls a second apart, the first time too");
    assert_eq!(provider.server().hits_at(Endpoint::Token).count(), 2);
    assert!(token(transport, &session).unwrap().is(&first));
    // It goes on with the refresh token.
    assert!(session.refused(&first));
    assert!(!token(transport, &session).unwrap().is(&first));
    assert_eq!(provider.server().hits("refresh_token").count(), 1);
}

fn fails(transport: Transport) {
    let provider = provider();
    {
        let mut server = provider.server();
        server.knobs().misbehave(Misbehaviour::Lost { acts: false });
        server.knobs().misbehave(Misbehaviour::json(502, "<h1>not now</h1>"));
    }
    let session = with_devices(transport, &client(&provider));
    assert!(token(transport, &session).is_ok());
    assert_eq!(provider.server().hits_at(Endpoint::DeviceAuthorization).count(), 1, "it is one login");
}

fn delegated(transport: Transport) {
    let provider = provider();
    let client = client(&provider);
    let person = with_devices(transport, &client);
    let of = Client::from(&client);
    let subject = person.clone();
    let session = transport::session(transport, &client).async_source(move |_| {
        let (of, subject) = (of.clone(), subject.clone());
        async move {
            let token = subject.token().await?;
            let grantflow::AccessToken::Bearer(token) = token.access_token() else { return Err("no bearer".into()) };
            let subject = SecurityToken::access_token(token.expose_secret())?;
            Ok(AnyExchange::new(TokenExchange::new(&of, subject).scope("read")?.for_access_token()))
        }
    });
    let first = token(transport, &session).unwrap();
    assert!(session.refused(&first));
    assert!(!token(transport, &session).unwrap().is(&first));
    assert_eq!(provider.server().hits_at(Endpoint::DeviceAuthorization).count(), 1);
    let exchanges = provider.server().hits("urn:ietf:params:oauth:grant-type:token-exchange").count();
    assert_eq!(exchanges, 2, "each with the person's token, which is still good");
}

fn many(transport: Transport) {
    let provider = provider();
    let told = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&told);
    let session = with_devices(transport, &client(&provider)).observer(move |event: &Event<'_>| {
        if let Event::Renewed { .. } = event {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    });
    match transport {
        Transport::Ureq => std::thread::scope(|scope| {
            for _ in 0..100 {
                scope.spawn(|| session.token_blocking().unwrap());
            }
        }),
        Transport::Reqwest | Transport::Tower => transport::block_on(async {
            let callers: Vec<_> = (0..100)
                .map(|_| {
                    let session = session.clone();
                    tokio::spawn(async move { session.token().await.unwrap() })
                })
                .collect();
            for caller in callers {
                caller.await.unwrap();
            }
        }),
    }
    assert_eq!(provider.server().hits_at(Endpoint::DeviceAuthorization).count(), 1);
    assert_eq!(told.load(std::sync::atomic::Ordering::SeqCst), 1);
}
