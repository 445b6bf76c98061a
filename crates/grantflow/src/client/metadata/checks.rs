//! What the members of a client's metadata may be.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

pub(super) use crate::error::ClientMetadataFault as Fault;
use crate::error::{ClientMetadataFault, Error, Misuse};
use crate::wire::object::pairs;

pub(super) fn fault(fault: ClientMetadataFault) -> Error {
    Error::Misuse(Misuse::ClientMetadata(fault))
}

/// The grants that are removed (RFC 9700 §2.1.2, §2.4).
const REMOVED_GRANTS: [&str; 2] = ["implicit", "password"];

/// The words of the response types that put tokens into a URL (RFC 9700 §2.1.2).
const IMPLICIT: [&str; 2] = ["token", "id_token"];

/// The members that may have a language (RFC 7591 §2.2).
const TRANSLATABLE: [&str; 5] = ["client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"];

/// The members that have a method, and those that only a server gives (RFC 7591 §3.2.1, RFC 7592 §3).
const RESERVED: [&str; 23] = [
    "redirect_uris",
    "token_endpoint_auth_method",
    "grant_types",
    "response_types",
    "application_type",
    "client_name",
    "client_uri",
    "logo_uri",
    "tos_uri",
    "policy_uri",
    "scope",
    "contacts",
    "jwks_uri",
    "jwks",
    "software_id",
    "software_version",
    "software_statement",
    "client_id",
    "client_secret",
    "client_id_issued_at",
    "client_secret_expires_at",
    "registration_access_token",
    "registration_client_uri",
];

/// The members of a private key, and of a symmetric one (RFC 7518 §6, RFC 9964).
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// One word of printable ASCII.
pub(super) fn word(member: &'static str, text: &str) -> Result<Box<str>, Error> {
    let good = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    if good { Ok(text.into()) } else { Err(fault(Fault::Value(member))) }
}

fn is_one_of(names: &[&str], text: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(text.trim()))
}

pub(super) fn grant_types(types: &[&str]) -> Result<Vec<Box<str>>, Error> {
    if types.iter().any(|kind| is_one_of(&REMOVED_GRANTS, kind)) {
        return Err(fault(Fault::RemovedGrant));
    }
    types.iter().map(|kind| word("grant_types", kind)).collect()
}

pub(super) fn response_types(types: &[&str]) -> Result<Vec<Box<str>>, Error> {
    let mut read: Vec<Box<str>> = Vec::new();
    for kind in types {
        if kind.split_whitespace().any(|word| is_one_of(&IMPLICIT, word)) {
            return Err(fault(Fault::RemovedGrant));
        }
        read.push(word("response_types", kind)?);
    }
    Ok(read)
}

/// The name of a member that may have a language, if the language is a tag by its characters (RFC 5646 §2.1).
pub(super) fn translatable(member: &str, language: &str) -> Result<&'static str, Error> {
    let is_subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let member = TRANSLATABLE.into_iter().find(|known| *known == member);
    member.filter(|_| language.split('-').all(is_subtag)).ok_or(fault(Fault::Language))
}

/// Whether the caller may give a member of this name. Some servers read names in any case.
pub(super) fn free_name(name: &str) -> Result<(), Error> {
    let without_language = name.split('#').next().unwrap_or_default();
    let reserved = without_language.trim().is_empty() || is_one_of(&RESERVED, without_language);
    if reserved { Err(fault(Fault::Reserved)) } else { Ok(()) }
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Zeroizing<String>, Error> {
    serde_json::to_string(value).map(Zeroizing::new).map_err(|_| fault(Fault::NotWritable))
}

/// An object with a list of public keys.
pub(super) fn key_set(json: &str) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Keys<'k> {
        #[serde(borrow)]
        keys: Vec<&'k RawValue>,
    }
    let shape = || fault(Fault::KeySet);
    // serde takes a list for a struct.
    pairs(json).ok_or_else(shape)?;
    let set: Keys<'_> = serde_json::from_str(json).map_err(|_| shape())?;
    for key in set.keys {
        let members = pairs(key.get()).ok_or_else(shape)?;
        if members.iter().any(|(name, _)| PRIVATE.contains(&&**name)) {
            return Err(fault(Fault::PrivateKey));
        }
    }
    Ok(())
}
