//! What it costs to ask a session for a token.
//!
//! ```text
//! cargo run --release -p grantflow-benches --bin session
//! ```
//!
//! Wall time varies on a shared machine, so each figure has a plain one from the same run beside it, and is the best of
//! many batches. Allocations are exact, and the run fails if there are any where none are expected.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant, SystemTime};

use grantflow::{Body, ClientCredentials, ConfidentialClient, EntropyFailed, Server, UnixTime};
use grantflow_session::{Key, Later, MemoryStore, Outside, PendingLogins, Session, Unanswered};
use http::{Request, Response};

/// The system's clock, and a server that answers after the task was delayed a few times.
#[derive(Clone, Default)]
struct World {
    requests: Arc<AtomicUsize>,
}

impl Outside for World {
    fn now(&self) -> UnixTime {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        UnixTime::from_secs(since.as_secs())
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        bytes.fill(7);
        Ok(())
    }

    fn wait(&self, _: Duration) -> Later<'_, ()> {
        Box::pin(tokio::task::yield_now())
    }

    fn send(&self, _: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
            let answer = br#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600}"#;
            Ok(Response::new(answer.to_vec().into()))
        })
    }
}

type Failed = Box<dyn std::error::Error>;

fn client() -> Result<ConfidentialClient, Failed> {
    Ok(Server::with_token_endpoint("https://as.example/token")?.client("robot").secret_post("s3cret")?)
}

/// Nanoseconds of one call, in the best of many batches.
fn best(mut call: impl FnMut()) -> f64 {
    const CALLS: u32 = 20_000;
    let batch = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        for _ in 0..CALLS {
            call();
        }
        start.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    (0..200).map(|_| batch(&mut call)).fold(f64::INFINITY, f64::min)
}

fn main() -> Result<ExitCode, Failed> {
    let client = client()?;
    let grant = ClientCredentials::new(&client).scope("clubs")?;
    let world = World::default();
    let session = Session::client_credentials(grant.clone(), Key::new("one")?, MemoryStore::new(), world.clone());
    session.token_blocking()?;

    // The hot path.
    let plain = RwLock::new(Arc::new(7u64));
    let lock = best(|| {
        black_box(plain.read().map(|value| Arc::clone(&value)).ok());
    });
    let clock = best(|| {
        black_box(world.now());
    });
    let hot = best(|| {
        black_box(session.token_blocking().ok());
    });
    let allocated = allocation_counter::measure(|| drop(black_box(session.token_blocking()))).count_total;
    println!("a fresh token, no lock contended");
    println!("  RwLock read and Arc clone        {lock:>8.1} ns");
    println!("  the system's clock               {clock:>8.1} ns");
    println!(
        "  session.token_blocking()         {hot:>8.1} ns   {allocated} allocations   (target: under 50 ns, none)"
    );

    // Ten thousand callers that wait for one renewal.
    const CALLERS: usize = 10_000;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
    let elapsed = runtime.block_on(async {
        let before = world.requests.load(Ordering::SeqCst);
        let current = session.token().await?;
        session.refused(&current);
        let start = Instant::now();
        let tasks: Vec<_> = (0..CALLERS)
            .map(|_| {
                let session = session.clone();
                tokio::spawn(async move { session.token().await })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        let requests = world.requests.load(Ordering::SeqCst) - before;
        if requests == 1 { Ok(start.elapsed()) } else { Err(Failed::from(format!("{requests} requests"))) }
    })?;
    println!("{CALLERS} callers without a token");
    println!("  requests at the server                  1");
    println!("  each caller                      {:>8.1} ns", elapsed.as_nanos() as f64 / CALLERS as f64);

    // Memory.
    const MANY: usize = 100_000;
    let store = MemoryStore::new();
    let mut idle = Vec::with_capacity(MANY);
    let kept = allocation_counter::measure(|| {
        for number in 0..MANY {
            let Ok(key) = Key::new(&format!("session-{number}")) else { continue };
            let session = Session::client_credentials(grant.clone(), key, store.clone(), world.clone());
            if session.token_blocking().is_ok() {
                idle.push(session);
            }
        }
    });
    println!("{} idle sessions, each with a token, in one memory store", idle.len());
    println!("  each, with its entry in the store {:>7} bytes", kept.bytes_current / MANY as i64);
    let full = pending(MANY, MANY)?;
    println!("{MANY} pending authorizations");
    println!("  each                              {:>7} bytes", full / MANY as i64);
    const ABANDONED: usize = 1_000_000;
    let flooded = pending(MANY, ABANDONED)?;
    println!("{ABANDONED} abandoned logins, in a store with room for {MANY}");
    println!(
        "  all                               {flooded:>7} bytes   ({:.2} of a full store)",
        flooded as f64 / full as f64
    );

    let flat = flooded <= full + full / 10;
    Ok(if allocated == 0 && flat { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The bytes of a store with room for `capacity` logins, after `many` were begun and never finished.
fn pending(capacity: usize, many: usize) -> Result<i64, Failed> {
    struct Counter(u64);
    impl grantflow::Entropy for Counter {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
            self.0 += 1;
            bytes.fill(0);
            for (byte, count) in bytes.iter_mut().zip(self.0.to_be_bytes()) {
                *byte = count;
            }
            Ok(())
        }
    }
    let server = Server::new("https://as.example/authorize", "https://as.example/token")?;
    let client = server.client("app").secret_post("s3cret")?;
    let authorization = grantflow::Authorization::new(&client, "https://app.example/callback")?.scope("read write")?;
    let now = UnixTime::from_secs(1_750_000_000);
    let mut rng = Counter(0);
    let logins = PendingLogins::new(capacity, Duration::from_secs(600));
    let mut failed: Option<Failed> = None;
    let kept = allocation_counter::measure(|| {
        for number in 0..many {
            match authorization.start(&mut grantflow::Env::new(now, &mut rng)) {
                Ok(start) => {
                    let key = start.pending.key();
                    let put = logins.put(&format!("browser-{number}"), &key, start.pending.into_stored(), now);
                    failed = failed.take().or(put.err().map(Failed::from));
                }
                Err(error) => failed = Some(error.into()),
            }
        }
    });
    drop(logins);
    failed.map_or(Ok(kept.bytes_current), Err)
}
