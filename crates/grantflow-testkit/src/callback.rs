//! The callback: how the authorization response reaches the client, and what can go wrong with it.

use std::fmt;

use http::{Method, Request};

use crate::form::{Form, encode};

/// One thing that goes wrong in an authorization response, success or error (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallbackFault {
    /// The parameter has this value, whether or not it was there.
    Set {
        /// The parameter's name.
        name: String,
        /// Its value.
        value: String,
    },
    /// The parameter's value has this at its end, so that it is almost right. A parameter that is missing stays so.
    Append {
        /// The parameter's name.
        name: String,
        /// What follows its value.
        text: String,
    },
    /// The parameter is missing.
    Remove(String),
    /// The parameter is there twice with one value.
    Repeat(String),
    /// There is one more parameter at the end. Another of that name may be there already.
    Add {
        /// The parameter's name.
        name: String,
        /// Its value.
        value: String,
    },
    /// This text is sent in place of all parameters, as it is. It can have broken escapes.
    Raw(String),
}

use CallbackFault as F;

impl CallbackFault {
    /// [`CallbackFault::Set`].
    pub fn set(name: &str, value: &str) -> F {
        F::Set { name: name.to_owned(), value: value.to_owned() }
    }

    /// [`CallbackFault::Append`].
    pub fn append(name: &str, text: &str) -> F {
        F::Append { name: name.to_owned(), text: text.to_owned() }
    }

    /// [`CallbackFault::Add`].
    pub fn add(name: &str, value: &str) -> F {
        F::Add { name: name.to_owned(), value: value.to_owned() }
    }

    /// [`CallbackFault::Remove`].
    pub fn remove(name: &str) -> F {
        F::Remove(name.to_owned())
    }

    /// [`CallbackFault::Repeat`].
    pub fn repeat(name: &str) -> F {
        F::Repeat(name.to_owned())
    }

    /// Every kind, with the parameters worth a test.
    pub fn all() -> Vec<F> {
        let mut all = vec![
            F::set("state", "wrong"),
            F::set("state", ""),
            F::add("state", "another"),
            F::set("iss", "https://attacker.example"),
            F::set("iss", ""),
            F::add("iss", "https://attacker.example"),
            F::set("code", ""),
            F::add("code", "another"),
            F::set("error", "access_denied"),
            F::set("error", ""),
            F::add("access_token", "at-front-channel"),
            F::add("id_token", "a.b.c"),
            F::add("extra", "1"),
            F::Raw(String::new()),
            F::Raw("error=access_denied".to_owned()),
            F::Raw("code=%ff%fe&state=%".to_owned()),
        ];
        for name in ["state", "iss", "code"] {
            all.push(F::remove(name));
            all.push(F::repeat(name));
        }
        all.extend([F::append("state", "1"), F::append("iss", "1"), F::append("iss", "/")]);
        all
    }

    /// One of [`CallbackFault::all`]; every number gives one.
    pub fn from_index(index: usize) -> F {
        let all = F::all();
        let index = index % all.len().max(1);
        all.into_iter().nth(index).unwrap_or(F::Raw(String::new()))
    }

    /// Changes the parameters; `Some` is the text to send in their place.
    pub(crate) fn spoil(&self, pairs: &mut Vec<(String, String)>) -> Option<String> {
        match self {
            F::Set { name, value } => match pairs.iter_mut().find(|(key, _)| key == name) {
                Some((_, old)) => old.clone_from(value),
                None => pairs.push((name.clone(), value.clone())),
            },
            F::Append { name, text } => {
                for (_, value) in pairs.iter_mut().filter(|(key, _)| key == name) {
                    value.push_str(text);
                }
            }
            F::Remove(name) => pairs.retain(|(key, _)| key != name),
            F::Repeat(name) => {
                let again = pairs.iter().find(|(key, _)| key == name).cloned();
                pairs.extend(again);
            }
            F::Add { name, value } => pairs.push((name.clone(), value.clone())),
            F::Raw(text) => return Some(text.clone()),
        }
        None
    }
}

/// What the browser carries to the client's redirect URI.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Callback {
    /// The URL to open: with the parameters in its query, or without them where they are in `body`.
    pub url: String,
    /// The form to post, for `response_mode=form_post`; `None` for `query`.
    pub body: Option<String>,
}

impl Callback {
    /// Puts the encoded parameters where the response mode wants them.
    pub(crate) fn new(redirect_uri: &str, parameters: String, form_post: bool) -> Callback {
        if form_post {
            return Callback { url: redirect_uri.to_owned(), body: Some(parameters) };
        }
        // A redirect URI may have a query, which must be kept (RFC 6749 section 3.1.2).
        let joint = match redirect_uri.contains('?') {
            true => '&',
            false => '?',
        };
        Callback { url: format!("{redirect_uri}{joint}{parameters}"), body: None }
    }

    /// The decoded parameters, in order, of the body or the query.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let text = match &self.body {
            Some(body) => body.as_str(),
            None => self.url.split_once('?').map_or("", |(_, query)| query),
        };
        Form::parse(text.as_bytes()).pairs
    }

    /// The first value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = self.parameters().into_iter();
        pairs.find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The request that the browser sends to the client: a GET, or a POST of the form.
    ///
    /// # Errors
    ///
    /// If [`http`] cannot hold the URL: it cannot hold one with a private-use scheme and no host.
    pub fn request(&self) -> Result<Request<Vec<u8>>, http::Error> {
        let request = Request::builder().uri(&self.url);
        match &self.body {
            None => request.method(Method::GET).body(Vec::new()),
            Some(body) => request
                .method(Method::POST)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body.clone().into_bytes()),
        }
    }
}

/// The page that posts the parameters to the client (OAuth 2.0 Form Post Response Mode).
pub(crate) fn form_post_page(redirect_uri: &str, parameters: &str) -> String {
    use crate::form::escape_html;
    let mut page = format!(
        "<!doctype html><title>Back to the app</title>\n<body onload=\"document.forms[0].submit()\">\n\
         <form method=\"post\" action=\"{}\">\n",
        escape_html(redirect_uri)
    );
    for (name, value) in Form::parse(parameters.as_bytes()).pairs {
        page.push_str(&format!(
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">\n",
            escape_html(&name),
            escape_html(&value)
        ));
    }
    page.push_str("<noscript><button>Continue</button></noscript>\n</form>\n");
    page
}

/// Why a [visit](crate::Server::visit) led to no callback.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VisitError {
    /// [`http`] cannot read the URL.
    NotAUrl,
    /// The URL has another scheme, host or port than this server.
    Elsewhere,
    /// The server showed a page and did not redirect. It must do so if it does not know the client or the redirect URI.
    Page {
        /// The HTTP status.
        status: u16,
        /// The page.
        html: String,
    },
}

impl fmt::Display for VisitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VisitError::NotAUrl => f.write_str("not a URL"),
            VisitError::Elsewhere => f.write_str("the URL leads to another server"),
            VisitError::Page { status, html } => {
                write!(f, "a page with status {status} and no callback: {html}")
            }
        }
    }
}

impl std::error::Error for VisitError {}

/// Applies all faults, and encodes the parameters.
pub(crate) fn spoilt(mut pairs: Vec<(String, String)>, faults: &[F]) -> String {
    let mut raw = None;
    for fault in faults {
        raw = fault.spoil(&mut pairs).or(raw);
    }
    raw.unwrap_or_else(|| encode(&pairs))
}
