//! Secret values: redacted when printed, wiped when dropped, compared in constant time.
//!
//! Wiping cannot reach copies in a JSON parser's scratch space, in an HTTP stack's buffers and in TLS.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Text that is wiped on drop. The private base of every secret type of variable length.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// A copy, to store it.
    pub(crate) fn copied(&self) -> Zeroizing<String> {
        self.0.clone()
    }

    pub(crate) fn from_stored(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// Whether `other` is the same text. The duration does not depend on where they differ.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A client secret (RFC 6749 §2.3.1). Give it to a client once; it is never stored, printed or returned.
#[derive(Clone, Debug)]
pub struct ClientSecret(Secret);

impl ClientSecret {
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl From<&str> for ClientSecret {
    fn from(text: &str) -> Self {
        Self(Secret::new(text.to_owned()))
    }
}

impl From<String> for ClientSecret {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

/// A refresh token (RFC 6749 §1.5).
///
/// To use it, call [`Tokens::refresh`](crate::Tokens::refresh); you do not have to read it.
#[derive(Debug)]
pub struct RefreshToken(Secret);

impl RefreshToken {
    pub(crate) fn new(text: String) -> Self {
        Self(Secret::new(text))
    }

    /// The token's text. Anyone who has it has the grant: keep it out of logs, URLs and cookies.
    pub fn expose_secret(&self) -> &str {
        self.0.expose()
    }
}

/// An ID token as it came (OpenID Connect Core §2). It is not verified, so do not trust its content.
#[derive(Debug, Clone)]
pub struct UnverifiedIdToken(Secret);

impl UnverifiedIdToken {
    pub(crate) fn new(text: String) -> Self {
        Self(Secret::new(text))
    }

    /// The compact JWT, for a verifier.
    pub fn expose_secret(&self) -> &str {
        self.0.expose()
    }
}

/// An authorization code (RFC 6749 §4.1.2). Only a checked callback makes one.
#[derive(Debug)]
pub(crate) struct AuthorizationCode(Secret);

impl AuthorizationCode {
    pub(crate) fn new(text: String) -> Self {
        Self(Secret::new(text))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// Length of 32 octets in base64url without padding: 256 bits of entropy (RFC 7636 §7.1).
const TOKEN_LEN: usize = 43;

/// 256 random bits as 43 characters of base64url; stored inline, so that making one allocates nothing. Its type wipes
/// it.
pub(crate) struct RandomText(Zeroizing<[u8; TOKEN_LEN]>);

impl RandomText {
    pub(crate) fn from_random(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(encode_32(bytes)))
    }

    /// Reads back the text of [`Self::expose`]. `None` for a text that 32 octets cannot make.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let mut octets = Zeroizing::new([0u8; 32]);
        match Base64UrlUnpadded::decode(text, octets.as_mut_slice()) {
            Ok(read) if read.len() == 32 => Some(Self(Zeroizing::new(encode_32(&octets)))),
            _ => None,
        }
    }

    pub(crate) fn expose(&self) -> &str {
        // Base64 is ASCII. The empty string, which is accepted nowhere, covers the impossible case.
        core::str::from_utf8(&*self.0).unwrap_or_default()
    }

    /// Whether `other` is the same text. The duration does not depend on where they differ.
    pub(crate) fn matches(&self, other: &str) -> bool {
        self.0.as_slice().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for RandomText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Base64url, without padding, of exactly 32 octets: random values and SHA-256 digests.
pub(crate) fn encode_32(octets: &[u8; 32]) -> [u8; TOKEN_LEN] {
    let mut text = [0u8; TOKEN_LEN];
    // It cannot fail: 32 octets always fill 43 characters.
    let _ = Base64UrlUnpadded::encode(octets, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_text_is_43_characters_of_base64url() {
        let text = RandomText::from_random(&[0xff; 32]);
        assert_eq!(text.expose(), "__________________________________________8");
        assert!(RandomText::from_text(text.expose()).is_some_and(|t| t.matches(text.expose())));
    }

    #[test]
    fn what_32_octets_cannot_have_made_is_refused() {
        let good = "__________________________________________8";
        for bad in [
            "",
            "_",
            &good[..42],
            &format!("{good}A"),
            "__________________________________________9",
            "+/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert!(RandomText::from_text(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_the_same_text_matches() {
        let text = RandomText::from_random(&[7; 32]);
        let same = text.expose().to_owned();
        assert!(text.matches(&same));
        for other in [&same[1..], &same[..42], &format!("{same} "), &same.to_lowercase(), ""] {
            assert!(!text.matches(other), "{other}");
        }
    }

    /// Without `unsafe`, a test cannot look at freed memory. But a type can ensure the wiping: this does not compile if
    /// a secret has another type.
    #[test]
    fn every_secret_is_wiped_by_its_type() {
        fn wiped_on_drop(_: &impl zeroize::ZeroizeOnDrop) {}
        let RandomText(octets) = RandomText::from_random(&[1; 32]);
        wiped_on_drop(&octets);
        let Secret(text) = Secret::new("hunter2".to_owned());
        wiped_on_drop(&text);
        // All others contain one of these two.
        let kept_in_one = |ClientSecret(Secret(_)),
                           RefreshToken(Secret(_)),
                           UnverifiedIdToken(Secret(_)),
                           AuthorizationCode(Secret(_))| ();
        let _ = kept_in_one;
    }

    #[test]
    fn debug_shows_nothing() {
        let shown = format!(
            "{:?} {:?} {:?}",
            ClientSecret::from("hunter2"),
            RefreshToken::new("hunter2".into()),
            RandomText::from_random(&[1; 32])
        );
        assert!(!shown.contains("hunter2") && !shown.contains("AQEB"), "{shown}");
    }
}
