//! The authorization endpoint (RFC 6749 section 4.1.1, RFC 7636, RFC 9207).

use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderValue, Response, StatusCode};

use crate::answer::Answer;
use crate::call::Refusal;
use crate::callback::{Callback, form_post_page, spoilt};
use crate::client::{Client, Grant};
use crate::endpoint::Endpoint;
use crate::form::Form;
use crate::grants::{Basis, Challenge, Code, Login, is_verifier};
use crate::hit::Hit;
use crate::knobs::Decision;
use crate::misbehaviour::Misbehaviour;
use crate::server::{Server, html, page, query_form};

impl Server {
    /// Answers an authorization request. A replacement takes the place of the answer.
    pub(crate) fn authorize(&mut self, hit: &mut Hit, body: &[u8]) -> Option<Response<Vec<u8>>> {
        if !self.knobs.faults.contains_key(&Endpoint::Authorization) {
            return Some(self.show(hit));
        }
        let faults = self.knobs.take_faults(Endpoint::Authorization);
        let shown = faults.iter().all(Misbehaviour::acts).then(|| self.show(hit));
        if let Some(shown) = shown
            && !faults.iter().any(Misbehaviour::replaces)
        {
            return Some(shown);
        }
        hit.misbehaved = true;
        let mut answer = Answer::json(200, Vec::new());
        for fault in &faults {
            answer.spoil(fault, &String::from_utf8_lossy(body));
        }
        answer.into_response()
    }

    /// What the browser is shown.
    fn show(&mut self, hit: &mut Hit) -> Response<Vec<u8>> {
        let form = query_form(hit);
        hit.parameters.clone_from(&form.pairs);
        hit.client_id = form.get("client_id").map(str::to_owned);
        hit.resources = form.all("resource");

        let mut refuse = |why| {
            hit.refused = Some(String::new());
            page(StatusCode::BAD_REQUEST, why)
        };
        let pushed = match self.pushed_request(&form) {
            Ok(pushed) => pushed,
            Err(why) => return refuse(why),
        };
        let must_push = pushed.is_none() && self.knobs.require_pushed_authorization_requests;
        let form = pushed.unwrap_or(form);
        let (client, redirect_uri) = match self.recipient(&form) {
            Ok(recipient) => recipient,
            // There is no trusted place to send the error to, so the person sees it (RFC 6749 section 4.1.2.1).
            Err(why) => return refuse(why),
        };
        let form_post = form.get("response_mode") == Some("form_post");
        let decided = match must_push {
            true => Err(("invalid_request".to_owned(), "the request must be pushed")),
            false => self.decide(&form, &client, &redirect_uri),
        };
        let mut pairs = match decided {
            Ok(code) => {
                hit.acted = true;
                vec![("code".to_owned(), code)]
            }
            Err((error, why)) => {
                hit.refused = Some(error.clone());
                vec![("error".to_owned(), error), ("error_description".to_owned(), why.to_owned())]
            }
        };
        // If there are two states, the server cannot tell which one is the client's.
        if let Some(state) = form.get("state")
            && !form.repeats("state")
        {
            pairs.push(("state".to_owned(), state.to_owned()));
        }
        pairs.push(("iss".to_owned(), self.issuer.clone()));

        let mut faults = self.knobs.callback.clone();
        faults.extend(self.knobs.next_callbacks.pop_front());
        hit.misbehaved |= !faults.is_empty();
        respond(&redirect_uri, spoilt(pairs, &faults), form_post)
    }

    /// The client and its redirect URI, or why the request cannot be answered with a redirect.
    pub(crate) fn recipient(&self, form: &Form) -> Result<(Client, String), &'static str> {
        if form.repeats("client_id") || form.repeats("redirect_uri") {
            return Err("client_id or redirect_uri was sent twice.");
        }
        let client = form.get("client_id").and_then(|id| self.client(id)).ok_or("The client is not known.")?;
        let redirect_uri = match (form.get("redirect_uri"), client.redirect_uris.as_slice()) {
            (Some(uri), _) if client.may_redirect_to(uri) => uri,
            (Some(_), _) => return Err("The redirect URI is not registered."),
            // A request need not name the only one (RFC 6749 section 3.1.2.3).
            (None, [only]) => only.as_str(),
            (None, _) => return Err("The request names no redirect URI."),
        };
        let redirect_uri = redirect_uri.to_owned();
        Ok((client, redirect_uri))
    }

    /// What the request asks for: the scope and the challenge.
    pub(crate) fn check(&self, form: &Form, client: &Client) -> Result<(String, Option<Challenge>), Refusal> {
        let refuse = |error, why| Err((error, why));
        if form.has_duplicates() {
            return refuse("invalid_request", "a parameter was sent twice");
        }
        match form.get("response_type") {
            Some("code") => {}
            Some(_) => return refuse("unsupported_response_type", "only code is supported"),
            None => return refuse("invalid_request", "response_type is missing"),
        }
        let is_known = |mode| mode == "query" || mode == "form_post" && self.knobs.form_post;
        if !form.get("response_mode").is_none_or(is_known) {
            return refuse("invalid_request", "the response mode is not supported");
        }
        if !client.grants.contains(&Grant::AuthorizationCode) {
            return refuse("unauthorized_client", "the client may not use this grant");
        }
        let challenge = self.challenge(form)?;
        let Some(scope) = client.allowed_scope(form.get("scope")) else {
            return refuse("invalid_scope", "malformed, or more than is allowed");
        };
        if form.get("acr_values").is_some() && self.met(form).is_none() {
            return refuse("unmet_authentication_requirements", "no such authentication is supported");
        }
        Ok((scope, challenge))
    }

    /// The code, or the error for the callback.
    fn decide(&mut self, form: &Form, client: &Client, redirect_uri: &str) -> Result<String, (String, &'static str)> {
        let refuse = |error: &str, why| Err((error.to_owned(), why));
        let (scope, challenge) = self.check(form, client).map_err(|(error, why)| (error.to_owned(), why))?;
        match &self.knobs.decision {
            Decision::Approve => {}
            Decision::Deny => return refuse("access_denied", "the person said no"),
            Decision::Fail(error) => return refuse(error, "the test wants it so"),
        }

        self.grants.asked_details = self.details(form).map_err(|(error, why)| (error.to_owned(), why))?;
        let login = self.log_in(form);
        let code = self.grants.mint("code", self.knobs.odd_characters);
        let record = Code {
            client_id: client.id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            redirect_uri_named: form.get("redirect_uri").is_some(),
            challenge,
            scope,
            family: self.grants.new_family(Basis { resources: form.all("resource"), login: Some(login) }),
            expires_at: self.now.saturating_add(self.knobs.code_lifetime),
            spent: false,
        };
        self.grants.codes.insert(code.clone(), record);
        Ok(code)
    }

    /// The person's login. The one of [`Knobs::logged_in_at`](crate::Knobs::logged_in_at) counts, unless the request
    /// demands a newer one (OpenID Connect Core section 3.1.2.1, RFC 9470 section 4).
    fn log_in(&self, form: &Form) -> Login {
        let max_age = form.get("max_age").and_then(|text| text.parse::<u64>().ok());
        let is_too_old = |at: u64| max_age.is_some_and(|most| self.now.saturating_sub(at) > most);
        let asks = form.get("prompt").is_some_and(|prompt| prompt.split(' ').any(|word| word == "login"));
        Login {
            at: self.knobs.logged_in_at.filter(|at| !asks && !is_too_old(*at)).unwrap_or(self.now),
            acr: self.met(form).map(str::to_owned),
        }
    }

    /// The first of the requested authentication contexts that the server can meet.
    fn met<'a>(&self, form: &'a Form) -> Option<&'a str> {
        let supported = &self.knobs.acr_values_supported;
        let mut asked = form.get("acr_values").into_iter().flat_map(|values| values.split(' '));
        asked.find(|acr| supported.is_empty() || supported.iter().any(|other| other == acr))
    }

    /// RFC 7636 section 4.3, where a missing method means `plain`.
    fn challenge(&self, form: &Form) -> Result<Option<Challenge>, Refusal> {
        let refuse = |why| Err(("invalid_request", why));
        let Some(value) = form.get("code_challenge") else {
            return match self.knobs.require_pkce || form.get("code_challenge_method").is_some() {
                true => refuse("code_challenge is missing"),
                false => Ok(None),
            };
        };
        let plain = match form.get("code_challenge_method") {
            Some("S256") => false,
            None | Some("plain") if self.knobs.allow_plain_pkce => true,
            _ => return refuse("the challenge method is not supported"),
        };
        // A SHA-256 hash is 43 characters of base64url.
        let well_formed = match plain {
            true => is_verifier(value),
            false => is_verifier(value) && value.len() == 43 && !value.contains(['.', '~']),
        };
        if !well_formed {
            return refuse("code_challenge is malformed");
        }
        Ok(Some(Challenge { value: value.to_owned(), plain }))
    }
}

/// The response that carries the parameters, with the [`Callback`] beside it for [`Server::visit`].
fn respond(redirect_uri: &str, parameters: String, form_post: bool) -> Response<Vec<u8>> {
    let mut response = if form_post {
        html(StatusCode::OK, form_post_page(redirect_uri, &parameters))
    } else {
        // 303 and not 302 or 307, which may repeat a POST with the person's password (RFC 9700 section 4.12).
        page(StatusCode::SEE_OTHER, "Back to the app.")
    };
    let callback = Callback::new(redirect_uri, parameters, form_post);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if !form_post {
        let location = HeaderValue::from_bytes(callback.url.as_bytes());
        headers.extend(location.map(|location| (LOCATION, location)));
    }
    response.extensions_mut().insert(callback);
    response
}
