//! A wait ends, and the port is free afterwards.

use std::error::Error as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use grantflow::{Callback, NotOurs, ResponseMode};
use grantflow_loopback::{Arrival, Error, Listener, NoCallback, Settings};

use crate::support::{Login, PATIENCE, grant, meet, start, status};

fn assert_free(login: &Login) {
    for address in [login.v4(), login.v6()] {
        TcpListener::bind(address).unwrap_or_else(|error| panic!("{address} is not free: {error}"));
    }
}

#[test]
fn no_callback_comes_in_time() {
    // Enough for three requests, even on a busy machine.
    let patience = Duration::from_secs(3);
    let listener = Settings::new().patience(patience).bind().unwrap();
    let (pending, login) = grant(&listener, ResponseMode::Query);
    let started = Instant::now();
    let browser = {
        let login = login.clone();
        thread::spawn(move || {
            for target in ["/favicon.ico", "/callback?code=evil", "/callback?code=evil&state=forged"] {
                assert_eq!(status(&login.get(target)), 404);
            }
        })
    };
    let NoCallback { error, pending } = listener.wait(pending).unwrap_err();
    assert!((patience..PATIENCE).contains(&started.elapsed()), "{:?}", started.elapsed());
    browser.join().unwrap();
    assert!(matches!(error, Error::Late { strays: 2, last: Some(NotOurs::WrongState), .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("3s") && text.contains("2 callbacks") && text.contains("its state is another one"), "{text}");
    assert_free(&login);
    // The person may still paste the address.
    let pasted = format!("http://127.0.0.1:{}{}", login.port, login.callback());
    assert!(matches!(pending.receive_url(&pasted), Callback::Granted(_)));
}

#[test]
fn any_patience_will_do() {
    let listener = Settings::new().patience(Duration::ZERO).bind().unwrap();
    let (pending, _) = grant(&listener, ResponseMode::Query);
    assert!(matches!(listener.wait(pending).unwrap_err().error, Error::Late { strays: 0, last: None, .. }));

    let endless = Settings::new().patience(Duration::MAX).visit(Duration::MAX).grace(Duration::MAX);
    let listener = endless.bind().unwrap();
    let (pending, login) = grant(&listener, ResponseMode::Query);
    let browser = thread::spawn(move || login.come_back());
    let Arrival { callback, page } = listener.wait(pending).unwrap();
    browser.join().unwrap();
    assert!(matches!(callback, Callback::Granted(_)) && page.finish());
}

#[test]
fn visits_of_no_time_at_all_are_no_panic() {
    let listener = Settings::new().visit(Duration::ZERO).patience(Duration::from_millis(200)).bind().unwrap();
    let (pending, login) = grant(&listener, ResponseMode::Query);
    let browser = thread::spawn(move || login.get(&login.callback()));
    assert!(matches!(listener.wait(pending).unwrap_err().error, Error::Late { .. }));
    browser.join().unwrap();
}

#[test]
fn it_stops_when_it_is_told_to() {
    let (listener, pending, login) = start(Settings::new());
    let stop = listener.stop();
    let silent: Vec<TcpStream> = (0..70).map(|_| login.connect()).collect();
    let started = Instant::now();
    let stopper = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        stop.stop();
        stop.clone().stop();
    });
    let NoCallback { error, pending } = listener.wait(pending).unwrap_err();
    assert!(matches!(error, Error::Stopped), "{error:?}");
    assert!((Duration::from_millis(200)..PATIENCE).contains(&started.elapsed()), "{:?}", started.elapsed());
    stopper.join().unwrap();
    assert_free(&login);
    drop(silent);
    let pasted = format!("http://127.0.0.1:{}{}", login.port, login.callback());
    assert!(matches!(pending.receive_url(&pasted), Callback::Granted(_)));
}

#[test]
fn it_can_be_stopped_before_it_waits_and_after_the_callback() {
    let (listener, pending, login) = start(Settings::new());
    listener.stop().stop();
    assert!(matches!(listener.wait(pending).unwrap_err().error, Error::Stopped));
    assert_free(&login);

    let (listener, pending, login) = start(Settings::new().grace(Duration::from_secs(30)));
    let (stop, started) = (listener.stop(), Instant::now());
    let callback = login.clone();
    let browser = thread::spawn(move || callback.get(&callback.callback()));
    let arrival = listener.wait(pending).unwrap();
    browser.join().unwrap();
    stop.stop();
    assert!(!arrival.page.finish());
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    assert_free(&login);
}

#[test]
fn a_listener_that_is_dropped_gives_its_port_back() {
    let (listener, _, login) = start(Settings::new());
    let silent = login.connect();
    drop(listener);
    assert_free(&login);
    drop(silent);
}

#[test]
fn the_port_is_free_once_the_page_is_shown_though_it_is_kept() {
    let (listener, pending, login) = start(Settings::new().grace(Duration::from_secs(30)));
    let browser = login.clone();
    let browser = thread::spawn(move || browser.come_back());
    let arrival = listener.wait(pending).unwrap();
    browser.join().unwrap();
    let until = Instant::now() + PATIENCE;
    while TcpListener::bind(login.v4()).is_err() {
        assert!(Instant::now() < until, "it is not free");
        thread::sleep(Duration::from_millis(10));
    }
    assert!(arrival.page.finish());
}

#[test]
fn one_port_serves_one_login_after_the_other() {
    let port = {
        let (_listener, _, login) = start(Settings::new());
        login.port
    };
    for _ in 0..5 {
        meet(Settings::new().port(port), move |login| assert_eq!(login.port, port));
    }
}

#[test]
fn a_port_that_is_taken_is_a_clear_error() {
    let (_first, _, login) = start(Settings::new());
    let error = Settings::new().port(login.port).bind().unwrap_err();
    assert!(matches!(error, Error::Taken { port } if port == login.port), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&login.port.to_string()) && text.contains("another port"), "{text}");
}

#[test]
fn no_other_address_of_this_machine_is_listened_at() {
    let (_listener, _, login) = start(Settings::new());
    // The address by which this machine would reach others; nothing is sent.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let others =
        ["127.0.0.2".parse().ok(), socket.connect("192.0.2.1:9").ok().and(socket.local_addr().ok()).map(|a| a.ip())];
    for ip in others.into_iter().flatten().filter(|ip| !ip.is_unspecified()) {
        let address = SocketAddr::new(ip, login.port);
        assert!(TcpStream::connect_timeout(&address, Duration::from_millis(300)).is_err(), "{address} answers");
    }
}

#[test]
fn a_path_that_makes_no_redirect_uri_is_refused() {
    for path in ["callback", "", "/a/../b"] {
        assert!(matches!(Settings::new().path(path).bind(), Err(Error::Path)), "{path}");
    }
    for path in ["/a b", "/a#b", "/a?state=b", "/é"] {
        let error = Settings::new().path(path).bind().unwrap_err();
        assert!(matches!(error, Error::RedirectUri(_)) && error.source().is_some(), "{path}: {error:?}");
    }
}

#[test]
fn nothing_that_is_printed_holds_a_secret() {
    let (listener, pending, login) = start(Settings::new());
    let mut printed = format!("{listener:?} {:?} {:?}", listener.stop(), Settings::new());
    let visitor = login.clone();
    let browser = thread::spawn(move || {
        visitor.get(&format!("/callback?code=c0de-forged&state={}x", visitor.state));
        visitor.get(&visitor.callback());
    });
    let arrival = listener.wait(pending).unwrap();
    browser.join().unwrap();
    printed += &format!("{arrival:?}");

    let listener = Settings::new().patience(Duration::from_secs(1)).bind().unwrap();
    let (pending, late) = grant(&listener, ResponseMode::Query);
    let visitor = late.clone();
    let browser = thread::spawn(move || visitor.get("/callback?code=c0de-forged&state=forged"));
    let none: NoCallback = listener.wait(pending).unwrap_err();
    let _ = browser.join();
    printed += &format!("{none:?} {none}");
    assert!(
        !printed.contains("c0de") && !printed.contains(&login.state) && !printed.contains(&late.state),
        "{printed}"
    );
}

#[test]
fn a_listener_may_wait_on_another_thread() {
    fn sendable<T: Send>() {}
    sendable::<Listener>();
    sendable::<Arrival>();
    sendable::<NoCallback>();
}
