//! What is final, and that every operation ends.

use super::*;

#[test]
fn a_challenge_that_asks_for_nothing_new_is_final_at_once() {
    for (asked_for, member, step_up) in [
        ("read", "", scope("read")),
        ("read write", "", scope("write read")),
        ("read write", r#","scope":"write""#, scope("write")),
        // Granted without being asked for.
        ("read", r#","scope":"read write""#, scope("write")),
        ("", r#","scope":"write""#, scope("write")),
        ("read", r#","scope":null"#, scope("read")),
    ] {
        let before = authorization(asked_for);
        let mut attempts = StepUpAttempts::new();
        let end = before.step_up(&step_up, &granted(&before, member), &mut attempts).unwrap_err();
        assert!(matches!(end, NoStepUp::NothingNew), "{asked_for} {member}: {end:?}");
        assert_eq!(attempts.made(), 0);
    }
    // The second time, in each way of asking.
    for step_up in
        [scope("write"), login("acr_values=\"high\""), login("max_age=5"), login("acr_values=\"a\", max_age=0")]
    {
        // The server narrows what it grants to "read" each time.
        for member in ["", r#","scope":"read""#, r#","scope":null"#] {
            let before = authorization("read");
            let mut attempts = StepUpAttempts::new();
            let after = before.step_up(&step_up, &granted(&before, member), &mut attempts).unwrap();
            // On the request that the attempt gave, and on the first one.
            for request in [&after, &before] {
                let end = request.step_up(&step_up, &granted(&after, member), &mut attempts).unwrap_err();
                assert!(matches!(end, NoStepUp::NothingNew), "{step_up:?} {member}: {end:?}");
            }
            assert_eq!(attempts.made(), 1);
        }
    }
    // A longer time than the one that was asked for is nothing new, a shorter one is.
    let before = authorization("read");
    let mut attempts = StepUpAttempts::new();
    let granted = granted(&before, "");
    for (seconds, goes_on) in [(60, true), (90, false), (60, false), (59, true)] {
        let step_up = login(&format!("max_age={seconds}"));
        assert_eq!(before.step_up(&step_up, &granted, &mut attempts).is_ok(), goes_on, "{seconds}");
    }
}

#[test]
fn a_challenge_that_names_nothing_is_final() {
    for line in [
        "Bearer error=\"insufficient_scope\"",
        "Bearer error=\"insufficient_scope\", scope=\"\"",
        "Bearer error=\"insufficient_scope\", scope=\"é\"",
        "Bearer error=\"insufficient_scope\", scope=\"a\", scope=\"b\"",
        "Bearer error=\"insufficient_user_authentication\"",
        "Bearer error=\"insufficient_user_authentication\", acr_values=\" \", max_age=\"soon\"",
    ] {
        let before = authorization("read");
        let mut attempts = StepUpAttempts::new();
        let end = before.step_up(&of(403, line).unwrap(), &granted(&before, ""), &mut attempts).unwrap_err();
        assert!(matches!(end, NoStepUp::NothingNamed), "{line}: {end:?}");
        assert_eq!(attempts.made(), 0);
    }
}

/// An API that wants something else each time.
#[test]
fn an_operation_ends_at_its_limit() {
    for (limit, mut attempts) in
        [(3, StepUpAttempts::default()), (1, StepUpAttempts::up_to(1)), (0, StepUpAttempts::up_to(0))]
    {
        let mut request = authorization("read");
        let mut made = 0;
        let end = loop {
            let step_up =
                if made % 2 == 0 { scope(&format!("s{made}")) } else { login(&format!("acr_values=a{made}")) };
            match request.step_up(&step_up, &granted(&request, ""), &mut attempts) {
                Ok(next) => request = next,
                Err(end) => break end,
            }
            made += 1;
            assert!(made <= limit, "no end");
        };
        assert!(matches!(end, NoStepUp::TooOften), "{end:?}");
        assert_eq!((made, attempts.made(), attempts.left()), (limit, limit, 0));
    }
}

fn demands() -> impl Strategy<Value = StepUp> {
    let scope = proptest::option::of(proptest::collection::vec("[a-d]", 0..3).prop_map(|tokens| tokens.join(" ")));
    let acr = proptest::option::of("[a-c]{0,2}");
    let age = proptest::option::of(0u64..4);
    (scope, acr, age, any::<bool>()).prop_map(|(scope, acr, age, by_scope)| {
        let code = if by_scope { "insufficient_scope" } else { "insufficient_user_authentication" };
        let mut line = format!("Bearer error=\"{code}\"");
        for (name, value) in [("scope", scope), ("acr_values", acr), ("max_age", age.map(|age| age.to_string()))] {
            line += &value.map(|value| format!(", {name}=\"{value}\"")).unwrap_or_default();
        }
        of(401, &line).unwrap()
    })
}

proptest! {
    /// For any answers of an API: nothing that was asked for is lost, each request differs from all before, and there is an end.
    #[test]
    fn any_api_comes_to_an_end(
        first in "([a-d]( [a-d])?)?",
        demands in proptest::collection::vec((demands(), proptest::option::of("([a-d]( [a-d])?)?"), any::<bool>()), 1..12),
        limit in 0u8..5,
    ) {
        let base = authorization(&first);
        let mut attempts = StepUpAttempts::up_to(limit);
        let mut request = base.clone();
        let mut seen = vec![asked(&request)];
        let mut oks = 0;
        for (demand, member, from_the_first) in demands {
            let member = member.map(|scope| format!(",\"scope\":\"{scope}\"")).unwrap_or_default();
            let granted = granted(&request, &member);
            let from = if from_the_first { &base } else { &request };
            let before = attempts.made();
            match from.step_up(&demand, &granted, &mut attempts) {
                Ok(next) => {
                    oks += 1;
                    let now = asked(&next);
                    let tokens: Vec<&str> = now[0].as_deref().unwrap_or_default().split(' ').collect();
                    for scope in [granted.requested(), granted.explicit(), demand.scope()].into_iter().flatten() {
                        for token in scope.iter() {
                            prop_assert!(tokens.contains(&token), "{token} is missing");
                        }
                    }
                    if let Some(acr) = demand.untrusted_acr_values() {
                        prop_assert_eq!(now[1].as_deref(), Some(acr));
                    }
                    if let Some(age) = demand.max_age() {
                        prop_assert!(now[2].as_deref().unwrap().parse::<u64>().unwrap() <= age.as_secs());
                    }
                    for old in &seen[1..] {
                        prop_assert!(old[0].is_none() || now[0].is_some());
                    }
                    // The first request may be made once more: its scope can have been narrowed.
                    prop_assert!(!seen[1..].iter().any(|old| old[..] == now[..]), "made before: {:?}", now);
                    seen.push(now);
                    request = next;
                }
                Err(_) => prop_assert_eq!(attempts.made(), before),
            }
            prop_assert_eq!(attempts.made(), oks);
            prop_assert!(oks <= limit);
        }
    }
}
