//! The README's example compiles and runs as it is written there.

use std::collections::HashMap;
use std::error::Error;

use grantflow::{Env, PendingKey};

/// What the README leaves to the reader: a store for browser sessions.
#[derive(Default)]
struct Session(HashMap<PendingKey, String>);

impl Session {
    fn put(&mut self, key: PendingKey, value: String) {
        self.0.insert(key, value);
    }

    fn take(&mut self, key: PendingKey) -> Result<String, &'static str> {
        self.0.remove(&key).ok_or("nothing is kept under this key")
    }
}

#[allow(unused_variables, clippy::needless_pass_by_ref_mut, reason = "written for a reader, not for a compiler")]
#[rustfmt::skip]
fn example(
    session: &mut Session,
    request: &http::Request<()>,
    mut api_request: http::Request<()>,
) -> Result<(), Box<dyn Error>> {
    // README
use grantflow::{Authorization, Callback, Env, PendingCallback, Redirect, Server, callback_key};
use grantflow_ureq::{Agent, SysRng};

// The server and the client. Plain data.
let server = Server::new("https://api.trackmania.com/oauth/authorize", "https://api.trackmania.com/api/access_token")?
    .token_for("https://api.trackmania.com")?;
let client = server.client("my-id").secret_post("my-secret")?;

// Send the person to the server. PKCE S256 and state are always on.
let Redirect { url, pending } = Authorization::new(&client, "https://app.example/callback")?
    .scope("read_favorite write_favorite")?
    .start(&mut Env::new(grantflow_ureq::now(), &mut SysRng))?;
session.put(pending.key(), serde_json::to_string(&pending.into_stored())?);

// The person comes back. This is the only way to a code.
let key = callback_key(request.uri()).ok_or("a callback without a grant")?;
let pending = PendingCallback::from_stored(serde_json::from_str(&session.take(key)?)?, &client)?;
match pending.receive(request.uri()) {
    Callback::Granted(exchange) => {
        let tokens = grantflow_ureq::run(&Agent::new(), exchange)?;
        tokens.bearer()?.authorize(&mut api_request)?; // a header, over TLS, to that origin only
        let tokens = grantflow_ureq::run(&Agent::new(), tokens.refresh()?)?; // later: it rotates
    }
    Callback::Denied(refusal) => { /* the person or the server said no: refusal.code() */ }
    Callback::Unrelated { pending, why } => { /* not ours: keep waiting, nothing is lost */ }
    Callback::Rejected(rejection) => { /* ours, but invalid: start again */ }
}
    // README
    Ok(())
}

#[allow(dead_code, unused_variables, reason = "written for a reader, not for a compiler")]
#[rustfmt::skip]
fn blocking(mut request: http::Request<()>) -> Result<(), Box<dyn Error>> {
    // README
// Blocking: ureq.
use grantflow::{ClientCredentials, Server};
use grantflow_ureq::Agent;

let server = Server::with_token_endpoint("https://as.example/token")?.token_for("https://api.example")?;
let client = server.client("robot").secret_post("s3cret")?;

let agent = Agent::new();
let tokens = grantflow_ureq::run(&agent, ClientCredentials::new(&client).scope("clubs")?)?;
tokens.bearer()?.authorize(&mut request)?;
    // README
    Ok(())
}

#[allow(dead_code, unused_variables, reason = "written for a reader, not for a compiler")]
#[rustfmt::skip]
async fn over_reqwest(mut request: http::Request<()>) -> Result<(), Box<dyn Error>> {
    // README
// Async: reqwest.
use grantflow::{ClientCredentials, Server};
use grantflow_reqwest::Agent;

let server = Server::with_token_endpoint("https://as.example/token")?.token_for("https://api.example")?;
let client = server.client("robot").secret_post("s3cret")?;

let agent = Agent::new()?;
let tokens = grantflow_reqwest::run(&agent, ClientCredentials::new(&client).scope("clubs")?).await?;
tokens.bearer()?.authorize(&mut request)?;
    // README
    Ok(())
}

#[allow(dead_code, unused_variables, reason = "written for a reader, not for a compiler")]
#[rustfmt::skip]
async fn over_tower(service: axum::Router, mut request: http::Request<()>) -> Result<(), Box<dyn Error>> {
    // README
// Any tower service: hyper-util's client, an axum router, a stack with layers. You supply the timer.
use grantflow::{ClientCredentials, Server};
use grantflow_tower::Agent;

let server = Server::with_token_endpoint("https://as.example/token")?.token_for("https://api.example")?;
let client = server.client("robot").secret_post("s3cret")?;

let agent = Agent::new(service, tokio::time::sleep);
let tokens = grantflow_tower::run(&agent, ClientCredentials::new(&client).scope("clubs")?).await?;
tokens.bearer()?.authorize(&mut request)?;
    // README
    Ok(())
}

#[allow(dead_code, unused_variables, reason = "written for a reader, not for a compiler")]
#[rustfmt::skip]
fn by_its_issuer(agent: grantflow_ureq::Agent, refused: &http::Response<()>) -> Result<(), Box<dyn Error>> {
    use grantflow::{Challenges, Discovery, ResourceDiscovery};
    // README
let metadata = grantflow_ureq::run(&agent, Discovery::new("https://as.example")?)?;
let server = metadata.server()?; // its endpoints, its issuer, and what it demands

// Or from an API that has just refused a request:
let discovery = ResourceDiscovery::challenged("https://api.example/v1", &Challenges::of(refused.headers()))?;
let resource = grantflow_ureq::run(&agent, discovery)?;
let issuer = resource.only_authorization_server().ok_or("several servers: choose one")?;
let metadata = grantflow_ureq::run(&agent, resource.discovery(issuer)?)?;
    // README
    Ok(())
}

#[allow(dead_code, unused_variables, reason = "written for a reader, not for a compiler")]
#[rustfmt::skip]
async fn kept_fresh(
    client: grantflow::PublicClient,
    agent: grantflow_reqwest::Agent,
    tokens: grantflow::Tokens,
    mut request: http::Request<()>,
) -> Result<(), Box<dyn Error>> {
    // README
use grantflow_session::{FileStore, Key, Reqwest, Session};

let session = Session::new(&client, Key::new("ada@trackmania")?, FileStore::open("grants")?, Reqwest::new(agent));
session.prime(tokens).await?;              // once, with the tokens of the login

let token = session.token().await?;        // fresh; or token_blocking()
token.authorize(&mut request)?;
    // README
    Ok(())
}

#[allow(dead_code, unused_variables, reason = "written for a reader, not for a compiler")]
#[rustfmt::skip]
fn fed(
    client: grantflow::ConfidentialClient,
    grant: grantflow::ClientCredentials,
    key: grantflow_session::Key,
    store: grantflow_session::MemoryStore,
    outside: grantflow_session::Ureq,
) {
    use grantflow::AnyExchange;
    use grantflow_session::Session;
    // README
let session = Session::new(&client, key, store, outside)
    .source(move |_: &mut Env<'_>| Ok(AnyExchange::new(grant.clone())));
    // README
}

#[allow(dead_code, unused_variables, reason = "written for a reader, not for a compiler")]
#[rustfmt::skip]
fn at_the_command_line(client: grantflow::PublicClient, mut env: Env<'_>) -> Result<(), Box<dyn Error>> {
    use grantflow::{Authorization, Redirect};
    // README
use grantflow_loopback::{Arrival, Listener};

let listener = Listener::bind()?;
let Redirect { url, pending } = Authorization::new(&client, listener.redirect_uri())?.start(&mut env)?;
// Open `url` in the person's browser; then:
let Arrival { callback, page } = listener.wait(pending)?; // Granted, Denied or Rejected; ends at a deadline, or by a Stop
    // README
    Ok(())
}

#[derive(serde::Serialize)]
struct Payment {
    r#type: &'static str,
    amount: &'static str,
    currency: &'static str,
}

#[allow(dead_code, unused_variables, reason = "written for a reader, not for a compiler")]
#[rustfmt::skip]
fn in_more_detail(
    client: grantflow::PublicClient,
    redirect_uri: &str,
    tokens: grantflow::Tokens,
    agent: grantflow_ureq::Agent,
) -> Result<(), Box<dyn Error>> {
    use grantflow::{Authorization, AuthorizationDetails};
    // README
let details = AuthorizationDetails::new(&[Payment { r#type: "payment_initiation", amount: "123.50", currency: "EUR" }])?;
let authorization = Authorization::new(&client, redirect_uri)?.authorization_details(details)?.resource("https://pay.example/")?;
// … the person approves, and the server says what was granted:
let granted = tokens.authorization_details();
let tokens = grantflow_ureq::run(&agent, tokens.refresh()?.resource("https://pay.example/")?)?;
    // README
    Ok(())
}

#[allow(dead_code, unused_variables, reason = "written for a reader, not for a compiler")]
#[rustfmt::skip]
fn tokens_that_are_grants(
    agent: grantflow_ureq::Agent,
    client: grantflow::ConfidentialClient,
    received: &str,
    at_company: grantflow::ConfidentialClient,
    at_chat: grantflow::ConfidentialClient,
    id_token: &str,
) -> Result<(), Box<dyn Error>> {
    use grantflow::{Exchange, Exchanged, IdentityAssertionRequest, SecurityToken, TokenExchange};
    // README
let subject = SecurityToken::access_token(received)?; // with its type, always
match grantflow_ureq::run(&agent, TokenExchange::new(&client, subject).resource("https://stock.example/")?)? {
    Exchanged::Tokens { tokens, .. } => { /* tokens.bearer()? for the API behind this one */ }
    Exchanged::Issued(token) => { /* the subject of another exchange, or token.to_assertion()? at another server */ }
}

// A company's server states who the person is, and another company's server believes it: two steps, run as one.
let request = IdentityAssertionRequest::new(&at_company, SecurityToken::id_token(id_token)?, &at_chat)?.scope("chat.read")?;
let tokens = grantflow_ureq::run(&agent, request.then(|assertion, _| Ok(assertion.grant())))?;
    // README
    Ok(())
}

#[allow(dead_code, unused_variables, reason = "written for a reader, not for a compiler")]
#[rustfmt::skip]
fn an_api_wants_more(
    authorization: &grantflow::Authorization,
    tokens: &grantflow::Tokens,
    response: &http::Response<()>,
    mut env: Env<'_>,
) -> Result<(), Box<dyn Error>> {
    use grantflow::{Redirect, StepUp, StepUpAttempts};
    // README
let mut attempts = StepUpAttempts::new(); // one per operation; three logins at most
if let Some(step_up) = StepUp::of(response.status(), response.headers()) {
    let authorization = authorization.step_up(&step_up, tokens.scope(), &mut attempts)?; // the union of the scopes, acr_values, max_age
    let Redirect { url, pending } = authorization.start(&mut env)?;
}
    // README
    Ok(())
}

#[allow(dead_code, unused_variables, reason = "written for a reader, not for a compiler")]
#[rustfmt::skip]
fn a_program_registers_itself(
    server: grantflow::Server,
    agent: grantflow_ureq::Agent,
    store: impl Fn(grantflow::StoredRegistration),
) -> Result<(), Box<dyn Error>> {
    use grantflow::{ClientIdDocument, ClientMetadata, Registration};
    // README
let metadata = ClientMetadata::new().client_name("Club Manager")?.redirect_uri("http://127.0.0.1/callback")?;
let registered = grantflow_ureq::run(&agent, Registration::new(&server, metadata.clone())?)?;
let client = registered.client(&server)?; // refused for a server of another issuer
store(registered.into_stored());          // and again after each read and update: a server may give new credentials

// Or without a registration: the client id is the URL of a document that your web server answers with.
let document = ClientIdDocument::new("https://app.example/oauth/client.json", metadata)?;
let client = document.client(&server)?;
    // README
    Ok(())
}

#[test]
fn the_readme_shows_what_is_compiled_here() {
    let compiled: Vec<&str> = include_str!("readme.rs").split("    // README\n").skip(1).step_by(2).collect();
    let readme = include_str!("../README.md");
    let shown: Vec<&str> = readme.split("```rust\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    assert_eq!(shown, compiled, "an example of the README was changed: change it here, too");
}

#[test]
fn it_goes_as_far_as_it_can_without_a_person() {
    let mut session = Session::default();
    let request = |uri: &str| http::Request::get(uri).body(()).unwrap();
    let failed = |session: &mut Session, uri: &str| {
        example(session, &request(uri), request("https://api.trackmania.com/api/user")).unwrap_err().to_string()
    };
    assert_eq!(failed(&mut session, "/callback?code=x"), "a callback without a grant");
    assert_eq!(failed(&mut session, "/callback?code=x&state=forged"), "nothing is kept under this key");
    assert_eq!(session.0.len(), 2, "a forged callback took something");
}
