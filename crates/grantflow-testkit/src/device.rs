//! The device authorization grant (RFC 8628): the device's request, the person's page and the device's polls.

use http::{Method, Response};

use crate::answer::Answer;
use crate::call::Refusal;
use crate::client::{Client, Grant};
use crate::endpoint::Endpoint;
use crate::form::{Form, encode, escape_html, json_string};
use crate::grants::{Basis, Device};
use crate::hit::Hit;
use crate::knobs::Decision;
use crate::poll::Waiting;
use crate::server::{Server, query_form};

impl Server {
    /// The person enters this user code and agrees (RFC 8628 section 3.3). Case and dashes do not matter. The result is
    /// `false` if no device waits for this code: the server never gave it, it has expired, or the person has decided.
    ///
    /// ```
    /// use grantflow_testkit::{Client, Endpoint, Server};
    /// use http::{Request, Response};
    ///
    /// let mut server = Server::new("https://as.example");
    /// server.register(Client::public("tv").scope("read"));
    /// let post = |server: &mut Server, endpoint, body: String| {
    ///     let request = Request::post(server.endpoint_url(endpoint));
    ///     let request = request.header("content-type", "application/x-www-form-urlencoded").body(body)?;
    ///     Ok::<Response<Vec<u8>>, http::Error>(server.handle(&request))
    /// };
    /// let answer = post(&mut server, Endpoint::DeviceAuthorization, "client_id=tv".to_owned())?;
    /// let answer: serde_json::Value = serde_json::from_slice(answer.body())?;
    /// let code = answer["device_code"].as_str().unwrap_or_default();
    /// let grant = "urn:ietf:params:oauth:grant-type:device_code";
    /// let poll = format!("grant_type={grant}&client_id=tv&device_code={code}");
    ///
    /// server.advance(5);
    /// let pending = post(&mut server, Endpoint::Token, poll.clone())?;
    /// assert_eq!(pending.status(), 400);
    /// assert!(server.approve(answer["user_code"].as_str().unwrap_or_default()));
    /// server.advance(5);
    /// assert_eq!(post(&mut server, Endpoint::Token, poll)?.status(), 200);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "false means that no device waits for this code"]
    pub fn approve(&mut self, user_code: &str) -> bool {
        self.decide_on(user_code, Decision::Approve)
    }

    /// The person enters this user code and says no: polls are answered `access_denied`. See [`Server::approve`].
    #[must_use = "false means that no device waits for this code"]
    pub fn deny(&mut self, user_code: &str) -> bool {
        self.decide_on(user_code, Decision::Deny)
    }

    /// The user codes that have not expired and wait for the person's decision, in no particular order.
    pub fn pending_user_codes(&self) -> Vec<String> {
        let devices = self.grants.devices.values();
        devices.filter(|device| device.waiting.is_pending(self.now)).map(|device| device.user_code.clone()).collect()
    }

    fn decide_on(&mut self, user_code: &str, decision: Decision) -> bool {
        let (now, wanted) = (self.now, plain(user_code));
        let mut devices = self.grants.devices.values_mut();
        match devices.find(|device| device.waiting.is_pending(now) && plain(&device.user_code) == wanted) {
            Some(device) => {
                device.waiting.decide(decision, now);
                true
            }
            None => false,
        }
    }

    /// RFC 8628 sections 3.1 and 3.2.
    pub(crate) fn device_authorization(&mut self, client: &Client, form: &Form) -> Result<Answer, Refusal> {
        if !client.grants.contains(&Grant::DeviceCode) {
            return Err(("unauthorized_client", "the client may not use this grant"));
        }
        let Some(scope) = client.allowed_scope(form.get("scope")) else {
            return Err(("invalid_scope", "malformed, or more than is allowed"));
        };
        let device_code = self.grants.mint("dc", self.knobs.odd_characters);
        let user_code = self.grants.mint_user_code();
        let (lifetime, interval) = (self.knobs.device_expires_in, self.knobs.device_interval);
        let family = self.grants.new_family(Basis { resources: form.all("resource"), login: None });
        let waiting = Waiting::new(client, scope, family, self.now, (lifetime, interval));
        let device = Device { user_code: user_code.clone(), waiting };
        self.grants.devices.insert(device_code.clone(), device);

        let uri = self.endpoint_url(Endpoint::Verification);
        let mut members = Vec::new();
        let mut add = |name: &str, json| members.push((name.to_owned(), json));
        add("device_code", json_string(&device_code));
        add("user_code", json_string(&user_code));
        add("verification_uri", json_string(&uri));
        if self.knobs.verification_uri_complete {
            let query = encode(&[("user_code".to_owned(), user_code)]);
            add("verification_uri_complete", json_string(&format!("{uri}?{query}")));
        }
        add("expires_in", lifetime.to_string());
        if let Some(interval) = interval {
            add("interval", interval.to_string());
        }
        Ok(Answer::json(200, members))
    }

    /// A poll of the token endpoint (RFC 8628 section 3.4).
    pub(crate) fn poll_device(&mut self, client: &Client, form: &Form) -> Result<Answer, Refusal> {
        let Some(code) = form.get("device_code") else {
            return Err(("invalid_request", "device_code is missing"));
        };
        self.poll(client, |server| server.grants.devices.get_mut(code).map(|device| &mut device.waiting))
    }

    /// The page where the person enters the code (RFC 8628 section 3.3): a GET shows it, and fills in the code of
    /// the complete URI. The page posts `user_code` and `decision`, which is `approve` or `deny`.
    pub(crate) fn verification(&mut self, hit: &mut Hit, body: &[u8]) -> Option<Response<Vec<u8>>> {
        let form = match hit.method {
            Method::POST => Form::parse(body),
            _ => query_form(hit),
        };
        hit.parameters.clone_from(&form.pairs);
        let decides = hit.method == Method::POST;
        self.perform(Endpoint::Verification, hit, body, |server| {
            let user_code = form.get("user_code").unwrap_or_default();
            let decided = match form.get("decision") {
                _ if !decides => return Answer::page(200, &ask(user_code)),
                Some("approve") => server.approve(user_code),
                Some("deny") => server.deny(user_code),
                _ => false,
            };
            match decided {
                true => Answer::page(200, "<!doctype html><title>Done</title><p>You may go back to your device.</p>\n"),
                false => Answer::page(400, "<!doctype html><title>No</title><p>No device waits for this code.</p>\n"),
            }
        })
    }
}

/// A user code as servers compare it (RFC 8628 section 6.1).
fn plain(user_code: &str) -> String {
    user_code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

fn ask(user_code: &str) -> String {
    let user_code = escape_html(user_code);
    format!(
        "<!doctype html><title>Connect a device</title>\n<form method=\"post\">\n\
         <label>The code that your device shows: <input name=\"user_code\" value=\"{user_code}\"></label>\n\
         <button name=\"decision\" value=\"approve\">Approve</button>\n\
         <button name=\"decision\" value=\"deny\">Deny</button>\n</form>\n"
    )
}
