//! Whether a client read an answer as it should.

use grantflow::{Next, Quirk};

use super::fixture::{Expect, Fixture, Outcome};

impl Fixture {
    /// Reads the answer with these quirks, and fails unless it gives the expected result.
    pub(crate) fn check(&self, quirks: &[Quirk]) -> Outcome {
        let what = self.name();
        let (outcome, error) = self.read(quirks);
        match (&self.expect, &outcome) {
            (
                Expect::Token { token, scope, expires_in, refresh_token, extra },
                Outcome::Tokens {
                    token: t,
                    scope: s,
                    expires_in: e,
                    refresh_token: r,
                    extra: x,
                    tolerated,
                    scope_is_unknown,
                },
            ) => {
                assert_eq!((t, s, e, r), (token, scope, expires_in, refresh_token), "{what}");
                assert!(tolerated.is_empty() && !scope_is_unknown, "{what}: {tolerated:?}");
                for (name, value) in extra {
                    assert_eq!(x.get(name), Some(value), "{what}: {name}");
                }
            }
            (Expect::Code { code, left }, Outcome::Refused { code: c, left: l }) => {
                assert_eq!((c, *l), (code, left.as_str()), "{what}");
            }
            (Expect::Status { next }, Outcome::Unreadable { status, .. }) => {
                assert_eq!(*status, Some(self.status), "{what}");
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
        outcome
    }
}
