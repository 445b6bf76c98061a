//! Backchannel authentication (OpenID CIBA Core 1.0): the client's request, the person's decision, and the pings.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request};

use crate::answer::Answer;
use crate::call::Refusal;
use crate::client::{Client, Grant};
use crate::form::{Form, json_string};
use crate::grants::Basis;
use crate::knobs::Decision;
use crate::poll::Waiting;
use crate::server::Server;

/// The parameters that name the person, of which a request has exactly one (OpenID CIBA section 7.1).
const HINTS: [&str; 3] = ["login_hint", "id_token_hint", "login_hint_token"];

/// A request that waits for a person (OpenID CIBA section 7).
#[derive(Clone, Debug)]
pub(crate) struct Backchannel {
    /// The hint, whichever it was.
    person: String,
    /// Where to send the ping, and the client's notification token.
    ping: Option<(String, String)>,
    pub(crate) waiting: Waiting,
}

impl Server {
    /// The person of this hint agrees to the oldest request that waits for the person (OpenID CIBA section 8). The result
    /// is `false` if none does: the server never got it, it has expired, or the person has decided. A client that is
    /// registered for ping gets one: see [`Server::take_pings`].
    #[must_use = "false means that no request waits for this person"]
    pub fn approve_request(&mut self, hint: &str) -> bool {
        self.decide_request(hint, Decision::Approve)
    }

    /// The person of this hint says no: polls are answered `access_denied`. See [`Server::approve_request`].
    #[must_use = "false means that no request waits for this person"]
    pub fn deny_request(&mut self, hint: &str) -> bool {
        self.decide_request(hint, Decision::Deny)
    }

    /// The request of this person ends in another way: polls are answered with this error, such as `transaction_failed`
    /// (OpenID CIBA section 12). See [`Server::approve_request`].
    #[must_use = "false means that no request waits for this person"]
    pub fn fail_request(&mut self, hint: &str, error: &str) -> bool {
        self.decide_request(hint, Decision::Fail(error.to_owned()))
    }

    /// The hints of the persons who have a request to decide, one for each request, in no particular order.
    pub fn pending_requests(&self) -> Vec<String> {
        let requests = self.grants.requests.values();
        requests.filter(|request| request.waiting.is_pending(self.now)).map(|request| request.person.clone()).collect()
    }

    /// The pings that the server has sent since the last call, oldest first, as the client's address gets them (OpenID
    /// CIBA section 10.2). There is one for each request that ended by a decision, if the client is registered for ping:
    /// [`Client::ping_at`]. The server ignores the answers.
    pub fn take_pings(&mut self) -> Vec<Request<Vec<u8>>> {
        std::mem::take(&mut self.pings)
    }

    fn decide_request(&mut self, hint: &str, decision: Decision) -> bool {
        let now = self.now;
        let requests = self.grants.requests.iter_mut();
        let waiting = requests.filter(|(_, request)| request.person == hint && request.waiting.is_pending(now));
        let Some((id, request)) = waiting.min_by_key(|(_, request)| request.waiting.family) else { return false };
        request.waiting.decide(decision, now);
        let ping = request.ping.clone().map(|(to, token)| ping(&to, &token, id));
        self.pings.extend(ping);
        true
    }

    /// OpenID CIBA sections 7.1 to 7.3, and 13.
    pub(crate) fn backchannel(&mut self, client: &Client, form: &Form) -> Result<Answer, Refusal> {
        let refuse = |error, why| Err((error, why));
        if !client.grants.contains(&Grant::Backchannel) || client.secret.is_none() {
            return refuse("unauthorized_client", "the client may not use this grant");
        }
        let mut hints = HINTS.iter().filter_map(|name| form.get(name));
        let (Some(person), None) = (hints.next(), hints.next()) else {
            return refuse("invalid_request", "exactly one hint must name the person");
        };
        let asked = form.get("scope").unwrap_or_default();
        if !asked.split(' ').any(|scope| scope == "openid") {
            return refuse("invalid_scope", "openid is missing");
        }
        let Some(scope) = client.allowed_scope(Some(asked)) else {
            return refuse("invalid_scope", "malformed, or more than is allowed");
        };
        if self.knobs.unknown_people.contains(person) {
            return refuse("unknown_user_id", "nobody is known by this hint");
        }
        match (&self.knobs.person_code, form.get("user_code")) {
            (Some(_), None) => return refuse("missing_user_code", "the person's code is missing"),
            (Some(code), Some(given)) if code != given => return refuse("invalid_user_code", "the code is wrong"),
            _ => {}
        }
        let shown = |message: &str| message.chars().all(|c| c.is_ascii_alphanumeric() || "-._+/!?# ".contains(c));
        if form.get("binding_message").is_some_and(|message| message.len() > 64 || !shown(message)) {
            return refuse("invalid_binding_message", "it cannot be shown");
        }
        let expiry = form.get("requested_expiry").map(|text| text.parse::<u64>().ok().filter(|seconds| *seconds > 0));
        let lifetime = match expiry {
            None => self.knobs.device_expires_in,
            Some(Some(seconds)) => seconds.min(self.knobs.device_expires_in),
            Some(None) => return refuse("invalid_request", "requested_expiry is not a positive number"),
        };
        let ping = match (&client.ping, form.get("client_notification_token")) {
            (None, _) => None,
            (Some(to), Some(token)) if is_bearer(token) => Some((to.clone(), token.to_owned())),
            (Some(_), _) => return refuse("invalid_request", "client_notification_token is missing or malformed"),
        };
        let id = self.grants.mint("ar", self.knobs.odd_characters);
        let times = (lifetime, self.knobs.device_interval);
        let family = self.grants.new_family(Basis { resources: form.all("resource"), login: None });
        let waiting = Waiting::new(client, scope, family, self.now, times);
        let request = Backchannel { person: person.to_owned(), ping, waiting };
        self.grants.requests.insert(id.clone(), request);
        let mut members =
            vec![("auth_req_id".to_owned(), json_string(&id)), ("expires_in".to_owned(), lifetime.to_string())];
        members.extend(times.1.map(|interval| ("interval".to_owned(), interval.to_string())));
        Ok(Answer::json(200, members))
    }

    /// A poll for the result of a request (OpenID CIBA section 10.1).
    pub(crate) fn poll_request(&mut self, client: &Client, form: &Form) -> Result<Answer, Refusal> {
        let Some(id) = form.get("auth_req_id") else {
            return Err(("invalid_request", "auth_req_id is missing"));
        };
        let decided = |server: &Server| server.grants.requests.get(id).is_some_and(|it| it.waiting.is_decided());
        let before = decided(self);
        let answer = self.poll(client, |server| server.grants.requests.get_mut(id).map(|it| &mut it.waiting));
        // The person decided at this poll.
        if !before && decided(self) {
            let to = self.grants.requests.get(id).and_then(|request| request.ping.clone());
            self.pings.extend(to.map(|(to, token)| ping(&to, &token, id)));
        }
        answer
    }
}

/// RFC 6750 section 2.1, and the length that OpenID CIBA section 7.1 allows.
fn is_bearer(token: &str) -> bool {
    let text = token.trim_end_matches('=');
    let good = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    !text.is_empty() && token.len() <= 1024 && text.bytes().all(good)
}

fn ping(to: &str, token: &str, auth_req_id: &str) -> Request<Vec<u8>> {
    let mut request = Request::new(format!("{{\"auth_req_id\":{}}}", json_string(auth_req_id)).into_bytes());
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = to.parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.extend(HeaderValue::from_str(&format!("Bearer {token}")).map(|value| (AUTHORIZATION, value)));
    request
}
