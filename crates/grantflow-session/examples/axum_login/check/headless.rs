//! A browser without a window, as the checks need it.

use axum::http::{HeaderMap, StatusCode, header};

use super::{expect, same};
use crate::Outcome;

/// A browser without a window: one cookie, no redirects unless the test asks.
pub(super) struct Browser {
    pub(super) http: reqwest::Client,
    pub(super) app: String,
    /// The cookie for the application, as `name=value`; empty if there is none.
    pub(super) cookie: String,
}

pub(super) struct Page {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    pub(super) location: String,
    pub(super) body: String,
}

impl Browser {
    pub(super) fn new(app: &str) -> Outcome<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // The application closes idle connections, perhaps just when one is used again.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self { http, app: app.to_owned(), cookie: String::new() })
    }

    pub(super) async fn get(&mut self, url: &str) -> Outcome<Page> {
        self.visit(self.http.get(self.address(url))).await
    }

    pub(super) async fn post(&mut self, url: &str, form: &str) -> Outcome<Page> {
        let form_type = "application/x-www-form-urlencoded";
        self.visit(self.http.post(self.address(url)).header(header::CONTENT_TYPE, form_type).body(form.to_owned()))
            .await
    }

    fn address(&self, url: &str) -> String {
        if url.starts_with('/') { format!("{}{url}", self.app) } else { url.to_owned() }
    }

    pub(super) async fn visit(&mut self, request: reqwest::RequestBuilder) -> Outcome<Page> {
        let mut request = request.build()?;
        let ours = request.url().as_str().starts_with(&self.app);
        if ours && !self.cookie.is_empty() {
            request.headers_mut().insert(header::COOKIE, self.cookie.parse()?);
        }
        let answer = self.http.execute(request).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let page = Page { status, location: text(&headers, "location"), headers, body: answer.text().await? };
        let cookie = page.header("set-cookie");
        if ours && !cookie.is_empty() {
            self.cookie =
                if cookie.contains("Max-Age=0") { "" } else { cookie.split(';').next().unwrap_or_default() }.to_owned();
        }
        Ok(page)
    }

    pub(super) async fn csrf(&mut self) -> Outcome<String> {
        Ok(between(&self.get("/").await?.body, "name=\"csrf\" value=\"", "\"")?.to_owned())
    }

    pub(super) async fn is_in(&mut self) -> Outcome<bool> {
        Ok(self.get("/").await?.body.contains("Hello, ada"))
    }

    /// The token's fingerprint, as the page shows it.
    pub(super) async fn token(&mut self) -> Outcome<String> {
        Ok(between(&self.get("/").await?.body, "<dt>Token</dt><dd><code>", "<")?.to_owned())
    }

    /// Logs in, up to the address to which the provider sends the browser back.
    pub(super) async fn until_callback(&mut self, decision: &str) -> Outcome<String> {
        let csrf = self.csrf().await?;
        let away = self.post("/login", &format!("csrf={csrf}")).await?;
        same(away.status, StatusCode::SEE_OTHER)?;
        let question = self.get(&away.location).await?;
        let query = between(&question.body, "action=\"?", "\"")?.replace("&amp;", "&");
        let provider = away.location.split('?').next().unwrap_or_default();
        let back = self.post(&format!("{provider}?{query}"), &format!("decision={decision}")).await?;
        same(back.status, StatusCode::SEE_OTHER)?;
        expect(back.location.starts_with(&format!("{}/callback?", self.app)), "the way back")?;
        Ok(back.location)
    }
}

impl Page {
    pub(super) fn header(&self, name: &str) -> String {
        text(&self.headers, name)
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Outcome<&'a str> {
    let found = text.split_once(start).and_then(|(_, rest)| rest.split_once(end));
    found.map(|(found, _)| found).ok_or_else(|| format!("there is no {start:?} on the page").into())
}
