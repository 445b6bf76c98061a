//! A server without a trusted certificate gets nothing, under every configuration of the agent.

use grantflow_tests::support::transport::{block_on, reqwest_agent};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::tls::{TlsServer, gets_a_refresh, gets_nothing};
use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("a server without a trusted certificate gets nothing", a_stranger_gets_nothing),
    ("a root of the caller's own is trusted, and vouches for no other", a_root_of_the_callers_own_is_trusted),
];

pub(crate) const OWN: &[Own] = &[
    ("ureq: verification cannot be configured away", verification_cannot_be_configured_away_in_ureq),
    ("ureq: the other TLS settings stay as they are", the_other_tls_settings_of_ureq_stay_as_they_are),
    ("reqwest: verification cannot be configured away", verification_cannot_be_configured_away_in_reqwest),
    ("reqwest: the other TLS settings stay as they are", the_other_tls_settings_of_reqwest_stay_as_they_are),
];

fn trusting_everybody() -> TlsConfig {
    TlsConfig::builder().disable_verification(true).build()
}

fn a_stranger_gets_nothing(transport: Transport) {
    gets_nothing(&TlsServer::self_signed(), &agent(transport), "a stranger");
}

fn a_root_of_the_callers_own_is_trusted(transport: Transport) {
    let (server, stranger) = (TlsServer::self_signed(), TlsServer::self_signed());
    let agent = transport.trusting(PATIENCE, &server.certificate);
    gets_a_refresh(&server, &agent);
    gets_nothing(&stranger, &agent, "a stranger");
}

fn verification_cannot_be_configured_away_in_ureq() {
    let server = TlsServer::self_signed();
    let agent = grantflow_ureq::Agent::configured(PATIENCE, |config| config.tls_config(trusting_everybody()));
    gets_nothing(&server, &agent.into(), "verification switched off");

    // A plain agent of ureq would have sent them: the test can fail.
    let plain: ureq::Agent = ureq::Agent::config_builder().tls_config(trusting_everybody()).build().into();
    let theirs = grantflow_ureq::Agent::from_ureq(plain, PATIENCE);
    gets_a_refresh(&server, &theirs.into());
    assert_eq!(server.requests(), 1);
}

fn verification_cannot_be_configured_away_in_reqwest() {
    let server = TlsServer::self_signed();
    let trusting = |settings: reqwest::ClientBuilder| {
        settings.tls_danger_accept_invalid_certs(true).tls_danger_accept_invalid_hostnames(true)
    };
    gets_nothing(&server, &reqwest_agent(PATIENCE, trusting), "verification switched off");

    // A plain client of reqwest would have sent them: the test can fail.
    let plain = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
    assert_eq!(block_on(plain.post(&server.url).body("x").send()).unwrap().status(), 200);
    assert_eq!(server.requests(), 1);
}

fn the_other_tls_settings_of_ureq_stay_as_they_are() {
    let server = TlsServer::self_signed();
    let root = [Certificate::from_der(&server.certificate).to_owned()];
    for switched_off in [false, true] {
        let roots = RootCerts::new_with_certs(&root);
        let tls = TlsConfig::builder().root_certs(roots).disable_verification(switched_off).build();
        gets_a_refresh(&server, &grantflow_ureq::Agent::configured(PATIENCE, |config| config.tls_config(tls)).into());
    }
}

fn the_other_tls_settings_of_reqwest_stay_as_they_are() {
    let server = TlsServer::self_signed();
    let root = reqwest::Certificate::from_der(&server.certificate).unwrap();
    for switched_off in [false, true] {
        let agent = reqwest_agent(PATIENCE, |settings| {
            settings.tls_certs_only([root.clone()]).tls_danger_accept_invalid_certs(switched_off)
        });
        gets_a_refresh(&server, &agent);
    }
}
