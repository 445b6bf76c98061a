//! Installs the peer from npm, once, below the target folder.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use super::StartError;

const PACKAGE: &str = include_str!("../../peers/oidc-provider/package.json");
const LOCK: &str = include_str!("../../peers/oidc-provider/package-lock.json");
const SERVER: &str = include_str!("../../peers/oidc-provider/server.mjs");

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
/// The server uses what Node 20 has; the library itself asks for 22 and only warns on 20.
const OLDEST_NODE: u32 = 20;
const INSTALL: Duration = Duration::from_secs(180);

/// npm's codes for "the registry could not be reached": a property of the machine. All else, a wrong checksum above all, is a failure.
const OFFLINE: [&str; 7] =
    ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED"];

/// The folder to run `node server.mjs` in. Installs if that has not been done for this lock file.
pub(super) fn installed() -> Result<PathBuf, StartError> {
    // Tests of one process are threads: the first installs, the others wait. Tests of other processes are handled by the rename below.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);

    need_node()?;
    let peers = target().join("peers").join("oidc-provider");
    let folder = peers.join(key());
    if !folder.is_dir() {
        let fresh = peers.join(format!("unfinished-{}", process::id()));
        let result = install_into(&fresh).and_then(|()| publish(&fresh, &folder));
        if result.is_err() {
            let _ = fs::remove_dir_all(&fresh);
        }
        result?;
    }
    refresh(&folder.join("server.mjs"), SERVER).map_err(failed("server.mjs cannot be written"))?;
    Ok(folder)
}

fn need_node() -> Result<(), StartError> {
    let mut node = Command::new("node");
    node.arg("--version");
    let missing = |reason: String| StartError::Missing { reason };
    let answer =
        run(&mut node, Duration::from_secs(20)).map_err(|e| missing(format!("no Node.js (`node --version`: {e})")))?;
    let major = answer.out.trim().trim_start_matches('v').split('.').next().and_then(|n| n.parse::<u32>().ok());
    match major {
        Some(major) if answer.success && major >= OLDEST_NODE => Ok(()),
        _ => Err(missing(format!(
            "Node.js {OLDEST_NODE} or later is needed, and `node --version` says {:?}",
            answer.out.trim()
        ))),
    }
}

fn install_into(fresh: &Path) -> Result<(), StartError> {
    fs::create_dir_all(fresh)
        .and_then(|()| fs::write(fresh.join("package.json"), PACKAGE))
        .and_then(|()| fs::write(fresh.join("package-lock.json"), LOCK))
        .map_err(failed("the install folder cannot be written"))?;

    let mut npm = Command::new(NPM);
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(fresh);
    let answer = run(&mut npm, INSTALL).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => StartError::Missing { reason: "no npm".to_owned() },
        _ => StartError::Failed(format!("npm ci: {e}")),
    })?;
    if answer.success {
        Ok(())
    } else if let Some(code) = OFFLINE.iter().find(|code| answer.err.contains(**code)) {
        Err(StartError::Missing { reason: format!("npm cannot reach its registry ({code})") })
    } else {
        Err(StartError::Failed(format!("npm ci:\n{}", answer.err)))
    }
}

/// A folder under its final name is always a complete install, because a rename is all or nothing.
fn publish(fresh: &Path, folder: &Path) -> Result<(), StartError> {
    match fs::rename(fresh, folder) {
        // Another process was faster. Its install is as good as this one.
        Err(_) if folder.is_dir() => fs::remove_dir_all(fresh).map_err(failed("the spare install cannot be removed")),
        renamed => renamed.map_err(failed("the install cannot be moved into place")),
    }
}

/// Through a rename too: another process may be about to start the same file.
fn refresh(file: &Path, content: &str) -> io::Result<()> {
    if fs::read_to_string(file).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let fresh = file.with_extension(format!("mjs.{}", process::id()));
    fs::write(&fresh, content)?;
    fs::rename(&fresh, file)
}

fn failed(what: &'static str) -> impl Fn(io::Error) -> StartError {
    move |e| StartError::Failed(format!("{what}: {e}"))
}

/// Changes whenever what npm would install does.
fn key() -> String {
    let mut hasher = DefaultHasher::new();
    (PACKAGE, LOCK).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn target() -> PathBuf {
    // This package is <workspace>/tests.
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = package.parent().unwrap_or(package);
    // A relative CARGO_TARGET_DIR counts from where cargo was started, most often the workspace.
    workspace.join(env::var_os("CARGO_TARGET_DIR").as_deref().unwrap_or(OsStr::new("target")))
}

struct Answer {
    success: bool,
    out: String,
    err: String,
}

/// Runs a program to its end, or kills it at the deadline.
fn run(command: &mut Command, deadline: Duration) -> io::Result<Answer> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // Read while it runs: a full pipe would stop it.
    let out = child.stdout.take().map(reader);
    let err = child.stderr.take().map(reader);
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > deadline {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("not done after {deadline:?}")));
        }
        thread::sleep(Duration::from_millis(10));
    };
    let text = |reader: Option<thread::JoinHandle<String>>| reader.and_then(|r| r.join().ok()).unwrap_or_default();
    Ok(Answer { success: status.success(), out: text(out), err: text(err) })
}

fn reader(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before a read error is still worth showing.
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
