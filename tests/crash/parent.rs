//! The process that kills, and what it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use grantflow::{Authorization, Callback, Env, Exchange as _, Redirect, Step, Tokens};
use grantflow_session::{FileStore, SessionError, Store as _};
use grantflow_testkit::{Client, Loopback, Server};
use grantflow_tests::world::{ID, Kept, REDIRECT_URI, SECRET, key};
use grantflow_ureq::SysRng;

use crate::child::Orders;

/// What a server does with a refresh token that it has seen before, and what the policy does.
pub(crate) struct Kind {
    name: &'static str,
    grace: u64,
    heals: bool,
}

/// The server revokes everything, so the policy never sends a token again.
pub(crate) const CAREFUL: Kind = Kind { name: "strict server, never again", grace: 0, heals: false };
/// The server revokes everything, and the policy still asks: a token that the server has not seen heals.
pub(crate) const STRICT: Kind = Kind { name: "strict server, heals", grace: 0, heals: true };
/// The server answers once more: everything heals.
pub(crate) const FORGIVING: Kind = Kind { name: "forgiving server, heals", grace: 1_000_000, heals: true };

fn knob(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

struct Scene {
    loopback: Loopback,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new(kind: &Kind) -> Self {
        let loopback = Loopback::start(|base| {
            let mut server = Server::new(base);
            server.register(Client::confidential(ID, SECRET).redirect_uri(REDIRECT_URI).scope("read"));
            server.knobs().refresh_grace = kind.grace;
            server
        })
        .unwrap();
        loopback.follow_system_clock(true);
        Self { loopback, folder: tempfile::tempdir().unwrap() }
    }

    fn orders(&self, kind: &Kind, renewals: usize) -> Orders {
        Orders {
            folder: self.folder.path().join("grants").to_str().unwrap().to_owned(),
            token_url: self.loopback.server().token_url(),
            heals: kind.heals,
            renewals,
        }
    }

    fn spawn(&self, orders: &Orders) -> (Child, Receiver<String>) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        orders.give(&mut command);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (lines, said) = channel();
        std::thread::spawn(move || {
            // A line that the kill cut was not printed.
            for line in out.split(b'\n').map_while(Result::ok) {
                let _ = lines.send(String::from_utf8(line).unwrap());
            }
        });
        (child, said)
    }

    /// A person logs in.
    fn login(&self, orders: &Orders) {
        let authorize = self.loopback.server().authorize_url();
        let server = grantflow::Server::new(&authorize, &orders.token_url).unwrap();
        let client = server.client(ID).secret_post(SECRET).unwrap();
        let mut rng = SysRng;
        let mut env = Env::new(grantflow_ureq::now(), &mut rng);
        let authorization = Authorization::new(&client, REDIRECT_URI).unwrap().scope("read").unwrap();
        let Redirect { url, pending } = authorization.start(&mut env).unwrap();
        let callback = self.loopback.server().visit(url.as_str()).unwrap();
        let Callback::Granted(exchange) = pending.receive_url(&callback.url) else { panic!("not granted") };
        let answer = self.loopback.server().handle(&exchange.request(&mut env).unwrap());
        let Step::Done(tokens) = exchange.respond(&mut env, answer).unwrap() else { panic!("this flow has one step") };
        let _: &Tokens = &tokens;
        orders.session().prime_blocking(tokens).unwrap();
    }

    fn kept(&self, orders: &Orders) -> Kept {
        let store = FileStore::open(&orders.folder).unwrap();
        Kept::of(&pollster::block_on(store.load(&key())).unwrap().expect("a grant").value)
    }

    /// For each refresh token: how many requests the server has seen, and how many it has refused.
    fn seen(&self) -> BTreeMap<String, (u32, u32)> {
        let mut seen = BTreeMap::new();
        for hit in self.loopback.server().hits("refresh_token") {
            let (sent, refused) = seen.entry(hit.parameter("refresh_token").unwrap().to_owned()).or_insert((0, 0));
            *sent += 1;
            *refused += u32::from(!hit.issued);
        }
        seen
    }
}

/// The same in every run, as far as kills allow.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

pub(crate) fn killed(kind: &Kind) {
    let kills = knob("GRANTFLOW_CRASHES", 40);
    let scene = Scene::new(kind);
    let orders = scene.orders(kind, usize::MAX);
    scene.login(&orders);
    let mut dice = Dice(7);
    let mut said: Vec<String> = Vec::new();
    let mut found = Found::default();
    // The refresh tokens whose answer was lost by a kill.
    let mut in_doubt = BTreeSet::new();
    // The refresh token that the store has in doubt.
    let mut doubt: Option<String> = None;
    for _ in 0..kills {
        let (mut child, lines) = scene.spawn(&orders);
        let mut new = Vec::new();
        // After this many tokens, and a part of the next rotation.
        for _ in 0..dice.below(3) {
            new.extend(lines.recv());
        }
        std::thread::sleep(Duration::from_micros(dice.below(30_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        new.extend(lines.iter());

        let kept = scene.kept(&orders);
        let seen = scene.seen();
        let refresh = kept.refresh.clone().unwrap();
        let (sent, refused) = seen.get(&refresh).copied().unwrap_or_default();
        // The store knows of every request that the server has seen.
        assert!(kept.sent >= sent || kept.lost, "{sent} were seen, and the store knows of {}", kept.sent);
        assert!(!kept.lost || refused > 0, "lost, and the server has not refused it");
        // A token that is sent again was in doubt.
        let replayed = seen.iter().filter(|(_, (sent, _))| *sent > 1);
        assert!(replayed.into_iter().all(|(token, _)| kind.heals && in_doubt.contains(token)), "{seen:?}");

        if doubt.take_if(|token| *token != refresh).is_some() {
            found.healed += 1;
        }
        let mut again = false;
        for line in &new {
            match line.split_once(' ') {
                Some(("token", token)) => said.push(token.to_owned()),
                _ if line == "unknown" => {
                    assert!(kept.sent > 0 && !kind.heals, "unknown, and the store does not say so");
                    found.unknown += 1;
                    again = true;
                }
                _ if line == "lost" => {
                    assert!(kept.lost);
                    found.lost += 1;
                    again = true;
                }
                _ => panic!("{line}"),
            }
        }
        // A process stores a token before it prints it: the store holds that token, or one that was not printed yet.
        let told = said.iter().rposition(|token| *token == kept.access);
        assert!(told.is_none_or(|at| at + 1 == said.len()), "the store fell back");
        if kept.sent > 0 && in_doubt.insert(refresh.clone()) {
            found.marked += 1;
            doubt = Some(refresh);
        }
        if again {
            // The person logs in when asked to.
            scene.login(&orders);
            doubt = None;
        }
    }
    let seen = scene.seen();
    let replays = seen.values().filter(|(sent, _)| *sent > 1).count();
    let refused: u32 = seen.values().map(|(_, refused)| refused).sum();
    let Found { marked, healed, unknown, lost } = found;
    println!(
        "{}: {kills} kills, {} rotations, {marked} grants in doubt, {healed} healed, {lost} lost by verdict, {unknown} given up, \
         {replays} tokens sent again, {refused} refused",
        kind.name,
        seen.len()
    );
    let strict = kind.grace == 0;
    assert!(refused == 0 && lost == 0 || strict && kind.heals, "there was nothing to refuse");
    assert!(unknown == 0 || !kind.heals, "a grant was given up for lack of an answer");
    // The last process finds a usable grant, or knows that it is not.
    let kept = scene.kept(&orders);
    match orders.session().token_blocking() {
        Ok(_) => {}
        Err(SessionError::Unknown { .. }) => assert!(kept.sent > 0 && !kind.heals),
        Err(SessionError::Lost { .. }) => assert!(strict && kind.heals),
        Err(error) => panic!("{error:?}"),
    }
}

#[derive(Default)]
struct Found {
    /// Grants that a kill left in doubt.
    marked: u32,
    /// Of these, the ones that a later process renewed without a login.
    healed: u32,
    unknown: u32,
    lost: u32,
}

pub(crate) fn share() {
    let rotations = knob("GRANTFLOW_ROTATIONS", 200);
    let scene = Scene::new(&CAREFUL);
    let orders = scene.orders(&CAREFUL, rotations / 2);
    scene.login(&orders);
    let start = std::time::Instant::now();
    let children: Vec<_> = (0..2).map(|_| scene.spawn(&orders)).collect();
    let mut told = BTreeSet::new();
    for (mut child, lines) in children {
        let said: Vec<String> = lines.iter().collect();
        assert!(child.wait().unwrap().success());
        let (last, tokens) = said.split_last().unwrap();
        assert_eq!(last, "done", "{said:?}");
        told.extend(tokens.iter().map(|line| line.strip_prefix("token ").unwrap().to_owned()));
    }
    let took = start.elapsed();
    let seen = scene.seen();
    let kept = scene.kept(&orders);
    println!("{} rotations by two processes in {took:?}, {} tokens given out", seen.len(), told.len());
    assert_eq!(seen.len(), 2 * (rotations / 2), "a rotation was lost, or was one too many");
    assert!(seen.values().all(|seen| *seen == (1, 0)), "a refresh token was sent twice");
    // The first token is a login's; the last one of all was stored, and perhaps not used any more.
    assert!(told.len() + 2 >= seen.len() && told.len() <= seen.len() + 1, "{} {}", told.len(), seen.len());
    assert_eq!((kept.sent, kept.lost), (0, false));
    assert!(!seen.contains_key(&kept.refresh.unwrap()));
}
