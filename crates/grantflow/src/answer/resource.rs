//! A protected resource's metadata (RFC 9728 §2), from bytes to checked values.

use core::fmt;

use serde::de::DeserializeOwned;

use crate::error::{Error, Misuse, UrlFault, Violation};
use crate::url::{Ground, Issuer, page};
use crate::wire::object::{Extra, Fault, Members, Optional, Scalar, Table};

/// A member of a resource's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Resource,
    AuthorizationServers,
    JwksUri,
    ScopesSupported,
    BearerMethodsSupported,
    ResourceName,
    ResourceDocumentation,
    ResourcePolicyUri,
    ResourceTosUri,
    AuthorizationDetailsTypesSupported,
    DpopSigningAlgValuesSupported,
    DpopBoundAccessTokensRequired,
    TlsClientCertificateBoundAccessTokens,
}

impl Table for Member {
    const ALL: &'static [Self] = &[
        Self::Resource,
        Self::AuthorizationServers,
        Self::JwksUri,
        Self::ScopesSupported,
        Self::BearerMethodsSupported,
        Self::ResourceName,
        Self::ResourceDocumentation,
        Self::ResourcePolicyUri,
        Self::ResourceTosUri,
        Self::AuthorizationDetailsTypesSupported,
        Self::DpopSigningAlgValuesSupported,
        Self::DpopBoundAccessTokensRequired,
        Self::TlsClientCertificateBoundAccessTokens,
    ];

    type Slots<'a> = [Option<Scalar<'a>>; 13];

    fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::AuthorizationServers => "authorization_servers",
            Self::JwksUri => "jwks_uri",
            Self::ScopesSupported => "scopes_supported",
            Self::BearerMethodsSupported => "bearer_methods_supported",
            Self::ResourceName => "resource_name",
            Self::ResourceDocumentation => "resource_documentation",
            Self::ResourcePolicyUri => "resource_policy_uri",
            Self::ResourceTosUri => "resource_tos_uri",
            Self::AuthorizationDetailsTypesSupported => "authorization_details_types_supported",
            Self::DpopSigningAlgValuesSupported => "dpop_signing_alg_values_supported",
            Self::DpopBoundAccessTokensRequired => "dpop_bound_access_tokens_required",
            Self::TlsClientCertificateBoundAccessTokens => "tls_client_certificate_bound_access_tokens",
        }
    }

    fn slot(self) -> usize {
        self as usize
    }

    fn is_raw(self) -> bool {
        matches!(
            self,
            Self::AuthorizationServers
                | Self::ScopesSupported
                | Self::BearerMethodsSupported
                | Self::AuthorizationDetailsTypesSupported
                | Self::DpopSigningAlgValuesSupported
        )
    }
}

/// A protected resource's metadata (RFC 9728). Its resource was checked, and so was each authorization server that it
/// names.
///
/// An optional member that is `null` counts as absent. One that cannot be read costs its own value, and
/// [`tolerated`](Self::tolerated) names it; `authorization_servers`, `jwks_uri` and `dpop_bound_access_tokens_required`
/// are never tolerated. **It has no age**: only the caller can decide how long it may be used.
#[derive(Clone)]
pub struct ResourceMetadata {
    resource: Box<str>,
    /// The URL of the document.
    pub(crate) url: Box<str>,
    pub(crate) ground: Ground,
    authorization_servers: Vec<Issuer>,
    jwks_uri: Option<Box<str>>,
    scopes: Option<Vec<String>>,
    bearer_methods: Option<Vec<String>>,
    name: Option<Box<str>>,
    documentation: Option<Box<str>>,
    policy: Option<Box<str>>,
    terms: Option<Box<str>>,
    details_types: Option<Vec<String>>,
    dpop_algs: Option<Vec<String>>,
    dpop_required: bool,
    certificates: bool,
    tolerated: Vec<&'static str>,
    extra: Extra,
    json: Box<str>,
}

/// The requirements for a document.
pub(crate) struct Wanted<'w> {
    /// Whether the resource's identifier is a requested one.
    pub(crate) is_resource: &'w dyn Fn(&str) -> bool,
    /// The requested URL.
    pub(crate) url: &'w str,
    pub(crate) ground: &'w Ground,
}

impl ResourceMetadata {
    /// Checks the members. A resource other than the wanted one is put into `other`.
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
        let resource = members.required(Member::Resource)?;
        if !(wanted.is_resource)(&resource) {
            *other = Some(resource.into_owned());
            return Err(Violation::OtherResource);
        }
        let authorization_servers = servers(&mut members, wanted.ground)?;
        let jwks_uri = match members.optional(Member::JwksUri, true) {
            Optional::Absent => None,
            Optional::Value(url) => match wanted.ground.url(&url) {
                Ok(()) => Some(url.as_ref().into()),
                Err(fault) => return Err(Violation::Url { member: Member::JwksUri.name(), fault }),
            },
            Optional::Blank(fault) | Optional::Unreadable(fault) => return Err(fault.of(Member::JwksUri)),
        };
        let dpop_required = match members.truth(Member::DpopBoundAccessTokensRequired) {
            Optional::Unreadable(fault) => return Err(fault.of(Member::DpopBoundAccessTokensRequired)),
            said => said.value().unwrap_or_default(),
        };
        let mut tolerated = Vec::new();
        let mut list = |member| known(members.texts(member), member, &mut tolerated);
        let scopes = list(Member::ScopesSupported);
        let bearer_methods = list(Member::BearerMethodsSupported);
        let details_types = list(Member::AuthorizationDetailsTypesSupported);
        let dpop_algs = list(Member::DpopSigningAlgValuesSupported);
        let certificates = members.truth(Member::TlsClientCertificateBoundAccessTokens);
        let certificates = known(certificates, Member::TlsClientCertificateBoundAccessTokens, &mut tolerated);
        let name = match members.take(Member::ResourceName) {
            None | Some(Scalar::Null) => None,
            Some(Scalar::Text(name)) => Some(name.as_ref().into()),
            Some(_) => {
                tolerated.push(Member::ResourceName.name());
                None
            }
        };
        let mut url = |member: Member| match members.optional(member, true) {
            Optional::Absent => None,
            Optional::Value(url) if page(&url).is_ok() => Some(url.as_ref().into()),
            _ => {
                tolerated.push(member.name());
                None
            }
        };
        let documentation = url(Member::ResourceDocumentation);
        let policy = url(Member::ResourcePolicyUri);
        let terms = url(Member::ResourceTosUri);
        Ok(Self {
            resource: resource.as_ref().into(),
            url: wanted.url.into(),
            ground: wanted.ground.clone(),
            authorization_servers,
            jwks_uri,
            scopes,
            bearer_methods,
            name,
            documentation,
            policy,
            terms,
            details_types,
            dpop_algs,
            dpop_required,
            certificates: certificates.unwrap_or_default(),
            tolerated,
            extra: members.extra,
            json: json.into(),
        })
    }

    /// The resource's identifier (RFC 9728 §1.2), byte for byte as the document has it: the value for `resource` in requests
    /// ([`Authorization::resource`](crate::Authorization::resource)).
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The authorization servers whose tokens the resource accepts, at least one. If there are several, you choose: the
    /// one where you have a client, or the one that a person chooses. Then [`ResourceMetadata::discovery`] asks it.
    pub fn authorization_servers(&self) -> &[Issuer] {
        &self.authorization_servers
    }

    /// The authorization server, if the resource names exactly one.
    pub fn only_authorization_server(&self) -> Option<&Issuer> {
        match &*self.authorization_servers {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The URL of the resource's own keys (RFC 9728 §2).
    pub fn jwks_uri(&self) -> Option<&str> {
        self.jwks_uri.as_deref()
    }

    /// The scope values that requests to this resource may need. `None` if it does not say.
    pub fn scopes_supported(&self) -> Option<&[String]> {
        self.scopes.as_deref()
    }

    /// How the resource accepts Bearer tokens: `header`, `body`, `query` (RFC 6750 §2). `None` if it does not say; an
    /// empty list says that it accepts none. This library sends them in the header only.
    pub fn bearer_methods_supported(&self) -> Option<&[String]> {
        self.bearer_methods.as_deref()
    }

    /// The resource's name for people, as the server wrote it: escape it before it is shown.
    pub fn untrusted_resource_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// A page for developers.
    pub fn resource_documentation(&self) -> Option<&str> {
        self.documentation.as_deref()
    }

    /// A page on how a client may use the resource's data.
    pub fn resource_policy_uri(&self) -> Option<&str> {
        self.policy.as_deref()
    }

    /// The terms of service.
    pub fn resource_tos_uri(&self) -> Option<&str> {
        self.terms.as_deref()
    }

    /// RFC 9396 §10.
    pub fn authorization_details_types_supported(&self) -> Option<&[String]> {
        self.details_types.as_deref()
    }

    /// The algorithms with which a DPoP proof may be signed (RFC 9449 §5.1).
    pub fn dpop_signing_alg_values_supported(&self) -> Option<&[String]> {
        self.dpop_algs.as_deref()
    }

    /// Whether the resource accepts only tokens that are bound to a key by DPoP. This library cannot request one, so
    /// [`ResourceMetadata::discovery`] then refuses.
    pub fn dpop_bound_access_tokens_required(&self) -> bool {
        self.dpop_required
    }

    /// Whether the resource can check that a token is bound to a client's certificate (RFC 8705 §3). It does not say that
    /// every token must be.
    pub fn tls_client_certificate_bound_access_tokens(&self) -> bool {
        self.certificates
    }

    /// The names of present members that could not be read. Each cost only its own value.
    pub fn tolerated(&self) -> &[&'static str] {
        &self.tolerated
    }

    /// The document as it came. [`ResourceDiscovery::read`](crate::ResourceDiscovery::read) reads it again.
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// The members that this library does not know, as a value of your type. **They are not checked.**
    ///
    /// # Errors
    /// [`Misuse::Extra`] if they do not fit `T`.
    pub fn extra<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.extra.read().ok_or(Error::Misuse(Misuse::Extra))
    }
}

/// Credentials go to these: one that cannot be an issuer refuses the document.
fn servers(members: &mut Members<'_, Member>, ground: &Ground) -> Result<Vec<Issuer>, Violation> {
    let member = Member::AuthorizationServers;
    let texts = match members.texts(member) {
        Optional::Absent => return Err(Violation::Missing(member.name())),
        Optional::Value(texts) if texts.is_empty() => return Err(Violation::Empty(member.name())),
        Optional::Value(texts) => texts,
        Optional::Blank(fault) | Optional::Unreadable(fault) => return Err(fault.of(member)),
    };
    let wrong = |fault| Violation::Url { member: member.name(), fault };
    let mut issuers = Vec::new();
    for text in texts {
        let issuer = Issuer::new(&text).map_err(|error| match error {
            Error::Misuse(Misuse::Url { fault, .. }) => wrong(fault),
            _ => wrong(UrlFault::Malformed),
        })?;
        ground.url(&text).map_err(wrong)?;
        if !issuers.contains(&issuer) {
            issuers.push(issuer);
        }
    }
    Ok(issuers)
}

/// A `null` member counts as absent; one that cannot be read costs its own value.
fn known<T>(said: Optional<T>, member: Member, tolerated: &mut Vec<&'static str>) -> Option<T> {
    if let Optional::Unreadable(_) | Optional::Blank(Fault::Empty | Fault::Character) = &said {
        tolerated.push(member.name());
    }
    said.value()
}

impl fmt::Debug for ResourceMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Everything else was written by the server, and an identifier may have a query.
        let resource = self.resource.split('?').next().unwrap_or_default();
        f.debug_struct("ResourceMetadata")
            .field("resource", &resource)
            .field("authorization_servers", &self.authorization_servers)
            .finish_non_exhaustive()
    }
}
