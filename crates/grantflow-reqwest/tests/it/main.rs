//! Runs over real sockets: against the testkit's server, and against listeners that do one thing wrong.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy spares test functions, not what they share"
)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use grantflow::{Authorization, Callback, ClientCredentials, CodeExchange, Env, Failure, Left, Server};
use grantflow_reqwest::{Agent, Error, SysRng};
use tokio::net::TcpSocket;

mod answers;
mod dropped;
mod is_send;
mod not_sent;

/// Ends what does not answer. Long enough for a connection and a request, on however busy a machine.
const DEADLINE: Duration = Duration::from_secs(5);
/// For what does answer: none of it is so late.
const PATIENCE: Duration = Duration::from_secs(20);
const GOOD: &str = r#"{"access_token":"t","token_type":"Bearer","expires_in":60}"#;

fn agent() -> Agent {
    Agent::configured(PATIENCE, |settings| settings).unwrap()
}

/// For a server that does not answer.
fn impatient() -> Agent {
    Agent::configured(DEADLINE, |settings| settings).unwrap()
}

fn block_on<F: Future>(run: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run)
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Listens on loopback, and does the same for every connection. Its threads end with the process.
struct Listener {
    port: u16,
    /// Who has connected, in the order of the connections.
    peers: Arc<(Mutex<Vec<SocketAddr>>, Condvar)>,
}

impl Listener {
    fn start(serve: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), serve)
    }

    fn on(listener: TcpListener, serve: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Self {
        let port = listener.local_addr().unwrap().port();
        let (peers, serve) = (Arc::<(Mutex<Vec<SocketAddr>>, Condvar)>::default(), Arc::new(serve));
        let seen = Arc::clone(&peers);
        std::thread::spawn(move || {
            loop {
                let (mut stream, peer) = listener.accept().unwrap();
                seen.0.lock().unwrap().push(peer);
                seen.1.notify_all();
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(&mut stream));
            }
        });
        Self { port, peers }
    }

    /// Reads a request, answers, closes.
    fn answering(answer: String) -> Self {
        Self::start(answers(answer))
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}/token?key=secret-in-query", self.port)
    }

    /// How many connections there were, apart from the one that is made here. Connections are accepted in their order: when this one
    /// is, all that came before it have been counted.
    fn connections(&self) -> usize {
        let last = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        let last = last.local_addr().unwrap();
        let (peers, changed) = &*self.peers;
        let found = |peers: &Vec<SocketAddr>| peers.iter().position(|peer| *peer == last);
        let peers = peers.lock().unwrap();
        let (mut peers, _) = changed.wait_timeout_while(peers, PATIENCE, |peers| found(peers).is_none()).unwrap();
        let count = found(&peers).unwrap();
        peers.remove(count);
        count
    }
}

fn answers(answer: String) -> impl Fn(&mut TcpStream) + Send + Sync {
    move |stream| {
        read_request(stream);
        // The client may be gone.
        let _ = stream.write_all(answer.as_bytes());
        // A socket that is closed with bytes unread resets the connection, and the answer is lost.
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.set_read_timeout(Some(PATIENCE));
        while matches!(stream.read(&mut [0; 4096]), Ok(1..)) {}
    }
}

/// Bound, and not listening: while it lives, connections to its port are refused, and nobody else can be given the port.
fn refusing() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let url = format!("http://{}/token", socket.local_addr().unwrap());
    (socket, url)
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
    let mut rng = SysRng;
    let mut env = Env::new(grantflow_reqwest::now(), &mut rng);
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
