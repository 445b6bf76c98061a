//! A login, and a browser that is only a socket.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use grantflow::{Authorization, Callback, Env, PendingCallback, Redirect, ResponseMode, Server, UnixTime};
use grantflow_loopback::{Arrival, Listener, Settings};

/// Longer than any visitor here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The listener's address, and what the login's callback must contain.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) state: String,
}

/// A listener, the grant that waits for it, and what a browser knows about both.
pub(crate) fn start(settings: Settings) -> (Listener, PendingCallback, Login) {
    start_in(settings, ResponseMode::Query)
}

pub(crate) fn start_in(settings: Settings, mode: ResponseMode) -> (Listener, PendingCallback, Login) {
    let listener = settings.patience(PATIENCE).bind().unwrap();
    let (pending, login) = grant(&listener, mode);
    (listener, pending, login)
}

pub(crate) fn grant(listener: &Listener, mode: ResponseMode) -> (PendingCallback, Login) {
    let server = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    let client = server.client("app").public().unwrap();
    let mut rng = getrandom::SysRng;
    let mut env = Env::new(UnixTime::from_secs(1_700_000_000), &mut rng);
    let authorization = Authorization::new(&client, listener.redirect_uri()).unwrap().response_mode(mode);
    let Redirect { url, pending } = authorization.start(&mut env).unwrap();
    let state = url.as_str().split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let (_, place) = listener.redirect_uri().as_str().split_once("://").unwrap();
    let (authority, path) = place.split_once('/').unwrap();
    let port = authority.rsplit(':').next().unwrap().parse().unwrap();
    (pending, Login { port, path: format!("/{path}"), state })
}

impl Login {
    pub(crate) fn v4(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(crate) fn v6(&self) -> SocketAddr {
        (Ipv6Addr::LOCALHOST, self.port).into()
    }

    /// The real callback.
    pub(crate) fn callback(&self) -> String {
        format!("{}?code=c0de-of-the-login&state={}", self.path, self.state)
    }

    pub(crate) fn done(&self) -> String {
        format!("{}/done", self.path)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.v4()).unwrap();
        // A listener that hangs fails the test instead of blocking it.
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends a text, and returns the whole answer.
    pub(crate) fn say(&self, text: impl AsRef<[u8]>) -> String {
        self.say_at(self.v4(), text)
    }

    pub(crate) fn say_at(&self, address: SocketAddr, text: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // A listener may stop listening before everything is sent.
        let _ = stream.write_all(text.as_ref());
        hear(stream)
    }

    pub(crate) fn get(&self, target: &str) -> String {
        self.say(format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port))
    }

    /// The browser comes back, and follows the redirect to the last page, which it returns.
    pub(crate) fn come_back(&self) -> String {
        let answer = self.get(&self.callback());
        assert_eq!((status(&answer), header(&answer, "location")), (303, Some(&*self.done())), "{answer}");
        assert!(!answer.contains("c0de") && !answer.contains(&self.state), "{answer}");
        let page = self.get(&self.done());
        assert_eq!(status(&page), 200, "{page}");
        page
    }
}

/// Everything that is received until the connection ends in any way.
pub(crate) fn hear(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

/// 0 if there is none.
pub(crate) fn status(answer: &str) -> u16 {
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).map_or(0, |status| status.parse().unwrap())
}

pub(crate) fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next().unwrap();
    let mut found = head.lines().filter_map(|line| line.split_once(": ")).filter(|(n, _)| n.eq_ignore_ascii_case(name));
    let (value, second) = (found.next(), found.next());
    assert!(second.is_none(), "{name} is there twice: {answer}");
    value.map(|(_, value)| value)
}

/// Sends visitors, and then the browser with the real callback: the login must succeed. Returns the visitors' result.
pub(crate) fn meet<R: Send + 'static>(settings: Settings, visitors: impl FnOnce(&Login) -> R + Send + 'static) -> R {
    let (listener, pending, login) = start(settings.grace(PATIENCE));
    let people = thread::spawn(move || {
        let result = visitors(&login);
        login.come_back();
        result
    });
    let Arrival { callback, page } = listener.wait(pending).unwrap();
    assert!(matches!(callback, Callback::Granted(_)), "{callback:?}");
    let result = people.join().unwrap();
    assert!(page.finish(), "the browser has its page");
    result
}
