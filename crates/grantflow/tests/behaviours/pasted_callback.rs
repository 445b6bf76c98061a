//! An address that a person pasted: blanks around it are not part of it, and a torn address is not a callback.

use grantflow::{Callback, NotOurs, PendingCallback};

use crate::support::*;

fn unrelated(callback: Callback) -> (PendingCallback, NotOurs) {
    match callback {
        Callback::Unrelated { pending, why } => (pending, why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn blanks_and_line_breaks_around_it_are_no_part_of_it() {
    for (before, after) in [
        ("", "\n"),
        ("", "\r\n"),
        ("", "\n\n"),
        ("", " "),
        ("", "\t"),
        ("", " \t\r\n \n"),
        (" ", ""),
        ("\n", ""),
        ("\t \r\n", " \r\n"),
        ("", "\u{a0}"),
        ("", "\u{2028}"),
    ] {
        let mut world = World::new();
        let (pending, state) = world.waiting();
        let exchange =
            granted(pending.receive_url(&format!("{before}{REDIRECT_URI}?state={state}&code=the-code{after}")));
        assert_eq!(parameter(&body(&world.request(&exchange)), "code"), "the-code", "{before:?} {after:?}");

        let mut world = World::new();
        let (pending, state) = world.waiting();
        let denied = pending.receive_url(&format!("{before}{REDIRECT_URI}?state={state}&error=access_denied{after}"));
        assert!(
            matches!(&denied, Callback::Denied(error) if *error.code() == grantflow::ErrorCode::AccessDenied),
            "{denied:?}"
        );
    }
}

#[test]
fn a_control_character_within_makes_it_unrelated_and_the_grant_still_waits() {
    for control in ["\n", "\r\n", "\r", "\t", "\0", "\u{b}", "\u{c}", "\u{1b}", "\u{7f}", "\u{85}", "\u{9b}"] {
        let mut world = World::new();
        let (mut pending, state) = world.waiting();
        let good = format!("{REDIRECT_URI}?code=abc&state={state}");
        // After the host, inside of the code, inside of the state, and inside of a parameter without a meaning.
        let torn = [
            good.replace("/cb", &format!("/{control}cb")),
            good.replace("abc", &format!("a{control}bc")),
            good.replace("&state=", &format!("&state={control}")),
            format!("{good}&x={control}y"),
            format!("{good}#x{control}y"),
            good.replace("https", &format!("ht{control}tps")),
        ];
        for torn in torn {
            let (kept, why) = unrelated(pending.receive_url(&torn));
            assert_eq!(why, NotOurs::ControlCharacter, "{torn:?}");
            pending = kept;
        }
        let _ = granted(pending.receive_url(&good));
    }
}

#[test]
fn an_error_with_a_control_character_is_no_verdict() {
    for error in ["access%0Adenied", "access_denied%00", "%7F", "access_denied%0D%0A"] {
        let mut world = World::new();
        let (pending, state) = world.waiting();
        let callback = pending.receive_url(&format!("{REDIRECT_URI}?state={state}&error={error}"));
        assert_eq!(verdict(&callback), "rejected", "{error}");
    }
}

#[test]
fn a_text_that_is_not_an_address_is_unrelated() {
    let mut world = World::new();
    let (mut pending, state) = world.waiting();
    for text in ["", "\n", "   ", "abc", "code=abc", "?code=abc", "//app.example/cb", ":", "%", "https:", "https://"] {
        let text = format!("{text}&state={state}");
        let (kept, _) = unrelated(pending.receive_url(&text));
        pending = kept;
    }
    let _ = granted(pending.receive_url(&format!("{REDIRECT_URI}?code=abc&state={state}")));
}
