//! Registration (RFC 7591) and its management (RFC 7592), and clients that are known by a document (OAuth Client ID
//! Metadata Document).

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Response};
use serde_json::{Map, Value};

use crate::answer::{Answer, Members};
use crate::client::{Client, Grant, is_scope};
use crate::endpoint::Endpoint;
use crate::form::{json_string, query_value};
use crate::hit::{ClientAuth, Hit};
use crate::server::{Server, has_content_type};

/// The grants that a client may register.
const GRANTS: [(&str, Grant); 5] = [
    ("authorization_code", Grant::AuthorizationCode),
    ("refresh_token", Grant::RefreshToken),
    ("client_credentials", Grant::ClientCredentials),
    ("urn:ietf:params:oauth:grant-type:device_code", Grant::DeviceCode),
    ("urn:openid:params:grant-type:ciba", Grant::Backchannel),
];

/// Members that only the server gives (RFC 7591 section 3.2.1, RFC 7592 section 2.2).
const GIVEN: [&str; 4] =
    ["client_id_issued_at", "client_secret_expires_at", "registration_access_token", "registration_client_uri"];

/// A client that registered itself.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    metadata: Map<String, Value>,
    issued_at: u64,
    secret_expires_at: u64,
    access_token: String,
}

/// What a request to a server's registration endpoints gets: an answer, or an error of RFC 7591 section 3.2.2 and why.
type Outcome<T> = Result<T, (&'static str, &'static str)>;

impl Server {
    /// Registers a client (RFC 7591 section 3.1).
    pub(crate) fn registration(&mut self, hit: &mut Hit, body: &[u8]) -> Option<Response<Vec<u8>>> {
        note(hit, body);
        let headers = hit.headers.clone();
        self.perform(Endpoint::Registration, hit, body, |server| {
            let wanted = server.knobs.initial_access_token.as_deref();
            if wanted.is_some_and(|wanted| bearer(&headers) != Some(wanted)) {
                return no_token(&headers);
            }
            server.register_by(&headers, body).unwrap_or_else(|(error, why)| Answer::refusal(400, error, why))
        })
    }

    fn register_by(&mut self, headers: &HeaderMap, body: &[u8]) -> Outcome<Answer> {
        let metadata = self.checked(headers, body)?;
        if metadata.contains_key("client_id") || metadata.contains_key("client_secret") {
            return Err(("invalid_client_metadata", "the server gives the client its id and its secret"));
        }
        let odd = self.knobs.odd_characters;
        // It is no secret.
        let id = self.grants.mint("dyn", false);
        let mut client = Client::public(&id);
        self.set_up(&mut client, &metadata);
        self.clients.insert(id.clone(), client);
        let registration = Registration {
            metadata,
            issued_at: self.now,
            secret_expires_at: self
                .knobs
                .client_secret_lifetime
                .map_or(0, |lifetime| self.now.saturating_add(lifetime)),
            access_token: self.grants.mint("rat", odd),
        };
        self.registrations.insert(id.clone(), registration);
        Ok(Answer::json(201, self.information(&id)))
    }

    /// Reads, changes or deletes a client's registration (RFC 7592 section 2).
    pub(crate) fn client_configuration(&mut self, hit: &mut Hit, body: &[u8]) -> Option<Response<Vec<u8>>> {
        note(hit, body);
        let id = query_value(hit.query.as_deref().unwrap_or_default(), "client_id").unwrap_or_default();
        hit.client_id = Some(id.clone());
        let (headers, method) = (hit.headers.clone(), hit.method.clone());
        self.perform(Endpoint::ClientConfiguration, hit, body, |server| {
            let known = server.registrations.get(&id).map(|registration| registration.access_token.as_str());
            // A client that is gone has no token any more (RFC 7592 section 2.1).
            if known.is_none() || bearer(&headers) != known {
                return no_token(&headers);
            }
            if method == Method::DELETE {
                server.forget(&id);
                return Answer::no_content();
            }
            if method == Method::PUT
                && let Err((error, why)) = server.replace(&id, &headers, body)
            {
                return Answer::refusal(400, error, why);
            }
            if server.knobs.rotate_registration {
                server.rotate(&id);
            }
            Answer::json(200, server.information(&id))
        })
    }

    /// RFC 7592 section 2.2: the new metadata takes the place of all of the old.
    fn replace(&mut self, id: &str, headers: &HeaderMap, body: &[u8]) -> Outcome<()> {
        let mut metadata = self.checked(headers, body)?;
        if metadata.remove("client_id").as_ref().and_then(Value::as_str) != Some(id) {
            return Err(("invalid_client_metadata", "client_id is not the client's"));
        }
        let Some(mut client) = self.clients.get(id).cloned() else {
            return Err(("invalid_client_metadata", "the client is not known"));
        };
        let secret = metadata.remove("client_secret");
        if secret.is_some_and(|secret| secret.as_str() != client.secret.as_deref()) {
            return Err(("invalid_client_metadata", "client_secret is not the client's"));
        }
        self.set_up(&mut client, &metadata);
        self.clients.insert(id.to_owned(), client);
        if let Some(registration) = self.registrations.get_mut(id) {
            registration.metadata = metadata;
        }
        Ok(())
    }

    /// New credentials; the old ones are over.
    fn rotate(&mut self, id: &str) {
        let odd = self.knobs.odd_characters;
        let (secret, token) = (self.grants.mint("secret", odd), self.grants.mint("rat", odd));
        if let Some(client) = self.clients.get_mut(id)
            && client.secret.is_some()
        {
            client.secret = Some(secret);
        }
        if let Some(registration) = self.registrations.get_mut(id) {
            registration.access_token = token;
        }
    }

    fn forget(&mut self, id: &str) {
        self.clients.remove(id);
        self.registrations.remove(id);
        self.grants.access.retain(|_, access| access.client_id != id);
        self.grants.refresh.retain(|_, refresh| refresh.client_id != id);
    }

    /// The metadata of a request, with the server's defaults and choices in it.
    fn checked(&self, headers: &HeaderMap, body: &[u8]) -> Outcome<Map<String, Value>> {
        let refuse = |why| Err(("invalid_client_metadata", why));
        if !has_content_type(headers, "application/json") {
            return refuse("the content type is not application/json");
        }
        let Ok(Value::Object(mut metadata)) = serde_json::from_slice(body) else {
            return refuse("the body is not a JSON object");
        };
        metadata.retain(|_, value| !value.is_null());
        if GIVEN.iter().any(|name| metadata.contains_key(*name)) {
            return refuse("only the server gives these members");
        }
        if metadata.contains_key("jwks") && metadata.contains_key("jwks_uri") {
            return refuse("jwks and jwks_uri exclude each other");
        }
        let statement = metadata.get("software_statement").map(|jwt| jwt.as_str().unwrap_or_default());
        if statement.is_some_and(|jwt| jwt.split('.').count() != 3) {
            return Err(("invalid_software_statement", "the software statement is no JWT"));
        }
        if metadata.get("scope").is_some_and(|scope| !scope.as_str().is_some_and(is_scope)) {
            return refuse("the scope is malformed");
        }
        let method = self.knobs.registered_auth_method.clone().map(Value::String);
        if let Some(method) = method {
            metadata.insert("token_endpoint_auth_method".to_owned(), method);
        } else {
            let asked = metadata.entry("token_endpoint_auth_method").or_insert("client_secret_basic".into());
            if !self.auth_methods(true).iter().any(|method| asked == method) {
                return refuse("the client cannot authenticate in this way here");
            }
        }
        let grants = strings(metadata.entry("grant_types").or_insert(["authorization_code"].as_slice().into()));
        let Some(grants) = grants.filter(|all| all.iter().all(|name| GRANTS.iter().any(|(known, _)| known == name)))
        else {
            return refuse("a grant type is not known");
        };
        let uses_codes = grants.iter().any(|name| name == "authorization_code");
        let types = strings(metadata.entry("response_types").or_insert(["code"].as_slice().into()));
        if types != Some(if uses_codes { vec!["code".to_owned()] } else { Vec::new() }) {
            return refuse("response_types and grant_types contradict each other");
        }
        let kind = metadata.entry("application_type").or_insert("web".into()).clone();
        let Some(uris) = strings(metadata.entry("redirect_uris").or_insert(Value::Array(Vec::new()))) else {
            return Err(("invalid_redirect_uri", "redirect_uris is not a list of texts"));
        };
        if uses_codes && uris.is_empty() {
            return Err(("invalid_redirect_uri", "a client that uses codes needs a redirect URI"));
        }
        if !uris.iter().all(|uri| may_be_registered(&kind, uri)) {
            return Err(("invalid_redirect_uri", "the redirect URI does not fit the application type"));
        }
        Ok(metadata)
    }

    /// Lets a client be what its metadata says.
    fn set_up(&mut self, client: &mut Client, metadata: &Map<String, Value>) {
        let method = metadata.get("token_endpoint_auth_method").and_then(Value::as_str);
        client.auth = match method {
            Some("none") => Some(ClientAuth::Public),
            Some("client_secret_basic") => Some(ClientAuth::Basic),
            Some("client_secret_post") => Some(ClientAuth::Post),
            // This server cannot do it, so the client cannot authenticate.
            _ => Some(ClientAuth::Other),
        };
        match method {
            Some("none") => client.secret = None,
            _ if client.secret.is_none() => client.secret = Some(self.grants.mint("secret", self.knobs.odd_characters)),
            _ => {}
        }
        let list = |name: &str| metadata.get(name).and_then(strings).unwrap_or_default();
        client.redirect_uris = list("redirect_uris");
        let grants = list("grant_types");
        client.grants = GRANTS
            .iter()
            .filter(|(name, _)| grants.iter().any(|known| known == name))
            .map(|(_, grant)| *grant)
            .collect();
        client.scope = metadata.get("scope").and_then(Value::as_str).map(str::to_owned);
    }

    /// RFC 7591 section 3.2.1, RFC 7592 section 3.
    fn information(&self, id: &str) -> Members {
        let mut members = vec![("client_id".to_owned(), json_string(id))];
        let (Some(client), Some(registration)) = (self.clients.get(id), self.registrations.get(id)) else {
            return members;
        };
        let mut add = |name: &str, json: String| members.push((name.to_owned(), json));
        add("client_id_issued_at", registration.issued_at.to_string());
        if let Some(secret) = &client.secret {
            add("client_secret", json_string(secret));
            add("client_secret_expires_at", registration.secret_expires_at.to_string());
        }
        if self.knobs.serves(Endpoint::ClientConfiguration) {
            let place = self.endpoint_url(Endpoint::ClientConfiguration);
            let query = crate::form::encode(&[("client_id".to_owned(), id.to_owned())]);
            add("registration_access_token", json_string(&registration.access_token));
            add("registration_client_uri", json_string(&format!("{place}?{query}")));
        }
        for (name, value) in &registration.metadata {
            add(name, value.to_string());
        }
        members
    }

    /// Puts a client's metadata document at this URL, from where the server would fetch it (OAuth Client ID Metadata
    /// Document section 4). If [`Knobs::client_id_documents`](crate::Knobs::client_id_documents) is on, the URL is then a
    /// client id.
    ///
    /// ```
    /// let mut server = grantflow_testkit::Server::new("https://as.example");
    /// let url = "https://app.example/client.json";
    /// server.publish(url, &format!("{{\"client_id\":\"{url}\",\"redirect_uris\":[\"https://app.example/cb\"]}}"));
    /// ```
    pub fn publish(&mut self, url: &str, document: &str) -> &mut Server {
        self.documents.insert(url.to_owned(), document.to_owned());
        self
    }

    /// The client of this id: registered, or known by its document.
    pub(crate) fn client(&self, id: &str) -> Option<Client> {
        self.clients.get(id).cloned().or_else(|| self.client_of_document(id))
    }

    fn client_of_document(&self, url: &str) -> Option<Client> {
        let document = self.documents.get(url).filter(|_| self.knobs.client_id_documents)?;
        let Ok(Value::Object(metadata)) = serde_json::from_str(document) else { return None };
        let says = |name: &str| metadata.get(name).and_then(Value::as_str);
        // The document names its own URL, and nobody can keep a secret in public (section 4.1).
        let secret = metadata.keys().any(|name| name.starts_with("client_secret"));
        if says("client_id") != Some(url) || says("token_endpoint_auth_method") != Some("none") || secret {
            return None;
        }
        let mut client = Client::public(url);
        client.redirect_uris = metadata.get("redirect_uris").and_then(strings)?;
        client.scope = says("scope").map(str::to_owned);
        Some(client)
    }
}

/// Writes the members of a JSON body into the log, each with its JSON text.
fn note(hit: &mut Hit, body: &[u8]) {
    if let Ok(Value::Object(members)) = serde_json::from_slice(body) {
        hit.parameters = members.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// RFC 6750 section 3: a request without a token gets no error code.
fn no_token(headers: &HeaderMap) -> Answer {
    match headers.contains_key(AUTHORIZATION) {
        true => Answer::challenge(401, "invalid_token", "Bearer error=\"invalid_token\""),
        false => Answer::challenge(401, "", "Bearer"),
    }
}

fn strings(value: impl std::borrow::Borrow<Value>) -> Option<Vec<String>> {
    value.borrow().as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// Whether an application of this type may have this redirect URI (OpenID Connect Dynamic Client Registration section 2).
fn may_be_registered(kind: &Value, uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    let host = authority
        .strip_suffix(|c: char| c.is_ascii_digit())
        .map_or(authority, |_| authority.rsplit_once(':').map_or(authority, |(host, _)| host));
    let here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let allowed = match (kind.as_str(), scheme) {
        (Some("native"), "http") => here,
        (Some("native"), "https") => !host.is_empty(),
        (Some("native"), scheme) => !scheme.is_empty(),
        (Some("web"), "https") => !here && !host.is_empty(),
        _ => false,
    };
    allowed && !uri.contains('#')
}
