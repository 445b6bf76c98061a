//! The same with servers that were written elsewhere, in real time, behind a gateway that fails.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use grantflow::{Authorization, Callback, ConfidentialClient, Env, Redirect, Tokens};
use grantflow_session::SessionError;
use grantflow_tests::support::peer::{self, Browser, Kind, Peer};
use grantflow_tests::support::transport::{self, SysRng, Transport, now};
use grantflow_tests::world::access;
use http::{Request, Response};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::gateway::{Behind, Failing, Gateway};
use crate::kinds;

const REDIRECT_URI: &str = "http://127.0.0.1:8765/cb";
const SCOPE: &str = "openid offline_access api:read";
/// How long the gateway fails.
const OUTAGE: Duration = Duration::from_secs(3);
/// The default policy's pauses after the outage, and some more.
const PATIENCE: Duration = Duration::from_secs(120);
/// The failures that are tried here; the others are in virtual time.
const KINDS: [&str; 3] = ["502", "200 with an HTML page", "refused connections"];
/// The server renews, and its answer is lost until the gateway recovers.
const LOST: &str = "lost answers";
/// Each failure over one transport is enough for these; oidc-provider has each over each.
const OTHERS: [Kind; 7] = [
    Kind::Zitadel,
    Kind::Idpyoidc,
    Kind::Hydra,
    Kind::GracefulHydra,
    Kind::Keycloak,
    Kind::LenientKeycloak,
    Kind::Spring,
];

/// One outage of one server.
struct Case {
    server: Kind,
    transport: Transport,
    kind: &'static str,
}

impl Case {
    fn name(&self) -> String {
        format!("outage: {} over {}: {}, in real time", self.server.name(), self.transport.name(), self.kind)
    }

    fn failing(&self) -> Option<Failing> {
        let known = kinds::all().into_iter().find(|known| known.name == self.kind).map(|known| known.failing);
        known.or((self.kind == LOST).then_some(Failing::Loses))
    }

    /// Whether there is a token afterwards: a server that lets no refresh token come twice has ended the grant.
    fn ends_well(&self) -> bool {
        self.kind != LOST || matches!(self.server, Kind::GracefulHydra | Kind::LenientKeycloak)
    }

    /// The cases of a server.
    fn of(server: Kind) -> Vec<Self> {
        let all = Transport::ALL.into_iter().flat_map(|transport| KINDS.map(|kind| (transport, kind)));
        let wanted = |transport: Transport, kind: &str| {
            server == Kind::OidcProvider
                || KINDS.iter().position(|other| *other == kind)
                    == Transport::ALL.iter().position(|other| *other == transport)
        };
        all.filter(|(transport, kind)| wanted(*transport, kind))
            .chain(Transport::ALL.map(|transport| (transport, LOST)))
            .map(|(transport, kind)| Self { server, transport, kind })
            .collect()
    }
}

/// The trials. Those of a server that this machine cannot run are ignored, with the reason; in CI that is a failure.
pub(crate) fn trials(arguments: &Arguments) -> Vec<Trial> {
    // A server that no wanted trial needs does not have to exist.
    let wanted = |case: &Case| arguments.filter.as_deref().is_none_or(|filter| case.name().contains(filter));
    let servers = [Kind::OidcProvider].into_iter().chain(OTHERS).filter(|kind| Case::of(*kind).iter().any(wanted));
    if arguments.list {
        return servers.flat_map(Case::of).map(|case| Trial::test(case.name(), || Ok(()))).collect();
    }
    // In parallel, because installing one takes seconds.
    let servers: Vec<_> = servers.collect();
    let processes = Kind::ALL.into_iter().filter(|process| servers.iter().any(|kind| kind.runs_as() == *process));
    let starting: Vec<_> = processes.map(|kind| (kind, std::thread::spawn(move || peer::start(kind)))).collect();
    let died = |_| Err(peer::StartError::Failed("the thread that starts it panicked".to_owned()));
    let trials = starting.into_iter().flat_map(|(process, peer)| {
        let peer = peer.join().unwrap_or_else(died);
        let here = servers.iter().filter(move |kind| kind.runs_as() == process);
        here.flat_map(move |kind| of_server(*kind, peer.as_ref().map(|peer| peer.seen_as(*kind)).map_err(Clone::clone)))
    });
    trials.collect()
}

fn of_server(kind: Kind, peer: Result<Peer, peer::StartError>) -> Vec<Trial> {
    match peer {
        Ok(peer) => {
            let peer = Arc::new(peer);
            let trial = |case: Case| {
                let peer = Arc::clone(&peer);
                Trial::test(case.name(), move || run(&peer, &case).map_err(|error| Failed::from(error.to_string())))
            };
            Case::of(kind).into_iter().map(trial).collect()
        }
        Err(peer::StartError::Missing { reason }) if kind.may_be_missing() || !peer::in_ci() => {
            eprintln!("{} is missing, so its outages are ignored: {reason}", kind.name());
            let ignored = |case: Case| Trial::test(case.name(), || Ok(())).with_ignored_flag(true);
            Case::of(kind).into_iter().map(|case| ignored(case).with_kind(reason.clone())).collect()
        }
        Err(error) => {
            let text = error.to_string();
            let name = format!("outage: {} starts", kind.name());
            vec![Trial::test(name, move || Err(Failed::from(text)))]
        }
    }
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn run(peer: &Arc<Peer>, case: &Case) -> Outcome {
    let transport = case.transport;
    let failing = case.failing().ok_or("no such failure")?;
    let gateway = Arc::new(Gateway::new(failing, |_| pass_on(address(peer))));
    let places = peer.kind().places();
    let server = grantflow::Server::new(&peer.url(places.authorization), &gateway.url(&peer.path(places.token)))?;
    let quirks = peer.kind().quirks();
    let client = quirks
        .into_iter()
        .try_fold(server, grantflow::Server::quirk)?
        .issuer(peer.issuer())?
        .client(peer::BASIC.id)
        .secret_basic(peer::BASIC.secret.unwrap_or_default())?;
    let tokens = log_in(peer, &client)?;
    let session = transport::session(transport, &client);
    let first = transport::block_on(session.prime(tokens))?;
    // Its API refuses the token from now on: until there is another one, there is none.
    session.refused(&first);

    // It ends when somebody has been told of it: a busy machine may take all of its time for the first request.
    let (told, is_told) = channel();
    let recovering = {
        let gateway = Arc::clone(&gateway);
        std::thread::spawn(move || {
            std::thread::sleep(OUTAGE);
            let told = is_told.recv_timeout(PATIENCE);
            gateway.recover();
            told
        })
    };
    let start = Instant::now();
    let token = loop {
        let token = match transport {
            Transport::Ureq => session.token_blocking(),
            Transport::Reqwest | Transport::Tower => transport::block_on(session.token()),
        };
        match token {
            Ok(token) => break Some(token),
            Err(SessionError::Lost { .. }) if !case.ends_well() => break None,
            Err(error) if start.elapsed() > PATIENCE => return Err(format!("no token: {error:?}").into()),
            Err(_) => {
                let _ = told.send(());
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    };
    recovering.join().map_err(|_| "the gateway's clock panicked")?.map_err(|_| "nobody was told of the outage")?;
    match token {
        Some(token) if access(&token) == access(&first) => return Err("the refused token came back".into()),
        Some(_) if !case.ends_well() => return Err("a token of a grant that is over".into()),
        _ => {}
    }
    let sent = gateway.tokens();
    println!("{}: {} requests, {:?}", case.name(), sent.len(), start.elapsed());
    Ok(())
}

/// Past the gateway: the login ends before the outage begins.
fn log_in(peer: &Peer, client: &ConfidentialClient) -> Result<Tokens, Box<dyn std::error::Error>> {
    let mut authorization = Authorization::new(client, REDIRECT_URI)?.scope(SCOPE)?;
    if peer.kind().wants_consent() {
        authorization = authorization.param("prompt", "consent")?;
    }
    let Redirect { url, pending } = authorization.start(&mut Env::new(now(), &mut SysRng))?;
    let back = Browser::new(REDIRECT_URI).visit(url.as_str())?.callback()?;
    let Callback::Granted(exchange) = pending.receive(&back.parse()?) else { return Err("not granted".into()) };
    let behind = pass_on(address(peer));
    let tokens = grantflow::drive(
        exchange,
        &mut SysRng,
        now,
        std::thread::sleep,
        |request| -> Result<_, (grantflow::Sent, grantflow::Error)> {
            Ok(behind(request.map(|body| body.as_ref().to_vec())))
        },
    );
    Ok(tokens?)
}

/// The host and the port of a server.
fn address(peer: &Peer) -> String {
    peer.at_root("").trim_start_matches("http://").to_owned()
}

/// Carries a request to the real server, by hand.
fn pass_on(address: String) -> Behind {
    Arc::new(move |request: Request<Vec<u8>>| {
        let answer = carry(&address, &request).unwrap_or_else(|_| b"HTTP/1.1 502 Bad Gateway\r\n\r\n".to_vec());
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len() - 4);
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(502);
        let mut response = Response::builder().status(status);
        for (name, value) in head.split("\r\n").skip(1).filter_map(|line| line.split_once(": ")) {
            response = response.header(name, value);
        }
        response.body(answer[end + 4..].to_vec()).unwrap()
    })
}

/// HTTP/1.0, so that the answer ends with the connection and has no chunks.
fn carry(address: &str, request: &Request<Vec<u8>>) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut head = format!("POST {} HTTP/1.0\r\nHost: {address}\r\n", request.uri().path());
    for (name, value) in request.headers() {
        if !["host", "connection", "content-length"].contains(&name.as_str()) {
            head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
        }
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", request.body().len()));
    stream.write_all(&[head.as_bytes(), request.body()].concat())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
