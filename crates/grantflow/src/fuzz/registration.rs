//! Client information responses: the client is the one in the answer, its credentials go to its server alone, and nothing is
//! lost.

use http::{Request, Response};
use serde_json::Value;

use super::answer::raw_members;
use super::{Counting, NOW, STATUSES, printed};
use crate::{
    Body, ClientMetadata, Env, Exchange, Failure, Left, Registered, Registration, Server, Step, StoredRegistration,
};

const INITIAL: &str = "initial-access-token-of-the-oracle";
const GIVEN: [&str; 6] = [
    "client_id",
    "client_secret",
    "client_id_issued_at",
    "client_secret_expires_at",
    "registration_access_token",
    "registration_client_uri",
];

/// Parts that a zero byte ends. The first is the answer to a registration, each later one the answer to a read, an update or
/// a deletion; a part's first byte chooses its status, and what is asked.
pub fn registration(bytes: &[u8]) {
    let mut parts = bytes.split(|b| *b == 0);
    let (chooser, body) = parts.next().and_then(|part| part.split_first()).unwrap_or((&0, &[]));
    let Some(mut registered) = answer(STATUSES[usize::from(chooser % 16)], body) else { return };
    for part in parts.take(8) {
        let (chooser, body) = part.split_first().unwrap_or((&0, &[]));
        registered = match managed(registered, *chooser, body) {
            Some(registered) => stored(registered),
            None => return,
        };
    }
}

fn server() -> Server {
    let server = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    server.issuer("https://as.example").unwrap().registration_endpoint("https://api.example/register").unwrap()
}

fn metadata() -> ClientMetadata {
    ClientMetadata::new().redirect_uri("https://app.example/cb").unwrap()
}

fn answer(status: u16, body: &[u8]) -> Option<Registered> {
    let response = Response::builder().status(status).body(body).unwrap();
    let registration = Registration::new(&server(), metadata()).unwrap().initial_access_token(INITIAL).unwrap();
    match registration.respond(&mut Env::new(NOW, &mut Counting(0)), response) {
        Ok(Step::Done(registered)) => {
            assert!(matches!(status, 200 | 201), "{status} registers no client");
            let members = members(body).expect("a client out of no object, or of one that says a credential twice");
            assert!(members.iter().all(|(name, _)| name != "error"), "a client beside an error");
            let id: String = serde_json::from_str(one(&members, "client_id").unwrap()).unwrap();
            assert_eq!(registered.client_id(), id);
            assert!(!id.trim().is_empty());
            agrees(&registered, &members);
            Some(registered)
        }
        Ok(Step::Again(_)) => panic!("a registration has one step"),
        Err(failure) => {
            assert!(!(matches!(status, 200 | 201) && is_plain(body)), "a good answer was refused: {}", failure.error);
            let text = printed(&failure.error);
            assert!(!text.contains(INITIAL), "the initial access token was printed");
            assert!(status < 200 || text.contains("registration endpoint"), "which endpoint? {text}");
            assert!(!matches!(failure.left, Left::Spent), "a registration is never used up");
            // A 2xx without a readable error may have made a client.
            let refused = failure.error.code().is_some();
            let unknown = matches!(failure.left, Left::Unknown(_));
            assert!(unknown || refused || !(200..300).contains(&status), "a client may exist: {text}");
            None
        }
    }
}

/// The registration after an answer to a request about it, or after the request was given up.
fn managed(registered: Registered, chooser: u8, body: &[u8]) -> Option<Registered> {
    let status = STATUSES[usize::from(chooser % 16)];
    let response = Response::builder().status(status).body(body).unwrap();
    if !registered.is_manageable() {
        let failure = registered.read().expect_err("it cannot be managed");
        let Left::Intact(registered) = failure.left else { panic!("the registration is lost") };
        return Some(*registered);
    }
    let id = registered.client_id().to_owned();
    let registered = match chooser / 16 % 3 {
        0 => done(registered.read().unwrap(), response, |read| read.into_registered(), body),
        1 => {
            let changes = ClientMetadata::new().client_name("oracle").unwrap();
            done(registered.update(changes).unwrap(), response, |update| update.into_registered(), body)
        }
        _ => {
            let deletion = registered.delete().unwrap();
            goes_home(&request(&deletion));
            match deletion.respond(&mut Env::new(NOW, &mut Counting(0)), response) {
                Ok(_) => {
                    assert!(status == 204 || status == 200 && body.trim_ascii().is_empty(), "{status} ends nothing");
                    return None;
                }
                Err(failure) => left(failure).into_registered(),
            }
        }
    };
    assert_eq!(registered.client_id(), id, "another client");
    assert!(registered.is_manageable(), "the way to manage it is lost");
    Some(registered)
}

fn done<X: Exchange<Output = Registered>>(
    exchange: X,
    response: Response<&[u8]>,
    back: impl FnOnce(X) -> Registered,
    body: &[u8],
) -> Registered {
    let sent = request(&exchange);
    goes_home(&sent);
    if !sent.body().as_ref().is_empty() {
        let members = members(sent.body().as_ref()).expect("an update that says a member twice");
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        for name in &GIVEN[2..] {
            assert!(!names.contains(name), "{name} is sent back");
        }
        assert!(names.iter().enumerate().all(|(at, name)| !names[..at].contains(name)), "a member is sent twice");
        assert_eq!(one(&members, "client_name"), Some("\"oracle\""));
    }
    let status = response.status();
    match exchange.respond(&mut Env::new(NOW, &mut Counting(0)), response) {
        Ok(Step::Done(registered)) => {
            assert_eq!(status, 200);
            agrees(&registered, &members(body).expect("read out of no object"));
            registered
        }
        Ok(Step::Again(_)) => panic!("it has one step"),
        Err(failure) => back(left(failure)),
    }
}

fn left<X: Exchange>(failure: Failure<X>) -> X {
    printed(&failure.error);
    match failure.left {
        Left::Intact(exchange) | Left::Unknown(exchange) => *exchange,
        Left::Spent => panic!("the registration is lost: {}", failure.error),
    }
}

fn request(exchange: &impl Exchange) -> Request<Body> {
    exchange.request(&mut Env::new(NOW, &mut Counting(0))).unwrap()
}

/// The registration access token goes to the two origins of this server, byte by byte.
fn goes_home(request: &Request<Body>) {
    let uri = request.uri();
    assert_eq!(uri.scheme_str(), Some("https"), "{uri}");
    let authority = uri.authority().unwrap().as_str().to_ascii_lowercase();
    let home = ["as.example", "as.example:443", "api.example", "api.example:443"];
    assert!(home.contains(&authority.as_str()), "credentials go to {uri}");
    assert!(request.headers()["authorization"].is_sensitive());
}

/// What it says is what the answer says.
fn agrees(registered: &Registered, members: &[(String, &str)]) {
    let text = |name: &str| one(members, name).and_then(|json| serde_json::from_str::<String>(json).ok());
    // An answer about nothing but the credentials leaves the rest as it was.
    let says_more = members.iter().any(|(name, _)| !GIVEN.contains(&name.as_str()));
    if let Some(name) = registered.client_name().filter(|_| says_more) {
        assert_eq!(Some(name), text("client_name").as_deref());
    }
    if let Some(method) = registered.token_endpoint_auth_method().filter(|_| says_more) {
        assert_eq!(Some(method), text("token_endpoint_auth_method").as_deref());
    }
    if let Some(secret) = text("client_secret").filter(|secret| secret.len() > 12) {
        let shown = format!("{registered:?} {registered:#?}");
        let id = registered.client_id();
        assert!(id.contains(&secret) || !shown.contains(&secret), "the secret was printed");
        assert!(registered.has_secret());
    }
    let server = server();
    let other = server.clone().issuer("https://other.example").unwrap();
    assert!(registered.client(&other).is_err(), "another issuer gets the client");
    let said = registered.token_endpoint_auth_method();
    if let (Ok(client), Some(method)) = (registered.client(&server), said) {
        assert!(format!("{client:?}").contains(&format!("auth: {method}")), "not as it was registered");
    }
}

fn stored(registered: Registered) -> Registered {
    let shown = format!("{registered:?} {:?}", registered.tolerated());
    let text = serde_json::to_string(&registered.into_stored()).unwrap();
    let read = || serde_json::from_str::<StoredRegistration>(&text).unwrap();
    let other = server().issuer("https://other.example").unwrap();
    assert!(Registered::from_stored(read(), &other).is_err(), "restored at another issuer");
    let restored = Registered::from_stored(read(), &server()).expect("what was stored is restored");
    assert_eq!(shown, format!("{restored:?} {:?}", restored.tolerated()));
    restored
}

/// The members with their JSON; `None` if this is no object, or has a credential twice.
fn members(body: &[u8]) -> Option<Vec<(String, &str)>> {
    let all = raw_members(core::str::from_utf8(body).ok()?)?;
    let all: Vec<(String, &str)> = all.into_iter().map(|(name, json)| (name, json.get())).collect();
    let twice = GIVEN.iter().any(|name| all.iter().filter(|(known, _)| known == name).count() > 1);
    (!twice).then_some(all)
}

fn one<'m>(members: &[(String, &'m str)], name: &str) -> Option<&'m str> {
    members.iter().find(|(known, _)| known == name).map(|(_, json)| *json)
}

/// An answer without any fault: an id of printable ASCII, and any other members.
fn is_plain(body: &[u8]) -> bool {
    let Some(members) = members(body) else { return false };
    let id = one(&members, "client_id").and_then(|json| serde_json::from_str::<Value>(json).ok());
    let good = |id: &str| !id.trim().is_empty() && id.bytes().all(|b| (b' '..=b'~').contains(&b));
    id.as_ref().and_then(Value::as_str).is_some_and(good) && one(&members, "error").is_none()
}
