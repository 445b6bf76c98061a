//! A web server that does exactly the wrong thing, byte by byte, for tests of a client's reaction.
//!
//! Raw sockets on 127.0.0.1 and no HTTP library: a library would refuse to send most of this. [`Fault`] has a
//! constructor for each known fault; [`Step`]s build any other.
//!
//! Nothing here lasts longer than [`LONGEST`], and dropping the server ends every connection and joins every thread. A
//! client that goes away ends the script of its connection.

mod answer;
mod faults;
mod gzip;
mod request;
mod wire;

pub use faults::{Fault, Step};
pub use gzip::zeros as gzip_of_zeros;
pub use request::RecordedRequest;
pub(super) use request::{LARGEST_REQUEST, Progress, parse};

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// The life of one connection, with any script.
pub const LONGEST: Duration = Duration::from_secs(60);

/// A running server; it stops when dropped.
#[derive(Debug)]
pub struct FaultServer {
    base: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    connections: AtomicUsize,
    /// From where the server itself connects, to learn that all before it were accepted.
    own: Mutex<Vec<SocketAddr>>,
    hits: Mutex<Vec<RecordedRequest>>,
}

impl Shared {
    fn stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn is_own(&self, peer: SocketAddr) -> bool {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).contains(&peer)
    }

    fn hits(&self) -> MutexGuard<'_, Vec<RecordedRequest>> {
        self.hits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FaultServer {
    /// Serves the first connection by the first fault and so on; the last one serves all that follow.
    ///
    /// # Panics
    /// If 127.0.0.1 has no port left, or `faults` is empty.
    pub fn start(faults: Vec<Fault>) -> Self {
        Self::start_with(|_| faults)
    }

    /// The same for faults that need the server's own address, such as a redirect to it. The function gets the base
    /// URL.
    ///
    /// # Panics
    /// See [`FaultServer::start`].
    pub fn start_with(faults: impl FnOnce(&str) -> Vec<Fault>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let base = format!("http://{address}");
        let faults = faults(&base);
        assert!(!faults.is_empty(), "a server without a fault has nothing to do");

        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let accepting = thread::spawn(move || accept(&listener, &faults, &for_thread));
        Self { base, address, shared, accepting: Some(accepting) }
    }

    /// `http://127.0.0.1:PORT` and a path, such as `/token`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The same address as an `https` URL, for faults during the handshake. Nothing here speaks TLS.
    pub fn https_url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// The requests that arrived complete, in order of arrival.
    pub fn hits(&self) -> Vec<RecordedRequest> {
        self.shared.hits().clone()
    }

    /// How many requests arrived complete.
    pub fn count(&self) -> usize {
        self.shared.hits().len()
    }

    /// How many connections were opened, with or without a request. None is missed that was opened before this is asked.
    ///
    /// # Panics
    /// If the server does not accept any more.
    pub fn connections(&self) -> usize {
        // Connections are accepted in their order, and this one is closed as soon as it is.
        let last = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let own = bind_to_a_free_port(&last);
        self.shared.own.lock().unwrap_or_else(PoisonError::into_inner).push(own);
        last.connect(&self.address.into()).expect("the server listens");
        let mut last = TcpStream::from(last);
        last.set_read_timeout(Some(LONGEST)).expect("a timeout");
        assert_eq!(last.read(&mut [0]).expect("the server accepts"), 0);
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // `accept` cannot be interrupted, so give it something to accept.
        let woken = TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_ok();
        if let Some(accepting) = self.accepting.take().filter(|_| woken) {
            let finished = accepting.join();
            // Reports a bug in here, unless the test fails already: a second panic would abort the whole run.
            assert!(finished.is_ok() || thread::panicking(), "the fault server panicked");
        }
    }
}

fn accept(listener: &TcpListener, faults: &[Fault], shared: &Arc<Shared>) {
    let mut serving: Vec<JoinHandle<()>> = Vec::new();
    for stream in listener.incoming() {
        if shared.stopping() {
            break;
        }
        let Ok(stream) = stream else { continue };
        if stream.peer_addr().is_ok_and(|peer| shared.is_own(peer)) {
            continue;
        }
        let connection = shared.connections.fetch_add(1, Ordering::SeqCst);
        let Some(fault) = faults.get(connection).or(faults.last()) else {
            break;
        };
        let (fault, shared) = (fault.clone(), Arc::clone(shared));
        serving.retain(|thread| !thread.is_finished());
        serving.push(thread::spawn(move || wire::play(stream, connection, &fault, &shared)));
    }
    for thread in serving {
        let finished = thread.join();
        assert!(finished.is_ok(), "a connection's thread panicked");
    }
}

/// The base URL of a port where nothing listens: connections are refused.
///
/// # Panics
/// If 127.0.0.1 has no port left.
pub fn refused_url() -> String {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let address = bind_to_a_free_port(&socket);
    // Bound, but not listening, and never closed: no other test can get this port and start to answer.
    std::mem::forget(socket);
    format!("http://{address}")
}

fn bind_to_a_free_port(socket: &Socket) -> SocketAddr {
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a free port");
    socket.local_addr().ok().and_then(|address| address.as_socket()).expect("a bound socket has an address")
}
