//! One outage, for one process or two, ahead of the token's expiry or after it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use grantflow::{Authorization, Callback, Env, Exchange as _, Redirect, Step, Tokens, UnixTime};
use grantflow_testkit as testkit;
use grantflow_tests::support::transport::Transport;
use grantflow_tests::world::{ID, LIFE, REDIRECT_URI, SECRET, access, plain_policy};
use grantflow_ureq::SysRng;

use crate::child::{GOES_ON, Orders, VOUCHER, WAITS};
use crate::clock::Hand;
use crate::gateway::{Behind, Failing, Gateway};
use crate::kinds::Kind;

/// When the outage begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// The token is due for renewal, and good for another 55 s.
    Ahead,
    /// The token is over.
    After,
}

/// How long an outage lasts, in seconds of the trial's clock.
const OUTAGE: u64 = 10;
/// A caller that still waits after this time, while the clock stands, waits for something that it must not wait for.
const STUCK: Duration = Duration::from_secs(30);

/// A child that is told to ask for tokens.
struct Caller {
    child: Child,
    orders: ChildStdin,
    replies: Receiver<String>,
    /// The moments that it waits for, in milliseconds of the trial's clock.
    waits: Arc<Mutex<Vec<u64>>>,
    name: &'static str,
}

impl Caller {
    fn start(orders: &Orders) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        orders.give(&mut command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (lines, replies) = channel();
        let waits = Arc::<Mutex<Vec<u64>>>::default();
        let known = Arc::clone(&waits);
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if let Some(until) = line.strip_prefix(WAITS) {
                    known.lock().unwrap().push(until.parse().unwrap());
                } else if let Some(until) = line.strip_prefix(GOES_ON) {
                    let until: u64 = until.parse().unwrap();
                    let mut known = known.lock().unwrap();
                    let at = known.iter().position(|one| *one == until).expect("it has waited");
                    known.swap_remove(at);
                } else {
                    drop(lines.send(line));
                }
            }
        });
        Self { orders: child.stdin.take().unwrap(), child, replies, waits, name: orders.transport.name() }
    }

    /// The next moment that it waits for. None while it works, also after a moment that has come and that it has not noticed yet.
    fn waits_for(&self, now: u64) -> Option<u64> {
        let waits = self.waits.lock().unwrap();
        waits.iter().copied().min().filter(|until| *until > now)
    }

    fn tell(&mut self, order: &str) {
        self.orders.write_all(format!("{order}\n").as_bytes()).unwrap();
    }

    fn reply(&self, patience: Duration) -> Option<String> {
        match self.replies.recv_timeout(patience) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("{}: the process ended", self.name),
        }
    }

    /// Waits until no request of its background is in progress.
    fn settle(&mut self) {
        let start = Instant::now();
        loop {
            std::thread::sleep(Duration::from_millis(2));
            self.tell("busy");
            if self.reply(STUCK).expect("it answers at once") == "0" {
                return;
            }
            assert!(start.elapsed() < STUCK, "{}: a request never ends", self.name);
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Scene {
    _folder: tempfile::TempDir,
    hand: Hand,
    server: Arc<Mutex<testkit::Server>>,
    gateway: Gateway,
    orders: Orders,
    /// When the first token is over.
    end: u64,
    first: String,
}

impl Scene {
    fn new(failing: Failing, fed: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let silent = matches!(failing, Failing::Silent);
        let made = Arc::new(Mutex::new(None));
        let clock_file = Orders::clock_file(folder.path());
        let gateway = Gateway::new(failing, |base| {
            let mut server = testkit::Server::new(base);
            server.register(testkit::Client::confidential(ID, SECRET).redirect_uri(REDIRECT_URI).scope("read"));
            server.knobs().expires_in = LIFE;
            server.knobs().issue_refresh_token = !fed;
            server.knobs().extension_grant = Some(VOUCHER.to_owned());
            let hand = Hand::new(&clock_file, server.now());
            let clock = hand.clock().clone();
            let server = Arc::new(Mutex::new(server));
            *made.lock().unwrap() = Some((Arc::clone(&server), hand));
            let behind: Behind = Arc::new(move |request| {
                let mut server = server.lock().unwrap();
                server.set_now(clock.now().as_secs());
                server.handle(&request)
            });
            behind
        });
        let (server, hand) = made.lock().unwrap().take().unwrap();
        let orders = Orders {
            folder: folder.path().to_owned(),
            token_url: server.lock().unwrap().token_url(),
            transport: Transport::Ureq,
            deadline: Duration::from_millis(if silent { 1000 } else { 120_000 }),
            fed,
        };
        let session = orders.session(&Arc::new(AtomicUsize::new(0)));
        let tokens = login(&mut server.lock().unwrap());
        let first = access(&session.prime_blocking(tokens).unwrap());
        let end = hand.millis() / 1000 + LIFE;
        Self { _folder: folder, hand, server, gateway, orders, end, first }
    }

    fn callers(&self, transports: &[Transport]) -> Vec<Caller> {
        transports
            .iter()
            .map(|transport| Caller::start(&Orders { transport: *transport, ..self.orders.clone() }))
            .collect()
    }

    fn now(&self) -> u64 {
        self.hand.millis() / 1000
    }

    /// Asks for a token; returns the reply, and how long the caller waited by the trial's clock.
    fn ask(&mut self, caller: &mut Caller) -> (String, Duration) {
        if self.now() < self.end {
            // The token is good. Neither an answer nor the time moves until its caller has it.
            self.gateway.hold(true);
            caller.tell("token");
            let reply = caller.reply(STUCK);
            self.gateway.hold(false);
            let reply = reply.unwrap_or_else(|| panic!("{}: a caller waited while the token was good", caller.name));
            caller.settle();
            return (reply, Duration::ZERO);
        }
        caller.tell("token");
        let (start, mut real) = (self.hand.millis(), Instant::now());
        loop {
            if let Some(reply) = caller.reply(Duration::from_millis(2)) {
                return (reply, Duration::from_millis(self.hand.millis() - start));
            }
            let now = self.hand.millis();
            // The time of work and the deadline of a request are real time, not the trial's.
            let Some(until) = caller.waits_for(now) else {
                assert!(real.elapsed() < STUCK, "{}: it neither answers nor waits", caller.name);
                continue;
            };
            self.hand.advance((until - now).min(100));
            real = Instant::now();
            assert!(self.hand.millis() - start < 300_000, "{}: a caller waited for five minutes", caller.name);
        }
    }
}

/// The tokens of a login, past the gateway.
fn login(server: &mut testkit::Server) -> Tokens {
    let client = grantflow::Server::new(&server.authorize_url(), &server.token_url()).unwrap();
    let client = client.client(ID).secret_post(SECRET).unwrap();
    let mut rng = SysRng;
    let mut env = Env::new(UnixTime::from_secs(server.now()), &mut rng);
    let authorization = Authorization::new(&client, REDIRECT_URI).unwrap().scope("read").unwrap();
    let Redirect { url, pending } = authorization.start(&mut env).unwrap();
    let callback = server.visit(url.as_str()).unwrap();
    let Callback::Granted(exchange) = pending.receive_url(&callback.url) else { panic!("not granted") };
    let answer = server.handle(&exchange.request(&mut env).unwrap());
    match exchange.respond(&mut env, answer).unwrap() {
        Step::Done(tokens) => tokens,
        Step::Again(_) => panic!("this flow has one step"),
    }
}

/// The greatest number of requests that the policy allows for one grant, by all processes together, until there is a
/// token again.
fn most_requests(kind: &Kind, when: When, processes: usize, fed: bool) -> usize {
    let policy = plain_policy();
    // The shortest pauses that the jitter can draw, in sequence, as long as the outage lasts.
    let fit = |first: Duration, cap: Duration| {
        let (mut pause, mut passed, mut count) = (first, Duration::ZERO, 0);
        while passed + pause / 2 < Duration::from_secs(OUTAGE) {
            passed += pause / 2;
            pause = (pause * 2).min(cap);
            count += 1;
        }
        count
    };
    // A source's exchange leaves no doubt in the store.
    let nothing_was_looked_at = fed || kind.retry_after.is_some() || matches!(kind.failing, Failing::Refuses);
    match when {
        // Nothing is in doubt, so each process has its own pauses.
        _ if nothing_was_looked_at => processes * (1 + fit(policy.first_pause, policy.longest_pause)) + 1,
        // The first, the early retry, and one when the token is over: the server has recovered by then.
        When::Ahead => 3,
        When::After => 3 + fit(policy.first_pause, policy.longest_pause),
    }
}

/// The whole trial: the outage, and then a token for every process without a login. `fed`: by a source.
pub(crate) fn run(kind: &Kind, transports: &[Transport], when: When, fed: bool) {
    let mut scene = Scene::new(kind.failing.clone(), fed);
    let mut callers = scene.callers(transports);
    for caller in &mut callers {
        caller.tell("token");
        assert_eq!(caller.reply(STUCK).unwrap(), format!("ok {}", scene.first));
    }
    let start = match when {
        When::Ahead => scene.end - 55,
        When::After => scene.end + 5,
    };
    scene.hand.set(start * 1000);

    let mut errors = vec![0; callers.len()];
    while scene.now() < start + OUTAGE {
        for (caller, errors) in callers.iter_mut().zip(&mut errors) {
            let (reply, waited) = scene.ask(caller);
            match when {
                When::Ahead => assert_eq!(reply, format!("ok {}", scene.first), "{}", caller.name),
                When::After => {
                    assert!(reply.starts_with("error "), "{}: {reply}", caller.name);
                    let lost = ["Lost", "Unknown", "Empty", "Record", "Store", "NotStored"];
                    let word = reply.split(' ').nth(1).unwrap();
                    assert!(!lost.contains(&word), "{}: {reply}", caller.name);
                    // The first caller waits for the early retry; after that, every caller is told at once.
                    let limit = Duration::from_millis(if *errors == 0 { 6000 } else { 2500 });
                    assert!(waited <= limit, "{}: a caller waited for {waited:?}: {reply}", caller.name);
                    *errors += 1;
                }
            }
        }
        scene.hand.advance(1000);
    }

    scene.gateway.recover();
    let well = scene.now();
    // By then, every pause of the policy is over.
    let by = well.max(scene.end) + 150;
    let mut tokens = vec![None; callers.len()];
    while tokens.iter().any(Option::is_none) {
        assert!(scene.now() < by, "no token after {} s in which the server was well", scene.now() - well);
        for (caller, token) in callers.iter_mut().zip(&mut tokens) {
            let (reply, _) = scene.ask(caller);
            match reply.strip_prefix("ok ") {
                Some(access) if access != scene.first => *token = Some(access.to_owned()),
                Some(_) => assert!(scene.now() < scene.end, "{}: it was given a token that is over", caller.name),
                None => assert!(scene.now() >= scene.end, "{}: {reply}, and the token was good", caller.name),
            }
        }
        scene.hand.advance(1000);
    }

    // All have the same new token; the refresh token was used once, and sent no more often than the policy allows.
    assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]), "{tokens:?}");
    let grant = if fed { VOUCHER } else { "refresh_token" };
    assert_eq!(scene.server.lock().unwrap().hits(grant).count(), 1);
    let sent = scene.gateway.tokens();
    assert!(sent.windows(2).all(|pair| pair[0] == pair[1]), "another token was sent");
    let seen = scene.gateway.seen();
    assert_eq!(sent.len(), if fed { 0 } else { seen });
    let most = most_requests(kind, when, callers.len(), fed);
    assert!(seen <= most, "{seen} requests, and the policy allows {most}");
}
