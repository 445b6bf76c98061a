//! A client that registers itself, reads and changes its registration, and deletes it.

use grantflow::{
    ClientMetadata, Discovery, Exchange, Left, Registered, Registration, Server, Step, StoredRegistration,
};
use grantflow_testkit::{Endpoint, Misbehaviour};
use serde_json::Value;

use super::Model;
use super::identity::REDIRECT_URI;

impl Model {
    /// If the argument is large, one of the answers is a wrong one.
    pub(super) fn register(&mut self, argument: u8) {
        self.provider.knobs().rotate_registration = argument & 1 == 0;
        let Ok(Ok(metadata)) = self.once(Discovery::new(self.provider.issuer()).unwrap(), None) else {
            panic!("the server says nothing of itself")
        };
        let server = metadata.server().unwrap();
        let spoilt = |turn: u8| (argument > 63 && argument % 4 == turn).then_some(argument);
        let metadata = ClientMetadata::new()
            .redirect_uri(REDIRECT_URI)
            .and_then(|new| {
                new.token_endpoint_auth_method(["none", "client_secret_post"][usize::from(argument & 2) / 2])
            })
            .unwrap();
        let registration = Registration::new(&server, metadata).unwrap();
        let registered = match self.once(registration, spoilt(0)) {
            Ok(Ok(registered)) => registered,
            Ok(Err(_)) => {
                assert!(spoilt(0).is_some(), "a good answer was refused");
                return;
            }
            Err(()) => panic!("a registration is spent"),
        };
        let registered = self.keep_registered(registered, &server);
        let Some(registered) =
            self.manage(registered, &server, Registered::read, |read| read.into_registered(), spoilt(1))
        else {
            return;
        };
        let change = |registered: Registered| registered.update(ClientMetadata::new().client_name("changed").unwrap());
        let Some(registered) = self.manage(registered, &server, change, |update| update.into_registered(), spoilt(2))
        else {
            return;
        };
        let Ok(deletion) = registered.delete() else { return };
        if let Ok(Ok(())) = self.once(deletion, spoilt(3)) {
            self.reached.registered += 1;
        }
    }

    /// One request about the registration. After a wrong answer, it is as it was before.
    fn manage<X: Exchange<Output = Registered> + std::fmt::Debug>(
        &mut self,
        registered: Registered,
        server: &Server,
        ask: impl FnOnce(Registered) -> Result<X, grantflow::Failure<Registered>>,
        back: impl FnOnce(X) -> Registered,
        spoilt: Option<u8>,
    ) -> Option<Registered> {
        let id = registered.client_id().to_owned();
        // A server that misbehaved before may have named no place, or another one.
        let exchange = ask(registered).ok()?;
        let registered = match self.once(exchange, spoilt) {
            Ok(Ok(registered)) => registered,
            Ok(Err(exchange)) => back(exchange),
            Err(()) => panic!("the registration is spent"),
        };
        assert_eq!(registered.client_id(), id, "another client");
        Some(self.keep_registered(registered, server))
    }

    /// Carries it to the server. An inner error is what is left.
    fn once<X: Exchange + std::fmt::Debug>(
        &mut self,
        exchange: X,
        spoilt: Option<u8>,
    ) -> Result<Result<X::Output, X>, ()> {
        if let Some(index) = spoilt {
            for at in [Endpoint::Registration, Endpoint::ClientConfiguration] {
                let index = usize::from(index) * 5 + self.provider.log().len();
                self.provider.knobs().misbehave_at(at, Misbehaviour::from_index_at(at, index));
            }
        }
        self.ledger.show(&exchange);
        let (outcome, seen) = self.round_trip(exchange, None);
        for at in [Endpoint::Registration, Endpoint::ClientConfiguration] {
            self.provider.knobs().behave_at(at);
        }
        if let Ok(answer) = serde_json::from_slice::<Value>(&seen.body) {
            for name in ["client_secret", "registration_access_token"] {
                self.ledger.secret(answer[name].as_str().unwrap_or_default());
            }
        }
        match outcome {
            Ok(Step::Done(output)) => Ok(Ok(output)),
            Ok(Step::Again(_)) => panic!("it has one step"),
            Err(failure) => {
                self.ledger.show_error(&failure);
                match failure.left {
                    Left::Intact(exchange) | Left::Unknown(exchange) => Ok(Err(*exchange)),
                    Left::Spent => Err(()),
                }
            }
        }
    }

    fn keep_registered(&mut self, registered: Registered, server: &Server) -> Registered {
        self.ledger.show(&registered);
        let stored = registered.into_stored();
        self.ledger.show(&stored);
        let text = serde_json::to_string(&stored).unwrap();
        let read = || serde_json::from_str::<StoredRegistration>(&text).unwrap();
        let other = server.clone().issuer("https://other.example").unwrap();
        self.ledger.show_error(&Registered::from_stored(read(), &other).expect_err("restored at another issuer"));
        Registered::from_stored(read(), server).unwrap()
    }
}
