//! Just enough of a browser to get through an authorization request: redirects, and cookies with paths.

use std::time::Duration;

/// Where a visit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landing {
    /// The server redirected to the client: the whole URL, query included. It is not fetched.
    Callback(String),
    /// A page for the user to read; also how a server refuses without redirecting.
    Page {
        /// The HTTP status.
        status: u16,
        /// The HTML, or whatever came.
        body: String,
    },
}

impl Landing {
    /// The callback URL.
    ///
    /// # Errors
    /// The page that came instead, as text.
    pub fn callback(self) -> Result<String, String> {
        match self {
            Self::Callback(url) => Ok(url),
            Self::Page { status, body } => Err(format!("no callback but a page, {status}: {body}")),
        }
    }
}

/// One user's browser, at one server. A second user needs a second one.
#[derive(Debug)]
pub struct Browser {
    agent: ureq::Agent,
    redirect_uri: String,
    cookies: Vec<Cookie>,
}

#[derive(Debug)]
struct Cookie {
    origin: String,
    path: String,
    name: String,
    value: String,
}

impl Browser {
    const MOST_REDIRECTS: usize = 10;

    /// Visits end when the server redirects to `redirect_uri`, whatever its query.
    pub fn new(redirect_uri: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            // A proxy meant for the internet cannot reach a server on this machine.
            .proxy(None)
            .build()
            .new_agent();
        Self { agent, redirect_uri: redirect_uri.to_owned(), cookies: Vec::new() }
    }

    /// Opens `url`, an absolute URL at the server, and follows redirects.
    ///
    /// # Errors
    /// If the server cannot be reached, or redirects to a third place or for ever.
    pub fn visit(&mut self, url: &str) -> Result<Landing, String> {
        self.go(url, None)
    }

    /// Sends a form, as a page's button would, and follows redirects.
    ///
    /// # Errors
    /// As [`Browser::visit`].
    pub fn submit(&mut self, url: &str, form: &[(&str, &str)]) -> Result<Landing, String> {
        self.go(url, Some(form))
    }

    fn go(&mut self, url: &str, mut form: Option<&[(&str, &str)]>) -> Result<Landing, String> {
        let home = origin(url)?.to_owned();
        let mut url = url.to_owned();
        for _ in 0..Self::MOST_REDIRECTS {
            // 303, and 302 as browsers read it: after a redirect it is always a GET.
            let mut response = self.fetch(&url, form.take())?;
            self.keep_cookies(&url, response.headers())?;
            let status = response.status().as_u16();
            let Some(location) = response.headers().get("location").filter(|_| response.status().is_redirection())
            else {
                let body = response.body_mut().read_to_string().map_err(|e| format!("{url}: {e}"))?;
                return Ok(Landing::Page { status, body });
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
        let cookies = self.cookies_for(url)?;
        let sent = match form {
            None => {
                let mut request = self.agent.get(url);
                dress(request.headers_mut(), &cookies);
                request.call()
            }
            Some(form) => {
                let mut request = self.agent.post(url);
                dress(request.headers_mut(), &cookies);
                request.send_form(form.iter().copied())
            }
        };
        sent.map_err(|e| format!("{url}: {e}"))
    }

    /// The redirect URI, then the end or a query: `…/cb` must not take `…/cbx` for itself.
    fn is_callback(&self, location: &str) -> bool {
        location.strip_prefix(&self.redirect_uri).is_some_and(|rest| rest.is_empty() || rest.starts_with(['?', '#']))
    }

    fn cookies_for(&self, url: &str) -> Result<String, String> {
        let (origin, path) = (origin(url)?, path(url)?);
        let matching = self.cookies.iter().filter(|c| c.origin == origin && covers(&c.path, path));
        Ok(matching.map(|c| format!("{}={}", c.name, c.value)).collect::<Vec<_>>().join("; "))
    }

    fn keep_cookies(&mut self, url: &str, headers: &http::HeaderMap) -> Result<(), String> {
        let origin = origin(url)?;
        for header in headers.get_all("set-cookie") {
            let header = header.to_str().map_err(|e| format!("a cookie of {url}: {e}"))?;
            let mut parts = header.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let mut path = "/".to_owned();
            let mut gone = false;
            for (key, value) in parts.filter_map(|part| part.split_once('=')) {
                match key.to_ascii_lowercase().as_str() {
                    "path" => value.clone_into(&mut path),
                    // No calendar here: a server removes a cookie with the very first second there is.
                    "expires" => gone |= value.contains(" 1970 "),
                    "max-age" => gone |= value == "0",
                    _ => {}
                }
            }
            self.cookies.retain(|c| !(c.origin == origin && c.path == path && c.name == name));
            if !gone {
                self.cookies.push(Cookie {
                    origin: origin.to_owned(),
                    path,
                    name: name.to_owned(),
                    value: value.to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// The headers a browser sends. `None` is ureq's way of saying that the URL is wrong; sending then reports it.
fn dress(headers: Option<&mut http::HeaderMap>, cookies: &str) {
    let Some(headers) = headers else { return };
    headers.insert("accept", http::HeaderValue::from_static("text/html"));
    if let Ok(cookies) = http::HeaderValue::from_str(cookies)
        && !cookies.is_empty()
    {
        headers.insert("cookie", cookies);
    }
}

/// RFC 6265, section 5.1.4.
fn covers(cookie: &str, path: &str) -> bool {
    path.strip_prefix(cookie).is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

fn origin(url: &str) -> Result<&str, String> {
    Ok(split(url)?.0)
}

fn path(url: &str) -> Result<&str, String> {
    let rest = split(url)?.1;
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    Ok(if end == 0 { "/" } else { &rest[..end] })
}

/// `http://host:port` and all that follows.
fn split(url: &str) -> Result<(&str, &str), String> {
    let start = "http://".len();
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("not an http URL: {url}"))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Ok(url.split_at(start + end))
}
