//! Which device authorization answers are accepted and which are refused: nothing is lost, and nothing is sent twice.

use super::*;

use grantflow::{Env, Left, Message, Quirk, Step, Violation};
use grantflow_testkit::Misbehaviour;

/// What comes of one request to a server that misbehaves once.
fn asked(how: Misbehaviour) -> (testkit::Server, Result<DeviceGrant, Failure<DeviceRequest>>) {
    let (mut provider, client) = world();
    provider.knobs().misbehave_at(Endpoint::DeviceAuthorization, how);
    let (outcome, sent) = run_to_its_end(&mut provider, request(&client));
    assert_eq!(sent, ["https://as.example/oauth/device_authorization"], "it was sent more than once");
    (provider, outcome)
}

fn refused(how: Misbehaviour) -> Error {
    let what = format!("{how:?}");
    let (mut provider, outcome) = asked(how);
    let failure = outcome.err().unwrap_or_else(|| panic!("{what} was taken"));
    assert_eq!(provider.hits_at(Endpoint::Token).count(), 0, "{what}: it polled");
    let Left::Intact(request) = failure.left else { panic!("{what}: the request is lost") };
    let (outcome, _) = run_to_its_end(&mut provider, *request);
    assert!(outcome.is_ok(), "{what}: the server is well again");
    failure.error
}

#[test]
fn the_rfcs_own_answer_is_read() {
    // RFC 8628 §3.2.
    let (_, client) = world();
    let answer = r#"{
        "device_code": "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://example.com/device",
        "verification_uri_complete": "https://example.com/device?user_code=WDJB-MJHT",
        "expires_in": 1800,
        "interval": 5
    }"#;
    let step = request(&client).respond(&mut Env::new(NOW, &mut Dice(1)), json(200, answer)).unwrap();
    let Step::Done(grant) = step else { panic!("this flow has one step") };
    assert_eq!(grant.user_code(), "WDJB-MJHT");
    assert_eq!(grant.verification_uri(), "https://example.com/device");
    assert_eq!(grant.verification_uri_complete(), Some("https://example.com/device?user_code=WDJB-MJHT"));
    assert_eq!((grant.expires_at(), grant.interval()), (after(1800), Duration::from_secs(5)));
    let poll = body(&grant.request(&mut Env::new(after(5), &mut Dice(1))).unwrap());
    assert_eq!(parameter(&poll, "device_code"), "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS");
}

#[test]
fn bad_values_are_refused_by_name() {
    let script = "\"javascript:alert(1)\"";
    for (member, values) in [
        (
            "interval",
            &["0", "-1", "-0", "\"5\"", "1000000000", "3601", "null", "true", "[5]", "{}", "\"\"", "1e400", "0.0"][..],
        ),
        ("expires_in", &["0", "-1", "\"soon\"", "\"\"", "null", "[]", "true", "1e400", "{}"]),
        (
            "verification_uri",
            &[
                script,
                "\"JavaScript:alert(1)\"",
                "\"data:text/html,x\"",
                "\"file:///etc/passwd\"",
                "\"\"",
                "null",
                "42",
                "\"http://as.example/device\"",
                "\"/device\"",
                "\"https://as.example/a b\"",
                "\"https://as.example/\\n\"",
                "\"https://u:p@as.example/\"",
                "\"https://as.example/\\u202e\"",
                "\"https://as.example/$(reboot)\"",
                "[]",
            ],
        ),
        ("verification_uri_complete", &[script, "\"data:text/html,x\"", "\"http://as.example/device?user_code=A\""]),
        ("device_code", &["\"\"", "\" \"", "null", "42", "\"a\\r\\nb: c\"", "\"a\\u0000\"", "\"\\u00e9\"", "[]"]),
        (
            "user_code",
            &["\"\"", "\" \"", "null", "42", "\"\\u001b[31mB\"", "\"B\\r\\nG\"", "\"\\u202eKJHG\"", "\"B\\tG\"", "{}"],
        ),
    ] {
        for value in values {
            let error = refused(Misbehaviour::set(member, value));
            let text = error.to_string();
            assert!(text.contains(member) && text.contains("device authorization"), "{member}: {value}: {text}");
            assert!(!text.contains("alert") && !text.contains('\u{1b}'), "{member}: {value}: {text}");
        }
    }
}

#[test]
fn a_missing_or_doubled_member_is_refused_by_name() {
    for member in ["device_code", "user_code", "verification_uri", "expires_in"] {
        let error = refused(Misbehaviour::remove(member));
        assert!(error.to_string().contains(&format!("{member} is missing")), "{error}");
    }
    for member in
        ["device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"]
    {
        for again in ["\"https://as.example/again\"", "5", "null"] {
            let error = refused(Misbehaviour::duplicate(member, again));
            assert!(error.to_string().contains(&format!("{member} occurs twice")), "{error}");
        }
    }
}

#[test]
fn numbers_that_are_odd_and_clear_are_taken() {
    for (json, seconds) in [("1", 1), ("5.0", 5), ("1.5", 2), ("0.2", 1), ("5e0", 5), ("60", 60), ("1800", 1800)] {
        let (_, outcome) = asked(Misbehaviour::set("interval", json));
        assert_eq!(outcome.unwrap().interval(), Duration::from_secs(seconds), "{json}");
    }
    let (provider, outcome) = asked(Misbehaviour::remove("interval"));
    let grant = outcome.unwrap();
    assert_eq!(grant.interval(), Duration::from_secs(5));
    assert_eq!(grant.rest(UnixTime::from_secs(provider.now())), Duration::from_secs(5));
    for (json, seconds) in [("60", 60), ("\"60\"", 60), ("60.9", 60), ("1000000000", 1_000_000_000)] {
        let (provider, outcome) = asked(Misbehaviour::set("expires_in", json));
        assert_eq!(outcome.unwrap().expires_at().as_secs(), provider.now() + seconds, "{json}");
    }
    let (_, outcome) = asked(Misbehaviour::set("expires_in", "18446744073709551616"));
    assert_eq!(outcome.unwrap().expires_at().as_secs(), u64::MAX);
}

#[test]
fn without_a_complete_uri_the_person_enters_the_code() {
    for how in [
        Misbehaviour::remove("verification_uri_complete"),
        Misbehaviour::set("verification_uri_complete", "null"),
        Misbehaviour::set("verification_uri_complete", "\"\""),
        Misbehaviour::set("verification_uri_complete", "42"),
    ] {
        let what = format!("{how:?}");
        assert_eq!(asked(how).1.unwrap().verification_uri_complete(), None, "{what}");
    }
}

#[test]
fn googles_name_for_the_page_is_read_by_its_quirk_alone() {
    let error = refused(Misbehaviour::rename("verification_uri", "verification_url"));
    assert!(error.to_string().contains("Quirk::renamed"), "{error}");

    // As Google's guide for limited-input devices shows it, with its two-part names.
    let (provider, _) = world();
    let quirk = Quirk::renamed(Message::DeviceAuthorizationAnswer, "verification_uri", "verification_url");
    let server = Server::with_token_endpoint(&provider.token_url()).unwrap().quirk(quirk).unwrap();
    let server = server.device_authorization_endpoint(&provider.endpoint_url(Endpoint::DeviceAuthorization)).unwrap();
    let client = Client::from(&server.client(TV).public().unwrap());
    let answer = r#"{"device_code":"4/4-GMMhmHCXhWEzkobqIHGG_EnNYYsAkukHspeYUk9E8","user_code":"GQVQ-JKEC",
        "verification_url":"https://www.google.com/device","expires_in":1800,"interval":5}"#;
    let step = request(&client).respond(&mut Env::new(NOW, &mut Dice(1)), json(200, answer)).unwrap();
    let Step::Done(grant) = step else { panic!("this flow has one step") };
    assert_eq!(grant.verification_uri(), "https://www.google.com/device");
    let poll = body(&grant.request(&mut Env::new(after(5), &mut Dice(1))).unwrap());
    assert_eq!(parameter(&poll, "device_code"), "4/4-GMMhmHCXhWEzkobqIHGG_EnNYYsAkukHspeYUk9E8");
}

#[test]
fn every_misbehaviour_ends_in_a_grant_that_is_sound_or_in_an_error_that_costs_nothing() {
    let (mut taken, mut kept) = (0, 0);
    for how in Misbehaviour::all_at(Endpoint::DeviceAuthorization) {
        let what = format!("{how:?}");
        let (mut provider, outcome) = asked(how);
        match outcome {
            Ok(grant) => {
                taken += 1;
                let now = provider.now();
                for text in [Some(grant.user_code()), Some(grant.verification_uri()), grant.verification_uri_complete()]
                {
                    let Some(text) = text else { continue };
                    assert!(
                        !text.trim().is_empty() && text.chars().all(|c| (' '..='~').contains(&c)),
                        "{what}: {text}"
                    );
                }
                let pages = [Some(grant.verification_uri()), grant.verification_uri_complete()];
                assert!(pages.iter().flatten().all(|page| page.starts_with("https://")), "{what}");
                assert!((1..=3600).contains(&grant.interval().as_secs()), "{what}");
                assert!(grant.expires_at().as_secs() > now, "{what}");
                assert_eq!(grant.rest(UnixTime::from_secs(now)), grant.interval(), "{what}");
            }
            Err(failure) => {
                kept += 1;
                assert!(!failure.error.to_string().contains('\u{1b}'), "{what}");
                let Left::Intact(request) = failure.left else { panic!("{what}: the request is lost") };
                assert!(run_to_its_end(&mut provider, *request).0.is_ok(), "{what}");
            }
        }
    }
    assert!(taken > 20 && kept > 100, "{taken} were taken, {kept} refused");
}

#[test]
fn the_servers_own_error_is_told() {
    for (status, code) in [
        (400, "invalid_client"),
        (401, "invalid_client"),
        (400, "unauthorized_client"),
        (200, "invalid_scope"),
        (429, "slow_down"),
    ] {
        let error = refused(Misbehaviour::error(status, code));
        assert_eq!(error.code().map(|code| code.as_str().to_owned()).as_deref(), Some(code), "{error}");
    }
    let error = refused(Misbehaviour::Status(201));
    assert!(matches!(&error, Error::Protocol(broken) if broken.violation() == Violation::UnexpectedStatus), "{error}");
}

#[test]
fn a_page_with_the_code_in_its_query_shows_no_code_in_debug() {
    let (_, outcome) =
        asked(Misbehaviour::set("verification_uri", "\"https://as.example/device?user_code=BCDF-GHJK\""));
    let grant = outcome.unwrap();
    assert_eq!(grant.verification_uri(), "https://as.example/device?user_code=BCDF-GHJK");
    let shown = format!("{grant:?}");
    assert!(shown.contains("https://as.example/device") && !shown.contains("BCDF"), "{shown}");
}

#[test]
fn a_page_may_have_a_fragment() {
    for member in ["verification_uri", "verification_uri_complete"] {
        for page in [
            "https://as.example/#/device",
            "https://as.example/a?b#/device?user_code=BCDF-GHJK",
            "https://as.example/d#",
        ] {
            let (_, outcome) = asked(Misbehaviour::set(member, &format!("\"{page}\"")));
            let grant = outcome.unwrap();
            let shown = format!("{grant:?}");
            assert!(!shown.contains("BCDF"), "{shown}");
            let given = if member == "verification_uri" {
                Some(grant.verification_uri())
            } else {
                grant.verification_uri_complete()
            };
            assert_eq!(given, Some(page));
        }
        for bad in [
            "https://as.example/#$(reboot)",
            "https://as.example/#<x>",
            "https://as.example/#a#b",
            "https://as.example/#%zz",
            "#/device",
            "javascript:alert(1)#https://as.example/",
        ] {
            let error = refused(Misbehaviour::set(member, &format!("\"{bad}\"")));
            assert!(error.to_string().contains(member), "{bad}: {error}");
        }
    }
}
