//! A second session, which is fed by the first: its token is exchanged for one of another API (RFC 8693).

use grantflow::{AccessToken, AnyExchange, ConfidentialClient, SecurityToken, TokenExchange, Tokens};
use grantflow_session::{FreshToken, Key, MemoryStore, Session, SourceError};

use crate::Outcome;
use crate::outside::{Clock, Outside};

/// A session whose source is another session. It asks for the subject's token each time, so that is always fresh.
pub(crate) fn delegated(client: &ConfidentialClient, clock: &Clock, subject: &Session) -> Outcome<Session> {
    let session = Session::new(client, Key::new("stock")?, MemoryStore::new(), Outside::new(clock));
    let (client, subject) = (client.clone(), subject.clone());
    Ok(session.async_source(move |_| {
        let (client, subject) = (client.clone(), subject.clone());
        async move { exchange(&client, &subject.token().await?) }
    }))
}

fn exchange(client: &ConfidentialClient, subject: &FreshToken) -> Result<AnyExchange<Tokens>, SourceError> {
    let AccessToken::Bearer(token) = subject.access_token() else {
        return Err("only bearer tokens can be sent".into());
    };
    let subject = SecurityToken::access_token(token.expose_secret())?;
    let exchange = TokenExchange::new(client, subject).resource("https://stock.example")?.for_access_token();
    Ok(AnyExchange::new(exchange))
}
