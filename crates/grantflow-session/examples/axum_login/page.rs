//! What the person sees. Static text, except for the API's answer, which is escaped. One inline style, allowed by its
//! hash; nothing else is loaded, and no script runs.

use axum::http::header::{self, InvalidHeaderValue};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Html;
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use grantflow::{AccessToken, UnixTime};
use grantflow_session::FreshToken;
use sha2::{Digest as _, Sha256};

use crate::me::Me;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2024; --faint: #60646c; --paper: #f4f5f7; --card: #fff; --line: #dfe1e6; --accent: #1a6f4f }
.provider { --accent: #4a3fc4 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #edeef0; --faint: #a3a8b0; --paper: #14161a; --card: #1e2126; --line: #343941; --accent: #4fbf8f }
  .provider { --accent: #a79ffb }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif }
main { width: min(30rem, 100%); background: var(--card); border: 1px solid var(--line); border-top: 4px solid var(--accent);
  border-radius: .6rem; padding: 1.75rem 2rem 2rem }
header { color: var(--accent); font-weight: 600; font-size: .9rem }
h1 { margin: .25rem 0 .75rem; font-size: 1.5rem; line-height: 1.25 }
p { margin: 0 0 1rem; text-wrap: pretty }
main > :last-child { margin-bottom: 0 }
dl { display: grid; grid-template-columns: auto 1fr; gap: .5rem 1.25rem; margin: 0 0 1.25rem; padding: 1rem 0;
  border-block: 1px solid var(--line) }
dt { color: var(--faint) }
dd { grid-column: 2; margin: 0; overflow-wrap: anywhere }
code { font: .92em ui-monospace, monospace }
small { color: var(--faint) }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.25rem }
button { font: inherit; font-weight: 600; padding: .55rem 1.1rem; border-radius: .4rem; cursor: pointer;
  border: 1px solid var(--accent); background: var(--accent); color: var(--card) }
button.plain { background: none; color: var(--accent) }
button:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
a { color: var(--accent) }
";

/// The policy of every page: only the one style, and forms to this origin and to `next`, where they are redirected to.
pub(crate) fn content_security_policy(next: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let style = Base64::encode_string(&Sha256::digest(STYLE));
    HeaderValue::try_from(format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self' {next}; frame-ancestors 'none'; base-uri 'none'"
    ))
}

/// The headers of every page, redirects included.
pub(crate) fn headers(policy: &HeaderValue) -> [(HeaderName, HeaderValue); 4] {
    [
        (header::CONTENT_SECURITY_POLICY, policy.clone()),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ]
}

pub(crate) fn welcome(csrf: &str) -> Html<String> {
    start("Your favourites, at hand", "Log in with your Example ID, and this page shows what it knows of you.", csrf)
}

/// The grant is gone: revoked, or lost with an answer.
pub(crate) fn over(csrf: &str) -> Html<String> {
    start("Your login is over", "The provider no longer vouches for you here. Log in again to go on.", csrf)
}

fn start(heading: &str, text: &str, csrf: &str) -> Html<String> {
    page(
        heading,
        &format!("<p>{text}</p><div class=\"buttons\">{}</div>", button("/login", csrf, "", "Log in with Example ID")),
    )
}

/// For a person who is logged in.
pub(crate) fn home(csrf: &str, me: &Me, token: Option<&FreshToken>, now: UnixTime) -> Html<String> {
    let scopes: Vec<String> = me.scope.split(' ').map(|scope| format!("<code>{}</code>", escape(scope))).collect();
    let left = token.and_then(FreshToken::expires_at).map(|at| at.saturating_since(now).as_secs());
    let left = left.map_or("at a time of the provider's choosing".to_owned(), |left| {
        format!("in {} min {:02} s <small>(renewed before that)</small>", left / 60, left % 60)
    });
    let token = token.map(|token| fingerprint(token.access_token())).unwrap_or_default();
    let body = format!(
        "<p>This is what the API says about the owner of your token.</p>\
         <dl><dt>Name</dt><dd>{}</dd><dt>Scope</dt><dd>{}</dd><dt>Token</dt><dd><code>{token}</code> <small>(a fingerprint)</small></dd>\
         <dt>Expires</dt><dd>{left}</dd></dl>\
         <div class=\"buttons\">{}{}</div>",
        escape(&me.name),
        scopes.join(", "),
        button("/renew", csrf, "", "Renew the token now"),
        button("/logout", csrf, "plain", "Log out"),
    );
    page(&format!("Hello, {}", escape(&me.name)), &body)
}

/// A text that tells tokens apart and is of no other use.
fn fingerprint(token: &AccessToken) -> String {
    let text = match token {
        AccessToken::Bearer(token) => token.expose_secret(),
        AccessToken::Dpop(token) => token.expose_secret(),
    };
    Base64UrlUnpadded::encode_string(&Sha256::digest(text)).chars().take(8).collect()
}

pub(crate) fn denied() -> Html<String> {
    dead_end("That login was refused", "The provider said no, or you did. Nothing was shared.")
}

pub(crate) fn failed() -> Html<String> {
    dead_end(
        "That login did not work",
        "The provider's answer could not be used. You are not logged in; please start again.",
    )
}

pub(crate) fn nothing_waits() -> Html<String> {
    dead_end(
        "Nothing is waiting for this",
        "This browser has no login that this answer belongs to: it was used already, it took too long, or it was started \
         elsewhere. A login that is under way in this browser goes on. If another tab has just logged in, reload this page.",
    )
}

pub(crate) fn not_from_here() -> Html<String> {
    dead_end(
        "That did not come from here",
        "Nothing was done. If it was you, go back, load the page again, and try once more.",
    )
}

pub(crate) fn nothing_here() -> Html<String> {
    dead_end("There is nothing here", "The address leads nowhere.")
}

pub(crate) fn trouble() -> Html<String> {
    dead_end("That did not work", "Something failed on the way, and it was not you. Please try again in a moment.")
}

fn dead_end(heading: &str, text: &str) -> Html<String> {
    page(heading, &format!("<p>{text}</p><p><a href=\"/\">To the front page</a></p>"))
}

/// The provider's question. `query` is that of the authorization request.
pub(crate) fn consent(query: &str, scope: &str) -> Html<String> {
    let scopes: String = scope.split(' ').map(|scope| format!("<dd><code>{}</code></dd>", escape(scope))).collect();
    let body = format!(
        "<p>You are at the provider now, as <strong>ada</strong>. Favourites asks to act for you.</p><dl><dt>It may</dt>{scopes}</dl>\
         <form method=\"post\" action=\"?{}\" class=\"buttons\">\
         <button name=\"decision\" value=\"allow\">Allow</button>\
         <button name=\"decision\" value=\"deny\" class=\"plain\">Deny</button></form>",
        escape(query)
    );
    layout("provider", "Example ID", "Let Favourites in?", &body)
}

fn button(action: &str, csrf: &str, class: &str, text: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{action}\"><input type=\"hidden\" name=\"csrf\" value=\"{csrf}\">\
         <button class=\"{class}\">{text}</button></form>"
    )
}

fn page(heading: &str, body: &str) -> Html<String> {
    layout("app", "Favourites", heading, body)
}

fn layout(class: &str, site: &str, heading: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{heading} · {site}</title>\n\
         <style>{STYLE}</style>\n<body class=\"{class}\">\n<main><header>{site}</header><h1>{heading}</h1>\n{body}\n</main>\n"
    ))
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
        escaped
    })
}
