//! A public document: its possible places, asked in order, and its answer.

use std::collections::VecDeque;

use http::{Response, StatusCode, Uri};

use super::not_granted::NotGranted;
use super::object::object;
use super::received::{Received, broken};
use crate::error::verdict::Purpose;
use crate::error::{Document, Error, Mismatch, Shown, UrlRole, Violation};
use crate::url::Issuer;
use crate::value::time::UnixTime;
use crate::wire::object::{Members, Table};

/// The possible places of a document, in the order of the requests.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    asked: Vec<Uri>,
    now: Uri,
    next: VecDeque<Uri>,
}

impl Places {
    /// Each place is asked once.
    pub(crate) fn new(first: Uri, others: impl IntoIterator<Item = Uri>) -> Self {
        let mut next = VecDeque::new();
        for other in others {
            if other != first && !next.contains(&other) {
                next.push_back(other);
            }
        }
        Self { asked: Vec::new(), now: first, next }
    }

    /// The place to ask next.
    pub(crate) fn now(&self) -> &Uri {
        &self.now
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Uri> {
        self.asked.iter().chain([&self.now]).chain(&self.next)
    }

    /// Moves to the next place; false if there is none.
    pub(crate) fn go_on(&mut self) -> bool {
        let Some(next) = self.next.pop_front() else { return false };
        self.asked.push(core::mem::replace(&mut self.now, next));
        true
    }

    /// Moves back to the first place.
    pub(crate) fn go_back(&mut self) {
        while let Some(last) = self.asked.pop() {
            self.next.push_front(core::mem::replace(&mut self.now, last));
        }
    }

    fn asked(&self) -> Vec<Shown> {
        self.asked.iter().chain([&self.now]).map(|uri| shown(&uri.to_string())).collect()
    }
}

/// Whether a status says that there is no document at this place: a 4xx that does not change later.
pub(crate) fn is_missing(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status.as_u16(), 408 | 421 | 425 | 429)
}

/// Reads the document from `places.now()`. Only a 200 has one (RFC 8414 §3.2, RFC 9728 §3.2).
///
/// # Errors
/// The places that were asked, and the fault of the last answer.
pub(crate) fn document<B: AsRef<[u8]>, T: Table, O>(
    role: UrlRole,
    now: UnixTime,
    places: &Places,
    response: &Response<B>,
    build: impl FnOnce(Members<'_, T>) -> Result<O, Violation>,
) -> Result<O, NotGranted> {
    let read = if is_missing(response.status()) {
        Received::new(role, Purpose::Other, now, response)
            .and_then(|received| Err(broken(&received, Violation::NoDocument, false)))
    } else {
        object(role, now, StatusCode::OK, None, response, build)
    };
    read.map_err(|mut no| {
        if let Error::Protocol(error) = &mut no.error {
            error.document = Some(Box::new(Document { asked: places.asked(), mismatch: None }));
        }
        no
    })
}

/// Adds to an error of [`document`] that the document describes something else.
pub(crate) fn add_mismatch(no: &mut NotGranted, mismatch: Mismatch) {
    if let Error::Protocol(error) = &mut no.error
        && let Some(document) = &mut error.document
    {
        document.mismatch = Some(mismatch);
    }
}

/// How much of a received identifier is kept.
const KEPT: usize = 8 * 1024;

/// The start of a text that a server wrote, as [`shown`]. A text that is cut is too long for an issuer, so it is not printed.
pub(crate) fn received(text: &str) -> Shown {
    let end = (0..=KEPT.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    Shown::new(text.get(..end).unwrap_or_default(), Issuer::new(text).is_ok())
}

/// Printed only if it parses as an issuer: then it has no query, and only characters of a URL.
pub(crate) fn shown(text: &str) -> Shown {
    Shown::new(text, Issuer::new(text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_is_asked_twice_and_the_order_stays() {
        let uri = |text: &'static str| Uri::from_static(text);
        let mut places =
            Places::new(uri("https://a/1"), ["https://a/2", "https://a/1", "https://a/2", "https://a/3"].map(uri));
        let all: Vec<String> = places.iter().map(ToString::to_string).collect();
        assert_eq!(all, ["https://a/1", "https://a/2", "https://a/3"]);
        assert!(places.go_on() && places.go_on() && !places.go_on());
        assert_eq!(places.now(), "https://a/3");
        assert_eq!(places.asked().len(), 3);
        places.go_back();
        assert_eq!(places.now(), "https://a/1");
        assert_eq!(places.iter().map(ToString::to_string).collect::<Vec<_>>(), all);
    }

    #[test]
    fn a_status_that_may_change_by_itself_says_nothing_about_the_document() {
        for status in 100..=599 {
            let missing = is_missing(StatusCode::from_u16(status).unwrap());
            let expected = (400..500).contains(&status) && ![408, 421, 425, 429].contains(&status);
            assert_eq!(missing, expected, "{status}");
        }
    }
}
