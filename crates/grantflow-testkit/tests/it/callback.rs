use grantflow_testkit::{CallbackFault as F, Decision};

use super::*;

/// All values of a parameter in a callback spoilt in this way.
fn spoilt(fault: F, name: &str) -> Vec<String> {
    let mut server = server();
    server.knobs().spoil_callback(fault);
    let url = authorize_url(&server, &[]);
    let pairs = server.visit(&url).unwrap().parameters();
    let values = pairs.into_iter().filter(|(key, _)| key == name);
    values.map(|(_, value)| value).collect()
}

#[test]
fn each_fault_does_what_it_says() {
    assert_eq!(spoilt(F::set("state", "wrong"), "state"), ["wrong"]);
    assert_eq!(spoilt(F::append("state", "1"), "state"), ["the state1"]);
    assert_eq!(spoilt(F::append("iss", "/"), "iss"), ["https://as.example/"]);
    assert_eq!(spoilt(F::append("error", "1"), "error"), [""; 0]);
    assert_eq!(spoilt(F::remove("state"), "state"), [""; 0]);
    assert_eq!(spoilt(F::repeat("state"), "state"), ["the state", "the state"]);
    assert_eq!(spoilt(F::set("iss", ""), "iss"), [""]);
    assert_eq!(spoilt(F::remove("iss"), "iss"), [""; 0]);
    assert_eq!(
        spoilt(F::add("iss", "https://attacker.example"), "iss"),
        ["https://as.example", "https://attacker.example"]
    );
    assert_eq!(spoilt(F::add("code", "another"), "code").len(), 2);
    assert_eq!(spoilt(F::set("code", ""), "code"), [""]);
    assert_eq!(spoilt(F::set("error", "x"), "error"), ["x"]);
    assert_eq!(spoilt(F::set("error", "x"), "code").len(), 1);
    assert_eq!(spoilt(F::add("access_token", "t"), "access_token"), ["t"]);
    assert_eq!(spoilt(F::Raw("%".to_owned()), "%"), [""]);
}

#[test]
fn errors_are_spoilt_too() {
    let mut server = server();
    server.knobs().decision = Decision::Deny;
    server.knobs().callback = vec![F::remove("iss"), F::set("state", "wrong")];
    for _ in 0..2 {
        let url = authorize_url(&server, &[]);
        let callback = server.visit(&url).unwrap();
        assert_eq!(callback.parameter("error").as_deref(), Some("access_denied"));
        assert_eq!(callback.parameter("iss"), None);
        assert_eq!(callback.parameter("state").as_deref(), Some("wrong"));
    }
}

#[test]
fn one_shot_faults_pass() {
    let mut server = server();
    server.knobs().spoil_callback(F::remove("code")).spoil_callback(F::remove("state"));
    let url = authorize_url(&server, &[]);
    let first = server.visit(&url).unwrap();
    let second = server.visit(&url).unwrap();
    let third = server.visit(&url).unwrap();
    assert!(first.parameter("code").is_none() && first.parameter("state").is_some());
    assert!(second.parameter("code").is_some() && second.parameter("state").is_none());
    assert!(third.parameter("code").is_some() && third.parameter("state").is_some());
}

#[test]
fn form_posts_are_spoilt_too() {
    let mut server = server();
    server.knobs().spoil_callback(F::set("state", "wrong"));
    let url = authorize_url(&server, &[("response_mode", "form_post")]);
    let callback = server.visit(&url).unwrap();
    assert!(callback.body.unwrap().contains("state=wrong"));
}

#[test]
fn every_number_is_a_fault() {
    for index in 0..100 {
        let mut server = server();
        server.knobs().spoil_callback(F::from_index(index));
        let url = authorize_url(&server, &[]);
        server.visit(&url).unwrap();
    }
    assert_eq!(F::from_index(0), F::from_index(F::all().len()));
}
