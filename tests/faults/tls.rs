//! Servers over TLS, and their certificates.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use grantflow_tests::support::fault_server::LONGEST;
use grantflow_tests::support::whole::{end, read_request};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::*;

pub(crate) const OWN: &[Own] =
    &[("the server of these tests waits for the whole request, and resets nothing", the_server_reads_to_the_end)];

/// A client may send a request in any number of parts, and a busy machine puts time between them.
fn the_server_reads_to_the_end() {
    let server = TlsServer::self_signed();
    let mut roots = RootCertStore::empty();
    roots.add(server.certificate.clone().into()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(server.address).unwrap());
    let mut early = [0];
    for part in ["POST /token HTTP/1.1\r\nHost: local", "host\r\nContent-Length: 3\r\n\r\n", "a", "="] {
        stream.write_all(part.as_bytes()).unwrap();
        stream.flush().unwrap();
        stream.sock.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let answer = stream.read(&mut early).map_err(|error| error.kind());
        assert!(matches!(answer, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "after {part:?}: {answer:?}");
    }
    stream.write_all(b"b").unwrap();
    stream.sock.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with(GOOD), "{answer}");
    // Late bytes are still read: a socket that was closed would answer the first with a reset, and the second would
    // fail.
    for _ in 0..2 {
        stream.write_all(&[b'x'; 1 << 14]).unwrap();
        stream.flush().unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(server.requests(), 1);
}

/// An authority whose certificate a test may trust.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// All authorities that are made here have the same name, and different keys.
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn certificate(&self) -> &[u8] {
        self.0.der()
    }

    /// A server with a certificate that this authority signed, for `localhost` and changed by `params`.
    pub(crate) fn server(&self, params: impl FnOnce(&mut CertificateParams)) -> TlsServer {
        let key = KeyPair::generate().unwrap();
        let mut of_localhost = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params(&mut of_localhost);
        let certificate = of_localhost.signed_by(&key, &self.0).unwrap();
        TlsServer::start(certificate.der().clone(), &key)
    }
}

/// Answers well over TLS, at `localhost`.
pub(crate) struct TlsServer {
    pub(crate) url: String,
    pub(crate) certificate: Vec<u8>,
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// On how many connections a request came, complete or not.
    requests: AtomicUsize,
    /// How many connections may still bring a request.
    reading: Mutex<usize>,
    read: Condvar,
}

impl TlsServer {
    /// A server with a self-signed certificate.
    pub(crate) fn self_signed() -> Self {
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        Self::start(own.cert.der().clone(), &own.signing_key)
    }

    fn start(certificate: CertificateDer<'static>, key: &KeyPair) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("https://localhost:{}/token?{QUERY}", address.port());
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, config, shared) = (stream.unwrap(), Arc::clone(&config), Arc::clone(&for_thread));
                *shared.reading.lock().unwrap() += 1;
                // A client that keeps its connection does not delay the next one.
                thread::spawn(move || shared.serve(stream, config));
            }
        });
        Self { url, certificate: certificate.to_vec(), address, shared }
    }

    /// On how many connections a request came, complete or not, after all opened connections were read to their end.
    pub(crate) fn requests(&self) -> usize {
        // Connections are accepted in order: when this one has ended, all before it were accepted.
        let mut last = TcpStream::connect(self.address).unwrap();
        last.shutdown(Shutdown::Write).unwrap();
        last.set_read_timeout(Some(PATIENCE)).unwrap();
        last.read_to_end(&mut Vec::new()).unwrap();
        let reading = self.shared.reading.lock().unwrap();
        let (reading, _) = self.shared.read.wait_timeout_while(reading, PATIENCE, |reading| *reading > 0).unwrap();
        assert_eq!(*reading, 0, "a client neither sends its request nor goes");
        self.shared.requests.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream, config: Arc<ServerConfig>) {
        stream.set_read_timeout(Some(LONGEST)).unwrap();
        stream.set_write_timeout(Some(LONGEST)).unwrap();
        let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config).unwrap(), stream));
        // A client that refuses the certificate ends the handshake: then there is nothing to read.
        if stream.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
            self.requests.fetch_add(1, Ordering::SeqCst);
        }
        let request = read_request(&mut stream);
        *self.reading.lock().unwrap() -= 1;
        self.read.notify_all();
        let mut stream = stream.into_inner();
        if request.is_ok() {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", GOOD.len());
            let _ = stream.write_all([head.as_bytes(), GOOD.as_bytes()].concat().as_slice());
        }
        stream.conn.send_close_notify();
        // An error means that the client has gone.
        let _ = stream.flush();
        end(&stream.sock);
    }
}

pub(crate) fn gets_nothing(server: &TlsServer, agent: &Agent, what: &str) {
    let failure = agent.run(refresh_exchange(&server.url)).unwrap_err();
    no_secret_in(&failure, what);
    assert!(failure.error.is_transport(), "{what}: {failure}");
    assert!(matches!(failure.left, Left::Intact(_)), "{what}: nothing was sent: {failure}");
    assert_eq!(server.requests(), 0, "{what}: credentials went to a server without a trusted certificate");
}

pub(crate) fn gets_a_refresh(server: &TlsServer, agent: &Agent) {
    let tokens = agent.run(refresh_exchange(&server.url)).unwrap();
    assert_eq!(tokens.bearer().unwrap().expose_secret(), "at-good");
}
