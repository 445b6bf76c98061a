//! Our reader of token answers beside that of `oauth2` 5.0.0, over the same bytes. Each way in which they may differ is a
//! [`Reason`]; any other difference is a panic. `fuzz/fuzz_targets/differential.rs` includes this file too.

use grantflow::{AccessToken, Asked, Error, Server, Tokens, UnixTime};
use http::{Response, StatusCode};
use oauth2::{
    AuthorizationCode, ClientId, RequestTokenError, TokenResponse as _, TokenUrl,
    basic::{BasicClient, BasicTokenResponse},
};

use super::reasons::{Difference, Reason};
use super::shape::Shape;

/// An answer: `200 application/json`, a line break, and the body. Without a readable first line, all bytes are the body of
/// a plain 200.
pub struct Input<'a> {
    pub status: StatusCode,
    pub content_type: Option<&'a str>,
    pub body: &'a [u8],
}

impl<'a> Input<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        let plain = Self { status: StatusCode::OK, content_type: Some("application/json"), body: bytes };
        let Some(at) = bytes.iter().position(|b| *b == b'\n') else { return plain };
        let (head, body) = (&bytes[..at], &bytes[at + 1..]);
        let Ok(head) = core::str::from_utf8(head) else { return plain };
        let (status, content_type) = head.split_once(' ').map_or((head, None), |(status, rest)| (status, Some(rest)));
        let Ok(status) = StatusCode::from_bytes(status.as_bytes()) else { return plain };
        let content_type = content_type.filter(|text| http::HeaderValue::from_str(text).is_ok());
        Self { status, content_type, body }
    }

    fn response(&self) -> Response<Vec<u8>> {
        let mut response = Response::builder().status(self.status);
        if let Some(content_type) = self.content_type {
            response = response.header("content-type", content_type);
        }
        response.body(self.body.to_vec()).expect("a response")
    }
}

/// What a reader made of an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Tokens(Seen),
    /// The error code.
    Refused(String),
    Unread,
}

/// The members of a token answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    pub access_token: String,
    /// In lower case.
    pub token_type: String,
    pub expires_in: Option<u64>,
    pub refresh_token: Option<String>,
    /// Without doubled and empty ones; `None` if the answer does not say.
    pub scope: Option<Vec<String>>,
}

impl Outcome {
    pub fn is_tokens(&self) -> bool {
        matches!(self, Self::Tokens(_))
    }

    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

/// An answer, what it is made of, and what each reader made of it.
pub struct Case<'a> {
    pub input: Input<'a>,
    pub shape: Shape,
    pub ours: Outcome,
    pub theirs: Outcome,
}

impl<'a> Case<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        let input = Input::of(bytes);
        let (ours, theirs) = (ours(&input), theirs(&input));
        Self { shape: Shape::of(input.body), input, ours, theirs }
    }

    pub fn differences(&self) -> Vec<Difference> {
        let mut found = Vec::new();
        match (&self.ours, &self.theirs) {
            (Outcome::Tokens(ours), Outcome::Tokens(theirs)) => {
                assert_eq!(
                    (&ours.access_token, &ours.token_type),
                    (&theirs.access_token, &theirs.token_type),
                    "no reason explains this"
                );
                if ours.expires_in != theirs.expires_in {
                    found.push(Difference::ExpiresIn);
                }
                if ours.refresh_token != theirs.refresh_token {
                    found.push(Difference::RefreshToken);
                }
                if ours.scope != theirs.scope {
                    found.push(Difference::Scope);
                }
            }
            (Outcome::Tokens(_), _) => found.push(Difference::OnlyWeGrant),
            (_, Outcome::Tokens(_)) => found.push(Difference::OnlyTheyGrant),
            _ => {}
        }
        match (&self.ours, &self.theirs) {
            (Outcome::Refused(ours), Outcome::Refused(theirs)) if ours != theirs => found.push(Difference::Code),
            (Outcome::Refused(_), Outcome::Refused(_)) => {}
            (Outcome::Refused(_), _) => found.push(Difference::OnlyWeReadTheError),
            (_, Outcome::Refused(_)) => found.push(Difference::OnlyTheyReadTheError),
            _ => {}
        }
        found
    }

    /// The reasons that explain a difference.
    pub fn explained(&self, difference: Difference) -> Vec<Reason> {
        Reason::ALL.into_iter().filter(|reason| reason.explains() == difference && reason.applies(self)).collect()
    }
}

impl core::fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Input { status, content_type, body } = &self.input;
        write!(
            f,
            "{status} {content_type:?} {:?}\nours: {:?}\ntheirs: {:?}",
            body.escape_ascii().to_string(),
            self.ours,
            self.theirs
        )
    }
}

/// Reads the answer by both. Each difference must have its reason, and each reason that applies must be true.
pub fn compare(bytes: &[u8]) {
    let case = Case::of(bytes);
    for difference in case.differences() {
        let reasons = case.explained(difference);
        assert!(!reasons.is_empty(), "{difference:?}, for no known reason: {case:?}");
    }
    for reason in Reason::ALL.into_iter().filter(|reason| reason.applies(&case)) {
        assert!(reason.holds(&case), "{reason:?} applies and is not true: {case:?}");
    }
}

fn ours(input: &Input<'_>) -> Outcome {
    let server = Server::with_token_endpoint("https://as.example/token").expect("a server");
    let client = grantflow::Client::from(&server.client("app").public().expect("a client"));
    match client.token_answer(UnixTime::from_secs(0), &input.response(), &Asked::new(&client)) {
        Ok(tokens) => Outcome::Tokens(seen(&tokens)),
        Err(no) => match no.into_error() {
            Error::Refused(refused) => Outcome::Refused(refused.response().code().as_str().to_owned()),
            _ => Outcome::Unread,
        },
    }
}

fn seen(tokens: &Tokens) -> Seen {
    let (access_token, token_type) = match tokens.access_token() {
        AccessToken::Bearer(token) => (token.expose_secret(), "bearer"),
        AccessToken::Dpop(token) => (token.expose_secret(), "dpop"),
    };
    Seen {
        access_token: access_token.to_owned(),
        token_type: token_type.to_owned(),
        expires_in: tokens.expires_at().map(UnixTime::as_secs),
        refresh_token: tokens.refresh_token().map(|token| token.expose_secret().to_owned()),
        scope: tokens.scope().explicit().map(|scope| words(scope.iter())),
    }
}

fn theirs(input: &Input<'_>) -> Outcome {
    let url = TokenUrl::new("https://as.example/token".to_owned()).expect("a URL");
    let client = BasicClient::new(ClientId::new("app".to_owned())).set_token_uri(url);
    let answer: Result<BasicTokenResponse, _> = client
        .exchange_code(AuthorizationCode::new("code".to_owned()))
        .request(&|_: oauth2::HttpRequest| Ok::<_, core::convert::Infallible>(input.response()));
    match answer {
        Ok(answer) => Outcome::Tokens(Seen {
            access_token: answer.access_token().secret().clone(),
            token_type: answer.token_type().as_ref().to_lowercase(),
            expires_in: answer.expires_in().map(|time| time.as_secs()),
            refresh_token: answer.refresh_token().map(|token| token.secret().clone()),
            scope: answer.scopes().map(|scopes| words(scopes.iter().map(|scope| scope.as_str()))),
        }),
        Err(RequestTokenError::ServerResponse(error)) => Outcome::Refused(error.error().as_ref().to_owned()),
        Err(_) => Outcome::Unread,
    }
}

fn words<'a>(scope: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in scope.filter(|word| !word.is_empty()) {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}
