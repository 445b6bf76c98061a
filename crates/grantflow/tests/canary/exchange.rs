//! Token exchanges, assertion grants, identity assertions and extension grants.

use std::fmt::Debug;

use grantflow::{
    Assertion, AssertionGrant, Exchange, ExtensionGrant, IdentityAssertionRequest, Left, SecurityToken, Sent, Step,
    TokenExchange, TokenTypeIdentifier,
};
use grantflow_testkit::{Endpoint, Misbehaviour};

use crate::EXTRA;
use crate::world::World;

const VOUCHER: &str = "urn:example:grant-type:voucher";
const ISSUER: &str = "https://as.example";

impl World {
    /// One round trip of an exchange that may be used up, with everything that shows on the way.
    fn trade<X: Exchange + Debug>(&mut self, exchange: X) -> Option<X::Output>
    where
        X::Output: Debug,
    {
        self.canary.debug(&exchange);
        let request = exchange.request(&mut self.env()).unwrap();
        self.canary.secrets_of(&request);
        self.canary.debug(&request);
        let outcome = match self.provider.try_handle(&request) {
            Some(response) => {
                self.canary.secrets_of_answer(response.body());
                exchange.respond(&mut self.env(), response)
            }
            None => exchange.unanswered(&mut self.env(), Sent::MaybeSent),
        };
        match outcome {
            Ok(step) => {
                self.canary.debug(&step);
                let Step::Done(output) = step else { panic!("this flow has one step") };
                Some(output)
            }
            Err(failure) => {
                self.canary.failure(&failure);
                self.canary.debug(&failure.left);
                if let Left::Intact(left) | Left::Unknown(left) = failure.left {
                    self.canary.debug(&left);
                }
                None
            }
        }
    }
}

/// A server that writes what it was sent into every answer.
#[test]
fn nothing_shows_of_what_is_exchanged() {
    let reflected = [400, 401, 403, 404, 500].map(|status| Misbehaviour::Reflect { status, acts: false });
    let wrong = Misbehaviour::all_at(Endpoint::Token).into_iter().filter(|how| !how.replaces() || how.acts());
    let mut shown = 0;
    for (number, how) in [None, None].into_iter().chain(reflected.into_iter().chain(wrong).map(Some)).enumerate() {
        let mut world = World::new(number as u64);
        world.provider.knobs().extension_grant = Some(VOUCHER.to_owned());
        world.provider.knobs().refresh_token_without_person = number % 2 == 0;
        let client = world.client();
        let subject = world.provider.sign_jwt("app", "ada");
        let actor = world.provider.sign_jwt("app", "the-service");
        let spoil = |world: &mut World| {
            if let Some(how) = &how {
                world.provider.knobs().misbehave(how.clone());
            }
        };
        // One type for each answer is enough, because every answer is given to every flow.
        let kinds = [TokenTypeIdentifier::JWT, TokenTypeIdentifier::ACCESS_TOKEN, TokenTypeIdentifier::SAML2];
        for kind in kinds.into_iter().skip(number % 3).take(1) {
            let subject = SecurityToken::id_token(subject.as_str()).unwrap();
            let exchange = TokenExchange::new(&client, subject)
                .actor(SecurityToken::jwt(actor.as_str()).unwrap())
                .requested_token_type(kind)
                .param("x", EXTRA)
                .unwrap();
            spoil(&mut world);
            let Some(exchanged) = world.trade(exchange) else { continue };
            world.canary.debug(&exchanged.to_security_token());
            world.canary.debug(&exchanged.to_assertion());
            match exchanged.into_issued() {
                Ok(token) => {
                    world.canary.debug(&token);
                    world.canary.debug(&token.refresh_token());
                    world.canary.debug(&(token.scope(), token.token_type(), token.to_assertion()));
                }
                Err(failure) => world.canary.failure(&failure),
            }
        }
        let subject = SecurityToken::id_token(subject).unwrap();
        spoil(&mut world);
        world.trade(TokenExchange::new(&client, subject.clone()).for_access_token());
        let request = IdentityAssertionRequest::new(&client, subject, &client).unwrap().param("x", EXTRA).unwrap();
        spoil(&mut world);
        if let Some(assertion) = world.trade(request) {
            world.canary.debug(&assertion);
            world.trade(assertion.grant());
        }
        let signed = world.provider.sign_jwt(ISSUER, "ada");
        spoil(&mut world);
        world.trade(AssertionGrant::new(&client, Assertion::jwt(signed).unwrap()).param("x", EXTRA).unwrap());
        let xml = world.provider.sign_saml2(ISSUER, "ada");
        spoil(&mut world);
        world.trade(AssertionGrant::new(&client, Assertion::saml2_xml(xml).unwrap()));
        let voucher = ExtensionGrant::new(&client, VOUCHER).unwrap().param("x", EXTRA).unwrap();
        spoil(&mut world);
        world.trade(voucher);
        shown += world.check().0;
    }
    assert!(shown > 5_000, "the canary was shown {shown} texts only");
}

/// A server that puts the tokens into the members that are no tokens.
#[test]
fn nothing_shows_of_a_token_in_a_wrong_place() {
    let token = "CANARY-token-in-a-wrong-place";
    for body in [
        format!(r#"{{"access_token":"{token}","token_type":"N_A","issued_token_type":"urn:{token}:x"}}"#),
        format!(r#"{{"access_token":"{token}","token_type":"N_A","issued_token_type":"{token}"}}"#),
        format!(r#"{{"access_token":"{token}","token_type":"{token}","issued_token_type":"urn:x:y"}}"#),
        format!(
            r#"{{"access_token":"{token}","token_type":"Bearer","issued_token_type":"urn:{token}:x","y":"{token}"}}"#
        ),
        format!(r#"{{"access_token":"x","token_type":"N_A","issued_token_type":"urn:x:y","refresh_token":"{token}"}}"#),
        format!(r#"{{"error":"{token}","issued_token_type":"{token}"}}"#),
    ] {
        let mut world = World::new(3);
        world.canary.secret(token);
        let client = world.client();
        for only in [false, true] {
            let exchange = TokenExchange::new(&client, SecurityToken::access_token(token).unwrap());
            world.canary.debug(&exchange);
            let mut env = world.env();
            let answer = http::Response::new(body.clone());
            let (failure, output) = if only {
                let exchange = exchange.for_access_token();
                match exchange.respond(&mut env, answer) {
                    Ok(step) => (None, format!("{step:?}")),
                    Err(failure) => (Some(failure.into_error()), String::new()),
                }
            } else {
                match exchange.respond(&mut env, answer) {
                    Ok(step) => (None, format!("{step:?} {step:#?}")),
                    Err(failure) => (Some(failure.into_error()), String::new()),
                }
            };
            world.canary.display(&output);
            if let Some(error) = failure {
                world.canary.error(&error);
            }
        }
        assert!(world.check().0 >= 4);
    }
}
