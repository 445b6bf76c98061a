//! The identity assertion grant: a company's server states who the person is, and the resource's server believes it.

use grantflow::{
    Client, Env, Error, ErrorCode, Exchange, Failure, IdentityAssertion, IdentityAssertionRequest, Left, Misuse,
    SecurityToken, Sent, Server, Step, TokenTypeIdentifier, Tokens, Violation, drive,
};
use grantflow_testkit as testkit;

use crate::support::*;

const COMPANY: &str = "https://acme.idp.example";
const CHAT: &str = "https://acme.chat.example/";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

/// Two servers that know nothing of each other but that one trusts the other.
struct Companies {
    company: testkit::Server,
    chat: testkit::Server,
    at_company: Client,
    at_chat: Client,
}

impl Companies {
    fn new() -> Self {
        let (mut company, mut chat) = (testkit::Server::new(COMPANY), testkit::Server::new(CHAT));
        company.register(testkit::Client::confidential("wiki", "s1").redirect_uri(REDIRECT_URI));
        chat.register(testkit::Client::confidential("f53f191f9311af35", "s2"));
        chat.knobs().trusted_issuers.push(COMPANY.to_owned());
        company.knobs().client_ids_elsewhere.insert(CHAT.to_owned(), "f53f191f9311af35".to_owned());
        let server = Server::new(&company.authorize_url(), &company.token_url()).unwrap();
        let at_company = Client::from(&server.client("wiki").secret_basic("s1").unwrap());
        let server = Server::with_token_endpoint(&chat.token_url()).unwrap().issuer(CHAT).unwrap();
        let at_chat = Client::from(&server.client("f53f191f9311af35").secret_post("s2").unwrap());
        Self { company, chat, at_company, at_chat }
    }

    fn id_token(&mut self) -> SecurityToken {
        SecurityToken::id_token(self.company.sign_jwt("wiki", "ada")).unwrap()
    }

    fn request(&mut self) -> IdentityAssertionRequest {
        let subject = self.id_token();
        IdentityAssertionRequest::new(&self.at_company, subject, &self.at_chat)
            .and_then(|request| request.resource("https://api.chat.example/"))
            .and_then(|request| request.scope("chat.read chat.history"))
            .unwrap()
    }

    fn assertion(&mut self) -> IdentityAssertion {
        let request = self.request();
        run_to_its_end(&mut self.company, request).0.unwrap()
    }

    fn answer(&mut self, text: &str) -> Result<IdentityAssertion, Failure<IdentityAssertionRequest>> {
        let request = self.request();
        match request.respond(&mut Env::new(NOW, &mut Dice(1)), json(200, text))? {
            Step::Done(assertion) => Ok(assertion),
            Step::Again(_) => panic!("this flow has one step"),
        }
    }
}

/// The example of the draft, §4.3.
#[test]
fn the_request_of_the_draft() {
    let mut both = Companies::new();
    let subject = SecurityToken::id_token("eyJraWQiOiJzMTZ0cVNtODhwREo4VGZCXzdrSEtQ").unwrap();
    let request = IdentityAssertionRequest::new(&both.at_company, subject, &both.at_chat)
        .and_then(|request| request.resource("https://api.chat.example/"))
        .and_then(|request| request.scope("chat.read chat.history"))
        .unwrap();
    let sent = body(&request.request(&mut Env::new(NOW, &mut Dice(1))).unwrap());
    let expected = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("resource", "https://api.chat.example/"),
        ("audience", CHAT),
        ("scope", "chat.read chat.history"),
        ("requested_token_type", ID_JAG),
        ("subject_token", "eyJraWQiOiJzMTZ0cVNtODhwREo4VGZCXzdrSEtQ"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
    ];
    assert_eq!(pairs(&sent), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));

    let assertion = both
        .answer(
            r#"{"issued_token_type":"urn:ietf:params:oauth:token-type:id-jag","access_token":"eyJhbGciOiJIUzI1NiIsI",
            "token_type":"N_A","scope":"chat.read chat.history","expires_in":300}"#,
        )
        .unwrap();
    let grant = assertion.grant();
    let request = grant.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    assert_eq!(request.uri(), "https://acme.chat.example/api/access_token");
    assert_eq!(
        body(&request),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=eyJhbGciOiJIUzI1NiIsI\
         &client_id=f53f191f9311af35&client_secret=s2"
    );
}

#[test]
fn the_chain_of_two() {
    let mut both = Companies::new();
    let assertion = both.assertion();
    assert_eq!(assertion.expires_at().unwrap().as_secs(), NOW.as_secs() + 300);
    assert!(!assertion.is_expired(NOW));
    assert_eq!(assertion.scope().effective().unwrap().as_str(), "chat.read chat.history");
    assert_eq!(assertion.client().id(), "f53f191f9311af35");
    let tokens = run_to_its_end(&mut both.chat, assertion.grant()).0.unwrap();
    assert!(tokens.bearer().is_ok() && tokens.refresh_token().is_none());
    // The assertion says for what it is, and the second request repeats nothing.
    let second = both.chat.log().last().unwrap();
    let names: Vec<_> = second.parameters.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["grant_type", "assertion", "client_id", "client_secret"]);
    assert_eq!(both.company.log().len(), 1);
}

/// Any loop runs both as one, and sends each to its server.
#[test]
fn as_one_exchange() {
    let mut both = Companies::new();
    let chain = both.request().then(|assertion, _| Ok(assertion.grant()));
    let Companies { company, chat, .. } = &mut both;
    let (mut rng, now) = (Dice(1), || NOW);
    let send = |request: http::Request<grantflow::Body>| {
        let server = if request.uri().host() == Some("acme.idp.example") { &mut *company } else { &mut *chat };
        Ok::<_, (Sent, Error)>(server.handle(&request))
    };
    let sent = drive(chain, &mut rng, now, |_| panic!("there is nothing to wait for"), send);
    let tokens: Tokens = sent.unwrap();
    assert!(tokens.bearer().is_ok());
    assert_eq!((both.company.log().len(), both.chat.log().len()), (1, 1));
    // Neither server sees the other's secret.
    let seen = |server: &testkit::Server| format!("{:?}", server.log()[0]);
    assert!(!seen(&both.company).contains("s2") && !seen(&both.chat).contains("d2lraTpzMQ"));
}

/// The draft, §4.3: a refresh token gets the next assertion when the ID token is over. The exchange does not consume it.
#[test]
fn a_refresh_token_or_a_saml_assertion_as_the_subject() {
    let mut both = Companies::new();
    let login = grantflow::Authorization::new(&both.at_company, REDIRECT_URI).unwrap();
    let redirect = login.start(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    let tokens = log_in(&mut both.company, redirect);
    let refresh = SecurityToken::refresh_token(tokens.refresh_token().unwrap().expose_secret()).unwrap();
    let xml = both.company.sign_saml2("wiki", "ada");
    for subject in [refresh.clone(), refresh, SecurityToken::saml2_xml(xml).unwrap()] {
        let request = IdentityAssertionRequest::new(&both.at_company, subject, &both.at_chat).unwrap();
        let assertion = run_to_its_end(&mut both.company, request).0.unwrap();
        run_to_its_end(&mut both.chat, assertion.grant()).0.unwrap();
    }
    assert!(run_to_its_end(&mut both.company, tokens.refresh().unwrap()).0.is_ok());
    // An access token does not say who the person is.
    let own = SecurityToken::access_token("at-1").unwrap();
    let request = IdentityAssertionRequest::new(&both.at_company, own, &both.at_chat).unwrap();
    let failure = run_to_its_end(&mut both.company, request).0.unwrap_err();
    assert_eq!(failure.error.code(), Some(&ErrorCode::InvalidRequest));
}

/// One assertion gets several access tokens until it expires, where the server allows it.
#[test]
fn an_assertion_may_be_used_until_it_expires() {
    let mut both = Companies::new();
    both.chat.knobs().assertions_once = false;
    let assertion = both.assertion();
    for _ in 0..2 {
        assert!(run_to_its_end(&mut both.chat, assertion.grant()).0.is_ok());
    }
    both.chat.advance(300);
    assert!(assertion.is_expired(NOW.saturating_add(std::time::Duration::from_secs(300))));
    let failure = run_to_its_end(&mut both.chat, assertion.grant()).0.unwrap_err();
    assert!(matches!(failure.left, Left::Spent));
}

#[test]
fn the_resources_server_is_named() {
    let mut both = Companies::new();
    let without = Server::with_token_endpoint("https://acme.chat.example/token").unwrap();
    let without = without.client("x").public().unwrap();
    let subject = both.id_token();
    let error = IdentityAssertionRequest::new(&both.at_company, subject, &without).unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::NoIssuer)), "{error}");
    assert!(error.to_string().contains("Server::issuer"), "{error}");
    // A server may have another name for it; there is still one audience.
    let request = both.request().audience("urn:example:idp:chat").unwrap();
    let sent = body(&request.request(&mut Env::new(NOW, &mut Dice(1))).unwrap());
    assert_eq!(parameter(&sent, "audience"), "urn:example:idp:chat");
    assert!(matches!(both.request().audience(" "), Err(Error::Misuse(Misuse::EmptyAudience))));
    for name in ["audience", "requested_token_type", "subject_token", "scope", "resource", "client_id"] {
        let error = both.request().param(name, "x").unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::ReservedParameter)), "{name}");
    }
}

/// A token of another type is no identity assertion, and is sent nowhere.
#[test]
fn only_an_identity_assertion_will_do() {
    let mut both = Companies::new();
    let answer = |kind: &str, token_type: &str, token: &str| {
        format!(r#"{{"access_token":"{token}","token_type":"{token_type}","issued_token_type":"{kind}"}}"#)
    };
    for kind in ["access_token", "refresh_token", "id_token", "jwt", "saml2", "id_jag", "ID-JAG"] {
        for token_type in ["N_A", "Bearer"] {
            let text = answer(&format!("urn:ietf:params:oauth:token-type:{kind}"), token_type, "a.b.c");
            let failure = both.answer(&text).unwrap_err();
            assert_eq!(violation(&failure), Violation::OtherTokenType, "{kind}");
            assert!(matches!(failure.left, Left::Unknown(_)));
        }
    }
    let failure = both.answer(&answer(ID_JAG, "N_A", "not a jwt")).unwrap_err();
    assert_eq!(violation(&failure), Violation::Character("access_token"));
    // It is used as an assertion and as nothing else, so its token type does not matter.
    for token_type in ["N_A", "Bearer", "DPoP"] {
        assert_eq!(both.answer(&answer(ID_JAG, token_type, "a.b.c")).unwrap().expose_secret(), "a.b.c");
    }
    let failure = both.answer(&answer(ID_JAG, "mac", "a.b.c")).unwrap_err();
    assert_eq!(violation(&failure), Violation::UnknownTokenType);
}

#[test]
fn what_a_failure_leaves() {
    let mut both = Companies::new();
    for (code, what) in [("invalid_grant", "spent"), ("invalid_target", "intact"), ("made_up", "unknown")] {
        let request = both.request();
        let answer = json(400, &format!(r#"{{"error":"{code}"}}"#));
        let failure = request.respond(&mut Env::new(NOW, &mut Dice(1)), answer).unwrap_err();
        let left = match failure.left {
            Left::Spent => "spent",
            Left::Intact(_) => "intact",
            Left::Unknown(_) => "unknown",
        };
        assert_eq!(left, what, "{code}");
    }
    let lost = both.request().unanswered(&mut Env::new(NOW, &mut Dice(1)), Sent::MaybeSent).unwrap_err();
    assert!(matches!(lost.left, Left::Unknown(_)));
    let not_sent = both.request().unanswered(&mut Env::new(NOW, &mut Dice(1)), Sent::NotSent).unwrap_err();
    assert!(matches!(not_sent.left, Left::Intact(_)));
}

/// The chain by hand, for servers that are less strict: any issued JWT can be an assertion.
#[test]
fn the_chain_of_any_jwt() {
    let mut both = Companies::new();
    let subject = both.id_token();
    let exchange = grantflow::TokenExchange::new(&both.at_company, subject)
        .requested_token_type(TokenTypeIdentifier::JWT)
        .audience(CHAT)
        .unwrap();
    let exchanged = run_to_its_end(&mut both.company, exchange).0.unwrap();
    let grant = grantflow::AssertionGrant::new(&both.at_chat, exchanged.to_assertion().unwrap());
    assert!(run_to_its_end(&mut both.chat, grant).0.unwrap().bearer().is_ok());
    let error = exchanged.into_issued().unwrap().to_security_token();
    assert_eq!(*error.token_type(), TokenTypeIdentifier::JWT);
}
