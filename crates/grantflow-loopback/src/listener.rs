//! The listener's API: it waits for the callback, and keeps its last page.

use std::fmt;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use grantflow::{Callback, PendingCallback, RedirectUri};
use http::{Method, Request};

use crate::accept;
use crate::answer::Answer;
use crate::bind::{Bound, bind};
use crate::error::{Error, NoCallback};
use crate::pages::{Pages, check_path, done_path};
use crate::settings::Settings;
use crate::shared::{Arrived, Shared, State, Turn};
use crate::visit::{Site, claimed_key};

/// How long closing the sockets may take. Usually it takes a millisecond.
const CLOSING: Duration = Duration::from_secs(2);

/// Listens for the callback of one login (RFC 8252 §7.3).
///
/// It accepts visitors from the moment it is made, each on a thread, at most 256 at a time. It closes when it is
/// dropped.
pub struct Listener {
    open: Open,
    redirect_uri: RedirectUri,
    patience: Duration,
    grace: Duration,
    done_path: Arc<str>,
    pages: Pages,
}

impl Listener {
    /// A listener with the default [`Settings`], on any free port.
    ///
    /// # Errors
    /// The errors of [`Settings::bind`].
    pub fn bind() -> Result<Self, Error> {
        Settings::new().bind()
    }

    pub(crate) fn start(settings: Settings, bound: Bound) -> Result<Self, Error> {
        let Bound { sockets, port, host } = bound;
        let Settings { path, visit, patience, grace, pages, .. } = settings;
        let redirect_uri = RedirectUri::new(&format!("http://{host}:{port}{path}")).map_err(Error::RedirectUri)?;
        let done_path: Arc<str> = done_path(&path).into();
        let site = Site { port, done_path: Arc::clone(&done_path), visit };
        // From here on, a failure closes what was opened.
        let open = Open(Arc::default());
        for (socket, address) in sockets {
            accept::start(&open.0, &site, socket, address).map_err(Error::Thread)?;
        }
        Ok(Self { open, redirect_uri, patience, grace, done_path, pages })
    }

    /// The redirect URI, for [`Authorization::new`](grantflow::Authorization::new) and for the registration at the
    /// provider.
    pub fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// A handle that ends the wait from another thread.
    pub fn stop(&self) -> Stop {
        Stop { shared: Arc::clone(&self.open.0) }
    }

    /// Waits until the callback has come, and returns it at once: [`Granted`](Callback::Granted),
    /// [`Denied`](Callback::Denied) or [`Rejected`](Callback::Rejected), never [`Unrelated`](Callback::Unrelated).
    /// Other requests are refused and end nothing. The browser's last page is kept in the background, see [`Page`].
    ///
    /// # Errors
    /// [`Error::Late`] when [`Settings::patience`] is over, [`Error::Stopped`], [`Error::Accept`]. Each returns the
    /// grant, and the port is then free.
    pub fn wait(self, pending: PendingCallback) -> Result<Arrival, NoCallback> {
        let until = Instant::now().checked_add(self.patience);
        let shared = &self.open.0;
        let mut pending = pending;
        let (mut strays, mut last) = (0, None);
        let error = loop {
            let (visitor, request) = match shared.next(until) {
                Turn::Judge(visitor, request) => (visitor, request),
                Turn::Stopped => break Error::Stopped,
                Turn::Closed(error) => break Error::Accept(error.unwrap_or_else(|| ErrorKind::NotConnected.into())),
                Turn::Late => break Error::Late { waited: self.patience, strays, last },
            };
            let key = pending.key();
            let callback = receive(pending, &request);
            if let Callback::Unrelated { pending: same, why } = callback {
                pending = same;
                if is_callback(&request) {
                    (strays, last) = (strays + 1, Some(why));
                }
                shared.reply(visitor, Answer::nothing_waits(), None);
                continue;
            }
            let arrived = Arrived { key, page: self.pages.of(&callback), is_page_delivered: false };
            shared.reply(visitor, Answer::see(&self.done_path), Some(arrived));
            return Ok(Arrival { callback, page: Page::keep(self.open, self.grace) });
        };
        Err(NoCallback { error, pending: Box::new(pending) })
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("redirect_uri", &self.redirect_uri.as_str()).finish_non_exhaustive()
    }
}

impl Settings {
    /// Binds the port on `127.0.0.1` and on `[::1]`, and accepts visitors from now on. A visitor that comes before
    /// [`Listener::wait`] is answered by it.
    ///
    /// # Errors
    /// [`Error::Taken`], [`Error::NoLoopback`], [`Error::Thread`]; [`Error::RedirectUri`] and [`Error::Path`] for a
    /// path that makes no valid redirect URI.
    pub fn bind(self) -> Result<Listener, Error> {
        check_path(&self.path)?;
        let bound = bind(self.port, self.redirect_host)?;
        Listener::start(self, bound)
    }
}

/// As path and query: the requested host was checked, and may be another name of this host than the redirect URI's.
fn receive(pending: PendingCallback, request: &Request<Vec<u8>>) -> Callback {
    match *request.method() {
        Method::POST => pending.receive_form_post(request),
        _ => pending.receive(request.uri()),
    }
}

/// Whether a request claims to be a callback at all. Favicons and port scans are not worth a report.
fn is_callback(request: &Request<Vec<u8>>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let has = |name| query.split('&').any(|pair: &str| pair.split('=').next() == Some(name));
    claimed_key(request).is_some() || ["code", "error", "state"].into_iter().any(has)
}

/// Ends the wait of a [`Listener`] from another thread: at Ctrl-C, or when the person pastes the address instead. Cheap
/// to clone.
#[derive(Clone)]
pub struct Stop {
    shared: Arc<Shared>,
}

impl Stop {
    /// Makes [`Listener::wait`] return at once with [`Error::Stopped`], also if it is called later. If the callback has
    /// come already, its page is not kept any longer.
    pub fn stop(&self) {
        self.shared.change(|state| state.is_stopped = true);
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop").finish_non_exhaustive()
    }
}

/// The callback, and the page that the browser shows for it.
#[must_use = "the callback holds the code"]
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "made to be taken apart")]
pub struct Arrival {
    /// The callback: granted, denied or rejected.
    pub callback: Callback,
    /// The last page. **Keep it until the program has finished the login**: if the process ends, the page is gone.
    pub page: Page,
}

/// The last page: served in the background until the browser has it, or until [`Settings::grace`] is over; then the
/// port is free. Dropping it waits for that.
#[must_use = "dropping it waits until the browser has its last page: keep it while the code is exchanged"]
pub struct Page {
    open: Arc<Open>,
    until: Option<Instant>,
}

impl Page {
    fn keep(open: Open, grace: Duration) -> Self {
        let page = Self { open: Arc::new(open), until: Instant::now().checked_add(grace) };
        let (open, until) = (Arc::clone(&page.open), page.until);
        // Without a thread, the port stays open until the page is dropped.
        let _ = accept::thread().spawn(move || open.close_after_page(until));
        page
    }

    /// Waits until the browser has its page, at most for the rest of [`Settings::grace`], and returns whether it has.
    pub fn finish(self) -> bool {
        self.open.close_after_page(self.until)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.open.close_after_page(self.until);
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").finish_non_exhaustive()
    }
}

/// Sockets that are closed when this is dropped.
struct Open(Arc<Shared>);

impl Open {
    /// Returns whether the page was delivered.
    fn close_after_page(&self, until: Option<Instant>) -> bool {
        let is_delivered = |state: &State| state.arrived.as_ref().is_some_and(|arrived| arrived.is_page_delivered);
        self.0.wait(until, |state| (state.is_stopped || is_delivered(state)).then_some(()));
        self.close();
        is_delivered(&self.0.lock())
    }

    fn close(&self) {
        let wake = |address| drop(TcpStream::connect_timeout(&address, Duration::from_millis(100)));
        self.0.close(wake, CLOSING);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.close();
    }
}
