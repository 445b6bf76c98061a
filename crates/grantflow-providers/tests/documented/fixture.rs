//! One answer of a provider, from `tests/fixtures`, and what a client with the provider's preset makes of it.

use std::path::PathBuf;

use grantflow::{
    Authorization, Callback, Client, ClientCredentials, ConfidentialClient, DeviceGrant, DeviceRequest, EntropyFailed,
    Env, Error, Exchange, Failure, Left, Quirk, Redirect, Step, Tokens, UnixTime,
};
use grantflow_providers::{Authentication, Preset};
use http::Response;
use serde::Deserialize;
use serde_json::value::RawValue;

const NOW: UnixTime = UnixTime::from_secs(1_750_000_000);
const REDIRECT_URI: &str = "https://app.example/callback";

/// The fixtures of one provider: a file, named like its preset.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    answers: Vec<Text>,
    #[serde(default)]
    errors: Vec<Text>,
}

/// A fixture as its file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    what: String,
    pub(crate) url: String,
    /// `documented` or `recorded`.
    pub(crate) source_kind: String,
    /// Where in the documentation, or who recorded it; and what was changed.
    pub(crate) source: String,
    pub(crate) looked_up: String,
    message: Message,
    status: u16,
    /// Set if the status is not from the source.
    #[serde(default)]
    pub(crate) status_note: Option<String>,
    /// Absent if the source does not have it.
    #[serde(default)]
    content_type: Option<String>,
    /// The bytes as they are in the file, or the text of a JSON string.
    body: Box<RawValue>,
    expect: Expect,
}

/// The request of the answer.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Message {
    Code,
    Refresh,
    ClientCredentials,
    /// A poll of the device flow.
    Device,
    /// An authorization request; the body is the query of the callback.
    Authorization,
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Expect {
    Token { token: String, scope: Option<Vec<String>>, expires_in: Option<u64>, refresh_token: Option<String> },
    Code { code: String, left: String },
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Answer,
    Error,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Error => "error",
        }
    }
}

/// A fixture, with the preset that has to read it.
pub(crate) struct Fixture {
    pub(crate) preset: &'static Preset,
    pub(crate) kind: Kind,
    pub(crate) text: Text,
}

/// All fixtures, by their providers.
pub(crate) fn all() -> Vec<Fixture> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let id = path.file_stem().unwrap().to_str().unwrap();
        let preset = grantflow_providers::all().find(|preset| preset.id == id);
        let preset = preset.unwrap_or_else(|| panic!("{} is not named like a preset", path.display()));
        let file: File = serde_json::from_str(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        all.extend(file.answers.into_iter().map(|text| Fixture { preset, kind: Kind::Answer, text }));
        all.extend(file.errors.into_iter().map(|text| Fixture { preset, kind: Kind::Error, text }));
    }
    all
}

/// The same bytes in every run, and never the same twice.
struct Dice(u64);

impl grantflow::Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 33) as u8;
        }
        Ok(())
    }
}

impl Fixture {
    pub(crate) fn name(&self) -> String {
        let Text { what, url, source_kind, .. } = &self.text;
        format!("{} of {}: {what} ({source_kind}: {url})", self.kind.word(), self.preset.name)
    }

    /// Whether the client reads what it should.
    pub(crate) fn check(&self) -> Result<(), String> {
        let found = self.read((self.preset.quirks)())?;
        match (&found, self.kind) {
            (Expect::Token { .. }, Kind::Answer) | (Expect::Code { .. }, Kind::Error) if found == self.text.expect => {
                Ok(())
            }
            _ => Err(format!("expected {:?}, but read {found:?}", self.text.expect)),
        }
    }

    fn body(&self) -> Vec<u8> {
        let raw = self.text.body.get();
        if raw.starts_with('"') { serde_json::from_str::<String>(raw).unwrap().into_bytes() } else { raw.into() }
    }

    fn response(&self) -> Response<Vec<u8>> {
        let mut response = Response::builder().status(self.text.status);
        if let Some(content_type) = &self.text.content_type {
            response = response.header("content-type", content_type);
        }
        response.body(self.body()).unwrap()
    }

    /// What a client makes of the answer, with the preset's data and these quirks.
    pub(crate) fn read(&self, quirks: Vec<Quirk>) -> Result<Expect, String> {
        let confidential = client(self.preset, quirks)?;
        match self.text.message {
            Message::Code => self.read_code(Client::from(&confidential)),
            Message::ClientCredentials => self.respond(ClientCredentials::new(&confidential)),
            Message::Device => {
                let name = if self.preset.id == "google" { "verification_url" } else { "verification_uri" };
                self.respond(device(Client::from(&confidential), name)?)
            }
            Message::Authorization => self.read_callback(Client::from(&confidential)),
            Message::Refresh => {
                let tokens = Tokens::of_refresh_token(&confidential, "old-refresh-token").unwrap();
                self.respond(tokens.build().refresh().unwrap())
            }
        }
    }

    /// Starts a login, and gives it the query of a callback with the right `state`.
    fn callback(&self, client: Client, query: &str) -> Callback {
        let authorization = Authorization::new(client, REDIRECT_URI).unwrap();
        let Redirect { url, pending } = authorization.start(&mut Env::new(NOW, &mut Dice(1))).unwrap();
        let state = url.as_str().split("state=").nth(1).unwrap().split('&').next().unwrap();
        pending.receive_url(&format!("{REDIRECT_URI}?{query}&state={state}"))
    }

    fn read_code(&self, client: Client) -> Result<Expect, String> {
        // The only preset whose code has another name.
        let name = if self.preset.id == "amazon_selling_partner" { "spapi_oauth_code" } else { "code" };
        match self.callback(client, &format!("{name}=c0de")) {
            Callback::Granted(exchange) => self.respond(exchange),
            other => Err(format!("no code: {other:?}")),
        }
    }

    fn read_callback(&self, client: Client) -> Result<Expect, String> {
        match self.callback(client, &String::from_utf8(self.body()).unwrap()) {
            Callback::Denied(refusal) => {
                Ok(Expect::Code { code: refusal.code().as_str().to_owned(), left: "denied".to_owned() })
            }
            other => Err(format!("no refusal: {other:?}")),
        }
    }

    fn respond<X: Exchange<Output = Tokens>>(&self, exchange: X) -> Result<Expect, String> {
        let Failure { error, left } = match exchange.respond(&mut Env::new(NOW, &mut Dice(2)), self.response()) {
            Ok(Step::Done(tokens)) => return seen(&tokens),
            Ok(Step::Again(_)) => return Err("this flow has one step".to_owned()),
            Err(failure) => failure,
        };
        let left = match left {
            Left::Spent => "spent",
            Left::Intact(_) => "intact",
            Left::Unknown(_) => "unknown",
        };
        code(&error).map(|code| Expect::Code { code, left: left.to_owned() })
    }
}

/// A client of a preset's server with these quirks.
fn client(preset: &Preset, quirks: Vec<Quirk>) -> Result<ConfidentialClient, String> {
    let examples: Vec<&str> = preset.inputs.iter().map(|input| input.example).collect();
    let server = preset.server_with_quirks(&examples, quirks).map_err(|error| error.to_string())?;
    let client = server.client("my-id");
    let confidential = match preset.authentication[0] {
        Authentication::SecretPost => client.secret_post("my/secret"),
        Authentication::SecretBasic => client.secret_basic("my/secret"),
        other => return Err(format!("no test knows {other:?}")),
    };
    confidential.map_err(|error| error.to_string())
}

/// All that a client of a preset sends, with these quirks: where to, how it authenticates, and the body.
pub(crate) fn requests(preset: &Preset, quirks: Vec<Quirk>) -> Vec<String> {
    let Ok(client) = client(preset, quirks) else { return Vec::new() };
    let mut all = vec![shown(&ClientCredentials::new(&client).scope("one two").unwrap())];
    let tokens = || Tokens::of_refresh_token(&client, "refresh").unwrap().build();
    all.push(shown(&tokens().refresh().unwrap()));
    all.extend(tokens().revoke().ok().map(|revocation| shown(&revocation)));
    all.extend(DeviceRequest::new(&client).ok().map(|request| shown(&request.scope("one two").unwrap())));
    if let Ok(authorization) = Authorization::new(&client, REDIRECT_URI) {
        let authorization = authorization.scope("one two").unwrap();
        let Redirect { url, pending } = authorization.start(&mut Env::new(NOW, &mut Dice(1))).unwrap();
        let state = url.as_str().split("state=").nth(1).unwrap().split('&').next().unwrap();
        for code in ["code", "spapi_oauth_code"] {
            let Redirect { pending, .. } = authorization.start(&mut Env::new(NOW, &mut Dice(1))).unwrap();
            if let Callback::Granted(exchange) = pending.receive_url(&format!("{REDIRECT_URI}?{code}=c&state={state}"))
            {
                all.push(format!("{code} {}", shown(&exchange)));
            }
        }
        all.push(url.as_str().to_owned());
        drop(pending);
    }
    all
}

fn shown<X: Exchange>(exchange: &X) -> String {
    let request = exchange.request(&mut Env::new(NOW, &mut Dice(2))).unwrap();
    let authorization = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let body = String::from_utf8_lossy(request.body().as_ref()).into_owned();
    format!("{} {authorization:?} {:?} {body}", request.uri(), request.headers().get("content-type"))
}

/// A person was asked on another device (RFC 8628 §3.2), and now the server is polled.
fn device(client: Client, name: &str) -> Result<DeviceGrant, String> {
    let answer =
        format!(r#"{{"device_code":"d","user_code":"u","{name}":"https://as.example/device","expires_in":300}}"#);
    let response = Response::builder().status(200).body(answer.as_bytes()).unwrap();
    let request = DeviceRequest::new(client).map_err(|error| error.to_string())?;
    match request.respond(&mut Env::new(NOW, &mut Dice(3)), response) {
        Ok(Step::Done(grant)) => Ok(grant),
        other => Err(format!("no device grant: {other:?}")),
    }
}

fn code(error: &Error) -> Result<String, String> {
    error.code().map(|code| code.as_str().to_owned()).ok_or_else(|| format!("no code: {error}"))
}

fn seen(tokens: &Tokens) -> Result<Expect, String> {
    if !tokens.tolerated().is_empty() || tokens.scope().is_unreadable() {
        return Err(format!("these members could not be read: {:?}", tokens.tolerated()));
    }
    Ok(Expect::Token {
        token: tokens.bearer().map_err(|error| error.to_string())?.expose_secret().to_owned(),
        scope: tokens.scope().explicit().map(|scope| scope.iter().map(str::to_owned).collect()),
        expires_in: tokens.expires_at().map(|at| at.saturating_since(NOW).as_secs()),
        refresh_token: tokens.refresh_token().map(|token| token.expose_secret().to_owned()),
    })
}
