//! The frame of all stored states: kind, version, owner, and a checksum over the text of all of it, so that no field of
//! a state can be forgotten.

use core::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Client;
use crate::error::{Error, Misuse, OtherIssuer, Shown, StoredFault};
use crate::url::Issuer;
use crate::wire::checksum::Checksum;

/// A state of one kind, sealed for its client. It holds the state in plain text.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct Sealed {
    v: u32,
    kind: String,
    sum: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    client_id: String,
    token_endpoint: String,
    /// The state as JSON text.
    state: Zeroizing<String>,
}

/// Room for almost every state, so that no part of a secret stays behind in a smaller buffer.
const ROOM: usize = 4 * 1024;

impl Sealed {
    pub(crate) fn new(kind: &'static str, version: u32, client: &Client, state: &impl Serialize) -> Self {
        let data = client.data();
        let server = &data.server;
        Self::of(kind, version, server.issuer_identifier(), &data.id, server.token_endpoint().as_str(), state)
    }

    /// A state of a client that is not made yet.
    pub(crate) fn of(
        kind: &'static str,
        version: u32,
        issuer: Option<&Issuer>,
        client_id: &str,
        token_endpoint: &str,
        state: &impl Serialize,
    ) -> Self {
        let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
        // It fails for maps whose keys are not texts, which no state has. If one had, the restored state would be
        // refused.
        let written = state.serialize(&mut serde_json::Serializer::new(&mut *text));
        let state = if written.is_ok() { core::mem::take(&mut *text) } else { Vec::new() };
        let mut sealed = Self {
            v: version,
            kind: kind.to_owned(),
            sum: String::new(),
            issuer: issuer.map(|issuer| issuer.as_str().to_owned()),
            client_id: client_id.to_owned(),
            token_endpoint: token_endpoint.to_owned(),
            state: Zeroizing::new(String::from_utf8(state).unwrap_or_default()),
        };
        sealed.sum = sealed.checksum();
        sealed
    }

    fn checksum(&self) -> String {
        Checksum::new(&self.kind)
            .number(Some(self.v.into()))
            .field(self.issuer.as_deref())
            .field(Some(&self.client_id))
            .field(Some(&self.token_endpoint))
            .field(Some(&self.state))
            .finish()
    }

    /// The state, for the client for which it was sealed, if it is of this kind and of a version up to `version`.
    ///
    /// # Errors
    /// [`Misuse::Stored`]: the state is refused.
    pub(crate) fn open<S: DeserializeOwned>(self, kind: &str, version: u32, client: &Client) -> Result<S, Error> {
        self.check(kind, version)?;
        if !client.data().is(self.issuer.as_deref(), &self.client_id, &self.token_endpoint) {
            return refuse(StoredFault::OtherClient);
        }
        self.state()
    }

    /// The client's id and the state, for the issuer for which it was sealed. Its token endpoint may have moved.
    ///
    /// # Errors
    /// [`Misuse::Stored`]: the state is refused; [`Error::OtherIssuer`].
    pub(crate) fn open_at<S: DeserializeOwned>(
        mut self,
        kind: &str,
        version: u32,
        issuer: &Issuer,
    ) -> Result<(String, S), Error> {
        self.check(kind, version)?;
        let stored = self.issuer.as_deref().unwrap_or_default();
        if !issuer.is(stored) {
            return Err(other_issuer(stored, issuer));
        }
        let state = self.state()?;
        Ok((core::mem::take(&mut self.client_id), state))
    }

    fn check(&self, kind: &str, version: u32) -> Result<(), Error> {
        if self.v == 0 || self.v > version {
            return refuse(StoredFault::Version);
        }
        if self.kind != kind || self.sum != self.checksum() {
            return refuse(StoredFault::Damaged);
        }
        Ok(())
    }

    fn state<S: DeserializeOwned>(&self) -> Result<S, Error> {
        serde_json::from_str(&self.state).or(refuse(StoredFault::Damaged))
    }
}

fn refuse<T>(fault: StoredFault) -> Result<T, Error> {
    Err(Error::Misuse(Misuse::Stored(fault)))
}

/// Credentials of one issuer, and a server of another one.
pub(crate) fn other_issuer(expected: &str, received: &Issuer) -> Error {
    let shown = |text: &str| Shown::new(text, Issuer::new(text).is_ok());
    Error::OtherIssuer(Box::new(OtherIssuer { expected: shown(expected), received: shown(received.as_str()) }))
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed {{ v: {}, kind: {:?}, client_id: {:?}, … }}", self.v, self.kind, self.client_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Server;

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct State {
        secret: String,
        count: u64,
    }

    fn client(id: &str, token_endpoint: &str) -> Client {
        Client::from(&Server::with_token_endpoint(token_endpoint).unwrap().client(id).public().unwrap())
    }

    fn state() -> State {
        State { secret: "s3cret".to_owned(), count: 7 }
    }

    #[test]
    fn a_state_comes_back_to_its_client_alone() {
        let own = client("a", "https://as.example/token");
        let text = serde_json::to_string(&Sealed::new("test", 1, &own, &state())).unwrap();
        let sealed = || serde_json::from_str::<Sealed>(&text).unwrap();
        assert_eq!(sealed().open::<State>("test", 1, &own).unwrap(), state());
        assert_eq!(sealed().open::<State>("test", 2, &own).unwrap(), state(), "by a newer release");
        let fault = |result: Result<State, Error>| match result.unwrap_err() {
            Error::Misuse(Misuse::Stored(fault)) => fault,
            other => panic!("{other}"),
        };
        assert_eq!(fault(sealed().open("test", 0, &own)), StoredFault::Version);
        assert_eq!(fault(sealed().open("other", 1, &own)), StoredFault::Damaged);
        for other in [client("b", "https://as.example/token"), client("a", "https://as.example/other")] {
            assert_eq!(fault(sealed().open("test", 1, &other)), StoredFault::OtherClient);
        }
        assert!(!format!("{:?}", sealed()).contains("s3cret"));
    }

    #[test]
    fn no_byte_of_it_can_change_unseen() {
        let own = client("a", "https://as.example/token");
        let text = serde_json::to_string(&Sealed::new("test", 1, &own, &state())).unwrap();
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            let Ok(sealed) = serde_json::from_slice::<Sealed>(&changed) else { continue };
            assert!(sealed.open::<State>("test", 1, &own).is_err(), "byte {at}");
        }
    }
}
