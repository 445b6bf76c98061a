//! Which failures prove that the request was not sent.

use super::*;

type Serve = fn(&mut TcpStream);

/// Some wait for the deadline, so all do it together.
fn at_once<const N: usize>(faults: [(&str, Serve); N], meet: impl Fn(&str, Serve) + Sync) {
    let meet = &meet;
    std::thread::scope(|threads| {
        for (what, serve) in faults {
            threads.spawn(move || meet(what, serve));
        }
    });
}

#[test]
fn a_refused_connection_was_not_sent() {
    let (_socket, url) = refusing();
    let (left, error) = left(&agent(), &url);
    assert!(matches!(left, Left::Intact(_)), "{error}");
    assert!(matches!(error, Error::Transport(_)), "{error}");
}

#[test]
fn a_name_that_does_not_resolve_was_not_sent() {
    let (left, error) = left(&agent(), "https://nonexistent.invalid/token");
    assert!(matches!(left, Left::Intact(_)), "{error}");
}

#[test]
#[cfg(feature = "rustls")]
fn a_handshake_that_does_not_end_was_not_sent() {
    let faults: [(&str, Serve); 4] = [
        ("closed at once", |_| {}),
        ("closed in the handshake", |stream| {
            let _ = stream.read(&mut [0; 64]);
        }),
        ("plain HTTP", |stream| {
            let _ = stream.write_all(answer("200 OK", GOOD).as_bytes());
        }),
        // The whole deadline passes in it.
        ("silence", |stream| {
            let _ = stream.read_to_end(&mut Vec::new());
        }),
    ];
    at_once(faults, |what, serve| {
        let server = Listener::start(serve);
        let (left, error) = left(&impatient(), &server.url("https"));
        assert!(matches!(left, Left::Intact(_)), "{what}: {error}");
        assert_eq!(server.connections(), 1, "{what}");
    });
}

#[test]
#[cfg(feature = "rustls")]
fn a_proxy_that_says_nothing_has_sent_nothing_on() {
    let proxy = Listener::start(|stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let proxied = format!("http://127.0.0.1:{}", proxy.port);
    let agent = Agent::configured(DEADLINE, |settings| settings.proxy(reqwest::Proxy::all(&proxied).unwrap())).unwrap();
    let (left, error) = left(&agent, "https://as.example/token");
    assert!(matches!(left, Left::Intact(_)), "{error}");
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn what_fails_later_may_have_been_sent() {
    let faults: [(&str, Serve); 6] = [
        ("closed before the request", |_| {}),
        ("closed after the request", |stream| {
            read_request(stream);
        }),
        ("no answer before the deadline", |stream| {
            let _ = stream.read_to_end(&mut Vec::new());
        }),
        ("no HTTP", |stream| {
            read_request(stream);
            let _ = stream.write_all(b"SSH-2.0-x\r\n\r\n");
        }),
        ("a body cut short", |stream| {
            read_request(stream);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{");
        }),
        ("a body that does not end", |stream| {
            read_request(stream);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{");
            let _ = stream.read_to_end(&mut Vec::new());
        }),
    ];
    at_once(faults, |what, serve| {
        let server = Listener::start(serve);
        let (left, error) = left(&impatient(), &server.url("http"));
        assert!(matches!(left, Left::Unknown(_)), "{what}: {error}");
        assert!(matches!(error, Error::Transport(_)), "{what}: {error}");
        assert_eq!(server.connections(), 1, "{what}: it was sent again");
    });
}

#[test]
fn an_unsent_request_can_be_sent_later() {
    let (socket, url) = refusing();
    let (left, _) = left(&agent(), &url);
    let Left::Intact(exchange) = left else { panic!("not intact") };
    let listener = block_on(async { socket.listen(8).unwrap().into_std().unwrap() });
    listener.set_nonblocking(false).unwrap();
    let _server = Listener::on(listener, answers(answer("200 OK", GOOD)));
    block_on(grantflow_reqwest::run(&agent(), *exchange)).unwrap();
}
