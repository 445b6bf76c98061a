//! A whole session over each stack's outside: real sockets, the system's clock and entropy.

use std::error::Error as _;

use grantflow::Sent;
use grantflow_session::{Cause, Event, Key, MemoryStore, Observer, Outside, Policy, Session, SessionError, State};
use grantflow_testkit::{Loopback, Server};

use crate::world::{client, login, register};

fn start() -> Loopback {
    let loopback = Loopback::start(|base| {
        let mut provider = Server::new(base);
        register(&mut provider);
        provider
    })
    .unwrap();
    loopback.follow_system_clock(true);
    // The clock is set with the first request; the login comes before that.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    loopback.with(|provider| provider.set_now(now));
    loopback
}

async fn a_token_is_renewed_and_stored(outside: impl Outside + Clone + 'static) {
    let loopback = start();
    let (client, tokens) = loopback.with(|provider| {
        let client = client(provider, loopback.base_url());
        let tokens = login(provider, &client);
        (client, tokens)
    });
    let store = MemoryStore::new();
    let session = Session::new(&client, Key::new("ada").unwrap(), store.clone(), outside.clone());
    let old = session.prime(tokens).await.unwrap();
    assert!(session.token().await.unwrap().is(&old));
    assert_eq!(loopback.with(|provider| provider.hits("refresh_token").count()), 0);

    assert!(session.refused(&old));
    let new = session.token().await.unwrap();
    assert!(!new.is(&old));
    assert!(session.token().await.unwrap().is(&new));
    assert_eq!(session.state(), State::Fresh);

    // Another process finds the new one in the store.
    let sibling = Session::new(&client, Key::new("ada").unwrap(), store, outside);
    assert!(sibling.token().await.unwrap().is(&new));
    // The refresh token was rotated, and the new one was stored.
    assert!(sibling.refused(&new));
    assert!(!sibling.token().await.unwrap().is(&new));
    loopback.with(|provider| {
        let sent: Vec<_> = provider.hits("refresh_token").map(|hit| hit.parameter("refresh_token").unwrap()).collect();
        assert_eq!(sent.len(), 2);
        assert_ne!(sent[0], sent[1]);
        assert!(provider.hits("refresh_token").all(|hit| hit.status == Some(200)));
    });
}

/// Bound, and not listening: while it lives, connections to it are refused, and nobody else can be given its port.
pub(crate) fn nobody() -> (tokio::net::TcpSocket, String) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((std::net::Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    (socket, base)
}

/// Whether each request may have been sent.
#[derive(Clone, Default)]
struct Heard(std::sync::Arc<std::sync::Mutex<Vec<Sent>>>);

impl Observer for Heard {
    fn on(&self, event: &Event<'_>) {
        if let Event::Unanswered { unanswered, .. } = event {
            self.0.lock().unwrap().push(unanswered.sent);
        }
    }
}

async fn an_answer_that_never_comes_is_told_without_secrets(outside: impl Outside + 'static) {
    let (_nobody, base) = nobody();
    let url = format!("{base}/token?tenant=hush-hush");
    let server = grantflow::Server::with_token_endpoint(&url).unwrap();
    let grant = grantflow::ClientCredentials::new(&server.client("robot").secret_post("s3cret").unwrap());
    let heard = Heard::default();
    let key = Key::new("robot").unwrap();
    let session = Session::client_credentials(grant, key, MemoryStore::new(), outside).observer(heard.clone());
    let error = session.token().await.unwrap_err();
    assert!(matches!(&error, SessionError::NotRenewed { cause: Cause::Transport(_), .. }), "{error:?}");
    assert_eq!(*heard.0.lock().unwrap(), [Sent::NotSent]);
    let mut text = format!("{error:?}");
    let mut next: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = next {
        text.push_str(&error.to_string());
        next = error.source();
    }
    assert!(error.source().is_some());
    for secret in ["s3cret", "hush-hush"] {
        assert!(!text.contains(secret), "{text}");
    }
}

async fn a_lost_answer_is_waited_for_and_asked_for_once_more(outside: impl Outside + 'static) {
    let loopback = start();
    let (client, tokens) = loopback.with(|provider| {
        let client = client(provider, loopback.base_url());
        let tokens = login(provider, &client);
        provider.knobs().misbehave(grantflow_testkit::Misbehaviour::Lost { acts: false });
        (client, tokens)
    });
    let policy = {
        let mut policy = Policy::default();
        policy.early_retry = std::time::Duration::from_millis(20);
        policy
    };
    let heard = Heard::default();
    let session = Session::new(&client, Key::new("ada").unwrap(), MemoryStore::new(), outside)
        .policy(policy)
        .observer(heard.clone());
    let old = session.prime(tokens).await.unwrap();
    session.refused(&old);
    assert!(!session.token().await.unwrap().is(&old));
    assert_eq!(*heard.0.lock().unwrap(), [Sent::MaybeSent]);
    assert_eq!(loopback.with(|provider| provider.hits("refresh_token").count()), 2);
}

macro_rules! over {
    ($stack:ident, $outside:expr) => {
        mod $stack {
            #[tokio::test]
            async fn a_token_is_renewed_and_stored() {
                super::a_token_is_renewed_and_stored($outside).await;
            }

            #[tokio::test]
            async fn an_answer_that_never_comes_is_told_without_secrets() {
                super::an_answer_that_never_comes_is_told_without_secrets($outside).await;
            }

            #[tokio::test]
            async fn a_lost_answer_is_waited_for_and_asked_for_once_more() {
                super::a_lost_answer_is_waited_for_and_asked_for_once_more($outside).await;
            }
        }
    };
}

#[cfg(feature = "ureq")]
over!(over_ureq, grantflow_session::Ureq::new(grantflow_ureq::Agent::new()));
#[cfg(feature = "reqwest")]
over!(over_reqwest, grantflow_session::Reqwest::new(grantflow_reqwest::Agent::new().unwrap()));
#[cfg(feature = "tower")]
over!(over_tower, super::tower());

#[cfg(feature = "tower")]
fn tower() -> grantflow_session::Tower {
    use hyper_util::client::legacy::Client;
    let client: Client<_, grantflow_tower::RequestBody> =
        Client::builder(hyper_util::rt::TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let agent = grantflow_tower::Agent::new(client, tokio::time::sleep).phase(refused_is_not_sent);
    grantflow_session::Tower::new(agent, tokio::time::sleep).spawner(|renewal| {
        tokio::spawn(renewal);
    })
}

/// hyper-util's client says that it was connecting.
#[cfg(feature = "tower")]
fn refused_is_not_sent(error: &(dyn std::error::Error + 'static)) -> Sent {
    match error.downcast_ref::<hyper_util::client::legacy::Error>() {
        Some(error) if error.is_connect() => Sent::NotSent,
        _ => Sent::MaybeSent,
    }
}

/// A caller that goes away leaves nothing behind: the stack's runtime continues the renewal.
#[cfg(any(feature = "reqwest", feature = "tower"))]
async fn a_renewal_outlives_its_callers(outside: impl Outside + 'static) {
    let loopback = start();
    let (client, tokens) = loopback.with(|provider| {
        let client = client(provider, loopback.base_url());
        let tokens = login(provider, &client);
        (client, tokens)
    });
    let session = Session::new(&client, Key::new("ada").unwrap(), MemoryStore::new(), outside);
    let old = session.prime(tokens).await.unwrap();
    session.refused(&old);
    {
        let mut asked = core::pin::pin!(session.token());
        core::future::poll_fn(|context| {
            assert!(asked.as_mut().poll(context).is_pending());
            core::task::Poll::Ready(())
        })
        .await;
    }
    for _ in 0..6000 {
        if session.state() == State::Fresh {
            break;
        }
        tokio::time::sleep(core::time::Duration::from_millis(10)).await;
    }
    assert_eq!(session.state(), State::Fresh);
    assert_eq!(loopback.with(|provider| provider.hits("refresh_token").count()), 1);
}

#[cfg(feature = "reqwest")]
#[tokio::test]
async fn a_renewal_outlives_its_callers_over_reqwest() {
    a_renewal_outlives_its_callers(grantflow_session::Reqwest::new(grantflow_reqwest::Agent::new().unwrap())).await;
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn a_renewal_outlives_its_callers_over_tower() {
    a_renewal_outlives_its_callers(tower()).await;
}
