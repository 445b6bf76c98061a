//! The token endpoint (RFC 6749 sections 3.2, 4.1.3, 4.4 and 6).

use std::collections::BTreeMap;

use http::Response;

use crate::answer::{Answer, Members};
use crate::assertion::{JWT_BEARER, SAML2_BEARER};
use crate::call::Refusal;
use crate::client::{Client, Grant, is_subset};
use crate::details;
use crate::endpoint::Endpoint;
use crate::exchange::TOKEN_EXCHANGE;
use crate::form::{Form, json_string};
use crate::grants::{Access, Basis, Code, Family, Refresh, is_verifier};
use crate::hit::Hit;
use crate::server::Server;

/// The `grant_type` of RFC 8628 section 3.4.
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The `grant_type` of OpenID CIBA section 10.1.
pub(crate) const CIBA: &str = "urn:openid:params:grant-type:ciba";

impl Server {
    /// Answers a token request; `None` if the answer is lost.
    pub(crate) fn token(&mut self, hit: &mut Hit, body: &[u8]) -> Option<Response<Vec<u8>>> {
        self.serve_client(Endpoint::Token, hit, body, |server, client, form| server.grant(client, form))
    }

    /// The answer to a request, or the refusal.
    fn grant(&mut self, client: &Client, form: &Form) -> Result<Answer, Refusal> {
        let grant = match form.get("grant_type") {
            Some("authorization_code") => Grant::AuthorizationCode,
            Some("refresh_token") => Grant::RefreshToken,
            Some("client_credentials") => Grant::ClientCredentials,
            Some(DEVICE_CODE) if self.knobs.serves(Endpoint::DeviceAuthorization) => Grant::DeviceCode,
            Some(CIBA) if self.knobs.serves(Endpoint::BackchannelAuthentication) => Grant::Backchannel,
            Some(TOKEN_EXCHANGE) => Grant::TokenExchange,
            Some(JWT_BEARER | SAML2_BEARER) => Grant::Assertion,
            Some(other) if self.knobs.extension_grant.as_deref() == Some(other) => Grant::Extension,
            Some(_) => return Err(("unsupported_grant_type", "this grant is not known")),
            None => return Err(("invalid_request", "grant_type is missing")),
        };
        if !client.grants.contains(&grant) {
            return Err(("unauthorized_client", "the client may not use this grant"));
        }
        let members = match grant {
            Grant::AuthorizationCode => self.redeem(client, form)?,
            Grant::RefreshToken => self.refresh(client, form)?,
            Grant::ClientCredentials => self.client_credentials(client, form)?,
            Grant::DeviceCode => return self.poll_device(client, form),
            Grant::Backchannel => return self.poll_request(client, form),
            Grant::TokenExchange => return self.exchange(client, form),
            Grant::Assertion => {
                return self.take_assertion(client, form, form.get("grant_type") == Some(SAML2_BEARER));
            }
            Grant::Extension => {
                let Some(scope) = client.allowed_scope(form.get("scope")) else {
                    return Err(("invalid_scope", "malformed, or more than is allowed"));
                };
                self.issue_to(client, &scope, form.all("resource"))
            }
        };
        Ok(Answer::json(200, members))
    }

    /// RFC 6749 section 4.1.3. Every attempt by the code's own client spends it, also one that fails.
    fn redeem(&mut self, client: &Client, form: &Form) -> Result<Members, Refusal> {
        let refuse = |why| Err(("invalid_grant", why));
        let Some(code) = form.get("code") else {
            return Err(("invalid_request", "code is missing"));
        };
        let record = self.grants.codes.get_mut(code);
        // Another client's attempt must not spend the code. Otherwise any client could spoil a login.
        let Some(record) = record.filter(|record| record.client_id == client.id) else {
            return refuse("the code is not known");
        };
        let again = std::mem::replace(&mut record.spent, true);
        let record = record.clone();
        if again {
            // An attacker may have the code too (RFC 6749 section 4.1.2).
            self.grants.revoked.insert(record.family);
            return refuse("the code was used before");
        }
        check_code(&record, form, self.now)?;
        check_resources(&self.grants.bases, record.family, form)?;

        Ok(self.issue_with_refresh(client, &record.scope, record.family))
    }

    /// Issues what the person granted: an access token and, if the knobs and the client allow it, a refresh token.
    pub(crate) fn issue_with_refresh(&mut self, client: &Client, scope: &str, family: Family) -> Members {
        let refresh = self.knobs.issue_refresh_token;
        let scope = self.knobs.granted(scope);
        let mut members = self.issue(client, &scope, family, true);
        if refresh && client.grants.contains(&Grant::RefreshToken) {
            let token = self.new_refresh_token(client, &scope, family);
            members.push(("refresh_token".to_owned(), json_string(&token)));
        }
        members
    }

    /// RFC 6749 section 6, with rotation after RFC 9700 section 4.14.2.
    fn refresh(&mut self, client: &Client, form: &Form) -> Result<Members, Refusal> {
        let refuse = |why| Err(("invalid_grant", why));
        let Some(token) = form.get("refresh_token") else {
            return Err(("invalid_request", "refresh_token is missing"));
        };
        let record = self.grants.refresh.get_mut(token);
        let Some(record) = record.filter(|record| record.client_id == client.id) else {
            return refuse("the refresh token is not known");
        };
        if self.grants.revoked.contains(&record.family) {
            return refuse("the grant was revoked");
        }
        if record.expires_at.is_some_and(|end| end <= self.now) {
            return refuse("the refresh token has expired");
        }
        let grace = self.knobs.refresh_grace;
        // A grace of zero seconds is no grace, not even within the same second.
        if let Some(spent_at) = record.spent_at
            && spent_at.saturating_add(grace) <= self.now
        {
            if self.knobs.revoke_on_replay {
                self.grants.revoked.insert(record.family);
            }
            return refuse("the refresh token was used before");
        }
        let scope = form.get("scope").unwrap_or(&record.scope);
        if form.get("scope").is_some() && !is_subset(scope, &record.scope) {
            return Err(("invalid_scope", "malformed, or more than was granted"));
        }
        let scope = self.knobs.granted(scope);
        check_resources(&self.grants.bases, record.family, form)?;
        if self.knobs.rotate {
            record.spent_at.get_or_insert(self.now);
        }
        let record = record.clone();

        let mut members = self.issue(client, &scope, record.family, true);
        let next = match (self.knobs.rotate, self.knobs.repeat_refresh_token) {
            // The new token keeps the scope of the old one, even if this request asked for less.
            (true, _) => Some(self.new_refresh_token(client, &record.scope, record.family)),
            (false, true) => Some(token.to_owned()),
            (false, false) => None,
        };
        members.extend(next.map(|next| ("refresh_token".to_owned(), json_string(&next))));
        Ok(members)
    }

    /// RFC 6749 section 4.4. No refresh token: the client can simply ask again.
    fn client_credentials(&mut self, client: &Client, form: &Form) -> Result<Members, Refusal> {
        if client.secret.is_none() {
            return Err(("unauthorized_client", "only for confidential clients"));
        }
        let Some(scope) = client.allowed_scope(form.get("scope")) else {
            return Err(("invalid_scope", "malformed, or more than is allowed"));
        };
        let scope = self.knobs.granted(&scope);
        let family = self.grants.new_family(Basis { resources: form.all("resource"), login: None });
        Ok(self.issue(client, &scope, family, false))
    }

    /// Makes an access token and the members of its answer (RFC 6749 section 5.1).
    pub(crate) fn issue(&mut self, client: &Client, scope: &str, family: Family, for_person: bool) -> Members {
        let lifetime = self.knobs.expires_in;
        let token = self.grants.mint("at", self.knobs.odd_characters);
        let (details, resources) = (self.granted_details(family), self.grants.resources_of_a_token(family));
        let record = Access {
            client_id: client.id.clone(),
            for_person,
            scope: scope.to_owned(),
            details: details.clone(),
            resources,
            family,
            issued_at: self.now,
            expires_at: self.now.saturating_add(lifetime),
        };
        self.grants.access.insert(token.clone(), record);
        let mut members = vec![
            ("access_token".to_owned(), json_string(&token)),
            ("token_type".to_owned(), json_string("Bearer")),
            ("expires_in".to_owned(), lifetime.to_string()),
        ];
        // The syntax of RFC 6749 section 3.3 has no empty scope; only the knob sends one.
        let sends_scope = !scope.is_empty() || self.knobs.narrow_scope.is_some();
        if sends_scope && !self.knobs.omit_scope {
            let scope = scope.replace(' ', &self.knobs.scope_separator);
            members.push(("scope".to_owned(), json_string(&scope)));
        }
        members.extend(details.map(|details| (details::NAME.to_owned(), details)));
        members
    }

    fn new_refresh_token(&mut self, client: &Client, scope: &str, family: Family) -> String {
        let token = self.grants.mint("rt", self.knobs.odd_characters);
        let lifetime = self.knobs.refresh_lifetime;
        let record = Refresh {
            client_id: client.id.clone(),
            scope: scope.to_owned(),
            family,
            issued_at: self.now,
            expires_at: lifetime.map(|lifetime| self.now.saturating_add(lifetime)),
            spent_at: None,
        };
        self.grants.refresh.insert(token.clone(), record);
        token
    }
}

/// A token request names only resources of its grant (RFC 8707 section 2.2).
fn check_resources(bases: &BTreeMap<Family, Basis>, family: Family, form: &Form) -> Result<(), Refusal> {
    let known = bases.get(&family).map_or(&[][..], |basis| &basis.resources);
    match known.is_empty() || form.all("resource").iter().all(|resource| known.contains(resource)) {
        true => Ok(()),
        false => Err(("invalid_target", "the grant is not for this resource")),
    }
}

/// Checks the code's age, its redirect URI and its challenge.
fn check_code(record: &Code, form: &Form, now: u64) -> Result<(), Refusal> {
    let refuse = |why| Err(("invalid_grant", why));
    if record.expires_at <= now {
        return refuse("the code has expired");
    }
    match form.get("redirect_uri") {
        Some(uri) if uri != record.redirect_uri => {
            return refuse("redirect_uri is not that of the authorization request");
        }
        None if record.redirect_uri_named => return refuse("redirect_uri is missing"),
        _ => {}
    }
    match (&record.challenge, form.get("code_verifier")) {
        (None, None) => Ok(()),
        // An attacker took the challenge out of the authorization request (RFC 9700 section 4.8.2).
        (None, Some(_)) => refuse("a verifier without a challenge"),
        (Some(challenge), Some(verifier)) if is_verifier(verifier) && challenge.is_met_by(verifier) => Ok(()),
        (Some(_), _) => refuse("the verifier does not match the challenge"),
    }
}
