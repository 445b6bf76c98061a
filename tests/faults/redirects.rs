//! Rows 1 and 2: a redirect is never followed, to any target, and no credential goes there.

use grantflow_tests::support::transport::{block_on, install_crypto, reqwest_agent};

use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("no redirect is followed, and no other origin is asked", none_to_another_origin),
    ("no redirect is followed to the same origin", none_to_the_same_origin),
];

pub(crate) const OWN: &[Own] = &[
    ("ureq: a caller's own agent follows none either", a_callers_own_agent_follows_none_either),
    ("ureq: a plain agent would have followed", a_plain_ureq_follows),
    ("reqwest: a caller's settings do not make it follow", a_callers_settings_do_not_make_it_follow),
    ("reqwest: a plain client would have sent the body elsewhere", a_plain_reqwest_sends_the_body_elsewhere),
];

const CODES: [u16; 5] = [301, 302, 303, 307, 308];

fn is_refused(error: &AnyError, code: u16, what: &str) {
    assert_eq!(violation(error), Some(grantflow::Violation::Redirect), "{what}");
    assert_eq!(status(error), Some(code), "{what}");
    assert!(!error.to_string().contains("stolen"), "the place that it led to is printed");
}

fn none_to_another_origin(transport: Transport) {
    for code in CODES {
        let elsewhere = FaultServer::start(vec![good()]);
        let authority = elsewhere.url("").trim_start_matches("http:").to_owned();
        let others = [elsewhere.url("/stolen"), format!("{authority}/stolen")];
        for location in others.into_iter().chain(["/token/stolen", "?x=stolen"].map(str::to_owned)) {
            let what = format!("{code} to {location}");
            for error in meet(transport, &what, Fault::redirect(code, &location), Expect::Unknown) {
                is_refused(&error, code, &what);
                let kept = error.oauth().and_then(|error| error.answer()?.untrusted_location());
                assert_eq!(kept, Some(location.as_bytes()), "{what}: the error does not keep where it led to");
            }
        }
        assert_eq!((elsewhere.count(), elsewhere.connections()), (0, 0), "{code}: another server was asked");
    }
}

fn none_to_the_same_origin(transport: Transport) {
    let agent = agent(transport);
    for code in CODES {
        for form in
            ["absolute", "//host", "/token/stolen", "?x=stolen", "", "http://[stolen", "\u{e9}stolen", "stolen stolen"]
        {
            let server = FaultServer::start_with(|base| {
                let location = match form {
                    "absolute" => format!("{base}/stolen"),
                    "//host" => format!("{}/stolen", base.trim_start_matches("http:")),
                    relative => relative.to_owned(),
                };
                vec![Fault::redirect(code, &location), good()]
            });
            let what = format!("{code} to {form:?}");
            let failure = agent.run(refresh_exchange(&server.url("/token"))).unwrap_err();
            no_secret_in(&failure, &what);
            is_refused(&failure.error, code, &what);
            assert_eq!((server.count(), server.connections()), (1, 1), "{what}: it was followed");
            let Left::Unknown(exchange) = failure.left else { panic!("{what}: not unknown") };
            agent.run(*exchange).unwrap();
        }
    }
}

fn a_callers_own_agent_follows_none_either() {
    let agent = Agent::from(grantflow_ureq::Agent::from_ureq(ureq::Agent::new_with_defaults(), PATIENCE));
    follows_none(&agent, "their agent");
}

fn a_callers_settings_do_not_make_it_follow() {
    let policy = reqwest::redirect::Policy::limited(9);
    let policies = std::sync::Mutex::new(vec![policy, reqwest::redirect::Policy::limited(9)]);
    // The settings are called twice.
    let agent = reqwest_agent(PATIENCE, |settings| settings.redirect(policies.lock().unwrap().pop().unwrap()));
    follows_none(&agent, "their settings");
}

fn follows_none(agent: &Agent, what: &str) {
    for code in CODES {
        let elsewhere = FaultServer::start(vec![good()]);
        let fault = Fault::redirect(code, &elsewhere.url("/stolen"));
        for error in meet_with(agent, agent, what, fault, Expect::Unknown) {
            is_refused(&error, code, what);
        }
        assert_eq!(elsewhere.connections(), 0, "{code}: another server was asked");
    }
}

/// As a GET, and accepts the other's answer as the server's: the rows above can fail.
fn a_plain_ureq_follows() {
    for code in [301, 302, 303] {
        let elsewhere = FaultServer::start(vec![good()]);
        let server = FaultServer::start(vec![Fault::redirect(code, &elsewhere.url("/stolen"))]);
        let answer = ureq::Agent::new_with_defaults().post(server.url("/token")).send("refresh_token=x").unwrap();
        assert_eq!(answer.status(), 200, "{code}");
        assert_eq!(elsewhere.count(), 1, "{code}: the test looks at nothing");
    }
}

/// The whole body, with credentials, to another origin on a 307 and a 308: the rows above can fail.
fn a_plain_reqwest_sends_the_body_elsewhere() {
    install_crypto();
    for code in CODES {
        let elsewhere = FaultServer::start(vec![good()]);
        let server = FaultServer::start(vec![Fault::redirect(code, &elsewhere.url("/stolen"))]);
        let exchange = refresh_exchange(&server.url("/token"));
        let request = exchange.request(&mut Env::new(now(), &mut SysRng)).unwrap().map(Vec::<u8>::from);
        let answer = block_on(reqwest::Client::new().execute(request.try_into().unwrap())).unwrap();
        assert_eq!(answer.status(), 200, "{code}: the other's answer was taken for the server's");
        let stolen = elsewhere.hits();
        assert_eq!(stolen.len(), 1, "{code}: the test looks at nothing");
        let method = if code >= 307 { "POST" } else { "GET" };
        assert_eq!(stolen[0].method(), method, "{code}");
        assert_eq!(stolen[0].text().contains(REFRESH_TOKEN), code >= 307, "{code}");
    }
}
