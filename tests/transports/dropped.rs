//! Runs that are dropped: what is left of the grant stays with the caller.

use grantflow::{Env, ErrorCode, Exchange, Left};
use grantflow_testkit::Misbehaviour;
use grantflow_tests::support::fault_server::{Fault, FaultServer};
use grantflow_tests::support::transport::{Agent, ErrorKind, Transport, block_on};
use grantflow_tower::{Held, Interrupted};

use super::waits::until;
use super::world::{Carrier, PATIENCE, World};
use super::{TransportBody, start_of_refresh};

fn settle<X: Exchange>(held: Held<X>) -> Left<X> {
    held.settle(&mut Env::new(grantflow_tower::now(), &mut grantflow_tower::SysRng))
}

pub(crate) const BODIES: &[(&str, TransportBody)] = &[
    ("dropped before it began, nothing was sent", before),
    ("dropped after the server has the request, it may have been sent, and is not sent again", after),
    ("dropped in the middle of the answer, it may have been sent", mid_answer),
    ("dropped by the caller, it may be sent once more on the caller's word", once_more),
    ("a run that failed has put the grant into its failure", failed),
    ("a server that acted on a dropped run takes the retry for a replay", acted),
];

const GOOD: &str = r#"{"access_token":"t","token_type":"Bearer","refresh_token":"rt-new"}"#;

fn good() -> Fault {
    Fault::json(200, GOOD)
}

/// Polls a run until the server has its request, and a little longer; then drops it.
fn drop_when<X: grantflow::Exchange>(agent: &Agent, held: &mut Held<X>, condition: impl Fn() -> bool) {
    block_on(async {
        tokio::select! {
            _ = agent.run_held(held) => panic!("it was to be dropped"),
            () = until(condition) => {}
        }
    });
}

fn before(transport: Transport) {
    let (agent, server) = (transport.agent(PATIENCE), FaultServer::start(vec![good()]));
    let mut held = Held::new(start_of_refresh(&server.url("/token")));
    drop(agent.run_held(&mut held));
    let Left::Intact(exchange) = settle(held) else { panic!("not intact") };
    assert_eq!(server.connections(), 0);
    agent.run(*exchange).unwrap();
}

fn after(transport: Transport) {
    let (agent, server) = (transport.agent(PATIENCE), FaultServer::start(vec![Fault::never_answer(), good()]));
    let mut held = Held::new(start_of_refresh(&server.url("/token")));
    drop_when(&agent, &mut held, || server.count() == 1);
    assert_eq!(format!("{held:?}"), "Held(may have been sent)");
    let failure = block_on(agent.run_held(&mut held)).map(drop).unwrap_err();
    assert!(matches!(failure.error.kind(), ErrorKind::Interrupted(Interrupted::MaybeSent)), "{}", failure.error);
    assert!(matches!(failure.left, Left::Unknown(_)));
    assert!(matches!(settle(held), Left::Spent), "the grant is in two places");
    assert_eq!((server.count(), server.connections()), (1, 1), "it was sent again");
}

fn mid_answer(transport: Transport) {
    let slow = Fault::slow_body(std::time::Duration::from_millis(1));
    let (agent, server) = (transport.agent(PATIENCE), FaultServer::start(vec![slow]));
    let mut held = Held::new(start_of_refresh(&server.url("/token")));
    drop_when(&agent, &mut held, || server.count() == 1);
    assert!(matches!(settle(held), Left::Unknown(_)));
}

fn once_more(transport: Transport) {
    let (agent, server) = (transport.agent(PATIENCE), FaultServer::start(vec![Fault::never_answer(), good()]));
    let mut held = Held::new(start_of_refresh(&server.url("/token")));
    drop_when(&agent, &mut held, || server.count() == 1);
    let Left::Unknown(exchange) = settle(held) else { panic!("not unknown") };
    let tokens = block_on(agent.run_held(&mut Held::new(*exchange))).unwrap();
    assert_eq!(tokens.refresh_token().unwrap().expose_secret(), "rt-new");
    let hits = server.hits();
    assert_eq!((hits.len(), &hits[0].body), (2, &hits[1].body), "it is the very request");
}

fn failed(transport: Transport) {
    let (agent, server) = (transport.agent(PATIENCE), FaultServer::start(vec![Fault::close_after_request()]));
    let mut held = Held::new(start_of_refresh(&server.url("/token")));
    let failure = block_on(agent.run_held(&mut held)).map(drop).unwrap_err();
    assert!(matches!(failure.left, Left::Unknown(_)));
    let failure = block_on(agent.run_held(&mut held)).map(drop).unwrap_err();
    assert!(matches!(failure.error.kind(), ErrorKind::Interrupted(Interrupted::Over)), "{}", failure.error);
    assert!(matches!(settle(held), Left::Spent));
}

fn acted(transport: Transport) {
    let world = World::new(Carrier::Adapter(transport));
    let agent = transport.agent(PATIENCE);
    let tokens = world.log_in(&world.client());
    let mut held = Held::new(tokens.refresh().unwrap());
    // The answer is so large that the server cannot have written it before the run is dropped.
    world.provider().knobs().misbehave(Misbehaviour::Huge { size: 64 << 20 });
    drop_when(&agent.body_limit(u64::MAX), &mut held, || world.hits("refresh_token") == 1);
    let Left::Unknown(exchange) = settle(held) else { panic!("not unknown") };
    let failure = world.run(*exchange).unwrap_err();
    assert_eq!(failure.error.oauth().unwrap().code(), Some(&ErrorCode::InvalidGrant));
    assert!(matches!(failure.left, Left::Spent));
}
