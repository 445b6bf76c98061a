//! What a failure leaves of a registration, and of its management.

use grantflow::{Env, ErrorCode, Left, Next, Sent};
use grantflow_testkit::Misbehaviour;

use super::*;

/// The name of what is left, and the exchange.
fn left<X>(failure: Failure<X>) -> (&'static str, Option<X>) {
    match failure.left {
        Left::Spent => ("spent", None),
        Left::Intact(exchange) => ("intact", Some(*exchange)),
        Left::Unknown(exchange) => ("unknown", Some(*exchange)),
    }
}

#[test]
fn a_refusal_leaves_a_registration_intact_and_what_proves_nothing_leaves_it_unknown() {
    let refused = |code: &str| format!(r#"{{"error":"{code}","error_description":"s3cret"}}"#);
    for (status, body, expected) in [
        (400, refused("invalid_redirect_uri"), "intact"),
        (400, refused("invalid_client_metadata"), "intact"),
        (400, refused("invalid_software_statement"), "intact"),
        (400, refused("unapproved_software_statement"), "intact"),
        (403, refused("invalid_client_metadata"), "intact"),
        (200, refused("invalid_client_metadata"), "intact"),
        (401, refused("invalid_token"), "intact"),
        (403, refused("insufficient_scope"), "intact"),
        (400, refused("invalid_request"), "intact"),
        (401, "<html>".to_owned(), "intact"),
        (401, String::new(), "intact"),
        (429, String::new(), "intact"),
        // No RFC has these codes for this answer.
        (400, refused("Bad Request"), "unknown"),
        (200, refused("Service Unavailable"), "unknown"),
        (500, refused("server_error"), "unknown"),
        (503, refused("temporarily_unavailable"), "unknown"),
        (404, refused("invalid_client_metadata"), "unknown"),
        (201, "{\"client_id\":\"c\"".to_owned(), "unknown"),
        (201, "<html>".to_owned(), "unknown"),
        (201, "{}".to_owned(), "unknown"),
        (204, String::new(), "unknown"),
        (302, String::new(), "unknown"),
        (400, "<html>".to_owned(), "unknown"),
        (404, "<html>".to_owned(), "unknown"),
        (502, "<html>".to_owned(), "unknown"),
    ] {
        let failure = answered(status, &body).unwrap_err();
        let shown = format!("{failure} {failure:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("Bad Request"), "{shown}");
        assert!(shown.contains("registration endpoint"), "{shown}");
        assert!(!shown.contains("Quirk"), "no quirk helps: {shown}");
        assert_eq!(left(failure).0, expected, "{status} {body}");
    }
    let failure = answered(400, &refused("unapproved_software_statement")).unwrap_err();
    assert_eq!(failure.error.code(), Some(&ErrorCode::UnapprovedSoftwareStatement));
    assert_eq!(failure.error.next(), Next::FixConfiguration);
}

#[test]
fn a_lost_answer_may_have_made_a_client() {
    let (_, server) = registering();
    let lost = |sent| {
        let mut dice = Dice(1);
        registration(&server).unanswered(&mut Env::new(NOW, &mut dice), sent).unwrap_err()
    };
    assert_eq!(left(lost(Sent::NotSent)).0, "intact");
    assert_eq!(left(lost(Sent::MaybeSent)).0, "unknown");
}

#[test]
fn a_lost_update_leaves_both_possible_and_nothing_is_lost() {
    let (mut provider, server) = registering();
    provider.knobs().rotate_registration = true;
    let registered = registered(&mut provider, &server);
    provider.knobs().misbehave_at(Endpoint::ClientConfiguration, Misbehaviour::Lost { acts: false });
    let changes = || ClientMetadata::new().client_name("Other").unwrap();
    let failure = run_to_its_end(&mut provider, registered.update(changes()).unwrap()).0.unwrap_err();
    let ("unknown", Some(update)) = left(failure) else { panic!("not unknown") };
    // The server never saw it, so the old access token is good.
    let registered = run_to_its_end(&mut provider, update.into_registered().read().unwrap()).0.unwrap();
    assert_eq!(registered.client_name(), Some("Clubs"));

    // Now the server acts, and its new credentials are lost with its answer.
    provider.knobs().misbehave_at(Endpoint::ClientConfiguration, Misbehaviour::Lost { acts: true });
    let failure = run_to_its_end(&mut provider, registered.update(changes()).unwrap()).0.unwrap_err();
    let ("unknown", Some(update)) = left(failure) else { panic!("not unknown") };
    let failure = run_to_its_end(&mut provider, update.into_registered().read().unwrap()).0.unwrap_err();
    let text = failure.error.to_string();
    assert!(text.contains("not valid here any more, or the client is gone"), "{text}");
    assert_eq!(left(failure).0, "intact");
}

#[test]
fn every_answer_leaves_a_read_and_a_deletion_intact_and_the_client_can_be_taken_back() {
    for how in Misbehaviour::all_at(Endpoint::ClientConfiguration) {
        let (mut provider, server) = registering();
        let registered = registered(&mut provider, &server);
        let id = registered.client_id().to_owned();
        provider.knobs().misbehave_at(Endpoint::ClientConfiguration, how.clone());
        let registered = match run_to_its_end(&mut provider, registered.read().unwrap()).0 {
            Ok(registered) => registered,
            Err(failure) => intact(failure, "client configuration endpoint", &format!("{how:?}")).into_registered(),
        };
        assert_eq!(registered.client_id(), id, "{how:?}");
        // After every answer, the token and the place are those that the server gave at first.
        provider.knobs().behave_at(Endpoint::ClientConfiguration);
        let Ok(read) = registered.read() else { panic!("{how:?}: it cannot be managed any more") };
        let registered = match run_to_its_end(&mut provider, read).0 {
            Ok(registered) => registered,
            // A new access token that the server does not know: it was in the answer.
            Err(failure) => {
                assert!(format!("{how:?}").contains("registration_"), "{how:?}");
                intact(failure, "client configuration endpoint", "").into_registered()
            }
        };
        provider.knobs().misbehave_at(Endpoint::ClientConfiguration, how.clone());
        if let Err(failure) = run_to_its_end(&mut provider, registered.delete().unwrap()).0 {
            let _ = intact(failure, "client configuration endpoint", &format!("{how:?}"));
        }
    }
}

#[test]
fn what_is_left_of_an_update() {
    let (mut provider, server) = registering();
    let refused = |code: &str| format!(r#"{{"error":"{code}"}}"#);
    for (status, body, expected) in [
        (400, refused("invalid_client_metadata"), "intact"),
        (400, refused("invalid_redirect_uri"), "intact"),
        (401, refused("invalid_token"), "intact"),
        (401, String::new(), "intact"),
        (403, refused("insufficient_scope"), "intact"),
        (429, String::new(), "intact"),
        (400, refused("Bad Request"), "unknown"),
        (403, String::new(), "unknown"),
        (405, String::new(), "unknown"),
        (502, "<html>".to_owned(), "unknown"),
        (200, "{\"client_id\":\"".to_owned(), "unknown"),
        (200, "{\"client_id\":\"another\"}".to_owned(), "unknown"),
        (204, String::new(), "unknown"),
    ] {
        let update = registered(&mut provider, &server).update(ClientMetadata::new()).unwrap();
        let failure = World::new().answer(update, json(status, &body)).unwrap_err();
        let shown = failure.to_string();
        assert!(shown.contains("client configuration endpoint"), "{shown}");
        if status == 405 {
            assert!(shown.contains("does not let a client"), "{shown}");
        }
        let (found, update) = left(failure);
        assert_eq!(found, expected, "{status} {body}");
        assert!(update.unwrap().into_registered().is_manageable());
    }
}

#[test]
fn only_a_204_or_an_empty_200_ends_a_registration() {
    let (mut provider, server) = registering();
    for (status, body, ends) in [
        (204, "", true),
        (200, "", true),
        (200, " \n", true),
        (200, "<html>", false),
        (200, "{\"error\":\"invalid_token\"}", false),
        (202, "", false),
        (302, "", false),
        (401, "", false),
        (404, "", false),
        (405, "", false),
        (503, "", false),
    ] {
        let deletion = registered(&mut provider, &server).delete().unwrap();
        let outcome = World::new().answer(deletion, json(status, body));
        assert_eq!(outcome.is_ok(), ends, "{status} {body}");
        if let Err(failure) = outcome {
            let _ = intact(failure, "client configuration endpoint", "a deletion");
        }
    }
}
