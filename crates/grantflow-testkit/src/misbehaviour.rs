//! The ways in which a token answer can go wrong.

/// One way in which the token endpoint's answer goes wrong.
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
        M::set("error", &crate::form::json_string(code))
    }

    /// A JSON error with status 200 before the server acted.
    pub fn error_with_200(code: &str) -> M {
        M::error(200, code)
    }

    /// A JSON error before the server acted.
    pub fn error(status: u16, code: &str) -> M {
        M::Error { status, code: code.to_owned(), description: None, acts: false }
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

    fn set(name: &str, json: &str) -> M {
        M::SetMember { name: name.to_owned(), json: json.to_owned() }
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

    /// Every kind, with parameters worth a test. Sizes stay within a few megabytes, so that a test can try them all.
    pub fn all() -> Vec<M> {
        let text = str::to_owned;
        let mut all = vec![
            M::RemoveMember(text("access_token")),
            M::RemoveMember(text("token_type")),
            M::RemoveMember(text("expires_in")),
            M::RemoveMember(text("refresh_token")),
            M::RemoveMember(text("scope")),
            M::error_beside_token("invalid_grant"),
            M::Nest { path: vec![text("authed_user")], decoy: true },
            M::Nest { path: vec![text("data"), text("token")], decoy: false },
            M::Status(201),
            M::Status(206),
            M::Status(400),
            M::ContentType(None),
            M::ContentType(Some(text("text/html"))),
            M::ContentType(Some(text("application/json; charset=utf-16"))),
            M::FormEncoded,
            M::Array,
            M::Bom,
            M::NotUtf8,
            M::Huge { size: 2 << 20 },
            M::Deep { depth: 100_000 },
        ];
        for (name, json) in ODD_MEMBERS {
            all.push(M::set(name, json));
        }
        for name in ["access_token", "token_type", "expires_in", "scope"] {
            all.push(M::DuplicateMember { name: text(name), json: text("\"again\"") });
        }
        for (from, to) in
            [("access_token", "accessToken"), ("access_token", "token"), ("expires_in", "expires"), ("scope", "scopes")]
        {
            all.push(M::RenameMember { from: text(from), to: text(to) });
        }
        for keep in [0, 1, 20] {
            for announced in [false, true] {
                all.push(M::CutShort { keep, announced });
            }
        }
        for acts in [false, true] {
            all.push(M::Lost { acts });
            for (status, code) in [
                (200, "invalid_grant"),
                (400, "invalid_grant"),
                (400, ""),
                (401, "invalid_client"),
                (403, "made_up\u{1b}[31m\r\n"),
                (500, "server_error"),
            ] {
                all.push(M::Error { status, code: text(code), description: None, acts });
            }
            for status in [400, 500] {
                all.push(M::Reflect { status, acts });
            }
            for status in [200, 400, 404, 500, 502] {
                all.push(M::Html { status, acts });
            }
            for status in [200, 204, 304, 400, 500] {
                all.push(M::Empty { status, acts });
            }
            for status in [301, 302, 303, 307, 308] {
                all.push(M::Redirect { status, location: text("https://elsewhere.example/token"), acts });
            }
            for status in [429, 503] {
                for value in RETRY_AFTER {
                    all.push(M::RetryAfter { status, value: text(value), acts });
                }
            }
            for body in ["null", "\"x\"", "{}", "{", "{\"access_token\":\"x\"}"] {
                all.push(M::Raw {
                    status: 200,
                    headers: vec![(text("content-type"), text("application/json"))],
                    body: body.as_bytes().to_vec(),
                    acts,
                });
            }
        }
        all
    }

    /// One of [`Misbehaviour::all`]; every number gives one.
    pub fn from_index(index: usize) -> M {
        let all = M::all();
        let index = index % all.len().max(1);
        all.into_iter().nth(index).unwrap_or(M::Bom)
    }

    /// A misbehaviour for any bytes, for fuzzers: the first two choose, the others are statuses, texts and bodies.
    ///
    /// ```
    /// use grantflow_testkit::Misbehaviour;
    ///
    /// assert_eq!(Misbehaviour::from_bytes(b""), Misbehaviour::from_bytes(b"\0\0"));
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> M {
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let rest = bytes.get(4..).unwrap_or_default();
        let text = String::from_utf8_lossy(rest).into_owned();
        let acts = byte(2) & 1 == 0;
        // 200 to 599: a 1xx is no final answer.
        let status = 200 + u16::from_be_bytes([byte(2), byte(3)]) % 400;
        let member = MEMBERS.get(usize::from(byte(1)) % MEMBERS.len()).copied().unwrap_or_default().to_owned();
        match byte(0) % 16 {
            0..6 => M::from_index(usize::from(byte(0) / 16) << 8 | usize::from(byte(1))),
            6 | 7 => M::SetMember { name: member, json: text },
            8 => M::DuplicateMember { name: member, json: text },
            9 => M::RenameMember { from: member, to: text },
            10 => M::ContentType(Some(text)),
            11 => M::CutShort { keep: usize::from(byte(1)), announced: acts },
            12 => M::Error { status, code: text, description: None, acts },
            13 => M::RetryAfter { status, value: text, acts },
            14 => M::Redirect { status, location: text, acts },
            _ => M::Raw {
                status,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: rest.to_vec(),
                acts,
            },
        }
    }
}

const MEMBERS: [&str; 7] =
    ["access_token", "token_type", "expires_in", "refresh_token", "scope", "error", "error_description"];

const RETRY_AFTER: [&str; 6] = ["5", "0", "-1", "100000000000000000000", "Fri, 31 Dec 1999 23:59:59 GMT", "soon"];

/// Values that real servers send or that a client must refuse.
const ODD_MEMBERS: [(&str, &str); 24] = [
    ("expires_in", "\"3600\""),
    ("expires_in", "\"\""),
    ("expires_in", "3600.0"),
    ("expires_in", "0"),
    ("expires_in", "-1"),
    ("expires_in", "null"),
    ("expires_in", "1e400"),
    ("expires_in", "18446744073709551615"),
    ("expires_in", "18446744073709551616"),
    ("expires_in", "{}"),
    ("token_type", "\"bearer\""),
    ("token_type", "\"N_A\""),
    ("token_type", "\"User Access Token\""),
    ("token_type", "\"\""),
    ("token_type", "null"),
    ("access_token", "\"\""),
    ("access_token", "null"),
    ("access_token", "\"a\\r\\nb: c\""),
    ("access_token", "42"),
    ("refresh_token", "\"\""),
    ("refresh_token", "null"),
    ("scope", "[\"read\",\"write\"]"),
    ("scope", "null"),
    ("error_description", "42"),
];
