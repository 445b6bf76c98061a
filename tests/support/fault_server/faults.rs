//! The faults: scripts, and a constructor for each one that has a name.
//!
//! Unless it says otherwise, a fault reads and records one request, answers, and closes the connection.

use std::time::Duration;

use super::answer::{JSON, LAST_CHUNK, NO_STORE, answer, chunked, head};
use super::gzip;

/// One thing done on a connection. After the last one the server closes it in order (FIN).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Waits for a complete request, and records it.
    ReadRequest,
    /// Waits for at least one byte, of anything.
    ReadSome,
    /// Sends bytes as they are.
    Send(Vec<u8>),
    /// Sends one byte many times.
    Fill {
        /// Which.
        byte: u8,
        /// How many times.
        times: u64,
    },
    /// Sends these bytes one at a time, over and over, until the client goes.
    Drip {
        /// What to send, again and again.
        bytes: Vec<u8>,
        /// After each byte.
        pause: Duration,
    },
    /// Does nothing for a while.
    Pause(Duration),
    /// Reads and sends nothing, until the client goes.
    Hang,
    /// Aborts the connection (RST). The script ends here.
    Reset,
}

/// The script of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(Vec<Step>);

/// Answers, and other openings.
impl Fault {
    /// Any script.
    pub fn steps(steps: Vec<Step>) -> Self {
        Self(steps)
    }

    pub(super) fn script(&self) -> &[Step] {
        &self.0
    }

    /// An answer of these bytes.
    pub fn raw(answer: impl Into<Vec<u8>>) -> Self {
        Self(vec![Step::ReadRequest, Step::Send(answer.into())])
    }

    /// A correct answer. It has a `Content-Length`, except where HTTP forbids one.
    pub fn response(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        Self::raw(answer(status, headers, body.as_ref(), "close"))
    }

    /// A correct answer with JSON in it, or what a server might call JSON.
    pub fn json(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self::response(status, &[JSON, NO_STORE], body)
    }

    /// A redirect to anywhere; `location` is sent as it is. For the server's own address see
    /// [`FaultServer::start_with`](super::FaultServer::start_with).
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::response(status, &[("Location", location)], "")
    }

    /// 200, JSON by its content type, with no body.
    pub fn empty_200() -> Self {
        Self::json(200, "")
    }

    /// 204, which has no body by definition.
    pub fn no_content() -> Self {
        Self::response(204, &[], "")
    }

    /// 200 with a byte order mark before `body`.
    pub fn byte_order_mark(body: impl AsRef<[u8]>) -> Self {
        Self::json(200, [b"\xef\xbb\xbf", body.as_ref()].concat())
    }

    /// 200 with bytes inside a JSON string that are not UTF-8.
    pub fn non_utf8() -> Self {
        Self::json(200, b"{\"access_token\":\"\xff\xfe\xc3\x28\",\"token_type\":\"bearer\"}")
    }
}

/// Bodies that end too early, too late or nowhere.
impl Fault {
    /// Announces `declared` bytes, sends fewer, closes.
    pub fn short_body(declared: usize, body: impl AsRef<[u8]>) -> Self {
        Self::framed(&format!("Content-Length: {declared}"), body)
    }

    /// A body that ends with the connection. Half a body makes one that was cut: nothing on the wire shows it.
    pub fn until_close(body: impl AsRef<[u8]>) -> Self {
        Self::framed("Connection: close", body)
    }

    /// A chunk whose size is not a number.
    pub fn bad_chunk_size() -> Self {
        Self::framed("Transfer-Encoding: chunked", "zz\r\n{}\r\n0\r\n\r\n")
    }

    /// One good chunk, then half of another, which announces 100 bytes.
    pub fn cut_chunk() -> Self {
        Self::framed("Transfer-Encoding: chunked", "8\r\n{\"a\":\"b\"\r\n64\r\n,\"access_token\":")
    }

    /// Chunks without the last, empty one.
    pub fn unfinished_chunks(body: impl AsRef<[u8]>) -> Self {
        let mut chunk = chunked(body.as_ref());
        chunk.truncate(chunk.len() - LAST_CHUNK.len());
        Self::framed("Transfer-Encoding: chunked", chunk)
    }

    /// A chunked body, and a `Content-Length` that says something else.
    pub fn length_and_chunked(body: impl AsRef<[u8]>) -> Self {
        Self::framed("Content-Length: 3\r\nTransfer-Encoding: chunked", chunked(body.as_ref()))
    }

    /// Two lengths: the right one, and one more than that.
    pub fn two_lengths(body: impl AsRef<[u8]>) -> Self {
        let n = body.as_ref().len();
        Self::framed(&format!("Content-Length: {n}\r\nContent-Length: {}", n + 1), body)
    }

    /// A correct, kept-alive answer followed by `extra`, as in response splitting. A client that continues to use the
    /// connection takes `extra` for its next answer, and its next request is recorded with the same connection number.
    pub fn excess(body: impl AsRef<[u8]>, extra: impl AsRef<[u8]>) -> Self {
        let first = answer(200, &[JSON], body.as_ref(), "keep-alive");
        let second = answer(200, &[JSON], body.as_ref(), "close");
        Self(vec![
            Step::ReadRequest,
            Step::Send([&first, extra.as_ref()].concat()),
            Step::ReadRequest,
            Step::Send(second),
        ])
    }

    /// `100 Continue`, then `103 Early Hints`, then the answer.
    pub fn interim(body: impl AsRef<[u8]>) -> Self {
        let before = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n";
        Self::raw([before, &*answer(200, &[JSON], body.as_ref(), "close")].concat())
    }

    fn framed(header: &str, body: impl AsRef<[u8]>) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{header}\r\n\r\n");
        Self::raw([head.as_bytes(), body.as_ref()].concat())
    }
}

/// Too slow.
impl Fault {
    /// Headers without end, a byte each `pause`.
    pub fn slow_head(pause: Duration) -> Self {
        let start = Step::Send(b"HTTP/1.1 200 OK\r\n".to_vec());
        Self(vec![Step::ReadRequest, start, Step::Drip { bytes: b"X-Slow: yes\r\n".to_vec(), pause }])
    }

    /// A body of a megabyte, a byte each `pause`.
    pub fn slow_body(pause: Duration) -> Self {
        let start = Step::Send(head(200, &[JSON, ("Content-Length", "1000000")]));
        Self(vec![Step::ReadRequest, start, Step::Drip { bytes: b" ".to_vec(), pause }])
    }

    /// Accepts the request and never answers.
    pub fn never_answer() -> Self {
        Self(vec![Step::ReadRequest, Step::Hang])
    }

    /// Accepts the connection and never sends anything; nothing is recorded. To a TLS client it is a handshake that
    /// never ends.
    pub fn mute() -> Self {
        Self(vec![Step::Hang])
    }
}

/// Too large.
impl Fault {
    /// A gzip body that grows a thousandfold, to `size` bytes.
    pub fn gzip_bomb(size: u32) -> Self {
        Self::response(200, &[JSON, ("Content-Encoding", "gzip")], gzip::zeros(size))
    }

    /// A body of `size` bytes, with a `Content-Length`: the beginning of a JSON string, and nothing else.
    pub fn huge_body(size: u64) -> Self {
        let start = b"{\"access_token\":\"";
        let mut bytes = head(200, &[JSON, ("Content-Length", &size.to_string())]);
        bytes.extend_from_slice(start);
        let times = size.saturating_sub(start.len() as u64);
        Self(vec![Step::ReadRequest, Step::Send(bytes), Step::Fill { byte: b'a', times }])
    }

    /// The same with no length given in advance.
    pub fn huge_body_until_close(size: u64) -> Self {
        let bytes = [&*head(200, &[JSON, ("Connection", "close")]), b"{\"access_token\":\""].concat();
        Self(vec![Step::ReadRequest, Step::Send(bytes), Step::Fill { byte: b'a', times: size }])
    }

    /// One header of `size` bytes in an otherwise correct answer.
    pub fn huge_header(size: u64) -> Self {
        let start = Step::Send(b"HTTP/1.1 200 OK\r\nX-Huge: ".to_vec());
        let rest = Step::Send(b"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}".to_vec());
        Self(vec![Step::ReadRequest, start, Step::Fill { byte: b'a', times: size }, rest])
    }

    /// `count` small headers in an otherwise correct answer.
    pub fn many_headers(count: usize) -> Self {
        let names: Vec<String> = (0..count).map(|n| format!("X-{n}")).collect();
        let mut headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        headers.push(JSON);
        Self::response(200, &headers, "{}")
    }
}

/// Connections that end too early.
impl Fault {
    /// Closed as soon as it is open, in order.
    pub fn close_at_once() -> Self {
        Self(Vec::new())
    }

    /// Reset as soon as it is open.
    pub fn reset_at_once() -> Self {
        Self(vec![Step::Reset])
    }

    /// Reads something and closes: to a TLS client, in the middle of the handshake. Nothing is recorded.
    pub fn close_after_some() -> Self {
        Self(vec![Step::ReadSome])
    }

    /// Reads something and resets. Nothing is recorded.
    pub fn reset_after_some() -> Self {
        Self(vec![Step::ReadSome, Step::Reset])
    }

    /// Accepts the request and closes in order, without an answer.
    pub fn close_after_request() -> Self {
        Self(vec![Step::ReadRequest])
    }

    /// Accepts the request and resets.
    pub fn reset_after_request() -> Self {
        Self(vec![Step::ReadRequest, Step::Reset])
    }

    /// Sends the head and `sent`, the first part of a longer body, and resets.
    pub fn reset_mid_body(sent: impl AsRef<[u8]>) -> Self {
        let length = (sent.as_ref().len() + 100).to_string();
        let bytes = [&*head(200, &[JSON, ("Content-Length", &length)]), sent.as_ref()].concat();
        // A reset overtakes bytes that the client has not read yet, so the client reads first.
        Self(vec![Step::ReadRequest, Step::Send(bytes), Step::Pause(Duration::from_millis(100)), Step::Reset])
    }

    /// Answers, promises to keep the connection, and closes it after `idle`.
    pub fn keep_alive_then_close(body: impl AsRef<[u8]>, idle: Duration) -> Self {
        Self(vec![Step::ReadRequest, Step::Send(answer(200, &[JSON], body.as_ref(), "keep-alive")), Step::Pause(idle)])
    }

    /// Answers the first request of the connection; accepts the second, and closes without an answer.
    pub fn close_on_second_request(body: impl AsRef<[u8]>) -> Self {
        Self(vec![Step::ReadRequest, Step::Send(answer(200, &[JSON], body.as_ref(), "keep-alive")), Step::ReadRequest])
    }
}

/// Not HTTP/1.1, or not TLS.
impl Fault {
    /// Greets as an SSH server does, without waiting for a request.
    pub fn ssh() -> Self {
        Self(vec![Step::Send(b"SSH-2.0-OpenSSH_9.2p1\r\n".to_vec()), Step::Hang])
    }

    /// A status line of a version that has none.
    pub fn http2_text() -> Self {
        Self::raw(*b"HTTP/2 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
    }

    /// The frames an HTTP/2 server begins with: empty SETTINGS, then GOAWAY.
    pub fn http2_frames() -> Self {
        Self::raw(*b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01")
    }

    /// A body and nothing else, as before HTTP/1.0.
    pub fn http09(body: impl Into<Vec<u8>>) -> Self {
        Self::raw(body)
    }

    /// Refuses a TLS handshake with the alert `handshake_failure`.
    pub fn tls_alert() -> Self {
        Self(vec![Step::ReadSome, Step::Send(b"\x15\x03\x03\0\x02\x02\x28".to_vec())])
    }

    /// Answers a TLS handshake in plain HTTP, as a server does on the wrong port.
    pub fn http_to_tls() -> Self {
        Self(vec![
            Step::ReadSome,
            Step::Send(answer(400, &[("Content-Type", "text/plain")], b"plain HTTP here", "close")),
        ])
    }
}
