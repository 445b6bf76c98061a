//! One authenticated POST to the token endpoint, and what its answer means. Every grant goes through here.

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use zeroize::Zeroizing;

use crate::answer::token::{self, Content, Member, Rules, StatedError, TokenAnswer, Unread};
use crate::client::{Auth, Registration};
use crate::contract::{Body, Failure, Sent, is_interim};
use crate::error::verdict::{self, Meaning};
use crate::error::{Answer, Error, ErrorResponse, ProtocolError, Refused, Violation};
use crate::server::fields::{self, Field, Params};
use crate::server::{Message, Quirks};
use crate::value::secret::RefreshToken;
use crate::value::time::UnixTime;
use crate::wire::object::Table as _;
use crate::wire::retry_after;

/// The most that is read of an answer. Adapters stop earlier; this is for stacks that do not.
const MAX_BODY: usize = 1024 * 1024;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A token request (RFC 6749 §3.2): POST, parameters in the body, exactly one client authentication.
pub(crate) fn request(client: &Registration, fields: &[Field<'_>], extra: &Params) -> Result<Request<Body>, Error> {
    let json = client.server.quirks().json_request_body;
    let body = if json { json_body(client, fields, extra)? } else { form_body(client, fields, extra) };
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(header::CONTENT_TYPE, if json { JSON } else { FORM });
    // Without it, some servers answer form-encoded.
    headers.insert(header::ACCEPT, JSON);
    if let Auth::Basic(credentials) = &client.auth {
        headers.insert(header::AUTHORIZATION, credentials.clone());
    }
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = client.server.token_endpoint().uri().clone();
    *request.headers_mut() = headers;
    Ok(request)
}

/// One buffer of the exact size: no copy of a secret stays behind in one that was too small.
fn form_body(client: &Registration, fields: &[Field<'_>], extra: &Params) -> Vec<u8> {
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

/// The same parameters as a JSON object; one that is there more than once (`resource`) becomes a list.
fn json_body(client: &Registration, fields: &[Field<'_>], extra: &Params) -> Result<Vec<u8>, Error> {
    let quirks = client.server.quirks();
    let mut all: Vec<(&str, Vec<&str>)> = Vec::with_capacity(fields.len() + 2);
    let own = fields.iter().map(|field| (field.name, field.value));
    let id = ("client_id", &*client.id);
    let auth = match &client.auth {
        Auth::None => [Some(id), None],
        Auth::Post(secret) => [Some(id), Some(("client_secret", secret.expose()))],
        Auth::Basic(_) => [quirks.client_id_beside_basic.then_some(id), None],
    };
    let standard =
        own.chain(auth.into_iter().flatten()).map(|(name, value)| (quirks.name(Message::TokenRequest, name), value));
    for (name, value) in standard.chain(extra.iter()) {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => all.push((name, vec![value])),
        }
    }
    let text =
        all.iter().map(|(name, values)| name.len() + values.iter().map(|value| value.len() + 3).sum::<usize>() + 6);
    // Escapes can double a byte, and controls take six; a buffer that grows would leave secrets behind.
    let mut out = Zeroizing::new(Vec::with_capacity(text.sum::<usize>() * 6));
    write_object(&mut out, &all)
        .map_err(|_| Error::Misuse(crate::error::Misuse::Quirk("the parameters cannot be written as JSON")))?;
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

/// An answer that grants nothing.
pub(crate) struct NotGranted {
    pub(crate) error: Error,
    pub(crate) meaning: Meaning,
    /// A refresh token of a token answer that was refused for another member.
    pub(crate) rescued: Option<RefreshToken>,
}

impl NotGranted {
    fn new(error: Error, meaning: Meaning) -> Self {
        Self { error, meaning, rescued: None }
    }
}

/// What came back over HTTP.
struct Received<'r> {
    status: StatusCode,
    headers: &'r HeaderMap,
    body: &'r [u8],
    now: UnixTime,
}

/// Reads a token endpoint's answer (RFC 6749 §5.1, §5.2). `build` makes what the flow gives out of the checked members.
#[inline]
pub(crate) fn answer<B: AsRef<[u8]>, T>(
    client: &Registration,
    now: UnixTime,
    refresh: bool,
    response: &Response<B>,
    build: impl FnOnce(TokenAnswer<'_>) -> Result<T, Violation>,
) -> Result<T, NotGranted> {
    if let Some(error) = is_interim(response) {
        return Err(NotGranted::new(error, Meaning::Nothing));
    }
    let (status, headers, body) = (response.status(), response.headers(), response.body().as_ref());
    let received = &Received { status, headers, body, now };
    if status.is_redirection() {
        return Err(broken(received, Violation::Redirect.into()));
    }
    if body.len() > MAX_BODY {
        return Err(broken(received, Violation::TooLarge.into()));
    }
    let quirks = client.server.quirks();
    let renamed = |name: &str| Member::named(quirks.standard(Message::TokenAnswer, name)?);
    let rules = Rules::of(quirks, &renamed);
    match token::read(body, &rules) {
        Ok(Content::Token(answer)) if status.is_success() => {
            build(answer).map_err(|violation| broken(received, Unread { holds_token: true, ..violation.into() }))
        }
        Ok(Content::Token(_)) => Err(unexpected(received)),
        Ok(Content::Error(stated)) => Err(refused(quirks, refresh, received, &stated)),
        Err(unread) => Err(match token::error_in_unread(body, &rules, unread) {
            Ok(stated) => refused(quirks, refresh, received, &stated),
            Err(unread) => unreadable(received, unread),
        }),
    }
}

#[inline(always)]
fn refused(quirks: &Quirks, refresh: bool, received: &Received<'_>, stated: &StatedError<'_>) -> NotGranted {
    let answer = kept(received);
    let code = quirks.error_code(Message::TokenAnswer, refresh, Some(received.status), &stated.code);
    let (meaning, next) = verdict::meaning(received.status, answer.retry_after, verdict::Content::Code(&code));
    let response = ErrorResponse::new(code, next, stated.description.as_deref(), stated.uri.as_deref());
    NotGranted::new(Error::Refused(Box::new(Refused { response, answer })), meaning)
}

#[cold]
fn unreadable(received: &Received<'_>, unread: Unread<'_>) -> NotGranted {
    let status = received.status;
    if verdict::is_spoken(status) && is_compressed(received, unread.violation) {
        broken(received, Violation::Compressed.into())
    } else if status.is_success() || verdict::is_spoken(status) && unread.violation.is_about_the_error() {
        broken(received, unread)
    } else {
        unexpected(received)
    }
}

/// A status that neither grants nor states an error.
#[cold]
fn unexpected(received: &Received<'_>) -> NotGranted {
    let status = received.status;
    // A status outside of 100 to 599 counts as a server error (RFC 9110 §15).
    if status != StatusCode::TOO_MANY_REQUESTS && status.as_u16() < 500 {
        return broken(received, Violation::UnexpectedStatus.into());
    }
    let answer = kept(received);
    let (meaning, _) = verdict::meaning(status, answer.retry_after, verdict::Content::Other);
    NotGranted::new(Error::Unavailable(Box::new(answer)), meaning)
}

#[cold]
fn broken(received: &Received<'_>, unread: Unread<'_>) -> NotGranted {
    let answer = kept(received);
    let content = if unread.cut { verdict::Content::Cut } else { verdict::Content::Other };
    let (meaning, _) = verdict::meaning(answer.status, answer.retry_after, content);
    let success = answer.status.is_success();
    let rescued = unread.refresh_token.filter(|_| success).map(|text| RefreshToken::new(text.into_owned()));
    let token_answer = unread.holds_token && success;
    let error = ProtocolError { violation: unread.violation, answer, cut: unread.cut, token_answer };
    NotGranted { error: Error::Protocol(Box::new(error)), meaning, rescued }
}

/// Whether a body that could not be read is compressed: by its header, or by gzip's first bytes (RFC 1952 §2.3.1).
fn is_compressed(received: &Received<'_>, violation: Violation) -> bool {
    let unreadable = matches!(violation, Violation::NotJson { .. } | Violation::NotForm);
    let coded = || {
        let values = received.headers.get_all(header::CONTENT_ENCODING);
        values.iter().flat_map(|value| value.as_bytes().split(|b| *b == b',')).any(|coding| {
            let coding = coding.trim_ascii();
            !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity")
        })
    };
    unreadable && (received.body.starts_with(&[0x1f, 0x8b]) || coded())
}

#[inline]
fn kept(&Received { status, headers, body, now }: &Received<'_>) -> Answer {
    let retry_after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|text| retry_after::parse(text, now));
    let answer = Answer::new(status, retry_after, body);
    // `WWW-Authenticate` must be there on a 401 (RFC 9110 §11.6.1), and means something to a client there only.
    let one_counts = status == StatusCode::UNAUTHORIZED || status.is_redirection();
    if one_counts { answer.keep_header(headers) } else { answer }
}

/// The verdict on a grant that can be used once only, when no answer came.
pub(crate) fn no_answer<X>(sent: Sent, exchange: X) -> Failure<X> {
    match sent {
        Sent::NotSent => Failure::intact(Error::NoAnswer(sent), exchange),
        Sent::MaybeSent => Failure::unknown(Error::NoAnswer(sent), exchange),
    }
}

/// A flow's own fields with the resources of its grant (RFC 8707 §2.2); where there are none, nothing is allocated.
pub(crate) fn with_resources<T>(own: &[Field<'_>], resources: &[String], then: impl FnOnce(&[Field<'_>]) -> T) -> T {
    if resources.is_empty() {
        return then(own);
    }
    let resources = resources.iter().map(|resource| Field::new("resource", resource));
    let all: Vec<Field<'_>> = own.iter().copied().chain(resources).collect();
    then(&all)
}
