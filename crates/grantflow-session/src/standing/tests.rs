use std::sync::Arc;

use grantflow::{Server, Tokens};

use super::*;
use crate::error::Earlier;
use crate::key::Key;
use crate::record::{Mark, Record};

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(1_750_000_000 + seconds)
}

fn plan() -> Arc<Plan> {
    let server = Server::with_token_endpoint("https://as.example/token").unwrap();
    let client = server.client("app").secret_post("hush").unwrap();
    Plan::refresh(&client, Key::new("ada").unwrap(), Policy::default())
}

/// A token that is over after so many seconds.
fn token(plan: &Plan, text: &str, end: u64) -> FreshToken {
    let tokens =
        Tokens::of_refresh_token(&plan.client, "rt").unwrap().access_token(text, Some(at(end))).unwrap().build();
    FreshToken::of(&Record::login(tokens).unwrap(), &plan.client, &plan.policy).unwrap()
}

fn cause() -> Cause {
    Cause::Earlier(Earlier::sent(&Mark::first(at(0), Duration::from_secs(60))))
}

fn failure() -> NotRenewed {
    NotRenewed { cause: cause(), retry_after: None, sent: true, useless: None }
}

fn doubt(pause_ends: u64, retry_at: u64) -> Doubt {
    let (pause_ends, retry_at) = (at(pause_ends), at(retry_at));
    let waits_for_the_end = retry_at > pause_ends;
    Doubt { cause: cause(), since: at(0), sent: 2, retry_at, waits_for_the_end, pause_ends, told: false }
}

#[test]
fn a_good_token_is_used_though_its_renewal_failed() {
    let plan = plan();
    let mut standing = Standing::default();
    standing.renewed(token(&plan, "at", 3600));
    assert!(matches!(standing.advice(at(0), &plan), Advice::Use(_)));
    assert!(matches!(standing.advice(at(3590), &plan), Advice::RenewAhead(_)));
    standing.in_doubt(at(3590), doubt(3592, 3600));
    // The pause is over, and the token is not.
    for now in [3590, 3595, 3599] {
        assert!(matches!(standing.advice(at(now), &plan), Advice::Use(_)), "{now}");
    }
    assert_eq!(standing.state(at(3595), false), State::InDoubt);
    assert!(matches!(standing.advice(at(3600), &plan), Advice::Renew));
}

#[test]
fn during_a_pause_the_store_is_read_now_and_then() {
    let plan = plan();
    let mut standing = Standing::default();
    let error = standing.in_doubt(at(0), doubt(60, 60));
    assert!(matches!(error, SessionError::InDoubt { retry_at, .. } if retry_at == at(60)));
    assert!(matches!(standing.advice(at(4), &plan), Advice::Wait(_)));
    assert!(matches!(standing.advice(at(5), &plan), Advice::Look(_)));
    standing.looked(at(5));
    assert!(matches!(standing.advice(at(9), &plan), Advice::Wait(_)));
    assert!(matches!(standing.advice(at(10), &plan), Advice::Look(_)));
    assert!(matches!(standing.advice(at(60), &plan), Advice::Renew));
}

#[test]
fn a_pause_ends_when_the_network_is_back_unless_the_server_asked_for_it() {
    for told in [false, true] {
        let plan = plan();
        let mut standing = Standing::default();
        let retry_after = told.then_some(Duration::from_secs(600));
        standing.not_renewed(at(0), &plan.policy, NotRenewed { retry_after, ..failure() }, Draw(u32::MAX));
        standing.retry_now();
        let advice = standing.advice(at(0), &plan);
        assert_eq!(matches!(advice, Advice::Renew), !told, "{advice:?}");
        assert!(standing.insist(at(0)).now && !standing.insist(at(0)).now, "asked for once");
    }
}

#[test]
fn a_pause_does_not_outlast_itself_by_a_clock_that_fell_back() {
    let plan = plan();
    let mut standing = Standing::default();
    standing.not_renewed(at(1000), &plan.policy, failure(), Draw(0));
    assert!(!matches!(standing.advice(at(1000), &plan), Advice::Renew));
    assert!(matches!(standing.advice(at(0), &plan), Advice::Renew));
}

#[test]
fn when_an_api_refuses_the_replacement_of_a_refused_token_a_pause_follows() {
    let plan = plan();
    let mut standing = Standing::default();
    let mut known = token(&plan, "at-0", 3600);
    standing.renewed(known.clone());
    let mut pauses = Vec::new();
    for round in 1..=4 {
        // Tokens from elsewhere count as received at the epoch: by this clock, each has just come.
        let now = UnixTime::from_secs(round);
        assert!(standing.refuse(&known, now, &plan.policy));
        assert!(!standing.refuse(&known, now, &plan.policy), "it is no longer the token in use");
        pauses.push(standing.pause.map(|pause| pause.length.as_secs()));
        standing.pause = None;
        known = token(&plan, &format!("at-{round}"), 3600);
        standing.renewed(known.clone());
    }
    assert_eq!(pauses, [None, Some(1), Some(2), Some(4)]);
}

#[test]
fn a_refused_token_is_not_waited_for_until_its_end() {
    let plan = plan();
    let mut standing = Standing::default();
    let good = token(&plan, "at", 3600);
    standing.renewed(good.clone());
    standing.in_doubt(at(3550), doubt(3552, 3600));
    standing.refuse(&good, at(3551), &plan.policy);
    assert!(matches!(&standing.error, Some(SessionError::InDoubt { retry_at, .. }) if *retry_at == at(3552)));
    assert!(!matches!(standing.advice(at(3551), &plan), Advice::Use(_) | Advice::Renew));
    assert!(matches!(standing.advice(at(3552), &plan), Advice::Renew));
}
