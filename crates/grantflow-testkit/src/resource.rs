//! The protected resource (RFC 6750, RFC 9470) and its metadata (RFC 9728).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::answer::Answer;
use crate::client::is_subset;
use crate::endpoint::Endpoint;
use crate::form::{json_string, json_strings};
use crate::grants::Access;
use crate::server::Server;

impl Server {
    /// Says whose token it is. Only the `Authorization` header can carry the token: RFC 9700 section 4.3.2 forbids it
    /// in the query.
    pub(crate) fn resource(&self, headers: &HeaderMap) -> Answer {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return self.refuse(401, "");
        };
        let bearer = value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, token)) = bearer else {
            // A request without a token gets no error code (RFC 6750 section 3.1).
            return self.refuse(401, "");
        };
        let Some(access) = self.live_access(token) else {
            return self.refuse(401, "invalid_token");
        };
        if !self.is_login_good_enough(access) {
            return self.refuse(401, "insufficient_user_authentication");
        }
        if self.knobs.required_scope.as_ref().is_some_and(|required| !is_subset(required, &access.scope)) {
            return self.refuse(403, "insufficient_scope");
        }
        let name = match access.for_person {
            true => &self.knobs.user,
            false => &access.client_id,
        };
        Answer::document(vec![
            ("name".to_owned(), json_string(name)),
            ("client_id".to_owned(), json_string(&access.client_id)),
            ("scope".to_owned(), json_string(&access.scope)),
        ])
    }

    /// An access token that has not expired and was not revoked.
    pub(crate) fn live_access(&self, token: &str) -> Option<&Access> {
        let access = self.grants.access.get(token)?;
        (self.now < access.expires_at && !self.grants.revoked.contains(&access.family)).then_some(access)
    }

    fn is_login_good_enough(&self, access: &Access) -> bool {
        let login = self.grants.bases.get(&access.family).and_then(|basis| basis.login.as_ref());
        let wanted = &self.knobs.required_acr_values;
        let acr = login.and_then(|login| login.acr.as_ref()).is_some_and(|acr| wanted.contains(acr));
        let age = login.map(|login| self.now.saturating_sub(login.at));
        (acr || wanted.is_empty()) && self.knobs.required_max_age.is_none_or(|most| age.is_some_and(|age| age <= most))
    }

    /// A Bearer challenge (RFC 6750 section 3). It says what the resource demands.
    fn refuse(&self, status: u16, error: &str) -> Answer {
        let knobs = &self.knobs;
        let stepping_up = error == "insufficient_user_authentication";
        let acr_values = knobs.required_acr_values.join(" ");
        let metadata = knobs.challenge_names_metadata.then(|| self.endpoint_url(Endpoint::ResourceMetadata));
        let parameters = [
            ("error", (!error.is_empty()).then(|| error.to_owned())),
            ("scope", knobs.required_scope.clone()),
            ("acr_values", (stepping_up && !acr_values.is_empty()).then_some(acr_values)),
            ("max_age", knobs.required_max_age.filter(|_| stepping_up).map(|age| age.to_string())),
            ("resource_metadata", metadata),
        ];
        let parameters: Vec<_> =
            parameters.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", quoted(&value?)))).collect();
        let challenge = format!("Bearer {}", parameters.join(", "));
        Answer::challenge(status, error, challenge.trim_end())
    }

    /// The resource's metadata (RFC 9728 section 2). `resource` is its identifier.
    pub(crate) fn resource_metadata(&self, resource: &str) -> Answer {
        let knobs = &self.knobs;
        let servers = match &knobs.authorization_servers {
            Some(servers) => servers.clone(),
            None => vec![self.issuer.clone()],
        };
        let mut members = vec![
            ("resource".to_owned(), json_string(resource)),
            ("authorization_servers".to_owned(), json_strings(&servers)),
        ];
        if !knobs.resource_scopes_supported.is_empty() {
            members.push(("scopes_supported".to_owned(), json_strings(&knobs.resource_scopes_supported)));
        }
        members.push(("bearer_methods_supported".to_owned(), json_strings(&["header"])));
        Answer::document(members)
    }
}

/// A quoted string (RFC 9110 section 5.6.4).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
