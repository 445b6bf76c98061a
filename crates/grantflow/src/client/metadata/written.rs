//! The metadata as requests and documents hold it.

use zeroize::Zeroizing;

use super::checks::{self, Fault, fault};
use super::{ApplicationType, ClientMetadata, Members};
use crate::error::Error;
#[cfg(doc)]
use crate::error::Misuse;
use crate::url::RedirectUri;

impl ClientMetadata {
    pub(crate) fn auth_method(&self) -> Option<&str> {
        self.auth_method.as_deref()
    }

    /// The kind of program that the client is.
    fn kind(&self) -> ApplicationType {
        let follows = || {
            let native = self.redirect_uris.iter().any(|uri| !uri.is_remote());
            if native { ApplicationType::Native } else { ApplicationType::Web }
        };
        self.application_type.unwrap_or_else(follows)
    }

    /// The members, each with its JSON text. A `change` has only what was set: the rest is what the server registered.
    pub(crate) fn members(&self, change: bool) -> Members {
        let mut members = Members::new();
        let mut add = |name: &str, json: Zeroizing<String>| members.push((name.into(), json));
        // Texts and lists of texts can always be written.
        if !self.redirect_uris.is_empty() {
            let uris: Vec<&str> = self.redirect_uris.iter().map(RedirectUri::as_str).collect();
            add("redirect_uris", checks::json(&uris).unwrap_or_default());
        }
        if let Some(method) = &self.auth_method {
            add("token_endpoint_auth_method", checks::json(method).unwrap_or_default());
        }
        if let Some(grant_types) = &self.grant_types {
            add("grant_types", checks::json(grant_types).unwrap_or_default());
        }
        if let Some(response_types) = &self.response_types {
            add("response_types", checks::json(response_types).unwrap_or_default());
        } else if self.grant_types.is_some() && (change || !self.uses_codes()) {
            // The other one would contradict the grant types (RFC 7591 §2.1), also one that the server has registered.
            let types = if self.uses_codes() { "[\"code\"]" } else { "[]" };
            add("response_types", Zeroizing::new(types.to_owned()));
        }
        if !change || self.application_type.is_some() || !self.redirect_uris.is_empty() {
            add("application_type", checks::json(self.kind().as_str()).unwrap_or_default());
        }
        members.extend(self.others.iter().cloned());
        members
    }

    /// # Errors
    /// [`Misuse::ClientMetadata`] if the members contradict each other, or a redirect URI is missing.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.check_types()?;
        // A software statement may name them.
        let unknown = self.has("software_statement");
        if self.uses_codes() && self.redirect_uris.is_empty() && !unknown {
            return Err(fault(Fault::NoRedirectUri));
        }
        Ok(())
    }

    /// # Errors
    /// [`Misuse::ClientMetadata`] if grant types and response types contradict each other.
    pub(crate) fn check_types(&self) -> Result<(), Error> {
        let Some(response_types) = &self.response_types else { return Ok(()) };
        let has_code = response_types.iter().any(|kind| &**kind == "code");
        if has_code == self.uses_codes() { Ok(()) } else { Err(fault(Fault::ResponseTypes)) }
    }

    fn uses_codes(&self) -> bool {
        self.grant_types.as_ref().is_none_or(|types| types.iter().any(|kind| &**kind == "authorization_code"))
    }
}
