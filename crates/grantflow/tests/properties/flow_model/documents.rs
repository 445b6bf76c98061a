//! Metadata: from an issuer, or from an API that refuses, to a server.

use grantflow::{
    Challenges, Discovery, Env, Exchange, Failure, Left, ResourceDiscovery, ResourceMetadata, Sent, ServerMetadata,
    Step,
};
use grantflow_testkit::{Endpoint, Misbehaviour};
use http::Request;

use super::Model;

impl Model {
    /// Looks for the server by its documents. A document that is found belongs to the server, and a missing one loses
    /// nothing.
    pub(super) fn find(&mut self, argument: u8) {
        self.provider.knobs().challenge_names_metadata = argument & 2 != 0;
        if argument & 4 != 0 {
            self.provider.knobs().omit(Endpoint::ServerMetadata).serve(Endpoint::OpenidConfiguration);
            self.provider.knobs().omit(Endpoint::ResourceMetadata).serve(Endpoint::ResourceMetadataAtRoot);
        }
        let server = Discovery::new(self.provider.issuer()).unwrap();
        let at = [Endpoint::ServerMetadata, Endpoint::OpenidConfiguration][usize::from(argument & 4 != 0)];
        if let Some(metadata) = self.search(server, at, argument) {
            self.is_the_servers(&metadata, argument);
        }
        let api = self.provider.resource_url();
        let refused = self.provider.handle(&Request::get(&api).body("").unwrap());
        // A challenge names the place of the resource's document, which may be empty.
        let discovery = match argument & 6 {
            2 => ResourceDiscovery::challenged(&api, &Challenges::of(refused.headers())),
            _ => ResourceDiscovery::new(&api),
        };
        let at = [Endpoint::ResourceMetadata, Endpoint::ResourceMetadataAtRoot][usize::from(argument & 4 != 0)];
        if let Some(resource) = self.search(discovery.unwrap(), at, argument) {
            self.leads_on(&resource);
        }
        let knobs = self.provider.knobs();
        knobs.challenge_names_metadata = false;
        knobs.serve(Endpoint::ServerMetadata).omit(Endpoint::OpenidConfiguration);
        knobs.serve(Endpoint::ResourceMetadata).omit(Endpoint::ResourceMetadataAtRoot);
    }

    /// Asks until it ends. The document at `at` is a wrong one at first, if the argument says so.
    fn search<X: Exchange + std::fmt::Debug>(&mut self, exchange: X, at: Endpoint, argument: u8) -> Option<X::Output>
    where
        X::Output: std::fmt::Debug,
    {
        let misbehaves = argument > 63;
        if misbehaves {
            self.provider.knobs().misbehave_at(at, Misbehaviour::from_index_at(at, argument.into()));
        }
        let outcome = self.trips(exchange);
        self.provider.knobs().behave_at(at);
        let failure = match outcome {
            Ok(found) => {
                self.ledger.show(&found);
                self.reached.found += 1;
                return Some(found);
            }
            Err(failure) => failure,
        };
        assert!(misbehaves, "a good document was refused: {}", failure.error);
        self.ledger.show_error(&failure);
        let Left::Intact(left) = failure.left else { panic!("a search was lost: {}", failure.error) };
        let found = self.trips(*left);
        assert!(found.is_ok(), "what was left of a search finds nothing");
        found.ok()
    }

    fn trips<X: Exchange + std::fmt::Debug>(&mut self, mut exchange: X) -> Result<X::Output, Failure<X>> {
        for _ in 0..3 {
            self.ledger.show(&exchange);
            let now = self.now();
            let request = exchange.request(&mut Env::new(now, &mut self.rng)).unwrap();
            assert!(request.body().as_ref().is_empty() && !request.headers().contains_key("authorization"));
            let answer = self.provider.try_handle(&request);
            let mut env = Env::new(now, &mut self.rng);
            let step = match answer {
                Some(answer) => exchange.respond(&mut env, answer),
                None => exchange.unanswered(&mut env, Sent::MaybeSent),
            };
            match step? {
                Step::Done(found) => return Ok(found),
                Step::Again(next) => exchange = next,
            }
        }
        panic!("a search does not end");
    }

    fn is_the_servers(&mut self, metadata: &ServerMetadata, argument: u8) {
        assert_eq!(metadata.issuer().as_str(), self.provider.issuer());
        let made = metadata.server();
        if argument <= 63 {
            assert_eq!(metadata.token_endpoint(), Some(self.provider.token_url().as_str()));
            assert_eq!(metadata.authorization_endpoint(), Some(self.provider.authorize_url().as_str()));
            assert!(made.is_ok() && metadata.tolerated().is_empty());
        }
        for url in [metadata.token_endpoint(), metadata.authorization_endpoint(), metadata.jwks_uri()] {
            assert!(url.is_none_or(|url| url.starts_with("https://")), "a document sends somebody to {url:?}");
        }
        self.ledger.show(&made);
    }

    fn leads_on(&mut self, resource: &ResourceMetadata) {
        let api = self.provider.resource_url();
        assert!(api.starts_with(resource.resource()), "the document of another resource");
        for issuer in resource.authorization_servers() {
            assert_eq!(resource.discovery(issuer).is_ok(), !resource.dpop_bound_access_tokens_required());
        }
    }
}
