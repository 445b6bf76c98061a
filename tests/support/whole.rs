//! What a small server needs so that its client sees the answer: it reads the whole request, and ends the connection in
//! order.
//!
//! A socket that is closed with unread bytes resets the connection, and the reset overtakes the answer. A client may
//! send the head and the body of a request in several parts, so one read is not enough.

use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::fault_server::{LARGEST_REQUEST, Progress, RecordedRequest, parse};

/// How long a closing connection still accepts what the client sends. Clients go sooner, even on a busy machine.
pub const LINGER: Duration = Duration::from_secs(10);

/// Reads one request: its head, and the body that the head announces. Later bytes are dropped.
///
/// # Errors
/// The stream's error, or `UnexpectedEof` if the client goes too early, `InvalidData` if it does not speak HTTP,
/// `FileTooLarge` if it sends megabytes.
pub fn read_request(stream: &mut impl Read) -> io::Result<RecordedRequest> {
    let mut bytes = Vec::new();
    let mut block = [0; 8192];
    loop {
        match parse(&bytes) {
            Progress::Complete(head, body, _) => return Ok(RecordedRequest { head, body, connection: 0 }),
            Progress::Nonsense => return Err(ErrorKind::InvalidData.into()),
            Progress::Incomplete if bytes.len() > LARGEST_REQUEST => return Err(ErrorKind::FileTooLarge.into()),
            Progress::Incomplete => {}
        }
        match stream.read(&mut block) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => bytes.extend_from_slice(block.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Closes a connection in order: it announces its end, and accepts what the client still sends until the client goes,
/// for at most [`LINGER`].
pub fn end(mut stream: &TcpStream) {
    // An error means that the client has gone, and then there is nothing to wait for.
    if stream.shutdown(Shutdown::Write).is_err() {
        return;
    }
    let start = Instant::now();
    let mut block = [0; 8192];
    while let Some(left) = LINGER.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
        if stream.set_read_timeout(Some(left)).is_err() {
            return;
        }
        match stream.read(&mut block) {
            Ok(1..) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
        }
    }
}
