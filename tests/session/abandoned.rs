//! Futures that are alive and never polled again: the next caller continues the work in progress, for every purpose that
//! they had.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use grantflow_session::Session;
use grantflow_tests::world::*;

type Call<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

const CALLS: [&str; 4] = ["token", "prime", "forget", "finish"];

fn call<'a>(what: &str, world: &World, session: &'a Session) -> Call<'a> {
    match what {
        "token" => Box::pin(async { session.token().await.is_ok() }),
        "prime" => {
            let prime = session.prime(world.login());
            Box::pin(async { prime.await.is_ok() })
        }
        "forget" => Box::pin(async { session.forget().await.is_ok() }),
        _ => Box::pin(async {
            session.finish().await;
            true
        }),
    }
}

fn waited(world: &World) -> Duration {
    world.log().iter().filter_map(|did| if let Did::Wait(time) = did { Some(*time) } else { None }).sum()
}

#[test]
fn no_call_is_delayed_by_a_future_that_stops_at_any_point() {
    let mut rows = 0;
    for age in [0, LIFE - 30, LIFE] {
        for still in CALLS {
            for comes in CALLS {
                for at in 0.. {
                    let what = format!("{comes} behind {still} after {at} steps, at the age of {age}");
                    let world = World::new();
                    let store = world.store();
                    let session = world.session(&store);
                    session.prime_blocking(world.login()).unwrap();
                    world.advance(age);
                    world.stutter(Stutter::Step);
                    let mut stands = call(still, &world, &session);
                    let mut through = false;
                    for _ in 0..at {
                        world.step();
                        through |= !through && poll_once(&mut stands).is_ready();
                    }
                    if through {
                        break;
                    }
                    world.stutter(Stutter::Off);
                    world.clear();
                    let done = pollster::block_on(call(comes, &world, &session));
                    assert!(waited(&world) <= Duration::from_secs(2), "{what}: {:?}", world.log());
                    assert!(world.sent().len() <= 1, "{what}");
                    let gone = still == "forget" && at > 0;
                    assert!(done || (gone && comes == "token"), "{what}");
                    match comes {
                        "forget" => assert!(store.entry().is_none() && session.peek().is_none(), "{what}"),
                        "prime" => assert!(session.unsaved().is_none() && store.entry().is_some(), "{what}"),
                        _ => {}
                    }
                    rows += 1;
                    // The stopped future also ends.
                    let _ = pollster::block_on(stands);
                    assert!(waited(&world) <= Duration::from_secs(2), "{what}: afterwards");
                }
            }
        }
    }
    assert!(rows > 100, "{rows}");
}

#[test]
fn work_that_is_dropped_at_any_point_ends_in_the_background() {
    for age in [0, LIFE - 30, LIFE] {
        for still in ["prime", "forget"] {
            for behind in [false, true] {
                for at in 0..40 {
                    let what = format!("{still} after {at} steps, behind a renewal: {behind}, at the age of {age}");
                    let world = World::new();
                    let store = world.store();
                    let session = world.session(&store);
                    let first = session.prime_blocking(world.login()).unwrap();
                    world.advance(age);
                    world.keep_background();
                    world.stutter(Stutter::Step);
                    let mut before = Box::pin(session.token());
                    if behind && age == LIFE {
                        assert!(poll_once(&mut before).is_pending());
                    }
                    let mut stands = call(still, &world, &session);
                    let mut through = false;
                    for _ in 0..at {
                        world.step();
                        through |= !through && poll_once(&mut stands).is_ready();
                    }
                    drop((before, stands));
                    world.stutter(Stutter::Off);
                    (0..5).for_each(|_| world.background().into_iter().for_each(pollster::block_on));
                    match store.kept() {
                        None => assert!(still == "forget" && at > 0, "{what}"),
                        Some(kept) if still == "prime" => {
                            assert!(kept.access != access(&first) && session.unsaved().is_none(), "{what}");
                        }
                        Some(_) => assert_eq!(at, 0, "{what}: it is still there"),
                    }
                    let free = pollster::block_on(store.inner.try_lock(&key())).unwrap();
                    assert!(free.is_some(), "{what}: the lock was not released");
                }
            }
        }
    }
}
