//! The places of the documents that describe servers and resources. String rules make these URLs, never the resolution
//! of a relative reference, so a document is always at the host that it describes.

/// A suffix of RFC 8615 §3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suffix {
    /// RFC 8414 §3.1.
    AuthorizationServer,
    /// OpenID Connect Discovery §4.
    OpenidConfiguration,
    /// RFC 9728 §3.1.
    ProtectedResource,
}

impl Suffix {
    const fn path(self) -> &'static str {
        match self {
            Self::AuthorizationServer => "/.well-known/oauth-authorization-server",
            Self::OpenidConfiguration => "/.well-known/openid-configuration",
            Self::ProtectedResource => "/.well-known/oauth-protected-resource",
        }
    }
}

/// Between the host and the path of an issuer, without its last slash (RFC 8414 §3.1, and §5 for OpenID's document).
pub(crate) fn inserted(issuer: &str, suffix: Suffix) -> String {
    let (origin, path) = split(issuer);
    format!("{origin}{}{}", suffix.path(), without_last_slash(path))
}

/// After an issuer, without its last slash (OpenID Connect Discovery §4).
pub(crate) fn appended(issuer: &str, suffix: Suffix) -> String {
    format!("{}{}", without_last_slash(issuer), suffix.path())
}

/// Between the host and the rest of a resource's identifier. Only a slash directly after the host is removed; a path
/// keeps its last slash, and a query stays (RFC 9728 §3.1).
pub(crate) fn of_resource(resource: &str) -> String {
    let (origin, rest) = split(resource);
    let rest = match rest.strip_prefix('/') {
        Some(after) if after.is_empty() || after.starts_with('?') => after,
        _ => rest,
    };
    format!("{origin}{}{rest}", Suffix::ProtectedResource.path())
}

/// The document of the resource that is the whole host.
pub(crate) fn of_resource_host(resource: &str) -> String {
    of_resource(split(resource).0)
}

/// Scheme, host and port of an absolute URL, and the rest.
pub(crate) fn split(url: &str) -> (&str, &str) {
    let authority = url.find("://").map_or(0, |at| at + "://".len());
    let end = url.get(authority..).and_then(|rest| rest.find(['/', '?'])).map_or(url.len(), |at| authority + at);
    url.split_at_checked(end).unwrap_or((url, ""))
}

/// One slash ends a path; a second one before it belongs to the path.
fn without_last_slash(text: &str) -> &str {
    text.strip_suffix('/').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 8414 §3.1 and §5, OpenID Connect Discovery §4.1, and their neighbours.
    #[test]
    fn the_documents_of_an_issuer() {
        for (issuer, oauth, openid_inserted, openid_appended) in [
            (
                "https://example.com",
                "https://example.com/.well-known/oauth-authorization-server",
                "https://example.com/.well-known/openid-configuration",
                "https://example.com/.well-known/openid-configuration",
            ),
            (
                "https://example.com/",
                "https://example.com/.well-known/oauth-authorization-server",
                "https://example.com/.well-known/openid-configuration",
                "https://example.com/.well-known/openid-configuration",
            ),
            (
                "https://example.com/issuer1",
                "https://example.com/.well-known/oauth-authorization-server/issuer1",
                "https://example.com/.well-known/openid-configuration/issuer1",
                "https://example.com/issuer1/.well-known/openid-configuration",
            ),
            (
                "https://example.com/issuer1/",
                "https://example.com/.well-known/oauth-authorization-server/issuer1",
                "https://example.com/.well-known/openid-configuration/issuer1",
                "https://example.com/issuer1/.well-known/openid-configuration",
            ),
            (
                "HTTPS://Example.com:8443/a//",
                "HTTPS://Example.com:8443/.well-known/oauth-authorization-server/a/",
                "HTTPS://Example.com:8443/.well-known/openid-configuration/a/",
                "HTTPS://Example.com:8443/a//.well-known/openid-configuration",
            ),
            (
                "https://[::1]:1/%2f/..",
                "https://[::1]:1/.well-known/oauth-authorization-server/%2f/..",
                "https://[::1]:1/.well-known/openid-configuration/%2f/..",
                "https://[::1]:1/%2f/../.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(inserted(issuer, Suffix::AuthorizationServer), oauth);
            assert_eq!(inserted(issuer, Suffix::OpenidConfiguration), openid_inserted);
            assert_eq!(appended(issuer, Suffix::OpenidConfiguration), openid_appended);
        }
    }

    /// The examples of RFC 9728 §3.1, and their neighbours.
    #[test]
    fn the_document_of_a_resource() {
        let root = "https://resource.example.com/.well-known/oauth-protected-resource";
        for (resource, rest) in [
            ("https://resource.example.com", ""),
            ("https://resource.example.com/", ""),
            ("https://resource.example.com/resource1", "/resource1"),
            ("https://resource.example.com/resource1/", "/resource1/"),
            ("https://resource.example.com//", "//"),
            ("https://resource.example.com?k=v", "?k=v"),
            ("https://resource.example.com/?k=v", "?k=v"),
            ("https://resource.example.com/a/?k=/v/", "/a/?k=/v/"),
            ("https://resource.example.com?", "?"),
        ] {
            assert_eq!(of_resource(resource), format!("{root}{rest}"), "{resource}");
            assert_eq!(of_resource_host(resource), root, "{resource}");
        }
    }
}
