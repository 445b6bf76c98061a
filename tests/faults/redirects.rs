//! Rows 1 and 2: a redirect is never followed, wherever it leads, and no credential goes there.

use super::*;

#[test]
fn no_redirect_is_followed() {
    for code in [301, 302, 303, 307, 308] {
        let elsewhere = FaultServer::start(vec![good()]);
        let authority = elsewhere.url("").trim_start_matches("http:").to_owned();
        for location in
            [elsewhere.url("/stolen"), format!("{authority}/stolen"), "/token/elsewhere".to_owned(), "?x=1".to_owned()]
        {
            let what = format!("{code} to {location}");
            for error in meet(&what, Fault::redirect(code, &location), Expect::Unknown) {
                assert_eq!(violation(&error), Some(grantflow::Violation::Redirect), "{what}");
                assert_eq!(status(&error), Some(code), "{what}");
                assert!(!error.to_string().contains("stolen"), "the place that it led to is printed");
            }
        }
        assert_eq!((elsewhere.count(), elsewhere.connections()), (0, 0), "{code}: somebody else was asked");
    }
}

#[test]
fn a_callers_own_agent_follows_none_either() {
    for code in [301, 302, 303, 307, 308] {
        let elsewhere = FaultServer::start(vec![good()]);
        let agent = Agent::from_ureq(ureq::Agent::new_with_defaults(), DEADLINE);
        let errors = meet_with(agent, "their agent", Fault::redirect(code, &elsewhere.url("/stolen")), Expect::Unknown);
        assert!(errors.iter().all(|error| violation(error) == Some(grantflow::Violation::Redirect)));
        assert_eq!(elsewhere.connections(), 0, "{code}: somebody else was asked");
    }
}

/// What an agent must not do, a client of reqwest's own does: a redirect that keeps the method carries the body along, secrets
/// and all. So the tests above can fail.
#[test]
fn reqwest_by_itself_posts_the_secrets_elsewhere() {
    for code in [307, 308] {
        let elsewhere = FaultServer::start(vec![good()]);
        let server = FaultServer::start(vec![Fault::redirect(code, &elsewhere.url("/stolen"))]);
        let request = grantflow::Exchange::request(
            &refresh_exchange(&server.url("/token")),
            &mut Env { now: grantflow_ureq::now(), rng: &mut SysRng },
        );
        let request = request.unwrap().map(Vec::<u8>::from);
        grantflow_tests::support::transport::install_crypto();
        let client = reqwest::Client::new();
        let sent = grantflow_tests::support::transport::block_on(client.execute(request.try_into().unwrap()));
        assert_eq!(sent.unwrap().status(), 200);
        assert!(elsewhere.hits()[0].text().contains(REFRESH_TOKEN), "{code}");
    }
}
