//! Just enough of a browser for an authorization request: redirects, forms, and cookies, which ureq keeps.

use std::time::Duration;

/// The name and the password of the person, where a server asks for them.
const PERSON: [(&str, &str); 2] = [("username", "alice"), ("password", "alice-s-password")];

/// Where a visit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landing {
    /// The server redirected to the client: the whole URL, query included. It is not fetched.
    Callback(String),
    /// A page for the user to read; also how a server refuses without redirecting.
    Page(Page),
}

/// A page of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where it is.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// The HTML, or what came instead.
    pub body: String,
}

impl Landing {
    /// The callback URL.
    ///
    /// # Errors
    /// The page that came instead, as text.
    pub fn callback(self) -> Result<String, String> {
        match self {
            Self::Callback(url) => Ok(url),
            Self::Page(Page { url, status, body }) => Err(format!("no callback but a page, {status} {url}: {body}")),
        }
    }

    /// The page, if its status is 200.
    ///
    /// # Errors
    /// What came instead, as text.
    pub fn page(self) -> Result<Page, String> {
        match self {
            Self::Page(page) if page.status == 200 => Ok(page),
            Self::Page(Page { url, status, body }) => Err(format!("a page with status {status}, {url}: {body}")),
            Self::Callback(url) => Err(format!("no page but a callback: {url}")),
        }
    }
}

impl Page {
    /// The names and values of its form, without buttons, as a browser would send them: hidden and prefilled fields.
    pub fn fields(&self) -> Vec<(String, String)> {
        let inputs = tags(&self.body, "<input");
        let sent = inputs.filter(|tag| attribute(tag, "type").is_none_or(|kind| !kind.eq_ignore_ascii_case("submit")));
        sent.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))).collect()
    }

    /// The target of its form. The servers here write whole URLs, paths or none.
    pub fn action(&self) -> String {
        match tags(&self.body, "<form").next().and_then(|tag| attribute(tag, "action")) {
            Some(path) if path.starts_with('/') => format!("{}{path}", origin(&self.url).unwrap_or_default()),
            Some(url) => url,
            None => self.url.clone(),
        }
    }
}

/// The fields of a page, with some of them replaced.
fn filled_in<'a>(fields: &'a [(String, String)], filled: &'a [(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let there = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let kept = there.filter(|(name, _)| filled.iter().all(|(other, _)| other != name));
    kept.chain(filled.iter().copied()).collect()
}

/// The tags that start so, in any case, from there to their ends.
fn tags<'a>(html: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
    // It has the same length in bytes.
    let lower = html.to_ascii_lowercase();
    let places: Vec<_> = lower.match_indices(start).map(|(at, _)| at + start.len()).collect();
    places.into_iter().filter_map(|at| html.get(at..)?.split('>').next())
}

/// The value of an attribute, without the escapes that HTML has for it.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let name = format!(" {name}=\"");
    let value = tag.get(tag.to_ascii_lowercase().find(&name)? + name.len()..)?.split('"').next()?;
    let quotes = value.replace("&quot;", "\"").replace("&#x27;", "'").replace("&#39;", "'");
    Some(quotes.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

/// One user's browser, at one server. A second user needs a second one.
#[derive(Debug)]
pub struct Browser {
    agent: ureq::Agent,
    redirect_uri: String,
}

impl Browser {
    const MOST_REDIRECTS: usize = 10;

    /// Visits end when the server redirects to `redirect_uri`, with any query.
    pub fn new(redirect_uri: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            // A proxy meant for the internet cannot reach a server on this machine.
            .proxy(None)
            .build()
            .new_agent();
        Self { agent, redirect_uri: redirect_uri.to_owned() }
    }

    /// Sends the form of a page: its fields, with the filled ones replaced, and the button.
    ///
    /// # Errors
    /// The errors of [`Browser::visit`].
    pub fn press(&self, page: &Page, filled: &[(&str, &str)]) -> Result<Landing, String> {
        let there = page.fields();
        self.go(&page.action(), Some(&filled_in(&there, filled)))
    }

    /// Sends a form that is on no page.
    ///
    /// # Errors
    /// The errors of [`Browser::visit`].
    pub fn submit(&self, url: &str, form: &[(&str, &str)]) -> Result<Landing, String> {
        self.go(url, Some(form))
    }

    /// Opens `url`, an absolute URL at the server, and follows redirects.
    ///
    /// # Errors
    /// If the server cannot be reached, or redirects to a third place or for ever.
    pub fn visit(&self, url: &str) -> Result<Landing, String> {
        self.go(url, None)
    }

    /// A person who is asked for a password logs in, and is where they wanted to be.
    fn go(&self, url: &str, form: Option<&[(&str, &str)]>) -> Result<Landing, String> {
        let landing = self.follow(url, form)?;
        let Landing::Page(page) = &landing else { return Ok(landing) };
        if page.status != 200 || page.fields().iter().all(|(name, _)| name != "password") {
            return Ok(landing);
        }
        self.follow(&page.action(), Some(&filled_in(&page.fields(), &PERSON)))
    }

    fn follow(&self, url: &str, mut form: Option<&[(&str, &str)]>) -> Result<Landing, String> {
        let home = origin(url)?.to_owned();
        let mut url = url.to_owned();
        for _ in 0..Self::MOST_REDIRECTS {
            // 303, and 302 as browsers read it: after a redirect it is always a GET.
            let mut response = self.fetch(&url, form.take())?;
            let status = response.status().as_u16();
            let Some(location) = response.headers().get("location").filter(|_| response.status().is_redirection())
            else {
                let body = response.body_mut().read_to_string().map_err(|e| format!("{url}: {e}"))?;
                return Ok(Landing::Page(Page { url, status, body }));
            };
            let location = location.to_str().map_err(|e| format!("Location of {url}: {e}"))?.to_owned();
            if self.is_callback(&location) {
                return Ok(Landing::Callback(location));
            }
            url = if location.starts_with('/') && !location.starts_with("//") {
                format!("{home}{location}")
            } else {
                location
            };
            if origin(&url)? != home {
                return Err(format!("redirected to a third place, {url}"));
            }
        }
        Err(format!("more than {} redirects, the last to {url}", Self::MOST_REDIRECTS))
    }

    fn fetch(&self, url: &str, form: Option<&[(&str, &str)]>) -> Result<http::Response<ureq::Body>, String> {
        // Some servers ask who navigates (Fetch Metadata).
        let headers = |site: &'static str| {
            let navigates = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("accept", "text/html")];
            navigates.into_iter().chain([("sec-fetch-site", site)])
        };
        let sent = match form {
            None => {
                headers("none").fold(self.agent.get(url), |request, (name, value)| request.header(name, value)).call()
            }
            Some(form) => headers("same-origin")
                .fold(self.agent.post(url), |request, (name, value)| request.header(name, value))
                .send_form(form.iter().copied()),
        };
        sent.map_err(|e| format!("{url}: {e}"))
    }

    /// The redirect URI, then the end or a query: `…/cb` must not take `…/cbx` for itself.
    fn is_callback(&self, location: &str) -> bool {
        location.strip_prefix(&self.redirect_uri).is_some_and(|rest| rest.is_empty() || rest.starts_with(['?', '#']))
    }
}

/// `http://host:port`.
fn origin(url: &str) -> Result<&str, String> {
    let start = "http://".len();
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("not an http URL: {url}"))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Ok(&url[..start + end])
}
