//! Go, for servers that are compiled here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::super::StartError;
use super::{ASK, Tool, install, missing, run, target};

/// A server that is a Go program of this project around a library of others.
pub(super) struct Go {
    /// The oldest Go that its `go.mod` allows: 1 and this.
    pub(super) oldest: u32,
    /// Build tags, with commas.
    pub(super) tags: &'static str,
    /// Whether it has parts in C.
    pub(super) c: bool,
}

/// From empty caches, on a machine that is busy compiling.
const BUILD: Duration = Duration::from_secs(1500);
const PROGRAM: &str = if cfg!(windows) { "peer.exe" } else { "peer" };
/// The words of Go for a module proxy that could not be reached.
const OFFLINE: [&str; 6] = [
    "no such host",
    "connection refused",
    "i/o timeout",
    "network is unreachable",
    "TLS handshake timeout",
    "module lookup disabled by GOPROXY=off",
];

impl Go {
    fn asks(&self, names: &[&str]) -> Result<String, StartError> {
        // The compiler that is there: it must not fetch another one.
        let answer = run(Command::new("go").arg("env").args(names).env("GOTOOLCHAIN", "local"), ASK)
            .map_err(|e| missing(format!("no Go (`go env`: {e})")))?;
        if answer.success { Ok(answer.out) } else { Err(StartError::Failed(format!("go env: {}", answer.err))) }
    }
}

impl Tool for Go {
    /// The program is made for one kind of machine.
    fn found(&self) -> Result<String, StartError> {
        let found = self.asks(&["GOVERSION", "GOOS", "GOARCH"])?;
        let version = found.lines().next().unwrap_or_default();
        let minor = version.trim_start_matches("go1.").split(|c: char| !c.is_ascii_digit()).next();
        if minor.and_then(|minor| minor.parse::<u32>().ok()).is_none_or(|minor| minor < self.oldest) {
            return Err(missing(format!("Go 1.{} or later is needed, and this is {version:?}", self.oldest)));
        }
        if self.c {
            let compiler = self.asks(&["CC"])?;
            let compiler = compiler.trim();
            run(Command::new(compiler).arg("--version"), ASK)
                .map_err(|e| missing(format!("no C compiler (`{compiler} --version`: {e})")))?;
        }
        Ok(found)
    }

    fn install(&self, fresh: &Path) -> Result<(), StartError> {
        let caches = target().join("peers").join("go");
        let mut go = Command::new("go");
        go.args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-tags", self.tags, "-o", PROGRAM, "."])
            .current_dir(fresh)
            .env("GOTOOLCHAIN", "local")
            .env("GOWORK", "off")
            // Nothing may change the lock. Who may remove the target folder may remove the cache, too.
            .env("GOFLAGS", "-mod=readonly -modcacherw")
            .env("GOMODCACHE", caches.join("modules"))
            .env("GOCACHE", caches.join("builds"))
            .env("CGO_ENABLED", if self.c { "1" } else { "0" });
        install("go", &mut go, BUILD, &OFFLINE)
    }

    fn program(&self, folder: &Path) -> PathBuf {
        folder.join(PROGRAM)
    }
}
