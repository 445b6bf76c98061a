//! The introspection endpoint (RFC 7662).

use crate::answer::{Answer, Members};
use crate::call::Refusal;
use crate::client::Client;
use crate::details;
use crate::form::{Form, json_string, json_strings};
use crate::grants::{Family, s256};
use crate::server::Server;

impl Server {
    /// Any confidential client may ask about any token, as a protected resource does (RFC 7662 section 2.1).
    pub(crate) fn introspection(&mut self, client: &Client, form: &Form) -> Result<Answer, Refusal> {
        if client.secret.is_none() {
            return Err(("invalid_client", "only for clients that authenticate"));
        }
        // A hint only makes a search faster (RFC 7662 section 2.1). This search does not need it.
        let Some(token) = form.get("token") else {
            return Err(("invalid_request", "token is missing"));
        };
        let described = self.describe_access(token).or_else(|| self.describe_refresh(token));
        // For a token that is not active, the answer has no other member (RFC 7662 section 2.2).
        Ok(Answer::json(200, described.unwrap_or_else(|| vec![("active".to_owned(), "false".to_owned())])))
    }

    fn describe_access(&self, token: &str) -> Option<Members> {
        let access = self.live_access(token)?;
        let subject = match access.for_person {
            true => &self.knobs.user,
            false => &access.client_id,
        };
        let mut members =
            self.describe(token, &access.client_id, &access.scope, &access.resources, access.family, access.issued_at);
        let mut add = |name: &str, json| members.push((name.to_owned(), json));
        add("token_type", json_string("Bearer"));
        add("exp", access.expires_at.to_string());
        add("sub", json_string(subject));
        if let Some(details) = &access.details {
            add(details::NAME, details.clone());
        }
        if access.for_person {
            add("username", json_string(&self.knobs.user));
        }
        Some(members)
    }

    pub(crate) fn describe_refresh(&self, token: &str) -> Option<Members> {
        let refresh = self.grants.refresh.get(token)?;
        let spent = refresh.spent_at.is_some_and(|at| at.saturating_add(self.knobs.refresh_grace) <= self.now);
        let expired = refresh.expires_at.is_some_and(|end| end <= self.now);
        if spent || expired || self.grants.revoked.contains(&refresh.family) {
            return None;
        }
        let resources = self.grants.bases.get(&refresh.family).map_or(&[][..], |basis| &basis.resources);
        let (scope, family, at) = (&refresh.scope, refresh.family, refresh.issued_at);
        let mut members = self.describe(token, &refresh.client_id, scope, resources, family, at);
        let mut add = |name: &str, json| members.push((name.to_owned(), json));
        if let Some(end) = refresh.expires_at {
            add("exp", end.to_string());
        }
        add("sub", json_string(&self.knobs.user));
        add("username", json_string(&self.knobs.user));
        Some(members)
    }

    /// The members for every active token.
    fn describe(
        &self,
        token: &str,
        client_id: &str,
        scope: &str,
        resources: &[String],
        family: Family,
        issued_at: u64,
    ) -> Members {
        let mut members = Vec::new();
        let mut add = |name: &str, json| members.push((name.to_owned(), json));
        add("active", "true".to_owned());
        if !scope.is_empty() {
            add("scope", json_string(scope));
        }
        add("client_id", json_string(client_id));
        add("iat", issued_at.to_string());
        add("nbf", issued_at.to_string());
        match self.audience(resources).as_slice() {
            [] => {}
            [only] => add("aud", json_string(only)),
            several => add("aud", json_strings(several)),
        }
        add("iss", json_string(&self.issuer));
        add("jti", json_string(&s256(token)));
        // RFC 9470 section 6.2.
        if let Some(login) = self.grants.bases.get(&family).and_then(|basis| basis.login.as_ref()) {
            add("auth_time", login.at.to_string());
            if let Some(acr) = &login.acr {
                add("acr", json_string(acr));
            }
        }
        members
    }

    fn audience(&self, asked: &[String]) -> Vec<String> {
        match (&self.knobs.audience, asked) {
            (Some(audience), _) => audience.clone(),
            (None, []) => vec![self.resource_url()],
            (None, asked) => asked.to_vec(),
        }
    }
}
