//! Reads requests, strictly enough to know where one ends.

/// A request that arrived complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRequest {
    /// Request line and headers, without the empty line.
    pub head: String,
    /// The body, with the chunks put together.
    pub body: Vec<u8>,
    /// Which connection it came on; the first is 0.
    pub connection: usize,
}

impl RecordedRequest {
    /// The method, such as `POST`.
    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// The request target: path and query, or `host:port` after `CONNECT`.
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The body as text, for messages and comparisons.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.map(|(n, v)| (n.trim(), v.trim())).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
}

/// No client here sends so much: reading ends there.
pub(crate) const LARGEST_REQUEST: usize = 4 << 20;

/// What the bytes so far are.
pub(crate) enum Progress {
    Incomplete,
    /// A head, a body, and how many bytes they took.
    Complete(String, Vec<u8>, usize),
    /// Not HTTP. The script's connection ends: the fault is the client's.
    Nonsense,
}

/// Looks for a complete request at the beginning of `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Progress {
    let Some(end) = find(bytes, b"\r\n\r\n") else {
        return Progress::Incomplete;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let start = end + 4;
    let rest = &bytes[start..];
    if header(&head, "transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
        return match chunks(rest) {
            Chunks::Incomplete => Progress::Incomplete,
            Chunks::Complete(body, used) => Progress::Complete(head, body, start + used),
            Chunks::Nonsense => Progress::Nonsense,
        };
    }
    match header(&head, "content-length").map_or(Ok(0), str::parse::<usize>) {
        Ok(length) if rest.len() >= length => Progress::Complete(head, rest[..length].to_vec(), start + length),
        Ok(_) => Progress::Incomplete,
        Err(_) => Progress::Nonsense,
    }
}

enum Chunks {
    Incomplete,
    Complete(Vec<u8>, usize),
    Nonsense,
}

fn chunks(bytes: &[u8]) -> Chunks {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let Some(line) = find(&bytes[at..], b"\r\n") else {
            return Chunks::Incomplete;
        };
        let size = String::from_utf8_lossy(&bytes[at..at + line]);
        let size = size.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else {
            return Chunks::Nonsense;
        };
        at += line + 2;
        if size == 0 {
            // Trailers, if any, and an empty line.
            return match find(&bytes[at..], b"\r\n") {
                Some(0) => Chunks::Complete(body, at + 2),
                _ => find(&bytes[at..], b"\r\n\r\n")
                    .map_or(Chunks::Incomplete, |end| Chunks::Complete(body, at + end + 4)),
            };
        }
        // Not `at + size`, which a hostile size would make overflow.
        let Some(data) = bytes[at..].get(..size) else {
            return Chunks::Incomplete;
        };
        body.extend_from_slice(data);
        at += size;
        match bytes.get(at..at + 2) {
            None => return Chunks::Incomplete,
            Some(b"\r\n") => at += 2,
            Some(_) => return Chunks::Nonsense,
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|w| w == what)
}
