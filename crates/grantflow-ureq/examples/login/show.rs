//! The terminal output. Secrets are left out by name: a reader only wants to see that they are there.

use std::error::Error;

use anstyle::{AnsiColor, Style};
use grantflow::{AuthorizationUrl, Body};
use http::{Request, Response};

const TITLE: Style = Style::new().bold();
const STATE: Style = AnsiColor::Cyan.on_default().bold();
const ARROW: Style = AnsiColor::Blue.on_default();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();
const HIDDEN: Style = AnsiColor::Yellow.on_default();

/// Parameters and members whose values must not be shown.
const SECRETS: &[&str] = &[
    "client_secret",
    "code",
    "code_verifier",
    "state",
    "device_code",
    "auth_req_id",
    "client_notification_token",
    "access_token",
    "refresh_token",
    "id_token",
    "assertion",
    "voucher",
    "token",
    "subject_token",
    "actor_token",
    "id_token_hint",
    "registration_access_token",
];

pub(crate) fn title(text: &str, about: &str) {
    anstream::println!("{TITLE}{text}{TITLE:#}  {FAINT}{about}{FAINT:#}");
}

/// A new flow begins.
pub(crate) fn flow(number: u8, name: &str, source: &str) {
    anstream::println!("\n{TITLE}{number}  {name}{TITLE:#}  {FAINT}{source}{FAINT:#}\n");
}

/// A transition: one state, what was done with it, the next.
pub(crate) fn step(from: &str, by: &str, to: &str) {
    anstream::println!("   {STATE}{from}{STATE:#} {FAINT}─{by}→{FAINT:#} {STATE}{to}{STATE:#}");
}

/// A check that passed.
pub(crate) fn good(text: &str) {
    anstream::println!("     {GOOD}✓{GOOD:#} {text}");
}

pub(crate) fn note(text: &str) {
    anstream::println!("     {FAINT}{text}{FAINT:#}");
}

/// The address to which the person would be sent.
pub(crate) fn sent_to(url: &AuthorizationUrl) {
    let (place, query) = url.as_str().split_once('?').unwrap_or((url.as_str(), ""));
    anstream::println!("     {ARROW}⇢{ARROW:#} the person goes to {place}");
    parameters(query.as_bytes());
}

pub(crate) fn request(request: &Request<Body>) {
    anstream::println!("     {ARROW}→{ARROW:#} {} {}", request.method(), request.uri());
    for (name, value) in request.headers() {
        if value.is_sensitive() {
            let scheme = value.to_str().ok().and_then(|text| text.split(' ').next()).unwrap_or_default();
            anstream::println!("         {FAINT}{name}:{FAINT:#} {scheme} {HIDDEN}[redacted]{HIDDEN:#}");
        } else {
            anstream::println!("         {FAINT}{name}:{FAINT:#} {}", value.to_str().unwrap_or_default());
        }
    }
    match members(request.body().as_ref()) {
        Some(members) => members.iter().for_each(|(name, value)| member(name, value)),
        None => parameters(request.body().as_ref()),
    }
}

/// The members of a JSON object.
fn members(body: &[u8]) -> Option<Vec<(String, String)>> {
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let text = |value: serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(members.into_iter().map(|(name, value)| (name, text(value))).collect())
}

pub(crate) fn response(response: &Response<Body>) {
    let style = if response.status().is_success() { GOOD } else { BAD };
    anstream::println!("     {ARROW}←{ARROW:#} {style}{}{style:#}", response.status());
    for challenge in response.headers().get_all(http::header::WWW_AUTHENTICATE) {
        member("www-authenticate", &String::from_utf8_lossy(challenge.as_bytes()));
    }
    match members(response.body().as_ref()) {
        Some(members) => members.iter().for_each(|(name, value)| member(name, value)),
        None if response.body().as_ref().is_empty() => {}
        None => note(&format!("[{} bytes that are no JSON object]", response.body().as_ref().len())),
    }
}

fn parameters(form: &[u8]) {
    for (name, value) in form_urlencoded::parse(form) {
        member(&name, &value);
    }
}

fn member(name: &str, value: &str) {
    if SECRETS.contains(&name) {
        anstream::println!("         {FAINT}{name}={FAINT:#}{HIDDEN}[redacted]{HIDDEN:#}");
    } else {
        anstream::println!("         {FAINT}{name}={FAINT:#}{}", printable(value));
    }
}

/// Text from outside is shown without control characters, because a terminal acts on them.
fn printable(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { '·' } else { c }).collect()
}

pub(crate) fn all_well(text: &str) {
    anstream::println!("\n{GOOD}{text}{GOOD:#}");
}

/// An error and, below it, its causes.
pub(crate) fn failed(error: &dyn Error) {
    anstream::eprintln!("\n{BAD}✗ {error}{BAD:#}");
    let mut cause = error.source();
    while let Some(error) = cause {
        anstream::eprintln!("  because {error}");
        cause = error.source();
    }
}
