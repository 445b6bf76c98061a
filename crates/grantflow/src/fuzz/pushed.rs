//! Answers to a pushed authorization request: the person goes to the reference that the answer holds, and to no other place.

use http::Response;
use serde_json::Value;

use super::answer::raw_members;
use super::{Counting, NOW, REDIRECT_URI, STATUSES, naive_decode, printed};
use crate::{Authorization, Env, Exchange, Failure, Left, PushedAuthorization, Redirect, Server, Step};

const SECRET: &str = "client-secret-of-the-oracle";
const START: &str = "https://as.example/authorize?client_id=app&request_uri=";

/// The first byte chooses the status; the rest is the body.
pub fn pushed(bytes: &[u8]) {
    let Some((chooser, body)) = bytes.split_first() else { return };
    let status = STATUSES[usize::from(chooser % 16)];
    let exchange = exchange();
    let sent = request(&exchange);
    let response = Response::builder().status(status).body(body).unwrap();
    match respond(exchange, response) {
        Ok(redirect) => {
            assert_eq!(status, 201, "only 201 holds a reference");
            leads_there(&redirect, body);
        }
        Err(failure) => {
            assert!(!(status == 201 && is_plain(body)), "a good answer was refused: {}", failure.error);
            let text = printed(&failure.error);
            // An interim answer is the HTTP stack's fault.
            assert!(status < 200 || text.contains("pushed authorization request endpoint"), "which endpoint? {text}");
            // `state` and the challenge are in what was sent.
            for pair in sent.split('&').filter(|pair| pair.starts_with("state=") || pair.starts_with("code_challenge="))
            {
                let (_, value) = pair.split_once('=').unwrap();
                assert!(!text.contains(value), "a secret was printed");
            }
            assert!(!text.contains(SECRET), "a secret was printed");
            let Left::Intact(left) = failure.left else { panic!("the request is lost: {text}") };
            assert_eq!(request(&left), sent, "another request is left");
        }
    }
}

fn exchange() -> PushedAuthorization {
    let server = Server::new("https://as.example/authorize", "https://as.example/token")
        .and_then(|server| server.pushed_authorization_request_endpoint("https://as.example/par"))
        .unwrap();
    let client = server.client("app").secret_post(SECRET).unwrap();
    let mut rng = Counting(0);
    Authorization::new(&client, REDIRECT_URI).unwrap().push(&mut Env::new(NOW, &mut rng)).unwrap()
}

fn request(exchange: &PushedAuthorization) -> String {
    let mut rng = Counting(0);
    let request = exchange.request(&mut Env::new(NOW, &mut rng)).unwrap();
    String::from_utf8(request.body().as_ref().to_vec()).unwrap()
}

fn respond(exchange: PushedAuthorization, response: Response<&[u8]>) -> Result<Redirect, Failure<PushedAuthorization>> {
    let mut rng = Counting(0);
    match exchange.respond(&mut Env::new(NOW, &mut rng), response)? {
        Step::Done(redirect) => Ok(redirect),
        Step::Again(_) => panic!("a pushed request asked to be run again"),
    }
}

fn leads_there(redirect: &Redirect, body: &[u8]) {
    let text = core::str::from_utf8(body).expect("what is no UTF-8 is no JSON");
    let members = raw_members(text).expect("what is no JSON object holds no reference");
    let all = |name: &str| members.iter().filter(|(n, _)| n == name).map(|(_, json)| json.get()).collect::<Vec<_>>();
    assert!(all("error").is_empty(), "a reference beside an error");
    let [reference] = all("request_uri")[..] else { panic!("not one reference") };
    let reference: String = serde_json::from_str(reference).expect("a reference is a text");
    assert!(!reference.is_empty() && reference.bytes().all(|b| b.is_ascii_graphic()), "{reference:?}");
    let [lifetime] = all("expires_in")[..] else { panic!("not one lifetime") };
    let digits = lifetime.trim_matches('"');
    assert!(digits.starts_with(|c: char| c.is_ascii_digit()) || digits.starts_with("-0"), "{lifetime}");

    let carried = redirect.url.as_str().strip_prefix(START).expect("the URL starts as it must");
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"%-._~*+:/?@!$'(),;".contains(&b);
    assert!(carried.bytes().all(plain), "the reference ends its parameter: {carried:?}");
    assert_eq!(naive_decode(carried).as_deref(), Some(reference.as_str()));
}

/// An answer without any fault.
fn is_plain(body: &[u8]) -> bool {
    let Some(members) = core::str::from_utf8(body).ok().and_then(raw_members) else { return false };
    let value = |name: &str| {
        let json = members.iter().find(|(known, _)| known == name)?.1;
        serde_json::from_str::<Value>(json.get()).ok()
    };
    let names = ["request_uri", "expires_in"];
    let reference = value("request_uri");
    let reference = reference.as_ref().and_then(Value::as_str).unwrap_or_default();
    let visible = !reference.is_empty() && reference.len() <= 2048 && reference.bytes().all(|b| b.is_ascii_graphic());
    members.len() == 2
        && names.iter().all(|name| members.iter().any(|(known, _)| known == name))
        && visible
        && value("expires_in").is_some_and(|lifetime| lifetime.is_u64())
}
