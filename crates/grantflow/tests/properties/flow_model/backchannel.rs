//! A person who is asked on a phone: the client polls, or the server pings; false pings change nothing.

use grantflow::{
    BackchannelGrant, BackchannelRequest, ConfidentialClient, Env, Exchange as _, Left, Notification, Notified, Step,
    StoredBackchannel,
};
use grantflow_testkit::{Client, Endpoint, Misbehaviour};
use http::Request;

use super::identity::{REDIRECT_URI, SECRET};
use super::polling::{INTERVAL, LIFETIME};
use super::{Model, Stage};

impl Model {
    pub(super) fn ask_a_person(&mut self, argument: u8) -> Stage {
        let (chosen, client) = self.confidential(argument);
        self.chosen = chosen;
        // Earlier requests may still wait for their persons.
        let person = format!("ada-{}", self.provider.log().len());
        let pinged = argument & 0x10 != 0;
        let decides_at = u64::from(argument % 5);
        let registered = Client::confidential("app", SECRET).redirect_uri(REDIRECT_URI).scope("read write openid");
        self.provider.register(if pinged { registered.ping_at("https://app.example/pings") } else { registered });
        let knobs = self.provider.knobs();
        (knobs.device_expires_in, knobs.device_interval) = (LIFETIME, Some(INTERVAL));
        knobs.decide_at_poll = (!pinged).then_some(1 + decides_at);
        if argument & 0x40 != 0 {
            let how = Misbehaviour::from_index_at(Endpoint::BackchannelAuthentication, argument.into());
            knobs.misbehave_at(Endpoint::BackchannelAuthentication, how);
        }
        let request = BackchannelRequest::with_login_hint(&client, &person).unwrap().scope("read").unwrap();
        let now = self.now();
        let request = if pinged { request.ping(&mut Env::new(now, &mut self.rng)).unwrap() } else { request };
        self.ledger.show(&request);
        let (outcome, seen) = self.round_trip(request, None);
        let hit = self.provider.hits_at(Endpoint::BackchannelAuthentication).last().unwrap();
        let (acted, token) = (hit.acted, hit.parameter("client_notification_token").map(str::to_owned));
        self.ledger.secret(&token.unwrap_or_default());
        match outcome {
            Ok(Step::Done(grant)) => {
                assert!(seen.is_success(), "a request out of {:?}", seen.status);
                self.codes(&seen.body, &["auth_req_id"]);
                self.wait_for(&person, grant, &client, argument)
            }
            Ok(Step::Again(_)) => panic!("a backchannel request has one step"),
            Err(failure) => {
                assert!(argument & 0x40 != 0, "a good answer was refused: {}", failure.error);
                self.ledger.show_error(&failure);
                let said = failure.error.code().is_some() || matches!(seen.status.map(|s| s.as_u16()), Some(429 | 503));
                match failure.left {
                    Left::Spent => panic!("a request was used up: {}", failure.error),
                    Left::Intact(_) => assert!(said || !acted, "the phone has rung, and the request is called intact"),
                    Left::Unknown(_) => {}
                }
                Stage::Idle
            }
        }
    }

    fn wait_for(&mut self, person: &str, grant: BackchannelGrant, client: &ConfidentialClient, argument: u8) -> Stage {
        let (expires_at, pinged) = (grant.expires_at(), grant.is_pinged());
        let before = |model: &mut Self, grant: BackchannelGrant, count: u64| {
            let grant = if argument & 0x20 == 0 { grant } else { model.store_request(grant, client) };
            let decides = pinged && count == u64::from(argument % 5) && model.provider.approve_request(person);
            if decides { (model.is_pinged(grant), true) } else { (grant, false) }
        };
        match self.poll(grant, argument, expires_at, BackchannelGrant::interval, before) {
            Some(tokens) => {
                self.reached.backchannel += 1;
                Stage::HasTokens(tokens)
            }
            None => Stage::Idle,
        }
    }

    /// The server's ping comes, after two that are false.
    fn is_pinged(&mut self, mut grant: BackchannelGrant) -> BackchannelGrant {
        let ping = self.provider.take_pings().pop().expect("the person has decided");
        let rest = grant.rest(self.now());
        let mut other = ping.clone();
        *other.body_mut() = br#"{"auth_req_id":"another"}"#.to_vec();
        let mut forged = ping.clone();
        forged.headers_mut().insert("authorization", "Bearer 0123456789abcdef0123456789".parse().unwrap());
        for wrong in [&other, &forged] {
            let notification = Notification::read(wrong).unwrap();
            match grant.receive(&notification) {
                Notified::Unrelated { grant: unchanged, why } => {
                    self.ledger.show(&why);
                    assert_eq!(why.response().status(), 401);
                    grant = unchanged;
                }
                Notified::Ready(_) => panic!("a false ping counts"),
            }
            assert_eq!(grant.rest(self.now()), rest, "a false ping changes the wait");
        }
        let notification = self.read(&ping);
        assert_eq!(notification.key(), grant.key());
        match grant.receive(&notification) {
            Notified::Ready(grant) => grant,
            Notified::Unrelated { why, .. } => panic!("the server's own ping does not count: {why}"),
        }
    }

    fn read(&mut self, ping: &Request<Vec<u8>>) -> Notification {
        let notification = Notification::read(ping).unwrap();
        self.ledger.show(&notification);
        notification
    }

    fn store_request(&mut self, grant: BackchannelGrant, client: &ConfidentialClient) -> BackchannelGrant {
        let stored = grant.into_stored();
        self.ledger.show(&stored);
        let text = serde_json::to_string(&stored).unwrap();
        let read = || serde_json::from_str::<StoredBackchannel>(&text).unwrap();
        let other = grantflow::Client::from(client).server().client("another").secret_post(SECRET).unwrap();
        let foreign = BackchannelGrant::from_stored(read(), &other);
        self.ledger.show_error(&foreign.expect_err("restored for another client"));
        BackchannelGrant::from_stored(read(), client).unwrap()
    }
}
