//! Runs over real sockets: against the testkit's server, and against listeners that do one thing wrong.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy spares test functions, not what they share"
)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use grantflow::{Authorization, Callback, ClientCredentials, CodeExchange, Env, Failure, Left, Server};
use grantflow_reqwest::{Agent, Error, SysRng};

mod answers;
mod dropped;
mod is_send;
mod not_sent;

const DEADLINE: Duration = Duration::from_millis(600);
const GOOD: &str = r#"{"access_token":"t","token_type":"Bearer","expires_in":60}"#;

fn agent() -> Agent {
    Agent::configured(DEADLINE, |settings| settings).unwrap()
}

fn block_on<F: Future>(run: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run)
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Listens on loopback, and does the same for every connection. Its thread ends with the process.
struct Listener {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Listener {
    fn start(serve: impl Fn(&mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
                serve(&mut stream.unwrap());
            }
        });
        Self { port, connections }
    }

    /// Reads a request, answers, closes.
    fn answering(answer: String) -> Self {
        Self::start(move |stream| {
            read_request(stream);
            // The client may have gone.
            let _ = stream.write_all(answer.as_bytes());
        })
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}/token?key=secret-in-query", self.port)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn read_request(stream: &mut TcpStream) -> String {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return text,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}

fn credentials(token_url: &str) -> ClientCredentials {
    let client = Server::with_token_endpoint(token_url).unwrap().client("robot").secret_post("s3cret").unwrap();
    ClientCredentials::new(&client)
}

/// A code exchange: a flow for which it matters whether it was sent.
fn code(token_url: &str) -> CodeExchange {
    let server = Server::new("https://as.example/authorize", token_url).unwrap();
    let client = server.client("app").secret_post("s3cret").unwrap();
    let mut env = Env { now: grantflow_reqwest::now(), rng: &mut SysRng };
    let start = Authorization::new(&client, "https://app.example/cb").unwrap().start(&mut env).unwrap();
    let state = start.url.as_str().split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    match start.pending.receive_url(&format!("https://app.example/cb?code=the-code&state={state}")) {
        Callback::Granted(exchange) => exchange,
        other => panic!("{other:?}"),
    }
}

/// What is left of a code exchange that fails, and why. Its error shows no URL.
fn left(agent: &Agent, token_url: &str) -> (Left<CodeExchange>, Error) {
    let Err(Failure { error, left }) = block_on(grantflow_reqwest::run(agent, code(token_url))) else {
        panic!("it did not fail")
    };
    let mut shown = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        shown += &format!("{error} {error:?}");
        cause = error.source();
    }
    for secret in ["secret-in-query", "s3cret", "the-code"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    (left, error)
}
