//! A gateway before the token endpoint: it fails in one way until it recovers, and then it passes everything on.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use grantflow_tests::support::fault_server::RecordedRequest;
use grantflow_tests::support::whole::{end, read_request};
use grantflow_tests::world::refresh_token_in;
use http::{Request, Response};
use socket2::{Domain, Socket, Type};

/// How a gateway fails. While it fails it passes no request on, unless it says so.
#[derive(Clone)]
pub(crate) enum Failing {
    /// Answers with these bytes.
    Answers(Vec<u8>),
    /// Accepts the request and sends nothing, until the client goes.
    Silent,
    /// Refuses connections.
    Refuses,
    /// Passes the request on, and loses the answer.
    Loses,
}

/// The server behind a gateway that has recovered.
pub(crate) type Behind = Arc<dyn Fn(Request<Vec<u8>>) -> Response<Vec<u8>> + Send + Sync>;

/// A running gateway. It stops accepting when it is dropped.
pub(crate) struct Gateway {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Bound and not listening yet.
    waiting: Mutex<Option<Socket>>,
}

struct Shared {
    failing: Failing,
    well: AtomicBool,
    stop: AtomicBool,
    /// Complete requests.
    seen: AtomicUsize,
    tokens: Mutex<Vec<String>>,
    /// While it is set, no failing answer is sent.
    held: Mutex<bool>,
    released: Condvar,
    behind: Behind,
}

/// Longer than a trial holds an answer back, unless it fails.
const LONGEST: Duration = Duration::from_secs(90);

impl Gateway {
    /// A gateway that fails from the start.
    pub(crate) fn new(failing: Failing, behind: impl FnOnce(&str) -> Behind) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let behind = behind(&format!("http://{address}"));
        let shared = Arc::new(Shared {
            failing,
            well: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            seen: AtomicUsize::new(0),
            tokens: Mutex::default(),
            held: Mutex::new(false),
            released: Condvar::new(),
            behind,
        });
        let gateway = Self { address, shared, waiting: Mutex::new(Some(socket)) };
        if !matches!(gateway.shared.failing, Failing::Refuses) {
            gateway.listen();
        }
        gateway
    }

    fn listen(&self) {
        let Some(socket) = self.waiting.lock().unwrap().take() else { return };
        socket.listen(64).unwrap();
        let listener: TcpListener = socket.into();
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stop.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&shared);
                // An error means that the client left.
                thread::spawn(move || drop(shared.serve(stream)));
            }
        });
    }

    /// A URL of the gateway.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Lets it work from now on.
    pub(crate) fn recover(&self) {
        self.shared.well.store(true, Ordering::SeqCst);
        self.listen();
    }

    /// Holds failing answers back, until it is called with `false`.
    pub(crate) fn hold(&self, held: bool) {
        *self.shared.held.lock().unwrap() = held;
        self.shared.released.notify_all();
    }

    /// How many requests came.
    pub(crate) fn seen(&self) -> usize {
        self.shared.seen.load(Ordering::SeqCst)
    }

    /// The refresh tokens that came, in order.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.shared.tokens.lock().unwrap().clone()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.hold(false);
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(LONGEST))?;
        let request = request(&read_request(&mut stream)?);
        self.seen.fetch_add(1, Ordering::SeqCst);
        let body = grantflow::Body::from(request.body().clone());
        self.tokens.lock().unwrap().extend(refresh_token_in(&Request::new(body)));
        // An outage that ends during a request does not end for that request.
        let well = self.well.load(Ordering::SeqCst);
        if well {
            stream.write_all(&write(&(self.behind)(request)))?;
        } else {
            if matches!(self.failing, Failing::Loses) {
                drop((self.behind)(request));
            }
            self.fail(&mut stream)?;
        }
        end(&stream);
        Ok(())
    }

    fn fail(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let held = self.held.lock().unwrap();
        let (held, _) = self.released.wait_timeout_while(held, LONGEST, |held| *held).unwrap();
        drop(held);
        match &self.failing {
            Failing::Answers(bytes) => stream.write_all(bytes),
            // It ends when the client goes.
            Failing::Silent | Failing::Refuses => stream.read(&mut [0]).map(drop),
            Failing::Loses => Ok(()),
        }
    }
}

fn request(read: &RecordedRequest) -> Request<Vec<u8>> {
    let mut request = Request::builder().method(read.method()).uri(read.target());
    for (name, value) in read.head.lines().skip(1).filter_map(|line| line.split_once(':')) {
        request = request.header(name.trim(), value.trim());
    }
    request.body(read.body.clone()).unwrap()
}

fn write(response: &Response<Vec<u8>>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Test\r\nConnection: close\r\n", response.status().as_u16());
    for (name, value) in response.headers() {
        if name != "content-length" && name != "connection" {
            head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
        }
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", response.body().len()));
    [head.as_bytes(), response.body()].concat()
}
