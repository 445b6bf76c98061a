//! Registration and its management: the initial access token, the software statement, the secret, and the registration
//! access token.

use std::fmt::Debug;

use grantflow::{
    ClientIdDocument, ClientMetadata, Discovery, Exchange, Left, Registered, Registration, Sent, Server, Step, UnixTime,
};
use grantflow_testkit::{Endpoint, Misbehaviour};

use crate::EXTRA;
use crate::world::World;

const INITIAL: &str = "CANARY-initial-access-token";
const STATEMENT: &str = "CANARY-head.CANARY-claims.CANARY-signature";

fn metadata() -> ClientMetadata {
    ClientMetadata::new()
        .redirect_uri(crate::REDIRECT_URI)
        .and_then(|new| new.software_statement(STATEMENT))
        .and_then(|new| new.client_name("CANARY-name-of-the-client"))
        .and_then(|new| new.member("x", EXTRA))
        .unwrap()
}

impl World {
    fn learn(&mut self, body: &[u8]) {
        let Ok(answer) = serde_json::from_slice::<serde_json::Value>(body) else { return };
        for name in ["client_secret", "registration_access_token"] {
            self.canary.secret(answer[name].as_str().unwrap_or_default());
        }
    }

    /// One round trip, with everything that is printed.
    fn manage<X: Exchange + Debug>(&mut self, exchange: X) -> Result<X::Output, Left<X>>
    where
        X::Output: Debug,
    {
        self.canary.debug(&exchange);
        let request = exchange.request(&mut self.env()).unwrap();
        let header = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        self.canary.secret(header.unwrap_or_default().trim_start_matches("Bearer "));
        self.canary.debug(&request);
        assert!(!self.canary.leaks_in(&request.uri().to_string()), "a secret in a URI");
        let response = self.provider.try_handle(&request);
        if let Some(response) = &response {
            self.learn(response.body());
        }
        let now = UnixTime::from_secs(self.provider.now());
        let mut env = grantflow::Env::new(now, &mut self.rng);
        let outcome = match response {
            Some(response) => exchange.respond(&mut env, response),
            None => exchange.unanswered(&mut env, Sent::MaybeSent),
        };
        match outcome {
            Ok(step) => {
                self.canary.debug(&step);
                let Step::Done(output) = step else { panic!("this flow has one step") };
                self.canary.debug(&output);
                Ok(output)
            }
            Err(failure) => {
                self.canary.failure(&failure);
                self.canary.debug(&failure.left);
                Err(failure.left)
            }
        }
    }

    fn look_at(&mut self, registered: Registered, server: &Server) -> Registered {
        self.canary.debug(&registered);
        self.canary.debug(&registered.tolerated());
        match registered.client(server) {
            Ok(client) => self.canary.debug(&client),
            Err(error) => self.canary.error(&error),
        }
        let other = server.clone().issuer("https://other.example").unwrap();
        let error = registered.client(&other).unwrap_err();
        self.canary.error(&error);
        let stored = registered.into_stored();
        self.canary.debug(&stored);
        let text = serde_json::to_string(&stored).unwrap();
        let error = Registered::from_stored(serde_json::from_str(&text).unwrap(), &other).unwrap_err();
        self.canary.error(&error);
        Registered::from_stored(stored, server).unwrap()
    }
}

#[test]
fn nothing_shows_of_a_registration_and_its_management() {
    let at = [Endpoint::Registration, Endpoint::ClientConfiguration];
    let spoilt = at.into_iter().flat_map(|endpoint| {
        let reflected = [200, 400, 401, 403, 404, 500].map(|status| Misbehaviour::Reflect { status, acts: true });
        let wrong = Misbehaviour::all_at(endpoint).into_iter().filter(|how| !how.replaces() || how.acts());
        reflected.into_iter().chain(wrong).map(move |how| Some((endpoint, how)))
    });
    let mut shown = 0;
    for (number, spoilt) in (0..4).map(|_| None).chain(spoilt).enumerate() {
        let mut world = World::new(number as u64);
        for secret in [INITIAL, STATEMENT, EXTRA] {
            world.canary.secret(secret);
        }
        let knobs = world.provider.knobs();
        knobs.initial_access_token = Some(INITIAL.to_owned());
        knobs.rotate_registration = number % 2 == 0;
        let server = world.manage_discovery();
        if let Some((endpoint, how)) = spoilt {
            world.provider.knobs().misbehave_at(endpoint, how);
        }
        let registration = Registration::new(&server, metadata()).unwrap().initial_access_token(INITIAL).unwrap();
        world.canary.debug(registration.metadata());
        let Ok(registered) = world.manage(registration) else {
            shown += world.check().0;
            continue;
        };
        let registered = world.look_at(registered, &server);
        // A wrong answer to the registration changes little of what follows.
        if number % 8 != 0 && !world.provider.hits_at(Endpoint::Registration).all(|hit| !hit.misbehaved) {
            shown += world.check().0;
            continue;
        }
        let registered = match registered.read().map_err(|failure| world.canary.failure(&failure)) {
            Ok(read) => match world.manage(read) {
                Ok(registered) => registered,
                Err(Left::Intact(read) | Left::Unknown(read)) => read.into_registered(),
                Err(Left::Spent) => panic!("a read is spent"),
            },
            Err(()) => {
                shown += world.check().0;
                continue;
            }
        };
        let registered = world.look_at(registered, &server);
        let Ok(update) = registered.update(metadata()) else { panic!("it was manageable") };
        let registered = match world.manage(update) {
            Ok(registered) => registered,
            Err(Left::Intact(update) | Left::Unknown(update)) => update.into_registered(),
            Err(Left::Spent) => panic!("an update is spent"),
        };
        let registered = world.look_at(registered, &server);
        if let Ok(deletion) = registered.delete() {
            let _ = world.manage(deletion);
        }
        shown += world.check().0;
    }
    assert!(shown > 2_000, "the canary was shown {shown} texts only");
}

impl World {
    fn manage_discovery(&mut self) -> Server {
        let Ok(metadata) = self.manage(Discovery::new("https://as.example").unwrap()) else { panic!("no metadata") };
        metadata.server().unwrap()
    }
}

/// A server that writes what it was sent into every member except the client's id.
#[test]
fn nothing_shows_of_a_secret_that_a_registration_tells_back() {
    let mut world = World::new(3);
    world.canary.secret(INITIAL);
    let server = world.manage_discovery();
    let names = ["client_secret", "registration_access_token", "registration_client_uri", "token_endpoint_auth_method"];
    let more = ["grant_types", "client_name", "scope", "client_secret_expires_at", "redirect_uris", INITIAL];
    for name in names.into_iter().chain(more) {
        for value in [format!("\"{INITIAL}\""), format!("[\"{INITIAL}\"]"), format!("\"https://{INITIAL}.example/\"")] {
            let registration = Registration::new(&server, metadata()).unwrap().initial_access_token(INITIAL).unwrap();
            let answer =
                http::Response::builder().status(201).body(format!("{{\"client_id\":\"c\",\"{name}\":{value}}}"));
            let Ok(Step::Done(registered)) = registration.respond(&mut world.env(), answer.unwrap()) else {
                panic!("{name} {value}")
            };
            let registered = world.look_at(registered, &server);
            let failure = registered.read().unwrap_err();
            world.canary.failure(&failure);
        }
    }
    let document =
        ClientMetadata::new().redirect_uri(crate::REDIRECT_URI).and_then(|new| new.member("x", EXTRA)).unwrap();
    world.canary.debug(&ClientIdDocument::new("https://app.example/c.json", document).unwrap());
    assert!(world.check().0 > 50);
}
