//! An own store in SQLite: `cargo run --example sqlite_store`. It needs no network and leaves nothing behind.
//!
//! `store.rs` is the whole store. With `--features testing`, the suite for stores also runs over it.

mod store;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use grantflow::{Body, ClientCredentials, EntropyFailed, Env, Exchange as _, Sent, Server, Step, UnixTime};
use grantflow_session::{Key, Later, Outside, Session, Store as _, Unanswered};
use store::SqliteStore;

/// This example sends nothing: a real program has `Ureq`, `Reqwest` or `Tower` here.
struct Nowhere;

impl Outside for Nowhere {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(1_795_842_600)
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        getrandom::fill(bytes).map_err(|_| EntropyFailed)
    }

    fn wait(&self, _: Duration) -> Later<'_, ()> {
        Box::pin(async {})
    }

    fn send(&self, _: http::Request<Body>) -> Later<'_, Result<http::Response<Body>, Unanswered>> {
        let cause = Arc::new(std::io::Error::other("this example sends nothing"));
        Box::pin(async { Err(Unanswered { sent: Sent::NotSent, cause }) })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // Its mode is 700: the database holds tokens in plain text.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("grants.db");
    // A real program uses `Lease::LIFETIME`; the example should not wait that long.
    let lease = Duration::from_secs(2);
    let after_it = || std::thread::sleep(lease + Duration::from_millis(100));
    let open = || SqliteStore::open(&file, lease);
    let key = Key::of("auth0|5f7c8ec7c33c6c004bbafe82")?;

    let client = Server::with_token_endpoint("https://as.example/token")?.client("my-id").secret_post("my-secret")?;
    let body = r#"{"access_token":"at","token_type":"Bearer","expires_in":3600,"refresh_token":"rt"}"#;
    let mut rng = getrandom::SysRng;
    let mut env = Env::new(Nowhere.now(), &mut rng);
    let answer = ClientCredentials::new(&client).respond(&mut env, http::Response::new(body));
    let Ok(Step::Done(tokens)) = answer else { return Err("the answer holds no tokens".into()) };

    Session::new(&client, key.clone(), open()?, Nowhere).prime_blocking(tokens)?;
    println!("a login is kept under {key}");

    // Opened as another process would open it.
    let other = Session::new(&client, key.clone(), open()?, Nowhere);
    let token = other.token_blocking()?;
    let until = token.expires_at().ok_or("the token has no end")?;
    println!("another connection has its token, which is good until {until}");

    let (dead, alive) = (open()?, open()?);
    std::mem::forget(pollster::block_on(dead.try_lock(&key))?);
    println!("a process took the lock and died; is the lock free? {}", is_free(&alive, &key)?);
    after_it();
    println!("its lease is over by the database's clock; is the lock free? {}", is_free(&alive, &key)?);

    pollster::block_on(other.forget())?;
    println!("logged out: is anything kept? {}", pollster::block_on(alive.load(&key))?.is_some());

    #[cfg(feature = "testing")]
    {
        grantflow_session::testing::Suite::of(&open()?).lease_ends(after_it).run()?;
        println!("it keeps every rule of grantflow_session::testing");
    }
    Ok(())
}

fn is_free(store: &SqliteStore, key: &Key) -> Result<bool, Box<dyn Error>> {
    Ok(pollster::block_on(store.try_lock(key))?.is_some())
}
