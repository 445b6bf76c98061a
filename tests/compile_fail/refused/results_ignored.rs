//! Refused: ignoring a step, a redirect, a failure, a callback or an exchange.

#![deny(unused_must_use)]

use grantflow::*;

fn step(_: &CodeExchange) -> Step<CodeExchange> {
    unimplemented!()
}

fn failure(_: &CodeExchange) -> Failure<CodeExchange> {
    unimplemented!()
}

fn ignore(authorization: &Authorization, env: &mut Env<'_>, exchange: CodeExchange, client: &ConfidentialClient) {
    step(&exchange);
    failure(&exchange);
    ClientCredentials::new(client);
    exchange;
    authorization.start(env);
}

fn ignore_more(authorization: &Authorization, env: &mut Env<'_>, pending: PendingCallback, uri: &http::Uri, tokens: Tokens) -> Result<(), Error> {
    authorization.start(env)?;
    pending.receive(uri);
    tokens.refresh()?;
    Ok(())
}

fn main() {}
