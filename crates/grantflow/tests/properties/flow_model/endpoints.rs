//! Requests that do no harm when they are sent twice: pushed authorization requests, introspection, revocation.

use grantflow::{
    Authorization, Env, Exchange, Introspected, Introspection, Left, Redirect, Revocation, Sent, Step, Tokens,
};
use grantflow_testkit::{Endpoint, Misbehaviour};
use http::header;

use super::identity::REDIRECT_URI;
use super::wire::parameter;
use super::{Model, Stage, Waiting};

impl Model {
    /// A grant that starts with a pushed request. The browser carries the reference, after any earlier fault.
    pub(super) fn push(&mut self, argument: u8) -> Stage {
        self.chosen = usize::from(argument) % self.identities.len();
        let now = self.now();
        let authorization = Authorization::new(self.client(), REDIRECT_URI).unwrap().scope("read write").unwrap();
        let exchange = authorization.push(&mut Env::new(now, &mut self.rng)).unwrap();
        let sent = exchange.request(&mut Env::new(now, &mut self.rng)).unwrap();
        let sent = format!("?{}", String::from_utf8(sent.body().as_ref().to_vec()).unwrap());
        let state = parameter(&sent, "state");
        self.ledger.secret(&state);
        let Redirect { url, pending } = self.harmless(exchange, Endpoint::PushedAuthorization, argument);
        self.ledger.show(&url);
        self.ledger.show(&pending);
        let carried = url.as_str().split_once('?').map(|(_, query)| query).unwrap_or_default();
        let names: Vec<&str> = carried.split('&').filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
        assert_eq!(names, ["client_id", "request_uri"], "more than a reference goes through the browser");
        let pushed = self.provider.hits_at(Endpoint::PushedAuthorization).last().expect("it was sent");
        assert_eq!(pushed.parameter("request_uri"), None);
        assert_eq!(pushed.parameter("state"), Some(state.as_str()), "another request was pushed");
        self.reached.pushed += 1;
        // A server that misbehaves may have named another reference: then the person sees a page.
        Stage::Waiting(Waiting { pending, url: sent, way: url.as_str().to_owned() })
    }

    /// A resource asks about the access token. What the answer says is what the server knows.
    pub(super) fn introspect(&mut self, tokens: Tokens, argument: u8) -> Stage {
        let (_, resource) = self.confidential(argument);
        let token = tokens.bearer().unwrap().expose_secret().to_owned();
        let question = Introspection::new(&resource, &token).unwrap();
        let said = self.harmless(question, Endpoint::Introspection, argument);
        self.ledger.show(&said);
        let mut request = http::Request::get(self.provider.resource_url()).body(Vec::<u8>::new()).unwrap();
        tokens.bearer().unwrap().authorize(&mut request).unwrap();
        let opens = self.provider.handle(&request).status() == 200;
        if argument <= 63 {
            assert_eq!(matches!(said, Introspected::Active(_)), opens, "the API and the server disagree");
        }
        self.reached.described += 1;
        Stage::HasTokens(tokens)
    }

    /// The person logs out. Until the server confirms the revocation, the tokens are kept.
    pub(super) fn revoke(&mut self, tokens: Tokens, argument: u8) -> Stage {
        let access = tokens.bearer().unwrap().expose_secret().to_owned();
        if argument.is_multiple_of(3) {
            // One token alone; the others stay.
            let revocation = Revocation::of_token(self.client().clone(), access, None).unwrap();
            self.harmless(revocation, Endpoint::Revocation, argument);
            self.reached.revoked += 1;
            return Stage::HasTokens(tokens);
        }
        let mut revocation = tokens.revoke().unwrap();
        if argument.is_multiple_of(5) {
            revocation = revocation.into_tokens().expect("they were not given up").revoke().unwrap();
        }
        self.harmless(revocation, Endpoint::Revocation, argument);
        if argument <= 63 {
            let mut request = http::Request::get(self.provider.resource_url()).body(Vec::<u8>::new()).unwrap();
            request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {access}").parse().unwrap());
            assert_eq!(self.provider.handle(&request).status(), 401, "what was given up still opens");
        }
        self.reached.revoked += 1;
        Stage::Idle
    }

    /// Carries it to the server; if the argument wants that, the first answer is spoilt. Then all of it is left, and the
    /// second answer is a good one.
    fn harmless<X: Exchange + std::fmt::Debug>(&mut self, exchange: X, at: Endpoint, argument: u8) -> X::Output {
        let misbehaves = argument > 63;
        if misbehaves {
            let index = usize::from(argument - 64) * 7 + self.provider.log().len();
            self.provider.knobs().misbehave_at(at, Misbehaviour::from_index_at(at, index));
        }
        let exchange = match self.carry(exchange) {
            Ok(output) => {
                self.provider.knobs().behave_at(at);
                return output;
            }
            Err(left) => left,
        };
        assert!(misbehaves, "a good answer was refused");
        self.provider.knobs().behave_at(at);
        self.carry(exchange).unwrap_or_else(|_| panic!("what was left does not work"))
    }

    fn carry<X: Exchange + std::fmt::Debug>(&mut self, exchange: X) -> Result<X::Output, X> {
        self.ledger.show(&exchange);
        let now = self.now();
        let request = exchange.request(&mut Env::new(now, &mut self.rng)).unwrap();
        let before = self.provider.log().len();
        let answer = self.provider.try_handle(&request);
        assert_eq!(self.provider.log().len(), before + 1);
        let mut env = Env::new(now, &mut self.rng);
        let step = match answer {
            Some(answer) => exchange.respond(&mut env, answer),
            None => exchange.unanswered(&mut env, Sent::MaybeSent),
        };
        match step {
            Ok(Step::Done(output)) => Ok(output),
            Ok(Step::Again(_)) => panic!("this flow has one step"),
            Err(failure) => {
                self.ledger.show_error(&failure);
                let Left::Intact(left) = failure.left else { panic!("harmless, and lost: {}", failure.error) };
                Err(*left)
            }
        }
    }
}
