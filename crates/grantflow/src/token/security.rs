//! Tokens that are sent as a grant: security tokens with their type (RFC 8693 §2.1, §3), and assertions (RFC 7521 §4.1).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use zeroize::Zeroizing;

use super::TokenTypeIdentifier;
use crate::error::{Error, Misuse};
use crate::value::secret::Secret;

/// A security token and its type, for a [`TokenExchange`](crate::TokenExchange): the subject, or the actor (RFC 8693
/// §2.1). There is none without a type.
///
/// It is `Clone`, because a server does not use up a subject token: the same one can be exchanged for several audiences.
#[derive(Clone, Debug)]
pub struct SecurityToken {
    text: Secret,
    kind: TokenTypeIdentifier,
}

impl SecurityToken {
    /// An access token of the server that will be asked.
    ///
    /// # Errors
    /// [`Misuse::EmptyToken`]; [`Misuse::TokenCharacter`] for anything but printable ASCII (RFC 6749 appendix A.12).
    pub fn access_token(text: impl Into<String>) -> Result<Self, Error> {
        Self::new(text, TokenTypeIdentifier::ACCESS_TOKEN)
    }

    /// A refresh token of the server that will be asked. The exchange does not consume it.
    ///
    /// # Errors
    /// As for [`access_token`](Self::access_token).
    pub fn refresh_token(text: impl Into<String>) -> Result<Self, Error> {
        Self::new(text, TokenTypeIdentifier::REFRESH_TOKEN)
    }

    /// An ID token, in its compact form.
    ///
    /// # Errors
    /// [`Misuse::EmptyToken`]; [`Misuse::TokenForm`] for anything but base64url and dots (RFC 7515 §7.1, RFC 7516 §7.1).
    pub fn id_token(text: impl Into<String>) -> Result<Self, Error> {
        Self::new(text, TokenTypeIdentifier::ID_TOKEN)
    }

    /// A JWT, in its compact form.
    ///
    /// # Errors
    /// As for [`id_token`](Self::id_token).
    pub fn jwt(text: impl Into<String>) -> Result<Self, Error> {
        Self::new(text, TokenTypeIdentifier::JWT)
    }

    /// A SAML 1.1 assertion that is already in base64url, without padding.
    ///
    /// # Errors
    /// [`Misuse::EmptyToken`]; [`Misuse::TokenForm`] for anything but base64url without padding.
    pub fn saml1(encoded: impl Into<String>) -> Result<Self, Error> {
        Self::new(encoded, TokenTypeIdentifier::SAML1)
    }

    /// A SAML 2.0 assertion that is already in base64url, without padding.
    ///
    /// # Errors
    /// As for [`saml1`](Self::saml1).
    pub fn saml2(encoded: impl Into<String>) -> Result<Self, Error> {
        Self::new(encoded, TokenTypeIdentifier::SAML2)
    }

    /// A SAML 1.1 assertion as XML. It is encoded here.
    ///
    /// # Errors
    /// [`Misuse::TokenForm`] if the bytes are not XML.
    pub fn saml1_xml(xml: impl AsRef<[u8]>) -> Result<Self, Error> {
        Ok(Self { text: encode_xml(xml.as_ref())?, kind: TokenTypeIdentifier::SAML1 })
    }

    /// A SAML 2.0 assertion as XML. It is encoded here.
    ///
    /// # Errors
    /// As for [`saml1_xml`](Self::saml1_xml).
    pub fn saml2_xml(xml: impl AsRef<[u8]>) -> Result<Self, Error> {
        Ok(Self { text: encode_xml(xml.as_ref())?, kind: TokenTypeIdentifier::SAML2 })
    }

    /// A token of any type. A token of a type that RFC 8693 does not define may have any characters except control
    /// characters.
    ///
    /// # Errors
    /// [`Misuse::EmptyToken`], [`Misuse::TokenCharacter`], [`Misuse::TokenForm`]; [`Misuse::Url`] if the type is not an
    /// absolute URI.
    ///
    /// ```
    /// use grantflow::{SecurityToken, TokenTypeIdentifier};
    ///
    /// let token = SecurityToken::new("V-1", TokenTypeIdentifier::new("urn:example:token-type:voucher")?)?;
    /// assert_eq!(token.token_type().as_str(), "urn:example:token-type:voucher");
    /// # Ok::<(), grantflow::Error>(())
    /// ```
    pub fn new(text: impl Into<String>, token_type: TokenTypeIdentifier) -> Result<Self, Error> {
        let text = Secret::new(text.into());
        if text.expose().trim().is_empty() {
            return Err(Error::Misuse(Misuse::EmptyToken));
        }
        if token_type == TokenTypeIdentifier::ACCESS_TOKEN || token_type == TokenTypeIdentifier::REFRESH_TOKEN {
            check_printable(text.expose())?;
        } else if [TokenTypeIdentifier::ID_TOKEN, TokenTypeIdentifier::JWT, TokenTypeIdentifier::ID_JAG]
            .contains(&token_type)
        {
            check_jwt(text.expose())?;
        } else if token_type == TokenTypeIdentifier::SAML1 || token_type == TokenTypeIdentifier::SAML2 {
            check_base64url(text.expose())?;
        } else if text.expose().contains(char::is_control) {
            return Err(Error::Misuse(Misuse::TokenCharacter));
        }
        Ok(Self { text, kind: token_type })
    }

    /// A token that a server issued. The server says what it is, so its form is not checked again.
    pub(super) fn issued(text: &str, kind: TokenTypeIdentifier) -> Self {
        Self { text: Secret::new(text.to_owned()), kind }
    }

    /// The type of the token.
    pub fn token_type(&self) -> &TokenTypeIdentifier {
        &self.kind
    }

    /// The token's text, as it is sent. Keep it out of logs and URLs.
    pub fn expose_secret(&self) -> &str {
        self.text.expose()
    }
}

/// A statement about a subject that its issuer signed, and that is a grant (RFC 7521 §4.1): a JWT (RFC 7523 §2.1) or a
/// SAML 2.0 assertion (RFC 7522 §2.1). The caller makes or gets it; this library reads nothing in it.
///
/// Not `Clone`: a server may accept an assertion only once, by its identifier (RFC 7523 §3).
#[derive(Debug)]
pub struct Assertion {
    text: Secret,
    form: AssertionForm,
}

#[derive(Clone, Copy, Debug)]
enum AssertionForm {
    Jwt,
    Saml2,
}

impl Assertion {
    /// A signed or encrypted JWT, in its compact form (RFC 7523 §2.1).
    ///
    /// # Errors
    /// [`Misuse::EmptyToken`]; [`Misuse::TokenForm`] for anything but base64url and dots (RFC 7515 §7.1, RFC 7516 §7.1).
    pub fn jwt(text: impl Into<String>) -> Result<Self, Error> {
        let text = Secret::new(text.into());
        check_jwt(text.expose())?;
        Ok(Self { text, form: AssertionForm::Jwt })
    }

    /// A SAML 2.0 assertion that is already in base64url, without padding (RFC 7522 §2.1).
    ///
    /// # Errors
    /// [`Misuse::EmptyToken`]; [`Misuse::TokenForm`] for anything but base64url without padding.
    pub fn saml2(encoded: impl Into<String>) -> Result<Self, Error> {
        let text = Secret::new(encoded.into());
        check_base64url(text.expose())?;
        Ok(Self { text, form: AssertionForm::Saml2 })
    }

    /// A SAML 2.0 assertion as XML. It is encoded here (RFC 7522 §2.1).
    ///
    /// # Errors
    /// [`Misuse::TokenForm`] if the bytes are not XML.
    pub fn saml2_xml(xml: impl AsRef<[u8]>) -> Result<Self, Error> {
        Ok(Self { text: encode_xml(xml.as_ref())?, form: AssertionForm::Saml2 })
    }

    /// An issued token as an assertion, if its type says that it is one.
    pub(super) fn issued(token: &SecurityToken) -> Result<Self, Error> {
        let kind = token.token_type();
        if *kind == TokenTypeIdentifier::JWT || *kind == TokenTypeIdentifier::ID_JAG {
            Self::jwt(token.expose_secret())
        } else if *kind == TokenTypeIdentifier::SAML2 {
            // RFC 8693 §3 does not forbid padding, and RFC 7522 §2.1 does.
            Self::saml2(token.expose_secret().trim_end_matches('='))
        } else {
            Err(Error::Misuse(Misuse::NotAnAssertion))
        }
    }

    /// A JWT that was checked before.
    pub(crate) fn checked_jwt(text: &str) -> Self {
        Self { text: Secret::new(text.to_owned()), form: AssertionForm::Jwt }
    }

    /// The grant type that sends it.
    pub(crate) fn grant_type(&self) -> &'static str {
        match self.form {
            AssertionForm::Jwt => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            AssertionForm::Saml2 => "urn:ietf:params:oauth:grant-type:saml2-bearer",
        }
    }

    /// The assertion's text, as it is sent. Keep it out of logs and URLs.
    pub fn expose_secret(&self) -> &str {
        self.text.expose()
    }
}

fn check_printable(text: &str) -> Result<(), Error> {
    if text.bytes().all(|b| matches!(b, 0x20..=0x7e)) { Ok(()) } else { Err(Error::Misuse(Misuse::TokenCharacter)) }
}

/// The alphabet of a compact JWS or JWE. Which parts there are is the server's concern.
fn check_jwt(text: &str) -> Result<(), Error> {
    if text.trim().is_empty() {
        return Err(Error::Misuse(Misuse::EmptyToken));
    }
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        Ok(())
    } else {
        Err(Error::Misuse(Misuse::TokenForm(
            "a JWT has only letters, digits, - and _ with dots between them: give its compact form, without line breaks",
        )))
    }
}

fn check_base64url(text: &str) -> Result<(), Error> {
    if text.trim().is_empty() {
        return Err(Error::Misuse(Misuse::EmptyToken));
    }
    match Base64UrlUnpadded::decode_vec(text).map(Zeroizing::new) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::Misuse(Misuse::TokenForm(
            "an encoded SAML assertion is base64url without line breaks and without = at its end: for the XML itself, call the \
             function with _xml in its name",
        ))),
    }
}

fn encode_xml(xml: &[u8]) -> Result<Secret, Error> {
    // The byte order marks of UTF-8 and UTF-16 (XML 1.0 appendix F); in UTF-16, a zero byte stands beside the `<`.
    let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    let text = marks.into_iter().find_map(|mark| xml.strip_prefix(mark)).unwrap_or(xml);
    let first = text.iter().find(|b| !b.is_ascii_whitespace() && **b != 0);
    if first != Some(&b'<') {
        return Err(Error::Misuse(Misuse::TokenForm(
            "a SAML assertion as XML begins with <: for one that is encoded already, call the function without _xml in its name",
        )));
    }
    Ok(Secret::new(Base64UrlUnpadded::encode_string(xml)))
}
