//! npm, for servers in JavaScript.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::StartError;
use super::{ASK, INSTALL, Tool, install, missing, run};

/// Servers in JavaScript.
pub(super) struct Npm {
    /// The oldest Node.js that runs the server.
    pub(super) oldest: u32,
    /// A Node.js that npm installs where this machine's is too old: the program, below the install. It is an optional
    /// dependency in the lock.
    pub(super) bundled: Option<&'static str>,
}

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
/// npm's codes for "the registry could not be reached".
const OFFLINE: [&str; 7] =
    ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED"];

/// The bundled one is for this kind of machine.
const BUNDLED_RUNS: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

impl Npm {
    /// The major version of this machine's Node.js, and what it says of itself.
    fn node() -> Result<(u32, String), StartError> {
        let answer = run(Command::new("node").arg("--version"), ASK)
            .map_err(|e| missing(format!("no Node.js (`node --version`: {e})")))?;
        let text = answer.out.trim().to_owned();
        let major = text.trim_start_matches('v').split('.').next().and_then(|n| n.parse::<u32>().ok());
        Ok((major.filter(|_| answer.success).unwrap_or_default(), text))
    }
}

impl Tool for Npm {
    /// The libraries are plain JavaScript: any Node.js that is new enough runs the same install.
    fn found(&self) -> Result<String, StartError> {
        match Self::node()? {
            (major, _) if major >= self.oldest => Ok(String::new()),
            // npm itself needs one.
            (1.., _) if self.bundled.is_some() && BUNDLED_RUNS => Ok("bundled".to_owned()),
            (_, text) => {
                let oldest = self.oldest;
                Err(missing(format!("Node.js {oldest} or later is needed, and `node --version` says {text:?}")))
            }
        }
    }

    fn install(&self, fresh: &Path) -> Result<(), StartError> {
        let mut npm = Command::new(NPM);
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(fresh);
        if self.bundled.is_some() && self.found()?.is_empty() {
            npm.arg("--omit=optional");
        }
        install("npm", &mut npm, INSTALL, &OFFLINE)
    }

    fn program(&self, folder: &Path) -> PathBuf {
        let bundled = self.bundled.map(|path| folder.join(path)).filter(|path| path.is_file());
        bundled.unwrap_or_else(|| "node".into())
    }
}
