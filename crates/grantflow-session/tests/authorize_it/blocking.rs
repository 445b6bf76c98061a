//! `token_blocking` from every kind of thread: a token or a clear error within the deadline. A watchdog fails a test
//! that hangs.

use std::sync::{Arc, Barrier, mpsc};
use std::time::{Duration, Instant};

use grantflow::ClientCredentials;
use grantflow_session::{FreshToken, Key, MemoryStore, Outside, Reqwest, Session, SessionError, Tower, Ureq};
use grantflow_testkit::{Loopback, Server};
use tokio::runtime::{Builder, Handle, Runtime};

/// For requests that are never answered.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);
/// For requests that are: none of the answers is so late.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// After either deadline, and what a session allows for a runtime that does not fire it.
const WATCHDOG: Duration = Duration::from_secs(60);

pub(crate) type Asked = Result<FreshToken, SessionError>;

pub(crate) fn start() -> Loopback {
    let loopback = Loopback::start(|base| {
        let mut provider = Server::new(base);
        provider.register(grantflow_testkit::Client::confidential("robot", "s3cret"));
        provider
    })
    .unwrap();
    loopback.follow_system_clock(true);
    loopback
}

fn session(url: &str, outside: impl Outside + 'static) -> Session {
    let server = grantflow::Server::with_token_endpoint(url).unwrap();
    let grant = ClientCredentials::new(&server.client("robot").secret_post("s3cret").unwrap());
    Session::client_credentials(grant, Key::new("robot").unwrap(), MemoryStore::new(), outside)
}

pub(crate) fn token_url(loopback: &Loopback) -> String {
    loopback.with(|provider| provider.token_url())
}

fn agent(deadline: Duration) -> grantflow_reqwest::Agent {
    grantflow_reqwest::Agent::configured(deadline, |settings| settings).unwrap()
}

fn tower(deadline: Duration) -> Tower {
    let client: hyper_util::client::legacy::Client<_, grantflow_tower::RequestBody> =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build_http();
    Tower::new(grantflow_tower::Agent::new(client, tokio::time::sleep).timeout(deadline), tokio::time::sleep)
}

/// Both async stacks, on the runtime of this handle or on none.
pub(crate) fn sessions(url: &str, runtime: Option<&Handle>) -> Vec<(&'static str, Session)> {
    sessions_within(PATIENCE, url, runtime)
}

/// The same with this deadline.
pub(crate) fn sessions_within(deadline: Duration, url: &str, runtime: Option<&Handle>) -> Vec<(&'static str, Session)> {
    let (agent, tower) = (agent(deadline), tower(deadline));
    let (reqwest, tower) = match runtime {
        Some(runtime) => (Reqwest::with_runtime(agent, runtime.clone()), tower.runtime(runtime.clone())),
        None => (Reqwest::new(agent), tower),
    };
    vec![("reqwest", session(url, reqwest)), ("tower", session(url, tower))]
}

pub(crate) fn multi_thread(workers: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap()
}

pub(crate) fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs it on a separate thread, and fails if it has not ended in time.
pub(crate) fn watched<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, is_done) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let _ = done.send(work());
    });
    match is_done.recv_timeout(WATCHDOG) {
        Ok(result) => {
            thread.join().unwrap();
            result
        }
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{what}: it panicked: {:?}", thread.join().err()),
    }
}

fn cannot(what: &str, asked: Asked, took: Duration) {
    match asked {
        Err(SessionError::CannotBlock(why)) => assert!(why.to_string().contains("token().await"), "{what}: {why}"),
        other => panic!("{what}: {other:?}"),
    }
    assert!(took < PATIENCE / 2, "{what}: it is no clear error at once: {took:?}");
}

/// A server that accepts connections and sends nothing.
pub(crate) fn silent() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    (listener, url)
}

#[test]
fn in_a_task_of_a_current_thread_runtime_it_is_an_error_at_once() {
    let loopback = start();
    for (stack, session) in sessions(&token_url(&loopback), None) {
        let (asked, took) = watched(stack, move || {
            current_thread().block_on(async move {
                let started = Instant::now();
                (session.token_blocking(), started.elapsed())
            })
        });
        cannot(stack, asked, took);
    }
    let (asked, took) = {
        let (_, session) = sessions(&token_url(&loopback), None).remove(0);
        watched("a spawned task", move || {
            current_thread().block_on(async move {
                tokio::spawn(async move {
                    let started = Instant::now();
                    (session.token_blocking(), started.elapsed())
                })
                .await
                .unwrap()
            })
        })
    };
    cannot("a spawned task", asked, took);
}

#[test]
fn without_any_runtime_it_is_an_error_at_once_and_with_the_handle_of_one_a_token() {
    let loopback = start();
    for (stack, session) in sessions(&token_url(&loopback), None) {
        let (asked, took) = watched(stack, move || {
            let started = Instant::now();
            (session.token_blocking(), started.elapsed())
        });
        cannot(stack, asked, took);
    }
    let runtime = multi_thread(1);
    for (stack, session) in sessions(&token_url(&loopback), Some(runtime.handle())) {
        watched(stack, move || session.token_blocking()).unwrap_or_else(|error| panic!("{stack}: {error}"));
    }
    let ureq = session(&token_url(&loopback), Ureq::new(grantflow_ureq::Agent::new()));
    watched("ureq", move || ureq.token_blocking()).unwrap();
}

#[test]
fn on_every_worker_of_a_multi_thread_runtime_at_once_it_is_a_token() {
    let loopback = start();
    for workers in [1, 4] {
        let runtime = Arc::new(multi_thread(workers));
        for (stack, session) in sessions(&token_url(&loopback), Some(runtime.handle()))
            .into_iter()
            .chain(sessions(&token_url(&loopback), None).into_iter().take(1))
        {
            let runtime = Arc::clone(&runtime);
            let asked: Vec<Asked> = watched(stack, move || {
                let together = Arc::new(Barrier::new(workers));
                let tasks: Vec<_> = (0..workers)
                    .map(|_| {
                        let (session, together) = (session.clone(), Arc::clone(&together));
                        runtime.spawn(async move {
                            together.wait();
                            session.token_blocking()
                        })
                    })
                    .collect();
                tasks.into_iter().map(|task| runtime.block_on(task).unwrap()).collect()
            });
            assert!(asked.iter().all(Result::is_ok), "{stack}: {asked:?}");
        }
    }
}

#[test]
fn by_spawn_blocking_it_is_a_token_in_either_kind_of_runtime() {
    let loopback = start();
    for make in [|| multi_thread(1), current_thread] {
        let (_, session) = sessions(&token_url(&loopback), None).remove(0);
        let asked = watched("spawn_blocking", move || {
            make().block_on(async move { tokio::task::spawn_blocking(move || session.token_blocking()).await.unwrap() })
        });
        assert!(asked.is_ok(), "{asked:?}");
    }
}

#[test]
fn where_tokio_forbids_blocking_it_is_an_error_and_not_a_panic() {
    let loopback = start();
    let (_, session) = sessions(&token_url(&loopback), None).remove(0);
    let asked =
        watched("a LocalSet", move || {
            let local = tokio::task::LocalSet::new();
            multi_thread(1).block_on(local.run_until(async move {
                tokio::task::spawn_local(async move { session.token_blocking() }).await.unwrap()
            }))
        });
    assert!(matches!(asked, Ok(_) | Err(SessionError::CannotBlock(_))), "{asked:?}");
}

#[test]
fn the_deadline_fires_wherever_a_thread_waits() {
    let (_listener, url) = silent();
    let runtime = multi_thread(1);
    for (stack, session) in sessions_within(DEADLINE, &url, Some(runtime.handle())) {
        let started = Instant::now();
        let asked = watched(stack, move || session.token_blocking());
        assert!(matches!(asked, Err(SessionError::NotRenewed { .. })), "{stack}: {asked:?}");
        assert!((DEADLINE..PATIENCE).contains(&started.elapsed()), "{stack}: {:?}", started.elapsed());
    }
}

#[test]
fn a_runtime_that_does_not_run_is_a_clear_error_after_the_deadline() {
    let loopback = start();
    let idle = current_thread();
    for (stack, session) in sessions_within(DEADLINE, &token_url(&loopback), Some(idle.handle())) {
        let asked = watched(stack, move || session.token_blocking());
        let Err(SessionError::NotRenewed { cause, .. }) = asked else { panic!("{stack}: {asked:?}") };
        assert!(cause.to_string().contains("runtime"), "{stack}: {cause}");
    }
}

/// Asks inside of one runtime until the request is sent; then another runtime asks.
fn the_next_caller_after(what: &str, is_dropped: bool, make: fn() -> Runtime) {
    let (listener, url) = silent();
    listener.set_nonblocking(true).unwrap();
    for (stack, session) in sessions_within(DEADLINE, &url, None) {
        let first = make();
        let asked = session.clone();
        let _connection = first.block_on(async {
            let mut asked = Box::pin(asked.token());
            let polled = core::future::poll_fn(|context| core::task::Poll::Ready(asked.as_mut().poll(context)));
            assert!(polled.await.is_pending());
            let connection = loop {
                match listener.accept() {
                    Ok(connection) => break connection,
                    Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            };
            // It is pending, unless the machine is so busy that the deadline is over.
            let _ = core::future::poll_fn(|context| core::task::Poll::Ready(asked.as_mut().poll(context))).await;
            connection
        });
        let _kept = (!is_dropped).then_some(first);
        let asked = watched(&format!("{stack}: {what}"), move || multi_thread(1).block_on(session.token()));
        assert!(matches!(asked, Err(SessionError::NotRenewed { .. })), "{stack}: {what}: {asked:?}");
    }
}

#[test]
fn a_runtime_that_is_dropped_during_a_renewal_causes_no_panic() {
    the_next_caller_after("dropped", true, || multi_thread(1));
    the_next_caller_after("dropped", true, current_thread);
}

#[test]
fn a_runtime_that_stops_running_during_a_renewal_causes_no_hang() {
    the_next_caller_after("idle", false, current_thread);
}

#[test]
fn a_good_token_is_given_out_where_no_thread_can_wait() {
    let loopback = start();
    let (_, session) = sessions(&token_url(&loopback), None).remove(0);
    let asked = watched("a token in hand", move || {
        let first = multi_thread(1).block_on(session.token()).unwrap();
        current_thread().block_on(async move { session.token_blocking().unwrap().is(&first) })
    });
    assert!(asked);
}
