//! An answer of a provider, from `vectors/providers`, and a client's reading of it.

use std::collections::BTreeMap;

use grantflow::{
    Authorization, Callback, ClientCredentials, CodeExchange, ConfidentialClient, Env, Error, ErrorCode, Exchange,
    Failure, Left, Message, Quirk, Redirect, Server, Step, Tokens,
};
use http::{Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::support::*;

/// One answer that a provider documents, or that was observed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fixture {
    pub(crate) provider: String,
    what: String,
    pub(crate) url: String,
    pub(crate) source_kind: String,
    pub(crate) source: String,
    pub(crate) looked_up: String,
    message: Asked,
    #[serde(default)]
    basic: bool,
    pub(crate) status: u16,
    /// Set if the status is not from the documentation.
    #[serde(default)]
    pub(crate) status_note: Option<String>,
    content_type: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The bytes as they are in the file, or the text of a JSON string.
    body: Box<RawValue>,
    quirks: Vec<Value>,
    /// Quirks that the same server needs elsewhere: they must change nothing here.
    #[serde(default)]
    also: Vec<Value>,
    pub(crate) expect: Expect,
}

/// The request of the answer.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Asked {
    Code,
    Refresh,
    ClientCredentials,
    /// An authorization request; the body is the query of the callback.
    Authorization,
}

/// The expected reading of the answer.
#[derive(Deserialize, Debug)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Expect {
    Token {
        token: String,
        scope: Option<Vec<String>>,
        expires_in: Option<u64>,
        refresh_token: Option<String>,
        extra: serde_json::Map<String, Value>,
    },
    Code {
        code: String,
        left: String,
    },
    Status {
        next: String,
    },
}

/// A client's reading of an answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Tokens {
        token: String,
        scope: Option<Vec<String>>,
        expires_in: Option<u64>,
        refresh_token: Option<String>,
        extra: Value,
        /// The unreadable members, and whether the scope is unknown because of one.
        tolerated: Vec<String>,
        scope_is_unknown: bool,
    },
    Refused {
        code: String,
        left: &'static str,
    },
    Unreadable {
        text: String,
        status: Option<u16>,
        next: String,
    },
    /// The callback brought no code.
    NoCode,
}

pub(crate) fn all() -> Vec<Fixture> {
    [
        include_str!("../../vectors/providers/people.json"),
        include_str!("../../vectors/providers/trade.json"),
        include_str!("../../vectors/providers/work.json"),
    ]
    .iter()
    .flat_map(|file| serde_json::from_str::<Vec<Fixture>>(file).unwrap())
    .collect()
}

/// Kinds of answers that need no page of a provider.
pub(crate) fn kinds() -> Vec<Fixture> {
    serde_json::from_str(include_str!("../../vectors/providers/kinds.json")).unwrap()
}

/// A quirk as the files write it.
pub(crate) fn quirk(value: &Value) -> Quirk {
    if let Some(name) = value.as_str() {
        return match name {
            "UnencodedBasic" => Quirk::UnencodedBasic,
            "MissingTokenType" => Quirk::MissingTokenType,
            "FormEncodedAnswer" => Quirk::FormEncodedAnswer,
            "JsonRequestBody" => Quirk::JsonRequestBody,
            "NullIsAbsent" => Quirk::NullIsAbsent,
            "ScopeList" => Quirk::ScopeList,
            "RefusesPkce" => Quirk::RefusesPkce,
            "ClientIdBesideBasic" => Quirk::ClientIdBesideBasic,
            "ZeroLifetimeIsNever" => Quirk::ZeroLifetimeIsNever,
            other => panic!("{other} is no quirk"),
        };
    }
    let (name, given) = value.as_object().unwrap().iter().next().unwrap();
    let texts = || given.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect::<Vec<_>>();
    match name.as_str() {
        "ScopeSeparator" => Quirk::ScopeSeparator(given.as_str().unwrap().chars().next().unwrap()),
        "AnswerScopeSeparator" => Quirk::AnswerScopeSeparator(given.as_str().unwrap().chars().next().unwrap()),
        "TokenPath" => Quirk::token_path(&texts()),
        "RefreshEndpoint" => Quirk::RefreshEndpoint(given.as_str().unwrap().to_owned()),
        "TokenType" => Quirk::TokenType(given.as_str().unwrap().to_owned()),
        "ErrorPath" => Quirk::error_path(given["path"].as_str().unwrap(), given["none"].as_str()),
        "ErrorCode" => {
            let status = given["status"].as_u64().map(|status| StatusCode::from_u16(status as u16).unwrap());
            let on = message(given["on"].as_str().unwrap());
            Quirk::error_code(on, status, given["actual"].as_str().unwrap(), code(given["standard"].as_str().unwrap()))
        }
        "RenamedParameter" => {
            let texts = texts();
            Quirk::renamed(message(texts[0]), texts[1], texts[2])
        }
        other => panic!("{other} is no quirk"),
    }
}

fn code(name: &str) -> ErrorCode {
    match name {
        "invalid_grant" => ErrorCode::InvalidGrant,
        "access_denied" => ErrorCode::AccessDenied,
        other => panic!("{other} is none of the codes that the fixtures map to"),
    }
}

fn message(name: &str) -> Message {
    match name {
        "AuthorizationRequest" => Message::AuthorizationRequest,
        "Callback" => Message::Callback,
        "TokenRequest" => Message::TokenRequest,
        "TokenAnswer" => Message::TokenAnswer,
        other => panic!("{other} is no message"),
    }
}

/// The name of a quirk, as an error has to name it.
pub(crate) fn name(quirk: &Quirk) -> String {
    let text = format!("{quirk:?}");
    let name = text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
    format!("Quirk::{name}")
}

impl Fixture {
    pub(crate) fn name(&self) -> String {
        format!("{}: {} ({})", self.provider, self.what, self.url)
    }

    pub(crate) fn quirks(&self) -> Vec<Quirk> {
        self.quirks.iter().map(quirk).collect()
    }

    pub(crate) fn also(&self) -> Vec<Quirk> {
        self.also.iter().map(quirk).collect()
    }

    /// The bytes that the provider sends.
    pub(crate) fn body(&self) -> Vec<u8> {
        let raw = self.body.get();
        if raw.starts_with('"') { serde_json::from_str::<String>(raw).unwrap().into_bytes() } else { raw.into() }
    }

    pub(crate) fn response(&self) -> Response<Vec<u8>> {
        let mut response = Response::builder().status(self.status);
        if !self.content_type.is_empty() {
            response = response.header("content-type", &self.content_type);
        }
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        response.body(self.body()).unwrap()
    }

    fn client(&self, quirks: &[Quirk]) -> ConfidentialClient {
        let server = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
        let server = quirks.iter().fold(server, |server, quirk| server.quirk(quirk.clone()).unwrap());
        // Characters that an encoding would change.
        let client = server.client("client id");
        if self.basic { client.secret_basic("s+e/c=ret") } else { client.secret_post("s+e/c=ret") }.unwrap()
    }

    /// The authorization URL, and the code's exchange if the provider's callback gives one.
    fn exchange(&self, quirks: &[Quirk]) -> (String, Option<CodeExchange>) {
        let client = self.client(quirks);
        let authorization = Authorization::new(&client, REDIRECT_URI).unwrap().scope(SCOPE).unwrap();
        let Redirect { url, pending } = authorization.start(&mut Env::new(NOW, &mut Dice(1))).unwrap();
        let url = url.as_str().to_owned();
        // The name is the provider's, even if the client does not know it.
        let code = self.quirks().into_iter().find_map(|quirk| match quirk {
            Quirk::RenamedParameter { on: Message::Callback, standard, actual } if standard == "code" => Some(actual),
            _ => None,
        });
        let code = code.unwrap_or_else(|| "code".to_owned());
        let callback = format!("{REDIRECT_URI}?{code}=C&state={}", parameter(&url, "state"));
        match pending.receive_url(&callback) {
            Callback::Granted(exchange) => (url, Some(exchange)),
            _ => (url, None),
        }
    }

    /// Everything that is sent to this provider: the authorization URL and the token request.
    pub(crate) fn requests(&self, quirks: &[Quirk]) -> Vec<String> {
        let (url, exchange) = self.exchange(quirks);
        let request = exchange.map(|exchange| shown(&request(&exchange)));
        std::iter::once(url).chain(request).collect()
    }

    /// The reading of a client with these quirks; and the error, if it is one.
    pub(crate) fn read(&self, quirks: &[Quirk]) -> (Outcome, Option<Error>) {
        match self.message {
            Asked::Authorization => self.read_callback(quirks),
            Asked::Code => match self.exchange(quirks).1 {
                None => (Outcome::NoCode, None),
                Some(exchange) => outcome(respond(exchange, self.response())),
            },
            Asked::ClientCredentials => outcome(respond(ClientCredentials::new(&self.client(quirks)), self.response())),
            Asked::Refresh => {
                let login = r#"{"access_token":"a","token_type":"Bearer","refresh_token":"old-refresh-token"}"#;
                let tokens = respond(self.exchange(quirks).1.unwrap(), json(200, login)).unwrap();
                outcome(respond(tokens.refresh().unwrap(), self.response()))
            }
        }
    }

    fn read_callback(&self, quirks: &[Quirk]) -> (Outcome, Option<Error>) {
        let authorization = Authorization::new(&self.client(quirks), REDIRECT_URI).unwrap();
        let Redirect { url, pending } = authorization.start(&mut Env::new(NOW, &mut Dice(1))).unwrap();
        let query = String::from_utf8(self.body()).unwrap();
        let state = parameter(url.as_str(), "state");
        match pending.receive_url(&format!("{REDIRECT_URI}?{query}&state={state}")) {
            Callback::Denied(refusal) => {
                (Outcome::Refused { code: refusal.code().as_str().to_owned(), left: "denied" }, None)
            }
            other => panic!("{}: {other:?}", self.name()),
        }
    }
}

fn outcome<X>(result: Result<Tokens, Failure<X>>) -> (Outcome, Option<Error>) {
    let Failure { error, left } = match result {
        Ok(tokens) => return (seen(&tokens), None),
        Err(failure) => failure,
    };
    let left = match left {
        Left::Spent => "spent",
        Left::Intact(_) => "intact",
        Left::Unknown(_) => "unknown",
    };
    let outcome = match error.code() {
        Some(code) => Outcome::Refused { code: code.as_str().to_owned(), left },
        None => Outcome::Unreadable {
            text: error.to_string(),
            status: error.status().map(|status| status.as_u16()),
            next: format!("{:?}", error.next()),
        },
    };
    (outcome, Some(error))
}

fn seen(tokens: &Tokens) -> Outcome {
    Outcome::Tokens {
        token: tokens.bearer().unwrap().expose_secret().to_owned(),
        scope: tokens.scope().explicit().map(|scope| scope.iter().map(str::to_owned).collect()),
        expires_in: tokens.expires_at().map(|at| at.saturating_since(NOW).as_secs()),
        refresh_token: tokens.refresh_token().map(|token| token.expose_secret().to_owned()),
        extra: tokens.extra().unwrap(),
        tolerated: tokens.tolerated().iter().map(|name| (*name).to_owned()).collect(),
        scope_is_unknown: tokens.scope().is_unreadable(),
    }
}

fn request<X: Exchange>(exchange: &X) -> Request<grantflow::Body> {
    exchange.request(&mut Env::new(NOW, &mut Dice(1))).unwrap()
}

fn respond<X: Exchange>(exchange: X, response: Response<impl AsRef<[u8]>>) -> Result<X::Output, Failure<X>> {
    match exchange.respond(&mut Env::new(NOW, &mut Dice(1)), response)? {
        Step::Done(output) => Ok(output),
        Step::Again(_) => panic!("this flow has one step"),
    }
}

fn shown(request: &Request<grantflow::Body>) -> String {
    let header = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    format!(
        "{} {}\n{}\n{}\n{}",
        request.method(),
        request.uri(),
        header("content-type"),
        header("authorization"),
        body(request)
    )
}
