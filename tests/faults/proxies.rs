//! Proxies before an `https:` endpoint: a request that they refuse was not sent, and they see nothing in plain text.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use grantflow_tests::support::fault_server::{Step, refused_url};

use super::tls::{Authority, gets_a_refresh};
use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("a proxy that is asked to carries a tunnel, and sees nothing in the clear", a_tunnel_carries_nothing_in_the_clear),
    ("a proxy that refuses was sent nothing", a_proxy_that_refuses),
    ("a proxy that ends the connection was sent nothing", a_proxy_that_breaks_off),
    ("a proxy that refuses the connection was sent nothing", a_proxy_that_is_not_there),
    ("a proxy that is silent was sent nothing, where that can be known", a_proxy_that_is_silent),
];

pub(crate) const OWN: &[Own] =
    &[("ureq: a caller's own agent knows what a proxy refused", a_callers_own_agent_knows_what_a_proxy_refused)];

/// A refresh at an endpoint that is reached through this proxy.
fn left_through(
    proxy_url: &str,
    transport: Transport,
    deadline: Duration,
    what: &str,
) -> (Left<RefreshExchange>, AnyError) {
    let authority = Authority::new();
    let server = authority.server(|_| {});
    let agent = transport.through(deadline, proxy_url, authority.certificate());
    let failure = agent.run(refresh_exchange(&server.url)).unwrap_err();
    no_secret_in(&failure, what);
    assert!(failure.error.is_transport(), "{what}: {failure}");
    assert_eq!(server.requests(), 0, "{what}: it went past the proxy");
    (failure.left, failure.error)
}

fn was_sent_nothing(transport: Transport, what: &str, fault: Fault) {
    let proxy = FaultServer::start(vec![fault]);
    let (left, error) = left_through(&proxy.url(""), transport, PATIENCE, what);
    assert!(matches!(left, Left::Intact(_)), "{what}: {error}");
    saw_no_more_than_a_connect(&proxy, what);
}

/// No credential in any header, no body, and no second request.
fn saw_no_more_than_a_connect(proxy: &FaultServer, what: &str) {
    assert_eq!(proxy.connections(), 1, "{what}: it was tried again");
    for hit in proxy.hits() {
        assert_eq!(hit.method(), "CONNECT", "{what}");
        assert!(hit.target().starts_with("localhost:"), "{what}: {}", hit.target());
        assert!(hit.body.is_empty(), "{what}: a body");
        assert_eq!(hit.header("authorization"), None, "{what}");
        shows_no_secret(&hit.head, what);
    }
    assert!(proxy.hits().len() <= 1, "{what}: a request followed in the clear");
}

fn shows_no_secret(text: &str, what: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what}: the proxy saw {secret}");
    }
}

fn a_proxy_that_refuses(transport: Transport) {
    let page = "<html>blocked</html>";
    let basic = ("Proxy-Authenticate", "Basic realm=\"proxy\"");
    for (what, fault) in [
        ("407", Fault::response(407, &[basic], page)),
        ("403", Fault::response(403, &[], page)),
        ("502", Fault::response(502, &[], page)),
        ("503 with a wait", Fault::response(503, &[("Retry-After", "7")], page)),
        ("a redirect", Fault::redirect(302, "http://127.0.0.1:9/stolen")),
        ("tokens", Fault::json(400, GOOD)),
        ("a verdict", Fault::json(400, r#"{"error":"invalid_grant"}"#)),
    ] {
        was_sent_nothing(transport, what, fault);
    }
    // Kept open, for a client that would continue in plain text.
    let refusal = "HTTP/1.1 407 Go away\r\nProxy-Authenticate: Basic realm=\"p\"\r\nContent-Length: 0\r\n\r\n";
    let open = vec![Step::ReadRequest, Step::Send(refusal.into()), Step::ReadRequest];
    was_sent_nothing(transport, "407, kept open", Fault::steps(open));
}

fn a_callers_own_agent_knows_what_a_proxy_refused() {
    for status in [403, 407, 502] {
        let proxy = FaultServer::start(vec![Fault::response(status, &[], "")]);
        let through = ureq::Proxy::new(&proxy.url("")).unwrap();
        let theirs: ureq::Agent = ureq::Agent::config_builder().proxy(Some(through)).build().into();
        let agent = Agent::from(grantflow_ureq::Agent::from_ureq(theirs, PATIENCE));
        let failure = agent.run(refresh_exchange("https://localhost:1/token")).unwrap_err();
        no_secret_in(&failure, "their agent");
        assert!(matches!(failure.left, Left::Intact(_)), "{status}: {failure}");
        saw_no_more_than_a_connect(&proxy, "their agent");
    }
}

fn a_proxy_that_breaks_off(transport: Transport) {
    let tunnel = || Step::Send(b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec());
    for (what, fault) in [
        ("closed at once", Fault::close_at_once()),
        ("reset at once", Fault::reset_at_once()),
        ("closed after the CONNECT", Fault::close_after_request()),
        ("reset after the CONNECT", Fault::reset_after_request()),
        ("half a head", Fault::raw(*b"HTTP/1.1 200 Conn")),
        ("no HTTP", Fault::raw(*b"SOCKS, anyone?\r\n\r\n")),
        ("a tunnel that is closed", Fault::steps(vec![Step::ReadRequest, tunnel()])),
        ("a tunnel that is reset", Fault::steps(vec![Step::ReadRequest, tunnel(), Step::ReadSome, Step::Reset])),
        // A proxy that answers in the server's place, as a captive portal does.
        (
            "a tunnel that ends at the proxy",
            Fault::steps(vec![
                Step::ReadRequest,
                tunnel(),
                Step::ReadSome,
                Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec()),
            ]),
        ),
    ] {
        was_sent_nothing(transport, what, fault);
    }
}

fn a_proxy_that_is_not_there(transport: Transport) {
    let (left, error) = left_through(&refused_url(), transport, PATIENCE, "refused");
    assert!(matches!(left, Left::Intact(_)), "{error}");
}

fn a_proxy_that_is_silent(transport: Transport) {
    for (what, fault) in [("silence", Fault::mute()), ("silence after the CONNECT", Fault::never_answer())] {
        let proxy = FaultServer::start(vec![fault]);
        // Long enough for the connection that is counted below.
        let (left, error) = left_through(&proxy.url(""), transport, DEADLINE * 3, what);
        match transport {
            // The deadline is the agent's, and no classifier learns what the service below it was doing.
            Transport::Tower => assert!(matches!(left, Left::Unknown(_)), "{what}: {error}"),
            Transport::Ureq | Transport::Reqwest => assert!(matches!(left, Left::Intact(_)), "{what}: {error}"),
        }
        assert!(error.is_timeout(), "{what}: {error}");
        saw_no_more_than_a_connect(&proxy, what);
    }
}

fn a_tunnel_carries_nothing_in_the_clear(transport: Transport) {
    let authority = Authority::new();
    let server = authority.server(|_| {});
    let proxy = Relay::start();
    gets_a_refresh(&server, &transport.through(PATIENCE, &proxy.url, authority.certificate()));
    assert_eq!(server.requests(), 1);
    let seen = proxy.seen.lock().unwrap().clone();
    let seen = String::from_utf8_lossy(&seen);
    assert!(seen.starts_with("CONNECT localhost:"), "{seen}");
    assert!(!seen.to_ascii_lowercase().contains("\r\nauthorization:"), "{seen}");
    shows_no_secret(&seen, "a tunnel");
}

/// A proxy that works correctly, and records what the client sent.
struct Relay {
    url: String,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                relay(stream.unwrap(), &kept);
            }
        });
        Self { url, seen }
    }
}

fn relay(mut client: TcpStream, seen: &Mutex<Vec<u8>>) {
    let mut block = [0; 4096];
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let read = client.read(&mut block[..1]).unwrap();
        assert_eq!(read, 1, "the client went before its CONNECT was whole");
        head.push(block[0]);
    }
    seen.lock().unwrap().extend_from_slice(&head);
    let head = String::from_utf8(head).unwrap();
    let port = head.split(' ').nth(1).unwrap().rsplit(':').next().unwrap();
    let mut server = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    let (mut back_from, mut back_to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let back = thread::spawn(move || {
        let _ = std::io::copy(&mut back_from, &mut back_to);
        let _ = back_to.shutdown(Shutdown::Write);
    });
    while let Ok(read @ 1..) = client.read(&mut block) {
        seen.lock().unwrap().extend_from_slice(&block[..read]);
        // A server that has gone takes nothing more. What the client still sends is read, or it would lose its answer.
        let _ = server.write_all(&block[..read]);
    }
    let _ = server.shutdown(Shutdown::Write);
    back.join().unwrap();
}
