//! What a challenge says about an access token.

use core::fmt;
use core::time::Duration;

use super::Challenge;
use crate::error::ErrorCode;

/// What a Bearer or DPoP challenge says about an access token (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3, RFC 9728 §5.1).
///
/// A parameter that is there twice counts as missing here. RFC 6750 §3 allows each of its parameters once.
#[derive(Clone, Copy)]
pub struct TokenChallenge<'c>(pub(super) &'c Challenge);

impl<'c> TokenChallenge<'c> {
    /// The challenge itself, with all its parameters.
    pub fn challenge(&self) -> &'c Challenge {
        self.0
    }

    /// Why the request was refused: [`InvalidToken`](ErrorCode::InvalidToken), [`InsufficientScope`](ErrorCode::InsufficientScope),
    /// [`InvalidRequest`](ErrorCode::InvalidRequest) (RFC 6750 §3.1),
    /// [`InsufficientUserAuthentication`](ErrorCode::InsufficientUserAuthentication) (RFC 9470 §3),
    /// [`UseDpopNonce`](ErrorCode::UseDpopNonce) or [`InvalidDpopProof`](ErrorCode::InvalidDpopProof) (RFC 9449 §7.1). `None` if
    /// the request had no token, or if the server does not say.
    pub fn error(&self) -> Option<ErrorCode> {
        self.text("error").map(ErrorCode::new)
    }

    /// `error_description`: text for developers (RFC 6750 §3). It may quote what was sent: escape it before you show
    /// it.
    pub fn untrusted_error_description(&self) -> Option<&'c str> {
        self.text("error_description")
    }

    /// `error_uri` (RFC 6750 §3), unchecked: do not send a person there.
    pub fn untrusted_error_uri(&self) -> Option<&'c str> {
        self.text("error_uri")
    }

    /// `resource_metadata` as the server wrote it: the URL of the resource's metadata (RFC 9728 §5.1). It is unchecked: it
    /// can lead a request to any host. [`ResourceDiscovery::challenged`](crate::ResourceDiscovery::challenged) checks it.
    pub fn untrusted_resource_metadata(&self) -> Option<&'c str> {
        self.text("resource_metadata")
    }

    /// `acr_values` as the server wrote it: the sufficient authentication context classes, separated by spaces, the
    /// best one first (RFC 9470 §3).
    pub fn untrusted_acr_values(&self) -> Option<&'c str> {
        self.text("acr_values")
    }

    /// `max_age`: the greatest age of the person's login (RFC 9470 §3). Zero asks for a login now. `None` also if it is
    /// not a number of seconds.
    pub fn max_age(&self) -> Option<Duration> {
        let digits = self.text("max_age").filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
        digits.parse().ok().map(Duration::from_secs)
    }

    /// `algs`: the algorithms with which a DPoP proof may be signed (RFC 9449 §7.1).
    pub fn algs(&self) -> impl Iterator<Item = &'c str> {
        self.text("algs").unwrap_or_default().split(' ').filter(|alg| !alg.is_empty())
    }

    /// An empty value counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<&'c str> {
        self.0.single(name).filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for TokenChallenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
