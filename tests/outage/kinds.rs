//! The ways in which a token endpoint, or something before it, fails without having looked at a request.

use crate::gateway::Failing;

/// A kind of outage.
#[derive(Clone)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) failing: Failing,
    /// The `Retry-After` of the answer, in seconds.
    pub(crate) retry_after: Option<u64>,
}

const HTML: &str = "<!DOCTYPE html><html><body><h1>We will be right back</h1></body></html>";

fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Test\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// Every kind. Add new ones to this list; each is tried over every transport, and by two processes.
pub(crate) fn all() -> Vec<Kind> {
    let html = ("Content-Type", "text/html");
    let json = ("Content-Type", "application/json");
    let kind = |name, bytes| Kind { name, failing: Failing::Answers(bytes), retry_after: None };
    let page = |name, status| kind(name, answer(status, &[html], HTML.as_bytes()));
    let framework = |name, status, body: &str| kind(name, answer(status, &[json], body.as_bytes()));
    let gzipped = grantflow_tests::support::fault_server::gzip_of_zeros(200);
    vec![
        page("500", 500),
        page("502", 502),
        page("503", 503),
        Kind {
            retry_after: Some(4),
            ..kind("503 with Retry-After", answer(503, &[html, ("Retry-After", "4")], HTML.as_bytes()))
        },
        page("504", 504),
        page("408", 408),
        framework("408 with a framework's JSON", 408, r#"{"error":"Request Timeout"}"#),
        page("425", 425),
        framework("404 with a framework's JSON", 404, r#"{"status":404,"error":"Not Found"}"#),
        framework("405 with a framework's JSON", 405, r#"{"error":"Method Not Allowed"}"#),
        framework("421 with a framework's JSON", 421, r#"{"error":"Misdirected Request"}"#),
        framework("400 with a framework's JSON", 400, r#"{"statusCode":400,"error":"Bad Request"}"#),
        framework("401 with a framework's JSON", 401, r#"{"statusCode":401,"error":"Unauthorized"}"#),
        framework("403 with a framework's JSON", 403, r#"{"status":403,"error":"Forbidden","path":"/token"}"#),
        framework("500 with an OAuth error", 500, r#"{"error":"invalid_grant"}"#),
        framework("503 with an OAuth error", 503, r#"{"error":"temporarily_unavailable"}"#),
        framework("400 with server_error", 400, r#"{"error":"server_error"}"#),
        framework("200 with a gateway's error", 200, r#"{"error":"Service Unavailable"}"#),
        kind("301", answer(301, &[("Location", "https://elsewhere.example/token")], b"")),
        kind("302", answer(302, &[("Location", "/maintenance")], b"")),
        page("200 with an HTML page", 200),
        kind("200 with an empty body", answer(200, &[json], b"")),
        kind("200 with a compressed body", answer(200, &[json, ("Content-Encoding", "gzip")], &gzipped)),
        kind("200 with a cut body", {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n{\"access_to";
            head.as_bytes().to_vec()
        }),
        kind("a body that ends with the connection", {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"access_to";
            head.as_bytes().to_vec()
        }),
        Kind { name: "silence", failing: Failing::Silent, retry_after: None },
        Kind { name: "refused connections", failing: Failing::Refuses, retry_after: None },
    ]
}
