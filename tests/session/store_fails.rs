//! A store that fails: before the request nothing is sent; after it nothing is lost and no token is given out.

use grantflow::Next;
use grantflow_session::{InDoubt, Loss, Session, SessionError};
use grantflow_tests::world::*;

fn over() -> (World, FaultyStore, Session) {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.clear();
    (world, store, session)
}

#[test]
fn where_the_lock_or_the_reading_or_the_mark_fails_nothing_is_sent() {
    for op in [Op::Lock, Op::Load, Op::Mark] {
        for fault in [Fault::Before, Fault::After] {
            let (world, store, session) = over();
            store.fail(op, fault);
            if (op, fault) == (Op::Mark, Fault::After) {
                // It is not known whether the mark is there. The store cannot say it either.
                store.before(Op::Mark, {
                    let store = store.clone();
                    move || store.fail(Op::Load, Fault::Before)
                });
            }
            let error = session.token_blocking().unwrap_err();
            assert!(matches!(error, SessionError::Store(_)), "{op:?} {error:?}");
            assert_eq!((error.next(), world.sent().len()), (Next::FixConfiguration, 0), "{op:?}");
            // The next one finds a good grant, at most with a mark that says too much.
            assert!(session.token_blocking().is_ok(), "{op:?} {fault:?}");
            assert_eq!(world.sent().len(), 1);
        }
    }
}

#[test]
fn tokens_that_cannot_be_stored_are_kept_and_not_given_out() {
    let (world, store, session) = over();
    store.fail_times(3, Op::Tokens, Fault::Before);
    let mut callers: Vec<_> = (0..3).map(|_| Box::pin(session.token())).collect();
    world.network([Net::HoldAnswer]);
    assert!(callers.iter_mut().all(|caller| poll_once(caller).is_pending()));
    world.release();
    for caller in callers {
        let error = pollster::block_on(caller).unwrap_err();
        assert!(matches!(error, SessionError::NotStored(_)), "{error:?}");
    }
    assert!(session.peek().is_none());
    let unsaved = session.unsaved().expect("the session still has them");
    let text = serde_json::to_string(&unsaved.expose_tokens().unwrap()).unwrap();
    assert!(!text.contains(&store.kept().unwrap().access));
    // The next call stores them, and gives out what it has stored, without a second refresh.
    let token = session.token_blocking().unwrap();
    assert!(text.contains(&access(&token)));
    assert_eq!((store.kept().unwrap().access, store.kept().unwrap().sent), (access(&token), 0));
    assert_eq!((world.sent().len(), session.unsaved().is_none()), (1, true));
}

#[test]
fn a_store_that_stays_broken_never_makes_another_request() {
    let (world, store, session) = over();
    store.fail_times(30, Op::Tokens, Fault::Before);
    for _ in 0..10 {
        assert!(matches!(session.token_blocking(), Err(SessionError::NotStored(_))));
    }
    assert_eq!(world.sent().len(), 1);
    assert!(session.token_blocking().is_ok());
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn a_write_that_was_reported_failed_and_had_worked_is_recognized() {
    let (world, store, session) = over();
    store.fail(Op::Tokens, Fault::After);
    let token = session.token_blocking().unwrap();
    assert_eq!((store.kept().unwrap().access, world.sent().len()), (access(&token), 1));

    // Also if it cannot be read back at once.
    let (world, store, session) = over();
    store.fail(Op::Tokens, Fault::After);
    let unreadable = store.clone();
    world.at_wait(move || unreadable.fail(Op::Load, Fault::Before));
    assert!(matches!(session.token_blocking(), Err(SessionError::NotStored(_))));
    let token = session.token_blocking().unwrap();
    assert_eq!((store.kept().unwrap().access, world.sent().len()), (access(&token), 1));
}

#[test]
fn tokens_that_were_over_when_they_were_stored_are_not_given_out() {
    let (world, store, session) = over();
    store.fail_times(3, Op::Tokens, Fault::Before);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotStored(_))));
    world.advance(2 * LIFE);
    let token = session.token_blocking().unwrap();
    assert!(token.expires_at().unwrap() > grantflow::UnixTime::from_secs(world.server(|server| server.now())));
    assert_eq!(store.kept().unwrap().access, access(&token));
    let sent = world.sent();
    assert!(sent.len() == 2 && sent[0] != sent[1], "the new refresh token was used for it");
}

#[test]
fn a_login_that_could_not_be_stored_is_stored_by_the_next_call() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let old = session.prime_blocking(world.login()).unwrap();
    store.fail_times(3, Op::Tokens, Fault::Before);
    let login = world.login();
    let text = login.bearer().unwrap().expose_secret().to_owned();
    assert!(matches!(session.prime_blocking(login), Err(SessionError::NotStored(_))));
    assert!(session.unsaved().is_some());
    let token = session.token_blocking().unwrap();
    assert!(!token.is(&old), "the login was forgotten for the old grant");
    assert_eq!((access(&token), store.kept().unwrap().access), (text.clone(), text));
}

#[test]
fn an_unsaved_login_replaces_what_a_sibling_has_renewed_meanwhile() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    store.fail_times(3, Op::Tokens, Fault::Before);
    let login = world.login();
    let text = login.bearer().unwrap().expose_secret().to_owned();
    assert!(matches!(session.prime_blocking(login), Err(SessionError::NotStored(_))));
    // The old grant continues elsewhere.
    world.session(&store).token_blocking().unwrap();
    assert_eq!(
        access(&session.token_blocking().unwrap()),
        text,
        "the login was dropped for the grant that it replaces"
    );
    assert_eq!(store.kept().unwrap().access, text);
    assert!(session.unsaved().is_none());
}

#[test]
fn a_login_that_was_stored_after_all_and_renewed_since_is_not_put_back() {
    // The first write is done and reported as failed, and the others fail; another process renews what is there. The
    // login's refresh token is then used up: storing it again would lose the new one, and would say that the old one
    // was never sent.
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    store.fail(Op::Tokens, Fault::After);
    // To the store, the entry already looks like a change of marks.
    store.fail_times(2, Op::Unmark, Fault::Before);
    assert!(matches!(session.prime_blocking(world.login()), Err(SessionError::NotStored(_))));
    assert!(session.unsaved().is_some());
    world.advance(LIFE);
    let renewed = world.session(&store).token_blocking().unwrap();
    assert_eq!(access(&session.token_blocking().unwrap()), access(&renewed));
    assert!(session.unsaved().is_none());
    assert_eq!(world.refreshes(), 1, "the spent token was sent again");
}

#[test]
fn a_login_after_a_logout_replaces_an_unsaved_token_under_any_clock() {
    let (world, store, session) = over();
    store.fail_times(3, Op::Tokens, Fault::Before);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotStored(_))));
    let sibling = world.session(&store);
    pollster::block_on(sibling.forget()).unwrap();
    world.set_now(world.server(|server| server.now()) - 2 * LIFE);
    let login = sibling.prime_blocking(world.login()).unwrap();
    assert_eq!(access(&session.token_blocking().unwrap()), access(&login), "the grant that was logged out came back");
    assert_eq!(store.kept().unwrap().access, access(&login));
    assert!(session.unsaved().is_none());
}

#[test]
fn an_unsaved_token_gives_way_to_a_later_login_and_to_a_logout() {
    // A login of another process.
    let (world, store, session) = over();
    store.fail_times(3, Op::Tokens, Fault::Before);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotStored(_))));
    world.advance(1);
    let login = world.session(&store).prime_blocking(world.login()).unwrap();
    assert_eq!(access(&session.token_blocking().unwrap()), access(&login));
    assert!(session.unsaved().is_none());

    // A logout of another process.
    let (world, store, session) = over();
    store.fail_times(3, Op::Tokens, Fault::Before);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotStored(_))));
    pollster::block_on(world.session(&store).forget()).unwrap();
    assert!(matches!(session.token_blocking(), Err(SessionError::Empty)));
    assert!(store.entry().is_none(), "a removed grant is not brought back");
}

#[test]
fn a_loss_that_cannot_be_written_is_still_a_loss() {
    let (world, store, session) = over();
    world.server(|server| server.revoke_all());
    store.fail(Op::Loss, Fault::Before);
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { loss: Loss::Refused, .. })));
    // The next process finds out again, as the policy allows.
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { loss: Loss::Refused, .. })));
    assert!(world.sent().len() <= 2);
    assert!(store.kept().unwrap().lost);
}

#[test]
fn a_mark_that_cannot_be_taken_back_costs_a_wait_and_nothing_else() {
    let (world, store, session) = over();
    store.fail(Op::Unmark, Fault::Before);
    world.network([Net::NotSent]);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotRenewed { .. })));
    assert_eq!(store.kept().unwrap().sent, 1);
    world.advance(60);
    assert!(session.token_blocking().is_ok());
}

#[test]
fn a_panicking_store_leaves_no_caller_waiting() {
    for op in [Op::Lock, Op::Load, Op::Mark, Op::Tokens] {
        let (world, store, session) = over();
        store.fail(op, Fault::Panic);
        let panicking = std::thread::spawn({
            let session = session.clone();
            move || session.token_blocking()
        });
        assert!(panicking.join().is_err(), "{op:?}");
        world.server(|server| server.knobs().refresh_grace = 30);
        assert!(session.token_blocking().is_ok(), "{op:?}");
    }
}

#[test]
fn after_a_panic_the_other_callers_continue() {
    let (world, store, session) = over();
    world.network([Net::HoldRequest]);
    let mut leader = Box::pin(session.token());
    let mut follower = Box::pin(session.token());
    assert!(poll_once(&mut leader).is_pending() && poll_once(&mut follower).is_pending());
    store.fail(Op::Tokens, Fault::Panic);
    world.release();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll_once(&mut leader))).is_err());
    world.server(|server| server.knobs().refresh_grace = 30);
    assert!(pollster::block_on(follower).is_ok());
    assert_eq!(world.sent().len(), 1, "the session kept the tokens at which the store panicked");
    assert!(session.unsaved().is_none());
}

#[test]
fn a_stack_that_panics_after_sending_leaves_a_mark() {
    let (world, store, session) = over();
    world.network([Net::Panic]);
    let panicking = std::thread::spawn({
        let session = session.clone();
        move || session.token_blocking()
    });
    assert!(panicking.join().is_err());
    assert_eq!(store.kept().unwrap().sent, 1);
    world.server(|server| server.knobs().refresh_grace = 30);
    assert!(session.token_blocking().is_ok());
}

#[test]
fn a_write_that_had_worked_long_ago_gives_out_no_token_that_is_over() {
    let (world, store, session) = over();
    store.fail(Op::Tokens, Fault::After);
    // It conflicts with itself, and cannot be read back.
    let unreadable = store.clone();
    world.at_wait(move || unreadable.fail(Op::Load, Fault::Before));
    assert!(matches!(session.token_blocking(), Err(SessionError::NotStored(_))));
    world.advance(2 * LIFE);
    let token = session.token_blocking().unwrap();
    assert!(token.expires_at().unwrap() > grantflow::UnixTime::from_secs(world.server(|server| server.now())));
    assert_eq!((store.kept().unwrap().access, world.sent().len()), (access(&token), 2));
}

#[test]
fn a_siblings_tokens_of_the_same_generation_are_not_taken_for_ours() {
    let (world, store, session) = over();
    world.server(|server| server.knobs().refresh_grace = 3600);
    store.fail_times(3, Op::Tokens, Fault::Before);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotStored(_))));
    let ours = serde_json::to_value(session.unsaved().unwrap().expose_tokens().unwrap()).unwrap();
    // The other process follows the mark, within the same second or with a clock that is behind.
    world.set_now(world.server(|server| server.now()) - 10);
    let theirs = world.session(&store).token_blocking().unwrap();
    assert_ne!(ours["access_token"].as_str().unwrap(), access(&theirs));
    world.advance(2 * LIFE);
    let token = session.token_blocking().unwrap();
    assert!(!token.is(&theirs), "it is over by now");
    assert_eq!(store.kept().unwrap().access, access(&token));
}

#[test]
fn a_caller_that_comes_while_a_login_is_stored_gets_its_result_and_the_login_is_kept() {
    let world = World::new();
    let store = world.store();
    world.session(&store).prime_blocking(world.login()).unwrap();
    let session = world.session(&store);
    world.advance(LIFE);
    let login = world.login();
    let text = login.bearer().unwrap().expose_secret().to_owned();
    world.waits(Waits::Park);
    store.fail_times(3, Op::Tokens, Fault::Before);
    let mut prime = Box::pin(session.prime(login));
    assert!(poll_once(&mut prime).is_pending(), "between two tries");
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending(), "it waits for the login");
    world.waits(Waits::Jump);
    world.release();
    assert!(matches!(pollster::block_on(prime), Err(SessionError::NotStored(_))));
    assert!(matches!(pollster::block_on(caller), Err(SessionError::NotStored(_))));
    assert!(session.unsaved().is_some());
    assert_eq!(access(&session.token_blocking().unwrap()), text);
    assert_eq!(store.kept().unwrap().access, text);
}

#[test]
fn a_mark_that_is_written_and_reported_as_failed_is_no_lost_answer() {
    for in_doubt in [InDoubt::Never, InDoubt::Once, InDoubt::Heal] {
        let world = World::new();
        let store = world.store();
        let session = world.session_with(&store, plain_policy().in_doubt(in_doubt));
        session.prime_blocking(world.login()).unwrap();
        world.advance(LIFE);
        store.fail(Op::Mark, Fault::After);
        // The store works again: the same call finds its own mark, and renews.
        let token = session.token_blocking().unwrap_or_else(|error| panic!("{in_doubt:?}: {error:?}"));
        assert_eq!((store.kept().unwrap().access, store.kept().unwrap().sent), (access(&token), 0));
        assert_eq!(world.sent().len(), 1, "{in_doubt:?}: one request");
        // Nothing was written: the error, and no request.
        world.advance(LIFE);
        store.fail(Op::Mark, Fault::Before);
        assert!(matches!(session.token_blocking(), Err(SessionError::Store(_))));
        assert_eq!((store.kept().unwrap().sent, world.sent().len()), (0, 1));
        assert!(session.token_blocking().is_ok());
    }
}

#[test]
fn a_refusal_while_the_store_cannot_be_read_is_named_in_the_error() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.server(|server| server.revoke_all());
    world.advance(LIFE);
    // The look, and the read under the lock, work; the one after the refusal does not.
    let spoilt = store.clone();
    store.before(Op::Mark, move || spoilt.fail(Op::Load, Fault::Before));
    let error = session.token_blocking().unwrap_err();
    let SessionError::Store(why) = &error else { panic!("{error:?}") };
    assert!(why.to_string().contains("the server has just refused"), "{why}");
    assert!(std::error::Error::source(&**why).is_some(), "the store's own error is below it");
    // Nothing is given up, and the next call finds the verdict again.
    assert!(!store.kept().unwrap().lost);
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { .. } | SessionError::InDoubt { .. })));
}
