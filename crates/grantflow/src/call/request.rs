//! Requests to a server's endpoints: a POST by a client, with exactly one client authentication, or a GET without a
//! client.

use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use zeroize::Zeroizing;

use crate::client::ClientData;
use crate::contract::{Body, Env};
use crate::details::AuthorizationDetails;
use crate::error::{Error, Misuse};
use crate::server::fields::{self, Field, Params};
use crate::server::{EndpointKind, Message};
use crate::url::Endpoint;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A token request (RFC 6749 §3.2): POST, parameters in the body, exactly one client authentication.
pub(crate) fn token(
    client: &ClientData,
    env: &mut Env<'_>,
    fields: &[Field<'_>],
    extra: &Params,
) -> Result<Request<Body>, Error> {
    token_at(client, env, client.server.token_endpoint(), fields, extra)
}

/// The token request of a refresh, which a few servers take elsewhere ([`Quirk::RefreshEndpoint`](crate::Quirk)).
pub(crate) fn refresh(
    client: &ClientData,
    env: &mut Env<'_>,
    fields: &[Field<'_>],
    extra: &Params,
) -> Result<Request<Body>, Error> {
    token_at(client, env, client.server.refresh_endpoint(), fields, extra)
}

fn token_at(
    client: &ClientData,
    _env: &mut Env<'_>,
    to: &Endpoint,
    fields: &[Field<'_>],
    extra: &Params,
) -> Result<Request<Body>, Error> {
    let json = client.server.quirks().json_request_body;
    let body = if json { json_body(client, fields, extra)? } else { token_body(client, fields, extra) };
    Ok(posted(client, to, if json { JSON } else { FORM }, body))
}

/// A request by a client to any other endpoint, authenticated in the same way (RFC 7009 §2.1, RFC 7662 §2.1, RFC 8628
/// §3.1, RFC 9126 §2).
///
/// # Errors
/// [`Misuse::NoEndpoint`].
pub(crate) fn post(
    client: &ClientData,
    _env: &mut Env<'_>,
    to: EndpointKind,
    on: Message,
    fields: &[Field<'_>],
    extra: &Params,
) -> Result<Request<Body>, Error> {
    let endpoint = client.server.needed(to)?;
    let quirks = client.server.quirks();
    let fields = fields.iter().copied().chain(client.auth.fields(&client.id, quirks));
    // One buffer of the exact size: a buffer that is too small leaves a copy of a secret behind.
    let mut body = String::with_capacity(fields::len(quirks, on, fields.clone(), extra));
    fields::append(&mut body, quirks, on, fields, extra);
    Ok(posted(client, endpoint, FORM, body.into_bytes()))
}

/// A request for a public document, without credentials.
pub(crate) fn get(url: &Uri) -> Request<Body> {
    let mut request = Request::new(Body::default());
    *request.uri_mut() = url.clone();
    request.headers_mut().insert(header::ACCEPT, JSON);
    request
}

/// A JSON request by a client that is not registered yet, or that manages its registration (RFC 7591 §3.1, RFC 7592 §2).
pub(crate) fn json(
    method: Method,
    to: &Uri,
    bearer: Option<&HeaderValue>,
    body: Option<Zeroizing<String>>,
) -> Request<Body> {
    let mut request = get(to);
    *request.method_mut() = method;
    if let Some(token) = bearer {
        request.headers_mut().insert(header::AUTHORIZATION, token.clone());
    }
    if let Some(mut body) = body {
        request.headers_mut().insert(header::CONTENT_TYPE, JSON);
        *request.body_mut() = Body::from(core::mem::take(&mut *body).into_bytes());
    }
    request
}

/// `Bearer …`, marked sensitive (RFC 6750 §2.1). `None` if no header can hold the token.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut line = Zeroizing::new(String::with_capacity("Bearer ".len() + token.len()));
    line.push_str("Bearer ");
    line.push_str(token);
    let mut value = HeaderValue::from_str(&line).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn posted(client: &ClientData, to: &Endpoint, content_type: HeaderValue, body: Vec<u8>) -> Request<Body> {
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(header::CONTENT_TYPE, content_type);
    // Without it, some servers answer form-encoded.
    headers.insert(header::ACCEPT, JSON);
    if let Some(credentials) = client.auth.header() {
        headers.insert(header::AUTHORIZATION, credentials.clone());
    }
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = to.uri().clone();
    *request.headers_mut() = headers;
    request
}

/// One buffer of the exact size: a buffer that is too small leaves a copy of a secret behind.
fn token_body(client: &ClientData, fields: &[Field<'_>], extra: &Params) -> Vec<u8> {
    let quirks = client.server.quirks();
    let tail = client.body_tail.as_str();
    let mut body = String::with_capacity(
        fields::len(quirks, Message::TokenRequest, fields.iter().copied(), extra) + 1 + tail.len(),
    );
    fields::append(&mut body, quirks, Message::TokenRequest, fields.iter().copied(), extra);
    if !tail.is_empty() {
        body.push('&');
        body.push_str(tail);
    }
    body.into_bytes()
}

/// The same parameters as a JSON object; a repeated one (`resource`) becomes a list.
fn json_body(client: &ClientData, fields: &[Field<'_>], extra: &Params) -> Result<Vec<u8>, Error> {
    let quirks = client.server.quirks();
    let mut all: Vec<(&str, Vec<&str>)> = Vec::with_capacity(fields.len() + 2);
    let own = fields.iter().map(|field| (field.name, field.value));
    let auth = client.auth.fields(&client.id, quirks).map(|field| (field.name, field.value));
    let standard = own.chain(auth).map(|(name, value)| (quirks.name(Message::TokenRequest, name), value));
    for (name, value) in standard.chain(extra.iter()) {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => all.push((name, vec![value])),
        }
    }
    let text =
        all.iter().map(|(name, values)| name.len() + values.iter().map(|value| value.len() + 3).sum::<usize>() + 6);
    // Escapes can double a byte, and control characters take six; a buffer that grows would leave secrets behind.
    let mut out = Zeroizing::new(Vec::with_capacity(text.sum::<usize>() * 6));
    write_object(&mut out, &all)
        .map_err(|_| Error::Misuse(Misuse::Quirk("the parameters cannot be written as JSON")))?;
    Ok(core::mem::take(&mut *out))
}

fn write_object(out: &mut Vec<u8>, all: &[(&str, Vec<&str>)]) -> Result<(), serde_json::Error> {
    use serde::ser::{SerializeMap as _, Serializer as _};
    let mut serializer = serde_json::Serializer::new(out);
    let mut object = serializer.serialize_map(Some(all.len()))?;
    for (name, values) in all {
        match values.as_slice() {
            [value] => object.serialize_entry(name, value)?,
            values => object.serialize_entry(name, values)?,
        }
    }
    object.end()
}

/// A flow's own fields with what its tokens are for (RFC 8707 §2.2, RFC 9396 §6). If there is nothing of it, nothing is
/// allocated.
pub(crate) fn with_target<T>(
    own: &[Field<'_>],
    resources: &[String],
    details: Option<&AuthorizationDetails>,
    then: impl FnOnce(&[Field<'_>]) -> T,
) -> T {
    if resources.is_empty() && details.is_none() {
        return then(own);
    }
    let resources = resources.iter().map(|resource| Field::new("resource", resource));
    let details = details.map(|details| Field::new("authorization_details", details.as_json()));
    let all: Vec<Field<'_>> = own.iter().copied().chain(resources).chain(details).collect();
    then(&all)
}
