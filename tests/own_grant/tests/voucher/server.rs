//! A token endpoint in a function, for clients with each authentication. It shares no code with grantflow.

use std::collections::BTreeMap;

use grantflow::Body;
use http::{Request, Response};

/// `robot:s3cret` (RFC 7617 §2).
const BASIC: &str = "Basic cm9ib3Q6czNjcmV0";

/// What the server knows and has seen.
#[derive(Default)]
pub struct Server {
    /// Vouchers and refresh tokens that were used.
    pub used: Vec<String>,
    /// How many tokens it gave.
    pub issued: u32,
    /// Each request: how the client authenticated, and the parameters.
    pub seen: Vec<(&'static str, Vec<(String, String)>)>,
    /// The next answer, in place of the right one: the status, a `Retry-After`, and the body.
    pub next: Option<(u16, Option<&'static str>, String)>,
}

impl Server {
    /// Answers a token request.
    pub fn handle(&mut self, request: &Request<Body>) -> Response<Vec<u8>> {
        let form: Vec<(String, String)> = serde_urlencoded::from_bytes(request.body().as_ref()).unwrap();
        let one: BTreeMap<&str, &str> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let basic = request.headers().get("authorization").map(|value| value == BASIC);
        let auth = match (basic, one.get("client_id").copied(), one.get("client_secret").copied()) {
            (None, Some("app"), None) => "public",
            (None, Some("robot"), Some("s3cret")) => "post",
            (Some(true), None, None) => "basic",
            _ => "none",
        };
        let (grant, voucher) = (one.get("grant_type").copied(), one.get("voucher").copied());
        let refresh = one.get("refresh_token").copied();
        self.seen.push((auth, form.clone()));
        if let Some((status, retry_after, body)) = self.next.take() {
            let answer = Response::builder().status(status);
            let answer = retry_after.into_iter().fold(answer, |answer, value| answer.header("retry-after", value));
            return answer.body(body.into_bytes()).unwrap();
        }
        let sent = match (grant, voucher, refresh) {
            _ if auth == "none" => return json(401, r#"{"error":"invalid_client"}"#),
            (Some("urn:example:voucher"), Some(voucher), None) => voucher,
            (Some("refresh_token"), None, Some(refresh)) if refresh.starts_with("refresh-") => refresh,
            _ => return json(400, r#"{"error":"unsupported_grant_type"}"#),
        };
        if self.used.iter().any(|used| used == sent) || sent == "made-up" {
            return json(400, r#"{"error":"invalid_grant"}"#);
        }
        self.used.push(sent.to_owned());
        self.issued += 1;
        let number = self.issued;
        let more = r#""token_type":"Bearer","expires_in":600"#;
        json(200, &format!(r#"{{"access_token":"access-{number}","refresh_token":"refresh-{number}",{more}}}"#))
    }
}

fn json(status: u16, body: &str) -> Response<Vec<u8>> {
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(body.as_bytes().to_vec()).unwrap()
}
