//! The MCP server of the demo, over real HTTP: it refuses what has no good token, and says where one is to be had.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use grantflow_testkit::Loopback;
use http::Request;

/// What the server demands now.
pub(crate) struct State {
    /// The authorization server that it trusts.
    pub(crate) trusts: Arc<Loopback>,
    /// The scope that its challenges name.
    pub(crate) scope: String,
    /// The calls that were let in.
    pub(crate) calls: usize,
}

pub(crate) struct McpServer {
    origin: String,
    state: Arc<Mutex<State>>,
}

/// No request of the demo is longer.
const LONGEST: usize = 64 * 1024;

impl McpServer {
    /// Listens until the program ends.
    pub(crate) fn start(state: State) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let origin = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(Mutex::new(state));
        let (served, at) = (Arc::clone(&state), origin.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A visitor that goes away is no concern of the next one.
                let _ = serve(stream, &at, &served);
            }
        });
        Ok(Self { origin, state })
    }

    /// The URL of the tools.
    pub(crate) fn url(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(mut stream: TcpStream, origin: &str, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let (path, token) = read(&mut stream)?;
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, challenge, body) = match &*path {
        "/.well-known/oauth-protected-resource/mcp" => ("200 OK", String::new(), metadata(origin, &state)),
        "/mcp" => call(origin, &mut state, token.as_deref()),
        _ => ("404 Not Found", String::new(), "{}".to_owned()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{challenge}content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all((head + &body).as_bytes())
}

/// The path of a request, and its token. The whole request is read, or the client would see a reset.
fn read(stream: &mut TcpStream) -> std::io::Result<(String, Option<String>)> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer)?;
        bytes.extend(buffer.iter().take(count));
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if count == 0 || bytes.len() > LONGEST {
                return Err(std::io::ErrorKind::InvalidData.into());
            }
            continue;
        };
        let header = |name: &str| {
            let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
            lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
        };
        let length = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        if body.len() >= length || count == 0 {
            return Ok((head.split(' ').nth(1).unwrap_or_default().to_owned(), header("authorization")));
        }
    }
}

/// The protected resource metadata (RFC 9728 §2).
fn metadata(origin: &str, state: &State) -> String {
    let issuer = state.trusts.base_url();
    format!(
        r#"{{"resource":"{origin}/mcp","authorization_servers":["{issuer}"],"scopes_supported":["files:read","files:write"]}}"#
    )
}

/// The authorization server's own resource says whether a token is good.
fn call(origin: &str, state: &mut State, token: Option<&str>) -> (&'static str, String, String) {
    let scope = state.scope.clone();
    let answer = state.trusts.with(|server| {
        server.knobs().required_scope = Some(scope.clone());
        let mut request = Request::get(server.resource_url());
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        request.body("").map(|request| server.handle(&request))
    });
    let status = answer.map_or(500, |answer| answer.status().as_u16());
    let (status, error) = match status {
        200 => {
            state.calls += 1;
            return ("200 OK", String::new(), r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned());
        }
        403 => ("403 Forbidden", "error=\"insufficient_scope\", "),
        _ if token.is_some() => ("401 Unauthorized", "error=\"invalid_token\", "),
        _ => ("401 Unauthorized", ""),
    };
    let place = format!("{origin}/.well-known/oauth-protected-resource/mcp");
    let challenge = format!("www-authenticate: Bearer {error}scope=\"{scope}\", resource_metadata=\"{place}\"\r\n");
    (status, challenge, "{}".to_owned())
}
