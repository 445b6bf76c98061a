//! An authorization server's metadata (RFC 8414 §2, OpenID Connect Discovery §3), from bytes to checked values.

use core::fmt;

use serde::de::DeserializeOwned;

use crate::error::{Error, Misuse, Violation};
use crate::url::{Ground, Issuer, page};
use crate::wire::object::{Extra, Fault, Members, Optional, Table as _};

mod accessors;
mod members;

use members::Kind;
pub(crate) use members::Member;

/// An authorization server's metadata. Its issuer was checked, and so was each URL to which a request or a person goes.
///
/// **It has no age**: only the caller can decide how long it may be used. To store it, store
/// [`as_json`](Self::as_json), and give it to [`Discovery::read`](crate::Discovery::read), which checks all of it again.
///
/// An optional member that is `null` counts as absent. One that cannot be read costs its own value, and
/// [`tolerated`](Self::tolerated) names it. The targets of requests and the protections of answers are never tolerated:
/// every endpoint, `jwks_uri`, `code_challenge_methods_supported`, and the members that demand something.
#[derive(Clone)]
pub struct ServerMetadata {
    issuer: Issuer,
    /// Set if the issuer stands for all tenants.
    template: Option<Box<str>>,
    texts: Vec<(Member, Box<str>)>,
    lists: Vec<(Member, Vec<String>)>,
    truths: Vec<(Member, bool)>,
    tolerated: Vec<&'static str>,
    extra: Extra,
    json: Box<str>,
}

/// The requirements for a document.
pub(crate) struct Wanted<'w> {
    pub(crate) issuer: &'w Issuer,
    /// Another allowed spelling of the issuer.
    pub(crate) template: Option<&'w str>,
    pub(crate) ground: &'w Ground,
}

impl ServerMetadata {
    /// Checks the members. An issuer other than the wanted one is put into `other`.
    ///
    /// # Errors
    /// The first fault.
    pub(crate) fn read(
        mut members: Members<'_, Member>,
        json: &str,
        wanted: &Wanted<'_>,
        other: &mut Option<String>,
    ) -> Result<Self, Violation> {
        if let Some(member) = members.out_of_range() {
            return Err(Violation::WrongType(member.name()));
        }
        let issuer = members.required(Member::Issuer)?;
        let is_template = wanted.template == Some(&*issuer);
        if *issuer != *wanted.issuer.as_str() && !is_template {
            *other = Some(issuer.into_owned());
            return Err(Violation::OtherIssuer);
        }
        let mut read = Self {
            issuer: wanted.issuer.clone(),
            template: is_template.then(|| issuer.as_ref().into()),
            texts: Vec::new(),
            lists: Vec::new(),
            truths: Vec::new(),
            tolerated: Vec::new(),
            extra: core::mem::take(&mut members.extra),
            json: json.into(),
        };
        for member in Member::ALL {
            read.take(*member, &mut members, wanted.ground)?;
        }
        Ok(read)
    }

    fn take(&mut self, member: Member, members: &mut Members<'_, Member>, ground: &Ground) -> Result<(), Violation> {
        let wrong = |fault| Violation::Url { member: member.name(), fault };
        match member.kind() {
            Kind::Identity => {}
            kind @ (Kind::Endpoint | Kind::Keys | Kind::Page) => {
                let fault = match members.optional(member, true) {
                    Optional::Absent => return Ok(()),
                    Optional::Value(url) => {
                        let checked = match kind {
                            Kind::Page => page(&url),
                            Kind::Keys => ground.url(&url),
                            _ => ground.endpoint(&url),
                        };
                        match checked {
                            Ok(()) => {
                                self.texts.push((member, url.as_ref().into()));
                                return Ok(());
                            }
                            Err(fault) => wrong(fault),
                        }
                    }
                    Optional::Blank(fault) | Optional::Unreadable(fault) => fault.of(member),
                };
                return self.tolerate(member, kind == Kind::Page, fault);
            }
            kind @ (Kind::List | Kind::Guard) => match known(members.texts(member)) {
                Ok(texts) => self.lists.extend(texts.map(|texts| (member, texts))),
                Err(fault) => return self.tolerate(member, kind == Kind::List, fault.of(member)),
            },
            kind @ (Kind::Truth | Kind::Demand) => match known(members.truth(member)) {
                Ok(truth) => self.truths.extend(truth.map(|truth| (member, truth))),
                Err(fault) => return self.tolerate(member, kind == Kind::Truth, fault.of(member)),
            },
        }
        Ok(())
    }

    fn tolerate(&mut self, member: Member, is_tolerable: bool, violation: Violation) -> Result<(), Violation> {
        if !is_tolerable {
            return Err(violation);
        }
        self.tolerated.push(member.name());
        Ok(())
    }

    fn text(&self, member: Member) -> Option<&str> {
        self.texts.iter().find(|(known, _)| *known == member).map(|(_, text)| &**text)
    }

    fn list(&self, member: Member) -> Option<&[String]> {
        self.lists.iter().find(|(known, _)| *known == member).map(|(_, list)| list.as_slice())
    }

    fn truth(&self, member: Member) -> Option<bool> {
        self.truths.iter().find(|(known, _)| *known == member).map(|(_, truth)| *truth)
    }

    /// The endpoint that the metadata has under this name.
    pub(crate) fn endpoint(&self, name: &str) -> Option<&str> {
        self.text(Member::named(name)?)
    }

    /// The issuer identifier (RFC 8414 §2), byte for byte the requested one.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The issuer as the document has it, if [`Discovery::entra_tenants`](crate::Discovery::entra_tenants) allowed a
    /// template: `https://login.microsoftonline.com/{tenantid}/v2.0`. Each tenant's tokens have an issuer of this form.
    pub fn issuer_template(&self) -> Option<&str> {
        self.template.as_deref()
    }

    /// The names of present members that could not be read. Each cost only its own value. Empty for a correct document.
    pub fn tolerated(&self) -> &[&'static str] {
        &self.tolerated
    }

    /// The document as it came: to store it, or to read members without a method here.
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// The members that this library does not know, as a value of your type: `mtls_endpoint_aliases`,
    /// `request_parameter_supported`. **They are not checked**; a URL in them can be anything.
    ///
    /// # Errors
    /// [`Misuse::Extra`] if they do not fit `T`.
    pub fn extra<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.extra.read().ok_or(Error::Misuse(Misuse::Extra))
    }
}

/// A `null` member counts as absent.
fn known<T>(member: Optional<T>) -> Result<Option<T>, Fault> {
    match member {
        Optional::Absent | Optional::Blank(Fault::WrongType) => Ok(None),
        Optional::Value(value) => Ok(Some(value)),
        Optional::Blank(fault) | Optional::Unreadable(fault) => Err(fault),
    }
}

impl fmt::Debug for ServerMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Everything except the issuer was written by the server.
        let names = self.texts.iter().map(|(member, _)| member.name());
        let names = names.chain(self.lists.iter().map(|(member, _)| member.name()));
        let names: Vec<_> = names.chain(self.truths.iter().map(|(member, _)| member.name())).collect();
        f.debug_struct("ServerMetadata").field("issuer", &self.issuer).field("members", &names).finish_non_exhaustive()
    }
}
