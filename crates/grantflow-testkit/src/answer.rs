//! An endpoint's answer on its way out, and what the misbehaviours do to it.

use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::form::{encode, json_string};
use crate::misbehaviour::Misbehaviour as M;

/// The members of a JSON object: names, and values as raw JSON text, because some of them must be wrong.
pub(crate) type Members = Vec<(String, String)>;

#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    /// The JSON object to send. Once this is `None`, `body` is sent.
    members: Option<Members>,
    body: Vec<u8>,
    /// The error code, if this is a refusal that the server means. Edits do not change such a refusal.
    refusal: Option<String>,
    lost: bool,
}

impl Answer {
    /// A JSON answer with the headers of RFC 6749 section 5.1.
    pub(crate) fn json(status: u16, members: Members) -> Answer {
        let headers = [("content-type", "application/json"), ("cache-control", "no-store"), ("pragma", "no-cache")];
        Answer {
            status,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            members: Some(members),
            body: Vec::new(),
            refusal: None,
            lost: false,
        }
    }

    /// An answer with a status and nothing else.
    pub(crate) fn empty() -> Answer {
        Answer::bytes(200, Vec::new(), Vec::new())
    }

    /// An answer that says by its status that something is done.
    pub(crate) fn no_content() -> Answer {
        Answer::bytes(204, Vec::new(), Vec::new())
    }

    /// A JSON document that is public and may be cached.
    pub(crate) fn document(members: Members) -> Answer {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Answer { members: Some(members), ..Answer::bytes(200, headers, Vec::new()) }
    }

    /// A refusal by a resource (RFC 6750 section 3): a challenge and no body.
    pub(crate) fn challenge(status: u16, error: &str, challenge: &str) -> Answer {
        let challenge = ("www-authenticate".to_owned(), challenge.to_owned());
        Answer { refusal: Some(error.to_owned()), ..Answer::bytes(status, vec![challenge], Vec::new()) }
    }

    /// An error that the server means (RFC 6749 section 5.2).
    pub(crate) fn refusal(status: u16, code: &str, why: &str) -> Answer {
        let mut answer = Answer::error(status, code, Some(why));
        answer.refusal = Some(code.to_owned());
        answer
    }

    fn error(status: u16, code: &str, description: Option<&str>) -> Answer {
        let mut members = vec![("error".to_owned(), json_string(code))];
        if let Some(description) = description {
            members.push(("error_description".to_owned(), json_string(description)));
        }
        Answer::json(status, members)
    }

    fn bytes(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Answer {
        Answer { status, headers, members: None, body, refusal: None, lost: false }
    }

    /// A page for a person. With a status from 400 it is a refusal.
    pub(crate) fn page(status: u16, html: &str) -> Answer {
        let content_type = ("content-type".to_owned(), "text/html; charset=utf-8".to_owned());
        let refusal = (status >= 400).then(String::new);
        Answer { refusal, ..Answer::bytes(status, vec![content_type], html.as_bytes().to_vec()) }
    }

    fn html(status: u16) -> Answer {
        let page = format!("<!doctype html><title>{status}</title><h1>{status}</h1>\n");
        let content_type = ("content-type".to_owned(), "text/html".to_owned());
        Answer::bytes(status, vec![content_type], page.into_bytes())
    }

    /// The error code of a refusal that the server means. It is empty if the refusal names no code.
    pub(crate) fn error_meant(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Answer {
        self.set_header(name, Some(value));
        self
    }

    fn set_header(&mut self, name: &str, value: Option<&str>) {
        self.headers.retain(|(key, _)| key != name);
        if let Some(value) = value {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Turns the answer into bytes, and gives them.
    fn render(&mut self) -> &mut Vec<u8> {
        if let Some(members) = self.members.take() {
            self.body = object(&members).into_bytes();
        }
        &mut self.body
    }

    /// Lets one thing go wrong. `request` is what [`M::Reflect`] reflects.
    pub(crate) fn spoil(&mut self, how: &M, request: &str) {
        if self.refusal.is_some() && !how.replaces() {
            return;
        }
        match how {
            M::Error { status, code, description, .. } => *self = Answer::error(*status, code, description.as_deref()),
            M::Reflect { status, .. } => {
                *self = Answer::error(*status, "invalid_request", Some(request));
            }
            M::Html { status, .. } => *self = Answer::html(*status),
            M::Empty { status, .. } => *self = Answer::bytes(*status, Vec::new(), Vec::new()),
            M::Redirect { status, location, .. } => *self = Answer::html(*status).header("location", location),
            M::RetryAfter { status, value, .. } => {
                *self = Answer::html(*status).header("retry-after", value);
            }
            M::Raw { status, headers, body, .. } => *self = Answer::bytes(*status, headers.clone(), body.clone()),
            M::Lost { .. } => self.lost = true,
            M::Status(status) => self.status = *status,
            M::ContentType(value) => self.set_header("content-type", value.as_deref()),
            edit => self.edit_body(edit),
        }
    }

    fn edit_body(&mut self, how: &M) {
        match how {
            M::Bom => {
                self.render().splice(0..0, *b"\xef\xbb\xbf");
            }
            M::Array => {
                let body = self.render();
                body.insert(0, b'[');
                body.push(b']');
            }
            M::CutShort { keep, announced } => {
                let body = self.render();
                let whole = body.len().to_string();
                body.truncate(*keep);
                if *announced {
                    self.set_header("content-length", Some(&whole));
                }
            }
            M::NotUtf8 => {
                let body = self.with_open_end();
                body.extend_from_slice(b"\"odd\":\"\xff\xfe\"}");
            }
            M::Huge { size } => {
                let body = self.with_open_end();
                body.reserve_exact(size.saturating_sub(body.len()));
                body.extend_from_slice(b"\"padding\":\"");
                body.resize(size.saturating_sub(2).max(body.len()), b'x');
                body.extend_from_slice(b"\"}");
            }
            M::FormEncoded => self.form_encode(),
            edit => {
                if let Some(members) = &mut self.members {
                    edit_members(members, edit);
                }
            }
        }
    }

    /// The body without its closing brace, ready for one more member.
    fn with_open_end(&mut self) -> &mut Vec<u8> {
        let body = self.render();
        if body.last() == Some(&b'}') {
            body.pop();
            if body.last() != Some(&b'{') {
                body.push(b',');
            }
        }
        body
    }

    /// Writes the members as a form: strings without their quotes, other values as their JSON text.
    pub(crate) fn form_encode(&mut self) {
        let Some(members) = self.members.take() else {
            return;
        };
        let pairs: Vec<_> =
            members.into_iter().map(|(name, json)| (name, serde_json::from_str(&json).unwrap_or(json))).collect();
        self.body = encode(&pairs).into_bytes();
        self.set_header("content-type", Some("application/x-www-form-urlencoded"));
    }

    /// The response, or `None` if it is lost.
    pub(crate) fn into_response(mut self) -> Option<Response<Vec<u8>>> {
        if self.lost {
            return None;
        }
        let body = std::mem::take(self.render());
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in &self.headers {
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes())
                && let Ok(value) = HeaderValue::from_bytes(value.as_bytes())
            {
                response.headers_mut().append(name, value);
            }
        }
        Some(response)
    }
}

fn edit_members(members: &mut Members, how: &M) {
    match how {
        M::SetMember { name, json } => match members.iter_mut().find(|(key, _)| key == name) {
            Some((_, value)) => value.clone_from(json),
            None => members.push((name.clone(), json.clone())),
        },
        M::RemoveMember(name) => members.retain(|(key, _)| key != name),
        M::DuplicateMember { name, json } => members.push((name.clone(), json.clone())),
        M::RenameMember { from, to } => {
            for (key, _) in members.iter_mut().filter(|(key, _)| key == from) {
                key.clone_from(to);
            }
        }
        M::AppendToMember { name, text } => {
            for (_, json) in members.iter_mut().filter(|(key, _)| key == name) {
                if let Ok(value) = serde_json::from_str::<String>(json) {
                    *json = json_string(&(value + text));
                }
            }
        }
        M::Nest { path, decoy } => nest(members, path, *decoy),
        M::Deep { depth } => {
            let json = format!("{}{}", "[".repeat(*depth), "]".repeat(*depth));
            members.push(("deep".to_owned(), json));
        }
        _ => {}
    }
}

fn nest(members: &mut Members, path: &[String], decoy: bool) {
    let top = members.clone();
    for name in path.iter().rev() {
        *members = vec![(name.clone(), object(members))];
    }
    if decoy {
        for (name, json) in top {
            let json = match name.as_str() {
                "access_token" | "refresh_token" => json.replacen('"', "\"decoy-", 1),
                _ => json,
            };
            members.push((name, json));
        }
    }
}

/// A JSON object of raw values, written as they are.
pub(crate) fn object(members: &[(String, String)]) -> String {
    let members: Vec<_> = members.iter().map(|(name, json)| format!("{}:{json}", json_string(name))).collect();
    format!("{{{}}}", members.join(","))
}
