//! An answer that is a JSON object, of any endpoint except the token endpoint.

use http::{Response, StatusCode};

use super::not_granted::NotGranted;
use super::received::{Received, broken, is_compressed, kept, unexpected};
use crate::answer::error::{self, StatedError};
use crate::error::verdict::{self, Purpose};
use crate::error::{Error, ErrorCode, ErrorResponse, Refused, UrlRole, Violation};
use crate::value::time::UnixTime;
use crate::wire::object::{self, Members, Names, Table};

/// Reads an answer with the success status of the endpoint's RFC, and the members of `T` in it. `build` makes the
/// flow's output from them. An `error` in it wins over everything else, with any status.
///
/// # Errors
/// An error as the endpoint states it, or what is wrong with the answer. At most endpoints nothing is at stake, and the
/// meaning is of no use; a backchannel authentication request may have reached a person.
pub(crate) fn object<B: AsRef<[u8]>, T: Table, O>(
    endpoint: UrlRole,
    now: UnixTime,
    success: StatusCode,
    names: Names<'_, T>,
    response: &Response<B>,
    build: impl FnOnce(Members<'_, T>) -> Result<O, Violation>,
) -> Result<O, NotGranted> {
    let received = &Received::new(endpoint, Purpose::at(endpoint), now, response)?;
    let spoken = received.status == success || verdict::is_spoken(received.status);
    match error::read(received.body) {
        Ok(None) => {}
        Ok(Some(stated)) => return Err(refused(received, &stated)),
        Err(violation) if spoken => return Err(broken(received, violation, false)),
        Err(_) => return Err(unexpected(received)),
    }
    if received.status != success {
        return Err(unexpected(received));
    }
    let text = match core::str::from_utf8(received.body) {
        Ok(text) => text,
        Err(error) => return Err(unparsed(received, object::not_utf8(received.body, error))),
    };
    let mut members = Members::default();
    if let Err(fault) = object::read::<T, true>(text, None, names, &mut members) {
        return Err(unparsed(received, fault));
    }
    if let Some(member) = members.doubled() {
        return Err(broken(received, Violation::Duplicate(member.name()), false));
    }
    build(members).map_err(|violation| broken(received, violation, false))
}

/// Reads an answer that consists of its status: the body of a success has no meaning (RFC 7009 §2.2).
///
/// # Errors
/// The errors of [`object`].
pub(crate) fn status<B: AsRef<[u8]>>(
    endpoint: UrlRole,
    now: UnixTime,
    success: StatusCode,
    response: &Response<B>,
) -> Result<(), NotGranted> {
    let received = &Received::new(endpoint, Purpose::at(endpoint), now, response)?;
    if received.status == success {
        return Ok(());
    }
    match error::read(received.body) {
        Ok(Some(stated)) => Err(refused(received, &stated)),
        Err(violation) if verdict::is_spoken(received.status) => Err(broken(received, violation, false)),
        Ok(None) | Err(_) => Err(unexpected(received)),
    }
}

fn refused(received: &Received<'_>, stated: &StatedError) -> NotGranted {
    let mut answer = kept(received);
    let code = ErrorCode::new(&stated.code);
    let content = verdict::Content::Code(&code);
    let (meaning, next) = verdict::meaning(received.purpose, received.status, answer.retry_after, content);
    answer.meaning = meaning;
    let response = ErrorResponse::new(code, next, stated.description.as_deref(), stated.uri.as_deref());
    NotGranted::new(Error::Refused(Box::new(Refused { response, answer })), meaning)
}

fn unparsed(received: &Received<'_>, fault: object::Unparsed) -> NotGranted {
    if is_compressed(received, fault.violation) {
        return broken(received, Violation::Compressed, false);
    }
    broken(received, fault.violation, fault.cut)
}
