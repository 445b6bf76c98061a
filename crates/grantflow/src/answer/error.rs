//! An OAuth error as any endpoint except the token endpoint states it (RFC 6749 §5.2, to which the other RFCs refer).

use crate::error::Violation;
use crate::wire::object::{self, Members, Scalar, Table};

/// A member of an error answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    Error,
    Description,
    Uri,
}

impl Table for Member {
    const ALL: &'static [Self] = &[Self::Error, Self::Description, Self::Uri];

    type Slots<'a> = [Option<Scalar<'a>>; 3];

    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Description => "error_description",
            Self::Uri => "error_uri",
        }
    }

    fn slot(self) -> usize {
        self as usize
    }
}

/// An error as it is written.
#[derive(Debug)]
pub(crate) struct StatedError {
    pub(crate) code: String,
    pub(crate) description: Option<String>,
    pub(crate) uri: Option<String>,
}

/// The error that a body states; `None` if it states none. A body that is not a JSON object states none.
///
/// # Errors
/// If there is an `error` that cannot be read.
pub(crate) fn read(body: &[u8]) -> Result<Option<StatedError>, Violation> {
    // A description never costs the error that it explains, so a description in another encoding is replaced.
    let text = String::from_utf8_lossy(body);
    let mut members = Members::default();
    if object::read::<Member, true>(&text, None, None, &mut members).is_err() {
        return Ok(None);
    }
    if members.is_doubled(Member::Error) {
        return Err(Violation::Duplicate("error"));
    }
    let code = match members.take(Member::Error) {
        None => return Ok(None),
        Some(Scalar::Text(code)) if code.is_empty() => return Err(Violation::Empty("error")),
        Some(Scalar::Text(code)) => code.into_owned(),
        Some(_) => return Err(Violation::WrongType("error")),
    };
    let description = members.commentary(Member::Description).map(Into::into);
    let uri = members.commentary(Member::Uri).map(Into::into);
    Ok(Some(StatedError { code, description, uri }))
}
