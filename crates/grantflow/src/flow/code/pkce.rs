//! Proof key for code exchange (RFC 7636): only S256.

use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::value::secret::{RandomText, encode_32};

/// The method, as the authorization request names it (RFC 7636 §4.3).
pub(crate) const METHOD: &str = "S256";

/// A code verifier (RFC 7636 §4.1): 43 characters, 256 bits of entropy.
pub(crate) struct Verifier(RandomText);

impl Verifier {
    pub(crate) fn from_random(octets: &[u8; 32]) -> Self {
        Self(RandomText::from_random(octets))
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        RandomText::from_text(text).map(Self)
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The code challenge (RFC 7636 §4.2).
    #[inline]
    pub(crate) fn challenge(&self) -> Challenge {
        Challenge(encode_32(&Sha256::digest(self.expose()).into()))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A code challenge, which is not secret.
pub(crate) struct Challenge([u8; 43]);

impl Challenge {
    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Like every other secret: see `secret`.
    #[test]
    fn a_verifier_is_wiped_by_its_type() {
        let Verifier(_text): Verifier = Verifier::from_random(&[1; 32]);
        let _: RandomText = _text;
    }

    #[test]
    fn rfc_7636_appendix_b() {
        let verifier = Verifier::from_text("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert_eq!(verifier.challenge().as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
