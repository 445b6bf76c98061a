//! A session that lives on the tokens of the made-up grant.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use grantflow::{Body, EntropyFailed, UnixTime};
use grantflow_own_grant::Voucher;
use grantflow_session::{FreshToken, Key, Later, MemoryStore, Outside, Session, SessionError, Unanswered};
use http::{Request, Response};

use crate::server::Server;
use crate::{NOW, clients, run};

/// A clock that the test sets, and the server of the test.
#[derive(Clone)]
struct World {
    clock: Arc<AtomicU64>,
    server: Arc<Mutex<Server>>,
}

impl Outside for World {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.clock.load(Ordering::SeqCst))
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        bytes.fill(7);
        Ok(())
    }

    fn wait(&self, duration: Duration) -> Later<'_, ()> {
        self.clock.fetch_add(duration.as_secs().max(1), Ordering::SeqCst);
        Box::pin(async {})
    }

    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        let answer = self.server.lock().unwrap().handle(&request);
        Box::pin(async { Ok(answer.map(Body::from)) })
    }
}

fn text(token: &FreshToken) -> String {
    match token.access_token() {
        grantflow::AccessToken::Bearer(bearer) => bearer.expose_secret().to_owned(),
        grantflow::AccessToken::Dpop(_) => panic!("not a bearer token"),
    }
}

#[test]
fn a_session_keeps_the_tokens_of_every_client_fresh() {
    for (auth, client) in clients() {
        let clock = Arc::new(AtomicU64::new(NOW.as_secs()));
        let world = World { clock, server: Arc::new(Mutex::new(Server::default())) };
        let session = Session::new(&client, Key::new("voucher").unwrap(), MemoryStore::new(), world.clone());
        assert!(matches!(session.token_blocking().unwrap_err(), SessionError::Empty));

        let tokens = run(&mut world.server.lock().unwrap(), Voucher::new(&client, "V-1").scope("clubs").unwrap());
        session.prime_blocking(tokens.unwrap()).unwrap();
        assert_eq!(text(&session.token_blocking().unwrap()), "access-1");
        for round in 2..5 {
            world.clock.fetch_add(601, Ordering::SeqCst);
            let token = session.token_blocking().unwrap();
            assert_eq!(text(&token), format!("access-{round}"));
            assert_eq!(token.scope().effective().unwrap().as_str(), "clubs");
        }

        // The server ends the grant, and the session says so.
        let verdict = (400, None, r#"{"error":"invalid_grant"}"#.to_owned());
        world.server.lock().unwrap().next = Some(verdict);
        world.clock.fetch_add(601, Ordering::SeqCst);
        assert!(matches!(session.token_blocking().unwrap_err(), SessionError::Lost { .. }));
        let seen: Vec<&str> = world.server.lock().unwrap().seen.iter().map(|(auth, _)| *auth).collect();
        assert_eq!(seen, [auth; 5], "one voucher, three refreshes, one verdict");
    }
}
