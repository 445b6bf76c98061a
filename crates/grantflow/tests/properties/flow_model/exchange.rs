//! Grants that are tokens themselves: token exchange, assertions, identity assertions, extension grants.

use grantflow::{
    AccessToken, Assertion, AssertionGrant, Exchange, Exchanged, ExtensionGrant, IdentityAssertionRequest, Left,
    SecurityToken, Step, TokenExchange, TokenTypeIdentifier, Tokens,
};

use super::{Model, Stage};

pub(super) const VOUCHER: &str = "urn:example:grant-type:voucher";
const ISSUER: &str = "https://as.example";

impl Model {
    /// The access token becomes another token. It stays what it was.
    pub(super) fn exchange_token(&mut self, tokens: Tokens, argument: u8) -> Stage {
        let subject = SecurityToken::access_token(tokens.bearer().unwrap().expose_secret()).unwrap();
        let kinds = [
            TokenTypeIdentifier::ACCESS_TOKEN,
            TokenTypeIdentifier::JWT,
            TokenTypeIdentifier::REFRESH_TOKEN,
            TokenTypeIdentifier::SAML2,
        ];
        let kind = kinds[usize::from(argument) % kinds.len()].clone();
        let mut exchange = TokenExchange::new(self.client().clone(), subject).requested_token_type(kind.clone());
        assert_eq!(exchange.client().id(), self.client().id());
        if argument & 16 != 0 {
            exchange = exchange.audience("the-api").and_then(|exchange| exchange.audience("another")).unwrap();
        }
        if argument & 32 != 0 {
            let only = exchange.for_access_token();
            if let Some(issued) = self.trade(only, argument, access) {
                self.ledger.show(&issued);
                self.reached.exchanged += 1;
            }
            return Stage::HasTokens(tokens);
        }
        let Some(exchanged) =
            self.trade(exchange, argument, |exchanged| exchanged.to_security_token().expose_secret().to_owned())
        else {
            return Stage::HasTokens(tokens);
        };
        self.ledger.show(&exchanged);
        if argument <= 63 {
            assert_eq!(*exchanged.issued_token_type(), kind);
            let applicable = kind == TokenTypeIdentifier::ACCESS_TOKEN || kind == TokenTypeIdentifier::REFRESH_TOKEN;
            let is_usable = matches!(exchanged, Exchanged::Tokens { .. });
            // Without a refresh token, what the server calls one is not used at an API.
            assert!(is_usable == applicable || kind == TokenTypeIdentifier::REFRESH_TOKEN, "{kind:?}");
        }
        self.reached.exchanged += 1;
        Stage::HasTokens(tokens)
    }

    /// A JWT, or a SAML assertion, gets tokens.
    pub(super) fn assert(&mut self, argument: u8) -> Stage {
        self.chosen = usize::from(argument) % self.identities.len();
        let assertion = if argument & 16 == 0 {
            Assertion::jwt(self.provider.sign_jwt(ISSUER, "ada"))
        } else {
            Assertion::saml2_xml(self.provider.sign_saml2(ISSUER, "ada"))
        };
        let assertion = assertion.unwrap();
        self.ledger.secret(assertion.expose_secret());
        let grant = AssertionGrant::new(self.client().clone(), assertion).scope("read").unwrap();
        self.brings(grant, argument)
    }

    /// The server states who the person is, and takes its own word for it; or a voucher gets tokens.
    pub(super) fn vouch(&mut self, argument: u8) -> Stage {
        self.chosen = usize::from(argument) % self.identities.len();
        let client = self.client().clone();
        if argument & 16 != 0 {
            let grant =
                ExtensionGrant::new(&client, VOUCHER).unwrap().param("voucher", "v0ucher-of-the-model").unwrap();
            self.ledger.secret("v0ucher-of-the-model");
            return match argument & 32 {
                0 => self.brings(grant, argument),
                _ => self.brings(grant.replayable(), argument),
            };
        }
        let id_token = self.provider.sign_jwt(client.id(), "ada");
        self.ledger.secret(&id_token);
        let subject = SecurityToken::id_token(id_token).unwrap();
        let request = IdentityAssertionRequest::new(&client, subject, &client).unwrap().scope("read").unwrap();
        let Some(assertion) = self.trade(request, argument, |assertion| assertion.expose_secret().to_owned()) else {
            return Stage::Idle;
        };
        self.ledger.show(&assertion);
        self.reached.vouched += 1;
        self.brings(assertion.grant(), argument & 63)
    }

    /// An exchange that gives tokens, which are kept.
    fn brings<X: Exchange<Output = Tokens> + std::fmt::Debug>(&mut self, exchange: X, argument: u8) -> Stage {
        let Some(tokens) = self.trade(exchange, argument, access) else { return Stage::Idle };
        if tokens.bearer().is_err() {
            return Stage::Idle;
        }
        self.ledger.show(&tokens);
        self.granted = Some(tokens.scope().clone());
        if let Some(refresh) = tokens.refresh_token() {
            refresh.expose_secret().clone_into(&mut self.in_hand);
            self.ledger.secret(&self.in_hand);
            self.ledger.allow(&self.in_hand);
        }
        self.reached.asserted += 1;
        Stage::HasTokens(tokens)
    }

    /// One round trip. Good tokens are taken, and a failure leaves what it must.
    fn trade<X: Exchange + std::fmt::Debug>(
        &mut self,
        exchange: X,
        argument: u8,
        token: impl Fn(&X::Output) -> String,
    ) -> Option<X::Output> {
        self.ledger.show(&exchange);
        let exchange = if argument.is_multiple_of(7) { self.give_back(exchange) } else { exchange };
        let behaves = argument <= 63;
        let (outcome, seen) = self.round_trip(exchange, (!behaves).then_some(argument));
        match outcome {
            Ok(Step::Done(output)) => {
                assert!(seen.is_success(), "a token out of {:?}", seen.status);
                let text = token(&output);
                assert!(String::from_utf8_lossy(&seen.body).contains(&text), "a token that the answer does not hold");
                self.ledger.secret(&text);
                Some(output)
            }
            Ok(Step::Again(_)) => panic!("this flow has one step"),
            Err(failure) => {
                let other_kind = failure.error.to_string().contains("only an access token was asked for");
                assert!(!(behaves && seen.issued) || other_kind, "a good token was refused: {}", failure.error);
                self.ledger.show_error(&failure);
                if let Left::Spent = failure.left {
                    assert!(failure.error.code().is_some(), "spent without a verdict: {}", failure.error);
                }
                None
            }
        }
    }
}

fn access(tokens: &Tokens) -> String {
    match tokens.access_token() {
        AccessToken::Bearer(token) => token.expose_secret().to_owned(),
        AccessToken::Dpop(token) => token.expose_secret().to_owned(),
    }
}
