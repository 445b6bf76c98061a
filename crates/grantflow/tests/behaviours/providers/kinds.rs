//! How much is read of real servers' answers: the forty answers of `answers.json`, what providers document, and kinds
//! that catalogues and threads report.

use grantflow::{Quirk, Violation};

use super::fixture::{self, Expect, Fixture, Outcome};
use crate::{real_world_answers, support::*};

/// What there was to read: usable tokens, error codes, bare statuses. The checks below fail for what is not read.
fn got(fixtures: &[Fixture]) -> (usize, usize, usize) {
    let mut counts = (0, 0, 0);
    for fixture in fixtures {
        match (fixture.check(&fixture.quirks()), &fixture.expect) {
            (Outcome::Tokens { .. }, Expect::Token { .. }) => counts.0 += 1,
            (Outcome::Refused { .. }, Expect::Code { .. }) => counts.1 += 1,
            (Outcome::Unreadable { .. }, Expect::Status { .. }) => counts.2 += 1,
            (found, expected) => panic!("{}: {expected:?}, but {found:?}", fixture.name()),
        }
    }
    counts
}

#[test]
fn every_token_every_code_and_every_status_of_every_kind_is_got() {
    let shapes = real_world_answers::got();
    let (providers, kinds) = (got(&fixture::all()), got(&fixture::kinds()));
    println!("(tokens, codes, statuses): shapes {shapes:?}, providers {providers:?}, kinds {kinds:?}");
    assert_eq!(shapes, (24, 9, 7));
    assert_eq!(providers, (31, 23, 0));
    assert_eq!(kinds, (7, 1, 4));
}

/// The one kind of answer with a token that is refused on purpose: two readers could take two tokens from it.
#[test]
fn a_doubled_token_is_refused_under_every_quirk() {
    let every = [
        Quirk::MissingTokenType,
        Quirk::NullIsAbsent,
        Quirk::ScopeList,
        Quirk::TokenType("user".into()),
        Quirk::error_path("code", Some("0")),
    ];
    let mut world =
        World::with(|server| every.iter().fold(server, |server, quirk| server.quirk(quirk.clone()).unwrap()));
    for doubled in [
        r#"{"access_token":"a","access_token":"b","token_type":"bearer"}"#,
        r#"{"access_token":"a","token_type":"bearer","access_token":"a"}"#,
        r#"{"access_token":"a","token_type":"user","token_type":"bearer"}"#,
    ] {
        let exchange = world.exchange();
        match world.answer(exchange, json(200, doubled)).unwrap_err().error {
            grantflow::Error::Protocol(broken) => {
                assert!(matches!(broken.violation(), Violation::Duplicate(_)), "{doubled}: {broken}");
            }
            other => panic!("{doubled}: {other}"),
        }
    }
}

/// A client with a path into an answer does not get the token beside it.
#[test]
fn a_path_that_leads_to_nothing_gives_no_other_token() {
    for fixture in fixture::all().iter().filter(|fixture| fixture.provider == "Slack") {
        let elsewhere = Quirk::token_path(&["authed_bot"]);
        let others = fixture.quirks().into_iter().filter(|quirk| !matches!(quirk, Quirk::TokenPath(_)));
        let quirks: Vec<Quirk> = others.chain([elsewhere]).collect();
        let outcome = fixture.read(&quirks).0;
        assert!(!matches!(outcome, Outcome::Tokens { .. }), "{}: {outcome:?}", fixture.name());
    }
}
