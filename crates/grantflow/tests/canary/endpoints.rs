//! Pushed requests, introspection and revocation.

use super::*;

/// A server that writes what it was sent, and what it knows of a person, into every member.
#[test]
fn nothing_shows_of_pushed_requests_of_revocation_and_of_what_introspection_says_of_a_person() {
    let wrong = [Endpoint::PushedAuthorization, Endpoint::Introspection, Endpoint::Revocation]
        .into_iter()
        .flat_map(|endpoint| Misbehaviour::all_at(endpoint).into_iter().map(move |how| (endpoint, Some(how))))
        // Whether the server did its work changes nothing that is printed.
        .filter(|(_, how)| how.as_ref().is_some_and(|how| !how.replaces() || how.acts()));
    let reflected = [400, 401, 403, 404, 500].map(|status| Misbehaviour::Reflect { status, acts: false });
    let reflected = reflected.into_iter().flat_map(|how| {
        let endpoints = [Endpoint::PushedAuthorization, Endpoint::Introspection, Endpoint::Revocation];
        endpoints.map(|endpoint| (endpoint, Some(how.clone())))
    });
    let mut shown = 0;
    let good = (0..4).map(|_| (Endpoint::Token, None));
    for (number, (endpoint, how)) in good.chain(reflected).chain(wrong).enumerate() {
        let mut world = World::new(number as u64);
        world.know_all_endpoints();
        let client = world.client();
        let spoil = |world: &mut World, at: Endpoint| {
            if let Some(how) = how.clone().filter(|_| at == endpoint) {
                world.provider.knobs().misbehave_at(at, how);
            }
        };

        if how.is_none() || endpoint == Endpoint::PushedAuthorization {
            let authorization = Authorization::new(&client, REDIRECT_URI).unwrap().param("x", EXTRA).unwrap();
            let begun = authorization.begin(&mut world.env()).unwrap();
            world.canary.debug(&begun);
            let exchange = authorization.push(&mut world.env()).unwrap();
            spoil(&mut world, Endpoint::PushedAuthorization);
            if let Some(redirect) = world.ask(exchange) {
                world.canary.debug(&redirect);
                // What the person carries is for them alone.
                if how.is_none() {
                    world.canary.secret(redirect.url.as_str().rsplit("%3A").next().unwrap());
                }
                world.canary.debug(&redirect.url);
                world.canary.debug(&redirect.pending);
            }
        }
        if endpoint == Endpoint::PushedAuthorization {
            shown += world.check().0;
            continue;
        }

        let tokens = world.log_in().unwrap();
        world.canary.secret("CANARY-person-ada");
        world.provider.knobs().user = "CANARY-person-ada".to_owned();
        let token = tokens.bearer().unwrap().expose_secret().to_owned();
        let question = grantflow::Introspection::new(&client, &token).unwrap().param("x", EXTRA).unwrap();
        spoil(&mut world, Endpoint::Introspection);
        if let Some(said) = world.ask(question) {
            world.canary.debug(&said.active());
        }

        let alone = grantflow::Revocation::of_token(&client, token, None).unwrap();
        world.canary.debug(&alone);
        let revocation = tokens.revoke().unwrap().param("x", EXTRA).unwrap();
        let revocation = match revocation.param("token", SECRET) {
            Err(failure) => {
                world.canary.failure(&failure);
                let Left::Intact(revocation) = failure.left else { panic!("the tokens are lost") };
                *revocation
            }
            Ok(_) => panic!("a second token was taken"),
        };
        spoil(&mut world, Endpoint::Revocation);
        world.ask(revocation);
        shown += world.check().0;
    }
    assert!(shown > 5_000, "the canary was shown {shown} texts only");
}

/// A token that a server tells back, in the places where a resource might log it.
#[test]
fn nothing_shows_of_a_token_that_introspection_tells_back() {
    let token = "CANARY-token-that-was-asked-about";
    let mut world = World::new(2);
    world.know_all_endpoints();
    world.canary.secret(token);
    let client = world.client();
    let names = ["scope", "client_id", "username", "token_type", "sub", "aud", "iss", "jti", "more"];
    let members: String = names.iter().map(|name| format!(r#","{name}":"{token}""#)).collect();
    for body in [
        format!(r#"{{"active":true{members}}}"#),
        format!(r#"{{"active":true,"aud":["{token}"]}}"#),
        format!(r#"{{"active":"{token}"}}"#),
        format!(r#"{{"active":true,"exp":"{token}"}}"#),
        format!(r#"{{"active":true,"{token}":1,"{token}":2}}"#),
        format!(r#"{{"error":"{token}","error_description":"{token}","error_uri":"{token}"}}"#),
        token.to_owned(),
    ] {
        let question = grantflow::Introspection::new(&client, token).unwrap();
        world.canary.debug(&question);
        match question.respond(&mut world.env(), http::Response::new(body)) {
            Ok(step) => {
                world.canary.debug(&step);
                let Step::Done(said) = step else { panic!("it has one step") };
                let said = said.active().unwrap();
                world.canary.debug(said);
                world.canary.debug(&said.scope());
            }
            Err(failure) => {
                world.canary.failure(&failure);
                world.canary.debug(&failure.left);
            }
        }
    }
    assert!(world.check().0 > 20);
}
