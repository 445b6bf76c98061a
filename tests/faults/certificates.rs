//! Certificates that prove nothing: the request was certainly not sent.

use rcgen::{DnType, ExtendedKeyUsagePurpose, SanType, date_time_ymd};

use super::tls::{Authority, TlsServer, gets_a_refresh, gets_nothing};
use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("a certificate of a trusted authority is good", a_good_certificate),
    ("a certificate of another name was sent nothing", of_another_name),
    ("a certificate that has expired was sent nothing", expired),
    ("a certificate that is not yet valid was sent nothing", not_yet_valid),
    ("a certificate of an unknown authority was sent nothing", of_an_unknown_authority),
    ("a certificate that is signed by itself was sent nothing", signed_by_itself),
    ("a certificate for clients was sent nothing", for_clients),
];

/// The result of an agent that trusts only the authority, and a server with this certificate of it.
fn meets(transport: Transport, what: &str, params: impl FnOnce(&mut rcgen::CertificateParams)) {
    let authority = Authority::new();
    let agent = transport.trusting(PATIENCE, authority.certificate());
    gets_nothing(&authority.server(params), &agent, what);
}

/// Without this row, the rows below could fail for any reason.
fn a_good_certificate(transport: Transport) {
    let authority = Authority::new();
    let server = authority.server(|_| {});
    gets_a_refresh(&server, &transport.trusting(PATIENCE, authority.certificate()));
    assert_eq!(server.requests(), 1);
}

fn of_another_name(transport: Transport) {
    let named = |name: &str| vec![SanType::DnsName(name.try_into().unwrap())];
    for name in ["as.example", "localhost.example", "*.localhost", "xlocalhost"] {
        meets(transport, name, |params| params.subject_alt_names = named(name));
    }
    meets(transport, "an address", |params| {
        params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
    });
    // A name in the subject does not count (RFC 6125 §6.4.4, RFC 9525 §1.2).
    meets(transport, "the subject alone", |params| {
        params.subject_alt_names = Vec::new();
        params.distinguished_name.push(DnType::CommonName, "localhost");
    });
}

fn expired(transport: Transport) {
    meets(transport, "expired", |params| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    });
}

fn not_yet_valid(transport: Transport) {
    meets(transport, "not yet valid", |params| {
        params.not_before = date_time_ymd(2090, 1, 1);
        params.not_after = date_time_ymd(2091, 1, 1);
    });
}

fn of_an_unknown_authority(transport: Transport) {
    let (trusted, unknown) = (Authority::new(), Authority::new());
    let server = unknown.server(|_| {});
    gets_nothing(&server, &transport.trusting(PATIENCE, trusted.certificate()), "of the same name, with another key");
    gets_nothing(&server, &agent(transport), "with the default roots");
}

fn signed_by_itself(transport: Transport) {
    let authority = Authority::new();
    gets_nothing(&TlsServer::self_signed(), &transport.trusting(PATIENCE, authority.certificate()), "by itself");
}

fn for_clients(transport: Transport) {
    meets(transport, "for clients", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
}
