//! During attacks, a login takes as long as on a quiet day.

#[cfg(target_os = "linux")]
use std::io::BufRead as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use grantflow::Callback;
use grantflow_loopback::{Arrival, Settings};
use socket2::SockRef;

use crate::support::{Login, PATIENCE, hear, start, status};

/// How much longer than on a quiet day a login may take. A connection that a full queue refuses comes again after a
/// second; a visitor that is waited for goes after ten.
const SLACK: Duration = Duration::from_millis(500);
/// The same without a second try: less than the time of a visitor that is waited for.
const LONGEST: Duration = Duration::from_secs(5);

/// One kind of attack: it begins, and continues until the login ends.
type Attack = fn(&Login, &dyn Fn() -> bool);

/// How long a login takes during attacks, from the browser's first byte to the end of the last page. The attackers
/// start before the program waits, and the browser comes when each attack has begun.
fn time_of_login(attacks: &[Attack]) -> Duration {
    let (listener, pending, login) = start(Settings::new().grace(PATIENCE));
    let goes_on = Arc::new(AtomicBool::new(true));
    let (begun, has_begun) = channel();
    let attackers: Vec<_> = attacks
        .iter()
        .map(|attack| {
            let (attack, login, goes_on, begun) = (*attack, login.clone(), Arc::clone(&goes_on), begun.clone());
            thread::spawn(move || {
                attack(&login, &|| {
                    let _ = begun.send(());
                    goes_on.load(Ordering::SeqCst)
                });
            })
        })
        .collect();
    // Each attack has run at full strength once.
    for _ in 0..attacks.len() {
        has_begun.recv_timeout(Duration::from_secs(20)).unwrap();
    }
    let browser = thread::spawn(move || {
        let started = Instant::now();
        login.come_back();
        started.elapsed()
    });
    let Arrival { callback, page } = listener.wait(pending).unwrap();
    assert!(matches!(callback, Callback::Granted(_)), "{callback:?}");
    let took = browser.join().unwrap();
    assert!(page.finish(), "the browser has its page");
    goes_on.store(false, Ordering::SeqCst);
    for attacker in attackers {
        attacker.join().unwrap();
    }
    took
}

/// Five tries: the machine may do something else for a moment, and an overflowing queue then costs a second. A wait for
/// an attacker happens at every try.
fn compare(name: &str, attacks: &[Attack]) {
    // One attack at a time, because they would disturb each other.
    static MEASURING: Mutex<()> = Mutex::new(());
    let _measuring = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut measured = Vec::new();
    for _ in 0..5 {
        let (quiet, attacked) = (time_of_login(&[]), time_of_login(attacks));
        println!("{name}: {attacked:?}, and {quiet:?} on a quiet day");
        if attacked < quiet + SLACK {
            return;
        }
        measured.push((quiet, attacked));
    }
    panic!("{name}: a login takes longer than on a quiet day: {measured:?}");
}

/// Connects, if the listener still exists.
fn connect(login: &Login) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&login.v4(), Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    Some(stream)
}

fn say(login: &Login, text: &[u8]) -> Option<TcpStream> {
    let mut stream = connect(login)?;
    let _ = stream.write_all(text);
    Some(stream)
}

fn head(target: &str, more: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n")
}

/// 200 connections that send nothing and stay open.
fn silence(login: &Login, goes_on: &dyn Fn() -> bool) {
    hold(login, goes_on, 200);
}

/// More than there are places.
fn much_silence(login: &Login, goes_on: &dyn Fn() -> bool) {
    hold(login, goes_on, 400);
}

fn hold(login: &Login, goes_on: &dyn Fn() -> bool, many: usize) {
    let held: Vec<_> = (0..many).map(|_| connect(login)).collect();
    while goes_on() {
        thread::sleep(Duration::from_millis(5));
    }
    drop(held);
}

/// 200 connections that send a byte now and then, and new ones for those that were closed.
fn drips(login: &Login, goes_on: &dyn Fn() -> bool) {
    let mut held: Vec<_> = (0..200).filter_map(|_| say(login, b"GET /callback?code=")).collect();
    while goes_on() {
        for stream in &mut held {
            if stream.write_all(b"x").is_err()
                && let Some(new) = say(login, b"G")
            {
                *stream = new;
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Connections that are reset at once, in the middle of a request, and before the answer is read.
fn resets(login: &Login, goes_on: &dyn Fn() -> bool) {
    while goes_on() {
        for text in ["", "GET /callback?co", &head("/", ""), &head("/callback/done", "")] {
            for _ in 0..20 {
                let Some(stream) = say(login, text.as_bytes()) else { return };
                let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Complete requests as fast as one thread can send them, each with the right answer.
fn requests(login: &Login, goes_on: &dyn Fn() -> bool, text: &str, wanted: u16) {
    while goes_on() {
        let Some(stream) = say(login, text.as_bytes()) else { return };
        let answer = hear(stream);
        // Visitors that were sent away, or that came after the end, get nothing.
        assert!([0, wanted].contains(&status(&answer)), "{answer}");
    }
}

fn cookies(login: &Login, goes_on: &dyn Fn() -> bool) {
    let cookies = format!("Cookie: {}\r\n", "a=0123456789; ".repeat(20_000 / 14));
    requests(login, goes_on, &head("/callback?code=x&state=y", &cookies), 404);
}

fn hosts(login: &Login, goes_on: &dyn Fn() -> bool) {
    requests(login, goes_on, &head(&login.callback(), "").replace("localhost", "attacker.example"), 421);
}

fn forgeries(login: &Login, goes_on: &dyn Fn() -> bool) {
    requests(login, goes_on, &head("/callback?error=access_denied&state=forged", ""), 404);
}

fn pipelines(login: &Login, goes_on: &dyn Fn() -> bool) {
    requests(login, goes_on, &head("/callback?code=evil&state=forged", "").repeat(200), 404);
}

fn huge_heads(login: &Login, goes_on: &dyn Fn() -> bool) {
    requests(login, goes_on, &head("/", &format!("X: {}\r\n", "x".repeat(1024 * 1024))), 431);
}

fn greetings(login: &Login, goes_on: &dyn Fn() -> bool) {
    requests(login, goes_on, "\x16\x03\x01\x02\x00\x01\x00\x01", 400);
}

/// 200 complete requests whose answers are not read.
fn unread_answers(login: &Login, goes_on: &dyn Fn() -> bool) {
    let mut held = Vec::new();
    while goes_on() {
        if held.len() < 200 {
            held.push(say(login, head("/callback?code=evil&state=forged", "").as_bytes()));
        } else {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Connects and leaves, some thousand times a second. At higher rates the side with more processors wins.
fn connect_and_leave(login: &Login, goes_on: &dyn Fn() -> bool) {
    while goes_on() {
        for _ in 0..50 {
            let Some(stream) = connect(login) else { return };
            drop(stream);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn two_hundred_silent_connections_from_the_first_moment() {
    compare("silence", &[silence]);
}

#[test]
fn more_silent_connections_than_there_are_places() {
    compare("much silence", &[much_silence]);
}

#[test]
fn slow_drips() {
    compare("drips", &[drips]);
}

#[test]
fn resets_in_the_middle() {
    compare("resets", &[resets]);
}

#[test]
fn twenty_kilobytes_of_cookies() {
    compare("cookies", &[cookies]);
}

#[test]
fn another_host() {
    compare("hosts", &[hosts]);
}

#[test]
fn forged_states() {
    compare("forgeries", &[forgeries, forgeries]);
}

#[test]
fn requests_in_a_row() {
    compare("pipelines", &[pipelines]);
}

#[test]
fn heads_of_a_megabyte() {
    compare("huge heads", &[huge_heads]);
}

#[test]
fn tls_greetings() {
    compare("greetings", &[greetings]);
}

#[test]
fn visitors_who_do_not_listen() {
    compare("unread_answers", &[unread_answers]);
}

#[test]
fn visitors_who_leave_at_once() {
    compare("connect_and_leave", &[connect_and_leave]);
}

#[test]
fn all_of_them_at_once() {
    let all: [Attack; 8] = [silence, drips, resets, cookies, hosts, forgeries, huge_heads, unread_answers];
    compare("all", &all);
}

/// A browser opens connections in advance, and uses the oldest one later.
#[test]
fn a_connection_made_ahead_of_time_is_used_later() {
    let (listener, pending, login) = start(Settings::new().grace(PATIENCE));
    let browser = thread::spawn(move || {
        let [mut first, mut second, third] = [(); 3].map(|()| login.connect());
        let others: Vec<_> = (0..40).map(|_| login.connect()).collect();
        thread::sleep(Duration::from_millis(500));
        let started = Instant::now();
        first.write_all(head(&login.callback(), "").as_bytes()).unwrap();
        assert_eq!(status(&hear(first)), 303);
        second.write_all(head(&login.done(), "").as_bytes()).unwrap();
        assert_eq!(status(&hear(second)), 200);
        drop((third, others));
        started.elapsed()
    });
    let Arrival { callback, page } = listener.wait(pending).unwrap();
    assert!(matches!(callback, Callback::Granted(_)) && page.finish());
    let took = browser.join().unwrap();
    assert!(took < LONGEST, "{took:?}");
}

/// The callback comes in pieces, far apart, while others wait for a place.
#[test]
fn a_slow_browser_is_not_sent_away_for_a_few_others() {
    let (listener, pending, login) = start(Settings::new().grace(PATIENCE));
    let browser = thread::spawn(move || {
        let mut stream = login.connect();
        let mut others = Vec::new();
        for piece in head(&login.callback(), "").as_bytes().chunks(20) {
            stream.write_all(piece).unwrap();
            others.extend((0..5).map(|_| login.connect()));
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(status(&hear(stream)), 303);
        login.get(&login.done());
    });
    let Arrival { callback, page } = listener.wait(pending).unwrap();
    browser.join().unwrap();
    assert!(matches!(callback, Callback::Granted(_)) && page.finish());
}

/// A listener whose process has hardly any file descriptors: silent connections take them all.
#[cfg(target_os = "linux")]
#[test]
fn shortage_of_file_descriptors() {
    const INSIDE: &str = "GRANTFLOW_LOOPBACK_FEW_DESCRIPTORS";
    if std::env::var_os(INSIDE).is_some() {
        let (listener, pending, login) = start(Settings::new().grace(PATIENCE));
        println!("\nlogin {} {}", login.port, login.state);
        let Arrival { callback, page } = listener.wait(pending).unwrap();
        assert!(matches!(callback, Callback::Granted(_)) && page.finish());
        return;
    }
    let mut inside = std::process::Command::new("sh")
        .args(["-c", "ulimit -n 24; exec \"$0\" --exact attacks::shortage_of_file_descriptors --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(INSIDE, "1")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(inside.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.starts_with("login ")).expect("it starts");
    let [port, state] = line.split(' ').skip(1).collect::<Vec<_>>()[..] else { panic!("{line}") };
    let login = Login { port: port.parse().unwrap(), path: "/callback".to_owned(), state: state.to_owned() };

    let held: Vec<_> = (0..100).map(|_| login.connect()).collect();
    let started = Instant::now();
    login.come_back();
    // Each earlier one gets time for its request. A listener that sends no visitor away would wait ten seconds for
    // each.
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    drop(held);
    let said: Vec<_> = lines.collect();
    assert!(inside.wait().unwrap().success() && said.iter().any(|line| line.contains("1 passed")), "{said:?}");
    println!("want of file descriptors: {:?}", started.elapsed());
}
