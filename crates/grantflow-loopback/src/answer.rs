//! The answers to visitors.

use std::sync::Arc;

use crate::head::Refusal;
use crate::pages::page;

/// An answer: a status, at most one header beside the common ones, and a page.
pub(crate) struct Answer {
    status: &'static str,
    header: String,
    page: Arc<str>,
    /// `HEAD` is answered without the page itself.
    is_head: bool,
    /// The last page, with its body: after it is delivered, the listener ends.
    pub(crate) is_last: bool,
}

/// No script and nothing from elsewhere. Inline styles are allowed: the pages are the caller's static text.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

impl Answer {
    fn new(status: &'static str, heading: &str, text: &str) -> Self {
        Self { status, header: String::new(), page: page(heading, text).into(), is_head: false, is_last: false }
    }

    /// A 303 turns a POST into a GET: code and state leave the address bar and the browser's history.
    pub(crate) fn see(path: &str) -> Self {
        let header = format!("Location: {path}\r\n");
        Self { header, ..Self::new("303 See Other", "One moment", "The next page is on its way.") }
    }

    pub(crate) fn last(page: Arc<str>, is_head: bool) -> Self {
        Self { status: "200 OK", header: String::new(), page, is_head, is_last: !is_head }
    }

    pub(crate) fn nothing_waits() -> Self {
        Self::new(
            "404 Not Found",
            "Nothing is waiting for this",
            "This is not the answer that your program waits for. A login in progress continues.",
        )
    }

    /// The browser is faster than the program.
    pub(crate) fn too_early() -> Self {
        let answer = Self::new("503 Service Unavailable", "Not yet", "Your program is not ready. Reload this page.");
        Self { header: "Retry-After: 1\r\n".to_owned(), ..answer }
    }

    pub(crate) fn method(is_head: bool) -> Self {
        let answer = Self::new("405 Method Not Allowed", "This method is not allowed", "Nothing was done.");
        Self { header: "Allow: GET, POST\r\n".to_owned(), is_head, ..answer }
    }

    /// The request names a host that is not this listener.
    pub(crate) fn elsewhere(is_head: bool) -> Self {
        Self {
            is_head,
            ..Self::new("421 Misdirected Request", "There is nothing here", "The address names another host.")
        }
    }

    pub(crate) fn too_slow() -> Self {
        Self::new("408 Request Timeout", "That took too long", "Nothing was done.")
    }

    pub(crate) fn refusal(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::Malformed => "400 Bad Request",
            Refusal::HeadTooLong => "431 Request Header Fields Too Large",
            Refusal::BodyTooLong => "413 Content Too Large",
            Refusal::NoLength => "411 Length Required",
            Refusal::Version => "505 HTTP Version Not Supported",
        };
        Self::new(status, "This request is not answered here", "Nothing was done.")
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Self { status, header, page, .. } = self;
        let mut text = format!(
            "HTTP/1.1 {status}\r\n{header}Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
             Content-Security-Policy: {POLICY}\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nConnection: close\r\n\r\n",
            page.len()
        );
        if !self.is_head {
            text.push_str(page);
        }
        text.into_bytes()
    }
}
