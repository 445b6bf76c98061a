//! Assertions: what this server states about a person, and what others state (RFC 7521, RFC 7522, RFC 7523).
//!
//! Nothing is signed by a key: a hash that anyone can make stands in the signature's place.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Members};
use crate::call::Refusal;
use crate::client::{Client, is_subset};
use crate::endpoint::Endpoint;
use crate::form::Form;
use crate::grants::{Basis, s256};
use crate::server::Server;

/// The `grant_type` of RFC 7523 section 2.1.
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The `grant_type` of RFC 7522 section 2.1.
pub(crate) const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";
/// The `typ` of an identity assertion (draft-ietf-oauth-identity-assertion-authz-grant).
pub(crate) const ID_JAG_TYP: &str = "oauth-id-jag+jwt";

/// What a statement says.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) typ: String,
    claims: Map<String, Value>,
}

impl Statement {
    pub(crate) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }

    fn number(&self, claim: &str) -> Option<u64> {
        self.claims.get(claim)?.as_u64()
    }
}

impl Server {
    /// A JWT of this server about this person, for this audience, as if signed: an ID token if the audience is a client,
    /// an assertion (RFC 7523 section 3) if it is an authorization server's issuer. It lives for
    /// [`Knobs::assertion_lifetime`](crate::Knobs::assertion_lifetime).
    ///
    /// Another server accepts it if its [`Knobs::trusted_issuers`](crate::Knobs::trusted_issuers) name this one.
    ///
    /// ```
    /// use grantflow_testkit::Server;
    ///
    /// let mut company = Server::new("https://idp.example");
    /// let id_token = company.sign_jwt("wiki", "ada");
    /// let assertion = company.sign_jwt("https://as.example", "ada");
    /// assert_eq!(assertion.split('.').count(), 3);
    /// assert_ne!(id_token, assertion);
    /// ```
    pub fn sign_jwt(&mut self, audience: &str, subject: &str) -> String {
        self.sign("JWT", audience, subject, json!({}))
    }

    /// A SAML 2.0 assertion of this server about this person, for this audience, as XML (RFC 7522 section 3). It stands in
    /// for a signed one as [`Server::sign_jwt`] does.
    pub fn sign_saml2(&mut self, audience: &str, subject: &str) -> String {
        let jwt = self.sign("saml2", audience, subject, json!({}));
        format!(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" Version=\"2.0\">{jwt}</saml:Assertion>"
        )
    }

    pub(crate) fn sign(&mut self, typ: &str, audience: &str, subject: &str, more: Value) -> String {
        let mut claims = json!({
            "iss": self.issuer,
            "sub": subject,
            "aud": audience,
            "iat": self.now,
            "exp": self.now.saturating_add(self.knobs.assertion_lifetime),
            "jti": self.grants.mint("jti", false),
        });
        if let (Some(claims), Value::Object(more)) = (claims.as_object_mut(), more) {
            claims.extend(more);
        }
        let part = |value: Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(json!({ "alg": "none of any use", "typ": typ })), part(claims));
        let signature = signature(&signed);
        format!("{signed}.{signature}")
    }

    /// What a JWT states, if a trusted issuer made it for this audience and it has not expired.
    pub(crate) fn verify(&self, jwt: &str, audience: &[&str]) -> Result<Statement, &'static str> {
        let statement = read(jwt).ok_or("it is not a JWT that its issuer signed")?;
        let issuer = statement.text("iss").unwrap_or_default();
        if issuer != self.issuer && !self.knobs.trusted_issuers.iter().any(|trusted| trusted == issuer) {
            return Err("its issuer is not trusted");
        }
        if !statement.text("aud").is_some_and(|named| audience.contains(&named)) {
            return Err("it is for another audience");
        }
        match statement.number("exp") {
            Some(end) if end > self.now => Ok(statement),
            _ => Err("it has expired"),
        }
    }

    /// RFC 7523 section 3.1, RFC 7522 section 3.1.
    pub(crate) fn take_assertion(&mut self, client: &Client, form: &Form, saml: bool) -> Result<Answer, Refusal> {
        let refuse = |why| Err(("invalid_grant", why));
        let Some(text) = form.get("assertion") else {
            return Err(("invalid_request", "assertion is missing"));
        };
        let inner = match saml {
            true => from_saml(text),
            false => Some(text.to_owned()),
        };
        let Some(jwt) = inner else {
            return refuse("it is no base64url of an assertion");
        };
        let token_url = self.endpoint_url(Endpoint::Token);
        let statement = match self.verify(&jwt, &[&self.issuer, &token_url]) {
            Ok(statement) if saml == (statement.typ == "saml2") => statement,
            Ok(_) => return refuse("it is an assertion of the other kind"),
            Err(why) => return refuse(why),
        };
        // An identity assertion names the client that may send it.
        if statement.typ == ID_JAG_TYP && statement.text("client_id") != Some(&client.id) {
            return refuse("it is for another client");
        }
        let allowed = statement.text("scope").map(str::to_owned);
        let asked = form.get("scope").map(str::to_owned).or_else(|| allowed.clone());
        if let (Some(asked), Some(allowed)) = (&asked, &allowed)
            && !is_subset(asked, allowed)
        {
            return Err(("invalid_scope", "more than the assertion allows"));
        }
        let Some(scope) = client.allowed_scope(asked.as_deref()) else {
            return Err(("invalid_scope", "malformed, or more than is allowed"));
        };
        let id = statement.text("jti").unwrap_or_default().to_owned();
        if !self.grants.used_assertions.insert(id) && self.knobs.assertions_once {
            return refuse("it was used before");
        }
        Ok(Answer::json(200, self.issue_to(client, &scope, form.all("resource"))))
    }

    /// Tokens for a person who is not here: a refresh token only if the knob says so (RFC 7521 section 4.1).
    pub(crate) fn issue_to(&mut self, client: &Client, scope: &str, resources: Vec<String>) -> Members {
        let family = self.grants.new_family(Basis { resources, login: None });
        match self.knobs.refresh_token_without_person {
            true => self.issue_with_refresh(client, scope, family),
            false => {
                let scope = self.knobs.granted(scope);
                self.issue(client, &scope, family, true)
            }
        }
    }
}

/// A SAML assertion as it is sent: base64url without padding (RFC 7522 section 2.1).
pub(crate) fn to_saml(jwt: &str) -> String {
    Base64UrlUnpadded::encode_string(format!("<saml:Assertion>{jwt}</saml:Assertion>").as_bytes())
}

/// The JWT that stands in for the statement of a SAML assertion.
pub(crate) fn from_saml(encoded: &str) -> Option<String> {
    let xml = String::from_utf8(Base64UrlUnpadded::decode_vec(encoded).ok()?).ok()?;
    let inner = xml.trim().strip_prefix("<saml:Assertion")?.strip_suffix("</saml:Assertion>")?;
    inner.split_once('>').map(|(_, jwt)| jwt.to_owned())
}

fn read(jwt: &str) -> Option<Statement> {
    let (signed, found) = jwt.rsplit_once('.')?;
    if found != signature(signed) {
        return None;
    }
    let (header, claims) = signed.split_once('.')?;
    let object = |part: &str| serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).ok()?).ok();
    let header: Map<String, Value> = object(header)?;
    Some(Statement { typ: header.get("typ")?.as_str()?.to_owned(), claims: object(claims)? })
}

fn signature(signed: &str) -> String {
    s256(&format!("grantflow-testkit {signed}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_for_its_audience_by_a_trusted_issuer_until_it_expires() {
        let mut company = Server::new("https://idp.example");
        let mut other = Server::new("https://as.example");
        let jwt = company.sign_jwt("https://as.example", "ada");
        assert_eq!(other.verify(&jwt, &["https://as.example"]).unwrap_err(), "its issuer is not trusted");
        other.knobs().trusted_issuers.push("https://idp.example".to_owned());
        assert_eq!(other.verify(&jwt, &["https://as.example"]).unwrap().text("sub"), Some("ada"));
        assert_eq!(other.verify(&jwt, &["https://b.example"]).unwrap_err(), "it is for another audience");
        other.advance(300);
        assert_eq!(other.verify(&jwt, &["https://as.example"]).unwrap_err(), "it has expired");
    }

    #[test]
    fn what_was_changed_is_not_signed() {
        let mut server = Server::new("https://as.example");
        let jwt = server.sign_jwt("https://as.example", "ada");
        let other = server.sign_jwt("https://as.example", "bob");
        let (mine, theirs): (Vec<_>, Vec<_>) = (jwt.split('.').collect(), other.split('.').collect());
        for bad in [
            format!("{}.{}.{}", mine[0], theirs[1], mine[2]),
            format!("{}.{}.", mine[0], mine[1]),
            "a.b.c".to_owned(),
            String::new(),
            "....".to_owned(),
        ] {
            assert!(read(&bad).is_none(), "{bad}");
        }
        assert!(read(&jwt).is_some());
        assert_eq!(from_saml(&to_saml(&jwt)), Some(jwt));
    }
}
