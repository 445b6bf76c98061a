//! The same API, used as it is meant to be: this compiles.

use grantflow::{
    AccessToken, Authorization, Callback, ClientCredentials, Env, Error, Exchange, PendingCallback, Redirect, Server, Step, Tokens,
};

fn flow(env: &mut Env<'_>, uri: &http::Uri, answer: http::Response<Vec<u8>>) -> Result<(), Error> {
    let server = Server::new("https://as.example/authorize", "https://as.example/token")?;
    let client = server.client("id").secret_post("secret")?;
    let Redirect { url, pending } = Authorization::new(&client, "https://app.example/cb")?.scope("a")?.start(env)?;
    let _ = url.as_str();
    let pending = PendingCallback::from_stored(pending.into_stored(), &client)?;
    let Callback::Granted(exchange) = pending.receive(uri) else { return Ok(()) };
    let _ = exchange.request(env)?;
    let Step::Done(tokens) = exchange.respond(env, answer)? else { return Ok(()) };
    use_token(&tokens)?;
    let _ = tokens.refresh()?.request(env)?;
    let _ = ClientCredentials::new(&client).request(env)?;
    Ok(())
}

fn use_token(tokens: &Tokens) -> Result<(), Error> {
    let mut request = http::Request::new(());
    match tokens.access_token() {
        AccessToken::Bearer(token) => token.authorize(&mut request),
        AccessToken::Dpop(_) => Ok(()),
    }
}

fn main() {
    let _ = flow;
}
