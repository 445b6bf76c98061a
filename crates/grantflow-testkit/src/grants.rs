//! What the server remembers: codes, tokens, and which of them belong together.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use crate::backchannel::Backchannel;
use crate::form::Form;
use crate::poll::Waiting;

/// All codes and tokens that come from one decision of the person; they are revoked together.
pub(crate) type Family = u64;

#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    /// Whether the authorization request named the redirect URI; then the token request must too (RFC 6749 4.1.3).
    pub(crate) redirect_uri_named: bool,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) scope: String,
    pub(crate) family: Family,
    pub(crate) expires_at: u64,
    pub(crate) spent: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    pub(crate) value: String,
    pub(crate) plain: bool,
}

impl Challenge {
    /// RFC 7636 section 4.6.
    pub(crate) fn is_met_by(&self, verifier: &str) -> bool {
        match self.plain {
            true => self.value == verifier,
            false => self.value == s256(verifier),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) client_id: String,
    /// Whether the token stands for the person, or for the client alone.
    pub(crate) for_person: bool,
    pub(crate) scope: String,
    pub(crate) details: Option<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) family: Family,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Refresh {
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) family: Family,
    pub(crate) issued_at: u64,
    pub(crate) expires_at: Option<u64>,
    pub(crate) spent_at: Option<u64>,
}

/// What a family began with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Basis {
    /// The values of `resource` in the request (RFC 8707).
    pub(crate) resources: Vec<String>,
    /// The person's login; `None` if the client got its token for itself.
    pub(crate) login: Option<Login>,
}

/// When and how a person logged in.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// In seconds since the Unix epoch.
    pub(crate) at: u64,
    /// The authentication context class (OpenID Connect Core section 2), if the request asked for one.
    pub(crate) acr: Option<String>,
}

/// An authorization request that was pushed (RFC 9126).
#[derive(Clone, Debug)]
pub(crate) struct Pushed {
    pub(crate) client_id: String,
    pub(crate) form: Form,
    pub(crate) expires_at: u64,
}

/// A device that polls (RFC 8628).
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) user_code: String,
    pub(crate) waiting: Waiting,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Grants {
    pub(crate) codes: BTreeMap<String, Code>,
    pub(crate) access: BTreeMap<String, Access>,
    pub(crate) refresh: BTreeMap<String, Refresh>,
    pub(crate) devices: BTreeMap<String, Device>,
    /// By `auth_req_id`.
    pub(crate) requests: BTreeMap<String, Backchannel>,
    /// By request URI. A request that was used is removed.
    pub(crate) pushed: BTreeMap<String, Pushed>,
    pub(crate) bases: BTreeMap<Family, Basis>,
    /// The authorization details that a family began with.
    pub(crate) details: BTreeMap<Family, String>,
    /// Those of the request that is being answered.
    pub(crate) asked_details: Option<String>,
    pub(crate) asked_resources: Vec<String>,
    pub(crate) revoked: BTreeSet<Family>,
    /// The identifiers of assertions that were used.
    pub(crate) used_assertions: BTreeSet<String>,
    pub(crate) seed: u64,
    counter: u64,
}

impl Grants {
    pub(crate) fn new(seed: u64) -> Grants {
        Grants { seed, ..Grants::default() }
    }

    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub(crate) fn new_family(&mut self, basis: Basis) -> Family {
        let family = self.count();
        self.bases.insert(family, basis);
        self.details.extend(self.asked_details.clone().map(|details| (family, details)));
        family
    }

    /// The resources of a token of this family: those that the request names, or else those of the grant.
    pub(crate) fn resources_of_a_token(&self, family: Family) -> Vec<String> {
        match self.asked_resources.as_slice() {
            [] => self.bases.get(&family).map(|basis| basis.resources.clone()).unwrap_or_default(),
            asked => asked.to_vec(),
        }
    }

    /// Stores how the person logged in for this family.
    pub(crate) fn logged_in(&mut self, family: Family, login: Login) {
        if let Some(basis) = self.bases.get_mut(&family) {
            basis.login = Some(login);
        }
    }

    /// Eight consonants, so that they spell no word, with a dash in the middle (RFC 8628 section 6.1).
    pub(crate) fn mint_user_code(&mut self) -> String {
        const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
        let hash = self.hash();
        let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().map_or('B', char::from);
        let mut letters = hash.iter().map(letter);
        let first: String = letters.by_ref().take(4).collect();
        let second: String = letters.take(4).collect();
        format!("{first}-{second}")
    }

    fn hash(&mut self) -> [u8; 32] {
        let count = self.count();
        Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(count.to_be_bytes()).finalize().into()
    }

    /// A value that was not given before. It is the same in every run with this seed.
    pub(crate) fn mint(&mut self, prefix: &str, odd: bool) -> String {
        let text = Base64UrlUnpadded::encode_string(&self.hash());
        let text = text.get(..24).unwrap_or(&text);
        // Characters that a Bearer token may have (RFC 6750 section 2.1), and that have a meaning in a form or a URL.
        match odd {
            true => format!("{prefix}-{text}+/~=="),
            false => format!("{prefix}-{text}"),
        }
    }
}

/// The PKCE challenge for a verifier by the method `S256` (RFC 7636 section 4.2). It is for tests that have no client,
/// and for tests of a client's challenge.
///
/// ```
/// // RFC 7636 appendix B.
/// let challenge = grantflow_testkit::s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
/// assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
/// ```
pub fn s256(verifier: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(verifier))
}

/// The seed of a server for which none was chosen. Servers at different addresses have different seeds.
pub(crate) fn seed_from(base_url: &str) -> u64 {
    let hash = Sha256::digest(base_url);
    hash.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

/// The syntax of a verifier (RFC 7636 section 4.1), and of a `plain` challenge.
pub(crate) fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7636_appendix_b() {
        let challenge = Challenge { value: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(), plain: false };
        assert!(challenge.is_met_by("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert!(!challenge.is_met_by("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK"));
    }

    #[test]
    fn verifier_syntax() {
        assert!(is_verifier(&"a".repeat(43)) && is_verifier(&"~".repeat(128)));
        assert!(!is_verifier(&"a".repeat(42)) && !is_verifier(&"a".repeat(129)));
        assert!(!is_verifier(&"+".repeat(43)) && !is_verifier(&"é".repeat(43)));
    }

    #[test]
    fn user_codes_use_the_whole_alphabet() {
        let mut grants = Grants::new(0);
        let codes: Vec<_> = (0..100).map(|_| grants.mint_user_code()).collect();
        assert!(codes.iter().all(|code| code.len() == 9 && code.find('-') == Some(4)));
        let letters: BTreeSet<_> = codes.iter().flat_map(|code| code.chars()).collect();
        assert_eq!(letters.into_iter().collect::<String>(), "-BCDFGHJKLMNPQRSTVWXZ");
    }

    #[test]
    fn minted_values_are_unique_and_repeatable() {
        let mut one = Grants::new(0);
        let mut two = Grants::new(0);
        let mut other = Grants::new(1);
        let first = one.mint("at", false);
        assert_eq!(first, two.mint("at", false));
        assert_ne!(first, other.mint("at", false));
        assert_ne!(first, one.mint("at", false));
        assert!(first.starts_with("at-") && !first.contains(['+', '/', '=']));
        let odd = one.mint("at", true);
        assert!(odd.contains('+') && odd.contains('/') && odd.contains('='));
    }
}
