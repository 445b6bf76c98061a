//! The secrets of backchannel authentication: the id, the token of the pings, the person's code, and who the person is.

use grantflow::{
    BackchannelGrant, BackchannelRequest, Env, Exchange, Notification, Notified, Step, StoredBackchannel, UnixTime,
};
use grantflow_testkit::{Client, Endpoint, Misbehaviour};

use crate::world::World;
use crate::{EXTRA, REDIRECT_URI, SECRET};

const PERSON: &str = "CANARY-person-grace@example.com";
const CODE: &str = "CANARY-user-code-4711";
const MESSAGE: &str = "CANARY-message-W4SCT";

/// A request, a ping that is false and one that is not, and polls, with everything that shows on the way. Says whether there
/// are tokens.
fn approved(world: &mut World) -> bool {
    let client = world.client();
    let registered = Client::confidential("app", SECRET).redirect_uri(REDIRECT_URI).scope("openid read");
    world.provider.register(registered.ping_at("https://app.example/pings"));
    let knobs = world.provider.knobs();
    (knobs.device_expires_in, knobs.person_code) = (60, Some(CODE.to_owned()));
    let ask = BackchannelRequest::with_login_hint(&client, PERSON)
        .and_then(|ask| ask.scope("read"))
        .and_then(|ask| ask.binding_message(MESSAGE))
        .and_then(|ask| ask.user_code(CODE))
        .and_then(|ask| ask.param("x", EXTRA))
        .and_then(|ask| ask.ping(&mut world.env()))
        .unwrap();
    let token = {
        let request = ask.request(&mut world.env()).unwrap();
        let form: Vec<(String, String)> = serde_urlencoded::from_bytes(request.body().as_ref()).unwrap();
        form.into_iter().find(|(name, _)| name == "client_notification_token").unwrap().1
    };
    for secret in [PERSON, CODE, &token] {
        world.canary.secret(secret);
    }
    let Some(Step::Done(mut grant)) = world.round_trip(ask) else { return false };
    world.canary.display(&grant.key());
    for count in 0.. {
        let now = UnixTime::from_secs(world.provider.now());
        if let Err(early) = grant.request(&mut Env::new(now, &mut world.rng)) {
            world.canary.error(&early);
        }
        let stored = grant.into_stored();
        world.canary.debug(&stored);
        let text = serde_json::to_string(&stored).unwrap();
        let damaged: StoredBackchannel = serde_json::from_str(&text.replace("backchannel", "device")).unwrap();
        world.canary.error(&BackchannelGrant::from_stored(damaged, &client).unwrap_err());
        grant = BackchannelGrant::from_stored(stored, &client).unwrap();
        if count == 1 && world.provider.approve_request(PERSON) {
            grant = pinged(world, grant);
        }
        world.provider.advance(grant.rest(now).as_secs());
        match world.round_trip(grant) {
            Some(Step::Done(tokens)) => {
                world.canary.debug(&tokens);
                return true;
            }
            Some(Step::Again(next)) => grant = next,
            None => return false,
        }
        if let Some(trouble) = grant.trouble() {
            world.canary.error(trouble);
        }
    }
    unreachable!("polls end")
}

fn pinged(world: &mut World, mut grant: BackchannelGrant) -> BackchannelGrant {
    let ping = world.provider.take_pings().remove(0);
    let mut wrong = [ping.clone(), ping.clone(), ping.clone()];
    wrong[0].headers_mut().insert("authorization", "Bearer 0123456789abcdef0123456789".parse().unwrap());
    *wrong[1].body_mut() = br#"{"auth_req_id":"another"}"#.to_vec();
    let pushed = String::from_utf8(ping.body().clone()).unwrap().replace('}', ",\"access_token\":\"CANARY-pushed\"}");
    *wrong[2].body_mut() = pushed.into_bytes();
    world.canary.secret("CANARY-pushed");
    for ping in wrong.iter().chain([&ping]) {
        match Notification::read(ping) {
            Ok(notification) => {
                world.canary.debug(&notification);
                let notified = grant.receive(&notification);
                world.canary.debug(&notified);
                grant = match notified {
                    Notified::Ready(grant) => grant,
                    Notified::Unrelated { grant, why } => {
                        world.canary.error(&why);
                        world.canary.debug(&why.response());
                        grant
                    }
                };
            }
            Err(fault) => {
                world.canary.error(&fault);
                world.canary.debug(&fault.response());
            }
        }
    }
    grant
}

#[test]
fn no_secret_of_a_backchannel_request_shows_where_all_goes_well() {
    for seed in 0..4 {
        let mut world = World::new(seed);
        assert!(approved(&mut world));
        let (shown, secrets) = world.check();
        assert!(shown > 40 && secrets > 20, "the canary was shown {shown} texts and {secrets} secrets only");
    }
}

#[test]
fn no_secret_of_a_backchannel_request_shows_with_any_answer_of_the_server() {
    let mut refused = 0;
    for (number, how) in Misbehaviour::all_at(Endpoint::BackchannelAuthentication).into_iter().enumerate() {
        let mut world = World::new(number as u64);
        world.provider.knobs().misbehave_at(Endpoint::BackchannelAuthentication, how);
        refused += usize::from(!approved(&mut world));
        world.check();
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn no_secret_of_a_backchannel_request_shows_with_any_answer_to_its_polls() {
    let mut got_tokens = 0;
    for (number, how) in Misbehaviour::polls().into_iter().chain(Misbehaviour::all()).enumerate() {
        let mut world = World::new(number as u64);
        world.provider.knobs().misbehave(how);
        got_tokens += usize::from(approved(&mut world));
        world.check();
    }
    assert!(got_tokens > 30, "{got_tokens}");
}
