//! The address where the client takes the server's pings. A web application has a route for it; this demo has a socket.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use grantflow::{BackchannelGrant, Notification, NotificationFault, Notified};
use http::{Request, Response};

use super::{Outcome, show};

/// How long the demo waits for a ping.
const PATIENCE: Duration = Duration::from_secs(20);
/// A ping is much shorter.
const LONGEST: u64 = 64 * 1024;

pub(crate) struct Pings(TcpListener);

impl Pings {
    pub(crate) fn bind() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// What the client registers as `backchannel_client_notification_endpoint`.
    pub(crate) fn url(&self) -> Outcome<String> {
        Ok(format!("http://{}/pings", self.0.local_addr()?))
    }

    /// Answers each request, until one is the ping that this grant waits for.
    pub(crate) fn wait(&self, mut grant: BackchannelGrant) -> Outcome<BackchannelGrant> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let mut stream = match self.0.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(20));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            let request = read(&mut stream)?;
            match taken(grant, &request) {
                Notified::Ready(grant) => {
                    answer(stream, &Notification::response())?;
                    return Ok(grant);
                }
                Notified::Unrelated { grant: unchanged, why } => {
                    show::good(&format!("a request to {} was refused: {why}", request.uri()));
                    answer(stream, &why.response())?;
                    grant = unchanged;
                }
            }
        }
        Err("no ping came".into())
    }
}

/// The whole of the client's decision. With many grants, the one of `Notification::key` is taken out of a store.
fn taken(grant: BackchannelGrant, request: &Request<Vec<u8>>) -> Notified {
    match Notification::read(request) {
        Ok(notification) if notification.key() == grant.key() => grant.receive(&notification),
        Ok(_) => Notified::Unrelated { grant, why: NotificationFault::OtherRequest },
        Err(why) => Notified::Unrelated { grant, why },
    }
}

fn read(stream: &mut TcpStream) -> Outcome<Request<Vec<u8>>> {
    let mut reader = BufReader::new(Read::take(stream, LONGEST));
    let mut line = || -> Outcome<String> {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let mut request = Request::builder().method(words.next().unwrap_or_default()).uri(words.next().unwrap_or_default());
    let mut length = 0;
    loop {
        let header = line()?;
        let Some((name, value)) = header.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        }
        request = request.header(name, value.trim());
    }
    let mut body = vec![0; usize::min(length, LONGEST as usize)];
    reader.read_exact(&mut body)?;
    Ok(request.body(body)?)
}

fn answer(mut stream: TcpStream, response: &Response<()>) -> Outcome<()> {
    let mut head = format!("HTTP/1.1 {}\r\nConnection: close\r\n", response.status());
    for (name, value) in response.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str()?));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    Ok(())
}
