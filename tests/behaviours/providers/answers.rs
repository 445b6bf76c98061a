//! Every documented answer: with exactly its quirks it gives what it holds; without any one of them it does not.

use grantflow::{Error, Next};

use super::fixture::{self, Expect, Outcome};

#[test]
fn every_documented_answer_gives_what_it_holds() {
    for fixture in fixture::all() {
        let what = fixture.name();
        let (outcome, error) = fixture.read(&fixture.quirks());
        match (&fixture.expect, outcome) {
            (
                Expect::Token { token, scope, expires_in, refresh_token, extra },
                Outcome::Tokens { token: t, scope: s, expires_in: e, refresh_token: r, extra: x },
            ) => {
                assert_eq!((&t, &s, &e, &r), (token, scope, expires_in, refresh_token), "{what}");
                for (name, value) in extra {
                    assert_eq!(x.get(name), Some(value), "{what}: {name}");
                }
            }
            (Expect::Code { code }, Outcome::Refused { code: c }) => assert_eq!(&c, code, "{what}"),
            (Expect::Status { next }, Outcome::Unreadable { status, .. }) => {
                assert_eq!(status, Some(fixture.status), "{what}");
                let found = match error.unwrap().next() {
                    Next::RetryLater(_) => "retry",
                    Next::Reauthorize => "reauthorize",
                    Next::FixConfiguration => "fix",
                    other => panic!("{what}: {other:?}"),
                };
                assert_eq!(found, next, "{what}");
            }
            (expected, found) => panic!("{what}: {expected:?}, but {found:?}"),
        }
    }
}

/// A quirk that changes neither what goes out nor what is read is a false claim of the documentation.
#[test]
fn every_quirk_is_needed_and_an_error_without_it_names_it() {
    for fixture in fixture::all() {
        let quirks = fixture.quirks();
        let (whole, requests) = (fixture.read(&quirks).0, fixture.requests(&quirks));
        for (at, quirk) in quirks.iter().enumerate() {
            let mut others = quirks.clone();
            others.remove(at);
            let what = format!("{} without {quirk:?}", fixture.name());
            let (outcome, error) = fixture.read(&others);
            assert!(outcome != whole || fixture.requests(&others) != requests, "{what}: nothing changes");
            if let Some(error @ Error::Protocol(_)) = error
                && outcome != whole
            {
                let name = fixture::name(quirk);
                assert!(error.to_string().contains(&name), "{what}: {error}");
            }
        }
    }
}

#[test]
fn every_fixture_says_where_it_comes_from() {
    for fixture in fixture::all() {
        let what = fixture.name();
        assert!(fixture.url.starts_with("https://"), "{what}");
        assert!(["documented", "recorded"].contains(&fixture.source_kind.as_str()), "{what}");
        assert!(fixture.source.len() > 20 && fixture.looked_up.starts_with("20"), "{what}");
        assert!(fixture.status_note.as_ref().is_none_or(|note| !note.is_empty()), "{what}");
    }
}
