//! The person who uses the device and has a browser elsewhere.

use std::sync::{Mutex, PoisonError};

use grantflow::{Callback, Redirect};
use grantflow_tests::support::peer::{Browser, Kind, Landing, Page};

use crate::world::{Got, Outcome, REDIRECT_URI, World, check};

/// The person's decision.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    Yes,
    No,
}

/// How the person comes to the page.
pub(crate) enum Comes<'a> {
    /// By `verification_uri_complete`, usually in a QR code.
    ByLink(&'a str),
    /// By `verification_uri`, and the person types the code.
    Typing(&'a str),
}

/// The person decides on the server's pages, if it has any.
pub(crate) fn decides(world: &World, comes: Comes<'_>, user_code: &str, says: Says) -> Outcome {
    let browser = Browser::new("http://127.0.0.1/none");
    if world.kind() == Kind::Authlib {
        return answers(world, user_code, if says == Says::Yes { "allow" } else { "deny" });
    }
    if world.kind() == Kind::Keycloak {
        // The confirmation is what it asks of everybody who logs in.
        let consent = match comes {
            Comes::ByLink(url) => browser.visit(url)?,
            Comes::Typing(url) => browser.press(&browser.visit(url)?.page()?, &[("device_user_code", user_code)])?,
        };
        return consents(world, &browser, &consent.page()?, says)?.page().map(drop).map_err(Into::into);
    }
    if world.kind() == Kind::Spring {
        let first = match comes {
            Comes::ByLink(url) => browser.press(&browser.visit(url)?.page()?, &[])?,
            Comes::Typing(url) => browser.press(&browser.visit(url)?.page()?, &[("user_code", user_code)])?,
        };
        return match (consents(world, &browser, &first.page()?, says)?, says) {
            // It has no page for a no.
            (Landing::Page(page), Says::No) => check(page.status == 400, format!("{page:?}")),
            (last, _) => check(last.page()?.body.contains("is connected"), "the device is not connected"),
        };
    }
    // The first page has a field for the code, perhaps filled in; the second asks for a confirmation.
    let first = match comes {
        Comes::ByLink(url) => browser.press(&browser.visit(url)?.page()?, &[])?,
        Comes::Typing(url) => browser.press(&browser.visit(url)?.page()?, &[("user_code", user_code)])?,
    };
    let button = match (world.kind(), says) {
        (Kind::OidcProvider, Says::Yes) => ("confirm", "yes"),
        (Kind::OidcProvider, Says::No) => ("abort", "yes"),
        (_, Says::Yes) => ("action", "accept"),
        (_, Says::No) => ("action", "deny"),
    };
    browser.press(&first.page()?, &[button])?.page().map(drop).map_err(Into::into)
}

/// The person decides on another device, which has no page. `ping` is where the server sends its ping.
pub(crate) fn decides_request(world: &World, auth_req_id: &str, says: Says, ping: Option<&str>) -> Outcome {
    if let Some(person) = world.peer.person() {
        // It knows the request by its message.
        let status = if says == Says::Yes { "SUCCEED" } else { "UNAUTHORIZED" };
        let query = serde_urlencoded::to_string([("message", &*world.message()), ("status", status)])?;
        return Browser::new("http://127.0.0.1/none")
            .submit(&format!("{person}/says?{query}"), &[])?
            .page()
            .map(drop)
            .map_err(Into::into);
    }
    let says = if says == Says::Yes { "yes" } else { "no" };
    let query = [Some(("auth_req_id", auth_req_id)), Some(("says", says)), ping.map(|to| ("ping", to))];
    let query: Vec<_> = query.into_iter().flatten().collect();
    let url = world.peer.at_root(&format!("/_test/backchannel?{}", serde_urlencoded::to_string(query)?));
    let page = Browser::new("http://127.0.0.1/none").submit(&url, &[])?.page()?;
    check(page.body == "done", page.body)
}

/// Who is asked by a backchannel request. Keycloak cannot bear two consents of one person to one client at the same time,
/// so that each of the trials, whose numbers follow each other, has another person.
pub(crate) fn person(world: &World) -> String {
    match world.kind() {
        Kind::Keycloak => format!("person-{}", world.number % 32),
        _ => "alice".to_owned(),
    }
}

/// Two consents of one person to one client at the same time break Keycloak: "More results found for user".
static ONE_CONSENT: Mutex<()> = Mutex::new(());

/// The person decides on the page of Keycloak or Spring, which says what the client wants.
pub(crate) fn consents(world: &World, browser: &Browser, page: &Page, says: Says) -> Got<Landing> {
    match (world.kind(), says) {
        // Its button "Cancel" unticks every scope.
        (Kind::Spring, Says::Yes) => Ok(browser.press(page, &[])?),
        (Kind::Spring, Says::No) => {
            let fields = page.fields();
            let form = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let unticked: Vec<_> = form.filter(|(name, _)| *name != "scope").collect();
            Ok(browser.submit(&page.action(), &unticked)?)
        }
        (_, says) => {
            let _one = ONE_CONSENT.lock().unwrap_or_else(PoisonError::into_inner);
            let button = if says == Says::Yes { ("accept", "Yes") } else { ("cancel", "No") };
            Ok(browser.press(page, &[button])?)
        }
    }
}

/// A login of a client whose person is asked, and says so.
pub(crate) fn is_asked(world: &World, redirect: Redirect, says: Says) -> Got<Callback> {
    let Redirect { url, pending } = redirect;
    let browser = Browser::new(REDIRECT_URI);
    let page = browser.visit(url.as_str())?.page()?;
    let back = consents(world, &browser, &page, says)?.callback()?;
    Ok(pending.receive(&back.parse()?))
}

/// authlib's answers to the next polls: `pending`, `slow_down`, `allow` or `deny`, with commas.
pub(crate) fn answers(world: &World, user_code: &str, answers: &str) -> Outcome {
    let form = [("user_code", user_code), ("answers", answers)];
    let page = Browser::new("http://127.0.0.1/none").submit(&world.peer.at_root("/_test/device"), &form)?.page()?;
    check(page.body.contains("polls"), page.body)
}

/// authlib's answers to the polls.
pub(crate) fn polls(world: &World, user_code: &str) -> Got<Vec<String>> {
    let url = world.peer.at_root(&format!("/_test/device?user_code={user_code}"));
    let page = Browser::new("http://127.0.0.1/none").visit(&url)?.page()?;
    let seen: serde_json::Value = serde_json::from_str(&page.body)?;
    Ok(serde_json::from_value(seen["polls"].clone())?)
}
