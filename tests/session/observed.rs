//! An observer is told of every renewal, and gets no secret in any form.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use grantflow_session::{Cause, Event, Session, SessionError};
use grantflow_tests::world::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

/// Everything that was shown.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<String>>);

impl Shown {
    fn add(&self, text: &str) {
        let mut shown = self.0.lock().unwrap();
        shown.push_str(text);
        shown.push('\n');
    }

    fn error(&self, error: &(dyn Error + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.add(&format!("{error} {error:?} {error:#?}"));
            next = error.source();
        }
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

/// A subscriber that records every field of every event and span.
struct Recorder(Shown);

struct Writer(String);

impl Visit for Writer {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut writer = Writer(format!("span {}", span.metadata().name()));
        span.record(&mut writer);
        self.0.add(&writer.0);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut writer = Writer("record".to_owned());
        values.record(&mut writer);
        self.0.add(&writer.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut writer = Writer(format!("{} {}", event.metadata().target(), event.metadata().level()));
        event.record(&mut writer);
        self.0.add(&writer.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Runs a session through every outcome, and returns the secrets.
fn everything(watch: impl Fn(Session) -> Session, shown: &Shown) -> Vec<String> {
    let world = World::new();
    world.server(|server| server.knobs().refresh_grace = 3600);
    let store = world.store();
    let session = watch(world.session(&store));
    let mut secrets = vec![SECRET.to_owned()];
    let mut tell = |session: &Session, store: &FaultyStore| {
        let kept = store.entry().and_then(|entry| Kept::try_of(&entry.value));
        secrets.extend(kept.into_iter().flat_map(|kept| [Some(kept.access), kept.refresh]).flatten());
        let result = session.token_blocking();
        shown.add(&format!("{session:?} {session:#?} {:?} {result:?} {:?}", session.state(), session.unsaved()));
        if let Err(error) = &result {
            shown.error(error);
        }
        let kept = store.entry().and_then(|entry| Kept::try_of(&entry.value));
        secrets.extend(kept.into_iter().flat_map(|kept| [Some(kept.access), kept.refresh]).flatten());
        shown.add(&format!("{:?}", store.entry()));
    };
    tell(&session, &store);
    session.prime_blocking(world.login()).unwrap();
    tell(&session, &store);
    for net in [Net::Fine, Net::NotSent, Net::LoseAnswer, Net::GatewayAfter(502), Net::Gateway(429, Some(5))] {
        world.advance(2 * LIFE);
        world.network([net]);
        tell(&session, &store);
    }
    world.advance(LIFE);
    for status in [400, 401, 500] {
        world.server(|server| {
            server.knobs().misbehave(grantflow_testkit::Misbehaviour::Reflect { status, acts: false });
        });
        world.advance(LIFE);
        tell(&session, &store);
    }
    session.prime_blocking(world.login()).unwrap();
    for op in [Op::Lock, Op::Load, Op::Mark, Op::Tokens] {
        world.advance(2 * LIFE);
        store.fail_times(3, op, Fault::Before);
        tell(&session, &store);
        store.mend();
        tell(&session, &store);
    }
    world.advance(2 * LIFE);
    world.network([Net::LoseAnswer, Net::LoseAnswer]);
    tell(&session, &store);
    session.prime_blocking(world.login()).unwrap();
    world.server(|server| server.revoke_all());
    world.advance(2 * LIFE);
    tell(&session, &store);
    let robot_store = world.store();
    let robot = watch(world.robot(&robot_store));
    tell(&robot, &robot_store);
    secrets.retain(|secret| secret.len() > 8);
    assert!(secrets.len() > 20);
    secrets
}

fn no_secret_in(shown: &Shown, secrets: &[String]) {
    let text = shown.text();
    for secret in secrets {
        // A large part of one is a leak too.
        for window in secret.as_bytes().windows(10) {
            let window = std::str::from_utf8(window).unwrap();
            assert!(!text.contains(window), "{window} of {secret} is shown");
        }
    }
}

#[test]
fn an_observer_is_told_of_every_renewal_and_its_debug_holds_no_secret() {
    let shown = Shown::default();
    let events = Arc::new(Mutex::new(Vec::new()));
    let watch = |session: Session| {
        let (shown, events) = (shown.clone(), Arc::clone(&events));
        session.observer(move |event: &Event<'_>| {
            shown.add(&format!("{event:?} {event:#?}"));
            events.lock().unwrap().push(match event {
                Event::Sending { .. } => "sending",
                Event::Unanswered { .. } => "unanswered",
                Event::NotGranted { .. } => "not granted",
                Event::Renewed { .. } => "renewed",
                Event::Failed { .. } => "failed",
                _ => "?",
            });
        })
    };
    let secrets = everything(watch, &shown);
    no_secret_in(&shown, &secrets);
    let events = events.lock().unwrap();
    for kind in ["sending", "unanswered", "not granted", "renewed", "failed"] {
        assert!(events.iter().filter(|event| **event == kind).count() >= 3, "{kind}: {events:?}");
    }
}

#[test]
fn an_observer_gets_the_tokens_when_it_asks_for_them_by_name() {
    let world = World::new();
    let copies = Arc::new(Mutex::new(Vec::new()));
    let session = {
        let copies = Arc::clone(&copies);
        world.session(&world.store()).observer(move |event: &Event<'_>| {
            if let Event::Renewed { stored, .. } = event {
                copies.lock().unwrap().push(serde_json::to_string(&stored.expose_tokens().unwrap()).unwrap());
            }
        })
    };
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    let token = session.token_blocking().unwrap();
    let copies = copies.lock().unwrap();
    assert_eq!(copies.len(), 2);
    // A copy is a grant: another store can continue with it.
    let tokens = grantflow::Tokens::from_stored(serde_json::from_str(&copies[1]).unwrap(), &world.client()).unwrap();
    assert_eq!(tokens.bearer().unwrap().expose_secret(), access(&token));
}

#[test]
fn an_observer_may_look_at_the_session() {
    let world = World::new();
    let slot: Arc<Mutex<Option<Session>>> = Arc::default();
    let looks = Arc::new(Mutex::new(0));
    let session = {
        let (slot, looks) = (Arc::clone(&slot), Arc::clone(&looks));
        world.session(&world.store()).observer(move |_: &Event<'_>| {
            if let Some(session) = slot.lock().unwrap().as_ref() {
                let _ = (session.peek(), session.state(), format!("{session:?}"));
                *looks.lock().unwrap() += 1;
            }
        })
    };
    *slot.lock().unwrap() = Some(session.clone());
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    assert!(session.token_blocking().is_ok());
    assert_eq!(*looks.lock().unwrap(), 3);
}

#[test]
fn traces_hold_no_secret() {
    let shown = Shown::default();
    let traced = Shown::default();
    // With one subscriber only, `tracing` asks the first thread that comes by for its interest in an event, and other
    // tests' threads have none.
    let _second = tracing::Dispatch::new(Recorder(Shown::default()));
    let secrets = tracing::subscriber::with_default(Recorder(traced.clone()), || everything(|session| session, &shown));
    let text = traced.text();
    for line in [
        "renewing",
        "no answer came",
        "the answer granted nothing",
        "a fresh token",
        "no fresh token",
        "grantflow_session",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    no_secret_in(&traced, &secrets);
    no_secret_in(&shown, &secrets);
}

/// What an observer is told, as text.
fn told(world: &World, store: &FaultyStore) -> (Session, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let session = world.session(store).observer(move |event: &Event<'_>| {
        tell.lock().unwrap().push(match event {
            Event::Sending { attempt, .. } => format!("sending {attempt}"),
            Event::Unanswered { unanswered, .. } => format!("unanswered: {}", unanswered.cause),
            Event::NotGranted { cause, .. } => format!("not granted: {cause}"),
            Event::Renewed { .. } => "renewed".to_owned(),
            Event::Failed { error, .. } => {
                let mut text = format!("failed: {error}");
                let mut source = error.source();
                while let Some(error) = source {
                    text.push_str(&format!(": {error}"));
                    source = error.source();
                }
                text
            }
            other => format!("{other:?}"),
        });
    });
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    told.lock().unwrap().clear();
    (session, told)
}

#[test]
fn each_answer_is_told_with_what_is_wrong_with_it() {
    for (net, words) in [
        (Net::Gateway(404, None), "404"),
        (Net::Gateway(503, None), "503"),
        (Net::Gateway(302, None), "302"),
        (Net::Says(200, "<html>"), "HTTP 200"),
        (Net::Says(200, r#"{"error":"bad_refresh_token"}"#), "HTTP 200"),
        (Net::Says(404, r#"{"error":"Not Found"}"#), "404"),
        (Net::LoseRequest, "connection reset"),
    ] {
        let world = World::new();
        let (session, told) = told(&world, &world.store());
        world.network_always(net.clone());
        let error = session.token_blocking().unwrap_err();
        assert!(matches!(error, SessionError::InDoubt { sent: 2, .. }), "{net:?}: {error:?}");
        // The last cause is in the error and its chain.
        assert!(error.source().unwrap().to_string().contains(words), "{net:?}: {}", error.source().unwrap());
        let told = told.lock().unwrap();
        let [first, one, second, two, failed] = told.as_slice() else { panic!("{net:?}: {told:?}") };
        assert_eq!((first.as_str(), second.as_str()), ("sending 1", "sending 2"), "{net:?}");
        for event in [one, two, failed] {
            assert!(event.contains(words), "{net:?}: {event}");
        }
    }
}

#[test]
fn a_verdict_and_a_rescue_are_told_too() {
    let world = World::new();
    let (session, log) = told(&world, &world.store());
    world.server(|server| server.revoke_all());
    let error = session.token_blocking().unwrap_err();
    assert!(error.source().unwrap().to_string().contains("invalid_grant"), "{error:?}");
    let log = log.lock().unwrap();
    assert!(log.len() == 3 && log[1].starts_with("not granted") && log[1].contains("invalid_grant"), "{log:?}");
    assert!(log[2].contains("invalid_grant"), "{log:?}");

    let world = World::new();
    let (session, log) = told(&world, &world.store());
    world.network([Net::Edited(|answer| drop(answer.as_object_mut().unwrap().remove("token_type")))]);
    assert!(session.token_blocking().is_err());
    let log = log.lock().unwrap();
    assert!(log.len() == 3 && log[1].contains("token_type") && log[2].contains("token_type"), "{log:?}");
}

#[test]
fn the_transports_error_is_in_the_chain_and_not_one_of_ours() {
    for net in [Net::LoseRequest, Net::NotSent] {
        let world = World::new();
        let (session, _) = told(&world, &world.store());
        world.network_always(net.clone());
        let error = session.token_blocking().unwrap_err();
        let Some(Cause::Transport(cause)) = error.cause() else { panic!("{net:?}: {error:?}") };
        let cause = cause.downcast_ref::<std::io::Error>().expect("the very error that the HTTP stack gave");
        assert!(cause.to_string().starts_with("connection"), "{net:?}: {cause}");
        assert!(error.source().unwrap().to_string().starts_with("connection"), "{net:?}");
        let robot = world.robot(&world.store());
        let error = robot.token_blocking().unwrap_err();
        assert!(matches!(error.cause(), Some(Cause::Transport(_))), "{net:?}: {error:?}");
    }
}
