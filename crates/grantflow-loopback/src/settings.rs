//! Where and how long to listen, and which pages to show.

use std::fmt;
use std::time::Duration;

use crate::bind::RedirectHost;
use crate::pages::Pages;

/// The settings of a listener. Each has a default that suits a command-line tool.
///
/// ```
/// use std::time::Duration;
/// use grantflow_loopback::{RedirectHost, Settings};
///
/// let listener = Settings::new()
///     .redirect_host(RedirectHost::Localhost)
///     .path("/oauth/callback")
///     .patience(Duration::from_secs(120))
///     .granted_page("<!doctype html><title>Welcome</title><h1>Welcome back</h1>")
///     .bind()?;
/// let redirect_uri = listener.redirect_uri().as_str();
/// assert!(redirect_uri.starts_with("http://localhost:") && redirect_uri.ends_with("/oauth/callback"));
/// # Ok::<(), grantflow_loopback::Error>(())
/// ```
#[derive(Clone)]
pub struct Settings {
    pub(crate) port: u16,
    pub(crate) redirect_host: Option<RedirectHost>,
    pub(crate) path: String,
    pub(crate) patience: Duration,
    pub(crate) visit: Duration,
    pub(crate) grace: Duration,
    pub(crate) pages: Pages,
}

impl Settings {
    /// Any free port, the path `/callback`, the host `127.0.0.1` (`[::1]` on a machine without IPv4), 5 minutes for the
    /// person, 10 s for a visitor, 3 s for the last page.
    pub fn new() -> Self {
        Self {
            port: 0,
            redirect_host: None,
            path: "/callback".to_owned(),
            patience: Duration::from_secs(5 * 60),
            visit: Duration::from_secs(10),
            grace: Duration::from_secs(3),
            pages: Pages::default(),
        }
    }

    /// Sets the port, for providers that compare it with the registered one. RFC 8252 §7.3 tells them to accept any
    /// port, so the default is 0, which takes a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the host in the redirect URI. The listener answers at all of them.
    #[must_use]
    pub fn redirect_host(mut self, host: RedirectHost) -> Self {
        self.redirect_host = Some(host);
        self
    }

    /// Sets the path of the redirect URI, with a query if one is registered: `/callback` by default.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets how long [`Listener::wait`](crate::Listener::wait) waits for the person.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how long a connection may take to send its request, and again to read its answer. A silent connection holds
    /// a place for that long, unless another visitor needs it.
    #[must_use]
    pub fn visit(mut self, visit: Duration) -> Self {
        self.visit = visit;
        self
    }

    /// Sets how long the last page is kept for the browser after the callback has come.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets the page after [`Callback::Granted`](grantflow::Callback::Granted), as HTML. It is shown before the code is
    /// exchanged, so it should not say that the login has succeeded.
    ///
    /// It must be self-contained: inline styles, fonts and pictures as `data:` URLs. Scripts do not run, and nothing is
    /// loaded.
    #[must_use]
    pub fn granted_page(mut self, html: impl Into<String>) -> Self {
        self.pages.granted = html.into().into();
        self
    }

    /// Sets the page after [`Callback::Denied`](grantflow::Callback::Denied), as HTML; see
    /// [`granted_page`](Self::granted_page).
    #[must_use]
    pub fn denied_page(mut self, html: impl Into<String>) -> Self {
        self.pages.denied = html.into().into();
        self
    }

    /// Sets the page after [`Callback::Rejected`](grantflow::Callback::Rejected), as HTML; see
    /// [`granted_page`](Self::granted_page).
    #[must_use]
    pub fn rejected_page(mut self, html: impl Into<String>) -> Self {
        self.pages.rejected = html.into().into();
        self
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

/// Without the pages, which are long.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("port", &self.port)
            .field("redirect_host", &self.redirect_host)
            .field("path", &self.path)
            .field("patience", &self.patience)
            .field("visit", &self.visit)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
