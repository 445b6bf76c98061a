//! The same with a server that was written elsewhere, in real time: npm's oidc-provider behind a gateway that fails.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use grantflow::{Authorization, Callback, ConfidentialClient, Env, Redirect, Tokens};
use grantflow_tests::support::peer::{self, Browser, Kind, Peer};
use grantflow_tests::support::transport::{self, SysRng, Transport, now};
use grantflow_tests::world::access;
use http::{Request, Response};
use libtest_mimic::{Failed, Trial};

use crate::gateway::{Behind, Gateway};
use crate::kinds;

const REDIRECT_URI: &str = "http://127.0.0.1:8765/cb";
const SCOPE: &str = "openid offline_access api:read";
/// How long the gateway fails.
const OUTAGE: Duration = Duration::from_secs(3);
/// The default policy's pauses after the outage, and some more.
const PATIENCE: Duration = Duration::from_secs(120);
/// The failures that are tried here; the others are in virtual time.
const KINDS: [&str; 3] = ["502", "200 with an HTML page", "refused connections"];

fn names() -> impl Iterator<Item = (String, Transport, &'static str)> {
    Transport::ALL.into_iter().flat_map(|transport| {
        KINDS.map(|kind| {
            (format!("outage: oidc-provider over {}: {kind}, in real time", transport.name()), transport, kind)
        })
    })
}

/// The trials. Without Node.js they are ignored, with the reason; in CI that is a failure.
pub(crate) fn trials(list: bool) -> Vec<Trial> {
    if list {
        return names().map(|(name, ..)| Trial::test(name, || Ok(()))).collect();
    }
    match peer::start(Kind::OidcProvider) {
        Ok(peer) => {
            let peer = Arc::new(peer);
            names()
                .map(|(name, transport, kind)| {
                    let peer = Arc::clone(&peer);
                    Trial::test(name, move || {
                        run(&peer, transport, kind).map_err(|error| Failed::from(error.to_string()))
                    })
                })
                .collect()
        }
        Err(peer::StartError::Missing { reason }) if !peer::in_ci() => {
            eprintln!("the real server is missing, so its outages are ignored: {reason}");
            names()
                .map(|(name, ..)| Trial::test(name, || Ok(())).with_ignored_flag(true).with_kind(reason.clone()))
                .collect()
        }
        Err(error) => {
            let text = error.to_string();
            vec![Trial::test("outage: the real server starts", move || Err(Failed::from(text)))]
        }
    }
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn run(peer: &Arc<Peer>, transport: Transport, kind: &str) -> Outcome {
    let kind = kinds::all().into_iter().find(|known| known.name == kind).ok_or("no such kind")?;
    let address = peer.issuer().trim_start_matches("http://").to_owned();
    let gateway = Arc::new(Gateway::new(kind.failing, |_| pass_on(address)));
    let client = grantflow::Server::new(&peer.url("/auth"), &gateway.url("/token"))?
        .issuer_always_sent(peer.issuer())?
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
            Ok(token) => break token,
            Err(error) if start.elapsed() > PATIENCE => return Err(format!("no token: {error:?}").into()),
            Err(_) => {
                let _ = told.send(());
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    };
    recovering.join().map_err(|_| "the gateway's clock panicked")?.map_err(|_| "nobody was told of the outage")?;
    if access(&token) == access(&first) {
        return Err("the refused token came back".into());
    }
    let sent = gateway.tokens();
    println!("{} over {}: {} requests, a token after {:?}", kind.name, transport.name(), sent.len(), start.elapsed());
    Ok(())
}

/// Past the gateway: the login ends before the outage begins.
fn log_in(peer: &Peer, client: &ConfidentialClient) -> Result<Tokens, Box<dyn std::error::Error>> {
    let authorization = Authorization::new(client, REDIRECT_URI)?.scope(SCOPE)?;
    let Redirect { url, pending } = authorization.start(&mut Env::new(now(), &mut SysRng))?;
    let back = Browser::new(REDIRECT_URI).visit(url.as_str())?.callback()?;
    let Callback::Granted(exchange) = pending.receive(&back.parse()?) else { return Err("not granted".into()) };
    let address = peer.issuer().trim_start_matches("http://").to_owned();
    let behind = pass_on(address);
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
