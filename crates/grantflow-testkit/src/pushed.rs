//! Pushed authorization requests (RFC 9126).

use crate::answer::Answer;
use crate::call::Refusal;
use crate::client::Client;
use crate::form::{Form, json_string};
use crate::grants::Pushed;
use crate::server::Server;

/// Parameters that authenticate the client. They are not part of the authorization request.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

impl Server {
    /// Stores an authorization request. It is checked as at the authorization endpoint (RFC 9126 section 2.1).
    pub(crate) fn push(&mut self, client: &Client, form: &Form) -> Result<Answer, Refusal> {
        if form.get("client_id").is_none() {
            return Err(("invalid_request", "client_id is missing: the authorization request needs it"));
        }
        if form.get("request_uri").is_some() {
            return Err(("invalid_request", "request_uri cannot be pushed"));
        }
        self.recipient(form).map_err(|why| ("invalid_request", why))?;
        self.check(form, client)?;

        let reference = self.grants.mint("par", self.knobs.odd_characters);
        let request_uri = format!("{}{reference}", self.knobs.request_uri_prefix);
        let lifetime = self.knobs.request_uri_lifetime;
        let mut form = form.clone();
        form.pairs.retain(|(name, _)| !CREDENTIALS.contains(&name.as_str()));
        let pushed = Pushed { client_id: client.id.clone(), form, expires_at: self.now.saturating_add(lifetime) };
        self.grants.pushed.insert(request_uri.clone(), pushed);
        let members = vec![
            ("request_uri".to_owned(), json_string(&request_uri)),
            ("expires_in".to_owned(), lifetime.to_string()),
        ];
        Ok(Answer::json(201, members))
    }

    /// The pushed request that this authorization request names, or `None` if it names none. The error says why the
    /// person sees a page (RFC 9126 section 4). A request URI can be used once.
    pub(crate) fn pushed_request(&mut self, form: &Form) -> Result<Option<Form>, &'static str> {
        let Some(request_uri) = form.get("request_uri") else {
            return Ok(None);
        };
        if form.has_duplicates() || form.pairs.iter().any(|(name, _)| name != "client_id" && name != "request_uri") {
            return Err("Beside request_uri there may be client_id, and nothing else.");
        }
        let pushed = self.grants.pushed.get(request_uri).ok_or("The request URI is not known, or was used before.")?;
        if form.get("client_id") != Some(&pushed.client_id) {
            return Err("The request URI is another client's.");
        }
        if pushed.expires_at <= self.now {
            return Err("The request URI has expired.");
        }
        Ok(self.grants.pushed.remove(request_uri).map(|pushed| pushed.form))
    }
}
