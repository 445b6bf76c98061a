//! What the core may not touch: sockets, files, clocks, threads, runtimes.

use std::collections::BTreeSet;

use crate::read;
use crate::source::{code, paths, words};

/// Modules of std that the core may not name, and whose business they are.
pub(crate) const BANNED_MODULES: [(&str, &str); 9] = [
    ("net", "sockets are an adapter's"),
    ("fs", "files are the caller's"),
    ("env", "configuration comes in as values"),
    ("process", "the core starts nothing"),
    ("thread", "the core has no threads"),
    ("time", "time comes in with Env; Duration is core's"),
    ("io", "the core talks to nobody"),
    ("os", "it has sockets and files too, and is another on every system"),
    ("*", "it would bring in all of these"),
];

/// Words that the core may not use.
pub(crate) const BANNED_WORDS: [(&str, &str); 8] = [
    ("tokio", "the core knows no runtime"),
    ("async", "the core has no colour"),
    ("await", "the core has no colour"),
    ("println!", "the core talks to nobody"),
    ("print!", "the core talks to nobody"),
    ("eprintln!", "the core talks to nobody"),
    ("eprint!", "the core talks to nobody"),
    ("dbg!", "the core talks to nobody"),
];

/// What of the outside world the code names, and why it may not.
pub(crate) fn outside_world(code: &str) -> Vec<String> {
    let modules = paths(code).into_iter().filter_map(|path| {
        let name = path.split("::").nth(1)?;
        let (_, why) = BANNED_MODULES.iter().find(|(banned, _)| path.starts_with("std::") && *banned == name)?;
        Some(format!("{path}: {why}"))
    });
    let words = words(code).into_iter().filter_map(|word| {
        let (_, why) = BANNED_WORDS.iter().find(|(banned, _)| *banned == word)?;
        Some(format!("{word}: {why}"))
    });
    modules.chain(words).collect()
}

#[test]
fn clippy_bans_what_a_banned_module_is_for() {
    // What clippy knows by its full path is found under any other name, too, and told where it is written.
    let bans = read("crates/grantflow/clippy.toml");
    for (module, _) in BANNED_MODULES.iter().filter(|(module, _)| *module != "*") {
        assert!(bans.contains(&format!("\"std::{module}::")), "nothing of std::{module} is banned");
    }
    let banned: Vec<&str> = bans.split("path = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for path in [
        "std::env::vars",
        "std::env::args_os",
        "std::env::current_dir",
        "std::fs::OpenOptions",
        "std::fs::remove_file",
        "std::os::unix::net::UnixStream",
        "std::process::Command",
    ] {
        assert!(banned.contains(&path), "{path} is not banned");
    }
    assert_eq!(banned.iter().collect::<BTreeSet<_>>().len(), banned.len(), "something is banned twice");
}

#[test]
fn what_the_core_may_not_touch_is_seen() {
    for text in [
        "use std::net::TcpStream;",
        "use std::{borrow::Cow, fs::{self, File}};",
        "::std::env::var(x)",
        "std::os::unix::net::UnixStream::connect(x)",
        "use std::os::fd::AsRawFd;",
        "use std::time::Duration;",
        "use std::*;",
        "use std as s;",
        "fn f() { if x { std::fs::read(x) } }",
        "async fn f() {}",
        "x.await",
        "tokio::spawn(x)",
        "println!()",
        "dbg!(x)",
    ] {
        assert!(!outside_world(&code(text)).is_empty(), "{text}");
    }
    let fine =
        "use core::time::Duration;\nuse std::sync::Arc;\n// std::fs, println!\nlet io = \"std::io, tokio\"; a != b";
    assert_eq!(outside_world(&code(fine)), [""; 0]);
}
