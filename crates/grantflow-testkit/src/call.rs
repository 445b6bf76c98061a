//! What the endpoints share: misbehaviours, reading a form, and authenticating the client.

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, Response};

use crate::answer::Answer;
use crate::auth::Credentials;
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::form::Form;
use crate::hit::{ClientAuth, Hit};
use crate::misbehaviour::Misbehaviour;
use crate::server::{Server, has_content_type};

/// An error (RFC 6749 section 5.2) and why; the status follows from the error.
pub(crate) type Refusal = (&'static str, &'static str);

impl Server {
    /// Answers at an endpoint, with the misbehaviours of the knobs. `None` if the answer is lost.
    pub(crate) fn perform(
        &mut self,
        endpoint: Endpoint,
        hit: &mut Hit,
        body: &[u8],
        act: impl FnOnce(&mut Server) -> Answer,
    ) -> Option<Response<Vec<u8>>> {
        let faults = self.knobs.take_faults(endpoint);
        let acts = faults.iter().all(Misbehaviour::acts);
        let mut answer = match acts {
            true => act(self),
            // One of the faults replaces this.
            false => Answer::json(200, Vec::new()),
        };
        hit.refused = answer.error_meant().map(str::to_owned);
        hit.acted = acts && hit.refused.is_none();
        hit.issued = hit.acted && endpoint == Endpoint::Token;
        hit.misbehaved = !faults.is_empty();
        if endpoint == Endpoint::Token && self.knobs.form_unless_asked && !asks_for_json(&hit.headers) {
            answer.form_encode();
        }
        if !faults.is_empty() {
            let request = reflection(&hit.headers, body);
            for fault in &faults {
                answer.spoil(fault, &request);
            }
        }
        answer.into_response()
    }

    /// Answers a form that a client posted, after the client was authenticated.
    pub(crate) fn serve_client(
        &mut self,
        endpoint: Endpoint,
        hit: &mut Hit,
        body: &[u8],
        act: impl FnOnce(&mut Server, &Client, &Form) -> Result<Answer, Refusal>,
    ) -> Option<Response<Vec<u8>>> {
        let form = self.read(&hit.headers, body);
        let readable = form.as_ref().cloned().unwrap_or_default();
        let credentials = Credentials::of(&hit.headers, &readable, &self.knobs);
        if endpoint == Endpoint::Token {
            hit.grant_type = readable.get("grant_type").map(str::to_owned);
        }
        hit.client_id.clone_from(&credentials.id);
        hit.auth = credentials.method;
        hit.resources = readable.all("resource");
        hit.parameters = readable.pairs;
        let shows_header = hit.headers.contains_key(AUTHORIZATION);
        self.perform(endpoint, hit, body, |server| {
            let answer = form.and_then(|form| {
                if form.has_duplicates() {
                    return Err(("invalid_request", "a parameter was sent twice"));
                }
                let client = server.authenticate(&credentials)?;
                server.grants.asked_details = server.details(&form)?;
                server.grants.asked_resources = form.all("resource");
                act(server, &client, &form)
            });
            answer.unwrap_or_else(|(error, why)| server.refusal(error, why, shows_header))
        })
    }

    fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Form, Refusal> {
        let form = if self.knobs.accept_form && has_content_type(headers, "application/x-www-form-urlencoded") {
            Form::parse(body)
        } else if self.knobs.accept_json && has_content_type(headers, "application/json") {
            Form::parse_json(body).ok_or(("invalid_request", "the JSON is malformed"))?
        } else {
            return Err(("invalid_request", "the content type is not supported"));
        };
        Ok(form)
    }

    fn authenticate(&self, credentials: &Credentials) -> Result<Client, Refusal> {
        let refuse = |why| Err(("invalid_client", why));
        match credentials.method {
            ClientAuth::Absent if self.knobs.accept_unidentified => return Ok(Client::unidentified()),
            ClientAuth::Absent => return refuse("no client was named"),
            ClientAuth::Several => {
                return Err(("invalid_request", "more than one client authentication"));
            }
            ClientAuth::Other => return refuse("this client authentication is not known"),
            ClientAuth::Basic if !self.knobs.accept_basic => {
                return refuse("Basic is not accepted");
            }
            ClientAuth::Post if !self.knobs.accept_post => {
                return refuse("secrets in the body are not accepted");
            }
            ClientAuth::Public | ClientAuth::Basic | ClientAuth::Post => {}
        }
        let client = credentials.id.as_ref().and_then(|id| self.client(id));
        let Some(client) = client else {
            return refuse("the client is not known");
        };
        // A public client has no secret and must not send one. A confidential client must send its secret.
        if client.secret != credentials.secret {
            return refuse("the credentials are wrong");
        }
        if client.auth.is_some_and(|registered| registered != credentials.method) {
            return refuse("the client registered another client authentication");
        }
        Ok(client)
    }

    fn refusal(&self, error: &str, why: &str, shows_header: bool) -> Answer {
        let status = match error {
            "invalid_client" => 401,
            "authorization_pending" => self.knobs.pending_status,
            "slow_down" => self.knobs.slow_down_status,
            _ => 400,
        };
        if status != 401 {
            return Answer::refusal(status, error, why);
        }
        let answer = Answer::refusal(401, error, why);
        // A client that used the header is told which scheme to use (RFC 6749 section 5.2).
        match shows_header {
            true => answer.header("www-authenticate", "Basic realm=\"clients\""),
            false => answer,
        }
    }
}

fn asks_for_json(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("application/json"))
}

/// All that is secret in a request.
fn reflection(headers: &HeaderMap, body: &[u8]) -> String {
    let mut text = String::new();
    for value in headers.get_all(AUTHORIZATION) {
        text.push_str(&String::from_utf8_lossy(value.as_bytes()));
        text.push(' ');
    }
    text.push_str(&String::from_utf8_lossy(body));
    text
}
