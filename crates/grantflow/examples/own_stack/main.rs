//! No adapter: a flow over your own HTTP stack. Here it is a bare `TcpStream`, in a dozen lines.
//!
//! `cargo run --example own_stack` gets a token from a server in this process, over real HTTP.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the core does no I/O; this example is the I/O"
)]

mod provider;

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use getrandom::SysRng;
use grantflow::{Body, ClientCredentials, Env, Exchange, Server, Step, UnixTime};

/// The whole HTTP stack.
fn send(request: &http::Request<Body>) -> Result<http::Response<Body>, Box<dyn Error>> {
    let host = request.uri().authority().ok_or("no host")?.as_str();
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut head = format!("{} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n", request.method());
    for (name, value) in request.headers() {
        head += &format!("{name}: {}\r\n", value.to_str()?);
    }
    let body = request.body().as_ref();
    let mut stream = TcpStream::connect(host)?;
    write!(stream, "{head}content-length: {}\r\n\r\n", body.len())?;
    stream.write_all(body)?;

    let mut answer = String::new();
    stream.take(1024 * 1024).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no end of headers")?;
    let status: u16 = head.split(' ').nth(1).ok_or("no status")?.parse()?;
    Ok(http::Response::builder().status(status).body(Body::from(body.as_bytes().to_vec()))?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::with_token_endpoint(&provider::start()?)?;
    let exchange = ClientCredentials::new(&server.client("robot").secret_basic("s3cret")?).scope("clubs")?;

    let mut rng = SysRng;
    let mut env = Env::new(UnixTime::from_secs(1_750_000_000), &mut rng);
    let response = send(&exchange.request(&mut env)?)?;
    let Step::Done(tokens) = exchange.respond(&mut env, response)? else {
        return Err("one round trip is enough for this grant".into());
    };
    let scope = tokens.scope().effective().map(|scope| scope.as_str());
    println!("a token for {scope:?}, good until {:?}", tokens.expires_at());
    Ok(())
}
