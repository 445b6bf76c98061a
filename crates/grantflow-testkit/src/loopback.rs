//! The server over real HTTP.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use http::header::CONTENT_LENGTH;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::server::{Server, page};

/// Longer request bodies, in bytes, get a 413 and are not in the log.
const BODY_LIMIT: usize = 64 * 1024;
/// As many further bytes are read before the 413 is sent: a connection that ends with bytes unread is reset, and the client that is still
/// sending never sees it.
const DRAIN_LIMIT: usize = 16 * 1024 * 1024;
/// Connections with longer request heads are closed by hyper with a 431.
const HEAD_LIMIT: usize = 64 * 1024;

/// A [`Server`] that listens on `127.0.0.1` until it is dropped. Feature `loopback`.
///
/// It has a thread for itself and speaks HTTP/1.1. For a [lost](crate::Misbehaviour::Lost) answer it closes the
/// connection without a response. After a body that is [cut short](crate::Misbehaviour::CutShort), and that has its
/// whole length announced, it closes the connection too.
///
/// The clock is virtual until [`Loopback::follow_system_clock`]: the test decides what has expired.
///
/// ```
/// use grantflow_testkit::{Client, Loopback, Server};
///
/// let loopback = Loopback::start(|base_url| {
///     let mut server = Server::new(base_url);
///     server.register(Client::confidential("service", "s3cret"));
///     server
/// })?;
/// let token_url = loopback.server().token_url();
/// assert!(token_url.starts_with(loopback.base_url()));
/// // … the application under test runs against it …
/// assert_eq!(loopback.server().hits("client_credentials").count(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Loopback {
    base_url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    server: Mutex<Server>,
    follow_system_clock: AtomicBool,
}

impl Shared {
    /// A test that panicked with the lock held has failed already; others may go on.
    fn lock(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loopback {
    /// Listens on a free port and serves what `make` gives for the base URL, which has no slash at its end.
    ///
    /// # Errors
    ///
    /// Where no socket, thread or runtime can be had.
    pub fn start(make: impl FnOnce(&str) -> Server) -> io::Result<Loopback> {
        Loopback::start_on(0, make)
    }

    /// Like [`Loopback::start`], on this port.
    ///
    /// # Errors
    ///
    /// As [`Loopback::start`], and where the port is taken.
    pub fn start_on(port: u16, make: impl FnOnce(&str) -> Server) -> io::Result<Loopback> {
        let listener = std::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        listener.set_nonblocking(true)?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let shared =
            Arc::new(Shared { server: Mutex::new(make(&base_url)), follow_system_clock: AtomicBool::new(false) });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _guard = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("grantflow-testkit".to_owned()).spawn(move || {
            runtime.spawn(accept(listener, served));
            // Dropping the sender ends the wait, and the end of the runtime drops all connections.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Loopback { base_url, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:{port}`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The server, to turn knobs and read the log. Requests wait while the guard lives: drop it before sending one.
    pub fn server(&self) -> MutexGuard<'_, Server> {
        self.shared.lock()
    }

    /// Runs a function on the server, for which requests wait.
    pub fn with<R>(&self, run: impl FnOnce(&mut Server) -> R) -> R {
        run(&mut self.server())
    }

    /// Whether the server's clock is set to the system's before each request, for clients that read the real clock.
    /// Off at first: then the clock stands still but for [`Server::advance`] and [`Server::set_now`].
    pub fn follow_system_clock(&self, follow: bool) {
        self.shared.follow_system_clock.store(follow, Ordering::Relaxed);
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Its panic, if any, was printed by the panic hook.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
            // Out of file descriptors, most likely. Others may be closed in the meantime.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service);
    // It errs for every lost answer and every client that goes away: nothing to report.
    let _ = connection.await;
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Outgoing>, io::Error> {
    let (head, mut body) = request.into_parts();
    let Ok(body) = Limited::new(&mut body, BODY_LIMIT).collect().await else {
        drain(body).await;
        let refusal = page(StatusCode::PAYLOAD_TOO_LARGE, "The request is too long.");
        return Ok(refusal.map(|body| Outgoing::new(body, false)));
    };
    let request = Request::from_parts(head, body.to_bytes());
    let response = {
        let mut server = shared.lock();
        if shared.follow_system_clock.load(Ordering::Relaxed) {
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
            server.set_now(since_epoch.map_or(0, |since| since.as_secs()));
        }
        server.try_handle(&request)
    };
    // An error from here makes hyper close the connection without a word.
    let response = response.ok_or_else(|| io::Error::other("the answer is lost"))?;
    let announced = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let cut = announced.is_some_and(|length| length != response.body().len());
    Ok(response.map(|body| Outgoing::new(body, cut)))
}

async fn drain(mut body: Incoming) {
    let mut left = DRAIN_LIMIT;
    while left > 0
        && let Some(Ok(frame)) = body.frame().await
    {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
    }
}

/// A body in one piece, which a failure may follow.
struct Outgoing {
    data: Option<Bytes>,
    end: End,
}

enum End {
    Good,
    /// Fail, but first let hyper send what it has: it drops the data that it has not written when a body fails.
    FailSoon,
    Fail,
}

impl Outgoing {
    fn new(body: Vec<u8>, cut: bool) -> Outgoing {
        Outgoing {
            data: (!body.is_empty()).then(|| body.into()),
            end: match cut {
                true => End::FailSoon,
                false => End::Good,
            },
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.end {
            End::Good => Poll::Ready(None),
            End::FailSoon => {
                self.end = End::Fail;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            End::Fail => Poll::Ready(Some(Err(io::Error::other("the body is cut short")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && matches!(self.end, End::Good)
    }

    fn size_hint(&self) -> SizeHint {
        match self.end {
            End::Good => SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64)),
            End::FailSoon | End::Fail => SizeHint::default(),
        }
    }
}
