//! Backchannel authentication (OpenID CIBA), with polls and with pings.

use std::io::{ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use grantflow::{
    BackchannelGrant, BackchannelRequest, ConfidentialClient, Discovery, Env, Error, ErrorCode, Exchange, Left, Next,
    Notification, NotificationFault, Notified, Server,
};
use grantflow_tests::support::peer::{self, Kind};
use grantflow_tests::support::transport::SysRng;
use grantflow_tests::support::whole;
use http::{Request, StatusCode};

use crate::person::{Says, decides_request, person};
use crate::world::{Got, Outcome, Row, World, check, failed, is_too_early};

const HERE: &[Kind] = &[Kind::OidcProvider, Kind::Keycloak];
const PINGS: &[Kind] = &[Kind::OidcProvider];
const OIDC_PROVIDER: &[Kind] = &[Kind::OidcProvider];

pub(crate) const CHECKS: [Row; 16] = [
    Row { name: "backchannel: pending, then the person says yes", check: pending_then_yes, on: HERE },
    Row { name: "backchannel: the person says no", check: says_no, on: HERE },
    Row { name: "backchannel: a grant survives storing", check: survives_storing, on: HERE },
    Row { name: "backchannel by what the metadata says", check: by_metadata, on: HERE },
    Row { name: "backchannel: a wrong secret asks nobody", check: wrong_secret, on: HERE },
    Row { name: "backchannel: a wrong secret while it polls costs nothing", check: wrong_secret_meanwhile, on: HERE },
    Row { name: "backchannel: an unknown person is named by the error", check: unknown_person, on: HERE },
    Row { name: "backchannel: a message that cannot be shown is refused", check: odd_message, on: OIDC_PROVIDER },
    Row { name: "backchannel: a missing code can be given later", check: user_code, on: OIDC_PROVIDER },
    Row { name: "backchannel: an expired hint is named by the error", check: expired_hint, on: OIDC_PROVIDER },
    Row { name: "backchannel: the ID token of before is a hint", check: id_token_hint, on: OIDC_PROVIDER },
    Row { name: "backchannel: a request that has expired is spent", check: expired, on: OIDC_PROVIDER },
    Row { name: "backchannel: a ping, then the tokens", check: ping_then_tokens, on: PINGS },
    Row { name: "backchannel: a ping after the person said no", check: ping_after_no, on: PINGS },
    Row { name: "backchannel: a ping finds its stored grant", check: ping_finds_stored, on: PINGS },
    Row { name: "backchannel: a ping for another grant, and one with a wrong token", check: wrong_pings, on: PINGS },
];

/// For a ping that comes at once.
const PING: Duration = Duration::from_secs(60);

impl World {
    fn backchannel_server(&self) -> Result<Server, Error> {
        self.server()?.backchannel_authentication_endpoint(&self.peer.url(self.places().backchannel))
    }

    fn backchannel_with(&self, client: peer::Client, secret: &str) -> Result<ConfidentialClient, Error> {
        self.backchannel_server()?.client(client.id).secret_basic(secret)
    }

    fn backchannel(&self, client: peer::Client) -> Result<ConfidentialClient, Error> {
        self.backchannel_with(client, client.secret.unwrap_or_default())
    }

    fn asks(&self, client: &ConfidentialClient) -> Result<BackchannelRequest, Error> {
        BackchannelRequest::with_login_hint(client, &person(self))?
            .scope(self.scope())?
            .binding_message(&self.message())
    }

    /// The person is asked.
    fn rings(&self, client: &ConfidentialClient) -> Got<BackchannelGrant> {
        let grant = self.agent.run(self.asks(client)?)?;
        // oidc-provider does not say how often a client may poll.
        let interval = if self.kind() == Kind::Keycloak { 1 } else { 5 };
        check(grant.interval() == Duration::from_secs(interval), format!("{:?}", grant.interval()))?;
        Ok(grant)
    }

    fn rings_for_ping(&self) -> Got<BackchannelGrant> {
        let client = self.backchannel(peer::BACKCHANNEL_PING)?;
        let request = self.asks(&client)?.ping(&mut Env::new(self.agent.now(), &mut SysRng))?;
        let grant = self.agent.run(request)?;
        check(grant.is_pinged(), "the grant waits for no ping")?;
        Ok(grant)
    }

    /// The person decides. The result is the server's ping, and the status that the server got for it.
    fn pings(&self, grant: &BackchannelGrant, says: Says) -> Got<Request<Vec<u8>>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let to = format!("http://{}/pings", listener.local_addr()?);
        let ping = thread::spawn(move || receives(&listener).map_err(|error| error.to_string()));
        // The server waits for the answer to its ping.
        decides_request(self, &auth_req_id(self, grant)?, says, Some(&to))?;
        Ok(ping.join().map_err(|_| "the listener panicked")??)
    }
}

/// The one ping that comes, answered as a client must.
fn receives(listener: &TcpListener) -> Got<Request<Vec<u8>>> {
    let mut stream = accepts(listener)?;
    let recorded = whole::read_request(&mut stream)?;
    let mut request = Request::builder().method(recorded.method()).uri(recorded.target());
    for line in recorded.head.lines().skip(1) {
        let (name, value) = line.split_once(':').ok_or("a header without a colon")?;
        request = request.header(name.trim(), value.trim());
    }
    let request = request.body(recorded.body)?;
    let answer = match Notification::read(&request) {
        Ok(_) => Notification::response(),
        Err(fault) => fault.response(),
    };
    write!(stream, "HTTP/1.1 {}\r\nConnection: close\r\n\r\n", answer.status())?;
    whole::end(&stream);
    Ok(request)
}

fn accepts(listener: &TcpListener) -> Got<TcpStream> {
    listener.set_nonblocking(true)?;
    let start = Instant::now();
    while start.elapsed() < PING {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                stream.set_read_timeout(Some(PING))?;
                return Ok(stream);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(10)),
            Err(error) => return Err(error.into()),
        }
    }
    Err("no ping came".into())
}

/// The id of a request, from the poll that a client would send.
fn auth_req_id(world: &World, grant: &BackchannelGrant) -> Got<String> {
    let later = world.agent.now().saturating_add(grant.interval() * 2);
    let request = grant.request(&mut Env::new(later, &mut SysRng))?;
    let form: Vec<(String, String)> = serde_urlencoded::from_bytes(request.body().as_ref())?;
    let id = form.into_iter().find(|(name, _)| name == "auth_req_id");
    id.map(|(_, id)| id).ok_or_else(|| "a poll without auth_req_id".into())
}

fn says(world: &World, grant: &BackchannelGrant, says: Says) -> Outcome {
    decides_request(world, &auth_req_id(world, grant)?, says, None)
}

fn ready(grant: BackchannelGrant, ping: &Request<Vec<u8>>) -> Got<BackchannelGrant> {
    match grant.receive(&Notification::read(ping)?) {
        Notified::Ready(grant) => Ok(grant),
        Notified::Unrelated { why, .. } => Err(why.into()),
    }
}

fn pending_then_yes(world: &World) -> Outcome {
    let grant = world.rings(&world.backchannel(peer::BACKCHANNEL)?)?;
    if world.kind() == Kind::OidcProvider {
        is_too_early(&grant, grant.interval())?;
    }
    let grant = world.asks_once(grant)?;
    check(grant.trouble().is_none(), format!("{:?}", grant.trouble()))?;
    says(world, &grant, Says::Yes)?;
    let tokens = world.agent.run(grant)?;
    check(tokens.scope().is_narrowed() == Some(false), format!("{:?}", tokens.scope()))?;
    check(tokens.unverified_id_token().is_some(), "an authentication without an ID token")?;
    world.are_good(&tokens)?;
    let tokens = world.agent.run(tokens.refresh()?)?;
    world.are_good(&tokens)
}

fn says_no(world: &World) -> Outcome {
    let grant = world.rings(&world.backchannel(peer::BACKCHANNEL)?)?;
    says(world, &grant, Says::No)?;
    let (error, left) = failed(world.agent.run(grant))?;
    check(error.code() == Some(&ErrorCode::AccessDenied) && matches!(left, Left::Spent), error.to_string())
}

fn survives_storing(world: &World) -> Outcome {
    let grant = world.rings(&world.backchannel(peer::BACKCHANNEL)?)?;
    says(world, &grant, Says::Yes)?;
    let stored = serde_json::to_string(&grant.into_stored())?;
    // Another process has its own server and client values.
    let client = world.backchannel(peer::BACKCHANNEL)?;
    let grant = BackchannelGrant::from_stored(serde_json::from_str(&stored)?, &client)?;
    world.are_good(&world.agent.run(grant)?)
}

fn by_metadata(world: &World) -> Outcome {
    let server = world.agent.run(Discovery::new(world.peer.issuer())?)?.server()?;
    let client = server.client(peer::BACKCHANNEL.id).secret_basic(peer::BACKCHANNEL.secret.unwrap_or_default())?;
    world.rings(&client).map(drop)
}

fn wrong_secret(world: &World) -> Outcome {
    let client = world.backchannel_with(peer::BACKCHANNEL, "wrong")?;
    let (error, left) = failed(world.agent.run(world.asks(&client)?))?;
    let refused = error.code() == Some(&world.wrong_secret()) && error.next() == Next::FixConfiguration;
    check(refused && matches!(left, Left::Intact(_)), error.to_string())
}

fn wrong_secret_meanwhile(world: &World) -> Outcome {
    let client = world.backchannel(peer::BACKCHANNEL)?;
    let grant = world.rings(&client)?;
    says(world, &grant, Says::Yes)?;
    let other = world.backchannel_with(peer::BACKCHANNEL, "wrong")?;
    let grant = BackchannelGrant::from_stored(grant.into_stored(), &other)?;
    let (error, left) = failed(world.agent.run(grant))?;
    check(error.code() == Some(&world.wrong_secret()), error.to_string())?;
    let Left::Intact(grant) = left else { return Err("a wrong secret cost the grant".into()) };
    let grant = BackchannelGrant::from_stored(grant.into_stored(), &client)?;
    world.are_good(&world.agent.run(grant)?)
}

/// The server refuses the request, and nobody was asked.
fn is_refused(world: &World, request: BackchannelRequest, code: &ErrorCode) -> Got<BackchannelRequest> {
    let (error, left) = failed(world.agent.run(request))?;
    check(error.code() == Some(code) && error.next() == Next::FixCaller, error.to_string())?;
    match left {
        Left::Intact(request) => Ok(*request),
        other => Err(format!("{other:?}").into()),
    }
}

fn unknown_person(world: &World) -> Outcome {
    let client = world.backchannel(peer::BACKCHANNEL)?;
    let request = BackchannelRequest::with_login_hint(&client, "nobody")?.scope(world.scope())?;
    if world.kind() == Kind::Keycloak {
        // It says so in the description alone.
        let (error, left) = failed(world.agent.run(request))?;
        let refused = error.code() == Some(&ErrorCode::InvalidRequest) && error.next() == Next::FixConfiguration;
        return check(refused && matches!(left, Left::Intact(_)), error.to_string());
    }
    is_refused(world, request, &ErrorCode::UnknownUserId).map(drop)
}

fn odd_message(world: &World) -> Outcome {
    let client = world.backchannel(peer::BACKCHANNEL)?;
    let request = world.asks(&client)?.binding_message("more than 20 characters")?;
    let request = is_refused(world, request, &ErrorCode::InvalidBindingMessage)?;
    world.agent.run(request.binding_message("W4SCT")?).map(drop).map_err(Into::into)
}

fn user_code(world: &World) -> Outcome {
    let client = world.backchannel(peer::BACKCHANNEL)?;
    let request = BackchannelRequest::with_login_hint(&client, "careful")?;
    let request = is_refused(world, request, &ErrorCode::MissingUserCode)?;
    let request = is_refused(world, request.user_code("4321")?, &ErrorCode::InvalidUserCode)?;
    let grant = world.agent.run(request.user_code("1234")?)?;
    says(world, &grant, Says::Yes)?;
    world.are_good(&world.agent.run(grant)?)
}

fn expired_hint(world: &World) -> Outcome {
    let client = world.backchannel(peer::BACKCHANNEL)?;
    let request = BackchannelRequest::with_login_hint_token(&client, "old")?;
    let _refused = is_refused(world, request, &ErrorCode::ExpiredLoginHintToken)?;
    let grant = world.agent.run(BackchannelRequest::with_login_hint_token(&client, "alice")?)?;
    says(world, &grant, Says::Yes)?;
    world.are_good(&world.agent.run(grant)?)
}

fn id_token_hint(world: &World) -> Outcome {
    let client = world.backchannel(peer::BACKCHANNEL)?;
    let grant = world.rings(&client)?;
    says(world, &grant, Says::Yes)?;
    let tokens = world.agent.run(grant)?;
    let id_token = tokens.unverified_id_token().ok_or("no ID token")?.expose_secret();
    let grant = world.agent.run(BackchannelRequest::with_id_token_hint(&client, id_token)?)?;
    says(world, &grant, Says::Yes)?;
    world.are_good(&world.agent.run(grant)?)
}

/// The server says so, or no longer knows it, or the clock says so before.
fn expired(world: &World) -> Outcome {
    let client = world.backchannel(peer::BACKCHANNEL)?;
    let grant = world.agent.run(world.asks(&client)?.requested_expiry(Duration::from_secs(1))?)?;
    check(grant.expires_at() <= world.agent.now().saturating_add(Duration::from_secs(1)), "the server gives longer")?;
    let (error, left) = failed(world.agent.run(grant))?;
    let over = matches!(error.code(), None | Some(ErrorCode::ExpiredToken | ErrorCode::InvalidGrant));
    check(over && error.next() == Next::Reauthorize && matches!(left, Left::Spent), error.to_string())
}

fn ping_then_tokens(world: &World) -> Outcome {
    let grant = world.rings_for_ping()?;
    let ping = world.pings(&grant, Says::Yes)?;
    let grant = ready(grant, &ping)?;
    check(grant.rest(world.agent.now()).is_zero(), "it waits, though the server says that the person has decided")?;
    world.are_good(&world.agent.run(grant)?)
}

fn ping_after_no(world: &World) -> Outcome {
    let grant = world.rings_for_ping()?;
    let ping = world.pings(&grant, Says::No)?;
    let (error, left) = failed(world.agent.run(ready(grant, &ping)?))?;
    check(error.code() == Some(&ErrorCode::AccessDenied) && matches!(left, Left::Spent), error.to_string())
}

fn ping_finds_stored(world: &World) -> Outcome {
    let grant = world.rings_for_ping()?;
    let key = grant.key();
    let ping = world.pings(&grant, Says::Yes)?;
    let stored = serde_json::to_string(&grant.into_stored())?;
    let notification = Notification::read(&ping)?;
    check(notification.key() == key, "another key")?;
    let client = world.backchannel(peer::BACKCHANNEL_PING)?;
    let grant = BackchannelGrant::from_stored(serde_json::from_str(&stored)?, &client)?;
    world.are_good(&world.agent.run(ready(grant, &ping)?)?)
}

fn wrong_pings(world: &World) -> Outcome {
    let (first, second) = (world.rings_for_ping()?, world.rings_for_ping()?);
    let ping = world.pings(&first, Says::Yes)?;
    let Notified::Unrelated { grant: second, why } = second.receive(&Notification::read(&ping)?) else {
        return Err("a ping for another grant counts".into());
    };
    check(why == NotificationFault::OtherRequest, why.to_string())?;
    check(!second.rest(world.agent.now()).is_zero(), "the other grant polls at once")?;
    let mut forged = ping.clone();
    forged.headers_mut().insert("authorization", "Bearer a-token-that-the-server-never-had".parse()?);
    let Notified::Unrelated { grant: first, why } = first.receive(&Notification::read(&forged)?) else {
        return Err("a ping with a wrong token counts".into());
    };
    let answer = why.response();
    check(why == NotificationFault::WrongToken && answer.status() == StatusCode::UNAUTHORIZED, why.to_string())?;
    // Nothing is lost: the server's own ping still counts.
    world.are_good(&world.agent.run(ready(first, &ping)?)?)
}
