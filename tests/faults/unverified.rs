//! A server that nobody vouches for gets nothing, whatever the agent was configured with.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use grantflow_tests::support::transport::{block_on, reqwest_agent};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("a server that nobody vouches for gets nothing", a_stranger_gets_nothing),
    ("a root of the caller's own is trusted, and vouches for no other", a_root_of_the_callers_own_is_trusted),
];

pub(crate) const OWN: &[Own] = &[
    ("ureq: verification cannot be configured away", verification_cannot_be_configured_away_in_ureq),
    ("ureq: the other TLS settings stay as they are", the_other_tls_settings_of_ureq_stay_as_they_are),
    ("reqwest: verification cannot be configured away", verification_cannot_be_configured_away_in_reqwest),
    ("reqwest: the other TLS settings stay as they are", the_other_tls_settings_of_reqwest_stay_as_they_are),
];

/// Answers well over TLS, for `localhost`, with a certificate that it signed itself.
struct SelfSigned {
    url: String,
    certificate: Vec<u8>,
    /// How many requests it could read.
    requests: Arc<AtomicUsize>,
}

impl SelfSigned {
    fn start() -> Self {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}/token", listener.local_addr().unwrap().port());
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
        Self { url, certificate: cert.der().to_vec(), requests }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn trusting_everybody() -> TlsConfig {
    TlsConfig::builder().disable_verification(true).build()
}

fn gets_nothing(server: &SelfSigned, agent: &Agent) {
    let failure = agent.run(refresh_exchange(&server.url)).unwrap_err();
    assert!(failure.error.is_transport(), "{failure}");
    assert!(matches!(failure.left, Left::Intact(_)), "nothing was sent: {failure}");
    assert_eq!(server.requests(), 0, "credentials went to a server that nobody vouches for");
}

fn gets_a_refresh(server: &SelfSigned, agent: &Agent) {
    let tokens = agent.run(refresh_exchange(&server.url)).unwrap();
    assert_eq!(tokens.bearer().unwrap().expose_secret(), "at-good");
}

fn a_stranger_gets_nothing(transport: Transport) {
    gets_nothing(&SelfSigned::start(), &agent(transport));
}

fn a_root_of_the_callers_own_is_trusted(transport: Transport) {
    let (server, stranger) = (SelfSigned::start(), SelfSigned::start());
    let agent = transport.trusting(PATIENCE, &server.certificate);
    gets_a_refresh(&server, &agent);
    gets_nothing(&stranger, &agent);
}

fn verification_cannot_be_configured_away_in_ureq() {
    let server = SelfSigned::start();
    let agent = grantflow_ureq::Agent::configured(PATIENCE, |config| config.tls_config(trusting_everybody()));
    gets_nothing(&server, &agent.into());

    // A plain agent of ureq's would have sent them: the test can fail.
    let plain: ureq::Agent = ureq::Agent::config_builder().tls_config(trusting_everybody()).build().into();
    let theirs = grantflow_ureq::Agent::from_ureq(plain, PATIENCE);
    gets_a_refresh(&server, &theirs.into());
    assert_eq!(server.requests(), 1);
}

fn verification_cannot_be_configured_away_in_reqwest() {
    let server = SelfSigned::start();
    let trusting = |settings: reqwest::ClientBuilder| {
        settings.tls_danger_accept_invalid_certs(true).tls_danger_accept_invalid_hostnames(true)
    };
    gets_nothing(&server, &reqwest_agent(PATIENCE, trusting));

    // A plain client of reqwest's would have sent them: the test can fail.
    let plain = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
    assert_eq!(block_on(plain.post(&server.url).body("x").send()).unwrap().status(), 200);
    assert_eq!(server.requests(), 1);
}

fn the_other_tls_settings_of_ureq_stay_as_they_are() {
    let server = SelfSigned::start();
    let root = [Certificate::from_der(&server.certificate).to_owned()];
    for switched_off in [false, true] {
        let roots = RootCerts::new_with_certs(&root);
        let tls = TlsConfig::builder().root_certs(roots).disable_verification(switched_off).build();
        gets_a_refresh(&server, &grantflow_ureq::Agent::configured(PATIENCE, |config| config.tls_config(tls)).into());
    }
}

fn the_other_tls_settings_of_reqwest_stay_as_they_are() {
    let server = SelfSigned::start();
    let root = reqwest::Certificate::from_der(&server.certificate).unwrap();
    for switched_off in [false, true] {
        let agent = reqwest_agent(PATIENCE, |settings| {
            settings.tls_certs_only([root.clone()]).tls_danger_accept_invalid_certs(switched_off)
        });
        gets_a_refresh(&server, &agent);
    }
}
