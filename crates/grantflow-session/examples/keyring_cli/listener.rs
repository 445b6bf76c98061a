//! A loopback listener for the callback (RFC 8252 §7.3): on 127.0.0.1 only, for one login, bounded in every way. Whatever is
//! not the answer that the login waits for gets a 404 and ends nothing.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use grantflow::{Callback, PendingCallback};
use http::Uri;

use crate::Outcome;

/// How long a person may take to log in.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long one visitor may take to say what they want.
const VISIT: Duration = Duration::from_secs(3);
/// A callback's head is a few hundred bytes; codes of 4 KiB exist.
const MAX_HEAD: usize = 16 * 1024;

pub(crate) struct Listener {
    socket: TcpListener,
    port: u16,
}

impl Listener {
    /// On a free port if `port` is 0.
    pub(crate) fn bind(port: u16) -> Outcome<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .map_err(|error| format!("cannot listen on 127.0.0.1:{port}: {error}; choose another with --port"))?;
        // So that the wait can come to an end.
        socket.set_nonblocking(true)?;
        let port = socket.local_addr()?.port();
        Ok(Self { socket, port })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}/callback", self.port)
    }

    pub(crate) fn wait(self, mut pending: PendingCallback) -> Outcome<Callback> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let mut stream = match self.socket.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(20));
                    continue;
                }
                Err(error) if is_the_visitors(error.kind()) => continue,
                Err(error) => return Err(error.into()),
            };
            // Somebody who connects and leaves, or talks nonsense, is no reason to stop waiting.
            let Some(uri) = read_request(&mut stream) else {
                answer(&mut stream, "400 Bad Request", "This is not the page you are looking for.");
                continue;
            };
            pending = match pending.receive(&uri) {
                Callback::Unrelated { pending, .. } => {
                    answer(&mut stream, "404 Not Found", "Nothing is waiting for this.");
                    pending
                }
                verdict => {
                    answer(&mut stream, "200 OK", "Back to your terminal: you can close this page.");
                    return Ok(verdict);
                }
            };
        }
        Err(format!("nobody came back within {} s: run it again", PATIENCE.as_secs()).into())
    }
}

/// Whether accepting failed for a visitor who has left again, or for a signal: the next may be the one.
fn is_the_visitors(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

/// The target of a GET, or `None` for anything that is not one, is too long or takes too long.
fn read_request(stream: &mut TcpStream) -> Option<Uri> {
    stream.set_nonblocking(false).ok()?;
    let deadline = Instant::now() + VISIT;
    let mut head = Vec::new();
    loop {
        let left = deadline.checked_duration_since(Instant::now())?;
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1)))).ok()?;
        let mut chunk = [0; 2048];
        let read = stream.read(&mut chunk).ok()?;
        head.extend_from_slice(chunk.get(..read)?);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&head) {
            Ok(httparse::Status::Complete(_)) if request.method == Some("GET") => return request.path?.parse().ok(),
            Ok(httparse::Status::Partial) if read > 0 && head.len() < MAX_HEAD => {}
            _ => return None,
        }
    }
}

/// A static page: nothing of the request is in it, and nothing is loaded into it.
fn answer(stream: &mut TcpStream, status: &str, text: &str) {
    let page = format!("<!doctype html><meta charset=utf-8><title>keyring_cli</title><p>{text}</p>\n");
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Content-Security-Policy: default-src 'none'\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        page.len()
    );
    // A visitor who does not wait for the answer misses nothing that matters.
    let _ = stream.set_write_timeout(Some(VISIT));
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(page.as_bytes()));
}
