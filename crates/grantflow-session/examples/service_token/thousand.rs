//! A thousand threads that ask for a token at the same moment.

use std::sync::Barrier;
use std::thread::{self, Builder};

use grantflow_session::{FreshToken, Session, SessionError};

use crate::Outcome;

const CALLERS: usize = 1_000;
/// Small, because a thousand stacks exist at once.
const STACK: usize = 512 * 1024;

/// What each of them got.
pub(crate) struct Answers(Vec<Result<FreshToken, SessionError>>);

/// Asks a thousand times at once.
pub(crate) fn thousand(session: &Session) -> Answers {
    let start = Barrier::new(CALLERS);
    let ask = || {
        start.wait();
        session.token_blocking()
    };
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| Builder::new().stack_size(STACK).spawn_scoped(scope, ask)).collect();
        // If a thread could not be started, the others would wait at the barrier for ever: the example cannot continue.
        if callers.iter().any(Result::is_err) {
            std::process::abort();
        }
        let answers = callers.into_iter().flatten().map(|caller| caller.join());
        Answers(answers.flatten().collect())
    })
}

impl Answers {
    /// All have a token.
    pub(crate) fn served(self) -> Outcome<Vec<FreshToken>> {
        let tokens = self.0.into_iter().collect::<Result<Vec<_>, _>>()?;
        if tokens.len() == CALLERS { Ok(tokens) } else { Err("a caller panicked".into()) }
    }

    /// All have the same token.
    pub(crate) fn all_the_same(self) -> Outcome<FreshToken> {
        let tokens = self.served()?;
        let one = tokens.first().ok_or("no thread asked")?;
        if tokens.iter().all(|token| token.is(one)) {
            Ok(one.clone())
        } else {
            Err("not all have the same token".into())
        }
    }

    /// None has a token; all have an error like this.
    pub(crate) fn all_failed(self) -> Outcome<SessionError> {
        let errors: Vec<_> = self.0.into_iter().filter_map(Result::err).collect();
        if errors.len() == CALLERS {
            Ok(errors.into_iter().next().ok_or("no thread asked")?)
        } else {
            Err("a thread has a token".into())
        }
    }
}
