//! The revocation endpoint (RFC 7009).

use crate::answer::Answer;
use crate::call::Refusal;
use crate::client::Client;
use crate::form::Form;
use crate::server::Server;

impl Server {
    /// A refresh token is revoked with its whole grant. An access token is revoked alone, unless
    /// [`Knobs::access_token_revokes_grant`](crate::Knobs::access_token_revokes_grant) says otherwise (RFC 7009 section
    /// 2.1). An unknown token is not an error (section 2.2).
    pub(crate) fn revocation(&mut self, client: &Client, form: &Form) -> Result<Answer, Refusal> {
        let Some(token) = form.get("token") else {
            return Err(("invalid_request", "token is missing"));
        };
        let refresh = self.grants.refresh.get(token).map(|refresh| (&refresh.client_id, refresh.family));
        let access = self.grants.access.get(token).map(|access| (&access.client_id, access.family));
        let is_refresh = refresh.is_some();
        if let Some((owner, family)) = refresh.or(access) {
            if *owner != client.id {
                return Err(("invalid_grant", "the token is another client's"));
            }
            if !is_refresh && !self.knobs.revocable_access_tokens {
                return Err(("unsupported_token_type", "access tokens cannot be revoked"));
            }
            if is_refresh || self.knobs.access_token_revokes_grant {
                self.grants.revoked.insert(family);
            }
            self.grants.access.remove(token);
        }
        Ok(Answer::empty())
    }
}
