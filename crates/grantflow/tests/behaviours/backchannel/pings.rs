//! Notifications: which requests are one, which grant they are for, and what the client answers.

use super::*;

use http::{Method, Request};

type Ping = Request<Vec<u8>>;

/// A grant, and the server's ping for it.
fn decided(seed: u64) -> (testkit::Server, BackchannelGrant, Ping) {
    let (mut provider, client) = pinged_world();
    let grant = granted(&mut provider, pinged(&client, seed));
    assert!(grant.is_pinged());
    assert!(provider.approve_request("ada"));
    let ping = provider.take_pings().remove(0);
    (provider, grant, ping)
}

fn ready(grant: BackchannelGrant, ping: &Ping) -> BackchannelGrant {
    match grant.receive(&Notification::read(ping).unwrap()) {
        Notified::Ready(grant) => grant,
        Notified::Unrelated { why, .. } => panic!("{why}"),
    }
}

fn unrelated(grant: BackchannelGrant, ping: &Ping) -> (BackchannelGrant, NotificationFault) {
    match grant.receive(&Notification::read(ping).unwrap()) {
        Notified::Ready(_) => panic!("it counts"),
        Notified::Unrelated { grant, why } => (grant, why),
    }
}

fn refused(ping: &Ping) -> NotificationFault {
    match Notification::read(ping) {
        Ok(_) => panic!("{ping:?} is a notification"),
        Err(fault) => fault,
    }
}

/// A well-formed ping with this body.
fn with_body(body: &[u8]) -> Ping {
    let request = Request::post("/pings").header("authorization", "Bearer 0123456789abcdef0123456789");
    request.header("content-type", "application/json").body(body.to_vec()).unwrap()
}

#[test]
fn after_a_ping_the_grant_polls_at_once() {
    let (mut provider, grant, ping) = decided(1);
    let now = UnixTime::from_secs(provider.now());
    assert_eq!(grant.rest(now), Duration::from_secs(INTERVAL));
    let grant = ready(grant, &ping);
    assert!(grant.rest(now).is_zero());
    let tokens = runs(&mut provider, grant);
    assert_eq!(tokens.scope().effective().unwrap().as_str(), "openid payments");
    assert_eq!(Notification::response().status(), 204);
}

#[test]
fn a_ping_says_that_something_happened_and_not_what() {
    for (decide, code) in [("deny", "access_denied"), ("fail", "transaction_failed")] {
        let (mut provider, client) = pinged_world();
        let grant = granted(&mut provider, pinged(&client, 1));
        let decided = if decide == "deny" { provider.deny_request("ada") } else { provider.fail_request("ada", code) };
        assert!(decided);
        let grant = ready(grant, &provider.take_pings()[0]);
        let (outcome, _) = run_to_its_end(&mut provider, grant);
        let failure = outcome.unwrap_err();
        assert_eq!(failure.error.code().map(grantflow::ErrorCode::as_str), Some(code));
        assert_eq!(left(&failure), "spent", "{code}");
    }
}

#[test]
fn a_ping_may_come_twice_and_before_between_and_after_polls() {
    let (provider, grant, ping) = decided(1);
    let at = |seconds| UnixTime::from_secs(provider.now() + seconds);
    // Twice, before the first poll.
    let grant = ready(ready(grant, &ping), &ping);
    assert!(grant.rest(at(0)).is_zero());
    // The server's own answer lags behind its ping: the usual interval follows.
    let go_on = |grant: BackchannelGrant, now: UnixTime, answer: Answer| {
        let mut rng = Dice(1);
        let mut env = Env::new(now, &mut rng);
        let step = match answer {
            Some(answer) => grant.respond(&mut env, answer),
            None => grant.unanswered(&mut env, Sent::MaybeSent),
        };
        match step {
            Ok(Step::Again(grant)) => grant,
            other => panic!("{other:?}"),
        }
    };
    let grant = go_on(grant, at(0), pending());
    assert_eq!(grant.rest(at(0)), Duration::from_secs(5));
    // After answers that were lost, the wait has grown; the next ping ends it.
    let grant = go_on(go_on(go_on(grant, at(5), None), at(15), None), at(35), None);
    assert_eq!(grant.rest(at(35)), Duration::from_secs(40));
    assert!(grant.trouble().is_some());
    let grant = ready(grant, &ping);
    assert!(grant.rest(at(36)).is_zero() && grant.trouble().is_none());
    assert!(grant.request(&mut Env::new(at(36), &mut Dice(1))).is_ok());
    // What was lost before it does not count any more.
    let grant = go_on(grant, at(36), None);
    assert_eq!(grant.rest(at(36)), Duration::from_secs(10));
    // The interval that the server has lengthened stays.
    let grant = go_on(ready(grant, &ping), at(40), error(400, "slow_down"));
    assert_eq!((grant.interval(), grant.rest(at(40))), (Duration::from_secs(10), Duration::from_secs(10)));
}

#[test]
fn pings_do_not_keep_a_grant_alive_after_its_end() {
    let grant = grant_by(pinged(&pinged_world().1, 1), 60, 5);
    let token = {
        let text = body(&pinged(&pinged_world().1, 1).request(&mut Env::new(NOW, &mut Dice(1))).unwrap());
        parameter(&text, "client_notification_token")
    };
    let mut ping = with_body(br#"{"auth_req_id":"ar-1"}"#);
    ping.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let mut grant = ready(grant, &ping);
    // Every poll is answered late, and a ping follows each of them.
    for polls in 1.. {
        assert!(polls <= 3, "it does not end");
        match grant.respond(&mut Env::new(after(60 + polls), &mut Dice(1)), pending().unwrap()) {
            Ok(Step::Again(next)) => grant = if polls == 1 { ready(next, &ping) } else { next },
            Ok(Step::Done(_)) => panic!("nobody gave tokens"),
            Err(failure) => {
                assert!(matches!(failure.error, Error::Expired), "{}", failure.error);
                assert_eq!(left(&failure), "spent");
                break;
            }
        }
    }
}

#[test]
fn a_ping_for_another_grant_or_with_another_token_costs_nothing() {
    let (mut provider, client) = pinged_world();
    let (first, second) = (granted(&mut provider, pinged(&client, 1)), granted(&mut provider, pinged(&client, 2)));
    assert!(provider.approve_request("ada") && provider.approve_request("ada"));
    let pings = provider.take_pings();
    let now = UnixTime::from_secs(provider.now());
    let (second, why) = unrelated(second, &pings[0]);
    assert_eq!(why, NotificationFault::OtherRequest);
    assert_eq!(second.rest(now), Duration::from_secs(INTERVAL), "it is unchanged");

    let own = pings[0].headers()["authorization"].to_str().unwrap().to_owned();
    let (head, last) = own.split_at(own.len() - 1);
    let almost = format!("{head}{}", if last == "A" { "B" } else { "A" });
    for forged in [
        almost,
        own[..own.len() - 1].to_owned(),
        format!("{own}A"),
        format!("{own}="),
        pings[1].headers()["authorization"].to_str().unwrap().to_owned(),
        own.to_uppercase(),
    ] {
        let mut ping = pings[0].clone();
        ping.headers_mut().insert("authorization", forged.parse().unwrap());
        let (grant, why) = unrelated(granted_again(&mut provider, &client), &ping);
        assert_eq!(why, NotificationFault::OtherRequest, "another request is not compared further");
        drop(grant);
        let stored = serde_json::to_string(&restored_copy(&first, &client)).unwrap();
        let copy = BackchannelGrant::from_stored(serde_json::from_str(&stored).unwrap(), &client).unwrap();
        let (copy, why) = unrelated(copy, &ping);
        assert_eq!(why, NotificationFault::WrongToken, "{forged}");
        assert_eq!(copy.rest(now), Duration::from_secs(INTERVAL), "{forged}");
    }
    // Nothing is lost.
    assert!(ready(first, &pings[0]).rest(now).is_zero());
    assert!(ready(second, &pings[1]).rest(now).is_zero());
}

fn granted_again(provider: &mut testkit::Server, client: &ConfidentialClient) -> BackchannelGrant {
    granted(provider, pinged(client, 9))
}

/// The same grant once more: its poll is the only thing that shows its id.
fn restored_copy(grant: &BackchannelGrant, client: &ConfidentialClient) -> grantflow::StoredBackchannel {
    let later = grant.expires_at();
    let poll = body(&grant.request(&mut Env::new(later, &mut Dice(1))).unwrap());
    let id = parameter(&poll, "auth_req_id");
    let answer = format!(r#"{{"auth_req_id":"{id}","expires_in":1800,"interval":5}}"#);
    answered(pinged(client, 1), json(200, &answer)).unwrap().into_stored()
}

#[test]
fn a_grant_that_polls_takes_no_pings() {
    let (_, _, ping) = decided(1);
    let (grant, why) = unrelated(grant_of(60, 5), &ping);
    assert_eq!(why, NotificationFault::NoPing);
    assert_eq!(grant.rest(NOW), Duration::from_secs(5));
}

#[test]
fn a_stored_grant_is_found_by_a_key_that_reveals_nothing() {
    let (mut provider, grant, ping) = decided(1);
    let poll = body(&grant.request(&mut Env::new(grant.expires_at(), &mut Dice(1))).unwrap());
    let id = parameter(&poll, "auth_req_id");
    let notification = Notification::read(&ping).unwrap();
    assert_eq!(notification.key(), grant.key());
    assert_eq!(notification.key().as_str().len(), 43);
    assert!(!grant.key().to_string().contains(&id));
    let stored = serde_json::to_string(&grant.into_stored()).unwrap();
    let client = client_of(&provider, BANK);
    let grant = BackchannelGrant::from_stored(serde_json::from_str(&stored).unwrap(), &client).unwrap();
    // Stored after the ping, it is still due.
    let stored = serde_json::to_string(&ready(grant, &ping).into_stored()).unwrap();
    let grant = BackchannelGrant::from_stored(serde_json::from_str(&stored).unwrap(), &client).unwrap();
    assert!(grant.is_pinged() && grant.rest(UnixTime::from_secs(provider.now())).is_zero());
    let _tokens = runs(&mut provider, grant);
}

#[test]
fn what_is_no_notification_is_told_with_the_answer_that_is_due() {
    let good = with_body(br#"{"auth_req_id":"ar-1"}"#);
    assert!(Notification::read(&good).is_ok());
    for method in [Method::GET, Method::PUT, Method::HEAD, Method::from_bytes(b"post").unwrap()] {
        let mut ping = good.clone();
        *ping.method_mut() = method;
        let fault = refused(&ping);
        assert_eq!(fault, NotificationFault::NotPost);
        let answer = fault.response();
        assert_eq!((answer.status().as_u16(), &answer.headers()["allow"]), (405, &"POST".parse().unwrap()));
    }
    let too_long = format!("Bearer {}", "a".repeat(1025));
    for header in [
        "",
        "Bearer",
        "Bearer ",
        "Basic 0123456789abcdef0123456789",
        "0123456789abcdef0123456789",
        "Bearer a b",
        "Bearer \"quoted\"",
        "Bearer é",
        "Bearer =",
        "Bearer a,b",
        too_long.as_str(),
    ] {
        let mut ping = good.clone();
        ping.headers_mut().remove("authorization");
        if !header.is_empty() {
            ping.headers_mut().insert("authorization", http::HeaderValue::from_bytes(header.as_bytes()).unwrap());
        }
        let fault = refused(&ping);
        assert_eq!(fault, NotificationFault::NoToken, "{header}");
        let answer = fault.response();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["www-authenticate"]),
            (401, &"Bearer".parse().unwrap())
        );
    }
    let mut twice = good.clone();
    twice.headers_mut().append("authorization", "Bearer other".parse().unwrap());
    assert_eq!(refused(&twice), NotificationFault::NoToken);
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jose", "", "application/json2"] {
        let mut ping = good.clone();
        ping.headers_mut().insert("content-type", media_type.parse().unwrap());
        let fault = refused(&ping);
        assert_eq!((fault, fault.response().status().as_u16()), (NotificationFault::NotJson, 415), "{media_type}");
    }
    let fault = refused(&with_body(&vec![b' '; 64 * 1024 + 1]));
    assert_eq!((fault, fault.response().status().as_u16()), (NotificationFault::TooLarge, 413));
    for why in [NotificationFault::OtherRequest, NotificationFault::WrongToken, NotificationFault::NoPing] {
        let answer = why.response();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["www-authenticate"], "Bearer error=\"invalid_token\"");
    }
}

#[test]
fn harmless_deviations_are_read() {
    let body: &[u8] = br#" {"x":[1,{}], "auth_req_id" : "ar-1" , "y":null} "#;
    for (name, value) in [
        ("content-type", "application/json; charset=utf-8"),
        ("content-type", "Application/JSON ;charset=UTF-8"),
        ("authorization", "bearer 0123456789abcdef0123456789"),
        ("authorization", "BEARER   0123456789abcdef0123456789 "),
    ] {
        let mut ping = with_body(body);
        ping.headers_mut().insert(name, value.parse().unwrap());
        let notification = Notification::read(&ping).unwrap();
        assert_eq!(notification.key(), grant_of(60, 5).key(), "{name}: {value}");
    }
    let mut ping = with_body(body);
    ping.headers_mut().remove("content-type");
    assert!(Notification::read(&ping).is_ok());
    let padded = [&vec![b' '; 64 * 1024 - body.len()], body].concat();
    assert!(Notification::read(&with_body(&padded)).is_ok(), "64 KiB are not too many");
}

#[test]
fn a_body_without_one_id_is_refused() {
    for body in [
        "",
        "null",
        "[]",
        "[\"ar-1\"]",
        "{}",
        "{",
        "\"ar-1\"",
        "auth_req_id=ar-1",
        r#"{"auth_req_id":""}"#,
        r#"{"auth_req_id":" "}"#,
        r#"{"auth_req_id":null}"#,
        r#"{"auth_req_id":42}"#,
        r#"{"auth_req_id":["ar-1"]}"#,
        r#"{"auth_req_id":"ar-1","auth_req_id":"ar-1"}"#,
        r#"{"auth_req_id":"ar-1","\u0061uth_req_id":"ar-2"}"#,
        r#"{"auth_req_id":"ar\u0000"}"#,
        r#"{"auth_req_id":"ar-1"} x"#,
        r#"{"auth_req_id":"ar-1"}{}"#,
        r#"{"Auth_Req_Id":"ar-1"}"#,
        "\u{feff}{\"auth_req_id\":\"ar-1\"}",
    ] {
        let fault = refused(&with_body(body.as_bytes()));
        assert_eq!((fault, fault.response().status().as_u16()), (NotificationFault::Unreadable, 400), "{body}");
    }
    assert_eq!(refused(&with_body(b"{\"auth_req_id\":\"ar-\xff\"}")), NotificationFault::Unreadable);
}

/// OpenID CIBA §10.3 and §12.
#[test]
fn a_push_is_refused_and_the_error_says_what_to_configure() {
    for body in [
        r#"{"auth_req_id":"ar-1","access_token":"at-1","token_type":"Bearer","expires_in":3600,"id_token":"a.b.c"}"#,
        r#"{"auth_req_id":"ar-1","access_token":"at-1"}"#,
        r#"{"auth_req_id":"ar-1","id_token":"a.b.c"}"#,
        r#"{"auth_req_id":"ar-1","refresh_token":"rt-1"}"#,
        r#"{"auth_req_id":"ar-1","error":"access_denied","error_description":"no"}"#,
        r#"{"auth_req_id":"ar-1","access_token":null}"#,
        r#"{"access_token":"at-1"}"#,
    ] {
        let fault = refused(&with_body(body.as_bytes()));
        assert_eq!((fault, fault.response().status().as_u16()), (NotificationFault::Push, 400), "{body}");
        let text = fault.to_string();
        assert!(text.contains("backchannel_token_delivery_mode") && !text.contains("at-1"), "{text}");
    }
}

#[test]
fn its_debug_shows_no_secret() {
    let (_, grant, ping) = decided(1);
    let token = ping.headers()["authorization"].to_str().unwrap()[7..].to_owned();
    let id = parameter(&body(&grant.request(&mut Env::new(grant.expires_at(), &mut Dice(1))).unwrap()), "auth_req_id");
    let notification = Notification::read(&ping).unwrap();
    let shown = format!("{notification:?} {grant:?} {:?}", grant.key());
    let shown = format!("{shown} {:?}", grant.receive(&notification));
    assert!(!shown.contains(&token) && !shown.contains(&id), "{shown}");
}
