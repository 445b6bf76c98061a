//! The ways in which an answer can go wrong.

/// One way in which an endpoint's answer goes wrong: the token endpoint's by
/// [`Knobs::misbehave`](crate::Knobs::misbehave), any other's by [`Knobs::misbehave_at`](crate::Knobs::misbehave_at).
///
/// There are two kinds. *Edits* change a successful answer: the server has acted, and a request that it refuses gets
/// the ordinary refusal. *Replacements* put another answer in place of the server's, success or refusal; their `acts`
/// says whether the server did its work before (the code is spent, the refresh token rotated) or never looked at the
/// request.
///
/// Several at once apply in order: an edit after a replacement edits the replacement. Edits of members have nothing to
/// edit once the answer is mere bytes.
///
/// Statuses outside of 100 to 999 become 500, and headers that [`http`] cannot hold are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// Edit: the member has this JSON text for a value, whether or not it was there. The text need not be valid.
    SetMember {
        /// The member's name.
        name: String,
        /// Its value, as raw JSON text.
        json: String,
    },
    /// Edit: the member is missing.
    RemoveMember(String),
    /// Edit: a member is there once more, at the end, with this JSON text for a value.
    DuplicateMember {
        /// The member's name.
        name: String,
        /// The second value, as raw JSON text.
        json: String,
    },
    /// Edit: the member has another name.
    RenameMember {
        /// The name by the RFC.
        from: String,
        /// The name in the answer.
        to: String,
    },
    /// Edit: the member's text has this at its end, such as an issuer with one more slash. So the value is almost
    /// right. A member that is not a string is not changed.
    AppendToMember {
        /// The member's name.
        name: String,
        /// What follows its value.
        text: String,
    },
    /// Edit: the whole answer is the value of nested objects.
    Nest {
        /// The members' names, outermost first.
        path: Vec<String>,
        /// Whether a usable-looking answer with `access_token` `decoy-…` stands at the top level too.
        decoy: bool,
    },
    /// Edit: another status.
    Status(u16),
    /// Edit: another `Content-Type`, or none.
    ContentType(Option<String>),
    /// Edit: form-encoded instead of JSON, with the content type to match.
    FormEncoded,
    /// Edit: a JSON array with the object as its only item.
    Array,
    /// Edit: a byte order mark before the body.
    Bom,
    /// Edit: bytes that are not UTF-8, inside an additional member's string.
    NotUtf8,
    /// Edit: a body of `size` bytes, by a long additional member (no shorter than the answer without it). The body is
    /// made when the request comes, in one allocation.
    Huge {
        /// The body's length in bytes.
        size: usize,
    },
    /// Edit: an additional member of arrays inside arrays.
    Deep {
        /// How many arrays.
        depth: usize,
    },
    /// Edit: only the first bytes of the body.
    CutShort {
        /// How many bytes are left.
        keep: usize,
        /// Whether `Content-Length` names the whole length. Over `Loopback` the connection is then closed early.
        announced: bool,
    },
    /// Replacement: a JSON error (RFC 6749 section 5.2) with any status, 200 included.
    Error {
        /// The HTTP status.
        status: u16,
        /// The value of `error`.
        code: String,
        /// The value of `error_description`.
        description: Option<String>,
        /// Whether the server acted before.
        acts: bool,
    },
    /// Replacement: a JSON error whose `error_description` is the request's `Authorization` headers and body, to see
    /// whether a client prints secrets.
    Reflect {
        /// The HTTP status.
        status: u16,
        /// Whether the server acted before.
        acts: bool,
    },
    /// Replacement: an HTML page, such as a gateway's 502.
    Html {
        /// The HTTP status.
        status: u16,
        /// Whether the server acted before.
        acts: bool,
    },
    /// Replacement: no body and no content type.
    Empty {
        /// The HTTP status.
        status: u16,
        /// Whether the server acted before.
        acts: bool,
    },
    /// Replacement: a redirect.
    Redirect {
        /// The HTTP status.
        status: u16,
        /// The value of `Location`.
        location: String,
        /// Whether the server acted before.
        acts: bool,
    },
    /// Replacement: an HTML page with `Retry-After`, such as a 429 or 503.
    RetryAfter {
        /// The HTTP status.
        status: u16,
        /// The value of `Retry-After`; by RFC 9110 section 10.2.3 seconds or a date.
        value: String,
        /// Whether the server acted before.
        acts: bool,
    },
    /// Replacement: this answer and nothing else.
    Raw {
        /// The HTTP status.
        status: u16,
        /// All headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
        /// Whether the server acted before.
        acts: bool,
    },
    /// Replacement: no answer at all. See [`Server::try_handle`](crate::Server::try_handle).
    Lost {
        /// Whether the server acted before.
        acts: bool,
    },
}

use Misbehaviour as M;

impl Misbehaviour {
    /// `expires_in` with this raw JSON text: `"\"3600\""` is a string of digits, `1e400` a number too large.
    pub fn expires_in(json: &str) -> M {
        M::set("expires_in", json)
    }

    /// `token_type` with this raw JSON text.
    pub fn token_type(json: &str) -> M {
        M::set("token_type", json)
    }

    /// A token and an `error` member in one answer.
    pub fn error_beside_token(code: &str) -> M {
        M::text("error", code)
    }

    /// A JSON error with status 200 before the server acted.
    pub fn error_with_200(code: &str) -> M {
        M::error(200, code)
    }

    /// A JSON error before the server acted.
    pub fn error(status: u16, code: &str) -> M {
        M::Error { status, code: code.to_owned(), description: None, acts: false }
    }

    /// A JSON error with `Retry-After` before the server acted, such as a 429 with `slow_down`.
    pub fn error_with_retry_after(status: u16, code: &str, retry_after: &str) -> M {
        M::Raw {
            status,
            headers: vec![
                ("content-type".to_owned(), "application/json".to_owned()),
                ("retry-after".to_owned(), retry_after.to_owned()),
            ],
            body: format!("{{\"error\":{}}}", crate::form::json_string(code)).into_bytes(),
            acts: false,
        }
    }

    /// A refusal by the resource, which does not look at the token: a status, one `WWW-Authenticate` for each text (RFC
    /// 9110 section 11.6.1), and no body.
    pub fn challenges(status: u16, challenges: &[&str]) -> M {
        let header = |text: &&str| ("www-authenticate".to_owned(), (*text).to_owned());
        M::Raw { status, headers: challenges.iter().map(header).collect(), body: Vec::new(), acts: false }
    }

    /// Any answer with a JSON body, after the server acted.
    pub fn json(status: u16, body: &str) -> M {
        M::Raw {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.as_bytes().to_vec(),
            acts: true,
        }
    }

    /// [`Misbehaviour::SetMember`]: the member has this raw JSON text for a value, which need not be valid.
    pub fn set(name: &str, json: &str) -> M {
        M::SetMember { name: name.to_owned(), json: json.to_owned() }
    }

    /// [`Misbehaviour::SetMember`] with a string: the member has this text for a value.
    pub fn text(name: &str, value: &str) -> M {
        M::set(name, &crate::form::json_string(value))
    }

    /// [`Misbehaviour::AppendToMember`].
    pub fn append(name: &str, text: &str) -> M {
        M::AppendToMember { name: name.to_owned(), text: text.to_owned() }
    }

    /// [`Misbehaviour::RemoveMember`].
    pub fn remove(name: &str) -> M {
        M::RemoveMember(name.to_owned())
    }

    /// [`Misbehaviour::RenameMember`].
    pub fn rename(from: &str, to: &str) -> M {
        M::RenameMember { from: from.to_owned(), to: to.to_owned() }
    }

    /// [`Misbehaviour::DuplicateMember`]: the member is there once more, with this raw JSON text for a value.
    pub fn duplicate(name: &str, json: &str) -> M {
        M::DuplicateMember { name: name.to_owned(), json: json.to_owned() }
    }

    /// Whether the server does its work. Edits edit what it did.
    pub fn acts(&self) -> bool {
        match self {
            M::Error { acts, .. }
            | M::Reflect { acts, .. }
            | M::Html { acts, .. }
            | M::Empty { acts, .. }
            | M::Redirect { acts, .. }
            | M::RetryAfter { acts, .. }
            | M::Raw { acts, .. }
            | M::Lost { acts } => *acts,
            _ => true,
        }
    }

    /// Whether this is a replacement, not an edit.
    pub fn replaces(&self) -> bool {
        matches!(
            self,
            M::Error { .. }
                | M::Reflect { .. }
                | M::Html { .. }
                | M::Empty { .. }
                | M::Redirect { .. }
                | M::RetryAfter { .. }
                | M::Raw { .. }
                | M::Lost { .. }
        )
    }
}
