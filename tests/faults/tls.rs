//! Servers over TLS, and who vouches for them.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// An authority whose certificate a test may trust.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// All authorities that are made here have the same name, and keys that differ.
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn certificate(&self) -> &[u8] {
        self.0.der()
    }

    /// A server with a certificate that this authority signed, with what `params` makes of one for `localhost`.
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
    /// How many requests it could read.
    requests: Arc<AtomicUsize>,
}

impl TlsServer {
    /// One with a certificate that it signed itself.
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
        let url = format!("https://localhost:{}/token?{QUERY}", listener.local_addr().unwrap().port());
        let requests = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream.unwrap());
                // A client that will have none of it ends the handshake: then there is nothing to read.
                let mut request = [0; 4096];
                if stream.read(&mut request).is_ok_and(|read| read > 0) {
                    seen.fetch_add(1, Ordering::SeqCst);
                    let head =
                        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", GOOD.len());
                    let _ = stream.write_all([head.as_bytes(), GOOD.as_bytes()].concat().as_slice());
                    let _ = stream.flush();
                }
            }
        });
        Self { url, certificate: certificate.to_vec(), requests }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

pub(crate) fn gets_nothing(server: &TlsServer, agent: &Agent, what: &str) {
    let failure = agent.run(refresh_exchange(&server.url)).unwrap_err();
    no_secret_in(&failure, what);
    assert!(failure.error.is_transport(), "{what}: {failure}");
    assert!(matches!(failure.left, Left::Intact(_)), "{what}: nothing was sent: {failure}");
    assert_eq!(server.requests(), 0, "{what}: credentials went to a server that nobody vouches for");
}

pub(crate) fn gets_a_refresh(server: &TlsServer, agent: &Agent) {
    let tokens = agent.run(refresh_exchange(&server.url)).unwrap();
    assert_eq!(tokens.bearer().unwrap().expose_secret(), "at-good");
}
