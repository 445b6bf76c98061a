//! A server that nobody vouches for gets nothing, whatever the agent was configured with.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::*;

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

const PATIENCE: Duration = Duration::from_secs(20);

fn trusting_everybody() -> TlsConfig {
    TlsConfig::builder().disable_verification(true).build()
}

#[test]
fn verification_cannot_be_configured_away() {
    let server = SelfSigned::start();
    for agent in [
        Agent::configured(PATIENCE, |config| config),
        Agent::configured(PATIENCE, |config| config.tls_config(trusting_everybody())),
    ] {
        let failure = grantflow_ureq::run(&agent, refresh_exchange(&server.url)).unwrap_err();
        assert!(matches!(failure.error, grantflow_ureq::Error::Transport(_)), "{failure}");
        assert!(matches!(failure.left, Left::Intact(_)), "nothing was sent: {failure}");
    }
    assert_eq!(server.requests(), 0, "credentials went to a server that nobody vouches for");

    // A plain agent of ureq's would have sent them: the test can fail.
    let plain: ureq::Agent = ureq::Agent::config_builder().tls_config(trusting_everybody()).build().into();
    let theirs = Agent::from_ureq(plain, PATIENCE);
    grantflow_ureq::run(&theirs, refresh_exchange(&server.url)).unwrap();
    assert_eq!(server.requests(), 1);
}

#[test]
fn the_other_tls_settings_stay_as_they_are() {
    let server = SelfSigned::start();
    let root = [Certificate::from_der(&server.certificate).to_owned()];
    for switched_off in [false, true] {
        let roots = RootCerts::new_with_certs(&root);
        let tls = TlsConfig::builder().root_certs(roots).disable_verification(switched_off).build();
        let agent = Agent::configured(PATIENCE, |config| config.tls_config(tls));
        let tokens = grantflow_ureq::run(&agent, refresh_exchange(&server.url)).unwrap();
        assert_eq!(tokens.bearer().unwrap().expose_secret(), "at-good");
    }
}

#[test]
fn nor_can_it_with_reqwest() {
    use grantflow_tests::support::transport::{block_on, install_crypto, reqwest_agent};
    let server = SelfSigned::start();
    // No certificates of the system's: reading them takes time, and none of them is this one.
    let agent = reqwest_agent(PATIENCE, |settings| {
        settings.tls_danger_accept_invalid_certs(true).tls_danger_accept_invalid_hostnames(true).tls_certs_only([])
    });
    let failure = agent.run(refresh_exchange(&server.url)).unwrap_err();
    assert!(is_transport(&failure.error) && matches!(failure.left, Left::Intact(_)), "nothing was sent: {failure}");
    assert_eq!(server.requests(), 0, "credentials went to a server that nobody vouches for");

    // A plain client of reqwest's would have sent them.
    install_crypto();
    let plain = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
    assert!(block_on(plain.post(&server.url).send()).is_ok());
    assert_eq!(server.requests(), 1);
    // And one that it is told to trust, ours does.
    let trusting = Transport::Reqwest.trusting(PATIENCE, &server.certificate);
    assert!(trusting.run(refresh_exchange(&server.url)).is_ok());
}
