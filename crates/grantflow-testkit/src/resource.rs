//! The protected resource (RFC 6750).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::answer::Answer;
use crate::form::json_string;
use crate::grants::Access;
use crate::server::Server;

impl Server {
    /// Answers who the token stands for. Tokens count in the `Authorization` header only: RFC 9700 section 4.3.2
    /// forbids them in the query.
    pub(crate) fn resource(&self, headers: &HeaderMap) -> Answer {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Answer::challenge(401, "", "Bearer");
        };
        let bearer = value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, token)) = bearer else {
            // No error code where no token was shown (RFC 6750 section 3.1).
            return Answer::challenge(401, "", "Bearer");
        };
        let Some(access) = self.live_access(token) else {
            return Answer::challenge(401, "invalid_token", "Bearer error=\"invalid_token\"");
        };
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

    /// What is known of an access token, unless it has expired or was revoked.
    pub(crate) fn live_access(&self, token: &str) -> Option<&Access> {
        let access = self.grants.access.get(token)?;
        (self.now < access.expires_at && !self.grants.revoked.contains(&access.family)).then_some(access)
    }
}
