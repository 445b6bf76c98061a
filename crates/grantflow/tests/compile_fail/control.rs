//! The same API, used correctly: this compiles without a warning.

#![deny(warnings)]

use grantflow::*;

fn flow(env: &mut Env<'_>, uri: &http::Uri, answer: http::Response<Vec<u8>>) -> Result<(), Error> {
    let server = Server::new("https://as.example/authorize", "https://as.example/token")?;
    let client = server.client("id").secret_post("secret")?;
    let Redirect { url, pending } = Authorization::new(&client, "https://app.example/cb")?.scope("a")?.start(env)?;
    let _ = url.as_str();
    let pending = PendingCallback::from_stored(pending.into_stored(), &client)?;
    let exchange = match pending.receive(uri) {
        Callback::Granted(exchange) => exchange,
        Callback::Denied(_) | Callback::Unrelated { .. } => return Ok(()),
        Callback::Rejected(rejection) => {
            let _ = rejection.untrusted_error();
            return Ok(());
        }
    };
    let _ = exchange.request(env)?;
    let Step::Done(tokens) = exchange.respond(env, answer)? else { return Ok(()) };
    use_token(&tokens)?;
    let _ = tokens.refresh()?.request(env)?;
    // Replayable, so it may be kept.
    let credentials = ClientCredentials::new(&client);
    let _ = [credentials.clone(), credentials];
    Ok(())
}

fn find(env: &mut Env<'_>, api: &str, refused: &http::HeaderMap, answers: [http::Response<Vec<u8>>; 2]) -> Result<Option<Server>, Error> {
    let [first, second] = answers;
    let resource = ResourceDiscovery::challenged(api, &Challenges::of(refused))?;
    let Step::Done(resource) = resource.respond(env, first)? else { return Ok(None) };
    let Some(issuer) = resource.only_authorization_server() else { return Ok(None) };
    let discovery = resource.discovery(issuer)?;
    // Replayable, so it may be kept.
    let _ = discovery.clone();
    match discovery.respond(env, second)? {
        Step::Done(metadata) => metadata.server().map(Some),
        Step::Again(next) => next.request(env).map(|_| None),
    }
}

fn use_token(tokens: &Tokens) -> Result<(), Error> {
    let mut request = http::Request::new(());
    match tokens.access_token() {
        AccessToken::Bearer(token) => token.authorize(&mut request),
        AccessToken::Dpop(_) => Ok(()),
    }
}

fn other_endpoints(api: &ConfidentialClient, authorization: &Authorization, tokens: Tokens, env: &mut Env<'_>) -> Result<bool, Error> {
    let _ = Introspection::new(api, "token")?.hint(TokenTypeHint::AccessToken).clone();
    let pushed = match authorization.begin(env)? {
        Begun::Redirect(_) => false,
        Begun::Push(exchange) => exchange.request(env).is_ok(),
    };
    let _ = tokens.revoke()?.into_tokens();
    Ok(pushed)
}

fn register(server: &Server, env: &mut Env<'_>, answers: [http::Response<Vec<u8>>; 3]) -> Result<Option<Client>, Error> {
    let [first, second, third] = answers;
    let metadata = ClientMetadata::new().redirect_uri("https://app.example/cb")?.client_name("Clubs")?;
    let document = ClientIdDocument::new("https://app.example/client.json", metadata.clone())?;
    let registration = Registration::new(server, metadata)?.initial_access_token("token")?;
    let Step::Done(registered) = registration.respond(env, first)? else { return Ok(None) };
    let registered = Registered::from_stored(registered.into_stored(), server)?;
    let client = registered.client(server)?;
    let Step::Done(registered) = registered.read()?.respond(env, second)? else { return Ok(None) };
    let update = registered.update(ClientMetadata::new().client_name("Other")?)?;
    let Step::Done(registered) = update.respond(env, third)? else { return Ok(None) };
    let _ = registered.delete()?.into_registered().client_id();
    let _ = Client::from(&document.client(server)?);
    Ok(Some(client))
}

fn exchanged(company: &ConfidentialClient, chat: &Client, id_token: &str, env: &mut Env<'_>) -> Result<AssertionGrant, Error> {
    let subject = SecurityToken::id_token(id_token)?;
    // One subject token may be exchanged for several audiences.
    let exchange = TokenExchange::new(company, subject.clone()).actor(SecurityToken::jwt("a.b.c")?).audience("chat")?;
    let _ = exchange.for_access_token().request(env)?;
    let request = IdentityAssertionRequest::new(company, subject, chat)?.scope("read")?;
    let _ = request.then(|assertion, _| Ok(assertion.grant())).request(env)?;
    let _ = ExtensionGrant::new(chat, "urn:example:voucher")?.param("voucher", "1")?.replayable();
    Ok(AssertionGrant::new(chat, Assertion::jwt("a.b.c")?))
}

fn used(exchanged: Exchanged) -> Result<(), Error> {
    match exchanged {
        Exchanged::Tokens { tokens, .. } => use_token(&tokens),
        Exchanged::Issued(token) => token.to_assertion().map(drop),
    }
}

fn ask_a_person(bank: &ConfidentialClient, env: &mut Env<'_>, answer: http::Response<Vec<u8>>, ping: &http::Request<Vec<u8>>) -> Result<bool, Error> {
    let request = BackchannelRequest::with_login_hint(bank, "ada")?.ping(env)?;
    let Step::Done(grant) = request.respond(env, answer)? else { return Ok(false) };
    let grant = BackchannelGrant::from_stored(grant.into_stored(), bank)?;
    let Ok(notification) = Notification::read(ping) else { return Ok(false) };
    match grant.receive(&notification) {
        Notified::Ready(grant) => Ok(grant.request(env).is_ok()),
        Notified::Unrelated { why, .. } => Ok(why.response().status().is_success()),
    }
}

fn over_ureq(agent: &grantflow_ureq::Agent, exchange: CodeExchange) -> bool {
    grantflow_ureq::run(agent, exchange).is_ok()
}

fn store<T: serde::Serialize>(_: &T) {}

fn main() {
    let _ = (flow, find, other_endpoints, register, exchanged, used, ask_a_person, over_ureq);
    store(&"");
}
