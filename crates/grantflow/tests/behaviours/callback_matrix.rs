//! Every combination of a callback's parameters, judged a second time in the order of the checks: place, `state`,
//! shape, `iss`, `error`, `code`. As a query, as a pasted address, as a form post.

use grantflow::{Callback, Next, PendingCallback, ResponseMode};
use http::{Request, Uri};

use crate::support::*;

/// A parameter as it is written; `None` for a missing one.
type Written = Option<&'static str>;

const STATES: [(Written, bool); 6] = [
    (Some("state={s}"), true),
    (Some("st%61te={s}"), true),
    (Some("state={s}&state={s}"), false),
    (Some("state={s}x"), false),
    (Some("state="), false),
    (None, false),
];

#[derive(Clone, Copy, PartialEq)]
enum Is {
    Absent,
    Good,
    Empty,
    /// Doubled, not decodable, or with a forbidden character.
    Malformed,
}

const CODES: [(Written, Is); 7] = [
    (None, Is::Absent),
    (Some("code=c"), Is::Good),
    (Some("code=%20~%21"), Is::Good),
    (Some("code="), Is::Empty),
    (Some("code=c&c%6Fde=c"), Is::Malformed),
    (Some("code=c%0a"), Is::Malformed),
    (Some("code=%ff"), Is::Malformed),
];

const ERRORS: [(Written, Is); 7] = [
    (None, Is::Absent),
    (Some("error=access_denied"), Is::Good),
    (Some("error=Something+else"), Is::Good),
    (Some("error="), Is::Empty),
    (Some("error=a&error=a"), Is::Malformed),
    (Some("error=%00"), Is::Malformed),
    (Some("error=a%7Fb"), Is::Malformed),
];

const ISSUERS: [(Written, Is); 6] = [
    (None, Is::Absent),
    (Some("iss=https%3A%2F%2Fas.example"), Is::Good),
    (Some("iss=https://as.example/"), Is::Empty),
    (Some("iss="), Is::Empty),
    (Some("iss=https://as.example&iss=https://as.example"), Is::Malformed),
    (Some("iss=%zz"), Is::Malformed),
];

/// Text for people, and parameters that must not be there at all.
const REST: [(Written, bool); 7] = [
    (None, false),
    (Some("error_description=a%0Ab&error_uri=javascript%3Aalert(1)"), false),
    (Some("error_description=%ff&error_uri=%zz"), false),
    (Some("realmId=1&realmId=1&%zz=%ff&&="), false),
    (Some("id_token=e.y.J"), true),
    (Some("access_t%6Fken="), true),
    (Some("response=e.y.J"), true),
];

fn expected(state: bool, code: Is, error: Is, iss: Is, token: bool) -> &'static str {
    if !state {
        return "unrelated";
    }
    let malformed = [code, error, iss].contains(&Is::Malformed);
    // Another issuer, or none from a server that always sends it.
    if malformed || token || iss != Is::Good {
        return "rejected";
    }
    match (error, code) {
        (Is::Good, _) => "denied",
        (Is::Absent, Is::Good) => "granted",
        _ => "rejected",
    }
}

fn pending(mode: ResponseMode) -> (PendingCallback, String) {
    let mut world = World::with(|server| server.issuer_always_sent(ISSUER).unwrap());
    let authorization = world.authorization().response_mode(mode);
    let start = world.start(&authorization);
    let state = parameter(start.url.as_str(), "state");
    (start.pending, state)
}

fn received(how: &str, query: &str) -> (Callback, String) {
    let (pending, state) = pending(if how == "form" { ResponseMode::FormPost } else { ResponseMode::Query });
    let query = query.replace("{s}", &state);
    let callback = match how {
        "pasted" => pending.receive_url(&format!("\n {REDIRECT_URI}?{query}\r\n")),
        "form" => {
            let post = Request::post("/cb").header("content-type", "application/x-www-form-urlencoded");
            pending.receive_form_post(&post.body(query).unwrap())
        }
        _ => pending.receive(&format!("/cb?{query}").parse::<Uri>().unwrap()),
    };
    (callback, state)
}

#[test]
fn every_combination_is_judged_in_one_order() {
    for (state, ours) in STATES {
        for (code, code_is) in CODES {
            for (error, error_is) in ERRORS {
                for (iss, iss_is) in ISSUERS {
                    for (rest, token) in REST {
                        let parts = [rest, code, error, state, iss];
                        let query = parts.into_iter().flatten().collect::<Vec<_>>().join("&");
                        let verdict_is = expected(ours, code_is, error_is, iss_is, token);
                        for how in ["query", "pasted", "form"] {
                            let (callback, state) = received(how, &query);
                            assert_eq!(verdict(&callback), verdict_is, "{how}: {query}");
                            says_what_is_next(&callback, error);
                            let shown = format!("{callback:?}");
                            assert!(!shown.contains(&state) && !shown.contains("javascript"), "{how}: {shown}");
                        }
                    }
                }
            }
        }
    }
}

fn says_what_is_next(callback: &Callback, error: Written) {
    if let Callback::Denied(refusal) = callback {
        let next = if error == Some("error=access_denied") { Next::Reauthorize } else { Next::FixConfiguration };
        assert_eq!(refusal.next(), next, "{error:?}");
    }
}
