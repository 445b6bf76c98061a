//! A client information response (RFC 7591 §3.2.1, RFC 7592 §3): the credentials, and the metadata as the server has
//! registered it.

use std::borrow::Cow;

use crate::error::Violation;
use crate::value::secret::Secret;
use crate::wire::object::{self, Extra, Fault, Members, Optional, Scalar, Table, visible};

/// A member that only a server gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    ClientId,
    ClientSecret,
    ClientIdIssuedAt,
    ClientSecretExpiresAt,
    RegistrationAccessToken,
    RegistrationClientUri,
}

impl Table for Member {
    const ALL: &'static [Self] = &[
        Self::ClientId,
        Self::ClientSecret,
        Self::ClientIdIssuedAt,
        Self::ClientSecretExpiresAt,
        Self::RegistrationAccessToken,
        Self::RegistrationClientUri,
    ];

    type Slots<'a> = [Option<Scalar<'a>>; 6];

    fn name(self) -> &'static str {
        match self {
            Self::ClientId => "client_id",
            Self::ClientSecret => "client_secret",
            Self::ClientIdIssuedAt => "client_id_issued_at",
            Self::ClientSecretExpiresAt => "client_secret_expires_at",
            Self::RegistrationAccessToken => "registration_access_token",
            Self::RegistrationClientUri => "registration_client_uri",
        }
    }

    fn slot(self) -> usize {
        self as usize
    }
}

/// A member of the registered metadata that this library acts on. All of them are kept, also those that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    RedirectUris,
    TokenEndpointAuthMethod,
    GrantTypes,
    ResponseTypes,
    Scope,
    ClientName,
}

impl Table for Said {
    const ALL: &'static [Self] = &[
        Self::RedirectUris,
        Self::TokenEndpointAuthMethod,
        Self::GrantTypes,
        Self::ResponseTypes,
        Self::Scope,
        Self::ClientName,
    ];

    type Slots<'a> = [Option<Scalar<'a>>; 6];

    fn name(self) -> &'static str {
        match self {
            Self::RedirectUris => "redirect_uris",
            Self::TokenEndpointAuthMethod => "token_endpoint_auth_method",
            Self::GrantTypes => "grant_types",
            Self::ResponseTypes => "response_types",
            Self::Scope => "scope",
            Self::ClientName => "client_name",
        }
    }

    fn slot(self) -> usize {
        self as usize
    }

    fn is_raw(self) -> bool {
        matches!(self, Self::RedirectUris | Self::GrantTypes | Self::ResponseTypes)
    }
}

/// A checked answer. Each member that could not be read is absent, and its name is in `tolerated`: the client exists at the
/// server, and a refused answer would lose its credentials.
pub(crate) struct ClientInformation {
    /// Absent in some answers about a client that is known already.
    pub(crate) client_id: Option<Box<str>>,
    pub(crate) client_secret: Option<Secret>,
    /// In seconds since 1970.
    pub(crate) client_id_issued_at: Option<u64>,
    /// In seconds since 1970; 0 for never.
    pub(crate) client_secret_expires_at: Option<u64>,
    pub(crate) registration_access_token: Option<Secret>,
    pub(crate) registration_client_uri: Option<Box<str>>,
    pub(crate) metadata: Metadata,
    pub(crate) tolerated: Vec<&'static str>,
}

/// The metadata that the server has registered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metadata {
    pub(crate) redirect_uris: Option<Vec<String>>,
    pub(crate) token_endpoint_auth_method: Option<Box<str>>,
    pub(crate) grant_types: Option<Vec<String>>,
    pub(crate) response_types: Option<Vec<String>>,
    pub(crate) scope: Option<Box<str>>,
    pub(crate) client_name: Option<Box<str>>,
    /// All members except the credentials, as they came.
    pub(crate) all: Extra,
}

/// Longer URLs are not requested.
const LONGEST_URL: usize = 8 * 1024;

/// Reads the members of a client's own answer; `own_id` is the id of a client that is registered already.
///
/// # Errors
/// `client_id` is missing, empty or unreadable, or another client's.
pub(crate) fn read(mut members: Members<'_, Member>, own_id: Option<&str>) -> Result<ClientInformation, Violation> {
    let client_id = match (members.required(Member::ClientId), own_id) {
        (Ok(id), _) if visible(&id).is_some() => return Err(Violation::Character(Member::ClientId.name())),
        (Ok(id), Some(own)) if *id != *own => return Err(Violation::OtherClient),
        (Ok(id), _) => Some(id.as_ref().into()),
        // The server was asked for this client by its own URL.
        (Err(Violation::Missing(_) | Violation::Empty(_)), Some(_)) => None,
        (Err(violation), _) => return Err(violation),
    };
    let (metadata, mut tolerated) = Metadata::read(core::mem::take(&mut members.extra));
    let mut read = |member: Member| text(&mut members, member, &mut tolerated);
    // A secret is sent form-encoded, so it may have any character.
    let client_secret = read(Member::ClientSecret).map(|text| Secret::new(text.into_owned()));
    let token = read(Member::RegistrationAccessToken);
    let uri = read(Member::RegistrationClientUri);
    let mut lose = |member: Member| tolerated.push(member.name());
    // It becomes a header.
    let registration_access_token = match token {
        Some(token) if token.bytes().all(|b| b.is_ascii_graphic()) => Some(Secret::new(token.into_owned())),
        Some(_) => {
            lose(Member::RegistrationAccessToken);
            None
        }
        None => None,
    };
    let registration_client_uri = match uri {
        Some(uri) if uri.len() <= LONGEST_URL => Some(uri.as_ref().into()),
        Some(_) => {
            lose(Member::RegistrationClientUri);
            None
        }
        None => None,
    };
    let mut seconds = |member: Member| match members.seconds(member, true) {
        Optional::Value(seconds) => Some(seconds),
        Optional::Absent => None,
        Optional::Blank(_) | Optional::Unreadable(_) => {
            tolerated.push(member.name());
            None
        }
    };
    let client_id_issued_at = seconds(Member::ClientIdIssuedAt);
    let client_secret_expires_at = seconds(Member::ClientSecretExpiresAt);
    Ok(ClientInformation {
        client_id,
        client_secret,
        client_id_issued_at,
        client_secret_expires_at,
        registration_access_token,
        registration_client_uri,
        metadata,
        tolerated,
    })
}

/// A text. `null` and the empty text count as absent: some servers write them for a public client's secret.
fn text<'a, T: Table>(
    members: &mut Members<'a, T>,
    member: T,
    tolerated: &mut Vec<&'static str>,
) -> Option<Cow<'a, str>> {
    match members.take(member) {
        None | Some(Scalar::Null) => None,
        Some(Scalar::Text(text)) if text.is_empty() => None,
        Some(Scalar::Text(text)) if !members.is_doubled(member) => Some(text),
        Some(_) => {
            tolerated.push(member.name());
            None
        }
    }
}

impl Metadata {
    /// Reads the metadata from the members that are no credentials, with the names of those that cannot be read.
    pub(crate) fn read(all: Extra) -> (Self, Vec<&'static str>) {
        let mut tolerated = Vec::new();
        let mut members: Members<'_, Said> = Members::default();
        // The text was read once already, so only an empty one is no object.
        let object = object::read::<Said, true>(all.text(), None, None, &mut members);
        if object.is_err() {
            return (Self { all: all.clone(), ..Self::default() }, tolerated);
        }
        let mut texts = |member: Said| match members.texts(member) {
            Optional::Absent | Optional::Blank(Fault::WrongType) => None,
            Optional::Value(texts) if !members.is_doubled(member) => Some(texts),
            Optional::Value(_) | Optional::Blank(_) | Optional::Unreadable(_) => {
                tolerated.push(member.name());
                None
            }
        };
        let redirect_uris = texts(Said::RedirectUris);
        let grant_types = texts(Said::GrantTypes);
        let response_types = texts(Said::ResponseTypes);
        let mut one = |member: Said| text(&mut members, member, &mut tolerated).map(|text| Box::from(&*text));
        let token_endpoint_auth_method = one(Said::TokenEndpointAuthMethod);
        let scope = one(Said::Scope);
        let client_name = one(Said::ClientName);
        drop(members);
        let read =
            Self { redirect_uris, token_endpoint_auth_method, grant_types, response_types, scope, client_name, all };
        (read, tolerated)
    }
}

/// The names of the members that can be tolerated, from a store.
pub(crate) fn tolerated(names: &[String]) -> Vec<&'static str> {
    let credentials = Member::ALL.iter().map(|member| member.name());
    let all: Vec<&'static str> = credentials.chain(Said::ALL.iter().map(|member| member.name())).collect();
    names.iter().filter_map(|name| all.iter().copied().find(|known| known == name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_found_by_its_name_and_has_a_slot() {
        for (at, member) in Member::ALL.iter().enumerate() {
            assert_eq!(Member::named(member.name()), Some(*member));
            assert_eq!(member.slot(), at);
        }
        for (at, member) in Said::ALL.iter().enumerate() {
            assert_eq!(Said::named(member.name()), Some(*member));
            assert_eq!(member.slot(), at);
        }
    }
}
