//! One visitor: its request is read, judged and answered.

use std::io::{ErrorKind, Read, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use grantflow::{PendingKey, callback_key, callback_key_in_form};
use http::{Method, Request, header};

use crate::answer::Answer;
use crate::head::{Head, HeadReader};
use crate::shared::{Arrived, NoAnswer, Place};

/// How long, and for how many bytes, a connection is kept after its answer. If it were closed with unread bytes, the
/// system would discard the answer.
const LINGER: Duration = Duration::from_millis(500);
const LINGER_BYTES: usize = 1024 * 1024;

/// What all visitors have in common.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) port: u16,
    pub(crate) done_path: Arc<str>,
    pub(crate) visit: Duration,
}

impl Site {
    /// Serves one visitor: one request, one answer.
    pub(crate) fn serve(&self, place: Place) {
        let stream = &*place.stream;
        let answer = match self.read(stream) {
            Ok(request) => self.answer(request, &place),
            Err(answer) => answer,
        };
        let Some(answer) = answer else { return };
        let is_written = write(stream, &answer.to_bytes(), Instant::now().checked_add(self.visit));
        place.is_answered();
        let is_delivered = is_written && linger(stream);
        if answer.is_last && is_delivered {
            place.shared.change(|state| {
                if let Some(arrived) = &mut state.arrived {
                    arrived.is_page_delivered = true;
                }
            });
        }
    }

    /// A complete request for this host. The error is the answer to a bad one, or `None` if the visitor sent nothing: a
    /// browser that connects in advance would show it as the answer to a later request.
    fn read(&self, stream: &TcpStream) -> Result<Request<Vec<u8>>, Option<Answer>> {
        let until = Instant::now().checked_add(self.visit);
        let mut reader = HeadReader::default();
        let mut has_spoken = false;
        let (head, mut body) = loop {
            let piece = next_piece(stream, until).map_err(|fault| fault.answer(has_spoken))?;
            has_spoken = true;
            if let Some(whole) = reader.take(&piece).map_err(|refusal| Some(Answer::refusal(refusal)))? {
                break whole;
            }
        };
        if !head.authority.as_deref().is_none_or(|authority| self.is_here(authority)) {
            return Err(Some(Answer::elsewhere(head.method == Method::HEAD)));
        }
        if head.method == Method::POST {
            if head.expects_continue && body.len() < head.body_len {
                let _ = (&*stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
            }
            while body.len() < head.body_len {
                body.extend(next_piece(stream, until).map_err(|fault| fault.answer(true))?);
            }
        }
        body.truncate(head.body_len);
        Ok(request(head, body))
    }

    /// Whether an authority names this listener: the loopback interface by one of its names, with this port or none.
    /// Any other name belongs to another site that leads here (DNS rebinding).
    fn is_here(&self, authority: &str) -> bool {
        let (name, port) = match authority.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, Some(port)),
            _ => (authority, None),
        };
        ["127.0.0.1", "localhost", "[::1]"].iter().any(|ours| ours.eq_ignore_ascii_case(name))
            && port.is_none_or(|port| port == self.port.to_string())
    }

    /// `None` for a visitor that was sent away.
    fn answer(&self, request: Request<Vec<u8>>, place: &Place) -> Option<Answer> {
        let after = |request: &Request<Vec<u8>>| {
            let state = place.shared.lock();
            state.arrived.as_ref().map(|arrived| self.answer_after(request, arrived))
        };
        if !matches!(*request.method(), Method::GET | Method::POST) {
            return Some(after(&request).unwrap_or_else(|| Answer::method(request.method() == Method::HEAD)));
        }
        let request = Arc::new(request);
        match place.ask(&request, self.visit) {
            Ok(answer) => Some(answer),
            Err(NoAnswer::Unseen) => Some(Answer::too_early()),
            Err(NoAnswer::Over) => after(&request),
        }
    }

    /// After the callback has come: the last page, and the redirect to it for a browser that asks twice.
    fn answer_after(&self, request: &Request<Vec<u8>>, arrived: &Arrived) -> Answer {
        let is_head = request.method() == Method::HEAD;
        match *request.method() {
            Method::GET | Method::POST if claimed_key(request).as_ref() == Some(&arrived.key) => {
                Answer::see(&self.done_path)
            }
            Method::GET | Method::HEAD if request.uri().path() == &*self.done_path => {
                Answer::last(Arc::clone(&arrived.page), is_head)
            }
            Method::GET | Method::POST => Answer::nothing_waits(),
            _ => Answer::method(is_head),
        }
    }
}

/// The login that a request claims to answer.
pub(crate) fn claimed_key(request: &Request<Vec<u8>>) -> Option<PendingKey> {
    match *request.method() {
        Method::POST => callback_key_in_form(request.body()),
        _ => callback_key(request.uri()),
    }
}

fn request(head: Head, body: Vec<u8>) -> Request<Vec<u8>> {
    let mut request = Request::new(body);
    *request.method_mut() = head.method;
    *request.uri_mut() = head.target;
    if let Some(content_type) = head.content_type {
        request.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    request
}

/// Why no more bytes come.
enum Fault {
    /// The visitor has sent everything, or was sent away.
    Ended,
    /// The connection was reset.
    Broken,
    Slow,
}

impl Fault {
    fn answer(self, has_spoken: bool) -> Option<Answer> {
        match self {
            Self::Slow if has_spoken => Some(Answer::too_slow()),
            _ => None,
        }
    }
}

/// Some bytes, at least one.
fn next_piece(mut stream: &TcpStream, until: Option<Instant>) -> Result<Vec<u8>, Fault> {
    let mut piece = [0; 4096];
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(Fault::Slow);
        }
        stream.set_read_timeout(left.map(at_least_a_moment)).map_err(|_| Fault::Broken)?;
        match stream.read(&mut piece) {
            Ok(0) => return Err(Fault::Ended),
            Ok(read) => return Ok(piece.get(..read).unwrap_or_default().to_vec()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // The first on Unix, the second on Windows.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(Fault::Slow);
            }
            Err(_) => return Err(Fault::Broken),
        }
    }
}

/// std accepts no timeout of zero, and systems round down.
fn at_least_a_moment(timeout: Duration) -> Duration {
    timeout.max(Duration::from_millis(1))
}

/// Returns whether everything was written by about `until`. A visitor that reads a byte now and then does not prolong
/// it.
fn write(mut stream: &TcpStream, mut bytes: &[u8], until: Option<Instant>) -> bool {
    while !bytes.is_empty() {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        // After that, a millisecond for each piece: a visitor that reads that fast will soon have everything.
        if stream.set_write_timeout(left.map(at_least_a_moment)).is_err() {
            return false;
        }
        match stream.write(bytes) {
            Ok(0) => return false,
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
    true
}

/// Lets the visitor read the answer: writes no more, and drops what still comes. Returns whether it may have the
/// answer; a visitor that resets the connection does not.
fn linger(stream: &TcpStream) -> bool {
    if stream.shutdown(Shutdown::Write).is_err() {
        return false;
    }
    let until = Instant::now().checked_add(LINGER);
    let mut read = 0;
    while read < LINGER_BYTES {
        match next_piece(stream, until) {
            Ok(piece) => read += piece.len(),
            Err(Fault::Ended | Fault::Slow) => return true,
            Err(Fault::Broken) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    #[test]
    fn an_answer_is_not_written_for_ever_to_somebody_who_reads_a_little_at_a_time() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let server = listener.accept().unwrap().0;
        let reader = thread::spawn(move || {
            let mut some = vec![0; 256 * 1024];
            let mut most = 3000;
            while most > 0 && matches!(client.read(&mut some), Ok(1..)) {
                most -= 1;
                thread::sleep(Duration::from_millis(20));
            }
        });
        // Reading all of it would take 20 s.
        let answer = vec![b'x'; 256 * 1024 * 1024];
        let started = Instant::now();
        assert!(!write(&server, &answer, started.checked_add(Duration::from_millis(300))));
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        drop(server);
        reader.join().unwrap();
    }

    #[test]
    fn an_answer_is_tried_at_least_once() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let server = listener.accept().unwrap().0;
        assert!(write(&server, b"short", Some(Instant::now())));
        assert_eq!(next_piece(&client, None).ok().as_deref(), Some(&b"short"[..]));
    }
}
