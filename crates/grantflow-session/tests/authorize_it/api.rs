//! An API over HTTP/1.1, as a function, that counts what comes in.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request that came in.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: Vec<String>,
    pub(crate) body: String,
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn ok() -> Self {
        Self { status: 200, headers: Vec::new(), body: "welcome".to_owned() }
    }

    pub(crate) fn challenge(status: u16, challenges: &[&str]) -> Self {
        let headers = challenges.iter().map(|line| ("WWW-Authenticate", (*line).to_owned())).collect();
        Self { status, headers, body: "no".to_owned() }
    }

    pub(crate) fn invalid_token() -> Self {
        Self::challenge(401, &["Basic realm=\"x\"", "Bearer realm=\"api\", error=\"invalid_token\""])
    }

    pub(crate) fn redirect(status: u16, to: &str) -> Self {
        Self { status, headers: vec![("Location", to.to_owned())], body: String::new() }
    }
}

pub(crate) struct Api {
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Api {
    /// Every connection carries one request, on a separate thread.
    pub(crate) fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { base, seen }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The tokens that came in, one for each request.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.authorization.join("|")).collect()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Seen>>, answer: &(dyn Fn(&Seen) -> Reply + Send + Sync)) {
    let Some(seen) = read(&stream) else { return };
    log.lock().unwrap().push(seen.clone());
    let Reply { status, headers, body } = answer(&seen);
    let mut head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    // A client that has gone away does not read it.
    let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes());
    // A socket that is closed with bytes unread resets the connection, and the answer is lost.
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
    while matches!(stream.read(&mut [0; 4096]), Ok(1..)) {}
}

fn read(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut authorization, mut length, mut chunked) = (Vec::new(), 0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => authorization.push(value.to_owned()),
            "content-length" => length = value.parse().ok()?,
            "transfer-encoding" => chunked = true,
            _ => {}
        }
    }
    let mut body = Vec::new();
    loop {
        if chunked {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            length = usize::from_str_radix(line.trim(), 16).ok()?;
        }
        let mut chunk = vec![0; length];
        reader.read_exact(&mut chunk).ok()?;
        body.extend(chunk);
        if !chunked {
            break;
        }
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if length == 0 {
            break;
        }
    }
    Some(Seen { method, path, authorization, body: String::from_utf8(body).ok()? })
}
